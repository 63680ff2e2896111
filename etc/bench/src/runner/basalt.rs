//! Basalt's own runners, by the interface that the node uses.

use super::{Work, check};
use crate::{
    slice::{Done, Stopwatch},
    workfile::{Account, Block, Workfile},
    workload,
};
use alloy_primitives::{Address, B256, keccak256};
use alloy_rlp::Decodable;
use chainspec::ChainSpec;
use execution::{Building, Executed, RecoveredBlock, RecoveredTx};
use eyre::{WrapErr, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};
use storage::{Chain, Durability, Limits};

/// A chain at its genesis, and blocks to put on it.
struct Node {
    chain: Chain,
    spec: Arc<ChainSpec>,
    blocks: Vec<Block>,
    /// Every account and slot of the first state, hashed.
    keys: Vec<(B256, Vec<B256>)>,
    /// Number of blocks on the chain.
    turn: usize,
    facts: Vec<(&'static str, u64)>,
}

impl Node {
    /// In memory, or in a new database in `disk`.
    fn new(file: &Workfile, disk: Option<&Path>) -> eyre::Result<Self> {
        let spec = Arc::new(workload::spec(file)?);
        ensure!(alloy_rlp::encode(spec.genesis_header()) == file.genesis, "another genesis than the workload's");
        let start = Instant::now();
        let mut facts = vec![("accounts", file.accounts.len() as u64)];
        let chain = match disk {
            None => Chain::in_memory(Arc::clone(&spec))?,
            Some(path) => {
                drop(Chain::open(path, Arc::clone(&spec), Limits::default())?);
                facts.push(("genesis_us", micros(start)));
                // The log of the genesis goes with one restart. The next is what restarts cost: opening, and the first block.
                drop(Chain::open(path, Arc::clone(&spec), Limits::default())?);
                let start = Instant::now();
                let chain = Chain::open(path, Arc::clone(&spec), Limits::default())?;
                let state = chain.state_at_head();
                let head = chain.head();
                Building::start(&spec, &head, workload::attributes(&head), &*state)?.seal()?;
                facts.push(("ready_us", micros(start)));
                facts.push(("disk", bytes_below(path)?));
                chain
            }
        };
        let slots = |account: &Account| account.storage.iter().map(|(slot, _)| keccak256(slot)).collect();
        let keys = file.accounts.iter().map(|account| (keccak256(account.address), slots(account))).collect();
        let node = Self { chain, spec, blocks: file.blocks.clone(), keys, turn: 0, facts };
        node.warm()?;
        Ok(node)
    }

    /// Loads the tree of the head, as far as the chain's limit lets it stay: a node that has run for a while holds what is used often, and
    /// unwinding, which only a benchmark does all the time, lets go of it. Peers come back to the same blocks with warm caches, too.
    fn warm(&self) -> eyre::Result<()> {
        let state = self.chain.state_at_head();
        for (owner, slots) in &self.keys {
            state.tree().account(&*state, *owner)?;
            for slot in slots {
                state.tree().storage(&*state, *owner, *slot)?;
            }
        }
        Ok(())
    }

    /// The next block of the workload; goes back to genesis when there is none.
    fn turn(&mut self) -> eyre::Result<usize> {
        if self.turn == self.blocks.len() {
            self.chain.unwind(0).wrap_err("back to genesis")?;
            self.warm()?;
            self.turn = 0;
        }
        self.turn += 1;
        Ok(self.turn - 1)
    }

    /// [`Self::check`], off the clock; giving the result up again is on it.
    fn finish(&mut self, index: usize, executed: Executed, watch: &mut Stopwatch) -> eyre::Result<Done> {
        let done = self.check(index, &executed);
        watch.time(|| drop(executed));
        done
    }

    fn check(&self, index: usize, executed: &Executed) -> eyre::Result<Done> {
        let header = executed.block.header();
        check(&self.blocks[index], header.gas_used, header.state_root.0)
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Bytes of all files in a folder, by their length.
fn bytes_below(folder: &Path) -> eyre::Result<u64> {
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

fn decode(block: &Block) -> eyre::Result<execution::Block> {
    Ok(execution::Block::decode(&mut &block.rlp[..])?)
}

/// A block with the senders of the file.
pub(super) fn recovered(block: &Block) -> eyre::Result<RecoveredBlock> {
    let senders = block.senders.chunks_exact(20).map(Address::from_slice).collect();
    let decoded = decode(block)?;
    let hash = decoded.header.hash_slow();
    Ok(RecoveredBlock::new(decoded, senders, hash))
}

/// Builds and appends.
pub(super) struct Build {
    node: Node,
    transactions: Vec<Vec<RecoveredTx>>,
}

impl Build {
    pub(super) fn new(file: &Workfile, disk: Option<&Path>) -> eyre::Result<Self> {
        let transactions =
            file.blocks.iter().map(|block| Ok(recovered(block)?.clone_transactions_recovered().collect()));
        let transactions = transactions.collect::<eyre::Result<_>>()?;
        Ok(Self { node: Node::new(file, disk)?, transactions })
    }
}

impl Work for Build {
    fn next(&mut self, watch: &mut Stopwatch) -> eyre::Result<Done> {
        let index = self.node.turn()?;
        let Node { chain, spec, .. } = &self.node;
        let executed = watch.time(|| -> eyre::Result<Executed> {
            let (state, head) = (chain.state_at_head(), chain.head());
            let mut building = Building::start(spec, &head, workload::attributes(&head), &*state)?;
            for tx in &self.transactions[index] {
                building.push(tx)?;
            }
            let executed = building.seal()?;
            chain.append_with(&executed, Durability::Buffered)?;
            Ok(executed)
        })?;
        self.node.finish(index, executed, watch)
    }

    fn facts(&self) -> Vec<(&'static str, u64)> {
        self.node.facts.clone()
    }
}

/// Takes blocks as bytes.
pub(super) struct Import {
    node: Node,
}

impl Import {
    pub(super) fn new(file: Workfile, disk: Option<&Path>) -> eyre::Result<Self> {
        Ok(Self { node: Node::new(&file, disk)? })
    }
}

impl Work for Import {
    fn next(&mut self, watch: &mut Stopwatch) -> eyre::Result<Done> {
        let index = self.node.turn()?;
        let Node { chain, spec, blocks, .. } = &self.node;
        let executed = watch.time(|| -> eyre::Result<Executed> {
            let decoded = decode(&blocks[index])?;
            let hash = decoded.header.hash_slow();
            let block = RecoveredBlock::try_new(decoded, Vec::new(), hash)?;
            let (state, head) = (chain.state_at_head(), chain.head());
            let executed = execution::execute(spec, &head, &block, Some(&blocks[index].bal), &*state)?;
            chain.append_with(&executed, Durability::Buffered)?;
            Ok(executed)
        })?;
        self.node.finish(index, executed, watch)
    }

    fn facts(&self) -> Vec<(&'static str, u64)> {
        self.node.facts.clone()
    }
}

/// Executes; appends off the clock.
pub(super) struct Execute {
    node: Node,
    recovered: Vec<RecoveredBlock>,
}

impl Execute {
    pub(super) fn new(file: &Workfile, disk: Option<&Path>) -> eyre::Result<Self> {
        let recovered = file.blocks.iter().map(recovered).collect::<eyre::Result<_>>()?;
        Ok(Self { node: Node::new(file, disk)?, recovered })
    }
}

impl Work for Execute {
    fn next(&mut self, watch: &mut Stopwatch) -> eyre::Result<Done> {
        let index = self.node.turn()?;
        let Node { chain, spec, blocks, .. } = &self.node;
        let (state, head, block) = (chain.state_at_head(), chain.head(), &self.recovered[index]);
        let executed = watch.time(|| execution::execute(spec, &head, block, Some(&blocks[index].bal), &*state))?;
        chain.append_with(&executed, Durability::Buffered)?;
        self.node.check(index, &executed)
    }

    fn facts(&self) -> Vec<(&'static str, u64)> {
        self.node.facts.clone()
    }
}
