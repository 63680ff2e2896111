//! What the Messenger's logs say about messages on their way in and out of a rollup (SPEC sections 2 and 5).
//!
//! A node keeps an index of them, and clients read receipts with the same eyes. It must not know where logs come from.

use crate::{abi::Messenger, message::Message};
use alloy_primitives::{B256, Log};
use alloy_sol_types::SolEvent;

#[cfg(test)]
mod tests;

/// What one log of the Messenger says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message was appended to the outbox.
    Sent {
        /// The message; its index is its place in the outbox.
        message: Message,
        /// Its leaf.
        leaf: B256,
    },
    /// A message was taken from the inbox and called, or deferred.
    Relayed {
        /// Place in the inbox.
        index: u64,
        /// Its leaf.
        leaf: B256,
        /// Whether the call succeeded; else it is kept. A deferred message was not called.
        success: bool,
    },
    /// A message that was kept has been called again, with success.
    Retried {
        /// Place in the inbox.
        index: u64,
        /// Its leaf.
        leaf: B256,
    },
    /// A message that was kept goes back to its sender; what goes is a [`Self::Sent`] of its own.
    Refunded {
        /// Place in the inbox.
        index: u64,
        /// Its leaf.
        leaf: B256,
    },
}

/// The event in a log of the Messenger; `None` for one that moves no message. Whose log it is, is the caller's to check.
pub fn event(log: &Log) -> Option<Event> {
    match log.topics().first() {
        Some(&Messenger::MessageSent::SIGNATURE_HASH) => {
            let Messenger::MessageSent { message, leaf, .. } = Messenger::MessageSent::decode_log(log).ok()?.data;
            Some(Event::Sent { message: message.into(), leaf })
        }
        Some(&Messenger::MessageRelayed::SIGNATURE_HASH) => {
            let Messenger::MessageRelayed { index, leaf, success, .. } =
                Messenger::MessageRelayed::decode_log(log).ok()?.data;
            Some(Event::Relayed { index, leaf, success })
        }
        Some(&Messenger::MessageRetried::SIGNATURE_HASH) => {
            let Messenger::MessageRetried { index, leaf, .. } = Messenger::MessageRetried::decode_log(log).ok()?.data;
            Some(Event::Retried { index, leaf })
        }
        Some(&Messenger::MessageDeferred::SIGNATURE_HASH) => {
            let Messenger::MessageDeferred { index, leaf, .. } = Messenger::MessageDeferred::decode_log(log).ok()?.data;
            Some(Event::Relayed { index, leaf, success: false })
        }
        Some(&Messenger::MessageRefunded::SIGNATURE_HASH) => {
            let Messenger::MessageRefunded { index, leaf, .. } = Messenger::MessageRefunded::decode_log(log).ok()?.data;
            Some(Event::Refunded { index, leaf })
        }
        _ => None,
    }
}
