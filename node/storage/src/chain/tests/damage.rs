//! Rows that are torn, missing or another state's are found and named, and nothing is made of them.

use super::*;
use crate::{Durability, codec::Key, kv::Batch, schema::Table};

/// A chain of blocks of which all states are kept.
fn damaged(damage: impl FnOnce(&Chain, &[Executed], &mut Batch)) -> Chain {
    let memory = Memory::new();
    let chain = Chain::on(Arc::new(memory.clone()), spec(), Limits::default()).unwrap();
    let blocks = grow(&chain, &mut Model::genesis(&spec()), &mut rng(3), 6);
    chain.check().unwrap();
    let mut batch = Batch::new();
    damage(&chain, &blocks, &mut batch);
    chain.store().write(batch, Durability::Synced).unwrap();
    // What is in memory would hide it.
    Chain::on(Arc::new(memory), spec(), Limits::default()).unwrap()
}

#[track_caller]
fn assert_names<T: Table>(error: StorageError, key: &T::Key) {
    let StorageError::Corrupt { table, key: found, .. } = &error else { panic!("{error}") };
    assert_eq!((*table, &found[..]), (T::ID.name(), &key.encode()[..]), "{error}");
}

/// An account at the head with storage, its address hashed.
fn contract(chain: &Chain) -> (B256, TrieAccount) {
    let (state, rows) = (chain.state_at_head(), chain.store());
    let hashed = (0..ADDRESSES).map(|n| keccak256(address(n)));
    let found = hashed.filter_map(|key| rows.read::<schema::Accounts>(&key).unwrap().map(|account| (key, account)));
    let with_storage = found.into_iter().find(|(_, account)| account.storage_root != alloy_trie::EMPTY_ROOT_HASH);
    assert_eq!(state.root(), chain.head().state_root);
    with_storage.unwrap()
}

#[test]
fn an_account_of_another_state_is_found_by_its_root() {
    let chain = damaged(|chain, _, batch| {
        let (key, account) = contract(chain);
        batch.put::<schema::Accounts>(&key, &TrieAccount { nonce: 999, ..account });
    });
    let head = chain.head().hash();
    assert_names::<schema::Headers>(chain.check().unwrap_err(), &head);
}

#[test]
fn a_slot_that_is_missing_names_its_account() {
    let mut owner = B256::ZERO;
    let chain = damaged(|chain, _, batch| {
        owner = contract(chain).0;
        let (slot, _) = chain.store().seek(TableId::Slots, owner.as_slice(), 32).unwrap().unwrap();
        batch.delete_raw(TableId::Slots, &slot);
    });
    assert_names::<schema::Accounts>(chain.check().unwrap_err(), &owner);
}

#[test]
fn a_slot_that_belongs_to_nobody_is_found() {
    let chain =
        damaged(|_, _, batch| batch.put::<schema::Slots>(&(B256::repeat_byte(0xff), B256::ZERO), &U256::from(1)));
    assert!(matches!(chain.check(), Err(StorageError::Corrupt { table: "slots", .. })));
}

#[test]
fn a_node_that_is_not_what_its_parent_names_stops_readers_and_the_check() {
    let chain = damaged(|chain, _, batch| {
        let mut rlp = chain.store().read::<schema::Nodes>(&history::ROOT).unwrap().unwrap().to_vec();
        *rlp.last_mut().unwrap() ^= 1;
        rlp[40] ^= 1;
        batch.put::<schema::Nodes>(&history::ROOT, &rlp.into());
    });
    assert_names::<schema::Nodes>(chain.check().unwrap_err(), &history::ROOT);
    let state = chain.state_at_head();
    let error = account_proof(state.tree(), &state, address(0), &[]).unwrap_err();
    assert_names::<schema::Nodes>(error.into(), &history::ROOT);
}

#[test]
fn a_node_that_is_missing_is_named() {
    let chain = damaged(|_, _, batch| batch.delete::<schema::Nodes>(&history::ROOT));
    assert_names::<schema::Nodes>(chain.check().unwrap_err(), &history::ROOT);
}

#[test]
fn a_row_of_history_that_is_missing_stops_an_unwind_where_it_stands() {
    let mut touched = None;
    let chain = damaged(|_, blocks, batch| {
        let key = (*blocks[4].changes.accounts.keys().next().unwrap(), 5);
        batch.delete::<schema::AccountHistory>(&key);
        touched = Some(key);
    });
    let touched = touched.unwrap();
    assert_names::<schema::AccountHistory>(chain.check().unwrap_err(), &touched);
    assert_names::<schema::AccountHistory>(chain.unwind(1).unwrap_err(), &touched);
    assert_eq!(chain.head().number, 5);
}

#[test]
fn an_unwind_never_makes_a_state_with_another_root() {
    let chain = damaged(|chain, _, batch| {
        let key = (history::ROOT, 4);
        let other = chain.store().read::<schema::NodeHistory>(&(history::ROOT, 3)).unwrap().unwrap();
        assert_ne!(chain.store().read::<schema::NodeHistory>(&key).unwrap().unwrap(), other);
        batch.put::<schema::NodeHistory>(&key, &other);
    });
    assert_names::<schema::NodeHistory>(chain.unwind(0).unwrap_err(), &(history::ROOT, 4));
    assert_eq!(chain.head().number, 4);
    let state = chain.state_at(3).unwrap();
    assert!(state.tree().account(&state, B256::ZERO).is_err());
}

#[test]
fn torn_rows_are_corrupt_with_table_and_key() {
    let mut key = B256::ZERO;
    let chain = damaged(|chain, _, batch| {
        key = contract(chain).0;
        let whole = chain.store().get(TableId::Accounts, key.as_slice()).unwrap().unwrap();
        batch.put_raw(TableId::Accounts, key, whole.slice(..whole.len() - 3));
    });
    assert_names::<schema::Accounts>(chain.check().unwrap_err(), &key);
    let address = (0..ADDRESSES).map(address).find(|address| keccak256(address) == key).unwrap();
    assert_names::<schema::Accounts>(chain.state_at_head().account(address).unwrap_err().into(), &key);

    let chain = damaged(|chain, _, batch| {
        let undo = chain.store().get(TableId::Undo, &3u64.to_be_bytes()).unwrap().unwrap();
        batch.put_raw(TableId::Undo, 3u64.to_be_bytes(), undo.slice(..undo.len() - 1));
    });
    assert_names::<schema::Undo>(chain.check().unwrap_err(), &3);
    assert_names::<schema::Undo>(chain.unwind(0).unwrap_err(), &3);
}
