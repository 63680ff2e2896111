//! One trie node in memory, and its RLP (Yellow Paper, appendix D).
//!
//! Nodes never change once they hang in a tree; versions of a state share them. A child that nobody has looked at is only its hash; whoever
//! looks first loads it for every version that holds the same parent. Must not know: sources, or what a value means.

mod branch;

use super::value::Value;
use alloy_primitives::{B256, Bytes};
use alloy_rlp::{EMPTY_STRING_CODE, Header};
use alloy_trie::Nibbles;
pub(crate) use branch::Branch;
pub(super) use branch::nibbles;
use std::{
    fmt,
    sync::{Arc, OnceLock},
};

/// Nibbles in a key.
pub(super) const KEY_NIBBLES: usize = 64;

/// No node is longer: a branch with sixteen hashes.
const RLP_MAX: usize = 3 + 16 * 33 + 1;

/// How a parent names a child: an item of its own RLP. The string of the child's hash, or the child's RLP itself when that is shorter than 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name {
    len: u8,
    bytes: [u8; 33],
}

impl Name {
    pub(super) fn of_hash(hash: &B256) -> Self {
        let mut bytes = [EMPTY_STRING_CODE + 32; 33];
        bytes[1..].copy_from_slice(hash.as_slice());
        Self { len: 33, bytes }
    }

    /// Of a node below the root.
    pub(super) fn of(raw: &[u8], hash: &B256) -> Self {
        if raw.len() < 32 { Self::from_item(raw) } else { Self::of_hash(hash) }
    }

    /// From the item itself, at most 33 bytes.
    pub(super) fn from_item(item: &[u8]) -> Self {
        let mut bytes = [0; 33];
        bytes[..item.len()].copy_from_slice(item);
        Self { len: item.len() as u8, bytes }
    }

    pub(super) fn is_hash(&self) -> bool {
        self.bytes[0] == EMPTY_STRING_CODE + 32
    }

    fn item(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// The hash in such an item.
fn hash_in(item: &[u8]) -> Option<B256> {
    item.strip_prefix(&[EMPTY_STRING_CODE + 32]).map(B256::from_slice)
}

/// Where a node goes once somebody looked.
pub(super) type Slot<V> = OnceLock<Arc<Node<V>>>;

/// A child that hangs nowhere, or in something that has only one: its name, and the node once somebody looked.
#[derive(Clone)]
pub(crate) struct Child<V> {
    pub(super) name: Name,
    pub(super) node: Slot<V>,
}

impl<V> Child<V> {
    pub(super) fn unloaded(name: Name) -> Self {
        Self { name, node: OnceLock::new() }
    }

    pub(super) fn loaded(name: Name, node: Arc<Node<V>>) -> Self {
        Self { name, node: OnceLock::from(node) }
    }

    pub(crate) fn link(&self) -> Link<'_, V> {
        Link { named: Named::Here(&self.name), node: &self.node }
    }

    pub(crate) fn hash(&self) -> Option<B256> {
        hash_in(self.name.item())
    }

    /// Of a root, which always has one.
    pub(crate) fn root_hash(&self) -> B256 {
        self.hash().expect("roots are named by their hash, however short")
    }
}

impl<V> fmt::Debug for Child<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A child where it hangs.
pub(crate) struct Link<'t, V> {
    named: Named<'t>,
    pub(super) node: &'t Slot<V>,
}

/// Where the name of a child is. Looked up when somebody asks, because going down asks for nodes only.
#[derive(Clone, Copy)]
enum Named<'t> {
    Here(&'t Name),
    In(branch::At<'t>),
}

impl<V> Clone for Link<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Link<'_, V> {}

impl<'t, V> Link<'t, V> {
    pub(crate) fn hash(&self) -> Option<B256> {
        hash_in(self.item())
    }

    fn item(&self) -> &'t [u8] {
        match self.named {
            Named::Here(name) => name.item(),
            Named::In(branch) => branch.item(),
        }
    }

    /// The same child, to hang elsewhere.
    pub(super) fn to_child(self) -> Child<V> {
        Child { name: Name::from_item(self.item()), node: self.node.clone() }
    }
}

pub(crate) enum Node<V> {
    /// The whole key is kept, so that a leaf that moves up or down stays the same.
    Leaf(Leaf<V>),
    Extension(Box<Extension<V>>),
    Branch(Branch<V>),
}

#[derive(Clone)]
pub(crate) struct Leaf<V> {
    pub(super) key: B256,
    pub(super) value: V,
}

pub(crate) struct Extension<V> {
    /// Not empty.
    pub(super) path: Nibbles,
    /// A branch.
    pub(super) child: Child<V>,
}

/// Reads the counters of nodes that are about to be counted up or down. Reads overlap, where counting would wait for memory one node after the
/// other.
pub(super) fn warm<'t, V: 't>(nodes: impl IntoIterator<Item = &'t Slot<V>>) {
    let nodes = nodes.into_iter().filter_map(OnceLock::get);
    std::hint::black_box(nodes.fold(0, |sum, node| sum ^ Arc::strong_count(node)));
}

/// The nibble of `key` at `depth` < 64.
pub(crate) fn nibble(key: &B256, depth: usize) -> u8 {
    let byte = key[depth / 2];
    if depth.is_multiple_of(2) { byte >> 4 } else { byte & 0xf }
}

/// `key` with another nibble at `depth`.
pub(crate) fn with_nibble(mut key: B256, depth: usize, nibble: u8) -> B256 {
    let byte = &mut key[depth / 2];
    *byte = if depth.is_multiple_of(2) { nibble << 4 | *byte & 0xf } else { *byte & 0xf0 | nibble };
    key
}

/// How many nibbles from `depth` on two keys have in common.
pub(super) fn common(a: &B256, b: &B256, depth: usize) -> usize {
    (depth..KEY_NIBBLES).take_while(|at| nibble(a, *at) == nibble(b, *at)).count()
}

/// How many nibbles of `path` the key follows from `depth` on.
pub(super) fn follows(key: &B256, depth: usize, path: &Nibbles) -> usize {
    (0..path.len()).take_while(|at| nibble(key, depth + at) == path.get_unchecked(*at)).count()
}

/// Appends the RLP of a node that hangs `depth` nibbles deep.
pub(super) fn encode<V: Value>(node: &Node<V>, depth: usize, out: &mut Vec<u8>) {
    match node {
        Node::Leaf(Leaf { key, value }) => leaf(key, value, depth, out),
        Node::Extension(extension) => {
            let Extension { path, child } = &**extension;
            let prefix = 1 + path.len() / 2;
            let name = child.name.item();
            list(string_len(prefix) + name.len(), out);
            string(prefix, out);
            let odd = path.len() % 2;
            out.push(if odd == 1 { 0x10 | path.get_unchecked(0) } else { 0 });
            let pairs = (odd..path.len()).step_by(2);
            out.extend(pairs.map(|i| path.get_unchecked(i) << 4 | path.get_unchecked(i + 1)));
            out.extend_from_slice(name);
        }
        Node::Branch(branch) => out.extend_from_slice(branch.raw()),
    }
}

/// That RLP.
pub(super) fn bytes<V: Value>(node: &Node<V>, depth: usize) -> Bytes {
    let mut raw = Vec::with_capacity(encoded_len(node, depth));
    encode(node, depth, &mut raw);
    raw.into()
}

impl<V: Value> Node<V> {
    /// Appends the RLP of this node, which hangs `depth` nibbles deep.
    pub(crate) fn write(&self, depth: usize, out: &mut Vec<u8>) {
        encode(self, depth, out);
    }
}

/// Bytes of that RLP.
pub(super) fn encoded_len<V: Value>(node: &Node<V>, depth: usize) -> usize {
    let payload = match node {
        Node::Leaf(leaf) => string_len(1 + (leaf.value.key_nibbles() - depth) / 2) + string_len(leaf.value.len()),
        Node::Extension(extension) => string_len(1 + extension.path.len() / 2) + extension.child.name.item().len(),
        Node::Branch(branch) => return branch.raw().len(),
    };
    payload + alloy_rlp::length_of_length(payload)
}

fn leaf<V: Value>(key: &B256, value: &V, depth: usize, out: &mut Vec<u8>) {
    let end = value.key_nibbles();
    let rest = end - depth;
    let prefix = 1 + rest / 2;
    list(string_len(prefix) + string_len(value.len()), out);
    string(prefix, out);
    out.push(if rest % 2 == 1 { 0x30 | nibble(key, depth) } else { 0x20 });
    out.extend_from_slice(&key[depth.div_ceil(2)..end / 2]);
    string(value.len(), out);
    value.write(out);
}

/// Length of a string of `len` bytes. One that is alone is below 0x80 here (hex prefixes, and RLP of a single byte), and so its own string.
fn string_len(len: usize) -> usize {
    if len == 1 { 1 } else { len + alloy_rlp::length_of_length(len) }
}

/// Header of such a string.
fn string(len: usize, out: &mut Vec<u8>) {
    if len != 1 {
        Header { list: false, payload_length: len }.encode(out);
    }
}

fn list(payload_length: usize, out: &mut Vec<u8>) {
    Header { list: true, payload_length }.encode(out);
}
