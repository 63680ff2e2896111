//! A landed block as L1 records it, and the way back to the block: what a follower does (SPEC "Derivation").
//!
//! ```text
//! Landed (event) ─┬─ blobs, recognised by versioned hash ─┐
//!                 └─ calldata, recognised by block hash ──┴─► Content ─► execution ─► header, whose hash is Landed's
//! ```
//! Carriers are not trusted: whatever leaves this module is what the hash in the event commits to, or an error. It must
//! not know where carriers come from.

use crate::{
    anchor::{Anchor, prev_randao},
    blob::{self, BlobError, Content},
    execute::{DecodeError, Payload, Requests, StatelessInput},
    opening::Commitments,
};
use alloy_consensus::Header;
use alloy_eips::eip4844::Blob;
use alloy_primitives::{Address, B256, Bloom, Bytes};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// `BlockLanded` of Hub.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Landed {
    /// EIP-155 id of the rollup.
    pub chain_id: u64,
    /// Height of the block.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Its parent's.
    pub parent_hash: B256,
    /// State root after it.
    pub state_root: B256,
    /// Seconds.
    pub timestamp: u64,
    /// Gas limit.
    pub gas_limit: u64,
    /// Coinbase.
    pub fee_recipient: Address,
    /// At most 32 bytes.
    pub extra_data: Bytes,
    /// L1 origin.
    pub origin_number: u64,
    /// Hash of the L1 origin.
    pub origin_hash: B256,
    /// Inbox messages the block may have consumed.
    pub inbox_count: u64,
    /// Inbox hash at that count.
    pub inbox_hash: B256,
    /// Who sent the advance.
    pub proposer: Address,
    /// Versioned hashes of its blobs, in order.
    pub blob_hashes: Vec<B256>,
}

/// What only execution can tell about a header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// EIP-1559 base fee, from the parent.
    pub base_fee_per_gas: u64,
    /// Gas used.
    pub gas_used: u64,
    /// Root of the receipts trie.
    pub receipts_root: B256,
    /// Bloom of all logs.
    pub logs_bloom: Bloom,
}

/// Why a carrier does not carry the landed block.
#[derive(Debug, thiserror::Error)]
pub enum LandedError {
    /// One of the landing's blobs is not there.
    #[error("blob {blob} of the landing, {hash}, is not among the {given} that were given")]
    MissingBlob {
        /// Which, from 0.
        blob: usize,
        /// Its versioned hash.
        hash: B256,
        /// How many blobs were given.
        given: usize,
    },
    /// The right blobs do not decode. Hub's binding rules this out for a landed block, so it is Hub's or our bug.
    #[error("landed blobs do not decode: {0}")]
    Content(#[from] BlobError),
    /// The calldata is no EXECUTE input.
    #[error(transparent)]
    Input(#[from] DecodeError),
    /// The calldata or the executed block is another block than the one that landed.
    #[error("block {given} is not the landed {landed}")]
    BlockHash {
        /// Hash of what was handed in.
        given: B256,
        /// The one in the event.
        landed: B256,
    },
}

impl Landed {
    /// The L1 view of the block; its hash stands in the header.
    pub const fn anchor(&self) -> Anchor {
        Anchor {
            chain_id: self.chain_id,
            origin_number: self.origin_number,
            origin_hash: self.origin_hash,
            inbox_count: self.inbox_count,
            inbox_hash: self.inbox_hash,
        }
    }

    /// The landing's blobs among `candidates`, in its order. Commits to every candidate (tens of milliseconds each) and
    /// passes over those that are no blobs.
    ///
    /// # Errors
    /// [`LandedError::MissingBlob`].
    pub fn blobs_among(&self, kzg: &dyn Commitments, candidates: &[Box<Blob>]) -> Result<Vec<Blob>, LandedError> {
        let hashed: Vec<_> =
            candidates.iter().filter_map(|blob| Some((kzg.versioned_hash(blob).ok()?, blob))).collect();
        let find = |(at, hash): (usize, &B256)| {
            let found = hashed.iter().find(|(given, _)| given == hash).map(|(_, blob)| ***blob);
            found.ok_or(LandedError::MissingBlob { blob: at, hash: *hash, given: candidates.len() })
        };
        self.blob_hashes.iter().enumerate().map(find).collect()
    }

    /// Transactions and access list from the landing's blobs, as [`Self::blobs_among`] gives them.
    ///
    /// # Errors
    /// [`LandedError::Content`].
    pub fn content_from_blobs(&self, blobs: &[Blob]) -> Result<Content, LandedError> {
        Ok(blob::decode(blobs)?)
    }

    /// Transactions and access list from payload data ([`blob::encode`]) that somebody kept: it must fill the landing's blobs. Commits to
    /// each of them (tens of milliseconds).
    ///
    /// # Errors
    /// [`LandedError::MissingBlob`] for any other data, [`LandedError::Content`].
    pub fn content_from_data(&self, kzg: &dyn Commitments, data: &[u8]) -> Result<Content, LandedError> {
        let given = blob::blob_count(data.len());
        if given != self.blob_hashes.len() {
            let hash = self.blob_hashes.get(given).copied().unwrap_or_default();
            return Err(LandedError::MissingBlob { blob: given, hash, given });
        }
        let blobs: Vec<Box<Blob>> = blob::to_blobs(data).into_iter().map(Box::new).collect();
        self.content_from_blobs(&self.blobs_among(kzg, &blobs)?)
    }

    /// Transactions and access list from the calldata of the landing: the bytes that EXECUTE took.
    ///
    /// # Errors
    /// [`LandedError`] unless the header that these bytes make has the landed hash.
    pub fn content_from_input(&self, execute_input: &[u8]) -> Result<Content, LandedError> {
        let input = StatelessInput::decode(execute_input)?;
        let given = input.header().hash_slow();
        if given != self.hash {
            return Err(LandedError::BlockHash { given, landed: self.hash });
        }
        Ok(Content { bal: input.payload.block_access_list, transactions: input.payload.transactions })
    }

    /// The header, once execution has told the rest of it.
    ///
    /// # Errors
    /// [`LandedError::BlockHash`] if it is not the landed one: the content was executed to another result than L1's.
    pub fn header(&self, content: &Content, outcome: &Outcome) -> Result<Header, LandedError> {
        let header = Payload {
            parent_hash: self.parent_hash,
            fee_recipient: self.fee_recipient,
            state_root: self.state_root,
            receipts_root: outcome.receipts_root,
            logs_bloom: outcome.logs_bloom,
            prev_randao: prev_randao(self.origin_hash, self.number),
            block_number: self.number,
            gas_limit: self.gas_limit,
            gas_used: outcome.gas_used,
            timestamp: self.timestamp,
            extra_data: self.extra_data.clone(),
            base_fee_per_gas: outcome.base_fee_per_gas,
            transactions: content.transactions.clone(),
            block_access_list: content.bal.clone(),
            slot_number: self.number,
            ..Payload::default()
        }
        .header(self.anchor().hash(), &Requests::default());
        let given = header.hash_slow();
        if given == self.hash { Ok(header) } else { Err(LandedError::BlockHash { given, landed: self.hash }) }
    }
}
