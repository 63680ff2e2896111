use super::*;
use crate::vectors::{self, hex0x};
use alloy_primitives::address;
use alloy_rlp::Encodable;
use alloy_trie::{
    HashBuilder, KECCAK_EMPTY, Nibbles,
    proof::{ProofRetainer, verify_proof},
};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

const MESSENGER: Address = address!("0xBa5a170000000000000000000000000000000001");

/// Root and proof of one key over hashed leaves.
fn trie(leaves: &BTreeMap<B256, Vec<u8>>, target: B256) -> (B256, Vec<Bytes>) {
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::from_iter([Nibbles::unpack(target)]));
    for (key, value) in leaves {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    let root = builder.root();
    (root, builder.take_proof_nodes().into_nodes_sorted().into_iter().map(|(_, node)| node).collect())
}

fn rlp(value: impl Encodable) -> Vec<u8> {
    let mut out = Vec::new();
    value.encode(&mut out);
    out
}

fn slots(n: u64) -> BTreeMap<B256, Vec<u8>> {
    (0..n).map(|i| (keccak256(B256::from(U256::from(i))), rlp(U256::from(i + 1)))).collect()
}

/// A state of `n` accounts and the Messenger with `n` slots.
fn state(n: u64, slot: U256, who: Address) -> (B256, AccountProof) {
    let (storage_root, storage) = trie(&slots(n), keccak256(B256::from(slot)));
    let messenger =
        TrieAccount { nonce: 1, balance: U256::from(1u128 << 96), storage_root, code_hash: keccak256("code") };
    let mut accounts: BTreeMap<B256, Vec<u8>> = (0..n)
        .map(|i| {
            (
                keccak256(Address::left_padding_from(&i.to_be_bytes())),
                rlp(TrieAccount {
                    nonce: i,
                    balance: U256::from(i),
                    storage_root: EMPTY_ROOT_HASH,
                    code_hash: KECCAK_EMPTY,
                }),
            )
        })
        .collect();
    accounts.insert(keccak256(MESSENGER), rlp(messenger));
    let (root, proof) = trie(&accounts, keccak256(who));
    let is_messenger = who == MESSENGER;
    let value = if slot < U256::from(n) && is_messenger { slot + U256::from(1) } else { U256::ZERO };
    let storage = vec![StorageProof { slot, value, proof: if is_messenger { storage } else { vec![] } }];
    (root, AccountProof { address: who, account: is_messenger.then_some(messenger), proof, storage })
}

#[test]
fn proofs_agree_with_the_vectors() {
    let cases: Vec<_> = [("slot 0 of a small state", 1u64, 0u64, MESSENGER), ("slot 0 of a larger one", 300, 0, MESSENGER), ("a slot that is not there", 300, 1_000, MESSENGER), ("an account that is not there", 300, 0, Address::repeat_byte(0xee))]
        .into_iter()
        .map(|(name, n, slot, who)| {
            let (root, p) = state(n, U256::from(slot), who);
            p.verify(root).unwrap();
            json!({ "name": name, "stateRoot": root, "address": who.to_string(), "exists": p.account.is_some(), "slot": hex0x(B256::from(U256::from(slot))), "value": hex0x(B256::from(p.storage[0].value)), "accountProof": p.proof, "storageProof": p.storage[0].proof })
        })
        .collect();
    vectors::golden("proof", json!({ "proofs": cases }));
}

#[test]
fn every_slot_of_tries_of_many_sizes_is_proven_and_so_is_absence() {
    for n in [1u64, 2, 3, 16, 17, 60, 400] {
        for slot in (0..n.min(40)).chain([n, n + 7, u64::MAX]) {
            let (root, nodes) = trie(&slots(n), keccak256(B256::from(U256::from(slot))));
            let expected = if slot < n { U256::from(slot + 1) } else { U256::ZERO };
            assert_eq!(storage(root, U256::from(slot), &nodes), Ok(expected), "slot {slot} of {n}");
        }
    }
}

#[test]
fn an_empty_trie_is_proven_by_nothing() {
    assert_eq!(storage(EMPTY_ROOT_HASH, U256::ZERO, &[]), Ok(U256::ZERO));
    assert_eq!(storage(EMPTY_ROOT_HASH, U256::ZERO, &[Bytes::from_static(&[0x80])]), Ok(U256::ZERO));
    assert_eq!(
        storage(EMPTY_ROOT_HASH, U256::ZERO, &[Bytes::from_static(&[0xc0])]),
        Err(ProofError::Surplus { nodes: 1 })
    );
    assert_eq!(account(EMPTY_ROOT_HASH, MESSENGER, &[]), Ok(None));
}

#[test]
fn every_way_of_not_proving_has_a_name() {
    let (root, good) = state(300, U256::ZERO, MESSENGER);
    let refused = |change: &dyn Fn(&mut AccountProof)| {
        let mut bad = good.clone();
        change(&mut bad);
        bad.verify(root).unwrap_err()
    };
    assert!(matches!(good.verify(B256::ZERO), Err(ProofError::WrongNode { node: 0, .. })));
    assert!(matches!(
        refused(&|p| {
            p.proof.pop();
        }),
        ProofError::Incomplete { .. }
    ));
    assert!(matches!(refused(&|p| p.proof.clear()), ProofError::Incomplete { depth: 0, .. }));
    assert!(matches!(
        refused(&|p| {
            let last = p.proof.len() - 1;
            p.proof[last] = Bytes::from_static(&[0xc0]);
        }),
        ProofError::WrongNode { .. }
    ));
    assert!(matches!(refused(&|p| p.proof.push(Bytes::new())), ProofError::Surplus { nodes: 1 }));
    assert!(matches!(refused(&|p| p.proof = vec![Bytes::new(); 66]), ProofError::TooLong { nodes: 66 }));
    assert!(matches!(refused(&|p| p.account = None), ProofError::OtherAccount(MESSENGER)));
    assert!(matches!(
        refused(&|p| if let Some(a) = &mut p.account {
            a.balance = U256::ZERO
        }),
        ProofError::OtherAccount(_)
    ));
    assert_eq!(
        refused(&|p| p.storage[0].value = U256::ZERO),
        ProofError::OtherValue { slot: U256::ZERO, proven: U256::from(1) }
    );
}

/// Nodes that hash as their parents say and yet fit no trie of hashed keys.
#[test]
fn well_hashed_nonsense_is_malformed_and_never_a_panic() {
    let list = |items: &[&[u8]]| {
        let payload: Vec<u8> = items.concat();
        let mut out = Vec::new();
        Header { list: true, payload_length: payload.len() }.encode(&mut out);
        out.extend(payload);
        Bytes::from(out)
    };
    let hp = |flag: u8, n: usize| rlp([vec![flag], vec![0; n]].concat().as_slice());
    let value = rlp(U256::from(7));
    let inner = list(&[&hp(0x20, 32), &value]);
    let hash = rlp(keccak256(&inner));
    let empty: &[u8] = &[0x80];
    let branch_with_value: Vec<&[u8]> = [vec![empty; 16], vec![value.as_slice()]].concat();
    let nonsense = [
        ("leaf that is too short", vec![list(&[&hp(0x20, 4), &value])]),
        ("leaf that is too long", vec![list(&[&hp(0x20, 33), &value])]),
        ("extension of nothing", vec![list(&[&hp(0x00, 0), &hash]), inner.clone()]),
        ("extension over the end", vec![list(&[&hp(0x00, 40), &hash]), inner.clone()]),
        ("extension to the very end", vec![list(&[&hp(0x00, 32), &hash]), inner.clone()]),
        ("path flag 4", vec![list(&[&hp(0x40, 32), &value])]),
        ("even path with a nibble in its flag", vec![list(&[&hp(0x21, 32), &value])]),
        ("no path", vec![list(&[empty, &value])]),
        ("branch with a value", vec![list(&branch_with_value)]),
        ("three items", vec![list(&[&value, &value, &value])]),
        ("eighteen items", vec![list(&vec![empty; 18])]),
        ("a string", vec![Bytes::from(rlp([7u8; 40].as_slice()))]),
        ("empty bytes", vec![Bytes::new()]),
        ("bytes behind the list", vec![[inner.to_vec(), vec![0]].concat().into()]),
    ];
    for (name, proof) in nonsense {
        let root = keccak256(&proof[0]);
        for slot in 0..16u64 {
            let got = storage(root, U256::from(slot), &proof);
            assert!(got.is_err(), "{name}: {got:?}");
        }
    }
    // Canonical, for contrast: a single leaf whose path is another key proves absence.
    assert_eq!(storage(keccak256(&inner), U256::ZERO, std::slice::from_ref(&inner)), Ok(U256::ZERO));
}

#[test]
fn a_stored_zero_or_a_value_with_a_leading_zero_is_malformed() {
    let key = keccak256(B256::from(U256::ZERO));
    for bad in [vec![0x80], vec![0x82, 0x00, 0x01], vec![0x01, 0x02], vec![0xc0]] {
        let (root, proof) = trie(&BTreeMap::from([(key, bad.clone())]), key);
        assert!(matches!(storage(root, U256::ZERO, &proof), Err(ProofError::Malformed { .. })), "{bad:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// The library agrees on real tries, present and absent.
    #[test]
    fn alloy_agrees(n in 1u64..80, slot in 0u64..120) {
        let key = keccak256(B256::from(U256::from(slot)));
        let (root, nodes) = trie(&slots(n), key);
        let ours = storage(root, U256::from(slot), &nodes).unwrap();
        let expected = (!ours.is_zero()).then(|| rlp(ours));
        prop_assert!(verify_proof(root, Nibbles::unpack(key), expected, &nodes).is_ok());
    }

    /// A proof of one key damaged anywhere proves nothing else.
    #[test]
    fn a_damaged_proof_never_proves_another_value(n in 2u64..60, slot in 0u64..60, node in any::<u16>(), at in any::<u16>(), byte in any::<u8>()) {
        let slot = slot % n;
        let (root, mut nodes) = trie(&slots(n), keccak256(B256::from(U256::from(slot))));
        let node = node as usize % nodes.len();
        let mut bytes = nodes[node].to_vec();
        let at = at as usize % bytes.len();
        bytes[at] = byte;
        nodes[node] = bytes.into();
        if let Ok(value) = storage(root, U256::from(slot), &nodes) {
            prop_assert_eq!(value, U256::from(slot + 1));
        }
    }

    /// Whatever bytes a node holds under its own hash: an answer or an error.
    #[test]
    fn arbitrary_nodes_never_panic(first in proptest::collection::vec(any::<u8>(), 0..80), second in proptest::collection::vec(any::<u8>(), 0..80)) {
        let proof = [Bytes::from(first), Bytes::from(second)];
        let _ = storage(keccak256(&proof[0]), U256::ZERO, &proof);
        let _ = account(keccak256(&proof[0]), MESSENGER, &proof[..1]);
    }
}
