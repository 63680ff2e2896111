//! A trie that changes one key at a time and knows no batches: the textbook's, to hold the other one against.

mod node;

use crate::state::StateError;
use alloy_primitives::{B256, Bytes};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};
use node::{Kind, Node, Slot};

/// Nodes by hash.
pub(super) trait ByHash {
    fn node(&self, hash: B256) -> Result<Bytes, StateError>;
}

impl<T: ByHash + ?Sized> ByHash for &T {
    fn node(&self, hash: B256) -> Result<Bytes, StateError> {
        (**self).node(hash)
    }
}

/// A trie over `source`, starting at a root; changes stay in memory until [`Trie::commit`] names the new nodes.
///
/// After an error the trie may be half changed and is not to be used any more.
#[derive(Debug)]
pub(super) struct Trie<S> {
    source: S,
    root: Slot,
}

impl<S: ByHash> Trie<S> {
    /// The trie below `root`. Nothing is fetched yet.
    pub(super) fn new(source: S, root: B256) -> Self {
        let root = if root == EMPTY_ROOT_HASH { Slot::Empty } else { Slot::Hash(root) };
        Self { source, root }
    }

    /// The value under `key`; `None` is proven absence.
    pub(super) fn get(&mut self, key: B256) -> Result<Option<&Bytes>, StateError> {
        let key = Nibbles::unpack(key);
        let (mut slot, mut depth) = (&mut self.root, 0);
        loop {
            slot.resolve(&self.source, depth)?;
            let Slot::Node(node) = slot else { return Ok(None) };
            match &mut node.kind {
                Kind::Leaf { path, value } => return Ok((key.slice(depth..) == *path).then_some(&*value)),
                Kind::Extension { path, child } => {
                    if !key.slice(depth..).starts_with(path) {
                        return Ok(None);
                    }
                    depth += path.len();
                    slot = child;
                }
                Kind::Branch { children } => {
                    slot = &mut children[nibble(&key, depth)];
                    depth += 1;
                }
            }
        }
    }

    /// Puts `value` (not empty) under `key`. Needs no node beyond the path of `key`.
    pub(super) fn insert(&mut self, key: B256, value: Bytes) -> Result<(), StateError> {
        assert!(!value.is_empty(), "an empty value is absence: call remove({key})");
        insert(&self.source, &mut self.root, &Nibbles::unpack(key), 0, value).map(|_| ())
    }

    /// Takes `key` out; does nothing when it is absent. May fetch one node beyond the path: the sibling of the leaf, when
    /// the branch above has no third child and so collapses.
    pub(super) fn remove(&mut self, key: B256) -> Result<(), StateError> {
        remove(&self.source, &mut self.root, &Nibbles::unpack(key), 0).map(|_| ())
    }

    /// Root of the trie as it is now, and the nodes made since the last commit: children before parents.
    pub(super) fn commit(&mut self) -> (B256, Vec<(B256, Bytes)>) {
        let mut made = Vec::new();
        let root = self.root.seal_root(&mut made);
        (root, made)
    }
}

fn nibble(key: &Nibbles, depth: usize) -> usize {
    usize::from(key.get(depth).expect("decoding refuses branches at or below depth 64"))
}

/// Returns whether anything changed, so that untouched nodes keep their hash.
fn insert(
    source: &impl ByHash,
    slot: &mut Slot,
    key: &Nibbles,
    depth: usize,
    value: Bytes,
) -> Result<bool, StateError> {
    slot.resolve(source, depth)?;
    let rest = key.slice(depth..);
    let Slot::Node(node) = slot else {
        *slot = Slot::leaf(rest, value);
        return Ok(true);
    };
    let changed = match &mut node.kind {
        Kind::Branch { children } => insert(source, &mut children[nibble(key, depth)], key, depth + 1, value)?,
        Kind::Leaf { path, value: old } if *path == rest => {
            let changed = *old != value;
            *old = value;
            changed
        }
        Kind::Extension { path, child } if rest.starts_with(path) => {
            insert(source, child, key, depth + path.len(), value)?
        }
        Kind::Leaf { .. } | Kind::Extension { .. } => {
            split(slot, &rest, value);
            return Ok(true);
        }
    };
    if changed {
        node.hash = None;
    }
    Ok(changed)
}

/// Puts a branch where the path of the leaf or extension in `slot` leaves `rest`.
fn split(slot: &mut Slot, rest: &Nibbles, value: Bytes) {
    let Slot::Node(node) = slot.take() else { unreachable!("only leaves and extensions are split") };
    let (path, below): (Nibbles, Box<dyn FnOnce(Nibbles) -> Slot>) = match node.kind {
        Kind::Leaf { path, value } => (path, Box::new(move |tail| Slot::leaf(tail, value))),
        Kind::Extension { path, child } => (path, Box::new(move |tail| Slot::extension(tail, child))),
        Kind::Branch { .. } => unreachable!("only leaves and extensions are split"),
    };
    let common = path.common_prefix_length(rest);
    let mut children: [Slot; 16] = Default::default();
    children[nibble(&path, common)] = below(path.slice(common + 1..));
    children[nibble(rest, common)] = Slot::leaf(rest.slice(common + 1..), value);
    let branch = Slot::Node(Box::new(Node::new(Kind::Branch { children: Box::new(children) })));
    *slot = Slot::extension(path.slice(..common), branch);
}

fn remove(source: &impl ByHash, slot: &mut Slot, key: &Nibbles, depth: usize) -> Result<bool, StateError> {
    slot.resolve(source, depth)?;
    let Slot::Node(node) = slot else { return Ok(false) };
    match &mut node.kind {
        Kind::Leaf { path, .. } => {
            if key.slice(depth..) != *path {
                return Ok(false);
            }
            *slot = Slot::Empty;
        }
        Kind::Extension { path, child } => {
            if !key.slice(depth..).starts_with(path) || !remove(source, child, key, depth + path.len())? {
                return Ok(false);
            }
            // The branch below may have become a leaf or an extension, which an extension may not point to.
            let (path, child) = (*path, child.take());
            *slot = child.below(path);
        }
        Kind::Branch { children } => {
            if !remove(source, &mut children[nibble(key, depth)], key, depth + 1)? {
                return Ok(false);
            }
            let mut left = (0u8..16).filter(|i| !children[usize::from(*i)].is_empty());
            match (left.next(), left.next()) {
                (None, _) => *slot = Slot::Empty,
                (Some(_), Some(_)) => node.hash = None,
                (Some(only), None) => {
                    let mut child = children[usize::from(only)].take();
                    child.resolve(source, depth + 1)?;
                    *slot = child.below(Nibbles::from_nibbles([only]));
                }
            }
        }
    }
    Ok(true)
}
