//! How far an import or export is, on standard error: a bar for people, now and then a line for logs.
//!
//! Must not know: what is being done.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

/// How often a bar is drawn.
const BAR_EVERY: Duration = Duration::from_millis(100);
/// How often a line is written where nobody watches.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Characters of the bar.
const BAR_WIDTH: u64 = 24;

/// What has been done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Of the whole, in the unit of the whole.
    pub part: u64,
    /// Blocks.
    pub blocks: u64,
    /// Gas they used.
    pub gas: u64,
    /// Number of the last one.
    pub number: u64,
}

/// Shows progress towards `whole` (bytes or blocks).
#[derive(Debug)]
pub struct Progress {
    whole: u64,
    start: Instant,
    shown: Instant,
    terminal: bool,
    drawn: bool,
}

impl Progress {
    /// Starts the clock.
    pub fn new(whole: u64) -> Self {
        let now = Instant::now();
        Self { whole, start: now, shown: now, terminal: std::io::stderr().is_terminal(), drawn: false }
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Shows `done` if it is time to.
    pub fn show(&mut self, done: &Done) {
        let every = if self.terminal { BAR_EVERY } else { LINE_EVERY };
        if self.shown.elapsed() < every {
            return;
        }
        self.shown = Instant::now();
        let text = text(self.whole, done, self.elapsed());
        // A progress that can't be shown stops nothing.
        let _ = if self.terminal {
            self.drawn = true;
            write!(std::io::stderr(), "\r\x1b[2K{} {text}", bar(self.whole, done.part))
        } else {
            writeln!(std::io::stderr(), "{text}")
        };
    }

    /// Takes the bar away.
    pub fn end(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

fn percent(whole: u64, part: u64) -> u64 {
    if whole == 0 { 100 } else { u64::try_from(u128::from(part.min(whole)) * 100 / u128::from(whole)).unwrap_or(100) }
}

fn bar(whole: u64, part: u64) -> String {
    (0..BAR_WIDTH).map(|n| if n < percent(whole, part) * BAR_WIDTH / 100 { '█' } else { '░' }).collect()
}

fn text(whole: u64, done: &Done, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64().max(0.001);
    let left = match done.part {
        0 => String::new(),
        part => {
            let left = seconds * whole.saturating_sub(part) as f64 / part as f64;
            format!(", {}:{:02} left", left as u64 / 60, left as u64 % 60)
        }
    };
    let (blocks, mgas) = (done.blocks as f64 / seconds, done.gas as f64 / seconds / 1e6);
    format!("{:3} % block {} ({blocks:.0} blocks/s, {mgas:.1} Mgas/s{left})", percent(whole, done.part), done.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long_still() {
        let done = Done { part: 250, blocks: 60, gas: 120_000_000, number: 61 };
        assert_eq!(text(1_000, &done, Duration::from_secs(30)), " 25 % block 61 (2 blocks/s, 4.0 Mgas/s, 1:30 left)");
        assert_eq!(bar(1_000, 250), "██████░░░░░░░░░░░░░░░░░░");
        assert_eq!(text(0, &Done::default(), Duration::ZERO), "100 % block 0 (0 blocks/s, 0.0 Mgas/s)");
        assert_eq!(bar(10, 99).chars().filter(|c| *c == '█').count(), 24, "a file that grew is no reason to overflow");
    }
}
