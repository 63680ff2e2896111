//! Blockchain tests: a genesis, blocks as RLP (valid, invalid, on any branch), and the head and state they have to leave.
//! Both EEST's and the older ethereum/tests' shape.

use crate::{
    account::{self, Accounts},
    import::Import,
    network::{self, Config},
    number::{self, Big, Hash, Hex, Num, Place},
    refusal::{Expected, Refusal},
};
use alloy_eip7928::BlockAccessList;
use alloy_eips::eip8282;
use alloy_genesis::Genesis;
use alloy_primitives::{Address, B64, B256};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What a genesis header says that its accounts and forks don't.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Header {
    parent_hash: Hash,
    coinbase: Place,
    difficulty: Big,
    #[serde(default)]
    number: Num,
    gas_limit: Num,
    timestamp: Num,
    #[serde(default)]
    extra_data: Hex,
    #[serde(default)]
    mix_hash: Option<Hash>,
    #[serde(default)]
    nonce: Option<Hex>,
    base_fee_per_gas: Option<Num>,
    blob_gas_used: Option<Num>,
    excess_blob_gas: Option<Num>,
    slot_number: Option<Num>,
    hash: Hash,
}

/// Where a fixture comes from.
#[derive(Default, Deserialize)]
struct Info {
    /// Names the release of its source, which says of which draft of a coming fork it is.
    #[serde(default)]
    url: String,
}

/// What blockchain and engine tests have in common.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chain {
    network: String,
    #[serde(default, rename = "_info")]
    info: Info,
    #[serde(default)]
    config: Config,
    genesis_block_header: Header,
    pre: Accounts,
    lastblockhash: Hash,
    post_state: Option<Accounts>,
    post_state_hash: Option<Hash>,
}

#[derive(Deserialize)]
struct Blocks<'a> {
    #[serde(borrow)]
    blocks: Vec<BTreeMap<&'a str, &'a RawValue>>,
}

/// EIP-8282's contracts. Amsterdam's test networks were there before that EIP: a fixture whose genesis knows neither of the two is of
/// one of them. (One that tests their absence has one of the two.)
const BUILDER_CONTRACTS: [Address; 2] =
    [eip8282::BUILDER_DEPOSIT_CONTRACT_ADDRESS, eip8282::BUILDER_EXIT_CONTRACT_ADDRESS];

impl Chain {
    /// The name of the network.
    pub(super) fn network(&self) -> &str {
        &self.network
    }

    /// A chain with the genesis of the test, whose hash has to be the one the test names.
    pub(super) fn start(&self) -> Result<Import, String> {
        let header = &self.genesis_block_header;
        let nonce = match &header.nonce {
            Some(nonce) => u64::from_be_bytes(B64::left_padding_from(&nonce.0).0),
            None => 0,
        };
        let mut config = network::config(&self.network, &self.config)?;
        if !BUILDER_CONTRACTS.iter().any(|contract| self.pre.contains_key(&Place(*contract))) {
            config.extra_fields.insert("builderRequests".into(), false.into());
        }
        if self.info.url.contains("/tests-bal@v5.") {
            config.extra_fields.insert("amsterdamDraft".into(), "bal@v5".into());
        }
        let import = Import::new(Genesis {
            config,
            nonce,
            timestamp: header.timestamp.0,
            extra_data: header.extra_data.0.clone(),
            gas_limit: header.gas_limit.0,
            difficulty: header.difficulty.0,
            mix_hash: header.mix_hash.unwrap_or_default().0,
            coinbase: header.coinbase.0,
            alloc: account::alloc(&self.pre),
            base_fee_per_gas: header.base_fee_per_gas.map(|fee| fee.0.into()),
            excess_blob_gas: header.excess_blob_gas.map(|gas| gas.0),
            blob_gas_used: header.blob_gas_used.map(|gas| gas.0),
            slot_number: header.slot_number.map(|slot| slot.0),
            number: Some(header.number.0),
            parent_hash: Some(header.parent_hash.0),
        })?;
        let found = import.spec().genesis_hash();
        if found != header.hash.0 {
            let ours = import.spec().genesis_header();
            return Err(format!("the genesis hash is {found}, expected {}: {ours:?}", header.hash.0));
        }
        Ok(import)
    }

    /// Compares head and state with what the test says.
    pub(super) fn finish(&self, import: &Import) -> Result<(), String> {
        let head = import.chain().head();
        if head.hash() != self.lastblockhash.0 {
            return Err(format!("the head is {} ({}), expected {}", head.hash(), head.number, self.lastblockhash.0));
        }
        let state = import.chain().state_at_head();
        if let Some(accounts) = &self.post_state {
            let differences = account::differences(accounts, &*state)?;
            if !differences.is_empty() {
                return Err(differences);
            }
            root("postState", account::state_root(accounts), state.root())?;
        }
        if let Some(hash) = self.post_state_hash {
            root("postStateHash", hash.0, state.root())?;
        }
        root("the head's state root", head.state_root, state.root())
    }
}

fn root(what: &str, expected: B256, found: B256) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("the state root is {found}, {what} has {expected}")) }
}

/// Runs one test.
pub(super) fn run(json: &str) -> Result<(), String> {
    let chain: Chain = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let Blocks { blocks } = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let mut import = chain.start()?;
    for (index, block) in blocks.iter().enumerate() {
        one(&mut import, block, chain.network()).map_err(|why| format!("block {index}: {why}"))?;
    }
    chain.finish(&import)
}

fn one(import: &mut Import, block: &BTreeMap<&str, &RawValue>, network: &str) -> Result<(), String> {
    let text = |key: &str| -> Result<Option<String>, String> {
        let Some(raw) = block.get(key) else { return Ok(None) };
        serde_json::from_str(raw.get()).map_err(|error| format!("{key}: {error}"))
    };
    let expected = match text("expectException")? {
        Some(name) => Some(name),
        None => match text("expectExceptionALL")? {
            Some(name) => Some(name),
            None => text(&format!("expectException{network}"))?,
        },
    };
    let rlp = text("rlp")?.ok_or("no rlp")?;
    let rlp = match number::bytes(&rlp) {
        Ok(rlp) => rlp,
        // Old invalid blocks are not even hexadecimal.
        Err(_) if expected.is_some() => return Ok(()),
        Err(error) => return Err(error),
    };
    // An invalid block's list is what the header's hash is of; it is not always a list that could be delivered.
    let bal = match block.get("blockAccessList").filter(|_| expected.is_none()) {
        Some(list) => {
            let list: BlockAccessList =
                serde_json::from_str(list.get()).map_err(|error| format!("blockAccessList: {error}"))?;
            Some(alloy_rlp::encode(list))
        }
        None => None,
    };
    let result = import.rlp(&rlp, bal.as_deref());
    judge(result, expected)
}

/// Compares what import said with what was expected of it.
pub(super) fn judge(result: Result<B256, Result<Refusal, String>>, expected: Option<String>) -> Result<(), String> {
    match (result, expected) {
        (Ok(_), None) => Ok(()),
        (Ok(hash), Some(name)) => Err(format!("{hash} was accepted, expected {name}")),
        (Err(Err(fault)), _) => Err(format!("fault: {fault}")),
        (Err(Ok(refusal)), None) => Err(format!("refused: {refusal}")),
        (Err(Ok(refusal)), Some(name)) => Expected(name).check(&refusal),
    }
}
