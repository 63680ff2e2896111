//! Making an L1 block: which of the waiting transactions, at what fees, and the header that commits to them.
//!
//! Transactions root, receipts root, bloom, fees and the hash are real. The state root is a hash of the block's place:
//! there is no trie, so nothing can be proven against it.

use super::{
    Mine,
    ledger::{Frame, Ledger, Outcome, Sent, TRANSFER_GAS},
};
use crate::seed::Rng;
use alloy_consensus::{
    EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Eip658Value, Header, Receipt, ReceiptEnvelope, ReceiptWithBloom,
    Transaction as _, TxType,
    proofs::{calculate_receipt_root, calculate_transaction_root},
};
use alloy_eips::{
    eip1559::BaseFeeParams, eip4844::DATA_GAS_PER_BLOB, eip7685::EMPTY_REQUESTS_HASH, eip7840::BlobParams,
};
use alloy_primitives::{B256, Bloom, keccak256};
use execution::block::Transaction;
use std::{collections::VecDeque, sync::Arc};

/// An L1 block with everything that follows from it.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) header: Header,
    pub(super) hash: B256,
    pub(super) slot: u64,
    pub(super) included: Vec<Included>,
    pub(super) after: Ledger,
}

/// A transaction in a block.
#[derive(Debug)]
pub(super) struct Included {
    pub(super) sent: Arc<Sent>,
    pub(super) receipt: ReceiptEnvelope,
    pub(super) gas_used: u64,
    pub(super) gas_price: u128,
}

/// Blobs a block may have and aims at (BPO2).
pub(super) const fn blob_params() -> BlobParams {
    BlobParams::bpo2()
}

/// What the blob gas of the child of `parent` costs, wei.
pub(super) fn next_blob_fee(parent: &Header) -> u128 {
    blob_params().calc_blob_fee(parent.next_block_excess_blob_gas(blob_params()).unwrap_or_default())
}

/// Where the block stands; the rest follows from its parent.
pub(super) struct Place<'a> {
    pub(super) parent: &'a Block,
    pub(super) slot: u64,
    pub(super) timestamp: u64,
    /// The usual one.
    pub(super) gas_limit: u64,
    /// Tells apart blocks that would be equal otherwise: the same slot, built again after a reorg.
    pub(super) salt: u64,
}

impl Block {
    pub(super) const fn number(&self) -> u64 {
        self.header.number
    }

    /// The first block, empty.
    pub(super) fn genesis(gas_limit: u64, base_fee: u64, timestamp: u64, after: Ledger) -> Self {
        let header = Header { gas_limit, timestamp, base_fee_per_gas: Some(base_fee), ..skeleton(B256::ZERO, 0, 0) };
        Self { hash: header.hash_slow(), header, slot: 0, included: Vec::new(), after }
    }

    /// The block at `place` with what of `lines` (a sender's transactions by nonce each) fits and pays. `frame` is the
    /// parent's: number, time and fees are set here.
    pub(super) fn build(
        place: &Place<'_>,
        mine: &Mine,
        lines: impl Iterator<Item = Vec<Arc<Sent>>>,
        frame: Frame<'_>,
        executes: impl Fn(&mut Rng) -> bool,
        rng: &mut Rng,
    ) -> Self {
        let Place { parent, slot, timestamp, salt, .. } = *place;
        let params = blob_params();
        let base_fee = parent.header.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default();
        let base_fee = mine.base_fee.unwrap_or(base_fee);
        let excess = parent.header.next_block_excess_blob_gas(params).unwrap_or_default();
        let excess = mine.excess_blob_gas.unwrap_or(excess);
        let blob_base_fee = params.calc_blob_fee(excess);
        let number = parent.number() + 1;
        let frame = Frame { number, timestamp, base_fee, blob_base_fee, ..frame };

        let gas_limit = mine.gas_limit.unwrap_or(place.gas_limit);
        let (mut gas, mut blobs) = (mine.others_gas.min(gas_limit), mine.others_blobs.min(params.max_blob_count));
        let mut after = parent.after.clone();
        let mut outcomes: Vec<(Arc<Sent>, Outcome)> = Vec::new();
        for sent in order(lines, base_fee, mine, rng) {
            if gas + TRANSFER_GAS > gas_limit {
                break;
            }
            if gas + sent.tx.gas_limit() > gas_limit || blobs + sent.blobs() > params.max_blob_count {
                continue;
            }
            let frame = Frame { executes: executes(rng), ..frame };
            let Some(outcome) = after.apply(&sent, frame) else { continue };
            gas += outcome.gas_used;
            blobs += sent.blobs();
            outcomes.push((sent, outcome));
        }
        let included = receipts(outcomes);

        let transactions: Vec<&Transaction> = included.iter().map(|included| &included.sent.tx).collect();
        let receipts: Vec<ReceiptEnvelope> = included.iter().map(|included| included.receipt.clone()).collect();
        let header = Header {
            transactions_root: calculate_transaction_root(&transactions),
            receipts_root: calculate_receipt_root(&receipts),
            logs_bloom: receipts.iter().fold(Bloom::ZERO, |bloom, receipt| bloom | *receipt.logs_bloom()),
            number,
            gas_limit,
            gas_used: gas,
            timestamp,
            base_fee_per_gas: Some(base_fee),
            blob_gas_used: Some(blobs * DATA_GAS_PER_BLOB),
            excess_blob_gas: Some(excess),
            ..skeleton(parent.hash, slot, salt)
        };
        Self { hash: header.hash_slow(), header, slot, included, after }
    }
}

/// What a header has whatever is in the block.
fn skeleton(parent_hash: B256, slot: u64, salt: u64) -> Header {
    let of = |domain: &str| {
        keccak256([domain.as_bytes(), parent_hash.as_slice(), &slot.to_be_bytes(), &salt.to_be_bytes()].concat())
    };
    Header {
        parent_hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: super::proposer_address(slot),
        state_root: of("state"),
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        mix_hash: of("randao"),
        withdrawals_root: Some(EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(of("beacon")),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        // keccak of an empty RLP list, whatever the transactions touched.
        block_access_list_hash: Some(EMPTY_OMMER_ROOT_HASH),
        slot_number: Some(slot),
        ..Header::default()
    }
}

/// Who goes first: the highest tip, or whom the proposer likes; never a nonce before the one below it.
fn order(lines: impl Iterator<Item = Vec<Arc<Sent>>>, base_fee: u64, mine: &Mine, rng: &mut Rng) -> Vec<Arc<Sent>> {
    let mut lines: Vec<VecDeque<Arc<Sent>>> = lines.map(VecDeque::from).filter(|line| !line.is_empty()).collect();
    let mut ordered = Vec::new();
    while !lines.is_empty() {
        let tip = |sent: &Arc<Sent>| sent.tx.effective_tip_per_gas(base_fee).unwrap_or_default();
        let best = lines.iter().filter_map(|line| line.front()).map(tip).max().unwrap_or_default();
        let wanted = |line: &VecDeque<Arc<Sent>>| mine.shuffle || line.front().is_some_and(|sent| tip(sent) == best);
        let candidates: Vec<usize> = (0..lines.len()).filter(|at| wanted(&lines[*at])).collect();
        let at = *rng.pick(&candidates);
        let is_left_out = rng.chance(mine.left_out_percent.min(100), 100);
        match lines[at].pop_front() {
            Some(sent) if !is_left_out => ordered.push(sent),
            // Without it, those behind it have no valid nonce.
            _ => lines[at].clear(),
        }
        lines.retain(|line| !line.is_empty());
    }
    ordered
}

fn receipts(outcomes: Vec<(Arc<Sent>, Outcome)>) -> Vec<Included> {
    let mut cumulative = 0;
    let include = |(sent, outcome): (Arc<Sent>, Outcome)| {
        cumulative += outcome.gas_used;
        let status = Eip658Value::Eip658(outcome.is_success);
        let receipt = Receipt { status, cumulative_gas_used: cumulative, logs: outcome.logs };
        let receipt: ReceiptWithBloom = receipt.with_bloom();
        let receipt = match sent.tx.tx_type() {
            TxType::Legacy => ReceiptEnvelope::Legacy(receipt),
            TxType::Eip2930 => ReceiptEnvelope::Eip2930(receipt),
            TxType::Eip1559 => ReceiptEnvelope::Eip1559(receipt),
            TxType::Eip4844 => ReceiptEnvelope::Eip4844(receipt),
            TxType::Eip7702 => ReceiptEnvelope::Eip7702(receipt),
        };
        Included { sent, receipt, gas_used: outcome.gas_used, gas_price: outcome.gas_price }
    };
    outcomes.into_iter().map(include).collect()
}
