//! Mutants of the encoding: bits, lengths, and the offsets of SSZ.

use super::{
    Attacker,
    Expect::{Judged, Refused},
    parts::flip,
};
use crate::judge::Disagreement;

/// Bits flipped, and lengths tried, of one input.
const SAMPLES: usize = 40;
/// Offsets of one list that are tampered with.
const OFFSETS_MAX: usize = 3;

pub(super) fn attack(attacker: &mut Attacker<'_>) -> Result<(), Disagreement> {
    let bytes = attacker.case.input.encode();
    for _ in 0..SAMPLES {
        let bit = attacker.random.index(bytes.len() * 8);
        attacker.present("bit of the input flipped", Judged, &flip(&bytes, bit))?;
        let len = attacker.random.index(bytes.len());
        attacker.present("input cut short", Refused, &bytes[..len])?;
    }
    for pad in [1, 4, 32, 65] {
        attacker.present("input with bytes behind", Refused, &[&bytes[..], &vec![0; pad]].concat())?;
    }
    for len in 0..4 {
        attacker.present("input cut short", Refused, &bytes[..len])?;
    }
    let positions = offsets(&bytes);
    for (index, at) in positions.iter().enumerate() {
        let old = read(&bytes, *at);
        let other = read(&bytes, positions[(index + 1) % positions.len()]);
        let any = attacker.random.below(bytes.len() as u64) as u32;
        for new in [old.wrapping_add(1), old.wrapping_sub(1), old + 4, old.wrapping_sub(4), 0, 1, u32::MAX, other, any]
        {
            if new != old {
                let mut bytes = bytes.clone();
                bytes[*at..at + 4].copy_from_slice(&new.to_le_bytes());
                attacker.present("offset changed", Refused, &bytes)?;
            }
        }
    }
    // A hole, with every later offset moved along: the same parts, another encoding.
    for at in &positions {
        let (place, by) = (read(&bytes, *at), 4);
        let mut moved = bytes.clone();
        moved[*at..at + 4].copy_from_slice(&(place + by).to_le_bytes());
        let hole = *at + 4;
        moved.splice(hole..hole, [0; 4]);
        attacker.present("a hole behind an offset", Refused, &moved)?;
    }
    Ok(())
}

fn read(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    u32::from_le_bytes(word.expect("positions come from a valid encoding"))
}

/// Positions of offsets in a valid input (DESIGN of the wire format: `bridge::execute`).
fn offsets(bytes: &[u8]) -> Vec<usize> {
    let follow = |base: usize, at: usize| base + read(bytes, base + at) as usize;
    let body = 2;
    let (request, witness) = (follow(body, 0), follow(body, 4));
    let (payload, requests) = (follow(request, 0), follow(request, 40));
    let mut positions: Vec<usize> = [
        &[body, body + 4, request, request + 4, request + 40][..],
        &[436, 504, 508, 528].map(|at| payload + at),
        &[0, 4, 8, 12, 16].map(|at| requests + at),
        &[0, 4, 8].map(|at| witness + at),
    ]
    .concat();
    let lists = [
        (follow(payload, 504), follow(payload, 508)),
        (follow(witness, 0), follow(witness, 4)),
        (follow(witness, 4), follow(witness, 8)),
        (follow(witness, 8), bytes.len()),
    ];
    for (start, _) in lists.into_iter().filter(|(start, end)| start < end) {
        let count = read(bytes, start) as usize / 4;
        positions.extend((0..count.min(OFFSETS_MAX)).map(|index| start + 4 * index));
    }
    positions
}
