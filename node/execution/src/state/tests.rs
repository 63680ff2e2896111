use super::*;
use crate::world::*;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Rest;

impl CodeSource for Rest {
    fn code_bytes(&self, hash: B256) -> Result<Bytes, StateError> {
        Err(StateError::missing_code(hash))
    }
}

impl BlockHashes for Rest {
    fn hash_of(&self, number: u64) -> Result<B256, StateError> {
        Err(StateError::Missing(Lookup::BlockHash(number)))
    }
    fn header_of(&self, number: u64) -> Result<Bytes, StateError> {
        Err(StateError::Missing(Lookup::BlockHash(number)))
    }
}

#[test]
fn a_state_read_through_its_trie_equals_the_flat_one_and_fetches_each_node_once() {
    let mut rng = rng(3);
    let mut world = random_world(&mut rng);
    for _ in 0..4 {
        let txs = random_txs(&mut rng, &world, 6);
        let executed = world.build(&txs);
        world.append(&executed);
    }
    let state = TrieState::new(StateTree::new(world.root()), &world, Rest);
    for index in 0..6 {
        let address = peer(index);
        assert_eq!(state.account(address).unwrap(), world.account(address).unwrap());
        for slot in 0..10 {
            let slot = U256::from(slot);
            assert_eq!(state.storage(address, slot).unwrap(), world.storage(address, slot).unwrap());
        }
    }
    assert_eq!(state.account(Address::repeat_byte(0x77)).unwrap(), None);
    assert_eq!(state.storage(Address::repeat_byte(0x77), U256::ZERO).unwrap(), U256::ZERO);
    assert!(matches!(state.code(B256::ZERO), Err(StateError::Missing(Lookup::Code(_)))));

    let counting = Counting(&world, AtomicUsize::new(0));
    let state = TrieState::new(StateTree::new(world.root()), &counting, Rest);
    state.account(peer(0)).unwrap();
    let once = counting.1.load(Ordering::Relaxed);
    state.account(peer(0)).unwrap();
    assert!(once > 0 && counting.1.load(Ordering::Relaxed) == once);
}

struct Counting<'a>(&'a World, AtomicUsize);

impl NodeSource for Counting<'_> {
    fn node(&self, place: &Place, hash: B256) -> Result<Bytes, StateError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.node(place, hash)
    }
}

#[test]
fn an_account_is_empty_without_nonce_balance_and_code() {
    assert!(Account::default().is_empty() && !Account::default().has_code());
    assert!(!Account { nonce: 1, ..Account::default() }.is_empty());
    assert!(Account { code_hash: B256::ZERO, ..Account::default() }.has_code());
}
