//! State and block overrides of `eth_call`, from their wire form to that of `execution::call`.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rpc_types_eth::{
    BlockOverrides,
    state::{AccountOverride, StateOverride},
};
use execution::{
    call::{self, BlockOverride, Overrides},
    state::{Account, StateError, StateView},
};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value};

use crate::RpcError;

/// Block overrides in both spellings that are in use. An unknown key is an error: a silently ignored override makes a
/// simulation lie.
#[derive(Debug, Clone, Default)]
pub struct BlockOverridesParam(pub BlockOverrides);

/// Every accepted key, and its name in alloy's type.
const BLOCK_KEYS: &[(&str, &str)] = &[
    ("number", "number"),
    ("blockNumber", "number"),
    ("difficulty", "difficulty"),
    ("time", "time"),
    ("timestamp", "time"),
    ("gasLimit", "gasLimit"),
    ("coinbase", "coinbase"),
    ("feeRecipient", "coinbase"),
    ("random", "random"),
    ("prevRandao", "random"),
    ("baseFee", "baseFee"),
    ("baseFeePerGas", "baseFee"),
    ("blobBaseFee", "blobBaseFee"),
    ("blobBaseFeePerGas", "blobBaseFee"),
    ("beaconRoot", "beaconRoot"),
    ("parentBeaconBlockRoot", "beaconRoot"),
    ("blockHash", "blockHash"),
];

impl<'de> Deserialize<'de> for BlockOverridesParam {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Map::<String, Value>::deserialize(deserializer)?;
        let mut named = Map::new();
        for (key, value) in given {
            let known = BLOCK_KEYS.iter().find(|(accepted, _)| *accepted == key);
            let (_, name) = known.ok_or_else(|| D::Error::custom(format!("unknown block override {key:?}")))?;
            if named.insert((*name).to_owned(), value).is_some() {
                return Err(D::Error::custom(format!("block override {name:?} is given twice")));
            }
        }
        serde_json::from_value(Value::Object(named)).map(Self).map_err(D::Error::custom)
    }
}

/// Hashes of ancestors that BLOCKHASH is to answer with.
pub(crate) type BlockHashes = BTreeMap<u64, B256>;

/// Both kinds of overrides in the form of `execution::call`.
///
/// # Errors
/// `InvalidParams` for what contradicts itself, and for what cannot be pretended.
pub(crate) fn overrides(
    state: Option<StateOverride>,
    block: Option<BlockOverridesParam>,
) -> Result<(Overrides, BlockHashes), RpcError> {
    let mut accounts = BTreeMap::new();
    for (address, change) in state.unwrap_or_default() {
        accounts.insert(address, account(address, change)?);
    }
    let (block, hashes) = block.map_or(Ok(Default::default()), self::block)?;
    Ok((Overrides { accounts, block }, hashes))
}

fn account(address: Address, change: AccountOverride) -> Result<call::AccountOverride, RpcError> {
    if change.move_precompile_to.is_some() {
        return Err(RpcError::params("override movePrecompileToAddress is not supported"));
    }
    if change.state.is_some() && change.state_diff.is_some() {
        return Err(RpcError::params(format!("account {address} has both 'state' and 'stateDiff'")));
    }
    let words = |slots: alloy_primitives::map::B256HashMap<B256>| {
        slots.into_iter().map(|(slot, value)| (slot.into(), value.into())).collect()
    };
    Ok(call::AccountOverride {
        nonce: change.nonce,
        balance: change.balance,
        code: change.code,
        state: change.state.map(words),
        state_diff: change.state_diff.map(words).unwrap_or_default(),
    })
}

fn block(BlockOverridesParam(given): BlockOverridesParam) -> Result<(BlockOverride, BlockHashes), RpcError> {
    let narrow = |what: &str, value: Option<U256>| {
        let narrowed = value.map(u64::try_from).transpose();
        narrowed.map_err(|_| RpcError::params(format!("block override {what} is above 2^64")))
    };
    // Since the merge DIFFICULTY reads PREVRANDAO, and a call runs no system contract that would store a beacon root.
    for (what, there) in [
        ("difficulty", given.difficulty.is_some()),
        ("blobBaseFee", given.blob_base_fee.is_some()),
        ("beaconRoot", given.beacon_root.is_some()),
    ] {
        if there {
            return Err(RpcError::params(format!("block override {what} is not supported")));
        }
    }
    let block = BlockOverride {
        number: narrow("number", given.number)?,
        timestamp: given.time,
        gas_limit: given.gas_limit,
        fee_recipient: given.coinbase,
        prev_randao: given.random,
        base_fee: narrow("baseFee", given.base_fee)?,
    };
    Ok((block, given.block_hash.unwrap_or_default()))
}

/// A state in which some ancestors have other hashes.
pub(crate) struct WithHashes<'a> {
    pub(crate) state: &'a dyn StateView,
    pub(crate) hashes: BlockHashes,
}

impl StateView for WithHashes<'_> {
    fn account(&self, address: Address) -> Result<Option<Account>, StateError> {
        self.state.account(address)
    }
    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.state.storage(address, slot)
    }
    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.state.code(hash)
    }
    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.hashes.get(&number).map_or_else(|| self.state.block_hash(number), |hash| Ok(*hash))
    }
}
