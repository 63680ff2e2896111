//! KZG openings: how L1 is shown that a blob holds the very bytes that EXECUTE ran (SPEC "Binding").
//!
//! For each blob, z = keccak256(versioned hash ‖ keccak256(slice)) mod r. Hub evaluates the slice's polynomial at z from
//! calldata and asks the point evaluation precompile that the blob's commitment opens to the same y. Here is the same
//! evaluation in Rust ([`evaluate`], the definition), and the proofs, made with c-kzg. This module must not know what
//! the bytes mean.

use crate::blob::{self, BYTES_PER_ELEMENT, DATA_PER_BLOB};
use alloy_eips::{
    eip4844::{AsCkzg, Blob, Bytes48, FIELD_ELEMENTS_PER_BLOB, kzg_to_versioned_hash},
    eip7594::BlobTransactionSidecarEip7594,
};
use alloy_primitives::{B256, U256, keccak256, uint};
use c_kzg::KzgSettings;
use std::sync::LazyLock;

#[cfg(test)]
mod tests;

/// Order of the BLS12-381 scalar field, r (EIP-4844 `BLS_MODULUS`).
pub const MODULUS: U256 = uint!(0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001_U256);

/// Inverse of the 4096-th root of unity that EIP-4844 fixes, `7^((r - 1) / 4096)`.
const ROOT_INVERSE: U256 = uint!(0x391b2856c609b4784ae25ffab9dc59865046d17864183203961a252dd8543362_U256);

/// 2^-12: the twelve halvings of a fold, done at once.
const HALVINGS: U256 = uint!(0x73e66878b46ae3705eb6a46a89213de7d3686828bfce5c19400fffff00100001_U256);

/// Levels of a fold: a blob has 2^12 elements.
const LEVELS: usize = 12;

/// Bytes of one opening in Hub's `openings`: 48 of commitment, 48 of proof.
pub const OPENING_BYTES: usize = 96;

/// The mainnet KZG setup, loaded. Cheap to copy; every function that needs it takes it as an argument.
#[derive(Clone, Copy)]
pub struct Kzg(&'static KzgSettings);

impl Kzg {
    /// The embedded setup without precomputed tables (6 MB). The first call takes 2 to 3 seconds of CPU, later ones
    /// nothing: make it off the start path, from a blocking thread.
    ///
    /// c-kzg keeps one setup for each table width, and revm's point evaluation precompile and alloy's
    /// `EnvKzgSettings::Default` ask for width 8 (4 seconds, 106 MB). A process that executes blocks should install this
    /// setup for revm too (`revm::precompile::install_crypto`), or the first contract that calls 0x0a stops it meanwhile.
    pub fn load() -> Self {
        Self(c_kzg::ethereum_kzg_settings(0))
    }

    /// The setup for callers that hand it to other libraries.
    pub const fn settings(self) -> &'static KzgSettings {
        self.0
    }
}

impl std::fmt::Debug for Kzg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kzg")
    }
}

/// What a node asks of blob commitments. L1 accepts KZG alone, which [`Kzg`] and [`LazyKzg`] are; a simulated L1 may agree
/// with its nodes on something that costs less.
pub trait Commitments: std::fmt::Debug + Send + Sync {
    /// One opening for each blob of `data`, in order.
    ///
    /// # Errors
    /// As [`Opening::new`].
    fn open(&self, data: &[u8]) -> Result<Vec<Opening>, OpeningError>;

    /// The sidecar of a blob transaction that carries `blobs`.
    ///
    /// # Errors
    /// As [`sidecar`].
    fn sidecar(&self, blobs: Vec<Blob>) -> Result<BlobTransactionSidecarEip7594, OpeningError>;

    /// Versioned hash of a blob.
    ///
    /// # Errors
    /// As [`versioned_hash`].
    fn versioned_hash(&self, blob: &Blob) -> Result<B256, OpeningError>;
}

impl Commitments for Kzg {
    fn open(&self, data: &[u8]) -> Result<Vec<Opening>, OpeningError> {
        open(*self, data)
    }

    fn sidecar(&self, blobs: Vec<Blob>) -> Result<BlobTransactionSidecarEip7594, OpeningError> {
        sidecar(*self, blobs)
    }

    fn versioned_hash(&self, blob: &Blob) -> Result<B256, OpeningError> {
        versioned_hash(*self, blob)
    }
}

/// [`Kzg`], loaded by whoever asks first; see [`Kzg::load`] for what that costs.
#[derive(Clone, Copy, Debug, Default)]
pub struct LazyKzg;

impl Commitments for LazyKzg {
    fn open(&self, data: &[u8]) -> Result<Vec<Opening>, OpeningError> {
        Kzg::load().open(data)
    }

    fn sidecar(&self, blobs: Vec<Blob>) -> Result<BlobTransactionSidecarEip7594, OpeningError> {
        Kzg::load().sidecar(blobs)
    }

    fn versioned_hash(&self, blob: &Blob) -> Result<B256, OpeningError> {
        Kzg::load().versioned_hash(blob)
    }
}

/// Why an opening could not be made or was refused.
#[derive(Debug, thiserror::Error)]
pub enum OpeningError {
    /// c-kzg refuses its input: a blob with an element that is not below r, or bytes that are no curve point.
    #[error("kzg: {0}")]
    Kzg(#[from] c_kzg::Error),
    /// More than one blob's bytes.
    #[error("{bytes} bytes do not fit one blob of {DATA_PER_BLOB}")]
    SliceTooLong {
        /// Bytes handed in.
        bytes: usize,
    },
    /// The commitment is another blob's.
    #[error("the commitment's versioned hash is {commitment}, the blob is {versioned_hash}")]
    WrongCommitment {
        /// What the commitment hashes to.
        commitment: B256,
        /// What it should.
        versioned_hash: B256,
    },
    /// z is not the challenge of these bytes, or y not their value at z.
    #[error("the opening is not about these bytes")]
    WrongPoint,
    /// The proof does not open the commitment to y at z.
    #[error("the proof does not open the commitment")]
    WrongProof,
}

/// What ties one blob to the bytes it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Versioned hash of the blob (EIP-4844), as BLOBHASH gives it.
    pub versioned_hash: B256,
    /// KZG commitment to the blob.
    pub commitment: Bytes48,
    /// KZG proof that the blob's polynomial is y at z.
    pub proof: Bytes48,
    /// The challenge, below r.
    pub z: U256,
    /// The value, below r.
    pub y: U256,
}

impl Opening {
    /// Commits to the blob of `slice` and opens it at the challenge; about two multi-scalar multiplications.
    ///
    /// # Errors
    /// [`OpeningError::SliceTooLong`]. [`OpeningError::Kzg`] cannot happen for bytes packed as blobs are, short of
    /// memory. [`OpeningError::WrongPoint`] would mean that c-kzg and [`evaluate`] disagree.
    pub fn new(kzg: Kzg, slice: &[u8]) -> Result<Self, OpeningError> {
        if slice.len() > DATA_PER_BLOB {
            return Err(OpeningError::SliceTooLong { bytes: slice.len() });
        }
        let blobs = blob::to_blobs(slice);
        let blob = blobs.first().cloned().unwrap_or_default();
        let commitment = commit(kzg, &blob)?;
        let versioned_hash = kzg_to_versioned_hash(commitment.as_slice());
        let z = challenge(versioned_hash, slice);
        let (proof, y) = kzg.0.compute_kzg_proof(blob.as_ckzg(), &z.to_be_bytes().into())?;
        let y = U256::from_be_bytes(*y);
        if y != evaluate(slice, z) {
            return Err(OpeningError::WrongPoint);
        }
        Ok(Self { versioned_hash, commitment, proof: Bytes48::from(*proof.to_bytes()), z, y })
    }

    /// Checks everything Hub checks: versioned hash, challenge, evaluation, proof.
    ///
    /// # Errors
    /// The first of these that does not hold, in that order.
    pub fn verify(&self, kzg: Kzg, slice: &[u8]) -> Result<(), OpeningError> {
        if slice.len() > DATA_PER_BLOB {
            return Err(OpeningError::SliceTooLong { bytes: slice.len() });
        }
        let commitment = kzg_to_versioned_hash(self.commitment.as_slice());
        if commitment != self.versioned_hash {
            return Err(OpeningError::WrongCommitment { commitment, versioned_hash: self.versioned_hash });
        }
        if self.z != challenge(self.versioned_hash, slice) || self.y != evaluate(slice, self.z) {
            return Err(OpeningError::WrongPoint);
        }
        let opens = kzg.0.verify_kzg_proof(
            &self.commitment.0.into(),
            &self.z.to_be_bytes().into(),
            &self.y.to_be_bytes().into(),
            &self.proof.0.into(),
        )?;
        if opens { Ok(()) } else { Err(OpeningError::WrongProof) }
    }

    /// The opening as Hub takes it: commitment ‖ proof. z and y it computes itself.
    pub fn to_bytes(&self) -> [u8; OPENING_BYTES] {
        let mut bytes = [0; OPENING_BYTES];
        bytes[..48].copy_from_slice(self.commitment.as_slice());
        bytes[48..].copy_from_slice(self.proof.as_slice());
        bytes
    }
}

/// One opening for each blob of `data`, in order.
///
/// # Errors
/// As [`Opening::new`].
pub fn open(kzg: Kzg, data: &[u8]) -> Result<Vec<Opening>, OpeningError> {
    blob::slices(data).map(|slice| Opening::new(kzg, slice)).collect()
}

/// KZG commitment to a blob.
///
/// # Errors
/// [`OpeningError::Kzg`] if an element is not below r.
pub fn commit(kzg: Kzg, blob: &Blob) -> Result<Bytes48, OpeningError> {
    Ok(Bytes48::from(*kzg.0.blob_to_kzg_commitment(blob.as_ckzg())?.to_bytes()))
}

/// Versioned hash of a blob: how a follower recognises a blob that somebody handed it.
///
/// # Errors
/// As [`commit`].
pub fn versioned_hash(kzg: Kzg, blob: &Blob) -> Result<B256, OpeningError> {
    Ok(kzg_to_versioned_hash(commit(kzg, blob)?.as_slice()))
}

/// The sidecar of a blob transaction since EIP-7594: blobs, commitments and 128 cell proofs each. The slowest step of a
/// landing; see [`Kzg::load`] for where to run it.
///
/// # Errors
/// [`OpeningError::Kzg`] if an element is not below r.
pub fn sidecar(kzg: Kzg, blobs: Vec<Blob>) -> Result<BlobTransactionSidecarEip7594, OpeningError> {
    Ok(BlobTransactionSidecarEip7594::try_from_blobs_with_settings(blobs, kzg.0)?)
}

/// The point at which Hub opens a blob: `uint256(keccak256(versionedHash ‖ keccak256(slice))) mod r`. Whoever chooses the
/// blob and the bytes has fixed both before z is known, so the two polynomials agree at z only if they are equal
/// (but for a chance of 4096 / r).
pub fn challenge(versioned_hash: B256, slice: &[u8]) -> U256 {
    U256::from_be_bytes(keccak256([versioned_hash, keccak256(slice)].concat()).0) % MODULUS
}

/// The value at `z` of the polynomial whose blob `slice` fills; `z` is taken modulo r.
///
/// Blob elements are evaluations in bit-reversed order, so neighbours are a = f(w) and b = f(-w) and
/// `h = (a + b) / 2 + z / 2 * (a - b) / w` is f's value on the next level's point. Twelve levels with z <- z^2 leave
/// f(z): no inversion, at most 4,095 folds and only as many as there is data. The halvings are done once, at the end.
///
/// # Panics
/// If `slice` is longer than a blob's data; callers cut with [`blob::slices`].
pub fn evaluate(slice: &[u8], z: U256) -> U256 {
    assert!(slice.len() <= DATA_PER_BLOB, "{} bytes do not fit one blob", slice.len());
    let mut values: Vec<U256> = slice.chunks(BYTES_PER_ELEMENT).map(element).collect();
    let mut z = z % MODULUS;
    for _ in 0..LEVELS {
        let folds = values.len().div_ceil(2);
        for j in 0..folds {
            let a = values[2 * j];
            let b = values.get(2 * j + 1).copied().unwrap_or_default();
            let difference = a.add_mod(MODULUS - b, MODULUS);
            let slope = difference.mul_mod(INVERSES[j], MODULUS);
            values[j] = a.add_mod(b, MODULUS).add_mod(slope.mul_mod(z, MODULUS), MODULUS);
        }
        values.truncate(folds);
        z = z.mul_mod(z, MODULUS);
    }
    values.first().map_or(U256::ZERO, |value| value.mul_mod(HALVINGS, MODULUS))
}

/// One field element: up to 31 bytes behind a zero byte, zero padded at the end.
fn element(chunk: &[u8]) -> U256 {
    let mut word = [0u8; 32];
    word[1..=chunk.len()].copy_from_slice(chunk);
    U256::from_be_bytes(word)
}

/// `w^-bitrev11(j)` for the pairs of the first level; its prefix serves every later one.
static INVERSES: LazyLock<Vec<U256>> = LazyLock::new(|| {
    // steps[k] = w^-(2^k); doubling step k multiplies by w^-(2^(10 - k)), since bit k reversed in 11 bits is bit 10 - k.
    let mut steps = vec![ROOT_INVERSE];
    for _ in 1..LEVELS - 1 {
        let last = steps[steps.len() - 1];
        steps.push(last.mul_mod(last, MODULUS));
    }
    let mut table = Vec::with_capacity(FIELD_ELEMENTS_PER_BLOB as usize / 2);
    table.push(U256::from(1));
    for step in steps.iter().rev() {
        for j in 0..table.len() {
            table.push(table[j].mul_mod(*step, MODULUS));
        }
    }
    table
});
