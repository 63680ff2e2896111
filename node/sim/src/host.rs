//! A node's machine in the simulated world: its clock, its sleep and its tasks are the executor's.

use crate::executor::Handle;
use engine::Millis;
use futures::future::BoxFuture;
use node::host::Host;
use std::time::Duration;

/// One life of one machine.
#[derive(Debug)]
pub struct SimHost {
    handle: Handle,
    started_ms: u64,
}

impl SimHost {
    /// Starts now, with the tasks of `handle`'s group.
    pub fn new(handle: Handle) -> Self {
        Self { started_ms: handle.monotonic_ms(), handle }
    }
}

impl Host for SimHost {
    fn now(&self) -> Millis {
        Millis(self.handle.now_ms())
    }

    fn uptime(&self) -> Duration {
        Duration::from_millis(self.handle.monotonic_ms() - self.started_ms)
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.handle.sleep(pause))
    }

    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>) {
        drop(self.handle.spawn(name, task));
    }

    fn run_blocking(&self, name: &'static str, work: Box<dyn FnOnce() + Send>) {
        drop(self.handle.blocking(name, work));
    }
}
