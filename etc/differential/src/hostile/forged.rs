//! Forged states: an attacker changes what the parent state says and recomputes every hash above it.
//!
//! Such an input may prove something about a block whose parent is the forged one, which no contract ever recorded; never about ours.

use super::{
    Attacker,
    Expect::{Judged, Refused},
    parts::flip,
};
use crate::{
    Case, Plan, Tally,
    generate::Random,
    judge::{self, Disagreement},
    play,
};
use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes, U256, keccak256};
use alloy_rlp::Decodable;
use bridge::execute::StatelessInput;

/// Elements of one witness that are forged.
const SAMPLES: usize = 30;

pub(super) fn attack(attacker: &mut Attacker<'_>) -> Result<(), Disagreement> {
    let honest = attacker.case.parent.hash();
    for _ in 0..SAMPLES {
        let mut input = attacker.case.input.clone();
        let in_codes = attacker.random.chance(0.2) && !input.witness.codes.is_empty();
        let part = if in_codes { &mut input.witness.codes } else { &mut input.witness.state };
        let index = attacker.random.index(part.len());
        let before = part[index].clone();
        // The end of a node is where its value is: a balance, a nonce, a slot, a storage root, a code hash.
        let bits = before.len() * 8;
        let bit = if attacker.random.chance(0.5) {
            attacker.random.index(bits)
        } else {
            bits - 1 - attacker.random.index(bits.min(640))
        };
        part[index] = flip(&before, bit);
        let change = (keccak256(&before), keccak256(&part[index]));
        repin(&mut input, change);
        if input.payload.parent_hash == honest {
            continue;
        }
        attacker.present("forged element, hashes repinned", Judged, &input.encode())?;
        // The same, claimed of the honest parent.
        input.payload.parent_hash = honest;
        input.payload.block_hash = input.header().hash_slow();
        attacker.present("forged element of the honest parent", Refused, &input.encode())?;
    }
    forged_headers(attacker)
}

/// Carries a changed hash up to the parent header, the payload and the block hash.
fn repin(input: &mut StatelessInput, change: (B256, B256)) {
    let mut changes = vec![change];
    let mut rounds = 0;
    while let Some((old, new)) = changes.pop() {
        rounds += 1;
        // A node that contains its own hash is beyond attackers; this bound is for the reader.
        if rounds > 1_000 {
            break;
        }
        for node in input.witness.state.iter_mut().chain(input.witness.headers.last_mut()) {
            if let Some(replaced) = replace(node, old, new) {
                changes.push((keccak256(&*node), keccak256(&replaced)));
                *node = replaced;
            }
        }
    }
    if let Some(header) = input.witness.headers.last() {
        input.payload.parent_hash = keccak256(header);
    }
    input.payload.block_hash = input.header().hash_slow();
}

fn replace(bytes: &[u8], old: B256, new: B256) -> Option<Bytes> {
    let at = bytes.windows(32).position(|window| window == old.as_slice())?;
    let mut replaced = bytes.to_vec();
    replaced[at..at + 32].copy_from_slice(new.as_slice());
    Some(replaced.into())
}

/// A parent that never was, otherwise like ours.
fn forged_headers(attacker: &mut Attacker<'_>) -> Result<(), Disagreement> {
    type Change = fn(&mut Header, u64);
    const CHANGES: [(&str, Change); 11] = [
        ("forged parent, timestamp", |h, n| h.timestamp = h.timestamp.wrapping_sub(n)),
        ("forged parent, gas limit", |h, n| h.gas_limit ^= n),
        ("forged parent, gas used", |h, n| h.gas_used = n * 1_000),
        ("forged parent, base fee", |h, n| h.base_fee_per_gas = Some(n)),
        ("forged parent, no base fee", |h, _| h.base_fee_per_gas = None),
        ("forged parent, blob gas", |h, n| h.excess_blob_gas = Some(n << 30)),
        ("forged parent, all blob gas", |h, _| (h.excess_blob_gas, h.blob_gas_used) = (Some(u64::MAX), Some(u64::MAX))),
        ("forged parent, number", |h, n| h.number = h.number.wrapping_add(n)),
        ("forged parent, last number", |h, _| h.number = u64::MAX),
        ("forged parent, state root", |h, n| h.state_root.0[n as usize % 32] ^= 1),
        ("forged parent, extra data", |h, n| h.extra_data = vec![n as u8; 32].into()),
    ];
    for (name, change) in CHANGES {
        let n = 1 + attacker.random.below(1 << 20);
        let mut input = attacker.case.input.clone();
        let Some(last) = input.witness.headers.last_mut() else { continue };
        let Ok(mut header) = Header::decode(&mut &last[..]) else { continue };
        change(&mut header, n);
        *last = alloy_rlp::encode(&header).into();
        input.payload.parent_hash = keccak256(&*last);
        input.payload.block_hash = input.header().hash_slow();
        attacker.present(name, Judged, &input.encode())?;
    }
    Ok(())
}

/// A whole chain forged from genesis on: every number in it fits, and every statement is about it alone.
pub(super) fn attack_with_a_twin(plan: &Plan, tally: &mut Tally, random: &mut Random) -> Result<(), Disagreement> {
    let mut forged = plan.clone();
    let rich = random.index(forged.contracts.len());
    forged.contracts[rich].balance += U256::from(10).pow(U256::from(20));
    let mut twins = Vec::new();
    play::play(&forged, &mut Tally::default(), |case, _| {
        twins.push(case.input.clone());
        Ok(())
    })?;
    let mut twins = twins.into_iter();
    play::play(plan, tally, |case, tally| {
        let Some(twin) = twins.next() else { return Ok(()) };
        compare(case, &twin, &mut Attacker { case, tally, random })
    })
}

fn compare(case: &Case, twin: &StatelessInput, attacker: &mut Attacker<'_>) -> Result<(), Disagreement> {
    let fault = |what: &'static str| Err(Disagreement { what, why: String::new() });
    judge::agree(case)?;
    // True of its own parent, which is not ours.
    attacker.present("forged chain", Judged, &twin.encode())?;
    if twin.payload.parent_hash == case.parent.hash() || twin.request_root() == case.input.request_root() {
        return fault("a forged chain says the same as the real one");
    }
    attacker.changed("forged witness", Refused, |i| i.witness = twin.witness.clone())?;
    attacker.changed("forged payload", Refused, |i| i.payload = twin.payload.clone())?;
    attacker.repinned("forged payload of the honest parent", Refused, |i| {
        i.payload = twin.payload.clone();
        i.payload.parent_hash = case.parent.hash();
    })?;
    attacker.repinned("forged payload and nodes of the honest parent", Refused, |i| {
        (i.payload, i.witness.state) = (twin.payload.clone(), twin.witness.state.clone());
        i.payload.parent_hash = case.parent.hash();
    })?;
    attacker.changed("all forged but the headers", Refused, |i| {
        (i.payload, i.witness.state) = (twin.payload.clone(), twin.witness.state.clone());
    })?;
    attacker.changed("forged headers", Refused, |i| i.witness.headers = twin.witness.headers.clone())?;
    // Both at once: whoever looks nodes up by hash finds the right ones.
    attacker.changed("forged nodes beside the honest", Judged, |i| i.witness.state.extend(twin.witness.state.clone()))
}
