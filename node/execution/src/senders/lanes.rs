//! The primitives: eight 64-bit lanes of AVX-512, with the 52-bit multiply-and-add of IFMA.
//!
//! Must not know: what the numbers mean.

pub(super) use std::arch::x86_64::{__m512i as V, __mmask8 as Mask};
use std::arch::x86_64::{
    _mm512_add_epi64, _mm512_and_si512, _mm512_cmpeq_epi64_mask, _mm512_cmplt_epi64_mask, _mm512_madd52hi_epu64,
    _mm512_madd52lo_epu64, _mm512_mask_mov_epi64, _mm512_or_si512, _mm512_set_epi64, _mm512_set1_epi64,
    _mm512_slli_epi64, _mm512_srli_epi64, _mm512_sub_epi64,
};

/// Numbers side by side.
pub(super) const LANES: usize = 8;

/// Whether this processor has what is used here.
pub(super) fn exist() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma")
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn of(v: &[u64; LANES]) -> V {
    let [a, b, c, d, e, f, g, h] = v.map(u64::cast_signed);
    _mm512_set_epi64(h, g, f, e, d, c, b, a)
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn array(v: V) -> [u64; LANES] {
    // SAFETY: both are 64 bytes, and any bits are eight integers.
    unsafe { std::mem::transmute(v) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn all(v: u64) -> V {
    _mm512_set1_epi64(v.cast_signed())
}

/// `t` and the low 52 bits of the product of the low 52 bits of `a` and `b`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn lo(t: V, a: V, b: V) -> V {
    _mm512_madd52lo_epu64(t, a, b)
}

/// `t` and the high 52 bits of the product of the low 52 bits of `a` and `b`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn hi(t: V, a: V, b: V) -> V {
    _mm512_madd52hi_epu64(t, a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn add(a: V, b: V) -> V {
    _mm512_add_epi64(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn sub(a: V, b: V) -> V {
    _mm512_sub_epi64(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn and(a: V, b: V) -> V {
    _mm512_and_si512(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn or(a: V, b: V) -> V {
    _mm512_or_si512(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn shl<const N: u32>(a: V) -> V {
    _mm512_slli_epi64::<N>(a)
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn shr<const N: u32>(a: V) -> V {
    _mm512_srli_epi64::<N>(a)
}

/// `yes` in the lanes of `mask`, `no` in the others.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn select(mask: Mask, yes: V, no: V) -> V {
    _mm512_mask_mov_epi64(no, mask, yes)
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn equal(a: V, b: V) -> Mask {
    _mm512_cmpeq_epi64_mask(a, b)
}

/// As signed numbers.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn less(a: V, b: V) -> Mask {
    _mm512_cmplt_epi64_mask(a, b)
}
