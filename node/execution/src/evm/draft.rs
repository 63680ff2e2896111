//! Amsterdam as the block access list test network 5 had it (execution-specs `bal@v5`): state gas at the first prices of EIP-8037, and none of EIP-2780,
//! EIP-7976, EIP-7981, EIP-8038 and EIP-8282, which came later. Fixtures of its fork transition are still around. Must not be
//! used for a chain that anybody lives on: `chainspec` says which chain has it.

use revm::{
    context::CfgEnv,
    context_interface::cfg::{GasId, GasParams},
    primitives::hardfork::SpecId,
};

/// Gas for each byte that the state grows by.
const STATE_BYTE: u64 = 1_174;
/// Bytes of a new account.
const ACCOUNT_BYTES: u64 = 112;
/// Bytes of a new storage slot.
const SLOT_BYTES: u64 = 32;
/// Bytes of an authorization.
const AUTHORIZATION_BYTES: u64 = 23;
/// What is left of the price of a creation, of an authorization, and of a slot's first write, beside state gas.
const CREATE: u64 = 9_000;
/// revm charges a creating transaction for the account by EIP-2780's way only, which begins at 12,000 and not at 21,000.
const CREATE_ACCESS: u64 = 21_000 + CREATE - 12_000;
const AUTHORIZATION: u64 = 7_500;
const SLOT_WRITE: u64 = 2_800;

/// Puts the draft's prices in place of Amsterdam's.
pub(super) fn apply(cfg: &mut CfgEnv) {
    let mut prices = GasParams::new_spec(SpecId::OSAKA);
    prices.override_gas([
        (GasId::sstore_set_state_gas(), SLOT_BYTES * STATE_BYTE),
        (GasId::new_account_state_gas(), ACCOUNT_BYTES * STATE_BYTE),
        (GasId::create_state_gas(), ACCOUNT_BYTES * STATE_BYTE),
        (GasId::code_deposit_state_gas(), STATE_BYTE),
        (GasId::tx_eip7702_state_gas_bytecode(), AUTHORIZATION_BYTES * STATE_BYTE),
        (GasId::sstore_set_without_load_cost(), SLOT_WRITE),
        (GasId::sstore_set_refund(), SLOT_WRITE),
        (GasId::new_account_cost(), 0),
        (GasId::new_account_cost_for_selfdestruct(), 0),
        (GasId::code_deposit_cost(), 0),
        (GasId::create(), CREATE),
        (GasId::tx_create_cost(), CREATE),
        (GasId::tx_create_access_cost(), CREATE_ACCESS),
        (GasId::tx_eip7702_regular_gas(), AUTHORIZATION),
    ]);
    cfg.set_gas_params(prices);
    cfg.enable_amsterdam_eip2780 = false;
}

/// Prepares for one transaction.
pub(crate) fn prepare(cfg: &mut CfgEnv, is_create: bool) {
    cfg.enable_amsterdam_eip2780 = is_create;
}
