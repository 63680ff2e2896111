//! Mutants of the decoded input: witness elements left out, changed, swapped; fields changed and the block hash recomputed.

use super::{
    Attacker,
    Expect::{Accepted, Judged, Refused},
};
use crate::judge::Disagreement;
use alloy_primitives::{Address, B256, Bytes};
use bridge::execute::{StatelessInput, Witness};

type Part = fn(&mut Witness) -> &mut Vec<Bytes>;

const PARTS: [(&str, Part); 3] =
    [("node", |w| &mut w.state), ("code", |w| &mut w.codes), ("header", |w| &mut w.headers)];

pub(super) fn attack(attacker: &mut Attacker<'_>, previous: Option<&StatelessInput>) -> Result<(), Disagreement> {
    nothing_is_to_spare(attacker)?;
    flipped_elements(attacker)?;
    harmless(attacker)?;
    headers(attacker)?;
    fields(attacker)?;
    access_list(attacker)?;
    transactions(attacker)?;
    previous.map_or(Ok(()), |previous| swapped(attacker, previous))
}

/// Minimality: without any one element the statement is not shown.
fn nothing_is_to_spare(attacker: &mut Attacker<'_>) -> Result<(), Disagreement> {
    let mut witness = attacker.case.input.witness.clone();
    for (name, part) in PARTS {
        let name = match name {
            "node" => "node left out",
            "code" => "code left out",
            _ => "header left out",
        };
        for index in 0..part(&mut witness).len() {
            attacker.changed(name, Refused, |input| drop(part(&mut input.witness).remove(index)))?;
        }
    }
    Ok(())
}

fn flipped_elements(attacker: &mut Attacker<'_>) -> Result<(), Disagreement> {
    let mut witness = attacker.case.input.witness.clone();
    for (_, part) in PARTS {
        for (index, element) in part(&mut witness).iter().enumerate() {
            let bit = attacker.random.index(element.len() * 8);
            let cut = attacker.random.index(element.len());
            attacker.changed("bit of an element flipped", Refused, |input| {
                let element = &mut part(&mut input.witness)[index];
                *element = flip(element, bit);
            })?;
            attacker.changed("element cut short", Refused, |input| {
                part(&mut input.witness)[index].truncate(cut);
            })?;
        }
    }
    Ok(())
}

/// `bytes` with one bit changed.
pub(super) fn flip(bytes: &[u8], bit: usize) -> Bytes {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes.into()
}

/// Order, duplicates and strays change nothing.
fn harmless(attacker: &mut Attacker<'_>) -> Result<(), Disagreement> {
    let stray = attacker.random.bytes(40);
    attacker.changed("nodes and codes reversed", Accepted, |input| {
        input.witness.state.reverse();
        input.witness.codes.reverse();
    })?;
    attacker.changed("nodes and codes twice", Accepted, |input| {
        input.witness.state.extend_from_within(..);
        input.witness.codes.extend_from_within(..);
    })?;
    attacker.changed("a stray node and a stray code", Accepted, |input| {
        input.witness.state.push(stray.clone());
        input.witness.codes.push(stray);
    })?;
    let (a, b) = (attacker.random.below(1 << 20), attacker.random.below(1 << 20));
    attacker.changed("nodes rotated", Accepted, |input| {
        let len = input.witness.state.len();
        input.witness.state.rotate_left(a as usize % len);
        input.witness.state.swap(0, b as usize % len);
    })
}

fn headers(attacker: &mut Attacker<'_>) -> Result<(), Disagreement> {
    attacker.changed("no headers", Refused, |i| i.witness.headers.clear())?;
    attacker.changed("headers reversed", Refused, |i| i.witness.headers.reverse())?;
    attacker.changed("headers twice", Refused, |i| i.witness.headers.extend_from_within(..))?;
    attacker.changed("first header twice", Refused, |i| i.witness.headers.insert(0, i.witness.headers[0].clone()))?;
    attacker.changed("node as header", Refused, |i| i.witness.headers.insert(0, i.witness.state[0].clone()))?;
    attacker.changed("257 headers", Refused, |i| i.witness.headers = vec![i.witness.headers[0].clone(); 257])
}

fn fields(attacker: &mut Attacker<'_>) -> Result<(), Disagreement> {
    type Change = fn(&mut StatelessInput, u64);
    const FALSE: [(&str, Change); 20] = [
        ("state root", |i, n| i.payload.state_root.0[n as usize % 32] ^= 1),
        ("receipts root", |i, n| i.payload.receipts_root.0[n as usize % 32] ^= 1),
        ("bloom", |i, n| i.payload.logs_bloom.0[n as usize % 256] ^= 1),
        ("gas used up", |i, n| i.payload.gas_used += 1 + n % 1_000),
        ("gas used down", |i, n| i.payload.gas_used = i.payload.gas_used.wrapping_sub(1 + n % 1_000)),
        ("base fee", |i, n| i.payload.base_fee_per_gas = i.payload.base_fee_per_gas.wrapping_add(1 + n % 9)),
        ("number up", |i, _| i.payload.block_number += 1),
        ("number down", |i, _| i.payload.block_number -= 1),
        ("timestamp of long ago", |i, _| i.payload.timestamp = 1),
        ("gas limit doubled", |i, _| i.payload.gas_limit *= 2),
        ("gas limit gone", |i, _| i.payload.gas_limit = 0),
        ("gas limit without bound", |i, _| i.payload.gas_limit = u64::MAX),
        ("parent", |i, n| i.payload.parent_hash.0[n as usize % 32] ^= 1),
        ("versioned hash", |i, n| i.versioned_hashes.push(B256::repeat_byte(n as u8))),
        ("blob gas", |i, _| i.payload.blob_gas_used = 1 << 17),
        ("excess blob gas", |i, _| i.payload.excess_blob_gas = 1 << 17),
        ("withdrawal", |i, _| i.payload.withdrawals.push(Default::default())),
        ("request", |i, _| i.requests.withdrawals.push(Default::default())),
        ("extra data too long", |i, _| i.payload.extra_data = vec![0; 33].into()),
        ("chain id 0", |i, _| i.chain_id = 0),
    ];
    const OTHER: [(&str, Change); 8] = [
        ("slot number", |i, n| i.payload.slot_number ^= 1 + n),
        ("extra data", |i, n| i.payload.extra_data = vec![n as u8; n as usize % 33].into()),
        ("fee recipient", |i, n| i.payload.fee_recipient = Address::repeat_byte(n as u8)),
        ("randomness", |i, n| i.payload.prev_randao.0[n as usize % 32] ^= 1),
        ("anchor", |i, n| i.parent_beacon_block_root.0[n as usize % 32] ^= 1),
        ("timestamp", |i, n| i.payload.timestamp += 1 + n % 99),
        ("gas limit", |i, n| i.payload.gas_limit += 1 + n % 99),
        ("chain id", |i, n| i.chain_id += 1 + n),
    ];
    for (expect, changes) in [(Refused, &FALSE[..]), (Judged, &OTHER[..])] {
        for (name, change) in changes {
            let n = attacker.random.below(1 << 20);
            attacker.repinned(name, expect, |input| change(input, n))?;
        }
    }
    attacker.changed("block hash", Refused, |i| i.payload.block_hash.0[7] ^= 1)
}

fn access_list(attacker: &mut Attacker<'_>) -> Result<(), Disagreement> {
    let len = attacker.case.input.payload.block_access_list.len();
    attacker.repinned("empty access list", Refused, |i| i.payload.block_access_list = vec![0xc0].into())?;
    attacker.repinned("no access list", Refused, |i| i.payload.block_access_list.clear())?;
    attacker.repinned("access list with a byte behind", Refused, |i| {
        i.payload.block_access_list = [&i.payload.block_access_list[..], &[0]].concat().into();
    })?;
    for _ in 0..8 {
        let bit = attacker.random.index(len * 8);
        attacker.repinned("bit of the access list flipped", Refused, |i| {
            i.payload.block_access_list = flip(&i.payload.block_access_list, bit);
        })?;
    }
    Ok(())
}

fn transactions(attacker: &mut Attacker<'_>) -> Result<(), Disagreement> {
    let count = attacker.case.input.payload.transactions.len();
    for index in 0..count {
        let bit = attacker.random.index(attacker.case.input.payload.transactions[index].len() * 8);
        attacker.repinned("bit of a transaction flipped", Judged, |i| {
            i.payload.transactions[index] = flip(&i.payload.transactions[index], bit);
        })?;
        attacker.repinned("transaction left out", Refused, |i| drop(i.payload.transactions.remove(index)))?;
        attacker.repinned("transaction twice", Refused, |i| {
            i.payload.transactions.insert(index, i.payload.transactions[index].clone());
        })?;
        attacker.repinned("transactions swapped", Judged, |i| i.payload.transactions.swap(index, count - 1 - index))?;
        attacker.repinned("empty transaction", Refused, |i| i.payload.transactions[index] = Bytes::new())?;
        for kind in [3, 6, 0x7e] {
            attacker.repinned("transaction of another type", Refused, |i| {
                i.payload.transactions[index] = [&[kind], &i.payload.transactions[index][1..]].concat().into();
            })?;
        }
    }
    Ok(())
}

/// Parts of the block before.
fn swapped(attacker: &mut Attacker<'_>, previous: &StatelessInput) -> Result<(), Disagreement> {
    attacker.changed("another block's nodes", Judged, |i| i.witness.state = previous.witness.state.clone())?;
    attacker.changed("another block's codes", Judged, |i| i.witness.codes = previous.witness.codes.clone())?;
    attacker.changed("another block's headers", Refused, |i| i.witness.headers = previous.witness.headers.clone())?;
    attacker.changed("another block's witness", Refused, |i| i.witness = previous.witness.clone())?;
    attacker.changed("another block's payload", Refused, |i| i.payload = previous.payload.clone())?;
    attacker.repinned("another block's transactions", Judged, |i| {
        i.payload.transactions = previous.payload.transactions.clone();
    })?;
    attacker.repinned("another block's access list", Judged, |i| {
        i.payload.block_access_list = previous.payload.block_access_list.clone();
    })?;
    attacker.repinned("another block's parent", Refused, |i| i.payload.parent_hash = previous.payload.parent_hash)
}
