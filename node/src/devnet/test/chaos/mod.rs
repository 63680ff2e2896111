//! `basalt chaos`: a devnet of real processes under load, killed and reorganised by the numbers of one seed. Read [`run`].
//!
//! ```text
//!  users send ─────────────────────────────────────────────────────► stop ─► every promise kept, to the wei
//!  kill -9, one L2 node after the other ─► L1 reorgs with deposits ──┘       every deposit once or never
//!                                                                            every height landed once, one chain everywhere
//! ```

mod deposits;
mod fresh;
mod load;
mod plan;

use super::{
    checks::{landings, one_chain_at_every_height},
    client::Clients,
    crash::{pids, signal},
    own::OwnDevnet,
};
use crate::{cli::ChaosArgs, devnet::Devnet};
use alloy_primitives::B256;
use alloy_provider::Provider;
use deposits::Deposit;
use eyre::{OptionExt, bail, ensure};
use load::Load;
use plan::{Kill, Plan, Reorg, Scale};
use serde::Deserialize;
use serde_json::json;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Longest time from `kill -9` until a node answers and is where it was.
const BACK_WITHIN: Duration = Duration::from_secs(10);

/// How often a killed node is asked.
const POLL: Duration = Duration::from_millis(20);

/// L1 slots until finality: reorgs go as deep as the engine undoes block by block, and no deeper.
const FINALITY_SLOTS: u64 = 80;

/// Slots that everything may take to come to rest in the end: a deep reorg leaves many blocks to be landed again.
const REST_SLOTS: u64 = 90;

/// Runs the faults of one seed and checks what must hold; the first thing that does not ends it.
pub async fn run(args: ChaosArgs) -> eyre::Result<()> {
    let started = Instant::now();
    let seed = args.seed.unwrap_or_else(|| crate::host::now().0);
    let scale = Scale {
        kills: args.kills,
        nodes: usize::from(args.sequencers) + 1,
        reorgs: args.reorgs,
        depth_max: args.depth_max,
        slot_ms: args.l1_slot_ms,
    };
    println!("seed {seed}: {} kills, {} L1 reorgs of up to {} blocks", scale.kills, scale.reorgs, scale.depth_max);
    let own = OwnDevnet::start(
        "chaos",
        &[
            format!("--l1.slot-ms={}", args.l1_slot_ms),
            format!("--l1.finality-slots={FINALITY_SLOTS}"),
            format!("--sequencers={}", args.sequencers),
        ],
    )
    .await?;
    let result = faults(&own.devnet_file(), &Plan::new(seed, scale)).await;
    own.stop(result.is_ok()).await?;
    if let Err(error) = result {
        return Err(error.wrap_err(format!("the same faults again: basalt chaos --seed {seed}")));
    }
    println!("chaos passed in {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

async fn faults(path: &Path, plan: &Plan) -> eyre::Result<()> {
    let devnet = Devnet::read(path)?.ok_or_eyre("no devnet.json")?;
    let mut clients = Clients::connect(devnet)?;
    clients.wait_for_slots(REST_SLOTS);
    // What was deployed and paid for before stays: without it there is no rollup.
    let floor = clients.l1.get_block_number().await?;
    let load = Load::start(&clients).await?;

    let began = Instant::now();
    let mut times = Vec::new();
    for kill in &plan.kills {
        times.push(kill_one(&clients, path, kill).await?);
    }
    if let Some(longest) = times.iter().max() {
        let mean = times.iter().sum::<Duration>() / u32::try_from(times.len())?;
        println!(
            "{} kills in {:.0} s: back after {:.2} s at most, {:.2} s on average",
            times.len(),
            began.elapsed().as_secs_f64(),
            longest.as_secs_f64(),
            mean.as_secs_f64(),
        );
    }

    if let Some(depth) = plan.reorgs.iter().map(|reorg| reorg.depth).max() {
        let deep = async || -> eyre::Result<Option<()>> {
            Ok((clients.l1.get_block_number().await? > floor + depth).then_some(()))
        };
        clients.wait("an L1 as long as the deepest reorg", || Box::pin(deep())).await?;
    }
    let began = Instant::now();
    let mut sent = Vec::new();
    let mut deepest = 0;
    for (index, reorg) in plan.reorgs.iter().enumerate() {
        deepest = deepest.max(reorganise(&clients, index, reorg, &mut sent).await?);
    }
    if !plan.reorgs.is_empty() {
        println!("{} L1 reorgs in {:.0} s, up to {deepest} deep", plan.reorgs.len(), began.elapsed().as_secs_f64());
    }

    let histories = load.end().await?;
    let promised = load::kept(&clients, &histories).await?;
    println!("{promised} transactions were answered for, and each is in one block");
    let (credited, gone) = deposits::exactly_once(&clients, &sent).await?;
    println!("{credited} deposits credited once, {gone} that L1 dropped or Hub refused never");
    one_chain_at_every_height(&clients).await?;
    let (landed, refused) = each_height_once(&clients).await?;
    println!("{landed} blocks landed, each height once; {refused} landings refused by Hub");
    let folder = path.parent().ok_or_eyre("devnet.json has a folder")?;
    println!("{}", fresh::follower(&clients, folder).await?.line());
    Ok(())
}

/// Kills a node and waits until it answers and is where it was; how long that took.
async fn kill_one(clients: &Clients, path: &Path, kill: &Kill) -> eyre::Result<Duration> {
    tokio::time::sleep(Duration::from_millis(kill.pause_ms)).await;
    let nodes = clients.nodes();
    let (name, node) = &nodes[kill.victim];
    let before = node.get_block_number().await?;
    let pid = pids(path)?[kill.victim];
    signal("-KILL", pid).await?;
    let killed = Instant::now();
    loop {
        let head = node.get_block_number().await;
        if head.as_ref().is_ok_and(|head| *head >= before) {
            break;
        }
        if killed.elapsed() > BACK_WITHIN {
            bail!("{name} is not back at block {before} within {BACK_WITHIN:?}: {head:?}");
        }
        tokio::time::sleep(POLL).await;
    }
    let took = killed.elapsed();
    eprintln!("    {name} killed at block {before}, back after {:.2} s", took.as_secs_f64());
    let named = async || -> eyre::Result<Option<()>> { Ok((pids(path)?[kill.victim] != pid).then_some(())) };
    clients.wait("devnet.json to name the new process", || Box::pin(named())).await?;
    Ok(took)
}

#[derive(Debug, Deserialize)]
struct Reorged {
    removed: Vec<serde_json::Value>,
    dropped: Vec<B256>,
}

#[derive(Debug, Deserialize)]
struct L1Status {
    head: L1Block,
    finalized: L1Block,
}

#[derive(Debug, Deserialize)]
struct L1Block {
    number: u64,
}

/// A deposit, a while, a reorg, and a while. Returns its depth.
async fn reorganise(clients: &Clients, index: usize, reorg: &Reorg, sent: &mut Vec<Deposit>) -> eyre::Result<u64> {
    sent.push(deposits::send(clients, index).await?);
    tokio::time::sleep(Duration::from_millis(reorg.pause_ms)).await;
    let status: L1Status = clients.l1.raw_request("dev_status".into(), ()).await?;
    let depth = reorg.depth.min(status.head.number - status.finalized.number).max(1);
    let params = json!([format!("0x{depth:x}"), { "drop": reorg.drop }]);
    let done: Reorged = clients.l1.raw_request("dev_reorg".into(), params).await?;
    let mut lost = 0;
    for deposit in sent.iter().filter(|deposit| done.dropped.contains(&deposit.hash())) {
        lost += 1;
        if reorg.resend {
            deposits::again(clients, deposit).await?;
        }
    }
    eprintln!(
        "    reorg {index}: {} L1 blocks replaced, {} transactions dropped, {lost} deposits among them{}",
        done.removed.len(),
        done.dropped.len(),
        if lost > 0 && reorg.resend { ", sent again" } else { "" },
    );
    tokio::time::sleep(Duration::from_millis(reorg.settle_ms)).await;
    Ok(depth)
}

/// Hub recorded one block at each height, and its nodes have those. Returns how many landed, and how many landings reverted.
async fn each_height_once(clients: &Clients) -> eyre::Result<(u64, usize)> {
    let landed = landings(clients).await?;
    for (index, (_, event)) in landed.iter().enumerate() {
        ensure!(event.number == index as u64 + 1, "landing {index} is of height {}", event.number);
        let block = clients.l2.get_block_by_number(event.number.into()).await?;
        let hash = block.ok_or_eyre("a landed block is missing")?.header.hash;
        ensure!(hash == event.blockHash, "block {} is {hash}, landed was {}", event.number, event.blockHash);
    }
    let mut refused = 0;
    for number in 0..=clients.l1.get_block_number().await? {
        let receipts = clients.l1.get_block_receipts(number.into()).await?.unwrap_or_default();
        let advance = |to: Option<alloy_primitives::Address>| to == Some(clients.devnet.hub);
        refused += receipts.iter().filter(|receipt| advance(receipt.to) && !receipt.inner.status()).count();
    }
    Ok((landed.len() as u64, refused))
}
