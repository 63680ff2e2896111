//! What happened, in 64 bits: two runs with the same hash took the same steps in the same order.

/// A running hash. Not against an adversary: it tells runs apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trace(u64);

impl Trace {
    /// Takes in one number.
    pub const fn mix(&mut self, word: u64) {
        // The multiplier is 2^64 / pi, odd: every bit of the word reaches every higher bit, the rotation the lower ones.
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    /// Takes in bytes, and how many they are.
    pub fn mix_bytes(&mut self, bytes: &[u8]) {
        self.mix(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
    }

    /// The hash so far.
    pub const fn hash(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_length_and_content_all_count() {
        let of = |parts: &[&[u8]]| {
            let mut trace = Trace::default();
            parts.iter().for_each(|part| trace.mix_bytes(part));
            trace.hash()
        };
        let all: Vec<u64> =
            [&[&b"ab"[..], b"c"][..], &[b"a", b"bc"], &[b"c", b"ab"], &[b"abc"], &[b"abc\0"], &[b"longer than a word"]]
                .into_iter()
                .map(of)
                .collect();
        assert!(all.iter().enumerate().all(|(at, hash)| !all[..at].contains(hash)), "{all:x?}");
        assert_eq!(of(&[b"ab", b"c"]), all[0]);
    }
}
