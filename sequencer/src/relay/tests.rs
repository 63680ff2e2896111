use alloy_primitives::{Address, U256};

use super::*;

const CHAIN: u64 = 7901;

fn messages(from: u64, count: u64, gas_limit: u64) -> Vec<Message> {
    let message = |index| Message {
        src_chain_id: 7900,
        dst_chain_id: CHAIN,
        index,
        sender: Address::repeat_byte(1),
        to: Address::repeat_byte(2),
        value: U256::from(3),
        fee: U256::from(4),
        gas_limit,
        data: Bytes::from(vec![5; 100]),
    };
    (from..from + count).map(message).collect()
}

fn chain(messages: &[Message]) -> InboxChain {
    messages.iter().fold(InboxChain::default(), |mut chain, message| {
        chain.push(message.leaf());
        chain
    })
}

const AMPLE: Budget = Budget { gas: 12_000_000, bytes: 50_000, messages: 256 };

fn inbox(all: &[Message], consumed: usize, named: u64) -> Inbox<'_> {
    Inbox { chain_id: CHAIN, consumed: chain(&all[..consumed]), named, pending: &all[consumed..] }
}

#[test]
fn an_empty_inbox_is_named_as_it_is() {
    let all = messages(0, 3, 100_000);
    let plan = plan(&inbox(&all, 3, 3), &AMPLE).unwrap();
    assert_eq!(plan, Plan { inbox: chain(&all), relay: None, wanted_gas: 0 });
}

#[test]
fn everything_is_consumed_when_it_fits() {
    let all = messages(0, 5, 100_000);
    let plan = plan(&inbox(&all, 2, 2), &AMPLE).unwrap();
    assert_eq!(plan.inbox, chain(&all));
    let relay = plan.relay.unwrap();
    assert_eq!(relay.messages, all[2..]);
    assert!(relay.tail.is_empty());
    assert_eq!(relay.gas_limit, plan.wanted_gas);
    // 64/63 of each call and the overhead that Hub made the sender pay for cover it.
    assert!(
        (3 * 350_000..3 * (100_000 * 64 / 63 + 400_000 + 64 * 100)).contains(&relay.gas_limit),
        "{}",
        relay.gas_limit
    );
}

#[test]
fn gas_bytes_and_count_cut_the_prefix() {
    let all = messages(1, 300, 100_000);
    let of = |budget: Budget| {
        let start = InboxChain { count: 1, hash: B256::repeat_byte(9) };
        let inbox = Inbox { chain_id: CHAIN, consumed: start, named: 1, pending: &all };
        let plan = plan(&inbox, &budget).unwrap();
        let taken = plan.relay.as_ref().map_or(0, |relay| relay.messages.len());
        assert_eq!(plan.inbox.count, 1 + taken as u64);
        assert_eq!(plan.inbox, start.extend(&all[..taken].iter().map(Message::leaf).collect::<Vec<_>>()));
        assert!(plan.relay.is_none_or(|relay| relay.gas_limit <= budget.gas));
        assert!(plan.wanted_gas > 300 * 350_000);
        taken
    };
    assert_eq!(of(Budget { gas: 1_000_000, ..AMPLE }), 2);
    assert_eq!(of(Budget { gas: 100_000, ..AMPLE }), 0);
    assert_eq!(of(Budget { bytes: FIXED_BYTES + 3 * (MESSAGE_BYTES + 128) + 1, ..AMPLE }), 3);
    assert_eq!(of(Budget { messages: 4, ..AMPLE }), 4);
    assert_eq!(of(Budget { gas: u64::MAX, bytes: usize::MAX, messages: usize::MAX }), 256);
}

#[test]
fn what_was_named_but_not_consumed_goes_along_as_tail() {
    let all = messages(0, 6, 100_000);
    let small = Budget { messages: 2, ..AMPLE };
    let plan = plan(&inbox(&all, 1, 5), &small).unwrap();
    // The count stays at five: it cannot go back to three.
    assert_eq!(plan.inbox, chain(&all[..5]));
    let relay = plan.relay.unwrap();
    assert_eq!(relay.messages, all[1..3]);
    assert_eq!(relay.tail, all[3..5].iter().map(Message::leaf).collect::<Vec<_>>());
    let nothing = super::plan(&inbox(&all, 1, 5), &Budget { messages: 0, ..AMPLE }).unwrap();
    assert_eq!((nothing.inbox, nothing.relay), (chain(&all[..5]), None));
}

#[test]
fn a_message_of_the_doors_greatest_gas_fits_a_block_of_the_greatest_limit() {
    // Hub: gasLimit <= (gasLimitMax - 400,000 - 64 * data) * 63 / 64.
    let max = 12_000_000;
    for data in [0, 16_384] {
        let mut all = messages(1, 1, (max - 400_000 - 64 * data) * 63 / 64);
        all[0].data = Bytes::from(vec![1; data as usize]);
        let consumed = InboxChain { count: 1, hash: B256::ZERO };
        let inbox = Inbox { chain_id: CHAIN, consumed, named: 1, pending: &all };
        assert!(plan(&inbox, &Budget { gas: max, ..AMPLE }).unwrap().relay.is_some(), "{data} bytes");
    }
}

#[test]
fn a_wrong_view_of_the_inbox_is_an_error() {
    let all = messages(0, 4, 1);
    let error = |inbox: &Inbox<'_>| plan(inbox, &AMPLE).unwrap_err();
    let gap = Inbox { pending: &all[2..], ..inbox(&all, 1, 1) };
    assert_eq!(error(&gap), RelayError::Gap { have: 2, want: 1 });
    assert_eq!(
        error(&Inbox { chain_id: 1, ..inbox(&all, 0, 0) }),
        RelayError::WrongChain { index: 0, chain_id: CHAIN }
    );
    assert_eq!(error(&inbox(&all, 0, 5)), RelayError::Behind { named: 5, known: 4 });
    assert_eq!(error(&inbox(&all, 2, 1)), RelayError::CursorAhead { consumed: 2, named: 1 });
    let mut long = messages(0, 1, 1);
    long[0].data = Bytes::from(vec![0; MAX_MESSAGE_DATA + 1]);
    assert_eq!(error(&inbox(&long, 0, 0)), RelayError::TooLong { index: 0, len: MAX_MESSAGE_DATA + 1 });
}

#[test]
fn no_gas_limit_is_too_large_to_be_counted() {
    let all = messages(0, 3, u64::MAX);
    let plan = plan(&inbox(&all, 0, 0), &AMPLE).unwrap();
    assert_eq!((plan.relay, plan.wanted_gas), (None, u64::MAX));
}

#[test]
fn calldata_has_the_length_that_was_budgeted() {
    let all = messages(0, 3, 100_000);
    let plan = plan(&inbox(&all, 0, 3), &Budget { messages: 2, ..AMPLE }).unwrap();
    let relay = plan.relay.unwrap();
    let anchor = Anchor { chain_id: CHAIN, inbox_count: 3, inbox_hash: plan.inbox.hash, ..Anchor::default() };
    assert_eq!(relay.calldata(&anchor, 12).len(), FIXED_BYTES + 2 * (MESSAGE_BYTES + 128) + 32);
}
