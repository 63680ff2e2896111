//! What hangs in the leaves: accounts in the account trie, words in storage tries, decoded.

use super::node::{Child, KEY_NIBBLES, Name};
use alloy_primitives::{B256, KECCAK256_EMPTY, U256};
use alloy_rlp::{Decodable, Encodable, Header};
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use std::sync::Arc;

/// A leaf's value. Its RLP must be canonical: what [`Value::read`] accepts, [`Value::write`] gives back byte for byte.
pub(crate) trait Value: Clone + PartialEq + Send + Sync {
    /// Bytes of RLP, before a leaf wraps them into a string.
    fn len(&self) -> usize;
    /// Appends that RLP.
    fn write(&self, out: &mut Vec<u8>);
    /// `None` when `raw` is no such value.
    fn read(raw: &[u8]) -> Option<Self>;
    /// Nibbles in the key of this value; what follows them in 64 is zeroes. No key may be a prefix of another.
    fn key_nibbles(&self) -> usize {
        KEY_NIBBLES
    }
}

/// A storage slot's value, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) U256);

impl Value for Word {
    fn len(&self) -> usize {
        self.0.length()
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    fn read(raw: &[u8]) -> Option<Self> {
        exact(raw).map(Self)
    }
}

/// An account, small when it is a plain one: most are.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) nonce: u64,
    pub(crate) balance: U256,
    /// `None`: neither code nor storage.
    pub(crate) contract: Option<Arc<Contract>>,
}

/// What contracts have and others have not.
#[derive(Debug)]
pub(crate) struct Contract {
    pub(crate) code_hash: B256,
    /// Root of the storage trie; `None` when that is empty.
    pub(crate) storage: Option<Child<Word>>,
}

impl Account {
    pub(crate) fn new(nonce: u64, balance: U256, code_hash: B256, storage: Option<Child<Word>>) -> Self {
        let plain = code_hash == KECCAK256_EMPTY && storage.is_none();
        let contract = (!plain).then(|| Arc::new(Contract { code_hash, storage }));
        Self { nonce, balance, contract }
    }

    pub(crate) fn storage(&self) -> Option<&Child<Word>> {
        self.contract.as_ref()?.storage.as_ref()
    }

    pub(crate) fn storage_root(&self) -> B256 {
        self.storage().map_or(EMPTY_ROOT_HASH, Child::root_hash)
    }

    pub(crate) fn code_hash(&self) -> B256 {
        self.contract.as_ref().map_or(KECCAK256_EMPTY, |contract| contract.code_hash)
    }

    pub(crate) fn to_trie(&self) -> TrieAccount {
        let (storage_root, code_hash) = (self.storage_root(), self.code_hash());
        TrieAccount { nonce: self.nonce, balance: self.balance, storage_root, code_hash }
    }
}

impl PartialEq for Account {
    fn eq(&self, other: &Self) -> bool {
        self.nonce == other.nonce
            && self.balance == other.balance
            && match (&self.contract, &other.contract) {
                (None, None) => true,
                (Some(a), Some(b)) if Arc::ptr_eq(a, b) => true,
                _ => self.code_hash() == other.code_hash() && self.storage_root() == other.storage_root(),
            }
    }
}

impl Value for Account {
    fn len(&self) -> usize {
        let payload = self.payload();
        payload + alloy_rlp::length_of_length(payload)
    }

    fn write(&self, out: &mut Vec<u8>) {
        Header { list: true, payload_length: self.payload() }.encode(out);
        self.nonce.encode(out);
        self.balance.encode(out);
        self.storage_root().encode(out);
        self.code_hash().encode(out);
    }

    fn read(raw: &[u8]) -> Option<Self> {
        let TrieAccount { nonce, balance, storage_root, code_hash } = exact(raw)?;
        let storage = (storage_root != EMPTY_ROOT_HASH).then(|| Child::unloaded(Name::of_hash(&storage_root)));
        Some(Self::new(nonce, balance, code_hash, storage))
    }
}

impl Account {
    fn payload(&self) -> usize {
        self.nonce.length() + self.balance.length() + 33 + 33
    }
}

/// Decodes all of `value`.
fn exact<T: Decodable>(mut value: &[u8]) -> Option<T> {
    let decoded = T::decode(&mut value).ok()?;
    value.is_empty().then_some(decoded)
}
