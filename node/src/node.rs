//! A whole L2 node, readable from top to bottom: configuration, components, launch, handle.

use crate::{
    carriers::Carriers,
    driver::{self, Driver, DriverError, EVENT_QUEUE},
    landings::Landings,
    pool::{NoPool, TxPool},
    production::{ORDER_QUEUE, Production, consumed},
    shutdown::{self, Shutdown, Stopper},
    view::View,
};
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{Address, B256, U256};
use bridge::opening::Kzg;
use chainspec::{ChainSpec, ConfigError, RollupConfig, SpecError};
use engine::{Engine, L1Ref};
use execution::StateError;
use l1::{Beacon, Hands, HubReader, L1Error, L1Rpc, Signer, SignerError, WatchEnd, Watcher};
use rpc::{Backend, Parts, Running, ServeError, Submit, rollup::Role};
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use storage::{Chain, Limits, StorageError};
use tokio::{sync::mpsc, task::JoinHandle};
use url::Url;

/// How long open RPC connections may hold up a stop.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// The L1 is looked at this many times a slot, between the two bounds.
const POLLS_PER_SLOT: u64 = 16;
const POLL_MIN: Duration = Duration::from_millis(50);
const POLL_MAX: Duration = Duration::from_secs(2);

/// A node's configuration, resolved and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The chain file.
    pub rollup: RollupConfig,
    /// The database.
    pub datadir: PathBuf,
    /// What it may take of memory and disk, and how far back states can be read.
    pub database: Limits,
    /// L1 execution endpoint.
    pub l1_rpc_url: Url,
    /// L1 beacon endpoint.
    pub l1_beacon_url: Url,
    /// JSON-RPC: where it listens, what it serves, to whom.
    pub http: rpc::Config,
    /// JSON-RPC's limits.
    pub limits: rpc::Limits,
    /// What a sequencer needs; a follower has none of it.
    pub sequencer: Option<SequencerConfig>,
}

/// What a sequencer needs.
#[derive(Clone, Debug)]
pub struct SequencerConfig {
    /// Signs landings on L1 and relays on L2.
    pub signer: Signer,
    /// How long before an L1 slot a block is built, milliseconds.
    pub lead_ms: u64,
    /// Gets the tips on L2.
    pub fee_recipient: Address,
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The chain file can't be read.
    #[error("{}: {source} (--chain)", path.display())]
    ChainFile {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The chain file is wrong.
    #[error("{0} (--chain)")]
    Config(#[from] ConfigError),
    /// Its genesis is wrong.
    #[error("chain file: {0} (--chain)")]
    Spec(#[from] SpecError),
    /// The key.
    #[error("{0} (--sequencer.key-file)")]
    Signer(#[from] SignerError),
    /// The database.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The transactions that an earlier run kept.
    #[error("pool: {0} (--datadir)")]
    Pool(crate::pool::NodeStateError),
    /// The state in it.
    #[error("database: {0} (--datadir)")]
    State(#[from] StateError),
    /// L1 does not answer as it should.
    #[error("L1: {0} (--l1.rpc-url)")]
    L1(L1Error),
    /// The beacon endpoint does not answer as it should.
    #[error("L1 beacon: {0} (--l1.beacon-url)")]
    Beacon(L1Error),
    /// The L1 endpoint is of another chain.
    #[error("the L1 endpoint is chain {found}, the chain file says {expected} (--l1.rpc-url, --chain)")]
    OtherL1 {
        /// What it says.
        found: u64,
        /// What it should be.
        expected: u64,
    },
    /// Hub did not register the rollup where the chain file says.
    #[error("Hub {hub} did not register rollup {chain_id} in L1 block {block} (--l1.rpc-url, --chain)")]
    NotRegistered {
        /// Hub.
        hub: Address,
        /// L2 chain id.
        chain_id: u64,
        /// L1 block of the registration.
        block: u64,
    },
    /// The chain file holds another genesis than the one that was registered.
    #[error("the chain file's genesis is {given}, Hub registered {registered} (--chain, --l1.rpc-url)")]
    OtherGenesis {
        /// Hash of the chain file's genesis.
        given: B256,
        /// What Hub holds.
        registered: B256,
    },
    /// Ether in the genesis that nothing on L1 backs: withdrawals would run dry. Hub can't see balances, so nodes look.
    #[error("the L2 genesis holds {circulating} wei, only {escrow} wei were escrowed when it was registered (--chain)")]
    Unbacked {
        /// Sum of the genesis balances, without the Messenger's reserve.
        circulating: U256,
        /// What was escrowed.
        escrow: U256,
    },
    /// RPC.
    #[error(transparent)]
    Rpc(#[from] ServeError),
}

/// Why a node ended without being asked to.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The driver.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// The watcher.
    #[error(transparent)]
    Watch(#[from] WatchEnd),
    /// A task of ours panicked.
    #[error("a worker panicked: {0}")]
    Panic(#[from] tokio::task::JoinError),
}

/// A running node.
pub struct Handle {
    /// Where JSON-RPC listens.
    pub http: SocketAddr,
    server: Running,
    driver: JoinHandle<Result<(), DriverError>>,
    watcher: JoinHandle<WatchEnd>,
    production: Option<JoinHandle<()>>,
    stopper: Stopper,
}

/// Opens everything and starts to follow.
pub async fn launch(config: Config) -> Result<Handle, StartError> {
    // Components: chain, L1, pool.
    execution::kzg::share_setup();
    if config.sequencer.is_some() {
        // Seconds of work that the first landing would wait for. A follower loads it with its first blob.
        tokio::task::spawn_blocking(Kzg::load);
    }
    let spec = Arc::new(config.rollup.spec()?);
    let chain_id = spec.chain_id;
    let chain = Chain::open(&config.datadir, spec.clone(), config.database)?;
    let rpc = L1Rpc::new(&config.l1_rpc_url).map_err(StartError::L1)?;
    let registered = check_l1(&rpc, &config.rollup, &spec).await?;
    let beacon = Beacon::connect(&config.l1_beacon_url).await.map_err(StartError::Beacon)?;
    let carriers = Carriers::new(chain.clone(), beacon);
    let pool = match &config.sequencer {
        Some(_) => Some(TxPool::open(chain.clone()).map_err(StartError::Pool)?),
        None => None,
    };

    // The engine, where the last run left it.
    let mut resume = driver::resume(&chain, registered)?;
    let cursor = rpc.header(BlockNumberOrTag::Number(resume.cursor.number)).await.map_err(StartError::L1)?;
    resume.cursor_timestamp = cursor.filter(|head| head.at == resume.cursor).map_or(0, |head| head.header.timestamp);
    if config.sequencer.is_some() {
        let hub = HubReader::new(rpc.clone(), config.rollup.hub, chain_id);
        let consumed = consumed_count(&chain)?;
        let found = hub.messages(consumed, registered.number, resume.cursor.number).await;
        resume.inbox = found.map_err(StartError::L1)?;
    }
    let slot_ms = config.rollup.l1_slot_ms;
    let lead_ms = config.sequencer.as_ref().map_or(0, |sequencer| sequencer.lead_ms);
    let engine = Engine::new(driver::settings(config.sequencer.is_some(), slot_ms, lead_ms), resume);
    let role = if config.sequencer.is_some() { Role::Sequencer } else { Role::Follower };
    let view = View::new(chain.clone(), config.rollup.clone(), role, engine.status());

    // Launch: RPC first, so that a node that is catching up can say so.
    let submit: Arc<dyn Submit> = match &pool {
        Some(pool) => pool.clone(),
        None => Arc::new(NoPool::default()),
    };
    let server = serve(&config, &chain, submit, &view).await?;
    let http = server.address;
    let (stopper, shutdown) = shutdown::channel();
    let (events, inbox) = mpsc::channel(EVENT_QUEUE);
    let known: Vec<L1Ref> = engine.known_l1().collect();
    let poll = Duration::from_millis(slot_ms / POLLS_PER_SLOT).clamp(POLL_MIN, POLL_MAX);
    let watcher = Watcher::new(rpc.clone(), config.rollup.hub, chain_id, known, poll);
    let watcher = tokio::spawn(watch(watcher, events.clone(), shutdown.clone(), view.clone()));

    let mut production = None;
    let mut orders = None;
    if let (Some(sequencer), Some(pool)) = (&config.sequencer, &pool) {
        let (sender, receiver) = mpsc::channel(ORDER_QUEUE);
        let hands = Hands::new(rpc.clone(), sequencer.signer.clone(), config.rollup.l1_chain_id);
        let task = Production {
            chain: chain.clone(),
            config: config.rollup.clone(),
            pool: pool.clone(),
            carriers: carriers.clone(),
            signer: sequencer.signer.clone(),
            fee_recipient: sequencer.fee_recipient,
            view: view.clone(),
            landings: Landings::new(chain.clone(), rpc, hands, config.rollup.hub),
            events: events.clone(),
        };
        production = Some(tokio::spawn(task.run(receiver, shutdown.clone())));
        orders = Some(sender);
    }
    let driver =
        Driver { engine, chain, carriers, pool, view, production: orders, events, payloads: Default::default() };
    let driver = tokio::spawn(driver.run(inbox, shutdown));
    Ok(Handle { http, server, driver, watcher, production, stopper })
}

impl Handle {
    /// Waits until the node fails, which it should not.
    pub async fn failed(&mut self) -> NodeError {
        tokio::select! {
            end = &mut self.driver => match end {
                Ok(Ok(())) => std::future::pending().await,
                Ok(Err(error)) => error.into(),
                Err(error) => error.into(),
            },
        }
    }

    /// Stops everything and returns when nothing runs any more.
    pub async fn stop(self) {
        self.stopper.stop();
        self.server.stop(STOP_PATIENCE).await;
        if let Some(production) = self.production {
            join("sequencer", production).await;
        }
        join("watcher", self.watcher).await;
        if !self.driver.is_finished() {
            join("driver", self.driver).await;
        }
    }
}

async fn join<T>(name: &str, task: JoinHandle<T>) {
    if let Err(error) = task.await {
        tracing::error!(%error, name, "a worker did not end well");
    }
}

/// A watcher that finds another chain ends following, not the node: reads go on, and status says why.
async fn watch(
    watcher: Watcher,
    events: mpsc::Sender<engine::Event>,
    mut shutdown: Shutdown,
    view: Arc<View>,
) -> WatchEnd {
    tokio::select! {
        () = shutdown.wait() => WatchEnd::NobodyListens,
        end = watcher.run(events) => {
            if !matches!(end, WatchEnd::NobodyListens) {
                tracing::error!(%end, "following has ended; reads go on");
                view.fail(end.to_string());
            }
            end
        }
    }
}

/// The L1 is the right one, and Hub registered this very rollup there, with all of its ether backed.
async fn check_l1(rpc: &L1Rpc, config: &RollupConfig, spec: &ChainSpec) -> Result<L1Ref, StartError> {
    let found = rpc.chain_id().await.map_err(StartError::L1)?;
    if found != config.l1_chain_id {
        return Err(StartError::OtherL1 { found, expected: config.l1_chain_id });
    }
    let block = config.hub_block;
    let not_registered = || StartError::NotRegistered { hub: config.hub, chain_id: spec.chain_id, block };
    let head = rpc.header(BlockNumberOrTag::Number(block)).await.map_err(StartError::L1)?;
    let head = head.ok_or_else(not_registered)?;
    let hub = HubReader::new(rpc.clone(), config.hub, spec.chain_id);
    let registration = hub.registration(&head).await.map_err(StartError::L1)?.ok_or_else(not_registered)?;
    if registration.genesis_hash != spec.genesis_hash() {
        return Err(StartError::OtherGenesis { given: spec.genesis_hash(), registered: registration.genesis_hash });
    }
    let circulating = config.circulating_genesis_balance();
    if registration.escrow < circulating {
        return Err(StartError::Unbacked { circulating, escrow: registration.escrow });
    }
    Ok(head.at)
}

fn consumed_count(chain: &Chain) -> Result<u64, StateError> {
    Ok(consumed(&*chain.state_at_head())?.count)
}

async fn serve(
    config: &Config,
    chain: &Chain,
    submit: Arc<dyn Submit>,
    view: &Arc<View>,
) -> Result<Running, StartError> {
    let backend = Backend::new(Parts {
        chain: Arc::new(chain.clone()),
        spec: chain.spec().clone(),
        submit,
        heads: view.clone(),
        pending: view.clone(),
        rollup: Some(view.clone()),
        dev: None,
        client_version: crate::version::client(),
        limits: config.limits.clone(),
    });
    Ok(rpc::serve(backend, config.http.clone()).await?)
}
