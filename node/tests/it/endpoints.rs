//! A node and what it depends on outside: L1 endpoints that go, blobs that are gone, archives that lie. The binary itself, beside a devnet.

use crate::{
    processes::{
        proxy::{Fault, Pipe, Proxy},
        running::{PATIENCE, Running, basalt, until},
    },
    world,
};
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::Address;
use alloy_provider::{DynProvider, Provider, ProviderBuilder};
use basalt_node::{devnet::Endpoint, payloads};
use engine::{Event, L1Ref};
use l1::{L1Rpc, Watcher};
use serde_json::Value;
use std::{
    fs::{self, File},
    path::Path,
    process::Child,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// A follower of a devnet's rollup, on a free port. It is killed when this is dropped.
struct Follower {
    process: Child,
    provider: DynProvider,
}

impl Follower {
    /// Starts it in `folder/name` with flags for its endpoints, and waits until it serves.
    fn start(running: &Running, folder: &Path, name: &str, flags: &[String]) -> Self {
        let path = |kind: &str| folder.join(format!("{name}.{kind}"));
        let mut command = basalt();
        command.arg("node").arg("--chain").arg(&running.devnet.chain_file).arg("--datadir").arg(folder.join(name));
        command.args(["--http.port=0", "--ready-file"]).arg(path("ready")).args(flags);
        command.stdout(File::create(path("out")).unwrap()).stderr(File::create(path("err")).unwrap());
        let mut process = command.spawn().unwrap();
        let deadline = Instant::now() + PATIENCE;
        let endpoint: Endpoint = loop {
            if let Ok(text) = fs::read_to_string(path("ready"))
                && let Ok(endpoint) = serde_json::from_str(&text)
            {
                break endpoint;
            }
            if process.try_wait().unwrap().is_some() || Instant::now() > deadline {
                let _ = process.kill();
                let _ = process.wait();
                panic!("{name} does not start:\n{}", fs::read_to_string(path("err")).unwrap());
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let url = format!("http://{}", endpoint.http).parse().unwrap();
        Self { process, provider: ProviderBuilder::new().connect_http(url).erased() }
    }

    /// Waits until it has the block `number` of `other`, and compares.
    async fn reaches(&self, number: u64, other: &DynProvider) {
        let block = async |node: &DynProvider| node.get_block_by_number(number.into()).await;
        let ours = until(&format!("block {number}"), || async { block(&self.provider).await }).await;
        assert_eq!(ours.header, block(other).await.unwrap().unwrap().header);
    }

    async fn number(&self) -> u64 {
        self.provider.get_block_number().await.unwrap()
    }

    /// `rollup_syncStatus`' words for the carrier whose name contains `name`.
    async fn carrier(&self, name: &str) -> Value {
        let status: Value = self.provider.raw_request("rollup_syncStatus".into(), ()).await.unwrap();
        let carriers = status["carriers"].as_array().unwrap();
        let found = carriers.iter().find(|carrier| carrier["name"].as_str().unwrap().contains(name));
        found.unwrap_or_else(|| panic!("no {name}: {status}")).clone()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The part of a URL before the path.
fn base(url: &str) -> &str {
    url.trim_end_matches('/')
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_whose_beacon_has_no_blobs_syncs_from_calldata_or_from_the_archive_of_another_node() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&folder.path().join("devnet"));
    let clients = running.clients();
    let to = Address::repeat_byte(0xa7);
    let mut number = 0;
    for user in 0..4 {
        let hash = clients.send(user, to, 1).await;
        number = clients.included(&clients.sequencer, hash).await;
    }
    clients.admin("dev_withholdBlobs", serde_json::json!([true])).await;
    let (l1, sequencer) = (&running.devnet.l1, base(&running.devnet.sequencer.rpc_url));
    let between = Proxy::start(&l1.rpc_url, Fault::None).await;
    let endpoints = [format!("--l1.rpc-url={}", between.url), format!("--l1.beacon-url={}", l1.beacon_url)];

    let follower = Follower::start(&running, folder.path(), "calldata", &endpoints);
    follower.reaches(number, &clients.sequencer).await;
    let blobs = follower.carrier("blobs of").await;
    assert_eq!((&blobs["given"], &blobs["lied"]), (&Value::from(0), &Value::from(0)), "{blobs}");
    assert!(follower.carrier("calldata of").await["given"].as_u64().unwrap() >= number, "not from calldata");
    drop(follower);

    // Now L1 gives no inputs either.
    between.set(Fault::NoTransactions);
    let liar = Proxy::start(sequencer, Fault::WrongByte).await;
    let archives = format!("--archive.url={},{sequencer}", liar.url);
    let follower = Follower::start(&running, folder.path(), "archive", &[&endpoints[..], &[archives]].concat());
    follower.reaches(number, &clients.sequencer).await;
    let (lied, honest) = (follower.carrier(&liar.url).await, follower.carrier(sequencer).await);
    assert_eq!((&lied["standing"], &lied["given"]), (&Value::from("lying"), &Value::from(0)), "{lied}");
    // It was marked by its first lie, and passed by from then on; payloads that were asked for ahead were under way already.
    assert!((1..=payloads::AHEAD as u64).contains(&lied["lied"].as_u64().unwrap()), "{lied}");
    assert!(honest["given"].as_u64().unwrap() >= number, "{honest}");
    let log = fs::read_to_string(folder.path().join("archive.err")).unwrap();
    assert_eq!(log.matches("gives other bytes than landed").count(), 1, "{log}");
    drop(follower);

    // With nobody to ask it waits, and goes on when somebody has the bytes.
    let follower = Follower::start(&running, folder.path(), "nothing", &endpoints);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(follower.number().await, 0);
    between.set(Fault::None);
    follower.reaches(number, &clients.sequencer).await;
    drop(follower);
    running.interrupt();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_on_two_endpoints_goes_on_when_one_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&folder.path().join("devnet"));
    let clients = running.clients();
    let l1 = &running.devnet.l1;
    let address = base(&l1.rpc_url).strip_prefix("http://").unwrap().parse().unwrap();
    let beacon = base(&l1.beacon_url).strip_prefix("http://").unwrap().parse().unwrap();
    let [first, second] = [Pipe::start(address).await, Pipe::start(address).await];
    let [first_beacon, second_beacon] = [Pipe::start(beacon).await, Pipe::start(beacon).await];
    let flags = [
        format!("--l1.rpc-url=http://{},http://{}", first.address, second.address),
        format!("--l1.beacon-url=http://{},http://{}", first_beacon.address, second_beacon.address),
    ];
    let follower = Follower::start(&running, folder.path(), "follower", &flags);
    let to = Address::repeat_byte(0xa8);
    let mut user = 0;
    let mut next = async || {
        let hash = clients.send(user % 4, to, 1).await;
        user += 1;
        clients.included(&clients.sequencer, hash).await
    };
    follower.reaches(next().await, &clients.sequencer).await;
    // The one that is followed goes, and its beacon with it.
    drop((first, first_beacon));
    let killed = Instant::now();
    for _ in 0..3 {
        follower.reaches(next().await, &clients.sequencer).await;
    }
    println!("three more blocks within {:?}", killed.elapsed());
    let log = fs::read_to_string(folder.path().join("follower.err")).unwrap();
    assert!(log.contains("another L1 endpoint is followed"), "{log}");
    let beacon = follower.carrier(&first_beacon_name(&follower).await).await;
    assert!(beacon["failed"].as_u64().unwrap() >= 1, "{beacon}");
    drop(follower);
    running.interrupt();
}

/// Name of the first carrier.
async fn first_beacon_name(follower: &Follower) -> String {
    let status: Value = follower.provider.raw_request("rollup_syncStatus".into(), ()).await.unwrap();
    status["carriers"][0]["name"].as_str().unwrap().to_owned()
}

/// Follows `rpc` as a node does, polling no more often than every `poll`, and reports the numbers of L1 blocks as they are noticed.
fn follow(rpc: L1Rpc, known: L1Ref, poll: Duration) -> mpsc::UnboundedReceiver<(u64, Instant)> {
    let (noticed, numbers) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut watcher = Watcher::new(rpc, Address::repeat_byte(1), 1, vec![known], poll);
        let (events, mut inbox) = mpsc::channel(64);
        let since = Instant::now();
        loop {
            let pause = watcher.step(since.elapsed(), tokio::time::sleep(poll), &events).await.unwrap();
            while let Ok(event) = inbox.try_recv() {
                if let Event::L1Block(block) = event {
                    // The test may have ended.
                    let _ = noticed.send((block.at.number, Instant::now()));
                }
            }
            tokio::select! {
                () = watcher.news() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    });
    numbers
}

#[tokio::test]
async fn a_websocket_endpoint_tells_of_a_block_at_once_and_is_polled_when_it_breaks() {
    let (l1, _, provider) = world::l1(None, false).await;
    let pipe = Pipe::start(l1.http).await;
    let url = format!("ws://{}", pipe.address).parse().unwrap();
    let rpc = L1Rpc::new(&url).unwrap();
    assert_eq!(rpc.connect().await.unwrap(), [l1.chain_id]);
    let head = rpc.header(BlockNumberOrTag::Latest).await.unwrap().unwrap();
    const POLL: Duration = Duration::from_secs(3);
    let mut numbers = follow(rpc, head.at, POLL);
    let mut mine = async || {
        world::mine(&provider, 1).await;
        let since = Instant::now();
        let (number, at) = tokio::time::timeout(PATIENCE, numbers.recv()).await.unwrap().unwrap();
        assert_eq!(provider.get_block_number().await.unwrap(), number);
        at.saturating_duration_since(since)
    };
    let mut latencies = Vec::new();
    for _ in 0..5 {
        latencies.push(mine().await);
    }
    println!("noticed after {latencies:?}");
    assert!(latencies.iter().all(|latency| *latency < Duration::from_millis(200)), "{latencies:?}");
    for _ in 0..3 {
        pipe.cut();
        // Told of by nobody, or by a connection that has mended itself: no later than the next poll or two.
        let latency = mine().await;
        assert!(latency < POLL * 3, "{latency:?}");
    }
    let mended = mine().await;
    println!("after three cuts: {mended:?}");
    assert!(mended < Duration::from_millis(200), "{mended:?}");
}
