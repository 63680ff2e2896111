//! Execution: what a block means.
//!
//! Given a state (by reference, never a database handle) and a block or a stream of transactions, this crate says what
//! the block does: receipts, block access list, state difference, new trie nodes and the witness with which anyone can
//! repeat the work without the state. It is also the meaning of the EXECUTE precompile.
//!
//! ```text
//!   StateView ──► evm (revm 43, alloy-evm 0.39) ──► receipts, BAL, keys touched, diff
//!                                                             │
//!   NodeSource ─► trie ◄──────────────────────────────────────┘
//!                  │
//!                  └─► state root, new nodes, witness ──► Executed
//!
//!   input bytes of EXECUTE ─► bridge::execute (SSZ) ─► stateless::validate ─► 43 bytes
//!                                                └──► second::check (another EVM, another trie)
//! ```
//!
//! Invariants:
//! - Pure: no clock, randomness, file, socket or async runtime. The same arguments give the same bytes.
//! - A missing trie node or code is an error, never an absent account.
//! - A refused transaction leaves no trace: not in the state, the BAL, the witness or the sizes.
//! - There is one path to a state root (`roots::apply`); building, importing and stateless validation all take it.
//! - This crate knows nothing of RocksDB, of the pool, of blobs or of L1.

pub mod bal;
pub mod block;
pub mod call;
mod evm;
pub mod executor;
pub mod genesis;
pub mod header;
pub mod keccak;
pub mod kzg;
#[cfg(test)]
mod measure;
mod ordered;
pub mod precompile;
pub mod roots;
pub mod second;
pub mod senders;
pub mod state;
pub mod stateless;
pub mod trie;
pub mod witness;
#[cfg(test)]
mod world;

pub use block::{Block, Receipt, RecoveredBlock, RecoveredTx, Transaction};
pub use executor::{Building, Executed, Included, Refused, execute};
pub use header::Attributes;
pub use state::{Account, ChainState, NodeSource, StateDiff, StateError, StateView};
pub use witness::{Sizes, Witness};
