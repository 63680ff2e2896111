//! The input and output of the EXECUTE precompile (EIP-8079; the ethrex 31 dialect of schema `0x1501`).
//!
//! ```text
//! input  = 15 01 ‖ SSZ(StatelessInput)      →  EXECUTE  →     output = SSZ(ValidationResult), 43 bytes
//! ```
//! [`StatelessInput`] is the whole statement "this block follows its parent", with everything needed to check it. This
//! module says what the bytes are, and that no two byte strings say the same; it must not know whether a block is valid.
//!
//! The codec is strict on purpose. Hub reads fields at offsets of the same bytes that EXECUTE proves: were two encodings
//! of one input possible, the contract and the precompile could read different blocks.

use alloy_primitives::{Address, address};

mod input;
mod payload;
mod result;
mod root;
mod rules;
pub mod ssz;
#[cfg(test)]
mod tests;

pub use input::{DecodeError, Requests, StatelessInput, Witness};
pub use payload::{HeaderError, Payload};
pub use result::{RESULT_BYTES, ResultError, ValidationResult};
pub use rules::RollupRule;
pub use ssz::SszError;

/// Where EXECUTE lives on L1: one above P256VERIFY.
pub const EXECUTE_ADDRESS: Address = address!("0x0000000000000000000000000000000000000101");

/// Fork index 0x15 (Amsterdam), revision 0x01: the first two bytes of the input, big-endian, and the last two of the
/// result, little-endian.
pub const SCHEMA_ID: u16 = 0x1501;

/// Bytes of the schema prefix.
pub const PREFIX_BYTES: usize = 2;

/// Gas that EXECUTE charges for each byte of its input, prefix included (ethrex `EXECUTE_GAS_PER_WITNESS_BYTE`).
pub const GAS_PER_BYTE: u64 = 16;

/// Most bytes of one input: more than any transaction can pay for. EIP-7825 caps a transaction at 2^24 gas and a byte
/// costs [`GAS_PER_BYTE`], so this refuses nothing that gas would allow, and bounds what a decoder touches.
pub const MAX_INPUT_BYTES: usize = (1 << 24) / GAS_PER_BYTE as usize;

/// Most bytes of one witness trie node: the specification's bound. A full branch of a hashed-key trie has 532 bytes.
pub const MAX_NODE_BYTES: usize = 1 << 10;

/// Most bytes of one witness code: the specification's bound, and EIP-7954's limit for deployed code.
pub const MAX_CODE_BYTES: usize = 1 << 16;

/// Most bytes of one RLP header in the witness. An Amsterdam header has at most about 760.
pub const MAX_HEADER_BYTES: usize = 1 << 10;

/// Most headers in the witness: what BLOCKHASH can reach.
pub const MAX_HEADERS: usize = 256;

/// Most bytes of a header's extra data.
pub const MAX_EXTRA_DATA_BYTES: usize = 32;

/// Gas that EXECUTE charges: the block's whole gas *limit* and [`GAS_PER_BYTE`] for each input byte. Saturates.
pub const fn gas(gas_limit: u64, input_bytes: usize) -> u64 {
    gas_limit.saturating_add((input_bytes as u64).saturating_mul(GAS_PER_BYTE))
}
