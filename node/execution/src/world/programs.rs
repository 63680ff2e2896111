//! Small random programs.

use super::{PEERS, peer, signer};
use alloy_primitives::{Address, keccak256};
use rand::{Rng, rngs::StdRng};

pub(super) fn fresh(rng: &mut StdRng) -> Address {
    Address::from_word(keccak256([rng.random_range(0..200u8)]))
}

/// A small program: storage, calls of every kind, creations, self-destruction, logs, the new opcodes, failures.
pub(super) fn code(rng: &mut StdRng) -> Vec<u8> {
    let mut code = Code(Vec::new());
    for _ in 0..rng.random_range(2..14) {
        let target = match rng.random_range(0..6) {
            0 => fresh(rng),
            1 => signer(rng.random_range(0..4)).address(),
            _ => peer(rng.random_range(0..PEERS)),
        };
        snippet(rng, &mut code, target);
    }
    if rng.random_bool(0.1) {
        code.op(&[0x5f, 0x5f, if rng.random_bool(0.5) { 0xfd } else { 0xfe }]);
    }
    code.op(&[0x00]);
    code.0
}

struct Code(Vec<u8>);

impl Code {
    fn op(&mut self, ops: &[u8]) {
        self.0.extend_from_slice(ops);
    }
    fn push(&mut self, value: u64) {
        self.0.push(0x67);
        self.0.extend_from_slice(&value.to_be_bytes());
    }
    fn address(&mut self, address: Address) {
        self.0.push(0x73);
        self.0.extend_from_slice(address.as_slice());
    }
}

fn snippet(rng: &mut StdRng, code: &mut Code, target: Address) {
    match rng.random_range(0..24) {
        // SSTORE, often of zero
        0..=4 => {
            code.push(rng.random_range(0..4) * rng.random_range(0..2));
            code.push(rng.random_range(0..9));
            code.op(&[0x55]);
        }
        // SLOAD
        5 => {
            code.push(rng.random_range(0..9));
            code.op(&[0x54, 0x50]);
        }
        // CALL, with and without value and gas
        6..=8 => {
            (0..4).for_each(|_| code.push(0));
            code.push(if rng.random_bool(0.5) { rng.random_range(1..5) } else { 0 });
            code.address(target);
            code.push(rng.random_range(0..3) * 90_000);
            code.op(&[0xf1, 0x50]);
        }
        // DELEGATECALL, STATICCALL, CALLCODE
        9 => {
            let kind = [0xf4, 0xfa, 0xf2][rng.random_range(0..3)];
            (0..if kind == 0xf2 { 5 } else { 4 }).for_each(|_| code.push(0));
            code.address(target);
            code.push(300_000);
            code.op(&[kind, 0x50]);
        }
        // CREATE of a contract that writes a slot and has some zero bytes of code, or destroys itself
        10 => {
            let init = [0x60, 1, 0x60, rng.random_range(0..3), 0x55, 0x60, rng.random_range(0..80), 0x5f, 0xf3];
            code.op(&[0x68]);
            code.op(if rng.random_bool(0.3) { &[0x60, 1, 0x60, 2, 0x55, 0x30, 0xff, 0, 0] } else { &init });
            code.op(&[0x5f, 0x52, 0x60, 9, 0x60, 23]);
            code.push(rng.random_range(0..2));
            code.op(&[0xf0, 0x50]);
        }
        // CREATE2, which collides when run twice
        11 => {
            code.op(&[0x68, 0x5f, 0x5f, 0x55, 0x60, 1, 0x60, 33, 0x5f, 0xf3, 0x5f, 0x52]);
            code.push(rng.random_range(0..3));
            code.op(&[0x60, 9, 0x60, 23]);
            code.push(0);
            code.op(&[0xf5, 0x50]);
        }
        // SELFDESTRUCT
        12 => {
            if rng.random_bool(0.4) {
                code.address(target);
                code.op(&[0xff]);
            }
        }
        // LOG1
        13 => {
            code.push(5);
            code.push(32);
            code.push(0);
            code.op(&[0xa1]);
        }
        // SLOTNUM into slot 0
        14 => code.op(&[0x4b, 0x5f, 0x55]),
        // BALANCE, EXTCODESIZE, EXTCODEHASH
        15 => {
            code.address(target);
            code.op(&[[0x31, 0x3b, 0x3f][rng.random_range(0..3)], 0x50]);
        }
        // EXTCODECOPY
        16 => {
            code.push(8);
            code.push(0);
            code.push(0);
            code.address(target);
            code.op(&[0x3c]);
        }
        // DUPN
        17 => {
            (0..18).for_each(|i| code.push(i));
            code.op(&[0xe6, 0x80, 0x50]);
            (0..18).for_each(|_| code.op(&[0x50]));
        }
        // SWAPN, EXCHANGE
        18 => {
            (0..20).for_each(|i| code.push(i));
            code.op(&[0xe7, 0x80, 0xe8, 0x8e]);
            code.push(3);
            code.op(&[0x55]);
            (0..19).for_each(|_| code.op(&[0x50]));
        }
        // TSTORE, TLOAD
        19 => {
            code.push(7);
            code.push(1);
            code.op(&[0x5d]);
            code.push(1);
            code.op(&[0x5c, 0x50]);
        }
        // BLOCKHASH of one of the last blocks, into slot 7
        20 => {
            code.push(rng.random_range(1..4));
            code.op(&[0x43, 0x03, 0x40, 0x60, 7, 0x55]);
        }
        // A precompile with a little data
        21 => {
            let number = [1u64, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0x100][rng.random_range(0..11)];
            code.push(32);
            code.push(0);
            code.push(rng.random_range(0..200));
            code.push(0);
            code.push(0);
            code.push(number);
            code.push(200_000);
            code.op(&[0xf1, 0x50]);
        }
        // GAS, SELFBALANCE, GASPRICE, BASEFEE, PREVRANDAO
        22 => code.op(&[0x5a, 0x50, 0x47, 0x50, 0x3a, 0x50, 0x48, 0x50, 0x44, 0x50]),
        _ => {
            code.push(64);
            code.push(0);
            code.op(&[0x20, 0x50]);
        }
    }
}
