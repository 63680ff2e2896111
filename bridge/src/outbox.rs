//! The outbox: an append-only Merkle tree of message leaves (SPEC "Messages", out of a rollup).
//!
//! Depth 32, node = keccak256(left ‖ right), an empty leaf is zero, leaf index = message index. The Messenger keeps only
//! the frontier and the root; this is the whole tree, kept by a node that answers with paths. It must not know what a
//! leaf means, nor which roots L1 has accepted.

use alloy_primitives::{B256, keccak256};
use std::{cmp::Ordering, convert::Infallible, sync::LazyLock};

#[cfg(test)]
mod tests;

/// Levels between a leaf and the root.
pub const OUTBOX_DEPTH: usize = 32;

/// Most leaves of one outbox. One less than the tree could hold, as in the deposit contract: the frontier of a full tree
/// would need a 33rd node.
pub const MAX_OUTBOX_LEAVES: u64 = (1 << OUTBOX_DEPTH) - 1;

/// Roots of empty subtrees: `z[0] = 0`, `z[i + 1] = keccak256(z[i] ‖ z[i])`.
static ZEROS: LazyLock<[B256; OUTBOX_DEPTH + 1]> = LazyLock::new(|| {
    let mut zeros = [B256::ZERO; OUTBOX_DEPTH + 1];
    for level in 0..OUTBOX_DEPTH {
        zeros[level + 1] = node(zeros[level], zeros[level]);
    }
    zeros
});

/// Why an outbox operation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboxError {
    /// The tree holds [`MAX_OUTBOX_LEAVES`] leaves.
    #[error("the outbox is full: {MAX_OUTBOX_LEAVES} leaves")]
    Full,
    /// A root or path was asked at a size that the tree has not reached.
    #[error("the outbox has {have} leaves, {count} were named")]
    BeyondEnd {
        /// Leaves in the tree.
        have: u64,
        /// The size that was asked for.
        count: u64,
    },
    /// The tree began with a frontier behind this leaf, or size: what is below was never known.
    #[error("{0} is below where this tree begins")]
    Below(u64),
    /// The leaf is not among the first `count`.
    #[error("leaf {index} is not among the first {count}")]
    NoSuchLeaf {
        /// The leaf that was asked for.
        index: u64,
        /// The size of the tree that was named.
        count: u64,
    },
}

/// Siblings from the leaf up to the root.
pub type Path = [B256; OUTBOX_DEPTH];

fn node(left: B256, right: B256) -> B256 {
    let mut pair = [0u8; 64];
    pair[..32].copy_from_slice(left.as_slice());
    pair[32..].copy_from_slice(right.as_slice());
    keccak256(pair)
}

/// The tree. Every size it ever had can still be asked for roots and paths, since L1 may have accepted an older root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbox {
    /// `full[level]` holds the nodes of that level whose leaves are all present; about two hashes a leaf.
    full: Vec<Vec<B256>>,
    /// Leaves of which only the frontier is known, see [`Self::from_frontier`].
    base: u64,
}

impl Outbox {
    /// A tree of `count` leaves that are not known themselves, with the last left node of each level that waits for its right sibling:
    /// as the Messenger keeps it (SPEC "Outbox", slots 1 to 33). Roots and paths of what is added can be asked for.
    ///
    /// # Errors
    /// [`OutboxError::Full`] above [`MAX_OUTBOX_LEAVES`].
    pub fn from_frontier(count: u64, branch: &[B256; OUTBOX_DEPTH]) -> Result<Self, OutboxError> {
        if count > MAX_OUTBOX_LEAVES {
            return Err(OutboxError::Full);
        }
        let waits = |level: usize| !(count >> level).is_multiple_of(2);
        let nodes = |level: usize| if waits(level) { vec![branch[level]] } else { Vec::new() };
        Ok(Self { full: (0..OUTBOX_DEPTH).map(nodes).collect(), base: count })
    }

    /// Leaves so far; also the index of the next one.
    pub fn count(&self) -> u64 {
        self.first_known(0) + self.full.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Place of the first node of a level that is known: the left one of its pair.
    const fn first_known(&self, level: usize) -> u64 {
        (self.base >> level) & !1
    }

    /// Appends a leaf and returns its index.
    ///
    /// # Errors
    /// [`OutboxError::Full`] at [`MAX_OUTBOX_LEAVES`].
    pub fn push(&mut self, leaf: B256) -> Result<u64, OutboxError> {
        let index = self.count();
        if index >= MAX_OUTBOX_LEAVES {
            return Err(OutboxError::Full);
        }
        let Ok(nodes) = completed_by(index, leaf, |level, at| self.full(level, at));
        for (level, _, hash) in nodes {
            if self.full.len() == level {
                self.full.push(Vec::new());
            }
            self.full[level].push(hash);
        }
        Ok(index)
    }

    /// The root now. Equal to the Messenger's slot 0 after the first message; before that the slot is zero while this is
    /// the root of 2^32 empty leaves.
    pub fn root(&self) -> B256 {
        let Ok(root) = root_with(self.count(), |level, at| self.full(level, at));
        root
    }

    /// The root when the tree had `count` leaves.
    ///
    /// # Errors
    /// [`OutboxError::BeyondEnd`] if it has fewer now.
    pub fn root_at(&self, count: u64) -> Result<B256, OutboxError> {
        self.check(count)?;
        let Ok(root) = root_with(count, |level, at| self.full(level, at));
        Ok(root)
    }

    /// The siblings of leaf `index` in the tree of the first `count` leaves.
    ///
    /// # Errors
    /// [`OutboxError::BeyondEnd`], [`OutboxError::NoSuchLeaf`].
    pub fn path(&self, index: u64, count: u64) -> Result<Path, OutboxError> {
        self.check(count)?;
        if index >= count {
            return Err(OutboxError::NoSuchLeaf { index, count });
        }
        if index < self.base {
            return Err(OutboxError::Below(index));
        }
        let Ok(path) = path_with(index, count, |level, at| self.full(level, at));
        Ok(path)
    }

    fn check(&self, count: u64) -> Result<(), OutboxError> {
        let have = self.count();
        if count > have {
            return Err(OutboxError::BeyondEnd { have, count });
        }
        if count < self.base { Err(OutboxError::Below(count)) } else { Ok(()) }
    }

    fn full(&self, level: usize, at: u64) -> Result<B256, Infallible> {
        Ok(self.full[level][(at - self.first_known(level)) as usize])
    }
}

/// The nodes that are complete with leaf `index` and were not before, from the leaf up: level, place in the level, hash. `full` gives the
/// complete nodes of the tree before it, by level and place; only left siblings on the way up are asked for.
///
/// # Errors
/// Those of `full`.
pub fn completed_by<E>(
    index: u64,
    leaf: B256,
    mut full: impl FnMut(usize, u64) -> Result<B256, E>,
) -> Result<Vec<(usize, u64, B256)>, E> {
    let mut nodes = vec![(0, index, leaf)];
    let (mut at, mut hash) = (index, leaf);
    for level in 0..OUTBOX_DEPTH {
        if at.is_multiple_of(2) {
            break;
        }
        hash = node(full(level, at - 1)?, hash);
        at /= 2;
        nodes.push((level + 1, at, hash));
    }
    Ok(nodes)
}

/// The root of the tree of `count` leaves, at most [`MAX_OUTBOX_LEAVES`], whose complete nodes `full` gives by level and place.
///
/// # Errors
/// Those of `full`.
pub fn root_with<E>(count: u64, full: impl FnMut(usize, u64) -> Result<B256, E>) -> Result<B256, E> {
    Ok(partials(count, full)?[OUTBOX_DEPTH])
}

/// The siblings of leaf `index`, below `count`, in the tree of `count` leaves whose complete nodes `full` gives by level and place: at most two
/// of each level are asked for.
///
/// # Errors
/// Those of `full`.
pub fn path_with<E>(index: u64, count: u64, mut full: impl FnMut(usize, u64) -> Result<B256, E>) -> Result<Path, E> {
    let partials = partials(count, &mut full)?;
    let mut path = [B256::ZERO; OUTBOX_DEPTH];
    for (level, sibling) in path.iter_mut().enumerate() {
        let at = (index >> level) ^ 1;
        *sibling = match at.cmp(&(count >> level)) {
            Ordering::Less => full(level, at)?,
            Ordering::Equal => partials[level],
            Ordering::Greater => ZEROS[level],
        };
    }
    Ok(path)
}

/// For each level the one node that may be partly filled in the tree of `count` leaves: node `count >> level`.
fn partials<E>(count: u64, mut full: impl FnMut(usize, u64) -> Result<B256, E>) -> Result<[B256; OUTBOX_DEPTH + 1], E> {
    let mut partials = [B256::ZERO; OUTBOX_DEPTH + 1];
    for level in 0..OUTBOX_DEPTH {
        let at = count >> level;
        partials[level + 1] = if at.is_multiple_of(2) {
            node(partials[level], ZEROS[level])
        } else {
            node(full(level, at - 1)?, partials[level])
        };
    }
    Ok(partials)
}

/// The root that `leaf` at `index` has with these siblings; `claim` on L1 computes the same.
pub fn root_of(leaf: B256, index: u64, path: &Path) -> B256 {
    path.iter().enumerate().fold(leaf, |hash, (level, sibling)| {
        if (index >> level).is_multiple_of(2) { node(hash, *sibling) } else { node(*sibling, hash) }
    })
}

/// Whether `leaf` is number `index` of the tree with this root. An index of 2^32 or more is in no tree.
pub fn verify(root: B256, leaf: B256, index: u64, path: &Path) -> bool {
    index < MAX_OUTBOX_LEAVES && root_of(leaf, index, path) == root
}
