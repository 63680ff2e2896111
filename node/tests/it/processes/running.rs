//! The binary as its users start it: one that ends by itself, and a devnet that runs until it is stopped.
//!
//! It must not know what is tested; it knows folders, signals, deadlines, and leaves no process behind.

use alloy_network::{Ethereum, EthereumWallet, TransactionBuilder};
use alloy_primitives::{Address, B256, U256};
use alloy_provider::{DynProvider, Provider, ProviderBuilder};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer_local::PrivateKeySigner;
use basalt_node::devnet::Devnet;
use std::{
    fmt::Display,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(50);

/// Longest start of a devnet; deployment waits for two slots of a second.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// Longest stop of a devnet.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// Longest time for anything to happen on a running devnet with slots of a second.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Gas of a transfer to an account that is new (EIP-8037). Not estimated: after a reorg the receiver may be new again.
const TRANSFER_GAS: u64 = 230_000;

/// The last line of the banner: everything runs.
const BANNER_END: &str = "Ctrl-C stops all of it.";

/// `basalt` with nothing of our own environment in it.
pub(crate) fn basalt() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_basalt"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("BASALT_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// How a process ended, and what it said.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command that ends by itself. One that does not is killed with all it started, and fails the test.
pub(crate) fn finish(mut command: Command, patience: Duration) -> Finished {
    use std::os::unix::process::CommandExt;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    command.stdout(File::create(path("out")).unwrap()).stderr(File::create(path("err")).unwrap()).process_group(0);
    let mut process = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let read = |name: &str| fs::read_to_string(path(name)).unwrap();
    let Some(status) = wait_for_end(&mut process, patience) else {
        signal("-KILL", &format!("-{}", process.id()));
        process.wait().unwrap();
        panic!("{command:?} did not end within {patience:?}:\n{}\n{}", read("out"), read("err"));
    };
    Finished { status, stdout: read("out"), stderr: read("err") }
}

/// A devnet on free ports with slots of a second.
pub(crate) struct Running {
    pub(crate) devnet: Devnet,
    process: Child,
    out: PathBuf,
}

impl Running {
    /// Starts `basalt devnet` in `folder` and waits for the banner. Its output goes to files beside the folder.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    /// The same with more flags.
    pub(crate) fn start_with(folder: &Path, flags: &[&str]) -> Self {
        let (out, err) = (folder.with_extension("out"), folder.with_extension("err"));
        let mut process = basalt()
            .args(["devnet", "--l1.slot-ms=1000", "--l1.http-port=0", "--l1.beacon-port=0"])
            .args(["--http.port=0", "--follower.http.port=0"])
            .args(flags)
            .arg(format!("--datadir={}", folder.display()))
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + START_PATIENCE;
        while !fs::read_to_string(&out).unwrap().contains(BANNER_END) {
            let ended = process.try_wait().unwrap();
            if ended.is_some() || Instant::now() >= deadline {
                // Its children end with it.
                let _ = process.kill();
                let _ = process.wait();
                panic!("no banner ({ended:?}):\n{}", fs::read_to_string(&err).unwrap());
            }
            std::thread::sleep(POLL);
        }
        let devnet = Devnet::read(&folder.join("devnet.json")).unwrap().unwrap();
        Self { devnet, process, out }
    }

    /// All children.
    pub(crate) fn children(&self) -> Vec<u32> {
        let nodes = self.devnet.sequencers().chain([&self.devnet.follower]).map(|node| node.pid);
        [self.devnet.l1.pid].into_iter().chain(nodes).map(Option::unwrap).collect()
    }

    /// Ctrl-C. Expects that it ends well and that nothing is left of it.
    pub(crate) fn interrupt(mut self) {
        signal("-INT", &self.process.id().to_string());
        let status = wait_for_end(&mut self.process, STOP_PATIENCE);
        assert!(status.is_some_and(|status| status.success()), "{status:?}: {}", self.log());
        let left: Vec<u32> = self.children().into_iter().filter(|pid| is_alive(*pid)).collect();
        assert!(left.is_empty(), "still running: {left:?}\n{}", self.log());
    }

    /// `kill -9` of the supervisor alone. Expects that its children follow.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let deadline = Instant::now() + STOP_PATIENCE;
        while let Some(pid) = self.children().into_iter().find(|pid| is_alive(*pid)) {
            assert!(Instant::now() < deadline, "{pid} outlives its parent\n{}", self.log());
            std::thread::sleep(POLL);
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.out.with_extension("err")).unwrap()
    }

    /// Clients with the ten accounts' keys.
    pub(crate) fn clients(&self) -> Clients {
        let keys: Vec<PrivateKeySigner> =
            self.devnet.accounts.iter().map(|account| PrivateKeySigner::from_bytes(&account.key).unwrap()).collect();
        let mut wallet = EthereumWallet::new(keys[0].clone());
        for key in &keys[1..] {
            wallet.register_signer(key.clone());
        }
        let provider = |url: &str| {
            let builder = ProviderBuilder::new_with_network::<Ethereum>().wallet(wallet.clone());
            builder.connect_http(url.parse().unwrap()).erased()
        };
        Clients {
            l1: provider(&self.devnet.l1.rpc_url),
            sequencer: provider(&self.devnet.sequencer.rpc_url),
            follower: provider(&self.devnet.follower.rpc_url),
            users: keys.iter().map(PrivateKeySigner::address).collect(),
        }
    }
}

impl Drop for Running {
    /// A test that failed leaves no process either.
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// JSON-RPC of a devnet's three nodes.
pub(crate) struct Clients {
    pub(crate) l1: DynProvider,
    pub(crate) sequencer: DynProvider,
    pub(crate) follower: DynProvider,
    pub(crate) users: Vec<Address>,
}

impl Clients {
    /// Sends `wei` on L2 from user number `from`, and returns without waiting.
    pub(crate) async fn send(&self, from: usize, to: Address, wei: u64) -> B256 {
        let request = TransactionRequest::default()
            .with_from(self.users[from])
            .with_to(to)
            .with_value(U256::from(wei))
            .with_gas_limit(TRANSFER_GAS);
        *self.sequencer.send_transaction(request).await.unwrap().tx_hash()
    }

    /// Waits until a node has the transaction in a block, and returns the block's number.
    pub(crate) async fn included(&self, node: &DynProvider, hash: B256) -> u64 {
        let found = until(&format!("receipt of {hash}"), || async { node.get_transaction_receipt(hash).await }).await;
        assert!(found.inner.status(), "{hash} failed");
        found.block_number.unwrap()
    }

    /// An admin call of the L1.
    pub(crate) async fn admin(&self, method: &'static str, params: serde_json::Value) -> serde_json::Value {
        let answer = self.l1.raw_request::<_, serde_json::Value>(method.into(), params).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Waits until both nodes have the same head, then compares block and receipts at each height; returns the head.
    pub(crate) async fn equal_at_every_height(&self) -> u64 {
        let head = until("one head at both nodes", || async {
            let ours = self.sequencer.get_block_by_number(alloy_eips::BlockNumberOrTag::Latest).await?;
            let theirs = self.follower.get_block_by_number(alloy_eips::BlockNumberOrTag::Latest).await?;
            let same = ours.as_ref().map(|block| block.header.hash) == theirs.map(|block| block.header.hash);
            Ok::<_, alloy_provider::transport::TransportError>(ours.filter(|_| same))
        })
        .await
        .header
        .number;
        for number in 0..=head {
            let block = async |node: &DynProvider| node.get_block_by_number(number.into()).await.unwrap().unwrap();
            assert_eq!(block(&self.follower).await.header, block(&self.sequencer).await.header, "block {number}");
            let receipts = async |node: &DynProvider| node.get_block_receipts(number.into()).await.unwrap();
            assert_eq!(receipts(&self.follower).await, receipts(&self.sequencer).await, "receipts of {number}");
        }
        head
    }
}

/// Looks again and again until there is something, for at most [`PATIENCE`].
pub(crate) async fn until<T, E: Display, F>(what: &str, look: impl Fn() -> F) -> T
where
    F: Future<Output = Result<Option<T>, E>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        let last = match look().await {
            Ok(Some(found)) => return found,
            Ok(None) => String::new(),
            Err(error) => error.to_string(),
        };
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?} {last}");
        tokio::time::sleep(POLL).await;
    }
}

fn wait_for_end(process: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + patience;
    loop {
        match process.try_wait().unwrap() {
            Some(status) => return Some(status),
            None if Instant::now() >= deadline => return None,
            None => std::thread::sleep(POLL),
        }
    }
}

fn signal(signal: &str, target: &str) {
    let status = Command::new("kill").args([signal, "--", target]).status().unwrap();
    assert!(status.success(), "kill {signal} {target}: {status}");
}

/// One that ended and that nobody has waited for is not alive.
fn is_alive(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
    !matches!(state, Some('Z' | 'X'))
}
