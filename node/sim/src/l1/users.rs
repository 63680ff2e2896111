//! Modelled users of L1: they register rollups, send messages into them and send ether. Their signatures are made up, for
//! nothing checks them; nonces, balances and hashes are real.

use super::{L1, ledger::Sent};
use alloy_consensus::{SignableTransaction as _, TxEip1559};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use alloy_sol_types::SolCall as _;
use bridge::abi::Hub as abi;

/// What users offer at most, wei per gas: enough for every spike.
const USER_FEE_MAX: u128 = 1_000_000_000_000;

/// What users tip, wei per gas.
const USER_TIP: u128 = 2_000_000_000;

/// Gas limit of users' transactions.
const USER_GAS: u64 = 2_000_000;

/// A message into a rollup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deposit {
    /// Which rollup.
    pub chain_id: u64,
    /// Who is called there.
    pub to: Address,
    /// Wei for it.
    pub value: U256,
    /// Wei for the relayer.
    pub fee: U256,
    /// Gas of the call.
    pub gas_limit: u64,
    /// Its data.
    pub data: Bytes,
}

/// A rollup to be registered.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Its parameters.
    pub params: abi::RollupParams,
    /// RLP of its genesis header.
    pub genesis_header: Bytes,
    /// Wei that back the balances of its genesis.
    pub escrow: U256,
}

impl L1 {
    /// Sends a transaction of `from` with its next nonce; its hash.
    ///
    /// # Errors
    /// What the pool says.
    pub fn send_from(&self, from: Address, to: Address, value: U256, input: Bytes) -> Result<B256, String> {
        let mut world = self.0.lock();
        let nonce = world.pool.next_nonce(from, world.head().after.account(from).nonce);
        let tx = TxEip1559 {
            chain_id: world.config.chain_id,
            nonce,
            gas_limit: USER_GAS,
            max_fee_per_gas: USER_FEE_MAX,
            max_priority_fee_per_gas: USER_TIP,
            to: TxKind::Call(to),
            value,
            input,
            access_list: Default::default(),
        };
        // It names its sender, so that hashes differ between senders.
        let signature = Signature::new(U256::from_be_slice(from.as_slice()), U256::from(1), false);
        let signed = tx.into_signed(signature);
        let hash = *signed.hash();
        let bytes = signed.tx().input.len();
        world.accept(Sent { tx: signed.into(), hash, from, sidecar: None }, bytes)
    }

    /// Sends a message into a rollup.
    ///
    /// # Errors
    /// What the pool says. What Hub says shows in the receipt.
    pub fn deposit(&self, from: Address, deposit: Deposit) -> Result<B256, String> {
        let Deposit { chain_id, to, value, fee, gas_limit, data } = deposit;
        let call = abi::sendMessageCall { dstChainId: chain_id, to, fee, gasLimit: gas_limit, data };
        let hub = self.0.lock().config.hub;
        self.send_from(from, hub, value + fee, call.abi_encode().into())
    }

    /// Registers a rollup.
    ///
    /// # Errors
    /// What the pool says.
    pub fn register(&self, from: Address, registration: Registration) -> Result<B256, String> {
        let Registration { params, genesis_header, escrow } = registration;
        let call = abi::registerCall { p: params, genesisHeaderRlp: genesis_header };
        let hub = self.0.lock().config.hub;
        self.send_from(from, hub, escrow, call.abi_encode().into())
    }
}
