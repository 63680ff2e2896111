//! A fixed sample of the official vectors; `make test-vectors` runs all of them.
//!
//! Reads `$BASALT_VECTORS`, or `../shared/vectors` beside the workspace. Where neither is there it says so and passes, except in CI.

use basalt_vectors::{Options, folder, run};
use std::{num::NonZero, path::PathBuf, thread};

/// Most bytes of files whose cases are all run: about a minute on two cores. Of more, one case in so many is taken, by the hash of its
/// name, so that each run takes the same.
const SAMPLE_BYTES: u64 = 640 << 20;

#[test]
fn a_fixed_sample_of_the_official_vectors_passes() {
    let named = std::env::var_os("BASALT_VECTORS").map(PathBuf::from);
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    let root = named.clone().unwrap_or_else(beside);
    if !root.exists() {
        let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!is_ci && named.is_none(), "{} does not exist: set BASALT_VECTORS to official vectors", root.display());
        println!("skipped: there are no official vectors in {} (set BASALT_VECTORS)", root.display());
        return;
    }
    let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("vectors");
    let bytes: u64 = folder::find(&root, &cache).unwrap().files.iter().map(|file| file.bytes).sum();
    let sample = u32::try_from(bytes.div_ceil(SAMPLE_BYTES)).ok().and_then(NonZero::new).expect("there are files");
    let jobs = thread::available_parallelism().unwrap();
    let report = run(&Options { root, cache, filter: None, sample, jobs, list: false, verbose: false }).unwrap();
    println!("one case in {sample}\n{report}");
    assert!(report.passed() > 0, "no case was found");
    assert_eq!(report.failed(), 0, "see above");
}
