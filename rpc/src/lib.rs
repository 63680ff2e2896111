//! JSON-RPC: one server for the L2 node and for the L1 devnet.
//!
//! ```text
//!  HTTP, WebSocket ─► server (limits, CORS, unknown methods, time) ─► api (names, parameters) ─► Backend ─► eth/, rollup/
//!                                                                                                  │
//!             storage::Chain, ChainSpec, and the seams: Submit, Heads, Pending, RollupStatus, Dev ◄┘
//!
//!  GET /archive/v1/blocks/… ─► server::archive ─► storage::Chain: what landed blocks' blobs carry
//!  Heads::watch ─► eth::news (one task) ─► filters' journal, eth_subscribe
//! ```
//!
//! Start it with [`serve`]. Invariants:
//! - The server reads; only [`Submit`] and [`Dev`] change anything.
//! - Errors are those of [`errors`]: a fault of the caller never has a code that makes clients retry.
//! - Disk and EVM work runs on blocking threads behind a semaphore, never on the threads that serve connections.
//! - The same methods mean the same on both layers; `rollup_*` exists only with a [`RollupStatus`].

pub mod api;
mod backend;
pub mod catalogue;
pub mod errors;
pub mod eth;
mod limits;
pub mod pool;
pub mod rollup;
mod seams;
mod server;

pub use backend::{Backend, Parts};
pub use errors::{RpcError, SubmitError};
pub use limits::Limits;
pub use rollup::{BridgeOnL1, RollupStatus};
pub use seams::{
    Dev, DevError, Heads, NoPending, Pending, PendingBlock, PoolContent, PoolStatus, Pooled, Submit, SyncState,
};
pub use server::{Config, Cors, Running, ServeError, serve, serve_with};

#[cfg(test)]
mod tests;
