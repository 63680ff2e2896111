//! The table: rows as Markdown and as JSON, with machine and command.
//!
//! Must not know: how anything was measured.

use crate::{
    driver::Interval,
    suite::{Found, Goal, Row, Suite},
};
use serde_json::{Value, json};
use std::{fs, process::Command};

/// What the measurement was made on and with.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Processor, cores, memory, kernel.
    pub hardware: String,
    /// Load averages when it began.
    pub load: String,
    /// Of the source.
    pub commit: String,
    /// As typed.
    pub command: String,
}

impl Machine {
    /// This one; what can't be found out is said to be unknown.
    pub fn here(command: String) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split(':').nth(1).unwrap_or("unknown").trim().to_owned()
        };
        let (cpu, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let kernel = read("/proc/sys/kernel/osrelease");
        let hardware = format!(
            "{}, {cores} cores, memory {}, Linux {}",
            field(&cpu, "model name"),
            field(&memory, "MemTotal"),
            kernel.trim()
        );
        let git = Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=10"]).output();
        let commit =
            git.map_or_else(|_| "unknown".to_owned(), |out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
        Self { hardware, load: read("/proc/loadavg").trim().to_owned(), commit, command }
    }
}

/// Head of the table.
pub const HEAD: &str = "| | what | CPU ratio [95 %] | wall ratio [95 %] | pairs | ours | peer | goal | verdict |\n|---|---|---|---|---|---|---|---|---|";

/// One line of the table.
pub fn line(row: &Row, floor: Option<f64>) -> String {
    let goals: Vec<String> = row.goals.iter().map(|goal| text(*goal, row)).collect();
    let verdicts: Vec<&str> = row.goals.iter().map(|goal| verdict(*goal, row, floor)).collect();
    let (cpu, wall, pairs, ours, peer) = match &row.found {
        Err(reason) => (
            format!("void: {}", reason.replace('\n', " ").replace('|', "/")),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
        ),
        Ok(Found::Number { ours, peer, unit }) => {
            let number = |value: f64| format!("{value:.1} {unit}");
            let ratio = peer.map_or_else(String::new, |peer| format!("{:.2}", peer / ours));
            (ratio, String::new(), String::new(), number(*ours), peer.map_or_else(String::new, number))
        }
        Ok(Found::Pairs(found)) => {
            let pairs = format!("{} and {} of {}", count(found.cpu), count(found.wall), found.tried);
            let gas = if found.a_gas > 0.0 { format!(", {:.3} Ggas/s", found.a_gas) } else { String::new() };
            let ours = format!("{:.2} µs{gas}", found.a_ns / 1e3);
            (interval(found.cpu), interval(found.wall), pairs, ours, format!("{:.2} µs", found.b_ns / 1e3))
        }
    };
    format!(
        "| {} | {} | {cpu} | {wall} | {pairs} | {ours} | {peer} | {} | {} |",
        row.id,
        row.title,
        goals.join("; "),
        verdicts.join("; ")
    )
}

fn interval(found: Option<Interval>) -> String {
    found.map_or_else(|| "void".to_owned(), |i| format!("{:.2} [{:.2}, {:.2}]", i.mid, i.low, i.high))
}

fn count(found: Option<Interval>) -> usize {
    found.map_or(0, |i| i.count)
}

fn text(goal: Goal, row: &Row) -> String {
    let unit = match &row.found {
        Ok(Found::Number { unit, .. }) => unit,
        _ => "",
    };
    match goal {
        Goal::Ratio(factor) => format!("≥ {factor}x"),
        Goal::UnitNs(ns) => format!("≤ {:.2} µs", ns / 1e3),
        Goal::Gas(gas) => format!("≥ {gas} Ggas/s"),
        Goal::Fact(most) => format!("≤ {most} {unit}"),
        Goal::None => "–".to_owned(),
    }
}

/// `met` only if the whole interval says so, and a claim to be faster also clears one by the A/A floor.
fn verdict(goal: Goal, row: &Row, floor: Option<f64>) -> &'static str {
    let met = |yes: bool| if yes { "met" } else { "missed" };
    match (&row.found, goal) {
        (_, Goal::None) => "–",
        (Err(_), _) => "void",
        (Ok(Found::Number { ours, .. }), Goal::Fact(most)) if ours.is_finite() => met(*ours <= most),
        (Ok(Found::Pairs(found)), Goal::Ratio(factor)) => match found.cpu {
            None => "void",
            Some(i) if i.low >= factor && (factor < 1.0 || i.low >= 1.0 + floor.unwrap_or(0.0)) => "met",
            Some(i) if i.high < factor => "missed",
            Some(_) => "open",
        },
        (Ok(Found::Pairs(found)), Goal::UnitNs(ns)) if found.a_ns.is_finite() => met(found.a_ns <= ns),
        (Ok(Found::Pairs(found)), Goal::Gas(gas)) if found.a_gas.is_finite() => met(found.a_gas >= gas),
        (Ok(_), _) => "void",
    }
}

/// The whole report.
pub fn markdown(suite: &Suite, machine: &Machine) -> String {
    let Machine { hardware, load, commit, command } = machine;
    let floor = suite.floor.map_or_else(|| "not measured".to_owned(), |floor| format!("{:.1} %", floor * 100.0));
    let rows: Vec<String> = suite.rows.iter().map(|row| line(row, suite.floor)).collect();
    format!(
        "# Results of `{command}`\n\n\
         Source {commit}; {hardware}; load when it began {load}. A/A floor of this session: {floor}.\n\n\
         How to read it: `../README.md`. Ratios above one mean that Basalt (A) is faster, in the rows of G14 that the smaller state is. Verdicts go \
         by CPU time: wall time shares the cores with whatever else ran. \"pairs\" are those that counted, for CPU and for wall, of those tried; \"void\" \
         is a row without enough of them. Times are of one transaction (of one block or update where there are none), CPU, medians, as they \
         were: this kind of machine changes its speed, only the ratios carry over.\n\n\
         {HEAD}\n{}\n",
        rows.join("\n")
    )
}

/// The same for programs.
pub fn json(suite: &Suite, machine: &Machine) -> Value {
    let interval = |found: Option<Interval>| {
        found.map(|i| json!({"low": i.low, "median": i.mid, "high": i.high, "pairs": i.count}))
    };
    let rows = suite.rows.iter().map(|row| {
        let found = match &row.found {
            Err(reason) => json!({ "void": reason }),
            Ok(Found::Number { ours, peer, unit }) => json!({"ours": ours, "peer": peer, "unit": unit}),
            Ok(Found::Pairs(found)) => json!({
                "cpu": interval(found.cpu), "wall": interval(found.wall), "tried": found.tried, "ours_ns": found.a_ns,
                "peer_ns": found.b_ns, "ours_ggas": found.a_gas, "ours_rss": found.a_rss, "peer_rss": found.b_rss,
                "units_per_op": found.units,
            }),
        };
        let verdicts: Vec<&str> = row.goals.iter().map(|goal| verdict(*goal, row, suite.floor)).collect();
        json!({"id": row.id, "title": row.title, "found": found, "verdicts": verdicts})
    });
    json!({
        "command": machine.command, "source": machine.commit, "hardware": machine.hardware, "load": machine.load,
        "floor": suite.floor, "rows": rows.collect::<Vec<_>>(),
    })
}
