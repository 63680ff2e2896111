//! What must hold at every height: two nodes, one chain; blobs that hold exactly the executed payload.

use super::{
    Done,
    client::{Clients, same},
};
use alloy_eips::{BlockId, eip2718::Encodable2718, eip4844::Blob};
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_provider::{DynProvider, Provider};
use alloy_rpc_types_eth::{BlockNumberOrTag, Filter, Log};
use alloy_sol_types::SolEvent;
use bridge::{abi::Hub, opening::Kzg};
use eyre::{OptionExt, bail};
use serde::Deserialize;

/// Chain ids are as `devnet.json` says, on all endpoints.
pub(super) async fn both_layers_answer(clients: &Clients) -> eyre::Result<Done<()>> {
    same("L1 chain id", clients.l1.get_chain_id().await?, clients.devnet.l1.chain_id)?;
    for (name, provider) in clients.nodes() {
        same(&format!("chain id of {name}"), provider.get_chain_id().await?, clients.devnet.l2_chain_id)?;
    }
    Ok(Done::new(()))
}

/// Block, state root and receipts of all nodes are the same at each height.
pub(super) async fn one_chain_at_every_height(clients: &Clients) -> eyre::Result<Done<()>> {
    let mut head = 0;
    for (_, provider) in clients.nodes() {
        head = head.max(provider.get_block_number().await?);
    }
    for (name, provider) in clients.nodes() {
        equals(clients, &name, provider, head).await?;
    }
    Ok(Done::new(()))
}

/// `provider` has every block and receipt of `first` up to its head.
pub(super) async fn equals_first(
    clients: &Clients,
    first: &DynProvider,
    name: &str,
    provider: &DynProvider,
) -> eyre::Result<()> {
    let head = first.get_block_number().await?;
    same_up_to(clients, first, name, provider, head).await
}

/// `provider` reaches `head`, and has the first sequencer's blocks and receipts at each height up to it.
pub(super) async fn equals(clients: &Clients, name: &str, provider: &DynProvider, head: u64) -> eyre::Result<()> {
    same_up_to(clients, &clients.l2, name, provider, head).await
}

async fn same_up_to(
    clients: &Clients,
    first: &DynProvider,
    name: &str,
    provider: &DynProvider,
    head: u64,
) -> eyre::Result<()> {
    let caught_up =
        async || -> eyre::Result<Option<()>> { Ok((provider.get_block_number().await? >= head).then_some(())) };
    clients.wait(&format!("{name} to reach block {head}"), || Box::pin(caught_up())).await?;
    for number in 0..=head {
        let id = BlockNumberOrTag::Number(number);
        let ours = first.get_block_by_number(id).full().await?.ok_or_eyre("the sequencer lacks a block")?;
        let theirs = provider.get_block_by_number(id).full().await?;
        let theirs = theirs.ok_or_else(|| eyre::eyre!("{name} lacks block {number}"))?;
        same(&format!("header {number} of {name}"), &theirs.header, &ours.header)?;
        same(&format!("hash of header {number}"), ours.header.inner.hash_slow(), ours.header.hash)?;
        let ours = first.get_block_receipts(BlockId::number(number)).await?;
        let theirs = provider.get_block_receipts(BlockId::number(number)).await?;
        same(&format!("receipts of {number} at {name}"), theirs, ours)?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct Blobs {
    data: Vec<Box<Blob>>,
}

#[derive(Deserialize)]
struct Genesis {
    data: GenesisTime,
}

#[derive(Deserialize)]
struct GenesisTime {
    genesis_time: String,
}

/// Each landed block's blobs, fetched by hash from the beacon API and committed to again, hold its access list and its
/// transactions, byte for byte.
pub(super) async fn blobs_hold_the_payload(clients: &Clients) -> eyre::Result<Done<()>> {
    let kzg = tokio::task::spawn_blocking(Kzg::load).await?;
    let base = clients.devnet.l1.beacon_url.trim_end_matches('/');
    let genesis: Genesis = clients.http.get(format!("{base}/eth/v1/beacon/genesis")).send().await?.json().await?;
    let genesis_time: u64 = genesis.data.genesis_time.parse()?;
    let mut checked = 0;
    for (log, event) in landings(clients).await? {
        let timestamp = l1_timestamp(clients, &log).await?;
        let slot = (timestamp - genesis_time) * 1_000 / clients.devnet.l1.slot_ms;
        let hashes = &event.landed.blobHashes;
        let wanted: Vec<String> = hashes.iter().map(B256::to_string).collect();
        let url = format!("{base}/eth/v1/beacon/blobs/{slot}?versioned_hashes={}", wanted.join(","));
        let answer: Blobs = clients.http.get(url).send().await?.error_for_status()?.json().await?;
        same(&format!("blobs of block {}", event.number), answer.data.len(), hashes.len())?;
        let blobs: Vec<Blob> = answer.data.into_iter().map(|blob| *blob).collect();
        for (blob, hash) in blobs.iter().zip(hashes) {
            same("versioned hash of the recomputed commitment", bridge::opening::versioned_hash(kzg, blob)?, *hash)?;
        }
        let content = bridge::blob::decode(&blobs)?;
        let block = clients.follower.get_block(BlockId::hash(event.blockHash)).full().await?;
        let block = block.ok_or_eyre("the follower lacks a landed block")?;
        let executed: Vec<Bytes> = block.transactions.txns().map(|tx| tx.inner.inner().encoded_2718().into()).collect();
        same(&format!("transactions in the blobs of {}", event.number), content.transactions, executed)?;
        let bal = keccak256(&content.bal);
        same("hash of the access list", Some(bal), block.header.inner.block_access_list_hash)?;
        checked += 1;
    }
    let head = clients.follower.get_block_number().await?;
    if checked < head {
        bail!("{checked} landings for {head} blocks");
    }
    Ok(Done::new(()))
}

/// L1 gas of all `advance` transactions together.
pub(super) async fn gas_of_landings(clients: &Clients) -> eyre::Result<u64> {
    let mut gas = 0;
    for (log, _) in landings(clients).await? {
        let hash = log.transaction_hash.ok_or_eyre("a log without transaction")?;
        gas += clients.receipt(&clients.l1, hash).await?.gas_used;
    }
    Ok(gas)
}

pub(super) async fn landings(clients: &Clients) -> eyre::Result<Vec<(Log, Hub::BlockLanded)>> {
    let filter =
        Filter::new().address(clients.devnet.hub).event_signature(Hub::BlockLanded::SIGNATURE_HASH).from_block(0);
    let logs = clients.l1.get_logs(&filter).await?;
    logs.into_iter()
        .map(|log| {
            let event = Hub::BlockLanded::decode_log(&log.inner)?;
            Ok((log, event.data))
        })
        .collect()
}

async fn l1_timestamp(clients: &Clients, log: &Log) -> eyre::Result<u64> {
    let hash = log.block_hash.ok_or_eyre("a log without block")?;
    let block = clients.l1.get_block(BlockId::hash(hash)).await?.ok_or_eyre("L1 lacks a block")?;
    Ok(block.header.timestamp)
}
