//! What the devnet prints: the banner when it is ready, the table at the end of its test.

use super::Devnet;
use std::{fmt::Write, time::Duration};

/// What a newcomer needs, once everything runs.
pub(super) fn banner(devnet: &Devnet, took: Duration) -> String {
    let mut text = String::new();
    let mut line = |content: String| writeln!(text, "{content}").expect("a string takes every line");
    line(String::new());
    line(format!("Basalt devnet, ready after {:.1} s", took.as_secs_f64()));
    line(String::new());
    line(format!("  L1         {}   chain {}, {} ms slots", devnet.l1.rpc_url, devnet.l1.chain_id, devnet.l1.slot_ms));
    line(format!("  L1 beacon  {}", devnet.l1.beacon_url));
    line(format!("  L2         {}   chain {}, sequencer", devnet.sequencer.rpc_url, devnet.l2_chain_id));
    for (index, sequencer) in devnet.more_sequencers.iter().enumerate() {
        line(format!("  L2         {}   sequencer {}", sequencer.rpc_url, index + 2));
    }
    line(format!("  L2         {}   follower, from L1 alone", devnet.follower.rpc_url));
    for rollup in &devnet.more_rollups {
        for (index, sequencer) in rollup.sequencers.iter().enumerate() {
            let name = if index == 0 { "sequencer".to_owned() } else { format!("sequencer {}", index + 1) };
            line(format!("  L2         {}   chain {}, {name}", sequencer.rpc_url, rollup.l2_chain_id));
        }
        line(format!("  L2         {}   follower of chain {}", rollup.follower.rpc_url, rollup.l2_chain_id));
    }
    line(String::new());
    line(format!("  Hub        {}   on L1", devnet.hub));
    line(format!("  Verifier   {}   on L1", devnet.verifier));
    line(format!("  Schedule   {}   on L1", devnet.schedule));
    line(format!("  Messenger  {}   on L2", devnet.messenger));
    line(format!("  Tokens     {}   on L1, {} on L2", devnet.token_bridge, devnet.l2_token_bridge));
    line(format!("  ERC-7786   {}   on L1, {} on L2", devnet.l1_gateway, devnet.l2_gateway));
    line(format!("  L1 reader  {}   on L2", devnet.l1_reader));
    line(String::new());
    line("  Accounts, 10,000 ether each on both layers (keys known to everyone: never use them elsewhere)".into());
    for (index, account) in devnet.accounts.iter().enumerate() {
        line(format!("  ({index}) {}  {}", account.address, account.key));
    }
    line(String::new());
    line(format!("  Files      {}: devnet.json, .env, logs/", devnet.datadir.display()));
    line(String::new());
    line("  Try next (`source` the .env file first):".into());
    line("    cast send --rpc-url $L2_RPC_URL --private-key $PRIVATE_KEY --value 1ether 0x000000000000000000000000000000000000dEaD".into());
    line("    cast block safe --rpc-url $L2_FOLLOWER_RPC_URL".into());
    line(format!("    basalt devnet test --attach {}", devnet.datadir.join("devnet.json").display()));
    line(String::new());
    line("  Ctrl-C stops all of it.".into());
    line(String::new());
    text
}

/// One line of the test's table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) step: String,
    pub(super) took: Duration,
    /// L1 gas that the step's own L1 transactions used, landings included.
    pub(super) l1_gas: Option<u64>,
}

/// Step, time, L1 gas.
pub(super) fn rows(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.step.len()).max().unwrap_or(0);
    let mut text = format!("{:<width$}  {:>8}  {:>12}\n", "step", "time", "L1 gas");
    for Row { step, took, l1_gas } in rows {
        let gas = l1_gas.map_or_else(|| "-".to_owned(), |gas| gas.to_string());
        writeln!(text, "{step:<width$}  {:>6.1} s  {gas:>12}", took.as_secs_f64()).expect("a string takes every line");
    }
    text
}
