//! What execution asks of a state, and what it says about the change of one.
//!
//! Three questions are kept apart because different things answer them: values (`StateView`: flat tables or a trie),
//! trie nodes (`NodeSource`: RocksDB or a witness), and codes by hash (`CodeSource`). Must not know who answers.

mod keys;
#[cfg(test)]
mod tests;
mod trie_state;

use crate::{
    keccak,
    trie::{Place, StateTree},
};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
pub use keys::Keys;
use revm::database_interface::DBErrorMarker;
use std::{collections::BTreeMap, error::Error, sync::Arc};
pub use trie_state::{BlockHashes, TrieState};

/// An account without its storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
    /// keccak256 of the code; of the empty string when there is none.
    pub code_hash: B256,
}

impl Default for Account {
    fn default() -> Self {
        Self { nonce: 0, balance: U256::ZERO, code_hash: KECCAK256_EMPTY }
    }
}

impl From<TrieAccount> for Account {
    fn from(account: TrieAccount) -> Self {
        Self { nonce: account.nonce, balance: account.balance, code_hash: account.code_hash }
    }
}

impl Account {
    /// Empty in the sense of EIP-161: such an account leaves the trie when it is touched, from Spurious Dragon on.
    pub fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK256_EMPTY
    }

    /// For [`ChainState::account_and_storage`].
    pub fn with_storage(account: TrieAccount) -> (Self, bool) {
        let has_storage = account.storage_root != EMPTY_ROOT_HASH;
        let account = Self::from(account);
        (account, has_storage && account.nonce == 0 && !account.has_code())
    }

    /// Whether there is code, a delegation (EIP-7702) included.
    pub fn has_code(&self) -> bool {
        self.code_hash != KECCAK256_EMPTY
    }
}

/// What could not be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// A trie node, by its keccak256.
    Node(B256),
    /// A code, by its keccak256.
    Code(B256),
    /// The hash of a block, by its number.
    BlockHash(u64),
    /// The ommers of a block, by its number.
    Ommers(u64),
    /// The state after a block, by its state root: it is not (or no longer) kept.
    State(B256),
}

/// Why a state could not answer. Never a statement about the state's content: absence is `Ok(None)` or zero.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StateError {
    /// Something that must be there is not: an incomplete witness, or a database that lost data.
    #[error("missing from the state: {0:?}")]
    Missing(Lookup),
    /// Bytes that hash as they should but do not decode.
    #[error("corrupt trie node {hash}: {why}")]
    Corrupt {
        /// keccak256 of the node (of the enclosing node, when it is inlined).
        hash: B256,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The database below failed.
    #[error("state backend: {0}")]
    Io(Arc<dyn Error + Send + Sync>),
}

impl StateError {
    /// Wraps a backend's error.
    pub fn io(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Io(Arc::new(error))
    }

    /// A trie node that is not there.
    pub fn missing_node(hash: B256) -> Self {
        Self::Missing(Lookup::Node(hash))
    }

    /// A code that is not there.
    pub fn missing_code(hash: B256) -> Self {
        Self::Missing(Lookup::Code(hash))
    }
}

impl DBErrorMarker for StateError {}

/// Values of one state. Reads are repeatable: an implementation stands still while it is borrowed.
///
/// Called from the EVM for everything that the block touches for the first time; implementations need no cache of
/// their own for repeated reads within a block.
pub trait StateView: Send + Sync {
    /// `None` when the account does not exist.
    fn account(&self, address: Address) -> Result<Option<Account>, StateError>;
    /// Zero when the slot, or the account, does not exist.
    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError>;
    /// Code by its hash. Asked only for hashes that `account` returned, never for the hash of the empty code.
    fn code(&self, hash: B256) -> Result<Bytes, StateError>;
    /// Hash of block `number`, an ancestor of the block being executed by at most 256. Asked only for those.
    fn block_hash(&self, number: u64) -> Result<B256, StateError>;
}

/// Trie nodes, RLP, of one state. Nodes shorter than 32 bytes live inside their parent and are never asked for, except as a root.
pub trait NodeSource: Send + Sync {
    /// The node at `place`, whose keccak256 is `hash`. Called at most once for each place and [`StateTree`]. Either argument is enough to find it:
    /// a witness knows hashes, a database places.
    ///
    /// `Missing` when it is not there; never an empty answer. The hash of the bytes returned must be `hash`: who finds by place has to check.
    fn node(&self, place: &Place, hash: B256) -> Result<Bytes, StateError>;
}

/// Codes by keccak256.
pub trait CodeSource: Send + Sync {
    /// `Missing` when it is not there.
    fn code_bytes(&self, hash: B256) -> Result<Bytes, StateError>;
}

/// A state that a block can be built on: values, its tries, and the source of nodes that these have not loaded.
pub trait ChainState: StateView + NodeSource {
    /// The state's tries. The same tree each time, so that what one asks for is loaded for the next.
    fn tree(&self) -> &StateTree;
    /// State root.
    fn root(&self) -> B256 {
        self.tree().root()
    }
    /// The account, and whether it has storage. That is asked of an account without nonce and code, whose place a creation could take (EIP-7610), and
    /// true of no other.
    fn account_and_storage(&self, address: Address) -> Result<Option<(Account, bool)>, StateError> {
        let Some(account) = self.account(address)? else { return Ok(None) };
        if account.nonce != 0 || account.has_code() {
            return Ok(Some((account, false)));
        }
        let found = self.tree().account(&self, keccak::one(address.as_slice()))?;
        Ok(Some((account, found.is_some_and(|found| found.storage_root != EMPTY_ROOT_HASH))))
    }
    /// The header of block `number`, RLP, for a witness in which BLOCKHASH reached that far back. Asked only for ancestors that
    /// `block_hash` answered for.
    fn header(&self, number: u64) -> Result<Bytes, StateError>;
    /// The ommers of block `number`, as its body has them. Asked only for the last seven ancestors, when a mined block names ommers itself and
    /// that ancestor's header says that it had some. `Missing` where no such block is ever executed: a witness is younger than the merge.
    fn ommers(&self, number: u64) -> Result<Vec<Header>, StateError> {
        Err(StateError::Missing(Lookup::Ommers(number)))
    }
}

macro_rules! forward {
    ($($wrapper:ty),*) => {$(
        impl<T: StateView + ?Sized> StateView for $wrapper {
            fn account(&self, address: Address) -> Result<Option<Account>, StateError> { (**self).account(address) }
            fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> { (**self).storage(address, slot) }
            fn code(&self, hash: B256) -> Result<Bytes, StateError> { (**self).code(hash) }
            fn block_hash(&self, number: u64) -> Result<B256, StateError> { (**self).block_hash(number) }
        }
        impl<T: NodeSource + ?Sized> NodeSource for $wrapper {
            fn node(&self, place: &Place, hash: B256) -> Result<Bytes, StateError> { (**self).node(place, hash) }
        }
        impl<T: CodeSource + ?Sized> CodeSource for $wrapper {
            fn code_bytes(&self, hash: B256) -> Result<Bytes, StateError> { (**self).code_bytes(hash) }
        }
        impl<T: ChainState + ?Sized> ChainState for $wrapper {
            fn tree(&self) -> &StateTree { (**self).tree() }
            fn root(&self) -> B256 { (**self).root() }
            fn account_and_storage(&self, address: Address) -> Result<Option<(Account, bool)>, StateError> {
                (**self).account_and_storage(address)
            }
            fn header(&self, number: u64) -> Result<Bytes, StateError> { (**self).header(number) }
            fn ommers(&self, number: u64) -> Result<Vec<Header>, StateError> { (**self).ommers(number) }
        }
    )*};
}
forward!(&T, Box<T>, Arc<T>);

/// How one account changed over a block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountDiff {
    /// `None`: it did not exist.
    pub before: Option<Account>,
    /// `None`: it does not exist any more.
    pub after: Option<Account>,
    /// The account lost its whole storage before the writes in `storage`: it destroyed itself under rules older than Cancun (EIP-6780), or was
    /// found empty (EIP-161). What the lost slots held is not said here; only the trie or the store can list them.
    pub wiped: bool,
    /// Slot to (before, after), changed slots only; zero means absent. After a wipe "before" is zero throughout, and so absent slots are left out.
    pub storage: BTreeMap<U256, (U256, U256)>,
}

/// How a state changed over a block: enough to go forth, and back too where no account was wiped (always so from Cancun on).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StateDiff {
    /// Changed accounts only.
    pub accounts: BTreeMap<Address, AccountDiff>,
    /// Codes deployed or delegated to (EIP-7702) in the block, by hash. Some may have been known before.
    pub codes: BTreeMap<B256, Bytes>,
}
