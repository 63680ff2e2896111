//! What LEVM computes its precompiles with: ethrex' own code, but for the KZG setup.
//!
//! ethrex would load a setup of its own, with 96 MiB of tables that verification never uses; see [`crate::kzg`]. Must not know the chain.

use crate::kzg;
use ethrex_crypto::{Crypto, CryptoError, NativeCrypto};

/// ethrex' cryptography on the process's KZG setup. BLS12-381 and P-256 are the trait's own: with the feature `blst`, the C library.
#[derive(Debug, Clone, Copy)]
pub(super) struct HostCrypto;

impl Crypto for HostCrypto {
    fn bn254_g1_add(&self, p1: &[u8], p2: &[u8]) -> Result<[u8; 64], CryptoError> {
        NativeCrypto.bn254_g1_add(p1, p2)
    }

    fn bn254_g1_mul(&self, point: &[u8], scalar: &[u8]) -> Result<[u8; 64], CryptoError> {
        NativeCrypto.bn254_g1_mul(point, scalar)
    }

    fn bn254_pairing_check(&self, pairs: &[(&[u8], &[u8])]) -> Result<bool, CryptoError> {
        NativeCrypto.bn254_pairing_check(pairs)
    }

    fn modexp(&self, base: &[u8], exp: &[u8], modulus: &[u8]) -> Result<Vec<u8>, CryptoError> {
        NativeCrypto.modexp(base, exp, modulus)
    }

    fn verify_kzg_proof(
        &self,
        z: &[u8; 32],
        y: &[u8; 32],
        commitment: &[u8; 48],
        proof: &[u8; 48],
    ) -> Result<(), CryptoError> {
        if kzg::opens(z, y, commitment, proof) { Ok(()) } else { Err(CryptoError::VerificationFailed) }
    }
}
