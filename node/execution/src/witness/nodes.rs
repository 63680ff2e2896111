//! The nodes of a witness that is being made, each once, and how long they are together.
//!
//! Must not know: why a node is needed.

use alloy_primitives::{B256, Bytes, map::B256Map};
use std::ops::Range;

/// Nodes on touched paths, and siblings that may be needed besides. What was added last can be taken back.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    paths: B256Map<Range<usize>>,
    /// RLP of the nodes on paths, one after the other.
    raw: Vec<u8>,
    /// Length, and by how many branches it is needed.
    siblings: B256Map<(usize, usize)>,
    total: Total,
    undo: Vec<Undo>,
    kept: Total,
}

/// Bytes of distinct nodes, and how many.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) bytes: usize,
    pub(crate) count: usize,
}

#[derive(Debug)]
enum Undo {
    Path(B256),
    Sibling(B256, Option<(usize, usize)>),
}

impl Nodes {
    /// Adds a node on a path, unless it is there; `write` appends its RLP.
    pub(crate) fn add(&mut self, hash: B256, write: impl FnOnce(&mut Vec<u8>)) {
        let alloy_primitives::map::Entry::Vacant(entry) = self.paths.entry(hash) else { return };
        let start = self.raw.len();
        write(&mut self.raw);
        let len = entry.insert(start..self.raw.len()).len();
        self.undo.push(Undo::Path(hash));
        if !self.siblings.contains_key(&hash) {
            self.total.add(len);
        }
    }

    /// One more branch needs this sibling.
    pub(super) fn need(&mut self, hash: B256, len: usize) {
        let old = self.siblings.get(&hash).copied();
        self.undo.push(Undo::Sibling(hash, old));
        self.siblings.insert(hash, (len, old.map_or(1, |(_, times)| times + 1)));
        if old.is_none() && !self.paths.contains_key(&hash) {
            self.total.add(len);
        }
    }

    /// One branch less needs it.
    pub(super) fn unneed(&mut self, hash: B256) {
        let Some((len, times)) = self.siblings.get(&hash).copied() else { return };
        self.undo.push(Undo::Sibling(hash, Some((len, times))));
        if times > 1 {
            self.siblings.insert(hash, (len, times - 1));
            return;
        }
        self.siblings.remove(&hash);
        if !self.paths.contains_key(&hash) {
            self.total.bytes -= len;
            self.total.count -= 1;
        }
    }

    /// Of what is there now.
    pub(super) fn total(&self) -> Total {
        self.total
    }

    /// Takes back what was done since the last [`Self::keep`].
    pub(super) fn revert(&mut self) {
        while let Some(step) = self.undo.pop() {
            match step {
                Undo::Path(hash) => {
                    let range = self.paths.remove(&hash);
                    self.raw.truncate(range.map_or(0, |range| range.start));
                }
                Undo::Sibling(hash, Some(old)) => drop(self.siblings.insert(hash, old)),
                Undo::Sibling(hash, None) => drop(self.siblings.remove(&hash)),
            }
        }
        self.total = self.kept;
    }

    pub(super) fn keep(&mut self) {
        self.undo.clear();
        self.kept = self.total;
    }

    /// The nodes on paths, in no order.
    pub(crate) fn into_paths(self) -> Vec<(B256, Bytes)> {
        let raw = Bytes::from(self.raw);
        self.paths.into_iter().map(|(hash, range)| (hash, raw.slice(range))).collect()
    }
}

impl Total {
    fn add(&mut self, len: usize) {
        self.bytes += len;
        self.count += 1;
    }
}
