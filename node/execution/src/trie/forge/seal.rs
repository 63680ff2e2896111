//! From fresh nodes to finished ones: encode, hash, hang into the parent, level by level.

use super::{Forge, Fresh, Made, Turns};
use crate::{
    keccak,
    trie::{
        node::{Branch, Child, Extension, Name, Node, encode, nibbles, with_nibble},
        value::Value,
    },
};
use alloy_primitives::{B256, Bytes};
use alloy_trie::Nibbles;
use std::{ops::Range, sync::Arc};

/// A place of a trie that changes, and where the bytes of its nodes are.
#[derive(Debug, Clone)]
struct Mark {
    owner: u32,
    /// The path above, zeroes after it.
    path: B256,
    /// Nibbles of that path.
    depth: u8,
    /// Empty: there was nothing.
    before: Range<usize>,
    /// Empty: there is nothing, or a leaf, which follows from its value.
    after: Range<usize>,
}

/// The places that change.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    marks: Vec<Mark>,
    bytes: Vec<u8>,
}

/// A node that was replaced, that is new, or both.
pub(crate) struct Replaced {
    /// Number of the trie.
    pub(crate) owner: u32,
    /// The path above.
    pub(crate) path: Nibbles,
    /// What was there, a leaf or not.
    pub(crate) before: Option<Bytes>,
    /// The branch or extension that is there.
    pub(crate) after: Option<Bytes>,
}

/// Bytes of changed nodes for each key in a block's changes, about.
const BYTES_EACH: usize = 2_048;

/// Bytes of an account's leaf, about.
const LEAF_BYTES: usize = 112;

impl Marks {
    fn add(&mut self, owner: u32, key: &B256, depth: usize) -> &mut Mark {
        let mut path = B256::ZERO;
        let whole = depth / 2;
        path[..whole].copy_from_slice(&key[..whole]);
        if depth % 2 == 1 {
            path = with_nibble(path, depth - 1, key[whole] >> 4);
        }
        self.marks.push(Mark { owner, path, depth: depth as u8, before: 0..0, after: 0..0 });
        self.marks.last_mut().expect("just pushed")
    }

    /// Notes what stands at a place. Returns its number.
    pub(super) fn before<V: Value>(&mut self, owner: u32, key: &B256, depth: usize, node: &Node<V>) -> u32 {
        let start = self.bytes.len();
        encode(node, depth, &mut self.bytes);
        let end = self.bytes.len();
        self.add(owner, key, depth).before = start..end;
        self.marks.len() as u32 - 1
    }

    /// Takes back the place that was noted last: it does not change.
    pub(super) fn forget(&mut self, number: u32) {
        let forgotten = self.marks.pop().expect("noted");
        assert_eq!(number as usize, self.marks.len(), "nothing below it changes");
        self.bytes.truncate(forgotten.before.start);
    }

    /// Notes what stands at a place from now on: one that was noted before, if there is a number.
    fn after<V>(&mut self, fresh: &Fresh<'_, V>, raw: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(raw);
        let end = self.bytes.len();
        let mark = match fresh.mark {
            Some(number) => &mut self.marks[number as usize],
            None => self.add(fresh.owner, &fresh.key, usize::from(fresh.depth)),
        };
        mark.after = start..end;
    }

    /// Sorted by trie and path, each place once, only those that differ. The bytes share one allocation.
    pub(crate) fn finish(self) -> Vec<Replaced> {
        let Self { mut marks, bytes } = self;
        // Mostly they are in order: places are noted on the way down.
        if !marks.is_sorted_by(|a, b| a.key() < b.key()) {
            marks.sort_by_key(Mark::key);
            marks.dedup_by(|next, mark| {
                let same = mark.key() == next.key();
                if same {
                    let longer = |a: &Range<usize>, b: &Range<usize>| if a.is_empty() { b.clone() } else { a.clone() };
                    (mark.before, mark.after) = (longer(&mark.before, &next.before), longer(&mark.after, &next.after));
                }
                same
            });
            // A place that was noted twice may be as it was. Any other differs, because what hangs there does.
            marks.retain(|mark| bytes[mark.before.clone()] != bytes[mark.after.clone()]);
        }
        let bytes = Bytes::from(bytes);
        let part = |range: &Range<usize>| (!range.is_empty()).then(|| bytes.slice(range.clone()));
        let replaced = marks.iter().map(|mark| Replaced {
            owner: mark.owner,
            path: Nibbles::unpack(mark.path).slice(..usize::from(mark.depth)),
            before: part(&mark.before),
            after: part(&mark.after),
        });
        replaced.collect()
    }
}

impl Mark {
    /// In the order of tries and of paths, a path before what is below it.
    fn key(&self) -> (u32, B256, u8) {
        (self.owner, self.path, self.depth)
    }
}

/// Finished nodes.
pub(crate) struct Sealed<V> {
    nodes: Vec<Option<Child<V>>>,
    /// What was replaced and what is new, of nodes with a hash of their own; `None` when nobody asked.
    pub(crate) marks: Option<Marks>,
    /// How many nodes are new.
    pub(crate) made: usize,
}

impl<V> Sealed<V> {
    pub(super) fn new(keep: bool) -> Self {
        Self { nodes: Vec::new(), marks: keep.then(Default::default), made: 0 }
    }

    /// Makes room for the changes of so many keys.
    pub(super) fn expect(&mut self, keys: usize) {
        if let Some(marks) = &mut self.marks {
            marks.bytes.reserve(keys * BYTES_EACH);
        }
    }

    /// The finished node for a number, such as one that [`Forge::update`] returned.
    pub(crate) fn take(&mut self, fresh: u32) -> Child<V> {
        self.nodes[fresh as usize].take().expect("finished, and hung in one place only")
    }
}

impl<V: Value> Forge<'_, '_, V> {
    /// Hashes everything that was made.
    pub(crate) fn seal(mut self) -> Sealed<V> {
        self.settle(0);
        self.sealed
    }

    /// Finishes what was made since there were `first` nodes. All of it hangs where it stays.
    pub(super) fn settle(&mut self, first: usize) {
        let mut levels: Vec<Vec<u32>> = Vec::new();
        self.sealed.nodes.resize_with(self.fresh.len(), || None);
        for (number, slot) in self.fresh.iter_mut().enumerate().skip(first) {
            match slot {
                None | Some(Fresh { made: Made::Done, .. }) => {}
                Some(Fresh { made: made @ Made::Old(_), .. }) => {
                    if let Made::Old(child) = std::mem::replace(made, Made::Done) {
                        self.sealed.nodes[number] = Some(child);
                    }
                }
                Some(fresh) => {
                    let height = usize::from(fresh.height);
                    if levels.len() <= height {
                        levels.resize_with(height + 1, Vec::new);
                    }
                    levels[height].push(number as u32);
                }
            }
        }
        for level in levels {
            self.sealed.made += level.len();
            self.sealed.level(&level, &mut self.fresh);
        }
    }
}

impl<V: Value> Sealed<V> {
    /// Finishes nodes whose children are finished.
    fn level(&mut self, level: &[u32], fresh: &mut [Option<Fresh<'_, V>>]) {
        let mut scratch = Vec::with_capacity(level.len() * LEAF_BYTES);
        let mut nodes = Vec::with_capacity(level.len());
        for number in level {
            let fresh = fresh[*number as usize].as_mut().expect("the level has what is left");
            let node = match std::mem::replace(&mut fresh.made, Made::Done) {
                Made::Old(_) | Made::Done => unreachable!("each node is in one level"),
                Made::Leaf(leaf) => Arc::new(Node::Leaf(leaf)),
                Made::Extension(path, child) => {
                    Arc::new(Node::Extension(Box::new(Extension { path, child: self.take(child) })))
                }
                Made::Branch(turns) => Arc::new(Node::Branch(self.branch(&turns))),
            };
            let start = scratch.len();
            if !matches!(*node, Node::Branch(_)) {
                encode(&node, usize::from(fresh.depth), &mut scratch);
            }
            nodes.push((node, start..scratch.len()));
        }
        let raw = nodes.iter().map(|(node, range): &(Arc<Node<V>>, Range<usize>)| match &**node {
            Node::Branch(branch) => branch.raw(),
            _ => &scratch[range.clone()],
        });
        let raw: Vec<&[u8]> = raw.collect();
        let mut names = Vec::with_capacity(level.len());
        for ((number, hash), (raw, (node, _))) in level.iter().zip(keccak::batch(&raw)).zip(raw.iter().zip(&nodes)) {
            let fresh = fresh[*number as usize].as_ref().expect("as above");
            let name = if fresh.depth > 0 { Name::of(raw, &hash) } else { Name::of_hash(&hash) };
            if let Some(marks) = &mut self.marks
                && !matches!(**node, Node::Leaf(_))
                && name.is_hash()
            {
                marks.after(fresh, raw);
            }
            names.push(name);
        }
        for ((number, name), (node, _)) in level.iter().zip(names).zip(nodes) {
            self.nodes[*number as usize] = Some(Child::loaded(name, node));
        }
    }

    fn branch(&mut self, turns: &Turns<'_, V>) -> Branch<V> {
        let number = |nibble: u8| turns.numbers[usize::from(nibble)];
        let hashed = |sealed: &Self, number: u32| {
            sealed.nodes[number as usize].as_ref().is_some_and(|child| child.name.is_hash())
        };
        let same = turns.old.filter(|old| old.mask() == turns.kept | turns.fresh && old.is_hashed());
        if let Some(old) = same.filter(|_| turns.fresh().all(|number| hashed(self, number))) {
            return old.patched(turns.fresh, |nibble| self.take(number(nibble)));
        }
        Branch::of(nibbles(turns.kept | turns.fresh).map(|nibble| {
            let old = turns.old.filter(|_| turns.kept >> nibble & 1 == 1).and_then(|old| old.get(nibble));
            (nibble, old.map_or_else(|| self.take(number(nibble)), |child| child.to_child()))
        }))
    }
}
