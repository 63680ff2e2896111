//! Deposits whose L1 transaction is taken back by a reorg: credited once if it comes back, never if it does not.

use super::running::{Clients, Running, until};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_provider::Provider;
use alloy_rpc_types_eth::{TransactionInput, TransactionRequest};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use basalt_node::devnet::Devnet;
use bridge::abi::Hub;
use chainspec::dev;
use serde_json::json;

/// Gas of the message on L2, to an account without code.
const PLAIN_GAS: u64 = 30_000;

/// Gas of `Hub.sendMessage`, with room.
const MESSAGE_GAS: u64 = 1_000_000;

/// What becomes of a deposit's L1 transaction after the reorg that takes it back.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// L1 nodes kept it and include it again.
    Returned,
    /// It is gone, and its sender sends it again.
    SentAgain,
    /// It is gone.
    Gone,
}

/// A signed message with `wei` from user number `from`.
async fn deposit(clients: &Clients, devnet: &Devnet, from: usize, to: Address, wei: u64) -> TxEnvelope {
    let min = Hub::minFeeCall { dstChainId: devnet.l2_chain_id, gasLimit: PLAIN_GAS, dataLength: U256::ZERO };
    let request = TransactionRequest { input: TransactionInput::both(min.abi_encode().into()), ..Default::default() };
    let answer = clients.l1.call(request.with_to(devnet.hub)).await.unwrap();
    let fee = Hub::minFeeCall::abi_decode_returns(&answer).unwrap() * U256::from(2);
    let send =
        Hub::sendMessageCall { dstChainId: devnet.l2_chain_id, to, fee, gasLimit: PLAIN_GAS, data: Bytes::new() };
    let transaction = TxEip1559 {
        chain_id: devnet.l1.chain_id,
        nonce: clients.l1.get_transaction_count(clients.users[from]).await.unwrap(),
        gas_limit: MESSAGE_GAS,
        max_fee_per_gas: 20_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(devnet.hub),
        value: U256::from(wei) + fee,
        input: send.abi_encode().into(),
        ..Default::default()
    };
    let key = PrivateKeySigner::from_bytes(&dev::ACCOUNTS[from].key).unwrap();
    let signature = key.sign_hash_sync(&transaction.signature_hash()).unwrap();
    transaction.into_signed(signature).into()
}

/// Waits until `to` has `wei` on the sequencer.
async fn balance(clients: &Clients, to: Address, wei: u64) {
    until(&format!("{wei} wei of {to}"), || async {
        let balance = clients.sequencer.get_balance(to).await?;
        Ok::<_, alloy_provider::transport::TransportError>((balance == U256::from(wei)).then_some(()))
    })
    .await;
}

#[tokio::test]
async fn a_deposit_that_an_l1_reorg_takes_back_is_credited_once_if_it_comes_back_and_never_if_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start_with(&folder.path().join("devnet"), &["--l1.finality-slots=64"]);
    let clients = running.clients();
    let mut expected = Vec::new();
    for (index, fate) in [Fate::Returned, Fate::SentAgain, Fate::Gone].into_iter().enumerate() {
        let (to, wei) = (Address::repeat_byte(0xd0 + index as u8), 1_000_000 + index as u64);
        let transaction = deposit(&clients, &running.devnet, index, to, wei).await;
        let raw = transaction.encoded_2718();
        let _pending = clients.l1.send_raw_transaction(&raw).await.unwrap();
        balance(&clients, to, wei).await;
        let receipt = clients.l1.get_transaction_receipt(*transaction.tx_hash()).await.unwrap().unwrap();
        let depth = clients.l1.get_block_number().await.unwrap() - receipt.block_number.unwrap() + 1;
        let drop = fate != Fate::Returned;
        let answer = clients.admin("dev_reorg", json!([format!("0x{depth:x}"), { "drop": drop }])).await;
        let hash = json!(transaction.tx_hash());
        assert_eq!(answer["dropped"].as_array().unwrap().contains(&hash), drop, "{fate:?}: {answer}");
        match fate {
            Fate::Returned => {}
            // Not before the credit is taken back, so that the message comes in a later block than the one it had.
            Fate::SentAgain => {
                balance(&clients, to, 0).await;
                let _pending = clients.l1.send_raw_transaction(&raw).await.unwrap();
            }
            Fate::Gone => balance(&clients, to, 0).await,
        }
        let credited = if fate == Fate::Gone { 0 } else { wei };
        balance(&clients, to, credited).await;
        expected.push((to, credited));
    }
    // Blocks that come after all of it change nothing.
    for user in 3..6 {
        let hash = clients.send(user, Address::repeat_byte(0xdf), 7).await;
        clients.included(&clients.follower, hash).await;
    }
    clients.equal_at_every_height().await;
    for (to, credited) in expected {
        for node in [&clients.sequencer, &clients.follower] {
            assert_eq!(node.get_balance(to).await.unwrap(), U256::from(credited), "{to}");
        }
    }
    running.interrupt();
}
