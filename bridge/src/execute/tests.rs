//! Codec, roots and conversions, against ethrex's own types where it has them.

mod against_ethrex;
mod headers;
mod strictness;

use super::*;
use crate::vectors::{self, hex0x};
use alloy_eips::{
    eip4895::Withdrawal,
    eip6110::DepositRequest,
    eip7002::WithdrawalRequest,
    eip7251::ConsolidationRequest,
    eip8282::{BuilderDepositRequest, BuilderExitRequest},
};
use alloy_primitives::{B256, Bloom, Bytes, FixedBytes, hex, keccak256};
use proptest::prelude::*;
use serde_json::json;

/// An endless, repeatable stream of values.
struct Stream(B256);

impl Stream {
    fn new(seed: u64) -> Self {
        Self(keccak256(seed.to_be_bytes()))
    }
    fn word(&mut self) -> B256 {
        self.0 = keccak256(self.0);
        self.0
    }
    fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.word()[..8].try_into().unwrap())
    }
    fn below(&mut self, n: u64) -> usize {
        (self.u64() % n) as usize
    }
    fn fixed<const N: usize>(&mut self) -> FixedBytes<N> {
        FixedBytes::from_slice(&self.bytes(N))
    }
    fn bytes(&mut self, n: usize) -> Bytes {
        std::iter::repeat_with(|| self.word().0).take(n.div_ceil(32)).flatten().take(n).collect::<Vec<_>>().into()
    }
    fn lists(&mut self, items: u64, bytes: u64) -> Vec<Bytes> {
        (0..self.below(items))
            .map(|_| {
                let n = self.below(bytes);
                self.bytes(n)
            })
            .collect()
    }
    fn many<T>(&mut self, items: u64, one: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..self.below(items)).map(|_| one(self)).collect()
    }
}

/// An input with every list filled at random, also those that a rollup keeps empty.
fn sample(seed: u64) -> StatelessInput {
    let s = &mut Stream::new(seed);
    StatelessInput {
        payload: Payload {
            parent_hash: s.word(),
            fee_recipient: s.fixed().into(),
            state_root: s.word(),
            receipts_root: s.word(),
            logs_bloom: Bloom(s.fixed()),
            prev_randao: s.word(),
            block_number: s.u64(),
            gas_limit: s.u64(),
            gas_used: s.u64(),
            timestamp: s.u64(),
            extra_data: {
                let n = s.below(33);
                s.bytes(n)
            },
            base_fee_per_gas: s.u64(),
            block_hash: s.word(),
            transactions: s.lists(12, 300),
            withdrawals: s.many(3, |s| Withdrawal {
                index: s.u64(),
                validator_index: s.u64(),
                address: s.fixed().into(),
                amount: s.u64(),
            }),
            blob_gas_used: s.u64(),
            excess_blob_gas: s.u64(),
            block_access_list: {
                let n = s.below(2_000);
                s.bytes(n)
            },
            slot_number: s.u64(),
        },
        versioned_hashes: s.many(3, Stream::word),
        parent_beacon_block_root: s.word(),
        requests: Requests {
            deposits: s.many(3, |s| DepositRequest {
                pubkey: s.fixed(),
                withdrawal_credentials: s.word(),
                amount: s.u64(),
                signature: s.fixed(),
                index: s.u64(),
            }),
            withdrawals: s.many(3, |s| WithdrawalRequest {
                source_address: s.fixed().into(),
                validator_pubkey: s.fixed(),
                amount: s.u64(),
            }),
            consolidations: s.many(3, |s| ConsolidationRequest {
                source_address: s.fixed().into(),
                source_pubkey: s.fixed(),
                target_pubkey: s.fixed(),
            }),
            builder_deposits: s.many(3, |s| BuilderDepositRequest {
                pubkey: s.fixed(),
                withdrawal_credentials: s.word(),
                amount: s.u64(),
                signature: s.fixed(),
            }),
            builder_exits: s.many(3, |s| BuilderExitRequest { source_address: s.fixed().into(), pubkey: s.fixed() }),
        },
        witness: Witness { state: s.lists(20, 600), codes: s.lists(4, 3_000), headers: s.lists(4, 700) },
        chain_id: s.u64(),
    }
}

/// An input as a rollup lands it: the header follows from its parts and the rollup rules hold.
fn rollup_sample(seed: u64) -> StatelessInput {
    let s = &mut Stream::new(seed);
    let transactions: Vec<Bytes> = (0..s.below(6))
        .map(|i| [vec![[0xf8, 0x01, 0x02, 0x04][i % 4]], s.bytes(90 + 40 * i).to_vec()].concat().into())
        .collect();
    let mut input = StatelessInput {
        payload: Payload { transactions, ..sample(seed).payload },
        witness: sample(seed).witness,
        chain_id: 8_079,
        ..StatelessInput::default()
    };
    let p = &mut input.payload;
    (p.withdrawals, p.blob_gas_used, p.excess_blob_gas) = (Vec::new(), 0, 0);
    (p.block_number, p.gas_limit, p.gas_used, p.base_fee_per_gas, p.timestamp, p.slot_number) =
        (seed + 1, 10_000_000, 123_456, 7, 1_800_000_000, seed + 1);
    p.block_access_list = if seed.is_multiple_of(2) { Bytes::from_static(&[0xc0]) } else { s.bytes(120) };
    input.parent_beacon_block_root = s.word();
    input.payload.block_hash = input.header().hash_slow();
    input
}

#[test]
fn inputs_and_results_agree_with_the_vectors() {
    let cases: Vec<_> = (0..4)
        .map(|seed| {
            let input = rollup_sample(seed);
            let (p, data) = (&input.payload, crate::blob::encode(&input.payload.block_access_list, &input.payload.transactions));
            json!({
                "input": hex0x(input.encode()), "requestRoot": input.request_root(), "result": hex0x(ValidationResult::new(input.request_root(), true, input.chain_id).encode()),
                "chainId": input.chain_id, "parentHash": p.parent_hash, "feeRecipient": p.fee_recipient.to_string(), "stateRoot": p.state_root, "prevRandao": p.prev_randao,
                "number": p.block_number, "gasLimit": p.gas_limit, "gasUsed": p.gas_used, "timestamp": p.timestamp, "extraData": p.extra_data, "baseFee": p.base_fee_per_gas,
                "blockHash": p.block_hash, "slotNumber": p.slot_number, "anchor": input.parent_beacon_block_root, "transactions": p.transactions, "bal": p.block_access_list,
                "blobData": hex0x(data),
            })
        })
        .collect();
    let refused: Vec<_> = strictness::deviations()
        .into_iter()
        .map(|(what, bytes, _)| json!({ "what": what, "input": hex0x(bytes) }))
        .collect();
    vectors::golden("execute", json!({ "schemaId": SCHEMA_ID, "inputs": cases, "refused": refused }));
}

#[test]
fn a_rollup_block_keeps_the_rollup_rules_and_each_breach_is_named() {
    let good = rollup_sample(3);
    assert_eq!(good.check_rollup_rules(), Ok(()));
    let breach = |change: fn(&mut StatelessInput)| {
        let mut bad = good.clone();
        change(&mut bad);
        bad.check_rollup_rules().unwrap_err()
    };
    assert_eq!(breach(|i| i.payload.blob_gas_used = 1), RollupRule::BlobGasUsed(1));
    assert_eq!(breach(|i| i.payload.excess_blob_gas = 2), RollupRule::ExcessBlobGas(2));
    assert_eq!(breach(|i| i.payload.withdrawals = vec![Withdrawal::default()]), RollupRule::Withdrawals(1));
    assert_eq!(breach(|i| i.requests.builder_exits = vec![BuilderExitRequest::default(); 2]), RollupRule::Requests(2));
    for kind in [0x03, 0x06, 0x7e] {
        let mut bad = good.clone();
        bad.payload.transactions = vec![Bytes::from_static(&[2]), vec![kind].into()];
        assert_eq!(bad.check_rollup_rules(), Err(RollupRule::TransactionType { index: 1, kind }));
    }
}

#[test]
fn gas_is_the_limit_and_sixteen_a_byte_and_saturates() {
    assert_eq!(gas(10_000_000, 50_000), 10_800_000);
    assert_eq!(gas(u64::MAX - 1, 1), u64::MAX);
}

#[test]
fn a_result_is_43_bytes_and_refuses_every_other_shape() {
    let result = ValidationResult::new(B256::repeat_byte(0xab), true, 8_079);
    let bytes = result.encode();
    assert_eq!(hex::encode(&bytes[32..]), "018f1f0000000000000115");
    assert_eq!(ValidationResult::decode(&bytes), Ok(result));
    assert_eq!(ValidationResult::decode(&[0; 43]), Ok(ValidationResult::default()));
    assert_eq!(ValidationResult::decode(&bytes[..42]), Err(ResultError::Length { bytes: 42 }));
    assert_eq!(ValidationResult::decode(&[bytes.as_slice(), &[0]].concat()), Err(ResultError::Length { bytes: 44 }));
    let mut two = bytes;
    two[32] = 2;
    assert_eq!(ValidationResult::decode(&two), Err(ResultError::Success(2)));
}

#[test]
fn the_empty_progressive_list_has_the_published_root() {
    // sha256 of 64 zero bytes, as the notes of EIP-7916 and every client have it.
    let empty = StatelessInput::default();
    assert_eq!(
        super::root::Root::root(&Bytes::new()),
        hex!("f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b")
    );
    assert_ne!(empty.request_root(), B256::ZERO);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn decode_of_encode_is_the_input(seed in any::<u64>()) {
        let input = sample(seed);
        let bytes = input.encode();
        prop_assert_eq!(bytes.len(), input.encoded_len());
        prop_assert_eq!(StatelessInput::decode(&bytes).unwrap(), input);
    }

    #[test]
    fn a_mutated_input_never_panics_and_what_decodes_encodes_to_itself(seed in 0u64..64, edits in proptest::collection::vec((any::<u32>(), any::<u8>()), 1..6), cut in proptest::option::of(any::<u32>())) {
        let mut bytes = sample(seed).encode();
        for (at, byte) in edits {
            // Half of the edits go where the offsets are.
            let span = if at % 2 == 0 { bytes.len() } else { bytes.len().min(640) };
            let at = (at / 2) as usize % span;
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut as usize % (bytes.len() + 1));
        }
        if let Ok(input) = StatelessInput::decode(&bytes) {
            prop_assert_eq!(input.encode(), bytes);
            input.request_root();
            input.header();
        }
    }

    #[test]
    fn arbitrary_bytes_behind_the_schema_never_panic(body in proptest::collection::vec(any::<u8>(), 0..1_000)) {
        let bytes = [SCHEMA_ID.to_be_bytes().as_slice(), &body].concat();
        if let Ok(input) = StatelessInput::decode(&bytes) {
            prop_assert_eq!(input.encode(), bytes);
        }
    }

    #[test]
    fn results_round_trip(root in any::<[u8; 32]>(), success in any::<bool>(), chain_id in any::<u64>(), schema_id in any::<u16>(), noise in proptest::collection::vec(any::<u8>(), 43)) {
        let result = ValidationResult { request_root: root.into(), success, chain_id, schema_id };
        prop_assert_eq!(ValidationResult::decode(&result.encode()), Ok(result));
        if let Ok(read) = ValidationResult::decode(&noise) {
            prop_assert_eq!(read.encode().to_vec(), noise);
        }
    }
}
