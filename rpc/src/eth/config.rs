//! `eth_config` (EIP-7910): the rules of now, of the next fork and of the last one that is scheduled.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy_eips::{eip2935, eip4788, eip7002, eip7251, eip8282};
use alloy_evm::eth::spec::EthExecutorSpec;
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, Bytes, U64};
use chainspec::{ChainSpec, predeploys};
use serde::Serialize;

use crate::{Backend, RpcError};

/// Precompiles by address, with their names and the fork that brought them (EIP-7910 "Specification").
const PRECOMPILES: &[(u16, &str, Since)] = &[
    (0x01, "ECREC", Since::Frontier),
    (0x02, "SHA256", Since::Frontier),
    (0x03, "RIPEMD160", Since::Frontier),
    (0x04, "ID", Since::Frontier),
    (0x05, "MODEXP", Since::Byzantium),
    (0x06, "BN254_ADD", Since::Byzantium),
    (0x07, "BN254_MUL", Since::Byzantium),
    (0x08, "BN254_PAIRING", Since::Byzantium),
    (0x09, "BLAKE2F", Since::Istanbul),
    (0x0a, "KZG_POINT_EVALUATION", Since::Cancun),
    (0x0b, "BLS12_G1ADD", Since::Prague),
    (0x0c, "BLS12_G1MSM", Since::Prague),
    (0x0d, "BLS12_G2ADD", Since::Prague),
    (0x0e, "BLS12_G2MSM", Since::Prague),
    (0x0f, "BLS12_PAIRING_CHECK", Since::Prague),
    (0x10, "BLS12_MAP_FP_TO_G1", Since::Prague),
    (0x11, "BLS12_MAP_FP2_TO_G2", Since::Prague),
    (0x100, "P256VERIFY", Since::Osaka),
    (0x101, "EXECUTE", Since::Execute),
];

/// What brought a precompile.
#[derive(Clone, Copy)]
enum Since {
    Frontier,
    Byzantium,
    Istanbul,
    Cancun,
    Prague,
    Osaka,
    /// EIP-8079, on chains that have it.
    Execute,
}

/// Answer of `eth_config`.
#[derive(Debug, Clone, Serialize)]
pub struct ConfigAnswer {
    current: ForkConfig,
    next: Option<ForkConfig>,
    last: Option<ForkConfig>,
}

/// The rules from one activation on.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ForkConfig {
    activation_time: u64,
    blob_schedule: Option<BlobSchedule>,
    chain_id: U64,
    fork_id: Bytes,
    precompiles: BTreeMap<&'static str, Address>,
    system_contracts: BTreeMap<&'static str, Address>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct BlobSchedule {
    target: u64,
    max: u64,
    base_fee_update_fraction: u64,
}

impl Backend {
    pub(crate) fn config(&self) -> Result<ConfigAnswer, RpcError> {
        let head = self.latest_header()?;
        // Whether a fork lies ahead is asked of the chain and of the clock: an idle chain's next block has the newer rules.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs()).max(head.timestamp);
        let times = self.spec.fork_times();
        let passed = times.partition_point(|time| *time <= now);
        // The genesis' own time is among them and lies in the past, unless the clock is before it.
        let current = times[passed.saturating_sub(1)];
        let of = |time: u64| fork_config(&self.spec, head.number, time);
        Ok(ConfigAnswer {
            current: of(current),
            next: times.get(passed).map(|time| of(*time)),
            last: times.last().filter(|last| **last > current).map(|time| of(*time)),
        })
    }
}

fn fork_config(spec: &ChainSpec, number: u64, time: u64) -> ForkConfig {
    let precompiles = PRECOMPILES.iter().filter(|(_, _, since)| is_there(spec, *since, number, time));
    let precompiles = precompiles.map(|(at, name, _)| (*name, Address::left_padding_from(&at.to_be_bytes()))).collect();
    let mut system_contracts = BTreeMap::new();
    if spec.is_cancun_active_at_timestamp(time) {
        system_contracts.insert("BEACON_ROOTS_ADDRESS", eip4788::BEACON_ROOTS_ADDRESS);
    }
    if spec.is_prague_active_at_timestamp(time) {
        system_contracts.extend([
            ("CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS", eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS),
            ("HISTORY_STORAGE_ADDRESS", eip2935::HISTORY_STORAGE_ADDRESS),
            ("WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS", eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS),
        ]);
        system_contracts.extend(spec.deposit_contract_address().map(|address| ("DEPOSIT_CONTRACT_ADDRESS", address)));
    }
    if spec.has_builder_requests() && spec.is_amsterdam_active_at_timestamp(time) {
        system_contracts.extend([
            ("BUILDER_DEPOSIT_CONTRACT_ADDRESS", eip8282::BUILDER_DEPOSIT_CONTRACT_ADDRESS),
            ("BUILDER_EXIT_CONTRACT_ADDRESS", eip8282::BUILDER_EXIT_CONTRACT_ADDRESS),
        ]);
    }
    if spec.is_amsterdam_active_at_timestamp(time) {
        system_contracts.insert("CREATE2_FACTORY_ADDRESS", predeploys::CREATE2_FACTORY);
    }
    ForkConfig {
        activation_time: time,
        blob_schedule: spec.blob_params_at(time).map(|params| BlobSchedule {
            target: params.target_blob_count,
            max: params.max_blob_count,
            base_fee_update_fraction: u64::try_from(params.update_fraction).unwrap_or(u64::MAX),
        }),
        chain_id: U64::from(spec.chain_id),
        fork_id: spec.fork_hash(number, time).0.into(),
        precompiles,
        system_contracts,
    }
}

fn is_there(spec: &ChainSpec, since: Since, number: u64, time: u64) -> bool {
    match since {
        Since::Frontier => true,
        Since::Byzantium => spec.is_byzantium_active_at_block(number),
        Since::Istanbul => spec.is_istanbul_active_at_block(number),
        Since::Cancun => spec.is_cancun_active_at_timestamp(time),
        Since::Prague => spec.is_prague_active_at_timestamp(time),
        Since::Osaka => spec.is_osaka_active_at_timestamp(time),
        Since::Execute => spec.has_execute(),
    }
}
