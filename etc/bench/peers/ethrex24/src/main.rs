//! ethrex 24 as a runner of Basalt's benchmarks: `peer-ethrex24 build|import WORKLOAD [FOLDER]`. Same workload files, same protocol,
//! same checks as the runners in `etc/bench/src/runner`.

#[path = "../../../src/slice.rs"]
mod slice;
#[path = "../../../src/workfile.rs"]
#[allow(dead_code, reason = "runners only read")]
mod workfile;

use ethrex_blockchain::{
    Blockchain,
    payload::{BuildPayloadArgs, create_payload},
};
use ethrex_common::{
    Address, H256, U256,
    types::{
        Block, BlockHeader, ChainConfig, ELASTICITY_MULTIPLIER, GLOBAL_SIGNER_CACHE, Genesis, GenesisAccount,
        Transaction,
    },
};
use ethrex_crypto::NativeCrypto;
use ethrex_rlp::decode::RLPDecode;
use ethrex_storage::{EngineType, Store};
use ethrex_vm::BlockExecutionResult;
use slice::{Done, Stopwatch, serve};
use std::{
    env,
    error::Error,
    fs,
    fs::File,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::PoisonError,
    time::Instant,
};
use tokio::runtime::Runtime;
use workfile::Workfile;

/// As in Basalt's runners.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let (kind, path, disk) = match &args[..] {
        [kind, path] => (kind, path, None),
        [kind, path, disk] => (kind, path, Some(PathBuf::from(disk))),
        _ => {
            eprintln!("usage: peer-ethrex24 build|import WORKLOAD [FOLDER]");
            return ExitCode::FAILURE;
        }
    };
    match run(kind, Path::new(path), disk.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peer-ethrex24: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Node {
    runtime: Runtime,
    chain: Blockchain,
    blocks: Vec<Prepared>,
    genesis: H256,
    turn: usize,
}

/// A block of the workload, decoded, with senders known.
struct Prepared {
    expected: workfile::Block,
    header: BlockHeader,
    transactions: Vec<Transaction>,
    hash: H256,
}

fn run(kind: &str, path: &Path, disk: Option<&Path>) -> Result<()> {
    let file = Workfile::read(File::open(path)?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut facts = vec![("accounts", file.accounts.len() as u64)];
    let start = Instant::now();
    let mut store = open(disk)?;
    let config = config(&file);
    runtime.block_on(store.add_initial_state(genesis(&file, config)))?;
    facts.push(("genesis_us", micros(start)));
    if let Some(folder) = disk {
        // Once to leave the log of the genesis behind, and once on the clock.
        for _ in 0..2 {
            runtime.block_on(store.wait_for_persistence_idle())?;
            runtime.block_on(store.shutdown())?;
            drop(store);
            let start = Instant::now();
            store = open(disk)?;
            runtime.block_on(store.set_chain_config(&config))?;
            runtime.block_on(store.load_initial_state())?;
            facts.retain(|(name, _)| *name != "ready_us");
            facts.push(("ready_us", micros(start)));
        }
        facts.push(("disk", bytes_below(folder)?));
    }
    let genesis = runtime.block_on(store.get_canonical_block_hash(0))?.ok_or("no genesis")?;
    let blocks = file.blocks.iter().map(prepare).collect::<Result<Vec<_>>>()?;
    let parent = BlockHeader::decode(&file.genesis)?.compute_block_hash(&NativeCrypto);
    if parent != genesis {
        return Err(format!("genesis is {genesis:?}, the workload's is {parent:?}").into());
    }
    let mut node = Node { runtime, chain: Blockchain::default_with_store(store), blocks, genesis, turn: 0 };
    let serve = match kind {
        "build" => serve(&facts, |watch| node.build(watch).map_err(|error| error.to_string())),
        "import" => serve(&facts, |watch| node.import(watch).map_err(|error| error.to_string())),
        _ => return Err(format!("no such work: {kind}").into()),
    };
    serve.map_err(Into::into)
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn open(disk: Option<&Path>) -> Result<Store> {
    match disk {
        None => Ok(Store::new("unused", EngineType::InMemory)?),
        #[cfg(feature = "disk")]
        Some(path) => Ok(Store::new(path, EngineType::RocksDB)?),
        #[cfg(not(feature = "disk"))]
        Some(_) => Err("built without the feature `disk`".into()),
    }
}

fn bytes_below(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let data = entry.metadata()?;
            if data.is_dir() { folders.push(entry.path()) } else { sum += data.len() }
        }
    }
    Ok(sum)
}

fn prepare(block: &workfile::Block) -> Result<Prepared> {
    let Block { header, body, .. } = Block::decode(&block.rlp)?;
    for (tx, sender) in body.transactions.iter().zip(block.senders.chunks_exact(20)) {
        let Transaction::EIP1559Transaction(tx) = tx else { return Err("only type 2 here".into()) };
        tx.sender_cache.set(Address::from_slice(sender)).map_err(|_| "a sender is known twice")?;
    }
    let hash = header.compute_block_hash(&NativeCrypto);
    Ok(Prepared { expected: block.clone(), header, transactions: body.transactions, hash })
}

fn config(file: &Workfile) -> ChainConfig {
    let zero = Some(0);
    ChainConfig {
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
        amsterdam_time: if file.osaka { None } else { zero },
        terminal_total_difficulty: Some(0),
        terminal_total_difficulty_passed: true,
        ..Default::default()
    }
}

fn genesis(file: &Workfile, config: ChainConfig) -> Genesis {
    let alloc = file.accounts.iter().map(|account| {
        let storage = account.storage.iter();
        let storage = storage.map(|(slot, value)| (U256::from_big_endian(slot), U256::from_big_endian(value)));
        let made = GenesisAccount {
            code: account.code.clone().into(),
            storage: storage.collect(),
            balance: U256::from_big_endian(&account.balance),
            nonce: account.nonce,
        };
        (Address::from(account.address), made)
    });
    Genesis {
        config,
        alloc: alloc.collect(),
        gas_limit: file.gas_limit,
        timestamp: file.timestamp,
        base_fee_per_gas: Some(file.base_fee),
        ..Default::default()
    }
}

impl Node {
    /// The next block of the workload; after the last the first again, on genesis, whose state ethrex keeps.
    fn turn(&mut self) -> (usize, H256) {
        let index = self.turn;
        self.turn = (index + 1) % self.blocks.len();
        (index, if index == 0 { self.genesis } else { self.blocks[index - 1].hash })
    }

    fn check(&self, index: usize, header: &BlockHeader) -> Result<Done> {
        let block = &self.blocks[index];
        if header.gas_used != block.expected.gas_used || header.state_root.0 != block.expected.state_root {
            return Err(format!("block {}: another gas used or state root", index + 1).into());
        }
        Ok(Done { ops: 1, txs: block.expected.transactions, gas: block.expected.gas_used })
    }

    /// What ethrex does for `testing_buildBlockV1` with its own transactions, and then to keep the block: payload building, a write to the
    /// store, fork choice.
    fn build(&mut self, watch: &mut Stopwatch) -> Result<Done> {
        let (index, parent) = self.turn();
        let Node { runtime, chain, blocks, .. } = &*self;
        let Prepared { header, transactions, .. } = &blocks[index];
        let transactions = transactions.clone();
        let built = watch.time(|| -> Result<BlockHeader> {
            let args = BuildPayloadArgs {
                parent,
                timestamp: header.timestamp,
                fee_recipient: header.coinbase,
                random: header.prev_randao,
                withdrawals: Some(Vec::new()),
                beacon_root: header.parent_beacon_block_root,
                slot_number: header.slot_number,
                version: 4,
                elasticity_multiplier: ELASTICITY_MULTIPLIER,
                gas_ceil: header.gas_limit,
            };
            let payload = create_payload(&args, chain.store(), header.extra_data.clone())?;
            let built = chain.build_payload_with_transactions(payload, transactions)?;
            // The payload came without its nodes, so they are computed once more; ethrex does the same when its own payload comes back.
            let updates = chain.store().apply_account_updates_batch(parent, &built.account_updates)?;
            let updates = updates.ok_or("the parent's state is gone")?;
            let result = BlockExecutionResult {
                receipts: built.receipts,
                requests: Vec::new(),
                block_gas_used: built.payload.header.gas_used,
                tx_gas_breakdowns: Vec::new(),
            };
            let (header, hash) = (built.payload.header.clone(), built.payload.hash());
            chain.store_block(built.payload, updates, result)?;
            runtime.block_on(chain.store().forkchoice_update(vec![], header.number, hash, None, None))?;
            Ok(header)
        })?;
        if built.compute_block_hash(&NativeCrypto) != blocks[index].hash {
            return Err(format!("block {} has another hash", index + 1).into());
        }
        self.check(index, &built)
    }

    /// Blocks as bytes through the pipeline that `engine_newPayload` uses, and fork choice.
    fn import(&mut self, watch: &mut Stopwatch) -> Result<Done> {
        let (index, _) = self.turn();
        let Node { runtime, chain, blocks, .. } = &*self;
        let block = &blocks[index];
        // ethrex keeps the senders of transactions it has seen; a node meets each block once.
        GLOBAL_SIGNER_CACHE.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let header = watch.time(|| -> Result<BlockHeader> {
            let decoded = Block::decode(&block.expected.rlp)?;
            let (header, hash) = (decoded.header.clone(), decoded.hash());
            chain.add_block_pipeline(decoded, None)?;
            runtime.block_on(chain.store().forkchoice_update(vec![], header.number, hash, None, None))?;
            Ok(header)
        })?;
        self.check(index, &header)
    }
}
