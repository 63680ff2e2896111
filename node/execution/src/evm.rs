//! revm, fed from a [`StateView`]: the database adaptor that notes what was read, and the EVM's environment.
//!
//! Must not know: what a block or a witness is. It notes reads; `witness` decides what they mean.

pub(crate) mod draft;
mod storage_only;

use crate::{
    block::{Receipt, Transaction},
    executor::Rules,
    keccak, precompile,
    state::{Account, ChainState, StateError, StateView},
};
use alloy_consensus::{Eip658Value, Header, ReceiptEnvelope, ReceiptWithBloom, TxType};
use alloy_evm::{
    EthEvm, EthEvmFactory, Evm, EvmEnv, EvmFactory,
    eth::{
        EthBlockExecutor,
        receipt_builder::{ReceiptBuilder, ReceiptBuilderCtx},
    },
    precompiles::PrecompilesMap,
};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{
    Address, B256, Bloom, Bytes, KECCAK256_EMPTY, Log as EventLog, U256,
    map::{AddressMap, HashMap},
};
use chainspec::{ChainSpec, predeploys};
use revm::{
    Database,
    database::State,
    inspector::NoOpInspector,
    primitives::hardfork::SpecId,
    state::{AccountInfo, Bytecode, EvmState},
};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub(crate) type BlockEvm<'a> = EthEvm<State<Db<'a>>, NoOpInspector, PrecompilesMap>;
pub(crate) type BlockExecutor<'a> = EthBlockExecutor<'a, BlockEvm<'a>, Rules, Receipts>;

/// What the EVM read since the notes were last taken.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    /// Codes fetched from the state.
    pub(crate) codes: BTreeMap<B256, Bytes>,
    /// Lowest block whose hash was asked for.
    pub(crate) oldest: Option<u64>,
    /// States committed through the hook: those of system calls and withdrawals.
    pub(crate) commits: Vec<EvmState>,
}

#[derive(Debug, Default)]
struct Notes {
    reads: Reads,
    /// Code hash of every account read, as it was before the block.
    code_hashes: AddressMap<B256>,
    /// The state's own error, which revm would hand back as text.
    fault: Option<StateError>,
}

/// Notes shared by the database (which writes) and the executor (which reads).
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Notes>>);

impl Log {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take_reads(&self) -> Reads {
        std::mem::take(&mut self.notes().reads)
    }

    pub(crate) fn take_fault(&self) -> Option<StateError> {
        self.notes().fault.take()
    }

    pub(crate) fn code_hash_before(&self, address: Address) -> Option<B256> {
        self.notes().code_hashes.get(&address).copied()
    }

    /// A hook for `State` that keeps what is committed.
    pub(crate) fn hook(&self) -> Box<dyn revm::OnStateHook> {
        let log = self.clone();
        Box::new(move |state: EvmState| log.notes().reads.commits.push(state))
    }
}

/// Code of the state as revm has it. EIP-7702: a delegation is exactly `0xef0100` and an address. Whatever else begins with `0xef` is code
/// that fails at its first byte; revm's own constructor panics at some of it, and a genesis, a witness or an `eth_call` may hold any bytes.
fn bytecode(code: Bytes) -> Bytecode {
    Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code))
}

/// A state as revm's database.
pub(crate) struct Db<'a> {
    state: &'a dyn StateView,
    /// Says whether an account has storage, where creations have to respect it (EIP-7610).
    tries: Option<&'a dyn ChainState>,
    log: Log,
}

impl fmt::Debug for Db<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").finish_non_exhaustive()
    }
}

impl<'a> Db<'a> {
    /// For calls, whose creations nobody keeps.
    pub(crate) fn new(state: &'a dyn StateView, log: Log) -> Self {
        Self { state, tries: None, log }
    }

    /// For blocks.
    pub(crate) fn of_block(state: &'a dyn ChainState, log: Log) -> Self {
        Self { state, tries: Some(state), log }
    }

    /// An account, and the code hash that revm is to see. It takes an account for free to be created when nonce and code are, and knows nothing of
    /// storage; a zero hash, which it treats as no code everywhere else, is what its collision check trips over.
    fn account(&self, address: Address) -> Result<Option<(Account, B256)>, StateError> {
        let found = match self.tries {
            Some(state) => state.account_and_storage(address)?,
            None => self.state.account(address)?.map(|account| (account, false)),
        };
        Ok(found.map(|(account, has_storage)| (account, if has_storage { B256::ZERO } else { account.code_hash })))
    }

    fn note<T>(&self, result: Result<T, StateError>) -> Result<T, StateError> {
        if let Err(error) = &result {
            self.log.notes().fault = Some(error.clone());
        }
        result
    }
}

impl Database for Db<'_> {
    type Error = StateError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let Some((account, code_hash)) = self.note(self.account(address))? else { return Ok(None) };
        self.log.notes().code_hashes.insert(address, account.code_hash);
        Ok(Some(AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash,
            code: None,
            ..Default::default()
        }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, StateError> {
        if hash == KECCAK256_EMPTY || hash.is_zero() {
            return Ok(Bytecode::default());
        }
        let code = self.note(self.state.code(hash))?;
        self.log.notes().reads.codes.insert(hash, code.clone());
        Ok(bytecode(code))
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.note(self.state.storage(address, slot))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        let hash = self.note(self.state.block_hash(number))?;
        let mut notes = self.log.notes();
        notes.reads.oldest = Some(notes.reads.oldest.map_or(number, |oldest| oldest.min(number)));
        Ok(hash)
    }
}

/// The environment of a block with this header. Roots and other results in the header are not looked at.
pub(crate) fn env(spec: &ChainSpec, header: &Header) -> EvmEnv {
    let mut env = EvmEnv::for_eth_block(header, spec, spec.chain_id, spec.blob_params_at(header.timestamp));
    // alloy-evm takes Constantinople without Petersburg for Byzantium, which lacks its opcodes and CREATE2.
    if env.cfg_env.spec == SpecId::BYZANTIUM && spec.is_constantinople_active_at_block(header.number) {
        env.cfg_env.set_spec_and_mainnet_gas_params(SpecId::PETERSBURG);
    }
    if spec.has_amsterdam_draft() && spec.is_amsterdam_active_at_timestamp(header.timestamp) {
        draft::apply(&mut env.cfg_env);
    }
    env
}

/// An EVM with the precompiles of the chain: those of its fork, and EXECUTE where it exists.
pub(crate) fn evm<DB: alloy_evm::Database>(
    spec: &ChainSpec,
    db: DB,
    env: EvmEnv,
) -> EthEvm<DB, NoOpInspector, PrecompilesMap> {
    let mut evm = storage_only::respect(EthEvmFactory::default().create_evm(db, env));
    if spec.has_execute() {
        evm.precompiles_mut().apply_precompile(&predeploys::EXECUTE, |_| Some(precompile::execute()));
    }
    evm
}

/// Receipts as [`Receipt`]s. Before Byzantium the executor puts the state root in place of the status.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    /// Hashes of what blooms were made of: the same addresses and topics come again and again.
    hashes: RefCell<HashMap<Bytes, B256>>,
}

impl Receipts {
    fn bloom(&self, logs: &[EventLog]) -> Bloom {
        let mut hashes = self.hashes.borrow_mut();
        let mut bloom = Bloom::ZERO;
        let mut add = |item: &[u8]| {
            let hash = match hashes.get(item) {
                Some(hash) => *hash,
                None => *hashes.entry(Bytes::copy_from_slice(item)).or_insert(keccak::one(item)),
            };
            bloom.m3_2048_hashed(&hash);
        };
        for log in logs {
            add(log.address.as_slice());
            log.topics().iter().for_each(|topic| add(topic.as_slice()));
        }
        bloom
    }
}

impl ReceiptBuilder for Receipts {
    type Transaction = Transaction;
    type Receipt = Receipt;

    fn build_receipt<E: Evm>(&self, ctx: ReceiptBuilderCtx<'_, TxType, E>) -> Receipt {
        let receipt = alloy_consensus::Receipt {
            status: Eip658Value::Eip658(ctx.result.is_success()),
            cumulative_gas_used: ctx.cumulative_gas_used,
            logs: ctx.result.into_logs(),
        };
        let logs_bloom = self.bloom(&receipt.logs);
        let receipt = ReceiptWithBloom { receipt, logs_bloom };
        match ctx.tx_type {
            TxType::Legacy => ReceiptEnvelope::Legacy(receipt),
            TxType::Eip2930 => ReceiptEnvelope::Eip2930(receipt),
            TxType::Eip1559 => ReceiptEnvelope::Eip1559(receipt),
            TxType::Eip4844 => ReceiptEnvelope::Eip4844(receipt),
            TxType::Eip7702 => ReceiptEnvelope::Eip7702(receipt),
        }
    }
}
