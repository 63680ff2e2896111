use super::*;
use std::{collections::BTreeSet, fs, path::Path};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_target_survives_its_kept_corpus() {
    for (name, target) in TARGETS {
        let folder = root().join("corpus").join(name);
        let seeds = names(&folder);
        assert!(!seeds.is_empty(), "{name}");
        for seed in seeds {
            let bytes = fs::read(folder.join(&seed)).unwrap();
            assert!(bytes.len() < 20_000, "{name}/{seed} is too large to keep");
            target(&bytes);
        }
    }
}

#[test]
fn every_target_has_a_corpus_and_a_libfuzzer_program_and_nothing_else_does() {
    let expected: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&root().join("corpus")), expected);
    let programs = names(&root().join("libfuzzer/targets"));
    assert_eq!(programs, expected.iter().map(|name| format!("{name}.rs")).collect());
    let manifest = fs::read_to_string(root().join("libfuzzer/Cargo.toml")).unwrap();
    for name in expected {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} in libfuzzer/Cargo.toml");
    }
}

#[test]
fn the_sample_is_valid_and_edits_reach_beyond_decoding() {
    let sample = fs::read(root().join("corpus/input/sample")).unwrap();
    stateless::validate(&sample).unwrap();
    second::check(&sample).unwrap();
    witness(&[]);
    for what in 0..16 {
        for which in [0, 1, 2, 200] {
            witness(&[what, which, 0, 9, 3]);
            witness(&[what, which, 0, 9, 3, 0, which, 0, 40, 1]);
        }
    }
}

#[test]
fn short_and_senseless_bytes_are_survived() {
    for (_, target) in TARGETS {
        for len in 0..40 {
            for byte in [0, 1, 2, 3, 0x80, 0xb8, 0xc0, 0xf8, 0xff] {
                target(&vec![byte; len]);
            }
        }
    }
}
