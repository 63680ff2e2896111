//! `basalt-conformance [FOLDER]`: runs recorded JSON-RPC cases and says how many passed.

use basalt_conformance::run::{Options, run};
use clap::Parser;
use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

/// Runs recorded JSON-RPC cases of execution-apis (.io) against a node that has imported the chain beside them.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Folder with packs (.tar.zst) and files in any nesting: cases, chain.rlp and genesis.json above them, openrpc.json anywhere.
    #[arg(env = "BASALT_RPC_CASES", default_value = "../shared/vectors")]
    folder: PathBuf,
    /// Where packs are unpacked to.
    #[arg(long, default_value_os_t = cache())]
    cache: PathBuf,
    /// Run only cases in whose name this occurs.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

fn cache() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from).join("vectors")
}

#[tokio::main]
async fn main() -> eyre::Result<ExitCode> {
    let Args { folder: root, cache, filter } = Args::parse();
    if !root.exists() {
        eyre::bail!("{} does not exist: name a folder, or set BASALT_RPC_CASES", root.display());
    }
    let report = run(&Options { root, cache, filter }).await?;
    let mut out = io::stdout().lock();
    for (name, faults) in &report.failed {
        writeln!(out, "FAILED {name}")?;
        for fault in faults {
            writeln!(out, "  {fault}")?;
        }
    }
    if report.schemas == 0 {
        writeln!(out, "no openrpc.json: forms of results are not checked")?;
    }
    let (passed, failed) = (report.passed, report.failed.len());
    writeln!(out, "{passed} passed, {failed} failed")?;
    if passed == 0 && failed == 0 {
        eyre::bail!("no case was found");
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
