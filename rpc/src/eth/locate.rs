//! From the block a caller names to the block this node means: tags, numbers, EIP-1898 objects.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy_consensus::{BlockHeader, EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Header};
use alloy_eips::{BlockHashOrNumber, BlockId, BlockNumberOrTag, eip1559::BaseFeeParams};
use execution::{
    block::{Block, RecoveredBlock, SealedHeader},
    state::StateView,
};
use storage::StorageError;

use crate::{Backend, PendingBlock, RpcError};

impl From<StorageError> for RpcError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::UnknownBlock(block) => Self::UnknownBlock { block: block.to_string() },
            StorageError::StateForgotten { number, oldest } => Self::Pruned { requested: number, earliest: oldest },
            other => Self::internal(other),
        }
    }
}

impl From<execution::StateError> for RpcError {
    fn from(error: execution::StateError) -> Self {
        Self::internal(error)
    }
}

/// A block that exists: one of the canonical chain, or the open one.
pub(crate) enum At {
    /// Canonical at the moment of asking.
    Canonical(BlockHashOrNumber),
    /// The open block.
    Open(Arc<PendingBlock>),
}

impl Backend {
    /// What `id` means now. Does not look whether a number or hash exists.
    pub(crate) fn locate(&self, id: BlockId) -> Result<At, RpcError> {
        let number = match id {
            BlockId::Hash(hash) => return Ok(At::Canonical(hash.block_hash.into())),
            BlockId::Number(BlockNumberOrTag::Pending) => return self.open_block().map(At::Open),
            BlockId::Number(BlockNumberOrTag::Number(number)) => number,
            BlockId::Number(BlockNumberOrTag::Latest) => self.heads.latest(),
            BlockId::Number(BlockNumberOrTag::Safe) => self.heads.safe(),
            BlockId::Number(BlockNumberOrTag::Finalized) => self.heads.finalized(),
            BlockId::Number(BlockNumberOrTag::Earliest) => self.spec.genesis_header().number,
        };
        Ok(At::Canonical(number.into()))
    }

    /// A whole block; `None` when it does not exist.
    pub(crate) fn find_block(&self, id: BlockId) -> Result<Option<RecoveredBlock>, RpcError> {
        match self.locate(id)? {
            At::Canonical(at) => Ok(self.chain.block(at)?),
            At::Open(open) => Ok(Some(open.block.clone())),
        }
    }

    /// A header with its hash; `None` when it does not exist.
    pub(crate) fn find_header(&self, id: BlockId) -> Result<Option<SealedHeader>, RpcError> {
        match self.locate(id)? {
            At::Canonical(at) => Ok(self.chain.header(at)?),
            At::Open(open) => Ok(Some(open.block.clone_sealed_header())),
        }
    }

    /// Header and state of a block that a read or a call runs on; it must exist.
    pub(crate) fn state_of(&self, id: BlockId) -> Result<(SealedHeader, Arc<dyn StateView>), RpcError> {
        match self.locate(id)? {
            At::Open(open) => Ok((open.block.clone_sealed_header(), Arc::clone(&open.state))),
            At::Canonical(at) => {
                let header = self.chain.header(at)?.ok_or_else(|| self.unknown(id))?;
                // By hash: between two reads a reorg may put another block at this number.
                let state = self.chain.state_at(header.hash())?;
                Ok((header, Arc::new(state)))
            }
        }
    }

    /// The error for a block that does not exist.
    pub(crate) fn unknown(&self, id: BlockId) -> RpcError {
        if let BlockId::Hash(hash) = id
            && hash.require_canonical == Some(true)
        {
            return RpcError::NotCanonical { hash: hash.block_hash };
        }
        let block = match id {
            BlockId::Hash(hash) => hash.block_hash.to_string(),
            BlockId::Number(tag) => tag.to_string(),
        };
        RpcError::UnknownBlock { block }
    }

    /// The newest header.
    pub(crate) fn latest_header(&self) -> Result<SealedHeader, RpcError> {
        let latest = BlockId::latest();
        self.find_header(latest)?.ok_or_else(|| self.unknown(latest))
    }

    /// The open block; without one, an empty block on `latest`, so that `pending` always answers.
    pub(crate) fn open_block(&self) -> Result<Arc<PendingBlock>, RpcError> {
        let parent = self.latest_header()?;
        if let Some(open) = self.pending.pending()
            // A snapshot that a new head has overtaken would make `pending` older than `latest`.
            && open.block.header().number() > parent.number
        {
            return Ok(open);
        }
        let state = self.chain.state_at(parent.hash())?;
        let block = Block::uncle(empty_on(&parent, &self.spec, now()));
        Ok(Arc::new(PendingBlock {
            block: RecoveredBlock::new_unhashed(block, Vec::new()),
            receipts: Vec::new(),
            state: Arc::new(state),
        }))
    }
}

/// Seconds since 1970; 0 for a clock set before that.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs())
}

/// An empty block on `parent`. Its state root is the parent's: what system calls will change is not known yet.
fn empty_on(parent: &SealedHeader, spec: &chainspec::ChainSpec, now: u64) -> Header {
    let parent_header = parent.header();
    let timestamp = now.max(parent_header.timestamp.saturating_add(1));
    let blobs = spec.blob_params_at(timestamp);
    Header {
        parent_hash: parent.hash(),
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        withdrawals_root: parent_header.withdrawals_root.map(|_| EMPTY_ROOT_HASH),
        number: parent_header.number.saturating_add(1),
        timestamp,
        gas_used: 0,
        logs_bloom: Default::default(),
        base_fee_per_gas: parent_header.next_block_base_fee(BaseFeeParams::ethereum()),
        blob_gas_used: blobs.map(|_| 0),
        excess_blob_gas: blobs.and_then(|blobs| parent_header.next_block_excess_blob_gas(blobs)),
        slot_number: parent_header.slot_number.map(|slot| slot.saturating_add(1)),
        ..parent_header.clone()
    }
}
