//! `eth_getLogs`: headers' blooms first, receipts only where a bloom says maybe.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_rpc_types_eth::{Filter, FilterBlockOption};

use super::{locate::At, receipts::logs_of};
use crate::{Backend, RpcError, api::RpcLog};

/// Most positions of topics in a log.
const TOPICS: usize = 4;

impl Backend {
    pub(crate) fn logs(&self, filter: &Filter) -> Result<Vec<RpcLog>, RpcError> {
        self.check_filter(filter)?;
        let (from, to) = match filter.block_option {
            FilterBlockOption::AtBlockHash(hash) => return self.logs_at(hash.into(), filter),
            FilterBlockOption::Range { from_block: Some(BlockNumberOrTag::Pending), .. } => {
                return self.logs_at(BlockId::pending(), filter);
            }
            FilterBlockOption::Range { from_block, to_block } => (self.bound(from_block)?, self.bound(to_block)?),
        };
        if from > to {
            return Err(RpcError::params(format!("invalid block range: fromBlock {from} is above toBlock {to}")));
        }
        if to > self.heads.latest() {
            // Answering up to the head would look like an answer for blocks that nobody has.
            return Err(RpcError::params("block range extends beyond current head block"));
        }
        self.logs_between(from, to, filter)
    }

    /// Refuses filters whose evaluation would cost too much for each log.
    pub(crate) fn check_filter(&self, filter: &Filter) -> Result<(), RpcError> {
        let (addresses, limit) = (filter.address.len(), self.limits.filter_addresses);
        if addresses > limit {
            return Err(RpcError::TooMany { what: "addresses in a log filter", got: addresses, limit });
        }
        let limit = self.limits.filter_topics;
        debug_assert_eq!(filter.topics.len(), TOPICS, "alloy's filter has a fixed number of topic positions");
        if let Some(topics) = filter.topics.iter().map(|topics| topics.len()).find(|topics| *topics > limit) {
            return Err(RpcError::TooMany { what: "alternatives for a topic in a log filter", got: topics, limit });
        }
        Ok(())
    }

    /// A number for a bound of a range.
    fn bound(&self, bound: Option<BlockNumberOrTag>) -> Result<u64, RpcError> {
        match bound.unwrap_or_default() {
            BlockNumberOrTag::Number(number) => Ok(number),
            BlockNumberOrTag::Pending => Ok(self.heads.latest()),
            tag => {
                let header = self.find_header(tag.into())?.ok_or_else(|| self.unknown(tag.into()))?;
                Ok(header.number)
            }
        }
    }

    fn logs_at(&self, id: BlockId, filter: &Filter) -> Result<Vec<RpcLog>, RpcError> {
        let found = match self.locate(id)? {
            At::Open(open) => Some((open.block.clone(), open.receipts.clone())),
            At::Canonical(_) => self.find_receipts(id)?,
        };
        let (block, receipts) = found.ok_or_else(|| self.unknown(id))?;
        let mut logs = logs_of(&block, receipts);
        logs.retain(|log| filter.matches(&log.inner));
        let limit = self.limits.log_results;
        if logs.len() > limit {
            return Err(RpcError::LogResultsInOneBlock { limit, block: block.header().number });
        }
        Ok(logs)
    }

    /// Logs of the canonical blocks `from..=to`, cut at the head.
    pub(crate) fn logs_between(&self, from: u64, to: u64, filter: &Filter) -> Result<Vec<RpcLog>, RpcError> {
        let to = to.min(self.heads.latest());
        if from > to {
            return Ok(Vec::new());
        }
        let limit = self.limits.log_blocks;
        if to - from >= limit {
            return Err(RpcError::LogRange { limit, from, to: from + (limit - 1) });
        }
        let mut found = Vec::new();
        for number in from..=to {
            let Some(header) = self.chain.header(number)? else { break };
            if !filter.matches_bloom(header.logs_bloom) {
                continue;
            }
            let Some((block, receipts)) = self.find_receipts(header.hash().into())? else { continue };
            found.extend(logs_of(&block, receipts).into_iter().filter(|log| filter.matches(&log.inner)));
            let limit = self.limits.log_results;
            if found.len() > limit {
                // All blocks before this one fit: a range that was seen to work, and smaller than the one asked for.
                return Err(match number.checked_sub(1).filter(|last| *last >= from) {
                    Some(to) => RpcError::LogResults { limit, from, to },
                    None => RpcError::LogResultsInOneBlock { limit, block: number },
                });
            }
        }
        Ok(found)
    }
}
