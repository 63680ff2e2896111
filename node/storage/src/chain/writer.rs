//! Changing the chain: genesis, append, unwind, heads. Each is one atomic batch (unwind: one a block).
//! Must not know: how a block was executed, or why it goes.

use std::{
    borrow::Cow,
    sync::{Arc, atomic::Ordering},
};

use alloy_eips::BlockNumHash;
use alloy_primitives::{Address, B256, Bytes, U256};
use chainspec::ChainSpec;
use execution::{Account, Block, Executed, RecoveredBlock, StateDiff};

use super::{Chain, Inner, Now, header_by_hash};
use crate::{
    Body, Durability, Kv, StorageError, TxPosition,
    kv::Batch,
    schema::{self, Head, IdentityRecord, Read, SCHEMA_VERSION, Table},
};

impl Chain {
    /// Makes `executed` the new head: block, receipts, indices, flat state, trie nodes, codes and diff become visible together,
    /// and have survived a power loss when this returns.
    ///
    /// # Errors
    /// `DoesNotExtend` unless the block is a child of the head; `Io` when the disk refuses, in which case nothing has changed.
    pub fn append(&self, executed: &Executed) -> Result<(), StorageError> {
        self.append_with(executed, Durability::Synced)
    }

    /// As [`Self::append`]. `Buffered` is for blocks that can be had again (syncing from L1): power loss may take the last of them, in order.
    pub fn append_with(&self, executed: &Executed, durability: Durability) -> Result<(), StorageError> {
        let inner = &*self.inner;
        let _writer = inner.writer.lock();
        let now = inner.now.read().clone();
        let block = &executed.block;
        let head = now.head.num_hash();
        if block.parent_hash != head.hash || Some(block.number) != head.number.checked_add(1) {
            return Err(StorageError::DoesNotExtend { number: block.number, parent: block.parent_hash, head });
        }

        let BlockNumHash { number, hash } = block.num_hash();
        let mut batch = Batch::new();
        put_block(&mut batch, block, &executed.bal);
        batch.put::<schema::Receipts>(&hash, &executed.receipts);
        batch.delete::<schema::SideBlocks>(&(number, hash));
        batch.put::<schema::Canonical>(&number, &hash);
        for (index, transaction) in (0u32..).zip(&block.body().transactions) {
            batch.put::<schema::Transactions>(transaction.tx_hash(), &TxPosition { number, index });
        }
        let diff = inner.spelt_out(&executed.diff)?;
        put_state(&mut batch, &diff, &executed.nodes);
        batch.put::<schema::Diffs>(&number, &diff);
        batch.put::<schema::Heads>(&Head::Applied, &block.num_hash());
        inner.publish(batch, durability, Now { head: Arc::new(block.clone_sealed_header()), ..now })
    }

    /// Takes blocks back until `to` is the head, and returns them, newest first. They stay readable by [`Self::side_block`], so that they
    /// can be landed again. Landings above `to` are forgotten, and a landed head above `to` moves to `to`.
    /// Each block goes in one batch; when this returns, all of it has survived a power loss.
    ///
    /// # Errors
    /// `UnwindAboveHead`, `UnwindBelowFinalised`: nothing has changed. `Corrupt`, `Io`: the head stands where the fault was met.
    pub fn unwind(&self, to: u64) -> Result<Vec<RecoveredBlock>, StorageError> {
        let inner = &*self.inner;
        let _writer = inner.writer.lock();
        let start = inner.now.read().clone();
        if to > start.head.number {
            return Err(StorageError::UnwindAboveHead { to, head: start.head.number });
        }
        if to < start.finalised.number {
            return Err(StorageError::UnwindBelowFinalised { to, finalised: start.finalised.number });
        }
        let mut removed = Vec::new();
        for number in (to + 1..=start.head.number).rev() {
            // The log is synced with the last batch, and with it all before.
            let durability = if number == to + 1 { Durability::Synced } else { Durability::Buffered };
            removed.push(inner.unwind_head(durability)?);
        }
        Ok(removed)
    }

    /// Sets the landed and the finalised head.
    ///
    /// # Errors
    /// `HeadsOutOfOrder` unless `finalised <= landed <= head`; `NotCanonical` when one is not on this chain.
    pub fn put_heads(&self, landed: BlockNumHash, finalised: BlockNumHash) -> Result<(), StorageError> {
        let inner = &*self.inner;
        let _writer = inner.writer.lock();
        inner.put_heads(Batch::new(), landed, finalised)
    }
}

impl Inner {
    /// Writes a batch that changes flat state and head. The generation goes first: see [`Inner::generation`].
    fn publish(&self, batch: Batch, durability: Durability, next: Now) -> Result<(), StorageError> {
        let generation = self.generation.load(Ordering::SeqCst) + 1;
        self.generation.store(generation, Ordering::SeqCst);
        self.store.write(batch, durability)?;
        *self.now.write() = Now { generation, ..next };
        Ok(())
    }

    /// `diff` with the slots that wiped accounts lost, so that it leads back too. The writer lock is held.
    fn spelt_out<'a>(&self, diff: &'a StateDiff) -> Result<Cow<'a, StateDiff>, StorageError> {
        if diff.accounts.values().all(|account| !account.wiped) {
            return Ok(Cow::Borrowed(diff));
        }
        let mut diff = diff.clone();
        for (address, account) in diff.accounts.iter_mut().filter(|(_, account)| account.wiped) {
            account.wiped = false;
            for ((_, slot), before) in self.pairs_below::<schema::Storage>(address.as_slice())? {
                account.storage.entry(slot.into()).or_default().0 = before;
            }
            account.storage.retain(|_, (before, after)| before != after);
        }
        Ok(Cow::Owned(diff))
    }

    /// Removes the head block. The writer lock is held.
    fn unwind_head(&self, durability: Durability) -> Result<RecoveredBlock, StorageError> {
        let store = &*self.store;
        let now = self.now.read().clone();
        let block = self.block_of((*now.head).clone())?;
        let BlockNumHash { number, hash } = block.num_hash();
        let parent = header_by_hash(store, block.parent_hash)?;
        let diff = store.must_read::<schema::Diffs>(&number)?;

        let mut batch = Batch::new();
        for transaction in &block.body().transactions {
            batch.delete::<schema::Transactions>(transaction.tx_hash());
        }
        batch.delete::<schema::Canonical>(&number);
        batch.delete::<schema::Diffs>(&number);
        batch.delete::<schema::Landings>(&number);
        batch.put::<schema::SideBlocks>(&(number, hash), &());
        for (address, account) in &diff.accounts {
            expect::<schema::Accounts>(store, address, account.after.as_ref())?;
            put_account(&mut batch, *address, account.before.as_ref());
            for (slot, (before, after)) in &account.storage {
                let key = (*address, B256::from(*slot));
                expect::<schema::Storage>(store, &key, Some(after).filter(|value| !value.is_zero()))?;
                put_slot(&mut batch, *address, *slot, *before);
            }
        }
        batch.put::<schema::Heads>(&Head::Applied, &parent.num_hash());
        let landed = if now.landed.number >= number { parent.num_hash() } else { now.landed };
        batch.put::<schema::Heads>(&Head::Landed, &landed);
        self.publish(batch, durability, Now { head: Arc::new(parent), landed, ..now })?;
        Ok(block)
    }

    /// Writes `batch` together with the two heads, synced. The writer lock is held.
    pub(super) fn put_heads(
        &self,
        mut batch: Batch,
        landed: BlockNumHash,
        finalised: BlockNumHash,
    ) -> Result<(), StorageError> {
        let head = self.now.read().head.number;
        if finalised.number > landed.number || landed.number > head {
            return Err(StorageError::HeadsOutOfOrder { finalised: finalised.number, landed: landed.number, head });
        }
        for BlockNumHash { number, hash } in [landed, finalised] {
            if self.store.read::<schema::Canonical>(&number)? != Some(hash) {
                return Err(StorageError::NotCanonical { number, hash });
            }
        }
        batch.put::<schema::Heads>(&Head::Landed, &landed);
        batch.put::<schema::Heads>(&Head::Finalised, &finalised);
        self.store.write(batch, Durability::Synced)?;
        let mut now = self.now.write();
        (now.landed, now.finalised) = (landed, finalised);
        Ok(())
    }
}

/// The records of a block that do not depend on executing it.
pub(super) fn put_block(batch: &mut Batch, block: &RecoveredBlock, bal: &Bytes) {
    let hash = block.hash();
    batch.put::<schema::Headers>(&hash, block.header());
    batch.put::<schema::Bodies>(&hash, block.body());
    batch.put::<schema::Senders>(&hash, &block.senders().to_vec());
    batch.put::<schema::Bals>(&hash, bal);
}

fn put_state(batch: &mut Batch, diff: &StateDiff, nodes: &[(B256, Bytes)]) {
    for (address, account) in &diff.accounts {
        put_account(batch, *address, account.after.as_ref());
        for (slot, (_, after)) in &account.storage {
            put_slot(batch, *address, *slot, *after);
        }
    }
    for (hash, code) in &diff.codes {
        batch.put::<schema::Codes>(hash, code);
    }
    for (hash, node) in nodes {
        batch.put::<schema::Nodes>(hash, node);
    }
}

fn put_account(batch: &mut Batch, address: Address, account: Option<&Account>) {
    match account {
        Some(account) => batch.put::<schema::Accounts>(&address, account),
        None => batch.delete::<schema::Accounts>(&address),
    }
}

fn put_slot(batch: &mut Batch, address: Address, slot: U256, value: U256) {
    let key = (address, B256::from(slot));
    if value.is_zero() {
        batch.delete::<schema::Storage>(&key);
    } else {
        batch.put::<schema::Storage>(&key, &value);
    }
}

/// Flat state must be what the diff left behind; going back from anything else would make a state that never was.
fn expect<T: Table>(store: &dyn Kv, key: &T::Key, value: Option<&T::Value>) -> Result<(), StorageError>
where
    T::Value: PartialEq + std::fmt::Debug,
{
    let found = store.read::<T>(key)?;
    if found.as_ref() == value {
        return Ok(());
    }
    let key = crate::Key::encode(key).into();
    Err(StorageError::Corrupt { table: T::ID.name(), key, reason: format!("{found:?}, but the block left {value:?}") })
}

/// RLP of a block access list without entries (EIP-7928).
const EMPTY_BAL: Bytes = Bytes::from_static(&[0xc0]);

/// Fills an empty store.
pub(super) fn write_genesis(store: &dyn Kv, spec: &ChainSpec) -> Result<(), StorageError> {
    let genesis = execution::genesis::genesis(spec).map_err(|error| StorageError::Genesis(error.to_string()))?;
    let (header, hash) = genesis.header.split();
    let withdrawals = header.withdrawals_root.map(|_| Default::default());
    let bal = if header.block_access_list_hash.is_some() { EMPTY_BAL } else { Bytes::new() };
    let body = Body { transactions: Vec::new(), ommers: Vec::new(), withdrawals };
    let block = RecoveredBlock::new(Block { header, body }, Vec::new(), hash);
    let mut batch = Batch::new();
    put_block(&mut batch, &block, &bal);
    batch.put::<schema::Receipts>(&hash, &Vec::new());
    batch.put::<schema::Canonical>(&block.number, &hash);
    put_state(&mut batch, &genesis.diff, &genesis.nodes);
    for head in [Head::Applied, Head::Landed, Head::Finalised] {
        batch.put::<schema::Heads>(&head, &block.num_hash());
    }
    let identity = IdentityRecord { version: SCHEMA_VERSION, chain_id: spec.chain_id, genesis: hash };
    batch.put::<schema::Identity>(&(), &identity);
    store.write(batch, Durability::Synced)
}
