//! `Hub.advance`: the rules of SPEC §7, in their order, with their errors.

use super::{Done, Hub, Revert, Rollup, abi, log, revert};
use crate::l1::ledger::Scene;
use alloy_eips::eip4844::{Bytes48, kzg_to_versioned_hash};
use alloy_primitives::{B256, Bytes, U256};
use bridge::{
    anchor::{Anchor, MAX_ORIGIN_LAG, prev_randao},
    blob,
    execute::{Payload, SCHEMA_ID, StatelessInput},
    gas::{Sizes, advance_gas},
    message::MAX_INBOX_STEP,
    opening::OPENING_BYTES,
};

/// Gas of a landing that is turned away before EXECUTE, beside its calldata: roughly what reading and binding cost.
pub(in crate::l1) const REFUSED_GAS: u64 = 120_000;

impl Hub {
    pub(super) fn advance(&mut self, scene: &Scene<'_>, call: &abi::advanceCall) -> Result<Done, Revert> {
        let (a, bytes) = (&call.a, &call.executeInput);
        let schema = bytes.first_chunk::<2>().map_or(0, |schema| u16::from_be_bytes(*schema));
        if schema != SCHEMA_ID {
            return Err(revert(abi::WrongSchema { schemaId: schema }));
        }
        // Where exactly it is not canonical is not modelled.
        let unreadable = |_| revert(abi::NonCanonicalSsz { r#where: U256::from(bytes.len()) });
        let input = StatelessInput::decode(bytes).map_err(unreadable)?;
        if !input.versioned_hashes.is_empty() {
            return Err(revert(abi::VersionedHashesNotEmpty {}));
        }
        let p = &input.payload;
        // Under OpenSchedule, which is the one modelled, anyone may advance.
        let mut rollup = self.get(input.chain_id)?.clone();
        check_header(&rollup, p, scene)?;
        let anchor = check_anchor(&rollup, &input, a, scene)?;
        let blob_hashes = check_blobs(p, &a.openings, scene)?;
        let cost = advance_gas(&Sizes::of(&input));
        if scene.gas < cost.execution {
            return Err(revert(abi::InsufficientGas { needed: U256::from(cost.execution) }));
        }
        check_execution(&input, bytes, scene)?;
        if !a.outboxAccountProof.is_empty() {
            return Err(Revert::new());
        }

        rollup.head_hash = p.block_hash;
        rollup.number = p.block_number;
        rollup.timestamp = p.timestamp;
        rollup.gas_limit = p.gas_limit;
        rollup.base_fee = p.base_fee_per_gas;
        rollup.origin_number = a.originNumber;
        rollup.inbox_consumed = a.inboxCount;
        rollup.state_roots.push_back(p.state_root);
        self.rollups.insert(input.chain_id, rollup);
        let event = abi::BlockLanded {
            chainId: input.chain_id,
            number: p.block_number,
            blockHash: p.block_hash,
            landed: abi::LandedBlock {
                parentHash: p.parent_hash,
                stateRoot: p.state_root,
                timestamp: p.timestamp,
                gasLimit: p.gas_limit,
                feeRecipient: p.fee_recipient,
                extraData: p.extra_data.clone(),
                originNumber: a.originNumber,
                originHash: anchor.origin_hash,
                inboxCount: a.inboxCount,
                inboxHash: anchor.inbox_hash,
                proposer: scene.sender,
                blobHashes: blob_hashes,
            },
        };
        Ok(Done { logs: vec![log(scene.hub, &event)], gas: cost.execution, output: Bytes::new() })
    }
}

/// Rules 5 to 10.
fn check_header(rollup: &Rollup, p: &Payload, scene: &Scene<'_>) -> Result<(), Revert> {
    if p.parent_hash != rollup.head_hash {
        return Err(revert(abi::WrongParent { head: rollup.head_hash, given: p.parent_hash }));
    }
    let number = rollup.number + 1;
    if p.block_number != number {
        return Err(revert(abi::WrongNumber { expected: number, given: p.block_number }));
    }
    if p.timestamp > scene.timestamp {
        return Err(revert(abi::TimestampInFuture { l1: scene.timestamp, given: p.timestamp }));
    }
    let (min, max) = (rollup.params.gasLimitMin, rollup.params.gasLimitMax);
    if !(min..=max).contains(&p.gas_limit) {
        return Err(revert(abi::GasLimitOutOfRange { given: p.gas_limit, min, max }));
    }
    if p.base_fee_per_gas >= 1 << 56 {
        return Err(revert(abi::BaseFeeTooHigh { given: U256::from(p.base_fee_per_gas) }));
    }
    if p.slot_number != number {
        return Err(revert(abi::WrongSlotNumber { expected: number, given: p.slot_number }));
    }
    Ok(())
}

/// Rules 11 to 20; returns the anchor that they make.
fn check_anchor(
    rollup: &Rollup,
    input: &StatelessInput,
    a: &abi::Advance,
    scene: &Scene<'_>,
) -> Result<Anchor, Revert> {
    let (origin, lag, p) = (a.originNumber, rollup.params.minOriginLag, &input.payload);
    if origin.saturating_add(lag) > scene.number {
        return Err(revert(abi::OriginTooNew { given: origin, newest: U256::from(scene.number.saturating_sub(lag)) }));
    }
    if origin + MAX_ORIGIN_LAG < scene.number {
        let oldest = U256::from(scene.number - MAX_ORIGIN_LAG);
        return Err(revert(abi::OriginTooOld { given: origin, oldest }));
    }
    if origin < rollup.origin_number {
        return Err(revert(abi::OriginMovedBack { parent: rollup.origin_number, given: origin }));
    }
    let Some(origin_hash) = scene.block_hash(origin) else {
        return Err(revert(abi::OriginUnavailable { given: origin }));
    };
    let expected = prev_randao(origin_hash, p.block_number);
    if p.prev_randao != expected {
        return Err(revert(abi::WrongPrevRandao { expected, given: p.prev_randao }));
    }
    let (consumed, count) = (rollup.inbox_consumed, rollup.inbox_count());
    if a.inboxCount < consumed {
        return Err(revert(abi::InboxCountMovedBack { parent: consumed, given: a.inboxCount }));
    }
    if a.inboxCount > count {
        return Err(revert(abi::InboxCountBeyond { inboxCount: count, given: a.inboxCount }));
    }
    if a.inboxCount - consumed > MAX_INBOX_STEP {
        return Err(revert(abi::InboxStepTooLarge { step: a.inboxCount - consumed }));
    }
    let inbox_hash = rollup.inbox_hash_at(a.inboxCount)?;
    let anchor =
        Anchor { chain_id: input.chain_id, origin_number: origin, origin_hash, inbox_count: a.inboxCount, inbox_hash };
    if input.parent_beacon_block_root != anchor.hash() {
        return Err(revert(abi::WrongAnchor { expected: anchor.hash(), given: input.parent_beacon_block_root }));
    }
    Ok(anchor)
}

/// Rules 22 to 24: the transaction's blobs are exactly the payload's data.
fn check_blobs(p: &Payload, openings: &[u8], scene: &Scene<'_>) -> Result<Vec<B256>, Revert> {
    let data = blob::encode(&p.block_access_list, &p.transactions);
    let count = blob::blob_count(data.len());
    if openings.len() != count * OPENING_BYTES {
        let (expected, given) = (U256::from(count * OPENING_BYTES), U256::from(openings.len()));
        return Err(revert(abi::WrongOpeningsLength { expected, given }));
    }
    if scene.blob_hashes.len() < count {
        return Err(revert(abi::BlobMissing { i: U256::from(scene.blob_hashes.len()) }));
    }
    if scene.blob_hashes.len() > count {
        return Err(revert(abi::ExtraBlob { i: U256::from(count) }));
    }
    for (at, (slice, opening)) in blob::slices(&data).zip(openings.chunks_exact(OPENING_BYTES)).enumerate() {
        let (commitment, proof) = (Bytes48::from_slice(&opening[..48]), Bytes48::from_slice(&opening[48..]));
        if kzg_to_versioned_hash(commitment.as_slice()) != scene.blob_hashes[at] {
            return Err(revert(abi::BlobHashMismatch { i: U256::from(at) }));
        }
        if !scene.binding.opens(commitment, proof, slice) {
            return Err(revert(abi::WrongOpening { i: U256::from(at) }));
        }
    }
    Ok(scene.blob_hashes.to_vec())
}

/// Rule 25. What costs nothing is always checked; the execution itself as often as the world asks.
fn check_execution(input: &StatelessInput, bytes: &[u8], scene: &Scene<'_>) -> Result<(), Revert> {
    let hash = input.header().hash_slow();
    let is_block = hash == input.payload.block_hash && input.check_rollup_rules().is_ok();
    if !is_block || (scene.executes && execution::stateless::validate(bytes).is_err()) {
        return Err(revert(abi::ExecuteRefused {}));
    }
    Ok(())
}
