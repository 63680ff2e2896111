//! Test support: a chain in memory, and a generator of blocks that try the EVM's corners.

mod programs;

use crate::{
    Attributes, Building, Executed, RecoveredTx, Transaction,
    block::SealedHeader,
    genesis,
    state::{Account, ChainState, Lookup, NodeSource, StateDiff, StateError, StateView},
    trie::{NodeChange, Place, StateTree, TrieChanges, tests},
};
use alloy_consensus::{
    Header, SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxLegacy, transaction::SignerRecoverable,
};
use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::Authorization,
};
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256, map::B256Map};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use chainspec::{ChainSpec, Layer, dev};
use programs::{code, fresh};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A chain whose state is kept flat and as nodes, so that each is checked against the other.
pub(crate) struct World {
    pub(crate) spec: Arc<ChainSpec>,
    accounts: BTreeMap<Address, Account>,
    storage: BTreeMap<(Address, U256), U256>,
    tree: StateTree,
    /// Every node of the head's state.
    nodes: BTreeMap<Place, Bytes>,
    codes: B256Map<Bytes>,
    pub(crate) headers: Vec<SealedHeader>,
    /// Of each block.
    ommers: Vec<Vec<Header>>,
}

impl World {
    pub(crate) fn new(genesis: Genesis, layer: Layer) -> Self {
        let spec = Arc::new(ChainSpec::from_genesis(genesis, layer).unwrap());
        let block = genesis::genesis(&spec).unwrap();
        let mut world = Self {
            spec,
            accounts: BTreeMap::new(),
            storage: BTreeMap::new(),
            nodes: BTreeMap::new(),
            tree: StateTree::new(EMPTY_ROOT_HASH),
            codes: B256Map::default(),
            headers: vec![block.header],
            ommers: vec![Vec::new()],
        };
        world.change(&block.diff);
        world.hang(block.tree, &block.changes);
        world
    }

    pub(crate) fn head(&self) -> &SealedHeader {
        self.headers.last().unwrap()
    }

    pub(crate) fn attributes(&self) -> Attributes {
        let head = self.head();
        Attributes {
            timestamp: head.timestamp + 12,
            fee_recipient: Address::with_last_byte(0xfe),
            prev_randao: B256::repeat_byte(7),
            gas_limit: head.gas_limit,
            parent_beacon_block_root: B256::repeat_byte(9),
            extra_data: Bytes::new(),
            slot_number: head.number + 1,
        }
    }

    pub(crate) fn building(&self) -> Building<'_> {
        Building::start(&self.spec, self.head(), self.attributes(), self).unwrap()
    }

    /// Builds a block of what is not refused.
    pub(crate) fn build(&self, txs: &[RecoveredTx]) -> Executed {
        let mut building = self.building();
        for tx in txs {
            let _ = building.push(tx);
        }
        building.seal().unwrap()
    }

    pub(crate) fn append(&mut self, executed: &Executed) {
        self.change(&executed.diff);
        self.hang(executed.tree.clone(), &executed.changes);
        self.ommers.push(executed.block.body().ommers.clone());
        self.headers.push(SealedHeader::new(executed.block.header().clone(), executed.block.hash()));
    }

    /// Checks that `changes` say how `tree` differs from the tree before, and makes it the head's: every other time with nothing loaded.
    fn hang(&mut self, tree: StateTree, changes: &TrieChanges) {
        let new = tests::export(&tree, self);
        let mut said: BTreeMap<Place, &NodeChange> =
            changes.nodes.iter().map(|change| (change.place, change)).collect();
        assert!(changes.nodes.is_sorted_by_key(|change| change.place) && said.len() == changes.nodes.len());
        for place in self.nodes.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            let (before, after) = (self.nodes.get(place), new.get(place));
            let after_kept = after.filter(|raw| !tests::is_leaf(raw));
            match said.remove(place) {
                Some(change) => {
                    assert_eq!((change.before.as_ref(), change.after.as_ref()), (before, after_kept), "{place:?}")
                }
                None => {
                    assert!(before == after || (before.is_none() && after_kept.is_none()), "{place:?} is not named")
                }
            }
        }
        assert!(said.is_empty(), "nothing is there: {said:?}");
        for (key, change) in &changes.accounts {
            assert_eq!(change.before, self.tree.account(self, *key).unwrap());
            assert_eq!(change.after, tree.account(self, *key).unwrap());
        }
        for ((owner, slot), change) in &changes.slots {
            assert_eq!(change.before, self.tree.storage(self, *owner, *slot).unwrap());
            assert_eq!(change.after, tree.storage(self, *owner, *slot).unwrap());
        }
        self.nodes = new;
        self.tree = if self.headers.len().is_multiple_of(2) { StateTree::new(tree.root()) } else { tree };
    }

    pub(crate) fn nonce(&self, address: Address) -> u64 {
        self.accounts.get(&address).map_or(0, |a| a.nonce)
    }

    /// State root of what is kept flat, by another trie.
    pub(crate) fn flat_root(&self) -> B256 {
        let account = |(address, account): (&Address, &Account)| {
            let slots = self.storage.range((*address, U256::ZERO)..=(*address, U256::MAX));
            let slots = slots.map(|((_, slot), value)| (B256::from(*slot), *value));
            let storage = alloy_trie::root::storage_root_unhashed(slots);
            (*address, TrieAccount::new(account.nonce, account.balance, storage, account.code_hash))
        };
        alloy_trie::root::state_root_unhashed(self.accounts.iter().map(account))
    }

    fn change(&mut self, diff: &StateDiff) {
        self.codes.extend(diff.codes.clone());
        for (address, account) in &diff.accounts {
            assert_eq!(self.accounts.get(address).copied(), account.before, "{address} before");
            match account.after {
                Some(after) => drop(self.accounts.insert(*address, after)),
                None => drop(self.accounts.remove(address)),
            }
            if account.wiped {
                self.storage.retain(|(owner, _), _| owner != address);
            }
            for (slot, (before, after)) in &account.storage {
                let old = self.storage.get(&(*address, *slot)).copied().unwrap_or_default();
                assert_eq!(old, *before, "{address} {slot} before");
                match after.is_zero() {
                    true => drop(self.storage.remove(&(*address, *slot))),
                    false => drop(self.storage.insert((*address, *slot), *after)),
                }
            }
        }
    }
}

impl StateView for World {
    fn account(&self, address: Address) -> Result<Option<Account>, StateError> {
        Ok(self.accounts.get(&address).copied())
    }
    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        Ok(self.storage.get(&(address, slot)).copied().unwrap_or_default())
    }
    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.codes.get(&hash).cloned().ok_or(StateError::missing_code(hash))
    }
    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        let header = self.headers.get(number as usize).ok_or(StateError::Missing(Lookup::BlockHash(number)))?;
        Ok(header.hash())
    }
}

impl NodeSource for World {
    fn node(&self, place: &Place, hash: B256) -> Result<Bytes, StateError> {
        let node = self.nodes.get(place).filter(|node| keccak256(node) == hash);
        node.cloned().ok_or(StateError::missing_node(hash))
    }
}

impl ChainState for World {
    fn tree(&self) -> &StateTree {
        &self.tree
    }
    fn header(&self, number: u64) -> Result<Bytes, StateError> {
        Ok(alloy_rlp::encode(self.headers[number as usize].header()).into())
    }
    fn ommers(&self, number: u64) -> Result<Vec<Header>, StateError> {
        Ok(self.ommers[number as usize].clone())
    }
}

pub(crate) fn signer(index: usize) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&dev::ACCOUNTS[index].key).unwrap()
}

pub(crate) fn sign(who: &PrivateKeySigner, mut tx: impl SignableTransaction<Signature> + Into2718) -> RecoveredTx {
    let signature = who.sign_transaction_sync(&mut tx).unwrap();
    tx.seal(signature).try_into_recovered().unwrap()
}

/// Each transaction type's way into the envelope.
pub(crate) trait Into2718 {
    fn seal(self, signature: Signature) -> Transaction;
}
macro_rules! seal {
    ($($tx:ty),*) => {$(impl Into2718 for $tx {
        fn seal(self, signature: Signature) -> Transaction { self.into_signed(signature).into() }
    })*};
}
seal!(TxLegacy, TxEip1559, TxEip2930, TxEip7702, alloy_consensus::TxEip4844);

/// A transfer or call of type 2 with room to spare.
pub(crate) fn call(world: &World, who: usize, nonce: u64, to: TxKind, value: u64, input: Bytes) -> RecoveredTx {
    let tx = TxEip1559 {
        chain_id: world.spec.chain_id,
        nonce,
        gas_limit: 2_000_000,
        max_fee_per_gas: 2_000_000_000,
        max_priority_fee_per_gas: 1,
        to,
        value: U256::from(value),
        access_list: AccessList::default(),
        input,
    };
    sign(&signer(who), tx)
}

pub(super) const PEERS: u64 = 6;

pub(crate) fn peer(index: u64) -> Address {
    Address::from_word(B256::from(U256::from(0xc0de00 + index)))
}

/// A rollup whose genesis holds contracts of random code beside the usual accounts.
pub(crate) fn random_world(rng: &mut StdRng) -> World {
    let mut genesis = dev::l2_genesis(1_000, Bytes::from_static(&[0x00]));
    genesis.gas_limit = 60_000_000;
    for index in 0..PEERS {
        let slots = (0..rng.random_range(0..5u64)).map(|k| (B256::from(U256::from(k)), B256::from(U256::from(k + 1))));
        let account = GenesisAccount {
            nonce: Some(1),
            balance: U256::from(rng.random_range(0..100u64)),
            code: Some(code(rng).into()),
            storage: Some(slots.collect()),
            private_key: None,
        };
        genesis.alloc.insert(peer(index), account);
    }
    World::new(genesis, Layer::Rollup)
}

/// Up to `max` transactions, most of them valid.
pub(crate) fn random_txs(rng: &mut StdRng, world: &World, max: usize) -> Vec<RecoveredTx> {
    let mut nonces: BTreeMap<usize, u64> = BTreeMap::new();
    (0..rng.random_range(0..=max)).map(|_| random_tx(rng, world, &mut nonces)).collect()
}

fn random_tx(rng: &mut StdRng, world: &World, nonces: &mut BTreeMap<usize, u64>) -> RecoveredTx {
    let who = rng.random_range(0..4);
    let key = signer(who);
    let nonce = nonces.entry(who).or_insert_with(|| world.nonce(key.address()));
    let chain_id = world.spec.chain_id;
    let value = U256::from(rng.random_range(0..3u64));
    let (mut to, input) = match rng.random_range(0..10) {
        0 => (TxKind::Create, Bytes::from(code(rng))),
        1 => (TxKind::Call(fresh(rng)), Bytes::new()),
        2 => (TxKind::Call(signer(rng.random_range(0..4)).address()), vec![1u8; rng.random_range(0..300)].into()),
        3 => {
            let number = [1u64, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16, 17, 256, 257][rng.random_range(0..15)];
            let input: Vec<u8> = (0..rng.random_range(0..300)).map(|_| rng.random_range(0..3)).collect();
            (TxKind::Call(Address::from_word(B256::from(U256::from(number)))), input.into())
        }
        _ => (TxKind::Call(peer(rng.random_range(0..PEERS))), vec![0u8; rng.random_range(0..100)].into()),
    };
    let gas_limit = [40_000, 300_000, 1_000_000, 3_000_000, 20_000_000][rng.random_range(0..5)];
    let access_list = match rng.random_range(0..4) {
        0 => AccessList(vec![AccessListItem {
            address: peer(rng.random_range(0..PEERS)),
            storage_keys: vec![B256::ZERO, B256::with_last_byte(rng.random_range(0..9))],
        }]),
        _ => AccessList::default(),
    };
    let (max_fee_per_gas, max_priority_fee_per_gas) = (3_000_000_000, rng.random_range(0..3));
    let tx = match rng.random_range(0..8) {
        0 => {
            let chain_id = rng.random_bool(0.7).then_some(chain_id);
            sign(&key, TxLegacy { chain_id, nonce: *nonce, gas_price: max_fee_per_gas, gas_limit, to, value, input })
        }
        1 => {
            let gas_price = max_fee_per_gas;
            sign(&key, TxEip2930 { chain_id, nonce: *nonce, gas_price, gas_limit, to, value, access_list, input })
        }
        2 | 3 => {
            let list = authorizations(rng, world, chain_id);
            if rng.random_bool(0.4) {
                to = TxKind::Call(list[0].recover_authority().unwrap());
            }
            let to = to.to().copied().unwrap_or(peer(0));
            let tx = TxEip7702 {
                chain_id,
                nonce: *nonce,
                gas_limit: gas_limit.max(400_000),
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to,
                value,
                access_list,
                authorization_list: list,
                input,
            };
            sign(&key, tx)
        }
        _ => {
            let nonce = *nonce;
            let tx = TxEip1559 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to,
                value,
                access_list,
                input,
            };
            sign(&key, tx)
        }
    };
    *nonce += 1;
    tx
}

fn authorizations(rng: &mut StdRng, world: &World, chain: u64) -> Vec<alloy_eips::eip7702::SignedAuthorization> {
    (0..rng.random_range(1..4))
        .map(|_| {
            let who = match rng.random_bool(0.5) {
                true => signer(rng.random_range(0..4)),
                false => PrivateKeySigner::from_bytes(&B256::repeat_byte(rng.random_range(10..20))).unwrap(),
            };
            let authorization = Authorization {
                chain_id: U256::from([0, chain, 1][rng.random_range(0..3)]),
                address: if rng.random_bool(0.2) { Address::ZERO } else { peer(rng.random_range(0..PEERS)) },
                nonce: world.nonce(who.address()) + rng.random_range(0..2),
            };
            let signature = who.sign_hash_sync(&authorization.signature_hash()).unwrap();
            authorization.into_signed(signature)
        })
        .collect()
}

pub(crate) fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}
