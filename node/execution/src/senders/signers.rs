//! The signers of hashes, many at once.
//!
//! Must not know: what was hashed.

use alloy_consensus::crypto::secp256k1::recover_signer_unchecked;
use alloy_primitives::{Address, B256, Signature};

/// The signer of each hash, on this thread; `None` where the signature is nobody's: r or s zero or not below the order of the group, r not the x
/// of a point, or a key that is no point. High s are allowed.
pub fn signers(signed: &[(B256, Signature)]) -> Vec<Option<Address>> {
    #[cfg(target_arch = "x86_64")]
    if super::lanes::exist() {
        return side_by_side(signed);
    }
    signed.iter().map(alone).collect()
}

/// By libsecp256k1.
pub(super) fn alone((hash, signature): &(B256, Signature)) -> Option<Address> {
    recover_signer_unchecked(signature, *hash).ok()
}

#[cfg(target_arch = "x86_64")]
fn side_by_side(signed: &[(B256, Signature)]) -> Vec<Option<Address>> {
    use super::{eight, lanes::LANES, scalar};

    let proper = signed.iter().enumerate().filter_map(|(index, signed)| Some((index, scalar::Signed::new(signed)?)));
    let (mut indices, mut proper): (Vec<_>, Vec<_>) = proper.unzip();
    // Eight at a time take longer than one, but not as long as two.
    if proper.len() % LANES == 1 {
        proper.pop();
        indices.pop();
    }
    let mut signers = vec![None; signed.len()];
    let found: Vec<_> =
        indices.into_iter().zip(eight::keys(&proper)).filter_map(|(at, key)| Some((at, key?))).collect();
    let keys: Vec<[u8; 64]> = found.iter().map(|(_, key)| key.bytes()).collect();
    let keys: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
    for ((index, _), hash) in found.iter().zip(crate::keccak::batch(&keys)) {
        signers[*index] = Some(Address::from_word(hash));
    }
    // No is for libsecp256k1 to say.
    for (signer, signed) in signers.iter_mut().zip(signed) {
        *signer = signer.or_else(|| alone(signed));
    }
    signers
}
