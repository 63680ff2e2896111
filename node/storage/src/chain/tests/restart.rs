//! Opening again, and refusing to.

use std::{fs, path::Path, thread, time::Duration};

use super::*;
use crate::{
    Durability,
    kv::Batch,
    schema::{IdentityRecord, SCHEMA_VERSION},
};

fn open(path: &Path) -> Result<Chain, StorageError> {
    Chain::open(path, spec(), Limits::default())
}

#[test]
fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = Model::genesis(&spec());
    let chain = open(folder.path()).unwrap();
    let blocks = grow(&chain, &mut model, &mut rng(2), 12);
    let heads = (blocks[6].block.num_hash(), blocks[3].block.num_hash());
    chain.put_heads(heads.0, heads.1).unwrap();
    drop(chain);
    let chain = open(folder.path()).unwrap();
    assert_eq!(chain.head().num_hash(), blocks[11].block.num_hash());
    assert_eq!((chain.heads().landed, chain.heads().finalised), heads);
    model.assert_is(&*chain.state_at_head());
    assert_eq!(chain.check().unwrap().blocks, 13);
}

#[test]
fn a_database_in_use_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let _chain = open(folder.path()).unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(&error, StorageError::Locked { path } if path == folder.path()), "{error}");
    assert!(error.to_string().contains("--datadir"));
}

#[test]
fn closing_waits_for_the_last_reader() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path()).unwrap();
    let (other, state) = (chain.clone(), chain.state_at_head());
    assert!(!chain.close(Duration::ZERO));
    assert!(!other.close(Duration::ZERO), "a state is still read");
    drop(state);

    let chain = open(folder.path()).unwrap();
    let (other, state) = (chain.clone(), chain.state_at_head());
    let reader = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        drop(other);
        thread::sleep(Duration::from_millis(20));
        drop(state);
    });
    assert!(chain.close(Duration::from_secs(60)));
    assert!(open(folder.path()).is_ok());
    reader.join().unwrap();
}

#[test]
fn a_folder_with_other_files_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("letter.txt"), "dear diary").unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(&error, StorageError::NotADatabase { found, .. } if found == "letter.txt"), "{error}");
    assert!(error.to_string().contains("--datadir"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_in_the_place_of_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "").unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(&error, StorageError::Folder { .. }), "{error}");
    assert!(error.to_string().contains("--datadir"));
}

#[test]
fn another_genesis_is_refused_and_both_are_named() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    let other = spec_with(7);
    let error = Chain::open(folder.path(), other.clone(), Limits::default()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, StorageError::OtherGenesis { .. }), "{text}");
    for part in [&spec().genesis_hash().to_string(), &other.genesis_hash().to_string(), "--datadir"] {
        assert!(text.contains(part), "{text}");
    }
    open(folder.path()).unwrap();
}

#[test]
fn other_schema_versions_are_refused() {
    for version in [SCHEMA_VERSION - 1, SCHEMA_VERSION + 1] {
        let folder = tempfile::tempdir().unwrap();
        let chain = open(folder.path()).unwrap();
        let mut batch = Batch::new();
        let identity = IdentityRecord { version, chain_id: 77, genesis: spec().genesis_hash() };
        batch.put::<schema::Identity>(&(), &identity);
        chain.store().write(batch, Durability::Synced).unwrap();
        drop(chain);
        let error = open(folder.path()).unwrap_err();
        match &error {
            StorageError::SchemaOlder { found, .. } => assert!(*found < SCHEMA_VERSION),
            StorageError::SchemaNewer { found, .. } => assert!(*found > SCHEMA_VERSION),
            other => panic!("{other}"),
        }
        assert!(error.to_string().contains("--datadir"));
    }
}

#[test]
fn a_creation_that_was_cut_short_is_taken_up_again() {
    // Some tables, no identity: what a kill in the middle of the first start leaves.
    let folder = tempfile::tempdir().unwrap();
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    drop(rocksdb::DB::open_cf(&options, folder.path(), ["identity", "headers"]).unwrap());
    open(folder.path()).unwrap().check().unwrap();

    // Some of genesis, no identity, and of another genesis at that.
    let folder = tempfile::tempdir().unwrap();
    drop(Chain::open(folder.path(), spec_with(7), Limits::default()).unwrap());
    let store = crate::Rocks::open(folder.path(), Limits::default()).unwrap();
    let mut batch = Batch::new();
    batch.delete::<schema::Identity>(&());
    batch.put::<schema::Accounts>(&B256::repeat_byte(9), &TrieAccount::default());
    crate::Kv::write(&store, batch, Durability::Synced).unwrap();
    drop(store);
    open(folder.path()).unwrap().check().unwrap();

    let folder = tempfile::tempdir().unwrap();
    for name in ["LOCK", "LOG", "MANIFEST-000001", "000002.dbtmp"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    open(folder.path()).unwrap().check().unwrap();
}

#[test]
fn a_foreign_rocksdb_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    drop(rocksdb::DB::open_cf(&options, folder.path(), ["cats"]).unwrap());
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(&error, StorageError::NotADatabase { found, .. } if found == "cats"), "{error}");
}

#[test]
fn damaged_files_are_an_error_that_names_the_flag() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path()).unwrap();
    grow(&chain, &mut Model::genesis(&spec()), &mut rng(4), 3);
    drop(chain);
    let manifest = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let manifest = manifest.into_iter().find(|path| path.to_string_lossy().contains("MANIFEST-")).unwrap();
    let mut bytes = fs::read(&manifest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&manifest, bytes).unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(&error, StorageError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("--datadir"));
}
