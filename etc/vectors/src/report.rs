//! Counting and printing. Must not know how cases run.

use crate::cases::{Kind, Unopened};
use std::{cmp::Reverse, collections::BTreeMap, fmt, time::Duration};

/// A case that failed, or a file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// The file.
    pub file: String,
    /// The case in it; empty for the file as a whole.
    pub case: String,
    /// What went wrong.
    pub why: String,
}

/// Counts of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Cases that passed.
    pub passed: u64,
    /// Cases that failed.
    pub failed: u64,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// By kind.
    pub kinds: BTreeMap<Kind, Count>,
    /// By first folder or pack.
    pub packs: BTreeMap<String, Count>,
    /// What failed, in order of files and cases once [`Report::sort`] ran.
    pub failures: Vec<Failure>,
    /// Files without cases, by class.
    pub unopened: BTreeMap<&'static str, u64>,
    /// Files, packs and folders that could not be read; each is one failure.
    pub broken: u64,
    /// Files with cases.
    pub files: u64,
    /// Cases left out by the sample or the filter.
    pub left_out: u64,
    /// The longest cases, longest first.
    pub slowest: Vec<(Duration, String)>,
    /// How long all took.
    pub time: Duration,
}

/// Longest cases that are kept.
const SLOWEST_MAX: usize = 10;

impl Report {
    /// Cases and files that failed.
    pub fn failed(&self) -> u64 {
        self.kinds.values().map(|count| count.failed).sum::<u64>() + self.broken
    }

    /// Cases that passed.
    pub fn passed(&self) -> u64 {
        self.kinds.values().map(|count| count.passed).sum()
    }

    pub(crate) fn count(&mut self, file: &str, kind: Kind, case: &str, result: Result<(), String>, took: Duration) {
        let pack = file.split('/').next().unwrap_or_default();
        let pack = self.packs.entry(pack.to_owned()).or_default();
        let count = self.kinds.entry(kind).or_default();
        match result {
            Ok(()) => {
                pack.passed += 1;
                count.passed += 1;
            }
            Err(why) => {
                pack.failed += 1;
                count.failed += 1;
                self.failures.push(Failure { file: file.to_owned(), case: case.to_owned(), why });
            }
        }
        if self.slowest.last().is_none_or(|(least, _)| took > *least) || self.slowest.len() < SLOWEST_MAX {
            self.slow(took, format!("{file} {case}"));
        }
    }

    fn slow(&mut self, took: Duration, what: String) {
        self.slowest.push((took, what));
        self.slowest.sort_by_key(|(took, _)| Reverse(*took));
        self.slowest.truncate(SLOWEST_MAX);
    }

    pub(crate) fn broken(&mut self, file: &str, why: String) {
        self.broken += 1;
        self.packs.entry(file.split('/').next().unwrap_or_default().to_owned()).or_default().failed += 1;
        self.failures.push(Failure { file: file.to_owned(), case: String::new(), why });
    }

    pub(crate) fn unopened(&mut self, file: &str, why: Unopened) {
        match why {
            Unopened::Class(class) => *self.unopened.entry(class).or_default() += 1,
            Unopened::Broken(why) => self.broken(file, why),
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (kind, count) in other.kinds {
            let sum = self.kinds.entry(kind).or_default();
            (sum.passed, sum.failed) = (sum.passed + count.passed, sum.failed + count.failed);
        }
        for (pack, count) in other.packs {
            let sum = self.packs.entry(pack).or_default();
            (sum.passed, sum.failed) = (sum.passed + count.passed, sum.failed + count.failed);
        }
        for (class, count) in other.unopened {
            *self.unopened.entry(class).or_default() += count;
        }
        for (took, what) in other.slowest {
            self.slow(took, what);
        }
        self.failures.extend(other.failures);
        self.broken += other.broken;
        self.files += other.files;
        self.left_out += other.left_out;
    }

    pub(crate) fn sort(&mut self) {
        self.failures.sort();
    }
}

impl fmt::Display for Report {
    /// Failures first, then counts; the last line is `N passed, M failed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Failure { file, case, why } in &self.failures {
            match case.as_str() {
                "" => writeln!(f, "FAILED {file}: {why}")?,
                case => writeln!(f, "FAILED {file} {case}: {why}")?,
            }
        }
        for (pack, Count { passed, failed }) in &self.packs {
            writeln!(f, "{pack}: {passed} passed, {failed} failed")?;
        }
        for (kind, Count { passed, failed }) in &self.kinds {
            writeln!(f, "{kind:<12}{passed:>8} passed {failed:>6} failed")?;
        }
        if self.broken > 0 {
            writeln!(f, "unreadable  {:>8}        {:>6} failed", "", self.broken)?;
        }
        let unopened: u64 = self.unopened.values().sum();
        let classes: Vec<String> = self.unopened.iter().map(|(class, count)| format!("{count} {class}")).collect();
        let classes = if classes.is_empty() { String::new() } else { format!(" ({})", classes.join(", ")) };
        writeln!(f, "{} files with cases, {unopened} files not opened{classes}", self.files)?;
        if self.left_out > 0 {
            writeln!(f, "{} cases left out", self.left_out)?;
        }
        writeln!(f, "{:.1} s", self.time.as_secs_f64())?;
        write!(f, "{} passed, {} failed", self.passed(), self.failed())
    }
}
