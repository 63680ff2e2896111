//! Transactions for tests: unsigned, with a made-up sender, so that thousands of them cost nothing.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip4844, TxLegacy, transaction::Recovered};
use alloy_eips::{eip4844::kzg_to_versioned_hash, eip7594::BlobTransactionSidecarEip7594};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use bridge::abi::Messenger;
use chainspec::{
    ChainSpec, Layer,
    dev::{L2_CHAIN_ID, l2_genesis},
};
use execution::{
    block::{RecoveredTx, SealedHeader, Transaction},
    executor::Executed,
    state::{BlockHashes, CodeSource, Lookup, StateError, TrieState},
    trie::{Nowhere, StateTree},
};

pub(crate) const CHAIN_ID: u64 = L2_CHAIN_ID;
pub(crate) const GWEI: u128 = 1_000_000_000;

/// The address of test sender `n`.
pub(crate) fn sender(n: u8) -> Address {
    Address::repeat_byte(n)
}

/// A plain transfer of type 2 that costs 21,000 gas.
pub(crate) fn transfer(from: u8, nonce: u64, max_fee: u128, tip: u128) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: max_fee,
        max_priority_fee_per_gas: tip,
        to: TxKind::Call(Address::repeat_byte(0xaa)),
        value: U256::from(u64::from(from)),
        ..Default::default()
    }
}

/// The transaction with a signature that names, rather than proves, its sender: hashes differ between senders.
pub(crate) fn sign<T>(from: u8, tx: T) -> RecoveredTx
where
    T: SignableTransaction<Signature>,
    Transaction: From<alloy_consensus::Signed<T>>,
{
    let signature = Signature::new(U256::from(u64::from(from) + 1), U256::from(1), false);
    Recovered::new_unchecked(tx.into_signed(signature).into(), sender(from))
}

pub(crate) fn legacy(from: u8, nonce: u64, gas_price: u128) -> TxLegacy {
    let to = TxKind::Call(Address::repeat_byte(0xaa));
    TxLegacy {
        chain_id: Some(CHAIN_ID),
        nonce,
        gas_price,
        gas_limit: 21_000,
        to,
        value: U256::from(from),
        input: Bytes::new(),
    }
}

/// A sidecar of `n` empty blobs with made-up commitments and proofs: the pool does not check KZG.
pub(crate) fn sidecar(n: usize, seed: u8) -> BlobTransactionSidecarEip7594 {
    let commitment = |i: usize| {
        let mut bytes = [seed; 48];
        bytes[0] = u8::try_from(i).unwrap();
        bytes.into()
    };
    BlobTransactionSidecarEip7594::new(
        vec![Default::default(); n],
        (0..n).map(commitment).collect(),
        vec![Default::default(); n * 128],
    )
}

/// A blob transaction that belongs to `sidecar`.
pub(crate) fn blobs(nonce: u64, fee: u128, sidecar: &BlobTransactionSidecarEip7594) -> TxEip4844 {
    TxEip4844 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 100_000,
        max_fee_per_gas: 10 * fee,
        max_priority_fee_per_gas: fee,
        max_fee_per_blob_gas: fee,
        to: Address::repeat_byte(0xaa),
        blob_versioned_hashes: sidecar.commitments.iter().map(|c| kzg_to_versioned_hash(c.as_slice())).collect(),
        ..Default::default()
    }
}

pub(crate) fn arc<T>(value: T) -> Arc<T> {
    Arc::new(value)
}

/// A rollup in memory: its state, with all of its tries.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) spec: Arc<ChainSpec>,
    pub(crate) head: SealedHeader,
    tree: StateTree,
    codes: BTreeMap<B256, Bytes>,
}

impl World {
    /// The devnet's genesis at time 1,000, in which test senders 1 to 9 own 1,000 ether and `code` holds that code.
    pub(crate) fn new(code: &[(Address, &[u8])]) -> Self {
        let mut genesis = l2_genesis(1_000, Messenger::DEPLOYED_BYTECODE.clone());
        for n in 1..10 {
            let balance = U256::from(1_000u128 * 1_000_000_000 * GWEI);
            genesis.alloc.insert(sender(n), GenesisAccount::default().with_balance(balance));
        }
        for (address, code) in code {
            let code = Bytes::copy_from_slice(code);
            genesis.alloc.insert(*address, GenesisAccount::default().with_nonce(Some(1)).with_code(Some(code)));
        }
        let spec = Arc::new(ChainSpec::from_genesis(genesis, Layer::Rollup).unwrap());
        let genesis = execution::genesis::genesis(&spec).unwrap();
        Self { spec, head: genesis.header, tree: genesis.tree, codes: genesis.diff.codes }
    }

    /// The state after the head.
    pub(crate) fn state(&self) -> TrieState<Nowhere, &Self> {
        TrieState::new(self.tree.clone(), Nowhere, self)
    }

    /// Makes a block the head.
    pub(crate) fn append(&mut self, executed: &Executed) {
        assert_eq!(executed.block.header().parent_hash, self.head.hash());
        self.head = SealedHeader::new(executed.block.header().clone(), executed.block.hash());
        self.tree = executed.tree.clone();
        self.codes.extend(executed.diff.codes.clone());
    }
}

impl CodeSource for World {
    fn code_bytes(&self, hash: B256) -> Result<Bytes, StateError> {
        self.codes.get(&hash).cloned().ok_or(StateError::missing_code(hash))
    }
}

impl BlockHashes for World {
    fn hash_of(&self, number: u64) -> Result<B256, StateError> {
        Err(StateError::Missing(Lookup::BlockHash(number)))
    }

    fn header_of(&self, number: u64) -> Result<Bytes, StateError> {
        Err(StateError::Missing(Lookup::BlockHash(number)))
    }
}
