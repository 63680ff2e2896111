//! States for readers. The head's comes from flat tables, every other through its trie; both stand still while the chain moves.
//! Must not know: how anything is written.
//!
//! How the head's state stands still without a database snapshot: the writer raises the generation *before* its batch becomes visible. A
//! reader takes a flat value first and looks at the generation second. If it is still the reader's own, no later batch was visible when the value
//! was read. If not, the value is dropped and read through the trie at the reader's root, whose nodes are kept for ever.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use execution::{
    Account, ChainState, NodeSource, StateError, StateView,
    block::SealedHeader,
    state::{BlockHashes, CodeSource, Lookup, TrieState},
};

use super::{Inner, Now, header_by_hash};
use crate::{
    StorageError,
    codec::encode_rlp,
    schema::{self, Read, Table},
};

/// The state after `header`'s block, through the trie.
pub(super) fn at(inner: Arc<Inner>, header: Arc<SealedHeader>) -> Arc<dyn ChainState> {
    Arc::new(Source { inner, header }.trie())
}

/// The state after `now.head`, from flat tables as long as it is the head.
pub(super) fn at_head(inner: Arc<Inner>, now: Now) -> Arc<dyn ChainState> {
    Arc::new(HeadState {
        generation: now.generation,
        source: Source { inner, header: now.head },
        overtaken: OnceLock::new(),
    })
}

/// What does not depend on the head: nodes, codes and ancestors of one block.
#[derive(Debug, Clone)]
struct Source {
    inner: Arc<Inner>,
    header: Arc<SealedHeader>,
}

impl Source {
    fn trie(&self) -> TrieState<Self, Self> {
        TrieState::new(self.header.state_root, self.clone(), self.clone())
    }

    /// Hash of the ancestor `number`, or of the block itself.
    fn ancestor(&self, number: u64) -> Result<B256, StateError> {
        let missing = StateError::Missing(Lookup::BlockHash(number));
        if number > self.header.number {
            return Err(missing);
        }
        if number == self.header.number {
            return Ok(self.header.hash());
        }
        let inner = &*self.inner;
        // Block by block is up to 256 reads. The index answers in two, if our block is canonical still: asked afterwards, and within one
        // generation, in which one batch at most became visible; a batch changes one number, and a change of `number` unseats our block.
        let generation = inner.generation.load(Ordering::SeqCst);
        let found = read::<schema::Canonical>(inner, &number)?;
        let still = read::<schema::Canonical>(inner, &self.header.number)? == Some(self.header.hash());
        if still && inner.generation.load(Ordering::SeqCst) == generation {
            return found.ok_or(missing);
        }
        let mut hash = self.header.parent_hash;
        for _ in number + 1..self.header.number {
            hash = header_by_hash(&*inner.store, hash).map_err(StateError::io)?.parent_hash;
        }
        Ok(hash)
    }
}

impl NodeSource for Source {
    fn node(&self, hash: B256) -> Result<Bytes, StateError> {
        read::<schema::Nodes>(&self.inner, &hash)?.ok_or_else(|| StateError::missing_node(hash))
    }
}

impl CodeSource for Source {
    fn code_bytes(&self, hash: B256) -> Result<Bytes, StateError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        read::<schema::Codes>(&self.inner, &hash)?.ok_or_else(|| StateError::missing_code(hash))
    }
}

impl BlockHashes for Source {
    fn hash_of(&self, number: u64) -> Result<B256, StateError> {
        self.ancestor(number)
    }

    fn header_of(&self, number: u64) -> Result<Bytes, StateError> {
        let hash = self.ancestor(number)?;
        let header = header_by_hash(&*self.inner.store, hash).map_err(StateError::io)?;
        Ok(encode_rlp(header.header()))
    }

    fn ommers_of(&self, number: u64) -> Result<Vec<Header>, StateError> {
        let body = read::<schema::Bodies>(&self.inner, &self.ancestor(number)?)?;
        Ok(body.ok_or(StateError::Missing(Lookup::Ommers(number)))?.ommers)
    }
}

/// The state of the head, as it was when it was asked for.
#[derive(Debug)]
struct HeadState {
    source: Source,
    generation: u64,
    /// Made when the head has moved on.
    overtaken: OnceLock<TrieState<Source, Source>>,
}

impl HeadState {
    /// The flat value of now, or the trie when now is another head's.
    fn flat<T: Table>(&self, key: &T::Key) -> Result<Result<Option<T::Value>, &dyn ChainState>, StateError> {
        let inner = &*self.source.inner;
        let current = |generation: &AtomicU64| generation.load(Ordering::SeqCst) == self.generation;
        if current(&inner.generation) {
            let value = read::<T>(inner, key)?;
            if current(&inner.generation) {
                return Ok(Ok(value));
            }
        }
        Ok(Err(self.overtaken.get_or_init(|| self.source.trie())))
    }
}

impl StateView for HeadState {
    fn account(&self, address: Address) -> Result<Option<Account>, StateError> {
        self.flat::<schema::Accounts>(&address)?.or_else(|trie| trie.account(address))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        match self.flat::<schema::Storage>(&(address, B256::from(slot)))? {
            Ok(value) => Ok(value.unwrap_or_default()),
            Err(trie) => trie.storage(address, slot),
        }
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.source.code_bytes(hash)
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.source.ancestor(number)
    }
}

impl NodeSource for HeadState {
    fn node(&self, hash: B256) -> Result<Bytes, StateError> {
        self.source.node(hash)
    }
}

impl ChainState for HeadState {
    fn root(&self) -> B256 {
        self.source.header.state_root
    }

    fn header(&self, number: u64) -> Result<Bytes, StateError> {
        self.source.header_of(number)
    }

    fn ommers(&self, number: u64) -> Result<Vec<Header>, StateError> {
        self.source.ommers_of(number)
    }
}

fn read<T: Table>(inner: &Inner, key: &T::Key) -> Result<Option<T::Value>, StateError> {
    inner.store.read::<T>(key).map_err(|error: StorageError| StateError::io(error))
}
