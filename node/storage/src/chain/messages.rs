//! The index of a rollup's messages: what its blocks' receipts say, by message, and the tree of the outbox. Written with the block, in its batch,
//! and taken back with it.
//! Must not know: L1, or who asks.

use std::{collections::BTreeMap, ops::ControlFlow};

use alloy_primitives::{Address, B256, Bytes};
use bridge::{
    message::Message,
    messenger::{self, Event},
    outbox::{self, Path},
};
use chainspec::predeploys::MESSENGER;
use execution::Receipt;

use super::Chain;
use crate::{
    Delivery, LogPosition, Outcome, Step, StorageError,
    codec::Key,
    kv::{Batch, Direction, Rows},
    schema::{self, Read, Table, corrupt, decode_key, decode_value},
};

/// A message out of the rollup and where it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The message; its index is its place in the outbox.
    pub message: Message,
    /// Its leaf.
    pub leaf: B256,
    /// The Messenger's log.
    pub at: LogPosition,
}

/// What the receipts of block `number` say about messages, in order.
fn events(number: u64, receipts: &[Receipt]) -> impl Iterator<Item = (LogPosition, Event)> {
    (0u32..).zip(receipts).flat_map(move |(transaction, receipt)| {
        let logs = (0u32..).zip(receipt.logs()).filter(|(_, log)| log.address == MESSENGER);
        logs.filter_map(move |(log, found)| Some((LogPosition { number, transaction, log }, messenger::event(found)?)))
    })
}

/// Adds what the receipts of block `number`, the new head, say.
pub(super) fn advance(
    rows: &dyn Rows,
    batch: &mut Batch,
    number: u64,
    receipts: &[Receipt],
) -> Result<(), StorageError> {
    // Nodes and deliveries of this very block, which `rows` does not have yet.
    let mut nodes = BTreeMap::new();
    let mut deliveries = BTreeMap::<u64, Delivery>::new();
    for (at, event) in events(number, receipts) {
        match event {
            Event::Sent { message, leaf } => {
                let index = message.index;
                batch.put::<schema::OutboxMessages>(&index, &at);
                for party in [message.sender, message.to] {
                    batch.put::<schema::OutboxParties>(&(party, index), &());
                }
                let completed = outbox::completed_by(index, leaf, |level, at| {
                    let key = (level as u64, at);
                    nodes.get(&key).map_or_else(|| rows.must_read::<schema::OutboxNodes>(&key), |node| Ok(*node))
                })?;
                for (level, at, node) in completed {
                    let key = (level as u64, at);
                    batch.put::<schema::OutboxNodes>(&key, &node);
                    nodes.insert(key, node);
                }
            }
            Event::Relayed { index, leaf, success } => {
                let outcome = if success { Outcome::Delivered } else { Outcome::Failed };
                let delivery = Delivery { leaf, relayed: Step { outcome, at }, ended: None };
                batch.put::<schema::InboxMessages>(&index, &delivery);
                deliveries.insert(index, delivery);
            }
            Event::Retried { index, .. } => end(rows, batch, &mut deliveries, index, Outcome::Retried, at)?,
            Event::Refunded { index, .. } => end(rows, batch, &mut deliveries, index, Outcome::Refunded, at)?,
        }
    }
    Ok(())
}

fn end(
    rows: &dyn Rows,
    batch: &mut Batch,
    deliveries: &mut BTreeMap<u64, Delivery>,
    index: u64,
    outcome: Outcome,
    at: LogPosition,
) -> Result<(), StorageError> {
    let mut delivery = match deliveries.remove(&index) {
        Some(delivery) => delivery,
        None => rows.must_read::<schema::InboxMessages>(&index)?,
    };
    delivery.ended = Some(Step { outcome, at });
    batch.put::<schema::InboxMessages>(&index, &delivery);
    deliveries.insert(index, delivery);
    Ok(())
}

/// Takes back what the receipts of block `number`, the head, had added.
pub(super) fn go_back(
    rows: &dyn Rows,
    batch: &mut Batch,
    number: u64,
    receipts: &[Receipt],
) -> Result<(), StorageError> {
    let mut relayed = Vec::new();
    for (_, event) in events(number, receipts) {
        match event {
            Event::Sent { message, .. } => {
                batch.delete::<schema::OutboxMessages>(&message.index);
                for party in [message.sender, message.to] {
                    batch.delete::<schema::OutboxParties>(&(party, message.index));
                }
                // The places of the nodes that were complete with this leaf; their hashes do not matter.
                let Ok(nodes) = outbox::completed_by(message.index, B256::ZERO, |_, _| {
                    Ok::<_, std::convert::Infallible>(B256::ZERO)
                });
                for (level, at, _) in nodes {
                    batch.delete::<schema::OutboxNodes>(&(level as u64, at));
                }
            }
            Event::Relayed { index, .. } => {
                batch.delete::<schema::InboxMessages>(&index);
                relayed.push(index);
            }
            Event::Retried { index, .. } | Event::Refunded { index, .. } if relayed.contains(&index) => {}
            Event::Retried { index, .. } | Event::Refunded { index, .. } => {
                let delivery = rows.must_read::<schema::InboxMessages>(&index)?;
                batch.put::<schema::InboxMessages>(&index, &Delivery { ended: None, ..delivery });
            }
        }
    }
    Ok(())
}

/// Number of messages in the outbox.
fn outbox_count(rows: &dyn Rows) -> Result<u64, StorageError> {
    count::<schema::OutboxMessages>(rows)
}

/// One more than the highest index in `T`.
fn count<T: Table<Key = u64>>(rows: &dyn Rows) -> Result<u64, StorageError> {
    let mut last = Ok(0);
    rows.scan(T::ID, &[], None, Direction::Backward, &mut |key, _| {
        last = decode_key::<T>(key).map(|index| index + 1);
        ControlFlow::Break(())
    })?;
    last
}

/// Messages out of the rollup. All of it reads the chain as it is now.
impl Chain {
    /// How many messages were sent out of the rollup, up to the head.
    pub fn outbox_count(&self) -> Result<u64, StorageError> {
        outbox_count(&*self.inner.now.read().rows)
    }

    /// How many messages were sent out of the rollup up to block `number`, that block included. Takes the logarithm of their number in reads.
    ///
    /// # Errors
    /// `UnknownBlock` when `number` is above the head.
    pub fn outbox_count_at(&self, number: u64) -> Result<u64, StorageError> {
        self.count_at(number, outbox_count, |rows, index| Ok(rows.must_read::<schema::OutboxMessages>(&index)?.number))
    }

    /// How many entries of an index without gaps are of blocks up to `number`, by their count and the block of each.
    fn count_at(
        &self,
        number: u64,
        count: impl Fn(&dyn Rows) -> Result<u64, StorageError>,
        block: impl Fn(&dyn Rows, u64) -> Result<u64, StorageError>,
    ) -> Result<u64, StorageError> {
        let now = self.inner.now.read().clone();
        if number > now.head.number {
            return Err(StorageError::UnknownBlock(number.into()));
        }
        let (mut low, mut high) = (0, count(&*now.rows)?);
        while low < high {
            let middle = low + (high - low) / 2;
            if block(&*now.rows, middle)? <= number {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// The siblings of message `index` in the outbox of `count` messages, and that outbox' root; `None` unless `index < count` and so many were
    /// sent.
    pub fn outbox_path(&self, index: u64, count: u64) -> Result<Option<(Path, B256)>, StorageError> {
        let rows = self.inner.now.read().rows.clone();
        if index >= count || count > outbox_count(&*rows)? {
            return Ok(None);
        }
        let full = |level: usize, at| rows.must_read::<schema::OutboxNodes>(&(level as u64, at));
        Ok(Some((outbox::path_with(index, count, full)?, outbox::root_with(count, full)?)))
    }

    /// Where message `index` out of the rollup was sent.
    pub fn outbox_position(&self, index: u64) -> Result<Option<LogPosition>, StorageError> {
        self.inner.store.read::<schema::OutboxMessages>(&index)
    }

    /// The messages out of the rollup with these indices, those that are there, in the given order. Indices that stand together are read
    /// together.
    pub fn sent(&self, indices: impl IntoIterator<Item = u64>) -> Result<Vec<Sent>, StorageError> {
        let rows = self.inner.now.read().rows.clone();
        let mut block: Option<(u64, Vec<Receipt>)> = None;
        let mut found = Vec::new();
        for index in indices {
            let Some(at) = rows.read::<schema::OutboxMessages>(&index)? else { continue };
            if block.as_ref().is_none_or(|(number, _)| *number != at.number) {
                let hash = rows.must_read::<schema::Canonical>(&at.number)?;
                block = Some((at.number, rows.must_read::<schema::Receipts>(&hash)?));
            }
            let receipt = block.as_ref().and_then(|(_, receipts)| receipts.get(at.transaction as usize));
            let log = receipt.and_then(|receipt| receipt.logs().get(at.log as usize));
            match log.and_then(messenger::event) {
                Some(Event::Sent { message, leaf }) if message.index == index => found.push(Sent { message, leaf, at }),
                _ => {
                    let reason = format!("no such message at {at:?}");
                    return Err(corrupt(schema::OutboxMessages::ID, &index.encode(), reason));
                }
            }
        }
        Ok(found)
    }

    /// Indices of messages out of the rollup that `party` sent or that are for it, below `below`, newest first, at most `limit`.
    pub fn outbox_of(&self, party: Address, below: u64, limit: usize) -> Result<Vec<u64>, StorageError> {
        let rows = self.inner.now.read().rows.clone();
        let (start, end) = ((party, 0).encode(), (party, below).encode());
        let (mut found, mut fault) = (Vec::new(), None);
        rows.scan(schema::OutboxParties::ID, &start, Some(&end), Direction::Backward, &mut |key, _| {
            if found.len() >= limit {
                return ControlFlow::Break(());
            }
            match decode_key::<schema::OutboxParties>(key) {
                Ok((_, index)) => found.push(index),
                Err(error) => fault = Some(error),
            }
            if fault.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        fault.map_or(Ok(found), Err)
    }
}

/// Messages into the rollup.
impl Chain {
    /// What became of message `index` of the inbox; `None` as long as it was not taken from it.
    pub fn delivery(&self, index: u64) -> Result<Option<Delivery>, StorageError> {
        self.inner.store.read::<schema::InboxMessages>(&index)
    }

    /// How many messages were taken from the inbox up to block `number`, that block included.
    ///
    /// # Errors
    /// `UnknownBlock` when `number` is above the head.
    pub fn delivered_at(&self, number: u64) -> Result<u64, StorageError> {
        let block = |rows: &dyn Rows, index| Ok(rows.must_read::<schema::InboxMessages>(&index)?.relayed.at.number);
        self.count_at(number, count::<schema::InboxMessages>, block)
    }

    /// What became of the messages from index `first` on, ascending, at most `limit`.
    pub fn deliveries(&self, first: u64, limit: usize) -> Result<Vec<(u64, Delivery)>, StorageError> {
        let rows = self.inner.now.read().rows.clone();
        let (mut found, mut fault) = (Vec::new(), None);
        rows.scan(schema::InboxMessages::ID, &first.encode(), None, Direction::Forward, &mut |key, value| {
            if found.len() >= limit {
                return ControlFlow::Break(());
            }
            let index = decode_key::<schema::InboxMessages>(key);
            let delivery = decode_value::<schema::InboxMessages>(key, &Bytes::copy_from_slice(value));
            match index.and_then(|index| Ok((index, delivery?))) {
                Ok(pair) => found.push(pair),
                Err(error) => fault = Some(error),
            }
            if fault.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        fault.map_or(Ok(found), Err)
    }
}

/// What a check counts and compares.
pub(super) fn check(rows: &dyn Rows, number: u64, receipts: &[Receipt]) -> Result<(u64, u64), StorageError> {
    let (mut sent, mut relayed) = (0, 0);
    for (at, event) in events(number, receipts) {
        match event {
            Event::Sent { message, leaf } => {
                sent += 1;
                let found = rows.must_read::<schema::OutboxMessages>(&message.index)?;
                let node = rows.must_read::<schema::OutboxNodes>(&(0, message.index))?;
                if (found, node) != (at, leaf) {
                    let reason = format!("{found:?} and leaf {node}, but it is at {at:?} with leaf {leaf}");
                    return Err(corrupt(schema::OutboxMessages::ID, &message.index.encode(), reason));
                }
                for party in [message.sender, message.to] {
                    rows.must_read::<schema::OutboxParties>(&(party, message.index))?;
                }
            }
            Event::Relayed { index, leaf, .. } => {
                relayed += 1;
                let found = rows.must_read::<schema::InboxMessages>(&index)?;
                if (found.leaf, found.relayed.at) != (leaf, at) {
                    let reason = format!("{found:?}, but it is at {at:?} with leaf {leaf}");
                    return Err(corrupt(schema::InboxMessages::ID, &index.encode(), reason));
                }
            }
            Event::Retried { index, .. } | Event::Refunded { index, .. } => {
                let found = rows.must_read::<schema::InboxMessages>(&index)?;
                let outcome = if matches!(event, Event::Retried { .. }) { Outcome::Retried } else { Outcome::Refunded };
                if found.ended != Some(Step { outcome, at }) {
                    let reason = format!("{found:?}, but it ended as {outcome:?} at {at:?}");
                    return Err(corrupt(schema::InboxMessages::ID, &index.encode(), reason));
                }
            }
        }
    }
    Ok((sent, relayed))
}

/// The tree of the outbox fits together.
pub(super) fn check_tree(rows: &dyn Rows, count: u64) -> Result<(), StorageError> {
    for index in 0..count {
        let leaf = rows.must_read::<schema::OutboxNodes>(&(0, index))?;
        let nodes =
            outbox::completed_by(index, leaf, |level, at| rows.must_read::<schema::OutboxNodes>(&(level as u64, at)))?;
        for (level, at, node) in nodes {
            let key = (level as u64, at);
            let found = rows.must_read::<schema::OutboxNodes>(&key)?;
            if found != node {
                return Err(corrupt(
                    schema::OutboxNodes::ID,
                    &key.encode(),
                    format!("{found}, its children make {node}"),
                ));
            }
        }
    }
    Ok(())
}

/// The number of complete nodes of a tree of `count` leaves.
pub(super) fn complete_nodes(count: u64) -> u64 {
    (0..=outbox::OUTBOX_DEPTH).map(|level| count >> level).sum()
}
