//! The twin without vectors: for other processors, for what does not fill the lanes, and to check the others against.

use super::{RATE, blocks, rounds::permute, words};
use alloy_primitives::B256;

/// keccak256.
pub(super) fn hash(input: &[u8]) -> B256 {
    let (whole, last) = blocks(input);
    let mut state = [0u64; 25];
    for block in whole {
        absorb(&mut state, block);
    }
    absorb(&mut state, &last);
    let mut out = B256::ZERO;
    for (bytes, word) in out.as_chunks_mut::<8>().0.iter_mut().zip(state) {
        *bytes = word.to_le_bytes();
    }
    out
}

fn absorb(state: &mut [u64; 25], block: &[u8; RATE]) {
    let mut a = *state;
    for (word, bytes) in a.iter_mut().zip(words(block)) {
        *word ^= u64::from_le_bytes(*bytes);
    }
    permute!(a);
    *state = a;
}

fn xor(a: u64, b: u64) -> u64 {
    a ^ b
}

fn xor5(a: u64, b: u64, c: u64, d: u64, e: u64) -> u64 {
    a ^ b ^ c ^ d ^ e
}

fn chi(a: u64, b: u64, c: u64) -> u64 {
    a ^ (!b & c)
}

fn turn<const N: u32, const M: u32>(a: u64) -> u64 {
    a.rotate_left(N)
}

fn all(a: u64) -> u64 {
    a
}
