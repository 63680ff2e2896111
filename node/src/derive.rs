//! From a landed block's payload to the block itself, executed and stored. One path for every carrier.

use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{B256, Bytes};
use bridge::{anchor::prev_randao, blob::Content, landed::Landed};
use engine::{Landing, Refused};
use execution::{Attributes, Building, Executed, RecoveredBlock, RecoveredTx, Transaction, senders};
use std::sync::Arc;
use storage::{Chain, Durability, StorageError};

/// What a carrier brought.
#[derive(Clone, Debug)]
pub enum Payload {
    /// The block as this node sealed and executed it.
    Sealed(Arc<Executed>),
    /// The whole block, by its hash, and its block access list.
    Block(Box<RecoveredBlock>, Bytes),
    /// Block access list and transactions, from blobs that L1 bound to the block.
    Content(Content),
}

/// Why a payload was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The payload's fault, or L1 and we disagree.
    #[error("{0:?}")]
    Refused(Refused),
    /// Ours: the database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Executes the landed block on the head and stores block and landing. The head must be its parent.
pub fn apply(chain: &Chain, landing: &Landing, payload: Payload) -> Result<(), ApplyError> {
    let executed = match payload {
        Payload::Sealed(executed) => executed,
        Payload::Block(block, bal) => {
            let state = chain.state_at_head();
            let executed = execution::execute(chain.spec(), &chain.head(), &block, Some(&bal), &*state);
            Arc::new(executed.map_err(|error| invalid(error.to_string()))?)
        }
        Payload::Content(content) => Arc::new(rebuild(chain, &landing.block, &content)?),
    };
    let hash = executed.block.hash();
    if hash != landing.block.hash {
        // The bytes are bound to the landed block, so executing them to another one is a split.
        return Err(invalid(format!("executes to {hash}, L1 says {}", landing.block.hash)));
    }
    // Not synced: L1 has the block and gives it back after a power loss, which takes the last blocks in order.
    chain.append_with(&executed, Durability::Buffered)?;
    chain.land(landing.block.number, &record(landing))?;
    Ok(())
}

/// Builds the block again from what L1 recorded of it and its transactions.
fn rebuild(chain: &Chain, landed: &Landed, content: &Content) -> Result<Executed, ApplyError> {
    let attributes = Attributes {
        timestamp: landed.timestamp,
        fee_recipient: landed.fee_recipient,
        prev_randao: prev_randao(landed.origin_hash, landed.number),
        gas_limit: landed.gas_limit,
        parent_beacon_block_root: landed.anchor().hash(),
        extra_data: landed.extra_data.clone(),
        slot_number: landed.number,
    };
    let state = chain.state_at_head();
    let parent = chain.head();
    let refused = |error: &dyn std::fmt::Display| invalid(error.to_string());
    let mut building = Building::start(chain.spec(), &parent, attributes, &*state).map_err(|error| refused(&error))?;
    let decode = |(index, raw): (usize, &Bytes)| {
        Transaction::decode_2718_exact(raw).map_err(|error| refused(&format!("transaction {index}: {error}")))
    };
    let transactions = content.transactions.iter().enumerate().map(decode).collect::<Result<Vec<_>, _>>()?;
    let senders = senders::recover(&transactions)
        .map_err(|index| refused(&format!("transaction {index}: its signature has no sender")))?;
    for (index, (tx, sender)) in transactions.into_iter().zip(senders).enumerate() {
        let tx = RecoveredTx::new_unchecked(tx, sender);
        building.push(&tx).map_err(|error| refused(&format!("transaction {index}: {error}")))?;
    }
    building.seal().map_err(|error| refused(&error))
}

fn invalid(reason: String) -> ApplyError {
    ApplyError::Refused(Refused::Invalid(reason))
}

fn record(landing: &Landing) -> storage::Landed {
    let block = &landing.block;
    storage::Landed {
        block_hash: block.hash,
        l1_number: landing.l1.number,
        l1_hash: landing.l1.hash,
        l1_tx_hash: landing.l1_transaction,
        l1_log_index: landing.l1_log_index,
        origin_number: block.origin_number,
        origin_hash: block.origin_hash,
        inbox_count: block.inbox_count,
        inbox_hash: block.inbox_hash,
        proposer: block.proposer,
        blob_hashes: block.blob_hashes.clone(),
    }
}

/// Hashes of a block's transactions, in order.
pub fn transaction_hashes(block: &RecoveredBlock) -> Vec<B256> {
    block.body().transactions.iter().map(|tx| *tx.tx_hash()).collect()
}

/// A block's transactions with their senders, in order.
pub fn transactions(block: &RecoveredBlock) -> Vec<RecoveredTx> {
    let senders = block.senders().iter().copied();
    block
        .body()
        .transactions
        .iter()
        .cloned()
        .zip(senders)
        .map(|(tx, sender)| RecoveredTx::new_unchecked(tx, sender))
        .collect()
}
