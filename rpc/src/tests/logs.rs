//! Logs, filters and their limits.

use alloy_primitives::{Address, B256};
use serde_json::json;

use super::world::{COUNTER, Client, TOPIC, World, account, tx};
use crate::Limits;

/// Blocks 1 to 4, a call of the counter in each.
async fn counted(limits: Limits) -> (std::sync::Arc<World>, Client) {
    let world = World::rollup();
    for nonce in 0..4 {
        world.block(&[tx(&world, 0, nonce, COUNTER, 0)]);
    }
    let client = world.serve_with(limits, |_| {}).await;
    (world, client)
}

#[tokio::test]
async fn logs_are_found_by_range_hash_address_and_topic() {
    let (world, client) = counted(Limits::default()).await;
    let count = |filter: serde_json::Value| {
        let client = &client;
        async move { client.call("eth_getLogs", json!([filter])).await.as_array().unwrap().len() }
    };
    assert_eq!(count(json!({ "fromBlock": "0x0", "address": COUNTER })).await, 4);
    assert_eq!(count(json!({ "fromBlock": "0x2", "toBlock": "0x3", "topics": [TOPIC] })).await, 2);
    assert_eq!(
        count(json!({ "fromBlock": "earliest", "toBlock": "latest", "topics": [[TOPIC, B256::ZERO]] })).await,
        4
    );
    assert_eq!(count(json!({ "address": COUNTER })).await, 1);
    assert_eq!(count(json!({ "fromBlock": "0x0", "address": [Address::ZERO] })).await, 0);
    let hash = world.chain.canonical_hash(2).unwrap().unwrap();
    assert_eq!(count(json!({ "blockHash": hash, "address": COUNTER })).await, 1);
    let (code, _, _) = client.refused("eth_getLogs", json!([{ "blockHash": TOPIC }])).await;
    assert_eq!(code, -32001);
    let (code, text, _) = client.refused("eth_getLogs", json!([{ "fromBlock": "0x0", "toBlock": "0x99" }])).await;
    assert_eq!((code, &*text), (-32602, "invalid params: block range extends beyond current head block"));
    let (code, _, _) = client.refused("eth_getLogs", json!([{ "fromBlock": "0x3", "toBlock": "0x2" }])).await;
    assert_eq!(code, -32602);
}

#[tokio::test]
async fn a_wide_query_is_told_a_smaller_range_until_it_fits() {
    let (_world, client) = counted(Limits { log_blocks: 2, ..Default::default() }).await;
    let (code, _, data) = client.refused("eth_getLogs", json!([{ "fromBlock": "0x1", "toBlock": "0x4" }])).await;
    assert_eq!((code, &data), (-32005, &json!({ "from": "0x1", "to": "0x2" })));
    let fits = json!([{ "fromBlock": data["from"], "toBlock": data["to"], "address": COUNTER }]);
    assert_eq!(client.call("eth_getLogs", fits).await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn too_many_logs_are_told_a_range_that_was_seen_to_fit() {
    let (_world, client) = counted(Limits { log_results: 2, ..Default::default() }).await;
    let all = json!([{ "fromBlock": "0x0", "address": COUNTER }]);
    let (code, _, data) = client.refused("eth_getLogs", all).await;
    assert_eq!((code, &data), (-32005, &json!({ "from": "0x0", "to": "0x2" })));
    let (_world, client) = counted(Limits { log_results: 0, ..Default::default() }).await;
    let one = json!([{ "fromBlock": "0x1", "toBlock": "0x1", "address": COUNTER }]);
    assert_eq!(client.refused("eth_getLogs", one).await.0, -32602);
}

#[tokio::test]
async fn a_filter_with_too_many_alternatives_is_refused() {
    let (_world, client) = counted(Limits { filter_addresses: 1, filter_topics: 1, ..Default::default() }).await;
    let (code, text, _) = client.refused("eth_newFilter", json!([{ "address": [COUNTER, Address::ZERO] }])).await;
    assert_eq!((code, text.as_str()), (-32602, "too many addresses in a log filter: 2, at most 1"));
    let (code, _, _) = client.refused("eth_getLogs", json!([{ "topics": [[TOPIC, B256::ZERO]] }])).await;
    assert_eq!(code, -32602);
}

/// Polls until the server's news task has caught up.
async fn changes(client: &Client, id: &serde_json::Value, wanted: usize) -> Vec<serde_json::Value> {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    let mut all = Vec::new();
    while all.len() < wanted {
        assert!(tokio::time::Instant::now() < deadline, "only {all:?} of {wanted}");
        all.extend(client.call("eth_getFilterChanges", json!([id])).await.as_array().unwrap().clone());
        tokio::task::yield_now().await;
    }
    all
}

#[tokio::test]
async fn filters_tell_news_once_and_removed_logs_after_a_reorg() {
    let (world, client) = counted(Limits::default()).await;
    let logs = client.call("eth_newFilter", json!([{ "address": COUNTER }])).await;
    let blocks = client.call("eth_newBlockFilter", json!([])).await;
    assert_eq!(client.call("eth_getFilterChanges", json!([logs])).await, json!([]));
    let old = world.block(&[tx(&world, 0, 4, COUNTER, 0)]);
    assert_eq!(changes(&client, &blocks, 1).await, [json!(old.hash)]);
    assert_eq!(changes(&client, &logs, 1).await[0]["blockHash"], json!(old.hash));

    world.chain.unwind(old.number - 1).unwrap();
    let new = world.append(&world.build(&[tx(&world, 0, 4, COUNTER, 0)], 1));
    let seen = changes(&client, &logs, 2).await;
    assert_eq!((&seen[0]["removed"], &seen[0]["blockHash"]), (&json!(true), &json!(old.hash)));
    assert_eq!((&seen[1]["removed"], &seen[1]["blockHash"]), (&json!(false), &json!(new.hash)));
    assert_eq!(changes(&client, &blocks, 1).await, [json!(new.hash)]);

    let range = client.call("eth_getFilterLogs", json!([logs])).await;
    assert_eq!(range.as_array().unwrap().len(), 1);
    assert_eq!(client.call("eth_uninstallFilter", json!([logs])).await, true);
    assert_eq!(client.call("eth_uninstallFilter", json!([logs])).await, false);
    let (code, text, _) = client.refused("eth_getFilterChanges", json!([logs])).await;
    assert_eq!((code, text.as_str()), (-32000, "filter not found"));
}

#[tokio::test]
async fn a_pending_transaction_filter_sees_the_pool() {
    let (world, client) = counted(Limits::default()).await;
    let hashes = client.call("eth_newPendingTransactionFilter", json!([])).await;
    let full = client.call("eth_newPendingTransactionFilter", json!([true])).await;
    let sent = tx(&world, 1, 0, account(0), 1);
    client.call("eth_sendRawTransaction", json!([super::world::raw(&sent)])).await;
    assert_eq!(changes(&client, &hashes, 1).await, [json!(sent.tx_hash())]);
    assert_eq!(changes(&client, &full, 1).await[0]["hash"], json!(sent.tx_hash()));
}

#[tokio::test]
async fn filters_are_counted_and_one_that_is_too_far_behind_is_gone() {
    let (world, client) = counted(Limits { filters: 2, filter_journal: 2, ..Default::default() }).await;
    let behind = client.call("eth_newBlockFilter", json!([])).await;
    let watcher = client.call("eth_newFilter", json!([{ "address": COUNTER }])).await;
    assert_eq!(client.refused("eth_newBlockFilter", json!([])).await.0, -32005);
    // Each is announced before the next is made, or several would be one entry of the journal.
    for nonce in 4..8 {
        world.block(&[tx(&world, 0, nonce, COUNTER, 0)]);
        changes(&client, &watcher, 1).await;
    }
    let (code, text, _) = client.refused("eth_getFilterChanges", json!([behind])).await;
    assert_eq!((code, text.as_str()), (-32000, "filter not found"));
}
