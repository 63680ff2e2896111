//! Storage: everything the node keeps. One database, one writer of blocks, readers that never wait for it.
//!
//! ```text
//!   append(Executed) ──► one atomic batch ──► RocksDB (or memory)
//!   unwind(to)       ──► one batch a block        │
//!                                                 │  blocks by hash, for ever; by number, canonical only
//!   state_at_head ◄── flat accounts and slots ◄───┤  flat state at the head, diffs to go back
//!   state_at(n)   ◄── trie nodes by hash      ◄───┤  trie nodes and codes of every block
//!   land, journal, blobs, pool ◄──────────────────┘  what must survive a restart
//! ```
//!
//! Read [`schema`] first: the whole database on one page.
//!
//! Invariants:
//! - A block's records, indices, flat state, trie nodes and head become visible together or not at all, also after `kill -9`
//!   at any instant; an append that returned is never lost.
//! - Flat state is the state of the head, and its root is the head's state root.
//! - A reader's state stands still: it is tied to one version of the head, and when the head moves on its reads go through the
//!   trie at its own root, which no block ever removes. No database snapshots, so a forgotten reader holds nothing back.
//! - Lookups by hash answer for canonical blocks only, unless their name says `side`.
//! - `finalised <= landed <= head`, all three canonical. Finalised blocks are never unwound.
//! - Bytes that do not decode are [`StorageError::Corrupt`] with table and key; nothing is guessed, nothing panics.
//! - Storage knows no network, no clock and no async runtime, and decides nothing about which chain is right.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics has done its work"))]

mod chain;
mod codec;
mod error;
pub mod kv;
mod memory;
mod records;
mod rocks;
pub mod schema;

pub use alloy_eips::{BlockHashOrNumber, BlockNumHash};
pub use chain::{Chain, Checked, Heads, POOL_TX_MAX_BYTES};
pub use codec::{DecodeError, Key, Name, Value};
pub use error::StorageError;
pub use kv::{Durability, Kv};
pub use memory::Memory;
pub use records::{Blob, Body, Identity, Landed, TxPosition};
pub use rocks::{Limits, Rocks};
