mod forks;

use super::*;
use crate::{StateError, header::HeaderError, world::*};
use alloy_consensus::{Transaction as _, TxEip1559, TxEip4844, TxLegacy};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, TxKind, U256, b256};
use chainspec::{Layer, dev, predeploys};

fn l2() -> World {
    World::new(dev::l2_genesis(1_000, Bytes::from_static(&[0x00])), Layer::Rollup)
}

fn l1() -> World {
    World::new(dev::l1_genesis(1_000), Layer::L1 { execute: true })
}

/// A chain with one more contract at `peer(0)`.
fn with_code(mut genesis: alloy_genesis::Genesis, layer: Layer, code: Vec<u8>) -> World {
    genesis.alloc.insert(peer(0), GenesisAccount::default().with_nonce(Some(1)).with_code(Some(code.into())));
    World::new(genesis, layer)
}

fn transfer(world: &World, who: usize, nonce: u64) -> RecoveredTx {
    call(world, who, nonce, TxKind::Call(signer(9).address()), 5, Bytes::new())
}

#[test]
fn an_empty_block_is_valid_and_its_witness_holds_the_parent_and_the_system_contracts() {
    let world = l2();
    let executed = world.build(&[]);
    execute(&world.spec, world.head(), &executed.block, Some(&executed.bal), &world).unwrap();
    assert_eq!(executed.block.header().gas_used, 0);
    assert_eq!(executed.witness.headers, [alloy_rlp::encode(world.head().header())]);
    // 4788, 2935 and one stub for the four request contracts.
    assert_eq!(executed.witness.codes.len(), 3);
}

#[test]
fn the_system_caller_is_neither_in_the_access_list_nor_in_the_diff() {
    let world = l2();
    let executed = world.build(&[transfer(&world, 0, 0)]);
    let caller = alloy_primitives::address!("0xfffffffffffffffffffffffffffffffffffffffe");
    let bal = <alloy_eip7928::BlockAccessList as alloy_rlp::Decodable>::decode(&mut &executed.bal[..]).unwrap();
    assert!(bal.iter().all(|account| account.address != caller));
    assert!(!executed.diff.accounts.contains_key(&caller));
}

#[test]
fn a_transfer_moves_value_and_pays_the_tip_to_the_fee_recipient() {
    let world = l2();
    let mut building = world.building();
    let included = building.push(&transfer(&world, 0, 0)).unwrap();
    assert!(included.success && included.gas_used == 21_000 && building.gas_used() == 21_000);
    assert_eq!(included.logs.len(), 1, "EIP-7708 logs the transfer");
    assert_eq!(building.gas_left(), building.header().gas_limit - 21_000);
    let executed = building.seal().unwrap();
    let after = |address| executed.diff.accounts[&address].after.unwrap();
    assert_eq!(after(signer(9).address()).balance, dev::BALANCE + U256::from(5));
    assert_eq!(after(Address::with_last_byte(0xfe)).balance, U256::from(21_000));
    let fee = u128::from(executed.block.header().base_fee_per_gas.unwrap()) + 1;
    assert_eq!(after(signer(0).address()).balance, dev::BALANCE - U256::from(5) - U256::from(fee) * U256::from(21_000));
}

#[test]
fn refused_transactions_leave_no_trace() {
    // CALLER's program: read block hashes, another account and a slot, then run a precompile's worth of nothing.
    let code = vec![0x60, 3, 0x43, 0x03, 0x40, 0x60, 9, 0x55, 0x73];
    let code = [code, predeploys::MULTICALL3.to_vec(), vec![0x3b, 0x50, 0x60, 7, 0x54, 0x50, 0x00]].concat();
    let mut world = with_code(dev::l2_genesis(1_000, Bytes::from_static(&[0x00])), Layer::Rollup, code);
    for _ in 0..5 {
        let executed = world.build(&[]);
        world.append(&executed);
    }
    let good = [transfer(&world, 0, 0), transfer(&world, 1, 0), transfer(&world, 0, 1)];
    let plain = world.build(&good);

    let reads = |nonce| call(&world, 2, nonce, TxKind::Call(peer(0)), 0, Bytes::new());
    let mut poor =
        TxEip1559 { chain_id: world.spec.chain_id, gas_limit: 100_000, max_fee_per_gas: 1 << 90, ..Default::default() };
    poor.to = TxKind::Call(peer(0));
    let cheap = TxEip1559 { max_fee_per_gas: 1, ..poor.clone() };
    let small = TxEip1559 { gas_limit: 10_000, max_fee_per_gas: 2_000_000_000, ..poor.clone() };
    let huge = TxEip1559 { gas_limit: 13_000_000, ..small.clone() };
    let alien = TxEip1559 { chain_id: 1, gas_limit: 100_000, ..small.clone() };
    let mut building = world.building();
    let sizes = building.sizes();
    let mut refuse = |tx: &RecoveredTx, budget: bool, expected: Verdict| {
        let refused = building.push_if(tx, |_| !budget).unwrap_err();
        assert_eq!(refused.verdict(), expected, "{refused}");
        refused
    };
    assert!(matches!(refuse(&reads(0), true, Verdict::Later), Refused::Budget));
    assert!(matches!(refuse(&reads(4), false, Verdict::Later), Refused::NonceAhead { tx: 4, account: 0 }));
    assert!(matches!(refuse(&sign(&signer(2), poor), false, Verdict::Later), Refused::Unpayable(_)));
    assert!(matches!(refuse(&sign(&signer(2), cheap), false, Verdict::Later), Refused::Unpayable(_)));
    assert!(matches!(refuse(&sign(&signer(2), small), false, Verdict::Never), Refused::Invalid(_)));
    assert!(matches!(refuse(&sign(&signer(2), huge), false, Verdict::Later), Refused::BlockFull { .. }));
    assert!(matches!(refuse(&sign(&signer(2), alien), false, Verdict::Never), Refused::Invalid(_)));
    assert_eq!(building.sizes(), sizes);
    building.push(&good[0]).unwrap();
    assert!(matches!(building.push(&good[0]), Err(Refused::Invalid(_))), "its nonce is used now");
    assert!(building.push_if(&reads(0), |_| false).is_err());
    building.push(&good[1]).unwrap();
    assert!(building.push_if(&reads(0), |_| false).is_err());
    building.push(&good[2]).unwrap();
    let noisy = building.seal().unwrap();

    assert_eq!(noisy.block, plain.block);
    assert_eq!((noisy.bal, noisy.witness, noisy.diff), (plain.bal, plain.witness, plain.diff));

    // What only a refused transaction had read is in the witness again once an included one reads it.
    let mut building = world.building();
    assert!(building.push_if(&reads(0), |_| false).is_err());
    building.push(&reads(0)).unwrap();
    let executed = building.seal().unwrap();
    assert_eq!(executed.witness.headers.len(), 3);
    assert_eq!(executed.witness.codes.len(), 5, "three system codes, the program and the code whose size it asks");
    assert_eq!(executed.witness, world.build(&[reads(0)]).witness);
}

/// A contract that calls EIP-7002's predeploy with a valid request and enough value.
fn requests() -> Vec<u8> {
    let mut code = vec![0x5f, 0x5f, 0x60, 56, 0x5f, 0x60, 1, 0x73];
    code.extend_from_slice(predeploys::REQUEST_CONTRACTS[0].as_slice());
    code.extend([0x5a, 0xf1, 0x50, 0x00]);
    code
}

#[test]
fn no_user_of_a_rollup_can_make_a_request_even_where_the_genesis_holds_the_real_contracts() {
    let mut genesis = dev::l2_genesis(1_000, Bytes::from_static(&[0x00]));
    genesis.alloc.extend(predeploys::l1_system());
    let real = with_code(genesis, Layer::Rollup, requests());
    let predeploy = predeploys::REQUEST_CONTRACTS[0];
    let direct = call(&real, 0, 0, TxKind::Call(predeploy), 500, vec![0; 56].into());
    let through = call(&real, 0, 0, TxKind::Call(peer(0)), 500, Bytes::new());
    let plain = real.build(&[]);
    for tx in [direct, through] {
        let mut building = real.building();
        let refused = building.push(&tx).unwrap_err();
        assert!(matches!(refused, Refused::Request(at) if at == predeploy), "{refused}");
        assert_eq!(refused.verdict(), Verdict::Never);
        assert_eq!(building.seal().unwrap().block, plain.block);
    }

    // The trap is real: the same transaction on an L1 makes a block with a request in it.
    let mut genesis = dev::l1_genesis(1_000);
    genesis.alloc.get_mut(&signer(0).address()).unwrap().balance = dev::BALANCE;
    let l1 = with_code(genesis, Layer::L1 { execute: false }, requests());
    let executed = l1.build(&[call(&l1, 0, 0, TxKind::Call(peer(0)), 500, Bytes::new())]);
    assert_eq!(executed.receipts.len(), 1);
    assert_ne!(executed.block.header().requests_hash, plain.block.header().requests_hash);
    execute(&l1.spec, l1.head(), &executed.block, Some(&executed.bal), &l1).unwrap();
}

#[test]
fn the_stubs_of_our_genesis_revert_for_users() {
    let world = l2();
    let mut building = world.building();
    for (nonce, contract) in (0..).zip(predeploys::REQUEST_CONTRACTS) {
        let included = building.push(&call(&world, 0, nonce, TxKind::Call(contract), 1, vec![0; 56].into())).unwrap();
        assert!(!included.success);
    }
    assert_eq!(building.seal().unwrap().block.header().requests_hash, world.head().requests_hash);
}

#[test]
fn a_block_is_invalid_where_a_request_contract_has_no_code() {
    for contract in predeploys::REQUEST_CONTRACTS {
        let mut genesis = dev::l2_genesis(1_000, Bytes::from_static(&[0x00]));
        genesis.alloc.remove(&contract);
        let world = World::new(genesis, Layer::Rollup);
        let error = world.building().seal().unwrap_err();
        assert!(matches!(&error, ExecutionError::SystemCall(SystemCallError::NoCode(_))), "{error}");
    }
}

#[test]
fn a_deposit_log_is_a_request_too() {
    let deposit = alloy_eips::eip6110::MAINNET_DEPOSIT_CONTRACT_ADDRESS;
    let topic = b256!("0x649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5");
    let code = [vec![0x7f], topic.to_vec(), vec![0x5f, 0x5f, 0xa1, 0x00]].concat();
    let mut genesis = dev::l2_genesis(1_000, Bytes::from_static(&[0x00]));
    genesis.alloc.insert(deposit, GenesisAccount::default().with_nonce(Some(1)).with_code(Some(code.into())));
    let world = World::new(genesis, Layer::Rollup);
    let tx = call(&world, 0, 0, TxKind::Call(deposit), 0, Bytes::new());
    assert!(matches!(world.building().push(&tx), Err(Refused::Request(at)) if at == deposit));
}

fn blob_tx(world: &World, nonce: u64, blobs: u8) -> RecoveredTx {
    let tx = TxEip4844 {
        chain_id: world.spec.chain_id,
        nonce,
        gas_limit: 100_000,
        max_fee_per_gas: 2_000_000_000,
        max_priority_fee_per_gas: 1,
        to: signer(3).address(),
        max_fee_per_blob_gas: 1_000_000,
        blob_versioned_hashes: (0..blobs)
            .map(|n| {
                let mut hash = B256::repeat_byte(n);
                hash.0[0] = 1;
                hash
            })
            .collect(),
        ..Default::default()
    };
    sign(&signer(0), tx)
}

#[test]
fn blob_transactions_stand_on_l1_up_to_the_limit_and_nowhere_on_a_rollup() {
    let world = l2();
    let refused = world.building().push(&blob_tx(&world, 0, 1)).unwrap_err();
    assert!(matches!(refused, Refused::Type(3)) && refused.verdict() == Verdict::Never);

    let mut world = l1();
    let max = world.spec.blob_params_at(1_000).unwrap().max_blob_count;
    let mut building = world.building();
    let mut blobs = 0;
    for nonce in 0.. {
        let tx = blob_tx(&world, nonce, 6);
        if blobs + 6 > max {
            assert!(matches!(building.push(&tx), Err(Refused::BlockFull { .. })));
            break;
        }
        building.push(&tx).unwrap();
        blobs += tx.blob_count().unwrap();
    }
    let executed = building.seal().unwrap();
    assert_eq!(executed.block.header().blob_gas_used, Some(blobs << 17));
    execute(&world.spec, world.head(), &executed.block, Some(&executed.bal), &world).unwrap();
    world.append(&executed);
    let next = world.build(&[]);
    assert!(next.block.header().excess_blob_gas.unwrap() > 0, "the next block prices blobs higher");
    execute(&world.spec, world.head(), &next.block, None, &world).unwrap();
}

/// `executed`'s block with its header changed.
fn changed(executed: &Executed, change: impl FnOnce(&mut Header)) -> RecoveredBlock {
    let (mut block, senders) = executed.block.clone().split();
    change(&mut block.header);
    let hash = block.header.hash_slow();
    RecoveredBlock::new(block, senders, hash)
}

#[test]
fn each_wrong_header_field_has_its_own_error() {
    let world = l2();
    let executed = world.build(&[transfer(&world, 0, 0)]);
    let judge = |change: &dyn Fn(&mut Header)| {
        let block = changed(&executed, change);
        execute(&world.spec, world.head(), &block, None, &world).unwrap_err().to_string()
    };
    type Case<'a> = (&'a dyn Fn(&mut Header), &'a str);
    let cases: [Case<'_>; 24] = [
        (&|h| h.parent_hash = B256::ZERO, "header: parent hash"),
        (&|h| h.number += 1, "header: number"),
        (&|h| h.timestamp = 1_000, "header: timestamp"),
        (&|h| h.gas_limit += h.gas_limit / 1024, "header: gas limit"),
        (&|h| h.gas_used = h.gas_limit + 1, "header: gas used"),
        (&|h| h.base_fee_per_gas = Some(1), "header: base fee"),
        (&|h| h.base_fee_per_gas = None, "header: base fee"),
        (&|h| h.extra_data = vec![0; 33].into(), "header: extra data"),
        (&|h| h.difficulty = U256::from(1), "header: difficulty"),
        (&|h| h.nonce.0[7] = 1, "header: nonce"),
        (&|h| h.ommers_hash = B256::ZERO, "header: ommers hash"),
        (&|h| h.slot_number = None, "header: slot number is missing"),
        (&|h| h.block_access_list_hash = None, "header: block access list hash is missing"),
        (&|h| h.withdrawals_root = None, "header: withdrawals root is missing"),
        (&|h| h.blob_gas_used = Some(1), "header: blob gas used"),
        (&|h| h.excess_blob_gas = Some(1 << 17), "header: excess blob gas"),
        (&|h| h.transactions_root = B256::ZERO, "transactions root"),
        (&|h| h.withdrawals_root = Some(B256::ZERO), "withdrawals root"),
        (&|h| h.gas_used += 1, "gas used in the header"),
        (&|h| h.receipts_root = B256::ZERO, "receipts root"),
        (&|h| h.logs_bloom = Bloom::repeat_byte(1), "logs bloom"),
        (&|h| h.requests_hash = Some(B256::ZERO), "requests hash"),
        (&|h| h.block_access_list_hash = Some(B256::ZERO), "block access list hash"),
        (&|h| h.state_root = B256::ZERO, "state root"),
    ];
    for (change, expected) in cases {
        let error = judge(change);
        assert!(error.starts_with(expected), "expected {expected:?}, got {error:?}");
    }
    let error = execute(&world.spec, world.head(), &executed.block, Some(&[0xc0]), &world).unwrap_err();
    assert!(matches!(error, BlockError::Root { field: Root::DeliveredBal, .. }), "{error}");
    // Blob gas that is a number of blobs, but not of this block's.
    let error = judge(&|h| h.blob_gas_used = Some(1 << 17));
    assert!(error.starts_with("blob gas used in the header"), "{error}");
    // What nothing depends on is free.
    let block = changed(&executed, |h| h.slot_number = Some(77));
    execute(&world.spec, world.head(), &block, None, &world).unwrap();
}

#[test]
fn a_block_with_a_transaction_that_cannot_stand_there_is_refused_by_its_index() {
    let world = l2();
    let executed = world.build(&[transfer(&world, 0, 0), transfer(&world, 1, 0)]);
    let (mut block, mut senders) = executed.block.clone().split();
    block.body.transactions.push(transfer(&world, 0, 0).into_inner());
    senders.push(signer(0).address());
    block.header.transactions_root = proofs::calculate_transaction_root(&block.body.transactions);
    let hash = block.header.hash_slow();
    let block = RecoveredBlock::new(block, senders, hash);
    let error = execute(&world.spec, world.head(), &block, None, &world).unwrap_err();
    assert!(matches!(error, BlockError::Transaction { index: 2, reason: Refused::Invalid(_), .. }), "{error}");
    assert!(!error.is_internal());
}

#[test]
fn a_gas_limit_too_low_for_the_system_calls_access_list_is_an_error_and_no_block() {
    let mut genesis = dev::l2_genesis(1_000, Bytes::from_static(&[0x00]));
    genesis.gas_limit = 5_000;
    let world = World::new(genesis, Layer::Rollup);
    let error = world.building().seal().unwrap_err();
    assert!(matches!(error, ExecutionError::BalFull { limit: 2, .. }), "{error}");
}

#[test]
fn a_state_that_cannot_answer_is_never_the_blocks_fault() {
    struct Broken<'a>(&'a World, std::sync::atomic::AtomicUsize, crate::trie::StateTree);
    impl Broken<'_> {
        fn tick(&self) -> Result<(), StateError> {
            let left = self.1.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
            if left == 0 || left > usize::MAX / 2 { Err(StateError::io(std::io::Error::other("disk"))) } else { Ok(()) }
        }
    }
    impl crate::StateView for Broken<'_> {
        fn account(&self, a: Address) -> Result<Option<crate::Account>, StateError> {
            self.tick()?;
            self.0.account(a)
        }
        fn storage(&self, a: Address, s: U256) -> Result<U256, StateError> {
            self.tick()?;
            self.0.storage(a, s)
        }
        fn code(&self, h: B256) -> Result<Bytes, StateError> {
            self.tick()?;
            self.0.code(h)
        }
        fn block_hash(&self, n: u64) -> Result<B256, StateError> {
            self.tick()?;
            self.0.block_hash(n)
        }
    }
    impl crate::NodeSource for Broken<'_> {
        fn node(&self, at: &crate::trie::Place, h: B256) -> Result<Bytes, StateError> {
            self.tick()?;
            self.0.node(at, h)
        }
    }
    impl ChainState for Broken<'_> {
        fn tree(&self) -> &crate::trie::StateTree {
            &self.2
        }
        fn header(&self, n: u64) -> Result<Bytes, StateError> {
            self.tick()?;
            self.0.header(n)
        }
    }
    let world = l2();
    let executed = world
        .build(&[transfer(&world, 0, 0), call(&world, 1, 0, TxKind::Call(predeploys::MULTICALL3), 0, Bytes::new())]);
    let mut failures = 0;
    for reads in 0.. {
        let broken = Broken(&world, reads.into(), crate::trie::StateTree::new(world.root()));
        match execute(&world.spec, world.head(), &executed.block, None, &broken) {
            Ok(_) => break,
            Err(error) => assert!(error.is_internal() && matches!(error, BlockError::State(_)), "{reads}: {error}"),
        }
        failures += 1;
    }
    assert!(failures > 30);
}

#[test]
fn attributes_that_make_no_valid_header_are_refused_at_the_start() {
    let world = l2();
    let start = |change: &dyn Fn(&mut Attributes)| {
        let mut attributes = world.attributes();
        change(&mut attributes);
        Building::start(&world.spec, world.head(), attributes, &world).map(|_| ()).unwrap_err()
    };
    let header = |error| match error {
        ExecutionError::Header(error) => error,
        other => panic!("{other}"),
    };
    assert!(matches!(header(start(&|a| a.timestamp = 1_000)), HeaderError::Timestamp { .. }));
    assert!(matches!(header(start(&|a| a.gas_limit *= 2)), HeaderError::GasLimitStep { .. }));
    assert!(matches!(header(start(&|a| a.gas_limit = 1)), HeaderError::GasLimitRange(1)));
    assert!(matches!(header(start(&|a| a.extra_data = vec![0; 40].into())), HeaderError::ExtraData(40)));
}

#[test]
fn prague_and_osaka_blocks_build_and_execute_without_an_access_list() {
    for osaka in [false, true] {
        let mut genesis = dev::l1_genesis(1_000);
        genesis.config.amsterdam_time = None;
        if !osaka {
            (genesis.config.osaka_time, genesis.config.bpo1_time, genesis.config.bpo2_time) = (None, None, None);
        }
        let mut world = World::new(genesis, Layer::L1 { execute: false });
        for nonce in 0..3 {
            let legacy = TxLegacy {
                chain_id: None,
                nonce,
                gas_price: 2_000_000_000,
                gas_limit: 21_000,
                to: TxKind::Call(signer(1).address()),
                value: U256::from(1),
                input: Bytes::new(),
            };
            let executed = world.build(&[sign(&signer(0), legacy)]);
            assert_eq!((executed.receipts.len(), executed.bal.len()), (1, 0));
            assert_eq!(executed.block.header().block_access_list_hash, None);
            let again = execute(&world.spec, world.head(), &executed.block, None, &world).unwrap();
            assert_eq!(again.witness, executed.witness);
            world.append(&executed);
        }
    }
}

#[test]
fn code_that_is_almost_a_delegation_fails_at_its_first_byte_and_both_evms_agree() {
    let delegation = [&[0xef, 0x01, 0x00], signer(3).address().as_slice()].concat();
    let wrong_version = [&[0xef, 0x01, 0x01], signer(3).address().as_slice()].concat();
    let too_long = [&delegation[..], &[0]].concat();
    let cases = [(vec![0xef], false), (vec![0xef, 0x01], false), (vec![0xef, 0x01, 0x00], false)];
    let cases = cases.into_iter().chain([(wrong_version, false), (too_long, false), (delegation, true)]);
    for (code, works) in cases {
        let world = with_code(dev::l2_genesis(1_000, Bytes::from_static(&[0x00])), Layer::Rollup, code.clone());
        let mut building = world.building();
        let included = building.push(&call(&world, 0, 0, TxKind::Call(peer(0)), 0, Bytes::new())).unwrap();
        assert_eq!(included.success, works, "{code:02x?}");
        let input = crate::stateless::input(world.spec.chain_id, &building.seal().unwrap()).unwrap().encode();
        crate::stateless::validate(&input).unwrap();
        crate::second::check(&input).unwrap();
    }
}
