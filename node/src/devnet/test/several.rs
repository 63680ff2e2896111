//! Several sequencers on one chain: what is sent to each of them lands, once, whoever else is away.

use super::{
    Done, Report, bridging,
    checks::landings,
    client::{Clients, same},
    crash::{pids, signal},
    traffic::{MAX_FEE, TRANSFER_GAS, signed},
};
use alloy_consensus::{TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_provider::{DynProvider, Provider};
use bridge::message::Message;
use chainspec::dev;
use eyre::{OptionExt, bail, ensure};
use std::{collections::BTreeMap, path::Path, time::Instant};

/// Slots after which somebody else has landed what the paused sequencer would have: `--sequencer.fallback-slots`, one for each
/// who may wait in line before, one for L1 to take the message, one for the landing, and one to spare.
const REPLACED_WITHIN: u64 = 3 + 5 + 3;

/// Wei of a transfer.
const VALUE: u64 = 77_000;

/// The steps, in their order.
pub(super) async fn steps(clients: &Clients, path: &Path, report: &mut Report) -> eyre::Result<()> {
    report.step("each sequencer lands what was sent to it", each_lands_its_own(clients)).await?;
    report.step("a transaction sent to two sequencers lands once", sent_twice(clients)).await?;
    let last = clients.sequencers.len() - 1;
    report.step("a paused sequencer is replaced, and loses nothing", paused(clients, path, last)).await?;
    report.step("a killed sequencer loses nothing", killed(clients, path, last)).await?;
    report.step("every sequencer landed its share", shares(clients)).await
}

/// A signed transfer from account `from`, with the next nonce that `provider` knows.
async fn transfer(clients: &Clients, provider: &DynProvider, from: usize, to: Address) -> eyre::Result<TxEnvelope> {
    let key = &clients.keys[from];
    let nonce = provider.get_transaction_count(key.address()).await?;
    signed(
        key,
        TxEip1559 {
            chain_id: clients.devnet.l2_chain_id,
            nonce,
            gas_limit: TRANSFER_GAS,
            max_fee_per_gas: MAX_FEE,
            max_priority_fee_per_gas: 1,
            to: TxKind::Call(to),
            value: U256::from(VALUE),
            ..Default::default()
        },
    )
}

/// Waits until every node is where the first is.
async fn level(clients: &Clients) -> eyre::Result<()> {
    let head = clients.l2.get_block_number().await?;
    for (name, provider) in clients.nodes() {
        let reached =
            async || -> eyre::Result<Option<()>> { Ok((provider.get_block_number().await? >= head).then_some(())) };
        clients.wait(&format!("{name} to reach block {head}"), || Box::pin(reached())).await?;
    }
    Ok(())
}

/// The block, the same at every node, that holds a transaction.
async fn included_everywhere(clients: &Clients, hash: B256) -> eyre::Result<u64> {
    let mut blocks = Vec::new();
    for (_, provider) in clients.nodes() {
        let receipt = clients.receipt(provider, hash).await?;
        blocks.push((receipt.block_number, receipt.block_hash));
    }
    if blocks.iter().any(|block| *block != blocks[0]) {
        bail!("nodes have {hash} in different blocks: {blocks:?}");
    }
    blocks[0].0.ok_or_eyre("a receipt without a block")
}

async fn each_lands_its_own(clients: &Clients) -> eyre::Result<Done<()>> {
    level(clients).await?;
    let to = clients.fresh("to each");
    let mut sent = Vec::new();
    for (index, sequencer) in clients.sequencers.iter().enumerate() {
        let transaction = transfer(clients, sequencer, 5 + index, to).await?;
        let pending = sequencer.send_raw_transaction(&transaction.encoded_2718()).await?;
        sent.push((index, *pending.tx_hash()));
    }
    for (index, hash) in &sent {
        let number = included_everywhere(clients, *hash).await?;
        let proposer = proposers(clients).await?.get(&number).copied();
        same(&format!("proposer of block {number}"), proposer, Some(dev::SEQUENCERS[*index].address))?;
    }
    let total = U256::from(VALUE) * U256::from(sent.len());
    for (name, provider) in clients.nodes() {
        same(&format!("balance at {name}"), provider.get_balance(to).await?, total)?;
    }
    Ok(Done::new(()))
}

/// Both take it, one lands it, the other forgets it.
async fn sent_twice(clients: &Clients) -> eyre::Result<Done<()>> {
    level(clients).await?;
    let to = clients.fresh("twice");
    let transaction = transfer(clients, &clients.l2, 5, to).await?;
    let (first, second) = (&clients.sequencers[0], &clients.sequencers[1]);
    for sequencer in [first, second] {
        let pending = sequencer.send_raw_transaction(&transaction.encoded_2718()).await?;
        same("hash", pending.tx_hash(), transaction.tx_hash())?;
    }
    included_everywhere(clients, *transaction.tx_hash()).await?;
    for (name, provider) in clients.nodes() {
        same(&format!("balance at {name}"), provider.get_balance(to).await?, U256::from(VALUE))?;
    }
    for sequencer in [first, second] {
        let empty = async || -> eyre::Result<Option<()>> {
            let status: BTreeMap<String, String> = sequencer.raw_request("txpool_status".into(), ()).await?;
            Ok(status.values().all(|count| count == "0x0").then_some(()))
        };
        clients.wait("an empty pool", || Box::pin(empty())).await?;
        let Err(error) = sequencer.send_raw_transaction(&transaction.encoded_2718()).await else {
            bail!("a transaction that landed is taken again");
        };
        let text = error.to_string();
        ensure!(text.contains("nonce too low") || text.contains("already known"), "refused for another reason: {text}");
    }
    Ok(Done::new(()))
}

/// SIGSTOP: the others land what everyone can see, a message from L1. SIGCONT: its pool is as it was.
async fn paused(clients: &Clients, path: &Path, index: usize) -> eyre::Result<Done<()>> {
    level(clients).await?;
    let own = clients.fresh("paused");
    let transaction = transfer(clients, &clients.sequencers[index], 5 + index, own).await?;
    let pid = pids(path)?[index];
    let before = clients.l2.get_block_number().await?;
    let _pending = clients.sequencers[index].send_raw_transaction(&transaction.encoded_2718()).await?;
    signal("-STOP", pid).await?;
    let outcome = land_without(clients, index, before).await;
    signal("-CONT", pid).await?;
    outcome?;
    included_everywhere(clients, *transaction.tx_hash()).await?;
    for (name, provider) in clients.nodes() {
        same(&format!("balance at {name}"), provider.get_balance(own).await?, U256::from(VALUE))?;
    }
    Ok(Done::new(()))
}

/// A deposit arrives within the fallback, and not by the hand of sequencer `index`, unless its landing was on its way already.
async fn land_without(clients: &Clients, index: usize, before: u64) -> eyre::Result<()> {
    let (to, value) = (clients.fresh("while paused"), U256::from(10).pow(U256::from(18)));
    let (_, _): (Message, u64) = bridging::send_to_l2(clients, to, value, bridging::PLAIN_GAS, Bytes::new()).await?;
    let sent = Instant::now();
    clients.wait_balance(&clients.l2, to, value).await?;
    let slots = sent.elapsed().as_millis() as u64 / clients.devnet.l1.slot_ms;
    ensure!(slots <= REPLACED_WITHIN, "a message waited for {slots} slots while one sequencer was paused");
    let head = clients.l2.get_block_number().await?;
    let landed = proposers(clients).await?;
    // What it had sent to L1 before the pause may still land.
    let by_paused = (before + 1..=head).filter(|number| landed.get(number) == Some(&dev::SEQUENCERS[index].address));
    ensure!(by_paused.count() <= 1, "a paused sequencer landed blocks");
    Ok(())
}

/// `kill -9` with a transaction in the pool that was answered for.
async fn killed(clients: &Clients, path: &Path, index: usize) -> eyre::Result<Done<()>> {
    level(clients).await?;
    let to = clients.fresh("killed");
    let transaction = transfer(clients, &clients.sequencers[index], 5 + index, to).await?;
    let _pending = clients.sequencers[index].send_raw_transaction(&transaction.encoded_2718()).await?;
    signal("-KILL", pids(path)?[index]).await?;
    included_everywhere(clients, *transaction.tx_hash()).await?;
    for (name, provider) in clients.nodes() {
        same(&format!("balance at {name}"), provider.get_balance(to).await?, U256::from(VALUE))?;
    }
    Ok(Done::new(()))
}

/// Who landed each block, by its number.
async fn proposers(clients: &Clients) -> eyre::Result<BTreeMap<u64, Address>> {
    Ok(landings(clients).await?.into_iter().map(|(_, event)| (event.number, event.landed.proposer)).collect())
}

/// None starves: each landed at least a quarter of an even share.
async fn shares(clients: &Clients) -> eyre::Result<Done<()>> {
    let landed = proposers(clients).await?;
    let sequencers = clients.sequencers.len();
    for account in &dev::SEQUENCERS[..sequencers] {
        let own = landed.values().filter(|proposer| **proposer == account.address).count();
        eprintln!("    {} landed {own} of {} blocks", account.address, landed.len());
        ensure!(own * sequencers * 4 >= landed.len(), "{} starves", account.address);
    }
    Ok(Done::new(()))
}
