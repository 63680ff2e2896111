//! The devnet's child processes: start, wait until ready, stop, and their log lines.

use super::files::{self, Endpoint, FileError, Folder};
use chainspec::dev;
use std::{fmt, path::PathBuf, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
    task::JoinHandle,
};

/// How often a ready file is looked for.
const READY_POLL: Duration = Duration::from_millis(20);

/// How long a process may take to stop before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// Names of the sequencers.
const SEQUENCERS: [&str; dev::SEQUENCERS.len()] =
    ["sequencer", "sequencer-2", "sequencer-3", "sequencer-4", "sequencer-5"];

/// Names of the followers.
const FOLLOWERS: [&str; dev::L2_CHAIN_IDS.len()] = ["follower", "follower-2", "follower-3"];

/// Which process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    L1,
    /// By its place among [`dev::SEQUENCERS`].
    Sequencer(usize),
    /// Of a rollup, by its place among [`dev::L2_CHAIN_IDS`].
    Follower(usize),
}

impl Role {
    /// All that there can be.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let followers = (0..FOLLOWERS.len()).map(Self::Follower);
        [Self::L1].into_iter().chain(followers).chain((0..SEQUENCERS.len()).map(Self::Sequencer))
    }

    /// Name of its folder, its log and its lines.
    ///
    /// # Panics
    /// For a sequencer that has no account, and a follower of a rollup that has no chain id.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::L1 => "l1",
            Self::Sequencer(index) => SEQUENCERS[index],
            Self::Follower(rollup) => FOLLOWERS[rollup],
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a process is not there.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It can't be started.
    #[error("{role} does not start: {source}")]
    Spawn {
        /// Which.
        role: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// It ended. Its own message is the last line.
    #[error("{role} ended ({status}); its log is {}", log.display())]
    Ended {
        /// Which.
        role: &'static str,
        /// How.
        status: ExitStatus,
        /// Where its lines are.
        log: PathBuf,
    },
    /// It runs, but is not ready in time.
    #[error("{role} was not ready after {seconds} s; its log is {}", log.display())]
    Late {
        /// Which.
        role: &'static str,
        /// How long it was waited for.
        seconds: u64,
        /// Where its lines are.
        log: PathBuf,
    },
    /// Its ready file does not read.
    #[error(transparent)]
    File(#[from] FileError),
}

/// How a process ended.
#[derive(Clone, Copy, Debug)]
pub struct ExitStatus(Option<std::process::ExitStatus>);

impl ExitStatus {
    /// Whether a signal ended it that it could not catch: kill -9, or the kernel short of memory.
    pub(super) fn was_killed(self) -> bool {
        use std::os::unix::process::ExitStatusExt;
        self.0.is_some_and(|status| status.signal() == Some(9))
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(status) => write!(f, "{status}"),
            None => f.write_str("its status is unknown"),
        }
    }
}

/// One running child. It ends when this value is dropped, since its standard input ends then.
#[derive(Debug)]
pub(super) struct Child {
    role: Role,
    process: tokio::process::Child,
    /// Held open while the child shall live. Not in `process`, whose `wait` would close it.
    stdin: Option<tokio::process::ChildStdin>,
    ready: PathBuf,
    log: PathBuf,
    lines: JoinHandle<()>,
}

impl Child {
    /// Starts this very binary with `flags`.
    pub(super) fn spawn(role: Role, folder: &Folder, flags: Vec<String>) -> Result<Self, ProcessError> {
        let spawn = |source| ProcessError::Spawn { role: role.name(), source };
        let (ready, log) = (folder.ready(role), folder.log(role));
        // A stale file of an earlier run would name an endpoint that is not there yet.
        let _ = std::fs::remove_file(&ready);
        let mut process = Command::new(std::env::current_exe().map_err(spawn)?)
            .args(flags)
            .arg("--exit-with-stdin")
            .arg(format!("--ready-file={}", ready.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal goes to the whole group; the parent stops its children in order instead.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(spawn)?;
        let stderr = process.stderr.take().expect("its standard error was asked for");
        let lines = tokio::spawn(copy_lines(role, stderr, log.clone()));
        let stdin = process.stdin.take();
        Ok(Self { role, process, stdin, ready, log, lines })
    }

    pub(super) const fn role(&self) -> Role {
        self.role
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    pub(super) fn log(&self) -> PathBuf {
        self.log.clone()
    }

    /// Waits until it says where it listens.
    pub(super) async fn ready(&mut self, patience: Duration) -> Result<Endpoint, ProcessError> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            if let Some(endpoint) = files::read_json(&self.ready)? {
                return Ok(endpoint);
            }
            tokio::select! {
                status = self.ended() => {
                    return Err(ProcessError::Ended { role: self.role.name(), status, log: self.log() });
                }
                () = tokio::time::sleep(READY_POLL) => {}
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(ProcessError::Late {
                    role: self.role.name(),
                    seconds: patience.as_secs(),
                    log: self.log(),
                });
            }
        }
    }

    /// Waits until it ends by itself.
    pub(super) async fn ended(&mut self) -> ExitStatus {
        let status = self.process.wait().await.ok();
        // Its last words are its reason.
        let _ = (&mut self.lines).await;
        ExitStatus(status)
    }

    /// Asks it to stop, by the end of its standard input, and kills it when it does not.
    pub(super) async fn stop(&mut self) {
        drop(self.stdin.take());
        if tokio::time::timeout(STOP_PATIENCE, self.process.wait()).await.is_err() {
            eprintln!("{} did not stop within {} s and is killed", self.role, STOP_PATIENCE.as_secs());
            // It may have ended in this very moment.
            let _ = self.process.kill().await;
        }
    }
}

/// Copies a child's lines to its log file and, with its name in front, to our standard error.
async fn copy_lines(role: Role, stderr: tokio::process::ChildStderr, path: PathBuf) {
    let mut file = match tokio::fs::OpenOptions::new().create(true).append(true).open(&path).await {
        Ok(file) => Some(file),
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            None
        }
    };
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        eprintln!("{:>11} | {line}", role.name());
        if let Some(open) = &mut file
            && open.write_all(format!("{line}\n").as_bytes()).await.is_err()
        {
            eprintln!("{}: can't be written any more", path.display());
            file = None;
        }
    }
}
