//! One transaction on its way to L1: its content, what L1 would say to it, the signature, and the answer.

use super::{LandingError, Landings, rehearsal::Verdict};
use alloy_eips::BlockId;
use alloy_primitives::B256;
use l1::{HubCall, Rehearsal, Sent};
use sequencer::landing::{
    Fees, SendFailure,
    lane::{Event, What},
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
            // What was included with this nonce may be this very transaction, sent before a crash.
            Sent::Failed(SendFailure::NonceTooLow, _, hash) if self.is_included(hash).await => {
                tracing::info!(?what, %hash, nonce, "included already");
                Event::Sent { nonce, hash }
            }
            Sent::Failed(why, error, _) => {
                tracing::warn!(?what, nonce, ?why, %error, "landing not taken by the L1 node");
                Event::SendFailed { nonce, why }
            }
            Sent::Unsigned(error) => {
                tracing::warn!(?what, nonce, %error, "landing not signed; it is asked for again with the next L1 head");
                Event::SendFailed { nonce, why: SendFailure::Unreachable }
            }
        }
    }

    async fn is_included(&self, hash: B256) -> bool {
        matches!(self.rpc.receipt(hash).await, Ok(Some(_)))
    }

    async fn try_deliver(
        &mut self,
        nonce: u64,
        what: What,
        gas_limit: u64,
        fees: Fees,
    ) -> Result<Result<Sent, SendFailure>, LandingError> {
        let call = match what {
            What::Advance { chain_id, block_hash, .. } => self.payloads.of_block(chain_id, block_hash).await?,
            What::Errand { id } => self.payloads.of_errand(id).await?,
            What::Cancel => {
                let sidecar = self.payloads.empty().await?;
                return Ok(Ok(self.hands.cancel(&sidecar, nonce, gas_limit, fees).await));
            }
        };
        if let Some(why) = self.objection(nonce, &call, gas_limit, fees).await? {
            return Ok(Err(why));
        }
        Ok(Ok(self.hands.call(&call, nonce, gas_limit, fees).await))
    }

    /// Why what `nonce` holds had better not be sent now. L1 can be asked only where nothing that it needs is on its way still.
    async fn objection(
        &mut self,
        nonce: u64,
        call: &HubCall,
        gas_limit: u64,
        fees: Fees,
    ) -> Result<Option<SendFailure>, LandingError> {
        let Some(lane) = self.lane.as_ref().filter(|lane| lane.is_ready(nonce)) else { return Ok(None) };
        let Some(slot) = lane.slots().get(&nonce) else { return Ok(None) };
        let (what, block) = (slot.what(), slot.block().copied());
        if block.is_none() && self.rpc.nonce(self.hands.address(), BlockId::latest()).await? > nonce {
            return Ok(None); // An errand that was included while we were away would be refused a second time.
        }
        let (head, _) = self.market().await?;
        let timestamp = block.map_or(0, |block| block.timestamp);
        let rehearsal = Rehearsal {
            from: self.hands.address(),
            call,
            gas_limit,
            max_blob_fee: fees.max_blob_fee,
            timestamp: timestamp.max(head.header.timestamp.saturating_add(1)),
        };
        let ours = block.map_or(B256::ZERO, |block| block.hash);
        Ok(match Verdict::of(self.rpc.rehearse(&head, rehearsal).await, ours) {
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
                tracing::warn!(?what, why, "L1 would refuse the landing now; it waits for the next L1 head");
                Some(SendFailure::NotYet)
            }
            Verdict::Refused(why) => {
                tracing::error!(?what, why, "L1 would refuse the landing; it is not sent");
                if let Some(block) = block {
                    self.pause_from(block.chain_id, block.after.is_some(), head.at.number);
                }
                Some(SendFailure::WouldRevert)
            }
        })
    }
}
