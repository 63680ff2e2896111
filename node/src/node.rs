//! A whole L2 node, readable from top to bottom: configuration, components, launch, handle.

use crate::{
    carriers::{self, Archive, Carriers},
    crossing,
    driver::{self, CatchingUp, Driver, DriverError, EVENT_QUEUE},
    duties::{Duties, DutiesConfig, DutiesTask},
    fleet,
    host::{self, Host, Interrupted, Task},
    landings::{self, LandingLimits},
    on_l1::OnL1,
    orders::mailbox,
    payloads::Payloads,
    pool::{NoPool, TxPool},
    production::{Production, Tips, consumed},
    shutdown::{self, Shutdown, Stopper},
    turn::Turn,
    view::View,
};
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{Address, B256, U256};
use bridge::{message::InboxChain, opening::Commitments};
use chainspec::{ChainSpec, ConfigError, RollupConfig, SpecError};
use engine::{Engine, InboxEntry, L1Ref};
use execution::StateError;
use l1::{Beacon, HubReader, L1Error, L1Rpc, Signer, SignerError, WatchEnd, Watcher};
use rpc::{Backend, Running, ServeError, Submit, rollup::Role};
use sequencer::schedule::{Open, ProposerSchedule};
use std::{path::PathBuf, sync::Arc, time::Duration};
use storage::{Chain, Limits, StorageError};
use tokio::sync::mpsc;
use url::Url;

/// The L1 is looked at this many times a slot, between the two bounds.
const POLLS_PER_SLOT: u64 = 16;
const POLL_MIN: Duration = Duration::from_millis(50);
const POLL_MAX: Duration = Duration::from_secs(2);

/// An endpoint that tells of new heads without end is listened to this often.
const NEWS_PAUSE: Duration = Duration::from_millis(20);

/// How long L1 endpoints may take to answer when another has answered before they count as silent.
const SURVEY_PATIENCE: Duration = Duration::from_secs(2);

/// Most blocks that one node lands in one L1 slot. L1's public pools hold 16 blob transactions of an account: as many
/// again may be dead and waiting to be replaced.
pub const BLOCKS_PER_SLOT_MAX: usize = 8;

/// How often the messages into the rollup are read at start until they are whole, and the pause between two times.
const INBOX_TRIES: u32 = 20;
const INBOX_PAUSE: Duration = Duration::from_secs(1);

/// A node's configuration, resolved and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The chain file.
    pub rollup: RollupConfig,
    /// The database.
    pub datadir: PathBuf,
    /// What it may take of memory and disk, and how far back states can be read.
    pub database: Limits,
    /// L1 execution endpoints, in the order of preference, at least one.
    pub l1_rpc_url: Vec<Url>,
    /// L1 beacon endpoints, in the order in which they are asked for blobs, at least one.
    pub l1_beacon_url: Vec<Url>,
    /// Archives of other nodes, for blocks whose bytes L1 gives no more; asked last, in this order.
    pub archive_url: Vec<Url>,
    /// How long what landed blocks' blobs carried is kept and served; `None` for ever.
    pub blob_retention: Option<Duration>,
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
    /// How long before an L1 slot its block is built, milliseconds, for each of [`SequencerConfig::blocks_per_slot`].
    pub lead_ms: u64,
    /// Most blocks that wait to land at a time, 1 to [`BLOCKS_PER_SLOT_MAX`]: with more than one, a slot whose block is full
    /// gets another.
    pub blocks_per_slot: usize,
    /// What landings may cost.
    pub landing: LandingLimits,
    /// Gets the tips on L2.
    pub fee_recipient: Address,
    /// For whose L1 slots it builds; for every slot when absent.
    pub duties: Option<DutiesConfig>,
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
    #[error("{error} ({flag})")]
    Signer {
        /// What is wrong with it.
        error: SignerError,
        /// The flags that name it.
        flag: &'static str,
    },
    /// A key that is not encrypted, and nobody said that it may be.
    #[error(
        "{} is not encrypted: make a keystore of it (`cast wallet import`) and pass that with --sequencer.keystore, or add \
         --sequencer.insecure-raw-key if it is a key for tests",
        path.display()
    )]
    RawKey {
        /// The file.
        path: PathBuf,
    },
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
    /// An archive can't be asked.
    #[error("archive: {0} (--archive.url)")]
    Archive(L1Error),
    /// One account lands the blocks of all rollups of a process, so they have one L1 and one Hub.
    #[error("rollup {chain_id} is in another Hub than the first one: serve it by a process of its own (--chain)")]
    OtherHub {
        /// Its chain id.
        chain_id: u64,
    },
    /// The same rollup again.
    #[error("rollup {chain_id} is named twice (--chain)")]
    Twice {
        /// Its chain id.
        chain_id: u64,
    },
    /// The L1 endpoint is of another chain.
    #[error("an L1 endpoint is chain {found}, the chain file says {expected} (--l1.rpc-url, --chain)")]
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
    #[error(transparent)]
    Panic(#[from] Interrupted),
}

/// What a node is made of, whatever machine and L1 it runs on.
#[derive(Debug)]
pub struct Parts {
    /// The time, and who runs its tasks.
    pub host: Arc<dyn Host>,
    /// Commits to blobs as the L1 wants it.
    pub kzg: Arc<dyn Commitments>,
    /// The chain as the last run left it.
    pub chain: Chain,
    /// L1 execution endpoints.
    pub rpc: L1Rpc,
    /// L1 beacon endpoints.
    pub beacons: Vec<Beacon>,
    /// Archives of other nodes.
    pub archives: Vec<Archive>,
    /// How long what landed blocks' blobs carried is kept; `None` for ever.
    pub blob_retention: Option<Duration>,
    /// The chain file.
    pub rollup: RollupConfig,
    /// What a sequencer needs; a follower has none of it.
    pub sequencer: Option<SequencerConfig>,
}

/// A node without RPC, put together and not running yet.
pub struct Node {
    /// The chain.
    pub chain: Chain,
    /// The sequencer's pool.
    pub pool: Option<Arc<TxPool>>,
    /// Heads and status.
    pub view: Arc<View>,
    pub(crate) parts: Parts,
    carriers: Carriers,
    engine: Engine,
}

/// The tasks of a running node.
pub struct Workers {
    driver: Task<Result<(), DriverError>>,
    watcher: Task<WatchEnd>,
    production: Option<Task<()>>,
    duties: Option<Task<()>>,
    stopper: Stopper,
}

impl Node {
    /// Checks L1 and takes up where the last run left off.
    pub async fn assemble(parts: Parts) -> Result<Self, StartError> {
        let Parts { host, kzg, chain, rpc, beacons, archives, rollup, sequencer, .. } = &parts;
        let chain_id = chain.spec().chain_id;
        let registered = check_l1(rpc, rollup, chain.spec()).await?;
        let others = carriers::all(host, kzg, beacons, rpc, archives);
        let carriers = Carriers::new(host.clone(), chain.clone(), others);
        // Earlier versions kept whole blobs beside the blocks that they are made of.
        chain.prune_blobs(u64::MAX)?;
        let mut resume = driver::resume(chain, registered, sequencer.is_some())?;
        let pool = match sequencer {
            Some(_) => Some(TxPool::open(host.clone(), chain.clone()).map_err(StartError::Pool)?),
            None => None,
        };
        let cursor = rpc.header(BlockNumberOrTag::Number(resume.cursor.number)).await.map_err(StartError::L1)?;
        resume.cursor_timestamp =
            cursor.filter(|head| head.at == resume.cursor).map_or(0, |head| head.header.timestamp);
        if sequencer.is_some() {
            let hub = HubReader::new(rpc.clone(), rollup.hub, chain_id);
            // What is not final may be unwound, and its messages wait again.
            let finalised = chain.state_at(chain.heads().finalised.number)?;
            let from = consumed(&*finalised)?;
            resume.inbox = inbox(&**host, &hub, from, registered.number, resume.cursor.number).await?;
        }
        let settings = driver::settings(rollup.l1_slot_ms, sequencer.as_ref());
        let engine = Engine::new(settings, resume);
        let role = if sequencer.is_some() { Role::Sequencer } else { Role::Follower };
        let view = View::new(host.clone(), chain.clone(), rollup.clone(), role, engine.status(), carriers.clone());
        Ok(Self { chain: chain.clone(), pool, view, carriers, engine, parts })
    }

    /// Starts to follow, and to build where it is a sequencer, with landings of its own.
    pub fn run_alone(self) -> Workers {
        let landings = fleet::shared(std::slice::from_ref(&self));
        self.run(landings, None)
    }

    /// Starts to follow, and to build where it is a sequencer, whose blocks `landings` land, and whose messages `crossing` carries.
    pub fn run(self, landings: Option<landings::Shared>, crossing: Option<crossing::Shared>) -> Workers {
        let Self { chain, pool, view, parts, carriers, engine } = self;
        let Parts { host, kzg, rpc, beacons, rollup, sequencer, blob_retention, .. } = parts;
        let (stopper, shutdown) = shutdown::channel();
        let (events, inbox) = mpsc::channel(EVENT_QUEUE);
        let known: Vec<L1Ref> = engine.known_l1().collect();
        let poll = Duration::from_millis(rollup.l1_slot_ms / POLLS_PER_SLOT).clamp(POLL_MIN, POLL_MAX);
        let watcher = Watcher::new(rpc.clone(), rollup.hub, chain.spec().chain_id, known, poll);
        let watch = watch(host.clone(), watcher, events.clone(), shutdown.clone(), view.clone());
        let watcher = host::spawn(&*host, "watcher", watch);

        let mut production = None;
        let mut duties = None;
        let mut orders = None;
        if let (Some(sequencer), Some(pool), Some(landings)) = (sequencer, &pool, landings) {
            let (sender, receiver) = mailbox();
            let slot_ms = rollup.l1_slot_ms;
            let schedule: Arc<dyn ProposerSchedule> = match &sequencer.duties {
                None => Arc::new(Open),
                Some(config) => {
                    let known = Duties::new(config);
                    let task = DutiesTask { host: host.clone(), beacons, duties: known.clone(), slot_ms };
                    duties = Some(host::spawn(&*host, "duties", task.run(shutdown.clone())));
                    Arc::new(known)
                }
            };
            let turn = Turn::new(schedule, chain.clone(), sequencer.signer.address(), slot_ms);
            let task = Production {
                host: host.clone(),
                kzg,
                chain: chain.clone(),
                config: rollup,
                pool: pool.clone(),
                carriers: carriers.clone(),
                turn: Arc::new(turn),
                signer: sequencer.signer,
                fee_recipient: sequencer.fee_recipient,
                view: view.clone(),
                landings,
                crossing,
                declined: None,
                blocks_per_slot: sequencer.blocks_per_slot,
                tips: Tips::default(),
                sealed_for: None,
                events: events.clone(),
            };
            production = Some(host::spawn(&*host, "sequencer", task.run(receiver, shutdown.clone())));
            orders = Some(sender);
        }
        let catching_up = Some(CatchingUp {
            since: host.uptime(),
            applied: engine.heads().applied.0.number,
            l1: engine.status().l1_head.number,
        });
        let driver = Driver {
            host: host.clone(),
            engine,
            chain,
            pool,
            view,
            production: orders,
            blob_retention,
            payloads: Payloads::new(host.clone(), carriers, events),
            catching_up,
        };
        let driver = host::spawn(&*host, "driver", driver.run(inbox, shutdown));
        Workers { driver, watcher, production, duties, stopper }
    }
}

impl Workers {
    /// Waits until the node fails, which it should not.
    pub async fn failed(&mut self) -> NodeError {
        match self.driver.result().await {
            Ok(Ok(())) => std::future::pending().await,
            Ok(Err(error)) => error.into(),
            Err(error) => error.into(),
        }
    }

    /// Asks all tasks to end; [`Workers::ended`] waits for that.
    pub fn stop(&self) {
        self.stopper.stop();
    }

    /// Waits until none of them runs any more.
    pub async fn ended(mut self) {
        if let Some(production) = &mut self.production {
            join(production).await;
        }
        if let Some(duties) = &mut self.duties {
            join(duties).await;
        }
        join(&mut self.watcher).await;
        join(&mut self.driver).await;
    }
}

async fn join<T>(task: &mut Task<T>) {
    if task.is_told() {
        return;
    }
    if let Err(error) = task.result().await {
        tracing::error!(%error, "a worker did not end well");
    }
}

/// A watcher that finds another chain ends following, not the node: reads go on, and status says why.
async fn watch(
    host: Arc<dyn Host>,
    mut watcher: Watcher,
    events: mpsc::Sender<engine::Event>,
    mut shutdown: Shutdown,
    view: Arc<View>,
) -> WatchEnd {
    loop {
        let step = tokio::select! {
            biased;
            () = shutdown.wait() => return WatchEnd::NobodyListens,
            step = watcher.step(host.uptime(), host.sleep(SURVEY_PATIENCE), &events) => step,
        };
        let pause = match step {
            Ok(pause) => pause,
            Err(end) => {
                if !matches!(end, WatchEnd::NobodyListens) {
                    tracing::error!(%end, "following has ended; reads go on");
                    view.fail(end.to_string());
                }
                return end;
            }
        };
        tokio::select! {
            biased;
            () = shutdown.wait() => return WatchEnd::NobodyListens,
            () = events.closed() => return WatchEnd::NobodyListens,
            () = watcher.news() => host.sleep(NEWS_PAUSE).await,
            () = host.sleep(pause) => {}
        }
    }
}

/// The endpoints at `urls`, of which one has to be there; the others may come later.
pub(crate) async fn beacons(urls: &[Url]) -> Result<Vec<Beacon>, L1Error> {
    let beacons = urls.iter().map(Beacon::new).collect::<Result<Vec<_>, _>>()?;
    let mut failed = None;
    for beacon in &beacons {
        match beacon.connect().await {
            Ok(()) => return Ok(beacons),
            Err(error) => {
                failed.get_or_insert(error);
            }
        }
    }
    failed.map_or(Ok(beacons), Err)
}

/// The L1 is the right one, and Hub registered this very rollup there, with all of its ether backed.
async fn check_l1(rpc: &L1Rpc, config: &RollupConfig, spec: &ChainSpec) -> Result<L1Ref, StartError> {
    let expected = config.l1_chain_id;
    if let Some(found) = rpc.connect().await.map_err(StartError::L1)?.into_iter().find(|found| *found != expected) {
        return Err(StartError::OtherL1 { found, expected });
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

/// The messages behind `from` in L1 blocks `first..=last`. An endpoint that has come up beside us may need a moment to have them all.
async fn inbox(
    host: &dyn Host,
    hub: &HubReader,
    from: InboxChain,
    first: u64,
    last: u64,
) -> Result<Vec<(L1Ref, InboxEntry)>, StartError> {
    let mut tries = 1;
    loop {
        match hub.inbox(from, first, last).await {
            Ok(found) => return Ok(found),
            Err(error) if tries == INBOX_TRIES => return Err(StartError::L1(error)),
            Err(error) => tracing::warn!(%error, tries, "messages into the rollup can't be read yet"),
        }
        tries += 1;
        host.sleep(INBOX_PAUSE).await;
    }
}

pub(crate) async fn serve(config: &Config, node: &Node) -> Result<Running, StartError> {
    let submit: Arc<dyn Submit> = match &node.pool {
        Some(pool) => pool.clone(),
        None => Arc::new(NoPool::default()),
    };
    let backend = Backend::new(rpc::Parts {
        chain: Arc::new(node.chain.clone()),
        spec: node.chain.spec().clone(),
        submit,
        heads: node.view.clone(),
        pending: node.view.clone(),
        rollup: Some(node.view.clone()),
        on_l1: Some(Arc::new(OnL1::new(node.parts.rpc.clone(), &config.rollup))),
        dev: None,
        client_version: crate::version::client(),
        limits: config.limits.clone(),
    });
    Ok(rpc::serve(backend, config.http.clone()).await?)
}
