use super::*;
use crate::world::rng;
use alloy_primitives::uint;
use rand::{Rng, rngs::StdRng};

const LAMBDA: U256 = uint!(0x5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72_U256);

/// Random ones, and those around n, around powers of two and around multiples of what scalars are split by.
fn any(rng: &mut StdRng) -> U256 {
    let near = match rng.random_range(0..5) {
        0 => U256::ONE << rng.random_range(0..256),
        1 => N,
        2 => LAMBDA.mul_mod(U256::from(rng.random::<u128>()), N),
        3 => N.wrapping_div(U256::from(rng.random_range(1..9u64))),
        _ => return U256::from_limbs(rng.random()) % N,
    };
    near.wrapping_add(U256::from(rng.random_range(0..4))).wrapping_sub(U256::from(rng.random_range(0..4))) % N
}

fn modulo(sum: impl DoubleEndedIterator<Item = i64>, bits: usize) -> U256 {
    sum.rev().fold(U256::ZERO, |sum, digit| {
        let size = U256::from(digit.unsigned_abs());
        sum.mul_mod(U256::ONE << bits, N).add_mod(if digit < 0 { N - size } else { size }, N)
    })
}

#[test]
fn halves_and_digits_add_up_to_the_scalar() {
    let mut rng = rng(1);
    for _ in 0..20_000 {
        let k = any(&mut rng);
        let [near, far] = halves(k).map(|half| {
            let digits: Vec<_> = half_digits(half).collect();
            assert_eq!(digits.len(), R_DIGITS);
            assert!(digits.iter().all(|digit| (-16..=16).contains(digit)), "{half:?}");
            modulo(digits.into_iter(), R_BITS)
        });
        assert_eq!(near.add_mod(far.mul_mod(LAMBDA, N), N), k);
        let digits: Vec<_> = digits(k).collect();
        assert_eq!(digits.len(), G_DIGITS);
        assert!(digits.iter().all(|digit| (-512..512).contains(digit)), "{k}");
        assert_eq!(modulo(digits.into_iter(), G_BITS), k);
    }
}

#[test]
fn factors_are_fractions_by_r() {
    let mut rng = rng(2);
    for len in [1, 2, 3, 30] {
        let some = |rng: &mut StdRng| any(rng).max(U256::ONE);
        let signed: Vec<_> = (0..len)
            .map(|_| Signed { r: some(&mut rng), s: some(&mut rng), odd: false, hash: any(&mut rng) })
            .chain([N - U256::ONE, N, U256::MAX].map(|hash| Signed { r: U256::ONE, s: U256::ONE, odd: true, hash }))
            .collect();
        for (Signed { r, s, hash, .. }, (of_g, of_r)) in signed.iter().zip(factors(&signed)) {
            assert!(of_g < N && of_r < N);
            assert_eq!(of_r.mul_mod(*r, N), *s);
            assert_eq!(of_g.mul_mod(*r, N).add_mod(*hash, N), U256::ZERO);
            assert_eq!(minus(of_g, of_r).add_mod(of_r, N), of_g);
        }
    }
}
