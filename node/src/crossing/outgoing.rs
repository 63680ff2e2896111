//! What a rollup's landed chain has sent out, as far back as is worth a look: the tree of its outbox from there on, and the messages
//! to rollups of this process that were not forwarded yet.
//!
//! Must not know: how they are forwarded.

use super::{CrossingError, push};
use alloy_eips::BlockNumHash;
use alloy_primitives::{B256, BloomInput, U256};
use alloy_sol_types::SolEvent;
use bridge::{
    abi::Messenger,
    message::Message,
    outbox::{OUTBOX_DEPTH, Outbox},
};
use chainspec::predeploys::MESSENGER;
use execution::{Receipt, StateError, StateView};
use l1::HubReader;
use std::collections::{BTreeMap, BTreeSet};
use storage::Chain;

/// L2 blocks that a start, or an L1 reorg, looks back for messages: what is older and waits still, anyone may forward.
const LOOK_BACK: u64 = 1_024;

/// Candidates in one slot: each costs a question to L1.
const CANDIDATES_MAX: usize = 64;

/// Longest pause between two questions about a message that Hub would refuse, L1 blocks.
const PAUSE_MAX: u64 = 64;

/// Storage slots of the Messenger (bridge/SPEC.md): messages sent so far, and the first of the outbox's frontier.
const COUNT_SLOT: u64 = 1;
const BRANCH_SLOT: u64 = 2;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// `None` until the chain is read.
    read: Option<Read>,
    /// By index.
    waiting: BTreeMap<u64, Waiting>,
    /// Up to which L1 block it is known what was forwarded.
    looked_up_to: Option<u64>,
}

#[derive(Debug)]
struct Read {
    tree: Outbox,
    up_to: BlockNumHash,
}

#[derive(Debug)]
struct Waiting {
    message: Message,
    /// L2 block that sent it.
    block: u64,
    /// L1 block before which Hub is not asked again.
    not_before: u64,
    /// The pause after the next refusal, L1 blocks.
    pause: u64,
}

/// The messages that transactions with these receipts sent, in order.
pub fn sent_in(receipts: &[Receipt]) -> Vec<Message> {
    let logs = receipts.iter().flat_map(|receipt| receipt.logs()).filter(|log| log.address == MESSENGER);
    logs.filter_map(|log| Messenger::MessageSent::decode_log(log).ok()).map(|event| event.data.message.into()).collect()
}

/// Messages in the outbox of this state.
pub(super) fn count(state: &dyn StateView) -> Result<u64, StateError> {
    Ok(state.storage(MESSENGER, U256::from(COUNT_SLOT))?.saturating_to())
}

/// The outbox of this state, to which messages can be added.
fn frontier(state: &dyn StateView) -> Result<Outbox, CrossingError> {
    let mut branch = [B256::ZERO; OUTBOX_DEPTH];
    for (slot, node) in (BRANCH_SLOT..).zip(&mut branch) {
        *node = state.storage(MESSENGER, U256::from(slot))?.into();
    }
    Ok(Outbox::from_frontier(count(state)?, &branch)?)
}

impl Outgoing {
    /// The tree up to the landed head that was read last.
    pub(super) fn tree(&self) -> Result<&Outbox, CrossingError> {
        let read = self.read.as_ref().map(|read| &read.tree);
        read.ok_or(CrossingError::Gap { have: 0, want: 0 })
    }

    /// Reads the landed chain on, up to its head; what it sent to `served` waits.
    pub(super) fn catch_up(&mut self, chain: &Chain, served: &BTreeSet<u64>) -> Result<(), CrossingError> {
        let landed = chain.heads().landed;
        let known = match self.read.take() {
            Some(read) if chain.canonical_hash(read.up_to.number)? == Some(read.up_to.hash) => Some(read),
            Some(_) | None => None,
        };
        let mut read = match known {
            Some(read) => read,
            None => {
                self.waiting.clear();
                self.looked_up_to = None;
                begin(chain, landed)?
            }
        };
        for number in read.up_to.number + 1..=landed.number {
            let Some(header) = chain.header(number)? else { break };
            if header.logs_bloom.contains_input(BloomInput::Raw(MESSENGER.as_slice())) {
                let sent = sent_in(&chain.receipts(number)?.unwrap_or_default());
                push(&mut read.tree, &sent)?;
                for message in sent.into_iter().filter(|message| served.contains(&message.dst_chain_id)) {
                    let waiting = Waiting { block: number, not_before: 0, pause: 1, message };
                    self.waiting.insert(waiting.message.index, waiting);
                }
            }
            read.up_to = BlockNumHash { number, hash: header.hash() };
        }
        self.read = Some(read);
        Ok(())
    }

    /// Forgets what L1 says was forwarded, up to its block `l1_head`.
    pub(super) async fn forget_forwarded(
        &mut self,
        chain: &Chain,
        hub: &HubReader,
        l1_head: u64,
    ) -> Result<(), CrossingError> {
        let Some(oldest) = self.waiting.values().next() else { return Ok(()) };
        let from = match self.looked_up_to {
            Some(looked) => looked + 1,
            // Not before its block landed.
            None => chain.landing(oldest.block)?.map_or(0, |landed| landed.l1_number),
        };
        for index in hub.forwarded(from, l1_head).await? {
            self.waiting.remove(&index);
        }
        self.looked_up_to = Some(l1_head.max(from.saturating_sub(1)));
        Ok(())
    }

    /// What Hub may be asked about on this L1 block, ascending, without those in `taken`.
    pub(super) fn candidates(&self, l1_number: u64, taken: &BTreeSet<u64>) -> Vec<Message> {
        let is_due = |(index, waiting): &(&u64, &Waiting)| !taken.contains(*index) && waiting.not_before <= l1_number;
        let due = self.waiting.iter().filter(is_due).map(|(_, waiting)| waiting.message.clone());
        due.take(CANDIDATES_MAX).collect()
    }

    /// Hub would refuse these on this L1 block.
    pub(super) fn refused(&mut self, indices: &[u64], l1_number: u64) {
        for index in indices {
            if let Some(waiting) = self.waiting.get_mut(index) {
                waiting.not_before = l1_number.saturating_add(waiting.pause);
                waiting.pause = (waiting.pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

/// Where reading begins: some blocks below the head, or at it where states that old are forgotten.
fn begin(chain: &Chain, landed: BlockNumHash) -> Result<Read, CrossingError> {
    let first = landed.number.saturating_sub(LOOK_BACK);
    let (number, state) = match chain.state_at(first) {
        Ok(state) => (first, state),
        Err(_) => (landed.number, chain.state_at(landed.hash)?),
    };
    let hash = chain.canonical_hash(number)?.unwrap_or(landed.hash);
    Ok(Read { tree: frontier(&*state)?, up_to: BlockNumHash { number, hash } })
}
