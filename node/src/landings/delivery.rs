//! One transaction on its way to L1: its content, what L1 would say to it, the signature, and the answer.

use super::{LandingError, Landings, rehearsal::Verdict};
use l1::{AdvanceCall, Rehearsal, Sent};
use sequencer::landing::{
    Fees, SendFailure,
    lane::{Event, Lane, Slot, What},
};

impl Landings {
    /// Sends `what`, unless L1 would refuse it, and says what came of that.
    pub(super) async fn deliver(
        &mut self,
        nonce: u64,
        what: What,
        gas_limit: u64,
        fees: Fees,
        replaces: usize,
    ) -> Event {
        let sent = match self.try_deliver(nonce, what, gas_limit, fees).await {
            Ok(Ok(sent)) => sent,
            Ok(Err(why)) => return Event::SendFailed { nonce, why },
            Err(error) => {
                tracing::error!(?what, nonce, %error, "the content of a landing could not be made");
                return Event::SendFailed { nonce, why: SendFailure::Unreachable };
            }
        };
        match sent {
            Sent::Taken(hash) => {
                tracing::info!(?what, %hash, nonce, replaces, "landing sent");
                Event::Sent { nonce, hash }
            }
            Sent::Failed(why, error) => {
                tracing::warn!(?what, nonce, ?why, %error, "landing not taken by the L1 node");
                Event::SendFailed { nonce, why }
            }
            Sent::Unsigned(error) => {
                tracing::warn!(?what, nonce, %error, "landing not signed; it is asked for again with the next L1 head");
                Event::SendFailed { nonce, why: SendFailure::Unreachable }
            }
        }
    }

    async fn try_deliver(
        &mut self,
        nonce: u64,
        what: What,
        gas_limit: u64,
        fees: Fees,
    ) -> Result<Result<Sent, SendFailure>, LandingError> {
        match what {
            What::Advance { block_hash, .. } => {
                let call = self.payloads.get(block_hash).await?;
                if let Some(why) = self.objection(nonce, &call, gas_limit, fees).await? {
                    return Ok(Err(why));
                }
                Ok(Ok(self.hands.advance(&call, nonce, gas_limit, fees).await))
            }
            What::Cancel => {
                let sidecar = self.payloads.empty().await?;
                Ok(Ok(self.hands.cancel(&sidecar, nonce, gas_limit, fees).await))
            }
        }
    }

    /// Why the landing at `nonce` had better not be sent now. Only the first of those under way can be asked about: the
    /// parents of the others have not landed.
    async fn objection(
        &mut self,
        nonce: u64,
        call: &AdvanceCall,
        gas_limit: u64,
        fees: Fees,
    ) -> Result<Option<SendFailure>, LandingError> {
        let lane = self.lane.as_ref().filter(|lane| lane.is_first(nonce)).map(Lane::slots);
        let Some(Slot::Landing(flight)) = lane.and_then(|slots| slots.get(&nonce)) else { return Ok(None) };
        let block = flight.block;
        let (head, _) = self.market().await?;
        let rehearsal = Rehearsal {
            from: self.hands.address(),
            call,
            gas_limit,
            max_blob_fee: fees.max_blob_fee,
            timestamp: block.timestamp.max(head.header.timestamp.saturating_add(1)),
        };
        let number = block.number;
        Ok(match Verdict::of(self.rpc.rehearse(&head, rehearsal).await, block.hash) {
            Verdict::Lands => None,
            Verdict::CannotTell(why) => {
                if !self.is_unsure {
                    tracing::warn!(
                        why,
                        "the L1 endpoint can't say whether a landing would succeed; it is sent all the same"
                    );
                }
                self.is_unsure = true;
                None
            }
            Verdict::NotYet(why) => {
                tracing::warn!(number, why, "L1 would refuse the landing now; it waits for the next L1 head");
                Some(SendFailure::NotYet)
            }
            Verdict::Refused(why) => {
                tracing::error!(number, why, "L1 would refuse the landing; it is not sent");
                self.pause_from(head.at.number);
                Some(SendFailure::WouldRevert)
            }
        })
    }
}
