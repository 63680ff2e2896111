//! One trusted setup for the whole process. revm's point evaluation precompile (0x0a) would load a setup of its own, with
//! 96 MiB of tables that verification never uses, in the middle of the first block that calls it. Must not know the chain.

use bridge::opening::Kzg;
use revm::precompile::{Crypto, PrecompileHalt, install_crypto};

/// Whether the commitment opens to `y` at `z`, by the process's setup. Bytes that are no point or no field element count as a wrong proof, as the
/// precompile answers both alike (EIP-4844).
pub(crate) fn opens(z: &[u8; 32], y: &[u8; 32], commitment: &[u8; 48], proof: &[u8; 48]) -> bool {
    let settings = Kzg::load().settings();
    settings.verify_kzg_proof(&(*commitment).into(), &(*z).into(), &(*y).into(), &(*proof).into()).unwrap_or(false)
}

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
        if opens(z, y, commitment, proof) { Ok(()) } else { Err(PrecompileHalt::BlobVerifyKzgProofFailed) }
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
