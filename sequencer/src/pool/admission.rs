//! The checks a transaction passes before the pool looks at its neighbours: those of the transaction alone
//! and those against its sender's account. They are the fork's validity rules, taken from revm where revm
//! computes them, so that nothing enters that a block could never hold.

use alloy_consensus::{Transaction as _, Typed2718 as _};
use alloy_eips::{
    eip2718::Encodable2718,
    eip4844::kzg_to_versioned_hash,
    eip7594::{BlobTransactionSidecarEip7594, CELLS_PER_EXT_BLOB},
};
use execution::block::RecoveredTx;
use revm::{
    context_interface::cfg::{GasParams, gas_params::Eip2780TxInfo},
    primitives::{eip3860, eip7825, eip7954, hardfork::SpecId},
};

use super::{
    config::{AccountView, Config, Rules, SenderCode},
    error::{PoolError, SidecarFault},
};

/// EIP-2718 type bytes.
const ACCESS_LIST: u8 = 1;
const DYNAMIC_FEE: u8 = 2;
const BLOB: u8 = 3;
const SET_CODE: u8 = 4;

/// Checks that need the transaction only.
pub(super) fn check_transaction(
    config: &Config,
    tx: &RecoveredTx,
    sidecar: Option<&BlobTransactionSidecarEip7594>,
) -> Result<(), PoolError> {
    let Config { rules, limits } = config;
    check_type(rules, tx.ty())?;
    let size = tx.encode_2718_len();
    if size > limits.transaction_bytes {
        return Err(PoolError::Oversized { size, limit: limits.transaction_bytes });
    }
    // A signature without chain id is valid for the EVM but can be replayed from any chain, so pools refuse it.
    if tx.chain_id() != Some(rules.chain_id) {
        return Err(PoolError::WrongChainId { have: tx.chain_id(), want: rules.chain_id });
    }
    if tx.nonce() == u64::MAX {
        return Err(PoolError::NonceAtMaximum { sender: tx.signer() });
    }
    if tx.gas_limit() > rules.block_gas_limit {
        return Err(PoolError::ExceedsBlockGasLimit { have: tx.gas_limit(), limit: rules.block_gas_limit });
    }
    let init_code_limit = init_code_limit(rules.spec);
    if tx.is_create() && tx.input().len() > init_code_limit {
        return Err(PoolError::InitCodeTooLong { have: tx.input().len(), limit: init_code_limit });
    }
    let max_fee = tx.max_fee_per_gas();
    if let Some(tip) = tx.max_priority_fee_per_gas()
        && tip > max_fee
    {
        return Err(PoolError::TipAboveMaxFee { tip, max_fee });
    }
    let tip = tx.max_priority_fee_per_gas().unwrap_or(max_fee);
    if tip < limits.min_tip {
        return Err(PoolError::TipTooLow { have: tip, want: limits.min_tip });
    }
    if tx.ty() == SET_CODE && tx.authorization_list().is_none_or(<[_]>::is_empty) {
        return Err(PoolError::EmptyAuthorizationList { sender: tx.signer() });
    }
    check_gas(rules.spec, tx)?;
    check_blobs(rules, tx, sidecar)
}

/// Checks against the sender's account at the head.
pub(super) fn check_account(
    tx: &RecoveredTx,
    cost: alloy_primitives::U256,
    account: &AccountView,
) -> Result<(), PoolError> {
    if account.code == SenderCode::Contract {
        return Err(PoolError::SenderHasCode { sender: tx.signer() });
    }
    if tx.nonce() < account.nonce {
        return Err(PoolError::NonceTooLow { next: account.nonce, have: tx.nonce() });
    }
    if cost > account.balance {
        return Err(PoolError::InsufficientFunds { have: account.balance, want: cost });
    }
    Ok(())
}

fn check_type(rules: &Rules, tx_type: u8) -> Result<(), PoolError> {
    let valid = match tx_type {
        0 => true,
        ACCESS_LIST => rules.spec.is_enabled_in(SpecId::BERLIN),
        DYNAMIC_FEE => rules.spec.is_enabled_in(SpecId::LONDON),
        BLOB => rules.spec.is_enabled_in(SpecId::CANCUN) && rules.blobs_per_transaction.is_some(),
        SET_CODE => rules.spec.is_enabled_in(SpecId::PRAGUE),
        _ => false,
    };
    if valid { Ok(()) } else { Err(PoolError::TypeNotValid { tx_type }) }
}

const fn init_code_limit(spec: SpecId) -> usize {
    if spec.is_enabled_in(SpecId::AMSTERDAM) { eip7954::MAX_INITCODE_SIZE } else { eip3860::MAX_INITCODE_SIZE }
}

/// Intrinsic gas, data floor and the EIP-7825 cap, as revm's `validate_initial_tx_gas` does; not called
/// itself since it wants a `TxEnv`, and making one recovers the signer of every EIP-7702 authorization.
fn check_gas(spec: SpecId, tx: &RecoveredTx) -> Result<(), PoolError> {
    let amsterdam = spec.is_enabled_in(SpecId::AMSTERDAM);
    let (addresses, keys) = tx.access_list().map_or((0, 0), |list| {
        (list.0.len() as u64, list.0.iter().map(|item| item.storage_keys.len() as u64).sum::<u64>())
    });
    let gas = GasParams::new_spec(spec).initial_tx_gas(
        tx.input(),
        tx.is_create(),
        addresses,
        keys,
        tx.authorization_list().map_or(0, |list| list.len() as u64),
        amsterdam.then(|| Eip2780TxInfo { value: tx.value(), is_self_transfer: tx.to() == Some(tx.signer()) }),
    );
    let floor = if spec.is_enabled_in(SpecId::PRAGUE) { gas.floor_gas() } else { 0 };
    let want = gas.initial_total_gas().max(floor);
    if tx.gas_limit() < want {
        return Err(PoolError::IntrinsicGasTooLow { have: tx.gas_limit(), want });
    }
    let cap = eip7825::TX_GAS_LIMIT_CAP;
    // From Amsterdam on, what is above the cap can only become state gas (EIP-8037); before, the cap is on all.
    let capped = if amsterdam { gas.initial_regular_gas().max(floor) } else { tx.gas_limit() };
    if spec.is_enabled_in(SpecId::OSAKA) && capped > cap {
        return Err(PoolError::GasLimitTooHigh { have: capped, cap });
    }
    Ok(())
}

fn check_blobs(
    rules: &Rules,
    tx: &RecoveredTx,
    sidecar: Option<&BlobTransactionSidecarEip7594>,
) -> Result<(), PoolError> {
    let Some(hashes) = tx.blob_versioned_hashes() else {
        return match sidecar {
            None => Ok(()),
            Some(_) => Err(PoolError::Sidecar(SidecarFault::Unexpected)),
        };
    };
    let limit = rules.blobs_per_transaction.unwrap_or_default();
    if hashes.is_empty() {
        return Err(PoolError::NoBlobs);
    }
    if hashes.len() > limit {
        return Err(PoolError::TooManyBlobs { have: hashes.len(), limit });
    }
    let sidecar = sidecar.ok_or(PoolError::Sidecar(SidecarFault::Missing))?;
    if sidecar.blobs.len() != hashes.len()
        || sidecar.commitments.len() != hashes.len()
        || sidecar.cell_proofs.len() != hashes.len() * CELLS_PER_EXT_BLOB
    {
        return Err(PoolError::Sidecar(SidecarFault::Counts {
            blobs: sidecar.blobs.len(),
            commitments: sidecar.commitments.len(),
            cell_proofs: sidecar.cell_proofs.len(),
            hashes: hashes.len(),
        }));
    }
    let wrong = sidecar
        .commitments
        .iter()
        .zip(hashes)
        .position(|(commitment, hash)| kzg_to_versioned_hash(commitment.as_slice()) != *hash);
    wrong.map_or(Ok(()), |index| Err(PoolError::Sidecar(SidecarFault::HashMismatch { index })))
}
