//! The devnet's folder and the files in it. It must not know what processes do.
//!
//! ```text
//! devnet.json  what clients need     .env  the same for shells     chain.json chain-2.json  the rollups' chain files
//! deployment.json  what was deployed  sequencer.key  l1/ sequencer/ sequencer-2/ follower/ follower-2/  databases   logs/
//! ```

use super::processes::Role;
use crate::deploy::Deployment;
use alloy_primitives::{Address, B256, hex};
use chainspec::{RollupConfig, dev};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Marks a folder as a devnet's; only such a folder is ever removed.
const MARKER: &str = "deployment.json";

/// Why the folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refuses.
    #[error("{}: {source} (--datadir)", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// There is something in it that no devnet of ours wrote.
    #[error("{} is not empty and holds no devnet: choose another folder with --datadir", path.display())]
    NotOurs {
        /// The folder.
        path: PathBuf,
    },
    /// A file of ours does not parse.
    #[error("{}: {reason}; start over with --fresh", path.display())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Where a process listens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Endpoint {
    /// JSON-RPC, of the first rollup.
    pub http: SocketAddr,
    /// Beacon API, on L1.
    pub beacon: Option<SocketAddr>,
    /// JSON-RPC of further rollups.
    #[serde(default)]
    pub more: Vec<SocketAddr>,
}

/// `devnet.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Devnet {
    /// Its folder.
    pub datadir: PathBuf,
    /// The chain file.
    pub chain_file: PathBuf,
    /// The L1.
    pub l1: L1Info,
    /// The node that builds blocks, or the first of several.
    pub sequencer: NodeInfo,
    /// The other nodes that build blocks.
    #[serde(default)]
    pub more_sequencers: Vec<NodeInfo>,
    /// The node that follows L1.
    pub follower: NodeInfo,
    /// Chain id of the rollup.
    pub l2_chain_id: u64,
    /// The other rollups of the same Hub, which the same processes build.
    #[serde(default)]
    pub more_rollups: Vec<RollupInfo>,
    /// Hub, on L1.
    pub hub: Address,
    /// ExecuteVerifier, on L1.
    pub verifier: Address,
    /// OpenSchedule, on L1.
    pub schedule: Address,
    /// Messenger, on L2.
    pub messenger: Address,
    /// TokenBridge, on L1; zero where the rollup was deployed without one.
    #[serde(default)]
    pub token_bridge: Address,
    /// L2TokenBridge, on L2.
    #[serde(default)]
    pub l2_token_bridge: Address,
    /// L1Gateway, on L1; zero where the rollup was deployed without one.
    #[serde(default)]
    pub l1_gateway: Address,
    /// L2Gateway, on L2.
    #[serde(default)]
    pub l2_gateway: Address,
    /// L1Reader, on L2.
    #[serde(default)]
    pub l1_reader: Address,
    /// Funded on both layers; their keys are public.
    pub accounts: Vec<Account>,
}

/// The L1 part of `devnet.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct L1Info {
    /// JSON-RPC.
    pub rpc_url: String,
    /// Beacon API.
    pub beacon_url: String,
    /// Chain id.
    pub chain_id: u64,
    /// Slot time, milliseconds.
    pub slot_ms: u64,
    /// Process id.
    pub pid: Option<u32>,
}

/// A node in `devnet.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeInfo {
    /// JSON-RPC.
    pub rpc_url: String,
    /// Process id.
    pub pid: Option<u32>,
}

impl NodeInfo {
    pub(super) fn new(http: SocketAddr, pid: Option<u32>) -> Self {
        Self { rpc_url: format!("http://{http}"), pid }
    }
}

/// A further rollup in `devnet.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollupInfo {
    /// Its chain id.
    pub l2_chain_id: u64,
    /// Its chain file.
    pub chain_file: PathBuf,
    /// The nodes that build its blocks, in the order of the first rollup's.
    pub sequencers: Vec<NodeInfo>,
    /// The node that follows it.
    pub follower: NodeInfo,
}

/// A funded account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    /// Its address.
    pub address: Address,
    /// Its key, known to everyone.
    pub key: B256,
}

impl From<&dev::Account> for Account {
    fn from(account: &dev::Account) -> Self {
        Self { address: account.address, key: account.key }
    }
}

/// `deployment.json` and the chain file beside it.
#[derive(Clone, Debug)]
pub(super) struct Deployed {
    pub(super) config: RollupConfig,
    pub(super) verifier: Address,
    pub(super) schedule: Address,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeploymentFile {
    verifier: Address,
    schedule: Address,
}

/// The devnet's folder.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Opens or makes the folder; with `fresh` an earlier devnet in it is removed.
    pub(super) fn open(path: &Path, fresh: bool) -> Result<Self, FileError> {
        let io = |source| FileError::Io { path: path.to_owned(), source };
        let ours = path.join(MARKER).exists() || path.join("l1").exists();
        let empty = match fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
            Err(error) => return Err(io(error)),
        };
        if !empty && !ours {
            return Err(FileError::NotOurs { path: path.to_owned() });
        }
        // An L1 without a finished deployment is what is left of a start that failed: nobody can miss it.
        let unfinished = ours && !path.join(MARKER).exists();
        if ours && (fresh || unfinished) {
            fs::remove_dir_all(path).map_err(io)?;
        }
        fs::create_dir_all(path.join("logs")).map_err(io)?;
        Ok(Self(path.canonicalize().map_err(io)?))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The chain file of a rollup, by its place among [`dev::L2_CHAIN_IDS`].
    pub(super) fn chain_file(&self, rollup: usize) -> PathBuf {
        self.0.join(if rollup == 0 { "chain.json".to_owned() } else { format!("chain-{}.json", rollup + 1) })
    }

    /// What that file holds; `None` when the rollup was not registered yet.
    pub(super) fn chain(&self, rollup: usize) -> Result<Option<RollupConfig>, FileError> {
        let path = self.chain_file(rollup);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(FileError::Io { path, source }),
        };
        let config = RollupConfig::from_json(&text);
        config.map(Some).map_err(|error| FileError::Broken { path, reason: error.to_string() })
    }

    /// Writes the chain file of a rollup.
    pub(super) fn write_chain(&self, rollup: usize, config: &RollupConfig) -> Result<(), FileError> {
        write_json(&self.chain_file(rollup), config)
    }

    pub(super) fn data(&self, role: Role) -> PathBuf {
        self.0.join(role.name())
    }

    pub(super) fn log(&self, role: Role) -> PathBuf {
        self.0.join("logs").join(format!("{}.log", role.name()))
    }

    pub(super) fn ready(&self, role: Role) -> PathBuf {
        self.0.join(format!("{}.ready", role.name()))
    }

    pub(super) fn remove_ready_files(&self) {
        for role in Role::all() {
            // Absent is as good as removed.
            let _ = fs::remove_file(self.ready(role));
        }
    }

    /// The file with the key of a sequencer, by its place among [`dev::SEQUENCERS`].
    pub(super) fn sequencer_key(&self, index: usize) -> Result<PathBuf, FileError> {
        let path = self.0.join(format!("{}.key", Role::Sequencer(index).name()));
        write_private(&path, &format!("{}\n", hex::encode_prefixed(dev::SEQUENCERS[index].key)))?;
        Ok(path)
    }

    /// What an earlier run deployed.
    pub(super) fn deployment(&self) -> Result<Option<Deployed>, FileError> {
        let Some(file) = read_json::<DeploymentFile>(&self.0.join(MARKER))? else { return Ok(None) };
        let missing = || FileError::Broken { path: self.chain_file(0), reason: "it is not there".into() };
        let config = self.chain(0)?.ok_or_else(missing)?;
        Ok(Some(Deployed { config, verifier: file.verifier, schedule: file.schedule }))
    }

    /// Writes the chain file, then the marker: a marker without a chain file never exists.
    pub(super) fn write_deployment(&self, deployment: &Deployment) -> Result<Deployed, FileError> {
        let Deployment { config, verifier, schedule, .. } = deployment.clone();
        self.write_chain(0, &config)?;
        write_json(&self.0.join(MARKER), &DeploymentFile { verifier, schedule })?;
        Ok(Deployed { config, verifier, schedule })
    }

    /// Writes `devnet.json` and `.env`.
    pub(super) fn write_devnet(&self, devnet: &Devnet) -> Result<(), FileError> {
        write_json(&self.0.join("devnet.json"), devnet)?;
        let mut env = format!(
            "L1_RPC_URL={}\nL1_BEACON_URL={}\nL1_CHAIN_ID={}\nL2_RPC_URL={}\nL2_FOLLOWER_RPC_URL={}\nL2_CHAIN_ID={}\n\
             HUB={}\nMESSENGER={}\nTOKEN_BRIDGE={}\nL2_TOKEN_BRIDGE={}\nADDRESS={}\nPRIVATE_KEY={}\n",
            devnet.l1.rpc_url,
            devnet.l1.beacon_url,
            devnet.l1.chain_id,
            devnet.sequencer.rpc_url,
            devnet.follower.rpc_url,
            devnet.l2_chain_id,
            devnet.hub,
            devnet.messenger,
            devnet.token_bridge,
            devnet.l2_token_bridge,
            dev::ACCOUNTS[0].address,
            dev::ACCOUNTS[0].key,
        );
        for (index, rollup) in devnet.more_rollups.iter().enumerate() {
            let name = format!("L2_ROLLUP_{}", index + 2);
            if let Some(sequencer) = rollup.sequencers.first() {
                env.push_str(&format!("{name}_RPC_URL={}\n", sequencer.rpc_url));
            }
            env.push_str(&format!("{name}_FOLLOWER_RPC_URL={}\n", rollup.follower.rpc_url));
            env.push_str(&format!("{name}_CHAIN_ID={}\n", rollup.l2_chain_id));
        }
        for (index, sequencer) in devnet.more_sequencers.iter().enumerate() {
            env.push_str(&format!("L2_SEQUENCER_{}_RPC_URL={}\n", index + 2, sequencer.rpc_url));
        }
        write(&self.0.join(".env"), &env)
    }
}

impl Devnet {
    /// The nodes that build blocks, at least one.
    pub fn sequencers(&self) -> impl Iterator<Item = &NodeInfo> {
        std::iter::once(&self.sequencer).chain(&self.more_sequencers)
    }

    /// Reads a `devnet.json`; `None` when it is not there yet.
    pub fn read(path: &Path) -> Result<Option<Self>, FileError> {
        read_json(path)
    }
}

/// Tells the parent where this process listens. A parent that can't read it gives up by itself.
pub fn write_ready(path: &Path, endpoint: &Endpoint) {
    if let Err(error) = write_json(path, endpoint) {
        tracing::error!(%error, "ready file");
    }
}

/// `None` when the file is not there.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FileError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(FileError::Io { path: path.to_owned(), source }),
    };
    let parsed = serde_json::from_str(&text);
    parsed.map(Some).map_err(|error| FileError::Broken { path: path.to_owned(), reason: error.to_string() })
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    let text = serde_json::to_string_pretty(value).expect("our own records serialise");
    write(path, &(text + "\n"))
}

/// Whole or not at all: readers look at these files while they are written.
fn write(path: &Path, text: &str) -> Result<(), FileError> {
    let io = |source| FileError::Io { path: path.to_owned(), source };
    let temporary = path.with_extension("new");
    fs::write(&temporary, text).map_err(io)?;
    fs::rename(&temporary, path).map_err(io)
}

fn write_private(path: &Path, text: &str) -> Result<(), FileError> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let io = |source| FileError::Io { path: path.to_owned(), source };
    let mut file = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path).map_err(io)?;
    file.write_all(text.as_bytes()).map_err(io)
}
