//! The node's own L1 code (`node/l1`) on the modelled L1, in virtual time.

use super::*;
use crate::{
    executor::{Config as Clock, Executor, Handle, Stop},
    wire::{Line, Wire},
};
use ::l1::{Beacon, Hands, HubCall, HubReader, L1Error, L1Rpc, Sent, Signer, Watcher, panel::Patience};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_transport::BoxTransport;
use bridge::message::InboxChain;
use engine::{Event, L1Ref};
use sequencer::landing::{Fees as Offer, SendFailure};
use std::{io::Write as _, time::Duration};
use tokio::sync::mpsc;

const OFFER: Offer = Offer { max_fee: FEES.max, tip: FEES.tip, max_blob_fee: FEES.blob };

/// Runs `task` with a wire to the bed's endpoint until it has its result.
fn run<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    bed: &Bed,
    task: impl FnOnce(Wire, Handle) -> F,
) -> T {
    let world = Executor::new(Seed(1), Clock::default());
    let handle = world.group("node");
    let wire = Wire::new(bed.l1.clone(), bed.at, handle.clone(), Line::default());
    let joined = handle.spawn("task", task(wire, handle.clone()));
    assert_eq!(world.run_until_idle(), Ok(Stop::Done));
    futures::executor::block_on(joined).unwrap()
}

fn rpc(wire: Wire) -> L1Rpc {
    L1Rpc::on(vec![(BoxTransport::new(wire), "simulated".into())], Patience::default())
}

fn signer_of_the_node() -> Signer {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{}", B256::repeat_byte(1)).unwrap();
    Signer::from_file(file.path()).unwrap()
}

#[test]
fn a_node_reads_headers_receipts_hub_and_messages() {
    let bed = Bed::new(1, |_| {});
    bed.deposit();
    bed.land(0);
    let l1 = bed.l1.clone();
    run(&bed, |wire, _| async move {
        let rpc = rpc(wire);
        assert_eq!(rpc.chain_id().await.unwrap(), Config::default().chain_id);
        let head = rpc.header(BlockNumberOrTag::Latest).await.unwrap().unwrap();
        assert_eq!(head.at.hash, l1.head().hash);
        assert_eq!(rpc.receipts(&head).await.unwrap().unwrap().len(), 2);
        assert_eq!(rpc.nonce(signer().address(), BlockId::hash(head.at.hash)).await.unwrap(), 1);
        assert_eq!(rpc.balance(USER).await.unwrap(), l1.balance(USER));
        assert_eq!(rpc.blob_base_fee().await.unwrap(), 1);
        let hub = HubReader::new(rpc.clone(), Config::default().hub, ROLLUP);
        let registered = rpc.header(BlockNumberOrTag::Number(1)).await.unwrap().unwrap();
        let registration = hub.registration(&registered).await.unwrap().unwrap();
        let rollup = hub.rollup(BlockId::latest()).await.unwrap();
        assert_eq!((rollup.number, rollup.inbox_count, registration.escrow), (1, 1, U256::from(5)));
        let messages = hub.messages(0, 1, 5).await.unwrap();
        let found: Vec<Message> = messages.into_iter().map(|(_, entry)| entry.message).collect();
        assert_eq!(found, l1.messages(ROLLUP));
    });
}

#[test]
fn a_node_takes_messages_only_when_hub_counts_the_same_ones() {
    let bed = Bed::new(1, |_| {});
    bed.deposit();
    bed.land(0);
    let (l1, at) = (bed.l1.clone(), bed.at);
    run(&bed, |wire, _| async move {
        let hub = HubReader::new(rpc(wire), Config::default().hub, ROLLUP);
        let (start, last) = (InboxChain::default(), l1.head().number);
        let whole = hub.inbox(start, 1, last).await.unwrap();
        assert_eq!(whole.len(), 1);
        let behind = InboxChain { count: 1, hash: whole[0].1.inbox_hash };
        assert_eq!(hub.inbox(behind, 1, last).await.unwrap(), []);
        let other = InboxChain { hash: B256::repeat_byte(1), ..start };
        let short = |found| matches!(found, Err(L1Error::ShortInbox { counted: 1, .. }));
        assert!(short(hub.inbox(other, 1, last).await), "another message among them");
        assert!(short(hub.inbox(start, last + 1, last).await), "none listed");
        assert_eq!(hub.inbox(start, 1, whole[0].0.number - 1).await.unwrap(), [], "sent later");
        assert!(hub.inbox(start, 1, last + 1).await.is_err(), "the endpoint lags");
        l1.set_faults(at, Faults { logs_percent: 100, ..Faults::default() });
        assert!(hub.inbox(start, 1, last).await.is_err(), "forged logs");
    });
}

#[test]
fn a_node_lands_a_block_and_understands_refusals() {
    let bed = Bed::new(1, |_| {});
    let call = bed.next().call();
    let call = HubCall { hub: Config::default().hub, input: call.input, sidecar: call.sidecar };
    let hash = run(&bed, |wire, _| async move {
        let hands = Hands::new(rpc(wire), signer_of_the_node(), Config::default().chain_id);
        let Sent::Taken(hash) = hands.call(&call, 0, 14_000_000, OFFER).await else { panic!("not taken") };
        let why = async |nonce, offer| match hands.call(&call, nonce, 14_000_000, offer).await {
            Sent::Failed(why, _, _) => why,
            other => panic!("{other:?}"),
        };
        let again = hands.call(&call, 0, 14_000_000, OFFER).await;
        assert!(matches!(again, Sent::Taken(known) if known == hash), "as good as taken: {again:?}");
        assert_eq!(why(0, Offer { tip: OFFER.tip + 1, ..OFFER }).await, SendFailure::Underpriced);
        let dear = Offer { max_fee: 1_000_000 * GWEI, ..OFFER };
        assert_eq!(why(1, dear).await, SendFailure::InsufficientFunds);
        hash
    });
    bed.mine(5);
    assert_eq!(bed.l1.landings(ROLLUP).len(), 1);
    assert_eq!(bed.receipt(hash)["status"], "0x1");
}

#[test]
fn a_node_finds_blobs_and_takes_a_404_for_absence() {
    let bed = Bed::new(1, |_| {});
    bed.land(0);
    let (l1, at, landed) = (bed.l1.clone(), bed.at, bed.l1.landings(ROLLUP).pop().unwrap().landed);
    run(&bed, |wire, _| async move {
        let beacon = Beacon::on(Arc::new(wire), "simulated".into());
        let time = l1.timestamp(5);
        let blobs = beacon.blobs(time, &landed.blob_hashes).await.unwrap().unwrap();
        assert_eq!(Keccak.versioned_hash(&blobs[0]), landed.blob_hashes[0]);
        l1.set_faults(at, Faults { blobs: BlobFault::Missing, blobs_percent: 100, ..Faults::default() });
        assert!(beacon.blobs(time, &landed.blob_hashes).await.unwrap().is_none());
    });
}

#[test]
fn a_node_refuses_what_a_lying_endpoint_says() {
    let bed = Bed::new(1, |_| {});
    bed.land(0);
    let (l1, at) = (bed.l1.clone(), bed.at);
    run(&bed, |wire, host| async move {
        let rpc = rpc(wire);
        let head = rpc.header(BlockNumberOrTag::Latest).await.unwrap().unwrap();
        l1.set_faults(at, Faults { receipts_percent: 100, header_percent: 100, ..Faults::default() });
        assert!(matches!(rpc.receipts(&head).await, Err(L1Error::ForgedReceipts { .. })));
        let forged = rpc.header(BlockNumberOrTag::Latest).await;
        assert!(matches!(forged, Err(L1Error::ForgedHeader { .. })), "{forged:?}");
        l1.set_faults(at, Faults { silent_percent: 100, ..Faults::default() });
        let before = host.now_ms();
        assert!(matches!(rpc.chain_id().await, Err(L1Error::Unreachable { .. })));
        assert!(host.now_ms() - before >= 10_000, "it waited, in virtual time");
    });
}

#[test]
fn the_watcher_follows_l1_through_a_reorg() {
    let bed = Bed::new(1, |_| {});
    bed.land(0);
    let l1 = bed.l1.clone();
    run(&bed, |wire, _| async move {
        let (sender, mut events) = mpsc::channel(64);
        let first = L1Ref { number: 1, hash: l1.header(1).unwrap().hash_slow() };
        let (hub, poll) = (Config::default().hub, Duration::from_millis(500));
        let mut watcher = Watcher::new(rpc(wire), hub, ROLLUP, vec![first], poll);
        watcher.step(Duration::ZERO, std::future::pending(), &sender).await.unwrap();
        l1.reorg(&Reorg { depth: 1, loses: Losses::Everything, rebuild: true, ..Reorg::default() }).unwrap();
        watcher.step(Duration::ZERO, std::future::pending(), &sender).await.unwrap();
        let mut told = Vec::new();
        while let Ok(event) = events.try_recv() {
            told.push(match event {
                Event::L1Block(block) => format!("{}: {} landed", block.at.number, block.landings.len()),
                Event::L1Rewind { to } => format!("back to {}", to.number),
                Event::L1CaughtUp => "caught up".into(),
                other => format!("{other:?}"),
            });
        }
        let expected =
            ["2: 0 landed", "3: 0 landed", "4: 0 landed", "5: 1 landed", "caught up", "back to 4", "5: 0 landed"];
        assert_eq!(told[..7], expected);
    });
}

#[test]
fn a_node_killed_while_it_sends_has_not_asked_or_was_not_told() {
    /// Whether L1 has the transaction and whether the node knows, after a crash at this poll; and the trace.
    fn crash(seed: u64, polls: u64) -> (bool, bool, u64) {
        let bed = Bed::new(1, |_| {});
        let (_, transaction) = bed.signed(&bed.next().call(), 0, FEES);
        let world = Executor::new(Seed(seed), Clock::default());
        let handle = world.group("node");
        let wire = Wire::new(bed.l1.clone(), bed.at, handle.clone(), Line::default());
        let told = handle.spawn("sender", async move { rpc(wire).send_raw(&transaction).await.unwrap() });
        world.kill_after(handle.group(), polls);
        while world.run_until_idle() != Ok(Stop::Done) {}
        (!bed.l1.waiting().is_empty(), futures::executor::block_on(told).is_ok(), world.trace())
    }
    let ends: std::collections::BTreeSet<(bool, bool)> =
        (1..8).map(|polls| crash(1, polls)).map(|(asked, told, _)| (asked, told)).collect();
    assert_eq!(ends.into_iter().collect::<Vec<_>>(), [(false, false), (true, false), (true, true)]);
    assert_eq!(crash(7, 2), crash(7, 2));
    assert_ne!(crash(7, 2).2, crash(8, 2).2);
}

#[test]
fn a_watcher_of_three_endpoints_leaves_one_that_lies_and_one_on_a_branch_of_its_own() {
    let bed = Bed::new(1, |_| {});
    bed.land(0);
    let l1 = bed.l1.clone();
    let (liar, lonely) = (l1.endpoint(), l1.endpoint());
    run(&bed, |wire, host| async move {
        let other = |endpoint| Wire::new(l1.clone(), endpoint, host.clone(), Line::default());
        let named = |wire, name: &str| (BoxTransport::new(wire), name.to_owned());
        let patience = Patience { branch: Duration::from_secs(24), behind_s: 36 };
        let wires = vec![named(other(liar), "liar"), named(other(lonely), "lonely"), named(wire, "honest")];
        let rpc = L1Rpc::on(wires, patience);
        assert_eq!(rpc.connect().await.unwrap().len(), 3);
        let (sender, mut events) = mpsc::channel(64);
        let first = L1Ref { number: 1, hash: l1.header(1).unwrap().hash_slow() };
        let (hub, poll) = (Config::default().hub, Duration::from_millis(500));
        let mut watcher = Watcher::new(rpc.clone(), hub, ROLLUP, vec![first], poll);
        let mut now = 0;
        let mut step = async |watcher: &mut Watcher, seconds: u64| {
            now += seconds;
            watcher.step(Duration::from_secs(now), host.sleep(Duration::from_secs(2)), &sender).await.unwrap();
        };
        step(&mut watcher, 0).await;
        assert_eq!(rpc.url(), "liar");

        l1.set_faults(liar, Faults { receipts_percent: 100, header_percent: 100, ..Faults::default() });
        step(&mut watcher, 1).await;
        assert_eq!(rpc.url(), "lonely", "the next of equals");

        // It stays where the others left with a reorg. Two against one: the quarantine of the other is over by then.
        let stuck = l1.head().hash;
        l1.set_faults(lonely, Faults { sight: Sight::EndsAt(stuck), ..Faults::default() });
        l1.set_faults(liar, Faults::default());
        l1.reorg(&Reorg { depth: 1, loses: Losses::Everything, rebuild: true, ..Reorg::default() }).unwrap();
        step(&mut watcher, 60).await;
        step(&mut watcher, 12).await;
        assert_eq!(rpc.url(), "lonely", "an ordinary reorg may look like this");
        step(&mut watcher, 12).await;
        assert_eq!(rpc.url(), "liar", "it says what the others say again");
        step(&mut watcher, 1).await;
        let mut told = Vec::new();
        while let Ok(event) = events.try_recv() {
            told.push(event);
        }
        assert!(told.iter().any(|event| matches!(event, Event::L1Rewind { .. })), "{told:?}");
        assert!(told.iter().all(|event| !matches!(event, Event::L1Contested(_))), "{told:?}");
    });
}

#[test]
fn an_endpoint_that_swallows_requests_holds_nobody_up() {
    let bed = Bed::new(1, |_| {});
    let l1 = bed.l1.clone();
    let silent = l1.endpoint();
    l1.set_faults(silent, Faults { silent_percent: 100, ..Faults::default() });
    run(&bed, |wire, host| async move {
        let named = |wire, name: &str| (BoxTransport::new(wire), name.to_owned());
        let other = Wire::new(l1.clone(), silent, host.clone(), Line::default());
        let rpc = L1Rpc::on(vec![named(other, "silent"), named(wire, "honest")], Patience::default());
        let tip = L1Ref { number: 1, hash: l1.header(1).unwrap().hash_slow() };
        let mut waited = Vec::new();
        for second in 0..5 {
            let before = host.now_ms();
            let patience = host.sleep(Duration::from_secs(2));
            let head = rpc.survey(tip, |_| None, Duration::from_secs(second), patience).await.unwrap();
            waited.push(host.now_ms() - before);
            assert_eq!(head.is_some(), rpc.url() == "honest", "{second}");
        }
        assert_eq!(rpc.url(), "honest");
        // Three rounds until it has lost its turn; then it is not even asked for a while.
        assert!(waited[..3].iter().all(|ms| (2_000..3_000).contains(ms)), "{waited:?}");
        assert!(waited[3..].iter().all(|ms| *ms < 200), "{waited:?}");
    });
}
