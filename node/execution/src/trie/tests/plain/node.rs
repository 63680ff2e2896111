//! One trie node: how it decodes, and how it becomes bytes again (Yellow Paper, appendix D).

use super::ByHash;
use crate::state::StateError;
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::{EMPTY_STRING_CODE, Encodable, Header};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};

/// Nibbles in a key.
const KEY_NIBBLES: usize = 64;

/// A place where a node can hang.
#[derive(Debug, Default)]
pub(super) enum Slot {
    #[default]
    Empty,
    /// Not fetched yet.
    Hash(B256),
    Node(Box<Node>),
}

#[derive(Debug)]
pub(super) struct Node {
    /// keccak256 of the RLP, while unchanged; `None` also for a node so short that its parent holds it.
    pub(super) hash: Option<B256>,
    /// Bytes of the RLP; valid while `hash` is.
    pub(super) len: usize,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Leaf { path: Nibbles, value: Bytes },
    Extension { path: Nibbles, child: Slot },
    Branch { children: Box<[Slot; 16]> },
}

impl Slot {
    pub(super) fn leaf(path: Nibbles, value: Bytes) -> Self {
        Self::Node(Box::new(Node::new(Kind::Leaf { path, value })))
    }

    /// `child` below `path`; the child itself when the path is empty.
    pub(super) fn extension(path: Nibbles, child: Self) -> Self {
        if path.is_empty() {
            return child;
        }
        Self::Node(Box::new(Node::new(Kind::Extension { path, child })))
    }

    /// This (fetched) node below `prefix`, merging paths so that no extension points to a leaf or an extension.
    pub(super) fn below(self, prefix: Nibbles) -> Self {
        match self {
            Self::Empty => Self::Empty,
            Self::Hash(_) => Self::extension(prefix, self),
            Self::Node(node) => match node.kind {
                Kind::Leaf { path, value } => Self::leaf(prefix.join(&path), value),
                Kind::Extension { path, child } => Self::extension(prefix.join(&path), child),
                Kind::Branch { .. } => Self::extension(prefix, Self::Node(node)),
            },
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    pub(super) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Fetches the node that hangs here, if that has not been done. `depth` is the number of nibbles above it.
    pub(super) fn resolve(&mut self, source: &impl ByHash, depth: usize) -> Result<(), StateError> {
        if let Self::Hash(hash) = *self {
            let raw = source.node(hash)?;
            let mut node = Decoder { hash, raw: &raw }.node(&raw, depth)?;
            (node.hash, node.len) = (Some(hash), raw.len());
            *self = Self::Node(node);
        }
        Ok(())
    }

    /// The root hash, for which even a short node is hashed.
    pub(super) fn seal_root(&mut self, made: &mut Vec<(B256, Bytes)>) -> B256 {
        match self {
            Self::Empty => EMPTY_ROOT_HASH,
            Self::Hash(hash) => *hash,
            Self::Node(node) => match node.hash {
                Some(hash) => hash,
                None => {
                    let raw = node.encode(made);
                    let hash = keccak256(&raw);
                    (node.hash, node.len) = (Some(hash), raw.len());
                    made.push((hash, raw.into()));
                    hash
                }
            },
        }
    }

    /// Appends what a parent holds: nothing, a hash or the short node itself.
    fn reference(&mut self, out: &mut Vec<u8>, made: &mut Vec<(B256, Bytes)>) {
        match self {
            Self::Empty => out.push(EMPTY_STRING_CODE),
            Self::Hash(hash) => hash.encode(out),
            Self::Node(node) => {
                if node.hash.is_none() {
                    let raw = node.encode(made);
                    if raw.len() < 32 {
                        out.extend_from_slice(&raw);
                        return;
                    }
                    let hash = keccak256(&raw);
                    (node.hash, node.len) = (Some(hash), raw.len());
                    made.push((hash, raw.into()));
                }
                node.hash.expect("set above").encode(out);
            }
        }
    }
}

impl Node {
    pub(super) fn new(kind: Kind) -> Self {
        Self { hash: None, len: 0, kind }
    }

    fn encode(&mut self, made: &mut Vec<(B256, Bytes)>) -> Vec<u8> {
        let mut payload = Vec::with_capacity(544);
        match &mut self.kind {
            Kind::Leaf { path, value } => {
                hex_prefix(path, true).as_slice().encode(&mut payload);
                value.encode(&mut payload);
            }
            Kind::Extension { path, child } => {
                hex_prefix(path, false).as_slice().encode(&mut payload);
                child.reference(&mut payload, made);
            }
            Kind::Branch { children } => {
                for child in children.iter_mut() {
                    child.reference(&mut payload, made);
                }
                payload.push(EMPTY_STRING_CODE);
            }
        }
        let mut raw = Vec::with_capacity(payload.len() + 3);
        Header { list: true, payload_length: payload.len() }.encode(&mut raw);
        raw.extend_from_slice(&payload);
        raw
    }
}

fn hex_prefix(path: &Nibbles, leaf: bool) -> Vec<u8> {
    let odd = path.len() % 2;
    let flag = if leaf { 2u8 } else { 0 } + odd as u8;
    let mut out = Vec::with_capacity(1 + path.len() / 2);
    out.push(flag << 4 | if odd == 1 { path.get_unchecked(0) } else { 0 });
    out.extend((odd..path.len()).step_by(2).map(|i| path.get_unchecked(i) << 4 | path.get_unchecked(i + 1)));
    out
}

/// Decodes strictly: what this accepts, it encodes to the same bytes.
struct Decoder<'a> {
    hash: B256,
    raw: &'a Bytes,
}

impl Decoder<'_> {
    fn corrupt<T>(&self, why: &'static str) -> Result<T, StateError> {
        Err(StateError::Corrupt { hash: self.hash, why })
    }

    /// Reads one RLP item: (is a list, payload, whole item).
    fn item<'b>(&self, buf: &mut &'b [u8]) -> Result<(bool, &'b [u8], &'b [u8]), StateError> {
        let start = *buf;
        let Ok(header) = Header::decode(buf) else { return self.corrupt("not RLP") };
        let Some((payload, rest)) = buf.split_at_checked(header.payload_length) else {
            return self.corrupt("RLP item longer than its list");
        };
        *buf = rest;
        Ok((header.list, payload, &start[..start.len() - rest.len()]))
    }

    fn node(&self, raw: &[u8], depth: usize) -> Result<Box<Node>, StateError> {
        let mut buf = raw;
        let (true, mut list, _) = self.item(&mut buf)? else { return self.corrupt("not a list") };
        if !buf.is_empty() {
            return self.corrupt("bytes after the node");
        }
        let mut items = Vec::with_capacity(17);
        while !list.is_empty() {
            if items.len() == 17 {
                return self.corrupt("more than 17 items");
            }
            items.push(self.item(&mut list)?);
        }
        let kind = match items.as_slice() {
            [(false, path, _), value] => self.short(path, *value, depth)?,
            [children @ .., (false, [], _)] if children.len() == 16 => {
                if depth >= KEY_NIBBLES {
                    return self.corrupt("branch below the depth of keys");
                }
                let mut slots: Box<[Slot; 16]> = Box::default();
                for (slot, item) in slots.iter_mut().zip(children) {
                    *slot = self.child(*item, depth + 1)?;
                }
                Kind::Branch { children: slots }
            }
            _ => return self.corrupt("neither leaf, extension nor branch"),
        };
        Ok(Box::new(Node::new(kind)))
    }

    fn short(&self, path: &[u8], second: (bool, &[u8], &[u8]), depth: usize) -> Result<Kind, StateError> {
        let Some((&first, tail)) = path.split_first() else { return self.corrupt("empty hex prefix") };
        let (flag, low) = (first >> 4, first & 0xf);
        if flag > 3 || (flag % 2 == 0 && low != 0) || tail.len() > KEY_NIBBLES / 2 {
            return self.corrupt("bad hex prefix");
        }
        let mut nibbles = Nibbles::unpack(tail);
        if flag % 2 == 1 {
            if nibbles.len() >= KEY_NIBBLES {
                return self.corrupt("path longer than a key");
            }
            nibbles = Nibbles::from_nibbles([low]).join(&nibbles);
        }
        let end = depth + nibbles.len();
        if flag >= 2 {
            if end != KEY_NIBBLES {
                return self.corrupt("leaf not at the depth of keys");
            }
            let (false, value, _) = second else { return self.corrupt("leaf value is a list") };
            if value.is_empty() {
                return self.corrupt("leaf without a value");
            }
            return Ok(Kind::Leaf { path: nibbles, value: self.raw.slice_ref(value) });
        }
        if nibbles.is_empty() || end >= KEY_NIBBLES {
            return self.corrupt("extension of no length, or below the depth of keys");
        }
        match self.child(second, end)? {
            Slot::Empty => self.corrupt("extension to nothing"),
            child => Ok(Kind::Extension { path: nibbles, child }),
        }
    }

    fn child(&self, (list, payload, whole): (bool, &[u8], &[u8]), depth: usize) -> Result<Slot, StateError> {
        match (list, payload.len()) {
            (true, _) if whole.len() < 32 => Ok(Slot::Node(self.node(whole, depth)?)),
            (true, _) => self.corrupt("inlined node of 32 bytes or more"),
            (false, 0) => Ok(Slot::Empty),
            (false, 32) => Ok(Slot::Hash(B256::from_slice(payload))),
            (false, _) => self.corrupt("child is neither a hash nor a node"),
        }
    }
}
