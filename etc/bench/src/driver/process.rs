//! A runner as a child process, and the lines that it prints.
//!
//! Must not know: which pairs its samples will be in.

use eyre::{OptionExt, WrapErr, bail, ensure};
use serde_json::Value;
use std::{
    ffi::OsString,
    io::{BufRead, BufReader, Lines, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

/// A command line.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// A runner that waits for requests. Dropping it ends it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    requests: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
    facts: Value,
    started_in: Duration,
}

/// One slice of work, as the runner reported it. Times in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Blocks, or whatever the runner counts.
    pub ops: u64,
    /// Transactions.
    pub txs: u64,
    /// Gas used.
    pub gas: u64,
    /// Wall time of the work.
    pub wall: f64,
    /// CPU time of the work, all threads.
    pub cpu: f64,
    /// Resident memory, bytes.
    pub rss: u64,
    /// Calibration: wall before, wall after, CPU before, CPU after.
    calibrations: [f64; 4],
}

impl Sample {
    /// Transactions, or operations of work without any.
    pub fn units(&self) -> f64 {
        if self.txs > 0 { self.txs as f64 } else { self.ops as f64 }
    }

    /// CPU time of a unit.
    pub fn cpu_per_unit(&self) -> f64 {
        self.cpu / self.units()
    }

    /// Wall time of a unit.
    pub fn wall_per_unit(&self) -> f64 {
        self.wall / self.units()
    }

    /// Mean wall time of the calibrations around this slice.
    pub fn calibration_wall(&self) -> f64 {
        (self.calibrations[0] + self.calibrations[1]) / 2.0
    }

    /// Mean CPU time of the calibrations around this slice.
    pub fn calibration_cpu(&self) -> f64 {
        (self.calibrations[2] + self.calibrations[3]) / 2.0
    }
}

impl Process {
    /// Starts a runner and waits until it is ready.
    pub fn start(asked: &Asked) -> eyre::Result<Self> {
        let start = Instant::now();
        let mut child = Command::new(&asked.program)
            .args(&asked.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .wrap_err_with(|| format!("starting {}", asked.program.display()))?;
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().ok_or_eyre("a piped output")?).lines();
        let mut this = Self { child, requests, answers, facts: Value::Null, started_in: Duration::ZERO };
        this.facts = this.answer().wrap_err_with(|| format!("{asked:?}"))?;
        ensure!(this.facts["ready"] == true, "a runner says {} instead of being ready", this.facts);
        this.started_in = start.elapsed();
        Ok(this)
    }

    /// A number that the runner said about its set-up.
    pub fn fact(&self, name: &str) -> Option<u64> {
        self.facts[name].as_u64()
    }

    /// From the start of the process to its being ready.
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// One sample.
    pub fn slice(&mut self, time: Duration) -> eyre::Result<Sample> {
        let requests = self.requests.as_mut().ok_or_eyre("a runner that has ended")?;
        writeln!(requests, "go {}", time.as_millis()).and_then(|()| requests.flush()).wrap_err("asking a runner")?;
        let line = self.answer()?;
        let number = |name: &str| line[name].as_u64().ok_or_else(|| eyre::eyre!("no number {name} in {line}"));
        let calibrations = ["before_wall", "after_wall", "before_cpu", "after_cpu"];
        let mut times = [0.0; 4];
        for (time, name) in times.iter_mut().zip(calibrations) {
            *time = number(name)? as f64;
        }
        let (ops, txs, gas, rss) = (number("ops")?, number("txs")?, number("gas")?, number("rss")?);
        ensure!(ops > 0, "a slice without work: {line}");
        Ok(Sample { ops, txs, gas, wall: number("wall")? as f64, cpu: number("cpu")? as f64, rss, calibrations: times })
    }

    fn answer(&mut self) -> eyre::Result<Value> {
        match self.answers.next() {
            Some(line) => Ok(serde_json::from_str(&line?)?),
            None => bail!("a runner ended with {}: its reason is above", self.child.wait()?),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A closed pipe is what a runner ends at.
        self.requests = None;
        if let Err(error) = self.child.wait() {
            eprintln!("waiting for a runner: {error}");
        }
    }
}
