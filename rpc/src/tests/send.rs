//! The way in, and its refusals.

use std::time::Duration;

use alloy_consensus::{TxEip1559, TxEip4844, TxLegacy};
use alloy_primitives::{B256, Bytes, U256};
use serde_json::json;

use super::world::{World, account, raw, sign, tx};
use crate::Limits;

#[tokio::test]
async fn refusals_use_the_contracts_words() {
    let world = World::rollup();
    let sent = tx(&world, 0, 0, account(1), 1);
    world.block(std::slice::from_ref(&sent));
    let client = world.serve().await;
    let other_chain = TxEip1559 { chain_id: 1, gas_limit: 21_000, to: account(1).into(), ..Default::default() };
    let unprotected = TxLegacy { gas_limit: 21_000, to: account(1).into(), ..Default::default() };
    let dear = TxEip1559 {
        chain_id: 7901,
        gas_limit: 21_000,
        max_fee_per_gas: 10u128.pow(18),
        to: account(1).into(),
        ..Default::default()
    };
    let blobs = TxEip4844 { chain_id: 7901, blob_versioned_hashes: vec![B256::ZERO], ..Default::default() };
    let long =
        TxEip1559 { chain_id: 7901, input: vec![0; 140_000].into(), to: account(1).into(), ..Default::default() };
    let cases = [
        (raw(&sent), "nonce too low: next nonce 1, tx nonce 0"),
        (raw(&sign(0, other_chain)), "invalid chain id for signer: have 1 want 7901"),
        (raw(&sign(0, unprotected)), "only replay-protected (EIP-155) transactions allowed over RPC"),
        (raw(&sign(0, dear)), "--rpc.txfeecap"),
        (raw(&sign(0, blobs)), "transaction type not valid"),
        (raw(&sign(0, long)), "oversized data: transaction size"),
        (json!("0x"), "failed to decode signed transaction"),
        (json!("0x02c0"), "failed to decode signed transaction"),
        (json!("0x7e01"), "transaction type not valid"),
    ];
    for (raw, words) in cases {
        let (code, text, _) = client.refused("eth_sendRawTransaction", json!([raw])).await;
        assert_eq!((code, text.contains(words)), (-32000, true), "{text} lacks {words}");
    }
    let fresh = raw(&tx(&world, 0, 1, account(1), 1));
    client.call("eth_sendRawTransaction", json!([fresh])).await;
    assert_eq!(client.refused("eth_sendRawTransaction", json!([fresh])).await.1, "already known");
}

#[tokio::test]
async fn a_waiting_send_answers_with_the_receipt() {
    let world = World::rollup();
    let client = world.serve().await;
    let sent = tx(&world, 0, 0, account(1), 1);
    let miner = async {
        while world.chain.head().number == 0 {
            if client.call("txpool_status", json!([])).await["pending"] == "0x1" {
                world.mine_pool();
            }
        }
    };
    let params = json!([raw(&sent), 10_000]);
    let (receipt, ()) = tokio::join!(client.call("eth_sendRawTransactionSync", params), miner);
    assert_eq!(receipt["transactionHash"], json!(sent.tx_hash()));
    assert_eq!(receipt["blockNumber"], "0x1");
}

#[tokio::test]
async fn a_waiting_send_tells_timeout_and_gap_apart() {
    let world = World::rollup();
    let client = world.serve_with(Limits { sync_max: Duration::from_secs(5), ..Default::default() }, |_| {}).await;
    let sent = tx(&world, 0, 0, account(1), 1);
    // Hex as well as integers.
    let (code, text, data) = client.refused("eth_sendRawTransactionSync", json!([raw(&sent), "0x64"])).await;
    assert_eq!((code, &data), (4, &json!(sent.tx_hash())), "{text}");
    let gapped = tx(&world, 0, 5, account(1), 1);
    let (code, _, data) = client.refused("eth_sendRawTransactionSync", json!([raw(&gapped), 100])).await;
    assert_eq!((code, data["expectedNonce"].as_str()), (6, Some("0x1")), "{data}");
}

#[tokio::test]
async fn a_zero_fee_cap_is_no_cap() {
    let world = World::rollup();
    let limits = Limits { transaction_fee_cap_wei: U256::ZERO, ..Default::default() };
    let client = world.serve_with(limits, |_| {}).await;
    let dear = TxEip1559 {
        chain_id: 7901,
        gas_limit: 21_000,
        max_fee_per_gas: 10u128.pow(18),
        to: account(1).into(),
        input: Bytes::new(),
        ..Default::default()
    };
    client.call("eth_sendRawTransaction", json!([raw(&sign(0, dear))])).await;
}
