//! Starting and stopping: folder, database, servers, slot loop. Must not know what a block holds.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use alloy_primitives::{B256, U256};
use chainspec::{ChainSpec, Layer, SpecError};
use rpc::{Backend, Cors, NoPending, Parts, Running, ServeError, catalogue::Namespace};
use storage::{Chain, StorageError};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    Config, ConfigError, FolderError,
    admin::{AdminServer as _, Controls},
    beacon,
    chain::{ChainError, Devnet},
    clock::Slots,
    folder, kzg,
    seams::Seam,
};

/// How long open connections may hold up a stop.
const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// Why the devnet does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A choice that makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The folder, or what is in it.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The genesis makes no chain.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// Another program listens there.
    #[error("port {} is in use: stop the other program, or choose another port with {flag}", address.port())]
    PortInUse {
        /// Where it was to listen.
        address: SocketAddr,
        /// The flag that changes it.
        flag: &'static str,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address} ({flag}): {source}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// The flag that changes it.
        flag: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The JSON-RPC server does not start for another reason.
    #[error(transparent)]
    Rpc(ServeError),
    /// The admin methods collide with the server's: a fault of ours.
    #[error("the dev_ methods do not register: {0}")]
    Register(#[from] jsonrpsee::server::RegisterMethodError),
    /// The chain cannot be opened or continued.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A thread of ours ended early: a fault of ours.
    #[error("starting the devnet was interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl From<StorageError> for StartError {
    fn from(error: StorageError) -> Self {
        Self::Chain(error.into())
    }
}

/// A running devnet. Dropping it stops nothing: call [`Handle::stop`].
pub struct Handle {
    /// Where JSON-RPC listens (HTTP and WebSocket on one port).
    pub http: SocketAddr,
    /// Where the beacon API listens.
    pub beacon: SocketAddr,
    /// Chain id.
    pub chain_id: u64,
    /// Hash of the genesis block.
    pub genesis_hash: B256,
    /// When slots are.
    pub slots: Slots,
    server: Running,
    beacon_server: JoinHandle<std::io::Result<()>>,
    slot_loop: JoinHandle<()>,
    stop: watch::Sender<bool>,
    devnet: Arc<Devnet>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("http", &self.http).field("beacon", &self.beacon).finish_non_exhaustive()
    }
}

impl Handle {
    /// `http://…` of JSON-RPC.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// `http://…` of the beacon API.
    pub fn beacon_url(&self) -> String {
        format!("http://{}", self.beacon)
    }

    #[cfg(test)]
    pub(crate) fn devnet(&self) -> Arc<Devnet> {
        Arc::clone(&self.devnet)
    }

    /// Stops everything and returns when nothing runs any more: the block being made is finished, connections get
    /// three seconds, and the database is closed, so that the folder can be opened again (what a connection had asked
    /// for gets three seconds more).
    pub async fn stop(self) {
        let Self { server, mut beacon_server, slot_loop, stop, devnet, .. } = self;
        // The loop and the beacon server may have ended by themselves.
        let _ = stop.send(true);
        if let Err(error) = slot_loop.await {
            tracing::error!(target: "devnet", %error, "the slot loop had failed");
        }
        match tokio::time::timeout(STOP_PATIENCE, &mut beacon_server).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::error!(target: "devnet", %error, "the beacon API had failed"),
            Ok(Err(error)) => tracing::error!(target: "devnet", %error, "the beacon API had failed"),
            Err(_) => {
                tracing::warn!(target: "devnet", "beacon API connections were still open after {STOP_PATIENCE:?}");
                beacon_server.abort();
            }
        }
        server.stop(STOP_PATIENCE).await;
        let chain = Chain::clone(&devnet.chain);
        drop(devnet);
        // What a connection had asked for may still be running.
        match tokio::task::spawn_blocking(move || chain.close(STOP_PATIENCE)).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(target: "devnet", "the database was still read after {STOP_PATIENCE:?}"),
            Err(error) => tracing::error!(target: "devnet", %error, "closing the database failed"),
        }
    }
}

/// Starts an L1 as `config` has it: continues the chain in its folder or begins a new one. Returns when both ports are
/// open; the first block of a new chain comes within about a second.
///
/// # Errors
/// See [`StartError`]; nothing runs after one.
pub async fn start(config: Config) -> Result<Handle, StartError> {
    config.check()?;
    kzg::prepare();
    let listener = listen(SocketAddr::new(config.address, config.beacon_port), "--l1.beacon-port").await?;
    let beacon_address = listener.local_addr().map_err(|source| StartError::Listen {
        address: SocketAddr::new(config.address, config.beacon_port),
        flag: "--l1.beacon-port",
        source,
    })?;
    let http = SocketAddr::new(config.address, config.http_port);
    let devnet = Arc::new(tokio::task::spawn_blocking(move || open(config)).await??);

    let server = serve_rpc(&devnet, http).await?;
    let (stop, stopping) = watch::channel(false);
    let stopped = {
        let mut stopping = stopping.clone();
        // Also when the sender is gone.
        async move { drop(stopping.wait_for(|stop| *stop).await) }
    };
    let beacon_server = tokio::spawn(beacon::serve(listener, Arc::clone(&devnet), stopped));
    let slot_loop = tokio::spawn(run_slots(Arc::clone(&devnet), stopping));
    let head = devnet.chain.head();
    tracing::info!(target: "devnet", http = %server.address, beacon = %beacon_address, head = head.number, "the L1 devnet runs");
    Ok(Handle {
        http: server.address,
        beacon: beacon_address,
        chain_id: devnet.spec.chain_id,
        genesis_hash: devnet.spec.genesis_hash(),
        slots: devnet.clock.slots,
        server,
        beacon_server,
        slot_loop,
        stop,
        devnet,
    })
}

/// Serves `chain` over JSON-RPC as it is: its head is final, transactions are taken into the pool, and no block is made unless a call
/// asks for one. For tests against recorded answers. Returns when the port is open; the server runs until what is returned is dropped.
///
/// # Errors
/// See [`StartError`].
pub async fn serve(chain: Chain, config: Config) -> Result<Running, StartError> {
    config.check()?;
    let http = SocketAddr::new(config.address, config.http_port);
    let devnet = tokio::task::spawn_blocking(move || {
        kzg::prepare();
        let head = chain.head().num_hash();
        chain.put_heads(head, head).map_err(ChainError::from)?;
        let slots = Slots { genesis_time: chain.spec().genesis_header().timestamp, slot_s: config.slot_s() };
        Ok::<_, StartError>(Arc::new(Devnet::open(config, chain, slots)?))
    });
    serve_rpc(&devnet.await??, http).await
}

fn open(config: Config) -> Result<Devnet, StartError> {
    let file = folder::chain_file(&config)?;
    let slots = Slots { genesis_time: file.genesis.timestamp, slot_s: config.slot_s() };
    let spec = Arc::new(ChainSpec::from_genesis(file.genesis, Layer::L1 { execute: config.execute })?);
    let chain = match &config.datadir {
        Some(datadir) => Chain::open(&folder::database(datadir), spec, storage::Limits::default())?,
        None => Chain::in_memory(spec)?,
    };
    Ok(Devnet::open(config, chain, slots)?)
}

async fn listen(address: SocketAddr, flag: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => StartError::PortInUse { address, flag },
        _ => StartError::Listen { address, flag, source },
    })
}

async fn serve_rpc(devnet: &Arc<Devnet>, listen: SocketAddr) -> Result<Running, StartError> {
    let seam = Arc::new(Seam(Arc::clone(devnet)));
    let backend = Backend::new(Parts {
        chain: Arc::clone(&devnet.chain),
        spec: Arc::clone(&devnet.spec),
        submit: seam.clone(),
        heads: seam.clone(),
        pending: Arc::new(NoPending),
        rollup: None,
        on_l1: None,
        dev: Some(seam),
        client_version: format!(
            "basalt-devnet/v{}/{}-{}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
        limits: rpc::Limits {
            // EIP-8037: deploying takes tens of millions of state gas, so calls and estimates get what a block has, and
            // no price is a mistake where ether has none.
            call_gas: devnet.config.gas_limit,
            transaction_fee_cap_wei: U256::ZERO,
            ..rpc::Limits::default()
        },
    });
    let config = rpc::Config { listen, namespaces: Namespace::ALL.to_vec(), cors: Cors::Any, hosts: Vec::new() };
    let admin = Controls(Arc::clone(devnet)).into_rpc().into();
    rpc::serve_with(backend, config, admin).await.map_err(|error| match error {
        ServeError::PortInUse { listen } => StartError::PortInUse { address: listen, flag: "--l1.http-port" },
        ServeError::Listen { listen, source } => StartError::Listen { address: listen, flag: "--l1.http-port", source },
        error => StartError::Rpc(error),
    })
}

/// Calls [`Devnet::on_slot`] at each slot boundary until told to stop.
async fn run_slots(devnet: Arc<Devnet>, mut stopping: watch::Receiver<bool>) {
    // Not this instant's slot: a start may take longer than what was left of the slot before.
    let mut last = beacon::slot(devnet.chain.head().header());
    loop {
        let now_ms = devnet.clock.now_ms();
        let now = devnet.clock.slots.at(now_ms);
        if now > last {
            last = now;
            let worker = Arc::clone(&devnet);
            // Not interrupted by a stop: a block that was begun is finished.
            match tokio::task::spawn_blocking(move || worker.on_slot(now)).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::error!(target: "devnet", slot = now, %error, "no block in this slot"),
                Err(error) => tracing::error!(target: "devnet", slot = now, %error, "making the block failed"),
            }
        }
        let wait = devnet.clock.slots.until(last + 1, devnet.clock.now_ms());
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = devnet.clock_moved.notified() => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}
