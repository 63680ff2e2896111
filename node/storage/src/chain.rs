//! The chain of one network on top of the schema: opening, heads and reads. Writing is in `writer`, states in `view`, everything
//! that is no block in `side`.
//! Must not know: RocksDB, and why a block is appended or unwound.

mod check;
mod close;
mod genesis;
mod history;
mod messages;
mod outbox;
mod side;
mod view;
mod writer;

use std::{path::Path, sync::Arc};

use alloy_eips::{BlockHashOrNumber, BlockNumHash};
use alloy_primitives::{B256, Bytes, keccak256};
use chainspec::ChainSpec;
use execution::{ChainState, Receipt, RecoveredBlock, block::SealedHeader, trie::StateTree};
use parking_lot::{Mutex, RwLock};

use crate::{
    Kv, Limits, Memory, Rocks, StorageError, TxPosition,
    codec::encode_rlp,
    kv::{Batch, Durability, Rows},
    schema::{self, Head, Read},
};

pub use check::Checked;
pub use history::History;
pub use messages::Sent;
pub use side::{FORGET_BALS_MAX, POOL_TX_MAX_BYTES};

/// A chain and everything kept with it. Cloning is cheap and shares it.
#[derive(Debug, Clone)]
pub struct Chain {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Arc<dyn Kv>,
    spec: Arc<ChainSpec>,
    limits: Limits,
    /// Held by whoever reads, decides and writes; plain reads never take it.
    writer: Mutex<()>,
    now: RwLock<Now>,
}

/// The heads, and the state of the highest.
#[derive(Debug, Clone)]
struct Now {
    head: Arc<SealedHeader>,
    landed: BlockNumHash,
    finalised: BlockNumHash,
    /// The lowest block whose state can be read.
    oldest: u64,
    /// State tree of the head, as far as it is in memory.
    tree: StateTree,
    /// The store, at an instant when `head` was the head.
    rows: Arc<dyn Rows>,
}

/// The three heads: `finalised <= landed <= applied`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Highest block executed here.
    pub applied: BlockNumHash,
    /// Highest block that L1 recorded.
    pub landed: BlockNumHash,
    /// Highest block landed in a finalised L1 block.
    pub finalised: BlockNumHash,
}

impl Chain {
    /// Opens the database in `path`, or makes one and writes genesis.
    ///
    /// # Errors
    /// Everything that stops a start; see the first group of [`StorageError`]. `OtherGenesis` when the database is another chain's.
    pub fn open(path: &Path, spec: Arc<ChainSpec>, limits: Limits) -> Result<Self, StorageError> {
        Self::on(Arc::new(Rocks::open(path, limits)?), spec, limits)
    }

    /// A new chain in memory.
    pub fn in_memory(spec: Arc<ChainSpec>) -> Result<Self, StorageError> {
        Self::on(Arc::new(Memory::new()), spec, Limits::default())
    }

    /// The chain in `store`; an empty store gets the genesis of `spec`.
    pub fn on(store: Arc<dyn Kv>, spec: Arc<ChainSpec>, limits: Limits) -> Result<Self, StorageError> {
        match store.read::<schema::Identity>(&())? {
            None => genesis::write(&*store, &spec)?,
            Some(stored) if (stored.genesis, stored.chain_id) != (spec.genesis_hash(), spec.chain_id) => {
                return Err(StorageError::OtherGenesis {
                    stored: stored.genesis,
                    stored_chain_id: stored.chain_id,
                    given: spec.genesis_hash(),
                    given_chain_id: spec.chain_id,
                });
            }
            Some(_) => {}
        }
        let head = store.must_read::<schema::Heads>(&Head::Applied)?;
        let head = Arc::new(header_by_hash(&*store, head.hash)?);
        let now = Now {
            landed: store.must_read::<schema::Heads>(&Head::Landed)?,
            finalised: store.must_read::<schema::Heads>(&Head::Finalised)?,
            oldest: history::oldest_kept(&*store)?.unwrap_or(head.number),
            tree: StateTree::new(head.state_root),
            rows: store.snapshot(),
            head,
        };
        let inner = Inner { store, spec, limits, writer: Mutex::new(()), now: RwLock::new(now) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The rules of the chain.
    pub fn spec(&self) -> &Arc<ChainSpec> {
        &self.inner.spec
    }

    /// The store below, for tools and tests.
    pub fn store(&self) -> &Arc<dyn Kv> {
        &self.inner.store
    }

    /// Highest executed block. No database access.
    pub fn head(&self) -> Arc<SealedHeader> {
        self.inner.now.read().head.clone()
    }

    /// All three heads as they were at one instant. No database access.
    pub fn heads(&self) -> Heads {
        let now = self.inner.now.read();
        Heads { applied: now.head.num_hash(), landed: now.landed, finalised: now.finalised }
    }

    /// The lowest block whose state can be read. No database access.
    pub fn oldest_state(&self) -> u64 {
        self.inner.now.read().oldest
    }

    /// About how many accounts the head's state has; cheap on disk.
    pub fn accounts_estimate(&self) -> Result<u64, StorageError> {
        self.inner.store.rows_estimate(schema::TableId::Accounts)
    }

    /// Makes everything written so far survive a power loss.
    pub fn sync(&self) -> Result<(), StorageError> {
        self.inner.store.write(Batch::new(), Durability::Synced)
    }

    /// Hash of canonical block `number`.
    pub fn canonical_hash(&self, number: u64) -> Result<Option<B256>, StorageError> {
        self.inner.store.read::<schema::Canonical>(&number)
    }

    /// Number and hash of a canonical block.
    pub fn resolve(&self, at: impl Into<BlockHashOrNumber>) -> Result<Option<BlockNumHash>, StorageError> {
        Ok(match at.into() {
            BlockHashOrNumber::Number(number) => self.canonical_hash(number)?.map(|hash| BlockNumHash { number, hash }),
            BlockHashOrNumber::Hash(hash) => self.header(hash)?.map(|header| header.num_hash()),
        })
    }

    /// Header of a canonical block.
    pub fn header(&self, at: impl Into<BlockHashOrNumber>) -> Result<Option<SealedHeader>, StorageError> {
        let store = &*self.inner.store;
        match at.into() {
            BlockHashOrNumber::Number(number) => {
                let Some(hash) = self.canonical_hash(number)? else { return Ok(None) };
                header_by_hash(store, hash).map(Some)
            }
            BlockHashOrNumber::Hash(hash) => {
                if let Some(head) = Some(self.head()).filter(|head| head.hash() == hash) {
                    return Ok(Some((*head).clone()));
                }
                let Some(header) = find_header(store, hash)? else { return Ok(None) };
                Ok((self.canonical_hash(header.number)? == Some(hash)).then_some(header))
            }
        }
    }

    /// A canonical block with its senders.
    pub fn block(&self, at: impl Into<BlockHashOrNumber>) -> Result<Option<RecoveredBlock>, StorageError> {
        let Some(header) = self.header(at)? else { return Ok(None) };
        let block = header.num_hash();
        self.of_canonical(block, |_| self.inner.block_of(header))
    }

    /// Transactions and withdrawals of a canonical block.
    pub fn body(&self, at: impl Into<BlockHashOrNumber>) -> Result<Option<crate::Body>, StorageError> {
        let Some(block) = self.resolve(at)? else { return Ok(None) };
        self.of_canonical(block, |hash| self.inner.store.must_read::<schema::Bodies>(&hash))
    }

    /// Receipts of a canonical block, in transaction order, blooms included.
    pub fn receipts(&self, at: impl Into<BlockHashOrNumber>) -> Result<Option<Vec<Receipt>>, StorageError> {
        let Some(block) = self.resolve(at)? else { return Ok(None) };
        self.of_canonical(block, |hash| self.inner.store.must_read::<schema::Receipts>(&hash))
    }

    /// Block access list of a canonical block, RLP (EIP-7928); empty before Amsterdam, `None` where it is forgotten
    /// ([`Self::forget_bals`]).
    pub fn bal(&self, at: impl Into<BlockHashOrNumber>) -> Result<Option<Bytes>, StorageError> {
        let Some(block) = self.resolve(at)? else { return Ok(None) };
        Ok(self.of_canonical(block, |_| self.inner.bal_of(block))?.flatten())
    }

    /// Reads a record of a block that was canonical a moment ago: if it is gone because the block is, that is no fault.
    fn of_canonical<T>(
        &self,
        block: BlockNumHash,
        read: impl FnOnce(B256) -> Result<T, StorageError>,
    ) -> Result<Option<T>, StorageError> {
        match read(block.hash) {
            Err(StorageError::Corrupt { .. }) if self.canonical_hash(block.number)? != Some(block.hash) => Ok(None),
            result => result.map(Some),
        }
    }

    /// Where a transaction stands in the canonical chain.
    pub fn transaction(&self, hash: B256) -> Result<Option<TxPosition>, StorageError> {
        self.inner.store.read::<schema::Transactions>(&hash)
    }

    /// The state after the head; stands still when the head moves on.
    pub fn state_at_head(&self) -> Arc<dyn ChainState> {
        Arc::new(self.inner.now.read().at_head())
    }

    /// The state after a canonical block; stands still when the chain moves on, is unwound or forgets it. What the store overwrites
    /// meanwhile stays on disk, so a state is for a request or a block, not for days.
    ///
    /// # Errors
    /// `UnknownBlock` when no canonical block has this number or hash; `StateForgotten` when its state is no longer kept.
    pub fn state_at(&self, at: impl Into<BlockHashOrNumber>) -> Result<Arc<dyn ChainState>, StorageError> {
        let now = self.inner.now.read().clone();
        Ok(Arc::new(now.at(at.into())?))
    }
}

impl Now {
    fn at_head(&self) -> view::State {
        view::State { rows: self.rows.clone(), header: self.head.clone(), old: false, tree: self.tree.clone() }
    }

    fn at(&self, at: BlockHashOrNumber) -> Result<view::State, StorageError> {
        let unknown = || StorageError::UnknownBlock(at);
        let number = match at {
            BlockHashOrNumber::Number(number) => number,
            BlockHashOrNumber::Hash(hash) if hash == self.head.hash() => self.head.number,
            BlockHashOrNumber::Hash(hash) => find_header(&*self.rows, hash)?.ok_or_else(unknown)?.number,
        };
        if number == self.head.number && at == BlockHashOrNumber::Number(number) {
            return Ok(self.at_head());
        }
        let canonical = self.rows.read::<schema::Canonical>(&number)?.ok_or_else(unknown)?;
        if matches!(at, BlockHashOrNumber::Hash(hash) if hash != canonical) {
            return Err(unknown());
        }
        if canonical == self.head.hash() {
            return Ok(self.at_head());
        }
        if number < self.oldest {
            return Err(StorageError::StateForgotten { number, oldest: self.oldest });
        }
        let header = Arc::new(header_by_hash(&*self.rows, canonical)?);
        let tree = StateTree::new(header.state_root);
        Ok(view::State { rows: self.rows.clone(), header, old: true, tree })
    }
}

impl Inner {
    /// Joins the records of a block; its header says that they exist.
    fn block_of(&self, header: SealedHeader) -> Result<RecoveredBlock, StorageError> {
        let hash = header.hash();
        let body = self.store.must_read::<schema::Bodies>(&hash)?;
        let senders = self.store.must_read::<schema::Senders>(&hash)?;
        if senders.len() != body.transactions.len() {
            let reason = format!("{} senders of {} transactions", senders.len(), body.transactions.len());
            return Err(StorageError::Corrupt { table: "senders", key: hash.into(), reason });
        }
        Ok(RecoveredBlock::new(execution::Block { header: header.into_header(), body }, senders, hash))
    }
}

/// A header of any block, checked against its hash.
fn find_header(store: &dyn Rows, hash: B256) -> Result<Option<SealedHeader>, StorageError> {
    let Some(header) = store.read::<schema::Headers>(&hash)? else { return Ok(None) };
    if keccak256(encode_rlp(&header)) != hash {
        let reason = "the header has another hash".into();
        return Err(StorageError::Corrupt { table: "headers", key: hash.into(), reason });
    }
    Ok(Some(SealedHeader::new(header, hash)))
}

/// A header that another record names.
fn header_by_hash(store: &dyn Rows, hash: B256) -> Result<SealedHeader, StorageError> {
    find_header(store, hash)?.ok_or_else(|| StorageError::Corrupt {
        table: "headers",
        key: hash.into(),
        reason: "missing, though another record names it".into(),
    })
}

#[cfg(test)]
mod tests;
