//! Closing a chain for good, so that its folder can be opened again.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::Chain;

/// How often a close looks whether the last reader is gone.
const POLL: Duration = Duration::from_millis(2);

impl Chain {
    /// Waits until nobody else holds this chain or a state of it, for `patience` at most, and closes the store: after
    /// `true` its folder can be opened again. Blocks the thread. Without it the last holder closes the store, whenever
    /// that is.
    #[must_use]
    pub fn close(self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let Self { inner } = self;
        let store = Arc::clone(&inner.store);
        // What only we hold, nobody else can take again.
        if !wait(deadline, || Arc::strong_count(&inner) == 1) {
            return false;
        }
        drop(inner);
        wait(deadline, || Arc::strong_count(&store) == 1 && !store.has_snapshots())
    }
}

fn wait(deadline: Instant, done: impl Fn() -> bool) -> bool {
    while !done() {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(POLL);
    }
    true
}
