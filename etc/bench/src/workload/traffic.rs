//! The stream of signed transactions of a workload.
//!
//! Must not know: which block a transaction will be in.

use super::{
    Kind, Plan,
    contracts::{LARGE_COUNT, LOAD, PAIR, TOKENS, call, init_code, word},
    state::{ADDRESS_SEED, address, holders, large},
};
use alloy_consensus::{SignableTransaction, TxEip1559, transaction::SignerRecoverable};
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_signer_local::PrivateKeySigner;
use execution::{RecoveredTx, Transaction};
use rand::{Rng, RngCore, rngs::StdRng};

/// Slots that a transaction of the storage workload writes.
const SLOTS: u64 = 200;
/// New slots are dear (EIP-8037), so a transaction writes fewer of them.
const SLOTS_NEW: u64 = 20;

/// What a transaction does.
struct Action {
    to: TxKind,
    value: u64,
    input: Bytes,
    gas_limit: u64,
}

/// Signs one transaction after the other; senders take turns.
pub(super) struct Traffic {
    plan: Plan,
    keys: Vec<PrivateKeySigner>,
    nonces: Vec<u64>,
    rng: StdRng,
    sent: u64,
    /// Next filled cell to clear, from the upper half of the cells.
    to_clear: u64,
    /// Next empty cell to fill.
    to_fill: u64,
}

impl Traffic {
    pub(super) fn new(plan: &Plan, keys: Vec<PrivateKeySigner>, rng: StdRng) -> Self {
        let (nonces, cells) = (vec![0; keys.len()], holders(plan));
        Self { plan: *plan, keys, nonces, rng, sent: 0, to_clear: cells / 2, to_fill: 2 * cells }
    }

    /// The next transaction with its sender.
    pub(super) fn next(&mut self) -> eyre::Result<RecoveredTx> {
        let Action { to, value, input, gas_limit } = self.action();
        let turn = usize::try_from(self.sent % self.keys.len() as u64)?;
        let mut tx = TxEip1559 {
            chain_id: chainspec::dev::L2_CHAIN_ID,
            nonce: self.nonces[turn],
            gas_limit,
            max_fee_per_gas: 1_000_000_000_000,
            max_priority_fee_per_gas: 1,
            to,
            value: U256::from(value),
            access_list: Default::default(),
            input,
        };
        let signature = self.keys[turn].sign_transaction_sync(&mut tx)?;
        self.nonces[turn] += 1;
        self.sent += 1;
        Ok(Transaction::from(tx.into_signed(signature)).try_into_recovered()?)
    }

    fn action(&mut self) -> Action {
        match self.plan.kind {
            Kind::Transfer | Kind::Empty => self.transfer(),
            Kind::Erc20 => self.erc20(),
            Kind::Swap => self.swap(),
            Kind::Deploy => self.deploy(),
            Kind::Storage => self.storage(),
            Kind::Worst => self.worst(),
            Kind::Mixed => match self.rng.random_range(0..100) {
                0..40 => self.transfer(),
                40..70 => self.erc20(),
                70..85 => self.swap(),
                85..90 => self.deploy(),
                90..95 => self.overwrite(20),
                _ => self.transfer_to_new(),
            },
        }
    }

    fn transfer(&mut self) -> Action {
        let to = self.account(self.plan.accounts);
        Action { to: to.into(), value: self.rng.random_range(1..1_000_000), input: Bytes::new(), gas_limit: 21_000 }
    }

    fn transfer_to_new(&mut self) -> Action {
        let to = Address::from(self.rng.random::<[u8; 20]>());
        Action { to: to.into(), value: 1, input: Bytes::new(), gas_limit: 300_000 }
    }

    fn erc20(&mut self) -> Action {
        let (to, amount) = (self.account(holders(&self.plan)), self.rng.random_range(1..1_000_000));
        let input = call("transfer(address,uint256)", &[to.into_word(), word(amount)]);
        Action { to: TOKENS[0].into(), value: 0, input, gas_limit: 60_000 }
    }

    fn swap(&mut self) -> Action {
        let to = self.account(holders(&self.plan));
        let (amount, way) = (self.rng.random_range(1_000_000..1_000_000_000), self.rng.random_range(0..2));
        let input = call("swap(uint256,bool,address)", &[word(amount), word(way), to.into_word()]);
        Action { to: PAIR.into(), value: 0, input, gas_limit: 160_000 }
    }

    fn deploy(&mut self) -> Action {
        let mut code = vec![0; self.rng.random_range(256..=1_280)];
        self.rng.fill_bytes(&mut code);
        code[0] = 0; // STOP: nothing runs, and it is not the 0xef of EIP-3541
        Action { to: TxKind::Create, value: 0, input: init_code(&code), gas_limit: 2_700_000 }
    }

    fn storage(&mut self) -> Action {
        match self.sent % 10 {
            0..6 => self.overwrite(SLOTS),
            6..9 if self.to_clear + SLOTS <= holders(&self.plan) => {
                self.to_clear += SLOTS;
                self.write(self.to_clear - SLOTS, SLOTS, 0)
            }
            6..9 => self.overwrite(SLOTS),
            _ => {
                self.to_fill += SLOTS_NEW;
                self.write(self.to_fill - SLOTS_NEW, SLOTS_NEW, 1)
            }
        }
    }

    fn overwrite(&mut self, count: u64) -> Action {
        let first = self.rng.random_range(0..=(holders(&self.plan) / 2).saturating_sub(count));
        let value = self.rng.random_range(1..u64::MAX);
        self.write(first, count, value)
    }

    fn write(&self, first: u64, count: u64, value: u64) -> Action {
        let input = call("write(uint256,uint256,uint256)", &[word(first), word(count), word(value)]);
        Action { to: LOAD.into(), value: 0, input, gas_limit: 3_000_000 }
    }

    fn worst(&mut self) -> Action {
        let first = word(self.rng.random_range(0..holders(&self.plan)));
        // What is left over pays for the last turn of the loop.
        let left = word(20_000);
        let input = match self.sent % 3 {
            0 => call("read(uint256,uint256)", &[first, left]),
            1 => call("balances(bytes32,uint256,uint256)", &[ADDRESS_SEED, first, left]),
            _ => call(
                "codes(address,uint256)",
                &[large(8 * self.rng.random_range(0..LARGE_COUNT / 8)).into_word(), word(8)],
            ),
        };
        Action { to: LOAD.into(), value: 0, input, gas_limit: 800_000 }
    }

    /// One of the first `count` accounts, those with keys included.
    fn account(&mut self, count: u64) -> Address {
        let index = self.rng.random_range(0..count);
        match usize::try_from(index).ok().and_then(|index| self.keys.get(index)) {
            Some(key) => key.address(),
            None => address(index - self.keys.len() as u64),
        }
    }
}
