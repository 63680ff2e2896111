//! `basalt` as an operator meets it: refusals that name the flag, processes that end together, chains that go on, an L1
//! that misbehaves. Each test starts what it needs on free ports in a folder of its own.

mod deposits;
pub(crate) mod proxy;
pub(crate) mod running;

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{Address, B256, U256};
use alloy_provider::{Provider, transport::TransportError};
use clap::CommandFactory;
use running::{Clients, Finished, Running, basalt, finish, until};
use serde_json::json;
use std::{fs, net::TcpListener, path::Path, process::Command, time::Duration};

/// Longest time that a command takes to refuse.
const REFUSAL: Duration = Duration::from_secs(20);

/// Longest time of the main job at slots of two seconds.
const MAIN_JOB: Duration = Duration::from_secs(200);

/// Longest time of a few kills and reorgs at slots of a second.
const CHAOS: Duration = Duration::from_secs(240);

/// A port where nothing listens: bound by nobody, and below those that the system gives away.
const NOBODY: &str = "http://127.0.0.1:1";

fn refused(mut command: Command, words: &[&str]) -> Finished {
    command.env("RUST_LOG", "off");
    let text = format!("{command:?}");
    let finished = finish(command, REFUSAL);
    assert_eq!(finished.status.code(), Some(1), "{text}: {}", finished.stderr);
    for word in words {
        assert!(finished.stderr.contains(word), "no {word:?} in the answer to {text}: {}", finished.stderr);
    }
    assert_eq!(finished.stdout, "", "{text}");
    finished
}

fn devnet(folder: &Path, busy: Option<(&str, u16)>) -> Command {
    let mut command = basalt();
    command.arg("devnet").arg("--datadir").arg(folder);
    for flag in ["--l1.http-port", "--l1.beacon-port", "--http.port", "--follower.http.port"] {
        let port = busy.filter(|(named, _)| *named == flag).map_or(0, |(_, port)| port);
        command.arg(format!("{flag}={port}"));
    }
    command
}

fn node(chain: &Path, folder: &Path, l1: &str, beacon: &str) -> Command {
    let mut command = basalt();
    command.arg("node").arg("--chain").arg(chain).arg("--datadir").arg(folder);
    command.args(["--http.port=0", "--l1.rpc-url", l1, "--l1.beacon-url", beacon]);
    command
}

#[test]
fn the_main_job_passes_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = basalt();
    command.args(["devnet", "test", "--l1.slot-ms", "2000"]).env("TMPDIR", folder.path());
    let finished = finish(command, MAIN_JOB);
    assert!(finished.status.success(), "{}\n{}", finished.stdout, finished.stderr);
    assert!(finished.stdout.ends_with("devnet test passed\n"), "{}", finished.stdout);
    println!("{}", finished.stdout);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn contracts_on_two_rollups_of_one_process_call_and_answer_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = basalt();
    command.args(["devnet", "test", "--cross-rollup", "--round-trips=16"]);
    command.env("TMPDIR", folder.path());
    let finished = finish(command, MAIN_JOB);
    assert!(finished.status.success(), "{}\n{}", finished.stdout, finished.stderr);
    println!("{}\n{}", finished.stderr, finished.stdout);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn nodes_that_are_killed_and_an_l1_that_reorganises_lose_nothing_and_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = basalt();
    command.args(["chaos", "--seed=1", "--kills=6", "--reorgs=3", "--depth-max=12"]).env("TMPDIR", folder.path());
    let finished = finish(command, CHAOS);
    assert!(finished.status.success(), "{}\n{}", finished.stdout, finished.stderr);
    println!("{}", finished.stdout);
    for line in
        ["seed 1: 6 kills, 3 L1 reorgs", "6 kills in ", "3 L1 reorgs in ", "a fresh follower took ", "chaos passed in "]
    {
        assert!(finished.stdout.contains(line), "{line}: {}", finished.stdout);
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_busy_port_is_refused_with_its_flag_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("devnet");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for flag in ["--l1.http-port", "--l1.beacon-port", "--http.port", "--follower.http.port"] {
        refused(devnet(&data, Some((flag, port))), &[&format!(" {flag}"), &port.to_string()]);
        assert!(!data.exists(), "{flag}");
    }
    for flag in ["--l1.http-port", "--l1.beacon-port"] {
        let other = if flag == "--l1.http-port" { "--l1.beacon-port" } else { "--l1.http-port" };
        let mut command = basalt();
        command.arg("l1").arg("--datadir").arg(folder.path().join("l1"));
        command.arg(format!("{flag}={port}")).arg(format!("{other}=0"));
        refused(command, &[flag, &port.to_string()]);
    }
}

#[test]
fn a_folder_that_is_no_devnets_is_refused_and_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let thesis = folder.path().join("thesis.txt");
    fs::write(&thesis, "years of work").unwrap();
    for fresh in [false, true] {
        let mut command = devnet(folder.path(), None);
        if fresh {
            command.arg("--fresh");
        }
        refused(command, &["--datadir", "holds no devnet"]);
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["thesis.txt"]);
        assert_eq!(fs::read_to_string(&thesis).unwrap(), "years of work");
    }
}

#[test]
fn a_key_that_is_not_encrypted_is_refused_unless_it_is_called_insecure() {
    let folder = tempfile::tempdir().unwrap();
    let (chain, key) = (folder.path().join("chain.json"), folder.path().join("key"));
    let sequencer = |more: &[&str]| {
        let mut command = node(&chain, &folder.path().join("data"), NOBODY, NOBODY);
        command.arg("--sequencer").args(more);
        command
    };
    let key_file = format!("--sequencer.key-file={}", key.display());
    refused(sequencer(&[&key_file]), &["not encrypted", "--sequencer.keystore", "--sequencer.insecure-raw-key"]);
    // With it, what is missing next is asked for.
    refused(sequencer(&[&key_file, "--sequencer.insecure-raw-key"]), &["--chain"]);
}

#[test]
fn a_chain_file_that_is_missing_or_garbage_is_refused_with_its_flag() {
    let folder = tempfile::tempdir().unwrap();
    let (chain, data) = (folder.path().join("chain.json"), folder.path().join("data"));
    refused(node(&chain, &data, NOBODY, NOBODY), &["--chain", "chain.json"]);
    for garbage in ["", "{}", "not json", "{\"l1ChainId\": -1}"] {
        fs::write(&chain, garbage).unwrap();
        refused(node(&chain, &data, NOBODY, NOBODY), &["--chain"]);
    }
    assert!(!data.exists());
}

#[tokio::test]
async fn an_l1_that_is_away_or_another_chain_is_refused_with_its_flag() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&folder.path().join("devnet"));
    let (chain, l1) = (running.devnet.chain_file.clone(), running.devnet.l1.clone());
    let data = |name: &str| folder.path().join(name);
    refused(node(&chain, &data("away"), NOBODY, &l1.beacon_url), &["--l1.rpc-url"]);
    refused(node(&chain, &data("beacon"), &l1.rpc_url, NOBODY), &["--l1.beacon-url"]);
    // The rollup's own JSON-RPC is an honest endpoint of another chain.
    let other = running.devnet.sequencer.rpc_url.clone();
    refused(node(&chain, &data("other"), &other, &l1.beacon_url), &["--l1.rpc-url", "7900", "7901"]);
    // Of several endpoints one that is away does no harm, and one of another chain is found wherever it stands.
    let (urls, beacons) = (format!("{NOBODY},{},{other}", l1.rpc_url), format!("{NOBODY},{}", l1.beacon_url));
    refused(node(&chain, &data("several"), &urls, &beacons), &["--l1.rpc-url", "7900", "7901"]);
    // A devnet started anew has the same chain id and another rollup.
    let second = Running::start(&data("second"));
    let other = &second.devnet.l1;
    refused(node(&chain, &data("renewed"), &other.rpc_url, &other.beacon_url), &["--chain"]);
    second.interrupt();
    running.interrupt();
}

/// What must be the same after a restart.
#[derive(Debug, PartialEq)]
struct Facts {
    l1_hash: B256,
    l2_hash: B256,
    l2_head: u64,
    balance: U256,
}

async fn facts(clients: &Clients, l1_block: u64, l2_block: u64, account: Address) -> Facts {
    let hash = async |node: &alloy_provider::DynProvider, number: u64| {
        node.get_block_by_number(number.into()).await.unwrap().unwrap().header.hash
    };
    let l2_hash = hash(&clients.sequencer, l2_block).await;
    assert_eq!(hash(&clients.follower, l2_block).await, l2_hash);
    let balance = clients.sequencer.get_balance(account).await.unwrap();
    assert_eq!(clients.follower.get_balance(account).await.unwrap(), balance);
    Facts {
        l1_hash: hash(&clients.l1, l1_block).await,
        l2_hash,
        l2_head: clients.sequencer.get_block_number().await.unwrap(),
        balance,
    }
}

#[tokio::test]
async fn a_devnet_goes_on_after_ctrl_c_and_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("devnet");
    let to = Address::repeat_byte(0xa1);
    let mut running = Running::start(&data);
    let mut expected = U256::ZERO;
    for (round, stop) in [Running::interrupt, Running::kill].into_iter().enumerate() {
        let clients = running.clients();
        let hash = clients.send(round, to, 1_000).await;
        let block = clients.included(&clients.follower, hash).await;
        expected += U256::from(1_000);
        let l1_block = clients.l1.get_block_number().await.unwrap();
        let before = facts(&clients, l1_block, block, to).await;
        assert_eq!(before.balance, expected);
        stop(running);
        running = Running::start(&data);
        assert_eq!(facts(&running.clients(), l1_block, block, to).await, before);
    }
    let clients = running.clients();
    let hash = clients.send(0, to, 1).await;
    clients.included(&clients.follower, hash).await;
    clients.equal_at_every_height().await;
    running.interrupt();
}

/// Lands users' transactions, replaces the L1 blocks that hold the landing, and expects every transaction back.
async fn reorg(clients: &Clients, depth: u64, drop: bool) {
    let to = Address::from_word(B256::from(U256::from(0xbeef_0000 + depth * 2 + u64::from(drop))));
    let mut sent = Vec::new();
    let mut wei = 0;
    // A slot may pass between the landing and the call, and then the reorg takes only empty blocks away.
    for attempt in 0.. {
        assert!(attempt < 5, "no reorg of depth {depth} ever met a landing");
        for user in 0..3 {
            wei += 7;
            sent.push(clients.send(user, to, 7).await);
        }
        clients.included(&clients.follower, sent[sent.len() - 1]).await;
        wei += 5;
        sent.push(clients.send(3, to, 5).await);
        let answer = clients.admin("dev_reorg", json!([depth, { "drop": drop }])).await;
        let taken = answer[if drop { "dropped" } else { "returned" }].as_array().unwrap().len();
        assert_eq!(answer["removed"].as_array().unwrap().len() as u64, depth, "{answer}");
        if taken > 0 {
            break;
        }
    }
    wei += 3;
    sent.push(clients.send(4, to, 3).await);
    for hash in &sent {
        clients.included(&clients.sequencer, *hash).await;
    }
    // The last word is L1's: safe at the sequencer means that Hub has it again.
    let last = clients.included(&clients.follower, sent[sent.len() - 1]).await;
    safe(clients, last).await;
    clients.equal_at_every_height().await;
    for hash in &sent {
        clients.included(&clients.follower, *hash).await;
    }
    for node in [&clients.sequencer, &clients.follower] {
        assert_eq!(node.get_balance(to).await.unwrap(), U256::from(wei));
    }
}

async fn safe(clients: &Clients, number: u64) {
    until("the block to be safe", || async {
        let safe = clients.sequencer.get_block_by_number(BlockNumberOrTag::Safe).await?;
        Ok::<_, TransportError>(safe.filter(|block| block.header.number >= number))
    })
    .await;
}

#[tokio::test]
async fn an_l1_reorg_that_keeps_landings_loses_no_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&folder.path().join("devnet"));
    let clients = running.clients();
    reorg(&clients, 2, false).await;
    reorg(&clients, 3, false).await;
    running.interrupt();
}

#[tokio::test]
async fn an_l1_reorg_that_drops_landings_loses_no_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&folder.path().join("devnet"));
    let clients = running.clients();
    reorg(&clients, 2, true).await;
    reorg(&clients, 3, true).await;
    running.interrupt();
}

#[tokio::test]
async fn skipped_slots_delay_the_follower_and_withheld_blobs_come_from_calldata() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&folder.path().join("devnet"));
    let clients = running.clients();
    let to = Address::repeat_byte(0xa2);
    let first = clients.send(0, to, 1).await;
    clients.included(&clients.follower, first).await;

    clients.admin("dev_withholdBlobs", json!([true])).await;
    clients.admin("dev_skipSlot", json!([3])).await;
    for user in 0..3 {
        let hash = clients.send(user, to, 10).await;
        let block = clients.included(&clients.sequencer, hash).await;
        safe(&clients, block).await;
        assert_eq!(clients.included(&clients.follower, hash).await, block);
    }
    clients.equal_at_every_height().await;
    assert_eq!(clients.follower.get_balance(to).await.unwrap(), U256::from(31));
    running.interrupt();
}

/// `--help` of a command and of all below it.
fn help(path: &[String], command: &clap::Command, text: &mut String) {
    let mut run = basalt();
    run.args(path).arg("--help");
    let finished = finish(run, REFUSAL);
    assert!(finished.status.success(), "{}", finished.stderr);
    text.push_str(&format!("$ basalt {}\n{}\n", [path, &["--help".to_owned()]].concat().join(" "), finished.stdout));
    for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
        assert!(argument.get_help().is_some(), "{path:?}: {} is not documented", argument.get_id());
    }
    for below in command.get_subcommands() {
        assert!(below.get_about().is_some(), "{path:?}: {} is not documented", below.get_name());
        help(&[path, &[below.get_name().to_owned()]].concat(), below, text);
    }
}

#[test]
fn every_flag_is_documented_and_help_is_as_last_reviewed() {
    let mut text = String::new();
    help(&[], &basalt_node::cli::Cli::command(), &mut text);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/help.txt");
    if std::env::var_os("BLESS").is_some_and(|bless| bless == "1") {
        fs::write(path, &text).unwrap();
    }
    let reviewed = fs::read_to_string(path).unwrap_or_default();
    assert!(text == reviewed, "`basalt --help` changed; look at it and rewrite help.txt with BLESS=1:\n{text}");
}
