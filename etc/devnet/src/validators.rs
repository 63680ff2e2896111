//! The named validators and who of them proposes in which slot. A pure function of the slot: the same in every run, so
//! that tests can expect a proposer by name. Must not know blocks.

use alloy_primitives::{Address, FixedBytes, keccak256};

/// Slots of an epoch, as on mainnet.
pub const SLOTS_PER_EPOCH: u64 = 32;

/// The validators by index.
pub const NAMES: [&str; 8] = ["ada", "barbara", "cecilia", "donald", "edsger", "frances", "grace", "hedy"];

/// One validator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validator {
    /// Index in the registry, below [`NAMES`]' length.
    pub index: u64,
    /// What we call it.
    pub name: &'static str,
    /// 48 bytes in the place of a BLS key: unique, but no point of the curve, since nothing is signed with it.
    pub pubkey: FixedBytes<48>,
    /// Where its blocks' tips go.
    pub fee_recipient: Address,
}

impl Validator {
    fn new(index: usize) -> Self {
        let name = NAMES[index];
        let low = keccak256(["basalt.devnet.validator.", name].concat());
        let high = keccak256(low);
        let mut pubkey = FixedBytes::<48>::ZERO;
        pubkey[..32].copy_from_slice(low.as_slice());
        pubkey[32..].copy_from_slice(&high[..16]);
        // The flag bits of a compressed point, so that decoders which look at nothing else are content.
        pubkey[0] = pubkey[0] & 0x1f | 0x80;
        Self { index: index as u64, name, pubkey, fee_recipient: Address::from_word(high) }
    }
}

/// All validators in the order of their index.
pub fn all() -> impl Iterator<Item = Validator> {
    (0..NAMES.len()).map(Validator::new)
}

/// Who proposes in `slot`.
pub fn proposer(slot: u64) -> Validator {
    let hash = keccak256([&b"basalt.devnet.proposer."[..], &slot.to_be_bytes()].concat());
    Validator::new(usize::from(hash[0]) % NAMES.len())
}

/// The epoch of a slot.
pub const fn epoch(slot: u64) -> u64 {
    slot / SLOTS_PER_EPOCH
}

/// Slots of an epoch with their proposers; `None` for an epoch beyond the last slot there can be.
pub fn lookahead(epoch: u64) -> Option<Vec<(u64, Validator)>> {
    let first = epoch.checked_mul(SLOTS_PER_EPOCH)?;
    let last = first.checked_add(SLOTS_PER_EPOCH - 1)?;
    Some((first..=last).map(|slot| (slot, proposer(slot))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_lookahead_never_changes() {
        let names: Vec<_> = lookahead(0).unwrap().into_iter().map(|(_, validator)| validator.name).collect();
        assert_eq!(names.len(), 32);
        assert_eq!(names, lookahead(0).unwrap().into_iter().map(|(_, validator)| validator.name).collect::<Vec<_>>());
        assert_ne!(lookahead(0), lookahead(1));
        assert_eq!(lookahead(u64::MAX), None);
    }

    #[test]
    fn every_validator_has_its_own_key_and_its_own_slots() {
        let keys: BTreeSet<_> = all().map(|validator| validator.pubkey).collect();
        let payees: BTreeSet<_> = all().map(|validator| validator.fee_recipient).collect();
        assert_eq!((keys.len(), payees.len()), (NAMES.len(), NAMES.len()));
        let seen: BTreeSet<_> = (0..256).map(|slot| proposer(slot).index).collect();
        assert_eq!(seen.len(), NAMES.len());
    }
}
