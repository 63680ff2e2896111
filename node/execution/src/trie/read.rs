//! Going down a trie: loading what a path needs, or only looking at what is there.

use super::{
    decode::decode,
    node::{Child, KEY_NIBBLES, Link, Node, encoded_len, follows, nibble, warm},
    place::Place,
    value::Value,
};
use crate::state::{NodeSource, StateError};
use alloy_primitives::B256;
use alloy_trie::Nibbles;
use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Where nodes of one trie come from.
#[derive(Clone, Copy)]
pub(crate) struct Loader<'a> {
    pub(super) source: &'a dyn NodeSource,
    /// As in [`Place`].
    pub(super) owner: Option<B256>,
    /// Nodes in memory, about.
    pub(super) count: &'a AtomicUsize,
}

impl<'a> Loader<'a> {
    /// For the account trie.
    pub(crate) fn new(source: &'a dyn NodeSource, count: &'a AtomicUsize) -> Self {
        Self { source, owner: None, count }
    }

    /// For the storage trie of the account under the hashed address `owner`.
    pub(crate) fn of(self, owner: B256) -> Self {
        Self { owner: Some(owner), ..self }
    }

    /// The node that `child` names, below the first `depth` nibbles of `key`.
    pub(super) fn node<'t, V: Value>(
        &self,
        child: Link<'t, V>,
        key: &B256,
        depth: usize,
    ) -> Result<&'t Arc<Node<V>>, StateError> {
        if let Some(node) = child.node.get() {
            return Ok(node);
        }
        let hash = child.hash().expect("a child without a hash is in memory");
        let place = Place { owner: self.owner, path: Nibbles::unpack(key).slice(..depth) };
        let raw = self.source.node(&place, hash)?;
        let node = Arc::new(decode(&raw, hash, *key, depth)?);
        self.count.fetch_add(1, Ordering::Relaxed);
        // Another reader may have been faster: then its node stays.
        Ok(child.node.get_or_init(|| node))
    }

    /// Goes from `root` towards `key` as far as there are nodes, calling `visit` with each child and its depth. Returns the value under
    /// `key`; `None` is proven absence.
    pub(crate) fn walk<'t, V: Value>(
        &self,
        root: Option<&'t Child<V>>,
        key: &B256,
        mut visit: impl FnMut(Link<'t, V>, &'t Node<V>, usize),
    ) -> Result<Option<&'t V>, StateError> {
        let (mut next, mut depth) = (root.map(Child::link), 0);
        while let Some(child) = next {
            let node = self.node(child, key, depth)?;
            visit(child, node, depth);
            match step(node, key, &mut depth) {
                Step::Down(below) => next = Some(below),
                Step::End(value) => return Ok(value),
            }
        }
        Ok(None)
    }

    /// Bytes of a node's RLP.
    pub(crate) fn len<V: Value>(&self, child: Link<'_, V>, key: &B256, depth: usize) -> Result<usize, StateError> {
        Ok(encoded_len(self.node(child, key, depth)?, depth))
    }

    /// The value under `key`; `None` is proven absence.
    pub(crate) fn get<'t, V: Value>(
        &self,
        root: Option<&'t Child<V>>,
        key: &B256,
    ) -> Result<Option<&'t V>, StateError> {
        self.walk(root, key, |_, _, _| {})
    }
}

impl Loader<'_> {
    /// The values under many keys, which are sorted: one way down for those that share it.
    ///
    /// Goes down level by level, not path by path: the nodes of a level stand anywhere in memory, and what waits for memory waits for all of them
    /// together.
    pub(crate) fn gather<'t, V: Value>(
        &self,
        root: Option<&'t Child<V>>,
        keys: &[B256],
    ) -> Result<Vec<Option<&'t V>>, StateError> {
        let mut values = vec![None; keys.len()];
        let mut level: Vec<Way<'t, V>> = Vec::new();
        level.extend(root.map(|root| Way { child: root.link(), depth: 0, keys: 0..keys.len() }));
        while !level.is_empty() {
            warm(level.iter().map(|way| way.child.node));
            let mut branches = Vec::with_capacity(level.len());
            for Way { child, depth, keys: range } in level {
                let Some(key) = keys[range.clone()].first() else { continue };
                match &**self.node(child, key, depth)? {
                    Node::Branch(branch) => branches.push((branch, depth, range)),
                    _ => {
                        for at in range {
                            values[at] = self.get_below(child, depth, &keys[at])?;
                        }
                    }
                }
            }
            branches.iter().for_each(|(branch, ..)| branch.warm());
            level = Vec::with_capacity(branches.len());
            for (branch, depth, range) in branches {
                let mut start = range.start;
                for group in keys[range].chunk_by(|a, b| nibble(a, depth) == nibble(b, depth)) {
                    let keys = start..start + group.len();
                    start = keys.end;
                    let child = branch.get(nibble(&group[0], depth));
                    level.extend(child.map(|child| Way { child, depth: depth + 1, keys }));
                }
            }
        }
        Ok(values)
    }

    fn get_below<'t, V: Value>(
        &self,
        child: Link<'t, V>,
        mut depth: usize,
        key: &B256,
    ) -> Result<Option<&'t V>, StateError> {
        let mut next = child;
        loop {
            match step(self.node(next, key, depth)?, key, &mut depth) {
                Step::Down(below) => next = below,
                Step::End(value) => return Ok(value),
            }
        }
    }
}

/// Keys, by their positions, that pass a child.
struct Way<'t, V> {
    child: Link<'t, V>,
    depth: usize,
    keys: Range<usize>,
}

/// The value under `key` as far as memory knows: `None` when a node on the way is not there.
pub(super) fn peek<'t, V: Value>(root: Option<&'t Child<V>>, key: &B256) -> Option<Option<&'t V>> {
    let (mut next, mut depth) = (root.map(Child::link), 0);
    while let Some(child) = next {
        match step(child.node.get()?, key, &mut depth) {
            Step::Down(below) => next = Some(below),
            Step::End(value) => return Some(value),
        }
    }
    Some(None)
}

enum Step<'t, V> {
    Down(Link<'t, V>),
    End(Option<&'t V>),
}

fn step<'t, V>(node: &'t Node<V>, key: &B256, depth: &mut usize) -> Step<'t, V> {
    match node {
        Node::Leaf(leaf) => Step::End((leaf.key == *key).then_some(&leaf.value)),
        Node::Extension(extension) => {
            if follows(key, *depth, &extension.path) < extension.path.len() {
                return Step::End(None);
            }
            *depth += extension.path.len();
            Step::Down(extension.child.link())
        }
        Node::Branch(branch) => {
            debug_assert!(*depth < KEY_NIBBLES, "decoding refuses branches at or below depth 64");
            match branch.get(nibble(key, *depth)) {
                Some(child) => {
                    *depth += 1;
                    Step::Down(child)
                }
                None => Step::End(None),
            }
        }
    }
}
