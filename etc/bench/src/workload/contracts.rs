//! The contracts of `etc/bench/contracts`: code, addresses, where their storage lies, how they are called.
//!
//! Must not know: who calls them, or how often.

use alloy_primitives::{Address, B256, Bytes, U256, address, hex, keccak256};

/// The pool's tokens; the first is the one that ERC-20 transfers move.
pub(super) const TOKENS: [Address; 2] =
    [address!("0x000000000000000000000000000000000000b0a0"), address!("0x000000000000000000000000000000000000b0a1")];
/// The pool.
pub(super) const PAIR: Address = address!("0x000000000000000000000000000000000000b0a2");
/// Slots, balances and codes in bulk.
pub(super) const LOAD: Address = address!("0x000000000000000000000000000000000000b0a3");
/// First of [`LARGE_COUNT`] accounts with large codes, one after the other.
pub(super) const LARGE: Address = address!("0x00000000000000000000000000000000000c0de0");
/// How many accounts with large codes.
pub(super) const LARGE_COUNT: u64 = 40;
/// EIP-170.
pub(super) const LARGE_LEN: usize = 24_576;

/// Reserves of the pool at genesis, of each token.
pub(super) const RESERVE: u128 = 1_000_000_000_000_000_000_000_000;

pub(super) fn token_code() -> Vec<u8> {
    decode(include_str!("../../contracts/token.hex"))
}

pub(super) fn pair_code() -> Vec<u8> {
    decode(include_str!("../../contracts/pair.hex"))
}

pub(super) fn load_code() -> Vec<u8> {
    decode(include_str!("../../contracts/load.hex"))
}

fn decode(text: &str) -> Vec<u8> {
    hex::decode(text.trim()).expect("contracts/*.hex are hexadecimal, written by build.mjs")
}

/// Slot of `mapping(key => …)` at `position`.
fn slot(key: B256, position: u64) -> B256 {
    keccak256([key, word(position)].concat())
}

/// Slot of a token's balance.
pub(super) fn balance_slot(owner: Address) -> B256 {
    slot(owner.into_word(), 0)
}

/// Slot of a token's allowance.
pub(super) fn allowance_slot(owner: Address, spender: Address) -> B256 {
    keccak256([spender.into_word(), slot(owner.into_word(), 1)].concat())
}

/// Slot of a cell of [`LOAD`].
pub(super) fn cell_slot(index: u64) -> B256 {
    slot(word(index), 0)
}

/// A call by signature and words.
pub(super) fn call(signature: &str, words: &[B256]) -> Bytes {
    [&keccak256(signature)[..4], &words.concat()].concat().into()
}

/// A number as a word.
pub(super) fn word(number: u64) -> B256 {
    B256::from(U256::from(number))
}

/// Init code that deploys `code`: CODECOPY, RETURN. `code` has fewer than 2^16 bytes.
pub(super) fn init_code(code: &[u8]) -> Bytes {
    let len = u16::try_from(code.len()).expect("codes of this benchmark are short").to_be_bytes();
    // PUSH2 len; DUP1; PUSH1 10; PUSH0; CODECOPY; PUSH0; RETURN
    [&[0x61, len[0], len[1], 0x80, 0x60, 0x0a, 0x5f, 0x39, 0x5f, 0xf3][..], code].concat().into()
}
