//! EXECUTE (EIP-8079, ethrex 31 dialect) as a precompile of the L1 devnet, and calls to any precompile without a transaction.
//!
//! Order, as in ethrex: schema and SSZ, rollup rules, gas, validation. Whatever goes wrong halts the call and takes the gas that
//! was forwarded; the transaction around it goes on. Must not know the state of L1: EXECUTE reads its input only.

#[cfg(test)]
mod tests;

use crate::{evm, stateless};
use alloy_consensus::Header;
use alloy_evm::{
    Evm, EvmInternals,
    precompiles::{DynPrecompile, Precompile, PrecompileInput, PrecompilesMap},
};
use alloy_primitives::{Address, U256};
use bridge::execute::gas;
use chainspec::ChainSpec;
use revm::{
    database::EmptyDB,
    precompile::{PrecompileHalt, PrecompileId, PrecompileOutput, PrecompileResult, Precompiles},
};
use std::borrow::Cow;

/// The precompile, for `chainspec::predeploys::EXECUTE`.
pub fn execute() -> DynPrecompile {
    // Stateful only in the sense that it must not be cached by address: results are as long-lived as their input, which is huge.
    DynPrecompile::new_stateful(PrecompileId::custom("EXECUTE"), run)
}

/// Calls the precompile that blocks with this header have at `address`, with `gas_limit` gas; `None` when they have none there.
pub fn call(
    spec: &ChainSpec,
    header: &Header,
    address: Address,
    data: &[u8],
    gas_limit: u64,
) -> Option<PrecompileResult> {
    let mut evm = evm::evm(spec, EmptyDB::default(), evm::env(spec, header));
    // Taken out of the EVM, whose context the call borrows.
    let precompiles = std::mem::replace(evm.precompiles_mut(), PrecompilesMap::new(Cow::Owned(Precompiles::default())));
    let input = PrecompileInput {
        data,
        gas: gas_limit,
        reservoir: 0,
        caller: Address::ZERO,
        value: U256::ZERO,
        target_address: address,
        is_static: true,
        bytecode_address: address,
        internals: EvmInternals::from_context(evm.ctx_mut()),
    };
    Some(precompiles.get(&address)?.call(input))
}

fn run(call: PrecompileInput<'_>) -> PrecompileResult {
    let reservoir = call.reservoir;
    let halt = |why: String| Ok(PrecompileOutput::halt(PrecompileHalt::other(why), reservoir));
    let input = match stateless::prepare(call.data()) {
        Ok(input) => input,
        Err(refusal) => return halt(refusal.to_string()),
    };
    let charge = gas(input.payload.gas_limit, call.data().len());
    if charge > call.gas() {
        return Ok(PrecompileOutput::halt(PrecompileHalt::OutOfGas, reservoir));
    }
    match stateless::verify(&input) {
        Ok(valid) => Ok(PrecompileOutput::new(charge, valid.output.to_vec().into(), reservoir)),
        Err(invalid) => halt(invalid.to_string()),
    }
}
