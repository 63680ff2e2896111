//! One chain's rules: its genesis, its forks and which layer it is.

use crate::forks;
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Header, Sealable, Sealed};
use alloy_eips::{
    eip1559::INITIAL_BASE_FEE, eip7685::EMPTY_REQUESTS_HASH, eip7840::BlobParams, eip7892::BlobScheduleBlobParams,
};
use alloy_evm::eth::spec::EthExecutorSpec;
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_hardforks::{EthereumHardfork, EthereumHardforks, ForkCondition};
use alloy_primitives::{Address, B64, B256, b256};

/// keccak256(0xc0), the hash of an empty block access list (EIP-7928, "Block structure").
const EMPTY_BLOCK_ACCESS_LIST_HASH: B256 = b256!("0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");

/// What a chain is for; it decides which transactions a block may hold and which precompiles exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// An Ethereum chain. `execute` adds the EXECUTE precompile of EIP-8079 at `0x…0101`.
    L1 {
        /// Whether EXECUTE exists here.
        execute: bool,
    },
    /// A native rollup: no blob transactions, no EIP-7685 requests, no withdrawals (EXECUTE refuses blocks with any).
    Rollup,
}

/// Why a genesis file can't describe a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// Chain id 0 means "no replay protection" (EIP-155) and is never a chain of ours.
    #[error("genesis: config.chainId must not be 0")]
    NoChainId,
    /// EXECUTE's schema 0x1501 verifies Amsterdam blocks only, so a rollup has to start there.
    #[error("genesis: a rollup must run Amsterdam from its genesis (config.amsterdamTime <= timestamp {timestamp})")]
    RollupBeforeAmsterdam {
        /// The genesis timestamp, seconds.
        timestamp: u64,
    },
    /// L1 clients differ about creating a contract there: EIP-7610 forbids it, revm does not know that rule (node/execution/DIFFERENCES.md).
    /// No account gets storage without a nonce or code on a running chain, so a genesis without one settles it.
    #[error(
        "genesis: {address} has storage, but neither nonce nor code: L1 clients differ about such accounts (EIP-7610)"
    )]
    StorageWithoutContract {
        /// In `alloc`.
        address: Address,
    },
}

/// The rules of one chain. Immutable; share it by `Arc`.
#[derive(Clone, Debug)]
pub struct ChainSpec {
    /// EIP-155 chain id, not 0.
    pub chain_id: u64,
    /// What the chain is for.
    pub layer: Layer,
    genesis: Genesis,
    header: Sealed<Header>,
    blobs: BlobScheduleBlobParams,
}

impl ChainSpec {
    /// Reads the rules out of a genesis file and computes its header.
    pub fn from_genesis(genesis: Genesis, layer: Layer) -> Result<Self, SpecError> {
        let state_root = alloy_trie::root::state_root_ref_unhashed(&genesis.alloc);
        Self::from_genesis_with_state_root(genesis, state_root, layer)
    }

    /// As [`Self::from_genesis`], for a chain whose genesis state is on disk: `state_root` is believed, and `alloc` may be empty.
    pub fn from_genesis_with_state_root(genesis: Genesis, state_root: B256, layer: Layer) -> Result<Self, SpecError> {
        let chain_id = genesis.config.chain_id;
        if chain_id == 0 {
            return Err(SpecError::NoChainId);
        }
        let active = |fork| {
            forks::activation(&genesis, fork)
                .active_at_timestamp_or_number(genesis.timestamp, genesis.number.unwrap_or(0))
        };
        if layer == Layer::Rollup && !active(EthereumHardfork::Amsterdam) {
            return Err(SpecError::RollupBeforeAmsterdam { timestamp: genesis.timestamp });
        }
        if layer == Layer::Rollup
            && let Some(address) = storage_without_contract(&genesis)
        {
            return Err(SpecError::StorageWithoutContract { address });
        }
        let header = genesis_header(&genesis, state_root, active).seal_slow();
        let blobs = blob_schedule(&genesis);
        Ok(Self { chain_id, layer, genesis, header, blobs })
    }

    /// The genesis file this chain was made from.
    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The header of block 0.
    pub fn genesis_header(&self) -> &Header {
        self.header.inner()
    }

    /// The hash of block 0.
    pub fn genesis_hash(&self) -> B256 {
        self.header.seal()
    }

    /// Blob target, maximum and fee fraction (EIP-7840) in force at `timestamp`; `None` before Cancun.
    pub fn blob_params_at(&self, timestamp: u64) -> Option<BlobParams> {
        if let Some(params) = self.blobs.active_scheduled_params_at_timestamp(timestamp) {
            return Some(*params);
        }
        if self.is_osaka_active_at_timestamp(timestamp) {
            Some(self.blobs.osaka)
        } else if self.is_prague_active_at_timestamp(timestamp) {
            Some(self.blobs.prague)
        } else if self.is_cancun_active_at_timestamp(timestamp) {
            Some(self.blobs.cancun)
        } else {
            None
        }
    }

    /// True on a native rollup, where requests, withdrawals and blob transactions make a block unprovable.
    pub fn is_rollup(&self) -> bool {
        self.layer == Layer::Rollup
    }

    /// Whether Amsterdam has the builder requests of EIP-8282 here: yes, but for [`Self::has_amsterdam_draft`] and a genesis file whose
    /// `config.builderRequests` is false. Test networks were there before that EIP, and their fixtures are still around.
    pub fn has_builder_requests(&self) -> bool {
        let named = self.genesis.config.extra_fields.get("builderRequests").and_then(|value| value.as_bool());
        named.unwrap_or(true) && !self.has_amsterdam_draft()
    }

    /// Whether Amsterdam has the gas prices of the block access list test network 5 here: no, unless the genesis file's
    /// `config.amsterdamDraft` is `"bal@v5"`.
    pub fn has_amsterdam_draft(&self) -> bool {
        self.genesis.config.extra_fields.get("amsterdamDraft").and_then(|value| value.as_str()) == Some("bal@v5")
    }

    /// True where a contract can call EXECUTE.
    pub fn has_execute(&self) -> bool {
        self.layer == Layer::L1 { execute: true }
    }
}

impl EthereumHardforks for ChainSpec {
    fn ethereum_fork_activation(&self, fork: EthereumHardfork) -> ForkCondition {
        forks::activation(&self.genesis, fork)
    }
}

impl EthExecutorSpec for ChainSpec {
    fn deposit_contract_address(&self) -> Option<Address> {
        self.genesis.config.deposit_contract_address
    }
}

fn genesis_header(genesis: &Genesis, state_root: B256, active: impl Fn(EthereumHardfork) -> bool) -> Header {
    use EthereumHardfork as F;
    let since = |fork, value: u64| active(fork).then_some(value);
    let base_fee = genesis.base_fee_per_gas.map_or(INITIAL_BASE_FEE, |fee| u64::try_from(fee).unwrap_or(u64::MAX));
    Header {
        parent_hash: genesis.parent_hash.unwrap_or_default(),
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: genesis.coinbase,
        state_root,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        logs_bloom: Default::default(),
        difficulty: genesis.difficulty,
        number: genesis.number.unwrap_or(0),
        gas_limit: genesis.gas_limit,
        gas_used: 0,
        timestamp: genesis.timestamp,
        extra_data: genesis.extra_data.clone(),
        mix_hash: genesis.mix_hash,
        nonce: B64::from(genesis.nonce),
        base_fee_per_gas: since(F::London, base_fee),
        withdrawals_root: active(F::Shanghai).then_some(EMPTY_ROOT_HASH),
        blob_gas_used: since(F::Cancun, genesis.blob_gas_used.unwrap_or(0)),
        excess_blob_gas: since(F::Cancun, genesis.excess_blob_gas.unwrap_or(0)),
        parent_beacon_block_root: active(F::Cancun).then_some(B256::ZERO),
        requests_hash: active(F::Prague).then_some(EMPTY_REQUESTS_HASH),
        block_access_list_hash: active(F::Amsterdam).then_some(EMPTY_BLOCK_ACCESS_LIST_HASH),
        slot_number: since(F::Amsterdam, genesis.slot_number.unwrap_or(0)),
    }
}

/// EIP-7840 and EIP-7892: a file may name its own parameters per fork; what it leaves out is as on mainnet.
fn blob_schedule(genesis: &Genesis) -> BlobScheduleBlobParams {
    let config = &genesis.config;
    let named = |name: &str, default: BlobParams| config.blob_schedule.get(name).copied().unwrap_or(default);
    let mut scheduled: Vec<(u64, BlobParams)> = [
        (config.bpo1_time, "bpo1", BlobParams::bpo1()),
        (config.bpo2_time, "bpo2", BlobParams::bpo2()),
        (config.bpo3_time, "bpo3", BlobParams::bpo2()),
        (config.bpo4_time, "bpo4", BlobParams::bpo2()),
        (config.bpo5_time, "bpo5", BlobParams::bpo2()),
    ]
    .into_iter()
    .filter_map(|(time, name, default)| Some((time?, named(name, default))))
    .collect();
    // A stable sort keeps the later fork last where two activate together, and the last active entry wins.
    scheduled.sort_by_key(|(time, _)| *time);
    BlobScheduleBlobParams {
        cancun: named("cancun", BlobParams::cancun()),
        prague: named("prague", BlobParams::prague()),
        osaka: named("osaka", BlobParams::osaka()),
        scheduled,
    }
}

/// An account with storage at which a contract could still be created.
fn storage_without_contract(genesis: &Genesis) -> Option<Address> {
    let stored = |a: &GenesisAccount| a.storage.as_ref().is_some_and(|slots| slots.values().any(|v| !v.is_zero()));
    let free = |a: &GenesisAccount| a.nonce.unwrap_or(0) == 0 && a.code.as_ref().is_none_or(|code| code.is_empty());
    genesis.alloc.iter().find(|(_, account)| stored(account) && free(account)).map(|(address, _)| *address)
}

#[cfg(test)]
mod tests;
