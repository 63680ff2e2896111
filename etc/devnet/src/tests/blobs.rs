//! Blob transactions: in by their proofs, out by the beacon API.

use alloy_eips::eip4844::{BlobTransactionSidecar, Bytes48};
use alloy_primitives::{B256, Bytes, U256};
use bridge::opening::{Kzg, MODULUS, Opening, sidecar};
use serde_json::json;

use super::net::{blob_text, blob_transaction, blobs, good_blob_transaction, number, stopped};

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_transaction_lands_and_its_blobs_come_back() {
    let net = stopped().await;
    let (raw, hashes, blobs) = good_blob_transaction(0, 0, 2);
    let hash = net.send(&raw).await;
    assert_eq!(net.rpc("eth_getTransactionByHash", json!([hash])).await["blobVersionedHashes"], json!(hashes));
    net.mine(1).await;
    let receipt = net.receipt(hash).await.unwrap();
    assert_eq!((receipt["status"].as_str(), number(&receipt["blobGasUsed"])), (Some("0x1"), 2 * 131_072));
    let slot = number(&net.block(receipt["blockNumber"].clone()).await["slotNumber"]);

    let texts: Vec<_> = blobs.iter().map(blob_text).collect();
    for id in [slot.to_string(), "head".into()] {
        let all = net.beacon_ok(&format!("/eth/v1/beacon/blobs/{id}")).await;
        assert_eq!(all["data"], json!(texts), "{id}");
        assert_eq!((&all["execution_optimistic"], &all["finalized"]), (&json!(false), &json!(false)));
    }
    let of = async |hash: B256| {
        net.beacon_ok(&format!("/eth/v1/beacon/blobs/{slot}?versioned_hashes={hash}")).await["data"].clone()
    };
    assert_eq!(of(hashes[1]).await, json!([texts[1]]));
    assert_eq!(of(B256::repeat_byte(1)).await, json!([]));
    // The next block has none, and a slot without a block is none.
    net.mine(1).await;
    assert_eq!(net.beacon_ok("/eth/v1/beacon/blobs/head").await["data"], json!([]));
    assert_eq!(net.beacon(&format!("/eth/v1/beacon/blobs/{}", slot + 1_000)).await.0, 404);
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sidecar_that_proves_nothing_is_refused() {
    let net = stopped().await;
    let good = sidecar(Kzg::load(), blobs(1)).unwrap();
    let hashes: Vec<B256> = good.versioned_hashes().collect();
    let refusal = async |raw| {
        let error = net.try_rpc("eth_sendRawTransaction", json!([raw])).await.unwrap_err();
        error["message"].as_str().unwrap().to_owned()
    };

    let mut wrong_proof = good.clone();
    wrong_proof.cell_proofs.swap(0, 1);
    let mut wrong_blob = good.clone();
    wrong_blob.blobs[0][40] ^= 1;
    let mut short = good.clone();
    short.cell_proofs.pop();
    for wrong in [wrong_proof, wrong_blob, short] {
        let text = refusal(blob_transaction(0, 0, hashes.clone(), wrong)).await;
        assert!(text.contains("invalid blob sidecar"), "{text}");
    }
    let text = refusal(blob_transaction(0, 0, vec![B256::repeat_byte(1)], good.clone())).await;
    assert!(text.contains("invalid blob sidecar"), "{text}");

    let old = BlobTransactionSidecar::new(good.blobs.clone(), good.commitments.clone(), vec![Bytes48::ZERO]);
    let text = refusal(blob_transaction(0, 0, hashes.clone(), old)).await;
    assert!(text.contains("EIP-7594"), "{text}");

    net.mine(1).await;
    assert_eq!(net.status().await.pool_pending, 0);
    // What was refused left nothing behind: the right one is taken.
    net.send(&blob_transaction(0, 0, hashes, good)).await;
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_beyond_the_limit_of_a_block_wait_for_the_next_one() {
    let net = stopped().await;
    let six = sidecar(Kzg::load(), blobs(6)).unwrap();
    let hashes: Vec<B256> = six.versioned_hashes().collect();
    // 21 blobs fit a block, so three of these four.
    let mut sent = Vec::new();
    for account in 0..4 {
        sent.push(net.send(&blob_transaction(account, 0, hashes.clone(), six.clone())).await);
    }
    net.mine(2).await;
    let mut blocks = Vec::new();
    for hash in sent {
        blocks.push(number(&net.receipt(hash).await.unwrap()["blockNumber"]));
    }
    blocks.sort_unstable();
    assert_eq!(blocks, [blocks[0], blocks[0], blocks[0], blocks[0] + 1]);

    let mut seven = six;
    seven.blobs.push(seven.blobs[0]);
    seven.commitments.push(seven.commitments[0]);
    seven.cell_proofs.extend_from_within(..128);
    let hashes = seven.versioned_hashes().collect();
    let raw = blob_transaction(0, 1, hashes, seven);
    let error = net.try_rpc("eth_sendRawTransaction", json!([raw])).await.unwrap_err();
    assert!(
        error["message"].as_str().unwrap().contains("too many blobs in transaction: have 7, permitted 6"),
        "{error}"
    );
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_point_evaluation_precompile_checks_openings() {
    let net = stopped().await;
    let opening = Opening::new(Kzg::load(), b"basalt").unwrap();
    let input = |y: U256| {
        let (hash, z, y) = (opening.versioned_hash, B256::from(opening.z), B256::from(y));
        let input = [&hash[..], &z[..], &y[..], opening.commitment.as_slice(), opening.proof.as_slice()].concat();
        json!([{ "to": "0x000000000000000000000000000000000000000a", "data": Bytes::from(input) }, "latest"])
    };
    let answer = net.rpc("eth_call", input(opening.y)).await;
    assert_eq!(answer, json!(Bytes::from([B256::from(U256::from(4_096)), B256::from(MODULUS)].concat())));
    assert!(net.try_rpc("eth_call", input(opening.y ^ U256::ONE)).await.is_err());
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_are_withheld_and_corrupted_as_often_as_asked() {
    let net = stopped().await;
    let (raw, _, blobs) = good_blob_transaction(0, 0, 1);
    net.send(&raw).await;
    net.mine(1).await;
    let served = async || net.beacon_ok("/eth/v1/beacon/blobs/head").await["data"].clone();
    let right = json!([blob_text(&blobs[0])]);

    net.rpc("dev_withholdBlobs", json!([2])).await;
    assert_eq!([served().await, served().await, served().await], [json!([]), json!([]), right.clone()]);
    net.rpc("dev_withholdBlobs", json!([true])).await;
    assert_eq!(served().await, json!([]));
    net.rpc("dev_withholdBlobs", json!([false])).await;
    net.rpc("dev_corruptBlobs", json!([1])).await;
    let corrupt = served().await;
    assert!(corrupt != right && corrupt[0].as_str().unwrap().len() == 2 + 2 * 131_072);
    assert_eq!(served().await, right);
    net.handle.stop().await;
}
