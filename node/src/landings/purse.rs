//! What the landing account can still pay for.

use alloy_eips::eip4844::DATA_GAS_PER_BLOB;
use alloy_primitives::U256;
use sequencer::landing::{Market, Policy};

/// Gas of a landing before the first one is sealed: what one transaction may have (EIP-7825).
const GAS_AT_MOST: u64 = 1 << 24;

/// The size of a landing, and what the account held last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purse {
    gas_limit: u64,
    blobs: u64,
    /// The balance in wei, and how many landings it pays for, once it is known.
    pub(super) held: Option<(U256, u64)>,
}

impl Default for Purse {
    fn default() -> Self {
        Self { gas_limit: GAS_AT_MOST, blobs: 1, held: None }
    }
}

impl Purse {
    /// A landing of this size was sealed: the next ones will be like it.
    pub(super) const fn sealed(&mut self, gas_limit: u64, blobs: u64) {
        (self.gas_limit, self.blobs) = (gas_limit, blobs);
    }

    /// Landings that `balance` pays for at these prices, with the fees that each would offer at first.
    pub(super) fn look(&mut self, balance: U256, market: &Market, policy: &Policy) -> u64 {
        let fees = policy.opening(market);
        let gas = U256::from(self.gas_limit).saturating_mul(U256::from(fees.max_fee));
        let blobs = U256::from(self.blobs * DATA_GAS_PER_BLOB).saturating_mul(U256::from(fees.max_blob_fee));
        let landings = balance.checked_div(gas.saturating_add(blobs)).unwrap_or(U256::MAX).saturating_to();
        self.held = Some((balance, landings));
        landings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purse_counts_the_landings_that_it_pays_for_at_present_fees() {
        let policy = Policy { tip: 1, ..Policy::default() };
        let market = Market { base_fee: 7, blob_base_fee: 1 };
        let mut purse = Purse::default();
        purse.sealed(1_000_000, 2);
        // 2 x 7 + 1 a gas, 2 x 1 a blob gas.
        let each = 15 * 1_000_000 + 2 * 2 * DATA_GAS_PER_BLOB;
        assert_eq!(purse.look(U256::from(3 * each), &market, &policy), 3);
        assert_eq!(purse.look(U256::from(3 * each - 1), &market, &policy), 2);
        assert_eq!(purse.held, Some((U256::from(3 * each - 1), 2)));
        assert_eq!(purse.look(U256::from(3 * each), &Market { base_fee: 700, blob_base_fee: 1 }, &policy), 0);
        assert_eq!(purse.look(U256::MAX, &market, &policy), u64::MAX);
    }
}
