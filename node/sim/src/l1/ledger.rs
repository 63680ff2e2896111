//! Accounts and Hub after a block, and what a transaction does to them. A copy is cheap, so every block keeps its own.

use super::{
    binding::Binding,
    hub::{Hub, Revert, advance::REFUSED_GAS},
};
use alloy_consensus::Transaction as _;
use alloy_eips::{eip4844::DATA_GAS_PER_BLOB, eip7594::BlobTransactionSidecarEip7594};
use alloy_primitives::{Address, B256, Bytes, Log, U256};
use execution::block::Transaction;
use imbl::OrdMap;
use std::sync::Arc;

/// Gas of a plain transfer, and the least of any transaction.
pub(super) const TRANSFER_GAS: u64 = 21_000;

/// EIP-7976: the least that a byte of calldata costs.
const FLOOR_GAS_PER_BYTE: u64 = 64;

/// A transaction with its sender, and its blobs if it has some.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) tx: Transaction,
    pub(super) hash: B256,
    pub(super) from: Address,
    pub(super) sidecar: Option<Arc<BlobTransactionSidecarEip7594>>,
}

impl Sent {
    pub(super) fn blobs(&self) -> u64 {
        self.tx.blob_versioned_hashes().map_or(0, <[B256]>::len) as u64
    }

    /// What the sender must own: everything at its caps.
    pub(super) fn cost_max(&self) -> U256 {
        let gas = U256::from(self.tx.gas_limit()) * U256::from(self.tx.max_fee_per_gas());
        let blob_fee = self.tx.max_fee_per_blob_gas().unwrap_or_default();
        gas + U256::from(self.blobs() * DATA_GAS_PER_BLOB) * U256::from(blob_fee) + self.tx.value()
    }
}

/// The L1 block in which a transaction runs.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) chain_id: u64,
    pub(super) hub: Address,
    pub(super) number: u64,
    pub(super) timestamp: u64,
    pub(super) base_fee: u64,
    pub(super) blob_base_fee: u128,
    /// Hashes of the blocks before this one, the parent's last.
    pub(super) ancestors: &'a [B256],
    pub(super) binding: &'a dyn Binding,
    /// Whether EXECUTE runs, or is believed.
    pub(super) executes: bool,
}

/// One call of Hub inside a block.
pub(super) struct Scene<'a> {
    frame: Frame<'a>,
    pub(super) sender: Address,
    pub(super) value: U256,
    pub(super) gas: u64,
    pub(super) blob_hashes: &'a [B256],
}

impl<'a> std::ops::Deref for Scene<'a> {
    type Target = Frame<'a>;

    fn deref(&self) -> &Frame<'a> {
        &self.frame
    }
}

impl Scene<'_> {
    /// EIP-2935, as far as the world remembers.
    pub(super) fn block_hash(&self, number: u64) -> Option<B256> {
        let back = self.frame.number.checked_sub(number).filter(|back| *back > 0)?;
        let at = self.frame.ancestors.len().checked_sub(usize::try_from(back).ok()?)?;
        Some(self.frame.ancestors[at])
    }
}

/// What a transaction did.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) is_success: bool,
    pub(super) gas_used: u64,
    pub(super) gas_price: u128,
    pub(super) logs: Vec<Log>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) nonce: u64,
    pub(super) balance: U256,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    pub(super) accounts: OrdMap<Address, Account>,
    pub(super) hub: Hub,
}

impl Ledger {
    pub(super) fn account(&self, address: Address) -> Account {
        self.accounts.get(&address).copied().unwrap_or_default()
    }

    /// Runs a transaction; `None` when it may not be in this block (nonce, fees, balance), which changes nothing.
    pub(super) fn apply(&mut self, sent: &Sent, frame: Frame<'_>) -> Option<Outcome> {
        let (tx, mut account) = (&sent.tx, self.account(sent.from));
        let pays_blobs = tx.max_fee_per_blob_gas().is_none_or(|fee| fee >= frame.blob_base_fee);
        let pays = tx.max_fee_per_gas() >= u128::from(frame.base_fee) && pays_blobs;
        if tx.nonce() != account.nonce || !pays || account.balance < sent.cost_max() {
            return None;
        }
        let floor = TRANSFER_GAS + FLOOR_GAS_PER_BYTE * tx.input().len() as u64;
        let called = match tx.to() {
            Some(to) if to == frame.hub => {
                let called =
                    self.call(sent.from, tx.value(), tx.gas_limit(), tx.blob_versioned_hashes(), tx.input(), frame);
                called.map_err(|_| REFUSED_GAS)
            }
            Some(_) => Ok((Vec::new(), 0)),
            None => Err(0),
        };
        let (is_success, logs, gas) = match called {
            Ok((logs, gas)) => (true, logs, gas),
            Err(gas) => (false, Vec::new(), gas),
        };
        let gas_used = gas.max(floor).min(tx.gas_limit());
        let gas_price = tx.effective_gas_price(Some(frame.base_fee));
        let blob_cost = U256::from(sent.blobs() * DATA_GAS_PER_BLOB) * U256::from(frame.blob_base_fee);
        account.nonce += 1;
        account.balance -= U256::from(gas_used) * U256::from(gas_price) + blob_cost;
        if is_success {
            account.balance -= tx.value();
        }
        self.accounts.insert(sent.from, account);
        if let (true, Some(to)) = (is_success, tx.to()) {
            let mut receiver = self.account(to);
            receiver.balance += tx.value();
            self.accounts.insert(to, receiver);
        }
        Some(Outcome { is_success, gas_used, gas_price, logs })
    }

    fn call(
        &mut self,
        sender: Address,
        value: U256,
        gas: u64,
        blob_hashes: Option<&[B256]>,
        input: &Bytes,
        frame: Frame<'_>,
    ) -> Result<(Vec<Log>, u64), Revert> {
        let scene = Scene { frame, sender, value, gas, blob_hashes: blob_hashes.unwrap_or_default() };
        self.hub.call(&scene, input).map(|done| (done.logs, done.gas))
    }

    /// What Hub answers to a call that leaves nothing behind.
    pub(super) fn peek(
        &self,
        sender: Address,
        value: U256,
        gas: u64,
        blob_hashes: &[B256],
        input: &[u8],
        frame: Frame<'_>,
    ) -> Result<(Bytes, u64), Revert> {
        let scene = Scene { frame, sender, value, gas, blob_hashes };
        self.hub.clone().call(&scene, input).map(|done| (done.output, done.gas))
    }
}
