//! alloy, the library behind cast and forge, as a client: it must decode every answer. And subscriptions over WebSocket.

use std::time::Duration;

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::U256;
use alloy_provider::{Provider, ProviderBuilder, WsConnect};
use alloy_rpc_types_eth::{Filter, TransactionRequest};
use futures::StreamExt;

use super::world::{COUNTER, World, account, raw, tx};

#[tokio::test]
async fn alloy_decodes_blocks_transactions_receipts_and_logs() {
    let world = World::rollup();
    world.block(&[tx(&world, 0, 0, COUNTER, 0), tx(&world, 1, 0, account(2), 7)]);
    let client = world.serve().await;
    let provider = ProviderBuilder::new().connect_http(client.url().parse().unwrap());
    assert_eq!(provider.get_chain_id().await.unwrap(), 7901);
    for tag in [BlockNumberOrTag::Latest, BlockNumberOrTag::Pending, BlockNumberOrTag::Earliest] {
        let block = provider.get_block_by_number(tag).full().await.unwrap().unwrap();
        // The hash is that of the header as alloy understands it: no field was lost on the way.
        assert_eq!(block.header.hash, block.header.inner.hash_slow(), "{tag}");
    }
    let receipts = provider.get_block_receipts(1.into()).await.unwrap().unwrap();
    assert_eq!(receipts.len(), 2);
    let hash = receipts[1].transaction_hash;
    let found = provider.get_transaction_by_hash(hash).await.unwrap().unwrap();
    assert_eq!((found.inner.signer(), found.block_number), (account(1), Some(1)));
    let logs = provider.get_logs(&Filter::new().address(COUNTER).from_block(0)).await.unwrap();
    assert_eq!(logs.len(), 1);
    let request = TransactionRequest::default().from(account(0)).to(COUNTER);
    assert_eq!(U256::from_be_slice(&provider.call(request.clone()).await.unwrap()), U256::from(2));
    assert!(provider.estimate_gas(request).await.unwrap() > 0);
    let fees = provider.estimate_eip1559_fees().await.unwrap();
    assert!(fees.max_fee_per_gas > 0);
    let proof = provider.get_proof(COUNTER, vec![Default::default()]).await.unwrap();
    assert_eq!(proof.storage_proof[0].value, U256::from(1));
    assert_eq!(provider.get_transaction_count(account(0)).await.unwrap(), 1);
}

#[tokio::test]
async fn subscriptions_tell_heads_logs_and_pool_transactions() {
    let world = World::rollup();
    let client = world.serve().await;
    let url = format!("ws://{}", client.running.address);
    let provider = ProviderBuilder::new().connect_ws(WsConnect::new(url)).await.unwrap();
    let mut heads = provider.subscribe_blocks().await.unwrap().into_stream();
    let mut logs = provider.subscribe_logs(&Filter::new().address(COUNTER)).await.unwrap().into_stream();
    let mut pool = provider.subscribe_pending_transactions().await.unwrap().into_stream();
    let sent = tx(&world, 0, 0, COUNTER, 0);
    let bytes: alloy_primitives::Bytes = serde_json::from_value(raw(&sent)).unwrap();
    let _ = provider.send_raw_transaction(&bytes).await.unwrap();
    let within = Duration::from_secs(10);
    let hash = tokio::time::timeout(within, pool.next()).await.unwrap().unwrap();
    assert_eq!(hash, *sent.tx_hash());
    let old = world.mine_pool();
    let head = tokio::time::timeout(within, heads.next()).await.unwrap().unwrap();
    assert_eq!((head.number, head.hash), (1, old.hash));
    let log = tokio::time::timeout(within, logs.next()).await.unwrap().unwrap();
    assert_eq!((log.block_hash, log.removed), (Some(old.hash), false));

    world.chain.unwind(0).unwrap();
    let new = world.append(&world.build(&[sent], 1));
    let head = tokio::time::timeout(within, heads.next()).await.unwrap().unwrap();
    assert_eq!(head.hash, new.hash);
    let removed = tokio::time::timeout(within, logs.next()).await.unwrap().unwrap();
    assert_eq!((removed.block_hash, removed.removed), (Some(old.hash), true));
    let again = tokio::time::timeout(within, logs.next()).await.unwrap().unwrap();
    assert_eq!((again.block_hash, again.removed), (Some(new.hash), false));
}
