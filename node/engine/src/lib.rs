//! What happened on L1, so what is our chain? A pure state machine: [`Event`] in, [`Effect`]s out.
//!
//! ```text
//!            L1 block, rewind, finality                    fetch ──► carriers (own store, blobs)
//!  l1 ──────────────────────────────────►┌────────┐───────► execute ─► executor + storage
//!  carriers ── payload ─────────────────►│ Engine │───────► unwind, heads ─► storage
//!  executor ── executed ────────────────►└────────┘───────► build ──► sequencer
//!  clock ───── tick(now) ───────────────►                  halt
//! ```
//!
//! Invariants, kept by [`Engine::handle`] and checked by its tests:
//! - `Final <= Landed <= Applied`. A head moves back only in [`Engine::handle`] on an L1 rewind, and the effect says why.
//! - At most one fetch or execution is under way; an answer that names another block is dropped by name.
//! - A landed block is applied by hash or not at all: absence of data is a retry, a block that L1 accepted and we
//!   refuse halts following for good.
//! - Building is asked for only when the L1 view is fresh and nothing that landed is still to be applied.
//!
//! It must not know about sockets, clocks, databases or signatures: `now` is an argument and bytes are somebody else's.

mod heads;
mod landing;
mod machine;
mod time;

pub use heads::{Applied, BlockRef, Final, Heads, Landed};
pub use landing::{InboxEntry, L1Block, L1Ref, Landing};
pub use machine::{
    BuildOn, Effect, Engine, Event, Executed, Fetched, Halt, JOURNAL_LIMIT, Refused, Resume, Settings, Status,
};
pub use time::Millis;
