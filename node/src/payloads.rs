//! Payloads of landed blocks, on their way from the carriers or here: the one that the engine asks for, and a few that it will
//! ask for next, so that carriers work while a block is executed. It must not know what a payload holds.

use crate::{carriers::Carriers, derive::Payload, host::Host};
use alloy_primitives::B256;
use engine::{Event, Fetched, Landing};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::sync::mpsc;

/// Payloads that are fetched before the engine asks for them: as many requests at a time, and as many payloads in memory.
pub const AHEAD: usize = 8;

/// All of them. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Payloads {
    host: Arc<dyn Host>,
    carriers: Carriers,
    events: mpsc::Sender<Event>,
    entries: Arc<Mutex<BTreeMap<B256, Entry>>>,
}

#[derive(Debug)]
enum Entry {
    /// A carrier is asked.
    Coming {
        /// The engine waits for it.
        is_wanted: bool,
    },
    /// It came.
    Here(Payload),
    /// No carrier had it, before the engine asked. It is asked for again when the engine does, and no sooner.
    Absent,
}

impl Payloads {
    /// None yet.
    pub fn new(host: Arc<dyn Host>, carriers: Carriers, events: mpsc::Sender<Event>) -> Self {
        Self { host, carriers, events, entries: Arc::default() }
    }

    /// The engine asks for the payload of `landing`. Returns whether it is here; otherwise [`Event::Fetched`] follows.
    pub fn want(&self, landing: Landing, attempt: u32) -> bool {
        let hash = landing.block.hash;
        let mut entries = self.entries.lock();
        match entries.insert(hash, Entry::Coming { is_wanted: true }) {
            Some(here @ Entry::Here(_)) => {
                entries.insert(hash, here);
                return true;
            }
            Some(Entry::Coming { .. }) => return false,
            Some(Entry::Absent) | None => {}
        }
        drop(entries);
        self.fetch(landing, attempt);
        false
    }

    /// These will be asked for next, in this order.
    pub fn look_ahead<'a>(&self, landings: impl Iterator<Item = &'a Landing>) {
        for landing in landings.take(AHEAD) {
            let mut entries = self.entries.lock();
            if entries.len() > AHEAD {
                return;
            }
            if entries.contains_key(&landing.block.hash) {
                continue;
            }
            entries.insert(landing.block.hash, Entry::Coming { is_wanted: false });
            drop(entries);
            self.fetch(landing.clone(), 0);
        }
    }

    /// The payload, if it is here; it is no longer kept.
    pub fn take(&self, hash: B256) -> Option<Payload> {
        match self.entries.lock().remove(&hash) {
            Some(Entry::Here(payload)) => Some(payload),
            Some(Entry::Coming { .. } | Entry::Absent) | None => None,
        }
    }

    /// Forgets all others: an L1 reorg took their landings back.
    pub fn keep_only(&self, hashes: &BTreeSet<B256>) {
        self.entries.lock().retain(|hash, _| hashes.contains(hash));
    }

    fn fetch(&self, landing: Landing, attempt: u32) {
        let this = self.clone();
        let task = async move {
            let payload = this.carriers.fetch(&landing).await;
            let (hash, found) = (landing.block.hash, payload.is_some());
            if this.arrived(hash, payload) {
                if !found {
                    tracing::info!(number = landing.block.number, attempt, "no carrier has the payload yet");
                }
                // The driver is gone only when the node stops.
                let _ = this.events.send(Event::Fetched(Fetched { hash, found })).await;
            }
        };
        self.host.spawn("fetch", Box::pin(task));
    }

    /// Whether the engine waits for it.
    fn arrived(&self, hash: B256, payload: Option<Payload>) -> bool {
        let mut entries = self.entries.lock();
        let Some(Entry::Coming { is_wanted }) = entries.get(&hash) else {
            return false; // Forgotten meanwhile.
        };
        let is_wanted = *is_wanted;
        match payload {
            Some(payload) => entries.insert(hash, Entry::Here(payload)),
            None if is_wanted => entries.remove(&hash),
            None => entries.insert(hash, Entry::Absent),
        };
        is_wanted
    }
}
