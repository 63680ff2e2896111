//! The archive: which bytes, of which blocks, and every refusal.

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes};
use serde_json::json;

use super::world::{Client, World, tx};
use crate::{Limits, catalogue::Namespace};

async fn get(client: &Client, path: &str) -> (u16, Bytes) {
    let answer = client.http.get(format!("{}/archive/v1/blocks/{path}", client.url())).send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().into())
}

#[tokio::test]
async fn the_archive_gives_the_payload_data_of_landed_blocks_and_of_no_others() {
    let world = World::rollup();
    let transactions = [tx(&world, 0, 0, Address::repeat_byte(1), 5), tx(&world, 1, 0, Address::repeat_byte(1), 6)];
    let landed = world.build(&transactions, 0);
    let hash = world.append(&landed).hash;
    let above = world.block(&[]).hash;
    world.settle(1, 0);
    let client = world.serve().await;
    let raw: Vec<Vec<u8>> = transactions.iter().map(|tx| tx.inner().encoded_2718()).collect();
    let expected = Bytes::from(bridge::blob::encode(&landed.bal, &raw));
    assert_eq!(get(&client, &hash.to_string()).await, (200, expected));
    let answer = client.http.get(format!("{}/archive/v1/blocks/{hash}", client.url())).send().await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(answer.headers()["content-type"], "application/octet-stream");
    for nothing in [above, B256::ZERO, world.spec.genesis_hash()] {
        assert_eq!(get(&client, &nothing.to_string()).await.0, 404);
    }
    for garbage in ["", "0x12", "latest", &"1".repeat(10_000)] {
        assert_eq!(get(&client, garbage).await.0, 400);
    }
    let posted = client.http.post(format!("{}/archive/v1/blocks/{hash}", client.url())).body("x").send().await.unwrap();
    assert_eq!(posted.status().as_u16(), 405);
    // Its access list is forgotten: what the blobs carried can't be made any more.
    world.settle(2, 2);
    assert_eq!(world.chain.forget_bals(u64::MAX, 2).unwrap(), 2);
    assert_eq!(get(&client, &hash.to_string()).await.0, 404);
    assert_eq!(get(&client, &above.to_string()).await.0, 200);
    let (code, text, _) = client.refused("eth_getBlockAccessList", json!(["0x1"])).await;
    assert_eq!((code, text.as_str()), (4444, "pruned history unavailable: requested 1, earliest 2"));
    assert!(client.call("eth_getBlockAccessList", json!(["0x2"])).await.is_array());
}

#[tokio::test]
async fn an_archive_that_is_busy_says_when_to_come_back() {
    let world = World::rollup();
    let hash = world.block(&[]).hash;
    world.settle(1, 0);
    let client = world.serve_with(Limits { concurrent_archive: 0, ..Default::default() }, |_| {}).await;
    let answer = client.http.get(format!("{}/archive/v1/blocks/{hash}", client.url())).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (503, "1"));
}

#[tokio::test]
async fn there_is_no_archive_without_the_rollup_namespace_or_on_an_l1() {
    let world = World::rollup();
    let hash = world.block(&[]).hash.to_string();
    world.settle(1, 0);
    let client = world.serve_with(Limits::default(), |config| config.namespaces = vec![Namespace::Eth]).await;
    assert_eq!(get(&client, &hash).await.0, 405);
    let l1 = World::l1();
    let hash = l1.block(&[]).hash.to_string();
    assert_eq!(get(&l1.serve().await, &hash).await.0, 405);
}
