//! An L1 of its own: Amsterdam rules and the EXECUTE precompile, slots, pools, blobs, a beacon API, finality, and controls
//! over all of it for tests. In one process, without a consensus client, without peers.
//!
//! ```text
//!  eth_sendRawTransaction ─► accept (sidecar, proofs) ─► pool ─┐
//!                                                              ▼
//!  slot loop ── control (stop, skip) ──────────────────► produce (Building) ─► storage ─► heads ─► news
//!  dev_reorg, dev_mine ─► rewind ────────────────────────────▲                   │
//!                                                                                ▼
//!  beacon API (genesis, spec, headers, blobs, duties) ◄─────────────────── queries by slot, root, word
//! ```
//!
//! [`start`] is the way in. Invariants:
//! - One lock makes and unmakes blocks; readers never wait for it.
//! - A block's blobs are stored before the block is.
//! - A block's slot is `(timestamp - genesis time) / slot time`, and slots ascend with numbers.
//! - A beacon block is a function of its execution header; a proposer is a function of its slot.
//! - Every block follows the rules of its chain, except for the fees of the blocks that `dev_status` lists.
//! - The admin calls exist nowhere else: only this crate registers `dev_*`.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics has done its work"))]

mod admin;
pub mod beacon;
mod chain;
mod clock;
mod config;
mod control;
mod fees;
mod folder;
mod kzg;
mod seams;
mod start;
pub mod validators;

pub use admin::{BlockStatus, FaultSpan, ReorgOptions, Status, ValidatorStatus};
pub use chain::{ChainError, LEAD_SLOTS_MAX, MINE_BLOCKS_MAX, Reorg};
pub use clock::Slots;
pub use config::{Config, ConfigError, FINALITY_SLOTS_MAX, GAS_LIMIT_MAX, GAS_LIMIT_MIN, SLOT_MS_MAX};
pub use control::{OVERRIDE_BLOCKS_MAX, SKIP_MAX};
pub use fees::{EXCESS_BLOB_GAS_MAX, FeeOverride};
pub use folder::FolderError;
pub use start::{Handle, StartError, serve, start};

#[cfg(test)]
mod tests;
