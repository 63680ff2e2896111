//! How long the parts of an EXECUTE input are.

use super::Witness;
use alloy_primitives::Bytes;

/// Sizes in bytes of the parts of an EXECUTE input: exact when taken from a sealed block, upper bounds while building.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sizes {
    /// Transactions, EIP-2718 bytes together.
    pub transactions: usize,
    /// How many.
    pub transaction_count: usize,
    /// RLP of the block access list.
    pub bal: usize,
    /// Witness nodes together.
    pub nodes: usize,
    /// How many.
    pub node_count: usize,
    /// Witness codes together.
    pub codes: usize,
    /// How many.
    pub code_count: usize,
    /// Witness headers together.
    pub headers: usize,
    /// How many.
    pub header_count: usize,
}

impl Sizes {
    /// Sizes of a finished block.
    pub fn of(transactions: impl IntoIterator<Item = usize>, bal: &[u8], witness: &Witness) -> Self {
        let mut sizes = Self { bal: bal.len(), ..Default::default() };
        let sum = |items: &[Bytes]| (items.iter().map(|i| i.len()).sum(), items.len());
        (sizes.nodes, sizes.node_count) = sum(&witness.state);
        (sizes.codes, sizes.code_count) = sum(&witness.codes);
        (sizes.headers, sizes.header_count) = sum(&witness.headers);
        for len in transactions {
            sizes.transactions += len;
            sizes.transaction_count += 1;
        }
        sizes
    }

    /// Length of the whole EXECUTE input: two bytes of prefix, then SSZ. Longest extra data assumed.
    pub const fn input_len(&self) -> usize {
        // StatelessInput 16, NewPayloadRequest 44, ExecutionPayload 540, ExecutionRequests 20, ExecutionWitness 12.
        const FIXED: usize = 2 + 16 + 44 + 540 + 20 + 12;
        let items = self.transaction_count + self.node_count + self.code_count + self.header_count;
        FIXED + 32 + self.transactions + self.bal + self.nodes + self.codes + self.headers + 4 * items
    }
}
