//! What a block does to the rows of the state, the way back, and how its traces are forgotten when nobody may go back any more.
//! Must not know: blocks, heads, or when any of it is done.

use std::ops::ControlFlow;

use alloy_primitives::{B256, Bytes, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, TrieAccount};
use execution::trie::{Change, NodeChange, Place, TrieChanges};

use crate::{
    StorageError,
    codec::Key,
    kv::{Batch, Direction, Rows, after_prefix},
    schema::{self, NodeVersion, Read, Table, UndoRecord, corrupt, decode_key, decode_value},
    versions::{Puzzle, is_leaf},
};

/// How many old states can be read, counted in blocks below the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Every state since the database was made.
    All,
    /// So many, and in any case those of all blocks that L1 has not finalised.
    Blocks(u64),
}

impl Default for History {
    fn default() -> Self {
        Self::Blocks(10_000)
    }
}

impl History {
    /// The oldest state that has to stay readable.
    pub(super) fn oldest(self, head: u64, finalised: u64) -> u64 {
        match self {
            Self::All => 0,
            Self::Blocks(blocks) => head.saturating_sub(blocks).min(finalised),
        }
    }
}

/// Bytes of a row with its key, and of its part in what a block touched, about.
const ROW_BYTES: usize = 128;

/// Makes the state of block `number` of its parent's, and remembers what was there.
pub(super) fn advance(batch: &mut Batch, number: u64, changes: &TrieChanges) {
    let nodes = changes.nodes.iter().filter_map(|change| change.after.as_ref());
    let rows = 2 * (changes.accounts.len() + changes.slots.len() + changes.nodes.len());
    batch.reserve(rows, nodes.map(|rlp| rlp.len()).sum::<usize>() + rows * ROW_BYTES);
    for (key, change) in &changes.accounts {
        put_account(batch, *key, change.after.as_ref());
        batch.put::<schema::AccountHistory>(&(*key, number), &change.before);
    }
    for (key, change) in &changes.slots {
        put_slot(batch, *key, change.after);
        batch.put::<schema::SlotHistory>(&(*key, number), &Some(change.before).filter(|value| !value.is_zero()));
    }
    let mut nodes = Vec::with_capacity(changes.nodes.len());
    let mut above = Above::default();
    for change in &changes.nodes {
        let stays = above.is_there_still(change) && has_one_value(changes, &change.place);
        above.enter(change);
        if stays && change.before.as_ref().is_some_and(|rlp| is_leaf(rlp)) {
            continue;
        }
        put_node(batch, change.place, change.after.as_ref());
        let version = NodeVersion::of(&change.place, change.before.as_ref(), change.after.as_ref());
        batch.put::<schema::NodeHistory>(&(change.place, number), &version);
        nodes.push(change.place);
    }
    let accounts = changes.accounts.keys().copied().collect();
    let undo = UndoRecord { accounts, slots: changes.slots.keys().copied().collect(), nodes };
    batch.put::<schema::Undo>(&number, &undo);
}

/// Makes the parent's state of that of block `number`, whose parent has the state root `root`.
pub(super) fn go_back(rows: &dyn Rows, batch: &mut Batch, number: u64, root: B256) -> Result<(), StorageError> {
    let undo = rows.must_read::<schema::Undo>(&number)?;
    for key in undo.accounts {
        let before = rows.must_read::<schema::AccountHistory>(&(key, number))?;
        put_account(batch, key, before.as_ref());
        batch.delete::<schema::AccountHistory>(&(key, number));
    }
    for key in undo.slots {
        let before = rows.must_read::<schema::SlotHistory>(&(key, number))?;
        put_slot(batch, key, before.unwrap_or_default());
        batch.delete::<schema::SlotHistory>(&(key, number));
    }
    for place in undo.nodes {
        let key = (place, number);
        let before = match rows.must_read::<schema::NodeHistory>(&key)? {
            NodeVersion::Nothing | NodeVersion::Leaf(_) => None,
            NodeVersion::Whole(rlp) => Some(rlp),
            NodeVersion::Children(children) => {
                let mut puzzle = Puzzle::default();
                puzzle.add(&children);
                Some(whole(&key, puzzle, rows.read::<schema::Nodes>(&place)?.as_ref())?)
            }
        };
        if place == ROOT && before.as_ref().map_or(EMPTY_ROOT_HASH, keccak256) != root {
            // Going on would make a state that never was.
            let reason = format!("not the root node of state {root}");
            return Err(corrupt(schema::NodeHistory::ID, &key.encode(), reason));
        }
        put_node(batch, place, before.as_ref().filter(|rlp| !is_leaf(rlp)));
        batch.delete::<schema::NodeHistory>(&key);
    }
    batch.delete::<schema::Undo>(&number);
    Ok(())
}

/// Drops what was there before block `number`: the states of its ancestors can't be read any more.
pub(super) fn forget(batch: &mut Batch, number: u64, undo: &UndoRecord) {
    for key in &undo.accounts {
        batch.delete::<schema::AccountHistory>(&(*key, number));
    }
    for key in &undo.slots {
        batch.delete::<schema::SlotHistory>(&(*key, number));
    }
    for place in &undo.nodes {
        batch.delete::<schema::NodeHistory>(&(*place, number));
    }
    batch.delete::<schema::Undo>(&number);
}

/// The lowest block whose state can be read; `None`: no older one than the head's.
pub(super) fn oldest_kept(rows: &dyn Rows) -> Result<Option<u64>, StorageError> {
    let Some((key, _)) = rows.seek(schema::Undo::ID, &[], 0)? else { return Ok(None) };
    // With the parent of the first block that can be taken back.
    Ok(Some(decode_key::<schema::Undo>(&key)?.saturating_sub(1)))
}

/// Place of the state's root node.
pub(super) const ROOT: Place = Place { owner: None, path: alloy_trie::Nibbles::new() };

pub(super) fn put_account(batch: &mut Batch, key: B256, account: Option<&TrieAccount>) {
    match account {
        Some(account) => batch.put::<schema::Accounts>(&key, account),
        None => batch.delete::<schema::Accounts>(&key),
    }
}

pub(super) fn put_slot(batch: &mut Batch, key: (B256, B256), value: U256) {
    if value.is_zero() {
        batch.delete::<schema::Slots>(&key);
    } else {
        batch.put::<schema::Slots>(&key, &value);
    }
}

pub(super) fn put_node(batch: &mut Batch, place: Place, node: Option<&Bytes>) {
    match node {
        Some(rlp) => batch.put::<schema::Nodes>(&place, rlp),
        None => batch.delete::<schema::Nodes>(&place),
    }
}

/// The nodes on the way down to where a block's changes are gone through, which are sorted.
#[derive(Default)]
struct Above<'a> {
    /// By the length of their path.
    nodes: Vec<Option<&'a NodeChange>>,
}

impl<'a> Above<'a> {
    fn enter(&mut self, change: &'a NodeChange) {
        let depth = change.place.path.len();
        self.nodes.resize(depth, None);
        self.nodes.push(Some(change));
    }

    /// Whether a leaf that changed at this place may hang there still: only if there is a branch above it still.
    fn is_there_still(&self, change: &NodeChange) -> bool {
        let Place { owner, path } = &change.place;
        let parent = path.len().checked_sub(1).and_then(|depth| *self.nodes.get(depth)?);
        change.before.is_some()
            && change.after.is_none()
            && parent.is_some_and(|parent| {
                parent.after.is_some() && parent.place.owner == *owner && path.starts_with(&parent.place.path)
            })
    }
}

/// Whether all that changed below `place` is the value of one account or slot, which was there before and is there after.
fn has_one_value(changes: &TrieChanges, place: &Place) -> bool {
    let path = place.path.pack();
    let mut first = B256::ZERO;
    first[..path.len()].copy_from_slice(&path);
    let below = |key: &B256| Nibbles::unpack(key).starts_with(&place.path);
    match place.owner {
        None => {
            let mut found = changes.accounts.range(first..).take_while(|(key, _)| below(key));
            let one = found.next().is_some_and(|(_, Change { before, after })| before.is_some() && after.is_some());
            one && found.next().is_none()
        }
        Some(owner) => {
            let found = changes.slots.range((owner, first)..);
            let mut found = found.take_while(|((of, key), _)| *of == owner && below(key));
            let one = found.next().is_some_and(|(_, Change { before, after })| !before.is_zero() && !after.is_zero());
            one && found.next().is_none()
        }
    }
}

/// A node as it was in an older state.
pub(super) enum Found {
    /// As in the newest state, but for the value if it is a leaf.
    Unchanged,
    /// RLP; `None`: nothing with a hash of its own.
    Node(Option<Bytes>),
    /// The leaf of this key.
    Leaf(B256),
}

/// What stood at `place` after block `number`, which is below the newest.
pub(super) fn node_after(rows: &dyn Rows, place: &Place, number: u64) -> Result<Found, StorageError> {
    let Some(next) = number.checked_add(1) else { return Ok(Found::Unchanged) };
    let table = schema::NodeHistory::ID;
    let start = (*place, next).encode();
    let prefix = &start[..start.len() - size_of::<u64>()];
    // Most nodes have not changed since: this is answered by a filter.
    let Some((first, value)) = rows.seek(table, &start, prefix.len())? else { return Ok(Found::Unchanged) };
    let mut puzzle = Puzzle::default();
    match decode_value::<schema::NodeHistory>(&first, &value)? {
        NodeVersion::Nothing => return Ok(Found::Node(None)),
        NodeVersion::Whole(rlp) => return Ok(Found::Node(Some(rlp))),
        NodeVersion::Leaf(key) => return Ok(Found::Leaf(key)),
        NodeVersion::Children(children) => puzzle.add(&children),
    }
    // The other children are those of the versions after it, and in the end of the newest.
    let (mut last, mut version) = (first.clone(), Ok(None));
    rows.scan(table, &first, after_prefix(prefix).as_deref(), Direction::Forward, &mut |key, value| {
        last = Bytes::copy_from_slice(key);
        match decode_value::<schema::NodeHistory>(key, &Bytes::copy_from_slice(value)) {
            Ok(NodeVersion::Children(children)) => {
                puzzle.add(&children);
                if puzzle.is_whole() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
            found => {
                version = found.map(Some);
                ControlFlow::Break(())
            }
        }
    })?;
    let rest = match version? {
        Some(NodeVersion::Whole(rlp)) => Some(rlp),
        Some(_) => None,
        None if puzzle.is_whole() => None,
        None => rows.read::<schema::Nodes>(place)?,
    };
    let key = (*place, decode_key::<schema::NodeHistory>(&last)?.1);
    Ok(Found::Node(Some(whole(&key, puzzle, rest.as_ref())?)))
}

/// A branch of which some children are known, the others being those of `rest`.
fn whole(key: &(Place, u64), puzzle: Puzzle, rest: Option<&Bytes>) -> Result<Bytes, StorageError> {
    let reason = || "children of a branch, but the version after it is none".into();
    puzzle.finish(rest).ok_or_else(|| corrupt(schema::NodeHistory::ID, &key.encode(), reason()))
}
