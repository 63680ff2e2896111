//! Hub against hostile landings: the real contracts, the real EXECUTE and the real point evaluation on our own L1. Every
//! refusal is seen twice, by a call that says why and by a transaction that moves nothing.

use crate::world::{FIXED, Landing, Rollup, World, l1, sidecar, signer};
use alloy_eips::eip4844::{AsCkzg, Blob};
use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256, bytes};
use alloy_sol_types::SolEvent;
use basalt_node::{
    deploy::{DeployError, deploy},
    production::consumed,
};
use bridge::{
    abi::{self, Hub, Hub::HubErrors as E, Messenger, OutboxProof},
    anchor::prev_randao,
    blob,
    execute::Requests,
    message::{InboxChain, Message},
    opening::{self, Kzg},
    outbox::Outbox,
};
use chainspec::{
    dev::{self, ACCOUNTS},
    predeploys::{MESSENGER, REQUEST_CONTRACTS},
};
use execution::trie;
use sequencer::relay::{self, Budget, Inbox};
use std::{collections::BTreeSet, time::Duration};

const ETHER: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// `refused!(world, rollup, landing, pattern)`: Hub says exactly this, and its record does not move.
macro_rules! refused {
    ($world:expr, $rollup:expr, $landing:expr, $pattern:pat $(if $guard:expr)?) => {{
        let landing: Landing = $landing;
        let answer = $world.refused($rollup.chain_id(), &landing).await;
        assert!(matches!(&answer, $pattern $(if $guard)?), "expected {}, Hub said {answer:?}", stringify!($pattern));
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_does_not_continue_the_head_is_refused_by_name_and_the_good_one_still_lands() {
    let (world, mut rollup) = World::start(FIXED).await;
    let draft = world.block(&rollup, &rollup.transfers(2)).await;
    assert_eq!(draft.input.payload.transactions.len(), 2);
    let good = draft.input.payload.clone();

    refused!(world, rollup, draft.with(|l| l.bytes[1] ^= 1), E::WrongSchema(e) if e.schemaId == 0x1500);
    refused!(world, rollup, draft.with_input(|i| i.chain_id += 7), E::UnknownRollup(e) if e.chainId == 7908);
    refused!(world, rollup, draft.with_input(|i| i.payload.parent_hash.0[31] ^= 1),
        E::WrongParent(e) if e.head == good.parent_hash && e.given != e.head);
    for number in [0, 2, u64::MAX] {
        refused!(world, rollup, draft.with_input(|i| i.payload.block_number = number),
            E::WrongNumber(e) if (e.expected, e.given) == (1, number));
    }
    let future = good.timestamp + 1_000;
    refused!(world, rollup, draft.with_input(|i| i.payload.timestamp = future),
        E::TimestampInFuture(e) if e.given == future);
    for gas_limit in [0, 2_999_999, 14_000_001, u64::MAX] {
        refused!(world, rollup, draft.with_input(|i| i.payload.gas_limit = gas_limit),
            E::GasLimitOutOfRange(e) if (e.given, e.min, e.max) == (gas_limit, 3_000_000, 14_000_000));
    }
    refused!(world, rollup, draft.with_input(|i| i.payload.slot_number = 2),
        E::WrongSlotNumber(e) if (e.expected, e.given) == (1, 2));
    refused!(world, rollup, draft.with_input(|i| i.payload.base_fee_per_gas = 1 << 56), E::BaseFeeTooHigh(_));
    refused!(world, rollup, draft.with_input(|i| i.versioned_hashes.push(B256::ZERO)), E::VersionedHashesNotEmpty(_));
    refused!(world, rollup, draft.with_input(|i| i.payload.prev_randao.0[0] ^= 1),
        E::WrongPrevRandao(e) if e.expected == prev_randao(draft.anchor.origin_hash, 1));
    refused!(world, rollup, draft.with_input(|i| i.parent_beacon_block_root.0[0] ^= 1),
        E::WrongAnchor(e) if e.expected == draft.anchor.hash());

    world.land(&mut rollup, &draft).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_second_spelling_of_an_input_is_refused_with_its_position() {
    let (world, mut rollup) = World::start(FIXED).await;
    let draft = world.block(&rollup, &rollup.transfers(2)).await;
    let u32_at = |at: usize| u32::from_le_bytes(draft.landing.bytes[at..at + 4].try_into().unwrap());

    // The offsets of the containers, as in the table of SPEC section 6: each one byte too high.
    for at in [2usize, 18, 498] {
        refused!(world, rollup, draft.with(|l| l.bytes[at] += 1), E::NonCanonicalSsz(e) if e.r#where == U256::from(at));
    }
    // Offsets that leave their container.
    for at in [6usize, 22, 58, 566, 570, 590] {
        let outside = draft.with(|l| l.bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes()));
        refused!(world, rollup, outside, E::NonCanonicalSsz(_));
    }
    // The list of transactions: its first offset says how many there are.
    let list = 62 + u32_at(566) as usize;
    assert_eq!(u32_at(list), 8);
    for first in [7u32, 12, 0] {
        let spelled = draft.with(|l| l.bytes[list..list + 4].copy_from_slice(&first.to_le_bytes()));
        refused!(world, rollup, spelled, E::NonCanonicalSsz(_));
    }
    refused!(world, rollup, draft.with(|l| l.bytes.truncate(633)),
        E::NonCanonicalSsz(e) if e.r#where == U256::from(633));
    // A byte after the end lies in the witness, where EXECUTE is the one to look.
    refused!(world, rollup, draft.with(|l| l.bytes.push(0)), E::ExecuteRefused(_));

    world.land(&mut rollup, &draft).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_out_of_its_window_or_before_the_parents_is_refused() {
    let (world, mut rollup) = World::start(None).await;
    let early = world.block(&rollup, &[]).await;
    world.mine(2).await;
    let first = world.block(&rollup, &[]).await;
    assert!(first.anchor.origin_number > early.anchor.origin_number);

    let beyond = world.head().await.at.number + 5;
    refused!(world, rollup, first.with(|l| l.origin_number = beyond), E::OriginTooNew(e) if e.given == beyond);
    refused!(world, rollup, first.with(|l| l.origin_number = u64::MAX), E::OriginTooNew(_));
    world.land(&mut rollup, &first).await;

    let second = world.block(&rollup, &[]).await;
    let back = early.anchor.origin_number;
    refused!(world, rollup, second.with(|l| l.origin_number = back),
        E::OriginMovedBack(e) if (e.parent, e.given) == (first.anchor.origin_number, back));
    // Another origin than the payload's: its randomness gives it away.
    refused!(world, rollup, second.with(|l| l.origin_number -= 1), E::WrongPrevRandao(_));

    assert!(world.verdict(&second.landing).await.is_none());
    let wait = second.anchor.origin_number + 65 - world.head().await.at.number;
    world.mine(wait).await;
    let origin = second.anchor.origin_number;
    refused!(world, rollup, second.landing.clone(),
        E::OriginTooOld(e) if e.given == origin && e.oldest > U256::from(origin));

    let fresh = world.block(&rollup, &[]).await;
    world.land(&mut rollup, &fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_count_that_moves_back_or_beyond_or_is_not_the_anchors_is_refused() {
    let (world, mut rollup) = World::start(FIXED).await;
    let messages = send_three(&world, &rollup).await;
    let leaves: Vec<B256> = messages.iter().map(Message::leaf).collect();
    let two = InboxChain::default().extend(&leaves[..2]);
    let naming = world.draft(&rollup, two, &[]).await;
    refused!(world, rollup, naming.with(|l| l.inbox_count = 4),
        E::InboxCountBeyond(e) if (e.inboxCount, e.given) == (3, 4));
    refused!(world, rollup, naming.with(|l| l.inbox_count = u64::MAX), E::InboxCountBeyond(_));
    // Messages are there, but the header's anchor names two.
    for count in [0, 1, 3] {
        refused!(world, rollup, naming.with(|l| l.inbox_count = count), E::WrongAnchor(_));
    }
    world.land(&mut rollup, &naming).await;

    let next = world.block(&rollup, &[]).await;
    refused!(world, rollup, next.with(|l| l.inbox_count = 1),
        E::InboxCountMovedBack(e) if (e.parent, e.given) == (2, 1));
    world.land(&mut rollup, &next).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_that_do_not_carry_the_payload_are_refused() {
    let (world, mut rollup) = World::start(FIXED).await;
    let draft = world.block(&rollup, &rollup.transfers(20)).await;
    let data = draft.data();
    let blobs = blob::to_blobs(&data);
    assert_eq!(blobs.len(), 1);
    assert!(data.len() > 31 * 3);

    refused!(world, rollup, draft.with(|l| l.sidecar = None), E::BlobMissing(e) if e.i.is_zero());
    let twice = sidecar(vec![blobs[0], blobs[0]]);
    refused!(world, rollup, draft.with(|l| l.sidecar = Some(twice)), E::ExtraBlob(e) if e.i == U256::from(1));
    for openings in [0, 95, 97, 192] {
        refused!(world, rollup, draft.with(|l| l.openings.resize(openings, 0)),
            E::WrongOpeningsLength(e) if (e.expected, e.given) == (U256::from(96), U256::from(openings)));
    }
    refused!(world, rollup, draft.with(|l| l.openings[5] ^= 1), E::BlobHashMismatch(e) if e.i.is_zero());
    refused!(world, rollup, draft.with(|l| l.openings[48 + 5] ^= 1), E::WrongOpening(e) if e.i.is_zero());

    // One bit, in the data and behind it; and a blob that ends early. First with the honest blob's opening, then with the
    // best that a liar can do: a true proof about the blob that is there.
    let flipped = |at: usize| {
        let mut blob = blobs[0];
        blob.0[at] ^= 1;
        blob
    };
    let mut short = blobs[0];
    let elements = data.len().div_ceil(31);
    short.0[32 * (elements - 1)..].fill(0);
    for other in [flipped(40), flipped(32 * elements + 1), flipped(131_071), short] {
        let carried = sidecar(vec![other]);
        let openings = forged(&carried.blobs[0], &data);
        let mut landing = draft.with(|l| l.sidecar = Some(carried));
        refused!(world, rollup, landing.clone(), E::BlobHashMismatch(e) if e.i.is_zero());
        landing.openings = openings;
        refused!(world, rollup, landing, E::WrongOpening(e) if e.i.is_zero());
    }
    world.land(&mut rollup, &draft).await;
}

/// The opening of `blob` at the point that Hub draws for `data`: valid, but about other content.
fn forged(blob: &Blob, data: &[u8]) -> Vec<u8> {
    let kzg = Kzg::load();
    let commitment = opening::commit(kzg, blob).unwrap();
    let z = opening::challenge(opening::versioned_hash(kzg, blob).unwrap(), data);
    let (proof, _) = kzg.settings().compute_kzg_proof(blob.as_ckzg(), &z.to_be_bytes().into()).unwrap();
    [&commitment[..], &proof.to_bytes()[..]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_blobs_are_taken_in_their_order_only() {
    let (world, mut rollup) = World::start(FIXED).await;
    let draft = world.block(&rollup, &[]).await;
    // An access list that nobody could have made: Hub looks at blobs before it asks EXECUTE, so this serves, and a
    // block that honestly fills two blobs costs more to land than a transaction may spend.
    let mut input = draft.input.clone();
    input.payload.block_access_list = (0..127_100u32).map(|i| (i % 251) as u8).collect::<Vec<u8>>().into();
    input.payload.gas_limit = 3_000_000;
    input.witness.state.clear();
    input.witness.codes.clear();
    let landing = Landing::new(&input, &draft.anchor);
    let carried = landing.sidecar.clone().unwrap();
    assert_eq!(carried.blobs.len(), 2);

    let (first, second) = (carried.blobs[0], carried.blobs[1]);
    let with = |blobs: Vec<_>| Landing { sidecar: Some(sidecar(blobs)), ..landing.clone() };
    refused!(world, rollup, with(vec![second, first]), E::BlobHashMismatch(e) if e.i.is_zero());
    refused!(world, rollup, with(vec![first]), E::BlobMissing(e) if e.i == U256::from(1));
    refused!(world, rollup, with(vec![first, first]), E::BlobHashMismatch(e) if e.i == U256::from(1));
    let mut exchanged = with(vec![second, carried.blobs[0]]);
    exchanged.openings.rotate_left(96);
    refused!(world, rollup, exchanged, E::WrongOpening(e) if e.i.is_zero());
    // In their order they pass, and EXECUTE is the one to refuse.
    refused!(world, rollup, landing.clone(), E::ExecuteRefused(_));

    world.land(&mut rollup, &draft).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_execute_refuses_does_not_land_and_too_little_gas_is_told_apart() {
    let (world, mut rollup) = World::start(FIXED).await;
    let draft = world.block(&rollup, &rollup.transfers(3)).await;

    let rehash = |input: &mut bridge::execute::StatelessInput| input.payload.block_hash = input.header().hash_slow();
    let lies: [(&str, Landing); 6] = [
        (
            "state root",
            draft.with_input(|i| {
                i.payload.state_root.0[7] ^= 1;
                rehash(i);
            }),
        ),
        (
            "receipts root",
            draft.with_input(|i| {
                i.payload.receipts_root.0[7] ^= 1;
                rehash(i);
            }),
        ),
        ("block hash", draft.with_input(|i| i.payload.block_hash.0[7] ^= 1)),
        ("a node is missing", draft.with_input(|i| drop(i.witness.state.remove(i.witness.state.len() / 2)))),
        ("a code is missing", draft.with_input(|i| drop(i.witness.codes.remove(0)))),
        (
            "a request",
            draft.with_input(|i| {
                i.requests = Requests { withdrawals: vec![Default::default()], ..Default::default() };
                rehash(i);
            }),
        ),
    ];
    for (what, landing) in lies {
        let answer = world.refused(rollup.chain_id(), &landing).await;
        assert!(matches!(answer, E::ExecuteRefused(_)), "{what}: {answer:?}");
    }
    let needed = bridge::execute::gas(draft.input.payload.gas_limit, draft.landing.bytes.len());
    refused!(world, rollup, draft.with(|l| l.gas_limit = needed + 500_000),
        E::InsufficientGas(e) if e.needed == U256::from(needed));

    world.land(&mut rollup, &draft).await;
    refused!(world, rollup, draft.landing.clone(), E::WrongParent(_));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_to_a_request_predeploy_reverts_and_its_block_still_lands() {
    let (world, mut rollup) = World::start(FIXED).await;
    let user = &ACCOUNTS[0];
    let mut transactions = Vec::new();
    for predeploy in REQUEST_CONTRACTS {
        // A validator key and an amount, with the fee that the real contract would take.
        let ahead = transactions.len() as u64;
        let input = Bytes::from(vec![1; 56]);
        transactions.push(rollup.transaction(user, ahead, TxKind::Call(predeploy), U256::from(1), input, 200_000));
    }
    // A contract that calls the predeploy with one wei and logs whether that worked.
    let code = [
        &bytes!("60006000603860006001 73")[..],
        REQUEST_CONTRACTS[0].as_slice(),
        &bytes!("5af160005260206000a000")[..],
    ]
    .concat();
    let init = [&[0x60, u8::try_from(code.len()).unwrap()][..], &bytes!("80600b6000396000f3")[..], &code].concat();
    let ahead = transactions.len() as u64;
    let caller = user.address.create(rollup.nonce(user) + ahead);
    transactions.push(rollup.transaction(user, ahead, TxKind::Create, U256::from(1), init.into(), 1_500_000));
    transactions.push(rollup.transaction(user, ahead + 1, TxKind::Call(caller), U256::ZERO, Bytes::new(), 500_000));

    let draft = world.block(&rollup, &transactions).await;
    let receipts = &draft.executed.receipts;
    let succeeded: Vec<bool> = receipts.iter().map(|receipt| receipt.status()).collect();
    assert_eq!(succeeded, [false, false, false, false, true, true]);
    let answers: Vec<&Log> = receipts[5].logs().iter().filter(|log| log.address == caller).collect();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].data.data, Bytes::from(vec![0; 32]), "the inner call must fail");

    world.land(&mut rollup, &draft).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_a_block_names_without_relaying_are_all_delivered_by_the_next_relay_in_order() {
    let (world, mut rollup) = World::start(FIXED).await;
    let messages = send_three(&world, &rollup).await;
    let leaves: Vec<B256> = messages.iter().map(Message::leaf).collect();
    let two = InboxChain::default().extend(&leaves[..2]);
    let naming = world.draft(&rollup, two, &[]).await;
    world.land(&mut rollup, &naming).await;
    assert_eq!(consumed(&*rollup.chain.state_at_head()).unwrap(), InboxChain::default(), "naming consumes nothing");

    // A relayer who wants to pass over what was named.
    let all = two.extend(&leaves[2..]);
    let head = world.head().await;
    let skipping = {
        let anchor = bridge::anchor::Anchor {
            origin_number: head.at.number - 1,
            origin_hash: head.header.parent_hash,
            inbox_count: all.count,
            inbox_hash: all.hash,
            ..rollup.anchor
        };
        let input = abi::relay(messages[2..].to_vec(), U256::ZERO, Vec::new(), anchor, head.header.timestamp);
        rollup.transaction(&ACCOUNTS[1], 0, TxKind::Call(MESSENGER), U256::ZERO, input, 1_500_000)
    };
    let plan = relay::plan(
        &Inbox {
            chain_id: rollup.chain_id(),
            consumed: InboxChain::default(),
            named: rollup.anchor.inbox_count,
            pending: &messages,
        },
        &Budget { gas: 6_000_000, bytes: 40_000, messages: 64 },
    )
    .unwrap();
    assert_eq!(plan.inbox, all);
    let relay = plan.relay.unwrap();
    let build = |relay_input: Bytes| {
        let relay =
            rollup.transaction(&dev::SEQUENCER, 0, TxKind::Call(MESSENGER), U256::ZERO, relay_input, relay.gas_limit);
        [skipping.clone(), relay]
    };
    // The calldata holds the anchor, and the anchor follows from the L1 head: one draft to learn it, one to use it.
    let probe = world.draft(&rollup, plan.inbox, &[]).await;
    let transactions = build(relay.calldata(&probe.anchor, probe.executed.block.timestamp));
    let draft = world.draft(&rollup, plan.inbox, &transactions).await;
    assert_eq!(draft.anchor, probe.anchor);
    assert!(!draft.executed.receipts[0].status(), "named messages were passed over");
    assert!(draft.executed.receipts[1].status(), "the relay failed");
    let relayed: Vec<(u64, bool)> = draft.executed.receipts[1]
        .logs()
        .iter()
        .filter_map(|log| Messenger::MessageRelayed::decode_log(log).ok())
        .map(|event| (event.index, event.success))
        .collect();
    assert_eq!(relayed, [(0, true), (1, true), (2, true)]);
    world.land(&mut rollup, &draft).await;
    assert_eq!(consumed(&*rollup.chain.state_at_head()).unwrap(), all);
    for message in &messages {
        assert_eq!(rollup.balance(message.to), message.value, "message {}", message.index);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollup_registered_with_less_than_its_genesis_balances_can_take_out_its_escrow_only() {
    let (world, rollup) = World::start(FIXED).await;
    let registered = world.recorded(rollup.chain_id()).await;
    assert_eq!(registered.escrow, rollup.config.circulating_genesis_balance(), "deploy escrows what circulates");
    let relayers = dev::RELAYER_BALANCE * U256::from(dev::SEQUENCERS.len() - 1);
    assert_eq!(registered.escrow, dev::BALANCE * U256::from(ACCOUNTS.len() + 1) + relayers);

    // Its neighbour in the same Hub promises as much and brings one ether.
    let mut config = rollup.config.clone();
    config.genesis.config.chain_id = 7902;
    let mut poor = Rollup::new(config);
    assert!(world.register(&poor, ETHER).await.inner.status());
    assert_eq!(world.recorded(7902).await.escrow, ETHER);

    // Three withdrawals: more than there is, all there is, one wei.
    let user = &ACCOUNTS[3];
    let amounts = [ETHER + U256::from(1), ETHER, U256::from(1)];
    let receiver = |i: usize| Address::repeat_byte(0xb0 + u8::try_from(i).unwrap());
    let withdrawals: Vec<_> =
        (0..).zip(amounts).map(|(i, value)| poor.withdrawal(user, i, receiver(i as usize), value)).collect();
    let draft = world.block(&poor, &withdrawals).await;
    assert!(draft.executed.receipts.iter().all(|receipt| receipt.status()));
    world.land(&mut poor, &draft).await;

    let state = poor.chain.state_at_head();
    let proof = trie::account_proof(state.tree(), &state, MESSENGER, &[U256::ZERO]).unwrap();
    let proof = OutboxProof { account: proof.proof, storage: proof.storage[0].proof.clone() };
    let call = Hub::proveOutboxCall {
        chainId: 7902,
        blockNumber: 1,
        accountProof: proof.account,
        storageProof: proof.storage,
    };
    assert!(world.transact(user, call, U256::ZERO).await.inner.status());

    let mut outbox = Outbox::default();
    let messages: Vec<Message> = amounts
        .iter()
        .enumerate()
        .map(|(i, value)| Message {
            src_chain_id: 7902,
            dst_chain_id: dev::L1_CHAIN_ID,
            index: i as u64,
            sender: user.address,
            to: receiver(i),
            value: *value,
            fee: U256::ZERO,
            gas_limit: 30_000,
            data: Bytes::new(),
        })
        .collect();
    for message in &messages {
        outbox.push(message.leaf()).unwrap();
    }
    let claim = |i: usize| Hub::claimCall {
        m: messages[i].clone().into(),
        epoch: 1,
        path: outbox.path(i as u64, 3).unwrap().to_vec(),
    };
    let too_much = world.objection(user, claim(0)).await;
    assert!(
        matches!(&too_much, Some(E::EscrowShort(e)) if (e.escrow, e.needed) == (ETHER, amounts[0])),
        "{too_much:?}"
    );
    assert!(!world.transact(user, claim(0), U256::ZERO).await.inner.status());
    assert!(world.transact(user, claim(1), U256::ZERO).await.inner.status());
    let nothing_left = world.objection(user, claim(2)).await;
    assert!(matches!(&nothing_left, Some(E::EscrowShort(e)) if e.escrow.is_zero()), "{nothing_left:?}");

    let paid: BTreeSet<U256> =
        [world.rpc.balance(receiver(0)).await.unwrap(), world.rpc.balance(receiver(2)).await.unwrap()].into();
    assert_eq!(paid, BTreeSet::from([U256::ZERO]));
    assert_eq!(world.rpc.balance(receiver(1)).await.unwrap(), ETHER);
    assert_eq!(world.recorded(7902).await.escrow, U256::ZERO);
    assert_eq!(world.recorded(rollup.chain_id()).await, registered, "the neighbour's ether is untouched");
    assert_eq!(world.rpc.balance(world.hub()).await.unwrap(), registered.escrow);
}

#[tokio::test(flavor = "multi_thread")]
async fn deploying_on_an_l1_without_execute_is_refused_with_what_is_missing() {
    let (_l1, rpc, _) = l1(FIXED, false).await;
    let error = deploy(&rpc, &signer(&dev::SEQUENCER), 1_000, dev::BALANCE, Duration::from_secs(1)).await.unwrap_err();
    assert!(matches!(&error, DeployError::NoExecute { answer, .. } if answer == "0x"), "{error:?}");
    let text = error.to_string();
    for word in [rpc.url(), "EXECUTE", "0x0000000000000000000000000000000000000101", "EIP-8079", "--l1.rpc-url"] {
        assert!(text.contains(word), "{text}");
    }
    let nonce = rpc.nonce(dev::SEQUENCER.address, alloy_eips::BlockId::pending()).await.unwrap();
    assert_eq!(nonce, 0, "nothing was sent");
}

/// Three messages of different value to accounts that do not exist.
async fn send_three(world: &World, rollup: &Rollup) -> Vec<Message> {
    let mut messages = Vec::new();
    for i in 1..=3 {
        let (to, value) = (Address::repeat_byte(0xa0 + i), ETHER * U256::from(i));
        messages.push(world.send_message(&ACCOUNTS[usize::from(i)], rollup.chain_id(), to, value).await);
    }
    messages
}
