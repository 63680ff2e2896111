//! Init code: what creations run, good and bad.

use super::{Random, programs};
use crate::asm::Asm;
use alloy_primitives::U256;
use revm::bytecode::opcode as op;

/// EIP-7954: most bytes of deployed code.
const CODE_MAX: u64 = 65_536;

/// Some init code; `depth` bounds how deeply it creates in turn.
pub(super) fn initcode(random: &mut Random, depth: u32) -> Vec<u8> {
    let mut asm = Asm::default();
    match random.below(16) {
        0 => {}
        // Zeros of code: few, or about as many as are allowed.
        1 | 2 => drop(asm.push(random.below(80)).ops(&[op::PUSH0, op::RETURN])),
        3 if random.chance(0.2) => drop(asm.push(CODE_MAX - 1 + random.below(3)).ops(&[op::PUSH0, op::RETURN])),
        // EIP-3541, and what looks like a delegation.
        4 => return Asm::deploy(&[], &[0xef]),
        5 => return Asm::deploy(&[], &[&[0xef, 0x01, 0x00][..], random.target().as_slice()].concat()),
        6 => drop(asm.memory(0, &[1, 2, 3]).push(random.below(64)).ops(&[op::PUSH0, op::REVERT])),
        7 => drop(asm.ops(&[op::INVALID])),
        // Gone before it was there, with or without a slot.
        8 => {
            if random.chance(0.5) {
                asm.push(1u64).push(1u64).ops(&[op::SSTORE]);
            }
            beneficiary(random, &mut asm);
            asm.ops(&[op::SELFDESTRUCT]);
        }
        // Calls back while it has no code.
        9 => {
            asm.ops(&[op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0]).push(random.below(2)).ops(&[op::CALLER]);
            asm.push(random.magnitude(1 << 18))
                .ops(&[op::CALL])
                .mix()
                .push(random.below(40))
                .ops(&[op::PUSH0, op::RETURN]);
        }
        // Creates before it returns, or before it fails.
        10 if depth > 0 => {
            let inner = initcode(random, depth - 1);
            asm.memory(0, &inner).push(inner.len() as u64).ops(&[op::PUSH0, op::PUSH0, op::CREATE]).mix();
            asm.push(random.below(40)).ops(&[op::PUSH0, random.pick(&[op::RETURN, op::REVERT, op::INVALID])]);
        }
        11 => drop(asm.ops(&random.bytes(20))),
        // A child that destroys itself when it is called.
        12 | 13 => {
            let mut child = Asm::default();
            if random.chance(0.4) {
                child.push(random.below(3)).push(random.below(3)).ops(&[op::SSTORE]);
            }
            beneficiary(random, &mut child);
            child.ops(&[op::SELFDESTRUCT]);
            return Asm::deploy(&prefix(random), &child.0);
        }
        // A child with a program of its own.
        _ => {
            let child = programs::program(random, 3).concat();
            let child = &child[..child.len().min(400)];
            return Asm::deploy(&prefix(random), child);
        }
    }
    asm.0
}

fn beneficiary(random: &mut Random, asm: &mut Asm) {
    match random.below(3) {
        0 => asm.ops(&[op::ADDRESS]),
        1 => asm.ops(&[op::CALLER]),
        _ => asm.address(random.target()),
    };
}

fn prefix(random: &mut Random) -> Vec<u8> {
    let mut asm = Asm::default();
    for _ in 0..random.below(3) {
        asm.push(U256::from(random.below(3))).push(random.below(4)).ops(&[op::SSTORE]);
    }
    asm.0
}
