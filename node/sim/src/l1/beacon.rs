//! The beacon API, as far as a node asks: genesis, spec, blobs by slot and hash, proposer duties
//! (<https://ethereum.github.io/beacon-APIs>).

use super::{
    L1,
    block::Block,
    faults::{BlobFault, EndpointId, Faults, strikes},
    root_of,
    world::World,
};
use alloy_eips::eip4844::Blob;
use alloy_primitives::{B256, FixedBytes, keccak256};
use serde_json::{Value, json};
use std::sync::Arc;

/// Slots of an epoch, as on mainnet.
pub const SLOTS_PER_EPOCH: u64 = 32;

/// Who of `validators` proposes in `slot`: a pure function, so that the world can tell whose slot it is.
pub fn proposer(slot: u64, validators: u64) -> u64 {
    let hash = keccak256([&b"basalt.sim.proposer."[..], &slot.to_be_bytes()].concat());
    u64::from_be_bytes(*hash.first_chunk().expect("32 bytes")) % validators.max(1)
}

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: Vec<u8>,
}

impl Reply {
    fn ok(value: &Value) -> Self {
        Self { status: 200, body: value.to_string().into_bytes() }
    }

    fn failed(status: u16, message: &str) -> Self {
        Self { status, body: json!({ "code": status, "message": message }).to_string().into_bytes() }
    }
}

impl L1 {
    /// `GET path_and_query` at an endpoint, with or without a slash in front; `None` when there is no answer. A request
    /// that goes unanswered should time out in virtual time, which is the caller's.
    pub fn beacon(&self, endpoint: EndpointId, path_and_query: &str) -> Option<Reply> {
        let world = &mut *self.0.lock();
        let faults = world.endpoints[endpoint.0].clone();
        if strikes(faults.silent_percent, &mut world.rng) {
            return None;
        }
        if strikes(faults.error_percent, &mut world.rng) {
            return Some(Reply::failed(500, "Internal error"));
        }
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        Some(match parts.as_slice() {
            ["eth", "v1", "beacon", "genesis"] => Reply::ok(&genesis(world)),
            ["eth", "v1", "config", "spec"] => Reply::ok(&spec(world)),
            ["eth", "v1", "beacon", "blobs", id] => blobs(world, &faults, id, query),
            ["eth", "v1", "validator", "duties", "proposer", epoch] => duties(world, &faults, epoch),
            _ => Reply::failed(404, "Not found"),
        })
    }
}

fn genesis(world: &World) -> Value {
    json!({ "data": {
        "genesis_time": world.config.genesis_time.to_string(),
        "genesis_validators_root": keccak256("basalt.sim.validators"),
        "genesis_fork_version": "0x00000000",
    }})
}

fn spec(world: &World) -> Value {
    json!({ "data": {
        "CONFIG_NAME": "basalt-sim",
        "PRESET_BASE": "mainnet",
        "SECONDS_PER_SLOT": world.config.slot_s.to_string(),
        "SLOT_DURATION_MS": (world.config.slot_s * 1_000).to_string(),
        "SLOTS_PER_EPOCH": SLOTS_PER_EPOCH.to_string(),
        "DEPOSIT_CHAIN_ID": world.config.chain_id.to_string(),
        "FIELD_ELEMENTS_PER_BLOB": "4096",
    }})
}

fn blobs(world: &mut World, faults: &Faults, id: &str, query: &str) -> Reply {
    let head = faults.head(world);
    let block = match id {
        "head" => Some(head.clone()),
        _ => match id.parse::<u64>() {
            Ok(slot) => at_slot(world, &head, slot),
            Err(_) => return Reply::failed(400, "Invalid block ID"),
        },
    };
    let Ok(only) = versioned_hashes(query) else { return Reply::failed(400, "Invalid versioned hash") };
    let Some(block) = block else { return Reply::failed(404, "Block not found") };
    let fault = if strikes(faults.blobs_percent, &mut world.rng) { faults.blobs } else { BlobFault::None };
    let age = world.head().slot.saturating_sub(block.slot);
    let is_withheld = match fault {
        BlobFault::Missing => true,
        BlobFault::Late { slots } => age < slots,
        _ => age > world.config.blob_retention_slots,
    };
    if is_withheld {
        return Reply::failed(404, "Block not found");
    }
    let mut found: Vec<Blob> = Vec::new();
    for sidecar in block.included.iter().filter_map(|included| included.sent.sidecar.as_ref()) {
        let hashes = sidecar.versioned_hashes();
        let wanted = |hash: &B256| only.as_ref().is_none_or(|only| only.contains(hash));
        found.extend(sidecar.blobs.iter().zip(hashes).filter(|(_, hash)| wanted(hash)).map(|(blob, _)| *blob));
    }
    match fault {
        BlobFault::Wrong => found.iter_mut().for_each(|blob| blob[31] ^= 1),
        BlobFault::NoField => found.iter_mut().for_each(|blob| blob[..32].fill(0xff)),
        BlobFault::Fewer => {
            found.pop();
        }
        BlobFault::None | BlobFault::Missing | BlobFault::Late { .. } => {}
    }
    let is_final = block.number() <= world.finalised;
    Reply::ok(&json!({ "execution_optimistic": false, "finalized": is_final, "data": found }))
}

/// The block of `slot` on the chain that ends with `head`.
fn at_slot(world: &World, head: &Arc<Block>, slot: u64) -> Option<Arc<Block>> {
    let (mut low, mut high) = (0, head.number());
    while low < high {
        let middle = low + (high - low) / 2;
        if world.ancestor(head, middle)?.slot < slot { low = middle + 1 } else { high = middle }
    }
    world.ancestor(head, low).filter(|block| block.slot == slot).cloned()
}

/// `versioned_hashes=a,b` or repeated; `None` without the parameter.
fn versioned_hashes(query: &str) -> Result<Option<Vec<B256>>, alloy_primitives::hex::FromHexError> {
    let mut hashes: Option<Vec<B256>> = None;
    for (_, value) in query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(n, _)| *n == "versioned_hashes")
    {
        let list = hashes.get_or_insert_default();
        for text in value.replace("%2C", ",").split(',').filter(|text| !text.is_empty()) {
            list.push(text.parse()?);
        }
    }
    Ok(hashes)
}

fn duties(world: &World, faults: &Faults, epoch: &str) -> Reply {
    let Ok(epoch) = epoch.parse::<u64>() else { return Reply::failed(400, "Invalid epoch") };
    let head = faults.head(world);
    if epoch > head.slot / SLOTS_PER_EPOCH + 1 {
        return Reply::failed(400, "Epoch is beyond the lookahead");
    }
    let duty = |slot: u64| {
        let index = proposer(slot, world.config.validators);
        let mut pubkey = FixedBytes::<48>::ZERO;
        pubkey[..8].copy_from_slice(&index.to_be_bytes());
        json!({ "pubkey": pubkey, "validator_index": index.to_string(), "slot": slot.to_string() })
    };
    let first = epoch * SLOTS_PER_EPOCH;
    let data: Vec<Value> = (first..first + SLOTS_PER_EPOCH).map(duty).collect();
    let dependent = root_of(epoch, world.config.hub.into_word());
    Reply::ok(&json!({ "execution_optimistic": false, "dependent_root": dependent, "data": data }))
}
