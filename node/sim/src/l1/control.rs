//! What the world does to L1: make blocks, take them back, change branches, stop finality, lose transactions.

use super::{
    L1,
    faults::{EndpointId, Faults},
    ledger::Sent,
};
use crate::seed::Rng;
use alloy_consensus::Transaction as _;
use alloy_eips::BlockNumHash;
use alloy_primitives::{Address, B256};

/// How a block is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mine {
    /// Without any transaction.
    pub is_empty: bool,
    /// In any order instead of by tip: a proposer may.
    pub shuffle: bool,
    /// So many of a hundred transactions are left out, each by the seed.
    pub left_out_percent: u64,
    /// Gas that others use; what is left is for the pool.
    pub others_gas: u64,
    /// The block's gas limit instead of the usual one. Such a step breaks the rule of 1/1024, which nodes don't check.
    pub gas_limit: Option<u64>,
    /// Blobs that others bring.
    pub others_blobs: u64,
    /// The base fee instead of what follows from the parent, wei. Such a header breaks EIP-1559, which nodes don't check.
    pub base_fee: Option<u64>,
    /// The excess blob gas instead of what follows from the parent.
    pub excess_blob_gas: Option<u64>,
}

/// What becomes of the transactions in blocks that are taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Losses {
    /// All wait again.
    #[default]
    Nothing,
    /// Messages and whatever else has no blobs are gone.
    Deposits,
    /// Landings are gone.
    Landings,
    /// So many of a hundred are gone, each by the seed.
    Some {
        /// 0 to 100.
        percent: u64,
    },
    /// All are gone.
    Everything,
}

impl Losses {
    pub(super) fn takes(self, sent: &Sent, hub: Address, rng: &mut Rng) -> bool {
        let is_landing = sent.blobs() > 0 && sent.tx.to() == Some(hub);
        match self {
            Self::Nothing => false,
            Self::Deposits => !is_landing,
            Self::Landings => is_landing,
            Self::Some { percent } => rng.chance(percent.min(100), 100),
            Self::Everything => true,
        }
    }
}

/// A reorg.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reorg {
    /// How many blocks are taken back.
    pub depth: u64,
    /// What becomes of their transactions.
    pub loses: Losses,
    /// Whether the new branch has a block in each slot of the old one at once; else it is the common ancestor, and grows
    /// with [`L1::mine`].
    pub rebuild: bool,
    /// How those blocks are made.
    pub mine: Mine,
}

/// Why L1 can't do that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The head is there already.
    #[error("slot {slot} is not above the head's, {head}")]
    SlotTaken {
        /// Asked for.
        slot: u64,
        /// The head's.
        head: u64,
    },
    /// What is final stays.
    #[error("{depth} blocks back from {head} would undo the final block {finalised}")]
    Final {
        /// Asked for.
        depth: u64,
        /// The head's number.
        head: u64,
        /// The final block's number.
        finalised: u64,
    },
    /// There is no such block.
    #[error("no block {0}")]
    UnknownBlock(B256),
}

impl L1 {
    /// Makes the block of `slot` on the canonical head.
    ///
    /// # Errors
    /// [`ControlError::SlotTaken`].
    pub fn mine(&self, slot: u64, mine: &Mine) -> Result<BlockNumHash, ControlError> {
        self.0.lock().mine(slot, mine)
    }

    /// Takes blocks back; returns the new head.
    ///
    /// # Errors
    /// [`ControlError::Final`].
    pub fn reorg(&self, reorg: &Reorg) -> Result<BlockNumHash, ControlError> {
        self.0.lock().reorg(reorg)
    }

    /// Makes the chain that ends with the block `hash` canonical, on whatever branch it lies. The blocks that leave the
    /// chain give their transactions back.
    ///
    /// # Errors
    /// [`ControlError::UnknownBlock`], [`ControlError::Final`].
    pub fn switch_to(&self, hash: B256) -> Result<(), ControlError> {
        self.0.lock().switch_to(hash)
    }

    /// Heads that were left by reorgs, the latest last: what [`Self::switch_to`] can flip back to.
    pub fn left(&self) -> Vec<B256> {
        self.0.lock().left().to_vec()
    }

    /// From now on nothing more becomes final, or again as it should.
    pub fn stop_finality(&self, is_stopped: bool) {
        self.0.lock().is_finality_stopped = is_stopped;
    }

    /// Hashes of the transactions that wait, by sender and nonce.
    pub fn waiting(&self) -> Vec<B256> {
        self.0.lock().pool.all().map(|sent| sent.hash).collect()
    }

    /// Loses a transaction that waits, and those of its sender behind it; whether there was one.
    pub fn lose(&self, hash: B256) -> bool {
        self.0.lock().pool.remove(hash)
    }

    /// Opens one more endpoint, honest for now.
    pub fn endpoint(&self) -> EndpointId {
        let mut world = self.0.lock();
        world.endpoints.push(Faults::default());
        EndpointId(world.endpoints.len() - 1)
    }

    /// From now on `endpoint` has these faults and no others.
    pub fn set_faults(&self, endpoint: EndpointId, faults: Faults) {
        self.0.lock().endpoints[endpoint.0] = faults;
    }
}
