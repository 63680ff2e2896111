//! The three heads of DESIGN §2, each its own type: none converts into another, so none can be compared with itself
//! through two caches.

use alloy_primitives::B256;

/// An L2 block, named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockRef {
    /// L2 block number.
    pub number: u64,
    /// L2 block hash.
    pub hash: B256,
}

/// Highest block executed here: `latest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied(pub BlockRef);

/// Highest block that Hub recorded on the L1 head chain: `safe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Landed(pub BlockRef);

/// Highest block landed in a finalised L1 block: `finalized`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Final(pub BlockRef);

/// All heads together, as persisted and served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// See [`Applied`].
    pub applied: Applied,
    /// See [`Landed`].
    pub landed: Landed,
    /// See [`Final`].
    pub finalised: Final,
}

impl Heads {
    /// All three at `block`: a fresh chain at its genesis.
    pub const fn all_at(block: BlockRef) -> Self {
        Self { applied: Applied(block), landed: Landed(block), finalised: Final(block) }
    }
}
