//! The L1 behind its lock: the tree of blocks, which branch is canonical, what is final, and the pool that follows it.

use super::{
    Config, ControlError, Execution, Losses, Mine, Reorg,
    binding::Binding,
    block::{Block, Place},
    faults::Faults,
    ledger::{Account, Frame, Ledger, Sent},
    pool::{Pool, Rules},
    truth::Taken,
};
use crate::seed::Rng;
use alloy_eips::BlockNumHash;
use alloy_primitives::B256;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// How far back a transaction can look up block hashes; the rules need 64.
const ANCESTORS: usize = 256;

pub(super) struct World {
    pub(super) config: Config,
    pub(super) binding: Arc<dyn Binding>,
    pub(super) rng: Rng,
    pub(super) pool: Pool,
    pub(super) finalised: u64,
    pub(super) is_finality_stopped: bool,
    pub(super) endpoints: Vec<Faults>,
    /// Landings that the pool took, ever.
    pub(super) taken: Vec<Taken>,
    reorgs: u64,
    /// Blocks that a reorg took off the chain, back on it or not.
    pub(super) removed: BTreeSet<B256>,
    blocks: BTreeMap<B256, Arc<Block>>,
    /// Hash by number.
    canonical: Vec<B256>,
    /// Heads that were left, the latest last.
    left: Vec<B256>,
    salt: u64,
}

impl World {
    pub(super) fn new(config: Config, binding: Arc<dyn Binding>, rng: Rng) -> Self {
        let balances = config.balances.iter();
        let accounts = balances.map(|(address, balance)| (*address, Account { nonce: 0, balance: *balance })).collect();
        let after = Ledger { accounts, ..Ledger::default() };
        let genesis = Block::genesis(config.gas_limit, config.base_fee, config.genesis_time, after);
        let hash = genesis.hash;
        Self {
            config,
            binding,
            rng,
            pool: Pool::default(),
            finalised: 0,
            is_finality_stopped: false,
            endpoints: Vec::new(),
            taken: Vec::new(),
            reorgs: 0,
            removed: BTreeSet::new(),
            blocks: BTreeMap::from([(hash, Arc::new(genesis))]),
            canonical: vec![hash],
            left: Vec::new(),
            salt: 0,
        }
    }

    pub(super) fn block(&self, hash: B256) -> Option<&Arc<Block>> {
        self.blocks.get(&hash)
    }

    pub(super) fn head(&self) -> &Arc<Block> {
        let hash = self.canonical.last().expect("the genesis is never removed");
        &self.blocks[hash]
    }

    /// The block at `number` on the chain that ends with `head`.
    pub(super) fn ancestor<'a>(&'a self, head: &'a Arc<Block>, number: u64) -> Option<&'a Arc<Block>> {
        let mut block = head;
        while block.number() > number {
            if self.is_canonical(block) {
                return self.canonical.get(usize::try_from(number).ok()?).map(|hash| &self.blocks[hash]);
            }
            block = &self.blocks[&block.header.parent_hash];
        }
        (block.number() == number).then_some(block)
    }

    pub(super) fn is_canonical(&self, block: &Block) -> bool {
        usize::try_from(block.number()).ok().and_then(|at| self.canonical.get(at)) == Some(&block.hash)
    }

    /// The highest canonical block on the chain that ends with `head`.
    pub(super) fn fork_point(&self, head: &Arc<Block>) -> u64 {
        let mut block = head;
        while !self.is_canonical(block) {
            block = &self.blocks[&block.header.parent_hash];
        }
        block.number()
    }

    pub(super) fn left(&self) -> &[B256] {
        &self.left
    }

    pub(super) const fn timestamp(&self, slot: u64) -> u64 {
        self.config.genesis_time + slot * self.config.slot_s
    }

    /// What a transaction in the child of `parent` sees; number, time and fees are still the parent's.
    pub(super) fn frame<'a>(&'a self, parent: &Block, ancestors: &'a [B256]) -> Frame<'a> {
        Frame {
            chain_id: self.config.chain_id,
            hub: self.config.hub,
            number: parent.number(),
            timestamp: parent.header.timestamp,
            base_fee: parent.header.base_fee_per_gas.unwrap_or_default(),
            blob_base_fee: 1,
            ancestors,
            binding: &*self.binding,
            executes: false,
        }
    }

    /// Hashes of the last blocks up to and with `head`.
    pub(super) fn ancestors(&self, head: &Arc<Block>) -> Vec<B256> {
        let mut hashes = vec![head.hash];
        let mut block = head;
        while hashes.len() < ANCESTORS
            && let Some(parent) = self.blocks.get(&block.header.parent_hash)
        {
            hashes.push(parent.hash);
            block = parent;
        }
        hashes.reverse();
        hashes
    }

    pub(super) fn mine(&mut self, slot: u64, mine: &Mine) -> Result<BlockNumHash, ControlError> {
        let parent = self.head().clone();
        if slot <= parent.slot {
            return Err(ControlError::SlotTaken { slot, head: parent.slot });
        }
        self.salt += 1;
        let ancestors = self.ancestors(&parent);
        let (timestamp, gas_limit) = (self.timestamp(slot), self.config.gas_limit);
        let place = Place { parent: &parent, slot, timestamp, gas_limit, salt: self.salt };
        let lines = self.pool.lines().filter(|_| !mine.is_empty);
        let execution = self.config.execution;
        let executes = |rng: &mut Rng| match execution {
            Execution::Never => false,
            Execution::Sampled { percent } => rng.chance(percent.min(100), 100),
            Execution::Always => true,
        };
        let mut rng = self.rng.clone();
        let block = Block::build(&place, mine, lines, self.frame(&parent, &ancestors), executes, &mut rng);
        self.rng = rng;
        let at = BlockNumHash { number: block.number(), hash: block.hash };
        self.blocks.insert(block.hash, Arc::new(block));
        self.canonical.push(at.hash);
        self.settle();
        Ok(at)
    }

    /// Pool and finality follow the head.
    fn settle(&mut self) {
        let head = self.head().clone();
        self.pool.follow(|sender| head.after.account(sender).nonce);
        if !self.is_finality_stopped {
            let last_final = head.slot.saturating_sub(self.config.finality_slots);
            let candidates = (self.finalised..=head.number()).rev();
            let reached = candidates.filter_map(|number| self.ancestor(&head, number));
            let reached = reached.filter(|block| block.slot <= last_final).map(|block| block.number()).next();
            self.finalised = self.finalised.max(reached.unwrap_or_default());
        }
    }

    /// Takes the last blocks away. Their transactions wait again, but for those that the fault drops.
    pub(super) fn reorg(&mut self, reorg: &Reorg) -> Result<BlockNumHash, ControlError> {
        let head = self.head().clone();
        let to = head.number().checked_sub(reorg.depth).filter(|to| *to >= self.finalised);
        let to =
            to.ok_or(ControlError::Final { depth: reorg.depth, head: head.number(), finalised: self.finalised })?;
        let slots = self.take_back(to, &reorg.loses);
        if reorg.rebuild {
            for slot in slots {
                self.mine(slot, &reorg.mine)?;
            }
        } else {
            self.settle();
        }
        let head = self.head();
        Ok(BlockNumHash { number: head.number(), hash: head.hash })
    }

    /// Removes the canonical blocks above `to`; returns their slots, ascending.
    fn take_back(&mut self, to: u64, loses: &Losses) -> Vec<u64> {
        let head = self.head().clone();
        if head.number() == to {
            return Vec::new();
        }
        self.reorgs += 1;
        self.left.retain(|left| *left != head.hash);
        self.left.push(head.hash);
        let removed = self.canonical.split_off(usize::try_from(to + 1).expect("a length"));
        let mut slots = Vec::new();
        self.removed.extend(&removed);
        for hash in removed {
            let block = self.blocks[&hash].clone();
            slots.push(block.slot);
            for included in &block.included {
                if !loses.takes(&included.sent, self.config.hub, &mut self.rng) {
                    self.pool.put_back(included.sent.clone());
                }
            }
        }
        slots
    }

    /// Makes the chain that ends with `hash` canonical: back to a branch that was left.
    pub(super) fn switch_to(&mut self, hash: B256) -> Result<(), ControlError> {
        let target = self.blocks.get(&hash).cloned().ok_or(ControlError::UnknownBlock(hash))?;
        let mut branch = Vec::new();
        let mut block = target.clone();
        while !self.is_canonical(&block) {
            branch.push(block.hash);
            block = self.blocks[&block.header.parent_hash].clone();
        }
        if block.number() < self.finalised {
            let (head, depth) = (self.head().number(), self.head().number() - block.number());
            return Err(ControlError::Final { depth, head, finalised: self.finalised });
        }
        self.take_back(block.number(), &Losses::Nothing);
        self.canonical.extend(branch.into_iter().rev());
        self.left.retain(|left| *left != hash);
        self.settle();
        Ok(())
    }

    /// The block on the chain of `head` that holds a transaction, and its place there.
    pub(super) fn find(&self, head: &Arc<Block>, hash: B256) -> Option<(Arc<Block>, usize)> {
        // From the newest: what is asked about was sent lately.
        let mut block = Some(head);
        while let Some(candidate) = block {
            if let Some(at) = candidate.included.iter().position(|included| included.sent.hash == hash) {
                return Some((candidate.clone(), at));
            }
            block = self.blocks.get(&candidate.header.parent_hash);
        }
        None
    }

    /// Takes a transaction into the pool.
    pub(super) fn accept(&mut self, sent: Sent, bytes: usize) -> Result<B256, String> {
        let account = self.head().after.account(sent.from);
        let rules = Rules { chain_id: self.config.chain_id, gas_limit: self.head().header.gas_limit, bytes };
        let taken = Taken::of(&sent, self.config.hub, self.reorgs);
        let hash = self.pool.add(sent, account, &rules)?;
        self.taken.extend(taken);
        Ok(hash)
    }
}
