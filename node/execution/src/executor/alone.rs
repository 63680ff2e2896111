//! One transaction under a header, without the block around it: no header rules, no system calls, no rewards. Official state
//! tests describe exactly this. Must not know what becomes of the result.

use super::{BlockError, Included, run::Run};
use crate::{
    block::RecoveredTx,
    roots,
    state::{ChainState, StateDiff},
};
use alloy_consensus::Header;
use alloy_primitives::B256;
use chainspec::ChainSpec;
use std::sync::Arc;

/// What a transaction did on its own.
#[derive(Debug, Clone)]
pub struct Alone {
    /// Gas, logs, output.
    pub included: Included,
    /// How the state changed.
    pub diff: StateDiff,
    /// Root of the state after it.
    pub root: B256,
}

/// Runs `tx` on `state` in the environment that `header` describes: number, time, limits, fees, beneficiary, randomness.
///
/// # Errors
/// [`BlockError::Transaction`] when it is refused, and then nothing has changed; internal ones as in [`super::execute`].
pub fn run_alone(
    spec: &Arc<ChainSpec>,
    header: &Header,
    tx: &RecoveredTx,
    state: &dyn ChainState,
) -> Result<Alone, BlockError> {
    let mut run = Run::set_up(spec, header, &[], None, state)?;
    let outcome = run
        .attempt(tx.as_recovered_ref())
        .map_err(|reason| BlockError::transaction(0, *tx.inner().tx_hash(), reason))?;
    let included = run.commit(outcome)?;
    let diff = run.stop();
    let root = roots::next(state.tree(), &state, &diff)?.root();
    Ok(Alone { included, diff, root })
}
