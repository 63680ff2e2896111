//! One trie node in memory, and its RLP (Yellow Paper, appendix D).
//!
//! Nodes never change once they hang in a tree; versions of a state share them. A child that nobody has looked at is only its hash; whoever
//! looks first loads it for every version that holds the same parent. Must not know: sources, or what a value means.

use super::value::Value;
use alloy_primitives::{B256, Bytes};
use alloy_rlp::{EMPTY_STRING_CODE, Header};
use alloy_trie::Nibbles;
use std::{
    fmt,
    sync::{Arc, OnceLock},
};

/// Nibbles in a key.
pub(super) const KEY_NIBBLES: usize = 64;

/// No node is longer: a branch with sixteen hashes.
const RLP_MAX: usize = 3 + 16 * 33 + 1;

/// How a parent names a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reference {
    /// keccak256 of its RLP.
    Hash(B256),
    /// Its RLP, shorter than 32 bytes.
    Short(Short),
    /// Being made: its number in the forge. Never in a finished tree.
    Fresh(u32),
}

/// RLP of a node of less than 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Short {
    len: u8,
    bytes: [u8; 31],
}

impl Short {
    pub(super) fn new(raw: &[u8]) -> Option<Self> {
        let mut bytes = [0; 31];
        bytes.get_mut(..raw.len())?.copy_from_slice(raw);
        Some(Self { len: raw.len() as u8, bytes })
    }

    fn raw(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl Reference {
    fn len(&self) -> usize {
        match self {
            Self::Hash(_) => 33,
            Self::Short(short) => short.raw().len(),
            Self::Fresh(_) => unreachable!("children are finished before their parent is encoded"),
        }
    }

    /// Writes to the start of `out`; returns how many bytes.
    fn copy(&self, out: &mut [u8]) -> usize {
        match self {
            Self::Hash(hash) => {
                out[0] = EMPTY_STRING_CODE + 32;
                out[1..33].copy_from_slice(hash.as_slice());
                33
            }
            Self::Short(short) => {
                let raw = short.raw();
                out[..raw.len()].copy_from_slice(raw);
                raw.len()
            }
            Self::Fresh(_) => unreachable!("children are finished before their parent is encoded"),
        }
    }
}

/// A child: its name, and the node once somebody looked.
#[derive(Clone)]
pub(crate) struct Child<V> {
    pub(super) reference: Reference,
    pub(super) node: OnceLock<Arc<Node<V>>>,
}

impl<V> Child<V> {
    pub(super) fn unloaded(reference: Reference) -> Self {
        Self { reference, node: OnceLock::new() }
    }

    pub(super) fn loaded(reference: Reference, node: Arc<Node<V>>) -> Self {
        Self { reference, node: OnceLock::from(node) }
    }

    pub(crate) fn hash(&self) -> Option<B256> {
        match self.reference {
            Reference::Hash(hash) => Some(hash),
            Reference::Short(_) | Reference::Fresh(_) => None,
        }
    }

    /// Of a root, which always has one.
    pub(crate) fn root_hash(&self) -> B256 {
        self.hash().expect("roots are named by their hash, however short")
    }
}

impl<V> fmt::Debug for Child<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("reference", &self.reference).finish_non_exhaustive()
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

/// Two children or more, by nibble; keys all have one length, so a branch holds no value.
pub(crate) struct Branch<V> {
    mask: u16,
    children: Box<[Child<V>]>,
}

impl<V> Branch<V> {
    /// From children in the order of their nibbles.
    pub(super) fn new(mask: u16, children: Box<[Child<V>]>) -> Self {
        assert_eq!(mask.count_ones() as usize, children.len(), "a bit for each child");
        Self { mask, children }
    }

    pub(crate) fn mask(&self) -> u16 {
        self.mask
    }

    pub(crate) fn get(&self, nibble: u8) -> Option<&Child<V>> {
        let bit = 1u16 << nibble;
        (self.mask & bit != 0).then(|| &self.children[(self.mask & (bit - 1)).count_ones() as usize])
    }

    pub(super) fn children(&self) -> impl Iterator<Item = (u8, &Child<V>)> {
        (0..16).filter(|nibble| self.mask >> nibble & 1 == 1).zip(&self.children)
    }

    pub(super) fn children_mut(&mut self) -> &mut [Child<V>] {
        &mut self.children
    }
}

impl<V> Drop for Branch<V> {
    fn drop(&mut self) {
        warm(&self.children);
    }
}

/// Reads the counters of nodes that are about to be counted up or down. Reads overlap, where counting would wait for memory one node after the
/// other.
pub(super) fn warm<'t, V: 't>(children: impl IntoIterator<Item = &'t Child<V>>) {
    let nodes = children.into_iter().filter_map(|child| child.node.get());
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
    out.reserve(RLP_MAX);
    match node {
        Node::Leaf(Leaf { key, value }) => leaf(key, value, depth, out),
        Node::Extension(extension) => {
            let Extension { path, child } = &**extension;
            let prefix = 1 + path.len() / 2;
            list(string_len(prefix) + child.reference.len(), out);
            string(prefix, out);
            let odd = path.len() % 2;
            out.push(if odd == 1 { 0x10 | path.get_unchecked(0) } else { 0 });
            let pairs = (odd..path.len()).step_by(2);
            out.extend(pairs.map(|i| path.get_unchecked(i) << 4 | path.get_unchecked(i + 1)));
            let mut name = [0; 33];
            let len = child.reference.copy(&mut name);
            out.extend_from_slice(&name[..len]);
        }
        Node::Branch(branch) => {
            let mut payload = [EMPTY_STRING_CODE; RLP_MAX];
            let (mut end, mut children) = (0, branch.children.iter());
            for nibble in 0..16 {
                end += match branch.mask >> nibble & 1 {
                    1 => children.next().expect("a child for each bit").reference.copy(&mut payload[end..]),
                    _ => 1,
                };
            }
            list(end + 1, out);
            out.extend_from_slice(&payload[..end + 1]);
        }
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
        Node::Extension(extension) => string_len(1 + extension.path.len() / 2) + extension.child.reference.len(),
        Node::Branch(branch) => {
            branch.children.iter().map(|child| child.reference.len()).sum::<usize>() + 17 - branch.children.len()
        }
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
