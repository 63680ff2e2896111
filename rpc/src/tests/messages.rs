//! What a rollup's users are told about messages, on a chain with the real Messenger.

use std::sync::Arc;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use bridge::{
    abi::{self, Hub, Messenger},
    anchor::Anchor,
    message::{InboxChain, Message},
    outbox, proof,
    status::{
        DepositState, DepositStatus, L1Place, MessageProof, Messages, Stage, WithdrawalProof, WithdrawalState,
        Withdrawals,
    },
};
use chainspec::{dev, predeploys::MESSENGER};
use execution::block::Transaction;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use storage::Landed;

use super::world::{COUNTER, Client, REVERTER, World, account, sign};
use crate::rollup::{OutboxOnL1, SentOnL1};

type Recovered = alloy_consensus::transaction::Recovered<Transaction>;

fn call(world: &World, from: usize, nonce: u64, value: u64, input: Bytes) -> Recovered {
    sign(
        from,
        TxEip1559 {
            chain_id: world.spec.chain_id,
            nonce,
            gas_limit: 4_000_000,
            max_fee_per_gas: 20_000_000_000,
            max_priority_fee_per_gas: 1,
            to: MESSENGER.into(),
            value: U256::from(value),
            input,
            ..Default::default()
        },
    )
}

fn send(world: &World, from: usize, nonce: u64, dst: u64, to: Address) -> Recovered {
    let input =
        Messenger::sendMessageCall { dstChainId: dst, to, fee: U256::ONE, gasLimit: 30_000, data: Bytes::new() };
    call(world, from, nonce, 10, input.abi_encode().into())
}

async fn ask<T: DeserializeOwned>(client: &Client, method: &str, params: Value) -> T {
    serde_json::from_value(client.call(method, params).await).unwrap()
}

/// Three messages: two of account 1 in block 1, to L1 and to another rollup; one of account 2 to account 1 in block 3.
async fn sent() -> (Arc<World>, Client, Vec<B256>) {
    let world = World::bridged();
    let l1 = dev::L1_CHAIN_ID;
    let transactions =
        [send(&world, 1, 0, l1, account(7)), send(&world, 1, 1, 99, account(8)), send(&world, 2, 0, l1, account(1))];
    world.block(&transactions[..2]);
    world.block(&[]);
    world.block(&transactions[2..]);
    let client = world.serve().await;
    let hashes = transactions.iter().map(|transaction| *transaction.tx_hash()).collect();
    (world, client, hashes)
}

fn indices(messages: &Messages) -> Vec<u64> {
    messages.messages.iter().map(|message| message.index).collect()
}

#[tokio::test]
async fn withdrawals_are_listed_by_party_newest_first_and_page_by_page() {
    let (world, client, hashes) = sent().await;
    world.settle(1, 0);
    let all: Withdrawals = ask(&client, "rollup_getWithdrawals", json!([account(1)])).await;
    let found: Vec<_> = all.withdrawals.iter().map(|withdrawal| withdrawal.message.index).collect();
    assert_eq!((found, all.next), (vec![2, 1, 0], None), "sent by it, and one for it");
    let oldest = &all.withdrawals[2];
    assert_eq!((oldest.sent.transaction_hash, oldest.sent.block_number), (hashes[0], 1));
    assert_eq!((oldest.sent.stage, all.withdrawals[0].sent.stage), (Stage::Landed, Stage::Preconfirmed));
    assert_eq!(Message::from(oldest.message.clone()).leaf(), oldest.leaf);

    let first: Withdrawals = ask(&client, "rollup_getWithdrawals", json!([account(1), { "limit": "0x2" }])).await;
    assert_eq!((first.withdrawals.len(), first.next), (2, Some(1)));
    let rest = json!([account(1), { "cursor": "0x1" }]);
    let rest: Withdrawals = ask(&client, "rollup_getWithdrawals", rest).await;
    assert_eq!((rest.withdrawals.len(), rest.next), (1, None));
    let later = json!([account(1), { "fromBlock": "0x2", "toBlock": "0x3" }]);
    let later: Withdrawals = ask(&client, "rollup_getWithdrawals", later).await;
    assert_eq!(later.withdrawals.len(), 1);
    let none: Withdrawals = ask(&client, "rollup_getWithdrawals", json!([account(5)])).await;
    assert_eq!((none.withdrawals.len(), none.next), (0, None));
}

#[tokio::test]
async fn messages_are_filtered_and_bounded() {
    let (_world, client, _) = sent().await;
    for (filter, expected, next) in [
        (json!({}), vec![0, 1, 2], None),
        (json!({ "sender": account(1) }), vec![0, 1], None),
        (json!({ "to": account(1) }), vec![2], None),
        (json!({ "chainId": "0x63" }), vec![1], None),
        (json!({ "fromIndex": "0x1", "toBlock": "0x2" }), vec![1], None),
        (json!({ "fromBlock": "0x2" }), vec![2], None),
        (json!({ "fromBlock": "0x9" }), vec![], None),
        (json!({ "limit": "0x2" }), vec![0, 1], Some(2)),
        (json!({ "direction": "in" }), vec![], None),
    ] {
        let found: Messages = ask(&client, "rollup_getMessages", json!([filter])).await;
        assert_eq!((indices(&found), found.next), (expected, next), "{filter}");
    }
    let (code, _, _) = client.refused("rollup_getMessages", json!([{ "block": "0x1" }])).await;
    assert_eq!(code, -32602);
}

#[tokio::test]
async fn a_message_is_proven_under_the_state_root_of_any_block_since() {
    let (world, client, _) = sent().await;
    for (index, block, count) in [(0, 1, 2), (1, 2, 2), (0, 3, 3), (2, 3, 3)] {
        let request = json!([{ "index": format!("{index:#x}"), "blockNumber": format!("{block:#x}") }]);
        let found: MessageProof = ask(&client, "rollup_getMessageProof", request).await;
        assert_eq!((found.block_number, found.outbox_count), (block, count));
        let header = world.chain.header(block).unwrap().unwrap();
        assert_eq!((found.block_hash, found.state_root), (header.hash(), header.state_root));
        let messenger = proof::account(found.state_root, MESSENGER, &found.account_proof).unwrap().unwrap();
        let root = proof::storage(messenger.storage_root, U256::ZERO, &found.storage_proof).unwrap();
        assert_eq!(B256::from(root), found.outbox_root);
        let path = found.path.try_into().unwrap();
        assert!(outbox::verify(found.outbox_root, found.withdrawal.leaf, index, &path));
    }
    assert_eq!(client.call("rollup_getMessageProof", json!([{ "index": "0x3" }])).await, Value::Null);
    let early = json!([{ "index": "0x2", "blockNumber": "0x2" }]);
    let (code, text, _) = client.refused("rollup_getMessageProof", early).await;
    assert_eq!((code, text.as_str()), (-32000, "message 2 was sent in block 3, after block 2"));
    let beyond = json!([{ "index": "0x2", "blockNumber": "0x9" }]);
    assert_eq!(client.refused("rollup_getMessageProof", beyond).await.0, -32001);
}

#[tokio::test]
async fn a_withdrawal_says_what_comes_next_with_calldata_that_hub_takes() {
    let (world, client, hashes) = sent().await;
    let hub = crate::RollupStatus::config(&*world).hub;
    let one = async |key: Value| -> WithdrawalProof {
        let mut found: Vec<WithdrawalProof> = ask(&client, "rollup_getWithdrawalProof", json!([key])).await;
        assert_eq!(found.len(), 1);
        found.remove(0)
    };
    let found = one(json!(hashes[0])).await;
    assert_eq!((found.status, found.prove, found.claim), (WithdrawalState::Sent, None, None));

    world.on_l1.lock().outbox = OutboxOnL1 { landed: 3, epoch: 0, block: 0 };
    let found = one(json!({ "index": "0x0" })).await;
    assert_eq!((found.status, &found.claim), (WithdrawalState::Landed, &None));
    let prove = found.prove.unwrap();
    let given = Hub::proveOutboxCall::abi_decode(&prove.call.data).unwrap();
    assert_eq!((prove.call.to, given.chainId, given.blockNumber), (hub, world.spec.chain_id, 3));
    let state_root = world.chain.header(3).unwrap().unwrap().state_root;
    let messenger = proof::account(state_root, MESSENGER, &given.accountProof).unwrap().unwrap();
    let root = B256::from(proof::storage(messenger.storage_root, U256::ZERO, &given.storageProof).unwrap());

    world.on_l1.lock().outbox = OutboxOnL1 { landed: 3, epoch: 1, block: 2 };
    assert_eq!(one(json!(hashes[2])).await.status, WithdrawalState::Landed, "sent after the block that was proven");
    world.on_l1.lock().outbox = OutboxOnL1 { landed: 3, epoch: 2, block: 3 };
    let found = one(json!(hashes[2])).await;
    let claim = found.claim.unwrap();
    let given = Hub::claimCall::abi_decode(&claim.call.data).unwrap();
    assert_eq!((found.status, claim.call.to, given.epoch, claim.root), (WithdrawalState::Proven, hub, 2, root));
    assert!(outbox::verify(root, Message::from(given.m).leaf(), 2, &given.path.try_into().unwrap()));

    world.on_l1.lock().claimed = vec![2];
    let found = one(json!(hashes[2])).await;
    assert_eq!((found.status, found.claim), (WithdrawalState::Claimed, None));
}

#[tokio::test]
async fn what_cannot_be_answered_says_why() {
    let (world, client, hashes) = sent().await;
    assert_eq!(client.call("rollup_getWithdrawalProof", json!([B256::ZERO])).await, Value::Null);
    assert_eq!(client.call("rollup_getWithdrawalProof", json!([{ "index": "0x9" }])).await, Value::Null);
    let plain = super::world::tx(&world, 3, 0, account(4), 1);
    world.block(std::slice::from_ref(&plain));
    let (code, text, _) = client.refused("rollup_getWithdrawalProof", json!([plain.tx_hash()])).await;
    assert_eq!((code, text.contains("sent no message out of this rollup")), (-32000, true));

    world.on_l1.lock().outbox = OutboxOnL1 { landed: 9, epoch: 0, block: 0 };
    let (code, text, _) = client.refused("rollup_getWithdrawalProof", json!([hashes[0]])).await;
    assert_eq!((code, text.as_str()), (-32002, "L1 has recorded block 9, this node has executed 4: try again"));
    world.on_l1.lock().silent = true;
    for (method, key) in [("rollup_getWithdrawalProof", hashes[0]), ("rollup_getDepositStatus", B256::ZERO)] {
        let (code, text, _) = client.refused(method, json!([key])).await;
        assert_eq!((code, text.as_str()), (-32002, "L1 is not available: no answer"));
    }
}

fn deposit(world: &World, index: u64, to: Address, value: u64) -> Message {
    Message {
        src_chain_id: dev::L1_CHAIN_ID,
        dst_chain_id: world.spec.chain_id,
        index,
        sender: account(9),
        to,
        value: U256::from(value),
        gas_limit: 300_000,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_deposit_is_followed_from_l1_to_what_became_of_it() {
    let world = World::bridged();
    let client = world.serve().await;
    let (hash, silent) = (B256::repeat_byte(1), B256::repeat_byte(2));
    let messages = [deposit(&world, 0, COUNTER, 0), deposit(&world, 1, REVERTER, 7)];
    let at = L1Place { block_number: 5, block_hash: B256::repeat_byte(5), transaction_hash: hash };
    assert_eq!(client.call("rollup_getDepositStatus", json!([hash])).await, Value::Null);
    let on_l1 = messages.clone().map(|message| SentOnL1 { message, at });
    world.on_l1.lock().sent = [(hash, on_l1.to_vec()), (silent, Vec::new())].into();
    assert_eq!(client.refused("rollup_getDepositStatus", json!([silent])).await.0, -32000);
    let status =
        async |key: Value| -> Vec<DepositStatus> { ask(&client, "rollup_getDepositStatus", json!([key])).await };
    let states = |found: &[DepositStatus]| found.iter().map(|deposit| deposit.status).collect::<Vec<_>>();
    let found = status(json!(hash)).await;
    assert_eq!(states(&found), [DepositState::Waiting; 2]);
    assert_eq!((found[0].sent, found[0].named), (Some(at), None));

    // Block 1 names both, block 2 relays them.
    let inbox = InboxChain::default().extend(&messages.each_ref().map(Message::leaf));
    let anchor = Anchor {
        chain_id: world.spec.chain_id,
        origin_number: 4,
        origin_hash: B256::repeat_byte(4),
        inbox_count: inbox.count,
        inbox_hash: inbox.hash,
    };
    *world.anchor.lock() = anchor.hash();
    let naming = world.block(&[]);
    let landed = Landed {
        block_hash: naming.hash,
        l1_number: 6,
        l1_hash: B256::repeat_byte(6),
        l1_tx_hash: B256::repeat_byte(7),
        l1_log_index: 0,
        origin_number: anchor.origin_number,
        origin_hash: anchor.origin_hash,
        inbox_count: anchor.inbox_count,
        inbox_hash: anchor.inbox_hash,
        proposer: Address::ZERO,
        blob_hashes: Vec::new(),
    };
    world.chain.land(naming.number, &landed).unwrap();
    world.settle(1, 0);
    let found = status(json!({ "index": "0x1" })).await;
    assert_eq!(states(&found), [DepositState::Named]);
    let named = found[0].named.unwrap();
    assert_eq!((named.block_number, named.l1_transaction), (1, B256::repeat_byte(7)));

    let timestamp = world.chain.head().timestamp;
    let relay = call(&world, 0, 0, 0, abi::relay(messages.to_vec(), U256::ZERO, Vec::new(), anchor, timestamp));
    world.block(std::slice::from_ref(&relay));
    let found = status(json!(hash)).await;
    assert_eq!(states(&found), [DepositState::Delivered, DepositState::Failed]);
    let relayed = found[1].relayed.as_ref().unwrap();
    assert_eq!((relayed.block_number, relayed.transaction_hash), (2, *relay.tx_hash()));
    // By index the message comes from the relay, without a word of L1.
    world.on_l1.lock().silent = true;
    let found = status(json!({ "index": "0x1" })).await;
    assert_eq!(found[0].message.clone().map(Message::from).as_ref(), Some(&messages[1]));
    assert_eq!(found[0].sent, None);

    let listed: Messages = ask(&client, "rollup_getMessages", json!([{ "direction": "in", "to": REVERTER }])).await;
    assert_eq!((indices(&listed), listed.messages[0].status), (vec![1], Some(DepositState::Failed)));
    let listed: Messages = ask(&client, "rollup_getMessages", json!([{ "direction": "in", "fromBlock": "0x3" }])).await;
    assert!(listed.messages.is_empty());
}
