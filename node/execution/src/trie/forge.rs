//! Where new nodes are made: structure first, for many keys at once, then hashes from the leaves up, in batches.
//!
//! A version of a trie follows from the one before it in one recursion over sorted keys. The nodes that this fetches are those that
//! writing the values first and clearing second, one by one, would fetch: the paths of the keys, and where a branch ends with one child that no
//! key passes, that child. (Writes can't empty anything, and a branch that clears bring down to one child passed by a key has that child fetched for the
//! key.) Must not know: what the values mean.

mod seal;

use super::{
    node::{
        Branch, Child, Extension, Leaf, Node, Reference, bytes, common, encode, follows, nibble, warm, with_nibble,
    },
    read::Loader,
    value::Value,
};
use crate::state::StateError;
use alloy_primitives::{B256, Bytes, map::B256Map};
use alloy_trie::Nibbles;
pub(crate) use seal::{Mark, Sealed};

/// A key's new value; `None` clears it.
pub(crate) struct Write<V> {
    pub(crate) key: B256,
    pub(crate) value: Option<V>,
}

/// A node being made.
struct Fresh<V> {
    node: Node<V>,
    /// Some key that passes here, for the place.
    key: B256,
    depth: u8,
    /// Fresh nodes on the longest way down, this one not counted.
    height: u8,
    owner: u32,
}

/// What became of a subtree.
pub(crate) enum Outcome {
    Same,
    Gone,
    /// The number of the fresh node that stands there.
    Fresh(u32),
}

/// What hangs in a branch while it is remade.
enum Slot<'t, V> {
    Empty,
    Old(&'t Child<V>),
    Fresh(u32),
}

/// New nodes of one kind of trie, of any number of tries.
pub(crate) struct Forge<'a, V> {
    loader: Loader<'a>,
    /// `None` in its place: the node was merged into another.
    fresh: Vec<Option<Fresh<V>>>,
    /// Number of the trie being changed.
    owner: u32,
    /// Old nodes that are replaced; none are kept when nobody asks.
    before: Option<seal::Marks>,
    /// Nodes fetched though no key passes them, by hash.
    siblings: &'a mut B256Map<Bytes>,
}

impl<'a, V: Value> Forge<'a, V> {
    /// `keep`: whether replaced and new nodes are wanted as bytes.
    pub(crate) fn new(loader: Loader<'a>, siblings: &'a mut B256Map<Bytes>, keep: bool) -> Self {
        Self { loader, fresh: Vec::new(), owner: 0, before: keep.then(Default::default), siblings }
    }

    /// Changes the trie below `root`, number `owner` of those changed here. `writes` are sorted by key, each key once.
    pub(crate) fn update(
        &mut self,
        owner: (u32, Option<B256>),
        root: Option<&Child<V>>,
        writes: &[Write<V>],
    ) -> Result<Outcome, StateError> {
        (self.owner, self.loader.owner) = owner;
        if let Some(before) = &mut self.before {
            before.expect(writes.len());
        }
        match root {
            _ if writes.is_empty() => Ok(Outcome::Same),
            Some(root) => self.change(root, 0, writes),
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
        self.fell(root, B256::ZERO, 0, &mut leaf)
    }

    fn fell(
        &mut self,
        child: &Child<V>,
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
                self.fell(child, prefixed(key, depth, path), depth + path.len(), leaf)?;
            }
            Node::Branch(branch) => {
                for (nibble, child) in branch.children() {
                    self.fell(child, with_nibble(key, depth, nibble), depth + 1, leaf)?;
                }
            }
        }
        Ok(())
    }

    fn change(&mut self, child: &Child<V>, depth: usize, writes: &[Write<V>]) -> Result<Outcome, StateError> {
        let key = &writes[0].key;
        let node = self.loader.node(child, key, depth)?;
        let outcome = match &**node {
            Node::Leaf(leaf) => self.change_leaf(leaf, depth, writes),
            Node::Extension(extension) => self.change_extension(extension, depth, writes)?,
            Node::Branch(branch) => self.change_branch(branch, depth, writes)?,
        };
        if !matches!(outcome, Outcome::Same) {
            self.replaced(child, node, key, depth);
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

    fn change_branch(&mut self, branch: &Branch<V>, depth: usize, writes: &[Write<V>]) -> Result<Outcome, StateError> {
        let mut slots: [Slot<'_, V>; 16] = [const { Slot::Empty }; 16];
        for (nibble, child) in branch.children() {
            slots[usize::from(nibble)] = Slot::Old(child);
        }
        let mut changed = false;
        for (nibble, group) in groups(writes, depth) {
            let slot = &mut slots[usize::from(nibble)];
            let outcome = match slot {
                Slot::Old(child) => self.change(child, depth + 1, group)?,
                _ => self.plant(depth + 1, group).map_or(Outcome::Same, Outcome::Fresh),
            };
            match outcome {
                Outcome::Same => continue,
                Outcome::Gone => *slot = Slot::Empty,
                Outcome::Fresh(fresh) => *slot = Slot::Fresh(fresh),
            }
            changed = true;
        }
        if !changed {
            return Ok(Outcome::Same);
        }
        let key = writes[0].key;
        let mut left = (0u8..16).filter(|nibble| !matches!(slots[usize::from(*nibble)], Slot::Empty));
        match (left.next(), left.next()) {
            (None, _) => Ok(Outcome::Gone),
            (Some(only), None) => {
                let path = Nibbles::from_nibbles([only]);
                Ok(Outcome::Fresh(match slots[usize::from(only)] {
                    Slot::Fresh(fresh) => self.lift(fresh, key, depth, path),
                    Slot::Old(child) => self.lift_sibling(child, with_nibble(key, depth, only), depth, path)?,
                    Slot::Empty => unreachable!("filtered above"),
                }))
            }
            (Some(_), Some(_)) => Ok(Outcome::Fresh(self.branch(&slots, key, depth))),
        }
    }

    fn change_extension(
        &mut self,
        extension: &Extension<V>,
        depth: usize,
        writes: &[Write<V>],
    ) -> Result<Outcome, StateError> {
        let Extension { path, child } = extension;
        let follow = |write: &Write<V>| follows(&write.key, depth, path) == path.len();
        let start = writes.iter().position(follow).unwrap_or(writes.len());
        let end = writes[start..].iter().position(|write| !follow(write)).map_or(writes.len(), |len| start + len);
        let inside = match &writes[start..end] {
            [] => Outcome::Same,
            inside => self.change(child, depth + path.len(), inside)?,
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
            Outcome::Same => (*path, child.clone()),
            Outcome::Gone => return Ok(self.plant(depth, &writes).map_or(Outcome::Gone, Outcome::Fresh)),
            Outcome::Fresh(fresh) if self.is_branch(fresh) => (*path, Child::unloaded(Reference::Fresh(fresh))),
            Outcome::Fresh(fresh) => match self.take(fresh).node {
                Node::Leaf(Leaf { key, value }) => {
                    let at = writes.partition_point(|write| write.key < key);
                    writes.insert(at, Write { key, value: Some(value) });
                    return Ok(self.plant(depth, &writes).map_or(Outcome::Gone, Outcome::Fresh));
                }
                Node::Extension(below) => (path.join(&below.path), below.child),
                Node::Branch(_) => unreachable!("matched above"),
            },
        };
        Ok(Outcome::Fresh(self.graft(depth, &path, child, &writes)))
    }

    /// `child` at the end of `path`, and values (not none, and none of them below `child`) beside it.
    fn graft(&mut self, depth: usize, path: &Nibbles, child: Child<V>, writes: &[Write<V>]) -> u32 {
        let shared = writes.iter().map(|write| follows(&write.key, depth, path)).min().expect("something beside");
        let (at, turn) = (depth + shared, path.get_unchecked(shared));
        let key = writes[0].key;
        let own = with_nibble(key, at, turn);
        let tail = path.slice(shared + 1..);
        let mut child = Some(child);
        let mut kept = None;
        let mut slots: [Slot<'_, V>; 16] = [const { Slot::Empty }; 16];
        for (nibble, group) in groups(writes, at) {
            let fresh = match child.take_if(|_| nibble == turn) {
                Some(child) => Some(self.graft(at + 1, &tail, child, group)),
                None => self.plant(at + 1, group),
            };
            slots[usize::from(nibble)] = fresh.map_or(Slot::Empty, Slot::Fresh);
        }
        if let Some(child) = child {
            if tail.is_empty() {
                kept = Some(child);
            } else {
                let fresh = self.extension(own, at + 1, tail, child);
                slots[usize::from(turn)] = Slot::Fresh(fresh);
            }
        }
        if let Some(kept) = &kept {
            slots[usize::from(turn)] = match kept.reference {
                Reference::Fresh(fresh) => Slot::Fresh(fresh),
                _ => Slot::Old(kept),
            };
        }
        let branch = self.branch(&slots, key, at);
        if shared == 0 {
            return branch;
        }
        self.extension(key, depth, path.slice(..shared), Child::unloaded(Reference::Fresh(branch)))
    }

    /// The subtree of the values in `writes` alone.
    fn plant(&mut self, depth: usize, writes: &[Write<V>]) -> Option<u32> {
        let some = |write: &&Write<V>| write.value.is_some();
        let first = writes.iter().find(some)?;
        let last = writes.iter().rfind(some)?;
        let value = first.value.clone()?;
        if first.key == last.key {
            return Some(self.add(Node::Leaf(Leaf { key: first.key, value }), first.key, depth, 0));
        }
        let shared = common(&first.key, &last.key, depth);
        let mut slots: [Slot<'_, V>; 16] = [const { Slot::Empty }; 16];
        for (nibble, group) in groups(writes, depth + shared) {
            if let Some(fresh) = self.plant(depth + shared + 1, group) {
                slots[usize::from(nibble)] = Slot::Fresh(fresh);
            }
        }
        let branch = self.branch(&slots, first.key, depth + shared);
        if shared == 0 {
            return Some(branch);
        }
        let path = Nibbles::unpack(first.key).slice(depth..depth + shared);
        Some(self.extension(first.key, depth, path, Child::unloaded(Reference::Fresh(branch))))
    }

    /// A fresh node moved up to `depth`, `path` above where it was. Extensions point to branches only.
    fn lift(&mut self, fresh: u32, key: B256, depth: usize, path: Nibbles) -> u32 {
        if self.is_branch(fresh) {
            return self.extension(key, depth, path, Child::unloaded(Reference::Fresh(fresh)));
        }
        match self.take(fresh).node {
            Node::Extension(below) => self.extension(key, depth, path.join(&below.path), below.child),
            Node::Leaf(leaf) => {
                let key = leaf.key;
                self.add(Node::Leaf(leaf), key, depth, 0)
            }
            Node::Branch(_) => unreachable!("matched above"),
        }
    }

    /// The last child of a branch at `depth`, which no key passes, in the branch's place.
    fn lift_sibling(&mut self, child: &Child<V>, key: B256, depth: usize, path: Nibbles) -> Result<u32, StateError> {
        let node = self.loader.node(child, &key, depth + 1)?;
        if let Some(hash) = child.hash() {
            self.siblings.entry(hash).or_insert_with(|| bytes(node, depth + 1));
        }
        Ok(match &**node {
            Node::Branch(_) => self.extension(key, depth, path, child.clone()),
            Node::Extension(below) => {
                self.replaced(child, node, &key, depth + 1);
                self.extension(key, depth, path.join(&below.path), below.child.clone())
            }
            Node::Leaf(leaf) => {
                self.replaced(child, node, &key, depth + 1);
                self.add(Node::Leaf(leaf.clone()), leaf.key, depth, 0)
            }
        })
    }

    fn branch(&mut self, slots: &[Slot<'_, V>; 16], key: B256, depth: usize) -> u32 {
        let kept = || slots.iter().filter_map(|slot| if let Slot::Old(child) = slot { Some(*child) } else { None });
        warm(kept());
        let mut mask = 0;
        let mut height = 0;
        let some = slots.iter().filter(|slot| !matches!(slot, Slot::Empty)).count();
        let mut children = Vec::with_capacity(some);
        for (nibble, slot) in slots.iter().enumerate() {
            children.push(match slot {
                Slot::Empty => continue,
                Slot::Old(child) => (*child).clone(),
                Slot::Fresh(fresh) => {
                    height = height.max(1 + self.height(*fresh));
                    Child::unloaded(Reference::Fresh(*fresh))
                }
            });
            mask |= 1 << nibble;
        }
        self.add(Node::Branch(Branch::new(mask, children.into())), key, depth, height)
    }

    fn extension(&mut self, key: B256, depth: usize, path: Nibbles, child: Child<V>) -> u32 {
        let height = match child.reference {
            Reference::Fresh(fresh) => 1 + self.height(fresh),
            _ => 0,
        };
        self.add(Node::Extension(Box::new(Extension { path, child })), key, depth, height)
    }

    fn height(&self, fresh: u32) -> u8 {
        self.fresh[fresh as usize].as_ref().expect("hangs somewhere").height
    }

    fn add(&mut self, node: Node<V>, key: B256, depth: usize, height: u8) -> u32 {
        let number = u32::try_from(self.fresh.len()).expect("fewer nodes than a block can pay for");
        self.fresh.push(Some(Fresh { node, key, depth: depth as u8, height, owner: self.owner }));
        number
    }

    fn is_branch(&self, fresh: u32) -> bool {
        matches!(&self.fresh[fresh as usize], Some(Fresh { node: Node::Branch(_), .. }))
    }

    fn take(&mut self, fresh: u32) -> Fresh<V> {
        self.fresh[fresh as usize].take().expect("hangs in one place only")
    }

    /// Notes what stood at a place that changes.
    fn replaced(&mut self, child: &Child<V>, node: &Node<V>, key: &B256, depth: usize) {
        if let Some(before) = &mut self.before
            && child.hash().is_some()
        {
            before.add(self.owner, key, depth, |out| encode(node, depth, out));
        }
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
