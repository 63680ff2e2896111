//! Accounts that have storage and nothing else but, perhaps, a balance (EIP-7610). `Db` shows revm a zero code hash for them, so that a creation
//! at their address collides; everything in revm takes that hash for no code, except EXTCODEHASH, which would hand it out. Must
//! not know why there is such an account: no live chain has one, official tests do.

use alloy_evm::{EthEvm, precompiles::PrecompilesMap};
use alloy_primitives::{Address, B256, KECCAK256_EMPTY};
use revm::{
    bytecode::opcode::EXTCODEHASH,
    context_interface::Host,
    inspector::NoOpInspector,
    interpreter::{
        Instruction, InstructionContext, InstructionExecResult, InterpreterTypes,
        instructions::{gas_table_spec, host},
        interpreter_types::StackTr,
    },
};

/// Puts the EXTCODEHASH of this module into an EVM.
pub(super) fn respect<DB: alloy_evm::Database>(
    evm: EthEvm<DB, NoOpInspector, PrecompilesMap>,
) -> EthEvm<DB, NoOpInspector, PrecompilesMap> {
    let mut evm = evm.into_inner();
    let gas = gas_table_spec(evm.ctx.cfg.spec)[usize::from(EXTCODEHASH)];
    evm.instruction.insert_instruction(EXTCODEHASH, Instruction::new(extcodehash), gas);
    EthEvm::new(evm, false)
}

/// EIP-1052, for accounts whose code hash reads zero.
fn extcodehash<W: InterpreterTypes, H: Host + ?Sized>(context: InstructionContext<'_, H, W>) -> InstructionExecResult {
    let InstructionContext { interpreter, host } = context;
    let address = interpreter.stack.popn_top().map(|([], top)| Address::from_word(B256::from(*top)));
    host::extcodehash(InstructionContext { interpreter: &mut *interpreter, host: &mut *host })?;
    if let (Some(address), Some(([], top))) = (address, interpreter.stack.popn_top())
        && top.is_zero()
        && host.load_account_info_skip_cold_load(address, false, false).is_ok_and(|account| !account.is_empty())
    {
        *top = KECCAK256_EMPTY.into();
    }
    Ok(())
}
