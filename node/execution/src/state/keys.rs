//! Hashes of addresses and slots, made side by side before anyone asks: a block access list (EIP-7928) names them all.
//!
//! A help, never an authority: what is not here is hashed when it is asked for. Must not know: what lies under a key.

use crate::keccak;
use alloy_primitives::{
    Address, B256, U256,
    map::{AddressMap, HashMap},
};
use alloy_rlp::{Decodable, Header};

/// keccak256 of addresses and of slots.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    addresses: AddressMap<B256>,
    slots: HashMap<U256, B256>,
}

impl Keys {
    /// Of everything that the list `bal` (RLP) names, up to where it stops to be one.
    pub fn of(bal: &[u8]) -> Self {
        let (mut addresses, mut slots) = (Vec::new(), Vec::new());
        // A list that does not decode is no block's: execution says so, with the reason.
        let _ = walk(bal, &mut addresses, &mut slots);
        slots.sort_unstable();
        slots.dedup();
        let words: Vec<[u8; 32]> = slots.iter().map(|slot| slot.to_be_bytes()).collect();
        let words: Vec<&[u8]> = words.iter().map(|word| &word[..]).collect();
        let raw: Vec<&[u8]> = addresses.iter().map(|address| address.as_slice()).collect();
        Self {
            addresses: addresses.iter().copied().zip(keccak::batch(&raw)).collect(),
            slots: slots.iter().copied().zip(keccak::batch(&words)).collect(),
        }
    }

    /// keccak256 of `address`.
    pub fn address(&self, address: Address) -> B256 {
        self.addresses.get(&address).copied().unwrap_or_else(|| keccak::one(address.as_slice()))
    }

    /// keccak256 of `slot`, as 32 bytes.
    pub fn slot(&self, slot: U256) -> B256 {
        self.slots.get(&slot).copied().unwrap_or_else(|| keccak::one(&slot.to_be_bytes::<32>()))
    }
}

/// `[[address, [[slot, changes]...], [slot...], ...]...]`
fn walk(mut bal: &[u8], addresses: &mut Vec<Address>, slots: &mut Vec<U256>) -> alloy_rlp::Result<()> {
    let mut accounts = Header::decode_bytes(&mut bal, true)?;
    while !accounts.is_empty() {
        let mut account = Header::decode_bytes(&mut accounts, true)?;
        addresses.push(Address::decode(&mut account)?);
        let mut changes = Header::decode_bytes(&mut account, true)?;
        while !changes.is_empty() {
            slots.push(U256::decode(&mut Header::decode_bytes(&mut changes, true)?)?);
        }
        let mut reads = Header::decode_bytes(&mut account, true)?;
        while !reads.is_empty() {
            slots.push(U256::decode(&mut reads)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_eip7928::{AccountChanges, SlotChanges};
    use alloy_primitives::{address, keccak256};

    const BOB: Address = address!("0x00000000000000000000000000000000000000b0");

    fn list() -> Vec<u8> {
        let account = AccountChanges {
            address: BOB,
            storage_changes: vec![SlotChanges { slot: U256::from(300), changes: Vec::new() }],
            storage_reads: vec![U256::ZERO, U256::MAX],
            ..Default::default()
        };
        alloy_rlp::encode(vec![AccountChanges::default(), account])
    }

    #[test]
    fn every_address_and_slot_of_a_list_is_there_and_others_are_hashed_when_asked() {
        let keys = Keys::of(&list());
        assert_eq!((keys.addresses.len(), keys.slots.len()), (2, 3));
        for address in [BOB, Address::ZERO, Address::repeat_byte(7)] {
            assert_eq!(keys.address(address), keccak256(address));
        }
        for slot in [U256::from(300), U256::ZERO, U256::MAX, U256::from(1)] {
            assert_eq!(keys.slot(slot), keccak256(slot.to_be_bytes::<32>()));
        }
    }

    #[test]
    fn a_list_cut_anywhere_gives_what_is_whole_and_no_panic() {
        let list = list();
        for end in 0..list.len() {
            assert_eq!(Keys::of(&list[..end]).address(BOB), keccak256(BOB));
        }
    }
}
