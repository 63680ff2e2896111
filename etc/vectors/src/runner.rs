//! Running: files go to threads, one file at a time, the largest first; every case is run, timed and counted. Must not know
//! what the cases are.

use crate::{
    Report,
    cases::{self, Case},
    folder::{self, Folder, Found},
    limits,
};
use alloy_primitives::keccak256;
use std::{
    io,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

/// Stack of a thread that runs cases: calls nest 1,024 deep.
const STACK_BYTES: usize = 64 << 20;

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder, pack or file.
    pub root: PathBuf,
    /// Where packs are unpacked to.
    pub cache: PathBuf,
    /// Only cases in whose file or name this occurs.
    pub filter: Option<String>,
    /// Of every so many cases one, chosen by the hash of its name: the same in every run. 1 is all.
    pub sample: NonZero<u32>,
    /// Threads.
    pub jobs: NonZero<usize>,
    /// Name the cases instead of running them.
    pub list: bool,
    /// Say what each case came to.
    pub verbose: bool,
}

impl Options {
    fn wants(&self, file: &str, case: &Case<'_>) -> bool {
        let name = format!("{file} {}", case.name);
        if self.filter.as_ref().is_some_and(|filter| !name.contains(filter.as_str())) {
            return false;
        }
        let hash = keccak256(&name);
        let [a, b, c, d, ..] = hash.0;
        u32::from_be_bytes([a, b, c, d]).is_multiple_of(self.sample.get())
    }
}

/// Runs what `options` say.
///
/// # Errors
/// When the folder can't be read at all; whatever is wrong below it is counted in the report.
pub fn run(options: &Options) -> io::Result<Report> {
    let start = Instant::now();
    execution::kzg::share_setup();
    let Folder { mut files, broken, links } = folder::find(&options.root, &options.cache)?;
    files.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut report = Report::default();
        while let Some(found) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            file(options, found, &mut report);
        }
        report
    };
    let mut report = Report::default();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..options.jobs.get())
            .map(|_| thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work))
            .collect::<io::Result<_>>()?;
        for thread in threads {
            report.add(thread.join().expect("panics of cases are caught"));
        }
        io::Result::Ok(())
    })?;
    for (name, why) in broken {
        report.broken(&name, why);
    }
    if links > 0 {
        report.unopened.insert("links", links as u64);
    }
    report.sort();
    report.time = start.elapsed();
    Ok(report)
}

fn file(options: &Options, found: &Found, report: &mut Report) {
    let bytes = match limits::read(&found.path) {
        Ok(bytes) => bytes,
        Err(error) => return report.broken(&found.name, error.to_string()),
    };
    let mut any = false;
    let result = cases::each(&found.path, &bytes, &mut |case| {
        any = true;
        if !options.wants(&found.name, &case) {
            report.left_out += 1;
            return;
        }
        let (kind, name) = (case.kind, case.name.clone());
        if options.list {
            println!("{kind} {} {name}", found.name);
            return;
        }
        let start = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| case.run())).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Err(format!("panicked: {}", text.unwrap_or("without a message")))
        });
        let took = start.elapsed();
        if options.verbose {
            let verdict = result.as_ref().map_or_else(|why| format!("failed: {why}"), |()| "passed".to_owned());
            println!("{kind} {} {name}: {verdict} ({:.3} s)", found.name, took.as_secs_f64());
        }
        report.count(&found.name, kind, &name, result, took);
    });
    match result {
        Ok(()) => report.files += u64::from(any),
        Err(why) => report.unopened(&found.name, why),
    }
}
