//! Money and calls across the border, both ways.

use super::{
    Done,
    client::{Clients, same},
};
use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_provider::Provider;
use alloy_rpc_types_eth::{BlockNumberOrTag, Filter, TransactionInput, TransactionReceipt, TransactionRequest};
use alloy_sol_types::{SolCall, SolError, SolEvent};
use bridge::{
    abi::{Counter, Hub, Messenger},
    message::Message,
    outbox::Outbox,
};
use eyre::{OptionExt, bail};

/// Gas of a message to an account without code.
pub(super) const PLAIN_GAS: u64 = 30_000;

/// Gas of a message to the counter: two cold slots written for the first time (EIP-8037: 97,920 state gas each).
const CALL_GAS: u64 = 600_000;

/// Gas of a claim: delivery with a new account, the bitmap's slot, the fee.
const CLAIM_GAS: u64 = 2_000_000;

/// Accounts: who deposits, who withdraws, who claims.
const DEPOSITOR: usize = 1;
const WITHDRAWER: usize = 2;
const CLAIMER: usize = 3;

fn milliether(amount: u64) -> U256 {
    U256::from(amount) * U256::from(10).pow(U256::from(15))
}

/// Sends a message into the rollup; returns it and the L1 gas.
pub(super) async fn send_to_l2(
    clients: &Clients,
    to: Address,
    value: U256,
    gas_limit: u64,
    data: Bytes,
) -> eyre::Result<(Message, u64)> {
    let (input, fee) = message(clients, to, gas_limit, data).await?;
    let before = escrow(clients).await?;
    let request = TransactionRequest::default().with_to(clients.devnet.hub).with_value(value + fee).with_input(input);
    let receipt = clients.send(&clients.l1, DEPOSITOR, request).await?;
    same("escrow", escrow(clients).await?, before + value + fee)?;
    let log = receipt.inner.logs().iter().find_map(|log| Hub::MessageSent::decode_log(&log.inner).ok());
    let event = log.ok_or_eyre("Hub emitted no MessageSent")?;
    Ok((event.data.message.into(), receipt.gas_used))
}

/// Input of `Hub.sendMessage` into the rollup, and the fee that it offers, wei.
pub(super) async fn message(
    clients: &Clients,
    to: Address,
    gas_limit: u64,
    data: Bytes,
) -> eyre::Result<(Bytes, U256)> {
    let devnet = &clients.devnet;
    let min =
        Hub::minFeeCall { dstChainId: devnet.l2_chain_id, gasLimit: gas_limit, dataLength: U256::from(data.len()) };
    let answer = call(clients, devnet.hub, min.abi_encode()).await?;
    // The base fee may rise until Hub sees the message.
    let fee = Hub::minFeeCall::abi_decode_returns(&answer)? * U256::from(2);
    let send = Hub::sendMessageCall { dstChainId: devnet.l2_chain_id, to, fee, gasLimit: gas_limit, data };
    Ok((send.abi_encode().into(), fee))
}

/// L1 gas that a transaction used.
pub(super) async fn count_of_l1_gas(clients: &Clients, hash: B256) -> eyre::Result<u64> {
    Ok(clients.receipt(&clients.l1, hash).await?.gas_used)
}

/// A call of a contract on L1 at the head.
pub(super) async fn call(clients: &Clients, to: Address, input: Vec<u8>) -> eyre::Result<Bytes> {
    let request = TransactionRequest { input: TransactionInput::both(input.into()), ..Default::default() }.with_to(to);
    Ok(clients.l1.call(request).block(BlockNumberOrTag::Latest.into()).await?)
}

async fn rollup(clients: &Clients) -> eyre::Result<Hub::RollupState> {
    let answer =
        call(clients, clients.devnet.hub, Hub::rollupCall { chainId: clients.devnet.l2_chain_id }.abi_encode()).await?;
    Ok(Hub::rollupCall::abi_decode_returns(&answer)?)
}

async fn escrow(clients: &Clients) -> eyre::Result<U256> {
    Ok(rollup(clients).await?.escrow)
}

/// An account that never had ether on L2 gets exactly what was sent.
pub(super) async fn deposit(clients: &Clients) -> eyre::Result<Done<()>> {
    let to = clients.fresh("deposit");
    let value = milliether(1_234);
    same("L2 balance before", clients.l2.get_balance(to).await?, U256::ZERO)?;
    let (_, gas) = send_to_l2(clients, to, value, PLAIN_GAS, Bytes::new()).await?;
    clients.wait_balance(&clients.l2, to, value).await?;
    clients.wait_balance(&clients.follower, to, value).await?;
    Ok(Done::with_gas((), gas))
}

/// A call from L1 arrives on L2 with its value, and the callee learns who sent it from where.
pub(super) async fn call_l2(clients: &Clients, counter: Address) -> eyre::Result<Done<()>> {
    let before = count(clients, counter).await?;
    let balance = clients.l2.get_balance(counter).await?;
    let value = milliether(5);
    let data = Counter::incrementCall { by: U256::from(7) }.abi_encode().into();
    let (message, gas) = send_to_l2(clients, counter, value, CALL_GAS, data).await?;
    let relayed = async || -> eyre::Result<Option<bool>> {
        let filter = Filter::new()
            .address(clients.devnet.messenger)
            .event_signature(Messenger::MessageRelayed::SIGNATURE_HASH)
            .from_block(0);
        let logs = clients.l2.get_logs(&filter).await?;
        let events = logs.iter().filter_map(|log| Messenger::MessageRelayed::decode_log(&log.inner).ok());
        Ok(events.filter(|event| event.leaf == message.leaf()).map(|event| event.success).next())
    };
    same("success of the message", clients.wait("the message on L2", || Box::pin(relayed())).await?, true)?;
    same("count", count(clients, counter).await?, before + U256::from(7))?;
    same("counter's balance", clients.l2.get_balance(counter).await?, balance + value)?;
    let sender = l2_call(clients, counter, Counter::lastMessageSenderCall {}.abi_encode()).await?;
    same("message sender", Counter::lastMessageSenderCall::abi_decode_returns(&sender)?, message.sender)?;
    let source = l2_call(clients, counter, Counter::lastMessageSourceCall {}.abi_encode()).await?;
    same("message source", Counter::lastMessageSourceCall::abi_decode_returns(&source)?, clients.devnet.l1.chain_id)?;
    Ok(Done::with_gas((), gas))
}

pub(super) async fn count(clients: &Clients, counter: Address) -> eyre::Result<U256> {
    let answer = l2_call(clients, counter, Counter::countCall {}.abi_encode()).await?;
    Ok(Counter::countCall::abi_decode_returns(&answer)?)
}

async fn l2_call(clients: &Clients, to: Address, input: Vec<u8>) -> eyre::Result<Bytes> {
    let request = TransactionRequest { input: TransactionInput::both(input.into()), ..Default::default() }.with_to(to);
    Ok(clients.l2.call(request).block(BlockNumberOrTag::Latest.into()).await?)
}

/// A message out of the rollup that landed.
pub(super) struct Withdrawal {
    message: Message,
    /// L2 block that holds it.
    block: u64,
    epoch: u64,
}

/// Sends ether to a fresh L1 address and waits until L1 has settled the block.
pub(super) async fn withdraw(clients: &Clients) -> eyre::Result<Done<Withdrawal>> {
    let to = clients.fresh("withdrawal");
    let (value, fee) = (milliether(321), milliether(1));
    let send = Messenger::sendMessageCall {
        dstChainId: clients.devnet.l1.chain_id,
        to,
        fee,
        gasLimit: PLAIN_GAS,
        data: Bytes::new(),
    };
    let request = TransactionRequest::default()
        .with_to(clients.devnet.messenger)
        .with_value(value + fee)
        .with_input(Bytes::from(send.abi_encode()));
    let receipt = clients.send(&clients.l2, WITHDRAWER, request).await?;
    let withdrawal = landed(clients, &receipt).await?;
    same("value of the message", withdrawal.message.value, value)?;
    Ok(Done::new(withdrawal))
}

/// The message that an L2 transaction sent; waits until L1 has settled its block.
pub(super) async fn landed(clients: &Clients, receipt: &TransactionReceipt) -> eyre::Result<Withdrawal> {
    let block = receipt.block_number.ok_or_eyre("a receipt without block")?;
    let log = receipt.inner.logs().iter().find_map(|log| Messenger::MessageSent::decode_log(&log.inner).ok());
    let message: Message = log.ok_or_eyre("Messenger emitted no MessageSent")?.data.message.into();
    let safe = async || -> eyre::Result<Option<()>> {
        let safe = clients.l2.get_block_by_number(BlockNumberOrTag::Safe).await?;
        Ok(safe.filter(|safe| safe.header.number >= block).map(drop))
    };
    clients.wait("the block to be safe", || Box::pin(safe())).await?;
    Ok(Withdrawal { message, block, epoch: 0 })
}

/// Proves the outbox under the settled state root, and claims.
pub(super) async fn claim(clients: &Clients, withdrawal: &Withdrawal) -> eyre::Result<Done<()>> {
    let Message { to, value, fee, .. } = withdrawal.message.clone();
    let gas_of_proof = prove(clients, withdrawal).await?;
    let escrow_before = escrow(clients).await?;
    let claimer = clients.keys[CLAIMER].address();
    let before = clients.l1.get_balance(claimer).await?;
    let receipt = deliver(clients, withdrawal).await?;
    same("L1 balance of the receiver", clients.l1.get_balance(to).await?, value)?;
    same("escrow", escrow(clients).await?, escrow_before - value - fee)?;
    let paid = U256::from(receipt.gas_used) * U256::from(receipt.effective_gas_price);
    same("L1 balance of the claimer", clients.l1.get_balance(claimer).await?, before + fee - paid)?;
    Ok(Done::with_gas((), gas_of_proof + receipt.gas_used))
}

/// Claims.
pub(super) async fn deliver(clients: &Clients, withdrawal: &Withdrawal) -> eyre::Result<TransactionReceipt> {
    let request = claim_request(clients, withdrawal).await?;
    clients.send(&clients.l1, CLAIMER, request).await
}

/// Proves the outbox as of the message's block; returns the L1 gas.
pub(super) async fn prove(clients: &Clients, withdrawal: &Withdrawal) -> eyre::Result<u64> {
    let devnet = &clients.devnet;
    let proof = clients.l2.get_proof(devnet.messenger, vec![Default::default()]).number(withdrawal.block).await?;
    let storage = proof.storage_proof.first().ok_or_eyre("a proof without storage")?;
    let call = Hub::proveOutboxCall {
        chainId: devnet.l2_chain_id,
        blockNumber: withdrawal.block,
        accountProof: proof.account_proof.clone(),
        storageProof: storage.proof.clone(),
    };
    let request = TransactionRequest::default().with_to(devnet.hub).with_input(Bytes::from(call.abi_encode()));
    Ok(clients.send(&clients.l1, CLAIMER, request).await?.gas_used)
}

/// The claim, with the path of its message in the tree of all messages up to its block.
async fn claim_request(clients: &Clients, withdrawal: &Withdrawal) -> eyre::Result<TransactionRequest> {
    let filter = Filter::new()
        .address(clients.devnet.messenger)
        .event_signature(Messenger::MessageSent::SIGNATURE_HASH)
        .from_block(0)
        .to_block(withdrawal.block);
    let mut outbox = Outbox::default();
    for log in clients.l2.get_logs(&filter).await? {
        outbox.push(Messenger::MessageSent::decode_log(&log.inner)?.leaf)?;
    }
    let path = outbox.path(withdrawal.message.index, outbox.count())?;
    let epoch = match withdrawal.epoch {
        0 => rollup(clients).await?.outboxEpoch,
        known => known,
    };
    let input = bridge::abi::claim(withdrawal.message.clone(), epoch, &path);
    Ok(TransactionRequest::default().with_to(clients.devnet.hub).with_input(input).with_gas_limit(CLAIM_GAS))
}

/// Hub pays once.
pub(super) async fn claim_again(clients: &Clients, withdrawal: &Withdrawal) -> eyre::Result<Done<()>> {
    let request = claim_request(clients, withdrawal).await?.with_from(clients.keys[CLAIMER].address());
    let Err(error) = clients.l1.call(request).block(BlockNumberOrTag::Latest.into()).await else {
        bail!("Hub would pay the same message twice");
    };
    let data = error.as_error_resp().and_then(|payload| payload.as_revert_data()).ok_or_eyre("no revert data")?;
    let expected = Hub::AlreadyClaimed { srcChainId: withdrawal.message.src_chain_id, index: withdrawal.message.index };
    same("revert data", data, expected.abi_encode().into())?;
    Ok(Done::new(()))
}
