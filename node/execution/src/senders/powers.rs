//! Roots and inverses modulo p: powers with long runs of ones in the exponent.
//!
//! Must not know: limbs, lanes.

use super::field::Fe;

/// The common part of both exponents below: a^(2^2 - 1), a^(2^22 - 1), a^(2^223 - 1).
#[target_feature(enable = "avx512f,avx512ifma")]
fn powers(a: &[Fe]) -> [Vec<Fe>; 3] {
    let x2 = times(&squared(a, 1), a);
    let x3 = times(&squared(&x2, 1), a);
    let x6 = times(&squared(&x3, 3), &x3);
    let x9 = times(&squared(&x6, 3), &x3);
    let x11 = times(&squared(&x9, 2), &x2);
    let x22 = times(&squared(&x11, 11), &x11);
    let x44 = times(&squared(&x22, 22), &x22);
    let x88 = times(&squared(&x44, 44), &x44);
    let x176 = times(&squared(&x88, 88), &x88);
    let x220 = times(&squared(&x176, 44), &x44);
    let x223 = times(&squared(&x220, 3), &x3);
    [x2, x22, x223]
}

/// a^(2^n), of each: side by side, since each squaring has to wait for the one before.
#[target_feature(enable = "avx512f,avx512ifma")]
fn squared(a: &[Fe], n: u32) -> Vec<Fe> {
    let mut a = a.to_vec();
    for _ in 0..n {
        for x in &mut a {
            *x = x.sqr();
        }
    }
    a
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn times(a: &[Fe], b: &[Fe]) -> Vec<Fe> {
    let mut out = a.to_vec();
    for (a, b) in out.iter_mut().zip(b) {
        *a = a.mul(b);
    }
    out
}

/// a^((p + 1) / 4): a root of each number that is a square.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn roots(a: &[Fe]) -> Vec<Fe> {
    let [x2, x22, x223] = powers(a);
    let t = times(&squared(&x223, 23), &x22);
    let t = times(&squared(&t, 6), &x2);
    squared(&t, 2)
}

/// a^(p - 2): 1 / a, and 0 of 0.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn inverse(a: &Fe) -> Fe {
    let a = &[*a];
    let [x2, x22, x223] = powers(a);
    let t = times(&squared(&x223, 23), &x22);
    let t = times(&squared(&t, 5), a);
    let t = times(&squared(&t, 3), &x2);
    times(&squared(&t, 2), a)[0]
}
