//! What gas costs: the next block's base fees, a tip that works, and the history behind both.

use alloy_consensus::{BlockHeader, Transaction as _};
use alloy_eips::{BlockNumberOrTag, eip1559::BaseFeeParams};
use alloy_rpc_types_eth::FeeHistory;
use execution::block::{Receipt, RecoveredBlock, SealedHeader};

use crate::{Backend, RpcError};

/// Blocks that the tip suggestion looks at.
const TIP_BLOCKS: u64 = 20;
/// Of all tips in those blocks, the suggestion is this percentile (as in geth).
const TIP_PERCENTILE: usize = 60;

impl Backend {
    /// Wei per gas in the next block.
    pub(crate) fn next_base_fee(&self) -> Result<u64, RpcError> {
        let open = self.open_block()?;
        Ok(open.block.header().base_fee_per_gas().unwrap_or(0))
    }

    /// Wei per blob gas in the next block. 1, the least there is, on a chain without blobs.
    pub(crate) fn next_blob_base_fee(&self) -> Result<u128, RpcError> {
        let open = self.open_block()?;
        let header = open.block.header();
        let params = self.spec.blob_params_at(header.timestamp());
        Ok(params.and_then(|params| header.blob_fee(params)).unwrap_or(1))
    }

    /// Wei per gas that a legacy transaction should offer.
    pub(crate) fn gas_price(&self) -> Result<u128, RpcError> {
        Ok(u128::from(self.next_base_fee()?).saturating_add(self.suggested_tip()?))
    }

    /// Wei per gas on top of the base fee: what recent transactions paid, and no floor but the pool's own. An empty
    /// chain asks for nothing more, so that a Max-send on a cheap L2 is not eaten by a mainnet-sized tip.
    pub(crate) fn suggested_tip(&self) -> Result<u128, RpcError> {
        let head = self.heads.latest();
        let oldest = head.saturating_sub(TIP_BLOCKS - 1);
        let mut tips = Vec::new();
        for number in oldest..=head {
            let Some(block) = self.chain.block(number)? else { continue };
            let base_fee = block.header().base_fee_per_gas().unwrap_or(0);
            let paid = block.body().transactions.iter().filter_map(|tx| tx.effective_tip_per_gas(base_fee));
            tips.extend(paid);
        }
        tips.sort_unstable();
        let index = tips.len().saturating_sub(1) * TIP_PERCENTILE / 100;
        Ok(tips.get(index).copied().unwrap_or(0).max(self.submit.tip_min_wei()))
    }

    pub(crate) fn fee_history(
        &self,
        blocks: u64,
        newest: BlockNumberOrTag,
        percentiles: &[f64],
    ) -> Result<FeeHistory, RpcError> {
        self.check_percentiles(percentiles)?;
        let newest = match newest {
            // The open block's fees are still moving.
            BlockNumberOrTag::Pending => BlockNumberOrTag::Latest,
            other => other,
        };
        let last = self.find_header(newest.into())?.ok_or_else(|| self.unknown(newest.into()))?;
        let genesis = self.spec.genesis_header().number;
        let blocks = blocks.min(self.limits.fee_history_blocks).min((last.number - genesis).saturating_add(1));
        if blocks == 0 {
            return Ok(FeeHistory { oldest_block: last.number, ..Default::default() });
        }
        let oldest = last.number - (blocks - 1);
        let mut history =
            FeeHistory { oldest_block: oldest, reward: (!percentiles.is_empty()).then(Vec::new), ..Default::default() };
        for number in oldest..=last.number {
            let header = self.chain.header(number)?.ok_or_else(|| self.unknown(number.into()))?;
            self.add_fees(&mut history, &header);
            if let Some(rewards) = &mut history.reward {
                let (block, receipts) =
                    self.find_receipts(number.into())?.ok_or_else(|| self.unknown(number.into()))?;
                rewards.push(rewards_at(&block, &receipts, percentiles));
            }
        }
        // One more of each base fee: what the block after the last one charges, known from the last one.
        let next = last.header().next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or(0);
        history.base_fee_per_gas.push(next.into());
        let params = self.spec.blob_params_at(last.timestamp);
        let next_blob = params.and_then(|params| last.header().next_block_blob_fee(params));
        history.base_fee_per_blob_gas.push(next_blob.unwrap_or(0));
        Ok(history)
    }

    fn check_percentiles(&self, percentiles: &[f64]) -> Result<(), RpcError> {
        let limit = self.limits.fee_history_percentiles;
        if percentiles.len() > limit {
            return Err(RpcError::TooMany { what: "reward percentiles", got: percentiles.len(), limit });
        }
        // `contains` is false for NaN.
        if let Some(wrong) = percentiles.iter().find(|percentile| !(0.0..=100.0).contains(*percentile)) {
            return Err(RpcError::params(format!("invalid reward percentile: {wrong}")));
        }
        if percentiles.windows(2).any(|pair| pair[0] > pair[1]) {
            return Err(RpcError::params("invalid reward percentile: must be in ascending order"));
        }
        Ok(())
    }

    fn add_fees(&self, history: &mut FeeHistory, header: &SealedHeader) {
        history.base_fee_per_gas.push(header.base_fee_per_gas.unwrap_or(0).into());
        history.gas_used_ratio.push(ratio(header.gas_used, header.gas_limit));
        let params = self.spec.blob_params_at(header.timestamp);
        history.base_fee_per_blob_gas.push(params.and_then(|params| header.header().blob_fee(params)).unwrap_or(0));
        let blob_limit = params.map_or(0, |params| params.max_blob_gas_per_block());
        history.blob_gas_used_ratio.push(ratio(header.blob_gas_used.unwrap_or(0), blob_limit));
    }
}

fn ratio(used: u64, limit: u64) -> f64 {
    if limit == 0 { 0.0 } else { used as f64 / limit as f64 }
}

/// The tip at each percentile of the block's gas, cheapest first; zeros for an empty block.
fn rewards_at(block: &RecoveredBlock, receipts: &[Receipt], percentiles: &[f64]) -> Vec<u128> {
    let base_fee = block.header().base_fee_per_gas().unwrap_or(0);
    let mut before = 0;
    let mut paid: Vec<(u128, u64)> = Vec::with_capacity(receipts.len());
    for (transaction, receipt) in block.body().transactions.iter().zip(receipts) {
        let gas = receipt.cumulative_gas_used().saturating_sub(before);
        before = receipt.cumulative_gas_used();
        paid.push((transaction.effective_tip_per_gas(base_fee).unwrap_or(0), gas));
    }
    paid.sort_unstable();
    let total = before as f64;
    let at = |percentile: &f64| {
        let threshold = total * percentile / 100.0;
        let mut sum = 0.0;
        let reached = paid.iter().find(|(_, gas)| {
            sum += *gas as f64;
            sum >= threshold
        });
        reached.or(paid.last()).map_or(0, |(tip, _)| *tip)
    };
    percentiles.iter().map(at).collect()
}
