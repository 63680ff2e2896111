use super::*;

#[test]
fn files_are_found_in_any_nesting_and_links_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (root, cache) = (dir.path().join("root"), dir.path().join("cache"));
    fs::create_dir_all(root.join("a/b/c")).unwrap();
    fs::write(root.join("a/b/c/one.json"), "{}").unwrap();
    fs::write(root.join("two.yaml"), "x: 1").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("/", root.join("everything")).unwrap();
    let found = find(&root, &cache).unwrap();
    let names: Vec<&str> = found.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["a/b/c/one.json", "two.yaml"]);
    assert_eq!(found.links, usize::from(cfg!(unix)));
    assert!(found.broken.is_empty());
    assert_eq!(find(&root.join("two.yaml"), &cache).unwrap().files.len(), 1, "a single file will do");
}

#[test]
fn a_broken_pack_is_named_and_the_rest_is_still_found() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("bad.tar.zst"), b"not zstd").unwrap();
    fs::write(dir.path().join("good.json"), "{}").unwrap();
    let found = find(dir.path(), &dir.path().join("cache")).unwrap();
    assert!(matches!(&found.broken[..], [(name, _)] if name == "bad.tar.zst"));
    assert!(found.files.iter().any(|file| file.name == "good.json"));
    assert!(find(&dir.path().join("absent"), dir.path()).is_err());
}
