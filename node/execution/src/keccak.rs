//! keccak256 of many inputs at once: eight (AVX-512) or four (AVX2) side by side where the processor can, one by one elsewhere.
//!
//! Dispatch is at run time, so one binary serves every x86-64. Must not know: what is hashed.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod avx512;
mod rounds;
mod scalar;
#[cfg(test)]
mod tests;

use alloy_primitives::B256;

/// Bytes that one permutation takes in (Keccak-256).
const RATE: usize = 136;

/// Inputs of up to this many blocks, which trie nodes are, are sorted into groups of equally many; longer ones by their length.
const BLOCKS_MAX: usize = 4;

/// Lanes that have to be at work so that hashing side by side pays, as a fraction of all.
const LANES_SHARE: usize = 3;

/// A block as the permutation takes it in.
type Block = [[u8; 8]; RATE / 8];

/// How to hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lanes {
    /// One by one, on any processor.
    One,
    /// Four side by side. Falls back to one where there is no AVX2.
    Four,
    /// Eight side by side. Falls back to one where there is no AVX-512.
    Eight,
}

impl Lanes {
    /// The fastest that this processor has.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Self::Eight;
            }
            if is_x86_feature_detected!("avx2") {
                return Self::Four;
            }
        }
        Self::One
    }
}

/// keccak256 of one input.
pub fn one(input: &[u8]) -> B256 {
    scalar::hash(input)
}

/// keccak256 of each input, in order.
pub fn batch(inputs: &[&[u8]]) -> Vec<B256> {
    batch_by(Lanes::best(), inputs)
}

/// As [`batch`], by a way of the caller's choice: for tests and measurements.
pub fn batch_by(lanes: Lanes, inputs: &[&[u8]]) -> Vec<B256> {
    match lanes {
        #[cfg(target_arch = "x86_64")]
        Lanes::Eight if is_x86_feature_detected!("avx512f") => grouped(inputs, avx512::hash),
        #[cfg(target_arch = "x86_64")]
        Lanes::Four if is_x86_feature_detected!("avx2") => grouped(inputs, avx2::hash),
        _ => inputs.iter().map(|input| scalar::hash(input)).collect(),
    }
}

/// Hashes `N` inputs, in the time that the longest takes.
type Hash<const N: usize> = fn(&[&[u8]; N]) -> [B256; N];

/// Gives inputs of about equally many blocks to `hash` together. What would leave most lanes idle goes one by one.
fn grouped<const N: usize>(inputs: &[&[u8]], hash: Hash<N>) -> Vec<B256> {
    let mut out = vec![B256::ZERO; inputs.len()];
    let mut groups: [Vec<usize>; BLOCKS_MAX + 1] = Default::default();
    for (index, input) in inputs.iter().enumerate() {
        groups[block_count(input).min(BLOCKS_MAX + 1) - 1].push(index);
    }
    groups[BLOCKS_MAX].sort_by_key(|index| inputs[*index].len());
    for chunk in groups.iter().flat_map(|group| group.chunks(N)) {
        let work: usize = chunk.iter().map(|index| block_count(inputs[*index])).sum();
        let longest = chunk.last().map_or(0, |index| block_count(inputs[*index]));
        if work * LANES_SHARE < longest * N {
            for index in chunk {
                out[*index] = scalar::hash(inputs[*index]);
            }
            continue;
        }
        // Lanes without an input of their own repeat the first one.
        let lane = |lane: usize| inputs[*chunk.get(lane).unwrap_or(&chunk[0])];
        for (index, hash) in chunk.iter().zip(hash(&std::array::from_fn(lane))) {
            out[*index] = hash;
        }
    }
    out
}

/// Permutations that an input takes.
fn block_count(input: &[u8]) -> usize {
    input.len() / RATE + 1
}

/// The blocks of an input: whole ones, and the last one, padded.
fn blocks(input: &[u8]) -> (&[[u8; RATE]], [u8; RATE]) {
    let (whole, rest) = input.as_chunks::<RATE>();
    let mut last = [0; RATE];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x01;
    last[RATE - 1] |= 0x80;
    (whole, last)
}

fn words(block: &[u8; RATE]) -> &Block {
    let (words, _) = block.as_chunks::<8>();
    words.try_into().expect("136 bytes are 17 words")
}
