//! A runner's side of a measurement: wait to be asked, calibrate, work for a slice of time, calibrate again, print one line. Standard
//! library and `rustix` only, so that peers with other dependencies include this very module. Must not know: what the work is.
//!
//! The driver starts a runner, reads lines until `{"ready":…}`, then writes `go MILLISECONDS` for each sample it wants, and closes the
//! pipe when it has enough. Before and after each slice the same fixed work is timed (20,000 times keccak-f, scalar), because this kind of
//! machine changes its speed within seconds.

use rustix::time::{ClockId, clock_gettime};
use std::{
    fmt::Display,
    fs,
    io::{self, BufRead, Write},
    time::Duration,
};

/// How often the calibration kernel permutes, in parts: the middle one counts, so that one interruption does not.
const CALIBRATION_ROUNDS: usize = 20_000;
/// How many parts.
const CALIBRATION_PARTS: usize = 5;

/// Wall and CPU time of this process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// By the monotonic clock.
    pub wall: Duration,
    /// All threads of the process together.
    pub cpu: Duration,
}

impl Spent {
    fn now() -> Self {
        let read = |clock| {
            let time = clock_gettime(clock);
            Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
        };
        Self { wall: read(ClockId::Monotonic), cpu: read(ClockId::ProcessCPUTime) }
    }

    fn since(self, start: Self) -> Self {
        Self { wall: self.wall.saturating_sub(start.wall), cpu: self.cpu.saturating_sub(start.cpu) }
    }
}

/// A clock that can be stopped while a runner prepares its next piece of work.
#[derive(Debug, Default)]
pub struct Stopwatch {
    total: Spent,
}

impl Stopwatch {
    /// Runs `work` with the clock running.
    pub fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = Spent::now();
        let result = work();
        let spent = Spent::now().since(start);
        self.total.wall += spent.wall;
        self.total.cpu += spent.cpu;
        result
    }

    /// What was spent so far.
    pub fn total(&self) -> Spent {
        self.total
    }
}

/// What one piece of work amounted to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Blocks, or whatever the runner counts.
    pub ops: u64,
    /// Transactions.
    pub txs: u64,
    /// Gas used, by the headers.
    pub gas: u64,
}

/// Serves the driver until it closes the pipe. `work` does one piece (a block) on the stopwatch and checks its result; an error ends
/// the process, and with it the comparison: a wrong result is no sample.
pub fn serve<E: Display>(
    facts: &[(&str, u64)],
    mut work: impl FnMut(&mut Stopwatch) -> Result<Done, E>,
) -> Result<(), String> {
    let facts: String = facts.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
    say(&format!("{{\"ready\":true,\"rss\":{}{facts}}}", rss_bytes()))?;
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| format!("reading the driver's request: {error}"))?;
        let Some(slice) = line.strip_prefix("go ").and_then(|ms| ms.trim().parse().ok()).map(Duration::from_millis)
        else {
            return Err(format!("not a request: {line}"));
        };
        let before = calibrate();
        let (mut done, mut watch) = (Done::default(), Stopwatch::default());
        while watch.total().wall < slice {
            let piece = work(&mut watch).map_err(|error| error.to_string())?;
            done = Done { ops: done.ops + piece.ops, txs: done.txs + piece.txs, gas: done.gas + piece.gas };
        }
        let after = calibrate();
        let (Done { ops, txs, gas }, spent) = (done, watch.total());
        say(&format!(
            "{{\"ops\":{ops},\"txs\":{txs},\"gas\":{gas},\"wall\":{},\"cpu\":{},\"before_wall\":{},\"before_cpu\":{},\"after_wall\":{},\"after_cpu\":{},\"rss\":{}}}",
            spent.wall.as_nanos(),
            spent.cpu.as_nanos(),
            before.wall.as_nanos(),
            before.cpu.as_nanos(),
            after.wall.as_nanos(),
            after.cpu.as_nanos(),
            rss_bytes()
        ))?;
    }
    Ok(())
}

/// One line to the driver.
fn say(line: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| format!("answering the driver: {error}"))
}

/// Resident memory of this process in bytes; 0 where `/proc` does not say.
pub fn rss_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// The fixed work that samples are divided by.
fn calibrate() -> Spent {
    let mut state = [1; 25];
    let mut parts = [(); CALIBRATION_PARTS].map(|()| {
        let mut watch = Stopwatch::default();
        watch.time(|| {
            for _ in 0..CALIBRATION_ROUNDS / CALIBRATION_PARTS {
                keccak_f(std::hint::black_box(&mut state));
            }
        });
        watch.total()
    });
    assert_ne!(state, [1; 25], "the permutation ran");
    let middle = CALIBRATION_PARTS / 2;
    parts.sort_unstable_by_key(|part| part.wall);
    let wall = parts[middle].wall;
    parts.sort_unstable_by_key(|part| part.cpu);
    Spent { wall, cpu: parts[middle].cpu }
}

/// keccak-f[1600] (FIPS 202, section 3.3), plain and scalar: the same machine code in every runner.
pub fn keccak_f(lanes: &mut [u64; 25]) {
    const ROTATIONS: [u32; 24] =
        [1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44];
    const PLACES: [usize; 24] = [10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1];
    let mut lfsr = 1u8;
    for _ in 0..24 {
        let mut parity = [0u64; 5];
        for (x, parity) in parity.iter_mut().enumerate() {
            *parity = lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20];
        }
        for x in 0..5 {
            let flip = parity[(x + 4) % 5] ^ parity[(x + 1) % 5].rotate_left(1);
            for y in 0..5 {
                lanes[5 * y + x] ^= flip;
            }
        }
        let mut last = lanes[1];
        for (place, rotation) in PLACES.into_iter().zip(ROTATIONS) {
            last = std::mem::replace(&mut lanes[place], last.rotate_left(rotation));
        }
        for row in lanes.chunks_exact_mut(5) {
            let old = [row[0], row[1], row[2], row[3], row[4]];
            for x in 0..5 {
                row[x] = old[x] ^ (!old[(x + 1) % 5] & old[(x + 2) % 5]);
            }
        }
        // The round constants by their linear feedback register: bit 2^j - 1 for j = 0..=6.
        for j in 0..7 {
            if lfsr & 1 == 1 {
                lanes[0] ^= 1 << ((1u32 << j) - 1);
            }
            lfsr = (lfsr << 1) ^ (if lfsr & 0x80 != 0 { 0x71 } else { 0 });
        }
    }
}
