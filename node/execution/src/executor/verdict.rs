//! What became of one transaction.

use super::MAX_RLP_BLOCK_SIZE;
use crate::{evm::Log as ReadLog, state::StateError};
use alloy_evm::block::{BlockExecutionError, BlockValidationError};
use alloy_primitives::{Address, Bytes, Log};
use revm::context::result::InvalidTransaction;

/// What an included transaction did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    /// Gas the sender pays for, after refunds.
    pub gas_used: u64,
    /// Whether it neither reverted nor halted.
    pub success: bool,
    /// Its logs, EIP-7708's transfer logs among them.
    pub logs: Vec<Log>,
    /// Where a creating transaction put the contract.
    pub created: Option<Address>,
    /// What it returned, or its revert data.
    pub output: Bytes,
}

/// Why a transaction was not included. The block under construction is as it was before.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refused {
    /// It asks for more gas than is left (EIP-8037: in one of the two dimensions), or for more blobs.
    #[error("gas limit {gas_limit} does not fit the {available} left in the block")]
    BlockFull {
        /// Gas limit of the transaction, or its blob gas.
        gas_limit: u64,
        /// What is left in the dimension that is short.
        available: u64,
    },
    /// The block access list may hold so many items only (EIP-7928: gas limit / 2000).
    #[error("the block access list would hold {items} items of at most {limit}")]
    BalFull {
        /// With this transaction.
        items: u64,
        /// Allowed.
        limit: u64,
    },
    /// The caller's own limit: see [`Building::push_if`].
    #[error("does not fit the caller's budget")]
    Budget,
    /// The block would be longer than EIP-7934 allows.
    #[error("the block would have {len} bytes, at most {MAX_RLP_BLOCK_SIZE} are allowed")]
    BlockTooLong {
        /// About, in bytes.
        len: usize,
    },
    /// Its nonce is above the account's: something has to come before it.
    #[error("nonce {tx} is ahead of the account's {account}")]
    NonceAhead {
        /// Of the transaction.
        tx: u64,
        /// Of the account.
        account: u64,
    },
    /// The sender can't pay now, or offers less than the base fee: it may later.
    #[error("not payable in this block: {0}")]
    Unpayable(InvalidTransaction),
    /// Signed in a way that the rules of this block do not know.
    #[error("signature: {0}")]
    Signature(SignatureRule),
    /// A type that may not stand in a block of this chain (type 3 on a rollup).
    #[error("transactions of type {0} are not allowed on this chain")]
    Type(u8),
    /// It would make an EIP-7685 request, which EXECUTE refuses in a rollup's block.
    #[error("touches {0}, which would make an execution layer request")]
    Request(Address),
    /// Invalid for ever: wrong chain, signature, nonce already used, intrinsic gas.
    #[error("invalid: {0}")]
    Invalid(InvalidTransaction),
    /// Ours to solve: the state could not be read. Stop building.
    #[error(transparent)]
    State(StateError),
    /// Ours to solve: the EVM gave up for a reason that is no fault of the transaction's.
    #[error("internal EVM error: {0}")]
    Evm(String),
}

/// A rule about signatures that came with a fork.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureRule {
    /// Homestead (EIP-2): s is in the lower half.
    #[error("s is in the upper half of the curve's order")]
    HighS,
    /// Before Spurious Dragon (EIP-155) no signature names a chain.
    #[error("it names a chain, which no rule knows yet")]
    NamesChain,
}

/// What to do with a refused transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Keep it: it may fit a later block.
    Later,
    /// Drop it.
    Never,
    /// It was not its fault; building can't go on.
    Broken,
}

impl Refused {
    /// What to do with the transaction.
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::BlockFull { .. }
            | Self::BalFull { .. }
            | Self::Budget
            | Self::BlockTooLong { .. }
            | Self::NonceAhead { .. }
            | Self::Unpayable(_) => Verdict::Later,
            Self::Signature(_) | Self::Type(_) | Self::Request(_) | Self::Invalid(_) => Verdict::Never,
            Self::State(_) | Self::Evm(_) => Verdict::Broken,
        }
    }
}

/// What revm or alloy-evm had against a transaction, as a [`Refused`].
pub(super) fn refusal(error: BlockExecutionError, log: &ReadLog) -> Refused {
    use InvalidTransaction as I;
    if let Some(fault) = log.take_fault() {
        return Refused::State(fault);
    }
    match error {
        BlockExecutionError::Validation(BlockValidationError::TransactionGasLimitMoreThanAvailableBlockGas {
            transaction_gas_limit,
            block_available_gas,
        }) => Refused::BlockFull { gas_limit: transaction_gas_limit, available: block_available_gas },
        BlockExecutionError::Validation(BlockValidationError::InvalidTx { error, .. }) => {
            match error.as_invalid_tx_err().cloned() {
                Some(I::NonceTooHigh { tx, state }) => Refused::NonceAhead { tx, account: state },
                Some(
                    reason @ (I::LackOfFundForMaxFee { .. }
                    | I::GasPriceLessThanBasefee
                    | I::BlobGasPriceGreaterThanMax { .. }),
                ) => Refused::Unpayable(reason),
                Some(reason) => Refused::Invalid(reason),
                None => Refused::Evm(error.to_string()),
            }
        }
        // What is left says nothing about the transaction: the database failed, or a step that is no transaction's.
        BlockExecutionError::Validation(error) => Refused::Evm(error.to_string()),
        BlockExecutionError::Internal(error) => Refused::Evm(error.to_string()),
    }
}
