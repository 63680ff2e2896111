//! How a run ends that can't go on: each way has a name, and says when and where.

/// A run that can't go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Tasks wake each other for ever.
    #[error("live-lock at {at_ms} ms: {polls} polls without time passing, the last of {tasks:?}")]
    LiveLock {
        /// Virtual time.
        at_ms: u64,
        /// How many.
        polls: u64,
        /// Tasks polled last, each once.
        tasks: Vec<String>,
    },
    /// [`super::Config::polls_max`].
    #[error("{polls} polls and no end, at {at_ms} ms")]
    TooLong {
        /// Virtual time.
        at_ms: u64,
        /// How many.
        polls: u64,
    },
    /// [`super::Config::tasks_max`].
    #[error("{tasks} tasks alive at {at_ms} ms, the last one is {name}")]
    TooManyTasks {
        /// Virtual time.
        at_ms: u64,
        /// How many.
        tasks: usize,
        /// Group and name of the last.
        name: String,
    },
    /// A task panicked.
    #[error("{task} panicked at {at_ms} ms: {message}")]
    Panicked {
        /// Virtual time.
        at_ms: u64,
        /// Group and name.
        task: String,
        /// What it said.
        message: String,
    },
    /// A task was woken from another thread, so the run depends on real time.
    #[error("{task} was woken by another thread: something in the world is not simulated")]
    ForeignWake {
        /// Group and name, or that it is gone.
        task: String,
    },
}
