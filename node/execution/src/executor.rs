//! Running a block: building one transaction by transaction, and executing one that somebody else built.
//!
//! Both take the same steps in `run`; they differ in who wins when results and header disagree. Must not know: where
//! transactions come from, or what happens to the block.

mod run;
#[cfg(test)]
mod tests;

use crate::{
    bal,
    block::{Block, Receipt, RecoveredBlock, RecoveredTx, SealedHeader},
    header::{self, Attributes, HeaderError},
    roots,
    state::{ChainState, StateDiff, StateError},
    witness::{self, Sizes, Tracker, Witness},
};
use alloy_consensus::{BlockBody, Header, TxReceipt, proofs};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bloom, Bytes, Log, keccak256};
use alloy_rlp::Encodable;
use chainspec::ChainSpec;
use run::{Finished, Run};
use std::{fmt, sync::Arc};

/// EIP-7934: most bytes that a block's RLP may have, from Osaka on.
pub const MAX_RLP_BLOCK_SIZE: usize = (10 << 20) - (2 << 20);

/// A block and everything that follows from it.
#[derive(Debug, Clone)]
pub struct Executed {
    /// The block with its hash and senders.
    pub block: RecoveredBlock,
    /// One for each transaction.
    pub receipts: Vec<Receipt>,
    /// RLP of the block access list (EIP-7928); empty bytes before Amsterdam.
    pub bal: Bytes,
    /// What changed.
    pub diff: StateDiff,
    /// Trie nodes that are new, by hash, children before parents. With the nodes of the parent state they hold the whole new state.
    pub nodes: Vec<(B256, Bytes)>,
    /// What a stateless validator needs beyond the block and the BAL.
    pub witness: Witness,
}

/// What an included transaction did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    /// Gas the sender pays for, after refunds.
    pub gas_used: u64,
    /// Whether it neither reverted nor halted.
    pub success: bool,
    /// Its logs, EIP-7708's transfer logs among them.
    pub logs: Vec<Log>,
    /// Where a creating transaction put the contract.
    pub created: Option<Address>,
    /// What it returned, or its revert data.
    pub output: Bytes,
}

/// Why a transaction was not included. The block under construction is as it was before.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refused {
    /// It asks for more gas than is left (EIP-8037: in one of the two dimensions), or for more blobs.
    #[error("gas limit {gas_limit} does not fit the {available} left in the block")]
    BlockFull {
        /// Gas limit of the transaction, or its blob gas.
        gas_limit: u64,
        /// What is left in the dimension that is short.
        available: u64,
    },
    /// The block access list may hold so many items only (EIP-7928: gas limit / 2000).
    #[error("the block access list would hold {items} items of at most {limit}")]
    BalFull {
        /// With this transaction.
        items: u64,
        /// Allowed.
        limit: u64,
    },
    /// The caller's own limit: see [`Building::push_if`].
    #[error("does not fit the caller's budget")]
    Budget,
    /// The block would be longer than EIP-7934 allows.
    #[error("the block would have {len} bytes, at most {MAX_RLP_BLOCK_SIZE} are allowed")]
    BlockTooLong {
        /// About, in bytes.
        len: usize,
    },
    /// Its nonce is above the account's: something has to come before it.
    #[error("nonce {tx} is ahead of the account's {account}")]
    NonceAhead {
        /// Of the transaction.
        tx: u64,
        /// Of the account.
        account: u64,
    },
    /// The sender can't pay now, or offers less than the base fee: it may later.
    #[error("not payable in this block: {0}")]
    Unpayable(String),
    /// A type that may not stand in a block of this chain (type 3 on a rollup).
    #[error("transactions of type {0} are not allowed on this chain")]
    Type(u8),
    /// It would make an EIP-7685 request, which EXECUTE refuses in a rollup's block.
    #[error("touches {0}, which would make an execution layer request")]
    Request(Address),
    /// Invalid for ever: wrong chain, signature, nonce already used, intrinsic gas.
    #[error("invalid: {0}")]
    Invalid(String),
    /// Ours to solve: the state could not be read. Stop building.
    #[error(transparent)]
    State(StateError),
    /// Ours to solve: the EVM gave up for a reason that is no fault of the transaction's.
    #[error("internal EVM error: {0}")]
    Evm(String),
}

/// What to do with a refused transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Keep it: it may fit a later block.
    Later,
    /// Drop it.
    Never,
    /// It was not its fault; building can't go on.
    Broken,
}

impl Refused {
    /// What to do with the transaction.
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::BlockFull { .. }
            | Self::BalFull { .. }
            | Self::Budget
            | Self::BlockTooLong { .. }
            | Self::NonceAhead { .. }
            | Self::Unpayable(_) => Verdict::Later,
            Self::Type(_) | Self::Request(_) | Self::Invalid(_) => Verdict::Never,
            Self::State(_) | Self::Evm(_) => Verdict::Broken,
        }
    }
}

/// Why building failed as a whole.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ExecutionError {
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The attributes do not make a valid header on this parent.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// Rules older than Cancun are not executed: they let accounts lose their storage wholesale.
    #[error("block {number} is under rules older than Cancun")]
    TooOld {
        /// Its number.
        number: u64,
    },
    /// A system call failed: the genesis lacks a system contract, or its code is not what it should be.
    #[error("system call: {0}")]
    SystemCall(String),
    /// Requests in a rollup's block, though no transaction made one.
    #[error("the block would carry {0} execution layer requests")]
    Requests(usize),
    /// The gas limit is so low that the system calls alone fill the block access list (EIP-7928).
    #[error("the block access list would hold {items} items of at most {limit}")]
    BalFull {
        /// Accounts and slots.
        items: u64,
        /// Gas limit / 2000.
        limit: u64,
    },
    /// Ours to solve.
    #[error("internal EVM error: {0}")]
    Evm(String),
}

/// Why a block is not valid, or could not be judged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BlockError {
    /// Not the block's fault, unless the state is a witness that came with it: the state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// Not the block's fault: the EVM gave up.
    #[error("internal EVM error: {0}")]
    Evm(String),
    /// Rules older than Cancun are not executed.
    #[error("block {number} is under rules older than Cancun")]
    TooOld {
        /// Its number.
        number: u64,
    },
    /// The header does not follow from its parent.
    #[error("header: {0}")]
    Header(#[from] HeaderError),
    /// Longer than EIP-7934 allows.
    #[error("the block has {len} bytes, at most {MAX_RLP_BLOCK_SIZE} are allowed")]
    TooLong {
        /// In bytes.
        len: usize,
    },
    /// Ommers after the merge (EIP-3675).
    #[error("the block has {0} ommers")]
    Ommers(usize),
    /// A transaction that may not stand where it stands.
    #[error("transaction {index} ({hash}): {reason}")]
    Transaction {
        /// Position in the block.
        index: usize,
        /// Its hash.
        hash: B256,
        /// Why.
        reason: Refused,
    },
    /// A system call failed, which makes the block invalid (EIP-7002, EIP-7251, EIP-8282).
    #[error("system call: {0}")]
    SystemCall(String),
    /// Withdrawals in a rollup's block.
    #[error("a rollup block with {0} withdrawals")]
    Withdrawals(usize),
    /// Requests in a rollup's block.
    #[error("a rollup block with {0} execution layer requests")]
    Requests(usize),
    /// A hash or root in the header is not that of the content.
    #[error("{field} in the header is {got}, computed {computed}")]
    Root {
        /// Which one.
        field: Root,
        /// In the header.
        got: B256,
        /// From the content.
        computed: B256,
    },
    /// The bloom filter is not that of the logs.
    #[error("logs bloom differs")]
    Bloom,
    /// EIP-7778, EIP-8037.
    #[error("gas used in the header is {got}, computed {computed}")]
    GasUsed {
        /// In the header.
        got: u64,
        /// From execution.
        computed: u64,
    },
    /// EIP-4844.
    #[error("blob gas used in the header is {got}, computed {computed}")]
    BlobGasUsed {
        /// In the header.
        got: u64,
        /// From the transactions.
        computed: u64,
    },
    /// EIP-7928: too many accounts and slots.
    #[error("the block access list has {items} items of at most {limit}")]
    BalTooLong {
        /// Accounts and slots.
        items: u64,
        /// Gas limit / 2000.
        limit: u64,
    },
}

/// The roots and hashes in a header that follow from a block's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// Of the transactions.
    Transactions,
    /// Of the withdrawals.
    Withdrawals,
    /// Of the receipts.
    Receipts,
    /// Of the state after the block.
    State,
    /// EIP-7685.
    Requests,
    /// EIP-7928, of the list that execution makes.
    Bal,
    /// EIP-7928, of the list that came with the block.
    DeliveredBal,
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transactions => "transactions root",
            Self::Withdrawals => "withdrawals root",
            Self::Receipts => "receipts root",
            Self::State => "state root",
            Self::Requests => "requests hash",
            Self::Bal => "block access list hash",
            Self::DeliveredBal => "block access list hash (of the list delivered)",
        })
    }
}

impl BlockError {
    /// Whether the failure says nothing about the block.
    pub const fn is_internal(&self) -> bool {
        matches!(self, Self::State(_) | Self::Evm(_))
    }

    fn transaction(index: usize, hash: B256, reason: Refused) -> Self {
        match reason {
            Refused::State(error) => Self::State(error),
            Refused::Evm(error) => Self::Evm(error),
            reason => Self::Transaction { index, hash, reason },
        }
    }
}

impl From<ExecutionError> for BlockError {
    fn from(error: ExecutionError) -> Self {
        match error {
            ExecutionError::State(error) => Self::State(error),
            ExecutionError::Header(error) => Self::Header(error),
            ExecutionError::TooOld { number } => Self::TooOld { number },
            ExecutionError::SystemCall(error) => Self::SystemCall(error),
            ExecutionError::Requests(count) => Self::Requests(count),
            ExecutionError::BalFull { items, limit } => Self::BalTooLong { items, limit },
            ExecutionError::Evm(error) => Self::Evm(error),
        }
    }
}

/// A block under construction. Lives on one thread: revm's precompiles are not `Send`.
pub struct Building<'a> {
    run: Run<'a>,
    tracker: Tracker<'a>,
    parent: SealedHeader,
    header: Header,
    transactions: Vec<RecoveredTx>,
}

impl fmt::Debug for Building<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Building")
            .field("number", &self.header.number)
            .field("transactions", &self.transactions.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Building<'a> {
    /// Starts a block on `parent`, whose state `state` is: checks the attributes and runs the system calls.
    pub fn start(
        spec: &Arc<ChainSpec>,
        parent: &SealedHeader,
        attributes: Attributes,
        state: &'a dyn ChainState,
    ) -> Result<Self, ExecutionError> {
        let header = header::next(spec, parent, &attributes)?;
        let mut run = Run::start(spec, &header, None, state)?;
        let mut tracker = Tracker::new(state, parent.number, parent.length());
        for (index, commit, keys) in run.take_start_commits().into_iter().chain(run.rehearse_end()?) {
            let delta = tracker.delta(index, &commit, &keys, None)?;
            tracker.include(delta);
        }
        Ok(Self { run, tracker, parent: parent.clone(), header, transactions: Vec::new() })
    }

    /// Executes a transaction and includes it, unless it is refused.
    pub fn push(&mut self, tx: &RecoveredTx) -> Result<Included, Refused> {
        self.push_if(tx, |_| true)
    }

    /// As [`Self::push`], but refuses with [`Refused::Budget`] when `fits` says no to the sizes that the input would have
    /// with this transaction in it.
    pub fn push_if(&mut self, tx: &RecoveredTx, fits: impl FnOnce(&Sizes) -> bool) -> Result<Included, Refused> {
        let len = tx.encode_2718_len();
        let block_len = self.sizes().transactions + len + 8 * (self.transactions.len() + 1) + HEADER_LEN_MAX;
        if block_len > MAX_RLP_BLOCK_SIZE {
            return Err(Refused::BlockTooLong { len: block_len });
        }
        let outcome = self.run.attempt(tx.as_recovered_ref())?;
        let delta = match self.tracker.delta(self.run.next_index(), &outcome.result.result.state, &outcome.keys, Some(len)) {
            Ok(delta) => delta,
            Err(error) => return Err(self.run.abandon(outcome, Refused::State(error))),
        };
        let (items, limit) = (self.tracker.bal_items(&delta), bal::items_max(self.header.gas_limit));
        if self.run.is_amsterdam() && items > limit {
            return Err(self.run.abandon(outcome, Refused::BalFull { items, limit }));
        }
        if !fits(&self.tracker.sizes(&delta)) {
            return Err(self.run.abandon(outcome, Refused::Budget));
        }
        self.tracker.include(delta);
        self.transactions.push(tx.clone());
        Ok(self.run.commit(outcome))
    }

    /// Upper bounds of what the block would take as an EXECUTE input if it were sealed now.
    pub fn sizes(&self) -> Sizes {
        self.tracker.sizes(&Default::default())
    }

    /// The header as known so far: no roots, no gas used.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Transactions included so far.
    pub fn transactions(&self) -> &[RecoveredTx] {
        &self.transactions
    }

    /// Receipts so far.
    pub fn receipts(&self) -> &[Receipt] {
        self.run.receipts()
    }

    /// The header's `gas_used` if it were sealed now: the larger of the two dimensions (EIP-8037).
    pub fn gas_used(&self) -> u64 {
        self.run.gas_used()
    }

    /// Gas limit minus `gas_used`.
    pub fn gas_left(&self) -> u64 {
        self.header.gas_limit.saturating_sub(self.gas_used())
    }

    /// Post-execution system calls, roots, header.
    pub fn seal(self) -> Result<Executed, ExecutionError> {
        let Self { run, parent, mut header, transactions, .. } = self;
        let (is_rollup, state) = (run.is_rollup(), run.state());
        let done = run.finish()?;
        if is_rollup && !done.result.requests.is_empty() {
            return Err(ExecutionError::Requests(done.result.requests.len()));
        }
        let limit = bal::items_max(header.gas_limit);
        if header.block_access_list_hash.is_some() && done.bal_items > limit {
            return Err(ExecutionError::BalFull { items: done.bal_items, limit });
        }
        let (state_root, nodes, witness) = witness::build(state, &parent, &done.keys, &done.diff)?;
        let (transactions, senders): (Vec<_>, Vec<_>) = transactions.into_iter().map(|tx| tx.into_parts()).unzip();
        header.state_root = state_root;
        header.transactions_root = proofs::calculate_transaction_root(&transactions);
        header.receipts_root = proofs::calculate_receipt_root(&done.result.receipts);
        header.logs_bloom = bloom(&done.result.receipts);
        header.gas_used = done.result.gas_used;
        header.blob_gas_used = header.blob_gas_used.map(|_| done.result.blob_gas_used);
        header.requests_hash = header.requests_hash.map(|_| done.result.requests.requests_hash());
        header.block_access_list_hash = header.block_access_list_hash.map(|_| keccak256(&done.bal));
        let body = BlockBody { transactions, ommers: Vec::new(), withdrawals: Some(Default::default()) };
        let hash = header.hash_slow();
        let block = RecoveredBlock::new(Block { header, body }, senders, hash);
        let Finished { result, bal, diff, .. } = done;
        Ok(Executed { block, receipts: result.receipts, bal, diff, nodes, witness })
    }
}

/// More than any header's RLP has: 23 fields, a bloom of 256 bytes.
const HEADER_LEN_MAX: usize = 1_024;

fn bloom(receipts: &[Receipt]) -> Bloom {
    receipts.iter().fold(Bloom::ZERO, |bloom, receipt| bloom | receipt.bloom())
}

/// Executes and fully validates a block on the state of its parent: header rules, every root, gas, BAL.
///
/// `expected_bal` is the list that came with the block, if one came; the header's hash is checked in any case.
pub fn execute(
    spec: &Arc<ChainSpec>,
    parent: &SealedHeader,
    block: &RecoveredBlock,
    expected_bal: Option<&[u8]>,
    state: &dyn ChainState,
) -> Result<Executed, BlockError> {
    let done = replay(spec, parent, block, expected_bal, state)?;
    let (state_root, nodes, witness) = witness::build(state, parent, &done.keys, &done.diff)?;
    equal(Root::State, block.header().state_root, state_root)?;
    let Finished { result, bal, diff, .. } = done;
    Ok(Executed { block: block.clone(), receipts: result.receipts, bal, diff, nodes, witness })
}

/// As [`execute`], for a state that is a witness already: makes no new one, returns the gas used.
pub(crate) fn verify(
    spec: &Arc<ChainSpec>,
    parent: &SealedHeader,
    block: &RecoveredBlock,
    expected_bal: &[u8],
    state: &dyn ChainState,
) -> Result<u64, BlockError> {
    let done = replay(spec, parent, block, Some(expected_bal), state)?;
    let (state_root, _) = roots::apply(state, state.root(), &done.diff)?;
    equal(Root::State, block.header().state_root, state_root)?;
    Ok(done.result.gas_used)
}

/// Everything but the state root.
fn replay(
    spec: &Arc<ChainSpec>,
    parent: &SealedHeader,
    block: &RecoveredBlock,
    expected_bal: Option<&[u8]>,
    state: &dyn ChainState,
) -> Result<Finished, BlockError> {
    let header = block.header();
    header::validate(spec, parent, header)?;
    let body = block.body();
    if !body.ommers.is_empty() {
        return Err(BlockError::Ommers(body.ommers.len()));
    }
    equal(Root::Transactions, header.transactions_root, proofs::calculate_transaction_root(&body.transactions))?;
    let withdrawals = body.withdrawals.clone().unwrap_or_default();
    if let Some(root) = header.withdrawals_root {
        equal(Root::Withdrawals, root, proofs::calculate_withdrawals_root(&withdrawals))?;
    }
    if spec.is_rollup() && !withdrawals.is_empty() {
        return Err(BlockError::Withdrawals(withdrawals.len()));
    }
    if let (Some(delivered), Some(hash)) = (expected_bal, header.block_access_list_hash) {
        equal(Root::DeliveredBal, hash, keccak256(delivered))?;
    }
    let mut run = Run::start(spec, header, Some(withdrawals.into_inner()), state)?;
    let len = block.rlp_length();
    if run.is_osaka() && len > MAX_RLP_BLOCK_SIZE {
        return Err(BlockError::TooLong { len });
    }
    for (index, tx) in block.transactions_recovered().enumerate() {
        match run.attempt(tx) {
            Ok(outcome) => drop(run.commit(outcome)),
            Err(reason) => return Err(BlockError::transaction(index, *tx.inner().tx_hash(), reason)),
        }
    }
    let done = run.finish()?;
    compare(spec, header, &done)?;
    Ok(done)
}

fn compare(spec: &ChainSpec, header: &Header, done: &Finished) -> Result<(), BlockError> {
    let result = &done.result;
    if spec.is_rollup() && !result.requests.is_empty() {
        return Err(BlockError::Requests(result.requests.len()));
    }
    if header.gas_used != result.gas_used {
        return Err(BlockError::GasUsed { got: header.gas_used, computed: result.gas_used });
    }
    if let Some(got) = header.blob_gas_used.filter(|got| *got != result.blob_gas_used) {
        return Err(BlockError::BlobGasUsed { got, computed: result.blob_gas_used });
    }
    equal(Root::Receipts, header.receipts_root, proofs::calculate_receipt_root(&result.receipts))?;
    if header.logs_bloom != bloom(&result.receipts) {
        return Err(BlockError::Bloom);
    }
    if let Some(hash) = header.requests_hash {
        equal(Root::Requests, hash, result.requests.requests_hash())?;
    }
    if let Some(hash) = header.block_access_list_hash {
        equal(Root::Bal, hash, keccak256(&done.bal))?;
        let (items, limit) = (done.bal_items, bal::items_max(header.gas_limit));
        if items > limit {
            return Err(BlockError::BalTooLong { items, limit });
        }
    }
    Ok(())
}

fn equal(field: Root, got: B256, computed: B256) -> Result<(), BlockError> {
    if got == computed { Ok(()) } else { Err(BlockError::Root { field, got, computed }) }
}
