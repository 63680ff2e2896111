//! keccak256 of many inputs at once.

use alloy_primitives::{B256, keccak256};

/// keccak256 of each input, in order.
pub fn batch(inputs: &[&[u8]]) -> Vec<B256> {
    inputs.iter().map(keccak256).collect()
}
