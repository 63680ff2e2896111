//! Blocks that are sealed and have not landed, and the states after them: what the next block is built on.
//!
//! Must not know: whether they will land.

use super::ProductionError;
use alloy_primitives::{Address, B256, Bytes, U256};
use engine::BlockRef;
use execution::{
    Account, ChainState, Executed, NodeSource, StateError, StateView, block::SealedHeader, state::Lookup, trie::Place,
    trie::StateTree,
};
use rpc::PendingBlock;
use sequencer::landing::lane::Block;
use std::{collections::BTreeMap, sync::Arc};
use storage::{Chain, StorageError};

/// Executed blocks by hash.
#[derive(Clone, Debug, Default)]
pub struct Tips(BTreeMap<B256, Arc<Executed>>);

/// What a block is built on.
pub(super) struct Ground {
    /// The parent.
    pub(super) parent: SealedHeader,
    /// The state after it.
    pub(super) state: Arc<dyn ChainState>,
    /// The blocks between the landed chain and the new block, ascending.
    pub(super) above: Vec<Arc<Executed>>,
}

impl Tips {
    /// Remembers a block that was sealed here.
    pub(super) fn keep(&mut self, executed: Arc<Executed>) {
        self.0.insert(executed.block.hash(), executed);
    }

    /// Forgets all but `in_flight`.
    pub(super) fn retain(&mut self, in_flight: &[Block]) {
        self.0.retain(|hash, _| in_flight.iter().any(|block| block.hash == *hash));
    }

    /// What stands on `in_flight`, ascending; on `parent`, a landed block, when there is none. What an earlier run sealed
    /// is executed again.
    pub(super) fn ground(
        &self,
        chain: &Chain,
        parent: BlockRef,
        in_flight: &[Block],
    ) -> Result<Ground, ProductionError> {
        let landed = in_flight.first().map_or(parent.hash, |block| block.parent_hash);
        let mut parent = chain.header(landed)?.ok_or(ProductionError::NotHead(parent))?;
        let mut state: Arc<dyn ChainState> = chain.state_at(landed)?;
        let mut above = Vec::with_capacity(in_flight.len());
        for block in in_flight {
            let executed = match self.0.get(&block.hash) {
                Some(executed) => Arc::clone(executed),
                None => Arc::new(again(chain, &parent, &*state, block)?),
            };
            parent = executed.block.clone_sealed_header();
            state = Arc::new(AfterBlock { parent: state, executed: Arc::clone(&executed) });
            above.push(executed);
        }
        Ok(Ground { parent, state, above })
    }
}

fn again(
    chain: &Chain,
    parent: &SealedHeader,
    state: &dyn ChainState,
    block: &Block,
) -> Result<Executed, ProductionError> {
    let (stored, bal) = chain.side_block(block.hash)?.ok_or(StorageError::UnknownBlock(block.hash.into()))?;
    let executed = execution::execute(chain.spec(), parent, &stored, Some(&bal), state);
    executed.map_err(|error| ProductionError::Again { number: block.number, reason: error.to_string() })
}

/// The state after a block that has not landed: what it changed, over its parent's state.
pub(super) struct AfterBlock {
    parent: Arc<dyn ChainState>,
    executed: Arc<Executed>,
}

impl AfterBlock {
    /// `executed` was built on `parent`.
    pub(super) const fn new(parent: Arc<dyn ChainState>, executed: Arc<Executed>) -> Self {
        Self { parent, executed }
    }

    /// As RPC shows it.
    pub(super) fn pending(self) -> PendingBlock {
        PendingBlock {
            block: self.executed.block.clone(),
            receipts: self.executed.receipts.clone(),
            state: Arc::new(self),
        }
    }
}

impl StateView for AfterBlock {
    fn account(&self, address: Address) -> Result<Option<Account>, StateError> {
        match self.executed.diff.accounts.get(&address) {
            Some(diff) => Ok(diff.after),
            None => self.parent.account(address),
        }
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        match self.executed.diff.accounts.get(&address).and_then(|diff| diff.storage.get(&slot)) {
            Some((_, after)) => Ok(*after),
            None => self.parent.storage(address, slot),
        }
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        match self.executed.diff.codes.get(&hash) {
            Some(code) => Ok(code.clone()),
            None => self.parent.code(hash),
        }
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        if number == self.executed.block.number {
            Ok(self.executed.block.hash())
        } else {
            self.parent.block_hash(number)
        }
    }
}

impl NodeSource for AfterBlock {
    /// What the tree has not loaded the block did not touch: it stands where it stood before.
    fn node(&self, place: &Place, hash: B256) -> Result<Bytes, StateError> {
        self.parent.node(place, hash)
    }
}

impl ChainState for AfterBlock {
    fn tree(&self) -> &StateTree {
        &self.executed.tree
    }

    fn header(&self, number: u64) -> Result<Bytes, StateError> {
        if number == self.executed.block.number {
            return Ok(alloy_rlp::encode(self.executed.block.header()).into());
        }
        if number > self.executed.block.number {
            return Err(StateError::Missing(Lookup::BlockHash(number)));
        }
        self.parent.header(number)
    }
}

#[cfg(test)]
mod tests;
