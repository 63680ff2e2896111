//! Which messages go into one errand: in their order, as many as an L1 transaction carries, each of which Hub would take.
//!
//! Must not know: where they wait.

use alloy_eips::BlockId;
use alloy_primitives::Address;
use bridge::message::Message;
use engine::L1Ref;
use futures::future::try_join_all;
use l1::{HubReader, L1Error, L1Rpc};

/// Messages in one errand: state gas and paths of so many fit the gas of one L1 transaction.
const MESSAGES_MAX: usize = 16;

/// Data of the messages in one errand, bytes, so that it stays below what public L1 pools take. One message has less.
const DATA_MAX: usize = 40_000;

/// Messages that L1 is asked about at a time.
const ASKED_AT_ONCE: usize = 2 * MESSAGES_MAX;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// For the errand.
    pub(super) taken: Vec<Message>,
    /// Indices of those that Hub would refuse.
    pub(super) refused: Vec<u64>,
}

/// Chooses among `candidates` with what Hub says at `head`.
pub(super) async fn choose(
    candidates: Vec<Message>,
    rpc: &L1Rpc,
    hub: Address,
    head: L1Ref,
) -> Result<Choice, L1Error> {
    let mut choice = Choice::default();
    for some in candidates.chunks(ASKED_AT_ONCE) {
        let ask = |message: &Message| {
            let (hub, message) = (HubReader::new(rpc.clone(), hub, message.dst_chain_id), message.clone());
            async move { hub.admits(&message, BlockId::hash(head.hash)).await }
        };
        let answers = try_join_all(some.iter().map(ask)).await?;
        if choice.add(some, &answers) {
            break;
        }
    }
    Ok(choice)
}

impl Choice {
    /// Adds what is admitted while there is room; whether there is none left.
    fn add(&mut self, messages: &[Message], is_admitted: &[bool]) -> bool {
        let mut data: usize = self.taken.iter().map(|message| message.data.len()).sum();
        for (message, is_admitted) in messages.iter().zip(is_admitted) {
            if !is_admitted {
                self.refused.push(message.index);
                continue;
            }
            data += message.data.len();
            if self.taken.len() == MESSAGES_MAX || data > DATA_MAX {
                return true; // Those behind it wait with it.
            }
            self.taken.push(message.clone());
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(lengths: &[usize]) -> Vec<Message> {
        let message =
            |(index, length): (u64, &usize)| Message { index, data: vec![1; *length].into(), ..Default::default() };
        (0..).zip(lengths).map(message).collect()
    }

    fn indices(choice: &Choice) -> Vec<u64> {
        choice.taken.iter().map(|message| message.index).collect()
    }

    #[test]
    fn a_message_that_hub_would_refuse_holds_up_no_other() {
        let mut choice = Choice::default();
        assert!(!choice.add(&messages(&[0, 0, 0]), &[true, false, true]));
        assert_eq!((indices(&choice), choice.refused), (vec![0, 2], vec![1]));
    }

    #[test]
    fn an_errand_ends_where_its_room_does_and_keeps_the_order() {
        let mut choice = Choice::default();
        assert!(choice.add(&messages(&[0; MESSAGES_MAX + 1]), &[true; MESSAGES_MAX + 1]));
        assert_eq!(choice.taken.len(), MESSAGES_MAX);
        let mut choice = Choice::default();
        assert!(choice.add(&messages(&[DATA_MAX - 10, 11, 1]), &[true; 3]));
        assert_eq!(indices(&choice), [0], "a smaller one does not overtake");
        let mut choice = Choice::default();
        assert!(!choice.add(&messages(&[bridge::message::MAX_MESSAGE_DATA + 1_024]), &[true]), "one always fits");
        assert_eq!(indices(&choice), [0]);
    }
}
