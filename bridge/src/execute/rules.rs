//! What EXECUTE asks of an L2 block beyond validity, before it charges gas (ethrex `validate_l2_constraints`).

use super::StatelessInput;

/// A rule that every rollup block keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RollupRule {
    /// `blob_gas_used` must be zero.
    #[error("blob gas used is {0}, a rollup has none")]
    BlobGasUsed(u64),
    /// `excess_blob_gas` must be zero.
    #[error("excess blob gas is {0}, a rollup has none")]
    ExcessBlobGas(u64),
    /// There are no withdrawals.
    #[error("{0} withdrawals, a rollup has none")]
    Withdrawals(usize),
    /// There are no EIP-7685 requests.
    #[error("{0} requests, a rollup has none")]
    Requests(usize),
    /// Blob (0x03), frame (0x06) and privileged (0x7e) transactions are not allowed.
    #[error("transaction {index} has type {kind:#04x}, which no rollup takes")]
    TransactionType {
        /// Place in the block.
        index: usize,
        /// EIP-2718 type.
        kind: u8,
    },
}

impl StatelessInput {
    /// The first [`RollupRule`] that this input breaks, in EXECUTE's order.
    ///
    /// # Errors
    /// That rule.
    pub fn check_rollup_rules(&self) -> Result<(), RollupRule> {
        let payload = &self.payload;
        if payload.blob_gas_used != 0 {
            return Err(RollupRule::BlobGasUsed(payload.blob_gas_used));
        }
        if payload.excess_blob_gas != 0 {
            return Err(RollupRule::ExcessBlobGas(payload.excess_blob_gas));
        }
        if !payload.withdrawals.is_empty() {
            return Err(RollupRule::Withdrawals(payload.withdrawals.len()));
        }
        if self.requests.count() != 0 {
            return Err(RollupRule::Requests(self.requests.count()));
        }
        for (index, tx) in payload.transactions.iter().enumerate() {
            if let Some(&kind @ (0x03 | 0x06 | 0x7e)) = tx.first() {
                return Err(RollupRule::TransactionType { index, kind });
            }
        }
        Ok(())
    }
}
