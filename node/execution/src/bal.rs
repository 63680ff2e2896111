//! The block access list (EIP-7928): its bytes, its limit, and how long it will be.
//!
//! revm builds the list; this module encodes it and predicts its length while a block is being built.

#[cfg(test)]
mod tests;

use alloy_eip7928::BlockAccessList;
use alloy_primitives::{Address, Bytes, U256};
use alloy_rlp::{Encodable, length_of_length};
use revm::state::{Account, EvmState};
use std::collections::BTreeMap;

/// EIP-7928: a block may access one account or slot for so much of its gas limit.
pub const GAS_PER_ITEM: u64 = 2_000;

/// Most accounts and slots, together, that a block with this gas limit may access.
pub const fn items_max(gas_limit: u64) -> u64 {
    gas_limit / GAS_PER_ITEM
}

/// Accounts and distinct slots in a list.
pub fn items(bal: &BlockAccessList) -> u64 {
    bal.iter().map(|a| 1 + a.storage_changes.len() as u64 + a.storage_reads.len() as u64).sum()
}

/// The canonical bytes.
pub fn encode(bal: &BlockAccessList) -> Bytes {
    alloy_rlp::encode(bal).into()
}

/// Lengths of the RLP payloads of one account's entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Entry {
    changes: usize,
    reads: usize,
    balances: usize,
    nonces: usize,
    codes: usize,
    slots: u64,
}

impl Entry {
    fn len(&self) -> usize {
        let lists = [self.changes, self.reads, self.balances, self.nonces, self.codes];
        list_len(21 + lists.into_iter().map(list_len).sum::<usize>())
    }
}

/// How long the list is, kept up to date transaction by transaction. Exact but for changes that one transaction makes and the system calls after it unmake.
#[derive(Debug, Default)]
pub(crate) struct Length {
    accounts: BTreeMap<Address, Entry>,
    /// Payload length of a slot's changes; zero for a slot only read.
    slots: BTreeMap<(Address, U256), usize>,
    payload: usize,
    items: u64,
}

/// What one transaction would add.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    accounts: Vec<(Address, Entry)>,
    slots: Vec<((Address, U256), usize)>,
    payload: usize,
    items: u64,
}

impl Length {
    pub(crate) fn bytes(&self, growth: &Growth) -> usize {
        list_len(self.payload + growth.payload)
    }

    pub(crate) fn items(&self, growth: &Growth) -> u64 {
        self.items + growth.items
    }

    pub(crate) fn grow(&mut self, growth: Growth) {
        self.payload += growth.payload;
        self.items += growth.items;
        self.accounts.extend(growth.accounts);
        self.slots.extend(growth.slots);
    }

    /// What committing `state` at `index` adds.
    pub(crate) fn growth(&self, index: u64, state: &EvmState) -> Growth {
        let mut growth = Growth::default();
        for (address, account) in state {
            let old = self.accounts.get(address);
            let mut entry = old.copied().unwrap_or_default();
            self.grow_entry(index, *address, account, &mut entry, &mut growth.slots);
            // Lengths never shrink: entries are only added.
            growth.payload += entry.len() - old.map_or(0, Entry::len);
            growth.items += entry.slots - old.map_or(0, |e| e.slots) + u64::from(old.is_none());
            growth.accounts.push((*address, entry));
        }
        growth
    }

    fn grow_entry(
        &self,
        index: u64,
        address: Address,
        account: &Account,
        entry: &mut Entry,
        slots: &mut Vec<((Address, U256), usize)>,
    ) {
        let destroyed = account.is_selfdestructed_locally();
        let before = account.original_info();
        let (nonce, balance) = if destroyed { (0, U256::ZERO) } else { (account.info.nonce, account.info.balance) };
        let change = |value: usize| list_len(index.length() + value);
        if nonce != before.nonce {
            entry.nonces += change(nonce.length());
        }
        if balance != before.balance {
            entry.balances += change(balance.length());
        }
        if account.info.code_hash != before.code_hash {
            let code = account.info.code.as_ref().map_or(0, |code| code.original_bytes().length());
            entry.codes += change(code.max(1));
        }
        for (slot, value) in &account.storage {
            let present = if destroyed { U256::ZERO } else { value.present_value };
            let old = self.slots.get(&(address, *slot)).copied();
            let changes = old.unwrap_or(0) + if present == value.original_value { 0 } else { change(present.length()) };
            let entry_len = |changes: usize| list_len(slot.length() + list_len(changes));
            match (old, changes) {
                (None, 0) => entry.reads += slot.length(),
                (None, _) => entry.changes += entry_len(changes),
                (Some(0), 0) => {}
                (Some(0), _) => {
                    entry.reads -= slot.length();
                    entry.changes += entry_len(changes);
                }
                (Some(old), _) => entry.changes += entry_len(changes) - entry_len(old),
            }
            entry.slots += u64::from(old.is_none());
            if old != Some(changes) {
                slots.push(((address, *slot), changes));
            }
        }
    }
}

fn list_len(payload: usize) -> usize {
    payload + length_of_length(payload)
}
