//! What really happened, on whatever branch, for whoever compares nodes with it.

use super::{L1, ledger::Sent};
use alloy_consensus::Transaction as _;
use alloy_eips::BlockNumHash;
use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::{SolCall as _, SolEvent as _};
use bridge::{abi::Hub as abi, execute::StatelessInput, landed::Landed};

/// A landing that L1 included, or that its pool took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Who pays.
    pub from: Address,
    /// With which nonce.
    pub nonce: u64,
    /// Its hash.
    pub transaction: B256,
    /// The L2 block that it carries.
    pub block: BlockNumHash,
    /// That block's parent.
    pub parent: B256,
}

/// An [`Offer`] that the pool took.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    from: Address,
    nonce: u64,
    transaction: B256,
    input: Bytes,
    reorgs: u64,
}

impl Taken {
    /// The landing in `sent`, taken after `reorgs`.
    pub(super) fn of(sent: &Sent, hub: Address, reorgs: u64) -> Option<Self> {
        let is_landing = sent.blobs() > 0 && sent.tx.to() == Some(hub);
        is_landing.then(|| Self {
            from: sent.from,
            nonce: sent.tx.nonce(),
            transaction: sent.hash,
            input: sent.tx.input().clone(),
            reorgs,
        })
    }

    fn offer(&self) -> Option<Offer> {
        let call = abi::advanceCall::abi_decode(&self.input).ok()?;
        let payload = StatelessInput::decode(&call.executeInput).ok()?.payload;
        Some(Offer {
            from: self.from,
            nonce: self.nonce,
            transaction: self.transaction,
            block: BlockNumHash { number: payload.block_number, hash: payload.block_hash },
            parent: payload.parent_hash,
        })
    }
}

impl L1 {
    /// Whether a block is on the canonical chain.
    pub fn is_canonical(&self, hash: B256) -> bool {
        let world = self.0.lock();
        world.block(hash).is_some_and(|block| world.is_canonical(block))
    }

    /// Whether a reorg ever took the block off the chain.
    pub fn was_left(&self, hash: B256) -> bool {
        self.0.lock().removed.contains(&hash)
    }

    /// The rollup's blocks that landed in the L1 block `hash`, which may have left the chain.
    pub fn landed_in(&self, chain_id: u64, hash: B256) -> Vec<Landed> {
        let world = self.0.lock();
        let Some(block) = world.block(hash) else { return Vec::new() };
        let logs = block.included.iter().flat_map(|included| included.receipt.logs());
        let events = logs.filter(|log| log.address == world.config.hub);
        let events = events.filter_map(|log| abi::BlockLanded::decode_log(log).ok());
        events.filter(|event| event.chainId == chain_id).map(|event| event.data.into()).collect()
    }

    /// Every landing on the canonical chain, in order, and whether Hub took it.
    pub fn included_landings(&self) -> Vec<(Offer, LandedState)> {
        let world = self.0.lock();
        let blocks = (0..=world.head().number()).filter_map(|number| world.ancestor(world.head(), number));
        let mut found = Vec::new();
        for included in blocks.flat_map(|block| &block.included) {
            let Some(offer) = Taken::of(&included.sent, world.config.hub, 0).and_then(|taken| taken.offer()) else {
                continue;
            };
            found.push((offer, if included.receipt.status() { LandedState::Landed } else { LandedState::Reverted }));
        }
        found
    }

    /// Every landing that the pool ever took, in order, and how many reorgs there had been.
    pub fn offered_landings(&self) -> Vec<(Offer, u64)> {
        let world = self.0.lock();
        world.taken.iter().filter_map(|taken| Some((taken.offer()?, taken.reorgs))).collect()
    }
}

/// What became of an included landing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LandedState {
    /// Hub took it.
    Landed,
    /// Hub refused it, and its fees are gone.
    Reverted,
}
