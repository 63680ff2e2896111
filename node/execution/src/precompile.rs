//! EXECUTE (EIP-8079, ethrex 31 dialect) as a precompile of the L1 devnet.
//!
//! Order, as in ethrex: schema and SSZ, rollup rules, gas, validation. Whatever goes wrong halts the call and takes the gas that
//! was forwarded; the transaction around it goes on. Must not know the state of L1: EXECUTE reads its input only.

#[cfg(test)]
mod tests;

use crate::stateless;
use alloy_evm::precompiles::{DynPrecompile, PrecompileInput};
use bridge::execute::gas;
use revm::precompile::{PrecompileHalt, PrecompileId, PrecompileOutput, PrecompileResult};

/// The precompile, for `chainspec::predeploys::EXECUTE`.
pub fn execute() -> DynPrecompile {
    // Stateful only in the sense that it must not be cached by address: results are as long-lived as their input, which is huge.
    DynPrecompile::new_stateful(PrecompileId::custom("EXECUTE"), run)
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
