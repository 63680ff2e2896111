//! How the modelled L1 is shown that a blob holds the bytes that EXECUTE ran: KZG in the world, a hash here.
//!
//! Commitments and proofs keep their sizes and places, and a versioned hash is still `0x01 ‖ sha256(commitment)[1..]`, so
//! everything around them is the real code. A simulation makes thousands of blocks, and one KZG commitment takes longer
//! than all the rest of a block.

use alloy_eips::{
    eip4844::{Blob, Bytes48, kzg_to_versioned_hash},
    eip7594::{BlobTransactionSidecarEip7594, CELLS_PER_EXT_BLOB},
};
use alloy_primitives::{B256, U256, keccak256};
use bridge::{
    blob,
    opening::{Commitments, Opening, OpeningError},
};

/// What L1 asks about blobs.
pub trait Binding: Send + Sync + std::fmt::Debug {
    /// The commitment to a blob, always the same for the same blob.
    fn commitment(&self, blob: &Blob) -> Bytes48;

    /// Whether the blob behind `commitment` holds exactly `slice` and zeros, as `proof` says.
    fn opens(&self, commitment: Bytes48, proof: Bytes48, slice: &[u8]) -> bool;

    /// Whether a sidecar's commitments and cell proofs are those of its blobs.
    fn holds(&self, sidecar: &BlobTransactionSidecarEip7594) -> bool {
        sidecar.blobs.len() == sidecar.commitments.len()
            && sidecar.cell_proofs.len() == sidecar.blobs.len() * CELLS_PER_EXT_BLOB
            && sidecar.blobs.iter().zip(&sidecar.commitments).all(|(blob, given)| self.commitment(blob) == *given)
    }
}

/// Commitment = `keccak(blob without its last zeros) ‖ the first half of it`; proof = `keccak(commitment ‖ keccak(slice)) ‖ zeros`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keccak;

impl Binding for Keccak {
    fn commitment(&self, blob: &Blob) -> Bytes48 {
        // A blob is long and mostly zeros; all are of one length, so nothing is lost.
        let end = blob.chunks(1_024).rposition(|chunk| chunk != [0; 1_024]).map_or(0, |at| (at + 1) * 1_024);
        let hash = keccak256(&blob[..end]);
        let mut bytes = [0; 48];
        bytes[..32].copy_from_slice(hash.as_slice());
        bytes[32..].copy_from_slice(&hash[..16]);
        bytes.into()
    }

    fn opens(&self, commitment: Bytes48, proof: Bytes48, slice: &[u8]) -> bool {
        blob_of(slice).is_some_and(|blob| self.commitment(&blob) == commitment)
            && proof == Self::proof(commitment, slice)
    }
}

/// What a node of the simulated world commits with.
impl Commitments for Keccak {
    fn open(&self, data: &[u8]) -> Result<Vec<Opening>, OpeningError> {
        Ok(self.openings(data))
    }

    fn sidecar(&self, blobs: Vec<Blob>) -> Result<BlobTransactionSidecarEip7594, OpeningError> {
        Ok(Self::sidecar(*self, blobs))
    }

    fn versioned_hash(&self, blob: &Blob) -> Result<B256, OpeningError> {
        Ok(Self::versioned_hash(*self, blob))
    }
}

impl Keccak {
    fn proof(commitment: Bytes48, slice: &[u8]) -> Bytes48 {
        let mut bytes = [0; 48];
        bytes[..32]
            .copy_from_slice(keccak256([commitment.as_slice(), keccak256(slice).as_slice()].concat()).as_slice());
        bytes.into()
    }

    /// The versioned hash of a blob.
    pub fn versioned_hash(self, blob: &Blob) -> B256 {
        kzg_to_versioned_hash(self.commitment(blob).as_slice())
    }

    /// One opening for each blob of `data`, in order. The point is Hub's; the value is left zero, for nobody evaluates.
    pub fn openings(self, data: &[u8]) -> Vec<Opening> {
        let opening = |slice: &[u8]| {
            let commitment = self.commitment(&blob_of(slice)?);
            let versioned_hash = kzg_to_versioned_hash(commitment.as_slice());
            let z = bridge::opening::challenge(versioned_hash, slice);
            Some(Opening { versioned_hash, commitment, proof: Self::proof(commitment, slice), z, y: U256::ZERO })
        };
        blob::slices(data).filter_map(opening).collect()
    }

    /// The sidecar of a transaction with these blobs; its cell proofs are zero.
    pub fn sidecar(self, blobs: Vec<Blob>) -> BlobTransactionSidecarEip7594 {
        let commitments = blobs.iter().map(|blob| self.commitment(blob)).collect();
        let proofs = vec![Bytes48::ZERO; blobs.len() * CELLS_PER_EXT_BLOB];
        BlobTransactionSidecarEip7594::new(blobs, commitments, proofs)
    }
}

/// The blob that `slice` fills; `None` when it is more than one blob's.
fn blob_of(slice: &[u8]) -> Option<Blob> {
    if slice.len() > blob::DATA_PER_BLOB {
        return None;
    }
    Some(blob::to_blobs(slice).pop().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_is_about_one_blob_and_one_content() {
        let data = vec![7; blob::DATA_PER_BLOB + 100];
        let openings = Keccak.openings(&data);
        let sidecar = Keccak.sidecar(blob::to_blobs(&data));
        assert!(Keccak.holds(&sidecar));
        let hashes: Vec<B256> = sidecar.versioned_hashes().collect();
        assert_eq!(hashes, openings.iter().map(|opening| opening.versioned_hash).collect::<Vec<_>>());
        let slices: Vec<&[u8]> = blob::slices(&data).collect();
        for (at, opening) in openings.iter().enumerate() {
            for (slice_at, slice) in slices.iter().enumerate() {
                assert_eq!(Keccak.opens(opening.commitment, opening.proof, slice), at == slice_at);
            }
        }
        let longer = [slices[1], &[0][..]].concat();
        assert!(!Keccak.opens(openings[1].commitment, openings[1].proof, &longer), "padding is not content");
        assert!(!Keccak.opens(openings[0].commitment, openings[0].proof, &data));
    }

    #[test]
    fn a_sidecar_with_another_blob_or_too_few_proofs_does_not_hold() {
        let mut sidecar = Keccak.sidecar(blob::to_blobs(&[1, 2, 3]));
        sidecar.blobs[0][40] ^= 1;
        assert!(!Keccak.holds(&sidecar));
        let mut sidecar = Keccak.sidecar(blob::to_blobs(&[1, 2, 3]));
        sidecar.cell_proofs.pop();
        assert!(!Keccak.holds(&sidecar));
    }
}
