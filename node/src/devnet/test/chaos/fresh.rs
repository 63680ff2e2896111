//! A follower that knows nothing but the chain file and L1, and how fast it catches up.

use super::super::{
    super::{Endpoint, files::read_json},
    checks::{equals, landings},
    client::Clients,
};
use alloy_eips::BlockId;
use alloy_network::Ethereum;
use alloy_provider::{DynProvider, Provider, ProviderBuilder};
use eyre::{OptionExt, WrapErr, bail};
use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

/// Longest start of a node, and longest time to catch up.
const PATIENCE: Duration = Duration::from_secs(180);

/// How often it is looked at.
const POLL: Duration = Duration::from_millis(10);

/// How a fresh follower did.
pub(super) struct Synced {
    pub(super) blocks: u64,
    /// L1 blocks from the registration to the last landing.
    pub(super) l1_blocks: u64,
    pub(super) took: Duration,
    /// How long the chain took to be made.
    pub(super) made_in: Duration,
}

impl Synced {
    pub(super) fn line(&self) -> String {
        let rate = |took: Duration| self.blocks as f64 / took.as_secs_f64().max(0.001);
        format!(
            "a fresh follower took {:.2} s for {} blocks of {} L1 blocks: {:.0} blocks/s, {:.0} times the rate at which they were made",
            self.took.as_secs_f64(),
            self.blocks,
            self.l1_blocks,
            rate(self.took),
            rate(self.took) / rate(self.made_in),
        )
    }
}

/// Starts one in `folder`, waits until it has caught up, compares every block and receipt, and stops it.
pub(super) async fn follower(clients: &Clients, folder: &Path) -> eyre::Result<Synced> {
    let head = clients.l2.get_block_number().await?;
    let landings = landings(clients).await?;
    let mut times = Vec::new();
    for (log, _) in [landings.first(), landings.last()].into_iter().flatten() {
        let hash = log.block_hash.ok_or_eyre("a log without block")?;
        let block = clients.l1.get_block(BlockId::hash(hash)).await?.ok_or_eyre("L1 lacks a block")?;
        times.push((block.header.number, block.header.timestamp));
    }
    let [(first, made_from), (last, made_until)] = times[..] else { bail!("nothing landed") };

    let data = folder.join("fresh");
    let ready = folder.join("fresh.ready");
    let mut process = tokio::process::Command::new(std::env::current_exe()?)
        .arg("node")
        .arg(format!("--chain={}", clients.devnet.chain_file.display()))
        .arg(format!("--datadir={}", data.display()))
        .arg(format!("--l1.rpc-url={}", clients.devnet.l1.rpc_url))
        .arg(format!("--l1.beacon-url={}", clients.devnet.l1.beacon_url))
        .args(["--http.port=0", "--exit-with-stdin"])
        .arg(format!("--ready-file={}", ready.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(folder.join("fresh.log"))?)
        .kill_on_drop(true)
        .spawn()?;
    let started = Instant::now();
    let at: Endpoint = loop {
        if let Some(at) = read_json(&ready)? {
            break at;
        }
        if started.elapsed() > PATIENCE || process.try_wait()?.is_some() {
            bail!("the fresh follower does not start");
        }
        tokio::time::sleep(POLL).await;
    };
    let url = format!("http://{}", at.http).parse().wrap_err("its address")?;
    let provider: DynProvider = ProviderBuilder::new_with_network::<Ethereum>().connect_http(url).erased();
    let began = Instant::now();
    while provider.get_block_number().await? < head {
        if began.elapsed() > PATIENCE {
            bail!("the fresh follower has not caught up after {} s", PATIENCE.as_secs());
        }
        tokio::time::sleep(POLL).await;
    }
    let took = began.elapsed();
    equals(clients, "the fresh follower", &provider, head).await?;
    drop(process.stdin.take());
    process.wait().await?;
    Ok(Synced {
        blocks: head,
        l1_blocks: last - first + 1,
        took,
        made_in: Duration::from_secs(made_until.saturating_sub(made_from)),
    })
}
