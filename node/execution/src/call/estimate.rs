//! How much gas a call needs, and which access list it would want: repeated runs of the same call.

use super::{CallError, CallRequest, Frame, Overrides, outcome};
use crate::state::StateView;
use alloy_consensus::Header;
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, B256, U256};
use chainspec::ChainSpec;
use revm::context::result::{ExecutionResult, HaltReason, InvalidTransaction};
use std::collections::{BTreeMap, BTreeSet};

/// What a call that sends value gets for free, and must have left to try.
const CALL_STIPEND: u64 = 2_300;
/// Most gas of a transaction (EIP-7825 "Specification").
const TRANSACTION_GAS_MAX: u64 = 1 << 24;
/// The search ends when the answer is known to 1/64.
const TOLERANCE_DIVISOR: u64 = 64;
/// Rounds in which an access list may grow; each needs a call that behaves differently with the list it just got.
const ACCESS_LIST_ROUNDS: usize = 8;

/// The access list of a call and its effect.
#[derive(Debug, Clone)]
pub struct AccessListOutcome {
    /// Accounts and slots touched; sender, callee and precompiles only where they have slots.
    pub access_list: AccessList,
    /// Gas used with the list.
    pub gas_used: u64,
    /// How the call failed, when it did.
    pub error: Option<CallError>,
}

/// Least gas limit, to 1/64, with which `request` succeeds on the state after `header`.
///
/// Under EIP-8037 gas above 2^24 is a reservoir for state growth only, so limits above that are tried as well, up to `gas_cap` and the block's gas
/// limit.
pub fn estimate_gas(
    spec: &ChainSpec,
    header: &Header,
    state: &dyn StateView,
    request: &CallRequest,
    overrides: &Overrides,
    gas_cap: u64,
) -> Result<u64, CallError> {
    let frame = Frame::new(spec, header, state, request, overrides)?;
    let mut high = frame.gas_limit(gas_cap);
    let has_cap = spec.is_osaka_active_at_timestamp(header.timestamp);
    if has_cap && !spec.is_amsterdam_active_at_timestamp(header.timestamp) {
        high = high.min(TRANSACTION_GAS_MAX);
    }
    if let Some(price) = request.max_fee_per_gas.filter(|price| *price > 0) {
        let balance = frame.state.account(frame.caller)?.map_or(U256::ZERO, |account| account.balance);
        if request.value > balance {
            // No gas limit would help. Wallets know how to say this; "allowance 0" they take for a contract's fault.
            let (fee, balance) = (Box::new(request.value), Box::new(balance));
            return Err(CallError::Invalid(InvalidTransaction::LackOfFundForMaxFee { fee, balance }));
        }
        let payable = balance.saturating_sub(request.value) / U256::from(price);
        high = high.min(payable.saturating_to());
    }
    let first = match frame.run(high, &request.access_list) {
        Ok(ran) => ran.result,
        Err(CallError::Invalid(error)) if is_gas(&error) => return Err(CallError::Allowance(high)),
        Err(error) => return Err(error),
    };
    let (spent, used) = (first.gas().total_gas_spent(), first.tx_gas_used());
    match first {
        ExecutionResult::Success { .. } => {}
        ExecutionResult::Revert { output, .. } => return Err(CallError::Revert(output)),
        ExecutionResult::Halt { reason: HaltReason::OutOfGas(_), .. } => return Err(CallError::Allowance(high)),
        ExecutionResult::Halt { reason, .. } => return Err(CallError::Halt(reason)),
    }
    let succeeds = |gas: u64| match frame.run(gas, &request.access_list) {
        Ok(ran) => Ok(ran.result.is_success()),
        Err(CallError::Invalid(error)) if is_gas(&error) => Ok(false),
        Err(error) => Err(error),
    };
    let mut low = used.saturating_sub(1);
    // What was spent before refunds suffices where nothing depends on the gas left; with the 1/64 that calls hold back, nearly always.
    for guess in [spent, spent.saturating_add(spent / 63).saturating_add(CALL_STIPEND)] {
        if guess >= high {
            break;
        }
        if succeeds(guess)? {
            high = guess;
            break;
        }
        low = guess;
    }
    while low + 1 < high && high - low > high / TOLERANCE_DIVISOR {
        // Most calls need little more than they use, so look below the middle first.
        let middle = (low + (high - low) / 2).min(low.saturating_mul(2).max(low + 1));
        if succeeds(middle)? { high = middle } else { low = middle }
    }
    Ok(high)
}

fn is_gas(error: &InvalidTransaction) -> bool {
    use InvalidTransaction as I;
    matches!(
        error,
        I::CallGasCostMoreThanGasLimit { .. } | I::GasFloorMoreThanGasLimit { .. } | I::CallerGasLimitMoreThanBlock
    )
}

/// The access list with which `request` finds everything warm.
pub fn create_access_list(
    spec: &ChainSpec,
    header: &Header,
    state: &dyn StateView,
    request: &CallRequest,
    overrides: &Overrides,
    gas_cap: u64,
) -> Result<AccessListOutcome, CallError> {
    let frame = Frame::new(spec, header, state, request, overrides)?;
    let gas = frame.gas_limit(gas_cap);
    let mut list = request.access_list.clone();
    let mut round = 0;
    loop {
        let ran = frame.run(gas, &list)?;
        let mut touched: BTreeMap<_, BTreeSet<B256>> = BTreeMap::new();
        for (address, account) in &ran.state {
            touched.insert(*address, account.storage.keys().map(|slot| B256::from(*slot)).collect());
        }
        for item in &request.access_list.0 {
            touched.entry(item.address).or_default().extend(&item.storage_keys);
        }
        let warm = |address: &Address| {
            let callee = request.to.to() == Some(address);
            let precompile = address.0[..18].iter().all(|byte| *byte == 0);
            *address == frame.caller || callee || precompile || *address == frame.env.block_env.beneficiary
        };
        touched.retain(|address, slots| !slots.is_empty() || !warm(address));
        let item =
            |(address, slots): (_, BTreeSet<_>)| AccessListItem { address, storage_keys: slots.into_iter().collect() };
        let next = AccessList(touched.into_iter().map(item).collect());
        round += 1;
        if next == list || round == ACCESS_LIST_ROUNDS {
            let error = match &ran.result {
                ExecutionResult::Success { .. } => None,
                ExecutionResult::Revert { output, .. } => Some(CallError::Revert(output.clone())),
                ExecutionResult::Halt { reason, .. } => Some(CallError::Halt(reason.clone())),
            };
            return Ok(AccessListOutcome { access_list: list, gas_used: outcome(ran.result).gas_used, error });
        }
        list = next;
    }
}
