//! Signed transactions of every type that a rollup takes, from ten accounts at once.

use super::{
    Done, bridging,
    client::{Clients, same},
};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxEnvelope, TxLegacy};
use alloy_eips::{
    eip2718::Encodable2718,
    eip2930::{AccessList, AccessListItem},
    eip7702::Authorization,
};
use alloy_network::{TransactionBuilder, TxSignerSync};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use alloy_provider::Provider;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolConstructor};
use bridge::abi::Counter;
use eyre::OptionExt;

/// Gas of a transfer to an account that is new: 21,000 and EIP-8037's 183,600 for the account, with room.
pub(super) const TRANSFER_GAS: u64 = 230_000;

/// Gas of a call to the counter, whose slots exist after the first one.
const CALL_GAS: u64 = 300_000;

/// Gas of a type 4 transaction: one authorization of a new delegation (EIP-8037) on top of a call.
const DELEGATE_GAS: u64 = 600_000;

/// Offered fee, wei per gas: the L2's base fee starts at one gwei and falls.
pub(super) const MAX_FEE: u128 = 3_000_000_000;

/// Puts the counter on L2.
pub(super) async fn deploy_counter(clients: &Clients) -> eyre::Result<Done<Address>> {
    let constructor = Counter::constructorCall { bridge_: clients.devnet.messenger };
    let code = [Counter::BYTECODE.as_ref(), &constructor.abi_encode()].concat();
    let request = TransactionRequest::default().with_kind(TxKind::Create).with_input(Bytes::from(code));
    let receipt = clients.send(&clients.l2, 0, request).await?;
    let counter = receipt.contract_address.ok_or_eyre("a creation without an address")?;
    same("count", bridging::count(clients, counter).await?, U256::ZERO)?;
    Ok(Done::new(counter))
}

/// What one transaction is to do.
enum Kind {
    Legacy,
    AccessList,
    DynamicFee,
    Delegation,
}

/// `total` transactions, types 0, 1, 2 and 4 in turn; every receipt, every balance and the count are checked.
pub(super) async fn mixed(clients: &Clients, counter: Address, total: usize) -> eyre::Result<Done<()>> {
    let receiver = clients.fresh("traffic");
    let counted_before = bridging::count(clients, counter).await?;
    let senders = clients.keys.len();
    let mut nonces = Vec::with_capacity(senders);
    for key in &clients.keys {
        nonces.push(clients.l2.get_transaction_count(key.address()).await?);
    }
    // Without gossip a node lands what was sent to it, so an account keeps to one sequencer.
    let node = |from: usize| &clients.sequencers[from % clients.sequencers.len()];
    let (mut hashes, mut sent, mut calls) = (Vec::with_capacity(total), U256::ZERO, 0u64);
    for index in 0..total {
        let from = index % senders;
        let kind = match (index / senders) % 4 {
            0 => Kind::Legacy,
            1 => Kind::AccessList,
            2 => Kind::DynamicFee,
            _ => Kind::Delegation,
        };
        let value = U256::from(1_000 + index);
        match kind {
            Kind::Legacy | Kind::DynamicFee => sent += value,
            Kind::AccessList | Kind::Delegation => calls += 1,
        }
        let authority = PrivateKeySigner::from_bytes(&clients.secret(&format!("authority {index}")))?;
        let to = Targets { authority, receiver, counter, value };
        let transaction = sign(clients, &clients.keys[from], kind, nonces[from], &to)?;
        nonces[from] += 1;
        let pending = node(from).send_raw_transaction(&transaction.encoded_2718()).await?;
        hashes.push(*pending.tx_hash());
    }
    for hash in hashes {
        clients.receipt(&clients.l2, hash).await?;
    }
    same("receiver's balance", clients.l2.get_balance(receiver).await?, sent)?;
    same("count", bridging::count(clients, counter).await?, counted_before + U256::from(calls))?;
    for (key, nonce) in clients.keys.iter().zip(nonces) {
        same("nonce", clients.l2.get_transaction_count(key.address()).await?, nonce)?;
    }
    Ok(Done::new(()))
}

struct Targets {
    /// Delegates its account to the counter's code in a type 4 transaction (EIP-7702). Fresh: senders stay plain accounts,
    /// of which pools keep more transactions than of delegated ones.
    authority: PrivateKeySigner,
    receiver: Address,
    counter: Address,
    value: U256,
}

fn sign(clients: &Clients, key: &PrivateKeySigner, kind: Kind, nonce: u64, to: &Targets) -> eyre::Result<TxEnvelope> {
    let chain_id = clients.devnet.l2_chain_id;
    let increment: Bytes = Counter::incrementCall { by: U256::ONE }.abi_encode().into();
    let call = TxKind::Call(to.counter);
    Ok(match kind {
        Kind::Legacy => signed(
            key,
            TxLegacy {
                chain_id: Some(chain_id),
                nonce,
                gas_price: MAX_FEE,
                gas_limit: TRANSFER_GAS,
                to: TxKind::Call(to.receiver),
                value: to.value,
                input: Bytes::new(),
            },
        )?,
        Kind::AccessList => signed(
            key,
            TxEip2930 {
                chain_id,
                nonce,
                gas_price: MAX_FEE,
                gas_limit: CALL_GAS,
                to: call,
                value: U256::ZERO,
                access_list: AccessList(vec![AccessListItem { address: to.counter, storage_keys: vec![B256::ZERO] }]),
                input: increment,
            },
        )?,
        Kind::DynamicFee => signed(
            key,
            TxEip1559 {
                chain_id,
                nonce,
                gas_limit: TRANSFER_GAS,
                max_fee_per_gas: MAX_FEE,
                max_priority_fee_per_gas: 1,
                to: TxKind::Call(to.receiver),
                value: to.value,
                ..Default::default()
            },
        )?,
        Kind::Delegation => {
            let authorization = Authorization { chain_id: U256::from(chain_id), address: to.counter, nonce: 0 };
            let signature = to.authority.sign_hash_sync(&authorization.signature_hash())?;
            signed(
                key,
                TxEip7702 {
                    chain_id,
                    nonce,
                    gas_limit: DELEGATE_GAS,
                    max_fee_per_gas: MAX_FEE,
                    max_priority_fee_per_gas: 1,
                    to: to.counter,
                    value: U256::ZERO,
                    access_list: AccessList::default(),
                    authorization_list: vec![authorization.into_signed(signature)],
                    input: increment,
                },
            )?
        }
    })
}

pub(super) fn signed<T>(key: &PrivateKeySigner, mut transaction: T) -> eyre::Result<TxEnvelope>
where
    T: SignableTransaction<Signature>,
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let signature = key.sign_transaction_sync(&mut transaction)?;
    Ok(transaction.into_signed(signature).into())
}
