//! The chain's tests work on made-up blocks: random state changes with true tries and roots, but nothing executed. That reaches
//! deletions and layouts which transactions rarely make.

mod crash;
mod damage;
mod executed;
mod messages;
mod model;
mod outbox;
mod reading;
mod restart;
mod side;
mod size;

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::{BlockBody, Header, Receipt as BareReceipt, Signed, TxLegacy, TxType};
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_primitives::{Address, B256, Bytes, Log, Signature, U256, keccak256};
use alloy_trie::{Nibbles, TrieAccount, proof::verify_proof, root};
use chainspec::{ChainSpec, Layer};
use execution::{
    Account, Block, ChainState, Executed, Receipt, RecoveredBlock, StateDiff, Transaction, Witness,
    block::SealedHeader,
    roots::{self, Applied},
    state::AccountDiff,
    trie::{AccountProof, account_proof},
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IteratorRandom};

use super::*;
use crate::schema::TableId;

/// Accounts and slots that the tests play with: few, so that they meet again.
const ADDRESSES: u64 = 24;
const SLOTS: u64 = 12;

/// What the state should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model(BTreeMap<Address, (Account, BTreeMap<U256, U256>)>);

impl Model {
    fn genesis(spec: &ChainSpec) -> Self {
        let account = |account: &GenesisAccount| {
            let code_hash = account.code.as_ref().map_or(Account::default().code_hash, keccak256);
            let slots = account.storage.iter().flatten().map(|(slot, value)| ((*slot).into(), (*value).into()));
            (Account { nonce: account.nonce.unwrap_or(0), balance: account.balance, code_hash }, slots.collect())
        };
        Self(spec.genesis().alloc.iter().map(|(address, a)| (*address, account(a))).collect())
    }

    fn apply(&mut self, diff: &StateDiff) {
        for (address, change) in &diff.accounts {
            let Some(after) = change.after else {
                self.0.remove(address);
                continue;
            };
            let (account, slots) = self.0.entry(*address).or_default();
            *account = after;
            if change.wiped {
                slots.clear();
            }
            for (slot, (_, value)) in &change.storage {
                if value.is_zero() {
                    slots.remove(slot)
                } else {
                    slots.insert(*slot, *value)
                };
            }
        }
    }

    /// Every account and slot that can exist reads the same.
    fn assert_is(&self, state: &dyn ChainState) {
        for n in 0..ADDRESSES {
            let address = address(n);
            let expected = self.0.get(&address);
            assert_eq!(state.account(address).unwrap(), expected.map(|(account, _)| *account), "{address}");
            for slot in (0..SLOTS).map(U256::from) {
                let value = expected.and_then(|(_, slots)| slots.get(&slot)).copied().unwrap_or_default();
                assert_eq!(state.storage(address, slot).unwrap(), value, "{address} {slot}");
            }
        }
    }

    /// The state root, by somebody else's trie.
    fn root(&self) -> B256 {
        root::state_root_unhashed(
            self.0.iter().map(|(address, (account, slots))| (*address, trie_account(account, slots))),
        )
    }

    /// Proofs of every account and slot that can exist hold under the root, and say what the model says.
    fn assert_proven_by(&self, state: &dyn ChainState) {
        let slots: Vec<U256> = (0..SLOTS).map(U256::from).collect();
        let root = self.root();
        assert_eq!(state.tree().root(), root);
        for address in (0..ADDRESSES).map(address) {
            let proof = account_proof(state.tree(), &state, address, &slots).unwrap();
            let expected = self.0.get(&address).map(|(account, slots)| trie_account(account, slots));
            assert_eq!(proof.account, expected, "{address}");
            let path = Nibbles::unpack(keccak256(address));
            verify_proof(root, path, expected.map(alloy_rlp::encode), &proof.proof).unwrap();
            let Some(TrieAccount { storage_root, .. }) = expected else { continue };
            for slot in proof.storage {
                let value = self.0[&address].1.get(&slot.slot).map(alloy_rlp::encode);
                let path = Nibbles::unpack(keccak256(slot.slot.to_be_bytes::<32>()));
                verify_proof(storage_root, path, value, &slot.proof).unwrap();
            }
        }
    }

    fn random_diff(&self, rng: &mut StdRng) -> StateDiff {
        let mut diff = StateDiff::default();
        for n in (0..ADDRESSES).choose_multiple(rng, 5) {
            let address = address(n);
            let current = self.0.get(&address);
            let before = current.map(|(account, _)| *account);
            let slots = current.map(|(_, slots)| slots.clone()).unwrap_or_default();
            let mut storage = BTreeMap::new();
            // As by a self-destruct before Cancun: what went with the account is for the store to find out.
            let wiped = before.is_some() && rng.random_ratio(1, 6);
            let slots = if wiped { BTreeMap::new() } else { slots };
            let after = if before.is_some() && rng.random_ratio(1, 4) {
                storage.extend(slots.into_iter().map(|(slot, value)| (slot, (value, U256::ZERO))));
                None
            } else {
                for slot in (0..SLOTS).map(U256::from).choose_multiple(rng, 3) {
                    let before = slots.get(&slot).copied().unwrap_or_default();
                    let after = if rng.random_ratio(1, 3) { U256::ZERO } else { U256::from(rng.random::<u128>()) };
                    if before != after {
                        storage.insert(slot, (before, after));
                    }
                }
                let mut account = before.unwrap_or_default();
                account.nonce += 1;
                account.balance = U256::from(rng.random::<u64>());
                if rng.random_ratio(1, 4) {
                    let code = Bytes::from(rng.random::<[u8; 8]>());
                    account.code_hash = keccak256(&code);
                    diff.codes.insert(account.code_hash, code);
                }
                Some(account)
            };
            diff.accounts.insert(address, AccountDiff { before, after, wiped, storage });
        }
        diff
    }
}

fn trie_account(account: &Account, slots: &BTreeMap<U256, U256>) -> TrieAccount {
    let storage = slots.iter().map(|(slot, value)| (B256::from(*slot), *value));
    TrieAccount::new(account.nonce, account.balance, root::storage_root_unhashed(storage), account.code_hash)
}

fn address(n: u64) -> Address {
    Address::from_word(keccak256(n.to_be_bytes()))
}

fn spec_with(balance: u64) -> Arc<ChainSpec> {
    let funded = GenesisAccount {
        nonce: Some(1),
        balance: U256::from(balance),
        code: Some(Bytes::from_static(&[0x60, 0x00])),
        storage: Some([(B256::with_last_byte(3), B256::with_last_byte(7))].into()),
        private_key: None,
    };
    let plain = GenesisAccount { balance: U256::from(5), ..Default::default() };
    let mut genesis = Genesis { gas_limit: 30_000_000, ..Default::default() };
    genesis.alloc = [(address(0), funded), (address(1), plain)].into();
    genesis.config.chain_id = 77;
    Arc::new(ChainSpec::from_genesis(genesis, Layer::L1 { execute: false }).unwrap())
}

fn spec() -> Arc<ChainSpec> {
    spec_with(1_000)
}

/// A child of `parent` that changes its state by `diff` and carries `transactions` transactions; nonces make their hashes differ.
fn child(parent: &SealedHeader, state: &dyn ChainState, diff: StateDiff, transactions: u64, salt: u64) -> Executed {
    let Applied { tree, changes, .. } = roots::apply(state.tree(), &state, &diff).unwrap();
    let state_root = tree.root();
    let number = parent.number + 1;
    let transactions: Vec<Transaction> = (0..transactions)
        .map(|n| {
            let transaction = TxLegacy { nonce: number * 1_000 + n, gas_price: salt.into(), ..Default::default() };
            let signature = Signature::new(U256::from(1), U256::from(2), false);
            Transaction::Legacy(Signed::new_unhashed(transaction, signature))
        })
        .collect();
    let receipts = (1u64..)
        .zip(&transactions)
        .map(|(n, _)| {
            let log = Log::new_unchecked(address(n), vec![B256::with_last_byte(n as u8)], Bytes::new());
            let receipt = BareReceipt { status: true.into(), cumulative_gas_used: n * 21_000, logs: vec![log] };
            Receipt::from_typed(TxType::Legacy, receipt)
        })
        .collect();
    let senders = (0..transactions.len() as u64).map(address).collect();
    let header = Header {
        parent_hash: parent.hash(),
        number,
        state_root,
        timestamp: parent.timestamp + 1,
        nonce: salt.to_be_bytes().into(),
        ..Default::default()
    };
    let body = BlockBody { transactions, ommers: Vec::new(), withdrawals: None };
    let block = RecoveredBlock::new_unhashed(Block { header, body }, senders);
    let bal = Bytes::copy_from_slice(&salt.to_be_bytes());
    Executed { block, receipts, bal, diff, tree, changes, witness: Witness::default() }
}

/// A random child of the head.
fn next(chain: &Chain, model: &Model, rng: &mut StdRng) -> Executed {
    let diff = model.random_diff(rng);
    child(&chain.head(), &*chain.state_at_head(), diff, rng.random_range(0..4), rng.random())
}

/// Appends `count` random blocks and returns them.
fn grow(chain: &Chain, model: &mut Model, rng: &mut StdRng, count: usize) -> Vec<Executed> {
    let grow_one = |_| {
        let block = next(chain, model, rng);
        chain.append(&block).unwrap();
        model.apply(&block.diff);
        block
    };
    (0..count).map(grow_one).collect()
}

/// Limits with a window of so many old states.
fn keeping(blocks: u64) -> Limits {
    Limits { history: History::Blocks(blocks), ..Limits::default() }
}

/// Finalises block `number`.
fn finalise(chain: &Chain, number: u64) {
    let block = chain.resolve(number).unwrap().unwrap();
    let landed = chain.heads().landed;
    chain.put_heads(if landed.number < number { block } else { landed }, block).unwrap();
}

fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}
