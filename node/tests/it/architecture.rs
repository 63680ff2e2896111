//! The crate borders of ARCHITECTURE.md, checked against what Cargo says.

use serde_json::Value;
use std::{collections::BTreeMap, path::Path, process::Command};

/// Which of our crates may use which. What is reachable downwards may be used directly.
const EDGES: &[(&str, &[&str])] = &[
    ("chainspec", &[]),
    ("bridge", &["chainspec"]),
    ("bridge-client", &["bridge", "chainspec"]),
    ("execution", &["bridge", "chainspec"]),
    ("sequencer", &["execution", "bridge", "chainspec"]),
    ("engine", &["sequencer", "execution", "bridge", "chainspec"]),
    ("storage", &["execution", "bridge", "chainspec"]),
    ("l1", &["engine", "sequencer", "bridge", "chainspec"]),
    ("rpc", &["storage", "sequencer", "execution", "bridge", "chainspec"]),
    ("devnet", &["rpc", "storage", "sequencer", "execution", "bridge", "chainspec"]),
    ("bench", &["storage", "execution", "bridge", "chainspec"]),
    ("conformance", &["devnet", "vectors", "rpc"]),
    ("vectors", &["storage", "execution", "bridge", "chainspec"]),
    ("differential", &["storage", "execution", "bridge", "chainspec"]),
    ("fuzz", &["execution", "bridge"]),
    ("sim", &["node", "rpc", "engine", "storage", "l1", "sequencer", "execution", "bridge", "chainspec"]),
    ("node", &["devnet", "rpc", "engine", "storage", "l1", "sequencer", "execution", "bridge", "chainspec"]),
];

/// Crates without runtime, clock, randomness, files or sockets.
const PURE: &[&str] = &["chainspec", "bridge", "execution", "sequencer", "engine"];

/// What a pure crate may not use outside its tests.
const IMPURE: &[&str] = &[
    "tokio",
    "futures",
    "reqwest",
    "jsonrpsee",
    "axum",
    "rocksdb",
    "rand",
    "tracing-subscriber",
    "alloy-provider",
    "tempfile",
    "parking_lot",
    "libp2p",
];

fn workspace() -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("node is in the workspace root");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Normal dependencies by crate, our own prefix removed.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let short = |name: &str| name.strip_prefix("basalt-").unwrap_or(name).to_owned();
    let metadata = workspace();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let normal = package["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"].is_null());
            let names = normal.map(|dependency| short(dependency["name"].as_str().unwrap())).collect();
            (short(package["name"].as_str().unwrap()), names)
        })
        .collect()
}

#[test]
fn crates_depend_on_each_other_only_along_the_drawn_edges() {
    let allowed: BTreeMap<_, _> = EDGES.iter().copied().collect();
    let found = dependencies();
    assert_eq!(
        found.keys().map(String::as_str).collect::<Vec<_>>(),
        allowed.keys().copied().collect::<Vec<_>>(),
        "a crate was added or removed: draw its edges here and in ARCHITECTURE.md"
    );
    for (name, dependencies) in &found {
        let ours = dependencies.iter().filter(|dependency| allowed.contains_key(dependency.as_str()));
        for dependency in ours {
            assert!(allowed[name.as_str()].contains(&dependency.as_str()), "{name} must not use {dependency}");
        }
    }
}

#[test]
fn pure_crates_use_no_runtime_clock_randomness_file_or_socket() {
    let found = dependencies();
    for name in PURE {
        for dependency in &found[*name] {
            assert!(!IMPURE.contains(&dependency.as_str()), "{name} is pure and must not use {dependency}");
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folders = ["chainspec/src", "bridge/src", "node/execution/src", "sequencer/src", "node/engine/src"];
    let words = ["std::fs", "std::net", "SystemTime", "Instant::now", "thread::spawn", "thread_rng", "rand::rng("];
    for folder in folders {
        // Modules that exist in tests only may read files.
        let mut tests = Vec::new();
        visit(&root.join(folder), &mut |_, text| {
            for after in text.split("#[cfg(test)]").skip(1) {
                tests.extend(
                    after.trim_start().strip_prefix("mod ").and_then(|rest| rest.split(';').next()).map(str::to_owned),
                );
            }
        });
        visit(&root.join(folder), &mut |path, text| {
            if path.file_stem().is_some_and(|stem| tests.iter().any(|test| stem == test.as_str())) {
                return;
            }
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for word in words {
                assert!(!code.contains(word), "{} is in a pure crate and uses {word}", path.display());
            }
        });
    }
}

#[test]
fn the_architecture_page_names_every_crate_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    for package in workspace()["packages"].as_array().unwrap() {
        let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap();
        let folder = folder.strip_prefix(root).unwrap().display().to_string();
        assert!(page.contains(&format!("`{folder}/`")), "ARCHITECTURE.md does not name `{folder}/`");
    }
}

fn visit(folder: &Path, check: &mut dyn FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, check);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
        {
            check(&path, &std::fs::read_to_string(&path).unwrap());
        }
    }
}
