//! State tests: one transaction in an environment, with the state root and the logs it has to leave on each fork; or the reason
//! for which it has to be refused.

use crate::{
    account::{self, Accounts},
    import::{self, Import},
    network::{self, Config},
    number::{self, Big, Hash, Hex, Num, Place},
    refusal::{Expected, Refusal},
};
use alloy_consensus::{
    Header, SignableTransaction, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy, transaction::Recovered,
};
use alloy_eips::{eip2930::AccessList, eip7702::SignedAuthorization};
use alloy_genesis::Genesis;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use execution::{
    Account, ChainState, NodeSource, RecoveredTx, StateError, StateView, Transaction, executor::run_alone, trie,
};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc};

/// A parsed test; one case for each fork and combination of data, gas and value.
#[derive(Deserialize)]
pub(super) struct Test {
    #[serde(default)]
    config: Config,
    env: Env,
    pre: Accounts,
    transaction: Fields,
    post: BTreeMap<String, Vec<Post>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Env {
    current_coinbase: Place,
    current_gas_limit: Num,
    current_number: Num,
    current_timestamp: Num,
    current_difficulty: Option<Big>,
    current_random: Option<Hash>,
    current_base_fee: Option<Num>,
    current_excess_blob_gas: Option<Num>,
    #[serde(rename = "slotNumber", alias = "currentSlotNumber")]
    slot_number: Option<Num>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    nonce: String,
    gas_price: Option<String>,
    max_fee_per_gas: Option<String>,
    max_priority_fee_per_gas: Option<String>,
    max_fee_per_blob_gas: Option<String>,
    gas_limit: Vec<String>,
    #[serde(default)]
    to: String,
    value: Vec<String>,
    data: Vec<String>,
    #[serde(default)]
    access_lists: Vec<Option<AccessList>>,
    blob_versioned_hashes: Option<Vec<B256>>,
    authorization_list: Option<Vec<Signed>>,
    sender: Option<Place>,
    secret_key: Option<Hash>,
}

/// A signed authorization; fixtures name the parity `v`, or both.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signed {
    chain_id: Big,
    address: Place,
    nonce: Num,
    v: Option<Big>,
    y_parity: Option<Big>,
    r: Big,
    s: Big,
}

#[derive(Deserialize)]
struct Post {
    hash: Hash,
    logs: Hash,
    txbytes: Option<Hex>,
    indexes: Indexes,
    #[serde(default)]
    state: Option<Accounts>,
    #[serde(rename = "expectException")]
    expected: Option<String>,
}

#[derive(Deserialize)]
struct Indexes {
    data: usize,
    gas: usize,
    value: usize,
}

impl Test {
    pub(super) fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    /// Fork and position of each case.
    pub(super) fn cases(&self) -> impl Iterator<Item = (&str, usize)> {
        self.post.iter().flat_map(|(fork, posts)| (0..posts.len()).map(move |index| (fork.as_str(), index)))
    }

    /// Runs one case.
    pub(super) fn run(&self, fork: &str, index: usize) -> Result<(), String> {
        let post = &self.post[fork][index];
        let env = &self.env;
        let header = Header {
            beneficiary: env.current_coinbase.0,
            difficulty: env.current_difficulty.unwrap_or_default().0,
            number: env.current_number.0,
            gas_limit: env.current_gas_limit.0,
            timestamp: env.current_timestamp.0,
            mix_hash: env.current_random.unwrap_or_default().0,
            base_fee_per_gas: env.current_base_fee.map(|fee| fee.0),
            excess_blob_gas: env.current_excess_blob_gas.map(|gas| gas.0),
            slot_number: env.slot_number.map(|slot| slot.0),
            ..Default::default()
        };
        let import = Import::new(Genesis {
            config: network::config(fork, &self.config)?,
            gas_limit: header.gas_limit,
            alloc: account::alloc(&self.pre),
            ..Default::default()
        })?;
        let spec = import.spec();
        let header = Header {
            // Where a fixture's environment leaves out what its fork has.
            base_fee_per_gas: header.base_fee_per_gas.or(spec.genesis_header().base_fee_per_gas.map(|_| 10)),
            excess_blob_gas: header.excess_blob_gas.or(spec.genesis_header().excess_blob_gas),
            ..header
        };
        let state = Numbered(import.chain().state_at_head());
        let before = state.root();
        let ran = self.transaction(post, &import).and_then(|tx| {
            let ran = run_alone(spec, &header, &tx, &state);
            ran.map_err(|error| if error.is_internal() { Err(error.to_string()) } else { Ok(Refusal::Block(error)) })
        });
        let (root, logs) = match (ran, &post.expected) {
            (Ok(_), Some(name)) => return Err(format!("accepted, expected {name}")),
            (Ok(ran), None) => (ran.root, ran.included.logs),
            (Err(Err(fault)), _) => return Err(format!("fault: {fault}")),
            (Err(Ok(refusal)), None) => return Err(format!("refused: {refusal}")),
            (Err(Ok(refusal)), Some(name)) => {
                Expected(name.clone()).check(&refusal)?;
                (before, Vec::new())
            }
        };
        let logs = keccak256(alloy_rlp::encode(logs));
        if logs != post.logs.0 {
            return Err(format!("the logs hash to {logs}, expected {}", post.logs.0));
        }
        if root == post.hash.0 {
            return Ok(());
        }
        let expected = post.state.as_ref().map(account::state_root);
        let note = match expected {
            Some(root) if root != post.hash.0 => " (the fixture's own accounts have another root)",
            _ => "",
        };
        Err(format!("the state root is {root}, expected {}{note}", post.hash.0))
    }

    /// The transaction, from its bytes where the test has them.
    fn transaction(&self, post: &Post, import: &Import) -> Result<RecoveredTx, Result<Refusal, String>> {
        if let Some(Hex(bytes)) = &post.txbytes {
            let tx = import::transaction(bytes).map_err(Ok)?;
            let sender = import::sender(import.spec(), self.env.current_number.0, 0, &tx).map_err(Ok)?;
            if let Some(Place(expected)) = self.transaction.sender
                && expected != sender
            {
                return Err(Err(format!("the sender is {sender}, expected {expected}")));
            }
            return Ok(Recovered::new_unchecked(tx, sender));
        }
        let fields = &self.transaction;
        let sender = match (fields.sender, fields.secret_key) {
            (Some(Place(sender)), _) => sender,
            (None, Some(key)) => alloy_signer_local::PrivateKeySigner::from_bytes(&key.0)
                .map_err(|error| Err(format!("secretKey: {error}")))?
                .address(),
            (None, None) => return Err(Err("neither sender nor secretKey".into())),
        };
        let tx = fields.build(&post.indexes, import.spec().chain_id).map_err(Err)?;
        Ok(Recovered::new_unchecked(tx, sender))
    }
}

impl Fields {
    fn build(&self, at: &Indexes, chain_id: u64) -> Result<Transaction, String> {
        let pick = |what: &str, from: &[String], index: usize| {
            from.get(index).cloned().ok_or_else(|| format!("{what} has no entry {index}"))
        };
        let fee = |text: &Option<String>| -> Result<u128, String> {
            let fee = number::u256(text.as_deref().unwrap_or("0x0"))?;
            fee.try_into().map_err(|_| format!("the fee {fee} has more than 128 bits"))
        };
        let nonce = number::u64(&self.nonce)?;
        let gas_limit = number::u64(&pick("gasLimit", &self.gas_limit, at.gas)?)?;
        let value: U256 = number::u256(&pick("value", &self.value, at.value)?)?;
        let input: Bytes = number::bytes(&pick("data", &self.data, at.data)?)?;
        let call: Option<Address> = match self.to.trim_start_matches("0x") {
            "" => None,
            to => Some(to.parse().map_err(|error| format!("to: {error}"))?),
        };
        let to = call.map_or(TxKind::Create, TxKind::Call);
        let access_list = self.access_lists.get(at.data).cloned().flatten();
        let signature = Signature::new(U256::from(1), U256::from(1), false);
        let (max_fee_per_gas, max_priority_fee_per_gas) =
            (fee(&self.max_fee_per_gas)?, fee(&self.max_priority_fee_per_gas)?);
        if let Some(list) = &self.authorization_list {
            let to = call.ok_or("a type 4 transaction that creates")?;
            let authorization_list = list.iter().map(Signed::read).collect::<Result<_, _>>()?;
            let access_list = access_list.unwrap_or_default();
            return Ok(TxEip7702 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to,
                value,
                access_list,
                authorization_list,
                input,
            }
            .into_signed(signature)
            .into());
        }
        if let Some(hashes) = &self.blob_versioned_hashes {
            return Ok(TxEip4844 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to: call.ok_or("a type 3 transaction that creates")?,
                value,
                access_list: access_list.unwrap_or_default(),
                blob_versioned_hashes: hashes.clone(),
                max_fee_per_blob_gas: fee(&self.max_fee_per_blob_gas)?,
                input,
            }
            .into_signed(signature)
            .into());
        }
        if self.max_fee_per_gas.is_some() {
            let access_list = access_list.unwrap_or_default();
            return Ok(TxEip1559 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to,
                value,
                access_list,
                input,
            }
            .into_signed(signature)
            .into());
        }
        let gas_price = fee(&self.gas_price)?;
        Ok(match access_list {
            Some(access_list) => TxEip2930 { chain_id, nonce, gas_price, gas_limit, to, value, access_list, input }
                .into_signed(signature)
                .into(),
            None => {
                TxLegacy { chain_id: None, nonce, gas_price, gas_limit, to, value, input }.into_signed(signature).into()
            }
        })
    }
}

impl Signed {
    fn read(&self) -> Result<SignedAuthorization, String> {
        let parity = self.y_parity.or(self.v).ok_or("an authorization without parity")?;
        let parity = parity.0.try_into().map_err(|_| "an authorization's parity has more than 8 bits")?;
        let authorization = alloy_eips::eip7702::Authorization {
            chain_id: self.chain_id.0,
            address: self.address.0,
            nonce: self.nonce.0,
        };
        Ok(SignedAuthorization::new_unchecked(authorization, parity, self.r.0, self.s.0))
    }
}

/// A state in a chain that has no other blocks: fixtures agree that block n hashes to the keccak256 of n in decimal.
struct Numbered(Arc<dyn ChainState>);

impl StateView for Numbered {
    fn account(&self, address: Address) -> Result<Option<Account>, StateError> {
        self.0.account(address)
    }
    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.0.storage(address, slot)
    }
    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.0.code(hash)
    }
    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        Ok(keccak256(number.to_string()))
    }
}

impl NodeSource for Numbered {
    fn node(&self, place: &trie::Place, hash: B256) -> Result<Bytes, StateError> {
        self.0.node(place, hash)
    }
}

impl ChainState for Numbered {
    fn tree(&self) -> &trie::StateTree {
        self.0.tree()
    }
    fn header(&self, number: u64) -> Result<Bytes, StateError> {
        self.0.header(number)
    }
}
