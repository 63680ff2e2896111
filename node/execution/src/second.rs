//! A second opinion: the same EXECUTE input, judged by another EVM, another trie and another SSZ codec (ethrex' LEVM 31).
//!
//! L1 has more than one client, so a block has to please more than one before we pay for landing it. Nothing of this crate's own
//! execution is used here. Meant for blocks of our own: LEVM is not trusted to survive hostile bytes, though a panic in it is caught.

mod crypto;
#[cfg(test)]
mod tests;

use bridge::execute::SCHEMA_ID;
use crypto::HostCrypto;
use ethrex_common::{
    H160, H256, U256,
    types::{
        Block, BlockBody, BlockHeader, ELASTICITY_MULTIPLIER, Transaction,
        block_execution_witness::{ExecutionWitness, GuestProgramState},
        compute_transactions_root, compute_withdrawals_root,
        requests::compute_requests_hash,
        stateless_ssz::SszStatelessInput,
    },
};
use ethrex_crypto::Crypto;
use libssz::SszDecode;
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// Why the second EVM refuses. The text is its own.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum SecondOpinion {
    /// Not an input: schema, SSZ or transactions.
    #[error("second EVM, input: {0}")]
    Input(String),
    /// Headers or trie nodes.
    #[error("second EVM, witness: {0}")]
    Witness(String),
    /// Header rules, block hash.
    #[error("second EVM, header: {0}")]
    Header(String),
    /// Running the block failed.
    #[error("second EVM, execution: {0}")]
    Execution(String),
    /// The block runs, to another result.
    #[error("second EVM, {what}: {why}")]
    Result {
        /// Which result: state root, receipts, gas, requests, block access list.
        what: &'static str,
        /// How it differs.
        why: String,
    },
    /// It panicked.
    #[error("second EVM, panic: {0}")]
    Panic(String),
}

/// Validates the whole block in `input` (prefix and SSZ) again.
pub fn check(input: &[u8]) -> Result<(), SecondOpinion> {
    catch_unwind(AssertUnwindSafe(|| judge(input))).unwrap_or_else(|panic| Err(SecondOpinion::Panic(message(&*panic))))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "of unknown content".to_owned())
}

fn judge(input: &[u8]) -> Result<(), SecondOpinion> {
    let Some(body) = input.strip_prefix(&SCHEMA_ID.to_be_bytes()) else {
        return Err(SecondOpinion::Input("schema".to_owned()));
    };
    let input = SszStatelessInput::from_ssz_bytes(body).map_err(|error| SecondOpinion::Input(format!("{error:?}")))?;
    let block = block(&input)?;
    let crypto = HostCrypto;
    let computed = block.header.compute_block_hash(&crypto);
    let payload = &input.new_payload_request.execution_payload;
    if computed.0 != payload.block_hash {
        return Err(SecondOpinion::Header(format!("block hash {computed:?}")));
    }
    if !input.new_payload_request.versioned_hashes.is_empty() {
        return Err(SecondOpinion::Header("versioned hashes".to_owned()));
    }
    let witness = |error: &dyn std::fmt::Display| SecondOpinion::Witness(error.to_string());
    let state = ExecutionWitness::from_ssz(&input, &crypto).map_err(|e| witness(&e))?;
    let state = GuestProgramState::from_witness(state, &crypto).map_err(|e| witness(&e))?;
    if state.parent_block_header.compute_block_hash(&crypto) != block.header.parent_hash {
        return Err(SecondOpinion::Witness("the parent header is not the payload's parent".to_owned()));
    }
    run(&block, state)
}

fn run(block: &Block, state: GuestProgramState) -> Result<(), SecondOpinion> {
    let crypto = HostCrypto;
    let config = state.get_chain_config().map_err(|error| SecondOpinion::Witness(error.to_string()))?;
    let parent = &state.parent_block_header;
    ethrex_common::validate_block_pre_execution(block, parent, &config, ELASTICITY_MULTIPLIER)
        .map_err(|error| SecondOpinion::Header(error.to_string()))?;
    let mut state = ethrex_vm::GuestProgramStateWrapper::new(state, Arc::new(HostCrypto));
    let mut evm = ethrex_vm::Evm::new_for_l1(state.clone(), Arc::new(HostCrypto));
    let execution = |error: ethrex_vm::EvmError| SecondOpinion::Execution(error.to_string());
    let (result, bal) = evm.execute_block(block).map_err(execution)?;
    let updates = evm.get_state_transitions().map_err(execution)?;
    let differs = |what, why: String| SecondOpinion::Result { what, why };
    let header = &block.header;
    ethrex_common::validate_gas_used(result.block_gas_used, header).map_err(|e| differs("gas used", e.to_string()))?;
    ethrex_common::validate_receipts_root_and_logs_bloom(header, &result.receipts, &crypto)
        .map_err(|e| differs("receipts", e.to_string()))?;
    ethrex_common::validate_requests_hash(header, &config, &result.requests)
        .map_err(|e| differs("requests", e.to_string()))?;
    let bal = bal.ok_or_else(|| differs("block access list", "none was made".to_owned()))?;
    let transactions = block.body.transactions.len();
    ethrex_common::validate_block_access_list_hash(header, &config, &bal, transactions, &crypto)
        .map_err(|e| differs("block access list", e.to_string()))?;
    state.apply_account_updates(&updates).map_err(|error| SecondOpinion::Witness(error.to_string()))?;
    let root = state.state_trie_root().map_err(|error| SecondOpinion::Witness(error.to_string()))?;
    if root != header.state_root {
        return Err(differs("state root", format!("{root:?}")));
    }
    Ok(())
}

fn block(input: &SszStatelessInput) -> Result<Block, SecondOpinion> {
    let request = &input.new_payload_request;
    let payload = &request.execution_payload;
    let crypto = HostCrypto;
    let decode = |bytes: Vec<u8>| {
        Transaction::decode_canonical(&bytes).map_err(|error| SecondOpinion::Input(format!("transaction: {error}")))
    };
    let transactions: Vec<Transaction> =
        payload.transactions.iter().map(|tx| decode(tx.iter().copied().collect())).collect::<Result<_, _>>()?;
    if !payload.withdrawals.is_empty() {
        return Err(SecondOpinion::Input("withdrawals".to_owned()));
    }
    let fee = U256::from_little_endian(&payload.base_fee_per_gas);
    if fee > U256::from(u64::MAX) {
        return Err(SecondOpinion::Input("base fee".to_owned()));
    }
    let bal: Vec<u8> = payload.block_access_list.iter().copied().collect();
    let header = BlockHeader {
        parent_hash: H256(payload.parent_hash),
        ommers_hash: *ethrex_common::constants::DEFAULT_OMMERS_HASH,
        coinbase: H160(payload.fee_recipient.0),
        state_root: H256(payload.state_root),
        transactions_root: compute_transactions_root(&transactions, &crypto),
        receipts_root: H256(payload.receipts_root),
        logs_bloom: ethrex_common::Bloom::from_slice(&payload.logs_bloom.iter().copied().collect::<Vec<u8>>()),
        difficulty: U256::zero(),
        number: payload.block_number,
        gas_limit: payload.gas_limit,
        gas_used: payload.gas_used,
        timestamp: payload.timestamp,
        extra_data: payload.extra_data.iter().copied().collect::<Vec<u8>>().into(),
        prev_randao: H256(payload.prev_randao),
        base_fee_per_gas: Some(fee.low_u64()),
        withdrawals_root: Some(compute_withdrawals_root(&[], &crypto)),
        blob_gas_used: Some(payload.blob_gas_used),
        excess_blob_gas: Some(payload.excess_blob_gas),
        parent_beacon_block_root: Some(H256(request.parent_beacon_block_root)),
        requests_hash: Some(compute_requests_hash(&request.execution_requests.to_encoded_requests())),
        block_access_list_hash: Some(H256(crypto.keccak256(&bal))),
        slot_number: Some(payload.slot_number),
        ..Default::default()
    };
    let body = BlockBody { transactions, ommers: Vec::new(), withdrawals: Some(Vec::new()) };
    Ok(Block::new(header, body))
}
