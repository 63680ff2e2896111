//! Branches. One keeps its RLP, in which the names of its children stand, so that nothing decodes and encodes sixteen hashes to change one of
//! them. Must not know: what hangs below.

use super::{Child, Link, Named, RLP_MAX, Slot, warm};
use alloy_rlp::{EMPTY_LIST_CODE, EMPTY_STRING_CODE, Header};
use std::{hint::black_box, sync::Arc};

/// Bytes of a child's name that is a hash.
const HASHED: usize = 33;

/// Most children that one group has.
const GROUP: usize = 4;

/// The nodes of children beside one another.
type Group<V> = Arc<[Slot<V>]>;

/// Two children or more, by nibble; keys all have one length, so a branch holds no value.
pub(crate) struct Branch<V> {
    mask: u16,
    raw: Box<[u8]>,
    /// The children's nodes, full groups first. Where a child changes, the next version has a group of its own and shares the others: counting up
    /// sixteen nodes, each somewhere else in memory, is most of what a copy of them all costs.
    groups: [Option<Group<V>>; 16 / GROUP],
}

impl<V> Branch<V> {
    /// From its RLP, in which the nibbles in `mask` have children, and their nodes as far as they are known.
    pub(in crate::trie) fn new(mask: u16, raw: Box<[u8]>, nodes: Vec<Slot<V>>) -> Self {
        assert_eq!(mask.count_ones() as usize, nodes.len(), "a bit for each child");
        let mut nodes = nodes.into_iter();
        let group = |_| (nodes.len() > 0).then(|| nodes.by_ref().take(GROUP).collect());
        Self { mask, raw, groups: std::array::from_fn(group) }
    }

    /// From children in the order of their nibbles.
    pub(in crate::trie) fn of(children: impl Iterator<Item = (u8, Child<V>)>) -> Self {
        let mut payload = [EMPTY_STRING_CODE; RLP_MAX];
        let (mut mask, mut nodes) = (0, Vec::with_capacity(16));
        let (mut end, mut next) = (0, 0);
        for (nibble, Child { name, node }) in children {
            let name = name.item();
            end += usize::from(nibble - next);
            payload[end..][..name.len()].copy_from_slice(name);
            (end, next) = (end + name.len(), nibble + 1);
            mask |= 1 << nibble;
            nodes.push(node);
        }
        // The children that are not there, and the value that a branch could have.
        end += usize::from(16 - next) + 1;
        let header = Header { list: true, payload_length: end };
        let mut raw = Vec::with_capacity(header.length_with_payload());
        header.encode(&mut raw);
        raw.extend_from_slice(&payload[..end]);
        Self::new(mask, raw.into(), nodes)
    }

    /// The same branch with other children where `changed` has a bit. All its own have hashes, and all of these.
    pub(in crate::trie) fn patched(&self, changed: u16, mut child: impl FnMut(u8) -> Child<V>) -> Self {
        let (mut raw, start) = (self.raw.clone(), start(&self.raw));
        let (mut left, mut at) = (self.mask, 0);
        let groups = self.groups.each_ref().map(|group| {
            let group = group.as_ref()?;
            let own = lowest(left, group.len());
            left ^= own;
            if own & changed == 0 {
                at += group.len();
                return Some(Arc::clone(group));
            }
            warm(group.iter().zip(nibbles(own)).filter(|(_, nibble)| changed >> nibble & 1 == 0).map(|(node, _)| node));
            let mut own = own;
            let renew = |old: &Slot<V>| {
                let nibble = own.trailing_zeros() as u8;
                own &= own - 1;
                at += 1;
                if changed >> nibble & 1 == 0 {
                    return old.clone();
                }
                let Child { name, node } = child(nibble);
                raw[start + hashed_offset(nibble, at - 1)..][..HASHED].copy_from_slice(name.item());
                node
            };
            Some(group.iter().map(renew).collect())
        });
        Self { mask: self.mask, raw, groups }
    }

    /// The same branch, of whose children other nodes are known.
    pub(in crate::trie) fn with_nodes(&self, nodes: Vec<Slot<V>>) -> Self {
        Self::new(self.mask, self.raw.clone(), nodes)
    }

    pub(crate) fn mask(&self) -> u16 {
        self.mask
    }

    /// Its RLP.
    pub(in crate::trie) fn raw(&self) -> &[u8] {
        &self.raw
    }

    pub(crate) fn get(&self, nibble: u8) -> Option<Link<'_, V>> {
        let bit = 1u16 << nibble;
        (self.mask & bit != 0).then(|| self.link(nibble, (self.mask & (bit - 1)).count_ones() as usize))
    }

    /// With their nibbles, in their order.
    pub(in crate::trie) fn children(&self) -> impl Iterator<Item = (u8, Link<'_, V>)> {
        nibbles(self.mask).enumerate().map(|(at, nibble)| (nibble, self.link(nibble, at)))
    }

    /// Whether all children have hashes.
    pub(in crate::trie) fn is_hashed(&self) -> bool {
        is_hashed(&self.raw, self.len())
    }

    /// Reads what a change will read, so that memory delivers it for many branches at once.
    pub(in crate::trie) fn warm(&self) {
        let groups = self.groups.iter().flatten();
        black_box(groups.fold(0, |sum, group| sum ^ Arc::strong_count(group)));
        black_box(self.raw.iter().step_by(LINE).fold(0, |sum, byte| sum ^ byte));
    }

    fn len(&self) -> usize {
        self.mask.count_ones() as usize
    }

    fn link(&self, nibble: u8, at: usize) -> Link<'_, V> {
        let group = self.groups[at / GROUP].as_ref().expect("as many nodes as bits");
        let name = At { raw: &self.raw, nibble, at, children: self.len() };
        Link { named: Named::In(name), node: &group[at % GROUP] }
    }
}

impl<V> Drop for Branch<V> {
    fn drop(&mut self) {
        let groups = self.groups.iter().flatten();
        warm(groups.filter(|group| Arc::strong_count(group) == 1).flat_map(|group| &**group));
    }
}

/// The lowest `count` bits that are set.
fn lowest(mask: u16, count: usize) -> u16 {
    mask ^ (0..count).fold(mask, |rest, _| rest & (rest - 1))
}

/// Bytes that memory delivers at once.
const LINE: usize = 64;

/// A child in the RLP of a branch.
#[derive(Clone, Copy)]
pub(super) struct At<'t> {
    raw: &'t [u8],
    nibble: u8,
    /// How many children are before it.
    at: usize,
    /// How many there are.
    children: usize,
}

impl<'t> At<'t> {
    /// Its name.
    pub(super) fn item(self) -> &'t [u8] {
        let payload = &self.raw[start(self.raw)..];
        if is_hashed(self.raw, self.children) {
            return &payload[hashed_offset(self.nibble, self.at)..][..HASHED];
        }
        let below = (0..self.nibble).fold(payload, |rest, _| &rest[item_len(rest)..]);
        &below[..item_len(below)]
    }
}

/// Where the payload of a branch starts.
fn start(raw: &[u8]) -> usize {
    const SHORT_MAX: u8 = EMPTY_LIST_CODE + 55;
    1 + usize::from(raw[0].saturating_sub(SHORT_MAX))
}

fn is_hashed(raw: &[u8], children: usize) -> bool {
    raw.len() == start(raw) + 17 + (HASHED - 1) * children
}

/// Where in the payload the name of the child of `nibble` starts, which `at` others come before, when all have hashes.
fn hashed_offset(nibble: u8, at: usize) -> usize {
    usize::from(nibble) + (HASHED - 1) * at
}

/// Bytes of the first item in a branch's payload.
fn item_len(payload: &[u8]) -> usize {
    let tag = payload[0];
    1 + usize::from(tag - if tag < EMPTY_LIST_CODE { EMPTY_STRING_CODE } else { EMPTY_LIST_CODE })
}

/// The bits that are set.
pub(in crate::trie) fn nibbles(mask: u16) -> impl Iterator<Item = u8> {
    (0..16).filter(move |nibble| mask >> nibble & 1 == 1)
}
