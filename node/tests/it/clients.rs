//! Real clients, as strangers use them: viem and cast against a devnet (`etc/clients`), and our extension of viem (`etc/viem-basalt`).

use crate::processes::running::{Running, finish};
use std::{fs, path::PathBuf, process::Command, time::Duration};

/// Longest run of one script at slots of a second.
const PATIENCE: Duration = Duration::from_secs(180);

fn folder(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "etc", name].iter().collect()
}

fn folder_of_clients() -> PathBuf {
    folder("clients")
}

/// Whether `npm ci` was run in that folder of `etc`. In CI it must have been.
fn is_installed(package: &str, name: &str) -> bool {
    let installed = folder(name).join("node_modules").join(package).exists();
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(installed || !in_ci, "no {package} in etc/{name}: run `npm ci` there");
    if !installed {
        eprintln!("skipped: no {package} in etc/{name}; run `npm ci` there");
    }
    installed
}

/// Runs `program` with the devnet's `.env`, as a shell that has sourced it would.
fn against_a_devnet(program: &str, arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("devnet");
    let running = Running::start(&data);
    let env = fs::read_to_string(data.join(".env")).unwrap();
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder_of_clients());
    command.envs(env.lines().map(|line| line.split_once('=').unwrap()));
    let finished = finish(command, PATIENCE);
    assert!(finished.status.success(), "{}\n{}", finished.stdout, finished.stderr);
    println!("{}", finished.stdout);
    running.interrupt();
}

#[test]
fn viem_reads_sends_watches_and_bridges_both_ways() {
    if is_installed("viem", "clients") {
        against_a_devnet("node", &["viem.mjs"]);
    }
}

#[test]
fn cast_reads_sends_and_bridges() {
    if is_installed("@foundry-rs/cast", "clients") {
        against_a_devnet("bash", &["cast.sh"]);
    }
}

/// It starts a devnet of its own.
#[test]
fn the_viem_extension_passes_its_own_tests() {
    if is_installed("vitest", "viem-basalt") {
        let mut command = Command::new("npm");
        command.args(["test"]).current_dir(folder("viem-basalt")).env("BASALT", env!("CARGO_BIN_EXE_basalt"));
        let finished = finish(command, PATIENCE);
        assert!(finished.status.success(), "{}\n{}", finished.stdout, finished.stderr);
        println!("{}", finished.stdout);
    }
}
