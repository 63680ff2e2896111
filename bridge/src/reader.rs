//! Reading L1 on a rollup (SPEC section 15): the arguments of `L1Reader` and of wallets that stand on it. It must not know
//! where headers and proofs come from.
//!
//! ```text
//! BlockLanded, or a relay's calldata ─► Anchor ─┐
//! L1 header, RLP ──────────────────────────────┴─► L1Reader.prove ─► l1Block
//! eth_getProof at that L1 block ─────────────────► storageAt, accountAt
//! ```

use crate::{
    abi::{L1Reader, Messenger},
    anchor::Anchor,
    landed::Landed,
};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue};

#[cfg(test)]
mod tests;

/// What a rollup's block says about L1, and when: with it the L1 reader opens the block's anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// What it says.
    pub anchor: Anchor,
    /// Timestamp of the block, seconds: where EIP-4788 keeps the anchor.
    pub timestamp: u64,
}

/// The L1 header is not the one that the anchor names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the L1 header has hash {found}, the anchor names {named}")]
pub struct WrongHeader {
    /// Hash of the header.
    pub found: B256,
    /// Hash in the anchor.
    pub named: B256,
}

impl From<&Landed> for Named {
    fn from(landed: &Landed) -> Self {
        Self { anchor: landed.anchor(), timestamp: landed.timestamp }
    }
}

impl Named {
    /// From the calldata of a `Messenger.relay` on the rollup `chain_id`; `None` when it is none.
    pub fn in_relay(chain_id: u64, calldata: &[u8]) -> Option<Self> {
        let call = Messenger::relayCall::abi_decode(calldata).ok()?;
        let anchor = Anchor {
            chain_id,
            origin_number: call.anchor.originNumber,
            origin_hash: call.anchor.originHash,
            inbox_count: call.anchor.inboxCount,
            inbox_hash: call.anchor.inboxHash,
        };
        Some(Self { anchor, timestamp: call.anchorTimestamp.try_into().ok()? })
    }

    /// The call of `L1Reader.prove` with the header of the L1 block that is named.
    pub fn prove(&self, header: &Header) -> Result<L1Reader::proveCall, WrongHeader> {
        let rlp = alloy_rlp::encode(header);
        let found = keccak256(&rlp);
        if found != self.anchor.origin_hash {
            return Err(WrongHeader { found, named: self.anchor.origin_hash });
        }
        Ok(L1Reader::proveCall {
            anchor: self.anchor.into(),
            anchorTimestamp: U256::from(self.timestamp),
            header: rlp.into(),
        })
    }
}

impl From<Anchor> for L1Reader::Anchor {
    /// The chain id stays behind: the reader puts its own in.
    fn from(a: Anchor) -> Self {
        Self {
            originNumber: a.origin_number,
            originHash: a.origin_hash,
            inboxCount: a.inbox_count,
            inboxHash: a.inbox_hash,
        }
    }
}

/// The call of `L1Reader.storageAt`; the proofs are those of `eth_getProof` at L1 block `number`.
pub fn storage_at(
    number: u64,
    account: Address,
    slot: B256,
    account_proof: Vec<Bytes>,
    storage_proof: Vec<Bytes>,
) -> L1Reader::storageAtCall {
    L1Reader::storageAtCall { number, account, slot, accountProof: account_proof, storageProof: storage_proof }
}

/// Slot of L1's `Keystore` that holds the key of entry `id`.
pub fn keystore_slot(id: B256) -> B256 {
    keccak256((id, U256::ZERO).abi_encode())
}
