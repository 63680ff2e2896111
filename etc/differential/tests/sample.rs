//! A fixed part of what `make test-differential` does at length: seeds that nobody has to wait for.

#![allow(clippy::unwrap_used, reason = "a test that panics has done its work")]

use basalt_differential::{Tally, cast, generate, hostile, judge, play, shrink};
use std::thread;

/// First seed of the sample; `make test-differential` starts at zero.
const SEED: u64 = 1_000_000;

/// Runs seeds on two threads until each has done its part.
fn run(done: impl Fn(&Tally) -> bool + Sync, one: impl Fn(u64, &mut Tally) + Sync) -> Tally {
    let lane = |first: u64| {
        let mut tally = Tally::default();
        for seed in (SEED + first..).step_by(2) {
            if done(&tally) {
                break;
            }
            one(seed, &mut tally);
        }
        tally
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| lane(1));
        let mut tally = lane(0);
        tally.merge(other.join().unwrap());
        tally
    })
}

#[test]
fn generated_blocks_please_revm_stateless_validation_and_levm_and_refusals_leave_no_trace() {
    let tally = run(
        |tally| tally.count("blocks") >= 300,
        |seed, tally| {
            let judged = play::play(&generate::plan(seed), tally, judge::judge);
            judged.unwrap_or_else(|why| panic!("basalt-differential replay --seed {seed}: {why}"));
        },
    );
    println!("{tally}");
    assert_eq!(tally.count("blocks"), tally.count("blocks on which all agree"));
    // The generator reaches what it is there for.
    for kind in [
        "call",
        "call data floor",
        "call of an account",
        "create",
        "create by a program",
        "delegation",
        "precompile",
        "precompile through a contract",
        "request",
        "transfer",
    ] {
        assert!(tally.count(&format!("kind, {kind}")) > 20, "{kind}");
    }
    for class in ["BlockFull", "Budget", "Invalid", "NonceAhead", "Request", "Type", "Unpayable"] {
        assert!(tally.count(&format!("refused, {class}")) > 0, "{class}");
    }
    for ty in [0, 1, 2, 4] {
        assert!(tally.count(&format!("type {ty}")) > 50, "type {ty}");
    }
    assert!(tally.count("slots cleared") > 30 && tally.count("codes deployed") > 200);
    assert!(tally.count("transactions that succeeded") * 3 > tally.count("transactions"));
    assert_eq!(tally.count("refused, builder broken"), 0);
}

#[test]
fn no_hostile_input_is_accepted_that_others_refuse_and_no_witness_has_anything_to_spare() {
    let tally = run(
        |tally| tally.count("mutants") >= 8_000,
        |seed, tally| {
            let attacked = hostile::attack(&generate::plan(seed), tally);
            attacked.unwrap_or_else(|why| panic!("basalt-differential replay --seed {seed}: {why}"));
        },
    );
    println!("{tally}");
    for name in ["node left out", "code left out", "header left out", "offset changed", "forged chain"] {
        assert!(tally.count(&format!("mutants, {name}")) > 10, "{name}");
    }
    for class in ["block", "block hash", "decoding", "headers", "rollup rule", "transaction", "witness"] {
        assert!(tally.count(&format!("mutants refused, {class}")) > 10, "{class}");
    }
}

#[test]
fn a_seed_is_a_plan_and_a_plan_is_a_chain() {
    let chain = |seed| {
        let mut hashes = Vec::new();
        let played = play::play(&generate::plan(seed), &mut Tally::default(), |case, _| {
            hashes.push(case.executed.block.hash());
            Ok(())
        });
        played.unwrap();
        hashes
    };
    for seed in SEED..SEED + 5 {
        assert_eq!(format!("{:?}", generate::plan(seed)), format!("{:?}", generate::plan(seed)));
        assert_eq!(chain(seed), chain(seed));
    }
}

#[test]
fn a_failing_plan_shrinks_to_what_makes_it_fail() {
    let fails = |plan: &basalt_differential::Plan| {
        let found = plan.blocks.iter().flat_map(|block| &block.transactions).any(|tx| tx.kind == "delegation");
        found.then(|| judge::Disagreement::new("a delegation", &"found"))
    };
    let seed = (SEED..).find(|seed| fails(&generate::plan(*seed)).is_some()).unwrap();
    let plan = generate::plan(seed);
    let first = fails(&plan).unwrap();
    let (small, still) = shrink::shrink(plan, &first, fails);
    assert_eq!(still, first);
    assert_eq!(small.blocks.iter().map(|block| block.transactions.len()).sum::<usize>(), 1);
    assert_eq!(small.contracts.len(), cast::CONTRACTS);
    assert!(small.contracts.iter().all(|contract| contract.code.is_empty() && contract.slots.is_empty()));
    assert_eq!(small.history, 0);
}
