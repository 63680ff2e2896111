use super::*;
use std::path::PathBuf;

/// Kinds and names of the cases in a file, or why there are none.
fn recognise(path: &str, content: &[u8]) -> Result<Vec<(Kind, String)>, Unopened> {
    let mut found = Vec::new();
    each(&PathBuf::from(path), content, &mut |case| found.push((case.kind, case.name))).map(|()| found)
}

#[test]
fn a_file_is_known_by_its_content_whatever_its_folder() {
    let check = |content: &str, kind: Kind, names: &[&str]| {
        let found = recognise("/any/where/file.json", content.as_bytes()).unwrap();
        let names: Vec<(Kind, String)> = names.iter().map(|name| (kind, (*name).to_owned())).collect();
        assert_eq!(found, names, "{content}");
    };
    check(r#"{"t": {"blocks": [], "network": "Osaka"}}"#, Kind::Blockchain, &["t"]);
    check(r#"{"t": {"engineNewPayloads": []}}"#, Kind::Engine, &["t"]);
    check(
        r#"{"t": {"txbytes": "0x", "result": {"Osaka": {}, "Berlin": {}}}}"#,
        Kind::Transaction,
        &["t Berlin", "t Osaka"],
    );
    check(
        r#"{"func": "sha256", "fork": "Osaka", "data": [{"Input": "", "Expected": "", "Name": "x"},]}"#,
        Kind::Precompile,
        &["0 x"],
    );
    let geth = recognise("/x/fail-blsG1Add.json", br#"[{"Input": "", "ExpectedError": "e", "Name": "n"}]"#).unwrap();
    assert_eq!(geth, [(Kind::Precompile, "0 n".to_owned())]);
    let kzg = recognise("/x/data.yaml", b"input: {blob: '0x00'}\noutput: null").unwrap();
    assert_eq!(kzg, [(Kind::Kzg, "blob_to_kzg_commitment".to_owned())]);
    let kzg = recognise("/compute_cells/kzg-mainnet/c/data.yaml", b"input: {blob: '0x00'}\noutput: null").unwrap();
    assert_eq!(kzg, [(Kind::Kzg, "compute_cells".to_owned())]);
    assert_eq!(recognise("/x/any.bin", &[0xc4, 0xc0, 0xc0, 0xc0, 0xc0]).unwrap()[0].0, Kind::Chain);
}

#[test]
fn what_is_no_case_is_counted_by_class_and_what_is_broken_is_a_failure() {
    let class = |path: &str, content: &[u8]| match recognise(path, content) {
        Err(Unopened::Class(class)) => class,
        other => panic!("{path}: {other:?}"),
    };
    assert_eq!(class("/x/README.md", b"# hello"), "docs");
    assert_eq!(class("/x/fixtures.ini", b"[x]"), "meta");
    assert_eq!(class("/x/case.io", b">> {}"), "JSON-RPC exchanges");
    assert_eq!(class("/x/openrpc.json", br#"{"openrpc": "1.2.4"}"#), "docs");
    assert_eq!(class("/x/other.json", br#"{"a": 1}"#), "unknown JSON");
    assert_eq!(class("/x/meta.yaml", b"root: '0x00'"), "part of another case");
    assert_eq!(class("/x/empty.json", b"  "), "empty");
    for broken in [&b"{\"a\": "[..], b"{\"a\": 1}}", b"[1, 2", b"nonsense", b"{\"\xff\": 1}"] {
        assert!(matches!(recognise("/x/a.json", broken), Err(Unopened::Broken(_))), "{broken:?}");
    }
    let deep = format!("{{\"t\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(recognise("/x/a.json", deep.as_bytes()).is_err(), "nesting has a limit");
}

#[test]
fn a_test_that_does_not_parse_is_one_failed_case() {
    let run = |content: &str| {
        let mut results = Vec::new();
        each(&PathBuf::from("/x/a.json"), content.as_bytes(), &mut |case| results.push(case.run())).unwrap();
        results
    };
    for content in [
        r#"{"t": {"blocks": 3}}"#,
        r#"{"t": {"post": {}, "transaction": 1}}"#,
        r#"{"t": {"txbytes": 1, "result": 2}}"#,
        r#"{"t": {"engineNewPayloads": {}}}"#,
        r#"{"t": {"txbytes": "0xzz", "result": {"Nowhere": {}}}}"#,
    ] {
        let results = run(content);
        assert_eq!(results.len(), 1, "{content}");
        assert!(results[0].is_err(), "{content}");
    }
}
