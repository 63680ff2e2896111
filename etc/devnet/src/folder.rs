//! The devnet's folder: `chain.json` (genesis and slot time, written once) beside `db/`. Must not know blocks.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use alloy_genesis::Genesis;
use serde::{Deserialize, Serialize};

use crate::{Config, clock::unix_ms};

/// What cannot change once the chain has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChainFile {
    pub(crate) slot_ms: u64,
    pub(crate) genesis: Genesis,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Reading or writing failed.
    #[error("cannot use {}: {source}; choose another folder with --datadir", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is not ours.
    #[error("{} is no chain file of the devnet ({reason}); choose an empty folder with --datadir", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The chain has another value than the configuration.
    #[error("the chain in {} was made with {flag} {stored}, now {given} is asked for: keep to it, or use a new folder with --datadir", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// The flag, or the field of the configuration where there is no flag.
        flag: &'static str,
        /// What the chain has.
        stored: u64,
        /// What was asked for.
        given: u64,
    },
}

/// Where the database is.
pub(crate) fn database(datadir: &Path) -> PathBuf {
    datadir.join("db")
}

/// The chain that `config` describes: the one in its folder, or a new one, whose file is written.
pub(crate) fn chain_file(config: &Config) -> Result<ChainFile, FolderError> {
    let Some(datadir) = &config.datadir else { return Ok(new_chain(config)) };
    let path = datadir.join("chain.json");
    let io = |source| FolderError::Io { path: path.clone(), source };
    match fs::read(&path) {
        Ok(bytes) => {
            let file: ChainFile = serde_json::from_slice(&bytes)
                .map_err(|error| FolderError::Malformed { path: path.clone(), reason: error.to_string() })?;
            let same = [
                ("--l1.slot-ms", file.slot_ms, config.slot_ms),
                ("gas_limit", file.genesis.gas_limit, config.gas_limit),
                ("genesis_time", file.genesis.timestamp, config.genesis_time.unwrap_or(file.genesis.timestamp)),
            ];
            match same.into_iter().find(|(_, stored, given)| stored != given) {
                Some((flag, stored, given)) => Err(FolderError::Changed { path, flag, stored, given }),
                None => Ok(file),
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let file = new_chain(config);
            fs::create_dir_all(datadir).map_err(io)?;
            write(&path, &serde_json::to_vec_pretty(&file).expect("a genesis has a JSON form")).map_err(io)?;
            Ok(file)
        }
        Err(error) => Err(io(error)),
    }
}

/// Whole or not at all: a torn file would keep the chain from starting for ever.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let unfinished = path.with_extension("json.new");
    let mut file = fs::File::create(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

fn new_chain(config: &Config) -> ChainFile {
    // Slot 1 begins with the next full second, so that the first transactions land at once.
    let next_second = unix_ms() / 1_000 + 1;
    let genesis_time = config.genesis_time.unwrap_or(next_second.saturating_sub(config.slot_s()));
    let mut genesis = chainspec::dev::l1_genesis(genesis_time);
    genesis.gas_limit = config.gas_limit;
    ChainFile { slot_ms: config.slot_ms, genesis }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(datadir: &Path) -> Config {
        Config { datadir: Some(datadir.into()), ..Config::default() }
    }

    #[test]
    fn a_second_start_finds_the_chain_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = chain_file(&config(folder.path())).unwrap();
        assert_eq!(chain_file(&config(folder.path())).unwrap(), first);
        assert!(first.genesis.timestamp + 4 <= unix_ms() / 1_000 + 1);
    }

    #[test]
    fn a_changed_slot_time_is_refused_by_the_name_of_its_flag() {
        let folder = tempfile::tempdir().unwrap();
        chain_file(&config(folder.path())).unwrap();
        let error = chain_file(&Config { slot_ms: 2_000, ..config(folder.path()) }).unwrap_err().to_string();
        assert!(error.contains("--l1.slot-ms 4000, now 2000"), "{error}");
    }

    #[test]
    fn a_foreign_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("chain.json"), "{}").unwrap();
        assert!(matches!(chain_file(&config(folder.path())), Err(FolderError::Malformed { .. })));
    }
}
