//! A builder that refuses is a builder that never saw the transaction: blocks with every class of refused transaction in between are the
//! blocks without them.

#![allow(clippy::unwrap_used, reason = "a test that panics has done its work")]

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip4844, TxEip7702, transaction::Recovered};
use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::Authorization,
};
use alloy_genesis::GenesisAccount;
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use alloy_signer::SignerSync;
use basalt_differential::{
    asm::Asm,
    cast::{self, account, contract, key},
    generate::Random,
    judge::class,
};
use chainspec::{ChainSpec, Layer, dev, predeploys};
use execution::{Attributes, Building, Executed, RecoveredTx, Refused, Transaction, execute, stateless};
use revm::bytecode::opcode as op;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

const GAS_LIMIT: u64 = 120_000_000;

/// Reads, writes, calls, creates, destroys and logs, at some depth; what a refusal has to undo.
fn busy() -> Vec<u8> {
    let mut asm = Asm::default();
    asm.push(7u64).push(1u64).ops(&[op::SSTORE, op::PUSH0]).push(2u64).ops(&[op::SSTORE]);
    asm.push(3u64).ops(&[op::NUMBER, op::SUB, op::BLOCKHASH]).push(3u64).ops(&[op::SSTORE]);
    asm.address(predeploys::MULTICALL3).ops(&[op::EXTCODEHASH]).mix();
    asm.push(1u64).push(1u64).ops(&[op::TSTORE]);
    asm.memory(0, &Asm::deploy(&[], &[op::CALLER, op::SELFDESTRUCT]));
    asm.push(40u64).ops(&[op::PUSH0, op::PUSH0, op::CREATE, op::DUP1]).mix();
    asm.ops(&[op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0]).push(1u64).ops(&[op::DUP6, op::GAS, op::CALL]).mix();
    asm.call(op::CALL, cast::stranger(3), U256::from(50_000), U256::from(1), (0, 0)).mix();
    // Once more from below, as long as the transient slot counts.
    asm.push(2u64).ops(&[op::TLOAD]).push(2u64).ops(&[op::GT, op::PC, op::PUSH1, 10, op::ADD, op::JUMPI]);
    asm.ops(&[op::PUSH0, op::PUSH0, op::LOG0, op::STOP, op::JUMPDEST]);
    asm.push(2u64).ops(&[op::TLOAD]).push(1u64).ops(&[op::ADD]).push(2u64).ops(&[op::TSTORE]);
    asm.ops(&[op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0, op::ADDRESS, op::GAS, op::CALL]).mix().publish();
    asm.0
}

/// A chain of a few blocks with the busy contract at three addresses and the real request contracts.
fn chain(gas_limit: u64) -> storage::Chain {
    let mut genesis = dev::l2_genesis(1_000, Bytes::from_static(&[0x00])).with_gas_limit(gas_limit);
    genesis.alloc.extend(predeploys::l1_system());
    for index in 0..3 {
        let slots = [(B256::with_last_byte(2), B256::with_last_byte(9))];
        let placed = GenesisAccount::default()
            .with_nonce(Some(1))
            .with_balance(U256::from(100))
            .with_code(Some(busy().into()))
            .with_storage(Some(slots.into()));
        genesis.alloc.insert(contract(index), placed);
    }
    for index in 0..cast::RICH {
        genesis.alloc.insert(account(index), GenesisAccount::default().with_balance(dev::BALANCE));
    }
    let coded = GenesisAccount::default().with_balance(dev::BALANCE).with_code(Some(vec![0x00].into()));
    genesis.alloc.insert(account(cast::CODED), coded);
    let spec = ChainSpec::from_genesis(genesis, Layer::Rollup).unwrap();
    let chain = storage::Chain::in_memory(Arc::new(spec)).unwrap();
    for _ in 0..4 {
        let state = chain.state_at_head();
        let executed = start(&chain, &*state).seal().unwrap();
        chain.append(&executed).unwrap();
    }
    chain
}

fn start<'a>(chain: &storage::Chain, state: &'a dyn execution::ChainState) -> Building<'a> {
    let parent = chain.head();
    let attributes = Attributes {
        timestamp: parent.timestamp + 12,
        fee_recipient: Address::with_last_byte(0xfe),
        prev_randao: B256::repeat_byte(7),
        gas_limit: parent.gas_limit,
        parent_beacon_block_root: B256::repeat_byte(9),
        extra_data: Bytes::new(),
        slot_number: parent.number + 1,
    };
    Building::start(chain.spec(), &parent, attributes, state).unwrap()
}

fn sign<T: SignableTransaction<Signature>>(from: usize, mut tx: T) -> RecoveredTx
where
    Transaction: From<alloy_consensus::Signed<T>>,
{
    let signature = key(from).sign_transaction_sync(&mut tx).unwrap();
    Recovered::new_unchecked(tx.into_signed(signature).into(), account(from))
}

/// A call of a busy contract; from key 5, who is in no block.
fn plain(to: usize) -> TxEip1559 {
    TxEip1559 {
        chain_id: dev::L2_CHAIN_ID,
        nonce: 0,
        gas_limit: 5_000_000,
        max_fee_per_gas: 4_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(contract(to)),
        value: U256::from(1),
        access_list: AccessList(vec![AccessListItem {
            address: contract(2),
            storage_keys: vec![B256::with_last_byte(1)],
        }]),
        input: Bytes::new(),
    }
}

/// Transactions that must be refused wherever they are offered, and whether for the budget.
fn unwelcome(random: &mut Random) -> (RecoveredTx, bool) {
    let tx = plain(random.index(3));
    let from = 5;
    let request = |index: usize, len: usize| TxEip1559 {
        to: TxKind::Call(predeploys::REQUEST_CONTRACTS[index]),
        value: U256::from(1_000),
        input: vec![0; len].into(),
        ..tx.clone()
    };
    let signed = match random.below(14) {
        0 | 1 => return (sign(from, tx), true),
        2 => sign(from, TxEip1559 { nonce: 1 + random.below(5), ..tx }),
        3 => sign(from, TxEip1559 { max_fee_per_gas: 1 << 90, ..tx }),
        4 => sign(from, TxEip1559 { max_fee_per_gas: 1, max_priority_fee_per_gas: 0, ..tx }),
        5 => sign(from, TxEip1559 { value: U256::MAX, ..tx }),
        6 => sign(from, TxEip1559 { chain_id: 1, ..tx }),
        7 => sign(from, TxEip1559 { gas_limit: 20_999, ..tx }),
        8 => sign(from, TxEip1559 { gas_limit: GAS_LIMIT + 1, ..tx }),
        9 => sign(from, request(0, 56)),
        10 => sign(from, request(1, 96)),
        11 => sign(cast::CODED, tx),
        12 => {
            let mut hash = keccak256([1]);
            hash.0[0] = 1;
            let (to, blob_versioned_hashes) = (contract(0), vec![hash]);
            let (chain_id, gas_limit, max_fee_per_gas) = (tx.chain_id, tx.gas_limit, tx.max_fee_per_gas);
            let max_fee_per_blob_gas = 1 << 30;
            sign(
                from,
                TxEip4844 {
                    chain_id,
                    gas_limit,
                    max_fee_per_gas,
                    to,
                    blob_versioned_hashes,
                    max_fee_per_blob_gas,
                    ..Default::default()
                },
            )
        }
        // Delegates an account that others use, runs deep, and finds no room.
        _ => {
            let authorization =
                Authorization { chain_id: U256::from(tx.chain_id), address: contract(1), nonce: random.below(2) };
            let signature = key(random.index(5)).sign_hash_sync(&authorization.signature_hash()).unwrap();
            let (to, authorization_list) = (contract(0), vec![authorization.into_signed(signature)]);
            let (chain_id, gas_limit, max_fee_per_gas) = (tx.chain_id, tx.gas_limit, tx.max_fee_per_gas);
            return (
                sign(
                    from,
                    TxEip7702 { chain_id, gas_limit, max_fee_per_gas, to, authorization_list, ..Default::default() },
                ),
                true,
            );
        }
    };
    (signed, false)
}

fn same(noisy: &Executed, clean: &Executed) {
    assert_eq!(noisy.block, clean.block);
    assert_eq!(noisy.receipts, clean.receipts);
    assert_eq!(noisy.bal, clean.bal);
    assert_eq!(noisy.diff, clean.diff);
    assert_eq!(noisy.witness, clean.witness);
}

#[test]
fn blocks_with_every_class_of_refusal_in_between_are_the_blocks_without_them() {
    let mut random = Random::new(17);
    let chain = chain(GAS_LIMIT);
    let mut classes: BTreeMap<&str, u64> = BTreeMap::new();
    for round in 0..40 {
        let state = chain.state_at_head();
        let parent = chain.head();
        let nonces: Vec<u64> = (0..4).map(|i| state.account(account(i)).unwrap().map_or(0, |a| a.nonce)).collect();
        let good: Vec<RecoveredTx> = (0..random.below(6) as usize)
            .map(|n| sign(n % 4, TxEip1559 { nonce: nonces[n % 4] + n as u64 / 4, ..plain(n % 3) }))
            .collect();
        let (mut clean, mut noisy) = (start(&chain, &*state), start(&chain, &*state));
        let mut offer = |noisy: &mut Building<'_>| {
            for _ in 0..random.below(6) {
                let (tx, over_budget) = unwelcome(&mut random);
                let before = noisy.sizes();
                let refused = noisy.push_if(&tx, |_| !over_budget).unwrap_err();
                assert_eq!(over_budget, matches!(refused, Refused::Budget), "{refused}");
                *classes.entry(class(&refused)).or_default() += 1;
                assert_eq!(noisy.sizes(), before);
            }
        };
        offer(&mut noisy);
        for tx in &good {
            assert_eq!(noisy.push(tx).unwrap(), clean.push(tx).unwrap(), "round {round}");
            // Its nonce is used now.
            assert!(matches!(noisy.push(tx), Err(Refused::Invalid(_))));
            offer(&mut noisy);
        }
        assert_eq!(noisy.sizes(), clean.sizes());
        let (noisy, clean) = (noisy.seal().unwrap(), clean.seal().unwrap());
        same(&noisy, &clean);
        let again = execute(chain.spec(), &parent, &noisy.block, Some(&noisy.bal), &*state).unwrap();
        same(&again, &clean);
        let input = stateless::input(dev::L2_CHAIN_ID, &noisy).unwrap().encode();
        stateless::validate(&input).unwrap();
        chain.append(&noisy).unwrap();
    }
    println!("{classes:?}");
    let expected: BTreeSet<_> = ["BlockFull", "Budget", "Invalid", "NonceAhead", "Request", "Type", "Unpayable"].into();
    assert_eq!(
        classes.keys().copied().collect::<BTreeSet<_>>(),
        expected,
        "BalFull and BlockTooLong have their own tests"
    );
}

#[test]
fn a_transaction_too_many_for_the_access_list_leaves_no_trace() {
    // 60,000 gas allow thirty items, most of which the system calls take.
    let mut asm = Asm::default();
    for slot in 0..20u64 {
        asm.push(slot).ops(&[op::SLOAD, op::POP]);
    }
    let mut genesis = dev::l2_genesis(1_000, Bytes::from_static(&[0x00])).with_gas_limit(60_000);
    genesis.alloc.extend(predeploys::l1_system());
    let looks = GenesisAccount::default().with_nonce(Some(1)).with_code(Some(asm.0.into()));
    genesis.alloc.insert(contract(0), looks);
    let spec = ChainSpec::from_genesis(genesis, Layer::Rollup).unwrap();
    let chain = storage::Chain::in_memory(Arc::new(spec)).unwrap();
    let state = chain.state_at_head();
    let tx = |from: usize, to: Address, gas_limit| {
        let key = alloy_signer_local::PrivateKeySigner::from_bytes(&dev::ACCOUNTS[from].key).unwrap();
        let to = TxKind::Call(to);
        let mut tx = TxEip1559 { gas_limit, to, access_list: AccessList::default(), value: U256::ZERO, ..plain(0) };
        let signature = key.sign_transaction_sync(&mut tx).unwrap();
        Recovered::new_unchecked(Transaction::from(tx.into_signed(signature)), key.address())
    };
    let (mut clean, mut noisy) = (start(&chain, &*state), start(&chain, &*state));
    let refused = noisy.push(&tx(0, contract(0), 59_000)).unwrap_err();
    assert!(matches!(refused, Refused::BalFull { .. }), "{refused}");
    let fits = tx(1, dev::ACCOUNTS[2].address, 21_000);
    assert_eq!(noisy.push(&fits).unwrap(), clean.push(&fits).unwrap());
    assert_eq!(noisy.sizes(), clean.sizes());
    same(&noisy.seal().unwrap(), &clean.seal().unwrap());
}

#[test]
fn a_transaction_that_makes_the_block_too_long_leaves_no_trace() {
    let chain = chain(2_000_000_000);
    let state = chain.state_at_head();
    let long = |n: u64| {
        let (from, input) = (n as usize % 4, vec![1; 200_000].into());
        sign(
            from,
            TxEip1559 { nonce: n / 4, gas_limit: 16_000_000, input, to: TxKind::Call(cast::stranger(n)), ..plain(0) },
        )
    };
    let (mut clean, mut noisy) = (start(&chain, &*state), start(&chain, &*state));
    let mut refused = 0;
    for n in 0..45 {
        match noisy.push(&long(n)) {
            Ok(_) => drop(clean.push(&long(n)).unwrap()),
            Err(Refused::BlockTooLong { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!((1..10).contains(&refused), "{refused} of 45 are too many");
    // What is short still fits.
    let short = sign(5, plain(0));
    assert_eq!(noisy.push(&short).unwrap(), clean.push(&short).unwrap());
    same(&noisy.seal().unwrap(), &clean.seal().unwrap());
}
