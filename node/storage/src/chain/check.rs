//! A full check of the store against itself: every record decodes, the chain links up, indices and heads agree, and the state root
//! recomputed from the flat tables is the head's. Takes time and memory in proportion to the state; writers wait meanwhile.
//! Must not know: how to mend anything.

use std::{collections::BTreeSet, ops::ControlFlow};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount, root};

use super::{Chain, header_by_hash};
use crate::{
    Key, StorageError,
    kv::Direction,
    schema::{self, Head, Read, Table, TableId, decode_key, decode_value},
};

/// What a check has gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checked {
    /// Canonical blocks, genesis included.
    pub blocks: u64,
    /// Their transactions.
    pub transactions: u64,
    /// Accounts at the head.
    pub accounts: u64,
    /// Storage slots at the head.
    pub slots: u64,
}

impl Chain {
    /// Checks everything.
    ///
    /// # Errors
    /// `Corrupt` names the first contradiction; `Io` when reading failed.
    pub fn check(&self) -> Result<Checked, StorageError> {
        let _writer = self.inner.writer.lock();
        for table in TableId::ALL {
            self.each(*table, |key, value| table.check(key, value))?;
        }
        let mut checked = self.check_blocks()?;
        self.check_heads()?;
        self.check_state(&mut checked)?;
        Ok(checked)
    }

    fn check_blocks(&self) -> Result<Checked, StorageError> {
        let store = &*self.inner.store;
        let genesis = self.inner.spec.genesis_header().number;
        let mut checked = Checked::default();
        let mut hash = self.head().hash();
        for number in (genesis..=self.head().number).rev() {
            if self.canonical_hash(number)? != Some(hash) {
                return Err(corrupt::<schema::Canonical>(&number, format!("the head descends from {hash}")));
            }
            let header = header_by_hash(store, hash)?;
            let parent = header.parent_hash;
            if header.number != number {
                return Err(corrupt::<schema::Headers>(&hash, format!("number {}, expected {number}", header.number)));
            }
            let block = self.inner.block_of(header)?;
            let transactions = &block.body().transactions;
            for (index, transaction) in transactions.iter().enumerate() {
                let found = store.read::<schema::Transactions>(transaction.tx_hash())?;
                if found.map(|position| (position.number, position.index as usize)) != Some((number, index)) {
                    let reason = format!("{found:?}, but it is in block {number} at {index}");
                    return Err(corrupt::<schema::Transactions>(transaction.tx_hash(), reason));
                }
            }
            if store.must_read::<schema::Receipts>(&hash)?.len() != transactions.len() {
                return Err(corrupt::<schema::Receipts>(
                    &hash,
                    format!("block has {} transactions", transactions.len()),
                ));
            }
            store.must_read::<schema::Bals>(&hash)?;
            if number > genesis {
                store.must_read::<schema::Diffs>(&number)?;
            }
            if store.read::<schema::SideBlocks>(&(number, hash))?.is_some() {
                return Err(corrupt::<schema::SideBlocks>(&(number, hash), "a canonical block".into()));
            }
            checked.blocks += 1;
            checked.transactions += transactions.len() as u64;
            hash = parent;
        }
        self.count::<schema::Canonical>(checked.blocks)?;
        self.count::<schema::Diffs>(checked.blocks - 1)?;
        self.count::<schema::Transactions>(checked.transactions)?;
        Ok(checked)
    }

    fn check_heads(&self) -> Result<(), StorageError> {
        let heads = self.heads();
        for (head, here) in
            [(Head::Applied, heads.applied), (Head::Landed, heads.landed), (Head::Finalised, heads.finalised)]
        {
            let stored = self.inner.store.must_read::<schema::Heads>(&head)?;
            if stored != here {
                return Err(corrupt::<schema::Heads>(&head, format!("{stored:?} on disk, {here:?} in memory")));
            }
            if self.canonical_hash(here.number)? != Some(here.hash) {
                return Err(corrupt::<schema::Heads>(&head, format!("{here:?} is not canonical")));
            }
        }
        if heads.finalised.number > heads.landed.number || heads.landed.number > heads.applied.number {
            return Err(corrupt::<schema::Heads>(&Head::Landed, format!("{heads:?} are out of order")));
        }
        Ok(())
    }

    fn check_state(&self, checked: &mut Checked) -> Result<(), StorageError> {
        let mut storage: Vec<(Address, B256)> = Vec::new();
        let mut slots: Vec<(B256, U256)> = Vec::new();
        let mut owner = None;
        // Sorted by address, so one account's slots come together.
        self.each(TableId::Storage, |key, value| {
            let (address, slot) = decode_key::<schema::Storage>(key)?;
            if let Some(owner) = owner.replace(address).filter(|owner| *owner != address) {
                storage.push((owner, root::storage_root_unhashed(slots.drain(..))));
            }
            slots.push((slot, decode_value::<schema::Storage>(key, value)?));
            checked.slots += 1;
            Ok(())
        })?;
        storage.extend(owner.map(|owner| (owner, root::storage_root_unhashed(slots))));

        let mut with_storage: BTreeSet<Address> = storage.iter().map(|(address, _)| *address).collect();
        let mut accounts = Vec::new();
        let store = &*self.inner.store;
        self.each(TableId::Accounts, |key, value| {
            let address = decode_key::<schema::Accounts>(key)?;
            let account = decode_value::<schema::Accounts>(key, value)?;
            let at = storage.binary_search_by_key(&address, |(address, _)| *address);
            let storage_root = at.map_or(EMPTY_ROOT_HASH, |at| storage[at].1);
            with_storage.remove(&address);
            if account.has_code() {
                store.must_read::<schema::Codes>(&account.code_hash)?;
            }
            accounts.push((address, TrieAccount::new(account.nonce, account.balance, storage_root, account.code_hash)));
            checked.accounts += 1;
            Ok(())
        })?;
        if let Some(address) = with_storage.first() {
            return Err(corrupt::<schema::Accounts>(address, "missing, though it has storage".into()));
        }
        let (found, head) = (root::state_root_unhashed(accounts), self.head());
        if found != head.state_root {
            let reason = format!("flat state has root {found}, the header says {}", head.state_root);
            return Err(corrupt::<schema::Headers>(&head.hash(), reason));
        }
        if head.state_root != EMPTY_ROOT_HASH {
            store.must_read::<schema::Nodes>(&head.state_root)?;
        }
        Ok(())
    }

    fn count<T: Table>(&self, expected: u64) -> Result<(), StorageError> {
        let mut found = 0u64;
        let mut last = Vec::new();
        self.each(T::ID, |key, _| {
            found += 1;
            last = key.to_vec();
            Ok(())
        })?;
        if found == expected {
            return Ok(());
        }
        let reason = format!("{found} records, the canonical chain has {expected}");
        Err(StorageError::Corrupt { table: T::ID.name(), key: last.into(), reason })
    }

    fn each(
        &self,
        table: TableId,
        mut visit: impl FnMut(&[u8], &Bytes) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let mut result = Ok(());
        self.inner.store.scan(table, &[], None, Direction::Forward, &mut |key, value| {
            result = visit(key, &Bytes::copy_from_slice(value));
            if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        result
    }
}

fn corrupt<T: Table>(key: &T::Key, reason: String) -> StorageError {
    StorageError::Corrupt { table: T::ID.name(), key: key.encode().into(), reason }
}
