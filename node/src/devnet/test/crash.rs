//! Both L2 nodes die without warning, with a transaction in the pool, and come back.

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

/// Sends a transaction, kills both nodes at once, and expects everything back: head, state, and the transaction.
pub(super) async fn kill_both(clients: &Clients, path: &Path) -> eyre::Result<Done<()>> {
    let before = clients.l2.get_block_by_number(BlockNumberOrTag::Latest).await?.ok_or_eyre("no head")?;
    let to = clients.fresh("crash");
    let request =
        TransactionRequest::default().with_from(clients.keys[4].address()).with_to(to).with_value(U256::from(VALUE));
    let hash = *clients.l2.send_transaction(request).await?.tx_hash();
    let devnet = read(path)?;
    let pids = [devnet.sequencer.pid, devnet.follower.pid];
    for pid in pids {
        signal("-KILL", pid.ok_or_eyre("devnet.json names no process")?).await?;
    }
    let back = async || -> eyre::Result<Option<()>> {
        let now = read(path)?;
        let restarted = now.sequencer.pid != pids[0] && now.follower.pid != pids[1];
        Ok(restarted.then_some(()))
    };
    clients.wait("both nodes to be back", || Box::pin(back())).await?;
    clients.receipt(&clients.l2, hash).await?;
    clients.wait_balance(&clients.follower, to, U256::from(VALUE)).await?;
    for provider in [&clients.l2, &clients.follower] {
        let again = provider.get_block_by_number(before.header.number.into()).await?.ok_or_eyre("a block was lost")?;
        same("block after the crash", again.header.hash, before.header.hash)?;
    }
    Ok(Done::new(()))
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
