//! Blocks, transactions, finality, restarts.

use alloy_primitives::{Address, B256, U256};
use chainspec::dev::ACCOUNTS;
use serde_json::json;

use super::net::{Net, blob_text, config, deployment, good_blob_transaction, number, stopped, transfer};
use crate::{Config, StartError, start};

const BOB: Address = Address::repeat_byte(0xb0);

#[tokio::test(flavor = "multi_thread")]
async fn transfers_land_in_slots_and_slots_tell_the_time() {
    let net = Net::new(config()).await;
    let hashes = [
        net.send(&transfer(0, 0, BOB, 5)).await,
        net.send(&transfer(0, 1, BOB, 7)).await,
        net.send(&transfer(1, 0, BOB, 11)).await,
    ];
    for hash in hashes {
        let receipt = net.until("it is mined", async |net| net.receipt(hash).await).await;
        assert_eq!(receipt["status"], "0x1");
        let block = net.block(receipt["blockNumber"].clone()).await;
        let slot = number(&block["slotNumber"]);
        assert_eq!(number(&block["timestamp"]), net.handle.slots.timestamp(slot));
        assert_eq!(block["gasLimit"], "0xbebc200");
    }
    assert_eq!(net.balance(BOB).await, U256::from(23));
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_block_comes_within_two_seconds_however_long_slots_are() {
    let begun = std::time::Instant::now();
    let net = Net::new(Config { slot_ms: 12_000, ..config() }).await;
    net.until("there is a block", async |net| (net.status().await.head.number > 0).then_some(())).await;
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn finality_follows_the_head_by_slots() {
    let net = stopped().await;
    net.mine(12).await;
    let status = net.status().await;
    assert_eq!(status.safe.number, status.head.number - 4);
    assert_eq!(status.finalized.number, status.head.number - 8);
    for (tag, block) in [("safe", status.safe), ("finalized", status.finalized), ("latest", status.head)] {
        assert_eq!(net.block(tag).await["hash"], json!(block.hash), "{tag}");
    }
    let finalized = net.beacon_ok("/eth/v1/beacon/headers/finalized").await;
    assert_eq!(finalized["finalized"], true);
    assert_eq!(finalized["data"]["header"]["message"]["body_root"], json!(status.finalized.hash));
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_the_chain_and_the_pool() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { slot_ms: 60_000, datadir: Some(folder.path().join("l1")), ..config() };
    let net = Net::new(config.clone()).await;
    net.rpc("dev_stop", json!([])).await;
    let landed = net.send(&transfer(0, 0, BOB, 5)).await;
    net.mine(3).await;
    net.rpc("dev_reorg", json!([1])).await;
    net.rpc("dev_setBaseFee", json!([7_000_000_000u64])).await;
    net.mine(1).await;
    // Behind a gap: it has to wait, also across the restart.
    let waiting = net.send(&transfer(0, 2, BOB, 6)).await;
    let before = net.status().await;
    net.handle.stop().await;

    let net = Net::new(config.clone()).await;
    net.rpc("dev_stop", json!([])).await;
    let after = net.status().await;
    // A slot may have begun in between.
    let at_before = net.block(format!("{:#x}", before.head.number)).await;
    assert_eq!(at_before["hash"], json!(before.head.hash));
    assert_eq!(after.overridden_blocks, before.overridden_blocks);
    assert_eq!(after.genesis_time, before.genesis_time);
    assert_eq!(after.pool_queued, 1);
    assert!(net.receipt(landed).await.is_some());
    net.send(&transfer(0, 1, BOB, 7)).await;
    net.mine(1).await;
    assert!(net.receipt(waiting).await.is_some());
    assert_eq!(net.balance(BOB).await, U256::from(18));
    net.handle.stop().await;

    let error = start(Config { slot_ms: 2_000, ..config }).await.unwrap_err().to_string();
    assert!(error.contains("--l1.slot-ms 60000, now 2000"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_the_blobs_and_a_reorg_after_it_finds_them_again() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { slot_ms: 60_000, datadir: Some(folder.path().into()), ..config() };
    let net = Net::new(config.clone()).await;
    net.rpc("dev_stop", json!([])).await;
    net.mine(2).await;
    let (raw, _, blobs) = good_blob_transaction(0, 0, 1);
    let hash = net.send(&raw).await;
    net.mine(1).await;
    let slot = net.status().await.head_slot;
    net.handle.stop().await;

    let net = Net::new(config).await;
    net.rpc("dev_stop", json!([])).await;
    let path = format!("/eth/v1/beacon/blobs/{slot}");
    assert_eq!(net.beacon_ok(&path).await["data"], json!([blob_text(&blobs[0])]));
    let depth = net.status().await.head.number - number(&net.receipt(hash).await.unwrap()["blockNumber"]) + 1;
    let reorg = net.rpc("dev_reorg", json!([depth])).await;
    assert_eq!(reorg["returned"], json!([hash]));
    assert_eq!(net.beacon_ok(&path).await["data"], json!([blob_text(&blobs[0])]));
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_port_is_told_by_the_flag_that_changes_it() {
    let net = stopped().await;
    let error = start(Config { http_port: net.handle.http.port(), ..config() }).await.unwrap_err();
    assert!(matches!(&error, StartError::PortInUse { flag: "--l1.http-port", .. }), "{error}");
    let error = start(Config { beacon_port: net.handle.beacon.port(), ..config() }).await.unwrap_err();
    assert!(matches!(&error, StartError::PortInUse { flag: "--l1.beacon-port", .. }), "{error}");
    let error = start(Config { slot_ms: 1_500, ..config() }).await.unwrap_err().to_string();
    assert!(error.starts_with("--l1.slot-ms 1500"), "{error}");
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn execute_is_a_precompile_and_its_neighbour_is_not() {
    let net = stopped().await;
    net.mine(1).await;
    let call = |to: Address| json!([{ "to": to, "data": "0x1501deadbeef", "gas": "0x989680" }, "latest"]);
    let refused = net.try_rpc("eth_call", call(chainspec::predeploys::EXECUTE)).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(net.rpc("eth_call", call(Address::with_last_byte(0xee))).await, "0x");
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_is_deployed_whose_state_gas_is_above_the_transaction_cap() {
    let net = stopped().await;
    // PUSH2 20000, PUSH0, RETURN: 20,000 bytes of code, 30.6 million gas (EIP-8037), more than EIP-7825's 2^24.
    let init = "0x614e205ff3";
    let gas = net.rpc("eth_estimateGas", json!([{ "from": ACCOUNTS[0].address, "data": init }])).await;
    assert!(number(&gas) > 30_000_000, "{gas}");
    let hash = net.send(&deployment(0, 0, number(&gas), init)).await;
    net.mine(1).await;
    let receipt = net.receipt(hash).await.unwrap();
    assert_eq!(receipt["status"], "0x1");
    let code = net.rpc("eth_getCode", json!([receipt["contractAddress"], "latest"])).await;
    assert_eq!(code.as_str().unwrap().len(), 2 + 2 * 20_000);
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_transactions_leave_the_pool_and_the_block_alone() {
    let net = stopped().await;
    let good = net.send(&transfer(0, 0, BOB, 5)).await;
    for (raw, text) in [
        (transfer(0, 0, BOB, 5), "already known"),
        (transfer(0, 0, BOB, 6), "replacement transaction underpriced"),
        (vec![2, 0xc0].into(), "failed to decode"),
        (vec![].into(), ""),
    ] {
        let error = net.try_rpc("eth_sendRawTransaction", json!([raw])).await.unwrap_err();
        assert!(error["message"].as_str().unwrap().contains(text), "{text}: {error}");
    }
    net.mine(1).await;
    assert!(net.receipt(good).await.is_some());
    let error = net.try_rpc("eth_sendRawTransaction", json!([transfer(0, 0, BOB, 6)])).await.unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("nonce too low"), "{error}");
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eip_4788_holds_the_root_of_the_parents_beacon_block() {
    let net = stopped().await;
    net.mine(3).await;
    let head = net.block("latest").await;
    let root: B256 = serde_json::from_value(head["parentBeaconBlockRoot"].clone()).unwrap();
    let parent = net.beacon_ok(&format!("/eth/v1/beacon/headers/{root}")).await;
    assert_eq!(parent["data"]["root"], json!(root));
    assert_eq!(parent["data"]["header"]["message"]["body_root"], head["parentHash"]);
    let timestamp = U256::from(number(&head["timestamp"]));
    let to = "0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02";
    let stored = net.rpc("eth_call", json!([{ "to": to, "data": B256::from(timestamp) }, "latest"])).await;
    assert_eq!(stored, json!(root));
    net.handle.stop().await;
}
