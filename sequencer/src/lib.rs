//! Sequencing: when and what we build, and how it reaches L1.
//!
//! ```text
//!   users ──► pool ──► builder ◄── relay ◄── inbox messages (L1)
//!                         │  attributes: origin, anchor, slot, gas limit
//!                         ▼
//!                      Executed ──► landing ──► effects: persist, send, requeue, report
//!                                      ▲
//!              schedule: may we? ──────┴────── L1 heads, receipts, answers of L1 nodes
//! ```
//!
//! Invariants:
//! - Pure: no clock, randomness, IO or async runtime; `now` is an argument and iteration has a defined order.
//! - The pool never holds two transactions of one sender and nonce, and never exceeds its limits.
//! - What the builder seals fits one `Hub.advance` transaction (the settlement budget).
//! - One landing uses one L1 nonce, and nothing is sent that was not persisted before.
//! - This crate knows nothing of RocksDB, RPC, L1 endpoints, keys or blobs' contents; the pool also serves the
//!   L1 devnet, so it knows nothing of rollups either beyond the types it is told to take.

pub mod attributes;
pub mod budget;
pub mod builder;
pub mod landing;
pub mod pool;
pub mod relay;
pub mod schedule;
#[cfg(test)]
mod testing;
