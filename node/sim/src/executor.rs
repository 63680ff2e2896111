//! Runs futures in virtual time, one poll after another, in an order that the seed chooses.
//!
//! ```text
//!  ready tasks ── one, by the rng ──► poll ──► woken tasks are ready
//!       └── none? ── the clock jumps to the next timer
//! ```
//! A poll takes no virtual time. Between any two polls a group (one life of one node) can be killed, which drops its
//! tasks where they wait, or paused. Must not know what the tasks do; they must use no other clock, thread or runtime.

mod failure;
mod handle;
pub mod here;
mod state;
#[cfg(test)]
mod tests;

pub use failure::Failure;
pub use handle::{Handle, Joined, Killed, Sleep};

use crate::seed::Seed;
use parking_lot::Mutex;
use state::State;
use std::{
    any::Any,
    collections::BTreeSet,
    ops::RangeInclusive,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake},
    thread::ThreadId,
};

/// What bounds a run, and what it starts from.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the clock starts, milliseconds since 1970.
    pub start_ms: u64,
    /// How long blocking work takes, virtual milliseconds.
    pub blocking_ms: RangeInclusive<u64>,
    /// Most polls while the clock stands still: more is a live-lock.
    pub polls_at_once_max: u64,
    /// Most polls in all.
    pub polls_max: u64,
    /// Most tasks alive: more is a leak.
    pub tasks_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            start_ms: 1_800_000_000_000,
            blocking_ms: 1..=80,
            polls_at_once_max: 100_000,
            polls_max: 50_000_000,
            tasks_max: 20_000,
        }
    }
}

/// One life of a node, or another set of tasks that live and die together. A dead one never comes back: a restart is a
/// new group, so nothing that is left of the old life can act in the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group(u64);

/// Why a run stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The virtual instant was reached, or nothing is left that could happen.
    Done,
    /// The group died of [`Executor::kill_after`]; the run can go on.
    Killed(Group),
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// One task was polled.
    Polled,
    /// One task was polled and its group died after it.
    Killed(Group),
    /// No task that may run is ready at this instant.
    Quiet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct TaskId(u64);

/// State and ready set have a lock each, so that a task may be woken whatever else goes on. One thread takes them; they
/// are locks only because futures of a node must be `Send`.
struct Core {
    state: Mutex<State>,
    ready: Mutex<BTreeSet<TaskId>>,
    thread: ThreadId,
    foreign: AtomicBool,
}

/// Wakes one task.
struct TaskWaker {
    task: TaskId,
    core: Arc<Core>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if std::thread::current().id() != self.core.thread {
            self.core.foreign.store(true, Ordering::Relaxed);
        }
        self.core.ready.lock().insert(self.task);
    }
}

/// The world's scheduler and clock. It runs on the thread that made it.
pub struct Executor {
    core: Arc<Core>,
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Executor({} ms, trace {:016x})", self.now_ms(), self.trace())
    }
}

impl Executor {
    /// An empty world.
    pub fn new(seed: Seed, config: Config) -> Self {
        let core = Core {
            state: Mutex::new(State::new(seed.stream("executor"), config)),
            ready: Mutex::default(),
            thread: std::thread::current().id(),
            foreign: AtomicBool::new(false),
        };
        Self { core: Arc::new(core) }
    }

    /// A new group of tasks; `name` is for failures and the trace.
    pub fn group(&self, name: impl Into<String>) -> Handle {
        let group = self.core.state.lock().add_group(name.into());
        Handle::new(self.core.clone(), group)
    }

    /// Virtual time, milliseconds since 1970. A group's own clock may differ ([`Self::set_clock`]).
    pub fn now_ms(&self) -> u64 {
        self.core.state.lock().now_ms
    }

    /// Hash of everything that happened: polls with their instants and tasks, crashes, and what [`Self::record`] added.
    pub fn trace(&self) -> u64 {
        self.core.state.lock().trace.hash()
    }

    /// Adds what the world saw (a head, a block hash) to the trace.
    pub fn record(&self, what: &[u8]) {
        self.core.state.lock().trace.mix_bytes(what);
    }

    /// Polls so far.
    pub fn polls(&self) -> u64 {
        self.core.state.lock().polls
    }

    /// The last polls, oldest first: instant, group and task.
    pub fn recent(&self) -> Vec<String> {
        self.core.state.lock().recent.iter().map(|(at_ms, task)| format!("{at_ms} {task}")).collect()
    }

    /// Moves the group's clock by `offset_ms` against virtual time. Timers do not care: they are monotonic.
    pub fn set_clock(&self, group: Group, offset_ms: i64) {
        self.core.state.lock().set_clock(group, offset_ms);
    }

    /// Drops all tasks of the group and their timers, wherever they wait, and refuses it new ones.
    pub fn kill(&self, group: Group) {
        // Dropped outside the lock: a future's parts may wake others, or spawn, when they go.
        let dropped = self.core.state.lock().kill(group);
        drop(dropped);
    }

    /// Kills the group after `polls` more polls of its tasks, at least one: a crash at a chosen await point. The run
    /// stops there with [`Stop::Killed`].
    pub fn kill_after(&self, group: Group, polls: u64) {
        self.core.state.lock().set_fuse(group, polls.max(1));
    }

    /// Keeps the group's tasks from running; time goes on and their timers pass.
    pub fn pause(&self, group: Group) {
        self.core.state.lock().set_paused(group, true);
    }

    /// Lets the group's tasks run again.
    pub fn resume(&self, group: Group) {
        self.core.state.lock().set_paused(group, false);
    }

    /// Whether the group was killed.
    pub fn is_dead(&self, group: Group) -> bool {
        self.core.state.lock().is_dead(group)
    }

    /// How many tasks the group has.
    pub fn tasks(&self, group: Group) -> usize {
        self.core.state.lock().tasks_of(group)
    }

    /// Polls one ready task, chosen by the rng, at the present instant.
    ///
    /// # Errors
    /// A [`Failure`], after which the world is of no more use.
    pub fn step(&self) -> Result<Step, Failure> {
        let Some(turn) = self.core.state.lock().choose(&mut self.core.ready.lock())? else { return Ok(Step::Quiet) };
        let state::Turn { task, group, name, mut future, waker } = turn;
        here::enter(self.now_ms(), name);
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut Context::from_waker(&waker))));
        let mut state = self.core.state.lock();
        let poll = polled.map_err(|panic| state.panicked(task, &message(&*panic)))?;
        if self.core.foreign.load(Ordering::Relaxed) {
            return Err(Failure::ForeignWake { task: state.full_name(task) });
        }
        let over = match poll {
            Poll::Ready(()) => {
                let _ = state.finish(task);
                Some(future)
            }
            // Its group may have been killed by the task itself: then it goes with the others.
            Poll::Pending => state.put_back(task, future),
        };
        let burnt = state.burn_fuse(group);
        drop(state);
        drop(over);
        if burnt {
            self.kill(group);
            return Ok(Step::Killed(group));
        }
        Ok(Step::Polled)
    }

    /// Runs until virtual time is `at_ms`, with everything done that happens up to then.
    ///
    /// # Errors
    /// A [`Failure`].
    pub fn run_until(&self, at_ms: u64) -> Result<Stop, Failure> {
        loop {
            match self.step()? {
                Step::Polled => {}
                Step::Killed(group) => return Ok(Stop::Killed(group)),
                Step::Quiet => {
                    let woken = self.core.state.lock().advance(at_ms);
                    match woken {
                        Some(woken) => woken.into_iter().for_each(std::task::Waker::wake),
                        None => return Ok(Stop::Done),
                    }
                }
            }
        }
    }

    /// Runs until nothing is ready and no timer waits. Worlds that tick never get there: [`Failure::TooLong`].
    ///
    /// # Errors
    /// A [`Failure`].
    pub fn run_until_idle(&self) -> Result<Stop, Failure> {
        loop {
            match self.step()? {
                Step::Polled => {}
                Step::Killed(group) => return Ok(Stop::Killed(group)),
                Step::Quiet => {
                    let Some(next) = self.core.state.lock().next_timer() else { return Ok(Stop::Done) };
                    if let Some(woken) = self.core.state.lock().advance(next) {
                        woken.into_iter().for_each(std::task::Waker::wake);
                    }
                }
            }
        }
    }
}

impl Drop for Executor {
    /// Wakers hold the world and the world holds wakers; taking the tasks out breaks the circle.
    fn drop(&mut self) {
        let all = self.core.state.lock().clear();
        drop(all);
    }
}

/// What a panic says.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a text".into())
}
