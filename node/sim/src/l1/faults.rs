//! What an endpoint may get wrong. Shares are of a hundred answers, each decided by the seed.

use super::{block::Block, world::World};
use crate::seed::Rng;
use alloy_primitives::B256;
use std::sync::Arc;

/// One execution and beacon endpoint of the L1, as [`super::L1::endpoint`] gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId(pub(super) usize);

/// Which chain an endpoint sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sight {
    /// The canonical one.
    #[default]
    Canonical,
    /// The canonical one, so many blocks late.
    Behind {
        /// Blocks.
        blocks: u64,
    },
    /// The one that ends with this block: stuck, or on another branch. Unknown blocks are the canonical chain.
    EndsAt(B256),
}

/// What is wrong with blobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BlobFault {
    /// Nothing.
    #[default]
    None,
    /// 404, as for a slot that nobody knows.
    Missing,
    /// They come so many slots after their block.
    Late {
        /// Slots.
        slots: u64,
    },
    /// One bit of each is another one.
    Wrong,
    /// The last one is left out.
    Fewer,
    /// Their first element is no field element.
    NoField,
}

/// What is wrong with an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// What it sees.
    pub sight: Sight,
    /// No answer at all. A transaction may have been taken nevertheless.
    pub silent_percent: u64,
    /// An error of the endpoint's own.
    pub error_percent: u64,
    /// A header that is not the one that hashes to its hash.
    pub header_percent: u64,
    /// Receipts that the block does not have.
    pub receipts_percent: u64,
    /// Logs that are missing, orphaned or altered.
    pub logs_percent: u64,
    /// Answers `null` where there is something.
    pub forgets_percent: u64,
    /// It gives no transaction by its hash: pruned, or too little of a node.
    pub hides_inputs: bool,
    /// Transactions that it takes and passes on to nobody.
    pub swallow_percent: u64,
    /// What is wrong with its blobs.
    pub blobs: BlobFault,
    /// How often.
    pub blobs_percent: u64,
}

/// Whether a fault with this share strikes now.
pub(super) fn strikes(percent: u64, rng: &mut Rng) -> bool {
    percent > 0 && rng.chance(percent.min(100), 100)
}

impl Faults {
    /// The head as the endpoint sees it.
    pub(super) fn head(&self, world: &World) -> Arc<Block> {
        let canonical = world.head();
        let seen = match self.sight {
            Sight::Canonical => Some(canonical),
            Sight::Behind { blocks } => world.ancestor(canonical, canonical.number().saturating_sub(blocks)),
            Sight::EndsAt(hash) => world.block(hash),
        };
        seen.unwrap_or(canonical).clone()
    }
}
