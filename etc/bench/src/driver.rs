//! The driver: starts runners, lets two of them work in turns, and makes ratios of slices that ran next to each other.
//!
//! The protocol is that of notes/performance.md §3.1: A B B A in slices, each slice divided by a calibration kernel that ran right before and after
//! it, pairs dropped when their calibrations differ, the median of the pair ratios with a bootstrap interval. Must not know: what is compared.

mod process;
mod stats;

pub use process::{Asked, Process, Sample};
pub use stats::{Interval, ratio};

use eyre::ensure;
use std::time::Duration;

/// How long and how often to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Time of one slice.
    pub slice: Duration,
    /// Pairs to get.
    pub pairs: usize,
    /// Pairs to try at most, those that are dropped included.
    pub tries_max: usize,
}

/// Calibrations of the two slices of a pair may differ by this factor.
const CALIBRATION_MAX: f64 = 1.05;

/// What pairs of slices said about two runners: values above one mean that A is the faster one.
#[derive(Debug, Clone)]
pub struct Compared {
    /// B's CPU time for a unit of work, over A's.
    pub cpu: Option<Interval>,
    /// B's wall time for a unit of work, over A's.
    pub wall: Option<Interval>,
    /// Pairs that were tried.
    pub tried: usize,
    /// A's CPU time for a unit of work: the median, not divided by anything. Nanoseconds.
    pub a_ns: f64,
    /// B's.
    pub b_ns: f64,
    /// A's gas per nanosecond of CPU time, by the medians.
    pub a_gas: f64,
    /// Units of work per operation of A.
    pub units: f64,
    /// A's resident memory at the end, bytes.
    pub a_rss: u64,
    /// B's.
    pub b_rss: u64,
}

/// Runs `a` and `b` in turns.
pub fn compare(a: &mut Process, b: &mut Process, effort: Effort) -> eyre::Result<Compared> {
    // The first slice of each fills caches.
    let (mut a_last, mut b_last) = (a.slice(effort.slice)?, b.slice(effort.slice)?);
    let (mut cpu, mut wall, mut a_ns, mut b_ns, mut gas) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut tried = 0;
    while tried < effort.tries_max && cpu.len() < effort.pairs {
        for a_first in [true, false] {
            let (x, y) = if a_first {
                let x = a.slice(effort.slice)?;
                (x, b.slice(effort.slice)?)
            } else {
                let y = b.slice(effort.slice)?;
                (a.slice(effort.slice)?, y)
            };
            tried += 1;
            if stats::close(x.calibration_cpu(), y.calibration_cpu(), CALIBRATION_MAX) {
                cpu.push((y.cpu_per_unit() / y.calibration_cpu()) / (x.cpu_per_unit() / x.calibration_cpu()));
                a_ns.push(x.cpu_per_unit());
                b_ns.push(y.cpu_per_unit());
                gas.push(x.gas as f64 / x.cpu);
            }
            if stats::close(x.calibration_wall(), y.calibration_wall(), CALIBRATION_MAX) {
                wall.push((y.wall_per_unit() / y.calibration_wall()) / (x.wall_per_unit() / x.calibration_wall()));
            }
            (a_last, b_last) = (x, y);
        }
    }
    ensure!(tried > 0, "no pair was asked for");
    Ok(Compared {
        cpu: ratio(&cpu),
        wall: ratio(&wall),
        tried,
        a_ns: stats::median(&a_ns),
        b_ns: stats::median(&b_ns),
        a_gas: stats::median(&gas),
        units: a_last.units() / a_last.ops as f64,
        a_rss: a_last.rss,
        b_rss: b_last.rss,
    })
}
