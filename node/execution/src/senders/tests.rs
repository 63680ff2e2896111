use super::*;
use crate::world::{call, random_world, rng, signer};
use alloy_consensus::{Signed, transaction::SignerRecoverable};
use alloy_primitives::{Bytes, Signature, TxKind, U256, b256, uint};
use alloy_signer_local::PrivateKeySigner;
use rand::{Rng, rngs::StdRng};

/// The order of the group, and the prime of the field.
const N: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);
const P: U256 = uint!(0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f_U256);
const LAMBDA: U256 = uint!(0x5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72_U256);

fn any(rng: &mut StdRng) -> U256 {
    U256::from_limbs(rng.random())
}

/// Numbers at and around every limit, and short, long and random ones.
fn edgy(rng: &mut StdRng) -> U256 {
    let edges = [U256::ZERO, N, P, P - N, N >> 1, LAMBDA, N - LAMBDA, U256::ONE << rng.random_range(0..256)];
    match rng.random_range(0..3) {
        0 => edges[rng.random_range(0..edges.len())].wrapping_add(U256::from(rng.random_range(0..5))),
        1 => edges[rng.random_range(0..edges.len())].wrapping_sub(U256::from(rng.random_range(0..5))),
        _ => any(rng),
    }
}

/// What must come out: libsecp256k1's answers.
fn check(signed: &[(B256, Signature)]) {
    let expected: Vec<_> = signed.iter().map(signers::alone).collect();
    assert_eq!(signers(signed), expected, "{signed:?}");
}

fn good(rng: &mut StdRng) -> (B256, Signature) {
    loop {
        let signed = (any(rng).into(), Signature::new(any(rng), any(rng), rng.random()));
        if signers::alone(&signed).is_some() {
            return signed;
        }
    }
}

/// A signature whose key is `of_g` G + `of_r` R, for R = k G.
fn made(k: U256, of_g: U256, of_r: U256) -> (B256, Signature) {
    let key = PrivateKeySigner::from_bytes(&k.into()).unwrap().credential().verifying_key().to_encoded_point(false);
    let (x, y) = (U256::from_be_slice(key.x().unwrap()), U256::from_be_slice(key.y().unwrap()));
    let (s, hash) = (of_r.mul_mod(x, N), N - of_g.mul_mod(x, N));
    (hash.into(), Signature::new(x, s, y.bit(0)))
}

#[test]
fn batches_of_any_length_and_mix_give_what_libsecp256k1_gives() {
    let mut rng = rng(1);
    for len in (0..=33).chain([63, 64, 65, 200]) {
        let all: Vec<_> = (0..len).map(|_| good(&mut rng)).collect();
        check(&all);
        let mixed: Vec<_> = all
            .iter()
            .map(|signed| match rng.random_range(0..4) {
                0 => (edgy(&mut rng).into(), Signature::new(edgy(&mut rng), edgy(&mut rng), rng.random())),
                1 => (signed.0, Signature::new(edgy(&mut rng), signed.1.s(), rng.random())),
                2 => (edgy(&mut rng).into(), signed.1),
                _ => *signed,
            })
            .collect();
        check(&mixed);
    }
}

#[test]
fn numbers_at_every_limit_give_what_libsecp256k1_gives() {
    let edges: Vec<U256> = [U256::ZERO, N, P, P - N, N >> 1, U256::MAX, U256::ONE << 128]
        .into_iter()
        .flat_map(|edge| {
            [-2i8, -1, 0, 1, 2]
                .map(|by| edge.wrapping_add(if by < 0 { U256::MAX - U256::from(-1 - by) } else { U256::from(by) }))
        })
        .collect();
    let mut rng = rng(2);
    let mut signed = Vec::new();
    for r in &edges {
        for s in &edges {
            let hash = edges[rng.random_range(0..edges.len())];
            signed.extend([false, true].map(|odd| (hash.into(), Signature::new(*r, *s, odd))));
        }
    }
    // Which numbers are an x is chance: the edges of s and of the hash with an r that is one, too.
    for s in &edges {
        for hash in &edges {
            signed.push((B256::from(*hash), Signature::new(good(&mut rng).1.r(), *s, rng.random())));
        }
    }
    assert!(signed.iter().filter(|signed| signers::alone(signed).is_some()).count() > 800);
    check(&signed);
}

#[test]
fn sums_that_meet_an_exception_give_what_libsecp256k1_gives() {
    let mut rng = rng(3);
    let mut signed = Vec::new();
    for _ in 0..400 {
        let small = |rng: &mut StdRng| U256::from(rng.random_range(1..40));
        let sign = |rng: &mut StdRng, n: U256| if rng.random() { n } else { N - n };
        let k = match rng.random_range(0..4) {
            0 => small(&mut rng),
            1 => LAMBDA.mul_mod(small(&mut rng), N),
            2 => U256::ONE << rng.random_range(0..255),
            _ => any(&mut rng) % N,
        };
        let k = sign(&mut rng, k);
        let of_r = match rng.random_range(0..4) {
            0 => small(&mut rng),
            1 => LAMBDA.mul_mod(small(&mut rng), N),
            2 => U256::ONE << rng.random_range(0..255),
            _ => any(&mut rng) % N,
        };
        let same = of_r.mul_mod(k, N);
        let of_g = match rng.random_range(0..6) {
            0 => small(&mut rng),
            1 => U256::ONE << rng.random_range(0..255),
            2 => U256::ZERO,
            // of_g G = of_r R: the last addition would be a doubling.
            3 => same,
            // of_g G = -of_r R: there is no key.
            4 => (N - same) % N,
            _ => any(&mut rng) % N,
        };
        signed.push(made(k, of_g, of_r));
    }
    let nobodys = signed.iter().filter(|signed| signers::alone(signed).is_none()).count();
    assert!(nobodys > 40, "{nobodys} of the sums are nothing");
    check(&signed);
    for some in signed.chunks(7) {
        check(some);
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn an_exception_of_the_formulas_is_noticed() {
    if !lanes::exist() {
        return;
    }
    let keys = |signed: &[(B256, Signature)]| {
        eight::keys(&signed.iter().map(|signed| scalar::Signed::new(signed).unwrap()).collect::<Vec<_>>())
    };
    // The last thing added is 2^130 G times the first digit of the upper half. Let all before it be the same.
    let mut rng = rng(4);
    let signed: Vec<_> = (0..100)
        .map(|_| {
            let (of_g, of_r) = (any(&mut rng) % N, any(&mut rng) % N);
            let mut digits = scalar::digits(scalar::minus(of_g, U256::ONE << 125));
            let digit = digits.nth(scalar::G_DIGITS / 2).unwrap();
            let last = U256::from(digit.unsigned_abs()).mul_mod(U256::ONE << 130, N);
            let last = if digit < 0 { N - last } else { last };
            let k = scalar::minus(last.add_mod(last, N), of_g).mul_mod(of_r.inv_mod(N).unwrap(), N);
            made(k, of_g, of_r)
        })
        .collect();
    assert_eq!(keys(&signed), vec![None; 100]);
    assert!(signed.iter().filter(|signed| signers::alone(signed).is_some()).count() > 90);
    check(&signed);
    // It happens to nobody who doesn't look for it.
    let signed: Vec<_> = (0..100).map(|_| good(&mut rng)).collect();
    assert!(keys(&signed).iter().all(Option::is_some));
}

#[test]
fn the_signer_of_eip_155_is_found() {
    let hash = b256!("0xdaf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53");
    let r = uint!(0x28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276_U256);
    let s = uint!(0x67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83_U256);
    let signed = (hash, Signature::new(r, s, false));
    let found = signers(&[signed; 9]);
    let expected = alloy_primitives::address!("0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F");
    assert_eq!(found, vec![Some(expected); 9]);
}

#[test]
fn senders_come_in_order_and_the_first_bad_signature_is_named() {
    let world = random_world(&mut rng(5));
    let txs: Vec<_> = (0..100)
        .map(|n| call(&world, n % 7, n as u64, TxKind::Call(Address::ZERO), 0, Bytes::new()).into_inner())
        .collect();
    for len in [0, 1, 15, 16, 17, 31, 33, 64, 100] {
        let expected: Vec<_> = (0..len).map(|n| signer(n % 7).address()).collect();
        assert_eq!(recover(&txs[..len]), Ok(expected));
    }
    for bad in [[0, 99], [20, 80], [99, 99]] {
        let mut txs = txs.clone();
        for at in bad {
            let Transaction::Eip1559(signed) = &txs[at] else { panic!("call makes type 2") };
            let signature = Signature::new(U256::ZERO, U256::ZERO, false);
            txs[at] = Signed::new_unhashed(signed.tx().clone(), signature).into();
        }
        assert_eq!(recover(&txs), Err(bad[0]));
    }
}

#[test]
fn a_high_s_is_refused_where_it_must_be_low() {
    let world = random_world(&mut rng(6));
    let txs: Vec<_> = (0..20)
        .map(|n| {
            let tx = call(&world, n % 7, n as u64, TxKind::Call(Address::ZERO), 0, Bytes::new()).into_inner();
            let Transaction::Eip1559(signed) = &tx else { panic!("call makes type 2") };
            let signature = signed.signature();
            let high = Signature::new(signature.r(), N - signature.s(), !signature.v());
            if n % 3 == 0 { Signed::new_unhashed(signed.tx().clone(), high).into() } else { tx }
        })
        .collect();
    for tx in &txs {
        assert_eq!(each(std::slice::from_ref(tx), true), [tx.recover_signer().ok()]);
    }
    assert_eq!(each(&txs, true), txs.iter().map(|tx| tx.recover_signer().ok()).collect::<Vec<_>>());
    let senders: Vec<_> = (0..20).map(|n| Some(signer(n % 7).address())).collect();
    assert_eq!(each(&txs, false), senders);
    assert_eq!(recover(&txs), Err(0));
}
