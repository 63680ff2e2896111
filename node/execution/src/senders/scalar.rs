//! Numbers modulo n, the order of the group: what the multiples of R and G are, and by which digits they are looked up.
//!
//! Must not know: lanes, points.

#[cfg(test)]
mod tests;

use alloy_primitives::{B256, Signature, U256, U512};

/// The order of the group.
pub(super) const N: U256 =
    U256::from_limbs([0xbfd2_5e8c_d036_4141, 0xbaae_dce6_af48_a03b, 0xffff_ffff_ffff_fffe, 0xffff_ffff_ffff_ffff]);

/// -1 / n modulo 2^64, for Montgomery's multiplication.
const N_INVERSE: u64 = 0x4b0d_ff66_5588_b13f;

/// 2^512 modulo n.
const R_SQUARED: U256 =
    U256::from_limbs([0x896c_f214_67d7_d140, 0x7414_96c2_0e7c_f878, 0xe697_f5e4_5bcd_07c6, 0x9d67_1cd5_81c6_9bc5]);

/// Bits of a digit by which multiples of R are looked up. They are signed: from -16 to 16.
pub(super) const R_BITS: usize = 5;
/// Digits of half a scalar.
pub(super) const R_DIGITS: usize = 26;
/// Bits of a digit by which multiples of G are looked up: from -512 to 511.
pub(super) const G_BITS: usize = 2 * R_BITS;
/// Digits of a scalar.
pub(super) const G_DIGITS: usize = R_DIGITS;

/// a b / 2^256.
fn reduced(a: U256, b: U256) -> U256 {
    a.mul_redc(b, N, N_INVERSE)
}

/// A signature with 0 < r, s < n.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signed {
    pub(super) r: U256,
    pub(super) s: U256,
    /// Whether the y of R is odd.
    pub(super) odd: bool,
    /// What was signed.
    pub(super) hash: U256,
}

impl Signed {
    /// `None` if r or s is out of range.
    pub(super) fn new((hash, signature): &(B256, Signature)) -> Option<Self> {
        let (r, s, odd) = (signature.r(), signature.s(), signature.v());
        let proper = |n: U256| !n.is_zero() && n < N;
        (proper(r) && proper(s)).then(|| Self { r, s, odd, hash: U256::from_be_bytes(hash.0) })
    }
}

/// (-hash / r, s / r) of each, with one inversion for all (Montgomery's trick).
pub(super) fn factors(signed: &[Signed]) -> Vec<(U256, U256)> {
    let mut product = reduced(U256::ONE, R_SQUARED);
    let mut before = Vec::with_capacity(signed.len());
    for Signed { r, .. } in signed {
        let r = reduced(*r, R_SQUARED);
        before.push((product, r));
        product = reduced(product, r);
    }
    // All are times 2^256 here; the inverse is times 2^-256, so twice more brings it there.
    let inverse = product.inv_mod(N).expect("n is prime and no factor is zero");
    let mut inverse = reduced(reduced(inverse, R_SQUARED), R_SQUARED);
    let mut out = vec![(U256::ZERO, U256::ZERO); signed.len()];
    for ((out, (before, r)), Signed { s, hash, .. }) in out.iter_mut().zip(before).zip(signed).rev() {
        let one = reduced(inverse, before);
        inverse = reduced(inverse, r);
        let hash = if *hash >= N { *hash - N } else { *hash };
        let of_g = reduced(hash, one);
        *out = (negative(of_g), reduced(*s, one));
    }
    out
}

fn negative(a: U256) -> U256 {
    if a.is_zero() { a } else { N - a }
}

/// a - b, both below n.
pub(super) fn minus(a: U256, b: U256) -> U256 {
    if a >= b { a - b } else { N - (b - a) }
}

/// A basis of the lattice of (a, b) with a + b lambda = 0 modulo n, where lambda is a cube root of 1: (`A1`, -`B1`) and (`A2`, `A1`).
const A1: U256 = U256::from_limbs([0xe86c_90e4_9284_eb15, 0x3086_d221_a7d4_6bcd, 0, 0]);
const B1: U256 = U256::from_limbs([0x6f54_7fa9_0abf_e4c3, 0xe443_7ed6_010e_8828, 0, 0]);
const A2: U256 = U256::from_limbs([0x57c1_108d_9d44_cfd8, 0x14ca_50f7_a8e2_f3f6, 1, 0]);

/// 2^384 `A1` / n and 2^384 `B1` / n, rounded.
const G1: U256 =
    U256::from_limbs([0xe893_209a_45db_b031, 0x3daa_8a14_71e8_ca7f, 0xe86c_90e4_9284_eb15, 0x3086_d221_a7d4_6bcd]);
const G2: U256 =
    U256::from_limbs([0x1571_b4ae_8ac4_7f71, 0x2212_08ac_9df5_06c6, 0x6f54_7fa9_0abf_e4c4, 0xe443_7ed6_010e_8828]);

/// A number between -2^128 and 2^128.
#[derive(Debug, Clone, Copy)]
pub(super) struct Half {
    pub(super) negative: bool,
    pub(super) size: u128,
}

/// k = first + second lambda modulo n, for k below n.
pub(super) fn halves(k: U256) -> [Half; 2] {
    let times = |g: U256| {
        let product: U512 = k.widening_mul(g);
        let [.., a, b] = *product.as_limbs();
        let round = product.bit(383);
        U256::from_limbs([a, b, 0, 0]) + U256::from(round)
    };
    let (c1, c2) = (times(G1), times(G2));
    // Modulo 2^256: what comes out is short.
    let first = k.wrapping_sub(c1.wrapping_mul(A1)).wrapping_sub(c2.wrapping_mul(A2));
    let second = c1.wrapping_mul(B1).wrapping_sub(c2.wrapping_mul(A1));
    [first, second].map(|half| {
        let negative = half.bit(255);
        let half = if negative { half.wrapping_neg() } else { half };
        Half { negative, size: half.as_limbs()[0] as u128 | (half.as_limbs()[1] as u128) << 64 }
    })
}

/// `R_DIGITS` digits of `R_BITS` bits, lowest first.
pub(super) fn half_digits(half: Half) -> impl Iterator<Item = i64> {
    let bits = move |at: usize| (half.size >> (R_BITS * at)) as i64 & ((1 << R_BITS) - 1);
    signed::<R_BITS>((0..R_DIGITS).map(bits)).map(move |digit| if half.negative { -digit } else { digit })
}

/// `G_DIGITS` digits of `G_BITS` bits, lowest first.
pub(super) fn digits(k: U256) -> impl Iterator<Item = i64> {
    let bits = move |at: usize| (k >> (G_BITS * at)).as_limbs()[0].cast_signed() & ((1 << G_BITS) - 1);
    signed::<G_BITS>((0..G_DIGITS).map(bits))
}

/// From digits that are not negative to those of at most half that size.
fn signed<const BITS: usize>(digits: impl Iterator<Item = i64>) -> impl Iterator<Item = i64> {
    digits.scan(0, |carry, digit| {
        let digit = digit + *carry;
        *carry = i64::from(digit >= 1 << (BITS - 1));
        Some(digit - (*carry << BITS))
    })
}
