use super::*;
use alloy_primitives::keccak256;
use rand::{Rng, SeedableRng, rngs::StdRng};

const WAYS: [Lanes; 3] = [Lanes::One, Lanes::Four, Lanes::Eight];

#[test]
fn every_way_agrees_with_alloy_for_all_lengths() {
    let bytes: Vec<u8> = (0..1_100u32).map(|n| (n * 7 + n / 256) as u8).collect();
    let inputs: Vec<&[u8]> = (0..=bytes.len()).map(|len| &bytes[bytes.len() - len..]).collect();
    for lanes in WAYS {
        for (input, hash) in inputs.iter().zip(batch_by(lanes, &inputs)) {
            assert_eq!(hash, keccak256(input), "{} bytes, {lanes:?}", input.len());
        }
    }
}

#[test]
fn every_way_agrees_with_alloy_for_batches_of_any_size_and_mix() {
    let mut rng = StdRng::seed_from_u64(9);
    for size in (0..40).chain([63, 64, 65, 500]) {
        let longest = [40, 136, 300, 700, 5_000][rng.random_range(0..5)];
        let inputs: Vec<Vec<u8>> =
            (0..size).map(|_| (0..rng.random_range(0..=longest)).map(|_| rng.random()).collect()).collect();
        let inputs: Vec<&[u8]> = inputs.iter().map(|input| &input[..]).collect();
        let expected: Vec<B256> = inputs.iter().map(keccak256).collect();
        for lanes in WAYS {
            assert_eq!(batch_by(lanes, &inputs), expected, "{size} inputs, {lanes:?}");
        }
        assert_eq!(batch(&inputs), expected);
    }
}

/// `cargo nextest run --release --run-ignored only --no-capture -E 'test(keccak)'`.
#[test]
#[ignore = "prints times, asserts nothing"]
fn times_of_each_way() {
    for len in [20, 110, 532, 24_576] {
        let bytes = vec![7; len];
        let count = 5_320_000 / (len as u32 + 512);
        let inputs: Vec<&[u8]> = (0..count).map(|_| &bytes[..]).collect();
        for lanes in WAYS {
            let time = (0..20)
                .map(|_| {
                    let start = std::time::Instant::now();
                    assert_eq!(batch_by(lanes, &inputs).len(), inputs.len());
                    start.elapsed()
                })
                .min();
            println!("{len} bytes, {lanes:?}: {:?} each", time.unwrap_or_default() / count);
        }
        let start = std::time::Instant::now();
        inputs.iter().for_each(|input| assert!(!keccak256(input).is_zero()));
        println!("{len} bytes, alloy: {:?} each", start.elapsed() / count);
    }
}
