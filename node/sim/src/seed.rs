//! Randomness from one number. Every part of the world draws from a stream of its own, so that one more user does not
//! change what the L1 does.

use alloy_primitives::keccak256;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::ops::RangeInclusive;

/// What a whole run follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream with this name. The same seed and name give the same numbers.
    pub fn stream(self, name: &str) -> Rng {
        Rng(ChaCha8Rng::from_seed(keccak256([&self.0.to_be_bytes(), name.as_bytes()].concat()).0))
    }
}

/// One stream of numbers. ChaCha8, because its output is fixed by a specification and not by a library's version.
#[derive(Clone, Debug)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`, which is not zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "there is no number below zero");
        // The bias is at most bound / 2^64: far below what any number of seeds could show.
        u64::try_from((u128::from(self.number()) * u128::from(bound)) >> 64)
            .expect("a product's upper half has 64 bits")
    }

    /// A number in `range`, which is not empty and not all of u64.
    pub fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        range.start() + self.below(range.end() - range.start() + 1)
    }

    /// True `share` times in `of`.
    pub fn chance(&mut self, share: u64, of: u64) -> bool {
        self.below(of) < share
    }

    /// One of `items`, which are not empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[usize::try_from(self.below(items.len() as u64)).expect("below a length")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_name_give_the_same_stream_and_others_do_not() {
        let draw = |seed, name| {
            let mut rng = Seed(seed).stream(name);
            [rng.number(), rng.number()]
        };
        assert_eq!(draw(1, "l1"), draw(1, "l1"));
        assert_ne!(draw(1, "l1"), draw(2, "l1"));
        assert_ne!(draw(1, "l1"), draw(1, "users"));
    }

    #[test]
    fn numbers_stay_in_their_range_and_reach_both_ends() {
        let mut rng = Seed(7).stream("range");
        let drawn: Vec<u64> = (0..1_000).map(|_| rng.within(3..=5)).collect();
        assert!(drawn.iter().all(|n| (3..=5).contains(n)));
        assert!(drawn.contains(&3) && drawn.contains(&5));
        assert!((0..100).all(|_| !rng.chance(0, 10) && rng.chance(10, 10)));
        assert_eq!(rng.within(9..=9), 9);
        assert_eq!(rng.pick(&["only"]), &"only");
    }
}
