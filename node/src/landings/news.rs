//! What happens to landings, for the log.

use alloy_primitives::B256;
use sequencer::landing::{Report, lane::What};

/// One line for a report on a transaction.
pub(super) fn log(what: What, report: &Report) {
    let (chain, number) = match what {
        What::Advance { chain_id, number, .. } => (chain_id, number),
        What::Errand { id } => return log_errand(&id, report),
        What::Cancel => (0, 0),
    };
    match report {
        Report::Landed { l1_number } => tracing::info!(chain, number, l1_number, "landed"),
        Report::Final { .. } => tracing::debug!(chain, number, "final"),
        Report::TakenBack => tracing::warn!(chain, number, "an L1 reorg took the block back; landing it again"),
        Report::Lost { winner } => tracing::warn!(chain, number, %winner, "another block landed first"),
        Report::Bumped { fees } => tracing::warn!(chain, number, ?fees, "landing is late; fees raised"),
        Report::Reverted(reverted) => tracing::error!(chain, number, ?reverted, "Hub refused the landing"),
        // Alarms, which say it once.
        Report::FeeCapReached { .. } | Report::WalletEmpty => {}
        Report::Displaced { nonce } => {
            tracing::error!(chain, number, nonce, "the landing's nonce was used by a transaction that is not ours")
        }
        Report::Overtaken { nonce } => {
            tracing::warn!(chain, number, nonce, "a dead transaction of ours was included before it could be replaced")
        }
        Report::Unwound => tracing::warn!(chain, number, "the block it was built on did not land; it is built anew"),
        Report::OriginGone { origin } => {
            tracing::warn!(chain, number, origin, "the L1 origin is gone; the block is built anew")
        }
        Report::Cancelling { nonce } => tracing::warn!(chain, number, nonce, "a dead landing is cancelled"),
        Report::Refused => tracing::error!(chain, number, "the L1 node refuses the landing for good"),
        Report::Unexpected => tracing::error!(chain, number, "an event that can't be: a defect"),
    }
}

fn log_errand(id: &B256, report: &Report) {
    match report {
        Report::Landed { l1_number } => tracing::info!(%id, l1_number, "errand done"),
        Report::TakenBack => tracing::warn!(%id, "an L1 reorg took the errand back; running it again"),
        Report::Reverted(reverted) => tracing::warn!(%id, ?reverted, "Hub refused the errand"),
        Report::Unwound => tracing::warn!(%id, "what the errand needs did not land"),
        Report::Final { .. } => tracing::debug!(%id, "errand final"),
        other => tracing::warn!(%id, report = ?other, "errand"),
    }
}
