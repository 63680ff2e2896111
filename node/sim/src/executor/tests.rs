//! What a run of the executor promises.

use super::*;
use futures::channel::mpsc;
use futures::{SinkExt as _, StreamExt as _};
use std::{sync::atomic::AtomicU64, time::Duration};

const MS: Duration = Duration::from_millis(1);

fn world(seed: u64) -> Executor {
    Executor::new(Seed(seed), Config { start_ms: 0, ..Config::default() })
}

type Log = Arc<Mutex<Vec<String>>>;

/// Three nodes that send each other numbers, sleep and do blocking work; what happened, in order.
fn busy(seed: u64) -> (u64, Vec<String>) {
    let world = world(seed);
    let log: Log = Arc::default();
    for node in 0..3 {
        let handle = world.group(format!("n{node}"));
        let (mut sender, mut receiver) = mpsc::channel(4);
        let (of_sender, of_receiver, log) = (handle.clone(), handle.clone(), log.clone());
        handle.spawn("sender", async move {
            for n in 0..10u64 {
                of_sender.sleep(MS * 10).await;
                let squared = of_sender.blocking("square", move || n * n).await.unwrap();
                sender.send(squared).await.unwrap();
            }
        });
        handle.spawn("receiver", async move {
            while let Some(n) = receiver.next().await {
                log.lock().push(format!("{} n{node} {n}", of_receiver.now_ms()));
            }
        });
    }
    assert_eq!(world.run_until_idle(), Ok(Stop::Done));
    let log = log.lock().clone();
    (world.trace(), log)
}

#[test]
fn the_same_seed_makes_the_same_run_and_another_seed_another() {
    let (first, log) = busy(1);
    assert_eq!((first, log.clone()), busy(1));
    assert_eq!(log.len(), 30);
    let others: BTreeSet<u64> = (2..30).map(|seed| busy(seed).0).collect();
    assert_eq!(others.len(), 28);
    assert!(!others.contains(&first));
}

#[test]
fn the_seed_decides_which_ready_task_runs_first() {
    let first = |seed| {
        let world = world(seed);
        let log: Log = Arc::default();
        let handle = world.group("n");
        for name in ["a", "b", "c"] {
            let log = log.clone();
            handle.spawn(name, async move { log.lock().push(name.into()) });
        }
        world.run_until_idle().unwrap();
        log.lock().concat()
    };
    let orders: BTreeSet<String> = (0..64).map(first).collect();
    assert_eq!(orders.len(), 6, "{orders:?}");
}

#[test]
fn timers_fire_in_order_and_those_of_one_instant_in_any() {
    let order = |seed| {
        let world = world(seed);
        let log: Log = Arc::default();
        let handle = world.group("n");
        for (name, ms) in [("c", 20), ("a", 10), ("b", 10), ("d", 30)] {
            let (log, own) = (log.clone(), handle.clone());
            handle.spawn(name, async move {
                own.sleep(MS * ms).await;
                log.lock().push(format!("{name}{}", own.now_ms()));
            });
        }
        world.run_until_idle().unwrap();
        log.lock().concat()
    };
    let orders: BTreeSet<String> = (0..32).map(order).collect();
    assert_eq!(orders.into_iter().collect::<Vec<_>>(), ["a10b10c20d30", "b10a10c20d30"]);
}

#[test]
fn a_run_ends_at_the_instant_asked_for_with_everything_up_to_it_done() {
    let world = world(1);
    let handle = world.group("n");
    let ticks = Arc::new(AtomicU64::new(0));
    let (own, counted) = (handle.clone(), ticks.clone());
    handle.spawn("ticker", async move {
        loop {
            own.sleep(MS * 10).await;
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    for (until, ticked) in [(9, 0), (10, 1), (55, 5), (55, 5), (1_000, 100)] {
        assert_eq!(world.run_until(until), Ok(Stop::Done));
        assert_eq!((world.now_ms(), ticks.load(Ordering::Relaxed)), (until, ticked));
    }
}

/// Counts how often it is dropped.
struct Dropped(Arc<AtomicU64>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn killing_a_group_drops_its_tasks_where_they_wait_and_nothing_of_it_acts_again() {
    let world = world(1);
    let (dies, lives) = (world.group("dies"), world.group("lives"));
    let dropped = Arc::new(AtomicU64::new(0));
    let mut joins = Vec::new();
    for handle in [&dies, &dies, &lives] {
        let (own, guard) = (handle.clone(), Dropped(dropped.clone()));
        joins.push(handle.spawn("waits", async move {
            let _guard = guard;
            own.sleep(MS * 100).await;
        }));
    }
    world.run_until(50).unwrap();
    world.kill(dies.group());
    assert_eq!(dropped.load(Ordering::Relaxed), 2);
    assert_eq!((world.tasks(dies.group()), world.tasks(lives.group())), (0, 1));
    let refused = dies.spawn("late", async { unreachable!("its group is dead") });
    assert_eq!(world.run_until_idle(), Ok(Stop::Done));
    assert_eq!((world.now_ms(), dropped.load(Ordering::Relaxed)), (100, 3));
    assert_eq!(futures::executor::block_on(refused), Err(Killed));
    let ended: Vec<bool> = joins.into_iter().map(|join| futures::executor::block_on(join).is_ok()).collect();
    assert_eq!(ended, [false, false, true]);
}

#[test]
fn a_group_can_be_killed_after_any_poll() {
    let reached = |polls| {
        let world = world(3);
        let handle = world.group("n");
        let (own, steps) = (handle.clone(), Arc::new(AtomicU64::new(0)));
        let counted = steps.clone();
        handle.spawn("steps", async move {
            for _ in 0..10 {
                counted.fetch_add(1, Ordering::Relaxed);
                own.sleep(MS).await;
            }
        });
        world.kill_after(handle.group(), polls);
        assert_eq!(world.run_until_idle(), Ok(Stop::Killed(handle.group())));
        assert!(world.is_dead(handle.group()));
        assert_eq!(world.run_until_idle(), Ok(Stop::Done));
        steps.load(Ordering::Relaxed)
    };
    assert_eq!((1..=10).map(reached).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
}

#[test]
fn a_task_may_kill_its_own_group() {
    let world = Arc::new(world(1));
    let handle = world.group("n");
    let (inner, group) = (world.clone(), handle.group());
    let dropped = Arc::new(AtomicU64::new(0));
    let (guard, own) = (Dropped(dropped.clone()), handle.clone());
    handle.spawn("ends it", async move {
        let _guard = guard;
        inner.kill(group);
        own.sleep(MS).await;
        unreachable!("killed");
    });
    assert_eq!(world.run_until_idle(), Ok(Stop::Done));
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}

#[test]
fn a_paused_group_stands_still_while_time_goes_on_and_catches_up() {
    let world = world(1);
    let handle = world.group("n");
    let (own, log) = (handle.clone(), Log::default());
    let written = log.clone();
    handle.spawn("ticker", async move {
        loop {
            own.sleep(MS * 10).await;
            written.lock().push(own.now_ms().to_string());
        }
    });
    world.run_until(25).unwrap();
    world.pause(handle.group());
    world.run_until(95).unwrap();
    assert_eq!(log.lock().concat(), "1020");
    world.resume(handle.group());
    world.run_until(105).unwrap();
    assert_eq!(log.lock().concat(), "102095105");
}

#[test]
fn a_group_has_a_clock_of_its_own_that_steps_while_its_timers_do_not() {
    let world = world(1);
    let (wrong, right) = (world.group("wrong"), world.group("right"));
    world.run_until(1_000).unwrap();
    world.set_clock(wrong.group(), -400);
    let own = wrong.clone();
    let joined = wrong.spawn("sleeps", async move {
        own.sleep(MS * 50).await;
        (own.now_ms(), own.monotonic_ms())
    });
    world.run_until_idle().unwrap();
    assert_eq!(futures::executor::block_on(joined), Ok((650, 1_050)));
    assert_eq!((wrong.now_ms(), right.now_ms()), (650, 1_050));
}

#[test]
fn a_crash_finds_blocking_work_undone_or_done_and_not_told() {
    let mut seen = BTreeSet::new();
    for seed in 0..64 {
        let world = world(seed);
        let handle = world.group("n");
        let (done, told) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (does, tells, own) = (done.clone(), told.clone(), handle.clone());
        handle.spawn("works", async move {
            own.blocking("work", move || does.store(true, Ordering::Relaxed)).await.unwrap();
            tells.store(true, Ordering::Relaxed);
        });
        world.kill_after(handle.group(), 1 + seed % 5);
        while world.run_until_idle().unwrap() != Stop::Done {}
        seen.insert((done.load(Ordering::Relaxed), told.load(Ordering::Relaxed)));
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [(false, false), (true, false), (true, true)]);
}

#[test]
fn tasks_that_wake_each_other_for_ever_are_a_named_failure() {
    let world = Executor::new(Seed(1), Config { start_ms: 5, polls_at_once_max: 100, ..Config::default() });
    let spins = futures::future::poll_fn::<(), _>(|context| {
        context.waker().wake_by_ref();
        Poll::Pending
    });
    world.group("node 3").spawn("spins", spins);
    let failure = world.run_until(1_000).unwrap_err();
    assert_eq!(failure, Failure::LiveLock { at_ms: 5, polls: 101, tasks: vec!["node 3/spins".into()] });
}

#[test]
fn a_world_that_never_rests_and_one_that_leaks_tasks_end_with_their_limit() {
    let config = Config { polls_max: 50, tasks_max: 10, start_ms: 0, ..Config::default() };
    let world = Executor::new(Seed(1), config.clone());
    let handle = world.group("n");
    let own = handle.clone();
    handle.spawn("ticker", async move {
        loop {
            own.sleep(MS).await;
        }
    });
    assert!(matches!(world.run_until_idle(), Err(Failure::TooLong { polls: 51, .. })));

    let world = Executor::new(Seed(1), config);
    let handle = world.group("n");
    for _ in 0..11 {
        handle.spawn("leaks", std::future::pending::<()>());
    }
    assert_eq!(world.run_until_idle(), Err(Failure::TooManyTasks { at_ms: 0, tasks: 11, name: "n/leaks".into() }));
}

#[test]
fn a_panic_is_a_failure_that_names_its_task() {
    let world = world(1);
    world.group("n7").spawn("driver", async { panic!("head {} is gone", 5) });
    let failure = world.run_until_idle().unwrap_err();
    let expected = Failure::Panicked { at_ms: 0, task: "n7/driver".into(), message: "head 5 is gone".into() };
    assert_eq!(failure, expected);
}

#[test]
fn a_wake_from_another_thread_is_a_failure() {
    let world = world(1);
    let (sender, receiver) = futures::channel::oneshot::channel::<()>();
    let handle = world.group("n");
    handle.spawn("waits", async { receiver.await.unwrap() });
    world.run_until_idle().unwrap();
    std::thread::spawn(|| sender.send(())).join().unwrap().unwrap();
    assert_eq!(world.run_until_idle(), Err(Failure::ForeignWake { task: "n/waits".into() }));
}

#[test]
fn what_the_world_records_counts_in_the_trace() {
    let trace = |head: &[u8]| {
        let world = world(1);
        world.group("n").record(head);
        world.record(head);
        world.trace()
    };
    assert_eq!(trace(b"a"), trace(b"a"));
    assert_ne!(trace(b"a"), trace(b"b"));
}
