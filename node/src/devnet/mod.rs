//! `basalt devnet`: an L1, its contracts, one or more sequencers and a follower of each rollup on this machine, as one process tree.
//!
//! This process starts the others, deploys, prints what a newcomer needs, restarts an L2 node that was killed, and stops
//! all of them together. The children end by themselves when it dies, because it holds their standard input.

mod files;
mod processes;
mod supervise;
mod table;

pub mod test;

pub use files::{Devnet, Endpoint, L1Info, NodeInfo, RollupInfo, write_ready};

use crate::{
    cli::DevnetArgs,
    deploy::{self, DeployError},
    node::StartError,
    shutdown,
};
use alloy_primitives::{Address, U256};
use chainspec::{RollupConfig, dev};
use files::{Deployed, FileError, Folder};
use l1::{L1Rpc, Signer};
use processes::{Child, ProcessError, Role};
use std::{net::SocketAddr, time::Duration};
use supervise::{Nodes, Plan};
use url::Url;

/// Longest start of one process.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// What each sequencer but the first, which deploys, is given on L1 to land with: 100 ether, in wei.
const LANDING_BALANCE: U256 = U256::from_limbs([7_766_279_631_452_241_920, 5, 0, 0]);

/// Why the devnet ended, or did not start.
#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    /// Its folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// One of its processes.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Deployment.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// Reading the chain file of an earlier run.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Another program listens there.
    #[error("port {port} is in use: stop the other program, or choose another port with {flag}")]
    PortInUse {
        /// The port.
        port: u16,
        /// The flag that changes it.
        flag: &'static str,
    },
    /// A folder of an earlier version, whose rollup has no ether for a second sequencer's relays.
    #[error(
        "this devnet's rollup has no ether for sequencer {missing}: start over with --fresh, or without --sequencers"
    )]
    OneSequencer {
        /// The account without ether.
        missing: Address,
    },
    /// The L1 endpoint.
    #[error(transparent)]
    L1(#[from] l1::L1Error),
    /// The key file.
    #[error(transparent)]
    Signer(#[from] l1::SignerError),
}

/// Runs a devnet until Ctrl-C.
pub async fn run(args: DevnetArgs) -> Result<(), DevnetError> {
    let started = std::time::Instant::now();
    require_free_ports(&args)?;
    let folder = Folder::open(&args.datadir, args.fresh)?;
    let mut l1 = Child::spawn(Role::L1, &folder, l1_flags(&args, &folder))?;
    let end = start_and_wait(&args, &folder, &mut l1, started).await;
    l1.stop().await;
    folder.remove_ready_files();
    end
}

/// Before anything starts: a child could name only its own flag, and half a devnet would be up by then.
fn require_free_ports(args: &DevnetArgs) -> Result<(), DevnetError> {
    let l1 = [(args.l1.http_port, "--l1.http-port"), (args.l1.beacon_port, "--l1.beacon-port")];
    let flag = |role| if matches!(role, Role::Follower(_)) { "--follower.http.port" } else { "--http.port" };
    let ports = |role| supervise::ports(args, role).into_iter().map(move |port| (port, flag(role)));
    let l2 = supervise::roles(args).flat_map(ports);
    for (port, flag) in l1.into_iter().chain(l2) {
        let bound = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port));
        if bound.is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse) {
            return Err(DevnetError::PortInUse { port, flag });
        }
    }
    Ok(())
}

async fn start_and_wait(
    args: &DevnetArgs,
    folder: &Folder,
    l1: &mut Child,
    started: std::time::Instant,
) -> Result<(), DevnetError> {
    let endpoint: Endpoint = l1.ready(START_PATIENCE).await?;
    let url = |address: SocketAddr| Url::parse(&format!("http://{address}")).expect("a socket address makes a URL");
    let (rpc_url, beacon_url) = (url(endpoint.http), url(endpoint.beacon.unwrap_or(endpoint.http)));
    let rpc = L1Rpc::new(&rpc_url)?;
    let signer = Signer::from_file(&folder.sequencer_key(0)?)?;
    let deployment = match folder.deployment()? {
        Some(deployment) => deployment,
        None => {
            let deployed =
                deploy::deploy(&rpc, &signer, args.l1.slot_ms, dev::BALANCE, Duration::from_secs(dev::REFUND_DELAY))
                    .await?;
            folder.write_deployment(&deployed)?
        }
    };

    let more: Vec<Address> =
        dev::SEQUENCERS[1..usize::from(args.sequencers)].iter().map(|account| account.address).collect();
    if let Some(missing) = more.iter().find(|address| !deployment.config.genesis.alloc.contains_key(*address)) {
        return Err(DevnetError::OneSequencer { missing: *missing });
    }
    let configs = rollups(args, folder, &rpc, &signer, &deployment).await?;
    deploy::fund(&rpc, &signer, args.l1.slot_ms, &more, LANDING_BALANCE).await?;

    let plan = Plan { args, folder, rpc: &rpc_url, beacon: &beacon_url };
    let mut nodes = Nodes::start(&plan).await?;
    let mut devnet = Devnet {
        datadir: folder.path().to_owned(),
        chain_file: folder.chain_file(0),
        l1: L1Info {
            rpc_url: rpc_url.to_string(),
            beacon_url: beacon_url.to_string(),
            chain_id: deployment.config.l1_chain_id,
            slot_ms: args.l1.slot_ms,
            pid: l1.pid(),
        },
        sequencer: NodeInfo::default(),
        more_sequencers: Vec::new(),
        follower: NodeInfo::default(),
        l2_chain_id: deployment.config.genesis.config.chain_id,
        more_rollups: (1..)
            .zip(&configs)
            .map(|(rollup, config)| RollupInfo {
                l2_chain_id: config.genesis.config.chain_id,
                chain_file: folder.chain_file(rollup),
                ..Default::default()
            })
            .collect(),
        hub: deployment.config.hub,
        verifier: deployment.verifier,
        schedule: deployment.schedule,
        messenger: chainspec::predeploys::MESSENGER,
        token_bridge: deployment.config.token_bridge().unwrap_or_default(),
        l2_token_bridge: chainspec::predeploys::L2_TOKEN_BRIDGE,
        l1_gateway: deployment.config.gateway().unwrap_or_default(),
        l2_gateway: chainspec::predeploys::GATEWAY,
        l1_reader: chainspec::predeploys::L1_READER,
        accounts: dev::ACCOUNTS.iter().map(Into::into).collect(),
    };
    devnet.name_nodes(&nodes);
    folder.write_devnet(&devnet)?;
    print!("{}", table::banner(&devnet, started.elapsed()));

    let end = loop {
        tokio::select! {
            reason = shutdown::requested(false) => {
                eprintln!("\n{reason}: stopping");
                break Ok(());
            }
            status = l1.ended() => break Err(ProcessError::Ended { role: Role::L1.name(), status, log: l1.log() }.into()),
            restarted = nodes.restart_next(folder) => {
                if let Err(error) = restarted {
                    break Err(error);
                }
                devnet.name_nodes(&nodes);
                folder.write_devnet(&devnet)?;
            }
        }
    };
    nodes.stop().await;
    end
}

/// The chain files of all rollups but the first; those that are missing are registered.
async fn rollups(
    args: &DevnetArgs,
    folder: &Folder,
    rpc: &L1Rpc,
    signer: &Signer,
    first: &Deployed,
) -> Result<Vec<RollupConfig>, DevnetError> {
    let mut configs = Vec::new();
    for (rollup, chain_id) in dev::L2_CHAIN_IDS.into_iter().enumerate().take(usize::from(args.rollups)).skip(1) {
        let config = match folder.chain(rollup)? {
            Some(config) => config,
            None => {
                let contracts = [first.verifier, first.schedule];
                let registered =
                    deploy::register(rpc, signer, &first.config, contracts, chain_id, dev::BALANCE).await?;
                folder.write_chain(rollup, &registered)?;
                registered
            }
        };
        configs.push(config);
    }
    Ok(configs)
}

impl Devnet {
    /// Takes over where the nodes listen and which processes they are.
    fn name_nodes(&mut self, nodes: &Nodes) {
        let (mut sequencers, follower) = nodes.infos(0);
        self.more_sequencers = sequencers.split_off(1);
        self.sequencer = sequencers.pop().unwrap_or_default();
        self.follower = follower;
        for (rollup, info) in (1..).zip(&mut self.more_rollups) {
            (info.sequencers, info.follower) = nodes.infos(rollup);
        }
    }
}

fn l1_flags(args: &DevnetArgs, folder: &Folder) -> Vec<String> {
    vec![
        "l1".into(),
        format!("--datadir={}", folder.data(Role::L1).display()),
        format!("--l1.slot-ms={}", args.l1.slot_ms),
        format!("--l1.finality-slots={}", args.l1.finality_slots),
        format!("--l1.http-port={}", args.l1.http_port),
        format!("--l1.beacon-port={}", args.l1.beacon_port),
    ]
}
