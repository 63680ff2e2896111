//! Users that never stop sending, and remember what they were promised.

use super::super::{
    client::{Clients, same},
    traffic::{TRANSFER_GAS, signed},
};
use alloy_consensus::TxEip1559;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, TxKind, U256};
use alloy_provider::{DynProvider, Provider};
use alloy_signer_local::PrivateKeySigner;
use eyre::{ensure, eyre};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinHandle;

/// Pause of each user between two transactions.
const PACE: Duration = Duration::from_millis(800);

/// Offered fee, wei per gas: the base fee rises with each of the full blocks that follow a stall, and falls with blocks only.
const MAX_FEE: u128 = 10_000_000_000_000;

/// Pause before a transaction that was not answered for is sent again.
const AGAIN: Duration = Duration::from_millis(50);

/// Everyone who sends.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    users: Vec<JoinHandle<eyre::Result<History>>>,
}

/// What one user was promised.
pub(super) struct History {
    to: Address,
    sum: U256,
    hashes: Vec<B256>,
}

struct User {
    key: PrivateKeySigner,
    node: DynProvider,
    chain_id: u64,
    to: Address,
}

impl Load {
    /// One user for each account but the last two. Without gossip a node lands what was sent to it, so each keeps to one sequencer.
    pub(super) async fn start(clients: &Clients) -> eyre::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut users = Vec::new();
        let accounts = clients.keys.len() - 2;
        for (index, key) in clients.keys[..accounts].iter().enumerate() {
            let node = clients.sequencers[index % clients.sequencers.len()].clone();
            let to = clients.fresh(&format!("load {index}"));
            let user = User { key: key.clone(), node, chain_id: clients.devnet.l2_chain_id, to };
            users.push(tokio::spawn(user.run(clients.l2.get_transaction_count(key.address()).await?, stop.clone())));
        }
        Ok(Self { stop, users })
    }

    /// Everyone sends what they have begun, and stops.
    pub(super) async fn end(self) -> eyre::Result<Vec<History>> {
        self.stop.store(true, Ordering::Relaxed);
        let mut histories = Vec::new();
        for user in self.users {
            histories.push(user.await??);
        }
        Ok(histories)
    }
}

impl User {
    async fn run(self, mut nonce: u64, stop: Arc<AtomicBool>) -> eyre::Result<History> {
        let mut history = History { to: self.to, sum: U256::ZERO, hashes: Vec::new() };
        while !stop.load(Ordering::Relaxed) {
            let value = U256::from(1_000_000 + nonce);
            let transaction = TxEip1559 {
                chain_id: self.chain_id,
                nonce,
                gas_limit: TRANSFER_GAS,
                max_fee_per_gas: MAX_FEE,
                max_priority_fee_per_gas: 1,
                to: TxKind::Call(self.to),
                value,
                ..Default::default()
            };
            let transaction = signed(&self.key, transaction)?;
            // The node may be dead, or have died before it answered: the same bytes until there is an answer.
            while let Err(error) = self.node.send_raw_transaction(&transaction.encoded_2718()).await {
                let text = error.to_string();
                if text.contains("already known") || text.contains("nonce too low") {
                    break;
                }
                tokio::time::sleep(AGAIN).await;
            }
            history.hashes.push(*transaction.tx_hash());
            history.sum += value;
            nonce += 1;
            tokio::time::sleep(PACE).await;
        }
        Ok(history)
    }
}

/// Every transaction that was answered for is in one block, once, and every receiver has what was sent, to the wei. Returns how
/// many there were.
pub(super) async fn kept(clients: &Clients, histories: &[History]) -> eyre::Result<usize> {
    let mut promised = 0;
    for history in histories {
        for hash in &history.hashes {
            clients.receipt(&clients.l2, *hash).await?;
            promised += 1;
        }
    }
    let head = clients.l2.get_block_number().await?;
    let mut seen: BTreeMap<B256, u64> = BTreeMap::new();
    for number in 0..=head {
        let block = clients.l2.get_block_by_number(number.into()).await?;
        let block = block.ok_or_else(|| eyre!("block {number} is missing"))?;
        for hash in block.transactions.hashes() {
            let before = seen.insert(hash, number);
            ensure!(before.is_none(), "{hash} is in block {number} and in block {before:?}");
        }
    }
    for history in histories {
        let missing = history.hashes.iter().find(|hash| !seen.contains_key(*hash));
        ensure!(missing.is_none(), "{missing:?} has a receipt and is in no block");
        same("receiver's balance", clients.l2.get_balance(history.to).await?, history.sum)?;
    }
    Ok(promised)
}
