use super::*;
use crate::{
    roots,
    state::{Account, AccountDiff, StateDiff},
};
use alloy_primitives::{Address, U256, keccak256, map::B256Map};
use alloy_trie::{HashBuilder, TrieAccount, proof::verify_proof};
use proptest::prelude::*;
use std::{collections::BTreeMap, sync::Mutex};

/// A store that grows with each commit.
#[derive(Default)]
pub(crate) struct Store(pub(crate) Mutex<B256Map<Bytes>>);

impl NodeSource for Store {
    fn node(&self, hash: B256) -> Result<Bytes, StateError> {
        self.0.lock().unwrap().get(&hash).cloned().ok_or(StateError::missing_node(hash))
    }
}

impl Store {
    fn add(&self, nodes: Vec<(B256, Bytes)>) {
        for (hash, node) in nodes {
            assert_eq!(keccak256(&node), hash);
            self.0.lock().unwrap().insert(hash, node);
        }
    }
}

/// What alloy-trie says.
fn reference(model: &BTreeMap<B256, Bytes>) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, value) in model {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    builder.root()
}

/// A key of a space with `bits` bits, spread so that both shared prefixes and shared middles occur.
fn key(seed: u16, bits: u32, place: usize) -> B256 {
    let mut key = B256::ZERO;
    let [high, low] = (seed & ((1u32 << bits) - 1) as u16).to_be_bytes();
    key[place] = high;
    key[(place + 1) % 32] = low;
    key
}

#[derive(Debug, Clone)]
enum Op {
    Insert(B256, Bytes),
    Remove(B256),
    Commit,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let space = (1u32..=16, 0usize..32);
    space.prop_flat_map(|(bits, place)| {
        let op = (any::<u16>(), 0u8..10, 1usize..70, any::<u8>()).prop_map(move |(seed, kind, len, byte)| {
            let key = if bits == 16 { keccak256(seed.to_be_bytes()) } else { key(seed, bits, place) };
            match kind {
                0..=5 => Op::Insert(key, vec![byte.max(1); len].into()),
                6..=8 => Op::Remove(key),
                _ => Op::Commit,
            }
        });
        prop::collection::vec(op, 1..80)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_changes_gives_the_root_that_alloy_trie_builds(ops in ops()) {
        let store = Store::default();
        let mut model = BTreeMap::new();
        let mut trie = Trie::new(&store, EMPTY_ROOT_HASH);
        for op in ops {
            match op {
                Op::Insert(key, value) => {
                    trie.insert(key, value.clone()).unwrap();
                    model.insert(key, value);
                }
                Op::Remove(key) => {
                    trie.remove(key).unwrap();
                    model.remove(&key);
                }
                Op::Commit => {
                    let (root, nodes) = trie.commit();
                    prop_assert_eq!(root, reference(&model));
                    store.add(nodes);
                    // From here on every node is fetched again.
                    trie = Trie::new(&store, root);
                }
            }
        }
        prop_assert_eq!(trie.commit().0, reference(&model));
        for (key, value) in &model {
            prop_assert_eq!(trie.get(*key).unwrap(), Some(value));
        }
    }

    #[test]
    fn a_recorded_witness_repeats_the_work_and_no_node_of_it_can_be_left_out(
        keys in prop::collection::btree_set(any::<u16>(), 2..60),
        bits in 3u32..17,
        touched in prop::collection::vec((any::<prop::sample::Index>(), 0u8..3), 1..8),
    ) {
        let keys: Vec<B256> = keys.into_iter()
            .map(|k| if bits == 16 { keccak256(k.to_be_bytes()) } else { key(k, bits, 5) })
            .collect();
        let store = Store::default();
        let mut trie = Trie::new(&store, EMPTY_ROOT_HASH);
        for key in &keys {
            trie.insert(*key, vec![7; 40].into()).unwrap();
        }
        let (root, nodes) = trie.commit();
        store.add(nodes);
        let work = |source: &dyn NodeSource| -> Result<B256, StateError> {
            let mut trie = Trie::new(source, root);
            let pick = |kind: u8| touched.iter().filter(move |(_, k)| *k == kind).map(|(i, _)| keys[i.index(keys.len())]);
            for key in pick(0) { trie.get(key)?; }
            for key in pick(1) { trie.insert(keccak256(key), vec![9; 40].into())?; }
            for key in pick(2) { trie.remove(key)?; }
            Ok(trie.commit().0)
        };
        let recorder = Recorder::new(&store);
        let expected = work(&recorder).unwrap();
        let witness = recorder.nodes();
        let full = Store::default();
        full.add(witness.clone().into_iter().collect());
        prop_assert_eq!(work(&full).unwrap(), expected);
        for left_out in witness.keys() {
            let short = Store::default();
            short.add(witness.clone().into_iter().filter(|(hash, _)| hash != left_out).collect());
            let missing = matches!(work(&short), Err(StateError::Missing(_)));
            prop_assert!(missing, "{} was not needed", left_out);
        }
    }

    #[test]
    fn proofs_of_presence_and_absence_satisfy_alloys_verifier(
        keys in prop::collection::btree_set(any::<u16>(), 0..40),
        asked in prop::collection::vec(any::<u16>(), 1..20),
        bits in 2u32..16,
    ) {
        let store = Store::default();
        let mut trie = Trie::new(&store, EMPTY_ROOT_HASH);
        for k in keys {
            trie.insert(key(k, bits, 3), vec![1, 2, 3].into()).unwrap();
        }
        let (root, nodes) = trie.commit();
        store.add(nodes);
        for k in asked {
            let key = key(k, bits, 3);
            let (value, proof) = prove(&store, root, key).unwrap();
            let value = value.map(|v| v.to_vec());
            prop_assert!(verify_proof(root, Nibbles::unpack(key), value, &proof).is_ok());
        }
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), key in any::<[u8; 32]>()) {
        let store = Store::default();
        let hash = keccak256(&bytes);
        store.0.lock().unwrap().insert(hash, bytes.into());
        let mut trie = Trie::new(&store, hash);
        let _ = trie.get(key.into()).map(|_| ());
        let mut trie = Trie::new(&store, hash);
        let _ = trie.remove(key.into());
        let mut trie = Trie::new(&store, hash);
        let _ = trie.insert(key.into(), vec![1].into());
    }

    #[test]
    fn no_mutated_node_makes_the_trie_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), keys in 1u16..40, op in 0u8..3) {
        let store = Store::default();
        let mut trie = Trie::new(&store, EMPTY_ROOT_HASH);
        for k in 0..keys {
            trie.insert(key(k, 9, 30), vec![1; 3].into()).unwrap();
        }
        let (_, nodes) = trie.commit();
        for (_, node) in nodes {
            let mut node = node.to_vec();
            let at = at.index(node.len());
            node[at] = byte;
            let root = keccak256(&node);
            store.0.lock().unwrap().insert(root, node.into());
            let mut trie = Trie::new(&store, root);
            for k in 0..keys {
                let failed = match op {
                    0 => trie.get(key(k, 9, 30)).is_err(),
                    1 => trie.insert(key(k, 9, 30), vec![2].into()).is_err(),
                    _ => trie.remove(key(k, 9, 30)).is_err(),
                };
                if failed { break }
            }
        }
    }
}

#[test]
fn a_missing_node_is_an_error_and_never_absence() {
    let store = Store::default();
    let root = B256::repeat_byte(1);
    let error = Trie::new(&store, root).get(B256::ZERO).map(|_| ()).unwrap_err();
    assert!(matches!(error, StateError::Missing(crate::state::Lookup::Node(hash)) if hash == root));
    assert!(Trie::new(&store, root).insert(B256::ZERO, vec![1].into()).is_err());
    assert!(Trie::new(&store, root).remove(B256::ZERO).is_err());
}

#[test]
fn a_leaf_that_is_not_64_nibbles_deep_is_corrupt() {
    for (path, flag) in [(30usize, 0x20u8), (33, 0x20), (0, 0x20)] {
        let mut payload = Vec::new();
        let mut encoded = vec![flag];
        encoded.extend(vec![0; path]);
        alloy_rlp::Encodable::encode(&encoded.as_slice(), &mut payload);
        alloy_rlp::Encodable::encode(&[1u8, 2].as_slice(), &mut payload);
        let mut node = Vec::new();
        alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut node);
        node.extend(payload);
        let store = Store::default();
        let root = keccak256(&node);
        store.0.lock().unwrap().insert(root, node.into());
        let error = Trie::new(&store, root).get(B256::ZERO).map(|_| ()).unwrap_err();
        assert!(matches!(error, StateError::Corrupt { .. }), "{path}: {error}");
    }
}

#[test]
fn the_proof_of_an_empty_trie_is_empty() {
    assert_eq!(prove(&Store::default(), EMPTY_ROOT_HASH, B256::ZERO).unwrap(), (None, vec![]));
}

#[test]
fn account_proofs_cover_accounts_slots_and_their_absence() {
    let store = Store::default();
    let mut diff = StateDiff::default();
    for n in 1u64..50 {
        let after = Some(Account { nonce: n, balance: U256::from(n), ..Account::default() });
        let storage = (0..n).map(|slot| (U256::from(slot), (U256::ZERO, U256::from(slot + 1)))).collect();
        diff.accounts
            .insert(Address::with_last_byte(n as u8), AccountDiff { before: None, after, wiped: false, storage });
    }
    let (root, nodes) = roots::apply(&store, EMPTY_ROOT_HASH, &diff).unwrap();
    store.add(nodes);
    let slots = [U256::from(3), U256::from(400)];
    let proof = account_proof(&store, root, Address::with_last_byte(9), &slots).unwrap();
    let account: TrieAccount = proof.account.unwrap();
    assert_eq!((account.nonce, proof.storage[0].value, proof.storage[1].value), (9, U256::from(4), U256::ZERO));
    for slot in &proof.storage {
        let key = Nibbles::unpack(keccak256(slot.slot.to_be_bytes::<32>()));
        let value = (!slot.value.is_zero()).then(|| alloy_rlp::encode(slot.value));
        verify_proof(account.storage_root, key, value, &slot.proof).unwrap();
    }
    let absent = account_proof(&store, root, Address::with_last_byte(99), &slots).unwrap();
    assert!(absent.account.is_none() && absent.storage.iter().all(|s| s.value.is_zero() && s.proof.is_empty()));
    verify_proof(root, Nibbles::unpack(keccak256(Address::with_last_byte(99))), None, &absent.proof).unwrap();
}

#[test]
fn a_hundred_thousand_changes_take_well_under_quadratic_time() {
    let store = Store::default();
    let mut trie = Trie::new(&store, EMPTY_ROOT_HASH);
    let time = std::time::Instant::now();
    for n in 0u64..100_000 {
        trie.insert(keccak256(n.to_be_bytes()), vec![1; 60].into()).unwrap();
    }
    let (root, nodes) = trie.commit();
    let built = time.elapsed();
    store.add(nodes);
    let time = std::time::Instant::now();
    let mut trie = Trie::new(&store, root);
    for n in 0u64..1_000 {
        trie.insert(keccak256((n * 97).to_be_bytes()), vec![2; 60].into()).unwrap();
    }
    let (_, nodes) = trie.commit();
    println!(
        "100000 inserts and commit {built:?}; 1000 updates from store, {} new nodes, {:?}",
        nodes.len(),
        time.elapsed()
    );
    assert!(nodes.len() < 6_000, "only the changed paths are new");
}

#[test]
fn a_wiped_account_keeps_nothing_of_its_storage() {
    let store = Store::default();
    let account = |nonce| Some(Account { nonce, ..Account::default() });
    let of = |before, after, wiped, storage: &[(u64, (u64, u64))]| {
        let slots = storage.iter().map(|(slot, (from, to))| (U256::from(*slot), (U256::from(*from), U256::from(*to))));
        let entry = AccountDiff { before, after, wiped, storage: slots.collect() };
        StateDiff { accounts: [(Address::ZERO, entry)].into(), ..Default::default() }
    };
    let (root, nodes) =
        roots::apply(&store, EMPTY_ROOT_HASH, &of(None, account(1), false, &[(1, (0, 7)), (2, (0, 8))])).unwrap();
    store.add(nodes);
    let (emptied, _) = roots::apply(&store, root, &of(account(1), account(1), true, &[])).unwrap();
    assert_eq!(emptied, roots::apply(&store, EMPTY_ROOT_HASH, &of(None, account(1), false, &[])).unwrap().0);
    let (remade, _) = roots::apply(&store, root, &of(account(1), account(2), true, &[(3, (0, 9))])).unwrap();
    assert_eq!(remade, roots::apply(&store, EMPTY_ROOT_HASH, &of(None, account(2), false, &[(3, (0, 9))])).unwrap().0);
    let (gone, _) = roots::apply(&store, root, &of(account(1), None, true, &[])).unwrap();
    assert_eq!(gone, EMPTY_ROOT_HASH);
}
