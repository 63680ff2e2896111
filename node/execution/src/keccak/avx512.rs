//! Eight states side by side, one in each 64-bit lane of the registers of AVX-512.

use super::{Block, RATE, blocks, rounds::permute, words};
use alloy_primitives::B256;
use std::{
    arch::x86_64::{
        __m512i, _mm512_rol_epi64, _mm512_set_epi64, _mm512_set1_epi64, _mm512_setzero_si512,
        _mm512_ternarylogic_epi64, _mm512_xor_si512,
    },
    array::from_fn,
};

/// keccak256 of eight inputs, in the time that the longest takes. To be called on processors with AVX-512 only.
pub(super) fn hash(inputs: &[&[u8]; 8]) -> [B256; 8] {
    assert!(is_x86_feature_detected!("avx512f"), "the caller chose this way by the processor");
    // SAFETY: the processor has the feature, as asserted above.
    unsafe { lanes(inputs) }
}

#[target_feature(enable = "avx512f")]
fn lanes(inputs: &[&[u8]; 8]) -> [B256; 8] {
    let blocks: [(&[[u8; RATE]], [u8; RATE]); 8] = inputs.map(blocks);
    let longest = blocks.iter().map(|(whole, _)| whole.len()).max().unwrap_or_default();
    let mut out = [B256::ZERO; 8];
    let mut a = [_mm512_setzero_si512(); 25];
    for index in 0..=longest {
        // A lane that has ended goes on with its last block, and nobody looks at it any more.
        let block: [&Block; 8] = from_fn(|lane| words(blocks[lane].0.get(index).unwrap_or(&blocks[lane].1)));
        for (word, into) in a.iter_mut().take(RATE / 8).enumerate() {
            let w = |lane: usize| i64::from_le_bytes(block[lane][word]);
            *into = xor(*into, _mm512_set_epi64(w(7), w(6), w(5), w(4), w(3), w(2), w(1), w(0)));
        }
        permute!(a);
        if blocks.iter().all(|(whole, _)| whole.len() != index) {
            continue;
        }
        for (word, lanes) in a.into_iter().take(4).enumerate() {
            // SAFETY: both are 64 bytes, and any bits are eight integers.
            let lanes: [u64; 8] = unsafe { std::mem::transmute(lanes) };
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
#[target_feature(enable = "avx512f")]
fn xor(a: __m512i, b: __m512i) -> __m512i {
    _mm512_xor_si512(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor5(a: __m512i, b: __m512i, c: __m512i, d: __m512i, e: __m512i) -> __m512i {
    const XOR3: i32 = 0x96;
    _mm512_ternarylogic_epi64::<XOR3>(_mm512_ternarylogic_epi64::<XOR3>(a, b, c), d, e)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn chi(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    // The truth table of a ^ (!b & c).
    _mm512_ternarylogic_epi64::<0xd2>(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn turn<const N: i32, const M: i32>(a: __m512i) -> __m512i {
    _mm512_rol_epi64::<N>(a)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn all(a: u64) -> __m512i {
    _mm512_set1_epi64(a.cast_signed())
}
