//! The settlement budget: does a block still fit one `Hub.advance` transaction? (DESIGN §3)
//!
//! Joins what execution counts with what the bridge's gas model prices. Must not know: prices in wei, transactions.

use bridge::gas::{AdvanceGas, Exceeds, Items};
use execution::witness::Sizes;

#[cfg(test)]
mod tests;

/// What the landing of a block costs besides its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settlement {
    /// Gas limit of the L2 block: EXECUTE charges it in full.
    pub gas_limit: u64,
    /// Bytes of its extra data.
    pub extra_data: usize,
    /// Nodes of the outbox proof that is to go along.
    pub outbox_proof: Items,
}

impl Settlement {
    /// What landing a block of these sizes costs at most.
    ///
    /// # Errors
    /// The first limit it exceeds: such a block can never land.
    pub fn cost(&self, sizes: &Sizes) -> Result<AdvanceGas, Exceeds> {
        let items = |count, bytes| Items { count, bytes };
        bridge::gas::Sizes {
            gas_limit: self.gas_limit,
            extra_data: self.extra_data,
            transactions: items(sizes.transaction_count, sizes.transactions),
            bal: sizes.bal,
            state: items(sizes.node_count, sizes.nodes),
            codes: items(sizes.code_count, sizes.codes),
            headers: items(sizes.header_count, sizes.headers),
            outbox_proof: self.outbox_proof,
        }
        .fits()
    }

    /// Whether a block of these sizes can land: [`crate::builder::Task::fits`].
    pub fn fits(&self, sizes: &Sizes) -> bool {
        self.cost(sizes).is_ok()
    }
}
