//! Multiples of the generator G, made once a process: those that are looked up by the digits of a scalar.
//!
//! Must not know: lanes.

use super::{
    field::P,
    scalar::{G_BITS, G_DIGITS},
};
use alloy_primitives::U256;
use std::sync::OnceLock;

/// G, the point that everyone multiplies.
pub(super) const G: Affine = Affine {
    x: U256::from_limbs([0x59f2_815b_16f8_1798, 0x029b_fcdb_2dce_28d9, 0x55a0_6295_ce87_0b07, 0x79be_667e_f9dc_bbac]),
    y: U256::from_limbs([0x9c47_d08f_fb10_d4b8, 0xfd17_b448_a685_5419, 0x5da4_fbfc_0e11_08a8, 0x483a_da77_26a3_c465]),
};

/// Multiples of one point: 1 to 2^(bits - 1).
const MULTIPLES: usize = 1 << (G_BITS - 1);

/// A point of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Affine {
    pub(super) x: U256,
    pub(super) y: U256,
}

/// Multiples of G for digits of the lower half of a scalar, and of the upper half.
pub(super) struct Multiples(Vec<Affine>);

impl Multiples {
    /// The multiples. The first call takes a millisecond.
    pub(super) fn get() -> &'static Self {
        static MADE: OnceLock<Multiples> = OnceLock::new();
        MADE.get_or_init(|| {
            let mut upper = G;
            for _ in 0..G_BITS * G_DIGITS / 2 {
                upper = sums(&[(upper, upper)])[0];
            }
            Self([multiples(G), multiples(upper)].concat())
        })
    }

    /// The multiple for a digit of that size of the lower half, or of the upper half. Some point for 0.
    pub(super) fn at(&self, upper: bool, digit: u64) -> &Affine {
        let at = (digit as usize).saturating_sub(1);
        assert!(at < MULTIPLES, "digits have {G_BITS} bits");
        &self.0[usize::from(upper) * MULTIPLES + at]
    }
}

/// 1 to `MULTIPLES` times a point.
fn multiples(of: Affine) -> Vec<Affine> {
    let mut all = vec![of];
    while all.len() < MULTIPLES {
        let last = all[all.len() - 1];
        let pairs: Vec<_> = all.iter().map(|point| (*point, last)).collect();
        all.extend(sums(&pairs));
    }
    all
}

/// The sum of each pair, with one inversion for all. No pair adds up to nothing.
fn sums(pairs: &[(Affine, Affine)]) -> Vec<Affine> {
    let mul = |a: U256, b: U256| a.mul_mod(b, P);
    let sub = |a: U256, b: U256| a.add_mod(P - b, P);
    // Slopes as fractions; of a tangent where both are the same point.
    let slope = |(a, b): &(Affine, Affine)| match a == b {
        true => (mul(mul(a.x, a.x), U256::from(3)), a.y.add_mod(a.y, P)),
        false => (sub(b.y, a.y), sub(b.x, a.x)),
    };
    let slopes: Vec<_> = pairs.iter().map(slope).collect();
    let mut product = U256::ONE;
    let mut before = Vec::with_capacity(pairs.len());
    for (_, below) in &slopes {
        before.push(product);
        product = mul(product, *below);
    }
    let mut inverse = product.inv_mod(P).expect("p is prime and no slope is upright");
    let mut out = pairs.iter().map(|(a, _)| *a).collect::<Vec<_>>();
    for (((out, (a, b)), (above, below)), before) in out.iter_mut().zip(pairs).zip(&slopes).zip(before).rev() {
        let slope = mul(mul(inverse, before), *above);
        inverse = mul(inverse, *below);
        let x = sub(sub(mul(slope, slope), a.x), b.x);
        *out = Affine { x, y: sub(mul(slope, sub(a.x, x)), a.y) };
    }
    out
}
