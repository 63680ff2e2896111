//! From RLP to a node. Strict: what decodes encodes to the same bytes again, so a node is never kept as bytes.

use super::{
    node::{Branch, Child, Extension, KEY_NIBBLES, Leaf, Name, Node, Slot, with_nibble},
    value::Value,
};
use crate::state::StateError;
use alloy_primitives::B256;
use alloy_rlp::Header;
use alloy_trie::Nibbles;
use std::sync::{Arc, OnceLock};

/// An RLP item: is it a list, its payload, the whole of it.
type Item<'a> = (bool, &'a [u8], &'a [u8]);

/// Decodes the node `raw`, which `hash` names and which hangs below the first `depth` nibbles of `key`.
pub(super) fn decode<V: Value>(raw: &[u8], hash: B256, key: B256, depth: usize) -> Result<Node<V>, StateError> {
    Decoder { hash }.node(raw, key, depth)
}

/// `hash` is for messages: that of the outermost node.
struct Decoder {
    hash: B256,
}

impl Decoder {
    fn corrupt<T>(&self, why: &'static str) -> Result<T, StateError> {
        Err(StateError::Corrupt { hash: self.hash, why })
    }

    fn item<'a>(&self, rest: &mut &'a [u8]) -> Result<Item<'a>, StateError> {
        let start = *rest;
        let Ok(header) = Header::decode(rest) else { return self.corrupt("not RLP") };
        let Some((payload, after)) = rest.split_at_checked(header.payload_length) else {
            return self.corrupt("an item longer than the node");
        };
        *rest = after;
        Ok((header.list, payload, &start[..start.len() - after.len()]))
    }

    fn node<V: Value>(&self, raw: &[u8], key: B256, depth: usize) -> Result<Node<V>, StateError> {
        let mut rest = raw;
        let (true, mut list, _) = self.item(&mut rest)? else { return self.corrupt("not a list") };
        if !rest.is_empty() {
            return self.corrupt("bytes after the node");
        }
        let mut items: [Item<'_>; 17] = [(false, &[], &[]); 17];
        let mut count = 0;
        while !list.is_empty() {
            let Some(item) = items.get_mut(count) else { return self.corrupt("more than 17 items") };
            *item = self.item(&mut list)?;
            count += 1;
        }
        match &items[..count] {
            [(false, path, _), value] => self.short(path, *value, key, depth),
            [children @ .., (false, [], _)] if children.len() == 16 => self.branch(raw, children, key, depth),
            _ => self.corrupt("neither leaf, extension nor branch"),
        }
    }

    fn branch<V: Value>(&self, raw: &[u8], items: &[Item<'_>], key: B256, depth: usize) -> Result<Node<V>, StateError> {
        if depth >= KEY_NIBBLES {
            return self.corrupt("branch below the depth of keys");
        }
        let mut mask = 0;
        let mut nodes = Vec::with_capacity(16);
        for (nibble, item) in (0u8..).zip(items) {
            if let Some(node) = self.child(*item, with_nibble(key, depth, nibble), depth + 1)? {
                mask |= 1 << nibble;
                nodes.push(node);
            }
        }
        if nodes.len() < 2 {
            return self.corrupt("branch with fewer than two children");
        }
        Ok(Node::Branch(Branch::new(mask, raw.into(), nodes)))
    }

    fn short<V: Value>(
        &self,
        path: &[u8],
        second: Item<'_>,
        mut key: B256,
        depth: usize,
    ) -> Result<Node<V>, StateError> {
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
        if end > KEY_NIBBLES {
            return self.corrupt("path longer than a key");
        }
        for at in 0..nibbles.len() {
            key = with_nibble(key, depth + at, nibbles.get_unchecked(at));
        }
        if flag >= 2 {
            if end != KEY_NIBBLES {
                return self.corrupt("leaf not at the depth of keys");
            }
            let (false, value, _) = second else { return self.corrupt("leaf value is a list") };
            let Some(value) = V::read(value) else { return self.corrupt("leaf value does not decode") };
            return Ok(Node::Leaf(Leaf { key, value }));
        }
        if nibbles.is_empty() || end == KEY_NIBBLES {
            return self.corrupt("extension of no length, or below the depth of keys");
        }
        match self.child(second, key, end)? {
            None => self.corrupt("extension to nothing"),
            Some(node) => {
                let child = Child { name: Name::from_item(second.2), node };
                Ok(Node::Extension(Box::new(Extension { path: nibbles, child })))
            }
        }
    }

    /// The place of a child: empty when the parent names its hash. `None`: no child.
    fn child<V: Value>(
        &self,
        (list, payload, whole): Item<'_>,
        key: B256,
        depth: usize,
    ) -> Result<Option<Slot<V>>, StateError> {
        match (list, payload.len()) {
            (true, _) if whole.len() >= 32 => self.corrupt("inlined node of 32 bytes or more"),
            (true, _) => Ok(Some(OnceLock::from(Arc::new(self.node(whole, key, depth)?)))),
            (false, 0) => Ok(None),
            (false, 32) => Ok(Some(OnceLock::new())),
            (false, _) => self.corrupt("child is neither a hash nor a node"),
        }
    }
}
