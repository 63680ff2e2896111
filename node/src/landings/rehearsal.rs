//! What L1's answer to a landing that was only tried says. Must not know what follows from it.

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::SolInterface;
use bridge::abi::Hub::HubErrors;
use l1::L1Error;

/// What the answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It would land.
    Lands,
    /// The endpoint can't say; that must not stop anything.
    CannotTell(String),
    /// Not on this head, perhaps on the next: somebody else's block may come first, or the schedule says who.
    NotYet(String),
    /// L1 would refuse it, and charge for that.
    Refused(String),
}

impl Verdict {
    /// The verdict in the answer to the rehearsal of the block with this hash.
    pub(super) fn of(answer: Result<Bytes, L1Error>, ours: B256) -> Self {
        let error = match answer {
            Ok(_) => return Self::Lands,
            Err(error) => error,
        };
        let L1Error::Answer { message, data, .. } = &error else { return Self::CannotTell(error.to_string()) };
        let Some(data) = data.as_ref().filter(|data| !data.is_empty()) else {
            let text = message.to_lowercase();
            // A verifier's revert carries nothing, and running out of gas is what would happen on L1, too.
            let words = ["revert", "out of gas", "gas required exceeds", "intrinsic gas"];
            let is_verdict = words.iter().any(|word| text.contains(word));
            return if is_verdict { Self::Refused(message.clone()) } else { Self::CannotTell(error.to_string()) };
        };
        let Ok(reason) = HubErrors::abi_decode(data) else { return Self::Refused(format!("{message}: {data}")) };
        let named = format!("{reason:?}");
        match reason {
            // The pending block holds the landing already: an earlier attempt of ours.
            HubErrors::WrongParent(wrong) if wrong.head == ours => Self::Lands,
            HubErrors::WrongParent(_)
            | HubErrors::WrongNumber(_)
            | HubErrors::NotScheduled(_)
            | HubErrors::OriginUnavailable(_) => Self::NotYet(named),
            // The endpoint answered for an earlier block than it was asked for.
            HubErrors::TimestampInFuture(_) | HubErrors::OriginTooNew(_) => Self::CannotTell(named),
            _ => Self::Refused(named),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Address, U256};
    use alloy_sol_types::SolError;
    use bridge::abi::Hub;

    const OURS: B256 = B256::repeat_byte(1);

    fn answer(message: &str, data: Option<Vec<u8>>) -> Verdict {
        let error = L1Error::Answer {
            url: String::new(),
            method: "eth_call",
            code: 3,
            message: message.into(),
            data: data.map(Bytes::from),
        };
        Verdict::of(Err(error), OURS)
    }

    fn revert(error: impl SolError) -> Verdict {
        answer("execution reverted", Some(error.abi_encode()))
    }

    #[test]
    fn a_revert_is_told_by_hubs_name_for_it() {
        let stale = Hub::WrongParent { head: B256::repeat_byte(2), given: B256::repeat_byte(3) };
        assert!(matches!(revert(stale), Verdict::NotYet(named) if named.starts_with("WrongParent")));
        let ours = Hub::WrongParent { head: OURS, given: B256::repeat_byte(3) };
        assert_eq!(revert(ours), Verdict::Lands);
        assert!(matches!(revert(Hub::NotScheduled { proposer: Address::ZERO }), Verdict::NotYet(_)));
        assert!(matches!(revert(Hub::OriginUnavailable { given: 5 }), Verdict::NotYet(_)));
        assert!(matches!(revert(Hub::TimestampInFuture { l1: 1, given: 2 }), Verdict::CannotTell(_)));
        let mismatch = revert(Hub::BlobHashMismatch { i: U256::ZERO });
        assert!(matches!(mismatch, Verdict::Refused(named) if named.starts_with("BlobHashMismatch")));
        assert!(matches!(revert(Hub::ExecuteRefused {}), Verdict::Refused(_)));
        assert!(matches!(answer("execution reverted", Some(vec![1, 2, 3])), Verdict::Refused(_)));
        assert!(matches!(answer("execution reverted", None), Verdict::Refused(_)));
        assert!(matches!(answer("out of gas", None), Verdict::Refused(_)));
    }

    #[test]
    fn an_endpoint_that_cannot_say_stops_nothing() {
        assert_eq!(Verdict::of(Ok(Bytes::new()), OURS), Verdict::Lands);
        for message in
            ["unknown field `blobVersionedHashes`", "too many arguments, want at most 2", "rate limit exceeded"]
        {
            assert!(matches!(answer(message, None), Verdict::CannotTell(_)), "{message}");
        }
        let silent = L1Error::Unreachable { url: String::new(), reason: "time-out".into() };
        assert!(matches!(Verdict::of(Err(silent), OURS), Verdict::CannotTell(_)));
    }
}
