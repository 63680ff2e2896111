//! From the bytes of a file to the cases in it: what it is, by its content, and how each case runs. Must not know where files
//! come from or what is counted.

mod blockchain;
pub mod chain;
mod engine;
mod kzg;
mod precompile;
mod ssz;
mod state;
mod transaction;

use serde::Deserialize;
use serde_json::value::RawValue;
use std::{collections::BTreeMap, fmt, path::Path};

/// A kind of case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Blocks through import.
    Blockchain,
    /// Engine payloads through import.
    Engine,
    /// One transaction through the executor.
    State,
    /// Decoding and intrinsic checks of a transaction.
    Transaction,
    /// A whole chain in one file.
    Chain,
    /// Precompiles.
    Precompile,
    /// KZG functions.
    Kzg,
    /// SSZ types.
    Ssz,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Blockchain => "blockchain",
            Self::Engine => "engine",
            Self::State => "state",
            Self::Transaction => "transaction",
            Self::Chain => "chain",
            Self::Precompile => "precompile",
            Self::Kzg => "kzg",
            Self::Ssz => "ssz",
        })
    }
}

/// Why a file holds no case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// A class of files that are no cases, by its name.
    Class(&'static str),
    /// A file that should be readable and is not: counted as a failure.
    Broken(String),
}

/// A case, ready to run.
pub struct Case<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its name within the file.
    pub name: String,
    run: Box<dyn FnOnce() -> Result<(), String> + 'a>,
}

impl fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("kind", &self.kind).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Case<'_> {
    /// Runs it; the error says what went wrong.
    pub fn run(self) -> Result<(), String> {
        (self.run)()
    }
}

/// Calls `each` with every case of a file, in the file's order.
pub fn each(path: &Path, bytes: &[u8], each: &mut dyn FnMut(Case<'_>)) -> Result<(), Unopened> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    match (extension.as_str(), first) {
        (_, None) => return Err(Unopened::Class("empty")),
        ("md" | "txt" | "html" | "rst" | "css" | "js" | "py" | "sh", _) => return Err(Unopened::Class("docs")),
        ("ini" | "toml" | "lock" | "sha256" | "meta" | "gitignore", _) => return Err(Unopened::Class("meta")),
        ("io", _) => return Err(Unopened::Class("JSON-RPC exchanges")),
        ("ssz_snappy", _) => {
            each(Case { kind: Kind::Ssz, name: String::new(), run: Box::new(|| ssz::run(path, bytes)) });
            return Ok(());
        }
        _ => {}
    }
    // RLP of a list begins with a byte above any ASCII.
    if chain::is_chain(bytes) {
        each(Case { kind: Kind::Chain, name: String::new(), run: Box::new(|| chain::run(path, bytes)) });
        return Ok(());
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        let class = Unopened::Class("binary");
        return Err(if extension == "json" { Unopened::Broken("not UTF-8".into()) } else { class });
    };
    match first {
        Some(b'{' | b'[') => json(path, &name, text, each),
        _ if matches!(extension.as_str(), "yaml" | "yml") => yaml(path, &name, text, each),
        _ if extension == "json" => Err(Unopened::Broken("not JSON".into())),
        _ => Err(Unopened::Class("other")),
    }
}

fn yaml(path: &Path, name: &str, text: &str, each: &mut dyn FnMut(Case<'_>)) -> Result<(), Unopened> {
    if matches!(name, "meta.yaml" | "value.yaml") {
        return Err(Unopened::Class("part of another case"));
    }
    let Some(case) = kzg::Case::parse(text) else { return Err(Unopened::Class("other")) };
    let folders = path.to_string_lossy();
    let Some(function) = case.function(&folders) else { return Err(Unopened::Class("other")) };
    each(Case { kind: Kind::Kzg, name: function.to_owned(), run: Box::new(move || case.run(function)) });
    Ok(())
}

/// The fields that tell the kinds of tests apart.
#[derive(Deserialize)]
struct Probe<'a> {
    #[serde(borrow)]
    blocks: Option<&'a RawValue>,
    #[serde(borrow, rename = "engineNewPayloads")]
    payloads: Option<&'a RawValue>,
    #[serde(borrow)]
    post: Option<&'a RawValue>,
    #[serde(borrow)]
    transaction: Option<&'a RawValue>,
    #[serde(borrow)]
    txbytes: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow, rename = "preHash")]
    shared: Option<&'a RawValue>,
}

fn json(path: &Path, name: &str, text: &str, each: &mut dyn FnMut(Case<'_>)) -> Result<(), Unopened> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    if chain::BESIDE.contains(&name) && path.with_file_name("chain.rlp").exists() {
        return Err(Unopened::Class("part of another case"));
    }
    let entries: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_str(text);
    let Ok(entries) = entries else {
        let error = entries.err().map(|error| error.to_string()).unwrap_or_default();
        return precompiles(&stem, text, each).unwrap_or(Err(Unopened::Broken(error)));
    };
    if entries.contains_key("func") && entries.contains_key("data") {
        return precompiles(&stem, text, each).unwrap_or(Err(Unopened::Class("unknown JSON")));
    }
    if entries.contains_key("openrpc") {
        return Err(Unopened::Class("docs"));
    }
    let mut found = false;
    for (name, raw) in &entries {
        let raw = raw.get();
        let Ok(probe) = serde_json::from_str::<Probe<'_>>(raw) else { continue };
        found |= test(name, raw, &probe, each);
    }
    if found { Ok(()) } else { Err(Unopened::Class("unknown JSON")) }
}

fn test(name: &str, raw: &str, probe: &Probe<'_>, each: &mut dyn FnMut(Case<'_>)) -> bool {
    // A test that does not parse is one failed case.
    let broken = |kind, error: String, each: &mut dyn FnMut(Case<'_>)| {
        each(Case { kind, name: name.to_owned(), run: Box::new(|| Err(error)) });
    };
    if probe.payloads.is_some() && probe.shared.is_none() {
        each(Case { kind: Kind::Engine, name: name.to_owned(), run: Box::new(|| engine::run(raw)) });
    } else if probe.blocks.is_some() {
        each(Case { kind: Kind::Blockchain, name: name.to_owned(), run: Box::new(|| blockchain::run(raw)) });
    } else if probe.post.is_some() && probe.transaction.is_some() {
        match state::Test::parse(raw) {
            Err(error) => broken(Kind::State, error, each),
            Ok(test) => {
                for (fork, index) in test.cases() {
                    let name = format!("{name} {fork}/{index}");
                    each(Case {
                        kind: Kind::State,
                        name,
                        run: Box::new({
                            let test = &test;
                            move || test.run(fork, index)
                        }),
                    });
                }
            }
        }
    } else if probe.txbytes.is_some() && probe.result.is_some() {
        match transaction::Test::parse(raw) {
            Err(error) => broken(Kind::Transaction, error, each),
            Ok(test) => {
                for fork in test.forks() {
                    let name = format!("{name} {fork}");
                    each(Case {
                        kind: Kind::Transaction,
                        name,
                        run: Box::new({
                            let test = &test;
                            move || test.run(fork)
                        }),
                    });
                }
            }
        }
    } else {
        return false;
    }
    true
}

fn precompiles(stem: &str, text: &str, each: &mut dyn FnMut(Case<'_>)) -> Option<Result<(), Unopened>> {
    let cases = match precompile::Cases::parse(text, stem)? {
        Ok(cases) => cases,
        Err(error) => return Some(Err(Unopened::Broken(error))),
    };
    for (index, name) in cases.names().enumerate() {
        each(Case {
            kind: Kind::Precompile,
            name,
            run: Box::new({
                let cases = &cases;
                move || cases.run(index)
            }),
        });
    }
    Some(Ok(()))
}

#[cfg(test)]
mod tests;
