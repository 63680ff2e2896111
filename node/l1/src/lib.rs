//! The ears and hands on L1: follow its chain, read Hub, fetch blobs, land blocks.
//!
//! ```text
//!  execution URL ──► Watcher ──► engine::Event        beacon URL ──► Beacon ──► blobs, for the carriers to check
//!  Hub (eth_call) ──► HubReader                        landing ──► Hands ──► Signer ──► one type-3 transaction
//! ```
//!
//! Invariants: nothing an endpoint says is believed on its word. A header is its hash, logs are checked against the
//! header's receipts root, a signature recovers our account; only blobs are passed on as served, to whoever commits to them. Not having is
//! a value (`None`) or a retryable error, never an empty result.
//!
//! It must not decide what our chain is: that is `engine`.

mod beacon;
mod decode;
mod error;
mod get;
mod hands;
mod hub;
pub mod panel;
mod rehearsal;
mod rpc;
mod signer;
mod socket;
mod watch;

pub use beacon::{ANSWER_LIMIT, Beacon};
pub use error::L1Error;
pub use get::{Get, HttpGet};
pub use hands::{Hands, HubCall, Sent};
pub use hub::{HubReader, Registration, RollupOnL1};
pub use rehearsal::Rehearsal;
pub use rpc::{L1Head, L1Rpc};
pub use signer::{KeySource, KeystoreError, SIGNER_ANSWER_BYTES_MAX, SIGNER_TIMEOUT, SignError, Signer, SignerError};
pub use watch::{WatchEnd, Watcher};
