//! Shapes that other programs rely on.

use serde_json::{Value, json};

use super::net::stopped;
use crate::validators;

#[tokio::test(flavor = "multi_thread")]
async fn proposer_duties_are_known_until_the_next_epoch_and_never_change() {
    let net = stopped().await;
    net.mine(1).await;
    for epoch in [0, 1] {
        let answer = net.beacon_ok(&format!("/eth/v1/validator/duties/proposer/{epoch}")).await;
        let expected: Vec<Value> = validators::lookahead(epoch)
            .unwrap()
            .into_iter()
            .map(|(slot, validator)| {
                json!({
                    "pubkey": validator.pubkey,
                    "validator_index": validator.index.to_string(),
                    "slot": slot.to_string(),
                })
            })
            .collect();
        assert_eq!(answer["data"], json!(expected));
        assert_eq!(answer["dependent_root"], net.beacon_ok("/eth/v1/beacon/headers/genesis").await["data"]["root"]);
    }
    for (epoch, status) in [("2", 400), ("18446744073709551615", 400), ("x", 400)] {
        let (got, body) = net.beacon(&format!("/eth/v1/validator/duties/proposer/{epoch}")).await;
        assert_eq!((got, &body["code"]), (status, &json!(status)), "{epoch}: {body}");
    }
    // The block of a slot pays the slot's proposer.
    let status = net.status().await;
    let block = net.block("latest").await;
    let proposer = validators::proposer(status.head_slot);
    assert_eq!(block["miner"].as_str().unwrap().to_lowercase(), proposer.fee_recipient.to_string().to_lowercase());
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_beacon_api_answers_in_the_standard_shapes() {
    let net = stopped().await;
    net.mine(2).await;
    let genesis = net.beacon_ok("/eth/v1/beacon/genesis").await;
    assert_eq!(genesis["data"]["genesis_time"], net.handle.slots.genesis_time.to_string());
    let spec = net.beacon_ok("/eth/v1/config/spec").await;
    assert_eq!((&spec["data"]["SECONDS_PER_SLOT"], &spec["data"]["SLOTS_PER_EPOCH"]), (&json!("60"), &json!("32")));
    let syncing = net.beacon_ok("/eth/v1/node/syncing").await;
    assert_eq!((&syncing["data"]["is_syncing"], &syncing["data"]["sync_distance"]), (&json!(false), &json!("0")));
    assert_eq!(net.beacon("/eth/v1/node/health").await.0, 200);
    assert!(net.beacon_ok("/eth/v1/node/version").await["data"]["version"].is_string());

    let head = net.beacon_ok("/eth/v1/beacon/headers/head").await;
    let status = net.status().await;
    let message = &head["data"]["header"]["message"];
    assert_eq!(message["slot"], status.head_slot.to_string());
    let by_slot = net.beacon_ok(&format!("/eth/v1/beacon/headers/{}", status.head_slot)).await;
    assert_eq!(by_slot, head);
    let parent = net.beacon_ok(&format!("/eth/v1/beacon/headers/{}", message["parent_root"].as_str().unwrap())).await;
    assert_eq!(parent["data"]["root"], message["parent_root"]);
    serde_json::from_value::<alloy_rpc_types_beacon::header::HeaderResponse>(head).unwrap();

    for (path, status) in [
        ("/eth/v1/beacon/headers/latest", 400),
        ("/eth/v1/beacon/headers/999999", 404),
        ("/eth/v1/beacon/blobs/head?versioned_hashes=0x01", 400),
        ("/eth/v1/beacon/nothing", 404),
    ] {
        let (got, body) = net.beacon(path).await;
        assert_eq!((got, &body["code"]), (status, &json!(status)), "{path}: {body}");
        assert!(body["message"].is_string());
    }
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_lists_the_admin_calls_and_no_others() {
    use crate::admin::{AdminServer as _, Controls};
    let net = stopped().await;
    let module = Controls(net.handle.devnet()).into_rpc();
    let mut registered: Vec<&str> = module.method_names().collect();
    registered.sort_unstable();
    let mut listed: Vec<&str> = include_str!("../../README.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `dev_").and_then(|rest| rest.split('`').next()))
        .collect();
    listed.sort_unstable();
    assert_eq!(registered, listed.iter().map(|name| format!("dev_{name}")).collect::<Vec<_>>());
    drop(module);
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_accounts_of_anvil_are_funded_and_can_send_without_a_wallet() {
    let net = stopped().await;
    let accounts = net.rpc("eth_accounts", json!([])).await;
    assert_eq!(accounts[0].as_str().unwrap().to_lowercase(), "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
    let hash = net
        .rpc("eth_sendTransaction", json!([{ "from": accounts[0], "to": accounts[1], "value": "0xde0b6b3a7640000" }]))
        .await;
    net.rpc("evm_mine", json!([])).await;
    let receipt = net.rpc("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], "0x1");
    let error = net.try_rpc("anvil_setBalance", json!([accounts[0], "0x1"])).await.unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("by transactions only"), "{error}");
    net.handle.stop().await;
}
