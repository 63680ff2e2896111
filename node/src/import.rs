//! `basalt import`: blocks of a file onto a chain, each executed and checked as if a peer had sent it.
//!
//! ```text
//!   reader thread: file ─► blocks ─► senders (all cores) ─► batches, two ahead ─► execute ─► append ─► disk
//! ```
//!
//! What was imported stays: a killed import goes on where it was when it is started again, and a bad block leaves all before it. Blocks are
//! appended without waiting for the disk and synced now and then; power loss may take the last of them, which the file has still.
//!
//! Must not know: how blocks are executed or stored.

mod blocks;
mod progress;

use crate::cli::ImportArgs;
use alloy_genesis::Genesis;
use alloy_primitives::{Address, B256, keccak256};
use blocks::Found;
pub use blocks::{BLOCK_BYTES_MAX, Blocks, FileError};
use chainspec::{ChainSpec, Layer, SpecError};
use execution::{RecoveredBlock, block, executor::BlockError};
pub use progress::{Done, Progress};
use rayon::{iter::ParallelIterator, slice::ParallelSlice};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};
use storage::{Chain, Durability, Limits, StorageError};

/// Longest genesis file, bytes: ten million accounts and more.
pub const GENESIS_BYTES_MAX: u64 = 4 << 30;
/// Most blocks of a batch.
const BATCH_BLOCKS: usize = 256;
/// A batch ends with the block that fills it so far, bytes.
const BATCH_BYTES: u64 = 4 << 20;
/// Batches that wait for execution.
const BATCHES_AHEAD: usize = 2;
/// Transactions whose senders one thread recovers together.
const TOGETHER: usize = 64;
/// Longest time between two syncs to disk.
const SYNC_EVERY: Duration = Duration::from_secs(5);
/// Bytes read from the file at once.
const READ_BYTES: usize = 1 << 20;

/// Why an import ended early. Blocks before the one in question are kept.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file that can't be opened, read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No genesis file was named, and the folder has none.
    #[error("--datadir {0} holds no chain yet: name its genesis file with --genesis")]
    NoGenesis(PathBuf),
    /// A genesis file beyond [`GENESIS_BYTES_MAX`].
    #[error("--genesis {path} has {len} bytes, at most {GENESIS_BYTES_MAX} are read")]
    GenesisTooLong {
        /// Which.
        path: PathBuf,
        /// In bytes.
        len: u64,
    },
    /// A genesis file that is none.
    #[error("{path}: {source} (--genesis)")]
    Genesis {
        /// Which.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A genesis file that describes no chain.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The database.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The file of blocks.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file starts another chain than the genesis file.
    #[error("the file begins with genesis {found}, this chain with {ours}")]
    OtherGenesis {
        /// In the file.
        found: B256,
        /// Of this chain.
        ours: B256,
    },
    /// The chain has another block of this number.
    #[error("block {number} is {found} in the file, but {ours} in --datadir: another branch")]
    OtherBranch {
        /// Its number.
        number: u64,
        /// In the file.
        found: B256,
        /// In the database.
        ours: B256,
    },
    /// The next block is missing.
    #[error("block {expected} is wanted, the file goes on with block {found}")]
    Gap {
        /// The head's number plus one.
        expected: u64,
        /// In the file.
        found: u64,
    },
    /// A signature without a sender.
    #[error("bad block {number} ({hash}): transaction {index}: its signature has no sender")]
    Sender {
        /// Number of the block.
        number: u64,
        /// Its hash.
        hash: B256,
        /// Position of the transaction.
        index: usize,
    },
    /// A block that breaks the rules.
    #[error("bad block {number} ({hash}): {reason}")]
    BadBlock {
        /// Its number.
        number: u64,
        /// Its hash.
        hash: B256,
        /// Which rule it breaks.
        reason: Box<BlockError>,
    },
    /// Not the block's fault.
    #[error("block {number} could not be judged: {reason}")]
    Unjudged {
        /// Its number.
        number: u64,
        /// Why.
        reason: Box<BlockError>,
    },
}

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Blocks appended.
    pub blocks: u64,
    /// Blocks that the chain had already.
    pub known: u64,
    /// Transactions in those appended.
    pub transactions: u64,
    /// Gas used by those appended.
    pub gas: u64,
}

/// `basalt import`.
pub fn run(args: &ImportArgs) -> Result<(), ImportError> {
    let chain = open(&args.datadir, args.genesis.as_deref())?;
    let io = |source| io(&args.file, source);
    let file = File::open(&args.file).map_err(io)?;
    let mut progress = Progress::new(file.metadata().map_err(io)?.len());
    let result = import(&chain, BufReader::with_capacity(READ_BYTES, file), &mut progress);
    progress.end();
    let (done, head) = (result?, chain.head());
    println!("blocks        {} imported, {} known already", done.blocks, done.known);
    println!("transactions  {}, {:.1} Mgas", done.transactions, done.gas as f64 / 1e6);
    println!("time          {:.1} s", progress.elapsed().as_secs_f64());
    println!("head          {} {}", head.number, head.hash());
    let (accounts, bytes) = (chain.accounts_estimate()?, disk_bytes(&args.datadir.join("db"))?);
    println!("disk          {bytes} bytes, {} for each of about {accounts} accounts", bytes / accounts.max(1));
    if let Some(kib) = peak_memory_kib() {
        println!("memory        {} MiB at most", kib / 1_024);
    }
    Ok(())
}

/// All files in `folder`, which holds a database.
fn disk_bytes(folder: &Path) -> Result<u64, ImportError> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).map_err(|source| io(folder, source))? {
        let entry = entry.and_then(|entry| entry.metadata());
        bytes += entry.map_err(|source| io(folder, source))?.len();
    }
    Ok(bytes)
}

/// The most memory that this process had so far, where the system tells (Linux).
fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// What is kept beside the database of its genesis file: all but the accounts, which are in the database.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Keccak-256 of the file.
    file: B256,
    /// Of the accounts in it.
    state_root: B256,
    genesis: Genesis,
}

/// The chain in `datadir`; a new one starts from the file `genesis`, which a later start need not name.
pub fn open(datadir: &Path, genesis: Option<&Path>) -> Result<Chain, ImportError> {
    let (db, kept_path) = (datadir.join("db"), datadir.join("chain.json"));
    let text = genesis.map(read_genesis).transpose()?;
    let file = text.as_ref().map(keccak256);
    let layer = Layer::L1 { execute: false };
    let kept = if db.join("CURRENT").exists() { read_kept(&kept_path)? } else { None };
    if let Some(kept) = kept.filter(|kept| file.is_none_or(|file| file == kept.file)) {
        let spec = ChainSpec::from_genesis_with_state_root(kept.genesis, kept.state_root, layer)?;
        return Ok(Chain::open(&db, Arc::new(spec), Limits::default())?);
    }
    let (Some(path), Some(text), Some(file)) = (genesis, text, file) else {
        return Err(ImportError::NoGenesis(datadir.into()));
    };
    let wrong = |path: &Path, source| ImportError::Genesis { path: path.into(), source };
    let mut genesis: Genesis = serde_json::from_slice(&text).map_err(|source| wrong(path, source))?;
    drop(text);
    let accounts = std::mem::take(&mut genesis.alloc);
    let without_accounts = genesis.clone();
    genesis.alloc = accounts;
    let spec = ChainSpec::from_genesis(genesis, layer)?;
    let state_root = spec.genesis_header().state_root;
    let chain = Chain::open(&db, Arc::new(spec), Limits::default())?;
    let kept = Kept { file, state_root, genesis: without_accounts };
    let text = serde_json::to_vec_pretty(&kept).map_err(|source| wrong(&kept_path, source))?;
    // Renamed into place: half a file would stop every later start.
    let part = datadir.join("chain.json.part");
    std::fs::write(&part, text).map_err(|source| io(&part, source))?;
    std::fs::rename(&part, &kept_path).map_err(|source| io(&kept_path, source))?;
    Ok(chain)
}

fn io(path: &Path, source: std::io::Error) -> ImportError {
    ImportError::Io { path: path.into(), source }
}

fn read_genesis(path: &Path) -> Result<Vec<u8>, ImportError> {
    let len = path.metadata().map_err(|source| io(path, source))?.len();
    if len > GENESIS_BYTES_MAX {
        return Err(ImportError::GenesisTooLong { path: path.into(), len });
    }
    std::fs::read(path).map_err(|source| io(path, source))
}

fn read_kept(path: &Path) -> Result<Option<Kept>, ImportError> {
    match std::fs::read(path) {
        Ok(text) => {
            let kept = serde_json::from_slice(&text);
            kept.map(Some).map_err(|source| ImportError::Genesis { path: path.into(), source })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io(path, error)),
    }
}

/// A block made ready by the reader, or found to be on the chain already.
enum Ready {
    Known { number: u64, len: u64 },
    Block { block: Box<RecoveredBlock>, len: u64 },
}

/// Blocks in order, and what stopped the reader after them.
type Batch = (Vec<Ready>, Option<ImportError>);

/// Executes and appends the blocks of `source`, as far as the chain does not have them. What was appended has reached the disk when this
/// returns, with or without an error.
pub fn import(chain: &Chain, source: impl Read + Send, progress: &mut Progress) -> Result<Imported, ImportError> {
    let (to, from) = sync_channel(BATCHES_AHEAD);
    let result = std::thread::scope(|scope| {
        scope.spawn(|| read(chain, source, to));
        apply(chain, from, progress)
    });
    chain.sync()?;
    result
}

/// The reader's thread. Ends with the file, a fault in it, or when nobody listens any more.
fn read(chain: &Chain, source: impl Read, to: SyncSender<Batch>) {
    let mut blocks = Blocks::new(source);
    loop {
        let (mut found, mut fault, mut bytes) = (Vec::new(), None, 0);
        while found.len() < BATCH_BLOCKS && bytes < BATCH_BYTES {
            match blocks.next() {
                None => break,
                Some(Ok(block)) => {
                    bytes += block.len;
                    found.push(block);
                }
                Some(Err(error)) => {
                    fault = Some(error.into());
                    break;
                }
            }
        }
        let (ended, mut batch) = (found.is_empty() || fault.is_some(), Vec::with_capacity(found.len()));
        for found in found {
            match ready(chain, found) {
                Ok(ready) => batch.push(ready),
                Err(error) => {
                    fault = Some(error);
                    break;
                }
            }
        }
        let ended = ended || fault.is_some();
        if to.send((batch, fault)).is_err() || ended {
            return;
        }
    }
}

fn ready(chain: &Chain, Found { block, len }: Found) -> Result<Ready, ImportError> {
    let (number, hash) = (block.header.number, block.header.hash_slow());
    if chain.canonical_hash(number)? == Some(hash) {
        return Ok(Ready::Known { number, len });
    }
    let spec = chain.spec();
    let together = block.body.transactions.par_chunks(TOGETHER);
    let senders: Vec<Option<Address>> = together.flat_map_iter(|some| block::senders(spec, number, some)).collect();
    if let Some(index) = senders.iter().position(Option::is_none) {
        return Err(ImportError::Sender { number, hash, index });
    }
    let senders = senders.into_iter().flatten().collect();
    Ok(Ready::Block { block: Box::new(RecoveredBlock::new(block, senders, hash)), len })
}

fn apply(chain: &Chain, batches: Receiver<Batch>, progress: &mut Progress) -> Result<Imported, ImportError> {
    let (mut imported, mut done, mut synced) = (Imported::default(), Done::default(), Instant::now());
    for (batch, fault) in batches {
        for ready in batch {
            match ready {
                Ready::Known { number, len } => {
                    imported.known += 1;
                    (done.part, done.number) = (done.part + len, number);
                }
                Ready::Block { block, len } => {
                    extend(chain, &block)?;
                    imported.blocks += 1;
                    imported.transactions += block.body().transactions.len() as u64;
                    imported.gas += block.gas_used;
                    (done.part, done.number) = (done.part + len, block.number);
                }
            }
            (done.blocks, done.gas) = (imported.blocks, imported.gas);
            progress.show(&done);
            if synced.elapsed() > SYNC_EVERY {
                chain.sync()?;
                synced = Instant::now();
            }
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
    }
    Ok(imported)
}

/// Executes a block that is not on the chain, and appends it.
fn extend(chain: &Chain, block: &RecoveredBlock) -> Result<(), ImportError> {
    let (head, number, hash) = (chain.head(), block.number, block.hash());
    if let Some(ours) = chain.canonical_hash(number)? {
        return Err(match number {
            0 => ImportError::OtherGenesis { found: hash, ours },
            _ => ImportError::OtherBranch { number, found: hash, ours },
        });
    }
    let expected = head.number.saturating_add(1);
    if number != expected {
        return Err(ImportError::Gap { expected, found: number });
    }
    let state = chain.state_at_head();
    let executed = execution::execute(chain.spec(), &head, block, None, &state).map_err(|reason| {
        if reason.is_internal() {
            ImportError::Unjudged { number, reason: Box::new(reason) }
        } else {
            ImportError::BadBlock { number, hash, reason: Box::new(reason) }
        }
    })?;
    Ok(chain.append_with(&executed, Durability::Buffered)?)
}

#[cfg(test)]
mod tests;
