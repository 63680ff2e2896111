//! The steps that building and executing share: system calls, one transaction at a time, the end of the block.

use super::{
    ExecutionError, Included, Refused, SignatureRule,
    changes::{diff, diff_of},
    errors::failure,
    system::{self, Rules},
    verdict::refusal,
};
use crate::{
    bal,
    block::Transaction,
    evm::{self, BlockExecutor, Db, Log, Receipts},
    roots,
    state::{ChainState, StateDiff, StateError},
    trie::StateTree,
    witness::Keys,
};
use alloy_consensus::{Eip658Value, Header, ReceiptEnvelope, Transaction as _, Typed2718, transaction::Recovered};
use alloy_eips::eip4895::Withdrawal;
use alloy_evm::{
    Evm,
    block::{BalIndexedDatabase, BlockExecutionResult, BlockExecutor as _, TxResult},
    eth::{EthBlockExecutionCtx, EthTxResult, spec::EthExecutorSpec},
};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, Bytes};
use chainspec::{ChainSpec, predeploys};
use revm::{
    context::result::{ExecutionResult, HaltReason, Output},
    database::{State, states::bundle_state::BundleRetention},
    state::EvmState,
};
use std::{borrow::Cow, sync::Arc};

/// A commit and what it touched: (BAL index, state, keys).
pub(super) type Commit = (u64, EvmState, Keys);

pub(super) struct Run<'a> {
    spec: Arc<ChainSpec>,
    state: &'a dyn ChainState,
    executor: BlockExecutor<'a>,
    log: Log,
    keys: Keys,
    start: Vec<Commit>,
    included: u64,
    number: u64,
    timestamp: u64,
    /// `None` before Cancun.
    blob_gas_max: Option<u64>,
    /// Before Byzantium every receipt holds the state root after its transaction (EIP-658).
    tree: Option<StateTree>,
}

/// A transaction that ran and waits for a verdict.
pub(super) struct Outcome {
    pub(super) result: EthTxResult<HaltReason, alloy_consensus::TxType>,
    pub(super) keys: Keys,
}

/// What a block did.
pub(super) struct Finished {
    pub(super) result: BlockExecutionResult<crate::block::Receipt>,
    /// Empty bytes before Amsterdam.
    pub(super) bal: Bytes,
    pub(super) bal_items: u64,
    pub(super) diff: StateDiff,
    pub(super) keys: Keys,
    /// What the system calls after the transactions committed.
    pub(super) end: Vec<Commit>,
}

impl<'a> Run<'a> {
    /// Sets up the EVM for a block with this header and runs the system calls before its transactions.
    pub(super) fn start(
        spec: &Arc<ChainSpec>,
        header: &Header,
        ommers: &'a [Header],
        withdrawals: Option<Vec<Withdrawal>>,
        state: &'a dyn ChainState,
    ) -> Result<Self, ExecutionError> {
        let mut run = Self::set_up(spec, header, ommers, withdrawals, state)?;
        let hook = run.log.hook();
        run.executor.evm_mut().db_mut().set_state_hook(Some(hook));
        system::before(&mut run.executor.evm, spec, header.parent_hash, header.parent_beacon_block_root, &run.log)?;
        run.executor.evm_mut().db_mut().set_state_hook(None);
        run.start = commits(&run.log, 0);
        for (_, _, keys) in &run.start {
            run.keys.add(keys.clone());
        }
        Ok(run)
    }

    /// Sets up the EVM for transactions under this header; runs nothing.
    pub(super) fn set_up(
        spec: &Arc<ChainSpec>,
        header: &Header,
        ommers: &'a [Header],
        withdrawals: Option<Vec<Withdrawal>>,
        state: &'a dyn ChainState,
    ) -> Result<Self, ExecutionError> {
        let log = Log::default();
        let mut db = State::builder().with_database(Db::of_block(state, log.clone())).with_bundle_update();
        if spec.is_amsterdam_active_at_timestamp(header.timestamp) {
            db = db.with_bal_builder();
        }
        let evm = evm::evm(spec, db.build(), evm::env(spec, header));
        let ctx = EthBlockExecutionCtx {
            parent_hash: header.parent_hash,
            parent_beacon_block_root: header.parent_beacon_block_root,
            ommers,
            withdrawals: Some(Cow::Owned(withdrawals.unwrap_or_default())),
            extra_data: header.extra_data.clone(),
            tx_count_hint: None,
            slot_number: header.slot_number,
        };
        let executor = BlockExecutor::new(evm, ctx, Rules(Arc::clone(spec)), Receipts::default());
        let blob_gas_max = spec.blob_params_at(header.timestamp).map(|p| p.max_blob_gas_per_block());
        Ok(Self {
            spec: Arc::clone(spec),
            state,
            executor,
            log,
            keys: Keys::default(),
            start: Vec::new(),
            included: 0,
            number: header.number,
            timestamp: header.timestamp,
            blob_gas_max,
            tree: (!spec.is_byzantium_active_at_block(header.number)).then(|| state.tree().clone()),
        })
    }

    pub(super) fn is_rollup(&self) -> bool {
        self.spec.is_rollup()
    }

    pub(super) fn is_amsterdam(&self) -> bool {
        self.spec.is_amsterdam_active_at_timestamp(self.timestamp)
    }

    pub(super) fn is_osaka(&self) -> bool {
        self.spec.is_osaka_active_at_timestamp(self.timestamp)
    }

    /// EIP-161: whether empty accounts leave the state.
    fn keeps_empty(&self) -> bool {
        !self.spec.is_spurious_dragon_active_at_block(self.number)
    }

    pub(super) fn state(&self) -> &'a dyn ChainState {
        self.state
    }

    pub(super) fn receipts(&self) -> &[crate::block::Receipt] {
        &self.executor.receipts
    }

    pub(super) fn gas_used(&self) -> u64 {
        if self.is_amsterdam() { self.executor.max_block_gas_used() } else { self.executor.cumulative_tx_gas_used }
    }

    /// BAL index of the next transaction (EIP-7928: 0 is before the first).
    pub(super) fn next_index(&self) -> u64 {
        self.included + 1
    }

    /// What the system calls before the transactions committed.
    pub(super) fn take_start_commits(&mut self) -> Vec<Commit> {
        std::mem::take(&mut self.start)
    }

    /// What the system calls after the transactions will touch, found by running them now without committing.
    pub(super) fn rehearse_end(&mut self) -> Result<Vec<Commit>, ExecutionError> {
        // The index is not known yet; three bytes hold any that a block can have.
        let index = u64::from(u16::MAX);
        let mut commits = Vec::new();
        for contract in system::contracts(&self.spec, self.timestamp) {
            let state = system::call(&mut self.executor.evm, *contract, &self.log)?.state;
            let keys = self.take_keys(&state);
            self.forget(&keys);
            commits.push((index, state, keys));
        }
        Ok(commits)
    }

    /// Runs a transaction without committing it.
    pub(super) fn attempt(&mut self, tx: Recovered<&Transaction>) -> Result<Outcome, Refused> {
        self.admit(&tx)?;
        let index = self.next_index();
        self.executor.evm_mut().db_mut().set_bal_index(alloy_eip7928::BlockAccessIndex::new(index));
        if self.is_amsterdam() && self.spec.has_amsterdam_draft() {
            evm::draft::prepare(&mut self.executor.evm.ctx_mut().cfg, tx.is_create());
        }
        let result = match self.executor.execute_transaction_without_commit(tx) {
            Ok(result) => result,
            Err(error) => {
                let refused = refusal(error, &self.log);
                let reads = self.take_keys(&EvmState::default());
                self.forget(&reads);
                return Err(refused);
            }
        };
        let keys = self.take_keys(&result.result.state);
        let outcome = Outcome { result, keys };
        match self.request_made(&outcome) {
            Some(contract) => Err(self.abandon(outcome, Refused::Request(contract))),
            None => Ok(outcome),
        }
    }

    /// Refuses before anything runs.
    fn admit(&self, tx: &Transaction) -> Result<(), Refused> {
        if self.keeps_empty() && tx.is_legacy() && tx.chain_id().is_some() {
            return Err(Refused::Signature(SignatureRule::NamesChain));
        }
        if self.spec.is_homestead_active_at_block(self.number) && tx.signature().normalize_s().is_some() {
            return Err(Refused::Signature(SignatureRule::HighS));
        }
        let Some(blob_gas) = tx.blob_gas_used() else { return Ok(()) };
        if self.is_rollup() {
            return Err(Refused::Type(tx.ty()));
        }
        // Before Cancun the EVM refuses the type.
        let Some(blob_gas_max) = self.blob_gas_max else { return Ok(()) };
        let available = blob_gas_max.saturating_sub(self.executor.blob_gas_used);
        if blob_gas > available {
            return Err(Refused::BlockFull { gas_limit: blob_gas, available });
        }
        Ok(())
    }

    /// On a rollup: the contract through which the transaction would make an EIP-7685 request. A request contract writes its storage only
    /// for that, and the deposit contract logs only for that.
    fn request_made(&self, outcome: &Outcome) -> Option<Address> {
        if !self.is_rollup() {
            return None;
        }
        let ran = &outcome.result.result;
        let wrote = |contract: &Address| {
            let changed = |a: &revm::state::Account| a.storage.values().any(|slot| slot.is_changed());
            ran.state.get(contract).is_some_and(changed)
        };
        if let Some(contract) = predeploys::REQUEST_CONTRACTS.iter().find(|contract| wrote(contract)) {
            return Some(*contract);
        }
        let deposit = self.spec.deposit_contract_address()?;
        ran.result.logs().iter().any(|log| log.address == deposit).then_some(deposit)
    }

    /// Includes what ran.
    pub(super) fn commit(&mut self, outcome: Outcome) -> Result<Included, StateError> {
        let Outcome { result, keys } = outcome;
        let ran = &result.result().result;
        let created = match ran {
            ExecutionResult::Success { output: Output::Create(_, address), .. } => *address,
            _ => None,
        };
        let included = Included {
            gas_used: ran.gas().tx_gas_used(),
            success: ran.is_success(),
            logs: ran.logs().to_vec(),
            created,
            output: ran.output().cloned().unwrap_or_default(),
        };
        self.keys.add(keys);
        self.included += 1;
        let keep_empty = self.keeps_empty();
        let root = match &mut self.tree {
            Some(tree) => {
                *tree = roots::next(tree, &self.state, &diff_of(&result.result().state, keep_empty))?;
                Some(tree.root())
            }
            None => None,
        };
        self.executor.commit_transaction(result);
        if let (Some(root), Some(ReceiptEnvelope::Legacy(receipt))) = (root, self.executor.receipts.last_mut()) {
            receipt.receipt.status = Eip658Value::PostState(root);
        }
        Ok(included)
    }

    /// Drops what ran, as if it never had.
    pub(super) fn abandon(&mut self, outcome: Outcome, refused: Refused) -> Refused {
        self.forget(&outcome.keys);
        refused
    }

    fn take_keys(&self, state: &EvmState) -> Keys {
        Keys::of(state, self.log.take_reads(), &self.log)
    }

    /// Empties revm's caches of what `keys` fetched, so that the next reader asks the state again and is seen to do so.
    fn forget(&mut self, keys: &Keys) {
        let db = self.executor.evm_mut().db_mut();
        for hash in keys.codes.keys().filter(|hash| !self.keys.codes.contains_key(*hash)) {
            db.cache.contracts.remove(hash);
        }
        db.block_hashes = Default::default();
    }

    /// Ends without the steps that a block has after its transactions.
    pub(super) fn stop(mut self) -> StateDiff {
        let keep_empty = self.keeps_empty();
        let db = self.executor.evm_mut().db_mut();
        db.merge_transitions(BundleRetention::PlainState);
        diff(db.take_bundle(), keep_empty)
    }

    /// Runs the system calls after the transactions and sums up.
    pub(super) fn finish(mut self) -> Result<Finished, ExecutionError> {
        let index = self.next_index();
        let (amsterdam, keep_empty) = (self.is_amsterdam(), self.keeps_empty());
        let db = self.executor.evm_mut().db_mut();
        BalIndexedDatabase::set_bal_index(db, index);
        db.set_state_hook(Some(self.log.hook()));
        let executor = &mut self.executor;
        let requests = system::requests(&mut executor.evm, &self.spec, self.timestamp, &executor.receipts, &self.log)?;
        let (evm, result) = self.executor.finish().map_err(|error| failure(error, &self.log))?;
        let result = BlockExecutionResult { requests, ..result };
        let mut db = evm.into_db();
        db.set_state_hook(None);
        let mut keys = self.keys;
        let end = commits(&self.log, index);
        for (_, _, touched) in &end {
            keys.add(touched.clone());
        }
        let bal = db.take_built_alloy_bal().unwrap_or_default();
        db.merge_transitions(BundleRetention::PlainState);
        let diff = diff(db.take_bundle(), keep_empty);
        let bytes = if amsterdam { bal::encode(&bal) } else { Bytes::new() };
        Ok(Finished { result, bal: bytes, bal_items: bal::items(&bal), diff, keys, end })
    }
}

/// What the hook collected. Reads can't be told apart by commit; the first one gets them all.
fn commits(log: &Log, index: u64) -> Vec<Commit> {
    let mut reads = log.take_reads();
    let states = std::mem::take(&mut reads.commits);
    let mut reads = Some(reads);
    states
        .into_iter()
        .map(|state| {
            let keys = Keys::of(&state, reads.take().unwrap_or_default(), log);
            (index, state, keys)
        })
        .collect()
}
