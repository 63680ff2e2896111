//! What the nodes of the rollups tell landings of L1: heads and reorgs, with the receipts and the account's nonce asked for.

use super::{LandingError, Landings, alarms::Alarm};
use alloy_eips::BlockId;
use alloy_primitives::B256;
use alloy_sol_types::SolEvent;
use bridge::abi::Hub;
use engine::L1Ref;
use sequencer::landing::lane::{Event, Head, Place, Slot, What};
use std::collections::BTreeMap;

/// A transaction whose receipts are asked for: its nonce, what it is to do, and the hashes of all its attempts.
type Asked = (u64, What, Vec<B256>);

impl Landings {
    /// L1 has a new head, and the rollup's chain is applied up to it.
    pub async fn on_head(&mut self, chain_id: u64, at: L1Ref, finalised: u64) {
        if let Err(error) = self.look_after_account().await {
            tracing::warn!(%error, "the landing account could not be looked at");
        }
        if self.pauses.values().all(|pause| pause.is_over(at.number)) {
            self.alarms.clear(Alarm::Paused);
        }
        if let Err(error) = self.try_head(chain_id, at, finalised).await {
            tracing::warn!(%error, "landings could not be looked after; again with the next L1 head");
        }
        if let Some(lane) = &self.lane {
            self.payloads.retain(lane);
        }
    }

    async fn look_after_account(&mut self) -> Result<(), LandingError> {
        let balance = self.rpc.balance(self.hands.address()).await?;
        let (_, market) = self.market().await?;
        let landings = self.purse.look(balance, &market, &self.limits.policy);
        let min = self.limits.min_landings;
        if landings < min {
            let text = format!(
                "the landing account holds {balance} wei, which pays for {landings} landings at present fees \
                 (--sequencer.min-landings {min})"
            );
            self.alarms.raise(Alarm::AccountLow, text);
        } else {
            self.alarms.clear(Alarm::AccountLow);
            self.alarms.clear(Alarm::AccountEmpty);
        }
        Ok(())
    }

    async fn try_head(&mut self, chain_id: u64, at: L1Ref, finalised: u64) -> Result<(), LandingError> {
        self.ready().await?;
        let Some(lane) = &self.lane else { return Ok(()) };
        if lane.slots().is_empty() {
            return Ok(());
        }
        let chain = self.rollups.get(chain_id)?;
        let landed = chain.heads().landed;
        let mut heights = BTreeMap::new();
        let blocks = lane.slots().values().filter_map(Slot::block).filter(|block| block.chain_id == chain_id);
        for number in blocks.map(|block| block.number).filter(|number| *number <= landed.number) {
            if let (Some(hash), Some(record)) = (chain.canonical_hash(number)?, chain.landing(number)?) {
                heights.insert(number, (hash, record.l1_number));
            }
        }
        let mut receipts = Vec::new();
        for (nonce, what, hashes) in self.asked(chain_id) {
            for hash in hashes {
                receipts.extend(self.receipt(nonce, what, hash, at.number).await?);
            }
        }
        let account_nonce = self.rpc.nonce(self.hands.address(), BlockId::hash(at.hash)).await?;
        let (_, market) = self.market().await?;
        // Asked last: if this head is canonical still, so was it while the chain was read.
        if self.l1_hash(at.number).await? != Some(at.hash) {
            tracing::debug!(number = at.number, "an L1 head was abandoned before landings were looked after");
            return Ok(());
        }
        for receipt in receipts {
            self.feed(receipt).await?;
        }
        let landed = Place { number: landed.number, hash: landed.hash };
        let head = Head { chain_id, number: at.number, finalized: finalised, account_nonce, market, landed, heights };
        self.feed(Event::L1Head(head)).await
    }

    /// The rollup's landings under way, and what belongs to no rollup. Where an errand was done nothing but its receipt says, so after a
    /// reorg, and after a restart, those that have landed are asked about again.
    fn asked(&self, chain_id: u64) -> Vec<Asked> {
        let slots = self.lane.iter().flat_map(|lane| lane.slots());
        let is_asked = |slot: &Slot| match slot {
            Slot::Landing(flight) => slot.is_open() && flight.block.chain_id == chain_id,
            Slot::Errand(run) => !run.is_done(),
            Slot::Dead(_) | Slot::Cancel(_) => slot.is_open(),
        };
        slots
            .filter(|(_, slot)| is_asked(slot))
            .map(|(nonce, slot)| {
                let hashes = slot.record().map(|record| record.hashes().collect()).unwrap_or_default();
                (*nonce, slot.what(), hashes)
            })
            .collect()
    }

    /// The receipt of one of our transactions up to L1 block `until`. A landing or an errand has not done its work unless Hub says
    /// so: a status alone also comes from an address without code.
    async fn receipt(&self, nonce: u64, what: What, hash: B256, until: u64) -> Result<Option<Event>, LandingError> {
        let Some(receipt) = self.rpc.receipt(hash).await? else { return Ok(None) };
        let Some(l1_number) = receipt.block_number.filter(|l1_number| *l1_number <= until) else { return Ok(None) };
        let mut of_hub = receipt.inner.logs().iter().filter(|log| log.address() == self.hub);
        let has_worked = match what {
            What::Advance { block_hash, .. } => of_hub
                .any(|log| Hub::BlockLanded::decode_log(&log.inner).is_ok_and(|event| event.blockHash == block_hash)),
            What::Errand { .. } => of_hub.next().is_some(),
            What::Cancel => true,
        };
        let reverted = !(receipt.inner.status() && has_worked);
        Ok(Some(Event::Receipt { nonce, hash, l1_number, reverted }))
    }

    /// L1 dropped everything above block `to`, as the rollup's node has heard.
    pub async fn on_rewind(&mut self, chain_id: u64, to: u64) {
        if let Err(error) = self.feed(Event::Reorged { chain_id, to }).await {
            tracing::warn!(%error, "landings could not follow the L1 reorg; again with the next L1 head");
        }
    }
}
