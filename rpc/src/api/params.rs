//! Parameters that are read more strictly than their types would: what geth refuses is refused here, not guessed at.

use std::str::FromStr;

use alloy_primitives::hex::FromHexError;
use alloy_serde::storage::JsonStorageKey;
use serde::{Deserialize, Deserializer, de::Error as _};

/// Most hex digits of a storage key: 32 bytes.
const STORAGE_KEY_DIGITS: usize = 64;

/// Bytes in hex that must begin with `0x`, such as a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefixed<T>(pub T);

impl<'de, T: FromStr<Err = FromHexError>> Deserialize<'de> for Prefixed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if !text.starts_with("0x") {
            return Err(D::Error::custom("hex string without 0x prefix"));
        }
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// A storage key: a 32-byte word, or a quantity, in at most 64 hex digits behind `0x`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageKey(pub JsonStorageKey);

impl<'de> Deserialize<'de> for StorageKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let Some(digits) = text.strip_prefix("0x") else {
            return Err(D::Error::custom("storage key without 0x prefix"));
        };
        if digits.len() > STORAGE_KEY_DIGITS {
            return Err(D::Error::custom("storage key too long (want at most 32 bytes)"));
        }
        let key = JsonStorageKey::deserialize(serde_json::Value::String(text));
        key.map(Self).map_err(|_| D::Error::custom("storage key is no hex number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::B256;

    #[test]
    fn hashes_need_their_prefix_and_their_length() {
        let of = |text: String| serde_json::from_value::<Prefixed<B256>>(text.into());
        assert_eq!(of(format!("0x{}", "11".repeat(32))).unwrap().0, B256::repeat_byte(0x11));
        assert!(of("11".repeat(32)).is_err());
        assert!(of("0x11".into()).is_err());
    }

    #[test]
    fn storage_keys_are_words_or_quantities_and_never_longer() {
        let of = |text: &str| serde_json::from_value::<StorageKey>(text.into()).map(|key| key.0.as_b256());
        assert_eq!(of("0x1").unwrap(), B256::with_last_byte(1));
        assert_eq!(of(&format!("0x{}01", "00".repeat(31))).unwrap(), B256::with_last_byte(1));
        assert!(of(&format!("0x0{}01", "00".repeat(31))).unwrap_err().to_string().contains("too long"));
        assert!(of("0xasdf").unwrap_err().to_string().contains("no hex number"));
        assert!(of("1").is_err());
    }
}
