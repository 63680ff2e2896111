//! Between EXECUTE inputs and the rest of this crate: the witness as a state, the rules that the schema id names, and the way from
//! a built block to its input.

use super::Invalid;
use crate::{
    block::SealedHeader,
    executor::Executed,
    keccak,
    state::{BlockHashes, CodeSource, Lookup, NodeSource, StateError},
    trie::Place,
};
use alloy_eips::{eip2718::Encodable2718, eip6110::MAINNET_DEPOSIT_CONTRACT_ADDRESS};
use alloy_genesis::{ChainConfig, Genesis};
use alloy_primitives::{B256, Bytes, map::B256Map};
use bridge::execute::{HeaderError, StatelessInput, Witness};
use chainspec::{ChainSpec, Layer};
use std::collections::BTreeMap;

/// The rules of schema `0x1501` for a chain: Amsterdam from the start, BPO2 blobs, mainnet's deposit contract. Only the chain id is the
/// input's.
pub(super) fn spec(chain_id: u64) -> Result<ChainSpec, Invalid> {
    let start = Some(0);
    let config = ChainConfig {
        chain_id,
        homestead_block: start,
        eip150_block: start,
        eip155_block: start,
        eip158_block: start,
        byzantium_block: start,
        constantinople_block: start,
        petersburg_block: start,
        istanbul_block: start,
        muir_glacier_block: start,
        berlin_block: start,
        london_block: start,
        arrow_glacier_block: start,
        gray_glacier_block: start,
        merge_netsplit_block: start,
        terminal_total_difficulty: Some(Default::default()),
        terminal_total_difficulty_passed: true,
        shanghai_time: start,
        cancun_time: start,
        prague_time: start,
        osaka_time: start,
        bpo1_time: start,
        bpo2_time: start,
        amsterdam_time: start,
        deposit_contract_address: Some(MAINNET_DEPOSIT_CONTRACT_ADDRESS),
        ..Default::default()
    };
    let genesis = Genesis { config, ..Default::default() };
    // Amsterdam is active at genesis, so the only thing left to refuse is the chain id.
    ChainSpec::from_genesis(genesis, Layer::Rollup).map_err(|_| Invalid::ChainId)
}

/// Witness nodes by hash. Order, duplicates and nodes that nobody needs don't matter.
pub(super) struct Nodes(B256Map<Bytes>);

impl Nodes {
    pub(super) fn new(state: &[Bytes]) -> Self {
        let raw: Vec<&[u8]> = state.iter().map(|node| &node[..]).collect();
        Self(keccak::batch(&raw).into_iter().zip(state.iter().cloned()).collect())
    }
}

impl NodeSource for Nodes {
    fn node(&self, _: &Place, hash: B256) -> Result<Bytes, StateError> {
        self.0.get(&hash).cloned().ok_or_else(|| StateError::missing_node(hash))
    }
}

/// A chain of headers that ends with the parent, and the witness' codes.
pub(super) struct Ancestors {
    chain: Vec<SealedHeader>,
    raw: Vec<Bytes>,
    codes: BTreeMap<B256, Bytes>,
}

impl Ancestors {
    /// `chain` is not empty and `raw` is its RLP.
    pub(super) fn new(chain: Vec<SealedHeader>, raw: Vec<Bytes>) -> Self {
        Self { chain, raw, codes: BTreeMap::new() }
    }

    pub(super) fn parent(&self) -> &SealedHeader {
        self.chain.last().expect("never empty")
    }

    pub(super) fn with_codes(mut self, codes: &[Bytes]) -> Self {
        let raw: Vec<&[u8]> = codes.iter().map(|code| &code[..]).collect();
        self.codes = keccak::batch(&raw).into_iter().zip(codes.iter().cloned()).collect();
        self
    }

    fn position(&self, number: u64) -> Result<usize, StateError> {
        let first = self.chain[0].number;
        let position = number.checked_sub(first).and_then(|offset| usize::try_from(offset).ok());
        position.filter(|p| *p < self.chain.len()).ok_or(StateError::Missing(Lookup::BlockHash(number)))
    }
}

impl CodeSource for Ancestors {
    fn code_bytes(&self, hash: B256) -> Result<Bytes, StateError> {
        self.codes.get(&hash).cloned().ok_or_else(|| StateError::missing_code(hash))
    }
}

impl BlockHashes for Ancestors {
    fn hash_of(&self, number: u64) -> Result<B256, StateError> {
        Ok(self.chain[self.position(number)?].hash())
    }

    fn header_of(&self, number: u64) -> Result<Bytes, StateError> {
        Ok(self.raw[self.position(number)?].clone())
    }
}

/// The EXECUTE input of a block that was built or executed here.
pub fn input(chain_id: u64, executed: &Executed) -> Result<StatelessInput, HeaderError> {
    let transactions = executed.block.body().transactions.iter().map(|tx| tx.encoded_2718().into()).collect();
    let witness = Witness {
        state: executed.witness.state.clone(),
        codes: executed.witness.codes.clone(),
        headers: executed.witness.headers.clone(),
    };
    StatelessInput::from_block(chain_id, executed.block.header(), transactions, executed.bal.clone(), witness)
}
