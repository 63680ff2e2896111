//! Calls that change nothing: `eth_call`, `eth_estimateGas`, `eth_createAccessList`.
//!
//! They run in the environment of an existing header, on the state after it, with the rules of a transaction except nonce and, where no
//! price is named, fees. Must not know JSON-RPC: parameters arrive parsed, errors leave as data.

mod estimate;
mod overrides;
#[cfg(test)]
mod tests;

use crate::{
    evm::{self, Db, Log},
    state::{StateError, StateView},
};
use alloy_consensus::Header;
use alloy_eips::{eip2930::AccessList, eip7702::SignedAuthorization};
use alloy_evm::{Evm, EvmEnv};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, B256, Bytes, Log as EventLog, TxKind, U256};
use chainspec::ChainSpec;
pub use estimate::{AccessListOutcome, create_access_list, estimate_gas};
use overrides::Overridden;
pub use overrides::{AccountOverride, BlockOverride, Overrides};
use revm::{
    context::{
        TxEnv,
        result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction, ResultAndState},
    },
    context_interface::{either::Either, transaction::TransactionType},
    database::State,
};

/// A call. Unset fields mean what geth takes them to mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallRequest {
    /// Caller; the zero address when unset.
    pub from: Option<Address>,
    /// Callee, or creation.
    pub to: TxKind,
    /// Gas limit; the caller's cap when unset. Never more than the block's gas limit.
    pub gas: Option<u64>,
    /// Legacy price, or EIP-1559's fee cap, wei. Unset: no fees at all, and BASEFEE reads zero.
    pub max_fee_per_gas: Option<u128>,
    /// EIP-1559's tip, wei.
    pub max_priority_fee_per_gas: Option<u128>,
    /// EIP-4844's cap, wei. Unset: blobs are free.
    pub max_fee_per_blob_gas: Option<u128>,
    /// Wei sent along.
    pub value: U256,
    /// Call data or init code.
    pub data: Bytes,
    /// Matters to creations only; the account's when unset.
    pub nonce: Option<u64>,
    /// EIP-2930.
    pub access_list: AccessList,
    /// EIP-4844, what BLOBHASH reads.
    pub blob_versioned_hashes: Vec<B256>,
    /// EIP-7702.
    pub authorization_list: Vec<SignedAuthorization>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallResult {
    /// It returned.
    Success,
    /// It reverted; the output is the revert data.
    Revert,
    /// It used up its gas or broke a rule of the EVM.
    Halt(HaltReason),
}

/// What a call did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallOutcome {
    /// How it ended.
    pub result: CallResult,
    /// What it returned, or its revert data.
    pub output: Bytes,
    /// Gas charged, after refunds.
    pub gas_used: u64,
    /// Logs, none unless it succeeded.
    pub logs: Vec<EventLog>,
    /// Address of a created contract.
    pub created: Option<Address>,
}

/// Why a call could not run, or could not be estimated.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// No transaction could look like this: too little gas for its data, a price the caller can't pay.
    #[error("{0}")]
    Invalid(InvalidTransaction),
    /// Ours to solve.
    #[error("internal EVM error: {0}")]
    Evm(String),
    /// Estimation: it reverts whatever the gas.
    #[error("execution reverted")]
    Revert(Bytes),
    /// Estimation: it halts whatever the gas.
    #[error("execution halted: {0:?}")]
    Halt(HaltReason),
    /// Estimation: more gas would be needed than is allowed.
    #[error("gas required exceeds allowance ({0})")]
    Allowance(u64),
}

/// Runs `request` on the state after `header`, with at most `gas_cap` gas, and throws the changes away.
pub fn call(
    spec: &ChainSpec,
    header: &Header,
    state: &dyn StateView,
    request: &CallRequest,
    overrides: &Overrides,
    gas_cap: u64,
) -> Result<CallOutcome, CallError> {
    let frame = Frame::new(spec, header, state, request, overrides)?;
    let gas = frame.gas_limit(gas_cap);
    frame.run(gas, &request.access_list).map(|ran| outcome(ran.result))
}

/// A request made ready: state and environment overridden, fees settled.
pub(super) struct Frame<'a> {
    spec: &'a ChainSpec,
    state: Overridden<'a>,
    env: EvmEnv,
    request: &'a CallRequest,
    caller: Address,
    nonce: u64,
}

impl<'a> Frame<'a> {
    pub(super) fn new(
        spec: &'a ChainSpec,
        header: &Header,
        state: &'a dyn StateView,
        request: &'a CallRequest,
        overrides: &'a Overrides,
    ) -> Result<Self, CallError> {
        let caller = request.from.unwrap_or_default();
        let mut env = evm::env(spec, header);
        overrides.block.apply(&mut env.block_env);
        env.cfg_env.disable_nonce_check = true;
        if !spec.is_amsterdam_active_at_timestamp(header.timestamp) {
            // A read is no transaction, so EIP-7825 does not bound it. Under EIP-8037 the bound is what divides gas from state gas, and stays.
            env.cfg_env.tx_gas_limit_cap = Some(u64::MAX);
        }
        if request.max_fee_per_gas.is_none() {
            env.block_env.basefee = 0;
        }
        if let Some(blob) = env.block_env.blob_excess_gas_and_price.as_mut()
            && request.max_fee_per_blob_gas.is_none()
        {
            blob.blob_gasprice = 0;
        }
        let mut state = Overridden::new(state, overrides);
        state.let_pass(caller)?;
        let nonce = match request.nonce {
            Some(nonce) => nonce,
            None => state.account(caller)?.map_or(0, |account| account.nonce),
        };
        Ok(Self { spec, state, env, request, caller, nonce })
    }

    /// Gas limit of the request within the cap and the block's gas limit.
    pub(super) fn gas_limit(&self, gas_cap: u64) -> u64 {
        self.request.gas.unwrap_or(u64::MAX).min(gas_cap).min(self.env.block_env.gas_limit)
    }

    pub(super) fn run(&self, gas_limit: u64, access_list: &AccessList) -> Result<ResultAndState, CallError> {
        let log = Log::default();
        let db = State::builder().with_database(Db::new(&self.state, log.clone())).build();
        let mut evm = evm::evm(self.spec, db, self.env.clone());
        evm.transact_raw(self.transaction(gas_limit, access_list)).map_err(|error| match log.take_fault() {
            Some(fault) => CallError::State(fault),
            None => match error {
                EVMError::Transaction(error) => CallError::Invalid(error),
                error => CallError::Evm(error.to_string()),
            },
        })
    }

    fn transaction(&self, gas_limit: u64, access_list: &AccessList) -> TxEnv {
        let request = self.request;
        let tx_type = if !request.authorization_list.is_empty() {
            TransactionType::Eip7702
        } else if !request.blob_versioned_hashes.is_empty() {
            TransactionType::Eip4844
        } else if request.max_priority_fee_per_gas.is_some() {
            TransactionType::Eip1559
        } else if !access_list.0.is_empty() {
            TransactionType::Eip2930
        } else {
            TransactionType::Legacy
        };
        let dynamic = !matches!(tx_type, TransactionType::Legacy | TransactionType::Eip2930);
        TxEnv {
            tx_type: tx_type as u8,
            caller: self.caller,
            gas_limit,
            gas_price: request.max_fee_per_gas.unwrap_or(0),
            kind: request.to,
            value: request.value,
            data: request.data.clone(),
            nonce: self.nonce,
            chain_id: Some(self.spec.chain_id),
            access_list: access_list.clone(),
            gas_priority_fee: dynamic.then(|| match request.max_fee_per_gas {
                // Without a price there is no fee market to tip into.
                None => 0,
                Some(_) => request.max_priority_fee_per_gas.unwrap_or(0),
            }),
            blob_hashes: request.blob_versioned_hashes.clone(),
            max_fee_per_blob_gas: request.max_fee_per_blob_gas.unwrap_or(0),
            authorization_list: request.authorization_list.iter().cloned().map(Either::Left).collect(),
        }
    }
}

fn outcome(result: ExecutionResult) -> CallOutcome {
    let gas_used = result.tx_gas_used();
    let created = result.created_address();
    let (result, output, logs) = match result {
        ExecutionResult::Success { output, logs, .. } => (CallResult::Success, output.into_data(), logs),
        ExecutionResult::Revert { output, .. } => (CallResult::Revert, output, Vec::new()),
        ExecutionResult::Halt { reason, .. } => (CallResult::Halt(reason), Bytes::new(), Vec::new()),
    };
    CallOutcome { result, output, gas_used, logs, created }
}
