//! Why Basalt refused a block or a transaction of a fixture, and which of the names in fixtures say the same. The one table of
//! this: a refusal under another name is a failed case. Must not know the cases.

use alloy_rlp::Error as Rlp;
use execution::{
    Refused,
    executor::{BlockError, OmmerError, Root, SignatureRule, SystemCallError},
    header::HeaderError,
};
use revm::context::result::InvalidTransaction as Tx;

/// A refusal on our side.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The bytes are no block; with the first transaction that is none, where that is why.
    #[error("block RLP: {error}{}", .transaction.as_ref().map(|error| format!(" (in a transaction: {error})")).unwrap_or_default())]
    BlockRlp { error: Rlp, transaction: Option<Rlp> },
    /// The bytes are no transaction.
    #[error("transaction RLP: {0}")]
    TransactionRlp(Rlp),
    /// A type byte that names no transaction type, or one that the fork does not know; and what else is wrong with the bytes.
    #[error("transaction type {kind} is unknown")]
    TransactionType { kind: u8, error: Option<Rlp> },
    /// No public key belongs to the signature, or it breaks a rule about signatures.
    #[error("transaction {index}: the signature is nobody's")]
    Signature { index: usize },
    /// The parent was never imported.
    #[error("the parent is unknown")]
    UnknownParent,
    /// An engine payload that does not hash to what it says.
    #[error("the payload hashes to {got}, it says {said}")]
    BlockHash { got: alloy_primitives::B256, said: alloy_primitives::B256 },
    /// The versioned hashes beside an engine payload are not those of its transactions.
    #[error("versioned hashes are not those of the transactions")]
    VersionedHashes,
    /// Import refused it.
    #[error(transparent)]
    Block(#[from] BlockError),
}

/// Every name that fixtures have for this refusal, without the `BlockException.` or `TransactionException.` before it.
fn names(refusal: &Refusal) -> Vec<&'static str> {
    let names = match refusal {
        Refusal::BlockRlp { error, transaction } => {
            let inner = transaction.as_ref().map_or(&[][..], transaction_rlp);
            return [block_rlp(error), inner].concat();
        }
        Refusal::TransactionRlp(error) => transaction_rlp(error),
        // Of two things wrong, a fixture names one.
        Refusal::TransactionType { error, .. } => {
            let unknown = ["TYPE_NOT_SUPPORTED", "TYPE_3_TX_PRE_FORK", "TYPE_4_TX_PRE_FORK", "RLP_INVALID_HEADER"];
            return [&unknown[..], error.as_ref().map_or(&[][..], transaction_rlp)].concat();
        }
        Refusal::Signature { .. } => &["INVALID_SIGNATURE_VRS", "EC_RECOVERY_FAIL", "INVALID_CHAINID"],
        Refusal::UnknownParent => &["UNKNOWN_PARENT", "UNKNOWN_PARENT_ZERO"],
        Refusal::BlockHash { .. } => &["INVALID_BLOCK_HASH"],
        Refusal::VersionedHashes => &["INVALID_VERSIONED_HASHES"],
        Refusal::Block(error) => block(error),
    };
    names.to_vec()
}

fn block(error: &BlockError) -> &'static [&'static str] {
    match error {
        BlockError::Header(error) => header(error),
        BlockError::TooLong { .. } => &["RLP_BLOCK_LIMIT_EXCEEDED"],
        BlockError::Ommers(error) => ommers(error),
        BlockError::WithdrawalsMissing { .. } => &["INCORRECT_BLOCK_FORMAT", "INVALID_WITHDRAWALS_ROOT"],
        BlockError::Transaction { reason, .. } => transaction(reason),
        BlockError::SystemCall(SystemCallError::NoCode(_)) => &["SYSTEM_CONTRACT_EMPTY"],
        BlockError::SystemCall(SystemCallError::Failed(_)) => &["SYSTEM_CONTRACT_CALL_FAILED"],
        BlockError::SystemCall(SystemCallError::DepositLog(_)) => &["INVALID_DEPOSIT_EVENT_LAYOUT"],
        BlockError::Root { field, .. } => match field {
            Root::Transactions => &["INVALID_TRANSACTIONS_ROOT"],
            Root::Ommers => &["INVALID_UNCLES_HASH"],
            Root::Withdrawals => &["INVALID_WITHDRAWALS_ROOT"],
            Root::Receipts => &["INVALID_RECEIPTS_ROOT"],
            Root::State => &["INVALID_STATE_ROOT"],
            Root::Requests => &["INVALID_REQUESTS"],
            Root::Bal | Root::DeliveredBal => &["INVALID_BAL_HASH", "INVALID_BLOCK_ACCESS_LIST"],
        },
        BlockError::Bloom => &["INVALID_LOG_BLOOM"],
        BlockError::GasUsed { .. } => &["INVALID_GAS_USED"],
        BlockError::BlobGasUsed { .. } => &["INCORRECT_BLOB_GAS_USED"],
        BlockError::BalTooLong { .. } => &["BLOCK_ACCESS_LIST_GAS_LIMIT_EXCEEDED", "INVALID_BLOCK_ACCESS_LIST"],
        // Faults of ours, and rules that only rollups have.
        BlockError::State(_) | BlockError::Evm(_) | BlockError::Withdrawals(_) | BlockError::Requests(_) => &[],
    }
}

fn ommers(error: &OmmerError) -> &'static [&'static str] {
    match error {
        OmmerError::AfterMerge(_) => &["IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS", "TOO_MANY_UNCLES"],
        OmmerError::TooMany(_) => &["TOO_MANY_UNCLES"],
        OmmerError::Again(_) => &["UNCLE_IN_CHAIN"],
        OmmerError::Ancestor(_) => &["UNCLE_IS_ANCESTOR"],
        OmmerError::Unrelated(_) => &["UNCLE_UNKNOWN_PARENT", "UNCLE_IS_BROTHER", "UNCLE_PARENT_INCORRECT"],
        OmmerError::Header { reason, .. } => header(reason),
    }
}

fn header(error: &HeaderError) -> &'static [&'static str] {
    match error {
        HeaderError::ParentHash { .. } => &["UNKNOWN_PARENT", "UNKNOWN_PARENT_ZERO"],
        HeaderError::Number { .. } => &["INVALID_BLOCK_NUMBER"],
        HeaderError::Timestamp { .. } => &["INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT"],
        HeaderError::GasLimitStep { .. } => &["INVALID_GASLIMIT"],
        HeaderError::GasLimitRange(_) => &["INVALID_GASLIMIT", "GASLIMIT_TOO_BIG"],
        HeaderError::GasUsed { .. } => &["INVALID_GAS_USED_ABOVE_LIMIT", "GAS_USED_OVERFLOW", "INVALID_GAS_USED"],
        HeaderError::BaseFee { .. } => &["INVALID_BASEFEE_PER_GAS"],
        HeaderError::ExtraData(_) => &["EXTRA_DATA_TOO_BIG"],
        HeaderError::Difficulty { .. } => &["INVALID_DIFFICULTY", "IMPORT_IMPOSSIBLE_LEGACY"],
        // Said by the builder only.
        HeaderError::Mined(_) => &[],
        HeaderError::Constant("difficulty") => {
            &["IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS", "INVALID_DIFFICULTY", "IMPORT_IMPOSSIBLE_PARIS_WRONG_POW"]
        }
        HeaderError::Constant("ommers hash") => &["IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS", "INVALID_UNCLES_HASH"],
        HeaderError::Constant(_) => &["IMPORT_IMPOSSIBLE_PARIS_WRONG_POW"],
        HeaderError::Missing(_) | HeaderError::Unexpected(_) => &["INCORRECT_BLOCK_FORMAT"],
        // The header's claim is the sum of its transactions' blobs, and it is looked at first.
        HeaderError::BlobGasUsed { .. } => &[
            "BLOB_GAS_USED_ABOVE_LIMIT",
            "INCORRECT_BLOB_GAS_USED",
            "TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED",
            "TYPE_3_TX_BLOB_COUNT_EXCEEDED",
        ],
        HeaderError::ExcessBlobGas { .. } | HeaderError::ParentExcessBlobGas(_) => &["INCORRECT_EXCESS_BLOB_GAS"],
    }
}

fn transaction(reason: &Refused) -> &'static [&'static str] {
    match reason {
        Refused::BlockFull { .. } => &["GAS_ALLOWANCE_EXCEEDED", "TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED"],
        Refused::BlockTooLong { .. } => &["RLP_BLOCK_LIMIT_EXCEEDED"],
        Refused::NonceAhead { .. } => &["NONCE_MISMATCH_TOO_HIGH"],
        Refused::Unpayable(reason) | Refused::Invalid(reason) => invalid(reason),
        Refused::Signature(SignatureRule::HighS) => &["INVALID_SIGNATURE_VRS"],
        Refused::Signature(SignatureRule::NamesChain) => &["INVALID_SIGNATURE_VRS", "INVALID_CHAINID"],
        // The builder's own limits, rollups' rules and faults of ours.
        Refused::BalFull { .. }
        | Refused::Budget
        | Refused::Type(_)
        | Refused::Request(_)
        | Refused::State(_)
        | Refused::Evm(_) => &[],
    }
}

fn invalid(reason: &Tx) -> &'static [&'static str] {
    match reason {
        Tx::PriorityFeeGreaterThanMaxFee => {
            &["PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS", "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS_2"]
        }
        Tx::GasPriceLessThanBasefee => &["INSUFFICIENT_MAX_FEE_PER_GAS"],
        Tx::CallerGasLimitMoreThanBlock => &["GAS_ALLOWANCE_EXCEEDED"],
        Tx::CallGasCostMoreThanGasLimit { .. } => &["INTRINSIC_GAS_TOO_LOW"],
        Tx::GasFloorMoreThanGasLimit { .. } => &["INTRINSIC_GAS_BELOW_FLOOR_GAS_COST", "INTRINSIC_GAS_TOO_LOW"],
        Tx::RejectCallerWithCode => &["SENDER_NOT_EOA"],
        Tx::LackOfFundForMaxFee { .. } => &["INSUFFICIENT_ACCOUNT_FUNDS"],
        Tx::OverflowPaymentInTransaction => &["GASLIMIT_PRICE_PRODUCT_OVERFLOW"],
        Tx::NonceOverflowInTransaction => &["NONCE_IS_MAX", "NONCE_TOO_BIG"],
        Tx::NonceTooHigh { .. } => &["NONCE_MISMATCH_TOO_HIGH"],
        Tx::NonceTooLow { .. } => &["NONCE_MISMATCH_TOO_LOW"],
        Tx::CreateInitCodeSizeLimit => &["INITCODE_SIZE_EXCEEDED"],
        Tx::InvalidChainId | Tx::MissingChainId => &["INVALID_CHAINID"],
        Tx::TxGasLimitGreaterThanCap { .. } => &["GAS_LIMIT_EXCEEDS_MAXIMUM"],
        Tx::AccessListNotSupported | Tx::Eip2930NotSupported => &["TYPE_NOT_SUPPORTED", "TYPE_1_TX_PRE_FORK"],
        Tx::Eip1559NotSupported => &["TYPE_NOT_SUPPORTED", "TYPE_2_TX_PRE_FORK"],
        Tx::Eip4844NotSupported | Tx::MaxFeePerBlobGasNotSupported | Tx::BlobVersionedHashesNotSupported => {
            &["TYPE_NOT_SUPPORTED", "TYPE_3_TX_PRE_FORK", "TYPE_3_TX_ZERO_BLOBS_PRE_FORK"]
        }
        Tx::Eip7702NotSupported | Tx::AuthorizationListNotSupported => &["TYPE_NOT_SUPPORTED", "TYPE_4_TX_PRE_FORK"],
        Tx::BlobGasPriceGreaterThanMax { .. } => &["INSUFFICIENT_MAX_FEE_PER_BLOB_GAS"],
        Tx::EmptyBlobs => &["TYPE_3_TX_ZERO_BLOBS"],
        Tx::BlobCreateTransaction => &["TYPE_3_TX_CONTRACT_CREATION"],
        Tx::TooManyBlobs { .. } => &["TYPE_3_TX_BLOB_COUNT_EXCEEDED", "TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED"],
        Tx::BlobVersionNotSupported => &["TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH"],
        Tx::AuthorizationListInvalidFields => &["TYPE_4_INVALID_AUTHORIZATION_FORMAT"],
        Tx::EmptyAuthorizationList => &["TYPE_4_EMPTY_AUTHORIZATION_LIST"],
        Tx::Eip7873NotSupported | Tx::Eip7873MissingTarget | Tx::Str(_) => &[],
    }
}

/// A block whose fields do not decode; its transactions are part of it.
fn block_rlp(error: &Rlp) -> &'static [&'static str] {
    const ANY: &[&str] = &[
        "RLP_STRUCTURES_ENCODING",
        "RLP_WITHDRAWALS_NOT_READ",
        "INCORRECT_BLOCK_FORMAT",
        "TYPE_3_TX_WITH_FULL_BLOBS",
        "TYPE_3_TX_CONTRACT_CREATION",
        "TYPE_4_TX_CONTRACT_CREATION",
        "TYPE_4_INVALID_AUTHORIZATION_FORMAT",
        "TYPE_NOT_SUPPORTED",
    ];
    match error {
        // Where a header lacks a field, the next one stands in its place, and is too long for it.
        Rlp::Overflow => &[
            "RLP_STRUCTURES_ENCODING",
            "INCORRECT_BLOCK_FORMAT",
            "RLP_INVALID_FIELD_OVERFLOW_64",
            "GASLIMIT_TOO_BIG",
            "TYPE_4_INVALID_AUTHORIZATION_FORMAT",
        ],
        Rlp::UnexpectedLength | Rlp::ListLengthMismatch { .. } => &[
            "RLP_STRUCTURES_ENCODING",
            "RLP_INVALID_ADDRESS",
            "RLP_WITHDRAWALS_NOT_READ",
            "INCORRECT_BLOCK_FORMAT",
            "TYPE_3_TX_WITH_FULL_BLOBS",
            "TYPE_3_TX_CONTRACT_CREATION",
            "TYPE_4_TX_CONTRACT_CREATION",
            "TYPE_4_INVALID_AUTHORIZATION_FORMAT",
        ],
        _ => ANY,
    }
}

/// One transaction's bytes. alloy says what is wrong, not in which field, so each of its errors stands for a group of names.
fn transaction_rlp(error: &Rlp) -> &'static [&'static str] {
    match error {
        Rlp::Overflow => &[
            "NONCE_OVERFLOW",
            "GASLIMIT_OVERFLOW",
            "VALUE_OVERFLOW",
            "GASPRICE_OVERFLOW",
            "PRIORITY_OVERFLOW",
            "RLP_INVALID_SIGNATURE_R",
            "RLP_INVALID_SIGNATURE_S",
            "RLP_INVALID_NONCE",
            "RLP_INVALID_GASLIMIT",
            "RLP_INVALID_VALUE",
            "INVALID_SIGNATURE_VRS",
            "INVALID_CHAINID",
            // Prices of more than 128 bits do not decode: no account could pay them.
            "GASLIMIT_PRICE_PRODUCT_OVERFLOW",
            "INSUFFICIENT_ACCOUNT_FUNDS",
            "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS_2",
            // Where a field is missing, the next one stands in its place.
            "RLP_TOO_FEW_ELEMENTS",
            // The length of an integer is looked at before its zeros.
            "RLP_LEADING_ZEROS_GASLIMIT",
            "RLP_LEADING_ZEROS_GASPRICE",
            "RLP_LEADING_ZEROS_VALUE",
            "RLP_LEADING_ZEROS_NONCE",
            "RLP_LEADING_ZEROS_R",
            "RLP_LEADING_ZEROS_S",
            "RLP_LEADING_ZEROS_V",
            "RLP_LEADING_ZEROS_BASEFEE",
            "RLP_LEADING_ZEROS_PRIORITY_FEE",
        ],
        Rlp::LeadingZero | Rlp::NonCanonicalSingleByte | Rlp::NonCanonicalSize => &[
            "RLP_LEADING_ZEROS_GASLIMIT",
            "RLP_LEADING_ZEROS_GASPRICE",
            "RLP_LEADING_ZEROS_VALUE",
            "RLP_LEADING_ZEROS_NONCE",
            "RLP_LEADING_ZEROS_R",
            "RLP_LEADING_ZEROS_S",
            "RLP_LEADING_ZEROS_V",
            "RLP_LEADING_ZEROS_BASEFEE",
            "RLP_LEADING_ZEROS_PRIORITY_FEE",
            "RLP_LEADING_ZEROS_DATA_SIZE",
            "RLP_LEADING_ZEROS_NONCE_SIZE",
            "RLP_ERROR_SIZE_LEADING_ZEROS",
            "RLP_ERROR_SIZE",
        ],
        Rlp::InputTooShort => &["RLP_ERROR_EOF", "RLP_ERROR_SIZE", "RLP_TOO_FEW_ELEMENTS", "RLP_INVALID_HEADER"],
        Rlp::UnexpectedLength | Rlp::ListLengthMismatch { .. } => &[
            "ADDRESS_TOO_SHORT",
            "ADDRESS_TOO_LONG",
            "RLP_TOO_FEW_ELEMENTS",
            "RLP_TOO_MANY_ELEMENTS",
            "RLP_ERROR_SIZE",
            "RLP_INVALID_TO",
            "RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_LONG",
            "RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_SHORT",
            "RLP_INVALID_ACCESS_LIST_STORAGE_TOO_LONG",
            "RLP_INVALID_ACCESS_LIST_STORAGE_TOO_SHORT",
            "TYPE_3_TX_CONTRACT_CREATION",
            "TYPE_4_TX_CONTRACT_CREATION",
        ],
        Rlp::UnexpectedString | Rlp::UnexpectedList => &[
            "RLP_INVALID_DATA",
            "RLP_INVALID_TO",
            "RLP_INVALID_NONCE",
            "RLP_INVALID_GASLIMIT",
            "RLP_INVALID_VALUE",
            "RLP_INVALID_SIGNATURE_R",
            "RLP_INVALID_SIGNATURE_S",
            "RLP_INVALID_HEADER",
            "RLP_ERROR_SIZE",
        ],
        Rlp::Custom(_) => &["INVALID_CHAINID", "INVALID_SIGNATURE_VRS", "RLP_INVALID_HEADER", "TYPE_NOT_SUPPORTED"],
    }
}

/// What a fixture expects: names separated by `|`.
#[derive(Clone, Debug)]
pub(crate) struct Expected(pub(crate) String);

impl Expected {
    /// Whether `refusal` is one of those named; the error says what it is instead.
    pub(crate) fn check(&self, refusal: &Refusal) -> Result<(), String> {
        let ours = names(refusal);
        let theirs = || self.0.split('|').map(|name| modern(bare(name)));
        if theirs().any(|name| ours.contains(&name)) {
            return Ok(());
        }
        let ours = if ours.is_empty() { "no fixture's name" } else { &ours.join(", ") };
        Err(format!("refused as {refusal:?} ({refusal}), which is {ours}, expected {}", self.0))
    }
}

fn bare(name: &str) -> &str {
    let name = name.trim();
    name.rsplit_once('.').map_or(name, |(_, name)| name)
}

/// Names of fixtures from before 2024 in today's words.
fn modern(name: &str) -> &str {
    match name {
        "TR_NoFunds" | "TR_NoFundsX" | "TR_NoFundsOrGas" => "INSUFFICIENT_ACCOUNT_FUNDS",
        "TR_TypeNotSupported" | "TR_TypeNotSupportedBlob" => "TYPE_NOT_SUPPORTED",
        "TR_GasLimitReached" => "GAS_ALLOWANCE_EXCEEDED",
        "TR_IntrinsicGas" | "IntrinsicGas" => "INTRINSIC_GAS_TOO_LOW",
        "TR_FeeCapLessThanBlocks" | "TR_FeeCapLessThanBlocksORNoFunds" => "INSUFFICIENT_MAX_FEE_PER_GAS",
        "TR_FeeCapLessThanBlocksORGasLimitReached" => "INSUFFICIENT_MAX_FEE_PER_GAS",
        "TR_TipGtFeeCap" => "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS",
        "TR_NonceHasMaxValue" => "NONCE_IS_MAX",
        "TR_NonceTooHigh" => "NONCE_MISMATCH_TOO_HIGH",
        "TR_NonceTooLow" => "NONCE_MISMATCH_TOO_LOW",
        "TR_InitCodeLimitExceeded" => "INITCODE_SIZE_EXCEEDED",
        "TR_EMPTYBLOB" => "TYPE_3_TX_ZERO_BLOBS",
        "TR_BLOBCREATE" => "TYPE_3_TX_CONTRACT_CREATION",
        "TR_BLOBVERSION_INVALID" => "TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH",
        "TR_BLOBLIST_OVERSIZE" => "TYPE_3_TX_BLOB_COUNT_EXCEEDED",
        "TR_RLP_WRONGVALUE" | "TR_RLP_ERROR" => "RLP_STRUCTURES_ENCODING",
        "SenderNotEOA" | "SenderNotEOAorNoCODE" => "SENDER_NOT_EOA",
        "3675PoWBlockRejected" => "IMPORT_IMPOSSIBLE_PARIS_WRONG_POW",
        "3675PreParis1559BlockRejected" => "IMPORT_IMPOSSIBLE_LONDON_OVER_PARIS",
        "3675PoSBlockRejected" => "IMPORT_IMPOSSIBLE_PARIS_WRONG_POS",
        "1559BlockImportImpossible_HeaderIsLegacy" => "IMPORT_IMPOSSIBLE_LEGACY",
        "1559BlockImportImpossible_BaseFeeWrong" => "INVALID_BASEFEE_PER_GAS",
        "1559BlockImportImpossible_TargetGasHigh" | "1559BlockImportImpossible_TargetGasLow" => "INVALID_GASLIMIT",
        "1559BlockImportImpossible_InitialGasLimitInvalid" | "InvalidGasLimit" | "InvalidGasLimit2" => {
            "INVALID_GASLIMIT"
        }
        "LegacyBlockImportImpossible" => "IMPORT_IMPOSSIBLE_LEGACY",
        "LegacyBlockImportImpossible2" => "IMPORT_IMPOSSIBLE_LEGACY_WRONG_PARENT",
        "TooMuchGasUsed" => "INVALID_GAS_USED_ABOVE_LIMIT",
        "TooMuchGasUsed2" | "InvalidGasUsed" => "INVALID_GAS_USED",
        "UnknownParent" | "UnknownParent2" => "UNKNOWN_PARENT",
        "ExtraDataTooBig" => "EXTRA_DATA_TOO_BIG",
        "InvalidDifficulty" | "InvalidDifficulty2" => "INVALID_DIFFICULTY",
        "InvalidNumber" => "INVALID_BLOCK_NUMBER",
        "InvalidTimestampOlderParent" | "InvalidTimestampEqualParent" => "INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT",
        "InvalidLogBloom" => "INVALID_LOG_BLOOM",
        "InvalidStateRoot" => "INVALID_STATE_ROOT",
        "InvalidReceiptsStateRoot" | "InvalidReceiptsRoot" => "INVALID_RECEIPTS_ROOT",
        "InvalidTransactionsRoot" => "INVALID_TRANSACTIONS_ROOT",
        "InvalidUnclesHash" => "INVALID_UNCLES_HASH",
        "TooManyUncles" => "TOO_MANY_UNCLES",
        "UncleIsBrother" => "UNCLE_IS_BROTHER",
        "UncleIsAncestor" | "OVM_UncleIsAncestor" => "UNCLE_IS_ANCESTOR",
        "UncleInChain" => "UNCLE_IN_CHAIN",
        "UncleParentIncorrect" => "UNCLE_PARENT_INCORRECT",
        "InvalidWithdrawals" => "INVALID_WITHDRAWALS_ROOT",
        "RLP_BODY_UNMARSHAL_ERROR" | "RLP_INVALID_FIELD_STRUCTURE" | "BLOCK_RLP_WithdrawalsNotRead" => {
            "RLP_STRUCTURES_ENCODING"
        }
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_passes_under_any_name_of_its_rule_and_under_no_other() {
        let refusal = Refusal::Block(BlockError::Bloom);
        let check = |names: &str| Expected(names.into()).check(&refusal);
        assert!(check("BlockException.INVALID_LOG_BLOOM").is_ok());
        assert!(check("TransactionException.NONCE_IS_MAX|BlockException.INVALID_LOG_BLOOM").is_ok());
        assert!(check("InvalidLogBloom").is_ok());
        assert!(check("BlockException.INVALID_STATE_ROOT").unwrap_err().contains("INVALID_LOG_BLOOM"));
    }

    #[test]
    fn a_fault_of_ours_has_no_fixture_name() {
        let refusal = Refusal::Block(BlockError::Evm("disk".into()));
        assert!(Expected("BlockException.INVALID_STATE_ROOT".into()).check(&refusal).is_err());
    }
}
