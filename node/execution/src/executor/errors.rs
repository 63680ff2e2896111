//! Why a block could not be built, or is not valid.

use super::{MAX_RLP_BLOCK_SIZE, OmmerError, Refused};
use crate::{evm::Log, header::HeaderError, state::StateError};
use alloy_evm::block::{BlockExecutionError, BlockValidationError};
use alloy_primitives::{Address, B256};
use std::fmt;

/// Why building failed as a whole.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ExecutionError {
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The attributes do not make a valid header on this parent.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A system call failed: the genesis lacks a system contract, or its code is not what it should be.
    #[error("system call: {0}")]
    SystemCall(SystemCallError),
    /// Requests in a rollup's block, though no transaction made one.
    #[error("the block would carry {0} execution layer requests")]
    Requests(usize),
    /// The gas limit is so low that the system calls alone fill the block access list (EIP-7928).
    #[error("the block access list would hold {items} items of at most {limit}")]
    BalFull {
        /// Accounts and slots.
        items: u64,
        /// Gas limit / 2000.
        limit: u64,
    },
    /// Ours to solve.
    #[error("internal EVM error: {0}")]
    Evm(String),
}

/// Why a block is not valid, or could not be judged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BlockError {
    /// Not the block's fault, unless the state is a witness that came with it: the state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// Not the block's fault: the EVM gave up.
    #[error("internal EVM error: {0}")]
    Evm(String),
    /// The header does not follow from its parent.
    #[error("header: {0}")]
    Header(#[from] HeaderError),
    /// Longer than EIP-7934 allows.
    #[error("the block has {len} bytes, at most {MAX_RLP_BLOCK_SIZE} are allowed")]
    TooLong {
        /// In bytes.
        len: usize,
    },
    /// Its ommers may not stand there.
    #[error(transparent)]
    Ommers(#[from] OmmerError),
    /// A list of withdrawals and a withdrawals root belong together (EIP-4895).
    #[error("the {} has withdrawals, the {} has none", if *.header { "header" } else { "body" }, if *.header { "body" } else { "header" })]
    WithdrawalsMissing {
        /// Whether it is the header that has a root; else the body has a list.
        header: bool,
    },
    /// A transaction that may not stand where it stands.
    #[error("transaction {index} ({hash}): {reason}")]
    Transaction {
        /// Position in the block.
        index: usize,
        /// Its hash.
        hash: B256,
        /// Why.
        reason: Refused,
    },
    /// A system call failed, which makes the block invalid (EIP-6110, EIP-7002, EIP-7251, EIP-8282).
    #[error("system call: {0}")]
    SystemCall(SystemCallError),
    /// Withdrawals in a rollup's block.
    #[error("a rollup block with {0} withdrawals")]
    Withdrawals(usize),
    /// Requests in a rollup's block.
    #[error("a rollup block with {0} execution layer requests")]
    Requests(usize),
    /// A hash or root in the header is not that of the content.
    #[error("{field} in the header is {got}, computed {computed}")]
    Root {
        /// Which one.
        field: Root,
        /// In the header.
        got: B256,
        /// From the content.
        computed: B256,
    },
    /// The bloom filter is not that of the logs.
    #[error("logs bloom differs")]
    Bloom,
    /// EIP-7778, EIP-8037.
    #[error("gas used in the header is {got}, computed {computed}")]
    GasUsed {
        /// In the header.
        got: u64,
        /// From execution.
        computed: u64,
    },
    /// EIP-4844.
    #[error("blob gas used in the header is {got}, computed {computed}")]
    BlobGasUsed {
        /// In the header.
        got: u64,
        /// From the transactions.
        computed: u64,
    },
    /// EIP-7928: too many accounts and slots.
    #[error("the block access list has {items} items of at most {limit}")]
    BalTooLong {
        /// Accounts and slots.
        items: u64,
        /// Gas limit / 2000.
        limit: u64,
    },
}

/// What went wrong in the steps around a block's transactions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SystemCallError {
    /// A contract that has to be there is not (EIP-7002, EIP-7251, EIP-8282).
    #[error("no code at {0}")]
    NoCode(Address),
    /// A contract reverted or halted.
    #[error("{0}")]
    Failed(String),
    /// A log of the deposit contract is not laid out as EIP-6110 says.
    #[error("deposit log: {0}")]
    DepositLog(String),
}

/// The roots and hashes in a header that follow from a block's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// Of the transactions.
    Transactions,
    /// Of the ommers.
    Ommers,
    /// Of the withdrawals.
    Withdrawals,
    /// Of the receipts.
    Receipts,
    /// Of the state after the block.
    State,
    /// EIP-7685.
    Requests,
    /// EIP-7928, of the list that execution makes.
    Bal,
    /// EIP-7928, of the list that came with the block.
    DeliveredBal,
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transactions => "transactions root",
            Self::Ommers => "ommers hash",
            Self::Withdrawals => "withdrawals root",
            Self::Receipts => "receipts root",
            Self::State => "state root",
            Self::Requests => "requests hash",
            Self::Bal => "block access list hash",
            Self::DeliveredBal => "block access list hash (of the list delivered)",
        })
    }
}

impl BlockError {
    /// Whether the failure says nothing about the block.
    pub const fn is_internal(&self) -> bool {
        matches!(self, Self::State(_) | Self::Evm(_))
    }

    pub(super) fn transaction(index: usize, hash: B256, reason: Refused) -> Self {
        match reason {
            Refused::State(error) => Self::State(error),
            Refused::Evm(error) => Self::Evm(error),
            reason => Self::Transaction { index, hash, reason },
        }
    }
}

impl From<ExecutionError> for BlockError {
    fn from(error: ExecutionError) -> Self {
        match error {
            ExecutionError::State(error) => Self::State(error),
            ExecutionError::Header(error) => Self::Header(error),
            ExecutionError::SystemCall(error) => Self::SystemCall(error),
            ExecutionError::Requests(count) => Self::Requests(count),
            ExecutionError::BalFull { items, limit } => Self::BalTooLong { items, limit },
            ExecutionError::Evm(error) => Self::Evm(error),
        }
    }
}

/// What went wrong outside transactions: in system calls.
pub(super) fn failure(error: BlockExecutionError, log: &Log) -> ExecutionError {
    if let Some(fault) = log.take_fault() {
        return ExecutionError::State(fault);
    }
    match error {
        BlockExecutionError::Validation(BlockValidationError::DepositRequestDecode(why)) => {
            ExecutionError::SystemCall(SystemCallError::DepositLog(why))
        }
        BlockExecutionError::Validation(error) => {
            ExecutionError::SystemCall(SystemCallError::Failed(error.to_string()))
        }
        BlockExecutionError::Internal(error) => ExecutionError::Evm(error.to_string()),
    }
}
