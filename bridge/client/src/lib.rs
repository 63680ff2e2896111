//! The bridge of a rollup for any alloy provider and wallet: two extension traits, one for each layer.
//!
//! ```text
//!  BridgeL1::deposit ──► transaction hash ──► BridgeL2::delivered ──► delivered, or failed ──► BridgeL2::retry
//!  BridgeL2::withdraw ─► transaction hash ──► BridgeL2::claimable ──► BridgeL1::prove, then BridgeL1::claim
//! ```
//! Whatever sends a transaction returns its hash as soon as it is on its way, and that hash is all that is needed to go on: after a crash, on
//! another machine, tomorrow.
//!
//! Invariants:
//! - Every transaction is estimated first, so a refusal of Hub or Messenger is a typed error and costs nothing.
//! - No node is believed where it matters: a path is checked against the root that Hub holds before a claim is sent, and the calldata is made
//!   here.
//! - Keys are the wallet's behind the provider; this crate never sees one.

mod error;
mod l1;
mod l2;
mod send;
mod wait;

pub use error::{BridgeError, Layer};
pub use l1::BridgeL1;
pub use l2::BridgeL2;
pub use send::{Outgoing, PLAIN_GAS};
pub use wait::Patience;

use alloy_primitives::Address;
use chainspec::RollupConfig;

/// Where the bridge of a rollup is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bridge {
    /// Hub, on L1.
    pub hub: Address,
    /// Chain id of the L1.
    pub l1_chain_id: u64,
    /// Chain id of the rollup.
    pub l2_chain_id: u64,
}

impl From<&RollupConfig> for Bridge {
    fn from(config: &RollupConfig) -> Self {
        Self { hub: config.hub, l1_chain_id: config.l1_chain_id, l2_chain_id: config.genesis.config.chain_id }
    }
}
