//! A block's data as L1 blobs carry it: EIP-8142's canonical payload data (SPEC "Blobs").
//!
//! ```text
//! data = u32be(len BAL) ‖ u32be(len txs) ‖ BAL ‖ txs        txs = RLP([tx bytes, …])
//! blob i = data[i * 126,976 ..], 31 bytes per field element behind a zero byte, zero padded
//! ```
//! One data, one sequence of blobs: the decoder refuses everything that the encoder would not have written. This module
//! must not know commitments ([`crate::opening`]) nor what a transaction is.

use alloy_eips::eip4844::{BYTES_PER_BLOB, Blob, FIELD_ELEMENTS_PER_BLOB};
use alloy_primitives::Bytes;
use alloy_rlp::{Encodable, Header as RlpHeader};

#[cfg(test)]
mod tests;

/// Data bytes in one field element; the first of its 32 bytes stays zero, so that it is below the modulus.
pub const BYTES_PER_ELEMENT: usize = 31;

/// Data bytes in one blob.
pub const DATA_PER_BLOB: usize = FIELD_ELEMENTS_PER_BLOB as usize * BYTES_PER_ELEMENT;

/// Most blobs of one L1 transaction (EIP-7594), so of one landing.
pub const MAX_BLOBS: usize = 6;

/// The two lengths at the start of the data.
const PREFIX: usize = 8;

/// Why blobs are not a block's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// There is no blob at all.
    #[error("no blob")]
    Empty,
    /// More than [`MAX_BLOBS`].
    #[error("{blobs} blobs, at most {MAX_BLOBS} land together")]
    TooMany {
        /// Blobs handed in.
        blobs: usize,
    },
    /// A field element's first byte is not zero.
    #[error("blob {blob}, element {element}: its first byte is not zero")]
    HighByte {
        /// Which blob.
        blob: usize,
        /// Which element of it.
        element: usize,
    },
    /// The lengths in front call for another number of blobs.
    #[error("{data} bytes of data need {needed} blobs, there are {blobs}")]
    WrongCount {
        /// Bytes that the prefix announces, itself included.
        data: u64,
        /// Blobs these need.
        needed: u64,
        /// Blobs handed in.
        blobs: usize,
    },
    /// A byte after the data is not zero.
    #[error("byte {at} lies behind the data and is not zero")]
    Padding {
        /// Position in the 31-byte-chunk data.
        at: usize,
    },
    /// The transaction list is not the canonical RLP of a list of byte strings of exactly the announced length.
    #[error("the transaction list is not canonical RLP: {0}")]
    Transactions(alloy_rlp::Error),
}

/// What the blobs of a landed block hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// RLP of the block access list (EIP-7928), unparsed.
    pub bal: Bytes,
    /// EIP-2718 transaction bytes in block order, unparsed.
    pub transactions: Vec<Bytes>,
}

/// The payload data of a block: its access list and its transactions.
///
/// # Panics
/// If either part is 4 GiB or more; block gas bounds both far below.
pub fn encode<T: AsRef<[u8]>>(bal: &[u8], transactions: &[T]) -> Vec<u8> {
    let list = RlpHeader { list: true, payload_length: transactions.iter().map(|tx| tx.as_ref().length()).sum() };
    let list_bytes = list.length() + list.payload_length;
    let length = |bytes: usize| u32::try_from(bytes).expect("block gas keeps both parts far below 4 GiB").to_be_bytes();

    let mut data = Vec::with_capacity(PREFIX + bal.len() + list_bytes);
    data.extend_from_slice(&length(bal.len()));
    data.extend_from_slice(&length(list_bytes));
    data.extend_from_slice(bal);
    list.encode(&mut data);
    for tx in transactions {
        tx.as_ref().encode(&mut data);
    }
    data
}

/// Reads payload data back.
///
/// # Errors
/// [`BlobError`] for anything that [`to_blobs`] of [`encode`] does not produce.
pub fn decode(blobs: &[Blob]) -> Result<Content, BlobError> {
    match blobs.len() {
        0 => return Err(BlobError::Empty),
        1..=MAX_BLOBS => {}
        blobs => return Err(BlobError::TooMany { blobs }),
    }
    let mut data = Vec::with_capacity(blobs.len() * DATA_PER_BLOB);
    for (blob, bytes) in blobs.iter().enumerate() {
        for (element, word) in bytes.chunks_exact(32).enumerate() {
            if word[0] != 0 {
                return Err(BlobError::HighByte { blob, element });
            }
            data.extend_from_slice(&word[1..]);
        }
    }

    let [b0, b1, b2, b3, t0, t1, t2, t3] = *data.first_chunk::<PREFIX>().expect("a blob holds 126,976 bytes");
    let bal = u64::from(u32::from_be_bytes([b0, b1, b2, b3]));
    let txs = u64::from(u32::from_be_bytes([t0, t1, t2, t3]));
    let end = PREFIX as u64 + bal + txs;
    let needed = end.div_ceil(DATA_PER_BLOB as u64);
    if needed != blobs.len() as u64 {
        return Err(BlobError::WrongCount { data: end, needed, blobs: blobs.len() });
    }
    let (bal_end, end) = (PREFIX + bal as usize, end as usize);
    if let Some(at) = data[end..].iter().position(|byte| *byte != 0) {
        return Err(BlobError::Padding { at: end + at });
    }

    data.truncate(end);
    let data = Bytes::from(data);
    Ok(Content { bal: data.slice(PREFIX..bal_end), transactions: transactions(&data.slice(bal_end..))? })
}

/// The byte strings of one canonical RLP list that fills `list` exactly.
fn transactions(list: &Bytes) -> Result<Vec<Bytes>, BlobError> {
    let mut rest: &[u8] = list;
    let mut payload = RlpHeader::decode_bytes(&mut rest, true).map_err(BlobError::Transactions)?;
    if !rest.is_empty() {
        return Err(BlobError::Transactions(alloy_rlp::Error::UnexpectedLength));
    }
    let mut transactions = Vec::new();
    while !payload.is_empty() {
        let tx = RlpHeader::decode_bytes(&mut payload, false).map_err(BlobError::Transactions)?;
        transactions.push(list.slice_ref(tx));
    }
    Ok(transactions)
}

/// Blobs that `bytes` of payload data fill.
pub const fn blob_count(bytes: usize) -> usize {
    bytes.div_ceil(DATA_PER_BLOB)
}

/// The data bytes of each blob, unpadded: what a blob's evaluation runs over.
pub fn slices(data: &[u8]) -> impl ExactSizeIterator<Item = &[u8]> {
    data.chunks(DATA_PER_BLOB)
}

/// Packs payload data into blobs, as many as it needs; [`MAX_BLOBS`] is the landing budget's business ([`crate::gas`]).
pub fn to_blobs(data: &[u8]) -> Vec<Blob> {
    let mut blobs = vec![Blob::ZERO; blob_count(data.len())];
    for (blob, slice) in blobs.iter_mut().zip(slices(data)) {
        pack(slice, blob);
    }
    blobs
}

/// Packs one blob's slice, at most [`DATA_PER_BLOB`] bytes, into a zero blob.
fn pack(slice: &[u8], blob: &mut Blob) {
    debug_assert!(slice.len() <= DATA_PER_BLOB && BYTES_PER_BLOB == 32 * FIELD_ELEMENTS_PER_BLOB as usize);
    for (chunk, word) in slice.chunks(BYTES_PER_ELEMENT).zip(blob.chunks_exact_mut(32)) {
        word[1..=chunk.len()].copy_from_slice(chunk);
    }
}
