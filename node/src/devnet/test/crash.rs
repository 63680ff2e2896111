//! All L2 nodes die without warning, with a transaction in the pool, and come back.

use super::{
    super::Devnet,
    Done,
    client::{Clients, same},
};
use alloy_network::TransactionBuilder;
use alloy_primitives::U256;
use alloy_provider::Provider;
use alloy_rpc_types_eth::{BlockNumberOrTag, TransactionRequest};
use eyre::{OptionExt, bail};
use std::path::Path;

/// Wei that the transaction in the pool carries.
const VALUE: u64 = 4_242;

/// Sends a transaction, kills all L2 nodes at once, and expects everything back: head, state, and the transaction.
pub(super) async fn kill_all(clients: &Clients, path: &Path) -> eyre::Result<Done<()>> {
    let before = clients.l2.get_block_by_number(BlockNumberOrTag::Latest).await?.ok_or_eyre("no head")?;
    let to = clients.fresh("crash");
    let request =
        TransactionRequest::default().with_from(clients.keys[4].address()).with_to(to).with_value(U256::from(VALUE));
    let hash = *clients.l2.send_transaction(request).await?.tx_hash();
    let pids = pids(path)?;
    for pid in &pids {
        signal("-KILL", *pid).await?;
    }
    let back = async || -> eyre::Result<Option<()>> {
        let now = self::pids(path)?;
        Ok(now.iter().zip(&pids).all(|(now, before)| now != before).then_some(()))
    };
    clients.wait("all nodes to be back", || Box::pin(back())).await?;
    clients.receipt(&clients.l2, hash).await?;
    clients.wait_balance(&clients.follower, to, U256::from(VALUE)).await?;
    for (_, provider) in clients.nodes() {
        let again = provider.get_block_by_number(before.header.number.into()).await?.ok_or_eyre("a block was lost")?;
        same("block after the crash", again.header.hash, before.header.hash)?;
    }
    Ok(Done::new(()))
}

/// Process ids of the L2 nodes: the sequencers, then the follower.
pub(super) fn pids(path: &Path) -> eyre::Result<Vec<u32>> {
    let devnet = read(path)?;
    let pids = devnet.sequencers().chain([&devnet.follower]).map(|node| node.pid);
    pids.collect::<Option<_>>().ok_or_eyre("devnet.json names no process")
}

fn read(path: &Path) -> eyre::Result<Devnet> {
    Devnet::read(path)?.ok_or_eyre("devnet.json is gone")
}

/// `kill SIGNAL PID`.
pub(super) async fn signal(signal: &str, pid: u32) -> eyre::Result<()> {
    let status = tokio::process::Command::new("kill").args([signal, &pid.to_string()]).status().await?;
    if !status.success() {
        bail!("kill {signal} {pid}: {status}");
    }
    Ok(())
}
