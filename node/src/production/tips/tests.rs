use super::*;
use alloy_consensus::{TxEip1559, transaction::SignerRecoverable};
use alloy_primitives::TxKind;
use alloy_signer_local::PrivateKeySigner;
use chainspec::dev;
use execution::{Attributes, Building, RecoveredTx, Transaction};
use l1::Signer;
use storage::Durability;

fn chain() -> Chain {
    let genesis = dev::l2_genesis(1_000, bridge::abi::Messenger::DEPLOYED_BYTECODE.clone());
    let config = dev::rollup_config(genesis, Address::repeat_byte(1), 1, 12_000);
    Chain::in_memory(Arc::new(config.spec().unwrap())).unwrap()
}

const fn paid(nonce: u64) -> Address {
    Address::with_last_byte(0x80 + nonce as u8)
}

/// A block in which an account sends ether to a new one.
fn block(chain: &Chain, ground: &Ground, nonce: u64) -> Arc<Executed> {
    let signer: Signer = PrivateKeySigner::from_bytes(&dev::ACCOUNTS[0].key).unwrap().into();
    let parent = &ground.parent;
    let attributes = Attributes {
        timestamp: parent.timestamp + 1,
        fee_recipient: Address::ZERO,
        prev_randao: B256::ZERO,
        gas_limit: parent.gas_limit,
        parent_beacon_block_root: B256::ZERO,
        extra_data: Bytes::new(),
        slot_number: parent.number + 1,
    };
    let mut building = Building::start(chain.spec(), parent, attributes, &*ground.state).unwrap();
    let transaction = TxEip1559 {
        chain_id: chain.spec().chain_id,
        nonce,
        gas_limit: 300_000,
        max_fee_per_gas: 100_000_000_000,
        to: TxKind::Call(paid(nonce)),
        value: U256::from(1_000),
        ..Default::default()
    };
    let signed = Transaction::Eip1559(signer.sign_blocking(transaction).unwrap());
    let sender = signed.recover_signer().unwrap();
    building.push(&RecoveredTx::new_unchecked(signed, sender)).unwrap();
    Arc::new(building.seal().unwrap())
}

fn flight(executed: &Executed) -> Block {
    Block {
        chain_id: 1,
        number: executed.block.number,
        hash: executed.block.hash(),
        parent_hash: executed.block.parent_hash,
        timestamp: executed.block.timestamp,
        origin: 1,
        inbox_count: 0,
        gas_limit: 1,
        after: None,
    }
}

fn head(chain: &Chain) -> BlockRef {
    let head = chain.head();
    BlockRef { number: head.number, hash: head.hash() }
}

#[test]
fn a_block_on_sealed_blocks_is_the_one_that_it_would_be_on_landed_ones() {
    let chain = chain();
    let (mut tips, mut in_flight, mut sealed) = (Tips::default(), Vec::new(), Vec::new());
    for nonce in 0..3 {
        let ground = tips.ground(&chain, head(&chain), &in_flight).unwrap();
        assert_eq!((ground.parent.number, ground.above.len()), (nonce, in_flight.len()));
        let executed = block(&chain, &ground, nonce);
        tips.keep(Arc::clone(&executed));
        chain.store_side_block(&executed.block, &executed.bal, Durability::Buffered).unwrap();
        in_flight.push(flight(&executed));
        sealed.push(executed);
    }
    let ground = tips.ground(&chain, head(&chain), &in_flight).unwrap();
    let state = &ground.state;
    assert_eq!(state.root(), sealed[2].block.state_root);
    assert_eq!(state.block_hash(2).unwrap(), sealed[1].block.hash());
    assert_eq!(state.header(3).unwrap(), Bytes::from(alloy_rlp::encode(sealed[2].block.header())));
    assert!(state.header(4).is_err());

    // After a restart nothing is in memory, and the same comes of what is stored.
    let again = Tips::default().ground(&chain, head(&chain), &in_flight).unwrap();
    assert_eq!((again.parent.hash(), again.state.root()), (ground.parent.hash(), state.root()));

    // The first lands, the others stand on it; then all do, and a follower's execution says the same.
    let fourth = block(&chain, &ground, 3);
    chain.append(&sealed[0]).unwrap();
    let above = tips.ground(&chain, head(&chain), &in_flight[1..]).unwrap();
    assert_eq!(block(&chain, &above, 3).block.hash(), fourth.block.hash());
    for executed in &sealed[1..] {
        chain.append(executed).unwrap();
    }
    let landed = Tips::default().ground(&chain, head(&chain), &[]).unwrap();
    assert_eq!(block(&chain, &landed, 3).block.hash(), fourth.block.hash());
    let balance = chain.state_at_head().account(paid(2)).unwrap().unwrap().balance;
    assert_eq!(balance, U256::from(1_000));
}

#[test]
fn blocks_on_a_parent_that_is_not_landed_have_no_ground() {
    let chain = chain();
    let stray = Block { parent_hash: B256::repeat_byte(9), ..flight(&block(&chain, &ground(&chain), 0)) };
    assert!(matches!(Tips::default().ground(&chain, head(&chain), &[stray]), Err(ProductionError::NotHead(_))));
}

fn ground(chain: &Chain) -> Ground {
    Tips::default().ground(chain, head(chain), &[]).unwrap()
}
