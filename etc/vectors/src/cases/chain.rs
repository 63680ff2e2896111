//! A whole chain: `chain.rlp`, blocks one after the other, with the `genesis.json` beside it; the last block is the head, and
//! the one that `headfcu.json` names, where there is such a file.

use crate::{import::Import, limits};
use alloy_genesis::Genesis;
use alloy_primitives::B256;
use alloy_rlp::Header;
use serde::Deserialize;
use std::path::Path;
use storage::Chain;

#[derive(Deserialize)]
struct Call {
    params: (Option<Choice>, serde::de::IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Choice {
    head_block_hash: B256,
}

/// Files beside a chain that belong to it.
pub(super) const BESIDE: [&str; 3] = ["genesis.json", "headfcu.json", "forkenv.json"];

/// Whether bytes begin as a list of at least a header, transactions and ommers.
pub(super) fn is_chain(mut bytes: &[u8]) -> bool {
    let Ok(Header { list: true, payload_length }) = Header::decode(&mut bytes) else { return false };
    payload_length <= bytes.len() && matches!(Header::decode(&mut bytes), Ok(Header { list: true, .. }))
}

/// Imports all blocks of the file.
pub(super) fn run(path: &Path, bytes: &[u8]) -> Result<(), String> {
    import(path, bytes).map(drop)
}

/// The chain in memory that the file at `path`, with these bytes, makes.
///
/// # Errors
/// The first block that is refused or does not decode, a genesis that is none, or a head that is not the one that `headfcu.json` names.
pub fn import(path: &Path, bytes: &[u8]) -> Result<Chain, String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let genesis = limits::read_text(&folder.join("genesis.json")).map_err(|error| format!("genesis.json: {error}"))?;
    let genesis: Genesis = serde_json::from_str(&genesis).map_err(|error| format!("genesis.json: {error}"))?;
    let mut import = Import::new(genesis)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let number = import.chain().head().number + 1;
        let mut body = rest;
        let header = Header::decode(&mut body).map_err(|error| format!("block {number}: {error}"))?;
        if header.payload_length > body.len() {
            return Err(format!("block {number} is cut off"));
        }
        let len = rest.len() - body.len() + header.payload_length;
        let (block, after) = rest.split_at(len);
        match import.rlp(block, None) {
            Ok(_) => {}
            Err(Ok(refusal)) => return Err(format!("block {number} is refused: {refusal}")),
            Err(Err(fault)) => return Err(format!("block {number}: fault: {fault}")),
        }
        rest = after;
    }
    let Ok(call) = limits::read_text(&folder.join("headfcu.json")) else { return Ok(import.chain().clone()) };
    let call: Call = serde_json::from_str(&call).map_err(|error| format!("headfcu.json: {error}"))?;
    let expected = call.params.0.ok_or("headfcu.json: no parameters")?.head_block_hash;
    let head = import.chain().head();
    if head.hash() == expected {
        return Ok(import.chain().clone());
    }
    Err(format!("the head is {} ({}), headfcu.json has {expected}", head.hash(), head.number))
}
