//! One real block: built by the sequencer's builder, landed on the modelled L1 that executes it, and rebuilt from its blob.

use super::*;
use alloy_consensus::{SignableTransaction as _, TxEip1559};
use alloy_primitives::TxKind;
use bridge::{abi::Messenger, blob, message::InboxChain};
use chainspec::{
    ChainSpec, Layer,
    dev::{L2_CHAIN_ID, SEQUENCER, l2_genesis},
};
use execution::{
    block::{RecoveredTx, SealedHeader},
    executor::Executed,
    state::{BlockHashes, CodeSource, Lookup, StateError, TrieState},
    stateless,
    trie::Nowhere,
};
use sequencer::{
    attributes::{Aim, Named, Origin, attributes},
    builder::{self, Task},
    pool::{AccountView, Limits, Pool, Rules},
};

/// The genesis' codes.
struct Codes(BTreeMap<B256, Bytes>);

impl CodeSource for &Codes {
    fn code_bytes(&self, hash: B256) -> Result<Bytes, StateError> {
        self.0.get(&hash).cloned().ok_or(StateError::missing_code(hash))
    }
}

impl BlockHashes for &Codes {
    fn hash_of(&self, number: u64) -> Result<B256, StateError> {
        Err(StateError::Missing(Lookup::BlockHash(number)))
    }

    fn header_of(&self, number: u64) -> Result<Bytes, StateError> {
        Err(StateError::Missing(Lookup::BlockHash(number)))
    }
}

/// A block with one transfer on the genesis of the devnet's rollup, for the next L1 block.
fn build(bed: &Bed, spec: &Arc<ChainSpec>) -> (Executed, Anchor) {
    let genesis = execution::genesis::genesis(spec).unwrap();
    let codes = Codes(genesis.diff.codes.clone());
    let state = TrieState::new(genesis.tree.clone(), Nowhere, &codes);
    let signer = PrivateKeySigner::from_bytes(&SEQUENCER.key).unwrap();
    let mut tx = TxEip1559 {
        chain_id: L2_CHAIN_ID,
        gas_limit: 100_000,
        max_fee_per_gas: 100 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to: TxKind::Call(USER),
        value: U256::from(ETHER),
        ..Default::default()
    };
    let signature = signer.sign_transaction_sync(&mut tx).unwrap();
    let tx = RecoveredTx::new_unchecked(tx.into_signed(signature).into(), signer.address());
    let rules = Rules::rollup(L2_CHAIN_ID, chainspec::dev::L2_GAS_LIMIT);
    let mut pool = Pool::new(sequencer::pool::Config { rules, limits: Limits::default() });
    let account = AccountView { balance: U256::from(10 * ETHER), ..AccountView::default() };
    pool.add(tx, None, account, 0).unwrap();

    let parent = SealedHeader::new(genesis.header.header().clone(), genesis.header.hash());
    let origin = bed.l1.head();
    let aim = Aim {
        chain_id: L2_CHAIN_ID,
        timestamp: bed.l1.timestamp(bed.l1.head_slot() + 1),
        origin: Origin { number: origin.number, hash: origin.hash },
        inbox: InboxChain::default(),
        gas_limit: parent.gas_limit,
        fee_recipient: USER,
        extra_data: Bytes::from_static(b"basalt"),
    };
    let (attributes, anchor) = attributes(&parent, Named::default(), aim).unwrap();
    let task = Task {
        spec,
        parent: &parent,
        attributes,
        state: &state,
        relay: &[],
        fits: &|_| true,
        max_transactions: 10,
        is_heartbeat: false,
    };
    let built = builder::build(task, &mut pool.best(1_000_000_000, 1)).unwrap();
    assert_eq!(built.included.len(), 1);
    (built.executed.unwrap(), anchor)
}

#[test]
fn a_real_block_lands_after_execution_and_is_found_again_in_its_blob() {
    let genesis = l2_genesis(1_800_000_001, Messenger::DEPLOYED_BYTECODE.clone());
    let spec = Arc::new(ChainSpec::from_genesis(genesis, Layer::Rollup).unwrap());
    let header = execution::genesis::genesis(&spec).unwrap().header.header().clone();
    let bed = Bed::with_rollup(1, L2_CHAIN_ID, &header, |config| config.execution = Execution::Always);
    let (executed, anchor) = build(&bed, &spec);
    let input = stateless::input(L2_CHAIN_ID, &executed).unwrap();
    let call = call(&input, &anchor);
    let hash: B256 = serde_json::from_value(bed.send(&call, 0, FEES).unwrap()).unwrap();
    bed.mine(5);
    assert_eq!(bed.receipt(hash)["status"], "0x1");
    let landed = bed.l1.landings(L2_CHAIN_ID).pop().unwrap().landed;
    assert_eq!((landed.hash, landed.number), (executed.block.hash(), 1));

    // What a follower does with the event and a blob.
    let reply = bed.l1.beacon(bed.at, &format!("eth/v1/beacon/blobs/5?versioned_hashes={}", landed.blob_hashes[0]));
    let body: Value = serde_json::from_slice(&reply.unwrap().body).unwrap();
    let blobs: Vec<Box<alloy_eips::eip4844::Blob>> = serde_json::from_value(body["data"].clone()).unwrap();
    assert_eq!(Keccak.versioned_hash(&blobs[0]), landed.blob_hashes[0]);
    let content = blob::decode(&[*blobs[0]]).unwrap();
    let raw: Vec<Bytes> = executed.block.body().transactions.iter().map(|tx| tx.encoded_2718().into()).collect();
    assert_eq!((content.bal, content.transactions), (executed.bal.clone(), raw));

    // One byte of the state that the witness shows, and EXECUTE refuses: L1 does not take it on its word.
    let bed = Bed::with_rollup(1, L2_CHAIN_ID, &header, |config| config.execution = Execution::Always);
    let (executed, anchor) = build(&bed, &spec);
    let mut input = stateless::input(L2_CHAIN_ID, &executed).unwrap();
    input.witness.state.pop();
    let hash: B256 = serde_json::from_value(bed.send(&super::call(&input, &anchor), 0, FEES).unwrap()).unwrap();
    bed.mine(5);
    assert_eq!(bed.receipt(hash)["status"], "0x0");
}
