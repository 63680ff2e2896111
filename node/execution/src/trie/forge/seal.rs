//! From fresh nodes to finished ones: encode, hash, hang into the parent, level by level.

use super::{Forge, Fresh};
use crate::{
    keccak,
    trie::{
        node::{Child, Node, Reference, Short, encode, with_nibble},
        value::Value,
    },
};
use alloy_primitives::{B256, Bytes};
use std::{ops::Range, sync::Arc};

/// A place of a trie that changes, and bytes of a node there.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    /// Number of the trie.
    pub(crate) owner: u32,
    /// The path above, zeroes after it.
    pub(crate) path: B256,
    /// Nibbles of that path.
    pub(crate) depth: u8,
    bytes: Range<usize>,
}

/// Nodes as bytes, in one buffer.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    marks: Vec<Mark>,
    bytes: Vec<u8>,
}

/// Bytes of changed nodes for each key in a block's changes, about.
const BYTES_EACH: usize = 1_024;

impl Marks {
    /// Makes room for the changes of so many keys.
    pub(super) fn expect(&mut self, keys: usize) {
        self.bytes.reserve(keys * BYTES_EACH);
    }

    pub(super) fn add(&mut self, owner: u32, key: &B256, depth: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.mark(owner, key, depth, start..self.bytes.len());
    }

    fn mark(&mut self, owner: u32, key: &B256, depth: usize, bytes: Range<usize>) {
        let mut path = B256::ZERO;
        let whole = depth / 2;
        path[..whole].copy_from_slice(&key[..whole]);
        if depth % 2 == 1 {
            path = with_nibble(path, depth - 1, key[whole] >> 4);
        }
        self.marks.push(Mark { owner, path, depth: depth as u8, bytes });
    }

    /// Sorted by trie and path; the bytes share one allocation.
    pub(crate) fn finish(mut self) -> impl Iterator<Item = (Mark, Bytes)> {
        let head = |mark: &Mark| u64::from_be_bytes(*mark.path.first_chunk().expect("32 bytes"));
        self.marks.sort_unstable_by(|a, b| {
            a.owner.cmp(&b.owner).then(head(a).cmp(&head(b))).then_with(|| a.key().cmp(&b.key()))
        });
        let bytes = Bytes::from(self.bytes);
        self.marks.into_iter().map(move |mark| {
            let node = bytes.slice(mark.bytes.clone());
            (mark, node)
        })
    }
}

impl Mark {
    /// In the order of tries and of paths, a path before what is below it.
    pub(crate) fn key(&self) -> (u32, B256, u8) {
        (self.owner, self.path, self.depth)
    }
}

/// Finished nodes.
pub(crate) struct Sealed<V> {
    nodes: Vec<Option<Child<V>>>,
    /// Old nodes that were replaced, leaves among them; `None` when nobody asked.
    pub(crate) before: Option<Marks>,
    /// New branches and extensions with a hash of their own.
    pub(crate) after: Marks,
    /// How many nodes are new.
    pub(crate) made: usize,
}

impl<V> Sealed<V> {
    /// The finished node for a number that [`Forge::update`] returned.
    pub(crate) fn take(&mut self, fresh: u32) -> Child<V> {
        self.nodes[fresh as usize].take().expect("each root is taken once")
    }
}

impl<V: Value> Forge<'_, V> {
    /// Hashes everything that was made.
    pub(crate) fn seal(self) -> Sealed<V> {
        let keep = self.before.is_some();
        let mut fresh = self.fresh;
        let mut levels: Vec<Vec<u32>> = Vec::new();
        for (number, fresh) in (0u32..).zip(&fresh) {
            let Some(fresh) = fresh else { continue };
            let height = usize::from(fresh.height);
            if levels.len() <= height {
                levels.resize_with(height + 1, Vec::new);
            }
            levels[height].push(number);
        }
        let mut nodes = Vec::new();
        nodes.resize_with(fresh.len(), || None);
        let mut after = Marks::default();
        if keep {
            after.expect(levels.first().map_or(0, Vec::len));
        }
        let mut made = 0;
        for level in levels {
            made += level.len();
            after.level(&level, &mut fresh, &mut nodes, keep);
        }
        Sealed { nodes, before: self.before, after, made }
    }
}

impl Marks {
    /// Finishes nodes whose children are finished.
    fn level<V: Value>(
        &mut self,
        level: &[u32],
        fresh: &mut [Option<Fresh<V>>],
        nodes: &mut [Option<Child<V>>],
        keep: bool,
    ) {
        let mut scratch = Vec::with_capacity(level.len() * 128);
        let mut ranges = Vec::with_capacity(level.len());
        for number in level {
            let fresh = fresh[*number as usize].as_mut().expect("the level has what is left");
            let children = match &mut fresh.node {
                Node::Leaf(_) => &mut [],
                Node::Extension(extension) => std::slice::from_mut(&mut extension.child),
                Node::Branch(branch) => branch.children_mut(),
            };
            for child in children {
                if let Reference::Fresh(number) = child.reference {
                    *child = nodes[number as usize].take().expect("lower levels are finished");
                }
            }
            // Leaves follow from their values, so nobody keeps them.
            let kept = keep && !matches!(fresh.node, Node::Leaf(_));
            let buffer = if kept { &mut self.bytes } else { &mut scratch };
            let start = buffer.len();
            encode(&fresh.node, usize::from(fresh.depth), buffer);
            ranges.push((kept, start..buffer.len()));
        }
        let raw = |(kept, range): &(bool, Range<usize>)| match kept {
            true => &self.bytes[range.clone()],
            false => &scratch[range.clone()],
        };
        let inputs: Vec<&[u8]> = ranges.iter().map(raw).collect();
        let references: Vec<(Option<Short>, B256)> =
            inputs.iter().map(|raw| Short::new(raw)).zip(keccak::batch(&inputs)).collect();
        for ((number, (short, hash)), (kept, range)) in level.iter().zip(references).zip(ranges) {
            let fresh = fresh[*number as usize].take().expect("each node is in one level");
            let reference = match short {
                Some(short) if fresh.depth > 0 => Reference::Short(short),
                _ => Reference::Hash(hash),
            };
            if kept && matches!(reference, Reference::Hash(_)) {
                self.mark(fresh.owner, &fresh.key, usize::from(fresh.depth), range);
            }
            nodes[*number as usize] = Some(Child::loaded(reference, Arc::new(fresh.node)));
        }
    }
}
