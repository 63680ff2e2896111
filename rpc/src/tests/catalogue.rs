//! The list of methods is the truth.

use std::{collections::BTreeSet, fs, path::Path};

use super::world::World;
use crate::{
    Limits, api,
    catalogue::{METHODS, Namespace, markdown},
};

#[test]
fn the_catalogue_is_what_is_registered() {
    let world = World::rollup();
    let registered = api::methods(&world.backend(Limits::default()), Namespace::ALL).unwrap();
    let registered: BTreeSet<_> = registered.method_names().filter(|name| *name != "rpc_modules").collect();
    let listed: BTreeSet<_> = METHODS.iter().map(|method| method.name).collect();
    assert_eq!(registered, listed);
    assert_eq!(METHODS.len(), listed.len(), "a method is listed twice");
}

#[test]
fn an_l1_has_no_rollup_methods() {
    let world = World::l1();
    let registered = api::methods(&world.backend(Limits::default()), Namespace::ALL).unwrap();
    assert!(!registered.method_names().any(|name| name.starts_with("rollup_")));
}

#[test]
fn methods_md_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("METHODS.md");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, markdown()).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, markdown(), "run this test with BLESS=1");
}
