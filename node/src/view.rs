//! What RPC may know of the node: heads and status, readable from memory by many threads.

use crate::{carriers::Carriers, host::Host};
use alloy_eips::BlockNumHash;
use alloy_primitives::B256;
use chainspec::RollupConfig;
use engine::{Halt, L1Ref, Status};
use parking_lot::RwLock;
use rpc::{
    Heads, Pending, PendingBlock, RollupStatus, SyncState,
    rollup::{BlockRef, L1Status, L2Status, Landing, LandingStatus, Role, SyncStatus},
};
use std::{sync::Arc, time::Duration};
use storage::Chain;
use tokio::sync::watch;

/// L1 counts as silent after so many slots without a new head.
const STALE_SLOTS: u32 = 6;

/// The node as RPC sees it. The driver writes, RPC reads.
pub struct View {
    host: Arc<dyn Host>,
    chain: Chain,
    config: RollupConfig,
    role: Role,
    started_at: u64,
    head: watch::Sender<BlockNumHash>,
    carriers: Carriers,
    l1: RwLock<L1View>,
    pending: RwLock<Option<Arc<PendingBlock>>>,
    landings: RwLock<Option<LandingStatus>>,
}

#[derive(Debug)]
struct L1View {
    status: Status,
    /// Highest landed block number that was heard of.
    received: u64,
    /// When an L1 block was seen last, by the host's uptime.
    seen: Option<Duration>,
    fault: Option<String>,
}

impl View {
    /// The view of a node that has just started with `status`.
    pub fn new(
        host: Arc<dyn Host>,
        chain: Chain,
        config: RollupConfig,
        role: Role,
        status: Status,
        carriers: Carriers,
    ) -> Arc<Self> {
        let head = chain.heads().applied;
        Arc::new(Self {
            host,
            config,
            role,
            carriers,
            started_at: head.number,
            head: watch::channel(head).0,
            l1: RwLock::new(L1View { status, received: head.number, seen: None, fault: None }),
            pending: RwLock::new(None),
            landings: RwLock::new(None),
            chain,
        })
    }

    /// The driver handled an event.
    pub fn update(&self, status: Status, heard: bool) {
        let mut l1 = self.l1.write();
        let applied = self.chain.heads().applied.number;
        l1.received = applied + status.pending as u64;
        l1.status = status;
        if heard {
            l1.seen = Some(self.host.uptime());
        }
    }

    /// The head moved; storage has it.
    pub fn announce(&self) {
        self.head.send_replace(self.chain.heads().applied);
    }

    /// The block that waits to land, or none.
    pub fn set_pending(&self, pending: Option<Arc<PendingBlock>>) {
        *self.pending.write() = pending;
    }

    /// How the sequencer's landings stand.
    pub fn set_landings(&self, landings: LandingStatus) {
        *self.landings.write() = Some(landings);
    }

    /// Only the block with this hash still waits to land, or none.
    pub fn keep_pending(&self, newest: Option<B256>) {
        let mut pending = self.pending.write();
        if pending.as_ref().map(|pending| pending.block.hash()) != newest {
            *pending = None;
        }
    }

    /// Following has ended for a reason outside the engine.
    pub fn fail(&self, fault: String) {
        self.l1.write().fault = Some(fault);
    }

    fn since(&self, seen: Duration) -> Duration {
        self.host.uptime().saturating_sub(seen)
    }

    fn stale_after(&self) -> Duration {
        Duration::from_millis(self.config.l1_slot_ms) * STALE_SLOTS
    }

    /// Why the node is not ready, as sentences.
    fn reasons(&self, l1: &L1View) -> Vec<String> {
        let mut reasons = Vec::new();
        match l1.seen {
            None => reasons.push("no L1 block was seen since the start".to_owned()),
            Some(seen) if self.since(seen) > self.stale_after() => {
                reasons.push(format!("no new L1 block for {} s", self.since(seen).as_secs()));
            }
            Some(_) => {}
        }
        if !l1.status.caught_up {
            reasons.push("catching up with L1".to_owned());
        }
        if l1.status.contested {
            reasons.push("the L1 endpoints keep to different branches (--l1.rpc-url)".to_owned());
        }
        if l1.status.pending > 0 {
            reasons.push(format!("{} landed blocks are not executed yet", l1.status.pending));
        }
        match &l1.status.halted {
            Some(Halt::Split { block, reason }) => {
                reasons.push(format!("halted: L1 accepted block {} and this node refuses it: {reason}", block.number));
            }
            Some(Halt::BrokenChain { landed, .. }) => {
                reasons.push(format!("halted: landed block {} does not extend the landed chain", landed.number));
            }
            Some(Halt::FinalityBroken { to, finalised_in }) => {
                reasons.push(format!(
                    "halted: L1 went back to {}, below its final block {}",
                    to.number, finalised_in.number
                ));
            }
            None => {}
        }
        reasons.extend(l1.fault.clone());
        reasons
    }
}

fn block_ref(block: BlockNumHash) -> Option<BlockRef> {
    Some(BlockRef { number: block.number, hash: block.hash })
}

impl Heads for View {
    fn latest(&self) -> u64 {
        self.chain.heads().applied.number
    }

    fn safe(&self) -> u64 {
        self.chain.heads().landed.number
    }

    fn finalized(&self) -> u64 {
        self.chain.heads().finalised.number
    }

    fn sync(&self) -> SyncState {
        let l1 = self.l1.read();
        let behind = l1.status.pending > 0 || !l1.status.caught_up || l1.status.halted.is_some() || l1.fault.is_some();
        if !behind {
            return SyncState::Synced;
        }
        let current = self.chain.heads().applied.number;
        SyncState::Syncing { starting: self.started_at, current, highest: l1.received.max(current) }
    }

    fn peers(&self) -> u64 {
        0
    }

    fn watch(&self) -> watch::Receiver<BlockNumHash> {
        self.head.subscribe()
    }
}

impl Pending for View {
    fn pending(&self) -> Option<Arc<PendingBlock>> {
        self.pending.read().clone()
    }
}

impl RollupStatus for View {
    fn config(&self) -> &RollupConfig {
        &self.config
    }

    fn sync_status(&self) -> SyncStatus {
        let l1 = self.l1.read();
        let heads = self.chain.heads();
        let block = |at: L1Ref| BlockRef { number: at.number, hash: at.hash };
        let head = block(l1.status.l1_head);
        let processed = (l1.status.pending == 0).then_some(head);
        let reasons = self.reasons(&l1);
        SyncStatus {
            l1: L1Status {
                head: Some(head),
                finalized: l1.status.l1_finalised.map(block),
                processed,
                age_s: l1.seen.map(|seen| self.since(seen).as_secs()),
            },
            l2: L2Status {
                received: l1.received.max(heads.applied.number),
                latest: block_ref(heads.applied),
                safe: block_ref(heads.landed),
                finalized: block_ref(heads.finalised),
            },
            role: self.role,
            landings: self.landings.read().clone(),
            ready: reasons.is_empty(),
            reasons,
            carriers: self.carriers.status(),
        }
    }

    fn landing(&self, number: u64) -> Option<Landing> {
        let landed = match self.chain.landing(number) {
            Ok(landed) => landed?,
            Err(error) => {
                tracing::error!(%error, number, "landing could not be read");
                return None;
            }
        };
        Some(Landing {
            l1_block: BlockRef { number: landed.l1_number, hash: landed.l1_hash },
            l1_transaction: landed.l1_tx_hash,
            proposer: landed.proposer,
            blob_versioned_hashes: landed.blob_hashes,
        })
    }
}
