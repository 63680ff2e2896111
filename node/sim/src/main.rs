//! `basalt-sim`: runs many seeds, one world a thread, and makes a failing one small.

use basalt_sim::{
    executor::here,
    seed::Seed,
    world::{
        plan::Plan,
        run::{Failed, Report, run},
        shrink::shrink,
    },
};
use clap::Parser;
use std::{
    io::Write as _,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tracing_subscriber::{EnvFilter, fmt::format::Writer, fmt::time::FormatTime};

/// How often progress is told.
const PROGRESS: Duration = Duration::from_secs(10);

/// Failing seeds that are made small; more would say the same again.
const SHRUNK_MAX: usize = 5;

/// Runs simulated worlds, one for each seed, and says which promise broke in which.
#[derive(Debug, Parser)]
#[command(name = "basalt-sim")]
struct Cli {
    /// How many seeds.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    first_seed: u64,
    /// Faults of the plan that happen, by their numbers; the others do not.
    #[arg(long, value_delimiter = ',')]
    only_faults: Option<Vec<usize>>,
    /// Worlds at the same time.
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, usize::from))]
    threads: usize,
    /// Fail at the first failing seed, and leave it as large as it is.
    #[arg(long)]
    fail_fast: bool,
    /// Print what the nodes log, with virtual time and task (RUST_LOG chooses what).
    #[arg(long)]
    log: bool,
}

/// Virtual time since the world began, and who logs.
struct VirtualTime;

impl FormatTime for VirtualTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        match here::now() {
            Some((ms, task)) => write!(writer, "{:>11.3} {task}", (ms % 1_000_000_000) as f64 / 1_000.0),
            None => write!(writer, "          -"),
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.log {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
        tracing_subscriber::fmt().with_env_filter(filter).with_timer(VirtualTime).with_ansi(false).init();
    }
    let runs = Runs { cli, next: AtomicU64::new(0), done: AtomicU64::new(0), failed: Mutex::default() };
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..runs.cli.threads.max(1) {
            scope.spawn(|| runs.work());
        }
        runs.tell(started);
    });
    runs.sum_up(started)
}

struct Runs {
    cli: Cli,
    next: AtomicU64,
    done: AtomicU64,
    failed: Mutex<Vec<u64>>,
}

impl Runs {
    fn plan(&self, seed: u64) -> Plan {
        let plan = Plan::of(Seed(seed));
        match &self.cli.only_faults {
            Some(kept) => plan.with_only(kept),
            None => plan,
        }
    }

    fn failed(&self) -> std::sync::MutexGuard<'_, Vec<u64>> {
        self.failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.cli.fail_fast && !self.failed().is_empty()
    }

    /// Takes seeds until none are left.
    fn work(&self) {
        while !self.is_over() {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            if at >= self.cli.seeds {
                return;
            }
            let seed = self.cli.first_seed + at;
            let plan = self.plan(seed);
            match run(&plan) {
                Ok(report) if self.cli.seeds == 1 => println!("{plan}{}", text(&report)),
                Ok(_) => {}
                Err(failed) => self.report(seed, &plan, &failed),
            }
            self.done.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn report(&self, seed: u64, plan: &Plan, failed: &Failed) {
        let nth = {
            let mut all = self.failed();
            all.push(seed);
            all.len()
        };
        let mut text = format!("FAILED {plan}  at {}\n", describe(failed));
        if self.cli.only_faults.is_none() && !self.cli.fail_fast && nth <= SHRUNK_MAX {
            match shrink(plan) {
                Some((kept, failed)) => {
                    let list: Vec<String> = kept.iter().map(usize::to_string).collect();
                    text += &format!("  smallest plan that fails: {}", plan.with_only(&kept));
                    text += &format!("  at {}\n", describe(&failed));
                    text += &format!(
                        "  replay: make sim SEEDS=1 FIRST_SEED={seed} ARGS='--only-faults={}'\n",
                        list.join(",")
                    );
                }
                None => text += "  the second run of it does not fail: something in the world is not simulated\n",
            }
        }
        text += &format!("  replay: make sim SEEDS=1 FIRST_SEED={seed}\n");
        let mut out = std::io::stdout().lock();
        // Nobody reads any more: the exit code still tells.
        let _ = out.write_all(text.as_bytes());
    }

    /// Tells how far it is, now and then.
    fn tell(&self, started: Instant) {
        let mut last = Instant::now();
        while self.done.load(Ordering::Relaxed) < self.cli.seeds && !self.is_over() {
            std::thread::sleep(Duration::from_millis(50));
            if last.elapsed() >= PROGRESS {
                last = Instant::now();
                println!("{}", self.so_far(started));
            }
        }
    }

    fn so_far(&self, started: Instant) -> String {
        let (done, failed) = (self.done.load(Ordering::Relaxed), self.failed().len());
        let rate = done as f64 / started.elapsed().as_secs_f64();
        format!("{done} seeds, {failed} failed, {rate:.1} seeds/s")
    }

    fn sum_up(&self, started: Instant) -> ExitCode {
        println!("{}", self.so_far(started));
        let mut failed = self.failed().clone();
        if failed.is_empty() {
            return ExitCode::SUCCESS;
        }
        failed.sort_unstable();
        println!("failing seeds: {failed:?}");
        ExitCode::FAILURE
    }
}

fn text(report: &Report) -> String {
    format!("{report:?}")
}

fn describe(failed: &Failed) -> String {
    let (s, ms) = (failed.at_ms / 1_000, failed.at_ms % 1_000);
    format!("{s}.{ms:03} s: {}", failed.violation)
}
