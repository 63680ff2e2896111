//! `basalt-differential`: generated blocks that all implementations must agree on, and hostile inputs that all must refuse.

use basalt_differential::{Plan, Tally, corpus, generate, hostile, judge, play, shrink};
use clap::{Parser, Subcommand};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

#[derive(Parser)]
#[command(version, about)]
struct Args {
    #[command(subcommand)]
    command: Command,
    /// Threads; all processors by default.
    #[arg(long, global = true)]
    jobs: Option<usize>,
    /// First seed.
    #[arg(long, global = true, default_value_t = 0)]
    seed: u64,
    /// Stop after so many seconds, whatever is left.
    #[arg(long, global = true, default_value_t = 3_600)]
    seconds: u64,
}

#[derive(Subcommand)]
enum Command {
    /// Build blocks, execute them, validate them without state, and ask LEVM.
    Blocks {
        /// How many blocks at least.
        #[arg(long, default_value_t = 10_000)]
        blocks: u64,
    },
    /// Make hostile inputs of generated blocks; none may be accepted that others refuse.
    Hostile {
        /// How many at least.
        #[arg(long, default_value_t = 20_000)]
        mutants: u64,
    },
    /// Write seeds for the fuzz targets of etc/fuzz.
    Seeds {
        /// The corpus folder.
        #[arg(long, default_value = "etc/fuzz/corpus")]
        to: PathBuf,
    },
    /// Play the one seed again, and when it fails, make the plan smaller and print it.
    Replay,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let until = Instant::now() + Duration::from_secs(args.seconds);
    match args.command {
        Command::Blocks { blocks } => drive(&args, until, |tally| tally.count("blocks") >= blocks, judged),
        Command::Hostile { mutants } => drive(&args, until, |tally| tally.count("mutants") >= mutants, attacked),
        Command::Seeds { ref to } => match corpus::write(args.seed, to) {
            Ok(count) => {
                println!("{count} files in {}", to.display());
                ExitCode::SUCCESS
            }
            Err(error) => {
                println!("{error}");
                ExitCode::FAILURE
            }
        },
        Command::Replay => replay(args.seed),
    }
}

type Failure = judge::Disagreement;

fn judged(plan: &Plan, tally: &mut Tally) -> Result<(), Failure> {
    play::play(plan, tally, judge::judge)
}

fn attacked(plan: &Plan, tally: &mut Tally) -> Result<(), Failure> {
    hostile::attack(plan, tally)
}

/// A panic is a failure like any other.
fn guarded(run: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("of unknown content");
        Err(Failure::new("panic", &text))
    })
}

fn drive(
    args: &Args,
    until: Instant,
    enough: impl Fn(&Tally) -> bool + Sync,
    run: impl Fn(&Plan, &mut Tally) -> Result<(), Failure> + Sync,
) -> ExitCode {
    let jobs = args.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()));
    let (next, stop) = (AtomicU64::new(args.seed), AtomicBool::new(false));
    let total = std::sync::Mutex::new((Tally::default(), Vec::new()));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) && Instant::now() < until {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let mut tally = Tally::default();
                    let outcome = guarded(|| run(&generate::plan(seed), &mut tally));
                    let mut total = total.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                    total.0.merge(tally);
                    total.0.one("seeds");
                    if let Err(failure) = outcome {
                        println!("seed {seed} FAILED: {failure}\n  basalt-differential replay --seed {seed}");
                        total.1.push(seed);
                    }
                    if enough(&total.0) || total.1.len() >= 50 {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let (tally, failed) = total.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    println!("{tally}");
    println!("{jobs} threads, {:.1} s; {} seeds failed: {failed:?}", start.elapsed().as_secs_f64(), failed.len());
    if !enough(&tally) {
        println!("fewer than asked for: the time was up, or too much failed");
    }
    if failed.is_empty() && enough(&tally) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn replay(seed: u64) -> ExitCode {
    let fails = |plan: &Plan| {
        let judged = guarded(|| judged(plan, &mut Tally::default()));
        judged.and_then(|()| guarded(|| attacked(plan, &mut Tally::default()))).err()
    };
    let plan = generate::plan(seed);
    let Some(failure) = fails(&plan) else {
        println!("seed {seed} passes");
        return ExitCode::SUCCESS;
    };
    println!("seed {seed}: {failure}");
    let (plan, failure) = shrink::shrink(plan, &failure, fails);
    println!("{plan:#?}\n{failure}");
    ExitCode::FAILURE
}
