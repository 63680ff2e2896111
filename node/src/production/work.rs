//! One block's work: plan the relay, build on what there is, check it as L1 will, and make what its landing carries.
//!
//! Must not know: when to build, what becomes of the block.

use super::{
    Neighbours, ProductionError, consumed,
    tips::{AfterBlock, Ground, Tips},
};
use crate::{
    crossing::{self, Proven},
    landings::Sealed,
    pool::TxPool,
    turn::Turn,
};
use alloy_consensus::{TxEip1559, transaction::SignerRecoverable};
use alloy_eips::eip1559::BaseFeeParams;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use bridge::{
    abi::OutboxProof,
    anchor::Anchor,
    gas::{Items, Sizes as LandingSizes},
    message::Message,
    opening::Commitments,
};
use chainspec::{RollupConfig, predeploys};
use engine::{BuildOn, InboxEntry};
use execution::{
    ChainState, Executed, RecoveredTx, Sizes, StateView, Transaction, block::SealedHeader, second, stateless, trie,
};
use l1::Signer;
use rpc::PendingBlock;
use sequencer::{
    attributes::{self, Aim, GasBounds, Named, Need, Origin},
    budget::Settlement,
    builder::{self, BuildError, Built, SealedBy, Task},
    landing::lane::Block,
    pool::Best,
    relay::{self, Budget, Inbox, Plan},
};
use std::sync::Arc;
use storage::Chain;

/// Storage slot of the Messenger (bridge/SPEC.md): the outbox's root.
const OUTBOX_ROOT_SLOT: U256 = U256::ZERO;

/// Transactions in one block; more would not fit the settlement budget.
const MAX_TRANSACTIONS: usize = 2_000;

/// A relay may take this much of a block's gas limit, as a fraction: users' transactions get the rest.
const RELAY_SHARE: u64 = 2;

/// Calldata of one relay, bytes: a third of what a landing can carry.
const RELAY_BYTES: usize = 40_000;

/// Messages in one relay.
const RELAY_MESSAGES: usize = 64;

/// One block's work, on a blocking thread: see [`Work::run`].
pub(super) struct Work {
    pub(super) kzg: Arc<dyn Commitments>,
    pub(super) chain: Chain,
    pub(super) pool: Arc<TxPool>,
    pub(super) turn: Arc<Turn>,
    pub(super) signer: Signer,
    pub(super) config: RollupConfig,
    pub(super) fee_recipient: Address,
    pub(super) on: BuildOn,
    pub(super) origin: Origin,
    /// What the parent named.
    pub(super) named: Named,
    /// On which the block is built, ascending.
    pub(super) in_flight: Vec<Block>,
    pub(super) tips: Tips,
    /// Blocks that may follow this one in the slot.
    pub(super) room: usize,
    pub(super) inbox: Vec<InboxEntry>,
    pub(super) neighbours: Neighbours,
}

/// A block that is executed, and not checked yet as L1 will.
pub(super) struct Open {
    pub(super) executed: Executed,
    pub(super) anchor: Anchor,
    /// Pool transactions that no block will ever take.
    pub(super) dropped: Vec<B256>,
    /// The state below it.
    pub(super) state: Arc<dyn ChainState>,
    pub(super) sealed_by: SealedBy,
    /// Whether something waits that did not fit.
    pub(super) leaves_more: bool,
    /// The errand that it counts on.
    pub(super) after: Option<B256>,
}

/// A block ready to be landed.
pub(super) struct Ready {
    pub(super) executed: Arc<Executed>,
    pub(super) sealed: Sealed,
    /// Pool transactions that no block will ever take.
    pub(super) dropped: Vec<B256>,
    pub(super) pending: PendingBlock,
    pub(super) sealed_by: SealedBy,
    pub(super) leaves_more: bool,
    /// What it sends, where its landing proves its outbox.
    pub(super) proven: Option<Proven>,
}

impl Work {
    /// Builds, checks and seals.
    pub(super) fn run(self) -> Result<Option<Ready>, ProductionError> {
        let Some(open) = self.open()? else { return Ok(None) };
        let (sealed, proven) = self.seal(&open)?;
        let Open { executed, anchor: _, dropped, state, sealed_by, leaves_more, after: _ } = open;
        let executed = Arc::new(executed);
        let pending = AfterBlock::new(state, Arc::clone(&executed)).pending();
        Ok(Some(Ready { executed, sealed, dropped, pending, sealed_by, leaves_more, proven }))
    }

    /// Builds.
    pub(super) fn open(&self) -> Result<Option<Open>, ProductionError> {
        let head = self.chain.head();
        if self.in_flight.is_empty() && (head.number, head.hash()) != (self.on.parent.number, self.on.parent.hash) {
            return Err(ProductionError::NotHead(self.on.parent));
        }
        let Ground { parent, state, above } = self.tips.ground(&self.chain, self.on.parent, &self.in_flight)?;
        let Some(timestamp) = attributes::timestamp(parent.timestamp, self.on.slot_timestamp, self.room as u64) else {
            return Ok(None); // The seconds of this slot are used up.
        };
        let consumed = consumed(&*state)?;
        let mut pending: Vec<Message> = self
            .inbox
            .iter()
            .map(|entry| entry.message.clone())
            .filter(|message| message.index >= consumed.count)
            .collect();
        let known = pending.last().map_or(consumed.count, |message| message.index + 1);
        if let Some(bundle) = &self.neighbours.bundle {
            pending.extend(bundle.messages(known));
        }
        if self.named.inbox_count > consumed.count + pending.len() as u64 {
            return Ok(None); // The parent, on its way, counts on messages that are on their way, too.
        }
        let base_fee = parent.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default();
        // A copy, so that RPC does not wait behind the block.
        let snapshot = self.pool.after(&above, &*state, base_fee)?;
        let need = Need {
            has_transactions: snapshot.best(base_fee, 1).next().is_some(),
            has_messages: !pending.is_empty(),
            parent_time: parent.timestamp,
            slot_time: self.on.slot_timestamp,
        };
        if !need.is_due(attributes::MAX_IDLE_DEFAULT) {
            if self.in_flight.is_empty() {
                self.turn.nothing_waits();
            }
            return Ok(None);
        }
        if !self.turn.is_ours(&self.on)? {
            return Ok(None);
        }

        let inbox =
            Inbox { chain_id: self.chain.spec().chain_id, consumed, named: self.named.inbox_count, pending: &pending };
        let messages = pending.last().map_or(0, |message| message.index + 1);
        let base = Base { parent: &parent, state: &state, base_fee, timestamp, need, known, messages };
        let mut is_signed = true;
        for budget in relay_budgets(parent.gas_limit) {
            let plan = relay::plan(&inbox, &budget)?;
            let is_last = budget.messages == 0;
            if !is_signed && !is_last {
                continue; // The signer was waited for once; there is no time for more.
            }
            if plan.relay.is_none() && need.has_messages && !is_last {
                continue; // The first message needs more room than this.
            }
            match self.attempt(&base, plan, &mut snapshot.best(base_fee, 1)) {
                Err(ProductionError::Build(
                    error @ (BuildError::RelayRefused { .. } | BuildError::RelayFailed { .. }),
                )) if !is_last => {
                    // A stranger's message must not stop everyone's transactions.
                    tracing::warn!(%error, messages = budget.messages, "a relay does not fit; trying with fewer messages");
                }
                Err(ProductionError::Unsigned(error)) if !is_last => {
                    // The messages wait for a later block, the users' transactions do not.
                    tracing::warn!(%error, "the relay of L1 messages is not signed; this block goes without it");
                    is_signed = false;
                }
                done => return done,
            }
        }
        unreachable!("the last budget relays nothing, and its outcome is returned")
    }

    /// Builds with the messages of `plan`.
    fn attempt(&self, base: &Base<'_>, plan: Plan, best: &mut Best<'_>) -> Result<Option<Open>, ProductionError> {
        let Base { parent, state, base_fee, timestamp, need, known, messages } = *base;
        let relayed = plan.inbox.count;
        let bundle = self.neighbours.bundle.as_ref().filter(|_| relayed > known);
        let bounds = GasBounds { min: self.config.gas_limit_min, max: self.config.gas_limit_max };
        let demand = parent.gas_used.max(plan.wanted_gas);
        let aim = Aim {
            chain_id: self.chain.spec().chain_id,
            timestamp,
            origin: self.origin,
            inbox: plan.inbox,
            gas_limit: attributes::gas_limit(parent.gas_limit, demand, bounds),
            fee_recipient: self.fee_recipient,
            extra_data: Bytes::from_static(b"basalt"),
        };
        let (attributes, anchor) = attributes::attributes(parent, self.named, aim)?;
        let relay = match plan.relay {
            Some(relay) => {
                let input = relay.calldata(&anchor, attributes.timestamp);
                vec![self.relay_transaction(&**state, input, relay.gas_limit, base_fee)?]
            }
            None => Vec::new(),
        };
        let settlement = Settlement {
            gas_limit: attributes.gas_limit,
            extra_data: attributes.extra_data.len(),
            outbox_proof: if self.neighbours.served.is_empty() { Items::default() } else { crossing::PROOF_ROOM },
        };
        let fits = |sizes: &Sizes| settlement.fits(sizes);
        let task = Task {
            spec: self.chain.spec(),
            parent,
            attributes,
            state: &**state,
            relay: &relay,
            fits: &fits,
            max_transactions: MAX_TRANSACTIONS,
            is_heartbeat: need.is_heartbeat_due(attributes::MAX_IDLE_DEFAULT),
        };
        let built = builder::build(task, best)?;
        // A verdict on top of blocks that may not land is none for good.
        let dropped: Vec<B256> = if self.in_flight.is_empty() { built.dropped().collect() } else { Vec::new() };
        for rejection in built.refused.iter().filter(|rejection| dropped.contains(&rejection.hash)) {
            tracing::info!(hash = %rejection.hash, reason = %rejection.reason, "dropped from the pool");
        }
        let Built { executed, sealed_by, .. } = built;
        let Some(executed) = executed else { return Ok(None) };
        let leaves_more = sealed_by != SealedBy::Drained || relayed < messages;
        let (state, after) = (Arc::clone(state), bundle.map(|bundle| bundle.errand));
        Ok(Some(Open { executed, anchor, dropped, state, sealed_by, leaves_more, after }))
    }

    fn relay_transaction(
        &self,
        state: &dyn StateView,
        input: Bytes,
        gas_limit: u64,
        base_fee: u64,
    ) -> Result<RecoveredTx, ProductionError> {
        let nonce = state.account(self.signer.address())?.map_or(0, |account| account.nonce);
        let transaction = TxEip1559 {
            chain_id: self.chain.spec().chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas: u128::from(base_fee),
            max_priority_fee_per_gas: 0,
            to: TxKind::Call(predeploys::MESSENGER),
            input,
            ..Default::default()
        };
        let signed = Transaction::Eip1559(self.signer.sign_blocking(transaction)?);
        let sender = signed.recover_signer().expect("what was just signed recovers its signer");
        Ok(RecoveredTx::new_unchecked(signed, sender))
    }

    /// Checks the block as L1 will, twice, and makes everything that its landing carries.
    fn seal(&self, open: &Open) -> Result<(Sealed, Option<Proven>), ProductionError> {
        let Open { executed, anchor, state, after, .. } = open;
        let input = stateless::input(self.chain.spec().chain_id, executed)
            .map_err(|error| ProductionError::Input(error.to_string()))?;
        let bytes: Bytes = input.encode().into();
        stateless::validate(&bytes)?;
        second::check(&bytes)?;
        let sent = crossing::sent_in(&executed.receipts);
        // Nobody else waits for L1 to hear of it in this very block.
        let is_proven = sent.iter().any(|message| self.neighbours.served.contains(&message.dst_chain_id));
        let proof = if is_proven { outbox_proof(executed, &**state)? } else { OutboxProof::default() };
        let items = [&proof.account, &proof.storage].map(|nodes| Items::of(nodes));
        let outbox_proof = Items { count: items[0].count + items[1].count, bytes: items[0].bytes + items[1].bytes };
        let cost = bridge::gas::advance_gas(&LandingSizes { outbox_proof, ..LandingSizes::of(&input) });
        let data = bridge::blob::encode(&input.payload.block_access_list, &input.payload.transactions);
        let openings = self.kzg.open(&data)?;
        let sidecar = self.kzg.sidecar(bridge::blob::to_blobs(&data))?;
        let input_bytes = bytes.len();
        let proven = is_proven.then(|| Proven { hash: executed.block.hash(), sent });
        let sealed = Sealed {
            block: Block {
                chain_id: self.chain.spec().chain_id,
                number: executed.block.number,
                hash: executed.block.hash(),
                parent_hash: executed.block.parent_hash,
                timestamp: executed.block.timestamp,
                origin: anchor.origin_number,
                inbox_count: anchor.inbox_count,
                gas_limit: cost.gas_limit(),
                after: *after,
            },
            calldata: bridge::abi::advance(anchor, &openings, proof, bytes),
            sidecar,
            input_bytes,
        };
        Ok((sealed, proven))
    }
}

/// Proof of the outbox's root after a block, under the block's own state root. What the block left alone has the same place in
/// the tries of `parent`.
fn outbox_proof(executed: &Executed, parent: &dyn ChainState) -> Result<OutboxProof, ProductionError> {
    let proof = trie::account_proof(&executed.tree, &parent, predeploys::MESSENGER, &[OUTBOX_ROOT_SLOT])?;
    let storage = proof.storage.into_iter().next().map(|slot| slot.proof).unwrap_or_default();
    Ok(OutboxProof { account: proof.proof, storage })
}

/// What every attempt at one block shares.
#[derive(Clone, Copy)]
struct Base<'a> {
    parent: &'a SealedHeader,
    state: &'a Arc<dyn ChainState>,
    base_fee: u64,
    timestamp: u64,
    need: Need,
    /// Messages into the rollup that are on L1.
    known: u64,
    /// Messages into the rollup that are known, those of a bundle among them.
    messages: u64,
}

/// What to try, in order: many messages in half a block; one, with all of it, because Hub admits messages that large;
/// none.
fn relay_budgets(gas_limit: u64) -> [Budget; 3] {
    let budget = |gas, messages| Budget { gas, bytes: RELAY_BYTES, messages };
    [budget(gas_limit / RELAY_SHARE, RELAY_MESSAGES), budget(gas_limit, 1), budget(0, 0)]
}

#[cfg(test)]
mod tests;
