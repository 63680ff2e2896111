mod plain;

use super::node::Link;
use super::*;
use crate::{
    roots::{self, Applied},
    state::{Account as StateAccount, AccountDiff, StateDiff},
};
use alloy_primitives::{Address, keccak256, map::B256Map};
use alloy_trie::{HashBuilder, Nibbles, proof::verify_proof};
use plain::ByHash;
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

/// Nodes by hash, and which of them were asked for.
#[derive(Default)]
pub(crate) struct Store {
    nodes: B256Map<Bytes>,
    asked: Mutex<Vec<B256>>,
}

impl ByHash for Store {
    fn node(&self, hash: B256) -> Result<Bytes, StateError> {
        self.asked.lock().unwrap().push(hash);
        self.nodes.get(&hash).cloned().ok_or(StateError::missing_node(hash))
    }
}

impl NodeSource for Store {
    fn node(&self, _: &Place, hash: B256) -> Result<Bytes, StateError> {
        ByHash::node(self, hash)
    }
}

impl Store {
    fn asked(&self) -> Vec<B256> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// Whether the RLP of a node is a leaf's.
pub(crate) fn is_leaf(raw: &[u8]) -> bool {
    let items = alloy_rlp::Header::decode_raw(&mut &*raw).unwrap();
    let alloy_rlp::PayloadView::List(items) = items else { panic!("a node is a list") };
    let prefix = alloy_rlp::Header::decode_bytes(&mut &*items[0], false).unwrap();
    items.len() == 2 && prefix[0] >> 4 >= 2
}

/// Every hashed node of a state, by place.
pub(crate) fn export(tree: &StateTree, source: &dyn NodeSource) -> BTreeMap<Place, Bytes> {
    let mut nodes = BTreeMap::new();
    let loader = tree.loader(source);
    let Some(root) = tree.top() else { return nodes };
    let mut accounts: Vec<(B256, Account)> = Vec::new();
    below(loader, root.link(), B256::ZERO, 0, &mut nodes, &mut accounts);
    for (owner, account) in accounts {
        if let Some(storage) = account.storage() {
            below(loader.of(owner), storage.link(), B256::ZERO, 0, &mut nodes, &mut Vec::new());
        }
    }
    nodes
}

fn below<V: Value>(
    loader: Loader<'_>,
    child: Link<'_, V>,
    key: B256,
    depth: usize,
    nodes: &mut BTreeMap<Place, Bytes>,
    leaves: &mut Vec<(B256, V)>,
) {
    let node = loader.node(child, &key, depth).unwrap();
    if let Some(hash) = child.hash() {
        let raw = node::bytes(node, depth);
        assert_eq!(keccak256(&raw), hash);
        assert_eq!(raw.len(), node::encoded_len(node, depth));
        assert!(raw.len() >= 32 || depth == 0);
        nodes.insert(Place { owner: loader.owner, path: Nibbles::unpack(key).slice(..depth) }, raw);
    }
    match &**node {
        Node::Leaf(leaf) => leaves.push((leaf.key, leaf.value.clone())),
        Node::Extension(extension) => {
            let mut key = key;
            for at in 0..extension.path.len() {
                key = with_nibble(key, depth + at, extension.path.get_unchecked(at));
            }
            below(loader, extension.child.link(), key, depth + extension.path.len(), nodes, leaves);
        }
        Node::Branch(branch) => branch.children().for_each(|(nibble, child)| {
            below(loader, child, with_nibble(key, depth, nibble), depth + 1, nodes, leaves);
        }),
    }
}

/// What alloy-trie says.
fn reference(model: &BTreeMap<B256, U256>) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, value) in model {
        builder.add_leaf(Nibbles::unpack(key), &alloy_rlp::encode(value));
    }
    builder.root()
}

/// A key of a space with `bits` bits, spread so that both shared prefixes and shared middles occur.
fn key(seed: u16, bits: u32, place: usize) -> B256 {
    if bits == 16 {
        return keccak256(seed.to_be_bytes());
    }
    let mut key = B256::ZERO;
    let [high, low] = (seed & ((1u32 << bits) - 1) as u16).to_be_bytes();
    key[place] = high;
    key[(place + 1) % 32] = low;
    key
}

/// Batches of changes: zero clears.
fn batches() -> impl Strategy<Value = Vec<BTreeMap<B256, U256>>> {
    let space = (1u32..=16, 0usize..32);
    space.prop_flat_map(|(bits, place)| {
        let value = prop_oneof![3 => Just(U256::ZERO), 2 => (1u64..3).prop_map(U256::from), 4 => any::<[u64; 4]>().prop_map(U256::from_limbs)];
        let write = (any::<u16>(), value).prop_map(move |(seed, value)| (key(seed, bits, place), value));
        prop::collection::vec(prop::collection::vec(write, 1..40).prop_map(|writes| writes.into_iter().collect()), 1..6)
    })
}

/// What one batch did.
struct Done {
    root: Option<Child<Word>>,
    siblings: B256Map<Bytes>,
}

fn forge(
    source: &dyn NodeSource,
    root: Option<&Child<Word>>,
    batch: &BTreeMap<B256, U256>,
) -> Result<Done, StateError> {
    let (count, mut siblings) = (AtomicUsize::new(0), B256Map::default());
    let mut forge = Forge::new(Loader::new(source, &count), &mut siblings, true);
    let writes: Vec<_> = batch
        .iter()
        .map(|(key, value)| Write { key: *key, value: (!value.is_zero()).then_some(Word(*value)) })
        .collect();
    let outcome = forge.update((0, None), root, &writes)?;
    let mut sealed = forge.seal();
    let root = match outcome {
        Outcome::Same => root.cloned(),
        Outcome::Gone => None,
        Outcome::Fresh(fresh) => Some(sealed.take(fresh)),
    };
    Ok(Done { root, siblings })
}

fn hash(root: Option<&Child<Word>>) -> B256 {
    root.map_or(EMPTY_ROOT_HASH, Child::root_hash)
}

fn unloaded(root: B256) -> Option<Child<Word>> {
    (root != EMPTY_ROOT_HASH).then(|| Child::unloaded(Name::of_hash(&root)))
}

/// The same as one key after the other: all paths, then writes, then clears.
fn one_by_one(
    source: &Store,
    root: B256,
    batch: &BTreeMap<B256, U256>,
) -> Result<(B256, Vec<(B256, Bytes)>), StateError> {
    let mut trie = plain::Trie::new(source, root);
    for key in batch.keys() {
        trie.get(*key)?;
    }
    for (key, value) in batch.iter().filter(|(_, value)| !value.is_zero()) {
        trie.insert(*key, alloy_rlp::encode(value).into())?;
    }
    for (key, _) in batch.iter().filter(|(_, value)| value.is_zero()) {
        trie.remove(*key)?;
    }
    Ok(trie.commit())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_batch_makes_and_fetches_what_its_changes_one_by_one_do(batches in batches(), keep in any::<bool>()) {
        let mut store = Store::default();
        let mut model = BTreeMap::new();
        let mut held: Option<Child<Word>> = None;
        for batch in batches {
            for (key, value) in &batch {
                match value.is_zero() {
                    true => drop(model.remove(key)),
                    false => drop(model.insert(*key, *value)),
                }
            }
            let before = hash(held.as_ref());
            let (root, made) = one_by_one(&store, before, &batch).unwrap();
            prop_assert_eq!(root, reference(&model));
            let theirs: BTreeSet<B256> = store.asked().into_iter().collect();

            let cold = unloaded(before);
            let done = forge(&store, cold.as_ref(), &batch).unwrap();
            prop_assert_eq!(hash(done.root.as_ref()), root);
            let ours: BTreeSet<B256> = store.asked().into_iter().collect();
            prop_assert_eq!(&ours, &theirs);
            // With everything in memory nothing is fetched, and the siblings are named all the same.
            let warm = forge(&store, held.as_ref(), &batch).unwrap();
            prop_assert_eq!(hash(warm.root.as_ref()), root);
            let names = |done: &Done| done.siblings.keys().copied().collect::<BTreeSet<_>>();
            prop_assert_eq!(names(&warm), names(&done));
            if keep {
                prop_assert!(store.asked().is_empty());
            }

            store.nodes.extend(made);
            if let Some(root) = &done.root {
                let (count, mut nodes, mut leaves) = (AtomicUsize::new(0), BTreeMap::new(), Vec::new());
                below(Loader::new(&store, &count), root.link(), B256::ZERO, 0, &mut nodes, &mut leaves);
                prop_assert!(leaves.into_iter().map(|(key, word)| (key, word.0)).eq(model.clone()));
                for raw in nodes.into_values() {
                    prop_assert_eq!(store.nodes.get(&keccak256(&raw)), Some(&raw));
                }
            }
            store.asked();
            held = if keep { warm.root } else { unloaded(root) };
        }
    }

    #[test]
    fn the_nodes_fetched_repeat_the_work_and_none_of_them_can_be_left_out(
        keys in prop::collection::btree_set(any::<u16>(), 2..60),
        bits in 3u32..17,
        touched in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..8),
    ) {
        let keys: Vec<B256> = keys.into_iter().map(|k| key(k, bits, 5)).collect();
        let old: BTreeMap<B256, U256> = keys.iter().map(|key| (*key, U256::from_be_bytes(key.0) | U256::from(1))).collect();
        let (root, made) = one_by_one(&Store::default(), EMPTY_ROOT_HASH, &old).unwrap();
        let store = Store { nodes: made.into_iter().collect(), ..Store::default() };
        let mut batch = BTreeMap::new();
        for (index, clear) in touched {
            let key = keys[index.index(keys.len())];
            batch.insert(if clear { key } else { keccak256(key) }, if clear { U256::ZERO } else { U256::MAX });
        }
        let expected = forge(&store, unloaded(root).as_ref(), &batch).unwrap();
        let asked: BTreeSet<B256> = store.asked().into_iter().collect();
        for left_out in [None].into_iter().chain(asked.iter().map(Some)) {
            let some = asked.iter().filter(|hash| Some(*hash) != left_out);
            let short = Store { nodes: some.map(|hash| (*hash, store.nodes[hash].clone())).collect(), ..Store::default() };
            match (forge(&short, unloaded(root).as_ref(), &batch), left_out) {
                (Ok(done), None) => prop_assert_eq!(hash(done.root.as_ref()), hash(expected.root.as_ref())),
                (Err(StateError::Missing(_)), Some(_)) => {}
                (_, left_out) => prop_assert!(false, "{left_out:?}"),
            }
        }
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), key in any::<[u8; 32]>()) {
        let root = keccak256(&bytes);
        let store = Store { nodes: [(root, bytes.into())].into_iter().collect(), ..Store::default() };
        for value in [U256::ZERO, U256::MAX] {
            let _ = forge(&store, unloaded(root).as_ref(), &[(key.into(), value)].into());
        }
    }

    #[test]
    fn no_mutated_node_makes_the_trie_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), keys in 1u16..40, value in 0u64..2, place in 0usize..32) {
        let old: BTreeMap<B256, U256> = (0..keys).map(|k| (key(k, 9, place), U256::from(9))).collect();
        let (_, made) = one_by_one(&Store::default(), EMPTY_ROOT_HASH, &old).unwrap();
        let mut store = Store { nodes: made.iter().cloned().collect(), ..Store::default() };
        for (_, node) in made {
            let mut node = node.to_vec();
            let at = at.index(node.len());
            node[at] = byte;
            let root = keccak256(&node);
            store.nodes.insert(root, node.into());
            let all = (0..keys).map(|k| (key(k, 9, place), U256::from(value))).collect();
            let _ = forge(&store, unloaded(root).as_ref(), &all);
            for k in 0..keys {
                let _ = forge(&store, unloaded(root).as_ref(), &[(key(k, 9, place), U256::from(value))].into());
            }
        }
    }
}

#[test]
fn a_missing_node_is_an_error_and_never_absence() {
    let tree = StateTree::new(B256::repeat_byte(1));
    let missing = |error| matches!(error, StateError::Missing(crate::state::Lookup::Node(hash)) if hash == tree.root());
    assert!(missing(tree.account(&Nowhere, B256::ZERO).unwrap_err()));
    assert!(missing(tree.storage(&Nowhere, B256::ZERO, B256::ZERO).unwrap_err()));
    assert_eq!((tree.peek(B256::ZERO), tree.peek_storage(B256::ZERO, B256::ZERO)), (None, None));
    for after in [None, Some(StateAccount::default())] {
        let diff = AccountDiff { before: None, after, ..Default::default() };
        let diff = StateDiff { accounts: [(Address::ZERO, diff)].into(), ..Default::default() };
        assert!(missing(roots::apply(&tree, &Nowhere, &diff).unwrap_err()));
    }
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
        let root = keccak256(&node);
        let store = Store { nodes: [(root, node.into())].into_iter().collect(), ..Store::default() };
        let error = StateTree::new(root).account(&store, B256::ZERO).unwrap_err();
        assert!(matches!(error, StateError::Corrupt { .. }), "{path}: {error}");
    }
}

/// Accounts 1 to 49, of which each has as many slots as its number.
fn some_accounts() -> StateDiff {
    let mut diff = StateDiff::default();
    for n in 1u64..50 {
        let after = Some(StateAccount { nonce: n, balance: U256::from(n), ..Default::default() });
        let storage = (0..n).map(|slot| (U256::from(slot), (U256::ZERO, U256::from(slot + 1)))).collect();
        let account = AccountDiff { after, storage, ..Default::default() };
        diff.accounts.insert(Address::with_last_byte(n as u8), account);
    }
    diff
}

#[test]
fn account_proofs_cover_accounts_slots_and_their_absence() {
    let tree = roots::apply(&StateTree::new(EMPTY_ROOT_HASH), &Nowhere, &some_accounts()).unwrap().tree;
    let slots = [U256::from(3), U256::from(400)];
    let proof = account_proof(&tree, &Nowhere, Address::with_last_byte(9), &slots).unwrap();
    let account: TrieAccount = proof.account.unwrap();
    assert_eq!((account.nonce, proof.storage[0].value, proof.storage[1].value), (9, U256::from(4), U256::ZERO));
    let owner = Nibbles::unpack(keccak256(proof.address));
    verify_proof(tree.root(), owner, Some(alloy_rlp::encode(account)), &proof.proof).unwrap();
    for slot in &proof.storage {
        let key = Nibbles::unpack(keccak256(slot.slot.to_be_bytes::<32>()));
        let value = (!slot.value.is_zero()).then(|| alloy_rlp::encode(slot.value));
        verify_proof(account.storage_root, key, value, &slot.proof).unwrap();
    }
    let absent = account_proof(&tree, &Nowhere, Address::with_last_byte(99), &slots).unwrap();
    assert!(absent.account.is_none() && absent.storage.iter().all(|s| s.value.is_zero() && s.proof.is_empty()));
    verify_proof(tree.root(), Nibbles::unpack(keccak256(absent.address)), None, &absent.proof).unwrap();
    let nothing = account_proof(&StateTree::new(EMPTY_ROOT_HASH), &Nowhere, Address::ZERO, &slots).unwrap();
    assert!(nothing.account.is_none() && nothing.proof.is_empty());
}

#[test]
fn a_trimmed_tree_is_the_same_state_and_loads_again_what_it_forgot() {
    let tree = roots::apply(&StateTree::new(EMPTY_ROOT_HASH), &Nowhere, &some_accounts()).unwrap().tree;
    let nodes = export(&tree, &Nowhere);
    let store = Store { nodes: nodes.values().map(|raw| (keccak256(raw), raw.clone())).collect(), ..Store::default() };
    assert!(tree.loaded() >= nodes.len());
    assert!(tree.trimmed(tree.loaded()).peek(keccak256(Address::with_last_byte(9))).is_some(), "within the limit");
    for limit in [0, 1, 20, 100, 600] {
        let trimmed = tree.trimmed(limit);
        assert!(trimmed.loaded() <= limit && trimmed.root() == tree.root());
        if limit == 0 {
            assert_eq!(trimmed.peek(keccak256(Address::with_last_byte(9))), None);
        }
        assert_eq!(export(&trimmed, &store), nodes);
    }
}

#[test]
fn an_old_version_stays_as_it_was() {
    let first = roots::apply(&StateTree::new(EMPTY_ROOT_HASH), &Nowhere, &some_accounts()).unwrap().tree;
    let nodes = export(&first, &Nowhere);
    let mut diff = some_accounts();
    for (address, account) in &mut diff.accounts {
        account.before = account.after;
        if address.0[19].is_multiple_of(2) {
            account.after = None;
        }
        account.storage.values_mut().for_each(|(before, after)| {
            (*before, *after) = (*after, if after.bit(0) { U256::ZERO } else { U256::MAX });
        });
    }
    let second = roots::apply(&first, &Nowhere, &diff).unwrap().tree;
    assert_ne!(first.root(), second.root());
    assert_eq!(export(&first, &Nowhere), nodes);
    let odd = keccak256(Address::with_last_byte(9));
    assert_eq!(second.peek(keccak256(Address::with_last_byte(8))), Some(None));
    assert_eq!(second.peek_storage(odd, keccak256(U256::from(1).to_be_bytes::<32>())), Some(U256::MAX));
    assert_eq!(first.peek_storage(odd, keccak256(U256::from(1).to_be_bytes::<32>())), Some(U256::from(2)));
}

#[test]
fn a_wiped_account_keeps_nothing_of_its_storage_and_its_slots_are_named() {
    let account = |nonce| Some(StateAccount { nonce, ..Default::default() });
    let of = |before, after, wiped, storage: &[(u64, (u64, u64))]| {
        let slots = storage.iter().map(|(slot, (from, to))| (U256::from(*slot), (U256::from(*from), U256::from(*to))));
        let entry = AccountDiff { before, after, wiped, storage: slots.collect() };
        StateDiff { accounts: [(Address::ZERO, entry)].into(), ..Default::default() }
    };
    let empty = StateTree::new(EMPTY_ROOT_HASH);
    let apply = |tree: &StateTree, diff: StateDiff| roots::apply(tree, &Nowhere, &diff).unwrap();
    let two: Vec<_> = (1..40).map(|slot| (slot, (0, slot + 6))).collect();
    let full = apply(&empty, of(None, account(1), false, &two)).tree;
    let owner = keccak256(Address::ZERO);
    let said = |applied: &Applied, slot: u64| {
        let key = (owner, keccak256(U256::from(slot).to_be_bytes::<32>()));
        applied.changes.slots.get(&key).map(|change| (change.before.to::<u64>(), change.after.to::<u64>()))
    };

    let emptied = apply(&full, of(account(1), account(1), true, &[]));
    assert_eq!(emptied.tree.root(), apply(&empty, of(None, account(1), false, &[])).tree.root());
    assert_eq!((emptied.changes.slots.len(), said(&emptied, 2)), (39, Some((8, 0))));
    let places = export(&full, &Nowhere).keys().filter(|place| place.owner.is_some()).count();
    assert_eq!(emptied.changes.nodes.iter().filter(|change| change.place.owner.is_some()).count(), places);

    let remade = apply(&full, of(account(1), account(2), true, &[(1, (0, 7)), (2, (0, 1)), (99, (0, 9))]));
    let fresh = apply(&empty, of(None, account(2), false, &[(1, (0, 7)), (2, (0, 1)), (99, (0, 9))]));
    assert_eq!(remade.tree.root(), fresh.tree.root());
    assert_eq!(export(&remade.tree, &Nowhere), export(&fresh.tree, &Nowhere));
    assert_eq!([1, 2, 99, 3].map(|slot| said(&remade, slot)), [None, Some((8, 1)), Some((0, 9)), Some((9, 0))]);

    let gone = apply(&full, of(account(1), None, true, &[]));
    assert_eq!((gone.tree.root(), gone.changes.slots.len()), (EMPTY_ROOT_HASH, 39));
}
