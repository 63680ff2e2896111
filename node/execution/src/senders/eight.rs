//! The keys of eight signatures at a time: Q = (s R - hash G) / r.
//!
//! Must not know: what was signed.

use super::{
    field::Fe,
    generator::{self, G},
    lanes::{self, LANES, Mask, of},
    points::{Affine, Multiples, Point},
    powers,
    scalar::{self, G_DIGITS, R_BITS, R_DIGITS, Signed},
};
use alloy_primitives::U256;
use std::array::from_fn;

/// The groups of lanes whose roots are taken together.
const TOGETHER: usize = 4;

/// A public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    x: U256,
    y: U256,
}

impl Key {
    /// As what an address is the hash of.
    pub(super) fn bytes(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&self.x.to_be_bytes::<32>());
        bytes[32..].copy_from_slice(&self.y.to_be_bytes::<32>());
        bytes
    }
}

/// The key of each, or `None` where that takes another way of computing it: where there is no key, or where a formula met an exception. To be
/// called where [`lanes::exist`] only.
pub(super) fn keys(signatures: &[Signed]) -> Vec<Option<Key>> {
    assert!(lanes::exist(), "the caller chose this way by the processor");
    // SAFETY: the processor has the features, as asserted above.
    unsafe { grouped(signatures) }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn grouped(signatures: &[Signed]) -> Vec<Option<Key>> {
    if signatures.is_empty() {
        return Vec::new();
    }
    let factors = scalar::factors(signatures);
    let mut sums = Vec::with_capacity(signatures.len().div_ceil(LANES));
    for (signatures, factors) in signatures.chunks(TOGETHER * LANES).zip(factors.chunks(TOGETHER * LANES)) {
        for ((r, good), factors) in lifted(signatures).iter().zip(factors.chunks(LANES)) {
            sums.push((sum(r, factors), *good));
        }
    }
    let mut keys: Vec<_> = affine(&sums).into_iter().flatten().collect();
    keys.truncate(signatures.len());
    keys
}

/// Eight of something: lanes without one of their own repeat the first.
fn eight<T, U>(some: &[T], value: impl Fn(&T) -> U) -> [U; LANES] {
    from_fn(|lane| value(some.get(lane).unwrap_or(&some[0])))
}

/// The points R, and the lanes where r is the x of one.
#[target_feature(enable = "avx512f,avx512ifma")]
fn lifted(signatures: &[Signed]) -> Vec<(Affine, Mask)> {
    let seven = Fe::all(U256::from(7));
    let (mut xs, mut squares) = (Vec::with_capacity(TOGETHER), Vec::with_capacity(TOGETHER));
    for group in signatures.chunks(LANES) {
        let x = Fe::new(&eight(group, |signature| signature.r));
        squares.push(x.sqr().mul_loose(&x).add(&seven.loose()).tight());
        xs.push(x);
    }
    let mut out = Vec::with_capacity(TOGETHER);
    let roots = powers::roots(&squares);
    for (((group, x), square), y) in signatures.chunks(LANES).zip(xs).zip(squares).zip(roots) {
        let good = y.sqr_loose().sub(&square.loose()).tight().zeros();
        let odd = mask(&eight(group, |signature| signature.odd));
        let y = Fe::select(y.odds() ^ odd, &y.loose().negate(Mask::MAX).tight(), &y);
        out.push((Affine { x, y }, good));
    }
    out
}

fn mask(lanes: &[bool; LANES]) -> Mask {
    lanes.iter().rev().fold(0, |mask, lane| mask << 1 | Mask::from(*lane))
}

/// By which multiples of a point are looked up: for each digit, in each lane, its size, its sign and whether it is zero.
struct Digits {
    sizes: [[u64; LANES]; R_DIGITS],
    negative: [Mask; R_DIGITS],
    none: [Mask; R_DIGITS],
}

impl Digits {
    const NONE: Self = Self { sizes: [[0; LANES]; R_DIGITS], negative: [0; R_DIGITS], none: [0; R_DIGITS] };

    fn put(&mut self, lane: usize, digits: impl Iterator<Item = i64>) {
        for (at, digit) in digits.enumerate() {
            self.sizes[at][lane] = digit.unsigned_abs();
            self.negative[at] |= Mask::from(digit < 0) << lane;
            self.none[at] |= Mask::from(digit == 0) << lane;
        }
    }
}

/// of_g G + of_r R, where each lane of `factors` has (of_g, of_r).
#[target_feature(enable = "avx512f,avx512ifma")]
fn sum(r: &Affine, factors: &[(U256, U256)]) -> Point {
    // The sum starts with G, so that no formula begins with an exception; every doubling doubles that too.
    let doubled = U256::ONE << (R_BITS * (R_DIGITS - 1));
    let [mut of_g, mut near, mut far] = [Digits::NONE; 3];
    for lane in 0..LANES {
        let (g, r) = factors.get(lane).unwrap_or(&factors[0]);
        of_g.put(lane, scalar::digits(scalar::minus(*g, doubled)));
        let [first, second] = scalar::halves(*r);
        near.put(lane, scalar::half_digits(first));
        far.put(lane, scalar::half_digits(second));
    }

    let table = Multiples::new(r);
    let of_z = table.z.sqr();
    let y = Fe::all(G.y).mul(&of_z.mul(&table.z));
    let mut sum = Point { x: Fe::all(G.x).mul(&of_z), y, z: Fe::all(U256::ONE) };
    for at in (0..R_DIGITS).rev() {
        if at != R_DIGITS - 1 {
            for _ in 0..R_BITS {
                sum = sum.double();
            }
        }
        let point = table.near(of(&near.sizes[at]));
        sum = sum.add(&point, &sum.z, near.negative[at], near.none[at]);
        let point = table.far(of(&far.sizes[at]));
        sum = sum.add(&point, &sum.z, far.negative[at], far.none[at]);
        if at % 2 == 0 {
            for at in [at / 2, G_DIGITS / 2 + at / 2] {
                let multiples = generator::Multiples::get();
                let points = of_g.sizes[at].map(|size| multiples.at(at >= G_DIGITS / 2, size));
                let point =
                    Affine { x: Fe::new(&points.map(|point| point.x)), y: Fe::new(&points.map(|point| point.y)) };
                sum = sum.add(&point, &sum.z.mul(&table.z), of_g.negative[at], of_g.none[at]);
            }
        }
    }
    Point { z: sum.z.mul(&table.z), ..sum }
}

/// Divides by z, all with one inversion (Montgomery's trick).
#[target_feature(enable = "avx512f,avx512ifma")]
fn affine(sums: &[(Point, Mask)]) -> Vec<[Option<Key>; LANES]> {
    let one = Fe::all(U256::ONE);
    let mut product = one;
    let mut before = Vec::with_capacity(sums.len());
    for (point, good) in sums {
        let good = good & !point.z.zeros();
        let z = Fe::select(good, &point.z, &one);
        before.push((product, z, good));
        product = product.mul(&z);
    }
    let mut inverse = powers::inverse(&product);
    let mut out = vec![[None; LANES]; sums.len()];
    for ((out, (point, _)), (before, z, good)) in out.iter_mut().zip(sums).zip(before).rev() {
        let one = inverse.mul(&before);
        inverse = inverse.mul(&z);
        let square = one.sqr();
        let (x, y) = (point.x.mul(&square).numbers(), point.y.mul(&square.mul(&one)).numbers());
        *out = from_fn(|lane| (good >> lane & 1 == 1).then(|| Key { x: x[lane], y: y[lane] }));
    }
    out
}
