use alloy_consensus::{Transaction as _, TxEip7702};
use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};
use proptest::prelude::*;

use super::*;
use crate::testing::{CHAIN_ID, GWEI, arc, blobs, legacy, sender, sidecar, sign, transfer};

const HOUR_MS: u64 = 3_600_000;

fn config() -> Config {
    Config { rules: Rules::rollup(CHAIN_ID, 10_000_000), limits: Limits::default() }
}

fn pool() -> Pool {
    Pool::new(config())
}

fn limited(change: impl FnOnce(&mut Limits)) -> Pool {
    let mut config = config();
    change(&mut config.limits);
    Pool::new(config)
}

fn l1_pool() -> Pool {
    Pool::new(Config { rules: Rules::l1(CHAIN_ID, 30_000_000, 6), limits: Limits::default() })
}

fn rich(nonce: u64) -> AccountView {
    AccountView { nonce, balance: U256::from(10).pow(U256::from(24)), code: SenderCode::None }
}

fn head(accounts: Vec<(Address, AccountView)>) -> Head {
    Head { accounts, ..Head::default() }
}

/// Nonces offered to a block, as "sender/nonce".
fn order(pool: &Pool, base_fee: u64) -> String {
    let name = |tx: &Arc<Pooled>| format!("{}/{}", tx.sender()[0], tx.nonce());
    pool.best(base_fee, 1).map(name).collect::<Vec<_>>().join(" ")
}

fn text(result: Result<Added, PoolError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn error_texts_are_those_that_wallets_match() {
    let mut pool = pool();
    let fee = 10 * GWEI;
    let good = || sign(1, transfer(1, 5, fee, GWEI));
    pool.add(good(), None, rich(5), 0).unwrap();
    let mut check = |tx: RecoveredTx, account: AccountView, expected: &str| {
        assert_eq!(text(pool.add(tx, None, account, 0)), expected);
    };
    let with = |change: &dyn Fn(&mut alloy_consensus::TxEip1559)| {
        let mut tx = transfer(2, 0, fee, GWEI);
        change(&mut tx);
        sign(2, tx)
    };
    check(good(), rich(5), "already known");
    check(sign(1, transfer(1, 3, fee, GWEI)), rich(5), "nonce too low: next nonce 5, tx nonce 3");
    check(sign(1, transfer(1, 5, fee + 1, GWEI)), rich(5), "replacement transaction underpriced");
    let poor = AccountView { balance: U256::from(7), ..AccountView::default() };
    check(with(&|_| {}), poor, "insufficient funds for gas * price + value: have 7 want 210000000000002");
    check(with(&|tx| tx.gas_limit = 20_999), rich(0), "intrinsic gas too low: have 20999, want 21000");
    check(
        with(&|tx| tx.max_priority_fee_per_gas = fee + 1),
        rich(0),
        "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: 10000000001, maxFeePerGas: 10000000000",
    );
    check(
        with(&|tx| tx.gas_limit = 10_000_001),
        rich(0),
        "exceeds block gas limit: tx gas 10000001, block gas limit 10000000",
    );
    check(with(&|tx| tx.chain_id = 1), rich(0), "invalid chain id: have 1, want 7901");
    check(
        with(&|tx| tx.nonce = u64::MAX),
        rich(0),
        &format!("nonce has max value: address {}, nonce 18446744073709551615", sender(2)),
    );
    let long = Bytes::from(vec![0; 200_000]);
    check(with(&|tx| tx.input = long.clone()), rich(0), "oversized data: transaction size 200053, limit 131072");
    let blob = sidecar(1, 1);
    check(sign(2, blobs(0, GWEI, &blob)), rich(0), "transaction type not valid: this chain does not take type 3");
    let unprotected = alloy_consensus::TxLegacy { chain_id: None, ..legacy(2, 0, fee) };
    check(sign(2, unprotected), rich(0), "invalid chain id: have none, want 7901");
    let contract = AccountView { code: SenderCode::Contract, ..rich(0) };
    check(with(&|_| {}), contract, &format!("sender not an eoa: address {}", sender(2)));
    assert_eq!(PoolError::Full.to_string(), "txpool is full");
}

#[test]
fn intrinsic_gas_is_that_of_amsterdam() {
    fn check(change: impl Fn(&mut alloy_consensus::TxEip1559), expected: u64) {
        let tx = |gas_limit| {
            let mut tx = transfer(1, 0, 10 * GWEI, GWEI);
            change(&mut tx);
            tx.gas_limit = gas_limit;
            sign(1, tx)
        };
        pool().add(tx(expected), None, rich(0), 0).unwrap();
        let error = pool().add(tx(expected - 1), None, rich(0), 0).unwrap_err();
        assert_eq!(error, PoolError::IntrinsicGasTooLow { have: expected - 1, want: expected });
    }
    // EIP-2780: base 12,000, recipient 3,000, value 6,000; nothing beyond the base for oneself.
    check(|_| {}, 21_000);
    check(|tx| tx.value = U256::ZERO, 15_000);
    check(|tx| tx.to = TxKind::Call(sender(1)), 12_000);
    // EIP-7976: 64 gas for each byte of calldata, zero or not, on top of the base.
    check(|tx| tx.input = Bytes::from(vec![0; 1_000]), 21_000 + 64_000);
    check(|tx| tx.input = Bytes::from(vec![1; 1_000]), 21_000 + 64_000);
}

#[test]
fn above_2_to_24_gas_only_state_gas_may_lie() {
    let rules = Rules::rollup(CHAIN_ID, 100_000_000);
    let mut pool = Pool::new(Config { rules: rules.clone(), limits: Limits::default() });
    let tx = |nonce| alloy_consensus::TxEip1559 { gas_limit: 20_000_000, ..transfer(1, nonce, 10 * GWEI, GWEI) };
    pool.add(sign(1, tx(0)), None, rich(0), 0).unwrap();
    pool.set_rules(Rules { spec: revm::primitives::hardfork::SpecId::OSAKA, ..rules });
    assert_eq!(
        text(pool.add(sign(1, tx(1)), None, rich(0), 0)),
        "transaction gas limit too high (cap: 16777216, tx: 20000000)"
    );
}

#[test]
fn init_code_is_taken_up_to_its_limit() {
    let mut pool = limited(|limits| limits.transaction_bytes = 1 << 20);
    let create = |len: usize| {
        let (to, input, gas_limit) = (TxKind::Create, Bytes::from(vec![0; len]), 10_000_000);
        sign(1, alloy_consensus::TxEip1559 { to, input, gas_limit, ..transfer(1, 0, 10 * GWEI, GWEI) })
    };
    let error = pool.add(create((128 << 10) + 1), None, rich(0), 0).unwrap_err();
    assert_eq!(error, PoolError::InitCodeTooLong { have: (128 << 10) + 1, limit: 128 << 10 });
    pool.add(create(128 << 10), None, rich(0), 0).unwrap();
}

#[test]
fn a_set_code_transaction_needs_an_authorization() {
    let tx = |authorization_list| TxEip7702 {
        chain_id: CHAIN_ID,
        gas_limit: 200_000,
        max_fee_per_gas: GWEI,
        to: sender(9),
        authorization_list,
        ..Default::default()
    };
    let error = pool().add(sign(1, tx(Vec::new())), None, rich(0), 0).unwrap_err();
    assert_eq!(error, PoolError::EmptyAuthorizationList { sender: sender(1) });
    let authorization = Authorization { chain_id: U256::from(CHAIN_ID), address: sender(8), nonce: 0 };
    let authorization: SignedAuthorization = authorization.into_signed(Signature::test_signature());
    pool().add(sign(1, tx(vec![authorization])), None, rich(0), 0).unwrap();
}

#[test]
fn the_highest_tip_goes_first_and_earlier_arrivals_among_equals() {
    let mut pool = pool();
    for (from, nonce, tip) in [(1, 0, 1), (2, 0, 3), (3, 0, 2), (4, 0, 3), (2, 1, 9)] {
        pool.add(sign(from, transfer(from, nonce, 100 * GWEI, tip * GWEI)), None, rich(0), 0).unwrap();
    }
    assert_eq!(order(&pool, 7), "2/0 2/1 4/0 3/0 1/0");
}

#[test]
fn what_is_below_the_base_fee_is_not_offered_nor_what_follows_it() {
    let mut pool = pool();
    pool.add(sign(1, transfer(1, 0, 10, 1)), None, rich(0), 0).unwrap();
    pool.add(sign(1, transfer(1, 1, 100, 1)), None, rich(0), 0).unwrap();
    pool.add(sign(2, legacy(2, 0, 50)), None, rich(0), 0).unwrap();
    assert_eq!(order(&pool, 10), "2/0 1/1".replace("1/1", "1/0 1/1"));
    assert_eq!(order(&pool, 11), "2/0");
    assert_eq!(order(&pool, 51), "");
}

#[test]
fn tips_are_counted_after_the_base_fee() {
    let mut pool = pool();
    pool.add(sign(1, transfer(1, 0, 100, 50)), None, rich(0), 0).unwrap();
    pool.add(sign(2, transfer(2, 0, 200, 40)), None, rich(0), 0).unwrap();
    assert_eq!(order(&pool, 10), "1/0 2/0");
    assert_eq!(order(&pool, 90), "2/0 1/0");
}

#[test]
fn a_refused_transaction_ends_its_senders_turn() {
    let mut pool = pool();
    for (from, nonce) in [(1, 0), (1, 1), (2, 0)] {
        pool.add(sign(from, transfer(from, nonce, 100 * GWEI, u128::from(9 - from) * GWEI)), None, rich(0), 0).unwrap();
    }
    let mut best = pool.best(7, 1);
    assert_eq!(best.next().unwrap().sender(), sender(1));
    best.skip_sender();
    assert_eq!(best.next().unwrap().sender(), sender(2));
    assert!(best.next().is_none());
}

#[test]
fn a_gap_queues_and_its_closing_promotes() {
    let mut pool = pool();
    let add = |pool: &mut Pool, nonce| pool.add(sign(1, transfer(1, nonce, GWEI, 1)), None, rich(0), 0).unwrap();
    assert!(!add(&mut pool, 2).is_pending);
    assert!(add(&mut pool, 0).is_pending);
    assert_eq!(pool.pending_nonce(sender(1)), Some(1));
    assert_eq!((pool.stats().pending, pool.stats().queued), (1, 1));
    let closing = add(&mut pool, 1);
    assert_eq!(closing.promoted.len(), 2);
    assert_eq!(closing.promoted[0], closing.hash);
    assert_eq!(pool.pending_nonce(sender(1)), Some(3));
    assert_eq!(pool.pending_nonce(sender(2)), None);
    assert_eq!(order(&pool, 7), "1/0 1/1 1/2");
}

#[test]
fn what_the_balance_does_not_cover_together_waits() {
    let mut pool = pool();
    let account = AccountView { balance: U256::from(2 * 21_000 * GWEI), ..AccountView::default() };
    let add =
        |pool: &mut Pool, nonce| pool.add(sign(0, transfer(0, nonce, GWEI, 1)), None, account, 0).unwrap().is_pending;
    assert_eq!([add(&mut pool, 0), add(&mut pool, 1), add(&mut pool, 2)], [true, true, false]);
    assert_eq!(pool.pending_nonce(sender(0)), Some(3));
    pool.on_head(head(vec![(sender(0), rich(0))]));
    assert_eq!(pool.stats().pending, 3);
}

#[test]
fn a_replacement_pays_ten_percent_more_in_every_field() {
    let try_replace = |max_fee: u128, tip: u128| {
        let mut pool = pool();
        let old = pool.add(sign(1, transfer(1, 0, 1_000, 100)), None, rich(0), 0).unwrap();
        let result = pool.add(sign(1, transfer(1, 0, max_fee, tip)), None, rich(0), 0);
        assert_eq!(pool.stats().pending, 1);
        result.map(|added| assert_eq!(added.replaced, Some(old.hash))).is_ok()
    };
    assert!(try_replace(1_100, 110));
    assert!(!try_replace(1_099, 110));
    assert!(!try_replace(1_100, 109));
}

#[test]
fn a_blob_transaction_comes_with_its_blobs_and_is_replaced_at_twice_the_price() {
    let mut pool = l1_pool();
    let one = sidecar(1, 1);
    let tx = |nonce, fee| sign(1, blobs(nonce, fee, &one));
    let add = |pool: &mut Pool, nonce, fee| pool.add(tx(nonce, fee), Some(one.clone()), rich(0), 0);
    assert_eq!(text(pool.add(tx(0, 100), None, rich(0), 0)), "invalid blob sidecar: missing");
    let other = sidecar(1, 2);
    assert_eq!(
        text(pool.add(tx(0, 100), Some(other), rich(0), 0)),
        "invalid blob sidecar: commitment 0 does not match its versioned hash"
    );
    assert_eq!(
        text(pool.add(sign(1, transfer(1, 0, 9, 1)), Some(one.clone()), rich(0), 0)),
        "invalid blob sidecar: given for a transaction without blobs"
    );
    let many = sidecar(7, 3);
    assert_eq!(
        text(pool.add(sign(1, blobs(0, 100, &many)), Some(many), rich(0), 0)),
        "too many blobs in transaction: have 7, permitted 6"
    );
    assert_eq!(text(add(&mut pool, 1, 100)), "nonce too high: next nonce 0, tx nonce 1");
    add(&mut pool, 0, 100).unwrap();
    assert!(pool.stats().bytes > 128 << 10);
    assert_eq!(text(add(&mut pool, 0, 199)), "replacement transaction underpriced");
    assert!(add(&mut pool, 0, 200).unwrap().replaced.is_some());
    assert_eq!(pool.best(0, 200).count(), 1);
    assert_eq!(pool.best(0, 201).count(), 0);
}

#[test]
fn a_new_head_drops_what_it_holds_and_what_is_stale() {
    let mut pool = pool();
    let hashes: Vec<B256> =
        (0..4).map(|nonce| pool.add(sign(1, transfer(1, nonce, GWEI, 1)), None, rich(0), 0).unwrap().hash).collect();
    let removed =
        pool.on_head(Head { included: vec![hashes[0]], accounts: vec![(sender(1), rich(2))], ..Head::default() });
    let why: Vec<Departure> = removed.iter().map(|removed| removed.why).collect();
    assert_eq!(why, [Departure::Included, Departure::Stale]);
    assert_eq!(order(&pool, 0), "1/2 1/3");
    let removed = pool.on_head(head(vec![(sender(1), AccountView { code: SenderCode::Contract, ..rich(2) })]));
    assert_eq!(removed.len(), 2);
    assert_eq!(pool.stats(), Stats::default());
}

#[test]
fn what_a_lost_block_held_comes_back_in_its_order() {
    let mut pool = pool();
    let txs: Vec<RecoveredTx> =
        [(1, 0), (1, 1), (2, 0)].map(|(from, nonce)| sign(from, transfer(from, nonce, GWEI, 7))).to_vec();
    for tx in &txs {
        pool.add(tx.clone(), None, rich(0), 0).unwrap();
    }
    let included = txs.iter().map(|tx| *tx.tx_hash()).collect();
    pool.on_head(Head { included, accounts: vec![(sender(1), rich(2)), (sender(2), rich(1))], ..Head::default() });
    // Came meanwhile, so it goes behind them.
    pool.add(sign(3, transfer(3, 0, GWEI, 7)), None, rich(0), 0).unwrap();
    pool.add(sign(2, transfer(2, 1, GWEI, 7)), None, rich(1), 0).unwrap();
    pool.on_head(head(vec![(sender(1), rich(0)), (sender(2), rich(1))]));
    let returned = [2, 1, 0].map(|i| Returned { tx: txs[i].clone(), sidecar: None }).to_vec();
    let account = |who: Address| if who == sender(2) { rich(1) } else { rich(0) };
    let refused = pool.reinsert(returned, account, 0);
    // Sender 2's was in the winner's block as well.
    assert_eq!(refused, [(*txs[2].tx_hash(), PoolError::NonceTooLow { next: 1, have: 0 })]);
    assert_eq!(order(&pool, 0), "3/0 2/1 1/0 1/1");
}

#[test]
fn blobs_come_back_after_a_reorg() {
    let mut pool = l1_pool();
    let one = arc(sidecar(1, 1));
    let returned = |nonce| Returned { tx: sign(1, blobs(nonce, 100, &one)), sidecar: Some(one.clone()) };
    assert!(pool.reinsert(vec![returned(1), returned(0)], |_| rich(0), 0).is_empty());
    assert_eq!(order(&pool, 0), "1/0 1/1");
}

#[test]
fn a_full_pool_gives_up_its_worst_tail_but_only_for_better_ones() {
    let mut pool = limited(|limits| limits.transactions = 3);
    pool.add(sign(1, transfer(1, 0, GWEI, 5)), None, rich(0), 0).unwrap();
    pool.add(sign(1, transfer(1, 1, GWEI, 3)), None, rich(0), 0).unwrap();
    let queued = pool.add(sign(2, transfer(2, 1, GWEI, 9)), None, rich(0), 0).unwrap();
    // Queued goes first, whatever it pays.
    let added = pool.add(sign(3, transfer(3, 0, GWEI, 4)), None, rich(0), 0).unwrap();
    assert_eq!(added.evicted, [queued.hash]);
    let before = order(&pool, 0);
    assert_eq!(pool.add(sign(4, transfer(4, 0, GWEI, 3)), None, rich(0), 0), Err(PoolError::Full));
    assert_eq!(pool.add(sign(4, transfer(4, 1, GWEI, 99)), None, rich(0), 0), Err(PoolError::Full));
    assert_eq!(order(&pool, 0), before);
    assert!(pool.add(sign(4, transfer(4, 0, GWEI, 4)), None, rich(0), 0).is_ok());
    assert_eq!(order(&pool, 0), "1/0 3/0 4/0");
}

#[test]
fn a_refusal_for_lack_of_room_restores_what_was_pushed_aside() {
    let small = sign(1, transfer(1, 0, GWEI, 1));
    let size = Pooled::new(small.clone(), None, 0, 0).bytes;
    let mut pool = limited(|limits| limits.bytes = 2 * size + 50);
    pool.add(small, None, rich(0), 0).unwrap();
    pool.add(sign(2, transfer(2, 0, GWEI, 9)), None, rich(0), 0).unwrap();
    let stats = pool.stats();
    // Better than the first, but there is no room for it even so.
    let big = alloy_consensus::TxEip1559 {
        input: Bytes::from(vec![1; 2 * size]),
        gas_limit: 1_000_000,
        ..transfer(3, 0, GWEI, 5)
    };
    assert_eq!(pool.add(sign(3, big), None, rich(0), 0), Err(PoolError::Full));
    assert_eq!(order(&pool, 0), "2/0 1/0");
    assert_eq!(pool.stats(), stats);
}

#[test]
fn one_sender_cannot_fill_the_pool_but_may_close_a_gap() {
    let mut pool = limited(|limits| (limits.per_sender, limits.per_delegated_sender) = (3, 1));
    for nonce in [0, 2, 3] {
        pool.add(sign(1, transfer(1, nonce, GWEI, 1)), None, rich(0), 0).unwrap();
    }
    let limit = PoolError::SenderLimit { sender: sender(1), limit: 3 };
    assert_eq!(pool.add(sign(1, transfer(1, 4, GWEI, 1)), None, rich(0), 0), Err(limit));
    let added = pool.add(sign(1, transfer(1, 1, GWEI, 1)), None, rich(0), 0).unwrap();
    assert_eq!(added.evicted.len(), 1);
    assert_eq!(order(&pool, 0), "1/0 1/1 1/2");

    let delegated = AccountView { code: SenderCode::Delegated, ..rich(0) };
    pool.add(sign(2, transfer(2, 0, GWEI, 1)), None, delegated, 0).unwrap();
    let limit = PoolError::SenderLimit { sender: sender(2), limit: 1 };
    assert_eq!(pool.add(sign(2, transfer(2, 1, GWEI, 1)), None, delegated, 0), Err(limit));
}

#[test]
fn a_tip_below_the_minimum_is_refused() {
    let mut pool = limited(|limits| limits.min_tip = 5);
    assert_eq!(
        text(pool.add(sign(1, transfer(1, 0, GWEI, 4)), None, rich(0), 0)),
        "transaction underpriced: gas tip cap 4, minimum needed 5"
    );
    pool.add(sign(1, transfer(1, 0, 10, 5)), None, rich(0), 0).unwrap();
    assert_eq!(order(&pool, 5), "1/0");
    assert_eq!(order(&pool, 6), "");
}

#[test]
fn queued_ones_expire_unless_their_sender_is_heard_of() {
    let mut pool = pool();
    pool.add(sign(1, transfer(1, 0, GWEI, 1)), None, rich(0), 0).unwrap();
    pool.add(sign(1, transfer(1, 2, GWEI, 1)), None, rich(0), 0).unwrap();
    pool.add(sign(2, transfer(2, 2, GWEI, 1)), None, rich(0), 0).unwrap();
    let later = |now_ms| Head { now_ms, ..Head::default() };
    assert!(pool.on_head(later(3 * HOUR_MS)).is_empty());
    pool.add(sign(2, transfer(2, 3, GWEI, 1)), None, rich(0), 3 * HOUR_MS).unwrap();
    let removed = pool.on_head(later(3 * HOUR_MS + 1));
    assert_eq!(
        removed.iter().map(|removed| (removed.tx.sender(), removed.why)).collect::<Vec<_>>(),
        [(sender(1), Departure::Expired)]
    );
    assert_eq!((pool.stats().pending, pool.stats().queued), (1, 2));
    assert_eq!(pool.on_head(later(6 * HOUR_MS + 1)).len(), 2);
}

#[test]
fn account_views_tell_delegations_from_contracts() {
    let of = |code: &[u8]| AccountView::new(0, U256::ZERO, &Bytes::copy_from_slice(code)).code;
    assert_eq!(of(&[]), SenderCode::None);
    assert_eq!(of(&[&[0xef, 1, 0], [7; 20].as_slice()].concat()), SenderCode::Delegated);
    assert_eq!(of(&[&[0xef, 1, 0], [7; 21].as_slice()].concat()), SenderCode::Contract);
    assert_eq!(of(&[0x60]), SenderCode::Contract);
}

#[test]
fn content_lists_every_sender_once() {
    let mut pool = pool();
    for (from, nonce) in [(2, 0), (1, 1), (1, 0), (2, 5)] {
        pool.add(sign(from, transfer(from, nonce, GWEI, 1)), None, rich(0), 0).unwrap();
    }
    let content: Vec<_> = pool.content().map(|c| (c.sender, c.pending.len(), c.queued.len())).collect();
    assert_eq!(content, [(sender(1), 2, 0), (sender(2), 1, 1)]);
    let hash = pool.by_sender_and_nonce(sender(2), 5).unwrap().hash;
    assert_eq!(pool.by_hash(&hash).unwrap().nonce(), 5);
    assert_eq!(pool.remove(&hash, 0).unwrap().why, Departure::Dropped);
    assert!(pool.by_hash(&hash).is_none());
    assert_eq!(pool.clear().len(), 3);
    check_invariants(&pool);
}

/// One random operation.
#[derive(Debug, Clone)]
enum Op {
    Add { from: u8, nonce: u64, max_fee: u64, tip: u64, data: usize },
    Head { base_fee: u64, from: u8, nonce: u64, balance: u64, hours: u64 },
    Include { count: usize },
    Remove { from: u8, nonce: u64 },
    Reinsert { from: u8, nonces: Vec<u64> },
}

fn op() -> impl Strategy<Value = Op> {
    let from = || 0..4u8;
    prop_oneof![
        6 => (from(), 0..8u64, 1..60u64, 0..60u64, 0..300usize)
            .prop_map(|(from, nonce, max_fee, tip, data)| Op::Add { from, nonce, max_fee, tip: tip.min(max_fee), data }),
        2 => (0..60u64, from(), 0..8u64, 0..60u64, 0..4u64)
            .prop_map(|(base_fee, from, nonce, balance, hours)| Op::Head { base_fee, from, nonce, balance: balance * 100_000, hours }),
        2 => (0..4usize).prop_map(|count| Op::Include { count }),
        1 => (from(), 0..8u64).prop_map(|(from, nonce)| Op::Remove { from, nonce }),
        1 => (from(), prop::collection::vec(0..8u64, 0..4)).prop_map(|(from, nonces)| Op::Reinsert { from, nonces }),
    ]
}

fn check_invariants(pool: &Pool) {
    let limits = &pool.config().limits;
    let stats = pool.stats();
    let all: Vec<_> = pool.iter().collect();
    assert_eq!(stats.pending + stats.queued, all.len());
    assert_eq!(stats.bytes, all.iter().map(|tx| tx.bytes).sum::<usize>());
    assert!(all.len() <= limits.transactions && stats.bytes <= limits.bytes);
    assert_eq!(pool.by_hash.len(), all.len());
    assert_eq!(pool.tails.len(), pool.lines.len());
    let mut nonces = BTreeSet::new();
    for tx in &all {
        assert!(nonces.insert((tx.sender(), tx.nonce())), "two of one nonce");
        assert_eq!(pool.by_hash(&tx.hash).unwrap().hash, tx.hash);
    }
    for content in pool.content() {
        let line = &pool.lines[&content.sender];
        assert_eq!(content.pending.len() + content.queued.len(), line.len(), "nothing lies below the account's nonce");
        assert!(line.len() <= limits.per_sender);
        assert!(pool.tails.contains(&(line.worth(pool.base_fee).unwrap(), content.sender)), "the index is current");
        let cost: U256 = content.pending.iter().map(|tx| tx.cost).sum();
        assert!(cost <= line.account.balance);
        for (i, tx) in content.pending.iter().enumerate() {
            assert_eq!(tx.nonce(), line.account.nonce + i as u64, "pending is contiguous");
        }
    }
    let mut last = BTreeMap::new();
    for tx in pool.best(pool.base_fee, 1) {
        let expected = last.get(&tx.sender()).map_or(pool.lines[&tx.sender()].account.nonce, |nonce| nonce + 1);
        assert_eq!(tx.nonce(), expected);
        assert!(tx.tx.max_fee_per_gas() >= u128::from(pool.base_fee));
        last.insert(tx.sender(), tx.nonce());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_under_random_operations(ops in prop::collection::vec(op(), 0..80)) {
        let mut pool = limited(|limits| {
            (limits.transactions, limits.bytes, limits.per_sender) = (12, 2_500, 5);
        });
        let mut accounts: BTreeMap<u8, AccountView> =
            (0..4).map(|from| (from, AccountView { balance: U256::from(5_000_000), ..AccountView::default() })).collect();
        let mut now_ms = 0;
        for op in ops {
            match op {
                Op::Add { from, nonce, max_fee, tip, data } => {
                    let input = Bytes::from(vec![1; data]);
                    let tx = alloy_consensus::TxEip1559 { input, gas_limit: 50_000, ..transfer(from, nonce, max_fee.into(), tip.into()) };
                    let before: Vec<B256> = pool.iter().map(|tx| tx.hash).collect();
                    match pool.add(sign(from, tx), None, accounts[&from], now_ms) {
                        Ok(added) => {
                            assert!(pool.by_hash(&added.hash).is_some());
                            assert_eq!(added.is_pending, added.promoted.contains(&added.hash));
                            let gone = added.evicted.iter().chain(&added.replaced);
                            assert!(gone.clone().all(|hash| before.contains(hash) && pool.by_hash(hash).is_none()));
                            assert_eq!(before.len() + 1, pool.iter().count() + gone.count());
                        }
                        Err(_) => assert_eq!(before, pool.iter().map(|tx| tx.hash).collect::<Vec<_>>()),
                    }
                }
                Op::Head { base_fee, from, nonce, balance, hours } => {
                    now_ms += hours * HOUR_MS;
                    let account = AccountView { nonce, balance: U256::from(balance), code: SenderCode::None };
                    accounts.insert(from, account);
                    pool.on_head(Head { base_fee, included: Vec::new(), accounts: vec![(sender(from), account)], now_ms });
                }
                Op::Include { count } => {
                    let block: Vec<Arc<Pooled>> = pool.best(pool.base_fee, 1).take(count).cloned().collect();
                    for tx in &block {
                        accounts.get_mut(&tx.sender()[0]).unwrap().nonce = tx.nonce() + 1;
                    }
                    let removed = pool.on_head(Head {
                        base_fee: pool.base_fee,
                        included: block.iter().map(|tx| tx.hash).collect(),
                        accounts: block.iter().map(|tx| (tx.sender(), accounts[&tx.sender()[0]])).collect(),
                        now_ms,
                    });
                    assert!(removed.iter().filter(|removed| removed.why == Departure::Included).count() == block.len());
                }
                Op::Remove { from, nonce } => {
                    if let Some(hash) = pool.by_sender_and_nonce(sender(from), nonce).map(|tx| tx.hash) {
                        assert!(pool.remove(&hash, now_ms).is_some());
                    }
                }
                Op::Reinsert { from, nonces } => {
                    let returned = nonces.iter().map(|nonce| Returned {
                        tx: sign(from, alloy_consensus::TxEip1559 { gas_limit: 50_000, ..transfer(from, *nonce, 30, 3) }),
                        sidecar: None,
                    });
                    pool.reinsert(returned.collect(), |_| accounts[&from], now_ms);
                }
            }
            check_invariants(&pool);
        }
    }
}
