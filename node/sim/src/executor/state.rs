//! Tasks, groups, timers and the clock: what the executor holds under its lock. Nothing here polls or wakes.

use super::{Config, Failure, Group, TaskId};
use crate::{seed::Rng, trace::Trace};
use futures::future::BoxFuture;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    task::Waker,
};

/// How many polls are remembered for whoever reads a failure.
const RECENT: usize = 256;

/// Marks in the trace, so that a poll is never taken for a crash.
const POLL: u64 = 1;
const KILL: u64 = 2;

/// Instant, then chance, then order of registration, which no two share.
pub(super) type TimerKey = (u64, u64, u64);

pub(super) struct Task {
    group: Group,
    name: Arc<str>,
    /// Absent while it is polled.
    future: Option<BoxFuture<'static, ()>>,
    waker: Waker,
}

#[derive(Default)]
struct Members {
    name: String,
    tasks: BTreeSet<TaskId>,
    clock_ms: i64,
    is_paused: bool,
    is_dead: bool,
    fuse: Option<u64>,
}

/// A task that was chosen to be polled.
pub(super) struct Turn {
    pub(super) task: TaskId,
    pub(super) group: Group,
    pub(super) name: Arc<str>,
    pub(super) future: BoxFuture<'static, ()>,
    pub(super) waker: Waker,
}

pub(super) struct State {
    pub(super) config: Config,
    pub(super) now_ms: u64,
    pub(super) rng: Rng,
    pub(super) trace: Trace,
    pub(super) polls: u64,
    pub(super) recent: VecDeque<(u64, Arc<str>)>,
    tasks: BTreeMap<TaskId, Task>,
    groups: BTreeMap<Group, Members>,
    timers: BTreeMap<TimerKey, Waker>,
    polls_at_once: u64,
    next: u64,
    /// Found out where no error can be returned; the next step does.
    failure: Option<Failure>,
}

impl State {
    pub(super) fn new(rng: Rng, config: Config) -> Self {
        Self {
            now_ms: config.start_ms,
            config,
            rng,
            trace: Trace::default(),
            polls: 0,
            recent: VecDeque::new(),
            tasks: BTreeMap::new(),
            groups: BTreeMap::new(),
            timers: BTreeMap::new(),
            polls_at_once: 0,
            next: 0,
            failure: None,
        }
    }

    /// A number that was never given before.
    pub(super) const fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn add_group(&mut self, name: String) -> Group {
        let group = Group(self.fresh());
        self.groups.insert(group, Members { name, ..Members::default() });
        group
    }

    fn members(&mut self, group: Group) -> &mut Members {
        self.groups.get_mut(&group).expect("groups are made here and never removed")
    }

    pub(super) fn set_clock(&mut self, group: Group, offset_ms: i64) {
        self.members(group).clock_ms = offset_ms;
    }

    /// The time that the group's clock shows.
    pub(super) fn clock_ms(&mut self, group: Group) -> u64 {
        let offset = self.members(group).clock_ms;
        self.now_ms.saturating_add_signed(offset)
    }

    pub(super) fn set_paused(&mut self, group: Group, is_paused: bool) {
        self.members(group).is_paused = is_paused;
    }

    pub(super) fn set_fuse(&mut self, group: Group, polls: u64) {
        self.members(group).fuse = Some(polls);
    }

    pub(super) fn is_dead(&self, group: Group) -> bool {
        self.groups[&group].is_dead
    }

    pub(super) fn tasks_of(&self, group: Group) -> usize {
        self.groups[&group].tasks.len()
    }

    /// Takes a task in; gives it back when its group is dead.
    pub(super) fn add_task(
        &mut self,
        task: TaskId,
        group: Group,
        name: &str,
        future: BoxFuture<'static, ()>,
        waker: Waker,
    ) -> Option<BoxFuture<'static, ()>> {
        let members = self.members(group);
        if members.is_dead {
            return Some(future);
        }
        members.tasks.insert(task);
        let name: Arc<str> = format!("{}/{name}", members.name).into();
        if self.tasks.len() >= self.config.tasks_max {
            let (tasks, at_ms) = (self.tasks.len() + 1, self.now_ms);
            self.failure.get_or_insert(Failure::TooManyTasks { at_ms, tasks, name: name.to_string() });
        }
        self.tasks.insert(task, Task { group, name, future: Some(future), waker });
        None
    }

    /// The next task to poll, if one is ready and may run.
    pub(super) fn choose(&mut self, ready: &mut BTreeSet<TaskId>) -> Result<Option<Turn>, Failure> {
        if let Some(failure) = self.failure.clone() {
            return Err(failure);
        }
        ready.retain(|task| self.tasks.contains_key(task));
        let may_run = |task: &TaskId| self.tasks.get(task).is_some_and(|task| !self.groups[&task.group].is_paused);
        let candidates: Vec<TaskId> = ready.iter().copied().filter(may_run).collect();
        if candidates.is_empty() {
            return Ok(None);
        }
        let id = *self.rng.pick(&candidates);
        ready.remove(&id);
        self.count(id)?;
        let task = self.tasks.get_mut(&id).expect("candidates are tasks");
        let future = task.future.take().expect("a task is polled by one step at a time, which puts it back");
        Ok(Some(Turn { task: id, group: task.group, name: task.name.clone(), future, waker: task.waker.clone() }))
    }

    fn count(&mut self, task: TaskId) -> Result<(), Failure> {
        self.polls += 1;
        self.polls_at_once += 1;
        for word in [POLL, self.now_ms, task.0] {
            self.trace.mix(word);
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((self.now_ms, self.name(task)));
        if self.polls_at_once > self.config.polls_at_once_max {
            let tasks: BTreeSet<&str> = self.recent.iter().map(|(_, task)| &**task).collect();
            let tasks = tasks.into_iter().map(str::to_owned).collect();
            return Err(Failure::LiveLock { at_ms: self.now_ms, polls: self.polls_at_once, tasks });
        }
        if self.polls > self.config.polls_max {
            return Err(Failure::TooLong { at_ms: self.now_ms, polls: self.polls });
        }
        Ok(())
    }

    fn name(&self, task: TaskId) -> Arc<str> {
        self.tasks.get(&task).map_or_else(|| "a task that is gone".into(), |task| task.name.clone())
    }

    pub(super) fn full_name(&self, task: TaskId) -> String {
        self.name(task).to_string()
    }

    pub(super) fn panicked(&self, task: TaskId, message: &str) -> Failure {
        Failure::Panicked { at_ms: self.now_ms, task: self.full_name(task), message: message.into() }
    }

    /// Takes a task's future back after a poll; returns it when the task was killed meanwhile.
    pub(super) fn put_back(&mut self, task: TaskId, future: BoxFuture<'static, ()>) -> Option<BoxFuture<'static, ()>> {
        match self.tasks.get_mut(&task) {
            Some(waiting) => {
                waiting.future = Some(future);
                None
            }
            None => Some(future),
        }
    }

    pub(super) fn finish(&mut self, task: TaskId) -> Option<Task> {
        let finished = self.tasks.remove(&task)?;
        self.members(finished.group).tasks.remove(&task);
        Some(finished)
    }

    /// One poll of the group is over; whether it was the last that it was given.
    pub(super) fn burn_fuse(&mut self, group: Group) -> bool {
        let members = self.members(group);
        match &mut members.fuse {
            Some(1) if !members.is_dead => true,
            Some(left) => {
                *left = left.saturating_sub(1);
                false
            }
            None => false,
        }
    }

    pub(super) fn kill(&mut self, group: Group) -> Vec<Task> {
        let members = self.members(group);
        members.is_dead = true;
        members.fuse = None;
        let tasks = std::mem::take(&mut members.tasks);
        self.trace.mix(KILL);
        self.trace.mix(group.0);
        tasks.into_iter().filter_map(|task| self.tasks.remove(&task)).collect()
    }

    pub(super) fn clear(&mut self) -> (BTreeMap<TaskId, Task>, BTreeMap<TimerKey, Waker>) {
        for members in self.groups.values_mut() {
            members.is_dead = true;
        }
        (std::mem::take(&mut self.tasks), std::mem::take(&mut self.timers))
    }

    pub(super) fn add_timer(&mut self, at_ms: u64, waker: Waker) -> TimerKey {
        let key = (at_ms, self.rng.number(), self.fresh());
        self.timers.insert(key, waker);
        key
    }

    pub(super) fn rearm(&mut self, key: TimerKey, waker: &Waker) {
        if let Some(old) = self.timers.get_mut(&key) {
            old.clone_from(waker);
        }
    }

    pub(super) fn remove_timer(&mut self, key: TimerKey) -> Option<Waker> {
        self.timers.remove(&key)
    }

    pub(super) fn next_timer(&self) -> Option<u64> {
        self.timers.first_key_value().map(|((at_ms, _, _), _)| *at_ms)
    }

    /// Moves the clock to the next timer up to `limit_ms` and returns whom it wakes: one, or several that wait for the same
    /// instant. `None` when there is none, with the clock at `limit_ms`.
    pub(super) fn advance(&mut self, limit_ms: u64) -> Option<Vec<Waker>> {
        let next = self.next_timer().filter(|at_ms| *at_ms <= limit_ms);
        let to_ms = next.unwrap_or(limit_ms).max(self.now_ms);
        if to_ms > self.now_ms {
            self.now_ms = to_ms;
            self.polls_at_once = 0;
        }
        next?;
        let mut woken = Vec::new();
        // Often one by one, so that the first may act before the second wakes; often together, so that the rng orders them.
        while self.next_timer() == next && (woken.is_empty() || self.rng.chance(1, 2)) {
            woken.extend(self.timers.pop_first().map(|(_, waker)| waker));
        }
        Some(woken)
    }
}
