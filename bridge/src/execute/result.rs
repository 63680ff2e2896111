//! What EXECUTE returns: 43 bytes, all of fixed position.

use super::SCHEMA_ID;
use alloy_primitives::B256;

/// Bytes of an encoded result.
pub const RESULT_BYTES: usize = 43;

/// `StatelessValidationResult`.
///
/// The default, all zero, is what stands for an input that did not even decode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ValidationResult {
    /// `hash_tree_root` of the request, real even when validation fails.
    pub request_root: B256,
    /// Whether the block is valid.
    pub success: bool,
    /// Chain id of the input.
    pub chain_id: u64,
    /// [`SCHEMA_ID`].
    pub schema_id: u16,
}

/// Why bytes are no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResultError {
    /// Not [`RESULT_BYTES`] long.
    #[error("{bytes} bytes, a result has {RESULT_BYTES}")]
    Length {
        /// Bytes there.
        bytes: usize,
    },
    /// The success byte is neither 0 nor 1.
    #[error("the success byte is {0}")]
    Success(u8),
}

impl ValidationResult {
    /// The result of an input that decoded.
    pub const fn new(request_root: B256, success: bool, chain_id: u64) -> Self {
        Self { request_root, success, chain_id, schema_id: SCHEMA_ID }
    }

    /// root ‖ success ‖ chain id u64 LE ‖ schema id u16 LE.
    pub fn encode(&self) -> [u8; RESULT_BYTES] {
        let mut bytes = [0; RESULT_BYTES];
        bytes[..32].copy_from_slice(self.request_root.as_slice());
        bytes[32] = u8::from(self.success);
        bytes[33..41].copy_from_slice(&self.chain_id.to_le_bytes());
        bytes[41..].copy_from_slice(&self.schema_id.to_le_bytes());
        bytes
    }

    /// Reads a result back.
    ///
    /// # Errors
    /// [`ResultError`] for a wrong length or a success byte that is no boolean.
    pub fn decode(bytes: &[u8]) -> Result<Self, ResultError> {
        let bytes: &[u8; RESULT_BYTES] = bytes.try_into().map_err(|_| ResultError::Length { bytes: bytes.len() })?;
        let [root @ .., success, c0, c1, c2, c3, c4, c5, c6, c7, s0, s1] = *bytes;
        let success = match success {
            0 => false,
            1 => true,
            other => return Err(ResultError::Success(other)),
        };
        Ok(Self {
            request_root: B256::new(root),
            success,
            chain_id: u64::from_le_bytes([c0, c1, c2, c3, c4, c5, c6, c7]),
            schema_id: u16::from_le_bytes([s0, s1]),
        })
    }
}
