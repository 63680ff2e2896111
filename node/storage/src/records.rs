//! The records that are the store's own: identity, heads, positions, landings, blobs.
//! Must not know: which table they are in.

use alloy_eips::{
    BlockNumHash,
    eip4844::{self, BYTES_PER_BLOB},
};
use alloy_primitives::{Address, B256, Bytes};
use alloy_rlp::{Encodable, RlpDecodable, RlpEncodable};
use execution::Transaction;

use crate::codec::{DecodeError, Key, Value, decode_rlp, end, take};

/// What a block holds besides its header.
pub type Body = alloy_consensus::BlockBody<Transaction>;

impl Value for Body {
    fn write(&self, out: &mut Vec<u8>) {
        Encodable::encode(self, out);
    }
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        decode_rlp(bytes)
    }
}

/// What chain and format a database has: `version u32 ‖ chain id u64 ‖ genesis hash`, big-endian. Every version begins with `version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Schema version.
    pub version: u32,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Hash of the genesis block.
    pub genesis: B256,
}

impl Value for Identity {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&self.chain_id.to_be_bytes());
        out.extend_from_slice(self.genesis.as_slice());
    }
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let mut rest = &bytes[..];
        let version = u32::from_be_bytes(take(&mut rest)?);
        let chain_id = u64::from_be_bytes(take(&mut rest)?);
        let genesis = B256::from(take(&mut rest)?);
        end(rest)?;
        Ok(Self { version, chain_id, genesis })
    }
}

/// Which head. One byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Head {
    /// Highest executed block.
    Applied = 0,
    /// Highest block that L1 recorded.
    Landed = 1,
    /// Highest block landed in a finalised L1 block.
    Finalised = 2,
}

impl Key for Head {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0] => Some(Self::Applied),
            [1] => Some(Self::Landed),
            [2] => Some(Self::Finalised),
            _ => None,
        }
    }
}

/// `number u64 ‖ hash`, big-endian.
impl Value for BlockNumHash {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(self.hash.as_slice());
    }
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let mut rest = &bytes[..];
        let number = u64::from_be_bytes(take(&mut rest)?);
        let hash = B256::from(take(&mut rest)?);
        end(rest)?;
        Ok(Self { number, hash })
    }
}

/// Where a transaction stands: `number u64 ‖ index u32`, big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxPosition {
    /// Canonical block number.
    pub number: u64,
    /// Index in the block.
    pub index: u32,
}

impl Value for TxPosition {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&self.index.to_be_bytes());
    }
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let mut rest = &bytes[..];
        let number = u64::from_be_bytes(take(&mut rest)?);
        let index = u32::from_be_bytes(take(&mut rest)?);
        end(rest)?;
        Ok(Self { number, index })
    }
}

/// How and where an L2 block landed on L1. RLP, fields in this order.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Landed {
    /// Hash of the L2 block that Hub recorded.
    pub block_hash: B256,
    /// L1 block that included the landing.
    pub l1_number: u64,
    /// Its hash.
    pub l1_hash: B256,
    /// The `advance` transaction.
    pub l1_tx_hash: B256,
    /// Index of Hub's event in the L1 block.
    pub l1_log_index: u64,
    /// L1 origin that the block names.
    pub origin_number: u64,
    /// Its hash.
    pub origin_hash: B256,
    /// Inbox messages consumed so far, this block included.
    pub inbox_count: u64,
    /// Rolling hash of the inbox at that count.
    pub inbox_hash: B256,
    /// Who landed it.
    pub proposer: Address,
    /// Versioned hashes of the blobs, in order.
    pub blob_hashes: Vec<B256>,
}

impl Value for Landed {
    fn write(&self, out: &mut Vec<u8>) {
        Encodable::encode(self, out);
    }
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        decode_rlp(bytes)
    }
}

/// A blob that is kept while it may still be asked for: `number u64 ‖ 131,072 bytes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Highest number of a block that carried it.
    pub number: u64,
    /// 131,072 bytes (EIP-4844).
    pub data: Box<eip4844::Blob>,
}

impl Value for Blob {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(self.data.as_slice());
    }
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let mut rest = &bytes[..];
        let number = u64::from_be_bytes(take(&mut rest)?);
        let data = rest
            .try_into()
            .map(|data: &[u8; BYTES_PER_BLOB]| Box::new(eip4844::Blob::from(data)))
            .map_err(|_| DecodeError(format!("a blob of {} bytes", rest.len())))?;
        Ok(Self { number, data })
    }
}
