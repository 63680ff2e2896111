//! From a seed to a [`Plan`]: worlds and blocks that try the EVM's corners. The same seed gives the same plan.
//!
//! Nothing here checks anything; what is generated is mostly valid, and often just beyond.

mod initcode;
mod inputs;
mod programs;
mod transactions;

use crate::{
    asm::Asm,
    cast::{self, CONTRACTS, KEYS, STRANGERS},
    plan::{Block, Contract, Plan},
};
use alloy_primitives::{Address, B256, Bytes, U256};
pub use inputs::precompile_input;
use rand::{Rng, SeedableRng, rngs::StdRng};
use revm::bytecode::opcode as op;

/// Blocks of one seed, at most.
pub const BLOCKS_MAX: usize = 4;

/// The plan of a seed.
pub fn plan(seed: u64) -> Plan {
    let mut random = Random(StdRng::seed_from_u64(seed));
    let contracts = (0..CONTRACTS).map(|_| contract(&mut random)).collect();
    let gas_limit = match random.below(50) {
        // So little that the block access list fills up (EIP-7928).
        0 => 60_000,
        1..=5 => 3_000_000,
        6..=20 => 12_000_000,
        21..=40 => 60_000_000,
        _ => 200_000_000,
    };
    let history = match random.below(200) {
        0 => 255 + random.below(4),
        1..=30 => random.below(20),
        _ => 0,
    };
    let delegation = random.target();
    let real_requests = random.chance(0.06);
    let blocks = (0..random.range(1..=BLOCKS_MAX as u64)).map(|_| block(&mut random)).collect();
    Plan { seed, gas_limit, history, contracts, delegation, real_requests, blocks }
}

fn contract(random: &mut Random) -> Contract {
    let count = random.below(14);
    Contract {
        nonce: if random.chance(0.06) { u64::MAX - random.below(2) } else { 1 },
        balance: U256::from(random.below(100)),
        slots: (0..count).map(|_| (programs::slot(random), U256::from(1 + random.below(3)))).collect(),
        code: match random.chance(0.06) {
            true => vec![almost_delegation(random)],
            false => programs::program(random, 14),
        },
    }
}

/// What no creation can leave behind (EIP-3541), but a genesis can: a delegation, or what almost is one.
fn almost_delegation(random: &mut Random) -> Vec<u8> {
    let target = random.target();
    let (mut code, cut) = ([&[0xef, 0x01, 0x00], target.as_slice()].concat(), random.below(24) as usize);
    match random.below(4) {
        0 => code.truncate(cut.max(1)),
        1 => code[2] = 1,
        2 => code.push(0),
        _ => {}
    }
    code
}

fn block(random: &mut Random) -> Block {
    let fee_recipient = match random.below(6) {
        0 => cast::contract(random.index(CONTRACTS)),
        1 => cast::account(random.index(KEYS)),
        2 => cast::stranger(random.below(STRANGERS)),
        3 => random.pick(&[cast::precompile(1), Address::ZERO, cast::precompile(0x100)]),
        _ => Address::with_last_byte(0xfe),
    };
    let extra = random.below(33) as usize;
    Block {
        seconds: random.pick(&[1, 2, 12, 1_000_000]),
        gas_limit_step: random.range(0..=2_000) as i64 - 1_000,
        fee_recipient,
        prev_randao: B256::from(random.word()),
        anchor: B256::from(random.word()),
        extra_data: random.bytes(extra),
        slot_number: if random.chance(0.1) { u64::MAX } else { random.below(1_000) },
        transactions: (0..random.below(12)).map(|_| transactions::transaction(random)).collect(),
    }
}

/// Calls the address in the first word of its input, with the gas in the second and the rest as input, and logs the outcome:
/// success xor the hash of what came back.
pub fn proxy() -> Vec<u8> {
    let mut asm = Asm::default();
    asm.push(64u64).ops(&[op::CALLDATASIZE, op::SUB, op::DUP1]).push(64u64).ops(&[op::PUSH0, op::CALLDATACOPY]);
    asm.ops(&[op::PUSH0, op::PUSH0, op::DUP3, op::PUSH0, op::PUSH0, op::PUSH0, op::CALLDATALOAD]);
    asm.push(32u64).ops(&[op::CALLDATALOAD, op::CALL, op::RETURNDATASIZE, op::PUSH0, op::PUSH0, op::RETURNDATACOPY]);
    asm.ops(&[op::RETURNDATASIZE, op::PUSH0, op::KECCAK256, op::XOR, op::PUSH0, op::PUSH0, op::LOG1, op::STOP]);
    asm.0
}

/// Dice.
#[derive(Debug)]
pub struct Random(pub StdRng);

impl Random {
    /// Dice for things beside a plan.
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Below `n`, which is not zero.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0.random_range(0..n)
    }

    /// An index of something with `n` elements.
    pub fn index(&mut self, n: usize) -> usize {
        self.0.random_range(0..n)
    }

    /// Of a range.
    pub fn range(&mut self, range: std::ops::RangeInclusive<u64>) -> u64 {
        self.0.random_range(range)
    }

    /// True so often.
    pub fn chance(&mut self, p: f64) -> bool {
        self.0.random_bool(p)
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }

    /// Bytes, half of them zero.
    pub fn bytes(&mut self, len: usize) -> Bytes {
        (0..len).map(|_| if self.0.random_bool(0.5) { 0 } else { self.0.random() }).collect()
    }

    /// From 1 to about `max`, each order of magnitude as likely as the others.
    pub fn magnitude(&mut self, max: u64) -> u64 {
        let bits = self.range(0..=u64::from(max.ilog2()));
        (1u64 << bits) | self.below(1u64 << bits)
    }

    /// A number where arithmetic is interesting: small, near a power of two, negative, or anything.
    pub fn word(&mut self) -> U256 {
        match self.below(7) {
            0 => U256::from(self.below(5)),
            1 => U256::from(self.magnitude(u64::MAX)),
            2 => {
                let power = U256::from(1) << self.index(256);
                power.wrapping_add(U256::from(self.below(3))).wrapping_sub(U256::from(1))
            }
            3 => U256::MAX - U256::from(self.below(300)),
            4 => (U256::from(1) << 255) + U256::from(self.below(2)),
            5 => U256::from(self.below(300)),
            _ => U256::from_be_bytes(self.0.random::<[u8; 32]>()),
        }
    }

    /// Somebody to call.
    pub fn target(&mut self) -> Address {
        match self.below(20) {
            0..=9 => cast::contract(self.index(CONTRACTS)),
            10..=12 => cast::account(self.index(KEYS)),
            13 | 14 => cast::stranger(self.below(STRANGERS)),
            15 | 16 => cast::precompile(self.pick(&cast::PRECOMPILES)),
            17 => self.pick(&cast::SPECIAL),
            18 => cast::account(cast::DELEGATED),
            _ => Address::with_last_byte(0xfe),
        }
    }
}
