//! A bed to test the modelled L1 in: one rollup, one proposer, and landings of blocks that say whatever a test wants.

mod beacon;
mod chain;
mod endpoints;
mod landing;
mod mempool;
mod round_trip;
mod wire;

use super::*;
use alloy_consensus::{EthereumTxEnvelope, TxEip4844, TxEip4844WithSidecar};
use alloy_eips::{eip2718::Encodable2718 as _, eip7594::BlobTransactionSidecarEip7594};
use alloy_network::TxSignerSync as _;
use alloy_primitives::Bytes;
use alloy_signer_local::PrivateKeySigner;
use bridge::{
    abi::OutboxProof,
    anchor::{Anchor, prev_randao},
    execute::{Payload, Requests, StatelessInput, Witness},
};
use serde_json::{Value, json};

const ROLLUP: u64 = 8_079;
const USER: Address = Address::repeat_byte(0x0a);
const GWEI: u128 = 1_000_000_000;
const ETHER: u128 = 1_000_000_000 * GWEI;
const GAS_LIMIT: u64 = 5_000_000;

/// Fees of a landing, wei per gas.
#[derive(Clone, Copy)]
struct Fees {
    max: u128,
    tip: u128,
    blob: u128,
}

const FEES: Fees = Fees { max: 20 * GWEI, tip: GWEI, blob: GWEI };

fn signer() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).unwrap()
}

struct Bed {
    l1: L1,
    at: EndpointId,
}

/// A landing before it is encoded; what a test changes of it.
#[derive(Clone)]
struct Landing {
    chain_id: u64,
    payload: Payload,
    anchor: Anchor,
}

impl Bed {
    /// Registered in the block of slot 1; the head is at slot 4.
    fn new(seed: u64, change: impl FnOnce(&mut Config)) -> Self {
        let genesis = Header {
            gas_limit: GAS_LIMIT,
            timestamp: 1_799_999_999,
            base_fee_per_gas: Some(1_000_000_000),
            ..Header::default()
        };
        Self::with_rollup(seed, ROLLUP, &genesis, change)
    }

    fn with_rollup(seed: u64, chain_id: u64, genesis: &Header, change: impl FnOnce(&mut Config)) -> Self {
        let balances = [USER, signer().address()].map(|owner| (owner, U256::from(1_000 * ETHER))).into();
        let mut config = Config { balances, execution: Execution::Never, ..Config::default() };
        change(&mut config);
        let params = abi::RollupParams {
            chainId: chain_id,
            verifier: config.contracts[0],
            schedule: config.contracts[1],
            gasLimitMin: 1_000_000,
            gasLimitMax: 15_000_000,
            minOriginLag: 1,
        };
        let l1 = L1::new(Seed(seed), config, Arc::new(Keccak));
        let at = l1.endpoint();
        let genesis_header = alloy_rlp::encode(genesis).into();
        l1.register(USER, Registration { params, genesis_header, escrow: U256::from(5) }).unwrap();
        let bed = Self { l1, at };
        bed.mine_all(1..=4);
        bed
    }

    fn mine(&self, slot: u64) -> BlockNumHash {
        self.l1.mine(slot, &Mine::default()).unwrap()
    }

    fn mine_all(&self, slots: std::ops::RangeInclusive<u64>) {
        for slot in slots {
            self.mine(slot);
        }
    }

    fn ask(&self, method: &str, params: Value) -> Value {
        self.l1.request(self.at, method, &params).unwrap()
    }

    fn refusal(&self, method: &str, params: Value) -> JsonRpcError {
        match self.l1.request(self.at, method, &params) {
            Err(Unanswered::Error(error)) => error,
            other => panic!("{method}: {other:?}"),
        }
    }

    /// A valid landing on the rollup's head, for the block after the L1 head.
    fn next(&self) -> Landing {
        let rollup = self.l1.rollup(ROLLUP).unwrap();
        let (origin, number) = (self.l1.head(), rollup.number + 1);
        let anchor = Anchor {
            chain_id: ROLLUP,
            origin_number: origin.number,
            origin_hash: origin.hash,
            inbox_count: rollup.inboxCount,
            inbox_hash: rollup.inboxHash,
        };
        let payload = Payload {
            parent_hash: rollup.headHash,
            block_number: number,
            slot_number: number,
            timestamp: self.l1.timestamp(self.l1.head_slot() + 1),
            gas_limit: GAS_LIMIT,
            base_fee_per_gas: 1_000_000_000,
            prev_randao: prev_randao(origin.hash, number),
            state_root: B256::repeat_byte(u8::try_from(number).unwrap()),
            transactions: vec![vec![0x02; 500].into()],
            ..Payload::default()
        };
        Landing { chain_id: ROLLUP, payload, anchor }
    }

    /// The signed transaction in its network form.
    fn signed(&self, call: &Call, nonce: u64, fees: Fees) -> (B256, Bytes) {
        let mut tx = TxEip4844 {
            chain_id: Config::default().chain_id,
            nonce,
            gas_limit: 14_000_000,
            max_fee_per_gas: fees.max,
            max_priority_fee_per_gas: fees.tip,
            max_fee_per_blob_gas: fees.blob,
            to: Config::default().hub,
            input: call.input.clone(),
            blob_versioned_hashes: call.sidecar.versioned_hashes().collect(),
            ..Default::default()
        };
        let signature = signer().sign_transaction_sync(&mut tx).unwrap();
        let signed = alloy_consensus::SignableTransaction::into_signed(tx, signature);
        let hash = *signed.hash();
        let signed = signed.map(|tx| TxEip4844WithSidecar::from_tx_and_sidecar(tx, call.sidecar.clone()));
        (hash, EthereumTxEnvelope::Eip4844(signed).encoded_2718().into())
    }

    fn send(&self, call: &Call, nonce: u64, fees: Fees) -> Result<Value, Unanswered> {
        let (_, raw) = self.signed(call, nonce, fees);
        self.l1.request(self.at, "eth_sendRawTransaction", &json!([raw]))
    }

    /// Sends a valid landing and makes the block of the next slot, which has it.
    fn land(&self, nonce: u64) -> B256 {
        let hash = self.send(&self.next().call(), nonce, FEES).unwrap();
        self.mine(self.l1.head_slot() + 1);
        serde_json::from_value(hash).unwrap()
    }

    fn deposit(&self) -> B256 {
        let value = U256::from(ETHER);
        let deposit = Deposit { chain_id: ROLLUP, to: USER, value, fee: value, gas_limit: 50_000, data: Bytes::new() };
        self.l1.deposit(USER, deposit).unwrap()
    }

    fn receipt(&self, hash: B256) -> Value {
        self.ask("eth_getTransactionReceipt", json!([hash]))
    }
}

/// An encoded landing.
#[derive(Clone)]
struct Call {
    input: Bytes,
    sidecar: BlobTransactionSidecarEip7594,
}

impl Landing {
    fn call(&self) -> Call {
        let mut payload = self.payload.clone();
        if payload.block_hash.is_zero() {
            payload.block_hash = payload.header(self.anchor.hash(), &Requests::default()).hash_slow();
        }
        let input = StatelessInput {
            payload,
            versioned_hashes: Vec::new(),
            parent_beacon_block_root: self.anchor.hash(),
            requests: Requests::default(),
            witness: Witness::default(),
            chain_id: self.chain_id,
        };
        call(&input, &self.anchor)
    }
}

fn call(input: &StatelessInput, anchor: &Anchor) -> Call {
    let data = bridge::blob::encode(&input.payload.block_access_list, &input.payload.transactions);
    let openings = Keccak.openings(&data);
    Call {
        input: bridge::abi::advance(anchor, &openings, OutboxProof::default(), input.encode().into()),
        sidecar: Keccak.sidecar(bridge::blob::to_blobs(&data)),
    }
}
