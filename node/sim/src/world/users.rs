//! Users of the rollup: transactions to whatever sequencer they know, messages from L1, and what they were promised.

use super::{
    machine::{Machine, Running},
    rollup,
};
use crate::{
    l1::{Deposit, L1},
    seed::Rng,
};
use alloy_consensus::{SignableTransaction as _, TxEip1559};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_network::TxSignerSync as _;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall as _;
use bridge::abi::Messenger;
use chainspec::{dev::L2_CHAIN_ID, predeploys};
use rpc::Submit as _;

const GWEI: u128 = 1_000_000_000;

/// What a message pays for its relay, wei: enough at every base fee of a simulation.
const RELAY_FEE: u128 = 1_000_000_000_000_000_000;

/// What a transfer sends, wei.
const TRANSFER: u128 = 1_000_000_000_000_000;

/// Of the accounts, so many are poisoners': what they send is not meant to be minable.
const POISONERS: usize = 2;

/// A transaction that a sequencer answered for.
#[derive(Clone, Debug)]
pub struct Promise {
    /// Its hash.
    pub hash: B256,
    /// Which machine answered.
    pub machine: usize,
    /// The disk it had then ([`Machine::disks`]).
    pub disks: u64,
}

/// A message into the rollup, told apart by whom it is for.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Nobody else gets anything.
    pub to: Address,
    /// Wei.
    pub value: U256,
}

struct User {
    signer: PrivateKeySigner,
    /// By nonce.
    sent: Vec<(B256, Bytes)>,
}

/// All users.
pub struct Users {
    rng: Rng,
    users: Vec<User>,
    /// Promises that are still to be kept.
    pub promises: Vec<Promise>,
    /// Messages that were sent, whatever L1 made of them.
    pub deposits: Vec<Sent>,
    /// Good transactions that no sequencer took, with its reason.
    pub refused: Vec<String>,
    poison: u64,
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Users({} promises, {} deposits)", self.promises.len(), self.deposits.len())
    }
}

impl Users {
    /// Users who have done nothing yet.
    pub fn new(rng: Rng) -> Self {
        let signers = rollup::users().iter().map(|account| rollup::signer(account.key));
        let users = signers.map(|signer| User { signer, sent: Vec::new() }).collect();
        let (promises, deposits, refused) = (Vec::new(), Vec::new(), Vec::new());
        Self { rng, users, promises, deposits, refused, poison: 0 }
    }

    /// Good transactions that users signed so far.
    pub fn signed(&self) -> impl Iterator<Item = B256> + '_ {
        let good = &self.users[..self.users.len() - POISONERS];
        good.iter().flat_map(|user| &user.sent).map(|(hash, _)| *hash)
    }

    /// One user sends one good transaction to one running sequencer.
    pub fn transact(&mut self, machines: &[Machine]) {
        let (user, raw) = self.good();
        if let Some((machine, disks, running)) = self.sequencer(machines) {
            self.send(user, raw, machine, disks, &running);
        }
    }

    /// Users send so many good transactions at once, all to one running sequencer: pools don't share, so what goes to several of them would
    /// wait there for one another's nonces.
    pub fn burst(&mut self, machines: &[Machine], transactions: u64) {
        let Some((machine, disks, running)) = self.sequencer(machines) else { return };
        for _ in 0..transactions {
            let (user, raw) = self.good();
            self.send(user, raw, machine, disks, &running);
        }
    }

    fn send(&mut self, user: usize, raw: Bytes, machine: usize, disks: u64, running: &Running) {
        if let Some(hash) = self.submit(machine, disks, running, raw.clone()) {
            self.users[user].sent.push((hash, raw));
        }
    }

    /// The next good transaction of some user, signed.
    fn good(&mut self) -> (usize, Bytes) {
        let user = self.pick(self.users.len() - POISONERS);
        let nonce = self.users[user].sent.len() as u64;
        let (to, input, value) = match self.rng.below(5) {
            0 => {
                let call = Messenger::sendMessageCall {
                    dstChainId: chainspec::dev::L1_CHAIN_ID,
                    to: Address::repeat_byte(0xe1),
                    fee: U256::ZERO,
                    gasLimit: 50_000,
                    data: Bytes::new(),
                };
                (predeploys::MESSENGER, call.abi_encode().into(), U256::from(TRANSFER))
            }
            1 => (Address::repeat_byte(0xe2), Bytes::new(), U256::from(TRANSFER)),
            _ => (fresh(&format!("paid {user} {nonce}")), Bytes::new(), U256::from(TRANSFER)),
        };
        let tip = u128::from(self.rng.within(1..=5)) * GWEI;
        (user, sign(&self.users[user].signer, nonce, 100 * GWEI, tip, 500_000, to, input, value))
    }

    /// Wallets send again what they see nowhere: one user's first transaction that no node has.
    pub fn resend(&mut self, machines: &[Machine]) {
        let all: Vec<Running> = machines.iter().filter_map(Machine::running).collect();
        let is_known = |hash: B256| {
            all.iter().any(|running| {
                let is_pooled = running.pool.as_ref().is_some_and(|pool| pool.transaction(hash).is_some());
                is_pooled || running.chain.transaction(hash).is_ok_and(|found| found.is_some())
            })
        };
        for user in 0..self.users.len() - POISONERS {
            let lost = self.users[user].sent.iter().find(|(hash, _)| !is_known(*hash)).map(|(_, raw)| raw.clone());
            if let (Some(raw), Some((machine, disks, running))) = (lost, self.sequencer(machines)) {
                self.submit(machine, disks, &running, raw);
            }
        }
    }

    /// One user sends a message from L1, to an account that nobody else pays.
    pub fn deposit(&mut self, l1: &L1, chain_id: u64) {
        let user = self.pick(self.users.len() - POISONERS);
        let to = fresh(&format!("deposit {}", self.deposits.len()));
        let value = U256::from(TRANSFER * u128::from(self.rng.within(1..=9)));
        let deposit =
            Deposit { chain_id, to, value, fee: U256::from(RELAY_FEE), gas_limit: 50_000, data: Bytes::new() };
        // A full pool of L1 says no; that user tries again some other time.
        if l1.deposit(self.users[user].signer.address(), deposit).is_ok() {
            self.deposits.push(Sent { to, value });
        }
    }

    /// What no block can take, to `machine`: gaps, fees below every base fee, more gas than a block has, more ether than
    /// there is, and garbage. What the machine says does not matter, as long as it lives.
    pub fn poison(&mut self, running: &Running) {
        let Some(pool) = &running.pool else { return };
        let (first, second) = (self.users.len() - 2, self.users.len() - 1);
        let to = Address::repeat_byte(0xbd);
        self.poison += 1;
        let gap = 5 + self.poison;
        let one = |user: &User, nonce, fee, gas, value| {
            sign(&user.signer, nonce, fee, 0, gas, to, Bytes::from(vec![7; 100]), value)
        };
        let (a, b) = (&self.users[first], &self.users[second]);
        let all = [
            one(a, gap, 100 * GWEI, 100_000, U256::ZERO),
            one(a, 0, 1, 100_000, U256::ZERO),
            one(b, 0, 100 * GWEI, 13_900_000, U256::ZERO),
            one(b, 1, 100 * GWEI, 100_000, U256::MAX),
            one(b, 0, 100 * GWEI, 21_000, U256::from(1)),
            Bytes::from(vec![0x02; usize::try_from(10 + self.poison % 500).expect("small")]),
        ];
        for raw in all {
            // Taken or not, no promise of it is counted on.
            let _ = futures::executor::block_on(pool.submit(raw));
        }
    }

    fn submit(&mut self, machine: usize, disks: u64, running: &Running, raw: Bytes) -> Option<B256> {
        let pool = running.pool.as_ref()?;
        // It is answered at once: nothing in it waits.
        match futures::executor::block_on(pool.submit(raw)) {
            Ok(hash) => {
                self.promises.push(Promise { hash, machine, disks });
                Some(hash)
            }
            Err(error) => {
                self.refused.push(error.to_string());
                None
            }
        }
    }

    /// A running sequencer.
    fn sequencer(&mut self, machines: &[Machine]) -> Option<(usize, u64, Running)> {
        let on = machines.iter().enumerate().filter_map(|(at, machine)| {
            let running = machine.running().filter(|running| running.pool.is_some())?;
            Some((at, machine.disks, running))
        });
        let on: Vec<_> = on.collect();
        (!on.is_empty()).then(|| self.rng.pick(&on).clone())
    }

    fn pick(&mut self, count: usize) -> usize {
        usize::try_from(self.rng.below(count as u64)).expect("below a length")
    }
}

fn fresh(name: &str) -> Address {
    Address::from_word(keccak256(name))
}

#[allow(clippy::too_many_arguments)] // the fields of a transaction, in their order
fn sign(
    signer: &PrivateKeySigner,
    nonce: u64,
    max_fee: u128,
    tip: u128,
    gas_limit: u64,
    to: Address,
    input: Bytes,
    value: U256,
) -> Bytes {
    let mut tx = TxEip1559 {
        chain_id: L2_CHAIN_ID,
        nonce,
        gas_limit,
        max_fee_per_gas: max_fee,
        max_priority_fee_per_gas: tip.min(max_fee),
        to: TxKind::Call(to),
        value,
        input,
        ..Default::default()
    };
    let signature = signer.sign_transaction_sync(&mut tx).expect("a local key signs");
    tx.into_signed(signature).encoded_2718().into()
}
