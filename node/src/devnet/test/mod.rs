//! `basalt devnet test`: the main job on real input, through real clients, every amount to the wei.
//!
//! It talks to a devnet only as a stranger would: JSON-RPC, beacon API, `devnet.json`, and `kill -9`. Read [`run`].

mod bridging;
pub mod chaos;
mod checks;
mod client;
mod crash;
mod cross;
mod own;
mod reader;
mod several;
mod tokens;
mod traffic;

use super::{Devnet, table};
use crate::cli::DevnetTestArgs;
use client::Clients;
use eyre::WrapErr;
use own::OwnDevnet;
use std::{path::Path, time::Instant};
use table::Row;

/// Runs every step and prints the table; the first thing that is not as it should be ends it.
pub async fn run(args: DevnetTestArgs) -> eyre::Result<()> {
    let mut own = None;
    let path = match &args.attach {
        Some(path) => path.clone(),
        None => {
            let slot_ms = format!("--l1.slot-ms={}", args.l1_slot_ms);
            let rollups = format!("--rollups={}", if args.cross_rollup { 2 } else { 1 });
            let sequencers = format!("--sequencers={}", args.sequencers);
            let started = OwnDevnet::start("test", &[slot_ms, sequencers, rollups]).await?;
            let path = started.devnet_file();
            own = Some(started);
            path
        }
    };
    let result = steps(&path, &args).await;
    if let Some(own) = own {
        own.stop(result.is_ok()).await?;
    }
    let rows = result?;
    print!("{}", table::rows(&rows));
    println!("devnet test passed");
    Ok(())
}

async fn steps(path: &Path, args: &DevnetTestArgs) -> eyre::Result<Vec<Row>> {
    let devnet = Devnet::read(path)?.ok_or_else(|| eyre::eyre!("{}: no such file (--attach)", path.display()))?;
    let mut clients = Clients::connect(devnet)?;
    let mut report = Report::default();
    if args.cross_rollup {
        clients.wait_for_slots(cross::REST_SLOTS);
        cross::steps(&clients, path, args.round_trips, &mut report).await?;
        return Ok(report.rows);
    }
    report.step("both layers answer", checks::both_layers_answer(&clients)).await?;
    report.step("deposit L1 -> L2, to an account without ether", bridging::deposit(&clients)).await?;
    let counter = report.step("deploy a contract on L2", traffic::deploy_counter(&clients)).await?;
    let name = format!("{} transactions of types 0, 1, 2, 4 on L2", args.transactions);
    report.step(&name, traffic::mixed(&clients, counter, args.transactions)).await?;
    report.step("L1 -> L2 contract call", bridging::call_l2(&clients, counter)).await?;
    let withdrawal = report.step("withdrawal L2 -> L1, sent and landed", bridging::withdraw(&clients)).await?;
    report.step("withdrawal proven and claimed on L1", bridging::claim(&clients, &withdrawal)).await?;
    report.step("the same claim again is refused", bridging::claim_again(&clients, &withdrawal)).await?;
    let token = report.step("ERC-20 deposit with a permit, L1 -> L2", tokens::deposit(&clients)).await?;
    report.step("wallet on L2 with its key on L1", reader::keystore_wallet(&clients)).await?;
    report.step("ERC-20 transfer, withdrawal, claim", tokens::withdraw(&clients, token)).await?;
    if clients.sequencers.len() > 1 {
        several::steps(&clients, path, &mut report).await?;
    }
    report.step("all L2 nodes killed (-9) and back", crash::kill_all(&clients, path)).await?;
    report.step("one chain at every height on all nodes", checks::one_chain_at_every_height(&clients)).await?;
    report.step("every block's blobs hold its payload", checks::blobs_hold_the_payload(&clients)).await?;
    let advance = checks::gas_of_landings(&clients).await?;
    report.rows.push(Row { step: "all landings".into(), took: report.started.elapsed(), l1_gas: Some(advance) });
    Ok(report.rows)
}

/// What a step leaves besides its time.
struct Done<T> {
    value: T,
    /// L1 gas of the step's own L1 transactions.
    l1_gas: Option<u64>,
}

impl<T> Done<T> {
    const fn new(value: T) -> Self {
        Self { value, l1_gas: None }
    }

    const fn with_gas(value: T, l1_gas: u64) -> Self {
        Self { value, l1_gas: Some(l1_gas) }
    }
}

struct Report {
    rows: Vec<Row>,
    started: Instant,
}

impl Default for Report {
    fn default() -> Self {
        Self { rows: Vec::new(), started: Instant::now() }
    }
}

impl Report {
    async fn step<T>(&mut self, name: &str, work: impl Future<Output = eyre::Result<Done<T>>>) -> eyre::Result<T> {
        let started = Instant::now();
        let done = work.await.wrap_err_with(|| name.to_owned())?;
        let row = Row { step: name.to_owned(), took: started.elapsed(), l1_gas: done.l1_gas };
        eprintln!("ok  {name} ({:.1} s)", row.took.as_secs_f64());
        self.rows.push(row);
        Ok(done.value)
    }
}
