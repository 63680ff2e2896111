//! Engine tests: payloads as a consensus client hands them over, with the block hash, the versioned hashes and the requests beside
//! them, and the verdict or the error code that each has to get. Only execution is under test: payloads become blocks and are
//! imported. Must not know HTTP.

use super::blockchain::{Chain, judge};
use crate::{
    import::{self, Import},
    number::{Big, Hash, Hex, Num, Place},
    refusal::Refusal,
};
use alloy_consensus::{BlockBody, EMPTY_OMMER_ROOT_HASH, Header, Transaction as _, proofs};
use alloy_eips::{
    eip4895::{Withdrawal, Withdrawals},
    eip7685::Requests,
};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{B64, B256, Bloom, keccak256};
use execution::{Block, Transaction};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Test {
    #[serde(rename = "engineNewPayloads")]
    payloads: Vec<Call>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call {
    params: Vec<Value>,
    #[serde(default)]
    new_payload_version: Option<Num>,
    validation_error: Option<String>,
    error_code: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    parent_hash: Hash,
    fee_recipient: Place,
    state_root: Hash,
    receipts_root: Hash,
    logs_bloom: Bloom,
    block_number: Num,
    gas_limit: Num,
    gas_used: Num,
    timestamp: Num,
    extra_data: Hex,
    prev_randao: Hash,
    base_fee_per_gas: Big,
    blob_gas_used: Option<Num>,
    excess_blob_gas: Option<Num>,
    block_hash: Hash,
    transactions: Vec<Hex>,
    withdrawals: Option<Vec<Withdrawal>>,
    block_access_list: Option<Hex>,
    slot_number: Option<Num>,
}

/// JSON-RPC: parameters of the wrong shape.
const INVALID_PARAMS: i64 = -32_602;
/// Engine API: a method of another fork.
const UNSUPPORTED_FORK: i64 = -38_005;

/// Runs one test.
pub(super) fn run(json: &str) -> Result<(), String> {
    let chain: Chain = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let test: Test = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let mut import = chain.start()?;
    for (index, call) in test.payloads.into_iter().enumerate() {
        one(&mut import, call).map_err(|why| format!("payload {index}: {why}"))?;
    }
    chain.finish(&import)
}

fn one(import: &mut Import, call: Call) -> Result<(), String> {
    let expected = match &call.error_code {
        None | Some(Value::Null) => None,
        Some(code) => Some(code.as_str().and_then(|code| code.parse().ok()).or(code.as_i64()).ok_or("errorCode")?),
    };
    let code = shape(import, &call);
    if code != expected {
        return Err(format!("the call gets {code:?}, expected {expected:?}"));
    }
    if code.is_some() {
        return Ok(());
    }
    let part = |at: usize| call.params.get(at).cloned().unwrap_or_default();
    let payload: Payload = serde_json::from_value(part(0)).map_err(|error| error.to_string())?;
    let hashes: Option<Vec<B256>> = serde_json::from_value(part(1)).map_err(|error| error.to_string())?;
    let beacon_root: Option<B256> = serde_json::from_value(part(2)).map_err(|error| error.to_string())?;
    let requests: Option<Requests> = serde_json::from_value(part(3)).map_err(|error| error.to_string())?;
    let bal = payload.block_access_list.clone();
    let result = block(payload, hashes, beacon_root, requests).map_err(Ok).and_then(|block| {
        // The Engine API answers a payload without parent by SYNCING; fixtures hand over none.
        import.block(block, bal.as_ref().map(|bal| bal.0.as_ref()))
    });
    judge(result, call.validation_error)
}

/// The error code that the Engine API has for a call whose version does not fit its fork or its parameters.
fn shape(import: &Import, call: &Call) -> Option<i64> {
    let version = call.new_payload_version?.0;
    let payload = call.params.first()?;
    let has = |name: &str| payload.get(name).is_some_and(|value| !value.is_null());
    let given = |at: usize| call.params.get(at).is_some_and(|value| !value.is_null());
    let time = payload.get("timestamp").and_then(|time| serde_json::from_value::<Num>(time.clone()).ok())?.0;
    let spec = import.spec();
    let fits = match version {
        1 | 2 => !spec.is_cancun_active_at_timestamp(time),
        3 => spec.is_cancun_active_at_timestamp(time) && !spec.is_prague_active_at_timestamp(time),
        4 => spec.is_prague_active_at_timestamp(time) && !spec.is_amsterdam_active_at_timestamp(time),
        _ => spec.is_amsterdam_active_at_timestamp(time),
    };
    let shanghai = spec.is_shanghai_active_at_timestamp(time);
    let blobs = has("blobGasUsed") && has("excessBlobGas");
    let shaped = match version {
        1 => !has("withdrawals"),
        2 => has("withdrawals") == shanghai && !has("blobGasUsed") && !has("excessBlobGas"),
        3 => blobs && has("withdrawals") && given(1) && given(2),
        4 => blobs && has("withdrawals") && given(1) && given(2) && given(3),
        _ => blobs && has("blockAccessList") && has("slotNumber") && given(1) && given(2) && given(3),
    };
    if !shaped {
        Some(INVALID_PARAMS)
    } else if !fits {
        Some(UNSUPPORTED_FORK)
    } else {
        None
    }
}

/// The block that a payload stands for, if it hashes to what the payload says.
fn block(
    payload: Payload,
    hashes: Option<Vec<B256>>,
    beacon_root: Option<B256>,
    requests: Option<Requests>,
) -> Result<Block, Refusal> {
    let transactions: Vec<Transaction> = payload
        .transactions
        .iter()
        .map(|Hex(bytes)| {
            import::transaction(bytes).map_err(|refusal| match refusal {
                Refusal::TransactionRlp(error) => Refusal::BlockRlp { error, transaction: Some(error) },
                refusal => refusal,
            })
        })
        .collect::<Result<_, _>>()?;
    let withdrawals = payload.withdrawals.map(Withdrawals::new);
    let header = Header {
        parent_hash: payload.parent_hash.0,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: payload.fee_recipient.0,
        state_root: payload.state_root.0,
        transactions_root: proofs::calculate_transaction_root(&transactions),
        receipts_root: payload.receipts_root.0,
        logs_bloom: payload.logs_bloom,
        difficulty: Default::default(),
        number: payload.block_number.0,
        gas_limit: payload.gas_limit.0,
        gas_used: payload.gas_used.0,
        timestamp: payload.timestamp.0,
        extra_data: payload.extra_data.0,
        mix_hash: payload.prev_randao.0,
        nonce: B64::ZERO,
        base_fee_per_gas: Some(payload.base_fee_per_gas.0.saturating_to()),
        withdrawals_root: withdrawals.as_ref().map(|list| proofs::calculate_withdrawals_root(list)),
        blob_gas_used: payload.blob_gas_used.map(|gas| gas.0),
        excess_blob_gas: payload.excess_blob_gas.map(|gas| gas.0),
        parent_beacon_block_root: beacon_root,
        requests_hash: requests.map(|requests| requests.requests_hash()),
        block_access_list_hash: payload.block_access_list.map(|list| keccak256(&list.0)),
        slot_number: payload.slot_number.map(|slot| slot.0),
    };
    let got = header.hash_slow();
    if got != payload.block_hash.0 {
        return Err(Refusal::BlockHash { got, said: payload.block_hash.0 });
    }
    if let Some(hashes) = hashes {
        let carried = transactions.iter().flat_map(|tx| tx.blob_versioned_hashes().unwrap_or_default());
        if !carried.eq(hashes.iter()) {
            return Err(Refusal::VersionedHashes);
        }
    }
    Ok(Block { header, body: BlockBody { transactions, ommers: Vec::new(), withdrawals } })
}
