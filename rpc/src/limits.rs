//! Every limit of the server, by name, with its default and its reason.

use std::time::Duration;

use alloy_primitives::U256;

/// The limits. Defaults follow geth's and reth's, so that clients tuned to those work unchanged.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Most bytes of an HTTP body or a WebSocket message: a raw transaction with 21 blobs, in hex, is 6 MiB.
    pub request_bytes: u32,
    /// Most bytes of an answer, of a whole batch included.
    pub response_bytes: u32,
    /// Most calls in a batch (viem sends up to 1,000).
    pub batch_calls: u32,
    /// Most open connections.
    pub connections: u32,
    /// Most subscriptions of one WebSocket.
    pub subscriptions_per_connection: u32,
    /// Messages that may wait for a slow WebSocket reader before its connection is held back.
    pub connection_backlog: u32,
    /// Chain news that a subscription may lag behind before it is closed.
    pub subscription_backlog: usize,
    /// Longest time of one call, waiting included.
    pub call_time: Duration,
    /// Longest time a call waits for a free slot.
    pub queue_time: Duration,
    /// Longest time for a client to send a whole request: slow senders hold a connection no longer.
    pub receive_time: Duration,
    /// Calls that read a bounded amount at the same time.
    pub concurrent_reads: usize,
    /// Calls that execute code or read many blocks at the same time.
    pub concurrent_heavy: usize,
    /// Archive answers that are read at the same time; a caller beyond them is told to come back.
    pub concurrent_archive: usize,
    /// Questions of callers that are put to L1 at the same time.
    pub concurrent_l1: usize,
    /// Gas of `eth_call` and `eth_estimateGas` when the request has none, and at most.
    pub call_gas: u64,
    /// Blocks that one `eth_getLogs` may read.
    pub log_blocks: u64,
    /// Logs that one answer may hold.
    pub log_results: usize,
    /// Addresses in a log filter (geth: 1,000).
    pub filter_addresses: usize,
    /// Alternatives for one topic in a log filter (geth: 1,000).
    pub filter_topics: usize,
    /// Most slots of an `eth_getStorageValues`.
    pub storage_values: usize,
    /// Filters alive at the same time.
    pub filters: usize,
    /// A filter that nobody asks for this long is dropped (geth: 5 min).
    pub filter_idle: Duration,
    /// Head changes remembered for filters: one whose reader is further behind is dropped.
    pub filter_journal: usize,
    /// Pending transaction hashes remembered for filters.
    pub filter_transactions: usize,
    /// Storage keys in one `eth_getProof` (geth: 1,024).
    pub proof_slots: usize,
    /// Messages that one answer may hold.
    pub message_results: usize,
    /// Messages that one call may look at; where it stops, the answer says how to go on.
    pub message_scan: u64,
    /// Messages of one transaction that are proven at once; each costs a question to L1.
    pub proof_messages: usize,
    /// Blocks in one `eth_feeHistory` (geth: 1,024).
    pub fee_history_blocks: u64,
    /// Percentiles in one `eth_feeHistory` (geth: 100).
    pub fee_history_percentiles: usize,
    /// Bytes of one transaction, blobs not counted (128 KiB in every public pool).
    pub transaction_bytes: usize,
    /// Most that one transaction's gas may cost, in wei; zero for no cap. Protects against a mistyped gas price.
    pub transaction_fee_cap_wei: U256,
    /// `eth_sendRawTransactionSync` without a time waits this long.
    pub sync_default: Duration,
    /// `eth_sendRawTransactionSync` waits at most this long; below [`Limits::call_time`], so that its own error is seen.
    pub sync_max: Duration,
    /// Blocks that one development call may make.
    pub dev_blocks: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get());
        Self {
            request_bytes: 15 * 1024 * 1024,
            response_bytes: 64 * 1024 * 1024,
            batch_calls: 1_000,
            connections: 500,
            subscriptions_per_connection: 1_024,
            connection_backlog: 1_024,
            subscription_backlog: 1_024,
            call_time: Duration::from_secs(60),
            queue_time: Duration::from_secs(20),
            receive_time: Duration::from_secs(30),
            concurrent_reads: 64,
            // One core stays for blocks.
            concurrent_heavy: cores.saturating_sub(1).max(2),
            concurrent_archive: 4,
            concurrent_l1: 8,
            call_gas: 50_000_000,
            log_blocks: 100_000,
            log_results: 20_000,
            filter_addresses: 1_000,
            filter_topics: 1_000,
            storage_values: 1_024,
            filters: 4_096,
            filter_idle: Duration::from_secs(300),
            filter_journal: 1_024,
            filter_transactions: 16_384,
            proof_slots: 1_024,
            message_results: 1_000,
            message_scan: 10_000,
            proof_messages: 64,
            fee_history_blocks: 1_024,
            fee_history_percentiles: 100,
            transaction_bytes: 128 * 1024,
            transaction_fee_cap_wei: U256::from(1_000_000_000_000_000_000u64),
            sync_default: Duration::from_secs(20),
            sync_max: Duration::from_secs(50),
            dev_blocks: 10_000,
        }
    }
}
