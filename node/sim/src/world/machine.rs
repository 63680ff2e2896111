//! One machine with a node on it: a disk that outlives the node, connections to L1, and one life after another.

use super::{
    library::{Loan, Shelf},
    rollup::Rollup,
};
use crate::{
    executor::{Executor, Group},
    host::SimHost,
    l1::{EndpointId, Keccak, L1},
    wire::{Line, Wire},
};
use ::l1::{Beacon, L1Rpc, Signer, panel::Patience};
use alloy_primitives::Address;
use alloy_transport::BoxTransport;
use node::{
    carriers::Archive,
    duties::DutiesConfig,
    node::{Node, Parts, SequencerConfig},
    pool::TxPool,
    view::View,
};
use parking_lot::Mutex;
use std::sync::Arc;
use storage::{Chain, Limits, Memory, StorageError};

/// When a sequencer builds, milliseconds before the slot: the node's default.
const LEAD_MS: u64 = 1_500;

/// A machine. Its disk is what a crash leaves of it.
#[derive(Debug)]
pub struct Machine {
    /// Its name in failures and traces.
    pub name: String,
    /// Its L1 endpoints, in the order of preference. Each is an execution and a beacon endpoint.
    pub endpoints: Vec<EndpointId>,
    /// The disk.
    pub disk: Memory,
    /// Most blocks that its node lands in one L1 slot.
    pub blocks_per_slot: usize,
    /// For whose L1 slots its node builds; for all when absent.
    pub duties: Option<DutiesConfig>,
    /// Its own archive.
    pub shelf: Shelf,
    /// The archives that its node asks.
    pub archives: Vec<Shelf>,
    /// The way to L1, and to archives.
    pub line: Line,
    /// How often the disk lost something that was written: what was promised before may be gone.
    pub disks: u64,
    signer: Option<Signer>,
    lives: u64,
    life: Option<Life>,
    last_group: Option<Group>,
    clock_ms: i64,
}

/// One run of a node.
#[derive(Debug)]
struct Life {
    group: Group,
    stage: Arc<Mutex<Stage>>,
}

/// How far a life has come.
#[derive(Clone, Default)]
pub enum Stage {
    /// It reads its disk and asks L1.
    #[default]
    Starting,
    /// It follows L1.
    Running(Running),
    /// It could not start, and says why. Whoever watches over it starts it again.
    Refused(String),
    /// It ended by itself, which no node should.
    Ended(String),
}

/// What can be seen of a running node.
#[derive(Clone)]
pub struct Running {
    /// Its chain.
    pub chain: Chain,
    /// Its pool, where it is a sequencer.
    pub pool: Option<Arc<TxPool>>,
    /// What RPC shows.
    pub view: Arc<View>,
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Starting => write!(f, "Starting"),
            Self::Running(running) => write!(f, "Running({:?})", running.chain.heads()),
            Self::Refused(why) => write!(f, "Refused({why})"),
            Self::Ended(why) => write!(f, "Ended({why})"),
        }
    }
}

impl Machine {
    /// A machine with an empty disk, switched off. With a signer it is a sequencer.
    pub fn new(name: impl Into<String>, endpoints: Vec<EndpointId>, signer: Option<Signer>) -> Self {
        let name = name.into();
        Self {
            shelf: Shelf::new(name.clone()),
            name,
            endpoints,
            disk: Memory::new(),
            blocks_per_slot: 1,
            duties: None,
            archives: Vec::new(),
            line: Line::default(),
            disks: 0,
            signer,
            lives: 0,
            life: None,
            last_group: None,
            clock_ms: 0,
        }
    }

    /// Whether it makes blocks.
    pub const fn is_sequencer(&self) -> bool {
        self.signer.is_some()
    }

    /// Who lands and relays, on a sequencer.
    pub fn address(&self) -> Option<Address> {
        self.signer.as_ref().map(Signer::address)
    }

    /// Starts a node on what the disk holds.
    ///
    /// # Errors
    /// The disk is not one that a node can start on.
    pub fn start(&mut self, executor: &Executor, l1: &L1, rollup: &Rollup) -> Result<(), StorageError> {
        self.lives += 1;
        let handle = executor.group(format!("{}.{}", self.name, self.lives));
        executor.set_clock(handle.group(), self.clock_ms);
        let chain = Chain::on(Arc::new(self.disk.clone()), rollup.spec.clone(), Limits::default())?;
        let wire = |endpoint: &EndpointId| Wire::new(l1.clone(), *endpoint, handle.clone(), self.line.clone());
        let name = |endpoint: &EndpointId| format!("{endpoint:?}");
        let transports = self.endpoints.iter().map(|at| (BoxTransport::new(wire(at)), name(at))).collect();
        let loan = |shelf: &Shelf| {
            let loan = Loan::new(shelf.clone(), handle.clone(), self.line.clone());
            Archive::on(Arc::new(loan), shelf.name().to_owned())
        };
        let sequencer = self.signer.clone().map(|signer| SequencerConfig {
            fee_recipient: signer.address(),
            signer,
            lead_ms: LEAD_MS,
            duties: self.duties.clone(),
            blocks_per_slot: self.blocks_per_slot,
            landing: Default::default(),
        });
        let parts = Parts {
            host: Arc::new(SimHost::new(handle.clone())),
            kzg: Arc::new(Keccak),
            chain: chain.clone(),
            rpc: L1Rpc::on(transports, Patience::of_slots(rollup.config.l1_slot_ms)),
            beacons: self.endpoints.iter().map(|at| Beacon::on(Arc::new(wire(at)), name(at))).collect(),
            archives: self.archives.iter().map(loan).collect(),
            blob_retention: None,
            rollup: rollup.config.clone(),
            sequencer,
        };
        let stage = Arc::new(Mutex::new(Stage::Starting));
        self.last_group = Some(handle.group());
        let shelf = self.shelf.clone();
        self.life = Some(Life { group: handle.group(), stage: stage.clone() });
        drop(handle.spawn("main", async move {
            let node = match Node::assemble(parts).await {
                Ok(node) => node,
                Err(error) => return *stage.lock() = Stage::Refused(error.to_string()),
            };
            let running = Running { chain, pool: node.pool.clone(), view: node.view.clone() };
            let mut workers = node.run_alone();
            shelf.open(running.chain.clone());
            *stage.lock() = Stage::Running(running);
            let error = workers.failed().await;
            *stage.lock() = Stage::Ended(error.to_string());
        }));
        Ok(())
    }

    /// The group of the present life, if the machine is on.
    pub fn group(&self) -> Option<Group> {
        self.life.as_ref().map(|life| life.group)
    }

    /// The group of the last life, over or not.
    pub const fn last_group(&self) -> Option<Group> {
        self.last_group
    }

    /// The machine's clock is off by so much from now on.
    pub fn set_clock(&mut self, executor: &Executor, offset_ms: i64) {
        self.clock_ms = offset_ms;
        if let Some(life) = &self.life {
            executor.set_clock(life.group, offset_ms);
        }
    }

    /// Another disk, which may lack what was promised.
    pub fn replace_disk(&mut self, disk: Memory) {
        self.disk = disk;
        self.disks += 1;
    }

    /// How far the present life has come; `None` when the machine is off.
    pub fn stage(&self) -> Option<Stage> {
        self.life.as_ref().map(|life| life.stage.lock().clone())
    }

    /// The running node, if there is one.
    pub fn running(&self) -> Option<Running> {
        match self.stage()? {
            Stage::Running(running) => Some(running),
            Stage::Starting | Stage::Refused(_) | Stage::Ended(_) => None,
        }
    }

    /// Which life this is, from 1.
    pub const fn lives(&self) -> u64 {
        self.lives
    }

    /// Ends the present life at once, wherever it is: `kill -9`. The disk keeps what was written.
    pub fn kill(&mut self, executor: &Executor) {
        if let Some(life) = self.life.take() {
            executor.kill(life.group);
            self.shelf.close();
        }
    }
}
