//! The mempool, with the rules that public nodes have in common for blob transactions: no nonce gaps, and a replacement
//! must offer twice as much in every fee. Refusals are geth's texts. Must not know what a transaction does.

use super::ledger::{Account, Sent};
use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256, U256};
use std::{collections::BTreeMap, sync::Arc};

/// Most transactions of one account (geth's blob pool).
const PER_ACCOUNT_MAX: usize = 16;

/// Most bytes of a transaction without its blobs (geth).
const BYTES_MAX: usize = 128 * 1_024;

/// Least tip, wei per gas (geth's blob pool).
const TIP_MIN: u128 = 1;

/// Most blobs of one transaction (EIP-7594).
const BLOBS_MAX: u64 = 6;

/// What a transaction is judged by besides its sender's account.
pub(super) struct Rules {
    /// Of the L1.
    pub(super) chain_id: u64,
    /// Of a block.
    pub(super) gas_limit: u64,
    /// Its own length, without blobs.
    pub(super) bytes: usize,
}

/// Transactions that wait, by sender and nonce.
#[derive(Debug, Default)]
pub(super) struct Pool {
    by_sender: BTreeMap<Address, BTreeMap<u64, Arc<Sent>>>,
}

impl Pool {
    /// Takes a transaction in, or says why not. `account` is the sender's at the head.
    pub(super) fn add(&mut self, sent: Sent, account: Account, rules: &Rules) -> Result<B256, String> {
        let (tx, hash) = (&sent.tx, sent.hash);
        if self.by_hash(hash).is_some() {
            return Err("already known".into());
        }
        if tx.chain_id().is_some_and(|given| given != rules.chain_id) {
            return Err("invalid sender: invalid chain id for signer".into());
        }
        if rules.bytes > BYTES_MAX {
            return Err(format!("oversized data: transaction size {}, limit {BYTES_MAX}", rules.bytes));
        }
        // Not the cap of EIP-7825, which under EIP-8037 is on execution gas alone.
        if tx.gas_limit() > rules.gas_limit {
            return Err(format!("exceeds block gas limit: tx {}, block {}", tx.gas_limit(), rules.gas_limit));
        }
        if sent.blobs() > BLOBS_MAX {
            return Err(format!("too many blobs in transaction: have {}, permitted {BLOBS_MAX}", sent.blobs()));
        }
        let (tip, fee) = (tx.max_priority_fee_per_gas().unwrap_or_default(), tx.max_fee_per_gas());
        if tip > fee {
            let texts = "max priority fee per gas higher than max fee per gas";
            return Err(format!("{texts}: address {}, maxPriorityFeePerGas: {tip}, maxFeePerGas: {fee}", sent.from));
        }
        if tip < TIP_MIN || tx.max_fee_per_blob_gas() == Some(0) {
            return Err(format!("transaction underpriced: gas tip cap {tip}, minimum needed {TIP_MIN}"));
        }
        if tx.nonce() < account.nonce {
            return Err(format!("nonce too low: next nonce {}, tx nonce {}", account.nonce, tx.nonce()));
        }
        let line = self.by_sender.entry(sent.from).or_default();
        if line.values().any(|other| (other.blobs() == 0) != (sent.blobs() == 0)) {
            return Err("address already reserved".into());
        }
        let next = account.nonce + line.len() as u64;
        if tx.nonce() > next {
            return Err(format!("nonce too high: tx nonce {}, gapped nonce {next}", tx.nonce()));
        }
        let replaced = line.get(&tx.nonce());
        let queued: U256 = line.values().map(|other| other.cost_max()).sum();
        let freed = replaced.map_or(U256::ZERO, |old| old.cost_max());
        let needed = queued - freed + sent.cost_max();
        if account.balance < needed {
            let (balance, overshot) = (account.balance, needed - account.balance);
            return Err(format!(
                "insufficient funds for gas * price + value: balance {balance}, queued cost {queued}, tx cost {}, \
                 overshot {overshot}",
                sent.cost_max()
            ));
        }
        match replaced {
            Some(old) => Self::check_replacement(old, &sent)?,
            None if line.len() >= PER_ACCOUNT_MAX => {
                return Err(format!("account limit exceeded: pooled {} txs", line.len()));
            }
            None => {}
        }
        line.insert(sent.tx.nonce(), Arc::new(sent));
        Ok(hash)
    }

    fn check_replacement(old: &Sent, new: &Sent) -> Result<(), String> {
        // 100 % more for blob transactions, 10 % for others (geth's `priceBump`).
        let percent = if old.blobs() > 0 { 200 } else { 110 };
        let fees = |sent: &Sent| {
            let tx = &sent.tx;
            let tip = tx.max_priority_fee_per_gas().unwrap_or_default();
            [
                ("gas fee cap", tx.max_fee_per_gas()),
                ("gas tip cap", tip),
                ("blob gas fee cap", tx.max_fee_per_blob_gas().unwrap_or_default()),
            ]
        };
        for ((name, queued), (_, offered)) in fees(old).into_iter().zip(fees(new)) {
            let needed = queued.saturating_mul(percent) / 100;
            if offered < needed {
                return Err(format!(
                    "replacement transaction underpriced: new tx {name} {offered} < {queued} queued + {}% \
                     replacement penalty",
                    percent - 100
                ));
            }
        }
        Ok(())
    }

    /// Puts a transaction of a removed block back, whatever it pays, unless its place was taken.
    pub(super) fn put_back(&mut self, sent: Arc<Sent>) {
        self.by_sender.entry(sent.from).or_default().entry(sent.tx.nonce()).or_insert(sent);
    }

    /// Drops what the chain has overtaken, and what stands behind a gap.
    pub(super) fn follow(&mut self, nonce_of: impl Fn(Address) -> u64) {
        for (sender, line) in &mut self.by_sender {
            let mut next = nonce_of(*sender);
            line.retain(|nonce, _| *nonce >= next);
            line.retain(|nonce, _| {
                let is_next = *nonce == next;
                next += u64::from(is_next);
                is_next
            });
        }
        self.by_sender.retain(|_, line| !line.is_empty());
    }

    pub(super) fn by_hash(&self, hash: B256) -> Option<&Arc<Sent>> {
        self.all().find(|sent| sent.hash == hash)
    }

    /// Everything, by sender and nonce.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Sent>> {
        self.by_sender.values().flat_map(BTreeMap::values)
    }

    /// Drops a transaction, and those of its sender behind it, which can't be included without it.
    pub(super) fn remove(&mut self, hash: B256) -> bool {
        let Some((from, nonce)) = self.by_hash(hash).map(|sent| (sent.from, sent.tx.nonce())) else { return false };
        if let Some(line) = self.by_sender.get_mut(&from) {
            line.split_off(&nonce);
        }
        true
    }

    /// The nonce after those that wait.
    pub(super) fn next_nonce(&self, sender: Address, account_nonce: u64) -> u64 {
        account_nonce + self.by_sender.get(&sender).map_or(0, |line| line.len() as u64)
    }

    /// One line for each sender, by nonce.
    pub(super) fn lines(&self) -> impl Iterator<Item = Vec<Arc<Sent>>> {
        self.by_sender.values().map(|line| line.values().cloned().collect())
    }
}
