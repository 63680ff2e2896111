//! What happens to landings, for the log.

use sequencer::landing::Report;

/// One line for a report on the landing of block `number`.
pub(super) fn log(number: u64, report: &Report) {
    match report {
        Report::Landed { l1_number } => tracing::info!(number, l1_number, "landed"),
        Report::Final { .. } => tracing::debug!(number, "final"),
        Report::TakenBack => tracing::warn!(number, "an L1 reorg took the block back; landing it again"),
        Report::Lost { winner } => tracing::warn!(number, %winner, "another block landed first"),
        Report::Bumped { fees } => tracing::warn!(number, ?fees, "landing is late; fees raised"),
        Report::Reverted(reverted) => tracing::error!(number, ?reverted, "Hub refused the landing"),
        // Alarms, which say it once.
        Report::FeeCapReached { .. } | Report::WalletEmpty => {}
        Report::Displaced { nonce } => {
            tracing::error!(number, nonce, "the landing's nonce was used by a transaction that is not ours")
        }
        Report::Overtaken { nonce } => {
            tracing::warn!(number, nonce, "a dead transaction of ours was included before it could be replaced")
        }
        Report::Unwound => tracing::warn!(number, "the block it was built on did not land; it is built anew"),
        Report::OriginGone { origin } => {
            tracing::warn!(number, origin, "the L1 origin is gone; the block is built anew")
        }
        Report::Cancelling { nonce } => tracing::warn!(number, nonce, "a dead landing is cancelled"),
        Report::Refused => tracing::error!(number, "the L1 node refuses the landing for good"),
        Report::Unexpected => tracing::error!(number, "an event that can't be: a defect"),
    }
}
