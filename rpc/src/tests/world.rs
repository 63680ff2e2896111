//! A chain in memory, a pool that is a map, and a server in front of both.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

use alloy_consensus::{
    SignableTransaction, Transaction as _, TxEip1559, TxEip2930, TxLegacy,
    transaction::{Recovered, SignerRecoverable},
};
use alloy_eips::{
    BlockNumHash,
    eip2718::{Decodable2718, Encodable2718},
};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, address, bytes};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use bridge::abi::Messenger;
use chainspec::{ChainSpec, Layer, RollupConfig, dev};
use execution::{Attributes, Building, Executed, block::Transaction};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use sequencer::pool::PoolError;
use serde_json::{Value, json};
use storage::{Chain, History, Memory};
use tokio::sync::{broadcast, watch};

use crate::{
    Backend, Config, Cors, Dev, DevError, Heads, Limits, NoPending, Parts, Pending, PendingBlock, PoolContent,
    PoolStatus, Pooled, RollupStatus, Running, Submit, SubmitError, SyncState,
    catalogue::Namespace,
    rollup::{BlockRef, BridgeOnL1, L1Fault, L1Status, L2Status, Landing, OutboxOnL1, Role, SentOnL1, SyncStatus},
};

/// Counts its calls in slot 0, logs the count under topic 0xaa, returns it.
pub(crate) const COUNTER: Address = address!("0x00000000000000000000000000000000000c0c0c");
/// Reverts with `Error("nope")`.
pub(crate) const REVERTER: Address = address!("0x0000000000000000000000000000000000badbad");
/// Burns all gas it gets.
pub(crate) const BURNER: Address = address!("0x00000000000000000000000000000000000b0b0b");
/// Returns NUMBER, TIMESTAMP, BASEFEE, COINBASE, the balance of its caller, and slot 1.
pub(crate) const ORACLE: Address = address!("0x0000000000000000000000000000000000facade");

pub(crate) const GENESIS_TIME: u64 = 1_800_000_000;
pub(crate) const TOPIC: B256 = B256::with_last_byte(0xaa);

pub(crate) struct World {
    pub(crate) chain: Arc<Chain>,
    pub(crate) spec: Arc<ChainSpec>,
    pool: Mutex<BTreeMap<B256, (Arc<Pooled>, Bytes)>>,
    pool_news: broadcast::Sender<B256>,
    head: watch::Sender<BlockNumHash>,
    settled: Mutex<(u64, u64)>,
    pub(crate) sync: Mutex<SyncState>,
    pub(crate) open: Mutex<Option<Arc<PendingBlock>>>,
    config: RollupConfig,
    /// Anchor of the blocks that are built.
    pub(crate) anchor: Mutex<B256>,
    /// What L1 says about messages.
    pub(crate) on_l1: Mutex<OnL1>,
}

/// What L1 says about messages.
#[derive(Default)]
pub(crate) struct OnL1 {
    pub(crate) sent: BTreeMap<B256, Vec<SentOnL1>>,
    pub(crate) outbox: OutboxOnL1,
    pub(crate) claimed: Vec<u64>,
    pub(crate) silent: bool,
}

impl World {
    pub(crate) fn rollup() -> Arc<Self> {
        Self::rollup_keeping(History::default())
    }

    /// A rollup with its Messenger.
    pub(crate) fn bridged() -> Arc<Self> {
        let genesis = with_contracts(dev::l2_genesis(GENESIS_TIME, Messenger::DEPLOYED_BYTECODE.clone()));
        Self::new(genesis, Layer::Rollup, History::default())
    }

    /// A rollup whose old states are readable for a while only.
    pub(crate) fn rollup_keeping(history: History) -> Arc<Self> {
        let genesis = with_contracts(dev::l2_genesis(GENESIS_TIME, bytes!("00")));
        Self::new(genesis, Layer::Rollup, history)
    }

    pub(crate) fn l1() -> Arc<Self> {
        Self::new(with_contracts(dev::l1_genesis(GENESIS_TIME)), Layer::L1 { execute: true }, History::default())
    }

    fn new(genesis: alloy_genesis::Genesis, layer: Layer, history: History) -> Arc<Self> {
        let config = dev::rollup_config(genesis.clone(), Address::repeat_byte(0x48), 3, 12_000);
        let spec = Arc::new(ChainSpec::from_genesis(genesis, layer).unwrap());
        let limits = storage::Limits { history, ..Default::default() };
        let chain = Arc::new(Chain::on(Arc::new(Memory::new()), spec.clone(), limits).unwrap());
        let head = watch::Sender::new(chain.head().num_hash());
        Arc::new(Self {
            chain,
            spec,
            pool: Mutex::default(),
            pool_news: broadcast::channel(64).0,
            head,
            settled: Mutex::default(),
            sync: Mutex::new(SyncState::Synced),
            open: Mutex::default(),
            config,
            anchor: Mutex::new(B256::repeat_byte(9)),
            on_l1: Mutex::default(),
        })
    }

    pub(crate) fn settle(&self, safe: u64, finalized: u64) {
        *self.settled.lock() = (safe, finalized);
    }

    /// Builds a block of `transactions`, all of which must be included.
    pub(crate) fn build(&self, transactions: &[Recovered<Transaction>], extra: u8) -> Executed {
        let parent = self.chain.head();
        let state = self.chain.state_at_head();
        let attributes = Attributes {
            timestamp: parent.timestamp + 12,
            fee_recipient: Address::repeat_byte(0xfe),
            prev_randao: B256::repeat_byte(7),
            gas_limit: parent.gas_limit,
            parent_beacon_block_root: *self.anchor.lock(),
            extra_data: Bytes::copy_from_slice(&[extra]),
            slot_number: parent.number + 1,
        };
        let mut building = Building::start(&self.spec, &parent, attributes, &*state).unwrap();
        for transaction in transactions {
            building.push(transaction).unwrap();
        }
        building.seal().unwrap()
    }

    pub(crate) fn append(&self, executed: &Executed) -> BlockNumHash {
        self.chain.append(executed).unwrap();
        let included: Vec<_> = executed.block.body().transactions.iter().map(|tx| *tx.tx_hash()).collect();
        self.pool.lock().retain(|hash, _| !included.contains(hash));
        self.announce()
    }

    pub(crate) fn announce(&self) -> BlockNumHash {
        let head = self.chain.head().num_hash();
        self.head.send_replace(head);
        head
    }

    /// A block of these transactions.
    pub(crate) fn block(&self, transactions: &[Recovered<Transaction>]) -> BlockNumHash {
        self.append(&self.build(transactions, 0))
    }

    /// A block of everything executable in the pool.
    pub(crate) fn mine_pool(&self) -> BlockNumHash {
        let mut ready: Vec<_> = self.pool.lock().values().map(|(tx, _)| tx.clone()).collect();
        ready.retain(|tx| tx.executable);
        ready.sort_by_key(|tx| (tx.transaction.signer(), tx.transaction.nonce()));
        let ready: Vec<_> = ready.into_iter().map(|tx| tx.transaction.clone()).collect();
        self.block(&ready)
    }

    fn nonce(&self, account: Address) -> u64 {
        self.chain.state_at_head().account(account).unwrap().unwrap_or_default().nonce
    }

    pub(crate) fn backend(self: &Arc<Self>, limits: Limits) -> Arc<Backend> {
        let rollup = self.spec.is_rollup().then(|| self.clone() as Arc<dyn RollupStatus>);
        Backend::new(Parts {
            chain: self.chain.clone(),
            spec: self.spec.clone(),
            submit: Arc::new(Pool(Arc::downgrade(self))),
            heads: self.clone(),
            pending: self.clone(),
            rollup,
            on_l1: self.spec.is_rollup().then(|| self.clone() as Arc<dyn crate::BridgeOnL1>),
            dev: Some(self.clone()),
            client_version: "basalt/v0.1.0-test/linux-x86_64/rustc1.95".into(),
            limits,
        })
    }

    pub(crate) async fn serve(self: &Arc<Self>) -> Client {
        self.serve_with(Limits::default(), |_| {}).await
    }

    pub(crate) async fn serve_with(self: &Arc<Self>, limits: Limits, change: impl FnOnce(&mut Config)) -> Client {
        let mut config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            namespaces: Namespace::ALL.to_vec(),
            cors: Cors::Any,
            hosts: Vec::new(),
        };
        change(&mut config);
        let running = crate::serve(self.backend(limits), config).await.unwrap();
        Client { running, http: reqwest::Client::new() }
    }
}

fn with_contracts(mut genesis: alloy_genesis::Genesis) -> alloy_genesis::Genesis {
    let mut put = |address, code: Bytes| {
        genesis.alloc.insert(address, GenesisAccount::default().with_nonce(Some(1)).with_code(Some(code)));
    };
    put(COUNTER, bytes!("5f5460010180 5f55 5f52 60aa60205fa1 60205ff3"));
    let mut reverter = bytes!("6064600a5f39 60645ffd").to_vec();
    reverter.extend(alloy_sol_types::SolError::abi_encode(&alloy_sol_types::Revert { reason: "nope".into() }));
    put(REVERTER, reverter.into());
    put(BURNER, bytes!("5b5f56"));
    put(ORACLE, bytes!("435f52 42602052 48604052 41606052 3331608052 60015460a052 60c05ff3"));
    genesis
}

impl Heads for World {
    fn latest(&self) -> u64 {
        self.chain.head().number
    }
    fn safe(&self) -> u64 {
        self.settled.lock().0
    }
    fn finalized(&self) -> u64 {
        self.settled.lock().1
    }
    fn sync(&self) -> SyncState {
        *self.sync.lock()
    }
    fn peers(&self) -> u64 {
        3
    }
    fn watch(&self) -> watch::Receiver<BlockNumHash> {
        self.head.subscribe()
    }
}

impl Pending for World {
    fn pending(&self) -> Option<Arc<PendingBlock>> {
        self.open.lock().clone().or_else(|| NoPending.pending())
    }
}

impl RollupStatus for World {
    fn config(&self) -> &RollupConfig {
        &self.config
    }
    fn sync_status(&self) -> SyncStatus {
        let head = self.chain.head().num_hash();
        let block = BlockRef { number: head.number, hash: head.hash };
        SyncStatus {
            l1: L1Status { head: Some(block), finalized: None, processed: Some(block), age_s: Some(1) },
            l2: L2Status { received: head.number, latest: Some(block), safe: None, finalized: None },
            role: Role::Sequencer,
            landings: None,
            ready: true,
            reasons: Vec::new(),
            carriers: Vec::new(),
        }
    }
    fn landing(&self, number: u64) -> Option<Landing> {
        (number > 0 && number <= self.safe()).then(|| Landing {
            l1_block: BlockRef { number: 100 + number, hash: B256::repeat_byte(1) },
            l1_transaction: B256::repeat_byte(2),
            proposer: Address::repeat_byte(3),
            blob_versioned_hashes: vec![B256::repeat_byte(1)],
        })
    }
}

impl World {
    fn ask<T: Send + 'static>(&self, read: impl FnOnce(&OnL1) -> T) -> BoxFuture<'_, Result<T, L1Fault>> {
        let on_l1 = self.on_l1.lock();
        let answer = if on_l1.silent { Err(L1Fault("no answer".into())) } else { Ok(read(&on_l1)) };
        Box::pin(async { answer })
    }
}

impl BridgeOnL1 for World {
    fn sent_by(&self, transaction: B256) -> BoxFuture<'_, Result<Option<Vec<SentOnL1>>, L1Fault>> {
        self.ask(|on_l1| on_l1.sent.get(&transaction).cloned())
    }
    fn sent(&self, index: u64) -> BoxFuture<'_, Result<Option<SentOnL1>, L1Fault>> {
        self.ask(|on_l1| on_l1.sent.values().flatten().find(|sent| sent.message.index == index).cloned())
    }
    fn outbox(&self) -> BoxFuture<'_, Result<OutboxOnL1, L1Fault>> {
        self.ask(|on_l1| on_l1.outbox)
    }
    fn is_claimed(&self, index: u64) -> BoxFuture<'_, Result<bool, L1Fault>> {
        self.ask(|on_l1| on_l1.claimed.contains(&index))
    }
}

impl Dev for World {
    fn accounts(&self) -> Vec<Address> {
        dev::ACCOUNTS.iter().map(|account| account.address).collect()
    }
    fn sign(&self, account: Address, hash: B256) -> Option<Signature> {
        let index = dev::ACCOUNTS.iter().position(|known| known.address == account)?;
        Some(signer(index).sign_hash_sync(&hash).unwrap())
    }
    fn mine(&self, blocks: u64) -> BoxFuture<'_, Result<(), DevError>> {
        for _ in 0..blocks {
            self.mine_pool();
        }
        Box::pin(async { Ok(()) })
    }
    fn increase_time(&self, _: u64) -> Result<u64, DevError> {
        Err(DevError::Unsupported("time"))
    }
    fn set_balance(&self, _: Address, _: U256) -> Result<(), DevError> {
        Err(DevError::Unsupported("balances"))
    }
}

/// Weak, so that the server of a finished test does not keep the world.
struct Pool(Weak<World>);

impl Pool {
    fn world(&self) -> Arc<World> {
        self.0.upgrade().expect("the test holds the world while its server runs")
    }
}

impl Submit for Pool {
    fn submit(&self, raw: Bytes) -> BoxFuture<'_, Result<B256, SubmitError>> {
        let world = self.world();
        Box::pin(async move {
            let transaction = Transaction::decode_2718_exact(&raw).unwrap();
            let hash = *transaction.tx_hash();
            let transaction = transaction.try_into_recovered().map_err(|_| SubmitError::InvalidSignature)?;
            let (sender, nonce) = (transaction.signer(), transaction.nonce());
            let next = world.nonce(sender);
            if nonce < next {
                return Err(PoolError::NonceTooLow { next, have: nonce }.into());
            }
            if world.pool.lock().contains_key(&hash) {
                return Err(PoolError::AlreadyKnown { hash }.into());
            }
            let executable = Pool(Arc::downgrade(&world)).next_nonce(sender, next) == nonce;
            world.pool.lock().insert(hash, (Arc::new(Pooled { transaction, executable }), raw));
            let _ = world.pool_news.send(hash);
            Ok(hash)
        })
    }
    fn transaction(&self, hash: B256) -> Option<Arc<Pooled>> {
        self.world().pool.lock().get(&hash).map(|(tx, _)| tx.clone())
    }
    fn raw_transaction(&self, hash: B256) -> Option<Bytes> {
        self.world().pool.lock().get(&hash).map(|(_, raw)| raw.clone())
    }
    fn next_nonce(&self, sender: Address, account_nonce: u64) -> u64 {
        let world = self.world();
        let pool = world.pool.lock();
        let nonces: Vec<_> = pool
            .values()
            .filter(|(tx, _)| tx.transaction.signer() == sender)
            .map(|(tx, _)| tx.transaction.nonce())
            .collect();
        (account_nonce..).find(|nonce| !nonces.contains(nonce)).unwrap()
    }
    fn tip_min_wei(&self) -> u128 {
        1
    }
    fn status(&self) -> PoolStatus {
        let world = self.world();
        let pool = world.pool.lock();
        let pending = pool.values().filter(|(tx, _)| tx.executable).count() as u64;
        PoolStatus { pending, queued: pool.len() as u64 - pending }
    }
    fn content(&self, sender: Option<Address>) -> PoolContent {
        let world = self.world();
        let mut content = PoolContent::default();
        for (tx, _) in world.pool.lock().values() {
            if sender.is_some_and(|sender| sender != tx.transaction.signer()) {
                continue;
            }
            let part = if tx.executable { &mut content.pending } else { &mut content.queued };
            part.entry(tx.transaction.signer()).or_default().insert(tx.transaction.nonce(), tx.clone());
        }
        content
    }
    fn subscribe(&self) -> broadcast::Receiver<B256> {
        self.world().pool_news.subscribe()
    }
}

pub(crate) fn signer(index: usize) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&dev::ACCOUNTS[index].key).unwrap()
}

pub(crate) fn account(index: usize) -> Address {
    dev::ACCOUNTS[index].address
}

pub(crate) fn sign<T: SignableTransaction<Signature>>(from: usize, tx: T) -> Recovered<Transaction>
where
    Transaction: From<alloy_consensus::Signed<T>>,
{
    let signature = signer(from).sign_hash_sync(&tx.signature_hash()).unwrap();
    Recovered::new_unchecked(tx.into_signed(signature).into(), account(from))
}

/// Type 2, paying a tip of 1 gwei.
pub(crate) fn tx(world: &World, from: usize, nonce: u64, to: impl Into<TxKind>, value: u64) -> Recovered<Transaction> {
    let chain_id = world.spec.chain_id;
    let fees =
        TxEip1559 { max_fee_per_gas: 20_000_000_000, max_priority_fee_per_gas: 1_000_000_000, ..Default::default() };
    sign(from, TxEip1559 { chain_id, nonce, gas_limit: 1_000_000, to: to.into(), value: U256::from(value), ..fees })
}

pub(crate) fn legacy(world: &World, from: usize, nonce: u64, to: Address) -> Recovered<Transaction> {
    let chain_id = Some(world.spec.chain_id);
    sign(
        from,
        TxLegacy {
            chain_id,
            nonce,
            gas_price: 3_000_000_000,
            gas_limit: 1_000_000,
            to: to.into(),
            ..Default::default()
        },
    )
}

pub(crate) fn access_list(world: &World, from: usize, nonce: u64, to: Address) -> Recovered<Transaction> {
    let chain_id = world.spec.chain_id;
    sign(
        from,
        TxEip2930 {
            chain_id,
            nonce,
            gas_price: 3_000_000_000,
            gas_limit: 1_000_000,
            to: to.into(),
            ..Default::default()
        },
    )
}

pub(crate) fn raw(tx: &Recovered<Transaction>) -> Value {
    json!(Bytes::from(tx.inner().encoded_2718()))
}

/// Speaks JSON-RPC to a running server.
pub(crate) struct Client {
    pub(crate) running: Running,
    pub(crate) http: reqwest::Client,
}

impl Client {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.running.address)
    }

    pub(crate) async fn post(&self, body: &Value) -> Value {
        self.http.post(self.url()).json(body).send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn answer(&self, method: &str, params: Value) -> Value {
        self.post(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })).await
    }

    /// The result; panics on an error.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        let mut answer = self.answer(method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// Code and message of the error; panics on a result.
    pub(crate) async fn refused(&self, method: &str, params: Value) -> (i64, String, Value) {
        let answer = self.answer(method, params).await;
        let error = answer.get("error").unwrap_or_else(|| panic!("{method} answered {answer}"));
        (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned(), error["data"].clone())
    }
}
