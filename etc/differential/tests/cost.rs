//! What an input may cost whoever decodes it: memory in proportion to its length, whatever it says.

#![allow(clippy::unwrap_used, reason = "a test that panics has done its work")]

use alloy_primitives::Bytes;
use basalt_differential::{Tally, generate, play};
use bridge::execute::{MAX_INPUT_BYTES, StatelessInput};
use execution::stateless;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that decoding may allocate for each byte of input: one copy of it, and for each list element, which has an offset of four bytes,
/// its place in the input and a handle, 48 bytes together.
const DECODING_PER_BYTE: usize = 14;
/// Beside that.
const DECODING_FIXED: usize = 16 << 10;

fn allocated<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let region = Region::new(ALLOCATOR);
    let result = work();
    (region.change().bytes_allocated, result)
}

fn decode(bytes: &[u8]) -> usize {
    let (used, _) = allocated(|| stateless::prepare(bytes).is_ok());
    let most = DECODING_PER_BYTE * bytes.len() + DECODING_FIXED;
    assert!(used <= most, "{used} bytes allocated for an input of {}", bytes.len());
    used
}

/// One test, because an allocator counts for all threads.
#[test]
fn decoding_allocates_in_proportion_to_the_input_and_refusing_costs_no_more_than_accepting() {
    // Real inputs, and changes of their offsets and lengths.
    let mut inputs = Vec::new();
    for seed in 0..20 {
        let played = play::play(&generate::plan(seed), &mut Tally::default(), |case, _| {
            inputs.push(case.input.clone());
            Ok(())
        });
        played.unwrap();
    }
    let mut random = generate::Random::new(5);
    for input in &inputs {
        let bytes = input.encode();
        decode(&bytes);
        for _ in 0..60 {
            let mut mutant = bytes.clone();
            let at = random.index(mutant.len() - 4);
            let word = random.pick(&[0, 1, 4, 16, 540, u32::MAX, u32::MAX - 3, 1 << 20]);
            mutant[at..at + 4].copy_from_slice(&word.to_le_bytes());
            decode(&mutant);
        }
    }
    // The most elements that an input can have.
    let many = (MAX_INPUT_BYTES - 2_000) / 4;
    let empty = |change: &dyn Fn(&mut StatelessInput, Vec<Bytes>)| {
        let mut input = StatelessInput::default();
        change(&mut input, vec![Bytes::new(); many]);
        let bytes = input.encode();
        println!("{} bytes of empty elements: {} allocated", bytes.len(), decode(&bytes));
        let time = std::time::Instant::now();
        let (used, refused) = allocated(|| stateless::validate(&bytes).is_err());
        println!("validation allocates {used}, takes {:?}", time.elapsed());
        assert!(refused && used < 64 * MAX_INPUT_BYTES, "{used}");
    };
    empty(&|input, elements| input.payload.transactions = elements);
    empty(&|input, elements| input.witness.state = elements);
    empty(&|input, elements| input.witness.codes = elements);
    // Longer than any gas pays for: refused before a byte of it is copied.
    let (used, refused) = allocated(|| stateless::prepare(&vec![0x15; MAX_INPUT_BYTES + 1]).is_err());
    assert!(refused && used <= MAX_INPUT_BYTES + 1 + 256, "{used}");
    // Whole validations, valid or not: no mutant costs much more than the block that it was made of.
    let mut dearest: f64 = 0.0;
    for input in inputs.iter().take(12) {
        let bytes = input.encode();
        let (valid, _) = allocated(|| stateless::validate(&bytes).map(drop));
        for index in 0..input.witness.state.len() {
            let mut mutant = input.clone();
            mutant.witness.state.remove(index);
            let bytes = mutant.encode();
            let (used, refused) = allocated(|| stateless::validate(&bytes).is_err());
            assert!(refused);
            dearest = dearest.max(used as f64 / valid as f64);
        }
    }
    println!("a refusal allocates at most {dearest:.2} of what acceptance does");
    assert!(dearest < 1.5, "{dearest}");
}
