use super::*;
use tar::{Builder, EntryType, Header};

fn header(name: &str, kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    // `set_path` refuses what a hostile archive would hold.
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, data) in entries {
        let mut header = header(name, *kind, data.len() as u64);
        if kind.is_symlink() {
            header.set_link_name("/etc/passwd").unwrap();
            header.set_cksum();
        }
        builder.append(&header, *data).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Unpacks `tar`, compressed, and hands over the result with the cache.
fn unpacked(tar: &[u8]) -> (tempfile::TempDir, io::Result<PathBuf>) {
    let dir = tempfile::tempdir().unwrap();
    let pack = dir.path().join("a.tar.zst");
    fs::write(&pack, zstd::encode_all(tar, 1).unwrap()).unwrap();
    let folder = unpack(&pack, &dir.path().join("cache"));
    (dir, folder)
}

#[test]
fn a_pack_is_unpacked_once_and_again_when_it_changes() {
    let (dir, folder) =
        unpacked(&archive(&[("x/", EntryType::Directory, b""), ("x/a.json", EntryType::Regular, b"{}")]));
    let folder = folder.unwrap();
    assert_eq!(fs::read(folder.join("x/a.json")).unwrap(), b"{}");
    let pack = dir.path().join("a.tar.zst");
    fs::remove_file(folder.join("x/a.json")).unwrap();
    assert_eq!(unpack(&pack, &dir.path().join("cache")).unwrap(), folder);
    assert!(!folder.join("x/a.json").exists(), "it was not unpacked again");
    let other = archive(&[("x/a.json", EntryType::Regular, b"{\"longer\": 1}")]);
    fs::write(&pack, zstd::encode_all(&other[..], 19).unwrap()).unwrap();
    let again = unpack(&pack, &dir.path().join("cache")).unwrap();
    assert_ne!(again, folder);
    assert!(again.join("x/a.json").exists());
}

#[test]
fn what_would_leave_the_folder_or_link_is_refused_and_leaves_nothing() {
    let hostile: [(&str, EntryType); 4] = [
        ("../a.json", EntryType::Regular),
        ("/tmp/basalt-absolute.json", EntryType::Regular),
        ("x/../../a.json", EntryType::Regular),
        ("link", EntryType::Symlink),
    ];
    for (name, kind) in hostile {
        let (dir, result) = unpacked(&archive(&[("ok.json", EntryType::Regular, b"{}"), (name, kind, b"")]));
        assert!(result.is_err(), "{name}");
        assert!(!dir.path().join("a.json").exists());
        assert_eq!(fs::read_dir(dir.path().join("cache")).unwrap().count(), 0, "{name}");
    }
    assert!(!Path::new("/tmp/basalt-absolute.json").exists());
}

#[test]
fn a_truncated_pack_is_refused_and_leaves_nothing() {
    let data: Vec<u8> = (0..100_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let whole = zstd::encode_all(&archive(&[("a.json", EntryType::Regular, &data)])[..], 1).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
        let pack = dir.path().join("a.tar.zst");
        fs::write(&pack, &whole[..cut]).unwrap();
        let result = unpack(&pack, &dir.path().join("cache"));
        assert!(result.is_err(), "cut at {cut}: {result:?}");
        assert_eq!(fs::read_dir(dir.path().join("cache")).unwrap().count(), 0);
    }
}
