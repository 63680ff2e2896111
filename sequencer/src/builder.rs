//! Building a block: the relay first, then the pool's best, until something is full.
//!
//! The builder is witness-aware: the caller's budget sees, before each transaction is included, how large the EXECUTE
//! input would become with it, so a sealed block always fits its landing. Must not know: where the budget comes from,
//! how the block is landed, who else builds.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes};
use chainspec::ChainSpec;
use execution::{
    block::{RecoveredTx, SealedHeader},
    executor::{Building, Executed, ExecutionError, Refused, Verdict},
    header::Attributes,
    state::ChainState,
    witness::Sizes,
};

use crate::pool::Best;

#[cfg(test)]
mod tests;

/// How many transactions in a row may be turned away for lack of room before the block counts as full: smaller ones
/// may still fit, but each try executes a transaction, and a stranger must not keep a builder busy past its slot.
pub const MAX_MISSES: usize = 32;

/// No Amsterdam transaction takes less gas (EIP-2780, a call to oneself).
const LEAST_TRANSACTION_GAS: u64 = 12_000;

/// What to build.
pub struct Task<'a> {
    /// The chain.
    pub spec: &'a Arc<ChainSpec>,
    /// The block to build on.
    pub parent: &'a SealedHeader,
    /// See [`crate::attributes`].
    pub attributes: Attributes,
    /// The state after `parent`.
    pub state: &'a dyn ChainState,
    /// Transactions that come first and must succeed: the relay of inbox messages, signed by the sequencer.
    pub relay: &'a [RecoveredTx],
    /// The settlement budget: whether a block with an EXECUTE input of these sizes can be landed.
    pub fits: &'a dyn Fn(&Sizes) -> bool,
    /// Transactions in all.
    pub max_transactions: usize,
    /// Whether a block without transactions is wanted: the heartbeat.
    pub is_heartbeat: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Built {
    /// The block; `None` if nothing could be included and no heartbeat was asked for.
    pub executed: Option<Executed>,
    /// Hashes of the pool's transactions in the block, in order, without the relay's.
    pub included: Vec<B256>,
    /// Transactions that were tried and are not in the block.
    pub refused: Vec<Rejection>,
    /// Why the block ends where it does.
    pub sealed_by: SealedBy,
}

impl Built {
    /// Hashes to take out of the pool for good; the other refused ones may fit a later block.
    pub fn dropped(&self) -> impl Iterator<Item = B256> + '_ {
        self.refused.iter().filter(|rejection| rejection.is_final).map(|rejection| rejection.hash)
    }
}

/// A transaction that was tried and not included.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// Its hash.
    pub hash: B256,
    /// Who signed it.
    pub sender: Address,
    /// Whether it can never be included: the pool should drop it.
    pub is_final: bool,
    /// Why.
    pub reason: Refused,
}

/// Why a block is not longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedBy {
    /// Nothing else was ready.
    Drained,
    /// Gas, or one of the limits of the fork.
    BlockFull,
    /// The settlement budget.
    BudgetFull,
    /// [`Task::max_transactions`].
    CountFull,
}

/// Why there is no block.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The attributes do not fit the parent, or the state could not be read.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// A relay transaction was refused.
    #[error("relay transaction {hash} was refused: {reason}")]
    RelayRefused {
        /// Its hash.
        hash: B256,
        /// Why.
        reason: Refused,
    },
    /// A relay transaction reverted: the block would name messages that nobody consumed.
    #[error("relay transaction {hash} failed after {gas_used} gas with {output}")]
    RelayFailed {
        /// Its hash.
        hash: B256,
        /// Gas it used.
        gas_used: u64,
        /// Its revert data.
        output: Bytes,
    },
    /// Even without transactions the block exceeds the settlement budget: its gas limit is too high, say.
    #[error("an empty block already exceeds the settlement budget")]
    BudgetTooSmall,
    /// A fault of ours while a transaction ran.
    #[error("transaction {hash} could not be judged: {reason}")]
    Broken {
        /// Its hash.
        hash: B256,
        /// What broke.
        reason: Refused,
    },
}

/// Builds a block. `best` is left where the block ends.
pub fn build(task: Task<'_>, best: &mut Best<'_>) -> Result<Built, BuildError> {
    let Task { spec, parent, attributes, state, relay, fits, max_transactions, is_heartbeat } = task;
    let mut building = Building::start(spec, parent, attributes, state)?;
    if !fits(&building.sizes()) {
        return Err(BuildError::BudgetTooSmall);
    }
    for tx in relay {
        push_relay(&mut building, tx, fits)?;
    }
    let (mut included, mut refused, mut misses) = (Vec::new(), Vec::new(), 0);
    let sealed_by = loop {
        if building.transactions().len() >= max_transactions {
            break SealedBy::CountFull;
        }
        if building.gas_left() < LEAST_TRANSACTION_GAS {
            break SealedBy::BlockFull;
        }
        let Some(pooled) = best.next() else { break SealedBy::Drained };
        let reason = match building.push_if(&pooled.tx, fits) {
            Ok(_) => {
                included.push(pooled.hash);
                misses = 0;
                continue;
            }
            Err(reason) => reason,
        };
        // What follows in this sender's line has no valid nonce now.
        best.skip_sender();
        let is_alone = building.transactions().is_empty();
        let is_final = match reason.verdict() {
            Verdict::Broken => return Err(BuildError::Broken { hash: pooled.hash, reason }),
            Verdict::Never => true,
            // What exceeds the budget all alone would do so in every block, and cost an execution each time.
            Verdict::Later => is_alone && matches!(reason, Refused::Budget),
        };
        let full = lack_of_room(&reason);
        refused.push(Rejection { hash: pooled.hash, sender: pooled.sender(), is_final, reason });
        if let Some(full) = full {
            misses += 1;
            if misses == MAX_MISSES {
                break full;
            }
        }
    };
    // A pool that ran dry, but not all of it fitted, has more to give to the next block.
    let last_full = refused.iter().rev().find_map(|rejection: &Rejection| lack_of_room(&rejection.reason));
    let sealed_by = match (sealed_by, last_full) {
        (SealedBy::Drained, Some(full)) => full,
        (sealed_by, _) => sealed_by,
    };
    let is_wanted = is_heartbeat || !building.transactions().is_empty();
    let executed = if is_wanted { Some(building.seal()?) } else { None };
    Ok(Built { executed, included, refused, sealed_by })
}

fn push_relay(building: &mut Building<'_>, tx: &RecoveredTx, fits: &dyn Fn(&Sizes) -> bool) -> Result<(), BuildError> {
    let hash = *tx.tx_hash();
    let done = building.push_if(tx, fits).map_err(|reason| BuildError::RelayRefused { hash, reason })?;
    if !done.success {
        return Err(BuildError::RelayFailed { hash, gas_used: done.gas_used, output: done.output });
    }
    Ok(())
}

/// Which limit a refusal speaks of, if it is one of room rather than of the transaction.
const fn lack_of_room(reason: &Refused) -> Option<SealedBy> {
    match reason {
        Refused::BlockFull { .. } | Refused::BalFull { .. } | Refused::BlockTooLong { .. } => Some(SealedBy::BlockFull),
        Refused::Budget => Some(SealedBy::BudgetFull),
        Refused::NonceAhead { .. }
        | Refused::Unpayable(_)
        | Refused::Signature(_)
        | Refused::Type(_)
        | Refused::Request(_)
        | Refused::Invalid(_)
        | Refused::State(_)
        | Refused::Evm(_) => None,
    }
}
