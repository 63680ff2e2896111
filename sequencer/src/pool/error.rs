//! Why the pool refuses a transaction, and why one leaves it.
//!
//! The texts are an interface: viem and ethers tell errors apart by matching the message, so each one
//! keeps the words that geth made the field's own and adds the numbers behind them.

use alloy_primitives::{Address, B256, U256};

/// A transaction the pool did not take. It is the sender's to mend; the pool is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// This chain has no transactions of this EIP-2718 type.
    #[error("transaction type not valid: this chain does not take type {tx_type}")]
    TypeNotValid {
        /// The EIP-2718 type byte.
        tx_type: u8,
    },
    /// The encoding (without blobs) is longer than the pool relays.
    #[error("oversized data: transaction size {size}, limit {limit}")]
    Oversized {
        /// Bytes of the EIP-2718 encoding.
        size: usize,
        /// [`Limits::transaction_bytes`](super::Limits::transaction_bytes).
        limit: usize,
    },
    /// The very same transaction is here already.
    #[error("already known")]
    AlreadyKnown {
        /// Its hash.
        hash: B256,
    },
    /// Signed for another chain, or (with `have` empty) for any chain at all, which EIP-155 ended.
    #[error("invalid chain id: have {}, want {want}", have.map_or_else(|| "none".to_owned(), |id| id.to_string()))]
    WrongChainId {
        /// What the transaction names.
        have: Option<u64>,
        /// This chain.
        want: u64,
    },
    /// A nonce that cannot be followed by another (EIP-2681).
    #[error("nonce has max value: address {sender}, nonce {}", u64::MAX)]
    NonceAtMaximum {
        /// Who signed.
        sender: Address,
    },
    /// The nonce is used up on the head chain.
    #[error("nonce too low: next nonce {next}, tx nonce {have}")]
    NonceTooLow {
        /// The account's nonce.
        next: u64,
        /// The transaction's.
        have: u64,
    },
    /// A blob transaction must follow directly on what is known: its blobs are too big to wait for a gap.
    #[error("nonce too high: next nonce {next}, tx nonce {have}")]
    NonceTooHigh {
        /// The first free nonce.
        next: u64,
        /// The transaction's.
        have: u64,
    },
    /// The gas limit is above that of a block.
    #[error("exceeds block gas limit: tx gas {have}, block gas limit {limit}")]
    ExceedsBlockGasLimit {
        /// Gas limit of the transaction.
        have: u64,
        /// Gas limit of the block.
        limit: u64,
    },
    /// Above the cap of EIP-7825; under EIP-8037 the cap holds for the part that is sure to be execution gas.
    #[error("transaction gas limit too high (cap: {cap}, tx: {have})")]
    GasLimitTooHigh {
        /// Gas the transaction claims for execution.
        have: u64,
        /// 2^24.
        cap: u64,
    },
    /// Init code longer than EIP-3860 and EIP-7954 allow.
    #[error("max initcode size exceeded: code size {have}, limit {limit}")]
    InitCodeTooLong {
        /// Bytes of init code.
        have: usize,
        /// The fork's limit.
        limit: usize,
    },
    /// The gas limit does not pay for the transaction itself, or for its data floor (EIP-7623, EIP-7976).
    #[error("intrinsic gas too low: have {have}, want {want}")]
    IntrinsicGasTooLow {
        /// Gas limit of the transaction.
        have: u64,
        /// The larger of intrinsic gas and floor.
        want: u64,
    },
    /// The tip is larger than the whole price.
    #[error(
        "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: {tip}, maxFeePerGas: {max_fee}"
    )]
    TipAboveMaxFee {
        /// Wei per gas.
        tip: u128,
        /// Wei per gas.
        max_fee: u128,
    },
    /// Pays less than this node asks for.
    #[error("transaction underpriced: gas tip cap {have}, minimum needed {want}")]
    TipTooLow {
        /// Wei per gas offered.
        have: u128,
        /// [`Limits::min_tip`](super::Limits::min_tip).
        want: u128,
    },
    /// The nonce is taken, and the newcomer does not pay enough more.
    #[error("replacement transaction underpriced")]
    ReplacementUnderpriced {
        /// The transaction that stays.
        existing: B256,
        /// By how many percent every fee must rise.
        bump_percent: u32,
    },
    /// The sender cannot pay for it.
    #[error("insufficient funds for gas * price + value: have {have} want {want}")]
    InsufficientFunds {
        /// Balance, wei.
        have: U256,
        /// gas limit * max fee + blob gas * max blob fee + value, wei.
        want: U256,
    },
    /// EIP-3607: an account with code that is not a delegation cannot sign transactions.
    #[error("sender not an eoa: address {sender}")]
    SenderHasCode {
        /// Who signed.
        sender: Address,
    },
    /// EIP-7702: a set-code transaction with nothing to set.
    #[error("EIP-7702 transaction with empty auth list (sender {sender})")]
    EmptyAuthorizationList {
        /// Who signed.
        sender: Address,
    },
    /// EIP-4844: a blob transaction without blobs.
    #[error("blob transaction missing blob hashes")]
    NoBlobs,
    /// More blobs than one transaction may carry.
    #[error("too many blobs in transaction: have {have}, permitted {limit}")]
    TooManyBlobs {
        /// Blobs in the transaction.
        have: usize,
        /// The fork's limit.
        limit: usize,
    },
    /// Blobs, commitments, proofs and versioned hashes do not belong together (the KZG proofs themselves
    /// are the caller's to check).
    #[error("invalid blob sidecar: {0}")]
    Sidecar(SidecarFault),
    /// The sender fills its share of the pool.
    #[error("sender limit exceeded: {sender} has {limit} transactions in the pool")]
    SenderLimit {
        /// Who signed.
        sender: Address,
        /// [`Limits::per_sender`](super::Limits::per_sender) or the smaller one for delegated accounts.
        limit: usize,
    },
    /// The pool is full of transactions that pay at least as much.
    #[error("txpool is full")]
    Full,
}

/// What is wrong with the blobs beside a blob transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SidecarFault {
    /// A blob transaction came without its blobs.
    #[error("missing")]
    Missing,
    /// Blobs came with a transaction that has none.
    #[error("given for a transaction without blobs")]
    Unexpected,
    /// The counts differ.
    #[error("{blobs} blobs, {commitments} commitments and {cell_proofs} cell proofs for {hashes} versioned hashes")]
    Counts {
        /// Blobs given.
        blobs: usize,
        /// Commitments given.
        commitments: usize,
        /// Cell proofs given (128 for each blob, EIP-7594).
        cell_proofs: usize,
        /// Versioned hashes in the transaction.
        hashes: usize,
    },
    /// A commitment does not hash to its versioned hash.
    #[error("commitment {index} does not match its versioned hash")]
    HashMismatch {
        /// Which one.
        index: usize,
    },
}

/// Why a transaction left the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// A block holds it.
    Included,
    /// A block holds another one of this sender and nonce.
    Stale,
    /// Its sender paid more for another one of this nonce.
    Replaced {
        /// The newcomer.
        by: B256,
    },
    /// Others pay better, and the pool was full.
    Evicted,
    /// It waited too long behind a nonce gap or for funds.
    Expired,
    /// Its sender became a contract.
    SenderHasCode,
    /// The owner of the pool asked for it.
    Dropped,
}
