//! The rollups that one process serves: a node for each, and one account that lands the blocks of all.
//!
//! ```text
//!  chain file A ─► Node A ─► production A ─┬─► Crossing: messages from one to the other
//!  chain file B ─► Node B ─► production B ─┴─► Landings: one lane of L1 nonces
//! ```
//! Each node has a database, an engine and an RPC server of its own, and follows L1 by itself. It must not know what a block holds.

use crate::{
    carriers::Archive,
    crossing::{self, Crossing},
    host::{Host, Tokio},
    landings::{self, Landings},
    node::{Config, Node, NodeError, Parts, StartError, Workers, beacons, serve},
};
use alloy_primitives::Address;
use bridge::opening::{Kzg, LazyKzg};
use futures::future::{join_all, select_all};
use l1::{Hands, L1Rpc, panel::Patience};
use rpc::Running;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use storage::Chain;

/// How long open RPC connections may hold up a stop.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// The running nodes of a process, in the order of their chain files.
pub struct Fleet(Vec<Member>);

struct Member {
    server: Running,
    workers: Workers,
}

/// Opens everything and starts to follow the rollup of each configuration, at least one.
///
/// # Errors
/// The first reason why one of them can't start; none runs then.
pub async fn launch(configs: Vec<Config>) -> Result<Fleet, StartError> {
    require_one_hub(&configs)?;
    execution::kzg::share_setup();
    let host = Tokio::current();
    if configs.iter().any(|config| config.sequencer.is_some()) {
        // Seconds of work that the first landing would wait for. A follower loads it with its first blob.
        let load = || {
            Kzg::load();
        };
        host.run_blocking("loading KZG", Box::new(load));
    }
    let mut nodes = Vec::with_capacity(configs.len());
    for config in &configs {
        let spec = Arc::new(config.rollup.spec()?);
        let parts = Parts {
            chain: Chain::open(&config.datadir, spec, config.database)?,
            rpc: L1Rpc::of(&config.l1_rpc_url, Patience::of_slots(config.rollup.l1_slot_ms)).map_err(StartError::L1)?,
            beacons: beacons(&config.l1_beacon_url).await.map_err(StartError::Beacon)?,
            archives: config
                .archive_url
                .iter()
                .map(Archive::new)
                .collect::<Result<_, _>>()
                .map_err(StartError::Archive)?,
            blob_retention: config.blob_retention,
            rollup: config.rollup.clone(),
            sequencer: config.sequencer.clone(),
            kzg: Arc::new(LazyKzg),
            host: host.clone(),
        };
        nodes.push(Node::assemble(parts).await?);
    }
    // RPC first, so that a node that is catching up can say so.
    let mut servers = Vec::with_capacity(nodes.len());
    for (config, node) in configs.iter().zip(&nodes) {
        servers.push(serve(config, node).await?);
    }
    let landings = shared(&nodes);
    let crossing = crossing(&nodes);
    let run = |(node, server): (Node, Running)| {
        let workers = node.run(landings.clone(), crossing.clone());
        Member { server, workers }
    };
    Ok(Fleet(nodes.into_iter().zip(servers).map(run).collect()))
}

/// The landings of the account that all of `nodes` build with; `None` where they only follow.
pub fn shared(nodes: &[Node]) -> Option<landings::Shared> {
    let mut sequencers = nodes.iter().filter_map(|node| Some((node, node.parts.sequencer.as_ref()?)));
    let (first, sequencer) = sequencers.next()?;
    let more = sequencers.map(|(node, _)| node.chain.clone()).collect();
    let Parts { host, kzg, rpc, rollup, .. } = &first.parts;
    let hands = Hands::new(rpc.clone(), sequencer.signer.clone(), rollup.l1_chain_id);
    let rollups = (first.chain.clone(), more);
    Some(Landings::new(host.clone(), kzg.clone(), rollups, rpc.clone(), hands, rollup.hub, sequencer.landing))
}

/// What carries messages between the rollups that `nodes` build.
fn crossing(nodes: &[Node]) -> Option<crossing::Shared> {
    let sequencers: Vec<&Node> = nodes.iter().filter(|node| node.parts.sequencer.is_some()).collect();
    let first = &sequencers.first()?.parts;
    let chains = sequencers.iter().map(|node| node.chain.clone()).collect();
    Crossing::new(first.rpc.clone(), first.rollup.hub, chains)
}

/// One account, one L1, one Hub; and no rollup twice.
fn require_one_hub(configs: &[Config]) -> Result<(), StartError> {
    let place = |config: &Config| -> (u64, Address) { (config.rollup.l1_chain_id, config.rollup.hub) };
    for (at, config) in configs.iter().enumerate() {
        let chain_id = config.rollup.genesis.config.chain_id;
        if place(config) != place(&configs[0]) {
            return Err(StartError::OtherHub { chain_id });
        }
        if configs[..at].iter().any(|before| before.rollup.genesis.config.chain_id == chain_id) {
            return Err(StartError::Twice { chain_id });
        }
    }
    Ok(())
}

impl Fleet {
    /// Where JSON-RPC of each rollup listens.
    pub fn http(&self) -> Vec<SocketAddr> {
        self.0.iter().map(|member| member.server.address).collect()
    }

    /// Waits until a node fails, which none should.
    pub async fn failed(&mut self) -> NodeError {
        let (error, ..) = select_all(self.0.iter_mut().map(|member| Box::pin(member.workers.failed()))).await;
        error
    }

    /// Stops everything and returns when nothing runs any more.
    pub async fn stop(self) {
        for member in &self.0 {
            member.workers.stop();
        }
        let stop = |member: Member| async move {
            member.server.stop(STOP_PATIENCE).await;
            member.workers.ended().await;
        };
        join_all(self.0.into_iter().map(stop)).await;
    }
}
