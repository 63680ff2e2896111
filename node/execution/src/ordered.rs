//! Roots of the tries that list a block's transactions and receipts: keys are RLP of the position, no key is a prefix of another.
//!
//! Must not know: what the items are.

use crate::trie::{Forge, Loader, Nowhere, Outcome, Value, Write};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes, map::B256Map};
use alloy_trie::EMPTY_ROOT_HASH;
use std::sync::atomic::AtomicUsize;

/// An item of the list.
#[derive(Clone, PartialEq)]
struct Item {
    bytes: Bytes,
    /// Bytes in its key.
    key_len: u8,
}

impl Value for Item {
    fn len(&self) -> usize {
        self.bytes.len()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes);
    }

    fn read(_: &[u8]) -> Option<Self> {
        // Never asked: such a trie starts empty.
        None
    }

    fn key_nibbles(&self) -> usize {
        2 * usize::from(self.key_len)
    }
}

/// Root of the list of `items` (EIP-2718 bytes).
pub(crate) fn root<T: Encodable2718>(items: &[T]) -> B256 {
    let mut all = Vec::with_capacity(items.iter().map(Encodable2718::encode_2718_len).sum());
    let mut ends = Vec::with_capacity(items.len());
    for item in items {
        item.encode_2718(&mut all);
        ends.push(all.len());
    }
    let all = Bytes::from(all);
    let mut start = 0;
    root_of(ends.into_iter().map(|end| {
        let bytes = all.slice(start..end);
        start = end;
        bytes
    }))
}

/// Root of the list of `items`, each given as its EIP-2718 bytes.
pub(crate) fn root_of(items: impl Iterator<Item = Bytes>) -> B256 {
    let mut writes: Vec<Write<Item>> = (items.enumerate())
        .map(|(index, bytes)| {
            let rlp = alloy_rlp::encode(index);
            let mut key = B256::ZERO;
            key[..rlp.len()].copy_from_slice(&rlp);
            Write { key, value: Some(Item { bytes, key_len: rlp.len() as u8 }) }
        })
        .collect();
    writes.sort_unstable_by_key(|write| write.key);
    let (count, mut siblings) = (AtomicUsize::new(0), B256Map::default());
    let mut forge = Forge::new(Loader::new(&Nowhere, &count), &mut siblings, false);
    match forge.update((0, None), None, &writes).expect("an empty trie fetches nothing") {
        Outcome::Fresh(fresh) => forge.seal().take(fresh).root_hash(),
        Outcome::Same | Outcome::Gone => EMPTY_ROOT_HASH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_consensus::{Receipt, ReceiptEnvelope, proofs};

    #[test]
    fn lists_of_any_length_have_the_root_that_alloy_computes() {
        let receipts: Vec<ReceiptEnvelope> = (0..70_000u64)
            .map(|n| {
                ReceiptEnvelope::Eip1559(Receipt { cumulative_gas_used: n * n, ..Default::default() }.with_bloom())
            })
            .collect();
        for len in (0..300).chain([65_535, 65_536, 65_537, 70_000]) {
            let expected = proofs::calculate_receipt_root(&receipts[..len]);
            assert_eq!(root(&receipts[..len]), expected, "{len}");
            assert_eq!(root_of(receipts[..len].iter().map(|item| item.encoded_2718().into())), expected, "{len}");
        }
    }
}
