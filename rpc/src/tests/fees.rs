//! Prices and their history.

use serde_json::json;

use super::world::{World, account, tx};

#[tokio::test]
async fn prices_follow_the_next_block_and_what_was_paid() {
    let world = World::rollup();
    let client = world.serve().await;
    // Nothing was paid yet: only what the pool asks for.
    assert_eq!(client.call("eth_maxPriorityFeePerGas", json!([])).await, "0x1");
    let base = client.call("eth_baseFee", json!([])).await;
    assert_eq!(base, format!("{:#x}", 875_000_000));
    assert_eq!(client.call("eth_gasPrice", json!([])).await, format!("{:#x}", 875_000_001));
    assert_eq!(client.call("eth_blobBaseFee", json!([])).await, "0x1");
    world.block(&[tx(&world, 0, 0, account(1), 1)]);
    assert_eq!(client.call("eth_maxPriorityFeePerGas", json!([])).await, format!("{:#x}", 1_000_000_000));
}

#[tokio::test]
async fn a_history_has_one_more_base_fee_than_blocks() {
    let world = World::rollup();
    for nonce in 0..3 {
        world.block(&[tx(&world, 0, nonce, account(1), 1)]);
    }
    world.block(&[]);
    let client = world.serve().await;
    let history = client.call("eth_feeHistory", json!(["0x3", "latest", [10, 50.5, 90]])).await;
    assert_eq!(history["oldestBlock"], "0x2");
    let len = |field: &str| history[field].as_array().unwrap().len();
    assert_eq!((len("baseFeePerGas"), len("gasUsedRatio"), len("reward")), (4, 3, 3));
    assert_eq!((len("baseFeePerBlobGas"), len("blobGasUsedRatio")), (4, 3));
    let tip = format!("{:#x}", 1_000_000_000);
    assert_eq!(history["reward"][0], json!([tip, tip, tip]));
    assert_eq!(history["reward"][2], json!(["0x0", "0x0", "0x0"]));
    // More than there are blocks, as a plain number too; no percentiles, no rewards.
    let all = client.call("eth_feeHistory", json!(["0x100", "latest"])).await;
    assert_eq!((all["oldestBlock"].as_str(), all.get("reward")), (Some("0x0"), None), "{all}");
    for wrong in [json!([101]), json!([-1]), json!([50, 20])] {
        assert_eq!(client.refused("eth_feeHistory", json!(["0x1", "latest", wrong])).await.0, -32602);
    }
}
