//! Messages between rollups that one process builds: carried over Hub in the L1 block that settles them.
//!
//! ```text
//!  A seals block n; its landing proves the outbox ─► Hub.forward(messages to B) ─► B builds on the inbox that it will have then
//!       nonce k: advance(A, n)                        k + 1: an errand               k + 2: advance(B, m), which needs the errand
//! ```
//! A bundle counts for the L1 head that it was made on, and no longer: B's inbox at that head is what its own node knows. Whatever
//! came too late for a bundle, or did not fit one, is forwarded by an errand of its own in a later slot, whoever landed its block.
//! Messages are taken in their order; one that Hub would refuse waits, ever longer, and holds up no other.
//!
//! It must not know how landings and errands get to L1, nor what a message is for. Rollups that other processes build are none of its
//! business: anyone may forward to them.

mod choice;
mod outgoing;

use crate::landings;
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_sol_types::SolCall;
use bridge::{
    abi::{self, Hub, OutboxProof},
    gas::Items,
    message::Message,
    outbox::{Outbox, OutboxError},
};
use engine::{BuildOn, L1Ref};
use execution::StateError;
use l1::{HubReader, L1Error, L1Rpc, RollupOnL1};
use outgoing::Outgoing;
pub use outgoing::sent_in;
use sequencer::landing::lane::Errand;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use storage::{Chain, StorageError};
use tokio::sync::{Mutex, Notify};

/// What the nodes of a process share of this. Held while a block is built, so that they are built one after the other.
pub type Shared = Arc<Mutex<Crossing>>;

/// Room in a landing for the proof of the outbox: no node has more than 532 bytes, and the Messenger's storage is as deep as the
/// number of its failed messages makes it.
pub const PROOF_ROOM: Items = Items { count: 20, bytes: 9_000 };

/// See the module.
#[derive(Debug)]
pub struct Crossing {
    rollups: BTreeMap<u64, Rollup>,
    rpc: L1Rpc,
    hub: Address,
    /// By destination.
    bundles: BTreeMap<u64, Bundle>,
}

#[derive(Debug)]
struct Rollup {
    chain: Chain,
    outgoing: Outgoing,
    wake: Arc<Notify>,
}

/// Messages that the next L1 block brings into a rollup's inbox, if all goes well.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The errand that does it.
    pub errand: B256,
    /// The L1 head on which it was made: the inbox there is what it appends to.
    on: L1Ref,
    /// In their order, as they are in the outbox.
    messages: Vec<Message>,
}

/// A sealed block whose landing proves its outbox.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The block.
    pub hash: B256,
    /// What it sends to other rollups and to L1, in order.
    pub sent: Vec<Message>,
}

/// Why nothing is forwarded now. The next slot brings another try.
#[derive(Debug, thiserror::Error)]
pub enum CrossingError {
    /// L1 does not answer.
    #[error(transparent)]
    L1(#[from] L1Error),
    /// The database.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The tree.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// A message stands where another belongs: the receipts are not those of the chain.
    #[error("outbox message {have} stands where {want} belongs")]
    Gap {
        /// Its index.
        have: u64,
        /// The index expected.
        want: u64,
    },
    /// A rollup of another process.
    #[error("rollup {0} is not built here")]
    Stranger(u64),
}

/// Under which root messages are forwarded.
struct Root {
    epoch: u64,
    /// Leaves in the tree with that root.
    count: u64,
    tree: Outbox,
    /// The block or errand that brings it to L1, where it is not there yet.
    after: Option<B256>,
}

impl Crossing {
    /// For the rollups of `chains` in Hub at `hub`; `None` for fewer than two, which have nobody to send to.
    pub fn new(rpc: L1Rpc, hub: Address, chains: Vec<Chain>) -> Option<Shared> {
        if chains.len() < 2 {
            return None;
        }
        let rollup = |chain: Chain| {
            (chain.spec().chain_id, Rollup { chain, outgoing: Outgoing::default(), wake: Arc::default() })
        };
        let rollups = chains.into_iter().map(rollup).collect();
        Some(Arc::new(Mutex::new(Self { rollups, rpc, hub, bundles: BTreeMap::new() })))
    }

    /// Chain ids of the rollups.
    pub fn rollups(&self) -> BTreeSet<u64> {
        self.rollups.keys().copied().collect()
    }

    /// Tells when a bundle for the rollup was made: worth another look by one that had nothing to build for.
    pub fn wake(&self, chain_id: u64) -> Option<Arc<Notify>> {
        self.rollups.get(&chain_id).map(|rollup| rollup.wake.clone())
    }

    /// What a block of the rollup on this L1 head may count on.
    pub fn bundle(&self, chain_id: u64, l1_head: L1Ref) -> Option<Bundle> {
        self.bundles.get(&chain_id).filter(|bundle| bundle.on == l1_head).cloned()
    }

    /// L1 went back: what was read of the rollup's chain, and of L1, is read again.
    pub fn rewound(&mut self, chain_id: u64) {
        self.bundles.clear();
        if let Some(rollup) = self.rollups.get_mut(&chain_id) {
            rollup.outgoing = Outgoing::default();
        }
    }

    /// After the rollup's turn to build on `on`: forwards what it has sent to the others. `sealed` is its new block, where that
    /// proves its outbox.
    ///
    /// # Errors
    /// Nothing was forwarded; nothing is lost.
    pub async fn forward(
        &mut self,
        landings: &landings::Shared,
        chain_id: u64,
        on: &BuildOn,
        sealed: Option<Proven>,
    ) -> Result<(), CrossingError> {
        let (taken, in_flight, is_proving) = {
            let landings = landings.lock().await;
            if !landings.may_run_errands(on.l1_head.number) {
                return Ok(()); // Hub refused the last one; its reason is in the log.
            }
            let in_flight = landings.in_flight(chain_id);
            let is_proving = in_flight.iter().any(|block| proves(&landings, block.hash));
            (under_way(&landings, chain_id), in_flight, is_proving)
        };
        let is_bundle = sealed.as_ref().is_some_and(|sealed| {
            let [block] = &in_flight[..] else { return false };
            block.hash == sealed.hash // And nothing before it, whose messages would come between.
        });
        if !is_bundle && is_proving {
            return Ok(()); // When it has landed: which epoch its root gets is not known before.
        }
        let served = self.rollups();
        let rollup = self.rollups.get_mut(&chain_id).ok_or(CrossingError::Stranger(chain_id))?;
        rollup.outgoing.catch_up(&rollup.chain, &served)?;
        let hub = HubReader::new(self.rpc.clone(), self.hub, chain_id);
        rollup.outgoing.forget_forwarded(&rollup.chain, &hub, on.l1_head.number).await?;
        let mut candidates = rollup.outgoing.candidates(on.l1_head.number, &taken);
        let new = sealed.filter(|_| is_bundle);
        candidates
            .extend(new.iter().flat_map(|sealed| &sealed.sent).filter(|m| served.contains(&m.dst_chain_id)).cloned());
        if candidates.is_empty() {
            return Ok(());
        }
        let on_l1 = hub.rollup(BlockId::hash(on.l1_head.hash)).await?;
        let choice = choice::choose(candidates, &self.rpc, self.hub, on.l1_head).await?;
        rollup.outgoing.refused(&choice.refused, on.l1_head.number);
        let Some(last) = choice.taken.last().map(|message| message.index) else { return Ok(()) };
        let root = match new {
            Some(sealed) => {
                let mut tree = rollup.outgoing.tree()?.clone();
                push(&mut tree, &sealed.sent)?;
                Root { epoch: on_l1.outbox_epoch + 1, count: tree.count(), tree, after: Some(sealed.hash) }
            }
            None => match self.landed_root(landings, chain_id, on, &on_l1, last).await? {
                Some(root) => root,
                None => return Ok(()),
            },
        };
        self.run(landings, on, root, choice.taken).await
    }

    /// The root on L1 that covers message `last`, or the landed head's, which an errand brings there first.
    async fn landed_root(
        &self,
        landings: &landings::Shared,
        chain_id: u64,
        on: &BuildOn,
        on_l1: &RollupOnL1,
        last: u64,
    ) -> Result<Option<Root>, CrossingError> {
        let rollup = self.rollups.get(&chain_id).ok_or(CrossingError::Stranger(chain_id))?;
        let tree = rollup.outgoing.tree()?.clone();
        let landed = rollup.chain.heads().landed;
        if landed.hash != on_l1.head_hash {
            return Ok(None); // The chain is not applied up to this L1 head yet.
        }
        let epoch = on_l1.outbox_epoch;
        let proven = if epoch == 0 { 0 } else { outgoing::count(&*rollup.chain.state_at(on_l1.outbox_block)?)? };
        if last < proven {
            return Ok(Some(Root { epoch, count: proven, tree, after: None }));
        }
        let (number, proof) = rollup.chain.outbox_proof(landed.number)?;
        let storage = proof.storage.into_iter().next().map(|slot| slot.proof).unwrap_or_default();
        let proof = OutboxProof { account: proof.proof, storage };
        let items = Items::of(&proof.account);
        let items =
            Items { count: items.count + proof.storage.len(), bytes: items.bytes + Items::of(&proof.storage).bytes };
        let input = abi::prove_outbox(chain_id, number, proof);
        let gas_limit = bridge::gas::prove_outbox_gas(items, input.len());
        let id = name(&input, on.l1_head);
        let mut landings = landings.lock().await;
        landings.run(Errand { id, after: None, gas_limit }, input).await;
        // Where fees are above the cap there is none.
        let runs = landings.errands().any(|run| run.errand.id == id);
        Ok(runs.then(|| Root { epoch: epoch + 1, count: tree.count(), tree, after: Some(id) }))
    }

    async fn run(
        &mut self,
        landings: &landings::Shared,
        on: &BuildOn,
        root: Root,
        messages: Vec<Message>,
    ) -> Result<(), CrossingError> {
        let Root { epoch, count, tree, after } = root;
        let paths = messages.iter().map(|message| tree.path(message.index, count)).collect::<Result<Vec<_>, _>>()?;
        let lengths: Vec<usize> = messages.iter().map(|message| message.data.len()).collect();
        let gas_limit = bridge::gas::forward_gas(&lengths);
        let input = abi::forward(messages.iter().cloned().zip(paths).collect(), epoch);
        let id = name(&input, on.l1_head);
        {
            let mut landings = landings.lock().await;
            landings.run(Errand { id, after, gas_limit }, input).await;
            if !landings.errands().any(|run| run.errand.id == id) {
                return Ok(()); // Fees are above the cap, and the alarm is out.
            }
        }
        let source = messages.first().map_or(0, |message| message.src_chain_id);
        tracing::info!(from = source, messages = messages.len(), epoch, is_bundle = after.is_some(), "forwarding");
        let mut by_destination: BTreeMap<u64, Vec<Message>> = BTreeMap::new();
        for message in messages {
            by_destination.entry(message.dst_chain_id).or_default().push(message);
        }
        for (chain_id, messages) in by_destination {
            // One errand for a block: a second one's messages stand behind those of the first, and come with the next slot.
            if self.bundle(chain_id, on.l1_head).is_some() {
                continue;
            }
            self.bundles.insert(chain_id, Bundle { errand: id, on: on.l1_head, messages });
            if let Some(rollup) = self.rollups.get(&chain_id) {
                rollup.wake.notify_one();
            }
        }
        Ok(())
    }
}

impl Bundle {
    /// The messages as they are in an inbox that holds `known` before them.
    pub fn messages(&self, known: u64) -> impl Iterator<Item = Message> + '_ {
        (known..).zip(&self.messages).map(|(index, message)| Message { index, ..message.clone() })
    }
}

/// No two errands are alike, also where one does again what another failed to do.
fn name(input: &Bytes, l1_head: L1Ref) -> B256 {
    keccak256([keccak256(input), l1_head.hash].concat())
}

/// Indices of a rollup's messages that an errand of ours takes, or took.
fn under_way(landings: &landings::Landings, chain_id: u64) -> BTreeSet<u64> {
    let inputs = landings.errands().filter_map(|run| landings.input(run.errand.id));
    let messages = inputs.filter_map(|input| Hub::forwardCall::abi_decode(&input).ok()).flat_map(|call| call.ms);
    messages.filter(|message| message.srcChainId == chain_id).map(|message| message.index).collect()
}

/// Whether the landing of a block on its way proves its outbox.
fn proves(landings: &landings::Landings, block_hash: B256) -> bool {
    let call = landings.input(block_hash).and_then(|input| Hub::advanceCall::abi_decode(&input).ok());
    call.is_some_and(|call| !call.a.outboxAccountProof.is_empty())
}

fn push(tree: &mut Outbox, sent: &[Message]) -> Result<(), CrossingError> {
    for message in sent {
        let want = tree.push(message.leaf())?;
        if message.index != want {
            return Err(CrossingError::Gap { have: message.index, want });
        }
    }
    Ok(())
}
