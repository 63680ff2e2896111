//! The two tries of Ethereum's state, keyed by hashes of what they hold: accounts by address, storage by slot.

use super::{Parent, Trie};
use crate::state::{NodeSource, StateError};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::TrieAccount;

/// The account trie.
#[derive(Debug)]
pub struct Accounts<S>(Trie<S>);

impl<S: NodeSource> Accounts<S> {
    /// The accounts below a state root.
    pub fn new(source: S, root: B256) -> Self {
        Self(Trie::new(source, root))
    }

    /// `None`: there is no such account.
    pub fn get(&mut self, address: Address) -> Result<Option<TrieAccount>, StateError> {
        self.0.get(keccak256(address))?.map(|value| Self::decode(address, value)).transpose()
    }

    /// See [`Trie::visit`].
    pub fn visit(&mut self, address: Address, visit: &mut dyn FnMut(B256, usize)) -> Result<(), StateError> {
        self.0.visit(keccak256(address), visit)
    }

    /// Creates or replaces an account.
    pub fn insert(&mut self, address: Address, account: &TrieAccount) -> Result<(), StateError> {
        self.0.insert(keccak256(address), alloy_rlp::encode(account).into())
    }

    /// Removes an account; its storage trie is left behind.
    pub fn remove(&mut self, address: Address) -> Result<(), StateError> {
        self.0.remove(keccak256(address))
    }

    /// See [`Trie::commit`].
    pub fn commit(&mut self) -> (B256, Vec<(B256, Bytes)>) {
        self.0.commit()
    }

    pub(super) fn decode(address: Address, value: &[u8]) -> Result<TrieAccount, StateError> {
        exact(value).ok_or(StateError::Corrupt { hash: keccak256(address), why: "account does not decode" })
    }
}

/// The storage trie of one account.
#[derive(Debug)]
pub struct Storage<S>(Trie<S>);

impl<S: NodeSource> Storage<S> {
    /// The slots below a storage root.
    pub fn new(source: S, root: B256) -> Self {
        Self(Trie::new(source, root))
    }

    /// Zero when absent.
    pub fn get(&mut self, slot: U256) -> Result<U256, StateError> {
        self.0.get(key(slot))?.map_or(Ok(U256::ZERO), |value| Self::decode(slot, value))
    }

    /// Writes a slot; zero removes it.
    pub fn set(&mut self, slot: U256, value: U256) -> Result<(), StateError> {
        if value.is_zero() {
            self.0.remove(key(slot))
        } else {
            self.0.insert(key(slot), alloy_rlp::encode(value).into())
        }
    }

    /// See [`Trie::visit`].
    pub fn visit(&mut self, slot: U256, visit: &mut dyn FnMut(B256, usize)) -> Result<(), StateError> {
        self.0.visit(key(slot), visit)
    }

    /// See [`Trie::parent`].
    pub fn parent(&mut self, slot: U256) -> Result<Option<Parent>, StateError> {
        self.0.parent(key(slot))
    }

    /// See [`Trie::commit`].
    pub fn commit(&mut self) -> (B256, Vec<(B256, Bytes)>) {
        self.0.commit()
    }

    pub(super) fn decode(slot: U256, value: &[u8]) -> Result<U256, StateError> {
        exact(value).ok_or(StateError::Corrupt { hash: key(slot), why: "storage value does not decode" })
    }
}

fn key(slot: U256) -> B256 {
    keccak256(slot.to_be_bytes::<32>())
}

fn exact<T: Decodable>(mut value: &[u8]) -> Option<T> {
    let decoded = T::decode(&mut value).ok()?;
    value.is_empty().then_some(decoded)
}
