//! What the beacon API answers, read from the chain. Must not know HTTP.

use alloy_consensus::Transaction as _;
use alloy_eips::eip4844::Blob;
use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_beacon::{
    header::{Header, HeaderData, HeaderResponse},
    proposer::{ProposerDutiesResponse, ProposerDuty},
    sidecar::GetBlobsResponse,
};
use execution::block::SealedHeader;
use storage::StorageError;

use super::block::{beacon_header, beacon_root, slot};
use crate::{chain::Devnet, validators};

/// Blocks back from the head within which a block is found by its beacon root. Finding one by slot has no such limit.
pub const ROOT_LOOKBACK: u64 = 8_192;

/// Most versioned hashes in one request: no block carries as many blobs.
pub const VERSIONED_HASHES_MAX: usize = 128;

/// How a request names a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockId {
    /// `head`.
    Head,
    /// `genesis`.
    Genesis,
    /// `finalized`.
    Finalized,
    /// `justified`, which here is the safe block.
    Justified,
    /// A slot number.
    Slot(u64),
    /// `0x…`: the root of a beacon block.
    Root(B256),
}

impl std::str::FromStr for BlockId {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let invalid = || QueryError::BlockId(text.chars().take(80).collect());
        match text {
            "head" => Ok(Self::Head),
            "genesis" => Ok(Self::Genesis),
            "finalized" => Ok(Self::Finalized),
            "justified" => Ok(Self::Justified),
            _ if text.starts_with("0x") => text.parse().map(Self::Root).map_err(|_| invalid()),
            // Stricter than u64's own parser, which takes "+1".
            _ if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().map(Self::Slot).map_err(|_| invalid()),
            _ => Err(invalid()),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The text names no block.
    #[error("Invalid block ID: {0}")]
    BlockId(String),
    /// A hash in the query is none.
    #[error("Invalid versioned hash: {0}")]
    VersionedHash(String),
    /// A number in the path is none.
    #[error("Invalid epoch: {0}")]
    Epoch(String),
    /// More hashes than any block has blobs.
    #[error("Too many versioned hashes: {0}, at most {VERSIONED_HASHES_MAX}")]
    TooManyHashes(usize),
    /// No such block: an empty slot, a slot to come, an unknown root.
    #[error("Block not found")]
    NotFound,
    /// The lookahead ends with the next epoch.
    #[error("Proposer duties are known until epoch {last}, not for epoch {epoch}")]
    BeyondLookahead {
        /// Asked for.
        epoch: u64,
        /// The last one known.
        last: u64,
    },
    /// Ours.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Devnet {
    /// The canonical block that `id` names.
    pub(crate) fn find_block(&self, id: BlockId) -> Result<SealedHeader, QueryError> {
        let found = match id {
            BlockId::Head => Some((*self.chain.head()).clone()),
            BlockId::Genesis => self.chain.header(0)?,
            BlockId::Finalized => self.chain.header(self.chain.heads().finalised.number)?,
            BlockId::Justified => self.chain.header(self.chain.heads().landed.number)?,
            BlockId::Slot(wanted) => self.header_up_to_slot(wanted)?.filter(|header| slot(header.header()) == wanted),
            BlockId::Root(root) => self.header_by_root(root)?,
        };
        found.ok_or(QueryError::NotFound)
    }

    /// The highest canonical block at or below a slot: slots ascend with numbers, so this is a binary search.
    pub(crate) fn header_up_to_slot(&self, wanted: u64) -> Result<Option<SealedHeader>, StorageError> {
        let head = self.chain.head();
        if slot(head.header()) <= wanted {
            return Ok(Some((*head).clone()));
        }
        let (mut low, mut high) = (0, head.number);
        let mut best = None;
        while low < high {
            let middle = low + (high - low) / 2;
            match self.chain.header(middle)? {
                Some(header) if slot(header.header()) <= wanted => {
                    best = Some(header);
                    low = middle + 1;
                }
                // Also when a reorg has just taken the block away.
                Some(_) | None => high = middle,
            }
        }
        Ok(best)
    }

    fn header_by_root(&self, root: B256) -> Result<Option<SealedHeader>, StorageError> {
        let head = self.chain.head();
        if beacon_root(&head) == root {
            return Ok(Some((*head).clone()));
        }
        // A child names its parent's root, so no root but the head's has to be computed.
        let lowest = head.number.saturating_sub(ROOT_LOOKBACK);
        for number in (lowest + 1..=head.number).rev() {
            let Some(header) = self.chain.header(number)? else { return Ok(None) };
            if header.parent_beacon_block_root == Some(root) {
                return self.chain.header(number - 1);
            }
        }
        Ok(None)
    }

    /// `/eth/v1/beacon/headers/{block_id}`.
    pub(crate) fn beacon_header(&self, id: BlockId) -> Result<HeaderResponse, QueryError> {
        let header = self.find_block(id)?;
        let message = beacon_header(&header);
        Ok(HeaderResponse {
            execution_optimistic: false,
            finalized: self.is_finalized(&header),
            data: HeaderData {
                root: beacon_root(&header),
                canonical: true,
                header: Header { message, signature: Bytes::from_static(&[0; 96]) },
            },
        })
    }

    /// `/eth/v1/beacon/blobs/{block_id}`: the blobs of the block in the order of its transactions, or those of
    /// `only` among them. A blob that is not kept (expired, withheld) is left out, as the API's specification has it.
    pub(crate) fn beacon_blobs(&self, id: BlockId, only: Option<&[B256]>) -> Result<GetBlobsResponse, QueryError> {
        let header = self.find_block(id)?;
        let mut response =
            GetBlobsResponse { execution_optimistic: false, finalized: self.is_finalized(&header), data: Vec::new() };
        let hashes = self.versioned_hashes(header.hash())?;
        let (withheld, corrupt) = {
            let mut control = self.control.lock();
            // Only answers that would hold a blob count as faulty ones.
            if hashes.is_empty() { (false, false) } else { (control.withhold.strikes(), control.corrupt.strikes()) }
        };
        if withheld {
            return Ok(response);
        }
        for hash in hashes.into_iter().filter(|hash| only.is_none_or(|only| only.contains(hash))) {
            if let Some(mut blob) = self.chain.blob(hash)? {
                if corrupt {
                    corrupt_blob(&mut blob);
                }
                response.data.push(*blob);
            }
        }
        Ok(response)
    }

    /// Versioned hashes of a canonical block's blobs, in order.
    pub(crate) fn versioned_hashes(&self, block: B256) -> Result<Vec<B256>, StorageError> {
        let body = self.chain.body(block)?;
        let transactions = body.iter().flat_map(|body| &body.transactions);
        Ok(transactions.filter_map(|tx| tx.blob_versioned_hashes()).flatten().copied().collect())
    }

    /// `/eth/v1/validator/duties/proposer/{epoch}`: any past epoch, this one and the next.
    pub(crate) fn proposer_duties(&self, epoch: u64) -> Result<ProposerDutiesResponse, QueryError> {
        let last = validators::epoch(self.clock.slot()) + 1;
        let beyond = QueryError::BeyondLookahead { epoch, last };
        if epoch > last {
            return Err(beyond);
        }
        let slots = validators::lookahead(epoch).ok_or(beyond)?;
        // EIP-7917: the lookahead of an epoch is fixed by the last block before the epoch that precedes it.
        let fixed = (epoch.saturating_sub(1) * validators::SLOTS_PER_EPOCH).saturating_sub(1);
        let dependent = self.header_up_to_slot(fixed)?.ok_or(QueryError::NotFound)?;
        Ok(ProposerDutiesResponse {
            execution_optimistic: false,
            dependent_root: beacon_root(&dependent),
            data: slots
                .into_iter()
                .map(|(slot, validator)| ProposerDuty {
                    pubkey: validator.pubkey,
                    validator_index: validator.index,
                    slot,
                })
                .collect(),
        })
    }

    fn is_finalized(&self, header: &SealedHeader) -> bool {
        header.number <= self.chain.heads().finalised.number
    }
}

/// One bit, in the lowest byte of the first element, so that it stays a field element.
fn corrupt_blob(blob: &mut Blob) {
    blob[31] ^= 1;
}
