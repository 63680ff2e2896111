//! What `make bench` compares: rows of the table, each with its runners, its workload and its goal.
//!
//! Must not know: how pairs are made, or how the table looks.

use crate::{
    driver::{Asked, Compared, Effort, Process, compare},
    runner::Runner,
    workload::{self, Fork, Kind, Plan},
};
use eyre::{WrapErr, ensure};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

/// Who stands on one side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// A runner of this crate, in memory.
    Own(Runner),
    /// A runner of this crate on RocksDB.
    OwnOnDisk(Runner),
    /// The ethrex 24 node on RocksDB, with this work.
    Ethrex(&'static str),
}

/// When a row is good.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// A is faster than B by this factor at least.
    Ratio(f64),
    /// A needs at most this many nanoseconds of CPU time for a unit.
    UnitNs(f64),
    /// A uses at least this much gas in a nanosecond of CPU time (Ggas/s of one core).
    Gas(f64),
    /// A number of the set-up is at most this.
    Fact(f64),
    /// Measured for the record.
    None,
}

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// Goal of notes/performance.md §6, or metric of its §4.
    pub id: &'static str,
    /// In words.
    pub title: String,
    /// The goals with what was found.
    pub goals: Vec<Goal>,
    /// `Err` is why there is nothing.
    pub found: Result<Found, String>,
}

/// What a row found.
#[derive(Debug, Clone)]
pub enum Found {
    /// Pairs.
    Pairs(Box<Compared>),
    /// A number with its unit, and the peer's if there is one.
    Number {
        /// Basalt's.
        ours: f64,
        /// The peer's.
        peer: Option<f64>,
        /// Of both.
        unit: &'static str,
    },
}

/// What to run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// This executable: own runners are other processes of it.
    pub program: PathBuf,
    /// The ethrex 24 runner, if it is built.
    pub ethrex: Option<PathBuf>,
    /// Folder for workload files and databases.
    pub cache: PathBuf,
    /// A few minutes: small states, few workloads.
    pub quick: bool,
    /// Only rows whose id or title contains this.
    pub only: Option<String>,
    /// Also a state of 10^7 accounts (25 GB of memory while it is made).
    pub huge: bool,
}

/// Runs rows and keeps them.
#[derive(Debug)]
pub struct Suite {
    settings: Settings,
    effort: Effort,
    /// The table so far.
    pub rows: Vec<Row>,
    /// How far equal runners were apart: the larger distance of the A/A interval from one.
    pub floor: Option<f64>,
}

impl Suite {
    /// Runs everything, printing each row through `print` as it comes.
    pub fn run(settings: Settings, print: impl Fn(&Row, Option<f64>)) -> eyre::Result<Self> {
        fs::create_dir_all(&settings.cache).wrap_err_with(|| format!("{}", settings.cache.display()))?;
        let pairs = 15;
        let slice = Duration::from_millis(if settings.quick { 200 } else { 300 });
        let effort = Effort { slice, pairs, tries_max: 6 * pairs };
        let mut suite = Self { settings, effort, rows: Vec::new(), floor: None };
        suite.all(&print);
        Ok(suite)
    }

    fn all(&mut self, print: &dyn Fn(&Row, Option<f64>)) {
        use Goal::{Gas, Ratio, UnitNs};
        use Runner::{
            Build, Import, LevmBuild, LevmRoot, LevmValidate, RevmBare, Root, Senders, SendersAlone, Validate,
        };
        use Side::{Ethrex, Own, OwnOnDisk};
        let size = if self.settings.quick { 10_000 } else { 100_000 };
        let plan = |kind| Plan::standard(kind, Fork::Amsterdam, size);
        let osaka = |kind| Plan::standard(kind, Fork::Osaka, size);
        let mut pair = |id, title: &str, a, b, plan, goals: &[Goal]| {
            let row = self.pair(id, title, a, b, plan, goals);
            print(&row, self.floor);
            self.rows.push(row);
        };
        pair(
            "A/A",
            "build, W1, against itself",
            (Own(Build), plan(Kind::Transfer)),
            (Own(Build), plan(Kind::Transfer)),
            true,
            &[],
        );
        let both = |side: Side, plan: Plan| (side, plan);
        let disk = OwnOnDisk(Build);
        let goal = [Ratio(3.0), Gas(1.5)];
        pair(
            "G2",
            "build, W1 transfers, ethrex 24 (disk)",
            both(disk, plan(Kind::Transfer)),
            both(Ethrex("build"), plan(Kind::Transfer)),
            false,
            &goal,
        );
        pair(
            "M1",
            "build, W2 ERC-20, ethrex 24 (disk, Osaka)",
            both(disk, osaka(Kind::Erc20)),
            both(Ethrex("build"), osaka(Kind::Erc20)),
            false,
            &[],
        );
        pair(
            "G3",
            "build, W3 swaps, ethrex 24 (disk, Osaka)",
            both(disk, osaka(Kind::Swap)),
            both(Ethrex("build"), osaka(Kind::Swap)),
            false,
            &[Ratio(1.4)],
        );
        pair(
            "M2",
            "import, W1, ethrex 24 (disk)",
            both(OwnOnDisk(Import), plan(Kind::Transfer)),
            both(Ethrex("import"), plan(Kind::Transfer)),
            false,
            &[],
        );
        pair(
            "G13",
            "empty block, W8, ethrex 24 (disk)",
            both(disk, plan(Kind::Empty)),
            both(Ethrex("build"), plan(Kind::Empty)),
            false,
            &[Ratio(10.0), UnitNs(100_000.0)],
        );
        pair(
            "G3",
            "build, W3 swaps, bare revm",
            both(Own(Build), plan(Kind::Swap)),
            both(Own(RevmBare), plan(Kind::Swap)),
            false,
            &[Ratio(0.75)],
        );
        pair(
            "M1",
            "build, W1 transfers, bare revm",
            both(Own(Build), plan(Kind::Transfer)),
            both(Own(RevmBare), plan(Kind::Transfer)),
            false,
            &[],
        );
        let kinds = [Kind::Transfer, Kind::Erc20, Kind::Swap, Kind::Mixed, Kind::Storage, Kind::Deploy, Kind::Worst];
        let kinds = if self.settings.quick { &kinds[..3] } else { &kinds[..] };
        for kind in kinds {
            let title = format!("build, {}, LEVM 31 + ethrex-trie", label(*kind));
            let row = self.pair("M1", &title, (Own(Build), plan(*kind)), (Own(LevmBuild), plan(*kind)), false, &[]);
            print(&row, self.floor);
            self.rows.push(row);
        }
        for kind in kinds {
            let title = format!("stateless validate, {}, LEVM 31", label(*kind));
            let row = self.pair(
                "G4",
                &title,
                (Own(Validate), plan(*kind)),
                (Own(LevmValidate), plan(*kind)),
                false,
                &[Ratio(2.0)],
            );
            print(&row, self.floor);
            self.rows.push(row);
        }
        let row = self.pair(
            "M3",
            "senders, W1, libsecp256k1 one by one",
            (Own(Senders), plan(Kind::Transfer)),
            (Own(SendersAlone), plan(Kind::Transfer)),
            false,
            &[],
        );
        print(&row, self.floor);
        self.rows.push(row);
        let goal = [Ratio(4.0), UnitNs(4.0 * 310.0)];
        let row = self.pair(
            "G5",
            "state root, 4,000 updates, ethrex-trie 31",
            (Own(Root), plan(Kind::Transfer)),
            (Own(LevmRoot), plan(Kind::Transfer)),
            false,
            &goal,
        );
        print(&row, self.floor);
        self.rows.push(row);
        self.growth(print);
        self.sizes(print);
    }

    /// G14: what a larger state costs. B is the larger one, so the ratio is the slow-down.
    fn growth(&mut self, print: &dyn Fn(&Row, Option<f64>)) {
        let mut sizes = vec![100_000];
        if !self.settings.quick {
            sizes.push(1_000_000);
        }
        if self.settings.huge {
            sizes.push(10_000_000);
        }
        let plan = |accounts| Plan::standard(Kind::Transfer, Fork::Amsterdam, accounts);
        for accounts in sizes {
            let sides = [(Side::OwnOnDisk(Runner::Build), "Basalt"), (Side::Ethrex("build"), "ethrex 24")];
            for (side, name) in sides {
                let title = format!("build, W1, {name}: slow-down from 10,000 to {accounts} accounts");
                let row = self.pair("G14", &title, (side, plan(10_000)), (side, plan(accounts)), false, &[]);
                print(&row, self.floor);
                self.rows.push(row);
            }
        }
    }

    /// G15, G16, M13, M5: what is exact, or happens once.
    fn sizes(&mut self, print: &dyn Fn(&Row, Option<f64>)) {
        let mut sizes = vec![10_000, 100_000];
        if !self.settings.quick {
            sizes.push(1_000_000);
        }
        if self.settings.huge {
            sizes.push(10_000_000);
        }
        for accounts in sizes {
            let plan = Plan::standard(Kind::Transfer, Fork::Amsterdam, accounts);
            let ours = self.facts(Side::OwnOnDisk(Runner::Build), &plan);
            let peer = self.facts(Side::Ethrex("build"), &plan);
            let number = |fact: fn(&Facts) -> f64, unit, divide: bool| {
                let of = |facts: &Facts| if divide { fact(facts) / accounts as f64 } else { fact(facts) };
                let ours = ours.as_ref().map_err(Clone::clone)?;
                Ok(Found::Number { ours: of(ours), peer: peer.as_ref().ok().map(of), unit })
            };
            let rows = [
                (
                    "G15",
                    format!("disk per account, {accounts} accounts"),
                    Goal::Fact(190.0),
                    number(|f| f.disk, "B", true),
                ),
                (
                    "G16",
                    format!("open to first block after a restart, {accounts} accounts"),
                    Goal::Fact(300.0),
                    number(|f| f.ready_us / 1e3, "ms", false),
                ),
                (
                    "M13",
                    format!("resident memory after set-up, {accounts} accounts"),
                    Goal::None,
                    number(|f| f.rss / 1e6, "MB", false),
                ),
                (
                    "M14",
                    format!("writing genesis, {accounts} accounts"),
                    Goal::None,
                    number(|f| f.genesis_us / 1e6, "s", false),
                ),
            ];
            for (id, title, goal, found) in rows {
                // A goal that is about 10^6 accounts is one there.
                let applies = id != "G16" || accounts == 1_000_000;
                let row = Row { id, title, goals: applies.then_some(goal).into_iter().collect(), found };
                print(&row, self.floor);
                self.rows.push(row);
            }
        }
        for kind in [Kind::Transfer, Kind::Erc20, Kind::Swap] {
            let plan = Plan::standard(kind, Fork::Amsterdam, if self.settings.quick { 10_000 } else { 100_000 });
            let found = self.workload(&plan).and_then(|path| crate::runner::read(&path)).map(|file| {
                let txs: u64 = file.blocks.iter().map(|block| block.transactions).sum();
                let bytes: usize = file.blocks.iter().map(|block| block.input.len()).sum();
                Found::Number { ours: bytes as f64 / txs as f64, peer: None, unit: "B" }
            });
            let title = format!("EXECUTE input per transaction, {}, full blocks", label(kind));
            let row = Row { id: "M5", title, goals: Vec::new(), found: found.map_err(|error| format!("{error:#}")) };
            print(&row, self.floor);
            self.rows.push(row);
        }
    }

    fn pair(
        &mut self,
        id: &'static str,
        title: &str,
        a: (Side, Plan),
        b: (Side, Plan),
        floor: bool,
        goals: &[Goal],
    ) -> Row {
        let wanted = self.settings.only.as_ref().is_none_or(|only| id.contains(only) || title.contains(only.as_str()));
        let found = if wanted { self.try_pair(a, b) } else { Err(eyre::eyre!("not asked for")) };
        if let (true, Ok(compared)) = (floor, &found) {
            self.floor = compared.cpu.map(|interval| (interval.high - 1.0).max(1.0 - interval.low));
        }
        let found = found.map(|compared| Found::Pairs(Box::new(compared))).map_err(|error| format!("{error:#}"));
        Row { id, title: title.to_owned(), goals: goals.to_vec(), found }
    }

    fn try_pair(&self, a: (Side, Plan), b: (Side, Plan)) -> eyre::Result<Compared> {
        let folders = [self.folder()?, self.folder()?];
        let mut a = Process::start(&self.asked(a.0, &a.1, folders[0].path())?)?;
        let mut b = Process::start(&self.asked(b.0, &b.1, folders[1].path())?)?;
        // Runners that make a root without a block say what it is; it has to be the same.
        ensure!(a.fact("root") == b.fact("root"), "the runners find other roots");
        compare(&mut a, &mut b, self.effort)
    }

    fn facts(&self, side: Side, plan: &Plan) -> Result<Facts, String> {
        let facts = || -> eyre::Result<Facts> {
            ensure!(self.settings.only.is_none(), "not asked for");
            let folder = self.folder()?;
            let process = Process::start(&self.asked(side, plan, folder.path())?)?;
            let fact = |name| process.fact(name).map_or(f64::NAN, |value| value as f64);
            Ok(Facts {
                disk: fact("disk"),
                ready_us: fact("ready_us"),
                rss: fact("rss"),
                genesis_us: fact("genesis_us"),
            })
        };
        facts().map_err(|error| format!("{error:#}"))
    }

    fn folder(&self) -> eyre::Result<tempfile::TempDir> {
        Ok(tempfile::tempdir_in(&self.settings.cache)?)
    }

    fn asked(&self, side: Side, plan: &Plan, folder: &Path) -> eyre::Result<Asked> {
        let workload = self.workload(plan)?;
        let (own, disk) =
            (|runner: Runner| vec!["run".into(), runner.name().into(), workload.clone().into()], folder.join("db"));
        Ok(match side {
            Side::Own(runner) => Asked { program: self.settings.program.clone(), args: own(runner) },
            Side::OwnOnDisk(runner) => {
                let mut args = own(runner);
                args.extend(["--disk".into(), disk.into()]);
                Asked { program: self.settings.program.clone(), args }
            }
            Side::Ethrex(work) => {
                let program = self.settings.ethrex.clone().ok_or_else(|| eyre::eyre!("the peer is not built"))?;
                Asked { program, args: vec![work.into(), workload.into(), disk.into()] }
            }
        })
    }

    /// The file of a workload, made when it is not there.
    fn workload(&self, plan: &Plan) -> eyre::Result<PathBuf> {
        let path = self.settings.cache.join(plan.file_name());
        if !path.try_exists()? {
            eprintln!("making {}", path.display());
            let unfinished = path.with_extension("unfinished");
            workload::make(plan)?.write(File::create(&unfinished)?)?;
            fs::rename(&unfinished, &path)?;
        }
        Ok(path)
    }
}

/// Numbers of a set-up.
struct Facts {
    disk: f64,
    ready_us: f64,
    rss: f64,
    genesis_us: f64,
}

fn label(kind: Kind) -> String {
    let number = match kind {
        Kind::Transfer => "W1 transfers",
        Kind::Erc20 => "W2 ERC-20",
        Kind::Swap => "W3 swaps",
        Kind::Mixed => "W4 mixed",
        Kind::Storage => "W5 storage",
        Kind::Deploy => "W6 deploys",
        Kind::Worst => "W7 worst BAL and witness",
        Kind::Empty => "W8 empty",
    };
    number.to_owned()
}
