//! A modelled L1 with a beacon chain, as nodes see it: JSON-RPC and beacon requests go in, values come out.
//!
//! ```text
//!  nodes ─► request, beacon ─► endpoint (may lag, lie, be silent) ─► the chain as that endpoint sees it
//!  world ─► mine, reorg, switch_to, stop_finality, deposit, set_faults ─► blocks, receipts, Hub, mempool
//! ```
//! Headers, receipts, roots, blooms, events and calldata are the real formats; Hub's rules are modelled in Rust,
//! blobs are bound through [`Binding`]. Time is the caller's: a block is made when [`L1::mine`] is called for its slot, and
//! a slot without a call is a missed one. Everything follows from the seed and the calls.

mod answers;
mod beacon;
mod binding;
mod block;
mod control;
mod faults;
mod hub;
mod ledger;
mod pool;
mod rpc;
mod submit;
#[cfg(test)]
mod tests;
mod truth;
mod users;
mod world;

pub use beacon::{Reply, SLOTS_PER_EPOCH, proposer};
pub use binding::{Binding, Keccak};
pub use control::{ControlError, Losses, Mine, Reorg};
pub use faults::{BlobFault, EndpointId, Faults, Sight};
pub use rpc::{JsonRpcError, Unanswered};
pub use truth::{LandedState, Offer};
pub use users::{Deposit, Registration};

use crate::seed::Seed;
use alloy_consensus::Header;
use alloy_eips::BlockNumHash;
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolEvent;
use bridge::{abi::Hub as abi, landed::Landed, message::Message};
use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Arc};
use world::World;

/// Which landings EXECUTE runs for; for the others it is believed that the block is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// None: the block's hash and the rollup rules are checked all the same.
    Never,
    /// So many of a hundred, by the seed.
    Sampled {
        /// 0 to 100.
        percent: u64,
    },
    /// All.
    Always,
}

/// What an L1 starts from.
#[derive(Clone, Debug)]
pub struct Config {
    /// EIP-155 id.
    pub chain_id: u64,
    /// Where Hub is.
    pub hub: Address,
    /// Other addresses that have code: verifier and schedule, say.
    pub contracts: Vec<Address>,
    /// Time of slot 0, seconds.
    pub genesis_time: u64,
    /// Length of a slot, seconds.
    pub slot_s: u64,
    /// Gas limit of every block.
    pub gas_limit: u64,
    /// Base fee of the genesis, wei.
    pub base_fee: u64,
    /// A block is final when the head is so many slots above it.
    pub finality_slots: u64,
    /// A block is `safe` when the head is so many blocks above it.
    pub safe_blocks: u64,
    /// Beacon endpoints serve blobs for so many slots.
    pub blob_retention_slots: u64,
    /// Validators, whose duties go round by a hash of the slot ([`proposer`]).
    pub validators: u64,
    /// Who owns what, wei.
    pub balances: BTreeMap<Address, U256>,
    /// Which landings are executed.
    pub execution: Execution,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            chain_id: 3_151_908,
            hub: Address::repeat_byte(0x48),
            contracts: vec![Address::repeat_byte(0x56), Address::repeat_byte(0x53)],
            genesis_time: 1_800_000_000,
            slot_s: 12,
            gas_limit: 60_000_000,
            base_fee: 1_000_000_000,
            finality_slots: 64,
            safe_blocks: 32,
            blob_retention_slots: 131_072,
            validators: 8,
            balances: BTreeMap::new(),
            execution: Execution::Always,
        }
    }
}

/// The L1. Cheap to clone; all clones are one chain.
#[derive(Clone)]
pub struct L1(Arc<Mutex<World>>);

impl std::fmt::Debug for L1 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "L1({:?})", self.head())
    }
}

/// A block that landed, and in which L1 block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandedAt {
    /// Hub's event.
    pub landed: Landed,
    /// The L1 block.
    pub l1: BlockNumHash,
}

impl L1 {
    /// A chain that is its genesis, at slot 0.
    pub fn new(seed: Seed, config: Config, binding: Arc<dyn Binding>) -> Self {
        Self(Arc::new(Mutex::new(World::new(config, binding, seed.stream("l1")))))
    }

    /// The canonical head.
    pub fn head(&self) -> BlockNumHash {
        let world = self.0.lock();
        BlockNumHash { number: world.head().number(), hash: world.head().hash }
    }

    /// Slot of the canonical head.
    pub fn head_slot(&self) -> u64 {
        self.0.lock().head().slot
    }

    /// The highest final block.
    pub fn finalised(&self) -> BlockNumHash {
        let world = self.0.lock();
        let block = world.ancestor(world.head(), world.finalised).expect("final blocks are canonical");
        BlockNumHash { number: block.number(), hash: block.hash }
    }

    /// The canonical header at `number`.
    pub fn header(&self, number: u64) -> Option<Header> {
        let world = self.0.lock();
        world.ancestor(world.head(), number).map(|block| block.header.clone())
    }

    /// Start of a slot, seconds since 1970.
    pub fn timestamp(&self, slot: u64) -> u64 {
        self.0.lock().timestamp(slot)
    }

    /// What Hub holds for a rollup at the canonical head: the truth that nodes are compared with.
    pub fn rollup(&self, chain_id: u64) -> Option<abi::RollupState> {
        self.0.lock().head().after.hub.rollup(chain_id)
    }

    /// Wei of an account at the canonical head.
    pub fn balance(&self, address: Address) -> U256 {
        self.0.lock().head().after.account(address).balance
    }

    /// Every landing of a rollup on the canonical chain, ascending.
    pub fn landings(&self, chain_id: u64) -> Vec<LandedAt> {
        let of =
            |l1, event: abi::BlockLanded| (event.chainId == chain_id).then(|| LandedAt { landed: event.into(), l1 });
        self.events(of)
    }

    /// Every message into a rollup on the canonical chain, ascending.
    pub fn messages(&self, chain_id: u64) -> Vec<Message> {
        self.events(|_, event: abi::MessageSent| (event.dstChainId == chain_id).then(|| event.message.into()))
    }

    fn events<E: SolEvent, T>(&self, read: impl Fn(BlockNumHash, E) -> Option<T>) -> Vec<T> {
        let world = self.0.lock();
        let blocks = (0..=world.head().number()).filter_map(|number| world.ancestor(world.head(), number));
        let mut found = Vec::new();
        for block in blocks {
            let at = BlockNumHash { number: block.number(), hash: block.hash };
            let logs = block.included.iter().flat_map(|included| included.receipt.logs());
            let events = logs.filter(|log| log.address == world.config.hub).filter_map(|log| E::decode_log(log).ok());
            found.extend(events.filter_map(|event| read(at, event.data)));
        }
        found
    }

    /// How many transactions failed on the canonical chain, and of how many.
    pub fn reverted(&self) -> (usize, usize) {
        let world = self.0.lock();
        let blocks = (0..=world.head().number()).filter_map(|number| world.ancestor(world.head(), number));
        let statuses: Vec<bool> =
            blocks.flat_map(|block| &block.included).map(|included| included.receipt.status()).collect();
        (statuses.iter().filter(|status| !**status).count(), statuses.len())
    }
}

/// Where the tips of a slot's block go.
fn proposer_address(slot: u64) -> Address {
    Address::from_word(keccak256([&b"basalt.sim.fee_recipient."[..], &slot.to_be_bytes()].concat()))
}

/// A hash that names a block's parent on the beacon chain, for the answers that need one.
fn root_of(slot: u64, hash: B256) -> B256 {
    keccak256([&slot.to_be_bytes(), hash.as_slice()].concat())
}
