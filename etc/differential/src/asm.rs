//! Writing EVM programs. Must not know what they are for.
//!
//! Snippets are put one behind another in any order, so each leaves the stack as it found it, and jumps are relative to `PC`.

use alloy_primitives::{Address, U256};
use revm::bytecode::opcode as op;

/// Memory word into which results are mixed, so that a difference in any of them reaches the log at a program's end.
const MIXED: u64 = 0x400;

/// A program under construction.
#[derive(Debug, Default, Clone)]
pub struct Asm(pub Vec<u8>);

impl Asm {
    /// Opcodes, or any bytes.
    pub fn ops(&mut self, ops: &[u8]) -> &mut Self {
        self.0.extend_from_slice(ops);
        self
    }

    /// The shortest PUSH of a number.
    pub fn push(&mut self, value: impl TryInto<U256>) -> &mut Self {
        let value = value.try_into().unwrap_or(U256::MAX);
        let bytes = value.to_be_bytes_trimmed_vec();
        self.0.push(op::PUSH0 + bytes.len() as u8);
        self.ops(&bytes)
    }

    /// PUSH20.
    pub fn address(&mut self, address: Address) -> &mut Self {
        self.ops(&[op::PUSH20]).ops(address.as_slice())
    }

    /// Writes `bytes` to memory from `at` on, the last word padded with zeros.
    pub fn memory(&mut self, at: u64, bytes: &[u8]) -> &mut Self {
        for (at, chunk) in (at..).step_by(32).zip(bytes.chunks(32)) {
            let mut word = [0; 32];
            word[..chunk.len()].copy_from_slice(chunk);
            self.ops(&[op::PUSH32]).ops(&word).push(at).ops(&[op::MSTORE]);
        }
        self
    }

    /// Takes the word on top of the stack and mixes it into the word that [`Self::publish`] logs.
    pub fn mix(&mut self) -> &mut Self {
        self.push(MIXED).ops(&[op::MLOAD, op::XOR]).push(MIXED).ops(&[op::MSTORE])
    }

    /// Logs what was mixed.
    pub fn publish(&mut self) -> &mut Self {
        self.push(MIXED).ops(&[op::MLOAD, op::PUSH0, op::PUSH0, op::LOG1])
    }

    /// A call without output. `kind` is one of the four call opcodes; `value` is ignored where there is none. Leaves the success flag.
    pub fn call(&mut self, kind: u8, target: Address, gas: U256, value: U256, input: (u64, u64)) -> &mut Self {
        self.ops(&[op::PUSH0, op::PUSH0]).push(input.1).push(input.0);
        if matches!(kind, op::CALL | op::CALLCODE) {
            self.push(value);
        }
        self.address(target).push(gas).ops(&[kind])
    }

    /// Init code that returns `code`. `prefix` runs first; it may be of any length below 2^15.
    pub fn deploy(prefix: &[u8], code: &[u8]) -> Vec<u8> {
        let mut asm = Self(prefix.to_vec());
        let short = |n: usize| (n as u16).to_be_bytes();
        let offset = prefix.len() + 13;
        asm.ops(&[op::PUSH2]).ops(&short(code.len())).ops(&[op::PUSH2]).ops(&short(offset));
        asm.ops(&[op::PUSH0, op::CODECOPY, op::PUSH2]).ops(&short(code.len())).ops(&[op::PUSH0, op::RETURN]);
        asm.ops(code);
        asm.0
    }
}
