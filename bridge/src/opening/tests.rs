use super::*;
use crate::vectors::{self, hex0x};
use proptest::prelude::*;
use serde_json::json;

/// `n` bytes that anyone can make again: chunk k is keccak256(seed ‖ uint256(k)).
fn stream(seed: B256, n: usize) -> Vec<u8> {
    (0..n.div_ceil(32) as u64)
        .flat_map(|k| keccak256([seed.0, U256::from(k).to_be_bytes()].concat()).0)
        .take(n)
        .collect()
}

fn cases() -> Vec<(&'static str, B256, usize)> {
    [
        ("9 bytes", 9),
        ("620 bytes", 620),
        ("20 KB", 20_000),
        ("one full blob", DATA_PER_BLOB),
        ("two blobs", DATA_PER_BLOB + 1_000),
    ]
    .map(|(name, n)| (name, keccak256(name), n))
    .to_vec()
}

/// EIP-4844's barycentric formula, with the inversions that the fold avoids.
fn barycentric(values: &[U256], z: U256) -> U256 {
    let inverse = |x: U256| x.pow_mod(MODULUS - U256::from(2), MODULUS);
    let root = inverse(ROOT_INVERSE);
    let mut sum = U256::ZERO;
    for (i, value) in values.iter().enumerate().filter(|(_, v)| !v.is_zero()) {
        let w = root.pow_mod(U256::from((i as u64).reverse_bits() >> 52), MODULUS);
        let term = value.mul_mod(w, MODULUS).mul_mod(inverse(z.add_mod(MODULUS - w, MODULUS)), MODULUS);
        sum = sum.add_mod(term, MODULUS);
    }
    let scale = z.pow_mod(U256::from(4_096), MODULUS).add_mod(MODULUS - U256::from(1), MODULUS);
    sum.mul_mod(scale, MODULUS).mul_mod(HALVINGS, MODULUS)
}

#[test]
fn constants_are_what_their_names_say() {
    let root = U256::from(7).pow_mod((MODULUS - U256::from(1)) / U256::from(4_096), MODULUS);
    assert_eq!(root.mul_mod(ROOT_INVERSE, MODULUS), U256::from(1));
    assert_eq!(HALVINGS.mul_mod(U256::from(4_096), MODULUS), U256::from(1));
    for (j, inverse) in INVERSES.iter().enumerate().step_by(97) {
        let reversed = (j as u64).reverse_bits() >> 53;
        assert_eq!(*inverse, ROOT_INVERSE.pow_mod(U256::from(reversed), MODULUS), "entry {j}");
    }
    assert_eq!(INVERSES.len(), 2_048);
}

#[test]
fn openings_agree_with_the_vectors_and_prove_their_bytes() {
    let started = std::time::Instant::now();
    let kzg = Kzg::load();
    println!("setup loaded in {:?}", started.elapsed());
    let cases: Vec<_> = cases()
        .into_iter()
        .map(|(name, seed, n)| {
            let data = stream(seed, n);
            let started = std::time::Instant::now();
            let openings = open(kzg, &data).unwrap();
            println!("{name}: opened in {:?}", started.elapsed());
            let blobs: Vec<_> = openings
                .iter()
                .zip(blob::slices(&data))
                .map(|(o, slice)| {
                    o.verify(kzg, slice).unwrap();
                    json!({ "versionedHash": o.versioned_hash, "commitment": o.commitment, "proof": o.proof, "z": hex0x(o.z.to_be_bytes::<32>()), "y": hex0x(o.y.to_be_bytes::<32>()) })
                })
                .collect();
            json!({ "name": name, "seed": seed, "length": n, "data": hex0x(&data), "blobs": blobs })
        })
        .collect();
    vectors::golden(
        "opening",
        json!({ "seedFormula": "32-byte chunk k of data is keccak256(seed || uint256(k)); data is cut to length", "cases": cases }),
    );
}

#[test]
fn the_fold_is_the_barycentric_formula() {
    for n in [0usize, 1, 30, 31, 32, 62, 93, 620, 5_000] {
        let data = stream(B256::repeat_byte(n as u8), n);
        let values: Vec<U256> = data.chunks(BYTES_PER_ELEMENT).map(element).collect();
        let z = challenge(B256::repeat_byte(1), &data);
        assert_eq!(evaluate(&data, z), barycentric(&values, z), "{n} bytes");
    }
}

#[test]
fn at_a_root_of_unity_the_value_is_the_element() {
    let data = stream(B256::ZERO, 31 * 8);
    let root = ROOT_INVERSE.pow_mod(MODULUS - U256::from(2), MODULUS);
    for (i, chunk) in data.chunks(31).enumerate() {
        let w = root.pow_mod(U256::from((i as u64).reverse_bits() >> 52), MODULUS);
        assert_eq!(evaluate(&data, w), element(chunk), "element {i}");
    }
}

#[test]
fn an_opening_of_other_bytes_is_refused() {
    let kzg = Kzg::load();
    let good = Opening::new(kzg, b"one block").unwrap();
    assert!(good.verify(kzg, b"one block").is_ok());
    assert!(matches!(good.verify(kzg, b"one blocl"), Err(OpeningError::WrongPoint)));
    assert!(matches!(good.verify(kzg, &[0; DATA_PER_BLOB + 1]), Err(OpeningError::SliceTooLong { .. })));
    let other = Opening::new(kzg, b"another").unwrap();
    assert!(matches!(
        Opening { commitment: other.commitment, ..good }.verify(kzg, b"one block"),
        Err(OpeningError::WrongCommitment { .. })
    ));
    assert!(matches!(Opening { proof: other.proof, ..good }.verify(kzg, b"one block"), Err(OpeningError::WrongProof)));
    assert!(matches!(Opening { y: other.y, ..good }.verify(kzg, b"one block"), Err(OpeningError::WrongPoint)));
    let mut no_point = good;
    no_point.proof.0[0] = 0;
    assert!(matches!(no_point.verify(kzg, b"one block"), Err(OpeningError::Kzg(_))));
    let mut beyond_the_field = Blob::ZERO;
    beyond_the_field.0[..32].fill(0xff);
    assert!(matches!(commit(kzg, &beyond_the_field), Err(OpeningError::Kzg(_))));

    // Trailing zero bytes fill the same blob but are other bytes: the challenge tells them apart even though y cannot.
    let longer = Opening::new(kzg, b"one block\0").unwrap();
    assert_eq!(good.versioned_hash, longer.versioned_hash);
    assert_ne!(good.z, longer.z);
    assert_eq!(evaluate(b"one block", longer.z), longer.y);
}

#[test]
fn a_sidecar_has_the_commitments_of_the_openings_and_validates() {
    let kzg = Kzg::load();
    let data = stream(B256::repeat_byte(9), DATA_PER_BLOB + 40);
    let started = std::time::Instant::now();
    let sidecar = sidecar(kzg, blob::to_blobs(&data)).unwrap();
    println!("sidecar of two blobs in {:?}", started.elapsed());
    let hashes: Vec<B256> = open(kzg, &data).unwrap().iter().map(|o| o.versioned_hash).collect();
    assert_eq!(sidecar.versioned_hashes().collect::<Vec<_>>(), hashes);
    sidecar.validate(&hashes, kzg.settings()).unwrap();
    for (blob, hash) in sidecar.blobs.iter().zip(&hashes) {
        assert_eq!(versioned_hash(kzg, blob).unwrap(), *hash);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// f(z) over data is the sum of the f(z) over its elements taken alone: the fold is linear.
    #[test]
    fn evaluation_is_linear(data in proptest::collection::vec(any::<u8>(), 1..400), z in any::<[u8; 32]>()) {
        let z = U256::from_be_bytes(z);
        let mut sum = U256::ZERO;
        for (i, chunk) in data.chunks(31).enumerate() {
            let alone = [vec![0; 31 * i], chunk.to_vec()].concat();
            sum = sum.add_mod(evaluate(&alone, z), MODULUS);
        }
        prop_assert_eq!(evaluate(&data, z), sum);
    }

    #[test]
    fn c_kzg_agrees_with_the_fold(data in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        // `Opening::new` compares both values itself.
        prop_assert!(Opening::new(Kzg::load(), &data).is_ok());
    }
}
