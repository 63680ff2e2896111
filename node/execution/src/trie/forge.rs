//! Where new nodes are made: structure first, for many keys at once, then hashes from the leaves up, in batches.
//!
//! A version of a trie follows from the one before it in one recursion over sorted keys. The nodes that this fetches are those that
//! writing the values first and clearing second, one by one, would fetch: the paths of the keys, and where a branch ends with one child that no
//! key passes, that child. (Writes can't empty anything, and a branch that clears bring down to one child passed by a key has that child fetched for the
//! key.) Must not know: what the values mean.

mod seal;

use super::{
    node::{Branch, Child, Extension, Leaf, Link, Node, bytes, common, follows, nibble, nibbles, with_nibble},
    read::Loader,
    value::Value,
};
use crate::state::StateError;
use alloy_primitives::{B256, Bytes, map::B256Map};
use alloy_trie::Nibbles;
pub(crate) use seal::{Replaced, Sealed};

/// A key's new value; `None` clears it.
pub(crate) struct Write<V> {
    pub(crate) key: B256,
    pub(crate) value: Option<V>,
}

/// A node being made.
struct Fresh<'t, V> {
    made: Made<'t, V>,
    /// Some key that passes here, for the place.
    key: B256,
    depth: u8,
    /// Fresh nodes on the longest way down, this one not counted.
    height: u8,
    owner: u32,
    /// The number under which what stood in its place was noted.
    mark: Option<u32>,
}

/// What it is. Numbers are of fresh nodes.
enum Made<'t, V> {
    /// An old child of an extension, which hangs elsewhere now.
    Old(Child<V>),
    Leaf(Leaf<V>),
    Extension(Nibbles, u32),
    Branch(Turns<'t, V>),
    /// Finished.
    Done,
}

/// What hangs in a branch that is made.
struct Turns<'t, V> {
    /// What was there.
    old: Option<&'t Branch<V>>,
    /// Children that stay as they were in `old`.
    kept: u16,
    /// Children that are fresh, and their numbers.
    fresh: u16,
    numbers: [u32; 16],
}

impl<'t, V> Turns<'t, V> {
    fn new(old: Option<&'t Branch<V>>) -> Self {
        Self { old, kept: old.map_or(0, Branch::mask), fresh: 0, numbers: [0; 16] }
    }

    fn set(&mut self, nibble: u8, number: u32) {
        self.clear(nibble);
        self.fresh |= 1 << nibble;
        self.numbers[usize::from(nibble)] = number;
    }

    fn clear(&mut self, nibble: u8) {
        self.kept &= !(1 << nibble);
    }

    fn fresh(&self) -> impl Iterator<Item = u32> {
        nibbles(self.fresh).map(|nibble| self.numbers[usize::from(nibble)])
    }
}

/// What hangs below a branch as deep as this is finished before the next one is looked at, while the processor's cache still has it ...
const SETTLED_AT: usize = 1;

/// ... unless it is less than this many nodes, which would leave lanes of [`crate::keccak::batch`] empty. Tests have small tries.
const SETTLED_MIN: usize = if cfg!(test) { 4 } else { 256 };

/// Fresh nodes for each key in a block's changes, about.
const FRESH_EACH: usize = 3;

/// What became of a subtree.
pub(crate) enum Outcome {
    Same,
    Gone,
    /// The number of the fresh node that stands there.
    Fresh(u32),
}

/// New nodes of one kind of trie, of any number of tries.
pub(crate) struct Forge<'a, 't, V> {
    loader: Loader<'a>,
    /// `None` in its place: the node was merged into another.
    fresh: Vec<Option<Fresh<'t, V>>>,
    /// Number of the trie being changed.
    owner: u32,
    /// What is finished already.
    sealed: Sealed<V>,
    /// Nodes fetched though no key passes them, by hash.
    siblings: &'a mut B256Map<Bytes>,
}

impl<'a, 't, V: Value> Forge<'a, 't, V> {
    /// `keep`: whether replaced and new nodes are wanted as bytes.
    pub(crate) fn new(loader: Loader<'a>, siblings: &'a mut B256Map<Bytes>, keep: bool) -> Self {
        Self { loader, fresh: Vec::new(), owner: 0, sealed: Sealed::new(keep), siblings }
    }

    /// Changes the trie below `root`, number `owner` of those changed here. `writes` are sorted by key, each key once.
    pub(crate) fn update(
        &mut self,
        owner: (u32, Option<B256>),
        root: Option<&'t Child<V>>,
        writes: &[Write<V>],
    ) -> Result<Outcome, StateError> {
        (self.owner, self.loader.owner) = owner;
        self.sealed.expect(writes.len());
        self.fresh.reserve(writes.len() * FRESH_EACH);
        match root {
            _ if writes.is_empty() => Ok(Outcome::Same),
            Some(root) => self.change(root.link(), 0, writes),
            None => Ok(self.plant(0, writes).map_or(Outcome::Same, Outcome::Fresh)),
        }
    }

    /// Calls `leaf` with every key and value of a trie that goes as a whole, all of which is fetched for this.
    pub(crate) fn raze(
        &mut self,
        owner: (u32, Option<B256>),
        root: &Child<V>,
        mut leaf: impl FnMut(B256, &V),
    ) -> Result<(), StateError> {
        (self.owner, self.loader.owner) = owner;
        self.fell(root.link(), B256::ZERO, 0, &mut leaf)
    }

    fn fell(
        &mut self,
        child: Link<'_, V>,
        key: B256,
        depth: usize,
        leaf: &mut impl FnMut(B256, &V),
    ) -> Result<(), StateError> {
        let node = self.loader.node(child, &key, depth)?;
        self.replaced(child, node, &key, depth);
        match &**node {
            Node::Leaf(found) => leaf(found.key, &found.value),
            Node::Extension(extension) => {
                let Extension { path, child } = &**extension;
                self.fell(child.link(), prefixed(key, depth, path), depth + path.len(), leaf)?;
            }
            Node::Branch(branch) => {
                for (nibble, child) in branch.children() {
                    self.fell(child, with_nibble(key, depth, nibble), depth + 1, leaf)?;
                }
            }
        }
        Ok(())
    }

    fn change(&mut self, child: Link<'t, V>, depth: usize, writes: &[Write<V>]) -> Result<Outcome, StateError> {
        let key = &writes[0].key;
        let node = self.loader.node(child, key, depth)?;
        let mark = self.replaced(child, node, key, depth);
        let outcome = match &**node {
            Node::Leaf(leaf) => self.change_leaf(leaf, depth, writes),
            Node::Extension(extension) => self.change_extension(extension, depth, writes)?,
            Node::Branch(branch) => self.change_branch(branch, depth, writes)?,
        };
        match (&outcome, mark, &mut self.sealed.marks) {
            (Outcome::Same, Some(mark), Some(marks)) => marks.forget(mark),
            (Outcome::Fresh(fresh), mark, _) => {
                self.fresh[*fresh as usize].as_mut().expect("hangs here").mark = mark;
            }
            _ => {}
        }
        Ok(outcome)
    }

    fn change_leaf(&mut self, leaf: &Leaf<V>, depth: usize, writes: &[Write<V>]) -> Outcome {
        match writes.binary_search_by_key(&leaf.key, |write| write.key) {
            Ok(at) => {
                let others = writes.iter().any(|write| write.value.is_some() && write.key != leaf.key);
                if !others && writes[at].value.as_ref() == Some(&leaf.value) {
                    return Outcome::Same;
                }
                self.plant(depth, writes).map_or(Outcome::Gone, Outcome::Fresh)
            }
            Err(at) => {
                if writes.iter().all(|write| write.value.is_none()) {
                    return Outcome::Same;
                }
                let copy = |write: &Write<V>| Write { key: write.key, value: write.value.clone() };
                let kept = Write { key: leaf.key, value: Some(leaf.value.clone()) };
                let all: Vec<_> =
                    writes[..at].iter().map(copy).chain([kept]).chain(writes[at..].iter().map(copy)).collect();
                self.plant(depth, &all).map_or(Outcome::Gone, Outcome::Fresh)
            }
        }
    }

    fn change_branch(
        &mut self,
        branch: &'t Branch<V>,
        depth: usize,
        writes: &[Write<V>],
    ) -> Result<Outcome, StateError> {
        let (mut turns, first) = (Turns::new(Some(branch)), self.fresh.len());
        let mut changed = false;
        for (nibble, group) in groups(writes, depth) {
            let outcome = match branch.get(nibble) {
                Some(child) => self.change(child, depth + 1, group)?,
                None => self.plant(depth + 1, group).map_or(Outcome::Same, Outcome::Fresh),
            };
            match outcome {
                Outcome::Same => continue,
                Outcome::Gone => turns.clear(nibble),
                Outcome::Fresh(fresh) => turns.set(nibble, fresh),
            }
            changed = true;
        }
        if !changed {
            return Ok(Outcome::Same);
        }
        let key = writes[0].key;
        let left = turns.kept | turns.fresh;
        if left.count_ones() > 1 {
            if depth == SETTLED_AT && self.fresh.len() - first >= SETTLED_MIN {
                self.settle(first);
            }
            return Ok(Outcome::Fresh(self.branch(turns, key, depth)));
        }
        let Some(only) = nibbles(left).next() else { return Ok(Outcome::Gone) };
        let path = Nibbles::from_nibbles([only]);
        let fresh = turns.fresh().next();
        Ok(Outcome::Fresh(match (fresh, branch.get(only)) {
            (Some(fresh), _) => self.lift(fresh, key, depth, path),
            (None, Some(child)) => self.lift_sibling(child, with_nibble(key, depth, only), depth, path)?,
            (None, None) => unreachable!("a child that is left is fresh or old"),
        }))
    }

    fn change_extension(
        &mut self,
        extension: &'t Extension<V>,
        depth: usize,
        writes: &[Write<V>],
    ) -> Result<Outcome, StateError> {
        let Extension { path, child } = extension;
        let follow = |write: &Write<V>| follows(&write.key, depth, path) == path.len();
        let start = writes.iter().position(follow).unwrap_or(writes.len());
        let end = writes[start..].iter().position(|write| !follow(write)).map_or(writes.len(), |len| start + len);
        let inside = match &writes[start..end] {
            [] => Outcome::Same,
            inside => self.change(child.link(), depth + path.len(), inside)?,
        };
        let outside = || writes[..start].iter().chain(&writes[end..]).filter(|write| write.value.is_some());
        let key = writes[0].key;
        if outside().next().is_none() {
            return Ok(match inside {
                Outcome::Fresh(fresh) => Outcome::Fresh(self.lift(fresh, key, depth, *path)),
                other => other,
            });
        }
        let mut writes: Vec<_> = outside().map(|write| Write { key: write.key, value: write.value.clone() }).collect();
        let (path, child) = match inside {
            Outcome::Same => (*path, self.old(child.clone())),
            Outcome::Gone => return Ok(self.plant(depth, &writes).map_or(Outcome::Gone, Outcome::Fresh)),
            Outcome::Fresh(fresh) if self.is_branch(fresh) => (*path, fresh),
            Outcome::Fresh(fresh) => match self.take(fresh).made {
                Made::Leaf(Leaf { key, value }) => {
                    let at = writes.partition_point(|write| write.key < key);
                    writes.insert(at, Write { key, value: Some(value) });
                    return Ok(self.plant(depth, &writes).map_or(Outcome::Gone, Outcome::Fresh));
                }
                Made::Extension(below, child) => (path.join(&below), child),
                Made::Branch(_) | Made::Old(_) | Made::Done => unreachable!("matched above"),
            },
        };
        Ok(Outcome::Fresh(self.graft(depth, &path, child, &writes)))
    }

    /// `child` at the end of `path`, and values (not none, and none of them below `child`) beside it.
    fn graft(&mut self, depth: usize, path: &Nibbles, child: u32, writes: &[Write<V>]) -> u32 {
        let shared = writes.iter().map(|write| follows(&write.key, depth, path)).min().expect("something beside");
        let (at, turn) = (depth + shared, path.get_unchecked(shared));
        let key = writes[0].key;
        let tail = path.slice(shared + 1..);
        let mut turns = Turns::new(None);
        for (nibble, group) in groups(writes, at) {
            let fresh = match nibble == turn {
                true => Some(self.graft(at + 1, &tail, child, group)),
                false => self.plant(at + 1, group),
            };
            if let Some(fresh) = fresh {
                turns.set(nibble, fresh);
            }
        }
        if turns.fresh >> turn & 1 == 0 {
            let alone =
                if tail.is_empty() { child } else { self.extension(with_nibble(key, at, turn), at + 1, tail, child) };
            turns.set(turn, alone);
        }
        let branch = self.branch(turns, key, at);
        if shared == 0 {
            return branch;
        }
        self.extension(key, depth, path.slice(..shared), branch)
    }

    /// The subtree of the values in `writes` alone.
    fn plant(&mut self, depth: usize, writes: &[Write<V>]) -> Option<u32> {
        let some = |write: &&Write<V>| write.value.is_some();
        let first = writes.iter().find(some)?;
        let last = writes.iter().rfind(some)?;
        let value = first.value.clone()?;
        if first.key == last.key {
            return Some(self.add(Made::Leaf(Leaf { key: first.key, value }), first.key, depth, 0));
        }
        let shared = common(&first.key, &last.key, depth);
        let mut turns = Turns::new(None);
        for (nibble, group) in groups(writes, depth + shared) {
            if let Some(fresh) = self.plant(depth + shared + 1, group) {
                turns.set(nibble, fresh);
            }
        }
        let branch = self.branch(turns, first.key, depth + shared);
        if shared == 0 {
            return Some(branch);
        }
        let path = Nibbles::unpack(first.key).slice(depth..depth + shared);
        Some(self.extension(first.key, depth, path, branch))
    }

    /// A fresh node moved up to `depth`, `path` above where it was. Extensions point to branches only.
    fn lift(&mut self, fresh: u32, key: B256, depth: usize, path: Nibbles) -> u32 {
        if self.is_branch(fresh) {
            return self.extension(key, depth, path, fresh);
        }
        match self.take(fresh).made {
            Made::Extension(below, child) => self.extension(key, depth, path.join(&below), child),
            Made::Leaf(leaf) => {
                let key = leaf.key;
                self.add(Made::Leaf(leaf), key, depth, 0)
            }
            Made::Branch(_) | Made::Old(_) | Made::Done => unreachable!("matched above"),
        }
    }

    /// The last child of a branch at `depth`, which no key passes, in the branch's place.
    fn lift_sibling(&mut self, child: Link<'t, V>, key: B256, depth: usize, path: Nibbles) -> Result<u32, StateError> {
        let node = self.loader.node(child, &key, depth + 1)?;
        if let Some(hash) = child.hash() {
            self.siblings.entry(hash).or_insert_with(|| bytes(node, depth + 1));
        }
        Ok(match &**node {
            Node::Branch(_) => {
                let child = self.old(child.to_child());
                self.extension(key, depth, path, child)
            }
            Node::Extension(below) => {
                self.replaced(child, node, &key, depth + 1);
                let child = self.old(below.child.clone());
                self.extension(key, depth, path.join(&below.path), child)
            }
            Node::Leaf(leaf) => {
                self.replaced(child, node, &key, depth + 1);
                self.add(Made::Leaf(leaf.clone()), leaf.key, depth, 0)
            }
        })
    }

    fn branch(&mut self, turns: Turns<'t, V>, key: B256, depth: usize) -> u32 {
        let height = turns.fresh().map(|fresh| 1 + self.height(fresh)).max().unwrap_or(0);
        self.add(Made::Branch(turns), key, depth, height)
    }

    fn extension(&mut self, key: B256, depth: usize, path: Nibbles, child: u32) -> u32 {
        let height = 1 + self.height(child);
        self.add(Made::Extension(path, child), key, depth, height)
    }

    /// A number for a child that stands already.
    fn old(&mut self, child: Child<V>) -> u32 {
        self.add(Made::Old(child), B256::ZERO, 0, 0)
    }

    fn height(&self, fresh: u32) -> u8 {
        self.fresh[fresh as usize].as_ref().expect("hangs somewhere").height
    }

    fn add(&mut self, made: Made<'t, V>, key: B256, depth: usize, height: u8) -> u32 {
        let number = u32::try_from(self.fresh.len()).expect("fewer nodes than a block can pay for");
        self.fresh.push(Some(Fresh { made, key, depth: depth as u8, height, owner: self.owner, mark: None }));
        number
    }

    fn is_branch(&self, fresh: u32) -> bool {
        matches!(&self.fresh[fresh as usize], Some(Fresh { made: Made::Branch(_) | Made::Old(_), .. }))
    }

    fn take(&mut self, fresh: u32) -> Fresh<'t, V> {
        self.fresh[fresh as usize].take().expect("hangs in one place only")
    }

    /// Notes what stood at a place that changes.
    fn replaced(&mut self, child: Link<'_, V>, node: &Node<V>, key: &B256, depth: usize) -> Option<u32> {
        let marks = self.sealed.marks.as_mut().filter(|_| child.hash().is_some())?;
        Some(marks.before(self.owner, key, depth, node))
    }
}

/// `key` on its way along `path` from `depth` on.
fn prefixed(mut key: B256, depth: usize, path: &Nibbles) -> B256 {
    for at in 0..path.len() {
        key = with_nibble(key, depth + at, path.get_unchecked(at));
    }
    key
}

/// Runs of writes with the same nibble at `depth`.
fn groups<V>(writes: &[Write<V>], depth: usize) -> impl Iterator<Item = (u8, &[Write<V>])> {
    writes
        .chunk_by(move |a, b| nibble(&a.key, depth) == nibble(&b.key, depth))
        .map(move |group| (nibble(&group[0].key, depth), group))
}
