//! From Hub's logs to what the engine reads.

use crate::{L1Error, L1Head};
use alloy_primitives::{Address, BloomInput};
use alloy_rpc_types_eth::TransactionReceipt;
use alloy_sol_types::SolEvent;
use bridge::abi::Hub;
use engine::{InboxEntry, L1Block, Landing};

/// Whether the block can hold an event of `hub`, by its bloom filter.
pub(crate) fn may_concern(head: &L1Head, hub: Address) -> bool {
    head.header.logs_bloom.contains_input(BloomInput::Raw(hub.as_slice()))
}

/// The L1 block as the engine reads it: what Hub at `hub` recorded for the rollup `chain_id`.
pub(crate) fn l1_block(
    head: &L1Head,
    receipts: &[TransactionReceipt],
    hub: Address,
    chain_id: u64,
) -> Result<L1Block, L1Error> {
    let unknown =
        |error: alloy_sol_types::Error| L1Error::UnknownEvent { number: head.at.number, reason: error.to_string() };
    let mut block = empty(head);
    // Counted here: receipts are proven by their root, the index that an endpoint writes beside a log is not.
    let logs = receipts.iter().flat_map(|receipt| receipt.inner.logs().iter().map(move |log| (receipt, log)));
    for (l1_log_index, (receipt, log)) in (0u64..).zip(logs) {
        if log.address() == hub {
            match log.topic0() {
                Some(&Hub::BlockLanded::SIGNATURE_HASH) => {
                    let event = Hub::BlockLanded::decode_log(&log.inner).map_err(unknown)?;
                    if event.chainId == chain_id {
                        block.landings.push(Landing {
                            block: event.data.into(),
                            l1: head.at,
                            l1_timestamp: head.header.timestamp,
                            l1_transaction: receipt.transaction_hash,
                            l1_log_index,
                        });
                    }
                }
                Some(&Hub::MessageSent::SIGNATURE_HASH) => {
                    let event = Hub::MessageSent::decode_log(&log.inner).map_err(unknown)?;
                    if event.dstChainId == chain_id {
                        block.messages.push(inbox_entry(event.data));
                    }
                }
                // Hub's other events (registration, claims, proofs) don't change our chain.
                _ => {}
            }
        }
    }
    Ok(block)
}

/// The L1 block as the engine reads it when Hub did nothing in it.
pub(crate) fn empty(head: &L1Head) -> L1Block {
    L1Block {
        at: head.at,
        parent_hash: head.header.parent_hash,
        timestamp: head.header.timestamp,
        landings: Vec::new(),
        messages: Vec::new(),
    }
}

/// A `MessageSent` event as an inbox entry.
pub(crate) fn inbox_entry(event: Hub::MessageSent) -> InboxEntry {
    InboxEntry { message: event.message.into(), inbox_hash: event.inboxHash }
}
