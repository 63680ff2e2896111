//! The machines' archives (bridge/SPEC.md §8), and how another machine's node reads them: over its own line, like everything that
//! comes from outside.

use crate::{
    executor::Handle,
    wire::{Line, Lost},
};
use ::l1::{Get, L1Error};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::B256;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use std::sync::Arc;
use storage::{Chain, StorageError};

/// Where an archive has a block.
const PATH: &str = "archive/v1/blocks/";

/// What can be wrong with an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveFault {
    /// One bit of each answer is another one.
    Lies,
    /// No answer.
    Silent,
}

/// One machine's archive, open while its node runs. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Shelf {
    name: Arc<str>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    chain: Option<Chain>,
    fault: Option<ArchiveFault>,
}

impl Shelf {
    /// Closed, without faults.
    pub fn new(name: String) -> Self {
        Self { name: name.into(), state: Arc::default() }
    }

    /// Whose it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The machine's node runs on `chain`.
    pub fn open(&self, chain: Chain) {
        self.state.lock().chain = Some(chain);
    }

    /// The machine's node is dead.
    pub fn close(&self) {
        self.state.lock().chain = None;
    }

    /// From now on it has this fault, or none.
    pub fn set_fault(&self, fault: Option<ArchiveFault>) {
        self.state.lock().fault = fault;
    }

    /// What it answers; the outer `None` is silence.
    fn answer(&self, path: &str) -> Option<Result<Option<Vec<u8>>, StorageError>> {
        let state = self.state.lock();
        let chain = state.chain.as_ref().filter(|_| state.fault != Some(ArchiveFault::Silent))?;
        let hash = path.strip_prefix(PATH).and_then(|hash| hash.parse::<B256>().ok());
        let mut data = hash.map_or(Ok(None), |hash| landed(chain, hash));
        if let (Ok(Some(data)), Some(ArchiveFault::Lies)) = (&mut data, state.fault)
            && let Some(last) = data.last_mut()
        {
            *last ^= 1;
        }
        Some(data)
    }
}

/// Payload data of a landed block, as JSON-RPC's archive gives it.
fn landed(chain: &Chain, hash: B256) -> Result<Option<Vec<u8>>, StorageError> {
    let Some(header) = chain.header(hash)? else { return Ok(None) };
    if header.number == 0 || header.number > chain.heads().landed.number {
        return Ok(None);
    }
    let (Some(bal), Some(body)) = (chain.bal(hash)?, chain.body(hash)?) else { return Ok(None) };
    let transactions: Vec<Vec<u8>> = body.transactions.iter().map(|transaction| transaction.encoded_2718()).collect();
    Ok(Some(bridge::blob::encode(&bal, &transactions)))
}

/// How one machine's node reads another machine's archive.
#[derive(Clone, Debug)]
pub struct Loan {
    shelf: Shelf,
    host: Handle,
    line: Line,
}

impl Loan {
    /// For the tasks of `host`, whose messages take `line`.
    pub const fn new(shelf: Shelf, host: Handle, line: Line) -> Self {
        Self { shelf, host, line }
    }

    async fn ask(&self, path: &str) -> Result<Option<Result<Option<Vec<u8>>, StorageError>>, Lost> {
        self.line.travel(&self.host).await?;
        self.host.record(path.as_bytes());
        let answer = self.shelf.answer(path);
        self.line.travel(&self.host).await?;
        Ok(answer)
    }
}

impl Get for Loan {
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, L1Error>> {
        Box::pin(async move {
            let url = || format!("archive of {}", self.shelf.name());
            match self.ask(path).await {
                Ok(Some(Ok(answer))) => Ok(answer),
                Ok(Some(Err(error))) => Err(L1Error::Malformed { url: url(), what: error.to_string() }),
                Ok(None) | Err(Lost) => {
                    self.line.time_out(&self.host).await;
                    Err(L1Error::Unreachable { url: url(), reason: format!("{path}: operation timed out") })
                }
            }
        })
    }
}
