//! `basalt devnet`: an L1, its contracts, a sequencer and a follower on this machine, as one process tree.
//!
//! This process starts the others, deploys, prints what a newcomer needs, restarts an L2 node that was killed, and stops
//! all of them together. The children end by themselves when it dies, because it holds their standard input.

mod files;
mod processes;
mod table;

pub mod test;

pub use files::{Devnet, Endpoint, L1Info, NodeInfo, write_ready};

use crate::{
    cli::DevnetArgs,
    deploy::{self, DeployError},
    node::StartError,
    shutdown,
};
use chainspec::dev;
use files::{FileError, Folder};
use l1::{L1Rpc, Signer};
use processes::{Child, ProcessError, Role};
use std::{net::SocketAddr, path::Path, time::Duration};
use url::Url;

/// Longest start of one process.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// An L2 node that dies more often than this is not started again.
const RESTARTS_MAX: u32 = 20;

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
    let ports = [
        (args.l1.http_port, "--l1.http-port"),
        (args.l1.beacon_port, "--l1.beacon-port"),
        (args.http_port, "--http.port"),
        (args.follower_http_port, "--follower.http.port"),
    ];
    for (port, flag) in ports {
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
    let key_file = folder.sequencer_key()?;
    let deployment = match folder.deployment()? {
        Some(deployment) => deployment,
        None => {
            let rpc = L1Rpc::new(&rpc_url)?;
            let signer = Signer::from_file(&key_file)?;
            let deployed = deploy::deploy(&rpc, &signer, args.l1.slot_ms, dev::BALANCE).await?;
            folder.write_deployment(&deployed)?
        }
    };

    let node_flags = |role: Role, port: u16| {
        let mut flags = node_flags(folder, role, port, &rpc_url, &beacon_url, &key_file);
        if role == Role::Sequencer {
            flags.push(format!("--sequencer.blocks-per-slot={}", args.blocks_per_slot));
        }
        flags
    };
    let mut sequencer = Child::spawn(Role::Sequencer, folder, node_flags(Role::Sequencer, args.http_port))?;
    let mut follower = Child::spawn(Role::Follower, folder, node_flags(Role::Follower, args.follower_http_port))?;
    let sequencer_at: Endpoint = sequencer.ready(START_PATIENCE).await?;
    let follower_at: Endpoint = follower.ready(START_PATIENCE).await?;
    let mut devnet = Devnet {
        datadir: folder.path().to_owned(),
        chain_file: folder.chain_file(),
        l1: L1Info {
            rpc_url: rpc_url.to_string(),
            beacon_url: beacon_url.to_string(),
            chain_id: deployment.config.l1_chain_id,
            slot_ms: args.l1.slot_ms,
            pid: l1.pid(),
        },
        sequencer: NodeInfo::new(sequencer_at.http, sequencer.pid()),
        follower: NodeInfo::new(follower_at.http, follower.pid()),
        l2_chain_id: deployment.config.genesis.config.chain_id,
        hub: deployment.config.hub,
        verifier: deployment.verifier,
        schedule: deployment.schedule,
        messenger: chainspec::predeploys::MESSENGER,
        accounts: dev::ACCOUNTS.iter().map(Into::into).collect(),
    };
    folder.write_devnet(&devnet)?;
    print!("{}", table::banner(&devnet, started.elapsed()));

    // The ports that were taken stay the same over a restart, so that clients find the node again.
    let sequencer_flags = node_flags(Role::Sequencer, sequencer_at.http.port());
    let follower_flags = node_flags(Role::Follower, follower_at.http.port());
    let mut restarts = 0;
    let end = loop {
        tokio::select! {
            reason = shutdown::requested(false) => {
                eprintln!("\n{reason}: stopping");
                break Ok(());
            }
            status = l1.ended() => break Err(ProcessError::Ended { role: Role::L1.name(), status, log: l1.log() }.into()),
            status = sequencer.ended() => {
                match again(&mut sequencer, folder, &sequencer_flags, status, &mut restarts).await {
                    Ok(pid) => devnet.sequencer.pid = pid,
                    Err(error) => break Err(error),
                }
                folder.write_devnet(&devnet)?;
            }
            status = follower.ended() => {
                match again(&mut follower, folder, &follower_flags, status, &mut restarts).await {
                    Ok(pid) => devnet.follower.pid = pid,
                    Err(error) => break Err(error),
                }
                folder.write_devnet(&devnet)?;
            }
        }
    };
    sequencer.stop().await;
    follower.stop().await;
    end
}

/// Starts a node again after it was killed. One that ended by itself, or too often, ends the devnet.
async fn again(
    child: &mut Child,
    folder: &Folder,
    flags: &[String],
    status: processes::ExitStatus,
    restarts: &mut u32,
) -> Result<Option<u32>, DevnetError> {
    let role = child.role();
    if !status.was_killed() || *restarts >= RESTARTS_MAX {
        return Err(ProcessError::Ended { role: role.name(), status, log: child.log() }.into());
    }
    *restarts += 1;
    eprintln!("{role} was killed; starting it again");
    *child = Child::spawn(role, folder, flags.to_vec())?;
    let _: Endpoint = child.ready(START_PATIENCE).await?;
    Ok(child.pid())
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

fn node_flags(folder: &Folder, role: Role, port: u16, rpc: &Url, beacon: &Url, key_file: &Path) -> Vec<String> {
    let mut flags = vec![
        "node".into(),
        format!("--chain={}", folder.chain_file().display()),
        format!("--datadir={}", folder.data(role).display()),
        format!("--l1.rpc-url={rpc}"),
        format!("--l1.beacon-url={beacon}"),
        format!("--http.port={port}"),
        // A devnet serves everything to everyone on this machine, as anvil does.
        "--http.api=eth,net,web3,txpool,debug,rollup".into(),
        "--http.corsdomain=*".into(),
        "--http.vhosts=*".into(),
        "--rpc.txfeecap=0".into(),
    ];
    if role == Role::Sequencer {
        flags.extend(["--sequencer".into(), format!("--sequencer.key-file={}", key_file.display())]);
        flags.push("--sequencer.insecure-raw-key".into());
    }
    flags
}
