//! Storage: everything the node keeps. One database, one writer of blocks, readers that never wait for it.
//!
//! ```text
//!   append(Executed) ──► one atomic batch ──► RocksDB (or memory)
//!   unwind(to)       ──► one batch a block        │
//!                                                 │  blocks by hash, for ever; by number, canonical only
//!   state_at_head ◄── accounts, slots, nodes ◄────┤  the head's state, by place in its tries
//!   state_at(n)   ◄── the same, or history ◄──────┤  what was there before a block, for the blocks of a window
//!   land, journal, blobs, pool ◄──────────────────┘  what must survive a restart
//! ```
//!
//! Read [`schema`] first: the whole database on one page.
//!
//! Invariants:
//! - A block's records, indices, state, history and head become visible together or not at all, also after `kill -9`
//!   at any instant; an append that returned is never lost.
//! - The rows of the state are those of the head, and the root that follows from them is the head's state root.
//! - A reader's state stands still: it reads through a snapshot of the store from the time when it was handed out.
//! - Every state from [`Chain::oldest_state`] to the head can be read, and gone back to as far as it is not finalised; the state of an older
//!   block is refused by name. Blocks that are not finalised are never older.
//! - Every message in or out of a rollup is found by its index, with the blocks of this chain and no others.
//! - The outbox of every landed block can be proven against the state root of a landed block, also when its state is gone.
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
mod message_records;
mod records;
mod rocks;
pub mod schema;
mod state_records;
mod versions;

pub use alloy_eips::{BlockHashOrNumber, BlockNumHash};
pub use chain::{Chain, Checked, FORGET_BALS_MAX, Heads, History, POOL_TX_MAX_BYTES, Sent};
pub use codec::{DecodeError, Key, Name, Value};
pub use error::StorageError;
pub use kv::{Durability, Kv, Rows};
pub use memory::Memory;
pub use message_records::{Delivery, LogPosition, Outcome, Step};
pub use records::{Blob, Body, Identity, Landed, TxPosition};
pub use rocks::{Limits, Rocks};
