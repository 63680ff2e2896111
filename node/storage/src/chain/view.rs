//! States for readers: of the head, and of any block whose state is still kept. They read through a snapshot of the store, so they stand still
//! while the chain moves, is unwound or forgets.
//! Must not know: how anything is written.

use std::sync::Arc;

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_rlp::Encodable;
use alloy_trie::{Nibbles, TrieAccount, nodes::LeafNode};
use execution::{
    Account, ChainState, NodeSource, StateError, StateView,
    block::SealedHeader,
    state::Lookup,
    trie::{Place, StateTree},
};

use super::{
    header_by_hash,
    history::{self, Found},
};
use crate::{
    StorageError,
    codec::{Key, encode_rlp},
    kv::Rows,
    schema::{self, Read, Table, corrupt, decode_key, decode_value},
};

/// The state after one block.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// The store at an instant when the block was canonical and its state was kept.
    pub(super) rows: Arc<dyn Rows>,
    pub(super) header: Arc<SealedHeader>,
    /// Whether the block was below the head at that instant.
    pub(super) old: bool,
    pub(super) tree: StateTree,
}

impl State {
    /// The row of `T` as it was after the block. `H` has the older versions of `T`'s rows.
    fn row<T, H>(&self, key: T::Key) -> Result<Option<T::Value>, StorageError>
    where
        T: Table<Key: Copy>,
        H: Table<Key = (T::Key, u64), Value = Option<T::Value>>,
    {
        if self.old
            && let Some(before) = self.rows.first_after::<H, _>(key, self.header.number)?
        {
            return Ok(before);
        }
        self.rows.read::<T>(&key)
    }

    fn trie_account(&self, address: Address) -> Result<Option<TrieAccount>, StateError> {
        let key = keccak256(address);
        match self.tree.peek(key) {
            Some(account) => Ok(account),
            None => self.row::<schema::Accounts, schema::AccountHistory>(key).map_err(StateError::io),
        }
    }

    /// RLP of the node at `place`, unchecked; `None` when nothing with a hash of its own is there.
    fn node_at(&self, place: &Place) -> Result<Option<Bytes>, StorageError> {
        if self.old {
            match history::node_after(&*self.rows, place, self.header.number)? {
                Found::Node(node) => return Ok(node),
                Found::Leaf(key) => return self.leaf(place, key),
                Found::Unchanged => {}
            }
        }
        if let Some(rlp) = self.rows.read::<schema::Nodes>(place)? {
            return Ok(Some(rlp));
        }
        match first_below(&*self.rows, place)? {
            Some((key, _)) if self.old => self.leaf(place, key),
            found => Ok(found.map(|(key, value)| leaf(place, key, value))),
        }
    }

    /// The leaf of `key` at `place`, with the value of this state.
    fn leaf(&self, place: &Place, key: B256) -> Result<Option<Bytes>, StorageError> {
        let value = match place.owner {
            None => self.row::<schema::Accounts, schema::AccountHistory>(key)?.as_ref().map(encode_rlp),
            Some(owner) => self.row::<schema::Slots, schema::SlotHistory>((owner, key))?.as_ref().map(encode_rlp),
        };
        Ok(value.map(|value| leaf(place, key, value)))
    }

    /// Hash of the ancestor `number`, or of the block itself.
    fn ancestor(&self, number: u64) -> Result<B256, StateError> {
        let missing = StateError::Missing(Lookup::BlockHash(number));
        if number > self.header.number {
            return Err(missing);
        }
        let found = self.rows.read::<schema::Canonical>(&number).map_err(StateError::io)?;
        found.ok_or(missing)
    }
}

/// The first account or slot below `place` in the newest state, by its key, and the RLP of its value: the only one, where a leaf is.
fn first_below(rows: &dyn Rows, place: &Place) -> Result<Option<(B256, Bytes)>, StorageError> {
    let path = &place.path;
    let mut start = place.owner.map_or_else(Vec::new, |owner| owner.to_vec());
    let shared = start.len() + path.len() / 2;
    start.extend(path.pack());
    let (key, value) = if place.owner.is_some() {
        let Some((key, value)) = rows.seek(schema::Slots::ID, &start, shared)? else { return Ok(None) };
        (decode_key::<schema::Slots>(&key)?.1, encode_rlp(&decode_value::<schema::Slots>(&key, &value)?))
    } else {
        let Some((key, value)) = rows.seek(schema::Accounts::ID, &start, shared)? else { return Ok(None) };
        (decode_key::<schema::Accounts>(&key)?, encode_rlp(&decode_value::<schema::Accounts>(&key, &value)?))
    };
    Ok(Nibbles::unpack(key).starts_with(path).then_some((key, value)))
}

/// RLP of a leaf.
fn leaf(place: &Place, key: B256, value: Bytes) -> Bytes {
    let leaf = LeafNode::new(Nibbles::unpack(key).slice(place.path.len()..), value.into());
    let mut rlp = Vec::with_capacity(leaf.length());
    leaf.encode(&mut rlp);
    rlp.into()
}

impl NodeSource for State {
    fn node(&self, place: &Place, hash: B256) -> Result<Bytes, StateError> {
        let rlp = self.node_at(place).map_err(StateError::io)?.ok_or_else(|| StateError::missing_node(hash))?;
        let found = keccak256(&rlp);
        if found != hash {
            let reason = format!("a node with hash {found}, the one above it names {hash}");
            return Err(StateError::io(corrupt(schema::Nodes::ID, &place.encode(), reason)));
        }
        Ok(rlp)
    }
}

impl StateView for State {
    fn account(&self, address: Address) -> Result<Option<Account>, StateError> {
        Ok(self.trie_account(address)?.map(Account::from))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let key = (keccak256(address), keccak256(slot.to_be_bytes::<32>()));
        if let Some(value) = self.tree.peek_storage(key.0, key.1) {
            return Ok(value);
        }
        let value = self.row::<schema::Slots, schema::SlotHistory>(key).map_err(StateError::io)?;
        Ok(value.unwrap_or_default())
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        let code = self.rows.read::<schema::Codes>(&hash).map_err(StateError::io)?;
        code.ok_or_else(|| StateError::missing_code(hash))
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.ancestor(number)
    }
}

impl ChainState for State {
    fn tree(&self) -> &StateTree {
        &self.tree
    }

    fn account_and_storage(&self, address: Address) -> Result<Option<(Account, bool)>, StateError> {
        Ok(self.trie_account(address)?.map(Account::with_storage))
    }

    fn header(&self, number: u64) -> Result<Bytes, StateError> {
        let hash = self.ancestor(number)?;
        let header = header_by_hash(&*self.rows, hash).map_err(StateError::io)?;
        Ok(encode_rlp(header.header()))
    }

    fn ommers(&self, number: u64) -> Result<Vec<Header>, StateError> {
        let body = self.rows.read::<schema::Bodies>(&self.ancestor(number)?).map_err(StateError::io)?;
        Ok(body.ok_or(StateError::Missing(Lookup::Ommers(number)))?.ommers)
    }
}
