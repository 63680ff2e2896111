//! A devnet for one test: on free ports, in a folder of its own, gone afterwards.

use super::{super::Devnet, crash::signal};
use eyre::{WrapErr, bail};
use std::{
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

/// Longest start of a devnet of our own.
const START_PATIENCE: Duration = Duration::from_secs(90);

/// Longest stop of a devnet of our own.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// A devnet that this test started, on free ports, in a folder of its own.
pub(super) struct OwnDevnet {
    folder: PathBuf,
    process: tokio::process::Child,
}

impl OwnDevnet {
    /// Starts one with `flags`, in a folder named after `purpose`.
    pub(super) async fn start(purpose: &str, flags: &[String]) -> eyre::Result<Self> {
        let folder = std::env::temp_dir().join(format!("basalt-devnet-{purpose}-{}", std::process::id()));
        let log = std::fs::File::create(folder.with_extension("log"))?;
        let process = tokio::process::Command::new(std::env::current_exe()?)
            .args(["devnet", "--l1.http-port=0", "--l1.beacon-port=0", "--http.port=0", "--follower.http.port=0"])
            .arg(format!("--datadir={}", folder.display()))
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let mut own = Self { folder, process };
        let deadline = Instant::now() + START_PATIENCE;
        while Devnet::read(&own.devnet_file())?.is_none() {
            if let Some(status) = own.process.try_wait()? {
                bail!("the devnet ended ({status}); its log is {}", own.log().display());
            }
            if Instant::now() >= deadline {
                bail!(
                    "the devnet was not ready after {} s; its log is {}",
                    START_PATIENCE.as_secs(),
                    own.log().display()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(own)
    }

    /// Its `devnet.json`.
    pub(super) fn devnet_file(&self) -> PathBuf {
        self.folder.join("devnet.json")
    }

    fn log(&self) -> PathBuf {
        self.folder.with_extension("log")
    }

    /// Stops it as Ctrl-C would, and removes its files unless they may explain a failure.
    pub(super) async fn stop(mut self, passed: bool) -> eyre::Result<()> {
        if let Some(pid) = self.process.id() {
            signal("-INT", pid).await?;
        }
        let status =
            tokio::time::timeout(STOP_PATIENCE, self.process.wait()).await.wrap_err("the devnet does not stop")??;
        if !passed {
            eprintln!("its files stay in {} and {}", self.folder.display(), self.log().display());
            return Ok(());
        }
        if !status.success() {
            bail!("the devnet did not stop cleanly ({status}); its log is {}", self.log().display());
        }
        std::fs::remove_dir_all(&self.folder)?;
        std::fs::remove_file(self.log())?;
        Ok(())
    }
}
