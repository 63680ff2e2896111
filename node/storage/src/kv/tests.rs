//! One contract, two stores: both must behave as a sorted map does.

use std::{collections::BTreeMap, sync::Arc};

use proptest::{collection, prelude::*};

use super::*;
use crate::{Limits, Memory, Rocks};

/// Two tables of different shapes, and neighbours of each other in memory.
const TABLES: [TableId; 2] = [TableId::Pool, TableId::Journal];

type Model = BTreeMap<(TableId, Vec<u8>), Vec<u8>>;

fn key() -> impl Strategy<Value = Vec<u8>> {
    // Few bytes, so that keys meet again, and the extremes.
    collection::vec(prop_oneof![Just(0u8), Just(1), Just(0x7f), Just(0xff)], 0..4)
}

/// What a key is set to.
type Step = (TableId, Vec<u8>, Option<Vec<u8>>);

fn batches() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let value = proptest::option::weighted(0.7, collection::vec(any::<u8>(), 0..20));
    let change = (prop::sample::select(&TABLES[..]), key(), value);
    collection::vec(collection::vec(change, 0..8), 1..12)
}

fn scanned(
    store: &dyn Rows,
    table: TableId,
    start: &[u8],
    end: Option<&[u8]>,
    direction: Direction,
    limit: usize,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    store
        .scan(table, start, end, direction, &mut |key, value| {
            found.push((key.to_vec(), value.to_vec()));
            if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .unwrap();
    found
}

fn check(store: &dyn Kv, batches: Vec<Vec<Step>>, start: &[u8], end: Option<&[u8]>) -> Result<(), TestCaseError> {
    let mut model = Model::new();
    let mut snapshots = Vec::new();
    for changes in batches {
        snapshots.push((store.snapshot(), contents(store)));
        let mut batch = Batch::new();
        for (table, key, value) in changes {
            match value {
                Some(value) => {
                    batch.put_raw(table, &key, &value);
                    model.insert((table, key), value);
                }
                None => {
                    model.remove(&(table, key.clone()));
                    batch.delete_raw(table, key);
                }
            }
        }
        store.write(batch, Durability::Buffered).unwrap();
    }
    for (snapshot, then) in snapshots {
        prop_assert_eq!(contents(&*snapshot), then);
    }
    for table in TABLES {
        let of_table = || model.iter().filter(|((of, _), _)| *of == table);
        for ((_, key), value) in of_table() {
            let found = store.get(table, key).unwrap();
            prop_assert_eq!(found.as_ref().map(|found| &found[..]), Some(&value[..]));
        }
        prop_assert!(store.get(table, b"no such key").unwrap().is_none());
        let inside = |key: &[u8]| key >= start && end.is_none_or(|end| key < end);
        let expected: Vec<(Vec<u8>, Vec<u8>)> = of_table()
            .filter(|((_, key), _)| inside(key))
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect();
        let reversed: Vec<_> = expected.iter().rev().cloned().collect();
        prop_assert_eq!(&scanned(store, table, start, end, Direction::Forward, usize::MAX), &expected);
        prop_assert_eq!(&scanned(store, table, start, end, Direction::Backward, usize::MAX), &reversed);
        let first: Vec<_> = expected.first().cloned().into_iter().collect();
        prop_assert_eq!(scanned(store, table, start, end, Direction::Forward, 1), first);
        for shared in 0..=start.len() {
            let found = store.seek(table, start, shared).unwrap().map(|(key, value)| (key.to_vec(), value.to_vec()));
            let expected = of_table().map(|((_, key), value)| (key, value)).find(|(key, _)| &key[..] >= start);
            let expected = expected.filter(|(key, _)| key.starts_with(&start[..shared]));
            prop_assert_eq!(found, expected.map(|(key, value)| (key.clone(), value.clone())));
        }
        let last: Vec<_> = reversed.first().cloned().into_iter().collect();
        prop_assert_eq!(scanned(store, table, start, end, Direction::Backward, 1), last);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn memory_is_a_sorted_map(batches in batches(), start in key(), end in proptest::option::of(key())) {
        check(&Memory::new(), batches, &start, end.as_deref())?;
    }

    #[test]
    fn a_crash_keeps_what_was_synced_and_a_prefix_of_the_rest(batches in batches(), sync in any::<u16>(), kept in 0usize..12) {
        let memory = Memory::new();
        let mut disks = vec![Vec::new()];
        let mut synced = 0;
        for (n, changes) in batches.into_iter().enumerate() {
            let mut batch = Batch::new();
            for (table, key, value) in changes {
                match value {
                    Some(value) => batch.put_raw(table, key, value),
                    None => batch.delete_raw(table, key),
                }
            }
            let durable = sync >> n & 1 == 1;
            memory.write(batch, if durable { Durability::Synced } else { Durability::Buffered }).unwrap();
            disks.push(contents(&memory));
            if durable {
                synced = n + 1;
            }
        }
        prop_assert_eq!(memory.unsynced(), disks.len() - 1 - synced);
        prop_assert_eq!(contents(&memory.crash()), disks[synced].clone());
        let kept_at = (synced + kept).min(disks.len() - 1);
        prop_assert_eq!(contents(&memory.crash_keeping(kept)), disks[kept_at].clone());
        prop_assert_eq!(contents(&memory), disks[disks.len() - 1].clone(), "the crashed store itself is untouched");
    }
}

fn contents(store: &dyn Rows) -> Vec<(Vec<u8>, Vec<u8>)> {
    TABLES.iter().flat_map(|table| scanned(store, *table, &[], None, Direction::Forward, usize::MAX)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn rocksdb_is_a_sorted_map(batches in batches(), start in key(), end in proptest::option::of(key())) {
        let folder = tempfile::tempdir().unwrap();
        check(&Rocks::open(folder.path(), Limits::default()).unwrap(), batches, &start, end.as_deref())?;
    }
}

#[test]
fn versions_are_found_by_the_key_without_the_number() {
    let folder = tempfile::tempdir().unwrap();
    let stores: [Arc<dyn Kv>; 2] =
        [Arc::new(Memory::new()), Arc::new(Rocks::open(folder.path(), Limits::default()).unwrap())];
    for store in stores {
        // Keys of which none begins another, and numbers whose bytes look like them.
        let keys: [&[u8]; 5] = [b"\0", b"a\0", b"aa\0", b"b\0", b"c\0"];
        for (round, numbers) in [[3u64, 7], [256, 0x6100_0000_0000_0000]].into_iter().enumerate() {
            let mut batch = Batch::new();
            for key in &keys[..4] {
                for number in numbers {
                    let name = [key, &number.to_be_bytes()[..]].concat();
                    batch.put_raw(TableId::SlotHistory, name.clone(), name);
                }
            }
            store.write(batch, Durability::Buffered).unwrap();
            if round == 0 {
                store.settle().unwrap();
            }
        }
        for key in keys {
            let from = |number: u64| {
                let start = [key, &number.to_be_bytes()[..]].concat();
                store.seek(TableId::SlotHistory, &start, key.len()).unwrap()
            };
            let found = from(4);
            let expected = (key != b"c\0").then(|| [key, &7u64.to_be_bytes()[..]].concat());
            assert_eq!(found.map(|(_, value)| value.to_vec()), expected, "{key:?}");
            assert_eq!(from(u64::MAX), None, "{key:?}");
        }
        assert_eq!(scanned(&*store, TableId::SlotHistory, &[], None, Direction::Forward, usize::MAX).len(), 16);
    }
}

#[test]
fn a_snapshot_outlives_its_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = Rocks::open(folder.path(), Limits::default()).unwrap();
    let mut batch = Batch::new();
    batch.put_raw(TableId::Pool, vec![1], Bytes::from_static(b"one"));
    store.write(batch, Durability::Buffered).unwrap();
    let snapshot = store.snapshot();
    drop(store);
    assert!(matches!(Rocks::open(folder.path(), Limits::default()), Err(StorageError::Locked { .. })));
    assert_eq!(snapshot.get(TableId::Pool, &[1]).unwrap().unwrap(), Bytes::from_static(b"one"));
    drop(snapshot);
    Rocks::open(folder.path(), Limits::default()).unwrap();
}

#[test]
fn a_batch_is_seen_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let stores: [Arc<dyn Kv>; 2] =
        [Arc::new(Memory::new()), Arc::new(Rocks::open(folder.path(), Limits::default()).unwrap())];
    for store in stores {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 0..2_000u32 {
                    let mut batch = Batch::new();
                    for key in 0..8u8 {
                        batch.put_raw(TableId::Pool, [key], n.to_be_bytes());
                    }
                    store.write(batch, Durability::Buffered).unwrap();
                }
            });
            for _ in 0..2_000 {
                let pairs = scanned(&*store, TableId::Pool, &[], None, Direction::Forward, usize::MAX);
                assert!(pairs.is_empty() || pairs.len() == 8);
                assert!(pairs.windows(2).all(|two| two[0].1 == two[1].1), "{pairs:?}");
            }
        });
    }
}
