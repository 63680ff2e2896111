//! Proofs of the rollup's outbox that outlive the states they are of. Hub on L1 believes a withdrawal when it sees the Messenger's outbox root
//! under the state root of a landed block; a state that is forgotten leaves that proof behind, unless a later block has the same outbox.
//! Must not know: what an outbox root means.

use alloy_primitives::{Address, U256, keccak256};
use chainspec::{ChainSpec, predeploys::MESSENGER};
use execution::trie::{AccountProof, StorageProof, account_proof};

use super::{Chain, Now};
use crate::{
    StorageError,
    kv::Batch,
    schema::{self, OutboxProof, Read, Table, UndoRecord, decode_key, decode_value},
};

/// The Messenger's slot that holds the outbox root.
const OUTBOX: U256 = U256::ZERO;

/// The state of block `number` is about to be forgotten, and `next` is what the block after it touched: keeps the proof if that block
/// changed the outbox.
pub(super) fn keep(
    batch: &mut Batch,
    spec: &ChainSpec,
    now: &Now,
    number: u64,
    next: &UndoRecord,
) -> Result<(), StorageError> {
    let key = (keccak256(MESSENGER), keccak256(OUTBOX.to_be_bytes::<32>()));
    if !spec.is_rollup() || next.slots.binary_search(&key).is_err() {
        return Ok(());
    }
    let AccountProof { account, proof, mut storage, .. } = prove(now, number)?;
    let slot = storage.pop().expect("asked for one slot");
    let record = OutboxProof {
        account: account.unwrap_or_default(),
        account_proof: proof,
        value: slot.value,
        storage_proof: slot.proof,
    };
    batch.put::<schema::OutboxProofs>(&number, &record);
    Ok(())
}

fn prove(now: &Now, number: u64) -> Result<AccountProof, StorageError> {
    let state = now.at(number.into())?;
    Ok(account_proof(&state.tree, &state, MESSENGER, &[OUTBOX])?)
}

impl Chain {
    /// Proof of the outbox slot of the Messenger (slot 0) as it was after block `number`, and the block under whose state root it stands: the
    /// same one, or a later one with the same outbox when the state of `number` is forgotten.
    ///
    /// # Errors
    /// `UnknownBlock` when `number` is above the head.
    pub fn outbox_proof(&self, number: u64) -> Result<(u64, AccountProof), StorageError> {
        let now = self.inner.now.read().clone();
        if number < now.oldest
            && let Some((key, value)) = now.rows.seek(schema::OutboxProofs::ID, &number.to_be_bytes(), 0)?
        {
            let block = decode_key::<schema::OutboxProofs>(&key)?;
            return Ok((block, decode_value::<schema::OutboxProofs>(&key, &value)?.into()));
        }
        let block = number.max(now.oldest);
        Ok((block, prove(&now, block)?))
    }

    /// The same, when the proof is asked for under the state root of exactly this block and its state is forgotten.
    pub fn kept_outbox_proof(
        &self,
        number: u64,
        address: Address,
        slots: &[U256],
    ) -> Result<Option<AccountProof>, StorageError> {
        if address != MESSENGER || slots != [OUTBOX] {
            return Ok(None);
        }
        Ok(self.inner.now.read().rows.read::<schema::OutboxProofs>(&number)?.map(AccountProof::from))
    }
}

impl From<OutboxProof> for AccountProof {
    fn from(kept: OutboxProof) -> Self {
        let OutboxProof { account, account_proof, value, storage_proof } = kept;
        let storage = vec![StorageProof { slot: OUTBOX, value, proof: storage_proof }];
        Self { address: MESSENGER, account: Some(account), proof: account_proof, storage }
    }
}
