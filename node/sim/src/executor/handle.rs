//! What the tasks of one group see of the executor: its clock, sleep, spawn, blocking work.

use super::{Core, Group, TaskId, TaskWaker, state::TimerKey};
use futures::{FutureExt as _, channel::oneshot};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

/// The result of a spawned task. It runs whether or not anybody waits for it.
#[derive(Debug)]
pub struct Joined<T>(oneshot::Receiver<T>);

/// The task was killed before it had a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the task was killed")]
pub struct Killed;

impl<T> Future for Joined<T> {
    type Output = Result<T, Killed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map_err(|oneshot::Canceled| Killed)
    }
}

/// One group's way into the executor. Cheap to clone. What is left of a dead group's handles does nothing.
#[derive(Clone)]
pub struct Handle {
    core: Arc<Core>,
    group: Group,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Handle({:?})", self.group)
    }
}

impl Handle {
    pub(super) const fn new(core: Arc<Core>, group: Group) -> Self {
        Self { core, group }
    }

    /// The group.
    pub const fn group(&self) -> Group {
        self.group
    }

    /// What the group's clock shows, milliseconds since 1970. It can step, back as well as forth.
    pub fn now_ms(&self) -> u64 {
        self.core.state.lock().clock_ms(self.group)
    }

    /// Milliseconds that have passed, by no clock that steps.
    pub fn monotonic_ms(&self) -> u64 {
        self.core.state.lock().now_ms
    }

    /// Waits for `duration` of virtual time, rounded up to milliseconds.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        let ms = u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        Sleep { core: self.core.clone(), until_ms: self.monotonic_ms().saturating_add(ms), timer: None }
    }

    /// Starts a task; `name` is for failures and the trace's readers.
    pub fn spawn<T: Send + 'static>(&self, name: &str, future: impl Future<Output = T> + Send + 'static) -> Joined<T> {
        let (done, joined) = oneshot::channel();
        let future = async move {
            // Nobody may be waiting for it.
            let _ = done.send(future.await);
        };
        let task = TaskId(self.core.state.lock().fresh());
        let waker = Waker::from(Arc::new(TaskWaker { task, core: self.core.clone() }));
        let refused = self.core.state.lock().add_task(task, self.group, name, future.boxed(), waker);
        if refused.is_none() {
            self.core.ready.lock().insert(task);
        }
        Joined(joined)
    }

    /// Does `work` in a task of its own that takes a while (`Config::blocking_ms`), the work being at the start of it or
    /// at the end: a crash finds it undone, or done and not told.
    pub fn blocking<T: Send + 'static>(&self, name: &str, work: impl FnOnce() -> T + Send + 'static) -> Joined<T> {
        let (ms, is_first) = {
            let mut state = self.core.state.lock();
            let range = state.config.blocking_ms.clone();
            (state.rng.within(range), state.rng.chance(1, 2))
        };
        let pause = self.sleep(Duration::from_millis(ms));
        self.spawn(name, async move {
            if is_first {
                let result = work();
                pause.await;
                result
            } else {
                pause.await;
                work()
            }
        })
    }

    /// A number from the scheduler's stream, for latencies and the like.
    pub fn random(&self) -> u64 {
        self.core.state.lock().rng.number()
    }

    /// Adds to the trace.
    pub fn record(&self, what: &[u8]) {
        self.core.state.lock().trace.mix_bytes(what);
    }
}

/// See [`Handle::sleep`].
pub struct Sleep {
    core: Arc<Core>,
    until_ms: u64,
    timer: Option<TimerKey>,
}

impl std::fmt::Debug for Sleep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sleep(until {} ms)", self.until_ms)
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let core = self.core.clone();
        let mut state = core.state.lock();
        // Not even a sleep of nothing is over at once: a loop of them must not starve the others.
        match self.timer {
            Some(_) if state.now_ms >= self.until_ms => Poll::Ready(()),
            Some(timer) => {
                state.rearm(timer, context.waker());
                Poll::Pending
            }
            None => {
                self.timer = Some(state.add_timer(self.until_ms, context.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            let removed = self.core.state.lock().remove_timer(timer);
            drop(removed);
        }
    }
}
