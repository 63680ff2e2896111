//! Numbers modulo p = 2^256 - 2^32 - 977, eight at a time, in five limbs of 52 bits.
//!
//! An [`Fe`] is *tight*: its limbs fit into 52 bits (which is all that the multiplication looks at), the last one into 48 and a little, so it is
//! less than 2^256 + 2^218, but may be p or more. Products, sums and differences are *loose* until [`Loose::tight`].
//!
//! Must not know: curves.

#[cfg(test)]
#[allow(unsafe_code)]
mod tests;

use super::lanes::{LANES, Mask, V, add, all, and, array, equal, hi, less, lo, of, or, select, shl, shr, sub};
use alloy_primitives::U256;

/// The prime.
pub(super) const P: U256 =
    U256::from_limbs([0xffff_fffe_ffff_fc2f, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff]);

/// 2^256 modulo p.
const FOLD: u64 = 0x1_0000_03d1;

const BITS: u32 = 52;
const LOW: u64 = (1 << BITS) - 1;
/// Bits of the last limb of a number below 2^256.
const TOP_BITS: u32 = 48;
const TOP: u64 = (1 << TOP_BITS) - 1;

/// 16 p = 2^260 - 16 FOLD, so written that no limb of a [`Loose`] is negative after adding it: each lends 256 to the one below.
const BIAS: [u64; 5] = {
    const LENT: u64 = 256;
    const MIDDLE: u64 = LOW + (LENT << BITS) - LENT;
    [LOW + 1 - (FOLD << 4) + (LENT << BITS), MIDDLE, MIDDLE, MIDDLE, LOW - LENT]
};

/// Eight numbers modulo p.
#[derive(Clone, Copy)]
pub(super) struct Fe([V; 5]);

/// A linear combination of [`Fe`]s and products that is not carried yet: each has limbs of 56 bits at most, the last one of 48 and a little.
/// The negative coefficients may add up to 15, and the positive ones too.
#[derive(Clone, Copy)]
pub(super) struct Loose([V; 5]);

/// The limbs of a number below 2^256.
fn limbs(n: U256) -> [u64; 5] {
    let [a, b, c, d] = *n.as_limbs();
    [a & LOW, (a >> 52 | b << 12) & LOW, (b >> 40 | c << 24) & LOW, (c >> 28 | d << 36) & LOW, d >> 16]
}

/// The products of all limbs by weight, uncarried, added to `t`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn columns(t: &mut [V; 10], a: &Fe, b: &Fe) {
    for i in 0..5 {
        for j in 0..5 {
            t[i + j] = lo(t[i + j], a.0[i], b.0[j]);
        }
        for j in 0..5 {
            t[i + j + 1] = hi(t[i + j + 1], a.0[i], b.0[j]);
        }
    }
}

/// A number from its products by weight. At most two products were added up.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn fold(mut t: [V; 10]) -> Loose {
    // The upper half as limbs of 52 bits; bits above those are in the next limb and will not be looked at in this one.
    for i in 5..9 {
        t[i + 1] = add(t[i + 1], shr::<BITS>(t[i]));
    }
    // 2^260 = 16 * 2^256.
    let by = all(FOLD << 4);
    for i in 0..5 {
        t[i] = lo(t[i], t[i + 5], by);
    }
    for i in 0..4 {
        t[i + 1] = hi(t[i + 1], t[i + 5], by);
    }
    let above = add(shl::<4>(hi(all(0), t[9], by)), shr::<TOP_BITS>(t[4]));
    let by = all(FOLD);
    Loose([lo(t[0], above, by), hi(t[1], above, by), t[2], t[3], and(t[4], all(TOP))])
}

impl Fe {
    /// From numbers below 2^256.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn new(numbers: &[U256; LANES]) -> Self {
        let mut rows = [[0; LANES]; 5];
        for (lane, number) in numbers.iter().enumerate() {
            for (row, limb) in rows.iter_mut().zip(limbs(*number)) {
                row[lane] = limb;
            }
        }
        Self([of(&rows[0]), of(&rows[1]), of(&rows[2]), of(&rows[3]), of(&rows[4])])
    }

    /// The same in all lanes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn all(number: U256) -> Self {
        let l = limbs(number);
        Self([all(l[0]), all(l[1]), all(l[2]), all(l[3]), all(l[4])])
    }

    /// The numbers, below p.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn numbers(&self) -> [U256; LANES] {
        let l = self.least().0;
        let l = [array(l[0]), array(l[1]), array(l[2]), array(l[3]), array(l[4])];
        std::array::from_fn(|i| {
            let [a, b, c, d, e] = [l[0][i], l[1][i], l[2][i], l[3][i], l[4][i]];
            U256::from_limbs([a | b << 52, b >> 12 | c << 40, c >> 24 | d << 28, d >> 36 | e << 16])
        })
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn mul(&self, by: &Self) -> Self {
        self.mul_loose(by).carried()
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn mul_loose(&self, by: &Self) -> Loose {
        let mut t = [all(0); 10];
        columns(&mut t, self, by);
        fold(t)
    }

    /// a b + c d.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn mul_mul(a: &Self, b: &Self, c: &Self, d: &Self) -> Self {
        let mut t = [all(0); 10];
        columns(&mut t, a, b);
        columns(&mut t, c, d);
        fold(t).carried()
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn sqr(&self) -> Self {
        self.sqr_loose().carried()
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn sqr_loose(&self) -> Loose {
        let a = &self.0;
        let mut t = [all(0); 10];
        for i in 0..4 {
            for j in i + 1..5 {
                t[i + j] = lo(t[i + j], a[i], a[j]);
            }
            for j in i + 1..5 {
                t[i + j + 1] = hi(t[i + j + 1], a[i], a[j]);
            }
        }
        for column in &mut t[1..9] {
            *column = add(*column, *column);
        }
        for i in 0..5 {
            t[2 * i] = lo(t[2 * i], a[i], a[i]);
            t[2 * i + 1] = hi(t[2 * i + 1], a[i], a[i]);
        }
        fold(t)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn loose(&self) -> Loose {
        Loose(self.0)
    }

    /// `yes` in the lanes of `mask`, `no` in the others.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn select(mask: Mask, yes: &Self, no: &Self) -> Self {
        let mut t = no.0;
        for (limb, yes) in t.iter_mut().zip(yes.0) {
            *limb = select(mask, yes, *limb);
        }
        Self(t)
    }

    /// The same numbers, each below p.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn least(&self) -> Self {
        let mut t = self.0;
        let above = shr::<TOP_BITS>(t[4]);
        t[4] = and(t[4], all(TOP));
        t[0] = lo(t[0], above, all(FOLD));
        let below = Loose(t).carried().0;
        // It is p or more if this reaches 2^256.
        let mut more = below;
        more[0] = add(more[0], all(FOLD));
        let mut more = Loose(more).carried().0;
        let reaches = less(all(TOP), more[4]);
        more[4] = and(more[4], all(TOP));
        Self::select(reaches, &Self(more), &Self(below))
    }

    /// The lanes with zero.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn zeros(&self) -> Mask {
        let l = self.least().0;
        equal(or(or(or(l[0], l[1]), or(l[2], l[3])), l[4]), all(0))
    }

    /// The lanes with an odd number.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn odds(&self) -> Mask {
        equal(and(self.least().0[0], all(1)), all(1))
    }
}

impl Loose {
    /// Times 2^N; N is at most 3.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn shl<const N: u32>(&self) -> Loose {
        let a = &self.0;
        Loose([shl::<N>(a[0]), shl::<N>(a[1]), shl::<N>(a[2]), shl::<N>(a[3]), shl::<N>(a[4])])
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add(&self, b: &Self) -> Self {
        let (a, b) = (&self.0, &b.0);
        Self([add(a[0], b[0]), add(a[1], b[1]), add(a[2], b[2]), add(a[3], b[3]), add(a[4], b[4])])
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn sub(&self, b: &Self) -> Self {
        let (a, b) = (&self.0, &b.0);
        Self([sub(a[0], b[0]), sub(a[1], b[1]), sub(a[2], b[2]), sub(a[3], b[3]), sub(a[4], b[4])])
    }

    /// Its negative in the lanes of `mask`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn negate(&self, mask: Mask) -> Self {
        let mut t = self.0;
        for limb in &mut t {
            *limb = select(mask, sub(all(0), *limb), *limb);
        }
        Self(t)
    }

    /// Reduced and carried.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn tight(&self) -> Fe {
        let mut t = self.0;
        for (limb, bias) in t.iter_mut().zip(BIAS) {
            *limb = add(*limb, all(bias));
        }
        let above = shr::<TOP_BITS>(t[4]);
        t[4] = and(t[4], all(TOP));
        t[0] = lo(t[0], above, all(FOLD));
        Loose(t).carried()
    }

    /// Carries from limb to limb; the last one keeps what it gets. For what has no more than two products, none negative.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn carried(&self) -> Fe {
        let mut t = self.0;
        for i in 0..4 {
            t[i + 1] = add(t[i + 1], shr::<BITS>(t[i]));
            t[i] = and(t[i], all(LOW));
        }
        Fe(t)
    }
}
