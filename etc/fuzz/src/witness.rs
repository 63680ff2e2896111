//! Structure-aware: the bytes are edits of a valid input, after which every hash that an attacker can recompute is recomputed.

use super::judge;
use alloy_primitives::{B256, Bytes, keccak256};
use bridge::execute::StatelessInput;
use std::sync::LazyLock;

/// A block with a history, code, storage and some transactions (`basalt-differential seeds` wrote it).
static SAMPLE: LazyLock<StatelessInput> = LazyLock::new(|| {
    let bytes = include_bytes!("../corpus/input/sample");
    StatelessInput::decode(bytes).expect("a kept seed decodes, which a test checks")
});

/// Edits in one run, at most.
const EDITS_MAX: usize = 16;

/// Each edit is five bytes: what, which element, two of position, a value.
pub fn witness(data: &[u8]) {
    let mut input = SAMPLE.clone();
    for edit in data.chunks_exact(5).take(EDITS_MAX) {
        let [what, which, high, low, value] = *edit else { continue };
        apply(&mut input, what, usize::from(which), usize::from(u16::from_be_bytes([high, low])), value);
    }
    input.payload.block_hash = input.header().hash_slow();
    judge(&input.encode());
}

fn apply(input: &mut StatelessInput, what: u8, which: usize, at: usize, value: u8) {
    let witness = &mut input.witness;
    match what % 16 {
        // Nodes and codes, with or without the hashes above.
        0 | 1 => change(input, which, at, |bytes, at| bytes[at] ^= value),
        2 => change(input, which, at, |bytes, at| bytes[at] = value),
        3 => change(input, which, at, |bytes, at| bytes.truncate(at)),
        4 => change(input, which, at, |bytes, at| bytes.insert(at, value)),
        5 => change(input, which, at, |bytes, at| {
            bytes.remove(at);
        }),
        6 if !witness.state.is_empty() => drop(witness.state.remove(which % witness.state.len())),
        7 if !witness.codes.is_empty() => drop(witness.codes.remove(which % witness.codes.len())),
        8 if !witness.state.is_empty() => {
            let (a, b) = (which % witness.state.len(), at % witness.state.len());
            witness.state[a] = witness.state[b].clone();
        }
        // Codes that look like something.
        9 if !witness.codes.is_empty() => {
            let code = witness.state.len() + which % witness.codes.len();
            change(input, code, at, |bytes, _| {
                bytes.splice(0..0, [0xef, 0x01, value]);
            });
        }
        10 => header(input, at, value),
        11 => transaction(input, which, at, value),
        12 => {
            let mut bal = input.payload.block_access_list.to_vec();
            if !bal.is_empty() {
                let at = at % bal.len();
                bal[at] ^= value;
            }
            input.payload.block_access_list = bal.into();
        }
        13 => input.payload.gas_used = input.payload.gas_used.wrapping_add_signed(i64::from(value as i8)),
        14 => input.payload.state_root.0[at % 32] ^= value,
        _ => match value % 6 {
            0 => input.payload.timestamp = input.payload.timestamp.wrapping_add(at as u64),
            1 => input.payload.gas_limit = input.payload.gas_limit.wrapping_mul(at as u64),
            2 => input.payload.block_number = input.payload.block_number.wrapping_add(at as u64),
            3 => input.payload.base_fee_per_gas ^= at as u64,
            4 => input.payload.slot_number ^= at as u64,
            _ => input.chain_id ^= at as u64,
        },
    }
}

/// Changes an element of the witness and carries its hash up to the parent header.
fn change(input: &mut StatelessInput, which: usize, at: usize, edit: impl FnOnce(&mut Vec<u8>, usize)) {
    let witness = &mut input.witness;
    let count = witness.state.len() + witness.codes.len();
    if count == 0 {
        return;
    }
    let index = which % count;
    let nodes = witness.state.len();
    let element = if index < nodes { &mut witness.state[index] } else { &mut witness.codes[index - nodes] };
    if element.is_empty() {
        return;
    }
    let before = keccak256(&*element);
    let mut bytes = element.to_vec();
    let at = at % bytes.len();
    edit(&mut bytes, at);
    *element = bytes.into();
    let mut changes = vec![(before, keccak256(&*element))];
    let mut rounds = 0;
    while let Some((old, new)) = changes.pop() {
        rounds += 1;
        if rounds > 100 {
            return;
        }
        for node in input.witness.state.iter_mut().chain(input.witness.headers.last_mut()) {
            if let Some(replaced) = replace(node, old, new) {
                changes.push((keccak256(&*node), keccak256(&replaced)));
                *node = replaced;
            }
        }
    }
    parent(input);
}

fn replace(bytes: &[u8], old: B256, new: B256) -> Option<Bytes> {
    let at = bytes.windows(32).position(|window| window == old.as_slice())?;
    let mut replaced = bytes.to_vec();
    replaced[at..at + 32].copy_from_slice(new.as_slice());
    Some(replaced.into())
}

fn parent(input: &mut StatelessInput) {
    if let Some(header) = input.witness.headers.last() {
        input.payload.parent_hash = keccak256(header);
    }
}

fn header(input: &mut StatelessInput, at: usize, value: u8) {
    if let Some(header) = input.witness.headers.last_mut() {
        let mut bytes = header.to_vec();
        if !bytes.is_empty() {
            let at = at % bytes.len();
            bytes[at] ^= value;
        }
        *header = bytes.into();
    }
    parent(input);
}

fn transaction(input: &mut StatelessInput, which: usize, at: usize, value: u8) {
    let transactions = &mut input.payload.transactions;
    if transactions.is_empty() {
        return;
    }
    let index = which % transactions.len();
    match value {
        0 => transactions.swap(0, index),
        1 => drop(transactions.remove(index)),
        2 => transactions.push(transactions[index].clone()),
        _ => {
            let mut bytes = transactions[index].to_vec();
            if !bytes.is_empty() {
                let at = at % bytes.len();
                bytes[at] ^= value;
            }
            transactions[index] = bytes.into();
        }
    }
}
