//! The block inside an input, and its way to and from an Ethereum header.

use super::{Requests, StatelessInput, Witness};
use alloy_consensus::{Header, constants::EMPTY_WITHDRAWALS, proofs};
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, Bloom, Bytes, keccak256};

/// `ExecutionPayload` of Amsterdam, fields in wire order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// Hash of the parent header.
    pub parent_hash: B256,
    /// Coinbase.
    pub fee_recipient: Address,
    /// State root after the block.
    pub state_root: B256,
    /// Root of the receipts trie.
    pub receipts_root: B256,
    /// Bloom of all logs.
    pub logs_bloom: Bloom,
    /// Randomness ([`crate::anchor::prev_randao`]).
    pub prev_randao: B256,
    /// Height.
    pub block_number: u64,
    /// Gas limit.
    pub gas_limit: u64,
    /// Gas used: the larger of execution and state gas (EIP-8037), before refunds (EIP-7778).
    pub gas_used: u64,
    /// Seconds.
    pub timestamp: u64,
    /// At most [`super::MAX_EXTRA_DATA_BYTES`].
    pub extra_data: Bytes,
    /// Wei; 256 bits on the wire, of which the upper 192 must be zero.
    pub base_fee_per_gas: u64,
    /// Hash of the header that this payload, the anchor and the requests make.
    pub block_hash: B256,
    /// EIP-2718 bytes.
    pub transactions: Vec<Bytes>,
    /// Empty on a rollup.
    pub withdrawals: Vec<Withdrawal>,
    /// Zero on a rollup.
    pub blob_gas_used: u64,
    /// Zero on a rollup.
    pub excess_blob_gas: u64,
    /// RLP of the block access list (EIP-7928).
    pub block_access_list: Bytes,
    /// EIP-7843.
    pub slot_number: u64,
}

/// A header that no payload can have made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// A field that every Amsterdam header has is missing.
    #[error("the header has no {0}: it is older than Amsterdam")]
    Missing(&'static str),
    /// The payload would give another header: a root does not match the transactions, access list, withdrawals or
    /// requests, or a field that Amsterdam fixes is set.
    #[error("header {header} does not follow from its parts, which make {rebuilt}")]
    Mismatch {
        /// Hash of the header handed in.
        header: B256,
        /// Hash of the header that the parts make.
        rebuilt: B256,
    },
}

impl Payload {
    /// The header of this payload: what `block_hash` must be the hash of. Roots are computed, never taken on trust:
    /// transactions, withdrawals, requests hash (EIP-7685), access list hash (EIP-7928).
    pub fn header(&self, parent_beacon_block_root: B256, requests: &Requests) -> Header {
        let transactions_root = alloy_trie::root::ordered_trie_root_encoded(&self.transactions);
        self.header_with(transactions_root, parent_beacon_block_root, requests)
    }

    /// As [`Payload::header`], for a caller who has computed the root of the transactions in a faster way.
    fn header_with(&self, transactions_root: B256, parent_beacon_block_root: B256, requests: &Requests) -> Header {
        Header {
            parent_hash: self.parent_hash,
            beneficiary: self.fee_recipient,
            state_root: self.state_root,
            transactions_root,
            receipts_root: self.receipts_root,
            logs_bloom: self.logs_bloom,
            number: self.block_number,
            gas_limit: self.gas_limit,
            gas_used: self.gas_used,
            timestamp: self.timestamp,
            extra_data: self.extra_data.clone(),
            mix_hash: self.prev_randao,
            base_fee_per_gas: Some(self.base_fee_per_gas),
            withdrawals_root: Some(match self.withdrawals.as_slice() {
                [] => EMPTY_WITHDRAWALS,
                withdrawals => proofs::calculate_withdrawals_root(withdrawals),
            }),
            blob_gas_used: Some(self.blob_gas_used),
            excess_blob_gas: Some(self.excess_blob_gas),
            parent_beacon_block_root: Some(parent_beacon_block_root),
            requests_hash: Some(requests.hash()),
            block_access_list_hash: Some(keccak256(&self.block_access_list)),
            slot_number: Some(self.slot_number),
            ..Header::default()
        }
    }

    /// The payload of a rollup block: no withdrawals, no requests. Computes every root again and compares hashes, so a
    /// builder's mistake is found here and not on L1.
    ///
    /// # Errors
    /// [`HeaderError::Missing`], [`HeaderError::Mismatch`].
    pub fn from_block(
        header: &Header,
        transactions: Vec<Bytes>,
        block_access_list: Bytes,
    ) -> Result<Self, HeaderError> {
        let anchor = header.parent_beacon_block_root.ok_or(HeaderError::Missing("parent_beacon_block_root"))?;
        let hash = header.hash_slow();
        let payload = Self {
            parent_hash: header.parent_hash,
            fee_recipient: header.beneficiary,
            state_root: header.state_root,
            receipts_root: header.receipts_root,
            logs_bloom: header.logs_bloom,
            prev_randao: header.mix_hash,
            block_number: header.number,
            gas_limit: header.gas_limit,
            gas_used: header.gas_used,
            timestamp: header.timestamp,
            extra_data: header.extra_data.clone(),
            base_fee_per_gas: header.base_fee_per_gas.ok_or(HeaderError::Missing("base_fee_per_gas"))?,
            block_hash: hash,
            transactions,
            withdrawals: Vec::new(),
            blob_gas_used: header.blob_gas_used.ok_or(HeaderError::Missing("blob_gas_used"))?,
            excess_blob_gas: header.excess_blob_gas.ok_or(HeaderError::Missing("excess_blob_gas"))?,
            block_access_list,
            slot_number: header.slot_number.ok_or(HeaderError::Missing("slot_number"))?,
        };
        let rebuilt = payload.header(anchor, &Requests::default()).hash_slow();
        if rebuilt == hash { Ok(payload) } else { Err(HeaderError::Mismatch { header: hash, rebuilt }) }
    }
}

impl StatelessInput {
    /// The input for a rollup block: the one that a proposer lands.
    ///
    /// # Errors
    /// As [`Payload::from_block`].
    pub fn from_block(
        chain_id: u64,
        header: &Header,
        transactions: Vec<Bytes>,
        block_access_list: Bytes,
        witness: Witness,
    ) -> Result<Self, HeaderError> {
        Ok(Self {
            payload: Payload::from_block(header, transactions, block_access_list)?,
            versioned_hashes: Vec::new(),
            parent_beacon_block_root: header
                .parent_beacon_block_root
                .ok_or(HeaderError::Missing("parent_beacon_block_root"))?,
            requests: Requests::default(),
            witness,
            chain_id,
        })
    }

    /// The header that payload, anchor and requests make; valid input has `payload.block_hash` as its hash.
    pub fn header(&self) -> Header {
        self.payload.header(self.parent_beacon_block_root, &self.requests)
    }

    /// As [`StatelessInput::header`], for a caller who has computed the root of the payload's transactions in a faster way.
    pub fn header_with(&self, transactions_root: B256) -> Header {
        self.payload.header_with(transactions_root, self.parent_beacon_block_root, &self.requests)
    }
}
