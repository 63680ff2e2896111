//! A world with a seed: simulated time and crashes, in one process and one thread.
//!
//! ```text
//!  seed ─► executor: which ready task runs next, when timers fire, who crashes between which two polls ─► trace hash
//! ```
//!
//! Invariants: one seed makes one run, to the last poll; nothing here reads a real clock, starts a thread or iterates in
//! an order that a hash map chose. A run ends at a virtual instant or with a named failure, never by hanging.

pub mod executor;
pub mod seed;
pub mod trace;
