//! Strict SSZ framing: offsets, bounds, and fixed-size elements.
//!
//! Every function here accepts exactly the bytes its counterpart writes: the first offset equals the fixed part, offsets
//! never decrease nor leave the input, nothing lies between or behind. Counts and lengths are bounded before anything is
//! allocated for them. It must not know the containers themselves.

use alloy_eips::{
    eip4895::Withdrawal,
    eip6110::DepositRequest,
    eip7002::WithdrawalRequest,
    eip7251::ConsolidationRequest,
    eip8282::{BuilderDepositRequest, BuilderExitRequest},
};
use alloy_primitives::{Address, B256, FixedBytes};

/// Bytes of an offset.
pub const OFFSET: usize = 4;

/// Where and why bytes are not the canonical SSZ of a container. `at` names the container or list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SszError {
    /// Fewer bytes than the fixed part.
    #[error("{at}: {bytes} bytes, the fixed part has {fixed}")]
    TooShort {
        /// Container or list.
        at: &'static str,
        /// Bytes there.
        bytes: usize,
        /// Bytes needed.
        fixed: usize,
    },
    /// The first offset does not point right behind the fixed part (or, in a list, behind the offsets).
    #[error("{at}: the first offset is {offset}, not {expected}")]
    FirstOffset {
        /// Container or list.
        at: &'static str,
        /// The offset found.
        offset: usize,
        /// The only offset allowed; for a list the nearest one below that could be.
        expected: usize,
    },
    /// An offset is smaller than the one before it.
    #[error("{at}: offset {offset} after {previous}")]
    OffsetBackwards {
        /// Container or list.
        at: &'static str,
        /// The offset found.
        offset: usize,
        /// The one before it.
        previous: usize,
    },
    /// An offset points behind the end.
    #[error("{at}: offset {offset} in {bytes} bytes")]
    OffsetBeyond {
        /// Container or list.
        at: &'static str,
        /// The offset found.
        offset: usize,
        /// Bytes there.
        bytes: usize,
    },
    /// A list of fixed-size elements, or a fixed container, has a length that is no multiple of the element.
    #[error("{at}: {bytes} bytes of {element}-byte elements")]
    Ragged {
        /// Container or list.
        at: &'static str,
        /// Bytes there.
        bytes: usize,
        /// Bytes of one element.
        element: usize,
    },
    /// More elements than the specification allows.
    #[error("{at}: {items} items, at most {max}")]
    TooMany {
        /// The list.
        at: &'static str,
        /// Items announced.
        items: usize,
        /// Items allowed.
        max: usize,
    },
    /// A byte list is longer than the specification allows.
    #[error("{at}: {bytes} bytes, at most {max}")]
    TooLong {
        /// The list.
        at: &'static str,
        /// Bytes there.
        bytes: usize,
        /// Bytes allowed.
        max: usize,
    },
}

/// Splits a container into its variable fields, in order. `offsets` are the positions of their offsets in the fixed part
/// of `fixed` bytes, ascending.
pub fn split<'a, const N: usize>(
    at: &'static str,
    bytes: &'a [u8],
    fixed: usize,
    offsets: [usize; N],
) -> Result<[&'a [u8]; N], SszError> {
    if bytes.len() < fixed {
        return Err(SszError::TooShort { at, bytes: bytes.len(), fixed });
    }
    let mut starts = [0usize; N];
    for (i, position) in offsets.into_iter().enumerate() {
        let offset = offset(bytes, position);
        match i.checked_sub(1).map(|before| starts[before]) {
            None if offset != fixed => return Err(SszError::FirstOffset { at, offset, expected: fixed }),
            Some(previous) if offset < previous => return Err(SszError::OffsetBackwards { at, offset, previous }),
            _ => {}
        }
        if offset > bytes.len() {
            return Err(SszError::OffsetBeyond { at, offset, bytes: bytes.len() });
        }
        starts[i] = offset;
    }
    let mut fields = [&bytes[..0]; N];
    for i in 0..N {
        fields[i] = &bytes[starts[i]..if i + 1 < N { starts[i + 1] } else { bytes.len() }];
    }
    Ok(fields)
}

/// Splits a list of byte lists into its items.
pub fn items<'a>(
    at: &'static str,
    bytes: &'a [u8],
    max_items: usize,
    max_bytes: usize,
) -> Result<Vec<&'a [u8]>, SszError> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    if bytes.len() < OFFSET {
        return Err(SszError::TooShort { at, bytes: bytes.len(), fixed: OFFSET });
    }
    let first = offset(bytes, 0);
    if first > bytes.len() {
        return Err(SszError::OffsetBeyond { at, offset: first, bytes: bytes.len() });
    }
    if first == 0 || !first.is_multiple_of(OFFSET) {
        return Err(SszError::FirstOffset { at, offset: first, expected: (first / OFFSET).max(1) * OFFSET });
    }
    let count = first / OFFSET;
    if count > max_items {
        return Err(SszError::TooMany { at, items: count, max: max_items });
    }
    // The offsets were just seen to lie inside the input, so this allocation is bounded by it.
    let mut items = Vec::with_capacity(count);
    let mut start = first;
    for i in 1..=count {
        let end = if i < count { offset(bytes, i * OFFSET) } else { bytes.len() };
        if end < start {
            return Err(SszError::OffsetBackwards { at, offset: end, previous: start });
        }
        if end > bytes.len() {
            return Err(SszError::OffsetBeyond { at, offset: end, bytes: bytes.len() });
        }
        if end - start > max_bytes {
            return Err(SszError::TooLong { at, bytes: end - start, max: max_bytes });
        }
        items.push(&bytes[start..end]);
        start = end;
    }
    Ok(items)
}

/// Reads a list of fixed-size elements.
pub fn elements<T: Element>(at: &'static str, bytes: &[u8]) -> Result<Vec<T>, SszError> {
    if !bytes.len().is_multiple_of(T::BYTES) {
        return Err(SszError::Ragged { at, bytes: bytes.len(), element: T::BYTES });
    }
    Ok(bytes.chunks_exact(T::BYTES).map(|chunk| T::read(&mut Reader(chunk))).collect())
}

fn offset(bytes: &[u8], position: usize) -> usize {
    let word = bytes[position..].first_chunk::<OFFSET>().expect("positions lie inside the checked fixed part");
    u32::from_le_bytes(*word) as usize
}

/// Bytes of a list of byte lists.
pub fn items_len<T: AsRef<[u8]>>(items: &[T]) -> usize {
    items.iter().map(|item| OFFSET + item.as_ref().len()).sum()
}

/// Appends a list of byte lists.
pub fn put_items<T: AsRef<[u8]>>(items: &[T], out: &mut Vec<u8>) {
    let mut at = items.len() * OFFSET;
    for item in items {
        put_offset(at, out);
        at += item.as_ref().len();
    }
    for item in items {
        out.extend_from_slice(item.as_ref());
    }
}

/// Appends a list of fixed-size elements.
pub fn put_elements<T: Element>(items: &[T], out: &mut Vec<u8>) {
    for item in items {
        item.write(out);
    }
}

/// Appends one offset.
pub fn put_offset(at: usize, out: &mut Vec<u8>) {
    let at = u32::try_from(at).expect("an input is far below 4 GiB: gas bounds it");
    out.extend_from_slice(&at.to_le_bytes());
}

/// A cursor over bytes whose length was already checked.
pub struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> &'a [u8] {
        let (head, tail) = self.0.split_at(n);
        self.0 = tail;
        head
    }

    /// The next value.
    pub fn read<T: Element>(&mut self) -> T {
        T::read(self)
    }
}

/// A fixed-size value.
pub trait Element: Sized {
    /// Its size.
    const BYTES: usize;
    /// Reads it; the caller has checked that [`Self::BYTES`] are there.
    fn read(from: &mut Reader<'_>) -> Self;
    /// Appends it.
    fn write(&self, out: &mut Vec<u8>);
}

impl Element for u64 {
    const BYTES: usize = 8;
    fn read(from: &mut Reader<'_>) -> Self {
        Self::from_le_bytes(from.take(8).try_into().expect("eight bytes were taken"))
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
}

impl<const N: usize> Element for FixedBytes<N> {
    const BYTES: usize = N;
    fn read(from: &mut Reader<'_>) -> Self {
        Self::from_slice(from.take(N))
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_slice());
    }
}

impl Element for Address {
    const BYTES: usize = 20;
    fn read(from: &mut Reader<'_>) -> Self {
        Self(from.read())
    }
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

/// A fixed container: its fields in order, on the wire and as Merkle leaves.
macro_rules! container {
    ($name:ident { $($field:ident: $type:ty),+ $(,)? }) => {
        impl Element for $name {
            const BYTES: usize = 0 $(+ <$type as Element>::BYTES)+;
            fn read(from: &mut Reader<'_>) -> Self {
                Self { $($field: from.read::<$type>()),+ }
            }
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$field.write(out);)+
            }
        }
        impl super::root::Root for $name {
            fn root(&self) -> super::root::Node {
                super::root::container(&[$(super::root::Root::root(&self.$field)),+])
            }
        }
    };
}

container!(Withdrawal { index: u64, validator_index: u64, address: Address, amount: u64 });
container!(DepositRequest { pubkey: FixedBytes<48>, withdrawal_credentials: B256, amount: u64, signature: FixedBytes<96>, index: u64 });
container!(WithdrawalRequest { source_address: Address, validator_pubkey: FixedBytes<48>, amount: u64 });
container!(ConsolidationRequest { source_address: Address, source_pubkey: FixedBytes<48>, target_pubkey: FixedBytes<48> });
container!(BuilderDepositRequest { pubkey: FixedBytes<48>, withdrawal_credentials: B256, amount: u64, signature: FixedBytes<96> });
container!(BuilderExitRequest { source_address: Address, pubkey: FixedBytes<48> });
