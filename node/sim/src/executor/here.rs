//! Which task runs on this thread, and when in virtual time: for whoever writes log lines.

use std::{cell::RefCell, sync::Arc};

thread_local! {
    static HERE: RefCell<Option<(u64, Arc<str>)>> = const { RefCell::new(None) };
}

pub(super) fn enter(now_ms: u64, task: Arc<str>) {
    HERE.set(Some((now_ms, task)));
}

/// The instant, milliseconds since 1970, and the task that is or was polled last on this thread.
pub fn now() -> Option<(u64, Arc<str>)> {
    HERE.with_borrow(Clone::clone)
}
