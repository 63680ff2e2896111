//! A world with a seed: simulated time, a modelled L1, and faults, in one process and one thread.
//!
//! ```text
//!  seed ─► executor: which ready task runs next, when timers fire, who crashes between which two polls ─► trace hash
//!        l1: blocks, Hub, mempool, blobs, reorgs ◄── JSON-RPC and beacon requests, through endpoints that may lie
//!      wire: what lies between, as alloy's transport and `l1::Get`: latency and timeouts in virtual time
//!      host: a node's clock, sleep and tasks ──► world: machines with nodes on them, users, a plan of faults, checks
//! ```
//!
//! Invariants: one seed makes one run, to the last poll; nothing here reads a real clock, starts a thread or iterates in
//! an order that a hash map chose. A run ends at a virtual instant or with a named failure, never by hanging.

pub mod executor;
pub mod host;
pub mod l1;
pub mod seed;
pub mod trace;
pub mod wire;
pub mod world;
