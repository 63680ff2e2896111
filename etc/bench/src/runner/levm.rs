//! LEVM 31 with ethrex-trie: executes whole blocks of known senders, then receipts root, BAL hash and state root, then writes the
//! changes to its store. Reads are from flat maps in memory, as ethrex reads its flat tables.

use super::{Work, check};
use crate::{
    slice::{Done, Stopwatch},
    workfile::{self, Block, Workfile},
    workload,
};
use alloy_primitives::B256;
use ethrex_common::{
    Address, H256, U256,
    types::{
        AccountState, AccountUpdate, Block as EthrexBlock, ChainConfig, Code, CodeMetadata, GLOBAL_SIGNER_CACHE,
        Transaction, compute_receipts_root,
    },
};
use ethrex_crypto::{Crypto, NativeCrypto};
use ethrex_rlp::{decode::RLPDecode, encode::RLPEncode};
use ethrex_trie::{EMPTY_TRIE_HASH, InMemoryTrieDB, Nibbles, Trie, db::NodeMap};
use ethrex_vm::{Evm, EvmError, VmDatabase};
use eyre::{ensure, eyre};
use rustc_hash::FxHashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Everything by its address, slot or hash.
#[derive(Debug, Clone, Default)]
struct Flat {
    accounts: FxHashMap<Address, AccountState>,
    slots: FxHashMap<(Address, H256), U256>,
    codes: FxHashMap<H256, Code>,
    hashes: FxHashMap<u64, H256>,
}

/// The state that LEVM reads.
#[derive(Debug, Clone)]
struct View {
    flat: Arc<RwLock<Flat>>,
    config: ChainConfig,
}

impl View {
    fn read<T>(&self, read: impl FnOnce(&Flat) -> T) -> T {
        read(&self.flat.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl VmDatabase for View {
    fn get_account_state(&self, address: Address) -> Result<Option<AccountState>, EvmError> {
        Ok(self.read(|flat| flat.accounts.get(&address).copied()))
    }

    fn get_storage_slot(&self, address: Address, key: H256) -> Result<Option<U256>, EvmError> {
        Ok(self.read(|flat| flat.slots.get(&(address, key)).copied()))
    }

    fn get_block_hash(&self, number: u64) -> Result<H256, EvmError> {
        let hash = self.read(|flat| flat.hashes.get(&number).copied());
        hash.ok_or_else(|| EvmError::DB(format!("no block {number}")))
    }

    fn get_chain_config(&self) -> Result<ChainConfig, EvmError> {
        Ok(self.config)
    }

    fn get_account_code(&self, hash: H256) -> Result<Code, EvmError> {
        let code = self.read(|flat| flat.codes.get(&hash).cloned());
        code.ok_or_else(|| EvmError::DB(format!("no code {hash:?}")))
    }

    fn get_code_metadata(&self, hash: H256) -> Result<CodeMetadata, EvmError> {
        Ok(CodeMetadata { length: self.get_account_code(hash)?.len() as u64 })
    }
}

/// Flat maps and trie nodes of one state.
#[derive(Debug, Default)]
struct Store {
    flat: Flat,
    nodes: Nodes,
    root: H256,
}

/// Encoded nodes by path; those of storage tries behind the hash of the address.
#[derive(Debug, Clone, Default)]
struct Nodes {
    accounts: NodeMap,
    storage: NodeMap,
}

impl Nodes {
    fn copy(&self) -> Self {
        let copy = |map: &NodeMap| Arc::new(map.lock().unwrap_or_else(PoisonError::into_inner).clone().into());
        Self { accounts: copy(&self.accounts), storage: copy(&self.storage) }
    }

    fn account_table(&self) -> Box<InMemoryTrieDB> {
        Box::new(InMemoryTrieDB::new(Arc::clone(&self.accounts)))
    }
}

impl Store {
    fn copy(&self) -> Self {
        Self { flat: self.flat.clone(), nodes: self.nodes.copy(), root: self.root }
    }
}

/// ethrex keeps the senders of transactions it has seen, for the whole process. A validator meets each block once, the benchmark many times.
pub(super) fn forget_senders() {
    GLOBAL_SIGNER_CACHE.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

pub(super) struct Build {
    genesis: Store,
    view: View,
    nodes: Nodes,
    root: H256,
    blocks: Vec<(EthrexBlock, Block)>,
    turn: usize,
}

impl Build {
    pub(super) fn new(file: &Workfile) -> eyre::Result<Self> {
        let mut genesis = store(file)?;
        let blocks = file.blocks.iter().map(|block| {
            let decoded = EthrexBlock::decode(&block.rlp)?;
            for (tx, sender) in decoded.body.transactions.iter().zip(block.senders.chunks_exact(20)) {
                let Transaction::EIP1559Transaction(tx) = tx else { return Err(eyre!("only type 2 here")) };
                tx.sender_cache.set(Address::from_slice(sender)).map_err(|_| eyre!("a sender is known twice"))?;
            }
            Ok((decoded, block.clone()))
        });
        let blocks = blocks.collect::<eyre::Result<Vec<_>>>()?;
        let spec = workload::spec(file)?;
        genesis.flat.hashes.insert(0, H256(spec.genesis_hash().0));
        for (block, _) in &blocks {
            genesis.flat.hashes.insert(block.header.number, block.header.compute_block_hash(&NativeCrypto));
        }
        ensure!(genesis.root.0 == spec.genesis_header().state_root.0, "ethrex-trie finds another genesis root");
        let Store { flat, nodes, root } = genesis.copy();
        let view = View { flat: Arc::new(RwLock::new(flat)), config: config(file)? };
        Ok(Self { genesis, view, nodes, root, blocks, turn: 0 })
    }
}

/// The rules of `basalt_execution::second`: those of the schema that EXECUTE inputs name.
fn config(file: &Workfile) -> eyre::Result<ChainConfig> {
    let zero = Some(0);
    Ok(ChainConfig {
        chain_id: file.chain_id,
        homestead_block: zero,
        eip150_block: zero,
        eip155_block: zero,
        eip158_block: zero,
        byzantium_block: zero,
        constantinople_block: zero,
        petersburg_block: zero,
        istanbul_block: zero,
        muir_glacier_block: zero,
        berlin_block: zero,
        london_block: zero,
        arrow_glacier_block: zero,
        gray_glacier_block: zero,
        merge_netsplit_block: zero,
        shanghai_time: zero,
        cancun_time: zero,
        prague_time: zero,
        osaka_time: zero,
        bpo1_time: zero,
        bpo2_time: zero,
        amsterdam_time: zero,
        terminal_total_difficulty: zero.map(u128::from),
        terminal_total_difficulty_passed: true,
        ..Default::default()
    })
}

/// Fills the flat maps and both kinds of trie.
fn store(file: &Workfile) -> eyre::Result<Store> {
    let mut store = Store::default();
    let mut trie = Trie::new(store.nodes.account_table());
    for account in &file.accounts {
        let address = Address::from(account.address);
        let code = Code::from_bytecode(account.code.clone().into(), &NativeCrypto);
        let state = AccountState {
            nonce: account.nonce,
            balance: U256::from_big_endian(&account.balance),
            storage_root: storage_root(account, Some(&store.nodes.storage))?,
            code_hash: code.hash,
        };
        trie.insert(NativeCrypto.keccak256(&account.address).to_vec(), state.encode_to_vec())?;
        let slots = account.storage.iter().map(|(slot, value)| ((address, H256(*slot)), U256::from_big_endian(value)));
        store.flat.slots.extend(slots);
        store.flat.accounts.insert(address, state);
        store.flat.codes.insert(code.hash, code);
    }
    store.root = trie.hash(&NativeCrypto)?;
    Ok(store)
}

/// Root of an account's storage; the nodes go to `nodes`, if given.
pub(super) fn storage_root(account: &workfile::Account, nodes: Option<&NodeMap>) -> eyre::Result<H256> {
    if account.storage.is_empty() {
        return Ok(EMPTY_TRIE_HASH);
    }
    let nodes = nodes.cloned().unwrap_or_default();
    let mut trie = Trie::new(storage_table(&nodes, Address::from(account.address)));
    for (slot, value) in &account.storage {
        trie.insert(NativeCrypto.keccak256(slot).to_vec(), U256::from_big_endian(value).encode_to_vec())?;
    }
    Ok(trie.hash(&NativeCrypto)?)
}

fn storage_table(nodes: &NodeMap, address: Address) -> Box<InMemoryTrieDB> {
    let prefix = Nibbles::from_bytes(&NativeCrypto.keccak256(address.as_bytes()));
    Box::new(InMemoryTrieDB::new_with_prefix(Arc::clone(nodes), prefix))
}

impl Build {
    /// Writes the changes of a block to tries and flat maps, as ethrex-storage does.
    fn apply(&mut self, updates: &[AccountUpdate]) -> eyre::Result<H256> {
        let mut flat = self.view.flat.write().unwrap_or_else(PoisonError::into_inner);
        let mut trie = Trie::open(self.nodes.account_table(), self.root);
        for update in updates {
            let (address, key) = (update.address, NativeCrypto.keccak256(update.address.as_bytes()).to_vec());
            if update.removed {
                trie.remove(&key)?;
                flat.accounts.remove(&address);
                continue;
            }
            let mut state = match trie.get(&key)? {
                Some(bytes) => AccountState::decode(&bytes)?,
                None => AccountState::default(),
            };
            ensure!(!update.removed_storage, "no workload destroys a contract");
            if let Some(info) = &update.info {
                (state.nonce, state.balance, state.code_hash) = (info.nonce, info.balance, info.code_hash);
                if let Some(code) = &update.code {
                    flat.codes.insert(info.code_hash, code.clone());
                }
            }
            if !update.added_storage.is_empty() {
                let mut slots = Trie::open(storage_table(&self.nodes.storage, address), state.storage_root);
                for (slot, value) in &update.added_storage {
                    let key = NativeCrypto.keccak256(slot.as_bytes()).to_vec();
                    if value.is_zero() {
                        slots.remove(&key)?;
                        flat.slots.remove(&(address, *slot));
                    } else {
                        slots.insert(key, value.encode_to_vec())?;
                        flat.slots.insert((address, *slot), *value);
                    }
                }
                state.storage_root = slots.hash(&NativeCrypto)?;
            }
            trie.insert(key, state.encode_to_vec())?;
            flat.accounts.insert(address, state);
        }
        self.root = trie.hash(&NativeCrypto)?;
        Ok(self.root)
    }

    fn build(&mut self, index: usize) -> eyre::Result<(u64, H256)> {
        let (block, _) = &self.blocks[index];
        let mut evm = Evm::new_for_l1(self.view.clone(), Arc::new(NativeCrypto));
        let (result, bal) = evm.execute_block(block)?;
        let updates = evm.get_state_transitions()?;
        let receipts = compute_receipts_root(&result.receipts, &NativeCrypto);
        ensure!(receipts == block.header.receipts_root, "another receipts root");
        let bal = bal.ok_or_else(|| eyre!("no block access list"))?.compute_hash(&NativeCrypto);
        ensure!(Some(bal) == block.header.block_access_list_hash, "another block access list");
        Ok((result.block_gas_used, self.apply(&updates)?))
    }
}

impl Work for Build {
    fn next(&mut self, watch: &mut Stopwatch) -> eyre::Result<Done> {
        if self.turn == self.blocks.len() {
            let Store { flat, nodes, root } = self.genesis.copy();
            *self.view.flat.write().unwrap_or_else(PoisonError::into_inner) = flat;
            (self.nodes, self.root, self.turn) = (nodes, root, 0);
        }
        let index = self.turn;
        self.turn += 1;
        let (gas_used, root) = watch.time(|| self.build(index))?;
        check(&self.blocks[index].1, gas_used, B256::from(root.0).0)
    }
}
