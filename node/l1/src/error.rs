//! What can go wrong with L1, and whose fault it is.

use alloy_primitives::B256;

/// An L1 endpoint failed or contradicted itself. All of these are retried by their callers unless they say otherwise.
#[derive(Debug, thiserror::Error)]
pub enum L1Error {
    /// The request did not get through, or timed out.
    #[error("{url}: {reason}")]
    Unreachable {
        /// The endpoint, without credentials.
        url: String,
        /// What the transport says.
        reason: String,
    },
    /// The endpoint answered with a JSON-RPC error.
    #[error("{url}: {method}: {message} (code {code})")]
    Answer {
        /// The endpoint, without credentials.
        url: String,
        /// The method asked.
        method: &'static str,
        /// JSON-RPC error code.
        code: i64,
        /// Its text.
        message: String,
        /// Revert data, where there is any.
        data: Option<alloy_primitives::Bytes>,
    },
    /// The answer is not of the documented shape.
    #[error("{url}: {what}")]
    Malformed {
        /// The endpoint, without credentials.
        url: String,
        /// What is wrong.
        what: String,
    },
    /// The header's fields don't hash to the hash it claims.
    #[error("L1 block {number}: header hashes to {computed}, endpoint says {claimed}")]
    ForgedHeader {
        /// L1 block number.
        number: u64,
        /// What the endpoint says.
        claimed: B256,
        /// What its fields hash to.
        computed: B256,
    },
    /// The receipts don't make the header's receipts root.
    #[error("L1 block {number}: receipts make root {computed}, header says {claimed}")]
    ForgedReceipts {
        /// L1 block number.
        number: u64,
        /// The header's receipts root.
        claimed: B256,
        /// What the receipts make.
        computed: B256,
    },
    /// The transaction's fields don't hash to the hash it was asked for by.
    #[error("{url}: transaction {hash} hashes to {computed}")]
    ForgedTransaction {
        /// The endpoint, without credentials.
        url: String,
        /// What was asked for.
        hash: B256,
        /// What its fields hash to.
        computed: B256,
    },
    /// The endpoint's chain ends below a block that we know, or it has dropped it: that says nothing about the block.
    #[error("the endpoint does not have L1 block {number}, which is known")]
    Behind {
        /// L1 block number.
        number: u64,
    },
    /// The messages that the endpoint lists are not those that Hub counts: it lags, leaves some out, or went to another branch between two
    /// answers.
    #[error(
        "L1 block {number}: the endpoint lists messages up to {listed}, Hub has {counted} or another one among them"
    )]
    ShortInbox {
        /// L1 block number.
        number: u64,
        /// Messages into the rollup, with those listed.
        listed: u64,
        /// Messages into the rollup, says Hub.
        counted: u64,
    },
    /// Hub emitted an event that our bindings can't read: this node and that Hub are of different versions.
    #[error("L1 block {number}: Hub event can't be decoded: {reason}")]
    UnknownEvent {
        /// L1 block number.
        number: u64,
        /// What the decoder says.
        reason: String,
    },
}

impl L1Error {
    /// Whether the endpoint contradicted itself, which an honest one never does.
    pub const fn is_lie(&self) -> bool {
        matches!(self, Self::ForgedHeader { .. } | Self::ForgedReceipts { .. } | Self::ForgedTransaction { .. })
    }
}
