//! What only a rollup has: its heads on two layers, its contracts, and where a block or a transaction stands.

use alloy_primitives::{Address, B256, U256};
use chainspec::RollupConfig;
use serde::Serialize;

mod deposits;
mod messages;
mod on_l1;
mod proofs;
mod status;

pub use bridge::status::Stage;
pub use on_l1::{BridgeOnL1, L1Fault, OutboxOnL1, SentOnL1};
pub use status::{BlockOrigin, Contracts, TransactionStatus};

/// One block, as `rollup_*` methods name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BlockRef {
    /// Block number.
    #[serde(with = "alloy_serde::quantity")]
    pub number: u64,
    /// Block hash.
    pub hash: B256,
}

/// The node's view of L1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct L1Status {
    /// Newest L1 block seen; `null` before the first answer of the L1 node.
    pub head: Option<BlockRef>,
    /// L1's finalised block.
    pub finalized: Option<BlockRef>,
    /// Newest L1 block whose events are in this node's chain.
    pub processed: Option<BlockRef>,
    /// Seconds since the L1 node last answered.
    pub age_s: Option<u64>,
}

/// The rollup's heads; each is `null` as long as there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct L2Status {
    /// Highest block number heard of, executed or not; never below `latest`.
    #[serde(with = "alloy_serde::quantity")]
    pub received: u64,
    /// Highest block executed here.
    pub latest: Option<BlockRef>,
    /// Highest block that Hub recorded, so: settled.
    pub safe: Option<BlockRef>,
    /// Highest block landed in a finalised L1 block.
    pub finalized: Option<BlockRef>,
}

/// What this node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Follows L1 and builds nothing.
    Follower,
    /// Builds blocks and lands them.
    Sequencer,
}

/// How a sequencer's landings on L1 stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LandingStatus {
    /// The L1 account that lands.
    pub account: Address,
    /// What it holds, wei; `null` before it was looked at.
    pub balance_wei: Option<U256>,
    /// How many landings that pays for at present L1 fees.
    pub landings_left: Option<u64>,
    /// Sealed blocks that have not landed, ascending.
    pub in_flight: Vec<BlockRef>,
    /// What an operator should look at, as sentences: an account that runs low, fees above the cap, refused landings.
    pub alarms: Vec<String>,
}

/// Answer of `rollup_syncStatus`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncStatus {
    /// The node's view of L1.
    pub l1: L1Status,
    /// The rollup's heads.
    pub l2: L2Status,
    /// What this node does.
    pub role: Role,
    /// Its landings; `null` for a follower.
    pub landings: Option<LandingStatus>,
    /// True when reads are current and transactions may be sent here.
    pub ready: bool,
    /// Why it is not ready, as sentences; empty when it is.
    pub reasons: Vec<String>,
    /// Where landed blocks' bytes come from besides this node itself, in the order in which they are asked when all are well.
    pub carriers: Vec<CarrierStatus>,
}

/// How much a carrier of landed blocks' bytes is worth, since the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CarrierStatus {
    /// Kind and endpoint.
    pub name: String,
    /// Whether it is asked in its turn, or for a while only after all others.
    pub standing: Standing,
    /// Answers that were a block's bytes.
    pub given: u64,
    /// Answers that it does not have them.
    pub absent: u64,
    /// Times that it did not answer, or not as it should.
    pub failed: u64,
    /// Answers that were other bytes.
    pub lied: u64,
}

/// What a carrier's last fault says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// Asked in its turn.
    Good,
    /// Did not answer: asked later, for a while.
    Failing,
    /// Gave other bytes: asked last, for longer.
    Lying,
}

/// How a landed block came to L1: the answer of `rollup_getBlockOrigin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Landing {
    /// The L1 block that includes the `advance` transaction.
    pub l1_block: BlockRef,
    /// Hash of the `advance` transaction.
    pub l1_transaction: B256,
    /// Who advanced.
    pub proposer: Address,
    /// The blobs that carry the block.
    pub blob_versioned_hashes: Vec<B256>,
}

/// What a rollup node knows beyond its own chain. Absent on L1.
///
/// Called often and from many threads: answer from memory.
pub trait RollupStatus: Send + Sync + 'static {
    /// The chain file this node runs with.
    fn config(&self) -> &RollupConfig;

    /// Where the node stands. `ready` must be false as long as one thing it depends on is unknown.
    fn sync_status(&self) -> SyncStatus;

    /// How the canonical block `number` landed; `None` when it has not, or is not remembered.
    fn landing(&self, number: u64) -> Option<Landing>;
}
