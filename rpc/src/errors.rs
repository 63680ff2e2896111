//! The error contract: every failure a client can see, its code and its text.
//!
//! Client libraries classify errors by regular expressions over the *message* (viem, ethers) and retry some *codes*
//! by themselves (viem: `-32603` and `-32005`), so both are interface: a deterministic failure never has the code of
//! an internal one, and texts keep the words of geth. This module knows no storage and no EVM.

use std::fmt::{self, Display};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{Panic, Revert, SolError};
use jsonrpsee::types::{ErrorObjectOwned, error::ErrorObject};

/// Code of an unknown or switched-off method (JSON-RPC 2.0).
pub const METHOD_NOT_FOUND: i32 = -32601;
/// Code of parameters that cannot be understood (JSON-RPC 2.0).
pub const INVALID_PARAMS: i32 = -32602;
/// Code of our own faults only: clients retry it.
pub const INTERNAL: i32 = -32603;
/// Code of a request that was understood and refused (EIP-1474 "invalid input").
pub const INVALID_INPUT: i32 = -32000;
/// Code of a block that this chain does not have (EIP-1474 "resource not found").
pub const NOT_FOUND: i32 = -32001;
/// Code of a call that ran longer than the server allows (EIP-1474 "resource unavailable", geth's timeout code).
pub const TIMED_OUT: i32 = -32002;
/// Code of a named server limit (EIP-1474 "limit exceeded"); clients retry it, so `data` tells a smaller request.
pub const LIMIT_EXCEEDED: i32 = -32005;
/// Code of a revert (geth).
pub const REVERTED: i32 = 3;
/// Code of history that this node no longer holds (execution-apis, EIP-4444).
pub const PRUNED: i32 = 4444;
/// Codes of EIP-7966: no receipt in time.
pub const SYNC_TIMEOUT: i32 = 4;
/// Codes of EIP-7966: the transaction waits behind a missing nonce.
pub const SYNC_NONCE_GAP: i32 = 6;

/// Everything a method can answer instead of a result.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// A parameter is understood as JSON but means nothing here.
    #[error("invalid params: {what}")]
    InvalidParams {
        /// Which parameter, and what is wrong with it.
        what: String,
    },
    /// The block that a state read or a call was to run on does not exist here.
    #[error("block not found: {block}")]
    UnknownBlock {
        /// The block as the caller named it.
        block: String,
    },
    /// An EIP-1898 object with `requireCanonical` names a block of another branch.
    #[error("hash {hash} is not currently canonical")]
    NotCanonical {
        /// Hash of that block.
        hash: B256,
    },
    /// Data older than this node keeps. Never answered as "not found".
    #[error("pruned history unavailable: requested {requested}, earliest {earliest}")]
    Pruned {
        /// Block number asked for.
        requested: u64,
        /// Lowest block number that can be answered.
        earliest: u64,
    },
    /// The call ran and reverted with this output.
    #[error("execution reverted{}", reason_suffix(output))]
    Reverted {
        /// Returned bytes, in `data` of the error even when empty.
        output: Bytes,
    },
    /// The call ran and halted: out of gas, invalid opcode, stack overflow and the like.
    #[error("{reason}")]
    Halted {
        /// The EVM's word for it, in geth's spelling where there is one.
        reason: String,
    },
    /// The estimate found no gas limit within the allowance that lets the call succeed.
    #[error("gas required exceeds allowance ({allowance})")]
    GasExceedsAllowance {
        /// The most gas that balance, block and server limits allow.
        allowance: u64,
    },
    /// The transaction cannot be valid; same words from `eth_sendRawTransaction`, `eth_call` and `eth_estimateGas`.
    #[error(transparent)]
    Transaction(#[from] SubmitError),
    /// `eth_getLogs` over more blocks than the server reads at once.
    #[error("query exceeds max block range {limit}: retry with the range {from}-{to}")]
    LogRange {
        /// Most blocks in one query.
        limit: u64,
        /// First block of a range that is small enough.
        from: u64,
        /// Last block of a range that is small enough.
        to: u64,
    },
    /// `eth_getLogs` with more results than the server returns at once.
    #[error("query exceeds max results {limit}: retry with the range {from}-{to}")]
    LogResults {
        /// Most logs in one answer.
        limit: usize,
        /// First block of a range that was seen to fit.
        from: u64,
        /// Last block of a range that was seen to fit; strictly smaller than asked for.
        to: u64,
    },
    /// One block alone holds more matching logs than the server returns at once; only a narrower filter helps.
    #[error("block {block} alone exceeds max results {limit}: narrow the addresses or topics")]
    LogResultsInOneBlock {
        /// Most logs in one answer.
        limit: usize,
        /// The block.
        block: u64,
    },
    /// A list in the request is longer than its limit.
    #[error("too many {what}: {got}, at most {limit}")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// How many the request has.
        got: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A transaction that exists and sent no message, or a message that a block does not hold yet.
    #[error("{what}")]
    NoMessage {
        /// What was asked for, and why there is none.
        what: String,
    },
    /// L1 does not answer, or not as it should.
    #[error("L1 is not available: {0}")]
    L1(#[source] crate::rollup::L1Fault),
    /// L1 is ahead of this node.
    #[error("L1 has recorded block {landed}, this node has executed {head}: try again")]
    Behind {
        /// Highest landed block.
        landed: u64,
        /// Highest block executed here.
        head: u64,
    },
    /// All filters that the server keeps are in use.
    #[error("limit exceeded: {limit} filters are in use, uninstall some or subscribe over WebSocket")]
    FiltersFull {
        /// Most filters.
        limit: usize,
    },
    /// No such filter: never made, uninstalled, idle for too long, or so far behind that changes would be missing.
    #[error("filter not found")]
    FilterNotFound,
    /// The block of a pending view is asked for something that only sealed blocks have.
    #[error("pending block is not available for this method")]
    PendingUnavailable,
    /// All slots for expensive calls are taken.
    #[error("server is busy: {limit} calls of this kind are running, try again")]
    Busy {
        /// How many run at the same time.
        limit: usize,
    },
    /// The account is not one of the development accounts.
    #[error("unknown account {account}")]
    UnknownAccount {
        /// The account asked to sign.
        account: Address,
    },
    /// EIP-7966: the transaction was accepted, and no receipt came in time.
    #[error("the transaction was added to the pool but was not included within {timeout_ms} ms")]
    SyncTimeout {
        /// Hash of the transaction, in `data`.
        hash: B256,
        /// How long the server waited.
        timeout_ms: u64,
    },
    /// EIP-7966: the transaction waits for an earlier nonce, so waiting for its receipt is pointless.
    #[error("the transaction is queued behind a nonce gap: expected nonce {expected}")]
    SyncNonceGap {
        /// Hash of the transaction.
        hash: B256,
        /// The nonce that is missing, in `data`.
        expected: u64,
    },
    /// Ours, or the disk's: logged in full, told in short, retried by clients.
    #[error("internal error: {0}")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl RpcError {
    /// Wraps a fault of our own.
    pub fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }

    /// A parameter that means nothing.
    pub(crate) fn params(what: impl Display) -> Self {
        Self::InvalidParams { what: what.to_string() }
    }

    fn code(&self) -> i32 {
        match self {
            Self::InvalidParams { .. } => INVALID_PARAMS,
            Self::UnknownBlock { .. } | Self::NotCanonical { .. } => NOT_FOUND,
            Self::Pruned { .. } => PRUNED,
            Self::Reverted { .. } => REVERTED,
            Self::LogRange { .. } | Self::LogResults { .. } | Self::FiltersFull { .. } | Self::Busy { .. } => {
                LIMIT_EXCEEDED
            }
            // Deterministic for the same request: -32005 would make clients repeat it.
            Self::LogResultsInOneBlock { .. } | Self::TooMany { .. } => INVALID_PARAMS,
            Self::L1(_) | Self::Behind { .. } => TIMED_OUT,
            Self::SyncTimeout { .. } => SYNC_TIMEOUT,
            Self::SyncNonceGap { .. } => SYNC_NONCE_GAP,
            Self::Transaction(SubmitError::Internal(_)) | Self::Internal(_) => INTERNAL,
            Self::Halted { .. }
            | Self::GasExceedsAllowance { .. }
            | Self::Transaction(_)
            | Self::FilterNotFound
            | Self::NoMessage { .. }
            | Self::PendingUnavailable
            | Self::UnknownAccount { .. } => INVALID_INPUT,
        }
    }

    fn data(&self) -> Option<serde_json::Value> {
        use serde_json::json;
        match self {
            Self::Reverted { output } => Some(json!(output)),
            Self::LogRange { from, to, .. } | Self::LogResults { from, to, .. } => {
                Some(json!({ "from": format!("{from:#x}"), "to": format!("{to:#x}") }))
            }
            Self::Pruned { earliest, .. } => Some(json!({ "earliest": format!("{earliest:#x}") })),
            Self::SyncTimeout { hash, .. } => Some(json!(hash)),
            Self::SyncNonceGap { hash, expected } => {
                Some(json!({ "hash": hash, "expectedNonce": format!("{expected:#x}") }))
            }
            _ => None,
        }
    }
}

impl From<RpcError> for ErrorObjectOwned {
    fn from(error: RpcError) -> Self {
        if let RpcError::Internal(source) = &error {
            tracing::error!(target: "rpc", error = source.as_ref(), "a call failed by our own fault");
        }
        ErrorObject::owned(error.code(), error.to_string(), error.data())
    }
}

/// Why a transaction is refused, by the pool or by the server before the pool sees it.
///
/// The texts are matched by client libraries; see `errors/tests.rs` for their patterns.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The nonce was used already.
    #[error("nonce too low: next nonce {next}, tx nonce {got}")]
    NonceTooLow {
        /// The account's nonce.
        next: u64,
        /// The transaction's nonce.
        got: u64,
    },
    /// The nonce is too far ahead to be kept.
    #[error("nonce too high: next nonce {next}, tx nonce {got}")]
    NonceTooHigh {
        /// The account's nonce.
        next: u64,
        /// The transaction's nonce.
        got: u64,
    },
    /// The pool has this very transaction.
    #[error("already known")]
    AlreadyKnown,
    /// Another transaction with this nonce waits, and this one does not pay enough more.
    #[error("replacement transaction underpriced")]
    ReplacementUnderpriced,
    /// It pays less than the pool asks for.
    #[error("transaction underpriced: gas tip cap {tip_wei}, minimum needed {min_wei}")]
    Underpriced {
        /// Offered tip, wei per gas.
        tip_wei: u128,
        /// Lowest tip that the pool takes, wei per gas.
        min_wei: u128,
    },
    /// Blobs, commitments or proofs do not belong together.
    #[error("invalid blob sidecar: {0}")]
    InvalidSidecar(String),
    /// The pool holds as many transactions of this sender as it may.
    #[error("too many transactions of this sender in the pool: at most {limit}")]
    SenderFull {
        /// Most transactions of one sender.
        limit: usize,
    },
    /// The bytes are no transaction.
    #[error("failed to decode signed transaction: {0}")]
    Decode(String),
    /// A valid encoding of a type that this chain does not take, such as blobs on an L2.
    #[error("transaction type not valid: type {ty:#x} is not accepted on this chain")]
    TypeNotValid {
        /// EIP-2718 type byte.
        ty: u8,
    },
    /// The signature recovers no account.
    #[error("invalid sender: the signature recovers no account")]
    InvalidSignature,
    /// Signed for another chain.
    #[error("invalid chain id for signer: have {have} want {want}")]
    WrongChain {
        /// Chain id in the transaction.
        have: u64,
        /// Chain id of this chain.
        want: u64,
    },
    /// A legacy signature without chain id could be replayed on any chain.
    #[error("only replay-protected (EIP-155) transactions allowed over RPC")]
    Unprotected,
    /// Longer than the pool takes.
    #[error("oversized data: transaction size {size}, limit {limit}")]
    Oversized {
        /// Bytes of the encoding.
        size: usize,
        /// Most bytes.
        limit: usize,
    },
    /// It could cost more than the operator lets one transaction cost.
    #[error("tx fee ({fee_wei} wei) exceeds the configured cap ({cap_wei} wei), raise it with --rpc.txfeecap")]
    FeeAboveCap {
        /// gas limit times highest gas price.
        fee_wei: U256,
        /// The server's cap.
        cap_wei: U256,
    },
    /// The sender cannot pay for it.
    #[error("insufficient funds for gas * price + value: have {have} want {want}")]
    InsufficientFunds {
        /// Balance in wei.
        have: U256,
        /// gas limit * fee cap + blob gas * blob fee cap + value, in wei.
        want: U256,
    },
    /// The fee cap is below the base fee of the next block (calls only; a pool may keep such a transaction).
    #[error("max fee per gas less than block base fee: maxFeePerGas: {fee_cap_wei}, baseFee: {base_fee_wei}")]
    FeeCapBelowBaseFee {
        /// Wei per gas offered at most.
        fee_cap_wei: u128,
        /// Wei per gas of the block.
        base_fee_wei: u128,
    },
    /// The blob fee cap is below the blob base fee.
    #[error(
        "max fee per blob gas less than block blob gas fee: maxFeePerBlobGas: {fee_cap_wei}, blobBaseFee: {base_fee_wei}"
    )]
    BlobFeeCapBelowBaseFee {
        /// Wei per blob gas offered at most.
        fee_cap_wei: u128,
        /// Wei per blob gas of the block.
        base_fee_wei: u128,
    },
    /// The tip cap exceeds the fee cap.
    #[error(
        "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: {tip_wei}, maxFeePerGas: {fee_cap_wei}"
    )]
    TipAboveFeeCap {
        /// Wei per gas of tip at most.
        tip_wei: u128,
        /// Wei per gas in total at most.
        fee_cap_wei: u128,
    },
    /// The gas limit does not pay for the transaction's own bytes.
    #[error("intrinsic gas too low: have {have}, want {want}")]
    IntrinsicGasTooLow {
        /// The transaction's gas limit.
        have: u64,
        /// What its bytes cost.
        want: u64,
    },
    /// The gas limit is above what a block, or EIP-7825, allows.
    #[error("exceeds block gas limit: transaction gas limit {gas_limit}, at most {max}")]
    GasLimitTooHigh {
        /// The transaction's gas limit.
        gas_limit: u64,
        /// The most it may be.
        max: u64,
    },
    /// Init code above the limit of EIP-3860.
    #[error("max initcode size exceeded: code size {size}, limit {limit}")]
    InitCodeTooLarge {
        /// Bytes of init code.
        size: usize,
        /// Most bytes.
        limit: usize,
    },
    /// The sender has code that is no delegation (EIP-3607).
    #[error("sender not an eoa: address {sender}")]
    SenderHasCode {
        /// The account.
        sender: Address,
    },
    /// Set-code transactions need an authorization (EIP-7702).
    #[error("set code tx must have at least one authorization tuple")]
    EmptyAuthorizations,
    /// This node takes no transactions now.
    #[error("transactions are not accepted: {reason}")]
    NotAccepting {
        /// Why, and what to do.
        reason: String,
    },
    /// Valid by the standard rules, refused for a reason of this chain.
    #[error("transaction rejected: {reason}")]
    Rejected {
        /// The reason.
        reason: String,
    },
    /// Ours, or the disk's.
    #[error("internal error: {0}")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// ": reason" when the output is `Error(string)` or `Panic(uint256)`, else nothing; geth's words.
fn reason_suffix(output: &Bytes) -> String {
    match revert_reason(output) {
        Some(reason) => format!(": {reason}"),
        None => String::new(),
    }
}

/// What `Error(string)` or `Panic(uint256)` in a revert's output says; `None` for empty output and custom errors.
pub fn revert_reason(output: &[u8]) -> Option<String> {
    if let Ok(revert) = Revert::abi_decode(output) {
        return Some(revert.reason);
    }
    Panic::abi_decode(output).ok().map(|panic| match panic.kind() {
        Some(kind) => kind.as_str().to_owned(),
        None => format!("unknown panic code: {:#x}", panic.code),
    })
}

/// The answer to a method that no one knows, or that this server does not serve.
pub(crate) fn method_not_found(method: &str, remedy: Option<Remedy>) -> ErrorObjectOwned {
    // A hostile name is echoed, so it is cut.
    let shown: String = method.chars().take(MAX_ECHO_CHARS).collect();
    let remedy = remedy.map(|remedy| format!(": {remedy}")).unwrap_or_default();
    let text = format!("the method {shown} does not exist/is not available{remedy}");
    ErrorObject::owned(METHOD_NOT_FOUND, text, None::<()>)
}

/// How much of a request's own text an error repeats.
const MAX_ECHO_CHARS: usize = 96;

/// What a caller can do about a method that is known but not served.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Remedy {
    /// The namespace is switched off.
    Enable(&'static str),
    /// Subscriptions need a connection that the server can write to.
    WebSocket,
}

impl Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enable(namespace) => write!(f, "enable with --http.api {namespace}"),
            Self::WebSocket => f.write_str("notifications not supported over HTTP, connect by WebSocket"),
        }
    }
}

#[cfg(test)]
mod tests;
