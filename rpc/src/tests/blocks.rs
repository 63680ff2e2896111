//! Blocks, transactions, receipts, state: names, forms and values of their fields.

use alloy_primitives::U256;
use serde_json::json;
use storage::History;

use super::world::{COUNTER, Client, GENESIS_TIME, ORACLE, TOPIC, World, access_list, account, legacy, raw, tx};
use crate::SyncState;

/// Block 1: a transfer of type 2, two calls of the counter (types 0 and 1), a creation. Block 2: empty.
async fn two_blocks() -> (std::sync::Arc<World>, Client, [String; 4]) {
    let world = World::rollup();
    let transactions = [
        tx(&world, 0, 0, account(1), 5),
        legacy(&world, 1, 0, COUNTER),
        access_list(&world, 2, 0, COUNTER),
        tx(&world, 3, 0, alloy_primitives::TxKind::Create, 0),
    ];
    world.block(&transactions);
    world.block(&[]);
    let client = world.serve().await;
    (world, client, transactions.map(|tx| tx.tx_hash().to_string()))
}

fn is_quantity(value: &serde_json::Value) -> bool {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    digits.is_some_and(|digits| digits == "0" || !digits.is_empty() && !digits.starts_with('0'))
}

#[tokio::test]
async fn a_block_has_every_field_of_its_fork_in_the_right_form() {
    let (world, client, hashes) = two_blocks().await;
    let block = client.call("eth_getBlockByNumber", json!(["0x1", false])).await;
    for field in [
        "number",
        "gasLimit",
        "gasUsed",
        "timestamp",
        "baseFeePerGas",
        "difficulty",
        "size",
        "blobGasUsed",
        "excessBlobGas",
        "slotNumber",
    ] {
        assert!(is_quantity(&block[field]), "{field}: {}", block[field]);
    }
    for field in [
        "hash",
        "parentHash",
        "sha3Uncles",
        "stateRoot",
        "transactionsRoot",
        "receiptsRoot",
        "mixHash",
        "withdrawalsRoot",
        "parentBeaconBlockRoot",
        "requestsHash",
        "blockAccessListHash",
    ] {
        assert_eq!(block[field].as_str().map(str::len), Some(66), "{field}: {}", block[field]);
    }
    assert_eq!(block["logsBloom"].as_str().unwrap().len(), 2 + 512);
    assert_eq!(block["nonce"], "0x0000000000000000");
    assert_eq!(block["miner"], "0xfefefefefefefefefefefefefefefefefefefefe");
    assert_eq!((&block["uncles"], &block["withdrawals"]), (&json!([]), &json!([])));
    assert_eq!(block["transactions"], json!(hashes));
    assert_eq!(block["timestamp"], format!("{:#x}", GENESIS_TIME + 12));
    let hash = world.chain.canonical_hash(1).unwrap().unwrap();
    assert_eq!(block["hash"], json!(hash));
    assert_eq!(client.call("eth_getBlockByHash", json!([hash, false])).await, block);
    assert_eq!(client.call("eth_getHeaderByHash", json!([hash])).await["stateRoot"], block["stateRoot"]);
}

#[tokio::test]
async fn tags_name_their_heads() {
    let (world, client, _) = two_blocks().await;
    world.settle(1, 0);
    for (tag, number) in [("latest", 2), ("safe", 1), ("finalized", 0), ("earliest", 0), ("pending", 3)] {
        let block = client.call("eth_getBlockByNumber", json!([tag, false])).await;
        assert_eq!(block["number"], format!("{number:#x}"), "{tag}");
    }
    assert_eq!(client.call("eth_blockNumber", json!([])).await, "0x2");
    assert_eq!(client.call("eth_getBlockByNumber", json!(["0x99", true])).await, json!(null));
    assert_eq!(client.call("eth_getBlockByHash", json!([TOPIC, true])).await, json!(null));
}

#[tokio::test]
async fn transactions_of_all_types_carry_what_libraries_want() {
    let (_world, client, hashes) = two_blocks().await;
    let block = client.call("eth_getBlockByNumber", json!(["0x1", true])).await;
    let transactions = block["transactions"].as_array().unwrap();
    for (index, kind) in ["0x2", "0x0", "0x1", "0x2"].into_iter().enumerate() {
        let tx = &transactions[index];
        assert_eq!((tx["type"].as_str(), tx["hash"].as_str()), (Some(kind), Some(hashes[index].as_str())));
        for field in ["nonce", "gas", "value", "blockNumber", "transactionIndex", "v", "r", "s", "gasPrice"] {
            assert!(is_quantity(&tx[field]), "{kind} {field}: {}", tx[field]);
        }
        assert_eq!(tx.get("yParity").is_some(), kind != "0x0", "{kind}");
        let by_hash = client.call("eth_getTransactionByHash", json!([hashes[index]])).await;
        assert_eq!(&by_hash, tx);
        let place = json!(["0x1", format!("{index:#x}")]);
        assert_eq!(&client.call("eth_getTransactionByBlockNumberAndIndex", place).await, tx);
    }
    assert_eq!(transactions[3]["to"], json!(null));
    assert_eq!(client.call("eth_getTransactionByBlockNumberAndIndex", json!(["0x1", "0x9"])).await, json!(null));
    assert_eq!(client.call("eth_getBlockTransactionCountByNumber", json!(["0x1"])).await, "0x4");
    assert_eq!(client.call("eth_getUncleCountByBlockNumber", json!(["0x1"])).await, "0x0");
    assert_eq!(client.call("eth_getUncleByBlockNumberAndIndex", json!(["0x1", "0x0"])).await, json!(null));
}

#[tokio::test]
async fn receipts_count_gas_of_one_transaction_and_logs_of_the_block() {
    let (_world, client, hashes) = two_blocks().await;
    let receipts = client.call("eth_getBlockReceipts", json!(["0x1"])).await;
    let receipts = receipts.as_array().unwrap();
    let number = |value: &serde_json::Value| value.as_str().unwrap().parse::<U256>().unwrap();
    let mut cumulative = U256::ZERO;
    let mut logs = 0;
    for (receipt, hash) in receipts.iter().zip(&hashes) {
        cumulative += number(&receipt["gasUsed"]);
        assert_eq!(number(&receipt["cumulativeGasUsed"]), cumulative);
        assert_eq!(
            (receipt["status"].as_str(), receipt["transactionHash"].as_str()),
            (Some("0x1"), Some(hash.as_str()))
        );
        assert!(receipt["logsBloom"].is_string() && receipt["from"].is_string() && receipt["type"].is_string());
        for log in receipt["logs"].as_array().unwrap() {
            assert_eq!(number(&log["logIndex"]), U256::from(logs));
            assert_eq!(log["transactionHash"], receipt["transactionHash"]);
            assert_eq!((&log["removed"], log["blockNumber"].as_str()), (&json!(false), Some("0x1")));
            logs += 1;
        }
        assert_eq!(&client.call("eth_getTransactionReceipt", json!([hash])).await, receipt);
    }
    assert!(logs >= 2, "both calls of the counter log");
    // 1 gwei of base fee at genesis falls by an eighth in block 1.
    assert_eq!(receipts[0]["effectiveGasPrice"], format!("{:#x}", 1_875_000_000u64));
    assert_eq!(receipts[1]["effectiveGasPrice"], format!("{:#x}", 3_000_000_000u64));
    assert_eq!(receipts[0]["contractAddress"], json!(null));
    assert_eq!(receipts[3]["contractAddress"], json!(account(3).create(0)));
    assert_eq!(client.call("eth_getTransactionReceipt", json!([TOPIC])).await, json!(null));
}

#[tokio::test]
async fn state_is_read_at_any_block() {
    let (_world, client, _) = two_blocks().await;
    let at = |block: serde_json::Value| json!([COUNTER, "0x0", block]);
    let word = |value: u8| format!("0x{value:064x}");
    assert_eq!(client.call("eth_getStorageAt", at(json!("0x0"))).await, word(0));
    assert_eq!(client.call("eth_getStorageAt", at(json!("latest"))).await, word(2));
    let hash = client.call("eth_getBlockByNumber", json!(["0x1", false])).await["hash"].clone();
    assert_eq!(client.call("eth_getStorageAt", at(json!({ "blockHash": hash }))).await, word(2));
    assert_eq!(client.call("eth_getStorageAt", at(json!({ "blockNumber": "0x0" }))).await, word(0));
    assert_eq!(client.call("eth_getTransactionCount", json!([account(0), "0x0"])).await, "0x0");
    assert_eq!(client.call("eth_getTransactionCount", json!([account(0), "latest"])).await, "0x1");
    assert_eq!(client.call("eth_getBalance", json!([account(1), "0x0"])).await, "0x21e19e0c9bab2400000");
    assert!(client.call("eth_getCode", json!([ORACLE])).await.as_str().unwrap().len() > 10);
    assert_eq!(client.call("eth_getCode", json!([account(0)])).await, "0x");
    let info = client.call("eth_getAccountInfo", json!([account(0), "latest"])).await;
    assert_eq!((info["nonce"].as_str(), info["code"].as_str()), (Some("0x1"), Some("0x")));
    let (code, text, _) = client.refused("eth_getBalance", json!([account(0), "0x99"])).await;
    assert_eq!((code, text.contains("block not found")), (-32001, true), "{text}");
}

#[tokio::test]
async fn a_proof_verifies_against_the_state_root_of_an_old_block() {
    let (_world, client, _) = two_blocks().await;
    for block in ["0x0", "0x1", "0x2"] {
        let proof = client.call("eth_getProof", json!([COUNTER, ["0x0", "0x7"], block])).await;
        let root = client.call("eth_getBlockByNumber", json!([block, false])).await["stateRoot"].clone();
        let response: alloy_rpc_types_eth::EIP1186AccountProofResponse = serde_json::from_value(proof.clone()).unwrap();
        let root = serde_json::from_value(root).unwrap();
        let key = |slot: u8| alloy_primitives::keccak256(alloy_primitives::B256::with_last_byte(slot));
        let account = alloy_trie::TrieAccount {
            nonce: response.nonce,
            balance: response.balance,
            storage_root: response.storage_hash,
            code_hash: response.code_hash,
        };
        let path = alloy_trie::Nibbles::unpack(alloy_primitives::keccak256(COUNTER));
        alloy_trie::proof::verify_proof(root, path, Some(alloy_rlp::encode(account)), &response.account_proof).unwrap();
        for (slot, proof) in [0u8, 7].into_iter().zip(&response.storage_proof) {
            let value = (!proof.value.is_zero()).then(|| alloy_rlp::encode(proof.value));
            let path = alloy_trie::Nibbles::unpack(key(slot));
            alloy_trie::proof::verify_proof(response.storage_hash, path, value, &proof.proof).unwrap();
        }
        // Keys come back as they were sent (execution-apis, geth).
        assert_eq!(proof["storageProof"][0]["key"], "0x0");
    }
    let (code, _, _) = client.refused("eth_getProof", json!([COUNTER, [], "pending"])).await;
    assert_eq!(code, -32000);
}

#[tokio::test]
async fn states_that_are_no_longer_kept_are_refused_by_name() {
    let world = World::rollup_keeping(History::Blocks(2));
    let client = world.serve().await;
    for _ in 0..6 {
        let at = world.block(&[]);
        world.chain.put_heads(at, at).unwrap();
    }
    let reads = |block: &'static str| {
        [
            ("eth_getBalance", json!([account(1), block])),
            ("eth_getCode", json!([COUNTER, block])),
            ("eth_getStorageAt", json!([COUNTER, "0x0", block])),
            ("eth_getTransactionCount", json!([account(0), block])),
            ("eth_call", json!([{ "to": COUNTER }, block])),
            ("eth_getProof", json!([COUNTER, ["0x0"], block])),
            ("debug_executionWitness", json!([if block == "0x4" { "0x5" } else { "0x4" }])),
        ]
    };
    for (method, params) in reads("0x4") {
        client.call(method, params).await;
    }
    for (method, params) in reads("0x3") {
        let (code, text, _) = client.refused(method, params).await;
        assert_eq!((code, &*text), (4444, "pruned history unavailable: requested 3, earliest 4"), "{method}");
    }
    let capabilities = client.call("eth_capabilities", json!([])).await;
    let oldest = |kind: &str| capabilities[kind]["oldestBlock"].clone();
    assert_eq!([oldest("state"), oldest("stateproofs")], ["0x4", "0x4"]);
    assert_eq!([oldest("blocks"), oldest("receipts")], ["0x0", "0x0"]);
    assert_eq!(client.call("eth_getBlockByNumber", json!(["0x3", false])).await["number"], "0x3");
    assert_eq!(client.call("eth_getBlockReceipts", json!(["0x3"])).await, json!([]));
}

#[tokio::test]
async fn raw_forms_hash_to_what_names_them() {
    let (_world, client, hashes) = two_blocks().await;
    let bytes = |value: serde_json::Value| serde_json::from_value::<alloy_primitives::Bytes>(value).unwrap();
    let hash_of = |value| alloy_primitives::keccak256(bytes(value)).to_string();
    let block = client.call("eth_getBlockByNumber", json!(["0x1", false])).await;
    assert_eq!(hash_of(client.call("debug_getRawHeader", json!(["0x1"])).await), block["hash"]);
    assert_eq!(hash_of(client.call("debug_getRawTransaction", json!([hashes[2]])).await), hashes[2]);
    assert_eq!(hash_of(client.call("eth_getRawTransactionByHash", json!([hashes[1]])).await), hashes[1]);
    let raw_block = bytes(client.call("debug_getRawBlock", json!(["0x1"])).await);
    let decoded: execution::Block = alloy_rlp::decode_exact(&raw_block).unwrap();
    assert_eq!(decoded.body.transactions.len(), 4);
    assert_eq!(client.call("debug_getRawReceipts", json!(["0x1"])).await.as_array().unwrap().len(), 4);
    let witness = client.call("debug_executionWitness", json!(["0x1"])).await;
    assert!(["state", "codes", "headers"].iter().all(|part| !witness[part].as_array().unwrap().is_empty()));
    assert_eq!(client.refused("debug_executionWitness", json!(["0x0"])).await.0, -32602);
    let list = client.call("eth_getBlockAccessList", json!(["0x1"])).await;
    assert!(list.as_array().unwrap().iter().any(|changes| changes["address"] == json!(COUNTER)), "{list}");
}

#[tokio::test]
async fn pool_transactions_are_found_and_count_for_the_pending_nonce() {
    let (world, client, _) = two_blocks().await;
    let [next, gapped] = [1, 3].map(|nonce| tx(&world, 0, nonce, account(1), 1));
    for tx in [&next, &gapped] {
        client.call("eth_sendRawTransaction", json!([raw(tx)])).await;
    }
    let found = client.call("eth_getTransactionByHash", json!([next.tx_hash()])).await;
    assert_eq!(
        (&found["blockHash"], &found["blockNumber"], &found["transactionIndex"]),
        (&json!(null), &json!(null), &json!(null))
    );
    assert_eq!(client.call("eth_getTransactionCount", json!([account(0), "latest"])).await, "0x1");
    assert_eq!(client.call("eth_getTransactionCount", json!([account(0), "pending"])).await, "0x2");
    assert_eq!(client.call("txpool_status", json!([])).await, json!({ "pending": "0x1", "queued": "0x1" }));
    let content = client.call("txpool_content", json!([])).await;
    let sender = account(0).to_string().to_lowercase();
    assert_eq!(content["pending"][&sender]["1"]["hash"], json!(next.tx_hash()), "{content}");
    let from = client.call("txpool_contentFrom", json!([account(0)])).await;
    assert_eq!(from["queued"]["3"]["hash"], json!(gapped.tx_hash()));
    let lines = client.call("txpool_inspect", json!([])).await;
    assert!(lines["pending"][&sender]["1"].as_str().unwrap().contains("1 wei + 1000000 gas × 20000000000 wei"));
    let status = client.call("rollup_getTransactionStatus", json!([gapped.tx_hash()])).await;
    assert_eq!(status, json!({ "status": "queued", "missingNonce": "0x2" }));
}

#[tokio::test]
async fn a_rollup_tells_where_blocks_and_transactions_stand() {
    let (world, client, hashes) = two_blocks().await;
    world.settle(1, 0);
    let status = client.call("rollup_getTransactionStatus", json!([hashes[0]])).await;
    assert_eq!((status["status"].as_str(), status["stage"].as_str()), (Some("included"), Some("landed")), "{status}");
    let origin = client.call("rollup_getBlockOrigin", json!(["latest"])).await;
    assert_eq!((origin["stage"].as_str(), &origin["landing"]), (Some("preconfirmed"), &json!(null)), "{origin}");
    assert_eq!(client.call("rollup_syncStatus", json!([])).await["l2"]["latest"]["number"], "0x2");
    assert_eq!(client.call("rollup_config", json!([])).await["l1ChainId"], 7900);
    assert_eq!(client.call("rollup_contracts", json!([])).await["l2ChainId"], "0x1edd");
}

#[tokio::test]
async fn the_small_methods_answer() {
    let (world, client, _) = two_blocks().await;
    assert_eq!(client.call("eth_chainId", json!([])).await, "0x1edd");
    assert_eq!(client.call("net_version", json!([])).await, "7901");
    assert_eq!(client.call("net_listening", json!([])).await, true);
    assert_eq!(client.call("net_peerCount", json!([])).await, "0x3");
    assert_eq!(client.call("eth_syncing", json!([])).await, false);
    *world.sync.lock() = SyncState::Syncing { starting: 0, current: 2, highest: 9 };
    assert_eq!(client.call("eth_syncing", json!([])).await["highestBlock"], "0x9");
    assert_eq!(client.call("eth_accounts", json!([])).await.as_array().unwrap().len(), 10);
    let sha3 = client.call("web3_sha3", json!(["0x68656c6c6f"])).await;
    assert_eq!(sha3, "0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8");
    assert!(client.call("web3_clientVersion", json!([])).await.as_str().unwrap().starts_with("basalt/v"));
    assert_eq!(client.call("rpc_modules", json!([])).await["eth"], "1.0");
    assert_eq!(client.call("eth_capabilities", json!([])).await["stateproofs"]["oldestBlock"], "0x0");
    assert_eq!(client.call("eth_coinbase", json!([])).await, "0xfefefefefefefefefefefefefefefefefefefefe");
}

#[tokio::test]
async fn a_blob_transaction_on_l1_shows_its_blobs_and_their_price() {
    let world = World::l1();
    let blob = alloy_primitives::B256::with_last_byte(1) | alloy_primitives::B256::repeat_byte(1);
    let tx = alloy_consensus::TxEip4844 {
        chain_id: world.spec.chain_id,
        gas_limit: 100_000,
        max_fee_per_gas: 20_000_000_000,
        max_fee_per_blob_gas: 1_000_000_000,
        to: account(1),
        blob_versioned_hashes: vec![blob],
        ..Default::default()
    };
    let tx = super::world::sign(0, tx);
    world.block(std::slice::from_ref(&tx));
    let client = world.serve().await;
    let found = client.call("eth_getTransactionByHash", json!([tx.tx_hash()])).await;
    assert_eq!((found["type"].as_str(), &found["blobVersionedHashes"]), (Some("0x3"), &json!([blob])), "{found}");
    assert_eq!(found["maxFeePerBlobGas"], "0x3b9aca00");
    let receipt = client.call("eth_getTransactionReceipt", json!([tx.tx_hash()])).await;
    assert_eq!(
        (receipt["type"].as_str(), receipt["blobGasUsed"].as_str()),
        (Some("0x3"), Some("0x20000")),
        "{receipt}"
    );
    assert!(is_quantity(&receipt["blobGasPrice"]), "{receipt}");
    assert_eq!(client.call("eth_getBlockByNumber", json!(["0x1", false])).await["blobGasUsed"], "0x20000");
    let (code, _, _) = client.refused("rollup_syncStatus", json!([])).await;
    assert_eq!(code, -32601);
}

#[tokio::test]
async fn pending_is_the_open_block_as_long_as_it_is_ahead() {
    let (world, client, _) = two_blocks().await;
    let sent = tx(&world, 0, 1, account(1), 1);
    let open = world.build(std::slice::from_ref(&sent), 0);
    let block = crate::PendingBlock {
        block: open.block.clone(),
        receipts: open.receipts.clone(),
        state: std::sync::Arc::new(world.chain.state_at_head()),
    };
    *world.open.lock() = Some(std::sync::Arc::new(block));
    let pending = client.call("eth_getBlockByNumber", json!(["pending", false])).await;
    assert_eq!((pending["number"].as_str(), &pending["transactions"]), (Some("0x3"), &json!([sent.tx_hash()])));
    let found = client.call("eth_getTransactionByHash", json!([sent.tx_hash()])).await;
    assert_eq!(found["blockNumber"], "0x3");
    assert_eq!(client.call("eth_getTransactionReceipt", json!([sent.tx_hash()])).await, json!(null));
    assert_eq!(
        client.call("eth_getBlockReceipts", json!(["pending"])).await[0]["transactionHash"],
        json!(sent.tx_hash())
    );
    let status = client.call("rollup_getTransactionStatus", json!([sent.tx_hash()])).await;
    assert_eq!(status, json!({ "status": "pending" }));
    // A snapshot that the chain has overtaken is not older than `latest`.
    world.block(&[]);
    let pending = client.call("eth_getBlockByNumber", json!(["pending", false])).await;
    assert_eq!((pending["number"].as_str(), &pending["transactions"]), (Some("0x4"), &json!([])));
}
