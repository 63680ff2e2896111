//! Remembers which nodes were fetched: the raw material of a witness.

use crate::state::{NodeSource, StateError};
use alloy_primitives::{B256, Bytes};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// A source that passes on and keeps every node it was asked for, once.
#[derive(Debug)]
pub struct Recorder<S> {
    source: S,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    nodes: BTreeMap<B256, Bytes>,
    bytes: usize,
}

impl<S: NodeSource> Recorder<S> {
    /// Starts with nothing recorded.
    pub fn new(source: S) -> Self {
        Self { source, seen: Mutex::default() }
    }

    /// How many nodes, and how many bytes they have together.
    pub fn size(&self) -> (usize, usize) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.nodes.len(), seen.bytes)
    }

    /// Every node asked for, by hash.
    pub fn nodes(&self) -> BTreeMap<B256, Bytes> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).nodes.clone()
    }
}

impl<S: NodeSource> NodeSource for Recorder<S> {
    fn node(&self, hash: B256) -> Result<Bytes, StateError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(node) = seen.nodes.get(&hash) {
            return Ok(node.clone());
        }
        let node = self.source.node(hash)?;
        seen.bytes += node.len();
        seen.nodes.insert(hash, node.clone());
        Ok(node)
    }
}
