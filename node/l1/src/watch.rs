//! Follows the L1 chain, parent by parent, and tells the engine. A block number alone never says which block is meant.

use crate::{L1Error, L1Head, L1Rpc, decode};
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::Address;
use alloy_rpc_types_eth::TransactionReceipt;
use engine::{Event, JOURNAL_LIMIT, L1Ref};
use futures::future::join_all;
use std::{collections::VecDeque, time::Duration};
use tokio::sync::mpsc;

/// How many L1 blocks are remembered to find a common ancestor in: no more than the engine can undo one by one, for of
/// what lies below those it knows the finalised block alone. That one is the first.
const KNOWN_LIMIT: usize = JOURNAL_LIMIT;

/// L1 blocks that are asked for at once while catching up.
const AHEAD: u64 = 16;

/// Pause after a failed poll, doubled for each failure in a row up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_millis(250);

/// Longest pause after failed polls.
const BACKOFF_MAX: Duration = Duration::from_secs(8);

/// Why a watcher ended.
#[derive(Debug, thiserror::Error)]
pub enum WatchEnd {
    /// The receiver of the events is gone: shutdown.
    #[error("nobody listens any more")]
    NobodyListens,
    /// None of the L1 blocks that this node knows is on the endpoint's chain: another chain, or broken finality.
    #[error(
        "L1 block {} ({}), which holds our finalised head, is not on the chain of {url}: is it another L1? (--l1.rpc-url, --datadir)",
        .known.number, .known.hash
    )]
    OtherChain {
        /// The oldest block that should be there.
        known: L1Ref,
        /// The endpoint, without credentials.
        url: String,
    },
}

/// Follows one endpoint from a known position.
#[derive(Debug)]
pub struct Watcher {
    rpc: L1Rpc,
    hub: Address,
    chain_id: u64,
    poll: Duration,
    /// Ascending; the first is the oldest block that may be rewound to.
    known: VecDeque<L1Ref>,
    finalised: u64,
    caught_up: bool,
    /// Endpoints keep to different branches.
    contested: bool,
    /// Polls that failed in a row.
    failures: u32,
}

impl Watcher {
    /// Follows `rpc` for the rollup `chain_id` of `hub` from `known` (ascending, never empty: `Engine::known_l1`),
    /// looking for news every `poll`.
    pub fn new(rpc: L1Rpc, hub: Address, chain_id: u64, known: Vec<L1Ref>, poll: Duration) -> Self {
        assert!(!known.is_empty(), "a watcher starts from at least the registration block");
        Self {
            rpc,
            hub,
            chain_id,
            poll,
            known: known.into(),
            finalised: 0,
            caught_up: false,
            contested: false,
            failures: 0,
        }
    }

    /// Looks for news once and hands it over; how long to pause before the next time. Failures of the endpoint are
    /// logged and tried again. Dropped between two polls of its future, it loses nothing that was handed over.
    ///
    /// # Errors
    /// Nobody listens, or the endpoint turns out to be another chain.
    /// `now` is any time that does not go back; endpoints beside a first that answers are waited for until `patience` is over.
    pub async fn step(
        &mut self,
        now: Duration,
        patience: impl Future<Output = ()>,
        events: &mpsc::Sender<Event>,
    ) -> Result<Duration, WatchEnd> {
        match self.poll_once(now, patience, events).await {
            Ok(()) => {
                self.failures = 0;
                Ok(self.poll)
            }
            Err(Stop::End(end)) => Err(end),
            Err(Stop::Retry(error)) => {
                if error.is_lie() {
                    self.rpc.lied(now);
                }
                self.failures = self.failures.saturating_add(1);
                tracing::warn!(%error, failures = self.failures, "L1 endpoint; trying again");
                Ok(BACKOFF_MIN.saturating_mul(1 << (self.failures - 1).min(8)).min(BACKOFF_MAX))
            }
        }
    }

    /// Done when an endpoint says that there is something new ([`L1Rpc::news`]): no reason to wait any longer.
    pub async fn news(&self) {
        self.rpc.news().await;
    }

    async fn poll_once(
        &mut self,
        now: Duration,
        patience: impl Future<Output = ()>,
        events: &mpsc::Sender<Event>,
    ) -> Result<(), Stop> {
        let known = |number| self.known.iter().rev().find(|block| block.number == number).map(|block| block.hash);
        let head = self.rpc.survey(self.tip(), known, now, patience).await?;
        let contested = self.rpc.is_contested();
        if contested != self.contested {
            self.contested = contested;
            send(events, Event::L1Contested(contested)).await?;
        }
        let Some(head) = head else { return Ok(()) };
        if head.at != self.tip() && !self.is_behind(&head) {
            self.follow(&head, events).await?;
        }
        if self.tip() == head.at && !self.caught_up {
            self.caught_up = true;
            send(events, Event::L1CaughtUp).await?;
        }
        if let Some(finalised) = self.rpc.header(BlockNumberOrTag::Finalized).await?
            && finalised.at.number > self.finalised
            && finalised.at.number <= self.tip().number
            && self.is_followed(finalised.at).await?
        {
            send(events, Event::L1Finalised { at: finalised.at }).await?;
            self.finalised = finalised.at.number;
            // Nothing below it is ever gone back to.
            self.known.retain(|known| known.number > finalised.at.number);
            self.known.push_front(finalised.at);
        }
        Ok(())
    }

    /// Whether a final block is on the branch that is followed: L1 may have changed since its head was asked for. What is
    /// final stays, so where the tip is still canonical now, both are on one branch.
    async fn is_followed(&self, finalised: L1Ref) -> Result<bool, Stop> {
        if self.known.contains(&finalised) {
            return Ok(true);
        }
        let tip = self.rpc.header(BlockNumberOrTag::Number(self.tip().number)).await?;
        Ok(tip.is_some_and(|block| block.at == self.tip()))
    }

    /// Goes from the tip to `head`, back to the common ancestor first where that is needed.
    async fn follow(&mut self, head: &L1Head, events: &mpsc::Sender<Event>) -> Result<(), Stop> {
        if head.at.number <= self.tip().number {
            self.rewind(events).await?;
        }
        while self.tip().number < head.at.number {
            let next = self.tip().number + 1;
            let asked = next..=head.at.number.min(next + AHEAD - 1);
            for read in join_all(asked.map(|number| self.read(number))).await {
                // The chain can change between two requests; whatever comes must hang on the tip.
                let Some((block, receipts)) = read? else { return Ok(()) };
                if block.header.parent_hash != self.tip().hash {
                    self.rewind(events).await?;
                    break;
                }
                let seen = match receipts {
                    Some(receipts) => decode::l1_block(&block, &receipts, self.hub, self.chain_id)?,
                    None => decode::empty(&block),
                };
                self.known.push_back(block.at);
                if self.known.len() > KNOWN_LIMIT {
                    self.known.remove(1);
                }
                self.caught_up = false;
                send(events, Event::L1Block(seen)).await?;
            }
        }
        Ok(())
    }

    /// The L1 block at `number`, with its receipts where it may concern the rollup; `None` when the endpoint lacks either.
    async fn read(&self, number: u64) -> Result<Option<(L1Head, Option<Vec<TransactionReceipt>>)>, L1Error> {
        let Some(block) = self.rpc.header(BlockNumberOrTag::Number(number)).await? else { return Ok(None) };
        if !decode::may_concern(&block, self.hub) {
            return Ok(Some((block, None)));
        }
        let receipts = self.rpc.receipts(&block).await?;
        Ok(receipts.map(|receipts| (block, Some(receipts))))
    }

    /// Finds the newest known block that is still canonical. Nothing is forgotten before the engine was told, so a
    /// failing endpoint leaves the two in step.
    async fn rewind(&mut self, events: &mpsc::Sender<Event>) -> Result<(), Stop> {
        for at in (0..self.known.len()).rev() {
            let candidate = self.known[at];
            let canonical = self.rpc.header(BlockNumberOrTag::Number(candidate.number)).await?;
            match canonical {
                Some(block) if block.at == candidate => {}
                None if at == 0 => return Err(L1Error::Behind { number: candidate.number }.into()),
                _ => continue,
            }
            if candidate != self.tip() {
                tracing::info!(from = self.tip().number, to = candidate.number, "L1 reorg");
                self.known.truncate(at + 1);
                self.caught_up = false;
                send(events, Event::L1Rewind { to: candidate }).await?;
            }
            return Ok(());
        }
        Err(Stop::End(WatchEnd::OtherChain { known: self.known[0], url: self.rpc.url().to_owned() }))
    }

    /// Whether the endpoint shows the followed chain and less of it. That is an endpoint that lags, not an L1 that went back:
    /// a reorg shows another block at some height, sooner or later.
    fn is_behind(&self, head: &L1Head) -> bool {
        head.at.number < self.known[0].number || (head.at != self.tip() && self.known.contains(&head.at))
    }

    fn tip(&self) -> L1Ref {
        *self.known.back().expect("`known` starts with one block and its last is never removed")
    }
}

enum Stop {
    Retry(L1Error),
    End(WatchEnd),
}

impl From<L1Error> for Stop {
    fn from(error: L1Error) -> Self {
        Self::Retry(error)
    }
}

async fn send(events: &mpsc::Sender<Event>, event: Event) -> Result<(), Stop> {
    events.send(event).await.map_err(|_| Stop::End(WatchEnd::NobodyListens))
}
