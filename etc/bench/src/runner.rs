//! The runners: each does one kind of work on a workload file, again and again, and checks its result every time.
//!
//! Must not know: how samples are paired, or what a good result is.

mod basalt;
mod levm;
mod revm;
mod root;
mod senders;

use crate::{
    slice::{Done, Stopwatch, serve},
    workfile::{Block, Workfile},
};
use eyre::{WrapErr, ensure, eyre};
use std::{fs::File, path::Path};

/// Who does the work, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Runner {
    /// Basalt builds blocks from transactions with known senders and appends them: roots, receipts, BAL and witness included.
    Build,
    /// Basalt takes blocks as bytes: decoding, senders, execution, every check, appending.
    Import,
    /// Basalt executes and checks blocks with known senders; nothing is stored.
    Execute,
    /// `stateless::validate` on the bytes that EXECUTE gets.
    Validate,
    /// Basalt's trie: 4,000 accounts change, new root.
    Root,
    /// Bare revm on `CacheDB`: transactions only, no root, receipts, BAL, system calls or witness.
    RevmBare,
    /// LEVM executes blocks with known senders (receipts root, BAL), ethrex-trie makes the root; flat maps in memory.
    LevmBuild,
    /// LEVM's EXECUTE path on the same bytes as `Validate`.
    LevmValidate,
    /// ethrex-trie: the same 4,000 changes, new root.
    LevmRoot,
    /// The senders of a block's transactions, as `Validate` recovers them.
    Senders,
    /// The same, one by one with libsecp256k1.
    SendersAlone,
}

impl Runner {
    /// As on the command line.
    pub fn name(self) -> String {
        use clap::ValueEnum;
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// One piece of work: a block.
trait Work {
    /// Does the next piece, its part that counts on the stopwatch, and checks the result.
    fn next(&mut self, watch: &mut Stopwatch) -> eyre::Result<Done>;
    /// Numbers about the set-up, for the driver.
    fn facts(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

/// Reads a workload file.
pub fn read(path: &Path) -> eyre::Result<Workfile> {
    let file = File::open(path).wrap_err_with(|| format!("opening the workload {}", path.display()))?;
    Workfile::read(file).wrap_err_with(|| format!("reading the workload {}", path.display()))
}

fn start(runner: Runner, file: Workfile, disk: Option<&Path>) -> eyre::Result<Box<dyn Work>> {
    Ok(match runner {
        Runner::Build => Box::new(basalt::Build::new(&file, disk)?),
        Runner::Import => Box::new(basalt::Import::new(file, disk)?),
        Runner::Execute => Box::new(basalt::Execute::new(&file, disk)?),
        Runner::Validate => Box::new(Inputs::new(file, |input| Ok(execution::stateless::validate(input).map(drop)?))),
        Runner::Root => Box::new(root::Basalt::new(&file)?),
        Runner::RevmBare => Box::new(revm::Bare::new(&file)?),
        Runner::LevmBuild => Box::new(levm::Build::new(&file)?),
        Runner::LevmValidate => Box::new(Inputs::new(file, |input| Ok(execution::second::check(input)?))),
        Runner::LevmRoot => Box::new(root::Ethrex::new(&file)?),
        Runner::Senders => Box::new(senders::Senders::together(&file)?),
        Runner::SendersAlone => Box::new(senders::Senders::one_by_one(&file)?),
    })
}

/// Runs as a process of its own, driven over stdin and stdout.
pub fn run(runner: Runner, path: &Path, disk: Option<&Path>) -> eyre::Result<()> {
    let mut work = start(runner, read(path)?, disk)?;
    let facts = work.facts();
    serve(&facts, |watch| work.next(watch).map_err(|error| format!("{error:#}"))).map_err(|error| eyre!(error))
}

/// Runs every block of a workload once, in this process: what tests do.
pub fn once(runner: Runner, file: Workfile, disk: Option<&Path>) -> eyre::Result<Vec<(&'static str, u64)>> {
    let blocks = file.blocks.len();
    let mut work = start(runner, file, disk)?;
    // One more: going back to the start is part of it.
    for _ in 0..=blocks {
        work.next(&mut Stopwatch::default())?;
    }
    Ok(work.facts())
}

/// The check that makes a sample a sample.
fn check(expected: &Block, gas_used: u64, state_root: [u8; 32]) -> eyre::Result<Done> {
    ensure!(gas_used == expected.gas_used, "gas used is {gas_used}, must be {}", expected.gas_used);
    ensure!(state_root == expected.state_root, "the state root is not that of the workload");
    Ok(Done { ops: 1, txs: expected.transactions, gas: expected.gas_used })
}

/// Work on EXECUTE inputs, which need no state.
struct Inputs<F> {
    file: Workfile,
    validate: F,
    turn: usize,
}

impl<F: Fn(&[u8]) -> eyre::Result<()>> Inputs<F> {
    fn new(mut file: Workfile, validate: F) -> Self {
        file.accounts = Vec::new();
        Self { file, validate, turn: 0 }
    }
}

impl<F: Fn(&[u8]) -> eyre::Result<()>> Work for Inputs<F> {
    fn next(&mut self, watch: &mut Stopwatch) -> eyre::Result<Done> {
        let block = &self.file.blocks[self.turn];
        self.turn = (self.turn + 1) % self.file.blocks.len();
        levm::forget_senders();
        watch.time(|| (self.validate)(&block.input))?;
        // Both validators compare gas used and state root with the header in the input, which is that of the workload.
        check(block, block.gas_used, block.state_root)
    }

    fn facts(&self) -> Vec<(&'static str, u64)> {
        vec![("input_bytes", self.file.blocks.iter().map(|block| block.input.len() as u64).sum())]
    }
}
