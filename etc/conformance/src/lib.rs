//! Recorded JSON-RPC cases (execution-apis' `.io` files) against a node that has imported the chain beside them.
//!
//! ```text
//!   folder ──► packs, files ──┬─► chain.rlp, genesis.json ──► vectors: import ──► devnet: serve, without making blocks
//!                             ├─► openrpc.json ──► schema of each method's result           │
//!                             └─► *.io ──► case ──► ask over HTTP, compare ──► report ◄─────┘
//! ```
//!
//! Invariants:
//! - There is no list of expected failures: a case passes, or it fails and the exit code says so.
//! - What is compared is what hive's rpc-compat compares: everything but the texts of errors; where a case is marked `speconly`, its result
//!   against the schema instead. Every other result has to keep to the schema too.
//! - Each folder with a chain has a node of its own; cases run one after the other, in the order of their names.
//! - Files are hostile: sizes and counts have limits, and what can't be read is a failure with its name.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics has done its work"))]

pub mod case;
pub mod compare;
pub mod run;
pub mod schema;
