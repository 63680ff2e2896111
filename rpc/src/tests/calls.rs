//! Calls, estimates, access lists, overrides.

use alloy_primitives::{Address, Bytes, U256};
use serde_json::{Value, json};

use super::world::{BURNER, COUNTER, Client, GENESIS_TIME, ORACLE, REVERTER, World, account, tx};

/// Words of the oracle: number, time, base fee, coinbase, balance of the caller, slot 1.
async fn oracle(client: &Client, params: Value) -> Vec<U256> {
    let output: Bytes = serde_json::from_value(client.call("eth_call", params).await).unwrap();
    output.chunks(32).map(U256::from_be_slice).collect()
}

#[tokio::test]
async fn a_call_sees_the_block_it_names_and_changes_nothing() {
    let world = World::rollup();
    world.block(&[tx(&world, 0, 0, COUNTER, 0)]);
    world.block(&[]);
    let client = world.serve().await;
    let count = |block: &'static str| json!([{ "to": COUNTER }, block]);
    let word = |value: u8| format!("0x{value:064x}");
    assert_eq!(client.call("eth_call", count("0x0")).await, word(1));
    assert_eq!(client.call("eth_call", count("latest")).await, word(2));
    assert_eq!(client.call("eth_call", count("pending")).await, word(2));
    assert_eq!(client.call("eth_call", count("latest")).await, word(2));
    let words = oracle(&client, json!([{ "to": ORACLE, "from": account(0) }, "0x1"])).await;
    assert_eq!(words[..3], [U256::from(1), U256::from(GENESIS_TIME + 12), U256::ZERO]);
}

#[tokio::test]
async fn overrides_are_taken_in_both_spellings() {
    let world = World::rollup();
    let client = world.serve().await;
    let state = json!({
        ORACLE.to_string(): { "stateDiff": { format!("0x{:064x}", 1): format!("0x{:064x}", 77) } },
        account(0).to_string(): { "balance": "0x5" },
    });
    let request = json!({ "to": ORACLE, "from": account(0) });
    for block in [
        json!({ "number": "0x63", "time": "0x7", "coinbase": Address::repeat_byte(1), "baseFee": "0x9" }),
        json!({ "blockNumber": "0x63", "timestamp": "0x7", "feeRecipient": Address::repeat_byte(1), "baseFeePerGas": "0x9" }),
    ] {
        let words = oracle(&client, json!([request, "latest", state, block])).await;
        assert_eq!((words[0], words[1]), (U256::from(99), U256::from(7)));
        assert_eq!(words[3], U256::from_be_slice(Address::repeat_byte(1).as_slice()));
        assert_eq!((words[4], words[5]), (U256::from(5), U256::from(77)));
    }
    let (code, text, data) = client.refused("eth_call", json!([request, "latest", null, { "numbre": "0x1" }])).await;
    assert_eq!(code, -32602, "{text} {data}");
    let both = json!({ ORACLE.to_string(): { "state": {}, "stateDiff": {} } });
    assert_eq!(client.refused("eth_call", json!([request, "latest", both])).await.0, -32602);
    let code = json!({ account(5).to_string(): { "code": "0x602a5f5260205ff3" } });
    let output = client.call("eth_call", json!([{ "to": account(5) }, "latest", code])).await;
    assert_eq!(output, format!("0x{:064x}", 42));
}

#[tokio::test]
async fn a_revert_has_its_reason_and_data_in_call_and_estimate() {
    let world = World::rollup();
    let client = world.serve().await;
    for method in ["eth_call", "eth_estimateGas"] {
        let (code, text, data) = client.refused(method, json!([{ "to": REVERTER }])).await;
        assert_eq!((code, text.as_str()), (3, "execution reverted: nope"), "{method}");
        assert!(data.as_str().unwrap().starts_with("0x08c379a0"), "{data}");
    }
}

#[tokio::test]
async fn an_estimate_is_enough_and_exact_for_a_transfer() {
    let world = World::rollup();
    let client = world.serve().await;
    let gas = |value: Value| value.as_str().unwrap().parse::<U256>().unwrap().to::<u64>();
    let transfer =
        gas(client.call("eth_estimateGas", json!([{ "from": account(0), "to": account(1), "value": "0x1" }])).await);
    let sent = tx(&world, 0, 0, account(1), 1);
    world.block(std::slice::from_ref(&sent));
    let receipt = client.call("eth_getTransactionReceipt", json!([sent.tx_hash()])).await;
    assert_eq!(gas(receipt["gasUsed"].clone()), transfer);
    let request = json!({ "from": account(0), "to": COUNTER });
    let counted = gas(client.call("eth_estimateGas", json!([request])).await);
    let with_gas = |gas: u64| json!([{ "from": account(0), "to": COUNTER, "gas": format!("{gas:#x}") }]);
    client.call("eth_call", with_gas(counted)).await;
    client.refused("eth_call", with_gas(counted / 2)).await;
}

#[tokio::test]
async fn a_call_that_burns_everything_says_out_of_gas() {
    let world = World::rollup();
    let client = world.serve().await;
    let (code, text, _) = client.refused("eth_call", json!([{ "to": BURNER, "gas": "0x10000" }])).await;
    assert_eq!((code, text.as_str()), (-32000, "out of gas"));
    let (code, text, _) = client.refused("eth_estimateGas", json!([{ "to": BURNER }])).await;
    assert_eq!((code, text.starts_with("gas required exceeds allowance (")), (-32000, true), "{text}");
}

#[tokio::test]
async fn impossible_requests_are_refused_in_known_words() {
    let world = World::rollup();
    let client = world.serve().await;
    let poor = Address::repeat_byte(0x77);
    let cases = [
        (json!({ "from": poor, "to": COUNTER, "value": "0x1" }), -32000, "insufficient funds for gas * price + value"),
        (
            json!({ "from": account(0), "to": COUNTER, "maxFeePerGas": "0x1" }),
            -32000,
            "max fee per gas less than block base fee",
        ),
        (
            json!({ "from": account(0), "to": COUNTER, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2" }),
            -32000,
            "max priority fee per gas higher than max fee per gas",
        ),
        (json!({ "to": COUNTER, "gas": "0x10" }), -32000, "intrinsic gas too low"),
        (json!({ "to": COUNTER, "chainId": "0x1" }), -32000, "invalid chain id for signer"),
        (json!({ "to": COUNTER, "gasPrice": "0x1", "maxFeePerGas": "0x2" }), -32602, "both gasPrice and"),
        (json!({ "to": COUNTER, "data": "0x01", "input": "0x02" }), -32602, ""),
        (
            json!({ "to": COUNTER, "blobVersionedHashes": [format!("0x01{:062x}", 1)] }),
            -32000,
            "transaction type not valid",
        ),
    ];
    for (request, code, words) in cases {
        let (seen, text, _) = client.refused("eth_call", json!([request])).await;
        assert_eq!((seen, text.contains(words)), (code, true), "{request}: {text}");
    }
}

#[tokio::test]
async fn an_access_list_names_slots_and_makes_them_warm() {
    let world = World::rollup();
    let client = world.serve().await;
    let answer = client.call("eth_createAccessList", json!([{ "from": account(0), "to": COUNTER }])).await;
    let counter = COUNTER.to_string().to_lowercase();
    assert_eq!(answer["accessList"], json!([{ "address": counter, "storageKeys": [format!("0x{:064x}", 0)] }]));
    assert!(answer["gasUsed"].is_string() && answer.get("error").is_none(), "{answer}");
    let reverted = client.call("eth_createAccessList", json!([{ "to": REVERTER }])).await;
    assert_eq!(reverted["error"], "execution reverted: nope");
}

#[tokio::test]
async fn a_request_is_filled_signed_and_sent_by_a_development_key() {
    let world = World::rollup();
    let client = world.serve().await;
    let request = json!({ "from": account(4), "to": account(5), "value": "0x1" });
    let filled = client.call("eth_fillTransaction", json!([request])).await;
    let tx = &filled["tx"];
    assert_eq!(
        (tx["nonce"].as_str(), tx["type"].as_str(), tx["chainId"].as_str()),
        (Some("0x0"), Some("0x2"), Some("0x1edd")),
        "{filled}"
    );
    let hash = client.call("eth_sendTransaction", json!([request])).await;
    client.call("evm_mine", json!([])).await;
    let receipt = client.call("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!((receipt["status"].as_str(), receipt["blockNumber"].as_str()), (Some("0x1"), Some("0x1")));
    let signature = client.call("personal_sign", json!(["0x6869", account(0)])).await;
    assert_eq!(signature.as_str().unwrap().len(), 2 + 130);
    let (_, text, _) = client.refused("eth_sign", json!([COUNTER, "0x00"])).await;
    assert!(text.starts_with("unknown account"), "{text}");
    let (_, text, _) = client.refused("evm_increaseTime", json!(["0x5"])).await;
    assert!(text.contains("not supported on this chain"), "{text}");
}
