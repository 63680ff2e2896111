//! Random programs: snippets, each about one thing, in random order.

use super::{Random, initcode, precompile_input};
use crate::{asm::Asm, cast, generate::transactions::REQUEST_INPUTS};
use alloy_primitives::U256;
use chainspec::predeploys;
use revm::bytecode::opcode as op;

/// The slots that programs share, and one whose number is large.
pub(super) fn slot(random: &mut Random) -> U256 {
    match random.below(20) {
        0 => U256::MAX,
        1..=12 => U256::from(random.below(9)),
        _ => U256::from(0x50 + random.below(16)),
    }
}

/// Up to `max` snippets and an end.
pub(super) fn program(random: &mut Random, max: u64) -> Vec<Vec<u8>> {
    let mut snippets: Vec<Vec<u8>> = (0..random.range(1..=max)).map(|_| snippet(random, 2)).collect();
    let mut end = Asm::default();
    if random.chance(0.6) {
        end.publish();
    }
    match random.below(12) {
        0 => end.ops(&[op::PUSH0, op::PUSH0, op::REVERT]),
        1 => end.push(random.magnitude(200_000)).ops(&[op::PUSH0, random.pick(&[op::REVERT, op::RETURN])]),
        2 => end.ops(&[op::INVALID]),
        3 | 4 => end.push(0x40u64).ops(&[op::PUSH0, op::RETURN]),
        5 => end.address(random.target()).ops(&[op::SELFDESTRUCT]),
        // A PUSH that the code ends in.
        6 => end.ops(&[op::PUSH4, 1]),
        _ => end.ops(&[op::STOP]),
    };
    snippets.push(end.0);
    snippets
}

/// One snippet; `depth` bounds how deeply init code nests.
pub(super) fn snippet(random: &mut Random, depth: u32) -> Vec<u8> {
    let mut asm = Asm::default();
    match random.below(43) {
        0..=4 => storage(random, &mut asm),
        5 => transient(random, &mut asm),
        6..=11 => call(random, &mut asm),
        12..=15 if depth > 0 => create(random, &mut asm, depth),
        16 | 17 => precompile(random, &mut asm),
        18 | 19 => environment(random, &mut asm),
        20..=22 => arithmetic(random, &mut asm),
        23 | 24 => memory(random, &mut asm),
        25 | 26 => account(random, &mut asm),
        27 => block_hash(random, &mut asm),
        28 => log(random, &mut asm),
        29 => recurse(random, &mut asm),
        30 => returned(random, &mut asm),
        31 | 32 => deep_stack(random, &mut asm),
        33 => jump(random, &mut asm),
        34 => bomb(random, &mut asm),
        35 => churn(random, &mut asm),
        36 if random.chance(0.2) => noise(random, &mut asm),
        37 if random.chance(0.2) => drop(asm.address(random.target()).ops(&[op::SELFDESTRUCT])),
        38 => again_while_set(random, &mut asm),
        39 => clear(random, &mut asm),
        40 if random.chance(0.3) => request(random, &mut asm),
        _ => drop(asm.ops(&[op::GAS]).mix()),
    }
    asm.0
}

fn storage(random: &mut Random, asm: &mut Asm) {
    let slot = slot(random);
    // Several writes of one slot in a row: all the ways of EIP-2200's table.
    for _ in 0..random.range(1..=3) {
        match random.below(4) {
            0 => asm.push(slot).ops(&[op::SLOAD]).mix(),
            1 => asm.ops(&[op::PUSH0]).push(slot).ops(&[op::SSTORE]),
            _ => asm.push(random.below(4)).push(slot).ops(&[op::SSTORE]),
        };
    }
}

fn transient(random: &mut Random, asm: &mut Asm) {
    let slot = random.below(3);
    asm.push(slot).ops(&[op::TLOAD]).mix();
    asm.push(slot).ops(&[op::TLOAD]).push(1u64).ops(&[op::ADD]).push(slot).ops(&[op::TSTORE]);
}

fn gas(random: &mut Random) -> U256 {
    match random.below(6) {
        0 => U256::ZERO,
        1 => U256::MAX,
        2 => U256::from(2_300),
        _ => U256::from(random.magnitude(1 << 20)),
    }
}

fn value(random: &mut Random) -> U256 {
    match random.below(8) {
        0..=4 => U256::ZERO,
        5 => U256::MAX,
        _ => U256::from(random.range(1..=3)),
    }
}

fn call(random: &mut Random, asm: &mut Asm) {
    let kind = random.pick(&[op::CALL, op::CALL, op::CALL, op::CALLCODE, op::DELEGATECALL, op::STATICCALL]);
    let input = (random.below(0x440), random.below(100));
    let (target, gas, value) = (random.target(), gas(random), value(random));
    asm.call(kind, target, gas, value, input).mix().ops(&[op::RETURNDATASIZE]).mix();
}

fn create(random: &mut Random, asm: &mut Asm, depth: u32) {
    let code = initcode::initcode(random, depth - 1);
    asm.memory(0, &code);
    let salted = random.chance(0.5);
    let times = if random.chance(0.2) { 2 } else { 1 };
    for _ in 0..times {
        if salted {
            asm.push(random.below(2));
        }
        asm.push(code.len() as u64).ops(&[op::PUSH0]).push(value(random));
        asm.ops(&[if salted { op::CREATE2 } else { op::CREATE }, op::DUP1]).mix().ops(&[op::RETURNDATASIZE]).mix();
        // The child is on the stack: look at it, call it, look again.
        for _ in 0..random.below(3) {
            asm.ops(&[op::DUP1, random.pick(&[op::EXTCODEHASH, op::EXTCODESIZE, op::BALANCE])]).mix();
            asm.ops(&[op::PUSH0, op::PUSH0]).push(random.below(3)).ops(&[op::PUSH0]).push(value(random));
            asm.ops(&[op::DUP6]).push(gas(random)).ops(&[op::CALL]).mix();
        }
        asm.ops(&[op::POP]);
    }
}

fn precompile(random: &mut Random, asm: &mut Asm) {
    let number = random.pick(&cast::PRECOMPILES);
    let input = precompile_input(random, number);
    let input = &input[..input.len().min(600)];
    asm.memory(0, input);
    let kind = random.pick(&[op::CALL, op::STATICCALL, op::DELEGATECALL, op::CALLCODE]);
    let (value, gas) = (value(random), U256::from(random.magnitude(1 << 20)));
    asm.call(kind, cast::precompile(number), gas, value, (0, input.len() as u64)).mix();
    asm.ops(&[op::RETURNDATASIZE, op::PUSH0, op::PUSH0, op::RETURNDATACOPY, op::RETURNDATASIZE, op::PUSH0]);
    asm.ops(&[op::KECCAK256]).mix();
}

fn environment(random: &mut Random, asm: &mut Asm) {
    const PLAIN: [u8; 20] = [
        op::ADDRESS,
        op::ORIGIN,
        op::CALLER,
        op::CALLVALUE,
        op::CALLDATASIZE,
        op::CODESIZE,
        op::GASPRICE,
        op::RETURNDATASIZE,
        op::COINBASE,
        op::TIMESTAMP,
        op::NUMBER,
        op::DIFFICULTY,
        op::GASLIMIT,
        op::CHAINID,
        op::SELFBALANCE,
        op::BASEFEE,
        op::BLOBBASEFEE,
        op::SLOTNUM,
        op::MSIZE,
        op::GAS,
    ];
    for _ in 0..random.range(1..=4) {
        asm.ops(&[random.pick(&PLAIN)]).mix();
    }
    asm.push(random.word()).ops(&[random.pick(&[op::CALLDATALOAD, op::BLOBHASH])]).mix();
}

fn arithmetic(random: &mut Random, asm: &mut Asm) {
    const TWO: [u8; 22] = [
        op::ADD,
        op::MUL,
        op::SUB,
        op::DIV,
        op::SDIV,
        op::MOD,
        op::SMOD,
        op::EXP,
        op::SIGNEXTEND,
        op::LT,
        op::GT,
        op::SLT,
        op::SGT,
        op::EQ,
        op::AND,
        op::OR,
        op::XOR,
        op::BYTE,
        op::SHL,
        op::SHR,
        op::SAR,
        op::ADD,
    ];
    for _ in 0..random.range(1..=4) {
        asm.push(random.word());
        match random.below(8) {
            0 => asm.ops(&[random.pick(&[op::CLZ, op::NOT, op::ISZERO])]),
            1 => {
                let (a, b) = (random.word(), random.word());
                asm.push(a).push(b).ops(&[random.pick(&[op::ADDMOD, op::MULMOD])])
            }
            _ => asm.push(random.word()).ops(&[random.pick(&TWO)]),
        };
        asm.mix();
    }
}

/// A place in memory or a length: mostly small, sometimes costly, rarely absurd.
fn extent(random: &mut Random) -> U256 {
    match random.below(30) {
        0 => U256::MAX,
        1 => U256::from(random.magnitude(1 << 40)),
        2 => U256::from(random.magnitude(1 << 20)),
        3..=6 => U256::ZERO,
        _ => U256::from(random.below(0x480)),
    }
}

fn memory(random: &mut Random, asm: &mut Asm) {
    let (a, b, len) = (extent(random), extent(random), extent(random));
    match random.below(8) {
        0 => asm.push(random.word()).push(a).ops(&[op::MSTORE]),
        1 => asm.push(random.word()).push(a).ops(&[op::MSTORE8]),
        2 => asm.push(a).ops(&[op::MLOAD]).mix(),
        3 | 4 => asm.push(len).push(a).push(b).ops(&[op::MCOPY]),
        5 => asm.push(len).push(a).push(b).ops(&[random.pick(&[op::CALLDATACOPY, op::CODECOPY])]),
        6 => asm.push(len).push(a).push(b).ops(&[op::RETURNDATACOPY]),
        _ => asm.push(len).push(a).ops(&[op::KECCAK256]).mix(),
    };
}

fn account(random: &mut Random, asm: &mut Asm) {
    let target = random.target();
    match random.below(5) {
        0 => {
            let (from, len) = (extent(random), random.below(200));
            asm.push(len).push(from).push(random.below(0x440)).address(target).ops(&[op::EXTCODECOPY])
        }
        _ => asm.address(target).ops(&[random.pick(&[op::BALANCE, op::EXTCODESIZE, op::EXTCODEHASH])]).mix(),
    };
}

fn block_hash(random: &mut Random, asm: &mut Asm) {
    let back = random.pick(&[0, 1, 1, 2, 2, 3, 5, 100, 255, 256, 257, 300]);
    asm.push(back as u64).ops(&[op::NUMBER, op::SUB, op::BLOCKHASH]).mix();
    if random.chance(0.1) {
        asm.push(random.word()).ops(&[op::BLOCKHASH]).mix();
    }
}

fn log(random: &mut Random, asm: &mut Asm) {
    let topics = random.below(5) as u8;
    for _ in 0..topics {
        asm.push(random.word());
    }
    let (at, len) = (random.below(0x440), extent(random));
    asm.push(len).push(at).ops(&[op::LOG0 + topics]);
}

/// Calls itself, or its caller, with what gas there is.
fn recurse(random: &mut Random, asm: &mut Asm) {
    let kind = random.pick(&[op::CALL, op::DELEGATECALL, op::STATICCALL]);
    asm.ops(&[op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0]);
    if kind == op::CALL {
        asm.push(random.below(2));
    }
    asm.ops(&[random.pick(&[op::ADDRESS, op::CALLER, op::ORIGIN])]);
    match random.chance(0.5) {
        true => asm.ops(&[op::GAS]),
        false => asm.push(random.magnitude(1 << 18)),
    };
    asm.ops(&[kind]).mix();
}

/// What a call returned, within its bounds or one byte beyond (EIP-211).
fn returned(random: &mut Random, asm: &mut Asm) {
    asm.call(op::STATICCALL, random.target(), gas(random), U256::ZERO, (0, 40)).mix();
    asm.push(random.below(20) / 19).ops(&[op::RETURNDATASIZE, op::ADD, op::PUSH0]).push(random.below(64));
    asm.ops(&[op::RETURNDATACOPY]).push(64u64).ops(&[op::PUSH0, op::KECCAK256]).mix();
}

/// EIP-8024, with immediates that are allowed, and some that are not.
fn deep_stack(random: &mut Random, asm: &mut Asm) {
    let depth: usize = random.pick(&[17, 18, 30, 60, 240]);
    for n in 0..depth {
        asm.push(n as u64);
    }
    let immediate = if random.chance(0.8) {
        random.pick(&[0x80, 0x81, 0x8e, 0x9d, 0xff, 0x00, 0x12])
    } else {
        random.below(256) as u8
    };
    let kind = random.pick(&[op::DUPN, op::SWAPN, op::EXCHANGE]);
    asm.ops(&[kind, immediate]).mix();
    // DUPN left one more; either way a few remain below, which nobody minds.
    asm.ops(&vec![op::POP; depth - 1]);
}

/// Forward over some bytes, to a JUMPDEST or not quite.
fn jump(random: &mut Random, asm: &mut Asm) {
    let skipped = random.below(6);
    let off = u64::from(random.chance(0.05));
    let conditional = random.chance(0.5);
    if conditional {
        asm.push(random.below(2));
    }
    // PC PUSH1 n ADD JUMP: the landing place is `skipped` bytes behind these five.
    asm.ops(&[op::PC, op::PUSH1, (5 + skipped + off) as u8, op::ADD]);
    asm.ops(&[if conditional { op::JUMPI } else { op::JUMP }]);
    let filler = random.pick(&[op::JUMPDEST, op::PUSH0, op::PUSH1]);
    asm.ops(&vec![filler; skipped as usize]);
    asm.ops(&[op::JUMPDEST]);
}

/// Asks a contract for much data.
fn bomb(random: &mut Random, asm: &mut Asm) {
    let len = random.magnitude(1 << 18);
    asm.push(len).ops(&[op::PUSH0, op::PUSH0, op::PUSH0]).address(random.target()).push(gas(random));
    asm.ops(&[op::STATICCALL]).mix().ops(&[op::RETURNDATASIZE, op::PUSH0, op::PUSH0, op::RETURNDATACOPY]);
}

/// Fills and clears a run of slots: branches grow, and collapse again.
fn churn(random: &mut Random, asm: &mut Asm) {
    let (from, count) = (random.below(12), random.range(1..=8));
    let stored = random.below(2);
    for slot in from..from + count {
        asm.push(stored * slot).push(slot + 0x50).ops(&[op::SSTORE]);
    }
}

/// Clears many slots: branches collapse, refunds reach their bound.
fn clear(random: &mut Random, asm: &mut Asm) {
    let from = if random.chance(0.5) { 0u64 } else { 0x50 };
    for slot in from..from + random.range(3..=16) {
        asm.ops(&[op::PUSH0]).push(slot).ops(&[op::SSTORE]);
    }
}

/// A request to the consensus layer, as far as the contract is a real one.
fn request(random: &mut Random, asm: &mut Asm) {
    let index = random.index(4);
    let input = vec![1; REQUEST_INPUTS[index]];
    asm.memory(0, &input);
    let value = U256::from(random.below(3));
    asm.call(op::CALL, predeploys::REQUEST_CONTRACTS[index], U256::MAX, value, (0, input.len() as u64)).mix();
}

/// Any bytes.
fn noise(random: &mut Random, asm: &mut Asm) {
    for _ in 0..12 {
        asm.push(random.word());
    }
    for _ in 0..random.below(20) {
        asm.ops(&[random.below(256) as u8]);
    }
}

/// Calls itself while a transient flag is unset: what one call leaves in transient storage, the next one sees.
fn again_while_set(random: &mut Random, asm: &mut Asm) {
    let flag = 0x77u64;
    asm.push(flag).ops(&[op::TLOAD, op::PC, op::PUSH1]);
    let at = asm.0.len();
    asm.ops(&[0, op::ADD, op::JUMPI]);
    let start = at - 2;
    asm.push(1u64).push(flag).ops(&[op::TSTORE]);
    asm.ops(&[op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0, op::PUSH0, op::ADDRESS])
        .push(gas(random))
        .ops(&[op::CALL])
        .mix();
    asm.ops(&[op::PUSH0]).push(flag).ops(&[op::TSTORE]);
    asm.0[at] = (asm.0.len() - start) as u8;
    asm.ops(&[op::JUMPDEST]);
}
