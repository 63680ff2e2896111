//! `basalt-vectors [FOLDER]`: runs official test vectors and says how many passed.

use basalt_vectors::{Options, run};
use clap::Parser;
use std::{
    io::{self, Write},
    num::NonZero,
    path::PathBuf,
    process::ExitCode,
    thread,
};

/// Runs official Ethereum test vectors: state, blockchain, engine and transaction tests, precompiles, KZG, SSZ, chain files.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Folder with packs (.tar.zst) and files in any nesting; or one of them.
    #[arg(env = "BASALT_VECTORS", default_value = "../shared/vectors")]
    folder: PathBuf,
    /// Where packs are unpacked to.
    #[arg(long, default_value_os_t = cache())]
    cache: PathBuf,
    /// Run only cases in whose file or name this occurs.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Run one case in N, chosen by the hash of its name.
    #[arg(long, value_name = "N", default_value = "1")]
    sample: NonZero<u32>,
    /// Threads; all cores by default.
    #[arg(long)]
    jobs: Option<NonZero<usize>>,
    /// Name the cases and run none.
    #[arg(long)]
    list: bool,
    /// Print every case with its verdict and time.
    #[arg(long, short)]
    verbose: bool,
}

fn cache() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from).join("vectors")
}

fn main() -> eyre::Result<ExitCode> {
    let Args { folder: root, cache, filter, sample, jobs, list, verbose } = Args::parse();
    if !root.exists() {
        eyre::bail!("{} does not exist: name a folder, or set BASALT_VECTORS", root.display());
    }
    let jobs = jobs.map_or_else(thread::available_parallelism, Ok)?;
    let report = run(&Options { root, cache, filter, sample, jobs, list, verbose })?;
    let mut out = io::stdout().lock();
    if list {
        return Ok(ExitCode::SUCCESS);
    }
    if verbose {
        for (took, what) in &report.slowest {
            writeln!(out, "slow: {:.3} s {what}", took.as_secs_f64())?;
        }
    }
    writeln!(out, "{report}")?;
    if report.passed() == 0 && report.failed() == 0 {
        eyre::bail!("no case was found");
    }
    Ok(if report.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
