//! What L1 recorded about our rollup, as the engine reads it. Decoding logs is the caller's.

use crate::BlockRef;
use alloy_primitives::B256;
use bridge::{landed::Landed, message::Message};

/// An L1 block, named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct L1Ref {
    /// L1 block number.
    pub number: u64,
    /// L1 block hash.
    pub hash: B256,
}

/// One `BlockLanded` event of Hub, and where on L1 it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    /// What Hub recorded: with the payload data of the blobs every input of the L2 header.
    pub block: Landed,
    /// The L1 block it landed in.
    pub l1: L1Ref,
    /// Timestamp of that L1 block, seconds: it tells the beacon slot of the blobs.
    pub l1_timestamp: u64,
    /// The transaction that landed it.
    pub l1_transaction: B256,
    /// Index of the event in the L1 block.
    pub l1_log_index: u64,
}

impl Landing {
    /// The L2 block.
    pub const fn block_ref(&self) -> BlockRef {
        BlockRef { number: self.block.number, hash: self.block.hash }
    }
}

/// One message into the rollup, in the order of the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxEntry {
    /// The message.
    pub message: Message,
    /// Rolling hash of the inbox including this message.
    pub inbox_hash: B256,
}

/// One canonical L1 block, with what it did to our rollup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct L1Block {
    /// Its number and hash.
    pub at: L1Ref,
    /// Its parent's hash.
    pub parent_hash: B256,
    /// Its timestamp, seconds.
    pub timestamp: u64,
    /// L2 blocks that landed in it, in log order.
    pub landings: Vec<Landing>,
    /// Messages sent to the rollup in it, in log order.
    pub messages: Vec<InboxEntry>,
}
