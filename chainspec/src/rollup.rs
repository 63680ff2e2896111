//! The chain file: all that a follower needs to know besides its L1 URLs.

use crate::{
    ChainSpec, Layer, SpecError,
    predeploys::{self, MESSENGER, REFUND_DELAY_MAX, REFUND_DELAY_SLOT},
};
use alloy_genesis::Genesis;
use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};

/// The oldest L1 origin that Hub accepts, in L1 blocks behind the including one (DESIGN §5).
pub const MAX_ORIGIN_LAG: u64 = 64;

/// EIP-7825: the execution gas of one L1 transaction. EXECUTE charges an L2 block's gas limit in full, so no L2
/// block may ask for as much.
const L1_TRANSACTION_GAS: u64 = 1 << 24;

/// A rollup as registered in Hub, with its genesis. JSON, camel case; numbers are plain integers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollupConfig {
    /// Chain id of the L1 that holds Hub; a node compares it with what its L1 URL says.
    pub l1_chain_id: u64,
    /// Address of Hub on L1.
    pub hub: Address,
    /// L1 block number in which the rollup was registered: where following starts.
    pub hub_block: u64,
    /// L1 slot time in milliseconds: when the next L1 block may come.
    pub l1_slot_ms: u64,
    /// Least gas limit of an L2 block.
    pub gas_limit_min: u64,
    /// Greatest gas limit of an L2 block, below 2^24.
    pub gas_limit_max: u64,
    /// Least number of L1 blocks between an origin and the block that includes it, 1..=64.
    pub min_origin_lag: u64,
    /// The L2 genesis file.
    pub genesis: Genesis,
}

/// Why a chain file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not JSON of the expected shape.
    #[error("chain file: {0}")]
    Json(#[from] serde_json::Error),
    /// The genesis inside is no rollup genesis.
    #[error("chain file: {0}")]
    Genesis(#[from] SpecError),
    /// A value outside its range.
    #[error("chain file: {field} is {value}, must be {range}")]
    OutOfRange {
        /// JSON name of the field.
        field: &'static str,
        /// What it holds.
        value: u64,
        /// What it may hold.
        range: &'static str,
    },
    /// Both layers under one chain id would let transactions replay from one to the other.
    #[error("chain file: L1 and L2 have the same chain id {0}")]
    SameChainId(u64),
}

impl RollupConfig {
    /// Parses and checks a chain file.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        let config: Self = serde_json::from_str(text)?;
        config.check()?;
        Ok(config)
    }

    /// The chain rules of the L2.
    pub fn spec(&self) -> Result<ChainSpec, SpecError> {
        ChainSpec::from_genesis(self.genesis.clone(), Layer::Rollup)
    }

    /// Sum of all genesis balances except the Messenger's locked reserve, in wei: what Hub must hold in escrow from
    /// the registration on, or ether on L2 would be unbacked (DESIGN §3).
    pub fn circulating_genesis_balance(&self) -> U256 {
        let circulating = |(address, _): &(&Address, _)| **address != MESSENGER;
        self.genesis.alloc.iter().filter(circulating).fold(U256::ZERO, |sum, (_, account)| sum + account.balance)
    }

    /// Seconds after its failure from which on a message may go back to its sender, as the genesis has it. Zero in the files of rollups whose
    /// Messenger knows no refunds.
    pub fn refund_delay(&self) -> U256 {
        let storage = self.genesis.alloc.get(&MESSENGER).and_then(|messenger| messenger.storage.as_ref());
        storage.and_then(|slots| slots.get(&REFUND_DELAY_SLOT)).map_or(U256::ZERO, |value| (*value).into())
    }

    /// The token bridge on L1, as the genesis of its L2 side names it; `None` where the rollup has none.
    pub fn token_bridge(&self) -> Option<Address> {
        self.genesis.alloc.get(&predeploys::L2_TOKEN_BRIDGE).and_then(predeploys::l1_side)
    }

    /// The ERC-7786 gateway on L1, as the genesis of its L2 side names it; `None` where the rollup has none.
    pub fn gateway(&self) -> Option<Address> {
        self.genesis.alloc.get(&predeploys::GATEWAY).and_then(predeploys::l1_side)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let within = |field, value, ok: bool, range| {
            if ok { Ok(()) } else { Err(ConfigError::OutOfRange { field, value, range }) }
        };
        within("minOriginLag", self.min_origin_lag, (1..=MAX_ORIGIN_LAG).contains(&self.min_origin_lag), "1..=64")?;
        within("l1SlotMs", self.l1_slot_ms, (1..=3_600_000).contains(&self.l1_slot_ms), "1..=3600000")?;
        within("gasLimitMin", self.gas_limit_min, self.gas_limit_min >= 5_000, ">= 5000")?;
        let max_ok = self.gas_limit_max >= self.gas_limit_min && self.gas_limit_max < L1_TRANSACTION_GAS;
        within("gasLimitMax", self.gas_limit_max, max_ok, ">= gasLimitMin and < 16777216")?;
        let gas_limit = self.genesis.gas_limit;
        let genesis_ok = (self.gas_limit_min..=self.gas_limit_max).contains(&gas_limit);
        within("genesis.gasLimit", gas_limit, genesis_ok, "within gasLimitMin..=gasLimitMax")?;
        let refund_delay = self.refund_delay().saturating_to();
        within(
            "refund delay (storage slot 38 of the Messenger)",
            refund_delay,
            refund_delay <= REFUND_DELAY_MAX,
            "<= 31536000",
        )?;
        if self.genesis.config.chain_id == self.l1_chain_id {
            return Err(ConfigError::SameChainId(self.l1_chain_id));
        }
        self.spec()?;
        Ok(())
    }
}
