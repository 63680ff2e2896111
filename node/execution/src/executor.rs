//! Running a block: building one transaction by transaction, and executing one that somebody else built.
//!
//! Both take the same steps in `run`; they differ in who wins when results and header disagree. Must not know: where
//! transactions come from, or what happens to the block.

mod alone;
mod changes;
mod errors;
mod ommers;
mod run;
mod system;
#[cfg(test)]
mod tests;
mod verdict;

use crate::{
    bal,
    block::{Block, Receipt, RecoveredBlock, RecoveredTx, SealedHeader},
    header::{self, Attributes},
    ordered, roots,
    state::{ChainState, StateDiff},
    trie::{StateTree, TrieChanges},
    witness::{self, Built, Keys, Sizes, Tracker, Witness},
};
use alloy_consensus::{BlockBody, Header, TxReceipt, proofs};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bloom, Bytes, keccak256};
use alloy_rlp::Encodable;
pub use alone::{Alone, run_alone};
use chainspec::ChainSpec;
pub use errors::{BlockError, ExecutionError, Root, SystemCallError};
pub use ommers::{OMMER_GENERATIONS, OMMERS_MAX, OmmerError};
use run::{Finished, Run};
use std::{fmt, sync::Arc};
pub(crate) use system::Rules;
pub use verdict::{Included, Refused, SignatureRule, Verdict};

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
    /// The state's tries after the block.
    pub tree: StateTree,
    /// How the block changed them, node by node.
    pub changes: TrieChanges,
    /// What a stateless validator needs beyond the block and the BAL.
    pub witness: Witness,
}

/// A block under construction. Lives on one thread: revm's precompiles are not `Send`.
pub struct Building<'a> {
    run: Run<'a>,
    tracker: Tracker<'a>,
    /// What the system calls after the transactions are expected to touch.
    rehearsed: Keys,
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
        let mut run = Run::start(spec, &header, &[], None, state)?;
        let mut tracker = Tracker::new(state, parent.number, parent.length());
        let rehearsal = run.rehearse_end()?;
        for (index, commit, keys) in run.take_start_commits().iter().chain(&rehearsal) {
            tracker.attempt(*index, commit, keys, None)?;
            tracker.include();
        }
        let mut rehearsed = Keys::default();
        rehearsal.into_iter().for_each(|(_, _, keys)| rehearsed.add(keys));
        Ok(Self { run, tracker, rehearsed, parent: parent.clone(), header, transactions: Vec::new() })
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
        let (index, state) = (self.run.next_index(), &outcome.result.result.state);
        let verdict = match self.tracker.attempt(index, state, &outcome.keys, Some(len)) {
            Err(error) => Err(Refused::State(error)),
            Ok(()) => self.judge(fits),
        };
        match verdict {
            Err(refused) => {
                self.tracker.forget();
                Err(self.run.abandon(outcome, refused))
            }
            Ok(()) => {
                self.tracker.include();
                self.transactions.push(tx.clone());
                self.run.commit(outcome).map_err(Refused::State)
            }
        }
    }

    /// Whether the block may hold what the tracker has on trial.
    fn judge(&self, fits: impl FnOnce(&Sizes) -> bool) -> Result<(), Refused> {
        let (items, limit) = (self.tracker.bal_items(), bal::items_max(self.header.gas_limit));
        if self.run.is_amsterdam() && items > limit {
            return Err(Refused::BalFull { items, limit });
        }
        if fits(&self.tracker.sizes()) { Ok(()) } else { Err(Refused::Budget) }
    }

    /// Upper bounds of what the block would take as an EXECUTE input if it were sealed now.
    pub fn sizes(&self) -> Sizes {
        self.tracker.sizes()
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
        let Self { run, mut tracker, rehearsed, parent, mut header, transactions } = self;
        let (is_rollup, state) = (run.is_rollup(), run.state());
        let done = run.finish()?;
        if is_rollup && !done.result.requests.is_empty() {
            return Err(ExecutionError::Requests(done.result.requests.len()));
        }
        let limit = bal::items_max(header.gas_limit);
        if header.block_access_list_hash.is_some() && done.bal_items > limit {
            return Err(ExecutionError::BalFull { items: done.bal_items, limit });
        }
        for (index, commit, keys) in &done.end {
            tracker.attempt(*index, commit, keys, None)?;
            tracker.include();
        }
        // The tracker's nodes are exact unless the rehearsal saw more than what then ran.
        let built = match done.keys.cover(&rehearsed) {
            true => witness::complete(state, &parent, &done.keys, &done.diff, tracker.into_paths())?,
            false => witness::build(state, &parent, &done.keys, &done.diff)?,
        };
        let Built { tree, changes, witness } = built;
        let (transactions, senders): (Vec<_>, Vec<_>) = transactions.into_iter().map(|tx| tx.into_parts()).unzip();
        header.state_root = tree.root();
        header.transactions_root = ordered::root(&transactions);
        header.receipts_root = ordered::root(&done.result.receipts);
        header.logs_bloom = bloom(&done.result.receipts);
        header.gas_used = done.result.gas_used;
        header.blob_gas_used = header.blob_gas_used.map(|_| done.result.blob_gas_used);
        header.requests_hash = header.requests_hash.map(|_| done.result.requests.requests_hash());
        header.block_access_list_hash = header.block_access_list_hash.map(|_| keccak256(&done.bal));
        let withdrawals = header.withdrawals_root.map(|_| Default::default());
        let body = BlockBody { transactions, ommers: Vec::new(), withdrawals };
        let hash = header.hash_slow();
        let block = RecoveredBlock::new(Block { header, body }, senders, hash);
        let Finished { result, bal, diff, .. } = done;
        Ok(Executed { block, receipts: result.receipts, bal, diff, tree, changes, witness })
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
    let header = block.header();
    header::validate(spec, parent, header)?;
    equal(Root::Transactions, header.transactions_root, ordered::root(&block.body().transactions))?;
    if let (Some(delivered), Some(hash)) = (expected_bal, header.block_access_list_hash) {
        equal(Root::DeliveredBal, hash, keccak256(delivered))?;
    }
    let done = replay(spec, parent, block, expected_bal, state)?;
    let Built { tree, changes, witness } = witness::build(state, parent, &done.keys, &done.diff)?;
    equal(Root::State, block.header().state_root, tree.root())?;
    let Finished { result, bal, diff, .. } = done;
    Ok(Executed { block: block.clone(), receipts: result.receipts, bal, diff, tree, changes, witness })
}

/// As [`execute`], for a state that is a witness already: makes no new one, returns the gas used. The caller has made the header's transactions root
/// and access list hash from the block's transactions and `expected_bal`.
pub(crate) fn verify(
    spec: &Arc<ChainSpec>,
    parent: &SealedHeader,
    block: &RecoveredBlock,
    expected_bal: &[u8],
    state: &dyn ChainState,
) -> Result<u64, BlockError> {
    header::validate(spec, parent, block.header())?;
    let done = replay(spec, parent, block, Some(expected_bal), state)?;
    let state_root = roots::next(state.tree(), &state, &done.diff)?.root();
    equal(Root::State, block.header().state_root, state_root)?;
    Ok(done.result.gas_used)
}

/// Everything but what the header says of its parent, of these transactions, of `expected_bal`, and of the new state.
fn replay(
    spec: &Arc<ChainSpec>,
    parent: &SealedHeader,
    block: &RecoveredBlock,
    expected_bal: Option<&[u8]>,
    state: &dyn ChainState,
) -> Result<Finished, BlockError> {
    let header = block.header();
    let body = block.body();
    if body.withdrawals.is_some() != header.withdrawals_root.is_some() {
        return Err(BlockError::WithdrawalsMissing { header: header.withdrawals_root.is_some() });
    }
    ommers::check(spec, parent, block, state)?;
    let withdrawals = body.withdrawals.clone().unwrap_or_default();
    if let Some(root) = header.withdrawals_root {
        equal(Root::Withdrawals, root, proofs::calculate_withdrawals_root(&withdrawals))?;
    }
    if spec.is_rollup() && !withdrawals.is_empty() {
        return Err(BlockError::Withdrawals(withdrawals.len()));
    }
    let mut run = Run::start(spec, header, &body.ommers, Some(withdrawals.into_inner()), state)?;
    let len = block.rlp_length();
    if run.is_osaka() && len > MAX_RLP_BLOCK_SIZE {
        return Err(BlockError::TooLong { len });
    }
    for (index, tx) in block.transactions_recovered().enumerate() {
        match run.attempt(tx) {
            Ok(outcome) => drop(run.commit(outcome)?),
            Err(reason) => return Err(BlockError::transaction(index, *tx.inner().tx_hash(), reason)),
        }
    }
    let done = run.finish()?;
    compare(spec, header, &done, expected_bal)?;
    Ok(done)
}

fn compare(spec: &ChainSpec, header: &Header, done: &Finished, expected_bal: Option<&[u8]>) -> Result<(), BlockError> {
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
    equal(Root::Receipts, header.receipts_root, ordered::root(&result.receipts))?;
    if header.logs_bloom != bloom(&result.receipts) {
        return Err(BlockError::Bloom);
    }
    if let Some(hash) = header.requests_hash {
        equal(Root::Requests, hash, result.requests.requests_hash())?;
    }
    if let Some(hash) = header.block_access_list_hash {
        if expected_bal != Some(&done.bal[..]) {
            equal(Root::Bal, hash, keccak256(&done.bal))?;
        }
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
