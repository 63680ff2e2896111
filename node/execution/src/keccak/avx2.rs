//! Four states side by side, one in each 64-bit lane of the registers of AVX2.

use super::{Block, RATE, blocks, rounds::permute, words};
use alloy_primitives::B256;
use std::{
    arch::x86_64::{
        __m256i, _mm256_andnot_si256, _mm256_or_si256, _mm256_set_epi64x, _mm256_set1_epi64x, _mm256_setzero_si256,
        _mm256_slli_epi64, _mm256_srli_epi64, _mm256_xor_si256,
    },
    array::from_fn,
};

/// keccak256 of four inputs, in the time that the longest takes. To be called on processors with AVX2 only.
pub(super) fn hash(inputs: &[&[u8]; 4]) -> [B256; 4] {
    assert!(is_x86_feature_detected!("avx2"), "the caller chose this way by the processor");
    // SAFETY: the processor has the feature, as asserted above.
    unsafe { lanes(inputs) }
}

#[target_feature(enable = "avx2")]
fn lanes(inputs: &[&[u8]; 4]) -> [B256; 4] {
    let blocks: [(&[[u8; RATE]], [u8; RATE]); 4] = inputs.map(blocks);
    let longest = blocks.iter().map(|(whole, _)| whole.len()).max().unwrap_or_default();
    let mut out = [B256::ZERO; 4];
    let mut a = [_mm256_setzero_si256(); 25];
    for index in 0..=longest {
        // A lane that has ended goes on with its last block, and nobody looks at it any more.
        let block: [&Block; 4] = from_fn(|lane| words(blocks[lane].0.get(index).unwrap_or(&blocks[lane].1)));
        for (word, into) in a.iter_mut().take(RATE / 8).enumerate() {
            let w = |lane: usize| i64::from_le_bytes(block[lane][word]);
            *into = xor(*into, _mm256_set_epi64x(w(3), w(2), w(1), w(0)));
        }
        permute!(a);
        if blocks.iter().all(|(whole, _)| whole.len() != index) {
            continue;
        }
        for (word, lanes) in a.into_iter().take(4).enumerate() {
            // SAFETY: both are 32 bytes, and any bits are four integers.
            let lanes: [u64; 4] = unsafe { std::mem::transmute(lanes) };
            for (lane, value) in lanes.into_iter().enumerate() {
                if blocks[lane].0.len() == index {
                    out[lane][8 * word..][..8].copy_from_slice(&value.to_le_bytes());
                }
            }
        }
    }
    out
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor(a: __m256i, b: __m256i) -> __m256i {
    _mm256_xor_si256(a, b)
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor5(a: __m256i, b: __m256i, c: __m256i, d: __m256i, e: __m256i) -> __m256i {
    xor(xor(xor(a, b), xor(c, d)), e)
}

#[inline]
#[target_feature(enable = "avx2")]
fn chi(a: __m256i, b: __m256i, c: __m256i) -> __m256i {
    xor(a, _mm256_andnot_si256(b, c))
}

#[inline]
#[target_feature(enable = "avx2")]
fn turn<const N: i32, const M: i32>(a: __m256i) -> __m256i {
    _mm256_or_si256(_mm256_slli_epi64::<N>(a), _mm256_srli_epi64::<M>(a))
}

#[inline]
#[target_feature(enable = "avx2")]
fn all(a: u64) -> __m256i {
    _mm256_set1_epi64x(a.cast_signed())
}
