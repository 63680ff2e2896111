//! Precompile cases: input and output (or error), and the gas, of one precompile under one fork. geth's files are lists whose
//! name says which precompile they are of; nimbus wraps the same lists together with function and fork.

use crate::network::{self, Config};
use alloy_consensus::Header;
use alloy_genesis::Genesis;
use alloy_primitives::{Address, Bytes, hex};
use chainspec::{ChainSpec, Layer};
use execution::precompile;
use serde::Deserialize;

/// What one precompile is called with; more than any of them costs.
const GAS: u64 = 1 << 40;

/// Precompiles by the beginning of their name in lower case (of the function, or of geth's file), the longest first where one name
/// begins another: address and the first fork that has it.
const NAMES: &[(&str, u16, &str)] = &[
    ("ecrecover", 1, "Frontier"),
    ("sha256", 2, "Frontier"),
    ("ripemd", 3, "Frontier"),
    ("identity", 4, "Frontier"),
    ("datacopy", 4, "Frontier"),
    ("modexp", 5, "Byzantium"),
    ("bn256add", 6, "Byzantium"),
    ("bn256mul", 7, "Byzantium"),
    ("bn256scalarmul", 7, "Byzantium"),
    ("bn256pairing", 8, "Byzantium"),
    ("ecpairing", 8, "Byzantium"),
    ("pairing", 8, "Byzantium"),
    ("blake2", 9, "Istanbul"),
    ("pointevaluation", 10, "Cancun"),
    ("kzgpointevaluation", 10, "Cancun"),
    ("blsg1add", 11, "Prague"),
    ("blsg1multiexp", 12, "Prague"),
    ("blsg1msm", 12, "Prague"),
    ("blsg1mul", 12, "Prague"),
    ("blsg2add", 13, "Prague"),
    ("blsg2multiexp", 14, "Prague"),
    ("blsg2msm", 14, "Prague"),
    ("blsg2mul", 14, "Prague"),
    ("blspairing", 15, "Prague"),
    ("blsmapg1", 16, "Prague"),
    ("blsmapg2", 17, "Prague"),
    ("p256verify", 256, "Osaka"),
];

/// A file of cases.
pub(super) struct Cases {
    address: Address,
    fork: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Case {
    input: String,
    #[serde(default)]
    expected: Option<String>,
    #[serde(default)]
    expected_error: Option<String>,
    #[serde(default)]
    gas: Option<u64>,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Wrapped {
    func: String,
    fork: String,
    data: Vec<Case>,
}

impl Cases {
    /// Reads a file, whose stem is `stem`. `None` when it is of another kind; an error when it is of this one, but not whole.
    pub(super) fn parse(json: &str, stem: &str) -> Option<Result<Self, String>> {
        // nimbus leaves a comma at the end of a list, which JSON forbids and YAML, which contains JSON, allows.
        let lenient = || serde_yaml_ng::from_str(json);
        let (function, fork, cases) = if json.trim_start().starts_with('[') {
            let cases: Vec<Case> = serde_json::from_str(json).ok()?;
            (stem.to_owned(), None, cases)
        } else {
            let Wrapped { func, fork, data } = serde_json::from_str(json).or_else(|_| lenient()).ok()?;
            (func, Some(fork), data)
        };
        Some(Self::of(&function, stem, fork.as_deref(), cases))
    }

    fn of(function: &str, stem: &str, fork: Option<&str>, cases: Vec<Case>) -> Result<Self, String> {
        let lower = function.to_lowercase();
        let plain = lower.trim_start_matches("fail-").replace(['_', '-'], "");
        let (_, number, first) = NAMES
            .iter()
            .filter(|(name, ..)| plain.starts_with(name))
            .max_by_key(|(name, ..)| name.len())
            .ok_or_else(|| format!("the precompile {function:?} is unknown"))?;
        let fork = match fork {
            Some(fork) => capitals(fork).ok_or_else(|| format!("the fork {fork:?} is unknown"))?,
            None => repriced(*number, stem).unwrap_or(first).to_owned(),
        };
        let address = Address::left_padding_from(&number.to_be_bytes());
        Ok(Self { address, fork, cases })
    }

    /// Names of the cases.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.cases.iter().enumerate().map(|(index, case)| match &case.name {
            Some(name) => format!("{index} {name}"),
            None => index.to_string(),
        })
    }

    /// Runs one case.
    pub(super) fn run(&self, index: usize) -> Result<(), String> {
        let case = &self.cases[index];
        let config = network::config(&self.fork, &Config::default())?;
        let genesis = Genesis { config, gas_limit: GAS, ..Default::default() };
        let spec = ChainSpec::from_genesis(genesis, Layer::L1 { execute: false }).map_err(|error| error.to_string())?;
        let header = Header { number: 1, timestamp: 1, ..spec.genesis_header().clone() };
        let input = decode(&case.input)?;
        let run = |gas| {
            precompile::call(&spec, &header, self.address, &input, gas)
                .ok_or_else(|| format!("{} has no precompile at {}", self.fork, self.address))
        };
        let output = match (run(GAS)?, &case.expected_error) {
            (Err(error), _) => return Err(format!("fault: {error:?}")),
            (Ok(output), Some(_)) if output.is_success() => {
                return Err(format!("{} came out of an invalid input", hex::encode_prefixed(&output.bytes)));
            }
            (Ok(_), Some(_)) => return Ok(()),
            (Ok(output), None) if !output.is_success() => return Err(format!("refused: {:?}", output.status)),
            (Ok(output), None) => output,
        };
        let expected = decode(case.expected.as_deref().unwrap_or_default())?;
        if output.bytes != expected {
            let (found, expected) = (hex::encode_prefixed(&output.bytes), hex::encode_prefixed(&expected));
            return Err(format!("{found} came out, expected {expected}"));
        }
        let Some(gas) = case.gas else { return Ok(()) };
        if output.gas_used != gas {
            return Err(format!("it costs {}, expected {gas}", output.gas_used));
        }
        // With one gas less it has to fail.
        match gas.checked_sub(1).map(run).transpose()? {
            Some(Ok(output)) if output.is_success() => Err(format!("it also succeeds with {} gas", gas - 1)),
            Some(Err(error)) => Err(format!("fault: {error:?}")),
            _ => Ok(()),
        }
    }
}

/// The fork whose prices a file of geth's has, where its name says so.
fn repriced(number: u16, stem: &str) -> Option<&'static str> {
    let lower = stem.to_lowercase();
    match number {
        5 if lower.contains("7883") || lower.contains("osaka") => Some("Osaka"),
        5 if lower.contains("2565") => Some("Berlin"),
        // geth's tests of the curve at 6 to 8 have the prices of EIP-1108.
        6..=8 => Some("Istanbul"),
        _ => None,
    }
}

/// A fork as networks are called, whatever its capitals.
fn capitals(fork: &str) -> Option<String> {
    let mut chars = fork.chars();
    let first = chars.next()?;
    let name = format!("{}{}", first.to_uppercase(), chars.as_str());
    network::is_fork(&name).then_some(name)
}

fn decode(text: &str) -> Result<Bytes, String> {
    hex::decode(text).map(Bytes::from).map_err(|error| error.to_string())
}
