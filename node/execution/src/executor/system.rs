//! The system calls around a block's transactions, and the EIP-7685 requests that come of them. alloy-evm's own do not fit: they take
//! an absent contract's answer for an empty one, any deposit log that decodes for a well-formed one, and give every call
//! Amsterdam's gas. Must not know transactions.

use super::{ExecutionError, SystemCallError, errors::failure};
use crate::{
    block::Receipt,
    evm::{BlockEvm, Log},
};
use alloy_eips::eip7685::Requests;
use alloy_evm::{
    Evm,
    block::SystemCaller,
    eth::{eip6110, spec::EthExecutorSpec},
};
use alloy_hardforks::{EthereumHardfork, EthereumHardforks, ForkCondition};
use alloy_primitives::{Address, B256, Bytes, Log as EventLog, address, b256};
use chainspec::{ChainSpec, predeploys};
use revm::{Database, DatabaseCommit, context::result::ResultAndState};
use std::sync::Arc;

/// Caller of system calls (EIP-4788).
const SYSTEM_CALLER: Address = address!("0xfffffffffffffffffffffffffffffffffffffffe");

/// Gas of a system call before EIP-8037 (EIP-7002, EIP-7251). From then on revm's limit is the right one: it adds state gas.
const CALL_GAS_MAX: u64 = 30_000_000;

/// Topic of the deposit contract's event (EIP-6110, `DEPOSIT_EVENT_SIGNATURE_HASH`).
const DEPOSIT_TOPIC: B256 = b256!("0x649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5");

/// Bytes of a deposit event's data (EIP-6110, `is_valid_deposit_event_data`).
const DEPOSIT_EVENT_BYTES: usize = 576;

/// Where the length of each field of a deposit stands in the event's data, and what it is (EIP-6110): pubkey, withdrawal credentials,
/// amount, signature, index. The field follows its length.
const DEPOSIT_FIELDS: [(usize, usize); 5] = [(160, 48), (256, 32), (320, 8), (384, 96), (512, 8)];

/// The rules of a chain for alloy-evm's executor, which runs transactions and pays out, but makes no request: what would have
/// it do so is hidden.
#[derive(Debug, Clone)]
pub(crate) struct Rules(pub(crate) Arc<ChainSpec>);

impl EthereumHardforks for Rules {
    fn ethereum_fork_activation(&self, fork: EthereumHardfork) -> ForkCondition {
        match fork {
            EthereumHardfork::Prague | EthereumHardfork::Amsterdam => ForkCondition::Never,
            fork => self.0.ethereum_fork_activation(fork),
        }
    }
}

impl EthExecutorSpec for Rules {
    fn deposit_contract_address(&self) -> Option<Address> {
        None
    }
}

/// EIP-2935 and EIP-4788.
pub(super) fn before(
    evm: &mut BlockEvm<'_>,
    spec: &Arc<ChainSpec>,
    parent: B256,
    beacon_root: Option<B256>,
    log: &Log,
) -> Result<(), ExecutionError> {
    let mut caller = SystemCaller::new(Arc::clone(spec));
    caller.apply_blockhashes_contract_call(parent, evm).map_err(|error| failure(error, log))?;
    caller.apply_beacon_root_contract_call(beacon_root, evm).map_err(|error| failure(error, log))
}

/// The contracts that are called after the transactions (EIP-7002, EIP-7251, EIP-8282), in the order of their request types, which
/// begin at 1.
pub(super) fn contracts(spec: &ChainSpec, timestamp: u64) -> &'static [Address] {
    let builders = spec.is_amsterdam_active_at_timestamp(timestamp) && spec.has_builder_requests();
    match (builders, spec.is_prague_active_at_timestamp(timestamp)) {
        (true, _) => &predeploys::REQUEST_CONTRACTS,
        (false, true) => &predeploys::REQUEST_CONTRACTS[..2],
        (false, false) => &[],
    }
}

/// All requests of a block: those in the receipts, and those that the contracts hand out.
pub(super) fn requests(
    evm: &mut BlockEvm<'_>,
    spec: &ChainSpec,
    timestamp: u64,
    receipts: &[Receipt],
    log: &Log,
) -> Result<Requests, ExecutionError> {
    let mut requests = Requests::default();
    if !spec.is_prague_active_at_timestamp(timestamp) {
        return Ok(requests);
    }
    requests.push_request_with_type(eip6110::DEPOSIT_REQUEST_TYPE, deposits(spec, receipts)?);
    let contracts = contracts(spec, timestamp);
    // Before the first call: a block without one of them is invalid whatever the others answer.
    for contract in contracts {
        let account = evm.db_mut().basic(*contract).map_err(|error| fault(log, error, ExecutionError::Evm))?;
        if account.is_none_or(|account| account.is_empty_code_hash()) {
            return Err(ExecutionError::SystemCall(SystemCallError::NoCode(*contract)));
        }
    }
    for (kind, contract) in (1u8..).zip(contracts) {
        let ResultAndState { result, state } = call(evm, *contract, log)?;
        let failed = |why: &dyn std::fmt::Display| {
            ExecutionError::SystemCall(SystemCallError::Failed(format!("the call of {contract} {why}")))
        };
        let late = !spec.is_amsterdam_active_at_timestamp(timestamp) && result.tx_gas_used() > CALL_GAS_MAX;
        if late || !result.is_success() {
            return Err(failed(if late { &"ran out of gas" } else { &"failed" }));
        }
        evm.db_mut().commit(state);
        requests.push_request_with_type(kind, result.into_output().unwrap_or_default());
    }
    Ok(requests)
}

/// Calls a contract that makes requests, without committing.
pub(super) fn call(evm: &mut BlockEvm<'_>, contract: Address, log: &Log) -> Result<ResultAndState, ExecutionError> {
    evm.transact_system_call(SYSTEM_CALLER, contract, Bytes::new())
        .map_err(|error| fault(log, error, |why| ExecutionError::SystemCall(SystemCallError::Failed(why))))
}

fn fault(log: &Log, error: impl ToString, other: impl FnOnce(String) -> ExecutionError) -> ExecutionError {
    log.take_fault().map_or_else(|| other(error.to_string()), ExecutionError::State)
}

/// Deposits in the order of their logs (EIP-6110).
fn deposits(spec: &ChainSpec, receipts: &[Receipt]) -> Result<Vec<u8>, ExecutionError> {
    let Some(contract) = spec.deposit_contract_address() else { return Ok(Vec::new()) };
    let logs = receipts.iter().flat_map(|receipt| receipt.logs());
    let ours = logs.filter(|log| log.address == contract && log.topics().first() == Some(&DEPOSIT_TOPIC));
    let mut deposits = Vec::new();
    for log in ours {
        deposit(log, &mut deposits)
            .map_err(|why| ExecutionError::SystemCall(SystemCallError::DepositLog(why.to_owned())))?;
    }
    Ok(deposits)
}

fn deposit(log: &EventLog, out: &mut Vec<u8>) -> Result<(), &'static str> {
    let data = &log.data.data;
    if data.len() != DEPOSIT_EVENT_BYTES {
        return Err("its data has another length");
    }
    let word = |at: usize| {
        let (high, low) = data[at..at + 32].split_at(24);
        let low: [u8; 8] = low.try_into().expect("32 - 24 bytes");
        high.iter().all(|byte| *byte == 0).then_some(u64::from_be_bytes(low))
    };
    for (index, (at, size)) in DEPOSIT_FIELDS.into_iter().enumerate() {
        if word(32 * index) != Some(at as u64) {
            return Err("a field is at another offset");
        }
        if word(at) != Some(size as u64) {
            return Err("a field has another size");
        }
        out.extend_from_slice(&data[at + 32..][..size]);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
