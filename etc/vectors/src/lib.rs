//! Official test vectors of every kind, run through Basalt's own import, tries and checks.
//!
//! ```text
//!   folder ──► pack (.tar.zst, once) ──► files ──► cases, by content ──► threads ──► report
//!                                                    │
//!        blockchain, engine, chain ──► import: RLP, senders, execution::execute, storage::Chain
//!        state, transaction        ──► executor::run_alone
//!        precompile, kzg, ssz      ──► execution::precompile, bridge's setup and framing
//! ```
//!
//! Invariants:
//! - There is no list of expected failures: a case passes, or it fails and the exit code says so.
//! - A file's content says what it is; its folder only where the content can't (the function of a refused KZG input, an SSZ type).
//! - An invalid block or transaction has to be refused for the reason that the case names; `refusal` is the only table of that.
//! - Files are hostile: every size, count and depth has a limit ([`limits`]), and what can't be read is a failure with its name.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics has done its work"))]

mod account;
pub mod cases;
pub mod folder;
mod import;
pub mod limits;
mod network;
mod number;
mod pack;
mod refusal;
pub mod report;
pub mod runner;

pub use cases::Kind;
pub use report::Report;
pub use runner::{Options, run};
