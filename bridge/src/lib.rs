//! The border between L1 and a rollup: every byte that crosses it, in one crate.
//!
//! ```text
//!                    ┌──────────────── advance (abi) ────────────────┐
//!  block ─► execute ─┤ 15 01 ‖ SSZ(StatelessInput) ──────► EXECUTE    │
//!        └► blob ────┤ blobs ─► opening (z, y, proof) ───► 0x0a       ├─► Hub ─► BlockLanded ─► landed ─► block
//!  L1 view ─► anchor ┤ parent_beacon_block_root                       │
//!             message┤ inbox hash chain, outbox tree (outbox, proof)  │
//!             gas ───┴ what all of it costs, from above ──────────────┘
//! ```
//! Invariants:
//! - Pure: no clock, no randomness, no file or socket, nothing async. The KZG setup is an argument.
//! - One value, one encoding. Every decoder refuses what its encoder would not have written, so bytes that L1 proved and
//!   bytes that we read cannot say two things.
//! - Every outside byte is hostile: limits have names, refusals are values, nothing panics, and work is linear in input.
//! - This crate never judges a block. Validity is `execution`'s; which block comes next is `sequencer`'s and Hub's.
//!
//! `bridge/SPEC.md` is the normative text; `bridge/vectors` holds the golden vectors that these tests and the contracts'
//! tests both read.

pub mod abi;
pub mod anchor;
pub mod blob;
pub mod execute;
pub mod gas;
pub mod landed;
pub mod message;
pub mod messenger;
pub mod opening;
pub mod outbox;
pub mod proof;
pub mod reader;
pub mod status;
pub mod tokens;
#[cfg(test)]
mod vectors;
