//! Inputs of precompiles: one that is right for each, and changes that make it almost right.

use super::Random;
use alloy_primitives::{B256, Bytes, U256, hex, keccak256};
use alloy_signer::SignerSync;
use sha2::{Digest, Sha256};

/// The generators of BN254's groups, G2's coordinates imaginary part first, as EIP-197 has them.
const BN_G1: [u8; 64] = hex!(
    "0000000000000000000000000000000000000000000000000000000000000001"
    "0000000000000000000000000000000000000000000000000000000000000002"
);
const BN_G1_NEGATED: [u8; 64] = hex!(
    "0000000000000000000000000000000000000000000000000000000000000001"
    "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd45"
);
const BN_G2: [u8; 128] = hex!(
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
    "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
    "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
);
/// The generators of BLS12-381's groups, 64 bytes a coordinate (EIP-2537).
const BLS_G1: [u8; 128] = hex!(
    "0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
    "0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"
);
const BLS_G1_NEGATED_Y: [u8; 64] = hex!(
    "00000000000000000000000000000000114d1d6855d545a8aa7d76c8cf2e21f267816aef1db507c96655b9d5caac42364e6f38ba0ecb751bad54dcd6b939c2ca"
);
const BLS_G2: [u8; 256] = hex!(
    "00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
    "0000000000000000000000000000000013e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    "000000000000000000000000000000000ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"
    "000000000000000000000000000000000606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be"
);
/// A valid signature of EIP-7951's tests: hash, r, s, x, y.
const P256: [u8; 160] = hex!(
    "bb5a52f42f9c9261ed4361f59422a1e30036e7c32b270c8807a419feca605023"
    "2ba3a8be6b94d5ec80a6d9d1190a436effe50d85a1eee859b8cc6af9bd5c2e18"
    "4cd60b855d442f5b3c7b11eb6c4e0ae7525fe710fab9aa7c77a67f79e6fadd76"
    "2927b10512bae3eddcfe467828128bad2903269919f7086069c8c4df6c732838"
    "c7787964eaac00e5921fb1498a60f4606766b3d9685001558d1a974e7341513e"
);

/// An input for the precompile of this number: right, or changed a little, or anything.
pub fn precompile_input(random: &mut Random, number: u16) -> Bytes {
    let mut input = right(random, number);
    match random.below(10) {
        0 => {
            let len = random.below(300) as usize;
            return random.bytes(len);
        }
        1 => input.truncate(random.below(input.len() as u64 + 1) as usize),
        2 => input.extend_from_slice(&random.bytes(7)),
        3 | 4 if !input.is_empty() => {
            let at = random.index(input.len());
            input[at] ^= 1 << random.below(8);
        }
        5 if input.len() >= 32 => {
            let at = random.index(input.len() / 32) * 32;
            input[at..at + 32].copy_from_slice(random.word().to_be_bytes::<32>().as_slice());
        }
        _ => {}
    }
    input.into()
}

fn right(random: &mut Random, number: u16) -> Vec<u8> {
    match number {
        1 => {
            let hash = keccak256(random.bytes(9));
            let signature = crate::cast::key(random.index(crate::cast::KEYS)).sign_hash_sync(&hash);
            let signature = signature.expect("a local key signs any hash");
            let v = B256::with_last_byte(27 + u8::from(signature.v()));
            let (r, s) = (signature.r().to_be_bytes::<32>(), signature.s().to_be_bytes::<32>());
            [hash.as_slice(), v.as_slice(), &r, &s].concat()
        }
        5 => modexp(random),
        6 => [random.pick(&[BN_G1, BN_G1_NEGATED, [0; 64]]), random.pick(&[BN_G1, BN_G1_NEGATED, [0; 64]])].concat(),
        7 => [random.pick(&[BN_G1, BN_G1_NEGATED, [0; 64]]).as_slice(), &random.word().to_be_bytes::<32>()].concat(),
        8 => {
            let pair = |g1: [u8; 64], g2: [u8; 128]| [g1.as_slice(), &g2].concat();
            match random.below(4) {
                0 => Vec::new(),
                1 => pair(BN_G1, BN_G2),
                2 => pair([0; 64], random.pick(&[BN_G2, [0; 128]])),
                _ => [pair(BN_G1, BN_G2), pair(BN_G1_NEGATED, BN_G2)].concat(),
            }
        }
        9 => {
            let rounds = random.magnitude(1 << 12) as u32;
            let tail = [random.below(3) as u8];
            [&rounds.to_be_bytes()[..], &random.bytes(208), &tail].concat()
        }
        10 => point_evaluation(random),
        11 => [bls_g1(random), bls_g1(random)].concat(),
        12 => (0..random.range(1..=3)).flat_map(|_| with_scalar(random, bls_g1)).collect(),
        13 => [bls_g2(random), bls_g2(random)].concat(),
        14 => (0..random.range(1..=3)).flat_map(|_| with_scalar(random, bls_g2)).collect(),
        15 => match random.chance(0.5) {
            true => [bls_g1(random), bls_g2(random)].concat(),
            false => {
                let negated = [&BLS_G1[..64], &BLS_G1_NEGATED_Y].concat();
                [&BLS_G1[..], &BLS_G2, &negated, &BLS_G2].concat()
            }
        },
        16 => field_element(random),
        17 => [field_element(random), field_element(random)].concat(),
        0x100 => P256.to_vec(),
        _ => {
            let len = random.below(200) as usize;
            random.bytes(len).to_vec()
        }
    }
}

/// Lengths around EIP-7823's bound of 1,024 bytes and EIP-7883's steps; the numbers may be shorter than announced.
fn modexp(random: &mut Random) -> Vec<u8> {
    let mut length = || match random.below(12) {
        0 => random.word(),
        1 => U256::from(random.range(1_023..=1_025)),
        2 => U256::ZERO,
        _ => U256::from(random.below(70)),
    };
    let (base, exponent, modulus) = (length(), length(), length());
    let mut input: Vec<u8> = [base, exponent, modulus].iter().flat_map(|n| n.to_be_bytes::<32>()).collect();
    let sum = base.saturating_add(exponent).saturating_add(modulus).saturating_to::<usize>();
    input.extend_from_slice(&random.bytes(sum.min(3_000)));
    input
}

/// The zero polynomial: its commitment and every proof are the point at infinity, its value is zero everywhere.
fn point_evaluation(random: &mut Random) -> Vec<u8> {
    let mut infinity = [0; 48];
    infinity[0] = 0xc0;
    let mut hash: [u8; 32] = Sha256::digest(infinity).into();
    hash[0] = 1;
    let z: U256 = random.word() >> 2;
    [&hash[..], &z.to_be_bytes::<32>(), &[0; 32], &infinity, &infinity].concat()
}

fn bls_g1(random: &mut Random) -> Vec<u8> {
    match random.below(4) {
        0 => vec![0; 128],
        1 => [&BLS_G1[..64], &BLS_G1_NEGATED_Y].concat(),
        _ => BLS_G1.to_vec(),
    }
}

fn bls_g2(random: &mut Random) -> Vec<u8> {
    if random.chance(0.25) { vec![0; 256] } else { BLS_G2.to_vec() }
}

fn with_scalar(random: &mut Random, point: fn(&mut Random) -> Vec<u8>) -> Vec<u8> {
    let mut input = point(random);
    input.extend_from_slice(&random.word().to_be_bytes::<32>());
    input
}

/// 64 bytes, the first seventeen zero: below the modulus.
fn field_element(random: &mut Random) -> Vec<u8> {
    [&[0; 17], random.bytes(47).as_ref()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use revm::precompile::{PrecompileSpecId, Precompiles};

    #[test]
    fn the_right_inputs_are_right() {
        let precompiles = Precompiles::new(PrecompileSpecId::OSAKA);
        let mut random = Random::new(3);
        for number in (1..=17).chain([0x100]) {
            let mut right_ones = 0;
            for _ in 0..20 {
                let input = right(&mut random, number);
                let precompile = precompiles.get(&crate::cast::precompile(number)).unwrap();
                let ran = precompile.execute(&input, 100_000_000, 0);
                // ecrecover and P256 say no with empty output.
                let empty_is_no = number == 1 || number == 0x100;
                right_ones += usize::from(ran.is_ok_and(|out| !(empty_is_no && out.bytes.is_empty())));
            }
            assert!(right_ones > 8, "precompile {number}: only {right_ones} of 20");
        }
    }
}
