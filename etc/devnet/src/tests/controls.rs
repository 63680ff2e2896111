//! Reorgs, slots, fees.

use alloy_primitives::{Address, U256};
use serde_json::{Value, json};

use super::net::{GWEI, Net, blob_text, config, good_blob_transaction, number, stopped, transfer};

const BOB: Address = Address::repeat_byte(0xb0);

async fn timestamps(net: &Net, from: u64, to: u64) -> Vec<u64> {
    let mut timestamps = Vec::new();
    for number_ in from..=to {
        timestamps.push(number(&net.block(format!("{number_:#x}")).await["timestamp"]));
    }
    timestamps
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_replaces_blocks_and_includes_their_transactions_again() {
    let net = stopped().await;
    net.mine(2).await;
    let transfer_hash = net.send(&transfer(0, 0, BOB, 5)).await;
    net.mine(1).await;
    let (raw, hashes, blobs) = good_blob_transaction(1, 0, 1);
    let blob_hash = net.send(&raw).await;
    net.mine(1).await;
    let head = net.status().await.head;
    let before = timestamps(&net, head.number - 1, head.number).await;

    let reorg = net.rpc("dev_reorg", json!([2])).await;
    let count = |field: &str| reorg[field].as_array().unwrap().len();
    assert_eq!((count("removed"), count("added"), count("returned"), count("dropped")), (2, 3, 2, 0), "{reorg}");
    let after = net.status().await.head;
    assert_eq!(after.number, head.number + 1);
    assert_eq!(timestamps(&net, head.number - 1, head.number).await, before);
    let old: Vec<&Value> = reorg["removed"].as_array().unwrap().iter().map(|block| &block["hash"]).collect();
    for number in head.number - 1..=head.number {
        assert!(!old.contains(&&net.block(format!("{number:#x}")).await["hash"]));
    }
    for hash in [transfer_hash, blob_hash] {
        assert_eq!(number(&net.receipt(hash).await.unwrap()["blockNumber"]), head.number - 1);
    }
    assert_eq!(net.balance(BOB).await, U256::from(5));
    let slot = number(&net.block(format!("{:#x}", head.number - 1)).await["slotNumber"]);
    let served = net.beacon_ok(&format!("/eth/v1/beacon/blobs/{slot}?versioned_hashes={}", hashes[0])).await;
    assert_eq!(served["data"], json!([blob_text(&blobs[0])]));
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorg_with_drop_takes_transactions_and_blobs_away() {
    let net = stopped().await;
    net.mine(2).await;
    let (raw, ..) = good_blob_transaction(0, 0, 1);
    let dropped = net.send(&raw).await;
    net.mine(1).await;
    let slot = net.status().await.head_slot;
    let kept = net.send(&transfer(1, 0, BOB, 5)).await;

    let reorg = net.rpc("dev_reorg", json!([1, { "drop": true }])).await;
    assert_eq!((&reorg["returned"], &reorg["dropped"]), (&json!([]), &json!([dropped])));
    assert!(net.receipt(dropped).await.is_none());
    assert!(net.rpc("eth_getTransactionByHash", json!([dropped])).await.is_null());
    assert_eq!(net.beacon_ok(&format!("/eth/v1/beacon/blobs/{slot}")).await["data"], json!([]));
    // What was only in the pool is none of the dropped.
    assert!(net.receipt(kept).await.is_some());
    // The sender may send it again.
    assert_eq!(net.send(&raw).await, dropped);
    net.mine(1).await;
    assert!(net.receipt(dropped).await.is_some());
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_final_stays() {
    let net = stopped().await;
    net.mine(10).await;
    let status = net.status().await;
    let possible = status.head.number - status.finalized.number;
    for depth in [0, possible + 1, 1_000_000] {
        let error = net.try_rpc("dev_reorg", json!([depth])).await.unwrap_err();
        assert_eq!(error["code"], -32602, "{error}");
    }
    assert_eq!(net.status().await.head, status.head);
    net.rpc("dev_reorg", json!([possible])).await;
    assert_eq!(net.status().await.head.number, status.head.number + 1);
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn skipped_slots_stay_empty_and_a_stopped_chain_stands_still() {
    let net = Net::new(config()).await;
    let head = net.until("there is a block", async |net| Some(net.status().await).filter(|s| s.head.number > 0)).await;
    assert_eq!(net.rpc("dev_skipSlot", json!([2])).await, 2);
    let after = net
        .until("the slots are skipped", async |net| {
            let status = net.status().await;
            (status.slots_to_skip == 0 && status.head_slot > head.head_slot + 2).then_some(status)
        })
        .await;
    assert!(after.head.number + 2 <= after.head_slot, "{after:?}");
    // At least one of the skipped slots is empty in the beacon API.
    let mut empty = 0;
    for slot in head.head_slot + 1..after.head_slot {
        empty += u64::from(net.beacon(&format!("/eth/v1/beacon/headers/{slot}")).await.0 == 404);
    }
    assert!(empty >= 2, "{empty}");

    net.rpc("dev_stop", json!([])).await;
    let stopped = net.status().await;
    net.until("slots have passed", async |net| (net.status().await.slot >= stopped.slot + 2).then_some(())).await;
    assert_eq!(net.status().await.head, stopped.head);
    net.rpc("dev_resume", json!([])).await;
    net.until("blocks come again", async |net| (net.status().await.head.number > stopped.head.number).then_some(()))
        .await;
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_runs_ahead_of_time_only_so_far_and_time_can_be_moved() {
    let net = stopped().await;
    assert!(net.try_rpc("dev_mine", json!([65])).await.is_err());
    net.mine(64).await;
    let error = loop {
        match net.try_rpc("dev_mine", json!([1])).await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(error["message"].as_str().unwrap().contains("evm_increaseTime"), "{error}");
    net.rpc("evm_increaseTime", json!(["0x78"])).await;
    net.mine(1).await;
    assert_eq!(net.status().await.time_offset_s, 120);
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_are_what_they_were_set_to_and_the_blocks_are_listed() {
    let net = stopped().await;
    net.mine(1).await;
    net.rpc("dev_setBaseFee", json!([50 * GWEI as u64, 2])).await;
    let excess = net.rpc("dev_setBlobBaseFee", json!([1_000_000])).await.as_u64().unwrap();
    assert_eq!(net.status().await.next_base_fee, 50 * GWEI as u64);
    let sent = net.send(&transfer(0, 0, BOB, 5)).await;
    net.mine(3).await;
    let head = net.status().await.head.number;
    let mut fees = Vec::new();
    for number_ in head - 2..=head {
        let block = net.block(format!("{number_:#x}")).await;
        fees.push((number(&block["baseFeePerGas"]), number(&block["excessBlobGas"])));
    }
    assert_eq!(fees[0], (50 * GWEI as u64, excess));
    assert_eq!(fees[1].0, 50 * GWEI as u64);
    // EIP-1559 goes on from there: an empty block lowers the base fee by an eighth.
    assert_eq!(fees[2].0, 50 * GWEI as u64 * 7 / 8);
    let receipt = net.receipt(sent).await.unwrap();
    assert_eq!(number(&receipt["effectiveGasPrice"]), 51 * GWEI as u64);
    let listed: Vec<u64> = net.status().await.overridden_blocks.into_keys().collect();
    assert_eq!(listed, [head - 2, head - 1]);
    // A reorg keeps the fees of the height.
    net.rpc("dev_reorg", json!([3])).await;
    let block = net.block(format!("{:#x}", head - 2)).await;
    assert_eq!((number(&block["baseFeePerGas"]), number(&block["excessBlobGas"])), fees[0]);
    net.handle.stop().await;
}
