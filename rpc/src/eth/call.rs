//! `eth_call`, `eth_estimateGas`, `eth_createAccessList`: parsed here, run by `execution::call`.

use alloy_consensus::Header;
use alloy_eips::BlockId;
use alloy_primitives::{Bytes, TxKind, U256};
use alloy_rpc_types_eth::{AccessListResult, TransactionRequest, state::StateOverride};
use execution::{
    call::{self, AccessListOutcome, CallError, CallOutcome, CallRequest, CallResult, Overrides},
    state::StateView,
};
use revm::context_interface::result::{HaltReason, InvalidTransaction};

use super::overrides::{BlockOverridesParam, WithHashes, overrides};
use crate::{Backend, RpcError, SubmitError, errors::revert_reason};

/// EIP-2718 type of blob transactions.
const BLOB_TYPE: u8 = 3;
/// Init code of a creation, at most (EIP-7954); for an error's text only.
const INIT_CODE_BYTES: usize = 2 * 0x8000;

impl Backend {
    pub(crate) fn call(
        &self,
        request: TransactionRequest,
        id: BlockId,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<BlockOverridesParam>,
    ) -> Result<Bytes, RpcError> {
        // A read may want more gas than a small block has; the block's own limit is for transactions.
        let gas = self.limits.call_gas;
        let mut frame = self.frame(request, id, state_overrides, block_overrides, gas)?;
        frame.with(|spec, header, state, request, overrides| {
            let outcome = call::call(spec, header, state, request, overrides, gas);
            returned(outcome.map_err(|error| refusal(error, request, header))?)
        })
    }

    pub(crate) fn estimate(
        &self,
        request: TransactionRequest,
        id: BlockId,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<BlockOverridesParam>,
    ) -> Result<u64, RpcError> {
        // A rollup's blocks follow demand: a transaction that this block is too small for may fit a later one.
        let of_chain = self.rollup.as_ref().map_or(0, |rollup| rollup.config().gas_limit_max);
        let cap = self.limits.call_gas;
        let mut frame = self.frame(request, id, state_overrides, block_overrides, of_chain.min(cap))?;
        frame.with(|spec, header, state, request, overrides| {
            // What is used is enough for a transaction without refunds and inner calls. Wallets expect plain transfers
            // to be exact, and the search stops short of that.
            if let Ok(CallOutcome { result: CallResult::Success, gas_used, .. }) =
                call::call(spec, header, state, request, overrides, cap)
            {
                let exact = CallRequest { gas: Some(gas_used), ..request.clone() };
                let again = call::call(spec, header, state, &exact, overrides, cap);
                if matches!(again, Ok(CallOutcome { result: CallResult::Success, .. })) {
                    return Ok(gas_used);
                }
            }
            call::estimate_gas(spec, header, state, request, overrides, cap)
                .map_err(|error| refusal(error, request, header))
        })
    }

    pub(crate) fn access_list(
        &self,
        request: TransactionRequest,
        id: BlockId,
        state_overrides: Option<StateOverride>,
    ) -> Result<AccessListResult, RpcError> {
        let gas = self.limits.call_gas;
        let mut frame = self.frame(request, id, state_overrides, None, gas)?;
        frame.with(|spec, header, state, request, overrides| {
            let outcome = call::create_access_list(spec, header, state, request, overrides, gas);
            let AccessListOutcome { access_list, gas_used, error } =
                outcome.map_err(|e| refusal(e, request, header))?;
            let error = error.map(|error| match error {
                CallError::Revert(output) => match revert_reason(&output) {
                    Some(reason) => format!("execution reverted: {reason}"),
                    None => "execution reverted".to_owned(),
                },
                CallError::Halt(reason) => in_geths_words(&reason),
                other => other.to_string(),
            });
            Ok(AccessListResult { access_list, gas_used: U256::from(gas_used), error })
        })
    }

    /// Everything that a call needs, read once. The block's gas limit is raised to `gas_limit_min`.
    fn frame(
        &self,
        request: TransactionRequest,
        id: BlockId,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<BlockOverridesParam>,
        gas_limit_min: u64,
    ) -> Result<Frame, RpcError> {
        let request = self.to_call(request)?;
        let (mut overrides, hashes) = overrides(state_overrides, block_overrides)?;
        let (header, state) = self.state_of(id)?;
        if overrides.block.gas_limit.is_none() && header.gas_limit < gas_limit_min {
            overrides.block.gas_limit = Some(gas_limit_min);
        }
        Ok(Frame { spec: self.spec.clone(), header: header.into_header(), state, request, overrides, hashes })
    }

    /// The EVM's form of a request, checked for contradictions.
    pub(crate) fn to_call(&self, request: TransactionRequest) -> Result<CallRequest, RpcError> {
        let data = request.input.try_into_unique_input().map_err(RpcError::params)?.unwrap_or_default();
        if let Some(have) = request.chain_id
            && have != self.spec.chain_id
        {
            return Err(SubmitError::WrongChain { have, want: self.spec.chain_id }.into());
        }
        let (tip, fee_cap) = (request.max_priority_fee_per_gas, request.max_fee_per_gas);
        if request.gas_price.is_some() && (tip.is_some() || fee_cap.is_some()) {
            return Err(RpcError::params("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified"));
        }
        if let (Some(tip_wei), Some(fee_cap_wei)) = (tip, fee_cap)
            && tip_wei > fee_cap_wei
        {
            return Err(SubmitError::TipAboveFeeCap { tip_wei, fee_cap_wei }.into());
        }
        let blob_versioned_hashes = request.blob_versioned_hashes.unwrap_or_default();
        if !blob_versioned_hashes.is_empty() && self.spec.is_rollup() {
            return Err(SubmitError::TypeNotValid { ty: BLOB_TYPE }.into());
        }
        // Zero is what libraries send for "no price"; geth charges nothing then, either.
        let price = request.gas_price.or(fee_cap).filter(|price| *price > 0);
        Ok(CallRequest {
            from: request.from,
            to: request.to.unwrap_or(TxKind::Create),
            gas: request.gas.filter(|gas| *gas > 0),
            max_fee_per_gas: price,
            max_priority_fee_per_gas: tip.filter(|_| price.is_some()),
            max_fee_per_blob_gas: request.max_fee_per_blob_gas.filter(|fee| *fee > 0),
            value: request.value.unwrap_or_default(),
            data,
            nonce: None,
            access_list: request.access_list.unwrap_or_default(),
            blob_versioned_hashes,
            authorization_list: request.authorization_list.unwrap_or_default(),
        })
    }
}

/// A call's ingredients, owned.
struct Frame {
    spec: std::sync::Arc<chainspec::ChainSpec>,
    header: Header,
    state: std::sync::Arc<dyn StateView>,
    request: CallRequest,
    overrides: Overrides,
    hashes: super::overrides::BlockHashes,
}

impl Frame {
    fn with<T>(
        &mut self,
        work: impl FnOnce(&chainspec::ChainSpec, &Header, &dyn StateView, &CallRequest, &Overrides) -> T,
    ) -> T {
        let state = WithHashes { state: &*self.state, hashes: std::mem::take(&mut self.hashes) };
        work(&self.spec, &self.header, &state, &self.request, &self.overrides)
    }
}

/// The output of a call that succeeded, else why it did not.
fn returned(outcome: CallOutcome) -> Result<Bytes, RpcError> {
    match outcome.result {
        CallResult::Success => Ok(outcome.output),
        CallResult::Revert => Err(RpcError::Reverted { output: outcome.output }),
        CallResult::Halt(reason) => Err(RpcError::Halted { reason: in_geths_words(&reason) }),
    }
}

/// Why a call could not run at all, in the words of the error contract.
fn refusal(error: CallError, request: &CallRequest, header: &Header) -> RpcError {
    match error {
        CallError::State(error) => RpcError::internal(error),
        error @ CallError::Evm(_) => RpcError::internal(error),
        CallError::Revert(output) => RpcError::Reverted { output },
        CallError::Halt(reason) => RpcError::Halted { reason: in_geths_words(&reason) },
        CallError::Allowance(allowance) => RpcError::GasExceedsAllowance { allowance },
        CallError::Invalid(invalid) => RpcError::Transaction(invalid_transaction(invalid, request, header)),
    }
}

fn invalid_transaction(invalid: InvalidTransaction, request: &CallRequest, header: &Header) -> SubmitError {
    use InvalidTransaction as I;
    let fee_cap_wei = request.max_fee_per_gas.unwrap_or(0);
    match invalid {
        I::PriorityFeeGreaterThanMaxFee => {
            SubmitError::TipAboveFeeCap { tip_wei: request.max_priority_fee_per_gas.unwrap_or(0), fee_cap_wei }
        }
        I::GasPriceLessThanBasefee => {
            let base_fee_wei = header.base_fee_per_gas.unwrap_or(0).into();
            SubmitError::FeeCapBelowBaseFee { fee_cap_wei, base_fee_wei }
        }
        I::TxGasLimitGreaterThanCap { gas_limit, cap } => SubmitError::GasLimitTooHigh { gas_limit, max: cap },
        I::CallGasCostMoreThanGasLimit { initial_gas: want, gas_limit: have }
        | I::GasFloorMoreThanGasLimit { gas_floor: want, gas_limit: have } => {
            SubmitError::IntrinsicGasTooLow { have, want }
        }
        I::RejectCallerWithCode => SubmitError::SenderHasCode { sender: request.from.unwrap_or_default() },
        I::LackOfFundForMaxFee { fee, balance } => SubmitError::InsufficientFunds { have: *balance, want: *fee },
        I::CreateInitCodeSizeLimit => {
            SubmitError::InitCodeTooLarge { size: request.data.len(), limit: INIT_CODE_BYTES }
        }
        I::BlobGasPriceGreaterThanMax { block_blob_gas_price, tx_max_fee_per_blob_gas } => {
            SubmitError::BlobFeeCapBelowBaseFee {
                fee_cap_wei: tx_max_fee_per_blob_gas,
                base_fee_wei: block_blob_gas_price,
            }
        }
        I::EmptyAuthorizationList => SubmitError::EmptyAuthorizations,
        other => SubmitError::Rejected { reason: other.to_string() },
    }
}

/// Libraries know geth's words for the common ones.
fn in_geths_words(reason: &HaltReason) -> String {
    match reason {
        HaltReason::OutOfGas(_) => "out of gas".into(),
        HaltReason::OpcodeNotFound | HaltReason::NotActivated => "invalid opcode".into(),
        HaltReason::InvalidFEOpcode => "invalid opcode: INVALID".into(),
        HaltReason::InvalidJump => "invalid jump destination".into(),
        HaltReason::StackUnderflow => "stack underflow".into(),
        HaltReason::StackOverflow => "stack limit reached 1024".into(),
        HaltReason::OutOfOffset => "return data out of bounds".into(),
        HaltReason::CreateCollision => "contract address collision".into(),
        HaltReason::CreateContractSizeLimit => "max code size exceeded".into(),
        HaltReason::CreateContractStartingWithEF => "invalid code: must not begin with 0xef".into(),
        HaltReason::CreateInitCodeSizeLimit => "max initcode size exceeded".into(),
        HaltReason::StateChangeDuringStaticCall | HaltReason::CallNotAllowedInsideStatic => "write protection".into(),
        HaltReason::OutOfFunds => "insufficient balance for transfer".into(),
        HaltReason::CallTooDeep => "max call depth exceeded".into(),
        other => other.to_string(),
    }
}
