//! Bytes of keys and values. Keys are fixed-width big-endian, so that they sort as the numbers do; values are RLP where Ethereum has
//! an RLP form, else a layout that is written down at its type.
//! Must not know: tables.

use alloy_consensus::{Eip658Value, Header, TxType};
use alloy_primitives::{Address, B256, Bytes, Log, U256};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use execution::Receipt;

/// Room for all keys but those of nodes deep in a storage trie.
const KEY_BYTES: usize = 80;

/// Why stored bytes are no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError(pub String);

impl From<alloy_rlp::Error> for DecodeError {
    fn from(error: alloy_rlp::Error) -> Self {
        Self(error.to_string())
    }
}

/// A key. What `write` appends must keep the order.
pub trait Key: Sized {
    /// Appends bytes that sort as the key does.
    fn write(&self, out: &mut Vec<u8>);
    /// Those bytes.
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(KEY_BYTES);
        self.write(&mut out);
        out
    }
    /// `None` if these bytes were never a key.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// A value. `decode(encode(v)) == v`, and `decode` refuses bytes that `encode` cannot make, as far as it can tell; it never panics.
pub trait Value: Sized {
    /// Appends the value's bytes.
    fn write(&self, out: &mut Vec<u8>);
    /// Those bytes.
    fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        self.write(&mut out);
        out.into()
    }
    /// The value of these bytes, all of them.
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError>;
}

/// Decodes RLP and refuses what is left over.
pub(crate) fn decode_rlp<T: Decodable>(mut bytes: &[u8]) -> Result<T, DecodeError> {
    let value = T::decode(&mut bytes)?;
    if bytes.is_empty() { Ok(value) } else { Err(DecodeError(format!("{} bytes too many", bytes.len()))) }
}

/// RLP as [`Bytes`].
pub(crate) fn encode_rlp<T: Encodable + ?Sized>(value: &T) -> Bytes {
    let mut out = Vec::with_capacity(value.length());
    value.encode(&mut out);
    out.into()
}

/// Reads a fixed-width number or hash from the front.
pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], DecodeError> {
    let (head, tail) =
        bytes.split_first_chunk::<N>().ok_or_else(|| DecodeError(format!("{N} bytes wanted, {} left", bytes.len())))?;
    *bytes = tail;
    Ok(*head)
}

/// Makes sure that a fixed layout has ended.
pub(crate) fn end(bytes: &[u8]) -> Result<(), DecodeError> {
    if bytes.is_empty() { Ok(()) } else { Err(DecodeError(format!("{} bytes too many", bytes.len()))) }
}

// --- keys ---

impl Key for () {
    fn write(&self, _: &mut Vec<u8>) {}
    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.is_empty().then_some(())
    }
}

impl Key for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_be_bytes(bytes.try_into().ok()?))
    }
}

impl Key for Address {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_slice());
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        Self::try_from(bytes).ok()
    }
}

impl Key for B256 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_slice());
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        Self::try_from(bytes).ok()
    }
}

impl Key for (u64, B256) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        Key::write(&self.1, out);
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (number, hash) = bytes.split_first_chunk::<8>()?;
        Some((u64::from_be_bytes(*number), B256::try_from(hash).ok()?))
    }
}

impl Key for (B256, B256) {
    fn write(&self, out: &mut Vec<u8>) {
        Key::write(&self.0, out);
        Key::write(&self.1, out);
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (first, second) = bytes.split_first_chunk::<32>()?;
        Some((B256::from(*first), B256::try_from(second).ok()?))
    }
}

/// A version of `K`'s value, by block number. No key's bytes may begin another's, so that versions of one key stand together.
impl<K: Key> Key for (K, u64) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (key, number) = bytes.split_last_chunk::<8>()?;
        Some((K::decode(key)?, u64::from_be_bytes(*number)))
    }
}

/// Name of a journal record, UTF-8. By convention `area/what`, for example `landing/3`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(pub String);

impl Key for Name {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        Some(Self(String::from_utf8(bytes.to_vec()).ok()?))
    }
}

// --- values ---

impl Value for () {
    fn write(&self, _: &mut Vec<u8>) {}
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        end(bytes)
    }
}

impl Value for Bytes {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        Ok(bytes.clone())
    }
}

/// No bytes at all for `None`; so `T` may have no value of no bytes.
impl<T: Value> Value for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        if let Some(value) = self {
            value.write(out);
        }
    }
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        if bytes.is_empty() { Ok(None) } else { T::decode(bytes).map(Some) }
    }
}

impl Value for B256 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_slice());
    }
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let mut rest = &bytes[..];
        let hash = take::<32>(&mut rest)?;
        end(rest)?;
        Ok(hash.into())
    }
}

/// A slot's value: big-endian without leading zeros; zero has no record.
impl Value for U256 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes::<32>()[self.leading_zeros() / 8..]);
    }
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        match bytes.first() {
            None => Err(DecodeError("a zero, which is never stored".into())),
            Some(0) => Err(DecodeError("a leading zero".into())),
            Some(_) => {
                Self::try_from_be_slice(bytes).ok_or_else(|| DecodeError(format!("{} bytes, 32 at most", bytes.len())))
            }
        }
    }
}

impl Value for Header {
    fn write(&self, out: &mut Vec<u8>) {
        Encodable::encode(self, out);
    }
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        decode_rlp(bytes)
    }
}

/// 20 bytes each, nothing between.
impl Value for Vec<Address> {
    fn write(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|address| out.extend_from_slice(address.as_slice()));
    }
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let (addresses, rest) = bytes.as_chunks::<20>();
        end(rest)?;
        Ok(addresses.iter().map(Address::from).collect())
    }
}

/// RLP `[type, status, cumulative gas, logs]`: a receipt without its bloom, which is 256 bytes that the logs imply.
#[derive(RlpEncodable, RlpDecodable)]
struct ReceiptRecord {
    tx_type: u8,
    status: Eip658Value,
    cumulative_gas_used: u64,
    logs: Vec<Log>,
}

/// RLP list of [`ReceiptRecord`].
impl Value for Vec<Receipt> {
    fn write(&self, out: &mut Vec<u8>) {
        let records: Vec<ReceiptRecord> = self
            .iter()
            .map(|receipt| ReceiptRecord {
                tx_type: receipt.tx_type() as u8,
                status: receipt.as_receipt().map_or_else(Default::default, |receipt| receipt.status),
                cumulative_gas_used: receipt.cumulative_gas_used(),
                logs: receipt.logs().to_vec(),
            })
            .collect();
        records.encode(out);
    }
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let records: Vec<ReceiptRecord> = decode_rlp(bytes)?;
        records
            .into_iter()
            .map(|ReceiptRecord { tx_type, status, cumulative_gas_used, logs }| {
                let tx_type = TxType::try_from(tx_type).map_err(|error| DecodeError(error.to_string()))?;
                Ok(Receipt::from_typed(tx_type, alloy_consensus::Receipt { status, cumulative_gas_used, logs }))
            })
            .collect()
    }
}
