//! Numbers, bytes and addresses as fixtures of any age write them. Must not know what they stand for.

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use serde::{Deserialize, Deserializer, de};
use std::borrow::Cow;

/// A number: hexadecimal or decimal text (`"0x"` and `""` are zero), or a JSON number.
pub(crate) fn u256(text: &str) -> Result<U256, String> {
    // Old fillers wrote what does not fit a quantity as "0x:bigint 0x..".
    let digits = text.trim().trim_start_matches("0x:bigint ");
    let (digits, radix) = match digits.strip_prefix("0x") {
        Some(hexadecimal) => (hexadecimal, 16),
        None => (digits, 10),
    };
    if digits.is_empty() {
        return Ok(U256::ZERO);
    }
    U256::from_str_radix(digits, radix).map_err(|error| format!("the number {text:?}: {error}"))
}

/// As [`u256`], at most 64 bits.
pub(crate) fn u64(text: &str) -> Result<u64, String> {
    u256(text)?.try_into().map_err(|_| format!("the number {text:?} has more than 64 bits"))
}

/// Bytes in hexadecimal, with or without `0x`.
pub(crate) fn bytes(text: &str) -> Result<Bytes, String> {
    hex::decode(text.trim()).map(Bytes::from).map_err(|error| format!("bytes {}: {error}", short(text)))
}

/// The beginning of a long text.
pub(crate) fn short(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Cow<'de, str>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either<'a> {
        Number(u64),
        #[serde(borrow)]
        Text(Cow<'a, str>),
    }
    Ok(match Either::deserialize(from)? {
        Either::Number(number) => Cow::Owned(number.to_string()),
        Either::Text(text) => text,
    })
}

macro_rules! lenient {
    ($($(#[$doc:meta])* $name:ident($inner:ty) = $parse:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) struct $name(pub(crate) $inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = text(from)?;
                let parse: fn(&str) -> Result<$inner, String> = $parse;
                parse(&text).map(Self).map_err(de::Error::custom)
            }
        }
    )*};
}

lenient! {
    /// Up to 64 bits.
    Num(u64) = u64;
    /// Up to 256 bits.
    Big(U256) = u256;
    /// 32 bytes, written as a number or a hash.
    Hash(B256) = |text| u256(text).map(B256::from);
    /// An account's address; `0x` may be missing.
    Place(Address) = |text| text.parse().map_err(|error| format!("the address {text:?}: {error}"));
}

/// Bytes in hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hex(pub(crate) Bytes);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        bytes(&text(from)?).map(Self).map_err(de::Error::custom)
    }
}
