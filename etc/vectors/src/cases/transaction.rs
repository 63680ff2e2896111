//! Transaction tests: bytes, and for each fork either hash, sender and intrinsic gas, or the reason for which they are refused.
//! Everything that does not depend on a state is checked by running the transaction where its sender can pay anything.

mod wide;

use crate::{
    import::{self, Import},
    network::{self, Config},
    number::{Hash, Num, Place},
    refusal::{Expected, Refusal},
};
use alloy_consensus::{Header, Transaction as _, transaction::Recovered};
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, B256, U256, hex};
use alloy_rlp::EMPTY_LIST_CODE;
use chainspec::ChainSpec;
use execution::{Transaction, executor::run_alone};
use revm::context_interface::cfg::gas::calculate_initial_tx_gas;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A parsed test; one case for each fork.
#[derive(Deserialize)]
pub(super) struct Test {
    txbytes: String,
    result: BTreeMap<String, Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    hash: Option<Hash>,
    sender: Option<Place>,
    #[serde(rename = "intrinsicGas")]
    intrinsic_gas: Option<Num>,
    exception: Option<String>,
}

impl Test {
    pub(super) fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    /// The fork of each case.
    pub(super) fn forks(&self) -> impl Iterator<Item = &str> {
        self.result.keys().map(String::as_str)
    }

    /// Runs one case.
    pub(super) fn run(&self, fork: &str) -> Result<(), String> {
        let outcome = &self.result[fork];
        match (self.check(fork, outcome), &outcome.exception) {
            (Ok(()), Some(name)) => Err(format!("accepted, expected {name}")),
            (Ok(()), None) => Ok(()),
            (Err(Err(fault)), _) => Err(fault),
            (Err(Ok(refusal)), Some(name)) => Expected(name.clone()).check(&refusal),
            (Err(Ok(refusal)), None) => Err(format!("refused: {refusal}")),
        }
    }

    fn check(&self, fork: &str, outcome: &Outcome) -> Result<(), Result<Refusal, String>> {
        // An odd number of digits is how some fixtures spell bytes that end in the middle.
        let bytes =
            hex::decode(&self.txbytes).map_err(|_| Ok(Refusal::TransactionRlp(alloy_rlp::Error::InputTooShort)))?;
        let config = network::config(fork, &Config::default()).map_err(Err)?;
        let plain = Import::new(Genesis { config: config.clone(), ..Default::default() }).map_err(Err)?;
        let active = |kind: u8| kind >= EMPTY_LIST_CODE || is_active(plain.spec(), kind);
        let tx = match (import::transaction(&bytes), bytes.first()) {
            (Ok(tx), _) => tx,
            (Err(Refusal::TransactionRlp(error)), Some(&kind)) if !active(kind) => {
                return Err(Ok(Refusal::TransactionType { kind, error: Some(error) }));
            }
            (Err(refusal), _) => {
                return match wide::decode(&bytes) {
                    Some(tx) => tx.check(&plain, outcome),
                    None => Err(Ok(refusal)),
                };
            }
        };
        let sender = import::sender(plain.spec(), 1, 0, &tx).map_err(Ok)?;
        let account = GenesisAccount { nonce: Some(tx.nonce()), balance: U256::MAX, ..Default::default() };
        let alloc = [(sender, account)].into();
        let import = Import::new(Genesis { config, alloc, ..Default::default() }).map_err(Err)?;
        let genesis = import.spec().genesis_header();
        let header = Header {
            number: 1,
            timestamp: 1,
            gas_limit: u64::MAX,
            base_fee_per_gas: genesis.base_fee_per_gas.map(|_| 0),
            excess_blob_gas: genesis.excess_blob_gas,
            slot_number: genesis.slot_number,
            ..Default::default()
        };
        let intrinsic = intrinsic(&import, &header, &tx);
        let recovered = Recovered::new_unchecked(tx.clone(), sender);
        let state = import.chain().state_at_head();
        run_alone(import.spec(), &header, &recovered, &state)
            .map_err(|error| if error.is_internal() { Err(error.to_string()) } else { Ok(Refusal::Block(error)) })?;
        outcome.compare(*tx.tx_hash(), sender, intrinsic).map_err(Err)
    }
}

impl Outcome {
    /// Compares what a valid transaction comes to.
    fn compare(&self, hash: B256, sender: Address, intrinsic: u64) -> Result<(), String> {
        if let Some(expected) = self.hash.filter(|expected| expected.0 != hash) {
            return Err(format!("the hash is {hash}, expected {}", expected.0));
        }
        if let Some(expected) = self.sender.filter(|expected| expected.0 != sender) {
            return Err(format!("the sender is {sender}, expected {}", expected.0));
        }
        match self.intrinsic_gas {
            Some(gas) if self.exception.is_none() && gas.0 != intrinsic => {
                Err(format!("the intrinsic gas is {intrinsic}, expected {}", gas.0))
            }
            _ => Ok(()),
        }
    }
}

/// Whether there are transactions of type `kind` at the start of a chain.
fn is_active(spec: &ChainSpec, kind: u8) -> bool {
    match kind {
        1 => spec.is_berlin_active_at_block(0),
        2 => spec.is_london_active_at_block(0),
        3 => spec.is_cancun_active_at_timestamp(0),
        4 => spec.is_prague_active_at_timestamp(0),
        _ => false,
    }
}

/// Gas that the transaction takes before its first instruction, by the rules of the EVM that the executor uses.
fn intrinsic(import: &Import, header: &Header, tx: &Transaction) -> u64 {
    let (addresses, slots) = tx
        .access_list()
        .map_or((0, 0), |list| (list.len() as u64, list.iter().map(|item| item.storage_keys.len() as u64).sum()));
    let authorizations = tx.authorization_list().map_or(0, |list| list.len() as u64);
    let spec = alloy_evm::spec_by_timestamp_and_block_number(&**import.spec(), header.timestamp, header.number);
    calculate_initial_tx_gas(spec, tx.input(), tx.is_create(), addresses, slots, authorizations, None)
        .initial_total_gas()
}
