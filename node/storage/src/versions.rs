//! What stood at a place of a trie before a block, told by what the block left there: a block changes one child of a branch, seldom more, so only the
//! children that were others are kept, and of a leaf only its key.
//! Must not know: tables, or which blocks there are.

use alloy_primitives::{B256, Bytes};
use alloy_rlp::{BufMut, Decodable, EMPTY_STRING_CODE, Header};
use alloy_trie::nodes::TrieNode;
use execution::trie::Place;

use crate::codec::{DecodeError, Value};

/// What stood at a place before a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeVersion {
    /// Nothing that has a hash of its own.
    Nothing,
    /// This node, RLP: a branch that changed much, an extension, or a root, whatever it is.
    Whole(Bytes),
    /// The branch that the block left there, but with these children.
    Children(Children),
    /// The leaf of this key (of an account, or of a slot where the place is in a storage trie), with the value that the key had then.
    Leaf(B256),
}

/// Some children of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Children {
    /// Bit n for child n.
    mask: u16,
    /// RLP items of these children, in order; the empty string where there is none.
    items: Bytes,
}

const CHILDREN: u8 = 0;
const LEAF: u8 = 1;
/// Children of a branch; its list has one item more, a value that is always empty.
const WIDTH: usize = 16;
/// One branch in so many is kept whole though few of its children changed, so that reading seldom goes through more versions.
const WHOLE_ONE_IN: u8 = 16;

/// `0 ‖ mask ‖ items` for children, `1 ‖ key` for a leaf; a whole node begins with a list's first byte, which is 0xc0 or more; no bytes for nothing.
impl Value for NodeVersion {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nothing => {}
            Self::Whole(rlp) => out.extend_from_slice(rlp),
            Self::Children(Children { mask, items }) => {
                out.push(CHILDREN);
                out.extend_from_slice(&mask.to_be_bytes());
                out.extend_from_slice(items);
            }
            Self::Leaf(key) => {
                out.push(LEAF);
                out.extend_from_slice(key.as_slice());
            }
        }
    }

    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        match bytes[..] {
            [] => Ok(Self::Nothing),
            [CHILDREN, high, low, ..] => {
                let children = Children { mask: u16::from_be_bytes([high, low]), items: bytes.slice(3..) };
                if children.mask == 0 || !children.is_whole() {
                    return Err(DecodeError(format!("other children than the mask {:016b} says", children.mask)));
                }
                Ok(Self::Children(children))
            }
            [LEAF, ref key @ ..] => match B256::try_from(key) {
                Ok(key) => Ok(Self::Leaf(key)),
                Err(_) => Err(DecodeError(format!("a key of {} bytes", key.len()))),
            },
            [0xc0..=0xff, ..] => Ok(Self::Whole(bytes.clone())),
            [first, ..] => Err(DecodeError(format!("begins with {first:#x}"))),
        }
    }
}

impl NodeVersion {
    /// The version at `place`, from what stood there `before` a block and what the block left, as `NodeChange` has them.
    pub(crate) fn of(place: &Place, before: Option<&Bytes>, after: Option<&Bytes>) -> Self {
        let Some(rlp) = before else { return Self::Nothing };
        match leaf_key(place, rlp) {
            // A root has no parent that would say whether its leaf stays where it is, so each of its versions is kept.
            Some(key) if !place.path.is_empty() => Self::Leaf(key),
            _ => after.and_then(|after| Children::between(rlp, after)).map_or(Self::Whole(rlp.clone()), Self::Children),
        }
    }
}

impl Children {
    /// Those of `before` that are others in `after`. `None` when one is no branch, or is better kept whole.
    fn between(before: &[u8], after: &[u8]) -> Option<Self> {
        let (old, new) = (branch(before)?, branch(after)?);
        let (mut mask, mut items, mut dice) = (0, Vec::with_capacity(2 * 33), 0);
        for (n, (old, new)) in old.iter().zip(&new).enumerate() {
            if old != new {
                mask |= 1 << n;
                items.extend_from_slice(old);
                dice ^= new.last().copied().unwrap_or_default();
            }
        }
        // Hashes end in anything, so this is a throw of dice that falls the same way everywhere.
        let whole = items.len() >= before.len() / 2 || dice % WHOLE_ONE_IN == 0;
        (!whole).then(|| Self { mask, items: items.into() })
    }

    /// Whether there is exactly one item for each bit.
    fn is_whole(&self) -> bool {
        let mut rest = &self.items[..];
        (0..self.mask.count_ones()).all(|_| item(&mut rest).is_some()) && rest.is_empty()
    }
}

/// A branch of which children become known, the first that is said of each being true.
#[derive(Debug, Default)]
pub(crate) struct Puzzle {
    mask: u16,
    items: [Bytes; WIDTH],
}

impl Puzzle {
    /// Says what some children are.
    pub(crate) fn add(&mut self, children: &Children) {
        let mut rest = &children.items[..];
        for n in (0..WIDTH).filter(|n| children.mask >> n & 1 == 1) {
            let Some(found) = item(&mut rest) else { return };
            self.child(n, || children.items.slice_ref(found));
        }
    }

    /// Whether all are known.
    pub(crate) fn is_whole(&self) -> bool {
        self.mask == u16::MAX
    }

    /// The branch; unknown children are those of `other`. `None` when that is no branch and something is unknown.
    pub(crate) fn finish(mut self, other: Option<&Bytes>) -> Option<Bytes> {
        if !self.is_whole() {
            let other = other?;
            for (n, found) in branch(other)?.into_iter().enumerate() {
                self.child(n, || other.slice_ref(found));
            }
        }
        let payload_length = self.items.iter().map(|item| item.len()).sum::<usize>() + 1;
        let mut rlp = Vec::with_capacity(payload_length + 3);
        Header { list: true, payload_length }.encode(&mut rlp);
        self.items.iter().for_each(|item| rlp.put_slice(item));
        rlp.put_u8(EMPTY_STRING_CODE);
        Some(rlp.into())
    }

    fn child(&mut self, n: usize, item: impl FnOnce() -> Bytes) {
        if self.mask >> n & 1 == 0 {
            self.mask |= 1 << n;
            self.items[n] = item();
        }
    }
}

/// Whether these bytes, which are a node, are a leaf.
pub(crate) fn is_leaf(rlp: &[u8]) -> bool {
    // Of a list of two, the first is the path, whose first byte says what the node is.
    branch(rlp).is_none()
        && payload(rlp).is_some_and(|mut rest| match item(&mut rest) {
            Some([path] | [_, path, ..]) => path & 0x20 != 0,
            _ => false,
        })
}

/// The key of the leaf that these bytes are, if they are one.
fn leaf_key(place: &Place, rlp: &[u8]) -> Option<B256> {
    if !is_leaf(rlp) {
        return None;
    }
    match TrieNode::decode(&mut &rlp[..]) {
        Ok(TrieNode::Leaf(leaf)) if place.path.len() + leaf.key.len() == 2 * B256::len_bytes() => {
            Some(B256::from_slice(&place.path.join(&leaf.key).pack()))
        }
        _ => None,
    }
}

/// The children of a branch, each with its RLP header; `None` when it is none.
fn branch(rlp: &[u8]) -> Option<[&[u8]; WIDTH]> {
    let mut rest = payload(rlp)?;
    let mut children = [&[][..]; WIDTH];
    for child in &mut children {
        *child = item(&mut rest)?;
    }
    (rest == [EMPTY_STRING_CODE]).then_some(children)
}

/// What is in a list.
fn payload(rlp: &[u8]) -> Option<&[u8]> {
    let mut rest = rlp;
    let header = Header::decode(&mut rest).ok()?;
    (header.list && rest.len() == header.payload_length).then_some(rest)
}

/// Takes one item, of at most 56 bytes as all in a branch are and the path of a leaf is, with its header.
fn item<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = match *rest.first()? {
        0..0x80 => 1,
        first @ 0x80..0xb8 => usize::from(first - 0x7f),
        first @ 0xc0..0xf8 => usize::from(first - 0xbf),
        _ => return None,
    };
    let (item, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    Some(item)
}

#[cfg(test)]
mod tests;
