//! `kill -9` at random instants. The test binary starts itself again as the process to be killed.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use super::*;
use crate::Durability;

const FOLDER: &str = "BASALT_STORAGE_CRASH_FOLDER";
const SEED: &str = "BASALT_STORAGE_CRASH_SEED";
/// Kills in one run of the test.
const KILLS: u64 = 20;

/// Small buffers, so that a run of half a second also meets flushes.
const LIMITS: Limits =
    Limits { block_cache_mib: 8, write_buffer_mib: 1, open_files: 64, tree_nodes: 16, history: History::Blocks(4) };

/// Appends, finalises (so that old states are forgotten) and unwinds until it is killed. Before an unwind it says `to <number>`, after each step `at <number> <hash>`.
#[test]
#[ignore = "the process that `no_kill_loses_an_acknowledged_block` starts and kills"]
fn victim() {
    let Ok(folder) = env::var(FOLDER) else { return };
    let mut rng = rng(env::var(SEED).unwrap().parse().unwrap());
    let chain = Chain::open(Path::new(&folder), spec(), LIMITS).unwrap();
    let mut out = std::io::stdout().lock();
    let mut say = |text: String| {
        writeln!(out, "{text}").unwrap();
        out.flush().unwrap();
    };
    say(format!("at {} {}", chain.head().number, chain.head().hash()));
    loop {
        let head = chain.head().number;
        if head > 6 && rng.random_ratio(1, 10) {
            let to = (head - rng.random_range(1..4)).max(chain.heads().finalised.number);
            say(format!("to {to}"));
            chain.unwind(to).unwrap();
        } else {
            let model = model_of(&*chain.state_at_head());
            let block = next(&chain, &model, &mut rng);
            let durability = if rng.random() { Durability::Synced } else { Durability::Buffered };
            chain.append_with(&block, durability).unwrap();
            if rng.random_ratio(1, 4) {
                finalise(&chain, chain.heads().finalised.number.max(head.saturating_sub(8)));
            }
        }
        say(format!("at {} {}", chain.head().number, chain.head().hash()));
    }
}

/// A state as a model.
fn model_of(state: &dyn ChainState) -> Model {
    let mut model = Model::default();
    for address in (0..ADDRESSES).map(address) {
        let Some(account) = state.account(address).unwrap() else { continue };
        let slots = (0..SLOTS).map(|slot| (U256::from(slot), state.storage(address, U256::from(slot)).unwrap()));
        model.0.insert(address, (account, slots.filter(|(_, value)| !value.is_zero()).collect()));
    }
    model
}

#[test]
fn no_kill_loses_an_acknowledged_block() {
    let folder = tempfile::tempdir().unwrap();
    let seed = rand::random::<u64>();
    let mut rng = rng(seed);
    let (mut lines, mut forgot) = (0, false);
    for kill in 0..KILLS {
        let mut victim = Command::new(env::current_exe().unwrap())
            .args(["--exact", "chain::tests::crash::victim", "--ignored", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .env(SEED, rng.random::<u64>().to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(victim.stdout.take().unwrap());
        let mut acked = None;
        let mut announced: Option<u64> = None;
        let mut take = |line: &str| {
            // The test harness may put its own words before ours on the first line.
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                [.., "at", number, hash] if hash.len() == 66 => {
                    acked = Some((number.parse::<u64>().unwrap(), hash.parse::<B256>().unwrap()));
                    announced = None;
                    lines += 1;
                }
                ["to", number] => announced = number.parse().ok(),
                _ => {}
            }
            acked.is_some()
        };
        // Some are killed while they open the database, most while they write.
        if kill % 5 != 0 {
            let mut line = String::new();
            while output.read_line(&mut line).unwrap() > 0 && !take(&line) {
                line.clear();
            }
        }
        std::thread::sleep(Duration::from_micros(rng.random_range(0..250_000)));
        victim.kill().unwrap();
        victim.wait().unwrap();
        for line in output.split(b'\n') {
            // Short writes to a pipe are whole or absent, so no line is cut in two.
            take(&String::from_utf8_lossy(&line.unwrap()));
        }

        let chain = Chain::open(folder.path(), spec(), LIMITS).unwrap();
        let checked = chain.check().unwrap_or_else(|error| panic!("seed {seed} kill {kill}: {error}"));
        assert_eq!(checked.blocks, chain.head().number + 1);
        forgot |= chain.oldest_state() > 0;
        // Every account through the trie is what the rows say, at the head and in every older state.
        for number in chain.oldest_state()..=chain.head().number {
            let state = chain.state_at(number).unwrap();
            model_of(&*state).assert_proven_by(&*state);
        }

        let Some((number, hash)) = acked else { continue };
        let head = chain.head();
        match announced {
            Some(to) => {
                assert!(
                    (to..=number).contains(&head.number),
                    "seed {seed} kill {kill}: {} not in {to}..={number}",
                    head.number
                );
                if head.number < number {
                    assert!(chain.side_block(hash).unwrap().is_some(), "seed {seed} kill {kill}: unwound block lost");
                }
            }
            // The next step may have become visible without being acknowledged.
            None => assert!(
                head.hash() == hash || head.parent_hash == hash,
                "seed {seed} kill {kill}: acknowledged {number} {hash}, found {} {}",
                head.number,
                head.hash()
            ),
        }
    }
    assert!(forgot, "no state was ever forgotten");
    assert!(lines > 50, "only {lines} steps in {KILLS} runs: the victim hardly lived");
}
