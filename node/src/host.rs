//! What a node needs of the machine below it: the time, and someone who runs its tasks. Real nodes run on [`Tokio`];
//! a simulated world brings a host of its own, and then nothing of the node knows the difference.
//!
//! Rule: the node's own tasks sleep, spawn and block through their host only, and `select!` is `biased`, so that a host
//! that repeats itself makes a node that does.

use engine::Millis;
use futures::future::BoxFuture;
use std::{
    fmt::Debug,
    future::Future,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::oneshot;

/// See the module.
pub trait Host: Debug + Send + Sync {
    /// The time of day. It may jump, forwards and back.
    fn now(&self) -> Millis;

    /// Time since this host began. It never goes back.
    fn uptime(&self) -> Duration;

    /// Done after `pause`.
    fn sleep(&self, pause: Duration) -> BoxFuture<'static, ()>;

    /// Runs `task` beside everything else, until it ends.
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>);

    /// Runs `work`, which may take long or wait for a disk, where it stops no task.
    fn run_blocking(&self, name: &'static str, work: Box<dyn FnOnce() + Send>);
}

/// A task, or work, ended without a result: it panicked, or the host is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} was interrupted")]
pub struct Interrupted(pub &'static str);

/// A task that was started; wait for it, or drop this and let it run.
#[derive(Debug)]
pub struct Task<T> {
    name: &'static str,
    /// `None` once it was told.
    result: Option<oneshot::Receiver<T>>,
}

impl<T> Task<T> {
    /// What the task came to; told once, then there is none any more.
    ///
    /// # Errors
    /// [`Interrupted`].
    pub async fn result(&mut self) -> Result<T, Interrupted> {
        let interrupted = Interrupted(self.name);
        let receiver = self.result.as_mut().ok_or(interrupted)?;
        let result = receiver.await.map_err(|_| interrupted);
        self.result = None;
        result
    }

    /// Whether its result was told.
    pub const fn is_told(&self) -> bool {
        self.result.is_none()
    }
}

/// Runs `task` on `host`.
pub fn spawn<T: Send + 'static>(
    host: &dyn Host,
    name: &'static str,
    task: impl Future<Output = T> + Send + 'static,
) -> Task<T> {
    let (sender, result) = oneshot::channel();
    let task = async move {
        // Nobody waits for the result: that is their choice.
        let _ = sender.send(task.await);
    };
    host.spawn(name, Box::pin(task));
    Task { name, result: Some(result) }
}

/// Runs `work` on `host`, where it may block, and waits for it. It goes on when nobody waits any more.
///
/// # Errors
/// [`Interrupted`].
pub async fn blocking<T: Send + 'static>(
    host: &dyn Host,
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Interrupted> {
    let (sender, result) = oneshot::channel();
    let work = move || {
        // As for tasks.
        let _ = sender.send(work());
    };
    host.run_blocking(name, Box::new(work));
    result.await.map_err(|_| Interrupted(name))
}

/// The runtime and the clock of this process.
#[derive(Debug)]
pub struct Tokio {
    runtime: tokio::runtime::Handle,
    since: Instant,
}

impl Tokio {
    /// The runtime that this is called in.
    ///
    /// # Panics
    /// Outside of one.
    pub fn current() -> Arc<Self> {
        Arc::new(Self { runtime: tokio::runtime::Handle::current(), since: Instant::now() })
    }
}

impl Host for Tokio {
    fn now(&self) -> Millis {
        now()
    }

    fn uptime(&self) -> Duration {
        self.since.elapsed()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(pause))
    }

    fn spawn(&self, _name: &'static str, task: BoxFuture<'static, ()>) {
        self.runtime.spawn(task);
    }

    fn run_blocking(&self, _name: &'static str, work: Box<dyn FnOnce() + Send>) {
        self.runtime.spawn_blocking(work);
    }
}

/// The time of day.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_and_work_give_their_results_and_a_panic_is_told() {
        let host = Tokio::current();
        assert_eq!(spawn(&*host, "adder", async { 1 + 2 }).result().await, Ok(3));
        assert_eq!(blocking(&*host, "work", || 4).await, Ok(4));
        assert_eq!(
            spawn(&*host, "task", async { panic!("as it should") }).result().await,
            Err::<(), _>(Interrupted("task"))
        );
        assert_eq!(blocking(&*host, "work", || panic!("as it should")).await, Err::<(), _>(Interrupted("work")));
        let before = host.uptime();
        host.sleep(Duration::from_millis(5)).await;
        assert!(host.uptime() - before >= Duration::from_millis(5));
    }
}
