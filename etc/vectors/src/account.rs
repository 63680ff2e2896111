//! Accounts as fixtures list them: what a chain starts from, and what it has to end with. Must not know blocks.

use crate::number::{Big, Hex, Num, Place};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::{TrieAccount, root};
use execution::ChainState;
use serde::Deserialize;
use std::{collections::BTreeMap, fmt::Write as _};

/// Accounts by address.
pub(crate) type Accounts = BTreeMap<Place, Account>;

/// One account.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Account {
    #[serde(default)]
    balance: Big,
    #[serde(default)]
    nonce: Num,
    #[serde(default)]
    code: Hex,
    #[serde(default)]
    storage: BTreeMap<Big, Big>,
}

impl Account {
    fn code_hash(&self) -> B256 {
        if self.code.0.is_empty() { KECCAK256_EMPTY } else { keccak256(&self.code.0) }
    }

    fn slots(&self) -> impl Iterator<Item = (U256, U256)> {
        self.storage.iter().map(|(slot, value)| (slot.0, value.0)).filter(|(_, value)| !value.is_zero())
    }

    fn trie(&self) -> TrieAccount {
        let slots = self.slots().map(|(slot, value)| (B256::from(slot), value));
        TrieAccount::new(self.nonce.0, self.balance.0, root::storage_root_unhashed(slots), self.code_hash())
    }
}

/// As an allocation of a genesis file.
pub(crate) fn alloc(accounts: &Accounts) -> BTreeMap<Address, GenesisAccount> {
    let account = |account: &Account| GenesisAccount {
        nonce: Some(account.nonce.0),
        balance: account.balance.0,
        code: Some(account.code.0.clone()).filter(|code: &Bytes| !code.is_empty()),
        storage: Some(account.slots().map(|(slot, value)| (slot.into(), value.into())).collect()),
        private_key: None,
    };
    accounts.iter().map(|(address, entry)| (address.0, account(entry))).collect()
}

/// The state root of `accounts`.
pub(crate) fn state_root(accounts: &Accounts) -> B256 {
    root::state_root_unhashed(accounts.iter().map(|(address, account)| (address.0, account.trie())))
}

/// The first few differences between `accounts` and `state`; empty when there is none.
pub(crate) fn differences(accounts: &Accounts, state: &dyn ChainState) -> Result<String, String> {
    let mut text = String::new();
    let mut differ = |what: String| {
        if text.len() < 600 {
            let _ = write!(text, "; {what}");
        }
    };
    for (Place(address), expected) in accounts {
        let Some(found) = state.account(*address).map_err(|error| error.to_string())? else {
            differ(format!("{address} is missing"));
            continue;
        };
        if found.nonce != expected.nonce.0 {
            differ(format!("{address} has nonce {}, expected {}", found.nonce, expected.nonce.0));
        }
        if found.balance != expected.balance.0 {
            differ(format!("{address} has balance {}, expected {}", found.balance, expected.balance.0));
        }
        if found.code_hash != expected.code_hash() {
            differ(format!("{address} has code {}, expected {}", found.code_hash, expected.code_hash()));
        }
        for (slot, value) in &expected.storage {
            let found = state.storage(*address, slot.0).map_err(|error| error.to_string())?;
            if found != value.0 {
                differ(format!("{address} has {found:#x} in slot {:#x}, expected {:#x}", slot.0, value.0));
            }
        }
    }
    Ok(text.trim_start_matches("; ").to_owned())
}
