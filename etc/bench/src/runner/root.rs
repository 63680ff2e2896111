//! State root alone: the same accounts change in both tries, and both name the same root.

use super::Work;
use crate::{
    slice::{Done, Stopwatch},
    workfile::Workfile,
    workload,
};
use alloy_primitives::{Address, B256, U256};
use ethrex_common::{H256, types::AccountState};
use ethrex_crypto::{Crypto, NativeCrypto};
use ethrex_rlp::encode::RLPEncode;
use ethrex_trie::{EMPTY_TRIE_HASH, InMemoryTrieDB, Trie};
use execution::{Account, ChainState, StateDiff, roots, state::AccountDiff};
use eyre::ensure;
use std::sync::Arc;
use storage::Chain;

/// Accounts that change in one round.
const UPDATES: usize = 4_000;
/// Rounds with different changes, all on the same state.
const ROUNDS: usize = 8;

/// An account's address, and its nonce and balance afterwards.
type Update = (Address, u64, U256);

/// The accounts that change in `round`: their addresses and old balances, spread evenly.
fn updates(file: &Workfile, round: usize) -> Vec<Update> {
    let plain: Vec<_> =
        file.accounts.iter().filter(|account| account.code.is_empty() && account.storage.is_empty()).collect();
    let (count, stride) = (UPDATES.min(plain.len()), (plain.len() / UPDATES).max(1));
    let chosen = (0..count).map(|index| plain[(index * stride + round * 7) % plain.len()]);
    let mut chosen: Vec<_> =
        chosen.map(|a| (a.address.into(), a.nonce, U256::from_be_bytes(a.balance) + U256::from(round + 1))).collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

fn done(updates: usize) -> Done {
    Done { ops: updates as u64, txs: 0, gas: 0 }
}

fn fact(root: B256) -> u64 {
    root.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// Basalt's trie below the state of a chain in memory.
pub(super) struct Basalt {
    state: Arc<dyn ChainState>,
    rounds: Vec<(StateDiff, B256)>,
    turn: usize,
}

impl Basalt {
    pub(super) fn new(file: &Workfile) -> eyre::Result<Self> {
        let state = Chain::in_memory(Arc::new(workload::spec(file)?))?.state_at_head();
        let mut rounds = Vec::new();
        for round in 0..ROUNDS {
            let updates = updates(file, round);
            let mut diff = StateDiff::default();
            for (address, nonce, balance) in &updates {
                let before = state.account(*address)?;
                let after = Some(Account { nonce: *nonce, balance: *balance, ..Default::default() });
                diff.accounts.insert(*address, AccountDiff { before, after, ..Default::default() });
            }
            let root = apply(&*state, &diff)?;
            rounds.push((diff, root));
        }
        Ok(Self { state, rounds, turn: 0 })
    }
}

fn apply(state: &dyn ChainState, diff: &StateDiff) -> eyre::Result<B256> {
    Ok(roots::apply(state.tree(), state, diff)?.tree.root())
}

impl Work for Basalt {
    fn next(&mut self, watch: &mut Stopwatch) -> eyre::Result<Done> {
        let (diff, root) = &self.rounds[self.turn];
        self.turn = (self.turn + 1) % ROUNDS;
        let found = watch.time(|| apply(&*self.state, diff))?;
        ensure!(found == *root, "another root than the first time");
        Ok(done(diff.accounts.len()))
    }

    fn facts(&self) -> Vec<(&'static str, u64)> {
        vec![("root", fact(self.rounds[ROUNDS - 1].1))]
    }
}

/// ethrex-trie over its own in-memory table.
pub(super) struct Ethrex {
    nodes: ethrex_trie::db::NodeMap,
    genesis: H256,
    rounds: Vec<(Vec<Update>, B256)>,
    turn: usize,
}

impl Ethrex {
    pub(super) fn new(file: &Workfile) -> eyre::Result<Self> {
        let nodes = ethrex_trie::db::NodeMap::default();
        let mut trie = Trie::new(Box::new(InMemoryTrieDB::new(Arc::clone(&nodes))));
        for account in &file.accounts {
            let storage_root = super::levm::storage_root(account, None)?;
            let code_hash = H256(NativeCrypto.keccak256(&account.code));
            let balance = ethrex_common::U256::from_big_endian(&account.balance);
            let state = AccountState { nonce: account.nonce, balance, storage_root, code_hash };
            trie.insert(NativeCrypto.keccak256(&account.address).to_vec(), state.encode_to_vec())?;
        }
        let genesis = trie.hash(&NativeCrypto)?;
        let mut this = Self { nodes, genesis, rounds: Vec::new(), turn: 0 };
        for round in 0..ROUNDS {
            let updates = updates(file, round);
            let root = this.apply(&updates)?;
            this.rounds.push((updates, root));
        }
        ensure!(genesis != EMPTY_TRIE_HASH, "the state is not empty");
        Ok(this)
    }

    /// As ethrex-storage applies a block's updates: read the account, write it back, name the changed nodes.
    fn apply(&self, updates: &[Update]) -> eyre::Result<B256> {
        let mut trie = Trie::open(Box::new(InMemoryTrieDB::new(Arc::clone(&self.nodes))), self.genesis);
        for (address, nonce, balance) in updates {
            let key = NativeCrypto.keccak256(address.as_slice()).to_vec();
            let mut state = match trie.get(&key)? {
                Some(bytes) => <AccountState as ethrex_rlp::decode::RLPDecode>::decode(&bytes)?,
                None => AccountState::default(),
            };
            state.nonce = *nonce;
            state.balance = ethrex_common::U256::from_big_endian(&balance.to_be_bytes::<32>());
            trie.insert(key, state.encode_to_vec())?;
        }
        Ok(B256::from(trie.collect_changes_since_last_hash(&NativeCrypto).0.0))
    }
}

impl Work for Ethrex {
    fn next(&mut self, watch: &mut Stopwatch) -> eyre::Result<Done> {
        let (updates, root) = &self.rounds[self.turn];
        self.turn = (self.turn + 1) % ROUNDS;
        let found = watch.time(|| self.apply(updates))?;
        ensure!(found == *root, "another root than the first time");
        Ok(done(updates.len()))
    }

    fn facts(&self) -> Vec<(&'static str, u64)> {
        vec![("root", fact(self.rounds[ROUNDS - 1].1))]
    }
}
