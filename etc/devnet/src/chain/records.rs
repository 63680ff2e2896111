//! The devnet's own records in the storage's journal. Must not know when they change.

use std::collections::BTreeMap;

use alloy_primitives::Bytes;
use storage::{Chain, Durability};

use super::ChainError;
use crate::fees::FeeOverride;

const SALT: &str = "devnet/salt";
const OFFSET: &str = "devnet/offset";
const FEES: &str = "devnet/fees/";

pub(super) struct Records<'a>(pub(super) &'a Chain);

impl Records<'_> {
    pub(super) fn salt(&self) -> Result<u64, ChainError> {
        self.number(SALT)
    }

    /// Synced: a salt that a crash takes back could make the very block again that a reorg replaced.
    pub(super) fn set_salt(&self, salt: u64) -> Result<(), ChainError> {
        self.put(SALT, Bytes::copy_from_slice(&salt.to_be_bytes()), Durability::Synced)
    }

    pub(super) fn offset_s(&self) -> Result<u64, ChainError> {
        self.number(OFFSET)
    }

    pub(super) fn set_offset_s(&self, seconds: u64) -> Result<(), ChainError> {
        self.put(OFFSET, Bytes::copy_from_slice(&seconds.to_be_bytes()), Durability::Synced)
    }

    /// Fee overrides of blocks up to `head`. One above it was written for a block that a crash prevented.
    pub(super) fn overridden(&self, head: u64) -> Result<BTreeMap<u64, FeeOverride>, ChainError> {
        let mut overridden = BTreeMap::new();
        for (name, value) in self.0.journal_with_prefix(FEES)? {
            let number: Option<u64> = name.strip_prefix(FEES).and_then(|number| number.parse().ok());
            let fees = serde_json::from_slice(&value)
                .map_err(|error| ChainError::Record { name: name.clone(), reason: error.to_string() })?;
            let number = number.ok_or_else(|| ChainError::Record { name, reason: "no block number".into() })?;
            if number <= head {
                overridden.insert(number, fees);
            }
        }
        Ok(overridden)
    }

    /// Before the block itself, so that no block is ever without its record.
    pub(super) fn set_fees(&self, number: u64, fees: FeeOverride) -> Result<(), ChainError> {
        let value = serde_json::to_vec(&fees).expect("two optional numbers have a JSON form");
        self.put(&fees_name(number), value.into(), Durability::Buffered)
    }

    pub(super) fn forget_fees(&self, numbers: impl Iterator<Item = u64>) -> Result<(), ChainError> {
        for number in numbers {
            self.0.journal_put(&[(&fees_name(number), None)], Durability::Buffered)?;
        }
        Ok(())
    }

    fn number(&self, name: &str) -> Result<u64, ChainError> {
        let Some(value) = self.0.journal(name)? else { return Ok(0) };
        let bytes = <[u8; 8]>::try_from(&value[..]).map_err(|_| ChainError::Record {
            name: name.into(),
            reason: format!("{} bytes instead of 8", value.len()),
        })?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn put(&self, name: &str, value: Bytes, durability: Durability) -> Result<(), ChainError> {
        Ok(self.0.journal_put(&[(name, Some(value))], durability)?)
    }
}

/// With leading zeros, so that names sort as numbers do.
fn fees_name(number: u64) -> String {
    format!("{FEES}{number:020}")
}
