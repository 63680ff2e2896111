use super::*;
use crate::{execute, stateless, witness::Sizes, world::*};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::B256;
use rand::Rng;
use std::time::{Duration, Instant};

/// Random worlds and blocks; two blocks each.
const SEEDS: u64 = 200;

#[derive(Default, Debug)]
struct Tally {
    blocks: usize,
    transactions: usize,
    successful: usize,
    delegating: usize,
    created: usize,
    nodes_checked: usize,
    mutants: usize,
    longest: usize,
    slack_max: f64,
    slack_sum: f64,
    build: Duration,
    execute: Duration,
    stateless: Duration,
    second: Duration,
}

#[test]
fn random_blocks_please_both_evms_and_their_mutants_neither() {
    let mut tally = Tally::default();
    for seed in 0..SEEDS {
        let mut rng = rng(seed);
        let mut world = random_world(&mut rng);
        for _ in 0..2 {
            let txs = random_txs(&mut rng, &world, 7);
            let time = Instant::now();
            let mut building = world.building();
            let mut refused = 0;
            for tx in &txs {
                refused += usize::from(building.push(tx).is_err());
            }
            assert_eq!(building.transactions().len() + refused, txs.len());
            let bound = building.sizes();
            let executed = building.seal().unwrap();
            tally.build += time.elapsed();

            let lens = executed.block.body().transactions.iter().map(|tx| tx.encode_2718_len());
            let exact = Sizes::of(lens, &executed.bal, &executed.witness);
            for (bound, exact) in [
                (bound.transactions, exact.transactions),
                (bound.bal, exact.bal),
                (bound.nodes, exact.nodes),
                (bound.node_count, exact.node_count),
                (bound.codes, exact.codes),
                (bound.headers, exact.headers),
            ] {
                assert!(bound >= exact, "seed {seed}: {bound:?} < {exact:?}");
            }
            assert_eq!(
                (bound.codes, bound.headers, bound.transactions),
                (exact.codes, exact.headers, exact.transactions),
                "seed {seed}"
            );

            let time = Instant::now();
            let again = execute(&world.spec, world.head(), &executed.block, Some(&executed.bal), &world).unwrap();
            tally.execute += time.elapsed();
            assert_eq!(again.witness, executed.witness, "seed {seed}");
            assert_eq!(again.diff, executed.diff);
            assert_eq!(again.receipts, executed.receipts);

            let input = stateless::input(world.spec.chain_id, &executed).unwrap();
            let bytes = input.encode();
            assert!(bytes.len() <= bound.input_len() && bytes.len() + 32 <= exact.input_len() + 1, "seed {seed}");
            let slack = bound.input_len() as f64 / exact.input_len() as f64 - 1.0;
            tally.slack_max = tally.slack_max.max(slack);
            tally.slack_sum += slack;
            let time = Instant::now();
            let valid = stateless::validate(&bytes).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
            tally.stateless += time.elapsed();
            assert_eq!(valid.header.hash(), executed.block.hash());
            let time = Instant::now();
            check(&bytes).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
            tally.second += time.elapsed();

            tally.blocks += 1;
            tally.longest = tally.longest.max(bytes.len());
            tally.transactions += executed.receipts.len();
            tally.successful += executed.receipts.iter().filter(|r| r.status()).count();
            tally.delegating += executed.block.body().transactions.iter().filter(|tx| tx.is_eip7702()).count();
            tally.created += executed.diff.accounts.values().filter(|a| a.before.is_none()).count();
            if seed % 5 == 0 {
                tally.mutants += mutants(&mut rng, &input, seed);
            }
            if seed % 20 == 0 {
                tally.nodes_checked += nothing_to_spare(&input, seed);
            }
            world.append(&executed);
        }
    }
    println!("{tally:?}, mean slack {:.4}", tally.slack_sum / tally.blocks as f64);
    assert!(
        tally.successful > 300 && tally.delegating > 50,
        "the generator must reach the interesting cases: {tally:?}"
    );
}

/// Changes that make the statement false, each refused by both.
fn mutants(rng: &mut impl Rng, input: &bridge::execute::StatelessInput, seed: u64) -> usize {
    let mut mutants = Vec::new();
    let mut mutate =
        |name: &'static str, change: &mut dyn FnMut(&mut bridge::execute::StatelessInput), rehash: bool| {
            let mut mutant = input.clone();
            change(&mut mutant);
            if mutant == *input {
                return;
            }
            if rehash {
                mutant.payload.block_hash = mutant.header().hash_slow();
            }
            mutants.push((name, mutant));
        };
    mutate("state root", &mut |m| m.payload.state_root.0[3] ^= 1, true);
    mutate("receipts root", &mut |m| m.payload.receipts_root.0[3] ^= 1, true);
    mutate("bloom", &mut |m| m.payload.logs_bloom.0[9] ^= 1, true);
    mutate("gas used", &mut |m| m.payload.gas_used += 1, true);
    mutate("gas limit", &mut |m| m.payload.gas_limit *= 2, true);
    mutate("base fee", &mut |m| m.payload.base_fee_per_gas += 1, true);
    mutate("number", &mut |m| m.payload.block_number += 1, true);
    mutate("timestamp", &mut |m| m.payload.timestamp = 1, true);
    mutate("block hash", &mut |m| m.payload.block_hash.0[0] ^= 1, false);
    mutate("parent hash", &mut |m| m.payload.parent_hash.0[0] ^= 1, true);
    mutate("access list", &mut |m| m.payload.block_access_list = vec![0xc0].into(), true);
    mutate("anchor", &mut |m| m.parent_beacon_block_root.0[0] ^= 1, true);
    mutate("versioned hash", &mut |m| m.versioned_hashes.push(B256::repeat_byte(1)), true);
    mutate("transaction dropped", &mut |m| drop(m.payload.transactions.pop()), true);
    mutate("transaction twice", &mut |m| m.payload.transactions.extend(m.payload.transactions.last().cloned()), true);
    // A legacy transaction from before EIP-155 names no chain.
    if input.payload.transactions.iter().any(|tx| tx[0] < 0x7f) {
        mutate("chain id", &mut |m| m.chain_id += 1, false);
    }
    mutate("no headers", &mut |m| m.witness.headers.clear(), false);
    mutate("no codes", &mut |m| m.witness.codes.clear(), false);
    let node = rng.random_range(0..input.witness.state.len());
    mutate("a node less", &mut |m| drop(m.witness.state.remove(node)), false);
    for (name, mutant) in &mutants {
        let bytes = mutant.encode();
        assert!(stateless::validate(&bytes).is_err(), "seed {seed}: {name} pleases us");
        assert!(check(&bytes).is_err(), "seed {seed}: {name} pleases the second EVM");
    }
    mutants.len()
}

/// Every node, code and header is needed: by us, and (nodes) by LEVM.
fn nothing_to_spare(input: &bridge::execute::StatelessInput, seed: u64) -> usize {
    let mut checked = 0;
    for index in 0..input.witness.state.len() {
        let mut short = input.clone();
        let left_out = short.witness.state.remove(index);
        let ours = stateless::verify(&short);
        assert!(matches!(ours, Err(stateless::Invalid::Witness(_))), "seed {seed}: {left_out} was to spare, {ours:?}");
        checked += 1;
    }
    for index in 0..input.witness.codes.len() {
        let mut short = input.clone();
        let left_out = short.witness.codes.remove(index);
        let ours = stateless::verify(&short);
        assert!(matches!(ours, Err(stateless::Invalid::Witness(_))), "seed {seed}: {left_out} was to spare, {ours:?}");
        checked += 1;
    }
    if input.witness.headers.len() > 1 {
        let mut short = input.clone();
        short.witness.headers.remove(0);
        assert!(stateless::verify(&short).is_err(), "seed {seed}: a header was to spare");
    }
    checked
}

#[test]
fn bytes_that_are_no_input_are_refused_without_a_panic() {
    for bytes in [&[][..], &[0x15], &[0x15, 0x01], &[0x15, 0x02, 0, 0], &[0x15, 0x01, 16, 0, 0, 0]] {
        assert!(matches!(check(bytes), Err(SecondOpinion::Input(_))), "{bytes:02x?}");
    }
}

#[test]
fn two_hundred_transfers_fit_the_bound_and_please_both() {
    use alloy_genesis::GenesisAccount;
    use alloy_primitives::{Address, Bytes, TxKind, U256, keccak256};
    use chainspec::{Layer, dev};
    let mut genesis = dev::l2_genesis(1_000, Bytes::from_static(&[0x00]));
    // A state of some depth.
    let holder = |n: u64| Address::from_word(keccak256(n.to_be_bytes()));
    for n in 0..20_000 {
        genesis.alloc.insert(holder(n), GenesisAccount::default().with_balance(U256::from(n + 1)));
    }
    let mut world = World::new(genesis, Layer::Rollup);
    for round in 0..2u64 {
        let txs: Vec<_> = (0..200)
            .map(|n| call(&world, (n % 8) as usize, n / 8 + 25 * round, TxKind::Call(holder(n * 31)), 1, Bytes::new()))
            .collect();
        let time = Instant::now();
        let mut building = world.building();
        for tx in &txs {
            assert!(building.push(tx).unwrap().success);
        }
        let bound = building.sizes();
        let executed = building.seal().unwrap();
        let built = time.elapsed();
        let time = Instant::now();
        execute(&world.spec, world.head(), &executed.block, Some(&executed.bal), &world).unwrap();
        let executing = time.elapsed();
        let bytes = stateless::input(world.spec.chain_id, &executed).unwrap().encode();
        let time = Instant::now();
        stateless::validate(&bytes).unwrap();
        let validated = time.elapsed();
        let time = Instant::now();
        check(&bytes).unwrap();
        let second = time.elapsed();
        println!(
            "200 transfers among 20,000 accounts: input {} bytes (bound {}), {} nodes of {} bytes, BAL {}; build {built:?}, execute {executing:?}, stateless {validated:?}, second {second:?}",
            bytes.len(),
            bound.input_len(),
            executed.witness.state.len(),
            bound.nodes,
            executed.bal.len(),
        );
        assert_eq!(bound.input_len(), bytes.len() + 32, "exact but for extra data, since nothing is cleared");
        world.append(&executed);
    }
}

/// What node/execution/DIFFERENCES.md says. When this fails, an update has ended the difference: take the rule and its row away.
#[test]
fn the_evms_still_differ_about_creation_over_storage_which_no_rollups_genesis_may_hold() {
    use alloy_genesis::GenesisAccount;
    use alloy_primitives::{Bytes, TxKind};
    use chainspec::{ChainSpec, Layer, SpecError, dev};
    let address = signer(0).address().create(0);
    let with_storage = |mut genesis: alloy_genesis::Genesis| {
        let storage = Some([(B256::with_last_byte(1), B256::with_last_byte(1))].into());
        genesis.alloc.insert(address, GenesisAccount::default().with_storage(storage));
        genesis
    };
    let world = World::new(with_storage(dev::l1_genesis(1_000)), Layer::L1 { execute: false });
    let mut building = world.building();
    let create = call(&world, 0, 0, TxKind::Create, 0, vec![0x60, 1, 0x5f, 0xf3].into());
    assert!(building.push(&create).unwrap().success, "revm creates where nonce and code are empty");
    let input = stateless::input(world.spec.chain_id, &building.seal().unwrap()).unwrap().encode();
    stateless::validate(&input).unwrap();
    let opinion = check(&input).unwrap_err();
    assert!(matches!(opinion, SecondOpinion::Result { what: "gas used", .. }), "LEVM has EIP-7610: {opinion}");

    let rollup = with_storage(dev::l2_genesis(1_000, Bytes::from_static(&[0x00])));
    let refused = ChainSpec::from_genesis(rollup, Layer::Rollup).unwrap_err();
    assert_eq!(refused, SpecError::StorageWithoutContract { address });
}

#[test]
fn the_differences_page_names_tests_that_exist() {
    let page = include_str!("../../DIFFERENCES.md");
    let tests = [include_str!("tests.rs"), include_str!("../executor/tests.rs")].concat();
    let named: Vec<&str> =
        page.split('`').filter(|word| word.contains('_') && !word.contains([' ', ':', '.'])).collect();
    assert!(named.len() >= 3, "{named:?}");
    for name in named {
        assert!(tests.contains(&format!("fn {name}()")), "DIFFERENCES.md names {name}");
    }
}

#[test]
fn both_evms_have_the_same_answers_from_every_precompile() {
    use alloy_genesis::GenesisAccount;
    use alloy_primitives::{Address, TxKind, U256, hex};
    use chainspec::{Layer, dev};
    // The generators of both groups, and the zero polynomial's opening: what a build without BLS12-381 or KZG can't compute.
    let g1 = hex!(
        "0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
        "0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"
    );
    let mut infinity = [0u8; 48];
    infinity[0] = 0xc0;
    let hash = hex!("010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014");
    let opening = [&hash[..], &[0; 64], &infinity, &infinity].concat();
    let zeros = |len: usize| vec![0u8; len];
    let inputs: [(u64, Vec<u8>); 9] = [
        (10, opening),
        (11, [g1, g1].concat()),
        (12, [&g1[..], &[7; 32]].concat()),
        (13, zeros(512)),
        (14, zeros(288)),
        (15, [&g1[..], &[0; 256]].concat()),
        (16, zeros(64)),
        (17, zeros(128)),
        (11, zeros(255)),
    ];
    let mut genesis = dev::l2_genesis(1_000, alloy_primitives::Bytes::from_static(&[0x00]));
    // CALL(gas, calldata[0..32], 0, rest of the call data), then the success flag and the hash of the answer as topics.
    let code = hex!("60203603" "8060205f37" "5f5f825f5f5f355af1" "3d5f5f3e" "3d5f20" "5f5fa200");
    genesis.alloc.insert(peer(0), GenesisAccount::default().with_nonce(Some(1)).with_code(Some(code.into())));
    let world = World::new(genesis, Layer::Rollup);
    for (number, data) in inputs {
        let data = [&U256::from(number).to_be_bytes::<32>()[..], &data].concat();
        let mut building = world.building();
        let through = building.push(&call(&world, 0, 0, TxKind::Call(peer(0)), 0, data.clone().into())).unwrap();
        let address = Address::from_word(B256::from(U256::from(number)));
        let direct = building.push(&call(&world, 1, 0, TxKind::Call(address), 0, data[32..].to_vec().into())).unwrap();
        assert!(through.success);
        assert_eq!(direct.success, data.len() != 32 + 255, "precompile {number}");
        let input = stateless::input(world.spec.chain_id, &building.seal().unwrap()).unwrap().encode();
        stateless::validate(&input).unwrap();
        check(&input).unwrap_or_else(|opinion| panic!("precompile {number}: {opinion}"));
    }
}
