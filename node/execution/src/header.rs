//! Header rules of every fork, Frontier to Amsterdam: how a header follows from its parent and the proposer's choices, and what makes one
//! invalid. Seals of mined blocks are not checked (see `difficulty`).
//!
//! Must not know: what the block's transactions do. Results (roots, gas used, bloom, BAL hash) are compared in `executor`.

mod difficulty;
#[cfg(test)]
mod tests;

use crate::block::SealedHeader;
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Header};
use alloy_eips::{
    eip1559::{BaseFeeParams, INITIAL_BASE_FEE},
    eip4844::DATA_GAS_PER_BLOB,
};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, B64, B256, Bytes, U256};
use chainspec::ChainSpec;
pub use difficulty::DIFFICULTY_MIN;

/// Yellow Paper, section 4.4.4.
pub const EXTRA_DATA_MAX: usize = 32;
/// Least gas limit of a block (Yellow Paper, equation 56).
pub const GAS_LIMIT_MIN: u64 = 5_000;
/// A gas limit moves by less than this fraction of the parent's.
pub const GAS_LIMIT_STEP_DIVISOR: u64 = 1_024;
/// Excess blob gas, in update fractions, above which a blob's price would leave 128 bits: e^88.7 > 2^128. Computing it anyway would take
/// a forged parent header for ever.
pub const EXCESS_FRACTIONS_MAX: u128 = 88;
/// EIP-1985: gas limits fit a signed 64 bit integer.
pub const GAS_LIMIT_MAX: u64 = i64::MAX as u64;
/// EIP-1559: by what London multiplies the gas limit, so that the old limit becomes the target.
pub const ELASTICITY: u64 = 2;

/// What a proposer chooses about a block; the rest follows from parent and transactions. Withdrawals are always empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    /// Seconds; above the parent's.
    pub timestamp: u64,
    /// Who gets the tips.
    pub fee_recipient: Address,
    /// PREVRANDAO (EIP-4399).
    pub prev_randao: B256,
    /// Less than 1/1024 away from the parent's, at least 5000.
    pub gas_limit: u64,
    /// What EIP-4788 stores; the anchor, on a rollup.
    pub parent_beacon_block_root: B256,
    /// At most 32 bytes.
    pub extra_data: Bytes,
    /// EIP-7843; ignored before Amsterdam.
    pub slot_number: u64,
}

/// Which header rule is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Not a child of this parent.
    #[error("parent hash is {got}, the parent's is {parent}")]
    ParentHash {
        /// In the header.
        got: B256,
        /// Of the parent.
        parent: B256,
    },
    /// Not the next number.
    #[error("number is {got}, the parent's {parent}")]
    Number {
        /// In the header.
        got: u64,
        /// Of the parent.
        parent: u64,
    },
    /// Time does not move on.
    #[error("timestamp {got} is not after the parent's {parent}")]
    Timestamp {
        /// In the header, seconds.
        got: u64,
        /// Of the parent.
        parent: u64,
    },
    /// Further than 1/1024 from the parent's gas limit.
    #[error("gas limit {got} is too far from the parent's {parent}")]
    GasLimitStep {
        /// In the header.
        got: u64,
        /// Of the parent; twice that in London's first block.
        parent: u64,
    },
    /// Outside [5000, 2^63).
    #[error("gas limit {0} is out of range")]
    GasLimitRange(u64),
    /// More gas used than allowed.
    #[error("gas used {used} is above the gas limit {limit}")]
    GasUsed {
        /// In the header.
        used: u64,
        /// In the header.
        limit: u64,
    },
    /// EIP-1559.
    #[error("base fee is {got:?}, must be {expected}")]
    BaseFee {
        /// In the header.
        got: Option<u64>,
        /// From the parent.
        expected: u64,
    },
    /// More than 32 bytes.
    #[error("extra data has {0} bytes, at most 32 are allowed")]
    ExtraData(usize),
    /// While blocks were mined: not the difficulty that follows from the parent.
    #[error("difficulty is {got}, must be {expected}")]
    Difficulty {
        /// In the header.
        got: U256,
        /// From parent and timestamp.
        expected: U256,
    },
    /// Blocks older than the merge are executed, not built: nobody here mines.
    #[error("block {0} is older than the merge and can't be built")]
    Mined(u64),
    /// A constant since the merge (EIP-3675): difficulty, nonce, ommers hash.
    #[error("{0} is not what it has to be since the merge")]
    Constant(&'static str),
    /// A field that this fork requires.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field that this fork does not know.
    #[error("{0} is set before its fork")]
    Unexpected(&'static str),
    /// EIP-4844: above the maximum or no multiple of a blob's gas.
    #[error("blob gas used {got} is not a number of blobs up to {max} gas")]
    BlobGasUsed {
        /// In the header.
        got: u64,
        /// Most blob gas a block may use.
        max: u64,
    },
    /// EIP-4844, EIP-7918.
    #[error("excess blob gas is {got:?}, must be {expected}")]
    ExcessBlobGas {
        /// In the header.
        got: Option<u64>,
        /// From the parent.
        expected: u64,
    },
    /// The parent's excess blob gas is beyond any price that could have been paid: its header is forged.
    #[error("the parent's excess blob gas {0} can't be")]
    ParentExcessBlobGas(u64),
}

/// The header of a child of `parent`, as far as it is known before its transactions: no roots, no gas used, no bloom.
pub fn next(spec: &ChainSpec, parent: &SealedHeader, attributes: &Attributes) -> Result<Header, HeaderError> {
    let number = parent.number.checked_add(1).ok_or(HeaderError::Number { got: 0, parent: parent.number })?;
    if !spec.is_paris_active_at_block(number) {
        return Err(HeaderError::Mined(number));
    }
    let amsterdam = spec.is_amsterdam_active_at_timestamp(attributes.timestamp);
    let cancun = spec.is_cancun_active_at_timestamp(attributes.timestamp);
    let header = Header {
        parent_hash: parent.hash(),
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: attributes.fee_recipient,
        number,
        gas_limit: attributes.gas_limit,
        timestamp: attributes.timestamp,
        extra_data: attributes.extra_data.clone(),
        mix_hash: attributes.prev_randao,
        base_fee_per_gas: base_fee(spec, parent),
        withdrawals_root: spec.is_shanghai_active_at_timestamp(attributes.timestamp).then_some(EMPTY_ROOT_HASH),
        blob_gas_used: cancun.then_some(0),
        excess_blob_gas: excess_blob_gas(spec, parent, attributes.timestamp)?,
        parent_beacon_block_root: cancun.then_some(attributes.parent_beacon_block_root),
        requests_hash: spec.is_prague_active_at_timestamp(attributes.timestamp).then_some(B256::ZERO),
        block_access_list_hash: amsterdam.then_some(B256::ZERO),
        slot_number: amsterdam.then_some(attributes.slot_number),
        ..Default::default()
    };
    validate(spec, parent, &header)?;
    Ok(header)
}

/// Checks everything in `header` that does not depend on its transactions.
pub fn validate(spec: &ChainSpec, parent: &SealedHeader, header: &Header) -> Result<(), HeaderError> {
    if header.parent_hash != parent.hash() {
        return Err(HeaderError::ParentHash { got: header.parent_hash, parent: parent.hash() });
    }
    if Some(header.number) != parent.number.checked_add(1) {
        return Err(HeaderError::Number { got: header.number, parent: parent.number });
    }
    if header.timestamp <= parent.timestamp {
        return Err(HeaderError::Timestamp { got: header.timestamp, parent: parent.timestamp });
    }
    if header.extra_data.len() > EXTRA_DATA_MAX {
        return Err(HeaderError::ExtraData(header.extra_data.len()));
    }
    if spec.is_paris_active_at_block(header.number) {
        let constants = [
            ("difficulty", header.difficulty == U256::ZERO),
            ("nonce", header.nonce == B64::ZERO),
            ("ommers hash", header.ommers_hash == EMPTY_OMMER_ROOT_HASH),
        ];
        if let Some((name, _)) = constants.iter().find(|(_, holds)| !holds) {
            return Err(HeaderError::Constant(name));
        }
    } else {
        let expected = difficulty::expected(spec, parent, header.timestamp);
        if header.difficulty != expected {
            return Err(HeaderError::Difficulty { got: header.difficulty, expected });
        }
    }
    gas(spec, parent, header)?;
    presence(spec, header)?;
    blobs(spec, parent, header)
}

fn gas(spec: &ChainSpec, parent: &Header, header: &Header) -> Result<(), HeaderError> {
    let limit = header.gas_limit;
    let first = spec.is_london_active_at_block(header.number) && !spec.is_london_active_at_block(parent.number);
    let before = if first { parent.gas_limit.saturating_mul(ELASTICITY) } else { parent.gas_limit };
    if !(GAS_LIMIT_MIN..=GAS_LIMIT_MAX).contains(&limit) {
        return Err(HeaderError::GasLimitRange(limit));
    }
    if limit.abs_diff(before) >= before / GAS_LIMIT_STEP_DIVISOR && limit != before {
        return Err(HeaderError::GasLimitStep { got: limit, parent: before });
    }
    if header.gas_used > limit {
        return Err(HeaderError::GasUsed { used: header.gas_used, limit });
    }
    match (header.base_fee_per_gas, base_fee(spec, parent)) {
        (Some(_), None) => Err(HeaderError::Unexpected("base fee")),
        (got, Some(expected)) if got != Some(expected) => Err(HeaderError::BaseFee { got, expected }),
        _ => Ok(()),
    }
}

/// Which optional fields a header has is a matter of its fork alone.
fn presence(spec: &ChainSpec, header: &Header) -> Result<(), HeaderError> {
    let time = header.timestamp;
    let cancun = spec.is_cancun_active_at_timestamp(time);
    let amsterdam = spec.is_amsterdam_active_at_timestamp(time);
    let fields = [
        ("withdrawals root", header.withdrawals_root.is_some(), spec.is_shanghai_active_at_timestamp(time)),
        ("blob gas used", header.blob_gas_used.is_some(), cancun),
        ("excess blob gas", header.excess_blob_gas.is_some(), cancun),
        ("parent beacon block root", header.parent_beacon_block_root.is_some(), cancun),
        ("requests hash", header.requests_hash.is_some(), spec.is_prague_active_at_timestamp(time)),
        ("block access list hash", header.block_access_list_hash.is_some(), amsterdam),
        ("slot number", header.slot_number.is_some(), amsterdam),
    ];
    match fields.into_iter().find(|(_, is, must)| is != must) {
        None => Ok(()),
        Some((name, _, true)) => Err(HeaderError::Missing(name)),
        Some((name, _, false)) => Err(HeaderError::Unexpected(name)),
    }
}

fn blobs(spec: &ChainSpec, parent: &Header, header: &Header) -> Result<(), HeaderError> {
    let Some(params) = spec.blob_params_at(header.timestamp) else { return Ok(()) };
    let used = header.blob_gas_used.unwrap_or(0);
    let max = params.max_blob_gas_per_block();
    if used > max || !used.is_multiple_of(DATA_GAS_PER_BLOB) {
        return Err(HeaderError::BlobGasUsed { got: used, max });
    }
    let expected = excess_blob_gas(spec, parent, header.timestamp)?.unwrap_or(0);
    if header.excess_blob_gas != Some(expected) {
        return Err(HeaderError::ExcessBlobGas { got: header.excess_blob_gas, expected });
    }
    Ok(())
}

/// EIP-1559: of a child of `parent`; `None` before London.
fn base_fee(spec: &ChainSpec, parent: &Header) -> Option<u64> {
    if !spec.is_london_active_at_block(parent.number.saturating_add(1)) {
        return None;
    }
    if !spec.is_london_active_at_block(parent.number) {
        return Some(INITIAL_BASE_FEE);
    }
    // A forged parent may use more gas than its limit allows; it is judged elsewhere, and must not overflow here.
    let sane = Header {
        gas_used: parent.gas_used.min(parent.gas_limit),
        gas_limit: parent.gas_limit.max(2),
        ..parent.clone()
    };
    // A parent under London without a base fee is forged too.
    Some(sane.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or(0))
}

/// EIP-4844 with EIP-7918; zero when the parent knew no blobs, `None` before Cancun.
fn excess_blob_gas(spec: &ChainSpec, parent: &Header, timestamp: u64) -> Result<Option<u64>, HeaderError> {
    let Some(params) = spec.blob_params_at(timestamp) else { return Ok(None) };
    let excess = parent.excess_blob_gas.unwrap_or(0);
    let bound = params.update_fraction.saturating_mul(EXCESS_FRACTIONS_MAX);
    if u128::from(excess) > bound || excess.checked_add(parent.blob_gas_used.unwrap_or(0)).is_none() {
        return Err(HeaderError::ParentExcessBlobGas(excess));
    }
    Ok(Some(parent.next_block_excess_blob_gas(params).unwrap_or(0)))
}
