//! One trusted setup for the whole process. revm's point evaluation precompile (0x0a) would load a setup of its own, with
//! 96 MiB of tables that verification never uses, in the middle of the first block that calls it. Must not know the chain.

use bridge::opening::Kzg;
use revm::precompile::{Crypto, PrecompileHalt, install_crypto};

/// revm's own cryptography, but for the setup.
#[derive(Debug)]
struct SharedSetup;

impl Crypto for SharedSetup {
    fn verify_kzg_proof(
        &self,
        z: &[u8; 32],
        y: &[u8; 32],
        commitment: &[u8; 48],
        proof: &[u8; 48],
    ) -> Result<(), PrecompileHalt> {
        let verified = Kzg::load().settings().verify_kzg_proof(
            &(*commitment).into(),
            &(*z).into(),
            &(*y).into(),
            &(*proof).into(),
        );
        // An error is a point that is none, which the precompile answers like a wrong proof (EIP-4844).
        if verified.unwrap_or(false) { Ok(()) } else { Err(PrecompileHalt::BlobVerifyKzgProofFailed) }
    }
}

/// Lets the precompile share `bridge`'s setup. Once for each process, before the first block; a later call changes nothing.
pub fn share_setup() {
    // Another part of the process was first: as good.
    let _ = install_crypto(SharedSetup);
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge::opening::Opening;

    #[test]
    fn the_shared_setup_accepts_a_right_opening_and_refuses_a_wrong_one() {
        let opening = Opening::new(Kzg::load(), b"basalt").unwrap();
        let (z, y): ([u8; 32], [u8; 32]) = (opening.z.to_be_bytes(), opening.y.to_be_bytes());
        let verify = |y: &[u8; 32]| SharedSetup.verify_kzg_proof(&z, y, &opening.commitment.0, &opening.proof.0);
        assert!(verify(&y).is_ok());
        let mut other = y;
        other[31] ^= 1;
        assert!(verify(&other).is_err());
        assert!(SharedSetup.verify_kzg_proof(&z, &y, &[0xff; 48], &opening.proof.0).is_err());
    }
}
