//! Side-by-side benchmarks: workloads, runners, and the driver that pairs them. See `README.md`.

use basalt_bench::{
    report::{self, Machine},
    runner::{self, Runner},
    suite::{Settings, Suite},
    workfile::Workfile,
    workload::{self, Fork, Kind, Plan},
};
use clap::{Parser, Subcommand};
use eyre::WrapErr;
use std::{fs, path::PathBuf};

/// As in `basalt` itself.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Debug, Parser)]
#[command(name = "basalt-bench", about = "Basalt against bare revm, LEVM and ethrex, on this machine")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a workload file.
    Make {
        /// What the blocks do.
        kind: Kind,
        /// By which rules.
        #[arg(long, value_enum, default_value_t = Fork::Amsterdam)]
        fork: Fork,
        /// Accounts in the first state.
        #[arg(long, default_value_t = 100_000)]
        accounts: u64,
        /// Where the file goes.
        #[arg(long)]
        out: PathBuf,
    },
    /// Writes a workload as any client reads it: a genesis file, and the blocks as RLP one after the other.
    Export {
        /// The workload file.
        workload: PathBuf,
        /// The genesis file to write.
        #[arg(long)]
        genesis: PathBuf,
        /// The file of blocks to write.
        #[arg(long)]
        blocks: PathBuf,
    },
    /// Runs all comparisons and prints the table.
    Compare {
        /// The ethrex 24 runner (etc/bench/peers/ethrex24).
        #[arg(long)]
        ethrex: Option<PathBuf>,
        /// Folder for workload files and databases.
        #[arg(long)]
        cache: PathBuf,
        /// Writes table.md and table.json to this folder.
        #[arg(long)]
        write: Option<PathBuf>,
        /// Small states, few workloads.
        #[arg(long)]
        quick: bool,
        /// Only rows whose id or title contains this.
        #[arg(long)]
        only: Option<String>,
        /// Also a state of 10^7 accounts.
        #[arg(long)]
        huge: bool,
    },
    /// Runs one runner as the driver does: `go MILLISECONDS` on stdin gives a line on stdout.
    Run {
        /// Which.
        runner: Runner,
        /// The workload file.
        workload: PathBuf,
        /// A new folder for the database; in memory without it.
        #[arg(long)]
        disk: Option<PathBuf>,
    },
}

fn main() -> eyre::Result<()> {
    match Cli::parse().command {
        Command::Make { kind, fork, accounts, out } => {
            let plan = Plan::standard(kind, fork, accounts);
            let file = workload::make(&plan)?;
            let path = out.join(plan.file_name());
            file.write(fs::File::create(&path).wrap_err_with(|| format!("creating {}", path.display()))?)?;
            for block in &file.blocks {
                println!(
                    "{} txs, {} gas, {} bytes of BAL, {} of input",
                    block.transactions,
                    block.gas_used,
                    block.bal.len(),
                    block.input.len()
                );
            }
            println!("{}", path.display());
            Ok(())
        }
        Command::Export { workload, genesis, blocks } => {
            let file = Workfile::read(fs::File::open(&workload)?).wrap_err_with(|| workload.display().to_string())?;
            fs::write(genesis, serde_json::to_vec(workload::spec(&file)?.genesis())?)?;
            let rlp: Vec<u8> = file.blocks.into_iter().flat_map(|block| block.rlp).collect();
            Ok(fs::write(blocks, rlp)?)
        }
        Command::Compare { ethrex, cache, write, quick, only, huge } => {
            let command: Vec<String> = std::env::args().skip(1).collect();
            let machine = Machine::here(format!("basalt-bench {}", command.join(" ")));
            let program = std::env::current_exe()?;
            println!("{}", report::HEAD);
            let settings = Settings { program, ethrex, cache, quick, only, huge };
            let suite = Suite::run(settings, |row, floor| println!("{}", report::line(row, floor)))?;
            if let Some(folder) = write {
                fs::write(folder.join("table.md"), report::markdown(&suite, &machine))?;
                fs::write(folder.join("table.json"), format!("{:#}\n", report::json(&suite, &machine)))?;
            }
            Ok(())
        }
        Command::Run { runner, workload, disk } => runner::run(runner, &workload, disk.as_deref()),
    }
}
