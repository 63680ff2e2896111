//! What endpoints answer, and each way in which one can be wrong.

use super::*;
use alloy_consensus::{ReceiptEnvelope, proofs::calculate_receipt_root};
use alloy_rpc_types_eth::{Block, Log, TransactionReceipt};
use alloy_sol_types::{SolCall as _, SolEvent as _};

fn always() -> Faults {
    Faults::default()
}

fn head(bed: &Bed) -> (u64, B256) {
    let block: Block = serde_json::from_value(bed.ask("eth_getBlockByNumber", json!(["latest", false]))).unwrap();
    (block.header.number, block.header.hash)
}

/// The receipts of a block, and whether they are those of its header: the check that a node makes.
fn receipts(bed: &Bed, hash: B256) -> (Vec<TransactionReceipt>, bool) {
    let receipts = bed.ask("eth_getBlockReceipts", json!([{ "blockHash": hash }]));
    let receipts: Vec<TransactionReceipt> = serde_json::from_value(receipts).unwrap();
    let consensus: Vec<ReceiptEnvelope> =
        receipts.iter().map(|receipt| receipt.inner.clone().map_logs(|log: Log| log.inner)).collect();
    let header = bed.l1.header(receipts[0].block_number.unwrap()).unwrap();
    (receipts, calculate_receipt_root(&consensus) == header.receipts_root)
}

#[test]
fn an_honest_endpoint_tells_receipts_that_prove_their_logs() {
    let bed = Bed::new(1, |_| {});
    bed.deposit();
    let hash = bed.land(0);
    let (receipts, is_proven) = receipts(&bed, bed.l1.head().hash);
    assert!(is_proven);
    let landed = receipts.iter().find(|receipt| receipt.transaction_hash == hash).unwrap();
    let log = &landed.inner.logs()[0];
    assert_eq!(log.block_hash, Some(bed.l1.head().hash));
    let event = abi::BlockLanded::decode_log(&log.inner).unwrap();
    assert_eq!(Landed::from(event.data), bed.l1.landings(ROLLUP)[0].landed);
    let single: TransactionReceipt = serde_json::from_value(bed.receipt(hash)).unwrap();
    assert_eq!(&single, landed);
    let tx = bed.ask("eth_getTransactionByHash", json!([hash]));
    let tx: alloy_rpc_types_eth::Transaction = serde_json::from_value(tx).unwrap();
    assert_eq!((tx.block_number, *tx.inner.inner().tx_hash()), (Some(5), hash));
}

#[test]
fn logs_are_found_by_address_topic_and_range() {
    let bed = Bed::new(1, |_| {});
    bed.deposit();
    bed.land(0);
    bed.deposit();
    bed.mine(6);
    let topics = json!([abi::MessageSent::SIGNATURE_HASH, B256::from(U256::from(ROLLUP))]);
    let count = |address: Address, from: &str, to: &str| {
        let filter = json!({ "address": address, "topics": topics, "fromBlock": from, "toBlock": to });
        bed.ask("eth_getLogs", json!([filter])).as_array().unwrap().len()
    };
    let hub = Config::default().hub;
    assert_eq!((count(hub, "0x0", "latest"), count(hub, "0x0", "0x5"), count(hub, "0x6", "0x6")), (2, 1, 1));
    assert_eq!(count(USER, "0x0", "latest"), 0);
    let backwards = json!([{ "fromBlock": "0x6", "toBlock": "0x5" }]);
    assert_eq!(bed.refusal("eth_getLogs", backwards).code, -32_602);
}

#[test]
fn hubs_views_answer_at_any_block_and_revert_for_strangers() {
    let bed = Bed::new(1, |_| {});
    bed.land(0);
    let view = |chain: u64, at: Value| {
        let input: Bytes = abi::rollupCall { chainId: chain }.abi_encode().into();
        json!([{ "to": Config::default().hub, "input": input }, at])
    };
    let number = |at: Value| {
        let answer: Bytes = serde_json::from_value(bed.ask("eth_call", view(ROLLUP, at))).unwrap();
        abi::rollupCall::abi_decode_returns(&answer).unwrap().number
    };
    let before = bed.l1.header(4).unwrap().hash_slow();
    assert_eq!((number(json!("latest")), number(json!({ "blockHash": before }))), (1, 0));
    let stranger = bed.refusal("eth_call", view(9, json!("latest")));
    assert_eq!(stranger.data.unwrap()[..4], <abi::UnknownRollup as alloy_sol_types::SolError>::SELECTOR);
    let unknown = bed.refusal("eth_call", view(ROLLUP, json!({ "blockHash": B256::ZERO })));
    assert_eq!(unknown.message, "header not found");
    let elsewhere = json!([{ "to": USER, "input": "0x" }, "latest"]);
    assert_eq!(bed.ask("eth_call", elsewhere), "0x");
    assert_eq!(bed.ask("eth_getCode", json!([USER, "latest"])), "0x");
    assert_ne!(bed.ask("eth_getCode", json!([Config::default().hub, "latest"])), "0x");
    assert_eq!(bed.ask("eth_chainId", json!([])), "0x301824");
    let estimate = bed.ask("eth_estimateGas", json!([{ "to": USER, "from": USER }]));
    assert_eq!(estimate, "0x5208");
    assert_eq!(bed.refusal("eth_mine", json!([])).code, -32_601);
    assert_eq!(bed.refusal("eth_getBlockByNumber", json!([true, false])).code, -32_602);
}

#[test]
fn an_endpoint_may_lag_be_stuck_or_see_another_branch() {
    let bed = Bed::new(1, |_| {});
    bed.mine(5);
    let orphan = bed.l1.head();
    bed.l1.reorg(&Reorg { depth: 1, rebuild: true, ..Reorg::default() }).unwrap();
    bed.mine(6);
    bed.l1.set_faults(bed.at, Faults { sight: Sight::Behind { blocks: 2 }, ..always() });
    assert_eq!(head(&bed).0, 4);
    assert_eq!(bed.ask("eth_getBlockByNumber", json!(["0x5", false])), Value::Null);
    bed.l1.set_faults(bed.at, Faults { sight: Sight::EndsAt(orphan.hash), ..always() });
    assert_eq!(head(&bed), (5, orphan.hash));
    let other = bed.l1.endpoint();
    let seen = bed.l1.request(other, "eth_getBlockByNumber", &json!(["0x5", false])).unwrap();
    assert_ne!(seen["hash"], json!(orphan.hash), "the other endpoint is honest");
    bed.l1.set_faults(bed.at, always());
    assert_eq!(head(&bed), (6, bed.l1.head().hash));
}

#[test]
fn a_forged_header_does_not_hash_to_its_hash() {
    let bed = Bed::new(1, |_| {});
    bed.l1.set_faults(bed.at, Faults { header_percent: 100, ..always() });
    let block: Block = serde_json::from_value(bed.ask("eth_getBlockByNumber", json!(["latest", false]))).unwrap();
    assert_ne!(block.header.inner.hash_slow(), block.header.hash);
}

#[test]
fn forged_receipts_are_not_those_of_the_header() {
    let bed = Bed::new(1, |_| {});
    let hash = bed.land(0);
    bed.l1.set_faults(bed.at, Faults { receipts_percent: 100, ..always() });
    let (forged, is_proven) = receipts(&bed, bed.l1.head().hash);
    assert!(!is_proven && forged[0].inner.logs().is_empty());
    assert_eq!(bed.receipt(hash)["logs"], json!([]));
    let mut transfer = bed.l1.send_from(USER, signer().address(), U256::from(1), Bytes::new()).unwrap();
    bed.mine(6);
    assert_eq!(bed.receipt(transfer)["status"], "0x0", "without a log it is the status");
    transfer = B256::ZERO;
    assert_eq!(bed.receipt(transfer), Value::Null);
}

#[test]
fn forged_logs_are_missing_or_orphaned() {
    let bed = Bed::new(1, |_| {});
    bed.deposit();
    bed.mine(5);
    let logs = |bed: &Bed| {
        let filter = json!([{ "address": Config::default().hub, "fromBlock": "0x2", "toBlock": "latest" }]);
        bed.ask("eth_getLogs", filter).as_array().unwrap().clone()
    };
    let honest = logs(&bed);
    bed.l1.set_faults(bed.at, Faults { logs_percent: 100, ..always() });
    assert_eq!((honest.len(), logs(&bed).len()), (1, 0));
    bed.l1.reorg(&Reorg { depth: 1, rebuild: true, loses: Losses::Everything, ..Reorg::default() }).unwrap();
    assert_eq!(logs(&bed), honest, "of a block that is no more");
}

#[test]
fn an_endpoint_may_be_silent_fail_or_forget() {
    let bed = Bed::new(1, |_| {});
    let hash = bed.land(0);
    bed.l1.set_faults(bed.at, Faults { silent_percent: 100, ..always() });
    assert_eq!(bed.l1.request(bed.at, "eth_chainId", &json!([])), Err(Unanswered::Silent));
    assert_eq!(bed.l1.beacon(bed.at, "eth/v1/beacon/genesis"), None);
    bed.l1.set_faults(bed.at, Faults { error_percent: 100, ..always() });
    assert_eq!(bed.refusal("eth_chainId", json!([])).code, -32_005);
    assert_eq!(bed.l1.beacon(bed.at, "eth/v1/beacon/genesis").unwrap().status, 500);
    bed.l1.set_faults(bed.at, Faults { forgets_percent: 100, ..always() });
    assert_eq!(bed.receipt(hash), Value::Null);
    bed.l1.set_faults(bed.at, Faults { error_percent: 50, ..always() });
    let answers: Vec<bool> = (0..64).map(|_| bed.l1.request(bed.at, "eth_chainId", &json!([])).is_ok()).collect();
    assert!(answers.contains(&true) && answers.contains(&false));
}

#[test]
fn a_transaction_may_be_swallowed_or_taken_without_an_answer() {
    let bed = Bed::new(1, |_| {});
    let call = bed.next().call();
    bed.l1.set_faults(bed.at, Faults { swallow_percent: 100, ..always() });
    bed.send(&call, 0, FEES).unwrap();
    assert!(bed.l1.waiting().is_empty());
    let taken = |seed| {
        let bed = Bed::new(seed, |_| {});
        bed.l1.set_faults(bed.at, Faults { silent_percent: 100, ..always() });
        assert_eq!(bed.send(&call, 0, FEES), Err(Unanswered::Silent));
        !bed.l1.waiting().is_empty()
    };
    let taken: Vec<bool> = (0..16).map(taken).collect();
    assert!(taken.contains(&true) && taken.contains(&false));
}
