//! How large a state is on disk, and how long a node with it takes to be ready. Measured by hand, on a disk that is not busy:
//! `cargo nextest run --release --workspace --lib -E 'package(basalt-storage) & test(size)' --run-ignored only --no-capture`

use std::{env, fs, path::Path, time::Instant};

use super::*;

/// Goals at a million plain accounts.
const BYTES_PER_ACCOUNT: u64 = 190;
const READY_MS: u128 = 300;
/// Blocks that follow, and accounts that each of them changes.
const BLOCKS: usize = 20;
const CHANGES: u64 = 2_000;

fn folder_bytes(path: &Path) -> u64 {
    let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().metadata().unwrap());
    files.map(|file| file.len()).sum()
}

/// Most memory that this process has had, MiB.
fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
}

fn plain(count: u64) -> Arc<ChainSpec> {
    let mut genesis = Genesis { gas_limit: 30_000_000, ..Default::default() };
    let account = |n| GenesisAccount { balance: U256::from(10u64.pow(18) + n), ..Default::default() };
    genesis.alloc = (0..count).map(|n| (address(n), account(n))).collect();
    genesis.config.chain_id = 77;
    Arc::new(ChainSpec::from_genesis(genesis, Layer::L1 { execute: false }).unwrap())
}

fn transfers(chain: &Chain, count: u64, rng: &mut StdRng) -> StateDiff {
    let state = chain.state_at_head();
    let mut diff = StateDiff::default();
    for _ in 0..CHANGES {
        let address = address(rng.random_range(0..count));
        let before = state.account(address).unwrap();
        let after = before.map(|account| Account { nonce: account.nonce + 1, ..account });
        diff.accounts.insert(address, AccountDiff { before, after, ..Default::default() });
    }
    diff
}

#[test]
#[ignore = "takes a minute and prints what it measured; BASALT_ACCOUNTS for another number than 10^6"]
fn a_million_accounts_are_small_and_ready_at_once() {
    let count: u64 = env::var("BASALT_ACCOUNTS").map_or(1_000_000, |count| count.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let spec = plain(count);
    println!("genesis file      {:>8} ms, peak {} MiB", started.elapsed().as_millis(), peak_mib());
    let started = Instant::now();
    let chain = Chain::open(folder.path(), spec.clone(), Limits::default()).unwrap();
    println!("genesis written   {:>8} ms, peak {} MiB", started.elapsed().as_millis(), peak_mib());
    drop(chain);
    let genesis_bytes = folder_bytes(folder.path());
    println!("bytes per account {:>8.1}", genesis_bytes as f64 / count as f64);

    let ready = |path: &Path| {
        let started = Instant::now();
        let chain = Chain::open(path, spec.clone(), Limits::default()).unwrap();
        let state = chain.state_at_head();
        assert!(state.account(address(count / 2)).unwrap().is_some());
        let ms = started.elapsed().as_millis();
        println!("ready after       {ms:>8} ms");
        (chain, ms)
    };
    let (chain, ms) = ready(folder.path());
    let mut rng = rng(1);
    let (mut made, mut written) = (0, 0);
    for salt in 0..BLOCKS {
        let diff = transfers(&chain, count, &mut rng);
        let started = Instant::now();
        let block = child(&chain.head(), &*chain.state_at_head(), diff, 0, salt as u64);
        made += started.elapsed().as_micros();
        let started = Instant::now();
        chain.append_with(&block, crate::Durability::Buffered).unwrap();
        written += started.elapsed().as_micros();
    }
    let per_change = |us: u128| us as f64 / (BLOCKS as f64 * CHANGES as f64);
    println!(
        "changes           {:>8.2} us for the tree, {:.2} us for the store, each",
        per_change(made),
        per_change(written)
    );
    // What a killed process leaves: a log to be replayed.
    let killed = tempfile::tempdir().unwrap();
    for file in fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap()) {
        fs::copy(file.path(), killed.path().join(file.file_name())).unwrap();
    }
    drop(chain);
    let (_, after_kill) = ready(killed.path());
    let (_, after_stop) = ready(folder.path());
    let grown = folder_bytes(folder.path());
    println!(
        "history           {:>8.1} bytes per change, log included",
        (grown - genesis_bytes) as f64 / (BLOCKS as f64 * CHANGES as f64)
    );
    if count == 1_000_000 {
        assert!(genesis_bytes / count <= BYTES_PER_ACCOUNT);
        assert!([ms, after_stop, after_kill].iter().all(|ms| *ms <= READY_MS), "{ms}, {after_stop}, {after_kill} ms");
    }
}
