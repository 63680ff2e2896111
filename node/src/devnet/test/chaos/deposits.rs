//! Deposits in a chain that is being reorganised: each is credited once if its transaction is on L1 in the end, else never.

use super::super::{
    bridging::{PLAIN_GAS, message},
    client::{Clients, same},
    traffic::signed,
};
use alloy_consensus::{TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_provider::Provider;
use eyre::bail;

/// Gas of `Hub.sendMessage`, with room: three new slots (EIP-8037).
const MESSAGE_GAS: u64 = 1_000_000;

/// Tip and base fee with room, wei per gas.
const TIP: u128 = 1_000_000_000;

/// A deposit that was sent.
pub(super) struct Deposit {
    transaction: TxEnvelope,
    to: Address,
    value: U256,
}

impl Deposit {
    pub(super) fn hash(&self) -> B256 {
        *self.transaction.tx_hash()
    }
}

/// Sends deposit number `index`, from one account after the other: what a reorg drops leaves a gap in its account's nonces.
pub(super) async fn send(clients: &Clients, index: usize) -> eyre::Result<Deposit> {
    let key = &clients.keys[index % clients.keys.len()];
    let (to, value) = (clients.fresh(&format!("deposit {index}")), U256::from(5_000_000_000_000_000 + index as u64));
    let (input, fee) = message(clients, to, PLAIN_GAS, Bytes::new()).await?;
    let base_fee = clients.l1.get_gas_price().await?;
    let transaction = TxEip1559 {
        chain_id: clients.devnet.l1.chain_id,
        nonce: clients.l1.get_transaction_count(key.address()).pending().await?,
        gas_limit: MESSAGE_GAS,
        max_fee_per_gas: base_fee * 4 + TIP,
        max_priority_fee_per_gas: TIP,
        to: TxKind::Call(clients.devnet.hub),
        value: value + fee,
        input,
        ..Default::default()
    };
    let deposit = Deposit { transaction: signed(key, transaction)?, to, value };
    again(clients, &deposit).await?;
    Ok(deposit)
}

/// Sends the same bytes; an L1 that has them is as good.
pub(super) async fn again(clients: &Clients, deposit: &Deposit) -> eyre::Result<()> {
    match clients.l1.send_raw_transaction(&deposit.transaction.encoded_2718()).await {
        Ok(_) => Ok(()),
        Err(error) if error.to_string().contains("already known") => Ok(()),
        Err(error) => bail!("deposit {}: {error}", deposit.hash()),
    }
}

/// Compares what L1 holds with what L2 credited, to the wei. Returns how many were credited and how many never happened.
pub(super) async fn exactly_once(clients: &Clients, deposits: &[Deposit]) -> eyre::Result<(usize, usize)> {
    let (mut credited, mut gone) = (0, 0);
    for deposit in deposits {
        if is_on_l1(clients, deposit).await? {
            clients.wait_balance(&clients.l2, deposit.to, deposit.value).await?;
            credited += 1;
        } else {
            gone += 1;
        }
    }
    // A second time, when everything has arrived: nothing came twice, and nothing came that is not on L1.
    for deposit in deposits {
        let expected = if is_on_l1(clients, deposit).await? { deposit.value } else { U256::ZERO };
        for (name, provider) in clients.nodes() {
            same(&format!("deposit {} at {name}", deposit.hash()), provider.get_balance(deposit.to).await?, expected)?;
        }
    }
    Ok((credited, gone))
}

/// Whether L1 took the message. Hub refuses one whose fee no longer covers the L2's base fee, which rises under load.
async fn is_on_l1(clients: &Clients, deposit: &Deposit) -> eyre::Result<bool> {
    let receipt = clients.l1.get_transaction_receipt(deposit.hash()).await?;
    Ok(receipt.is_some_and(|receipt| receipt.inner.status()))
}
