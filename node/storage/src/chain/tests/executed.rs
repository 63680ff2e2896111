//! The chain below the real executor: what it builds is stored, and what is stored is enough to execute it again.

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_network::TxSignerSync;
use alloy_primitives::TxKind;
use alloy_signer_local::PrivateKeySigner;
use chainspec::dev;
use execution::{Attributes, Building, RecoveredTx};

use super::*;

/// Stores number and PREVRANDAO in slots that differ from block to block, and the hash of block `number - 3` once there is one:
/// `sstore(number, prevrandao) sstore(1, blockhash(number - 3))`.
const PROGRAM: &[u8] = &[0x44, 0x43, 0x55, 0x60, 3, 0x43, 0x03, 0x40, 0x60, 1, 0x55, 0x00];

fn world() -> Arc<ChainSpec> {
    let mut genesis = dev::l2_genesis(1_000, Bytes::from_static(&[0x00]));
    let program = GenesisAccount::default().with_nonce(Some(1)).with_code(Some(Bytes::from_static(PROGRAM)));
    genesis.alloc.insert(address(0), program);
    Arc::new(ChainSpec::from_genesis(genesis, Layer::Rollup).unwrap())
}

fn transaction(spec: &ChainSpec, signer: &PrivateKeySigner, nonce: u64, to: Address) -> RecoveredTx {
    let mut transaction = TxEip1559 {
        chain_id: spec.chain_id,
        nonce,
        gas_limit: 1_000_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(to),
        value: U256::from(nonce),
        ..Default::default()
    };
    let signature = signer.sign_transaction_sync(&mut transaction).unwrap();
    RecoveredTx::new_unchecked(Transaction::Eip1559(transaction.into_signed(signature)), signer.address())
}

/// A block on the head: two calls of the program and a transfer to somebody new.
fn build(chain: &Chain, salt: u64) -> Executed {
    let spec = chain.spec();
    let (parent, state) = (chain.head(), chain.state_at_head());
    let number = parent.number + 1;
    let attributes = Attributes {
        timestamp: parent.timestamp + 12,
        fee_recipient: address(9),
        prev_randao: keccak256(salt.to_be_bytes()),
        gas_limit: parent.gas_limit,
        parent_beacon_block_root: keccak256(number.to_be_bytes()),
        extra_data: Bytes::new(),
        slot_number: number,
    };
    let signer = PrivateKeySigner::from_bytes(&dev::ACCOUNTS[0].key).unwrap();
    let nonce = state.account(signer.address()).unwrap().unwrap().nonce;
    let mut building = Building::start(spec, &parent, attributes, &*state).unwrap();
    for (n, to) in (nonce..).zip([address(0), address(0), address(1_000 + salt)]) {
        building.push(&transaction(spec, &signer, n, to)).unwrap();
    }
    building.seal().unwrap()
}

fn check_again(chain: &Chain, number: u64) {
    let block = chain.block(number).unwrap().unwrap();
    let parent = chain.header(number - 1).unwrap().unwrap();
    let state = chain.state_at(number - 1).unwrap();
    let bal = chain.bal(number).unwrap().unwrap();
    let again = execution::execute(chain.spec(), &parent, &block, Some(&bal), &*state).unwrap();
    assert_eq!(Some(again.receipts), chain.receipts(number).unwrap());
}

#[test]
fn built_blocks_are_executed_again_from_any_stored_state() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Chain::open(folder.path(), world(), Limits::default()).unwrap();
    let chain = open();
    chain.check().unwrap();
    let fork: Vec<Executed> = (1..=8)
        .map(|salt| {
            let executed = build(&chain, salt);
            chain.append(&executed).unwrap();
            executed
        })
        .collect();
    (1..=8).for_each(|number| check_again(&chain, number));

    // Another branch from block 4, then the first one again from what was kept beside the chain.
    chain.unwind(4).unwrap();
    for salt in 15..=17 {
        chain.append(&build(&chain, salt)).unwrap();
    }
    (1..=7).for_each(|number| check_again(&chain, number));
    chain.unwind(4).unwrap();
    drop(chain);
    let chain = open();
    for executed in &fork[4..] {
        let (block, bal) = chain.side_block(executed.block.hash()).unwrap().unwrap();
        let state = chain.state_at_head();
        let again = execution::execute(chain.spec(), &chain.head(), &block, Some(&bal), &*state).unwrap();
        chain.append(&again).unwrap();
    }
    assert_eq!(chain.head().hash(), fork[7].block.hash());
    assert_eq!(chain.check().unwrap().blocks, 9);
    let state = chain.state_at_head();
    let stored: B256 = state.storage(address(0), U256::from(1)).unwrap().into();
    assert_eq!(stored, fork[4].block.hash(), "BLOCKHASH of block 5 in block 8, through a reorg");
}
