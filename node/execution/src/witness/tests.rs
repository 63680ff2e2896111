use super::*;
use crate::{trie::Nowhere, world::*};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{TxKind, keccak256};
use chainspec::{Layer, dev};
use rand::Rng;

#[test]
fn a_witness_is_sorted_and_holds_nothing_twice() {
    let mut rng = rng(21);
    let mut world = random_world(&mut rng);
    for _ in 0..10 {
        let executed = world.build(&random_txs(&mut rng, &world, 7));
        let Witness { state, codes, headers } = &executed.witness;
        assert!(state.windows(2).all(|w| w[0] < w[1]) && codes.windows(2).all(|w| w[0] < w[1]));
        assert_eq!(headers.last().unwrap(), &alloy_rlp::encode(world.head().header()));
        world.append(&executed);
    }
}

#[test]
fn blockhash_takes_headers_along_as_far_as_it_reached() {
    let mut genesis = dev::l2_genesis(1_000, Bytes::from_static(&[0x00]));
    // BLOCKHASH(calldata word), stored in slot 0.
    let code = vec![0x5f, 0x35, 0x40, 0x5f, 0x55, 0x00];
    genesis.alloc.insert(peer(0), GenesisAccount::default().with_nonce(Some(1)).with_code(Some(code.into())));
    let mut world = World::new(genesis, Layer::Rollup);
    for _ in 0..270 {
        let executed = world.build(&[]);
        world.append(&executed);
    }
    let next = world.headers.len() as u64;
    for (number, headers) in [(next, 1), (next - 1, 1), (next - 2, 2), (next - 256, 256), (next - 257, 1), (5, 1)] {
        let ask = call(&world, 0, 0, TxKind::Call(peer(0)), 0, U256::from(number).to_be_bytes::<32>().into());
        let mut building = world.building();
        building.push(&ask).unwrap();
        let sizes = building.sizes();
        let executed = building.seal().unwrap();
        assert_eq!(executed.witness.headers.len(), headers, "{number} of {next}");
        let exact: usize = executed.witness.headers.iter().map(|h| h.len()).sum();
        assert_eq!((sizes.headers, sizes.header_count), (exact, headers));
        let input = crate::stateless::input(world.spec.chain_id, &executed).unwrap().encode();
        crate::stateless::validate(&input).unwrap();
        crate::second::check(&input).unwrap();
    }
}

/// Writes call data word 0 to as many slots as word 1 says, from slot word 2 on.
fn writer() -> Vec<u8> {
    vec![
        0x60, 0x20, 0x35, 0x5f, // n i
        0x5b, // 4: loop
        0x80, 0x82, 0x11, 0x60, 0x0d, 0x57, 0x00, 0x00, // i < n ? jump 13 : stop
        0x5b, 0x5f, 0x35, 0x81, 0x60, 0x40, 0x35, 0x01, 0x55, // store
        0x60, 1, 0x01, 0x60, 4, 0x56, // i += 1
    ]
}

#[test]
fn the_sizes_are_those_of_the_sealed_block_while_slots_are_filled_and_cleared() {
    let mut genesis = dev::l2_genesis(1_000, Bytes::from_static(&[0x00]));
    genesis.gas_limit = 500_000_000;
    for index in 0..3 {
        let contract = GenesisAccount::default().with_nonce(Some(1)).with_code(Some(writer().into()));
        genesis.alloc.insert(peer(index), contract);
    }
    let mut world = World::new(genesis, Layer::Rollup);
    let mut rng = rng(77);
    let mut cleared = 0;
    for round in 0..600 {
        let mut building = world.building();
        for n in 0..rng.random_range(1..5) {
            let (value, count, from) =
                (rng.random_range(0..2u64), rng.random_range(1..20u64), rng.random_range(0..60u64));
            let data: Vec<u8> =
                [value, count, from].into_iter().flat_map(|w| U256::from(w).to_be_bytes::<32>()).collect();
            let nonce = world.nonce(signer(0).address()) + n;
            let tx = alloy_consensus::TxEip1559 {
                chain_id: world.spec.chain_id,
                nonce,
                gas_limit: 16_000_000,
                max_fee_per_gas: 4_000_000_000,
                to: TxKind::Call(peer(rng.random_range(0..3))),
                input: data.into(),
                ..Default::default()
            };
            assert!(building.push(&sign(&signer(0), tx)).unwrap().success);
        }
        let bound = building.sizes();
        let executed = building.seal().unwrap();
        let exact = Sizes::of([], &executed.bal, &executed.witness);
        assert!(bound.nodes >= exact.nodes && bound.node_count >= exact.node_count && bound.bal >= exact.bal);
        cleared += executed
            .diff
            .accounts
            .values()
            .flat_map(|a| a.storage.values())
            .filter(|(_, after)| after.is_zero())
            .count();
        // Well within the three percent that the builder may count on.
        assert_eq!((bound.nodes, bound.node_count), (exact.nodes, exact.node_count));
        let input = crate::stateless::input(world.spec.chain_id, &executed).unwrap();
        crate::stateless::verify(&input).unwrap();
        if round % 5 == 0 {
            crate::second::check(&input.encode()).unwrap();
        }
        world.append(&executed);
    }
    assert!(cleared > 2_000);
}

#[test]
fn the_witness_of_an_insert_and_a_clear_needs_no_sibling_when_the_insert_comes_first() {
    // Two slots below one branch: clearing one of them collapses the branch unless another slot arrives there first.
    let nibble = |slot: u64| keccak256(U256::from(slot).to_be_bytes::<32>()).0[0] >> 4;
    let (first, second) = (0u64, (1..).find(|s| nibble(*s) != nibble(0)).unwrap());
    let third = (second + 1..).find(|s| nibble(*s) != nibble(0) && nibble(*s) != nibble(second)).unwrap();
    let diff = |changes: &[(u64, u64, u64)]| {
        let storage =
            changes.iter().map(|(slot, b, a)| (U256::from(*slot), (U256::from(*b), U256::from(*a)))).collect();
        let account = Some(crate::Account { nonce: 1, ..Default::default() });
        let entry = crate::state::AccountDiff { before: account, after: account, wiped: false, storage };
        StateDiff { accounts: [(Address::ZERO, entry)].into(), ..Default::default() }
    };
    let long = u64::MAX;
    let empty = StateTree::new(alloy_trie::EMPTY_ROOT_HASH);
    let tree = roots::apply(&empty, &Nowhere, &diff(&[(first, 0, long), (second, 0, long)])).unwrap().tree;
    let count = |changes: &[(u64, u64, u64)]| roots::apply(&tree, &Nowhere, &diff(changes)).unwrap().siblings.len();
    let alone = count(&[(first, long, 0)]);
    let replaced = count(&[(first, long, 0), (third, 0, long)]);
    assert_eq!((alone, replaced), (1, 0), "only the lone clearing looks at the sibling");
}

#[test]
fn a_block_filled_up_to_a_budget_keeps_it_and_goes_on_with_what_still_fits() {
    const BUDGET: usize = 8_000;
    let mut rng = rng(31);
    let world = random_world(&mut rng);
    let mut building = world.building();
    let (mut included, mut refused) = (0, 0);
    for n in 0..40u64 {
        let data = vec![1; if n % 3 == 0 { 900 } else { 0 }];
        let nonce = included;
        let tx = call(&world, 0, nonce, TxKind::Call(peer(n % 6)), 0, data.into());
        match building.push_if(&tx, |sizes| sizes.input_len() <= BUDGET) {
            Ok(_) => included += 1,
            Err(crate::Refused::Budget) => refused += 1,
            Err(other) => panic!("{other}"),
        }
        assert!(building.sizes().input_len() <= BUDGET);
    }
    assert!(included > 3 && refused > 3, "{included} {refused}");
    let executed = building.seal().unwrap();
    let input = crate::stateless::input(world.spec.chain_id, &executed).unwrap().encode();
    assert!(input.len() <= BUDGET && input.len() > BUDGET * 9 / 10, "{}", input.len());
    crate::stateless::validate(&input).unwrap();
}
