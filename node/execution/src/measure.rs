//! Times of the hot paths, for whoever works on them; `etc/bench` has the ones that count.
//!
//! `cargo nextest run --release --workspace --lib --run-ignored only --no-capture -E 'test(measure)'`.

use crate::{
    RecoveredTx, execute, roots,
    state::{Account, AccountDiff, StateDiff},
    stateless,
    trie::{Nowhere, StateTree},
    world::{World, call, rng},
};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, Bytes, TxKind, U256, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use chainspec::{Layer, dev};
use rand::Rng;
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

fn address(n: u64) -> Address {
    Address::from_word(keccak256(n.to_be_bytes()))
}

fn account(n: u64) -> Account {
    Account { nonce: n % 100, balance: U256::from(n) * U256::from(1_000_000_007_000_000_000u64), ..Default::default() }
}

fn best<T>(times: usize, mut run: impl FnMut() -> T) -> Duration {
    let time = (0..times).map(|_| {
        let start = Instant::now();
        let result = black_box(run());
        let time = start.elapsed();
        drop(result);
        time
    });
    time.min().unwrap_or_default()
}

#[test]
#[ignore = "prints times, asserts nothing"]
fn state_root_of_4000_updates() {
    for accounts in [10_000, 100_000u64] {
        let all = (1..=accounts).map(|n| (address(n), AccountDiff { after: Some(account(n)), ..Default::default() }));
        let diff = StateDiff { accounts: all.collect(), ..Default::default() };
        let start = Instant::now();
        let mut tree = roots::apply(&StateTree::new(EMPTY_ROOT_HASH), &Nowhere, &diff).unwrap().tree;
        let made = start.elapsed();
        let mut rng = rng(1);
        let (mut with, mut without, mut drops) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..40u64 {
            let mut diff = StateDiff::default();
            while diff.accounts.len() < 4_000 {
                let n = rng.random_range(1..=accounts);
                let (before, after) = (Some(account(n)), Some(account(n + 3 + round)));
                diff.accounts.insert(address(n), AccountDiff { before, after, ..Default::default() });
            }
            let start = Instant::now();
            black_box(roots::next(&tree, &Nowhere, &diff).unwrap().root());
            without.push(start.elapsed());
            let start = Instant::now();
            let next = roots::apply(&tree, &Nowhere, &diff).unwrap();
            with.push(start.elapsed());
            let start = Instant::now();
            tree = next.tree;
            drops.push(start.elapsed());
        }
        let each = |times: Vec<Duration>| times.into_iter().min().unwrap_or_default() / 4_000;
        println!(
            "{accounts} accounts made in {made:?}, {} nodes; per update: root {:?}, with changes {:?}, old version dropped {:?}",
            tree.loaded(),
            each(without),
            each(with),
            each(drops),
        );
    }
}

/// Two hundred transfers to any of 100,000 accounts.
fn transfers() -> (World, Vec<RecoveredTx>) {
    let mut genesis = dev::l2_genesis(1_000, Bytes::from_static(&[0x00]));
    genesis.gas_limit = 500_000_000;
    for n in 0..100_000 {
        genesis.alloc.insert(address(n), GenesisAccount::default().with_balance(account(n + 1).balance));
    }
    let world = World::new(genesis, Layer::Rollup);
    let mut rng = rng(2);
    let txs = (0..200).map(|n| {
        let to = TxKind::Call(address(rng.random_range(0..100_000)));
        call(&world, (n % 10) as usize, n / 10, to, 1, Bytes::new())
    });
    let txs = txs.collect();
    (world, txs)
}

fn print<T>(what: &str, count: usize, run: impl FnMut() -> T) {
    println!("{what}: {:?} each", best(500, run) / count as u32);
}

#[test]
#[ignore = "prints times, asserts nothing"]
fn building_transfers() {
    let (world, txs) = transfers();
    let push = || {
        let mut building = world.building();
        txs.iter().for_each(|tx| drop(building.push(tx).unwrap()));
        building
    };
    print("empty block", 1, || world.building().seal().unwrap());
    print("pushing", txs.len(), push);
    print("building", txs.len(), || push().seal().unwrap());
}

#[test]
#[ignore = "prints times, asserts nothing"]
fn importing_transfers() {
    let (world, txs) = transfers();
    let executed = world.build(&txs);
    print("importing", txs.len(), || {
        execute(&world.spec, world.head(), &executed.block, Some(&executed.bal), &world).unwrap()
    });
}

#[test]
#[ignore = "prints times, asserts nothing"]
fn validating_transfers() {
    use alloy_consensus::transaction::SignerRecoverable;
    let (world, txs) = transfers();
    let input = stateless::input(world.spec.chain_id, &world.build(&txs)).unwrap().encode();
    print("validating", txs.len(), || stateless::validate(&input).unwrap());
    print("of which recovery", txs.len(), || {
        txs.iter().map(|tx| tx.inner().recover_signer().unwrap()).collect::<Vec<_>>()
    });
    print("LEVM", txs.len(), || crate::second::check(&input).unwrap());
}
