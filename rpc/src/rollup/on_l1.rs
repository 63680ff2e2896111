//! What a rollup node asks L1 when somebody asks it about a message: the seam, implemented by the node.

use alloy_primitives::B256;
use bridge::{message::Message, status::L1Place};
use futures::future::BoxFuture;

/// A message into the rollup, as L1 has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentOnL1 {
    /// The message; its index is its place in the inbox.
    pub message: Message,
    /// Where it was sent.
    pub at: L1Place,
}

/// What Hub knows of the rollup's outbox, at the head of L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxOnL1 {
    /// Highest landed block.
    pub landed: u64,
    /// Number of the last proven outbox root; 0 when none was proven.
    pub epoch: u64,
    /// Block under whose state root it was proven.
    pub block: u64,
}

/// L1 did not answer, or not as it should.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct L1Fault(pub String);

/// Asks L1. Absent on an L1 itself.
///
/// For the implementer: each call is one of a client that waits, so it must end within seconds, by an error if need be. How many run at a
/// time is the server's to limit. What an endpoint answers need not be proven: who moves money asks Hub again.
pub trait BridgeOnL1: Send + Sync + 'static {
    /// The messages into the rollup that `transaction` sent, in order, none when it reverted or sent none; `None` as long as L1 has no receipt of
    /// it.
    fn sent_by(&self, transaction: B256) -> BoxFuture<'_, Result<Option<Vec<SentOnL1>>, L1Fault>>;

    /// Message `index` of the inbox; `None` when it was not sent, or long ago.
    fn sent(&self, index: u64) -> BoxFuture<'_, Result<Option<SentOnL1>, L1Fault>>;

    /// What Hub knows of the outbox.
    fn outbox(&self) -> BoxFuture<'_, Result<OutboxOnL1, L1Fault>>;

    /// Whether message `index` of the outbox was claimed.
    fn is_claimed(&self, index: u64) -> BoxFuture<'_, Result<bool, L1Fault>>;
}
