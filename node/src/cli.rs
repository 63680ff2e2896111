//! The command line, as plain data. Nothing is opened, resolved or checked against the world here.

use crate::{landings::MIN_LANDINGS, node::BLOCKS_PER_SLOT_MAX};
use alloy_primitives::{Address, U256};
use clap::{Args, Parser, Subcommand, ValueEnum};
use sequencer::schedule::Served;
use std::{net::IpAddr, path::PathBuf};
use url::Url;

/// A full node for based native rollups.
#[derive(Debug, Parser)]
#[command(name = "basalt", version, propagate_version = true)]
pub struct Cli {
    /// How log lines look
    #[arg(long = "log.format", value_enum, default_value_t = LogFormat::Text, global = true, env = "BASALT_LOG_FORMAT")]
    pub log_format: LogFormat,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start an L1, its contracts, one or more sequencers and a follower on this machine
    Devnet(DevnetCommand),
    /// Run an L2 node: a follower, or with --sequencer one that builds blocks
    Node(Box<NodeArgs>),
    /// Deploy Hub and register a new devnet rollup on any L1 that has EXECUTE
    Deploy(DeployArgs),
    /// Run the L1 of a devnet alone
    L1(L1Args),
    /// Execute the blocks of a file, all rules from Frontier to Amsterdam checked, and keep the chain
    Import(ImportArgs),
    /// Write the blocks of a chain to a file
    Export(ExportArgs),
    /// Kill and reorganise a devnet of real processes under load, and check that nothing is lost (`make chaos`)
    #[command(hide = true)]
    Chaos(ChaosArgs),
}

/// `basalt devnet` and `basalt devnet test`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DevnetCommand {
    /// `basalt devnet test`
    #[command(subcommand)]
    pub test: Option<DevnetSubcommand>,
    /// Flags of `basalt devnet`
    #[command(flatten)]
    pub args: DevnetArgs,
}

/// What can be done with a devnet besides running it.
#[derive(Debug, Subcommand)]
pub enum DevnetSubcommand {
    /// The main job on real input: deposits, 200 transactions, withdrawals, kill -9, blobs; every amount to the wei
    Test(DevnetTestArgs),
}

/// Sequencers in one devnet.
const SEQUENCERS_MAX: i64 = chainspec::dev::SEQUENCERS.len() as i64;

/// Rollups in one devnet.
const ROLLUPS_MAX: i64 = chainspec::dev::L2_CHAIN_IDS.len() as i64;

/// Flags of `basalt devnet`.
#[derive(Clone, Debug, Args)]
pub struct DevnetArgs {
    /// Folder for all data, made when missing; a devnet found there goes on
    #[arg(long, default_value = ".devnet", env = "BASALT_DATADIR")]
    pub datadir: PathBuf,
    /// Remove an earlier devnet in --datadir first
    #[arg(long)]
    pub fresh: bool,
    /// The L1
    #[command(flatten)]
    pub l1: L1Flags,
    /// Port of the sequencer's JSON-RPC; 0 takes a free one
    #[arg(long = "http.port", default_value_t = 9545)]
    pub http_port: u16,
    /// Port of the follower's JSON-RPC; 0 takes a free one
    #[arg(long = "follower.http.port", default_value_t = 9546)]
    pub follower_http_port: u16,
    /// As of `basalt node`
    #[arg(long = "sequencer.blocks-per-slot", value_name = "BLOCKS", default_value_t = 1, value_parser = blocks_per_slot)]
    pub blocks_per_slot: usize,
    /// How many sequencers, 1 to 5: each with a key and validators of its own. The second listens two ports above --http.port
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=SEQUENCERS_MAX))]
    pub sequencers: u8,
    /// How many rollups, 1 to 3, of which each sequencer builds all, and a follower each follows one. The second's ports are ten above the
    /// first's
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=ROLLUPS_MAX))]
    pub rollups: u8,
}

/// What an L1 devnet takes, alone or with an L2.
#[derive(Clone, Debug, Args)]
pub struct L1Flags {
    /// L1 slot time in milliseconds, whole seconds
    #[arg(id = "l1.slot-ms", long = "l1.slot-ms", default_value_t = 4_000)]
    pub slot_ms: u64,
    /// L1 slots until a block is final
    #[arg(id = "l1.finality-slots", long = "l1.finality-slots", default_value_t = 8)]
    pub finality_slots: u64,
    /// Port of the L1 JSON-RPC; 0 takes a free one
    #[arg(id = "l1.http-port", long = "l1.http-port", default_value_t = 8545)]
    pub http_port: u16,
    /// Port of the L1 beacon API; 0 takes a free one
    #[arg(id = "l1.beacon-port", long = "l1.beacon-port", default_value_t = 5052)]
    pub beacon_port: u16,
}

/// Flags of `basalt devnet test`.
#[derive(Clone, Debug, Args)]
pub struct DevnetTestArgs {
    /// devnet.json of a running devnet; without it the test starts a devnet of its own on free ports
    #[arg(long)]
    pub attach: Option<PathBuf>,
    /// Sequencers of a devnet of its own, 1 to 5; with several, one is paused and one chain of all is checked
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=SEQUENCERS_MAX))]
    pub sequencers: u8,
    /// L1 slot time in milliseconds of a devnet of its own
    #[arg(long = "l1.slot-ms", default_value_t = 4_000)]
    pub l1_slot_ms: u64,
    /// Signed transactions to send on L2
    #[arg(long, default_value_t = 200)]
    pub transactions: usize,
    /// Instead: two rollups of one process, contracts that call and answer each other with value, the process killed, L1 reorganised
    #[arg(long)]
    pub cross_rollup: bool,
    /// Round trips of --cross-rollup before the faults
    #[arg(long, default_value_t = 100, requires = "cross_rollup")]
    pub round_trips: usize,
}

/// Flags of `basalt node`.
#[derive(Clone, Debug, Args)]
pub struct NodeArgs {
    /// The chain file. Repeat it, or separate them by commas, to serve several rollups of one Hub: with --sequencer one account lands the
    /// blocks of all
    #[arg(long, env = "BASALT_CHAIN", required = true, value_delimiter = ',')]
    pub chain: Vec<PathBuf>,
    /// Folder for the database, made when missing. Each rollup but the first has one of its own in it, named after its chain id
    #[arg(long, env = "BASALT_DATADIR")]
    pub datadir: PathBuf,
    /// L1 execution endpoints (JSON-RPC by http, https, ws or wss), the preferred one first; repeat it, or separate them by commas. One with a
    /// WebSocket tells of new blocks by itself
    #[arg(long = "l1.rpc-url", env = "BASALT_L1_RPC_URL", required = true, value_delimiter = ',')]
    pub l1_rpc_url: Vec<Url>,
    /// L1 beacon endpoints (HTTP), for blobs; as above
    #[arg(long = "l1.beacon-url", env = "BASALT_L1_BEACON_URL", required = true, value_delimiter = ',')]
    pub l1_beacon_url: Vec<Url>,
    /// JSON-RPC endpoints of other nodes of this rollup, whose archives are asked for blocks that L1 gives no more; as above
    #[arg(long = "archive.url", env = "BASALT_ARCHIVE_URL", value_delimiter = ',')]
    pub archive_url: Vec<Url>,
    /// How long the bytes of landed blocks' blobs are kept and served to other nodes; 0 for ever
    #[arg(long = "blobs.retention", value_name = "DAYS", default_value_t = 60)]
    pub blob_retention_days: u32,
    /// Address that the JSON-RPC server binds
    #[arg(long = "http.addr", default_value = "127.0.0.1")]
    pub http_addr: IpAddr,
    /// Port of the JSON-RPC server (HTTP and WebSocket); 0 takes a free one. Each rollup has a server: repeat it, or it is ten above the one
    /// before
    #[arg(long = "http.port", default_value = "9545", value_delimiter = ',')]
    pub http_port: Vec<u16>,
    /// Namespaces that the JSON-RPC server serves, separated by commas
    #[arg(long = "http.api", value_delimiter = ',', default_value = "eth,net,web3,txpool,rollup")]
    pub http_api: Vec<String>,
    /// Web pages (origins) that may call the JSON-RPC server, separated by commas; * for all
    #[arg(long = "http.corsdomain", value_delimiter = ',')]
    pub http_corsdomain: Vec<String>,
    /// Host names that requests may carry, separated by commas; * for all. IP addresses always may
    #[arg(long = "http.vhosts", value_delimiter = ',', default_value = "localhost")]
    pub http_vhosts: Vec<String>,
    /// Most wei that one transaction sent over RPC may cost in fees; 0 for no limit
    #[arg(long = "rpc.txfeecap", default_value = "1000000000000000000")]
    pub rpc_txfeecap: U256,
    /// Old states that can be read, counted in blocks below the head; those of blocks that L1 has not finalised are kept in any case
    #[arg(long = "prune.history", value_name = "BLOCKS", default_value_t = 10_000)]
    pub prune_history: u64,
    /// Keep every state for ever
    #[arg(long = "prune.archive", conflicts_with = "prune_history")]
    pub prune_archive: bool,
    /// Build blocks and land them
    #[arg(long, requires = "key")]
    pub sequencer: bool,
    /// The key that signs landings on L1 and relays on L2
    #[command(flatten)]
    pub key: KeyFlags,
    /// How long before an L1 slot its block is built, milliseconds; so much for each of --sequencer.blocks-per-slot and of the rollups, and
    /// at most three quarters of a slot
    #[arg(long = "sequencer.lead-ms", default_value_t = 1_500)]
    pub lead_ms: u64,
    /// Indices of the L1 validators for whose slots this node builds, such as 0-9,12; absent: it builds for every slot
    #[arg(long = "sequencer.validators", requires = "sequencer", value_name = "INDICES")]
    pub validators: Option<Served>,
    /// L1 slots in which something waits and nobody lands a block before this node builds in slots of other validators too
    #[arg(long = "sequencer.fallback-slots", value_name = "SLOTS", default_value_t = 3)]
    pub fallback_slots: u64,
    /// Most L2 blocks that wait to land at a time, 1 to 8. With more than one, an L1 slot whose block is full gets another, each
    /// with a second of its own and a landing of its own
    #[arg(long = "sequencer.blocks-per-slot", value_name = "BLOCKS", default_value_t = 1, value_parser = blocks_per_slot)]
    pub blocks_per_slot: usize,
    /// Most gwei a gas that a landing offers L1, base fee and tip together. Beyond it blocks wait, and an alarm says so
    #[arg(long = "sequencer.max-fee-gwei", value_name = "GWEI", default_value_t = 1_000)]
    pub max_fee_gwei: u64,
    /// Most gwei a blob gas that a landing offers L1
    #[arg(long = "sequencer.max-blob-fee-gwei", value_name = "GWEI", default_value_t = 1_000)]
    pub max_blob_fee_gwei: u64,
    /// The alarm sounds when the landing account pays for fewer landings than this at present L1 fees
    #[arg(long = "sequencer.min-landings", value_name = "LANDINGS", default_value_t = MIN_LANDINGS)]
    pub min_landings: u64,
    /// Receiver of tips on L2; the signing account when absent
    #[arg(long = "sequencer.fee-recipient")]
    pub fee_recipient: Option<Address>,
    /// End when standard input ends: a parent process that dies takes this one along
    #[arg(long, hide = true)]
    pub exit_with_stdin: bool,
    /// Write the bound RPC address to this file once the server is up
    #[arg(long, hide = true)]
    pub ready_file: Option<PathBuf>,
}

/// Where a sequencer's key is: one of three places.
#[derive(Clone, Debug, Default, Args)]
pub struct KeyFlags {
    /// Encrypted file with the key that signs landings on L1 and relays on L2, as geth and cast write it (Web3 Secret Storage, version 3)
    #[arg(
        long = "sequencer.keystore",
        value_name = "FILE",
        env = "BASALT_SEQUENCER_KEYSTORE",
        group = "key",
        requires = "password_file"
    )]
    pub keystore: Option<PathBuf>,
    /// File whose first line is the password of --sequencer.keystore
    #[arg(long = "sequencer.password-file", value_name = "FILE", env = "BASALT_SEQUENCER_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,
    /// A signer that has the key instead, by the HTTP interface of Web3Signer (eth1)
    #[arg(
        long = "sequencer.signer-url",
        value_name = "URL",
        env = "BASALT_SEQUENCER_SIGNER_URL",
        group = "key",
        requires = "signer_address"
    )]
    pub signer_url: Option<Url>,
    /// Account whose key --sequencer.signer-url has
    #[arg(long = "sequencer.signer-address", value_name = "ADDRESS", env = "BASALT_SEQUENCER_SIGNER_ADDRESS")]
    pub signer_address: Option<Address>,
    /// File with the key as 64 hexadecimal digits, for tests: needs --sequencer.insecure-raw-key
    #[arg(long = "sequencer.key-file", value_name = "FILE", group = "key")]
    pub key_file: Option<PathBuf>,
    /// Take a key that is not encrypted, which is everyone's who can read --sequencer.key-file
    #[arg(long = "sequencer.insecure-raw-key")]
    pub insecure_raw_key: bool,
}

/// Flags of `basalt chaos`.
#[derive(Clone, Debug, Args)]
pub struct ChaosArgs {
    /// The faults follow from it; absent: another one each time
    #[arg(long)]
    pub seed: Option<u64>,
    /// How often a node is killed with -9, one L2 node after the other
    #[arg(long, default_value_t = 100)]
    pub kills: usize,
    /// L1 reorgs
    #[arg(long, default_value_t = 50)]
    pub reorgs: usize,
    /// L1 blocks that a reorg replaces at most
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=64))]
    pub depth_max: u64,
    /// Sequencers, 1 to 5
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=SEQUENCERS_MAX))]
    pub sequencers: u8,
    /// L1 slot time in milliseconds, whole seconds
    #[arg(long = "l1.slot-ms", default_value_t = 1_000)]
    pub l1_slot_ms: u64,
}

/// Flags of `basalt deploy`.
#[derive(Clone, Debug, Args)]
pub struct DeployArgs {
    /// L1 execution endpoint (HTTP JSON-RPC)
    #[arg(long = "l1.rpc-url", env = "BASALT_L1_RPC_URL")]
    pub l1_rpc_url: Url,
    /// File with the hexadecimal key that pays for the deployment and for the escrow of the genesis balances
    #[arg(long = "key-file")]
    pub key_file: PathBuf,
    /// L1 slot time in milliseconds
    #[arg(long = "l1.slot-ms", default_value_t = 12_000)]
    pub l1_slot_ms: u64,
    /// Balance of each of the eleven devnet accounts on L2, ether (four relayers have at most 10): escrowed in Hub by the paying account
    #[arg(long = "l2.balance-ether", default_value_t = 10_000)]
    pub l2_balance_ether: u64,
    /// Seconds after which a message from L1 that failed on L2 may be sent back to its sender
    #[arg(
        long = "l2.refund-delay",
        default_value_t = chainspec::predeploys::REFUND_DELAY_DEFAULT,
        value_parser = clap::value_parser!(u64).range(1..=chainspec::predeploys::REFUND_DELAY_MAX)
    )]
    pub refund_delay: u64,
    /// Where the chain file goes
    #[arg(long, default_value = "chain.json")]
    pub out: PathBuf,
}

/// Flags of `basalt l1`.
#[derive(Clone, Debug, Args)]
pub struct L1Args {
    /// Folder for the database, made when missing
    #[arg(long)]
    pub datadir: PathBuf,
    /// The L1
    #[command(flatten)]
    pub l1: L1Flags,
    /// End when standard input ends: a parent process that dies takes this one along
    #[arg(long, hide = true)]
    pub exit_with_stdin: bool,
    /// Write the bound addresses to this file once the servers are up
    #[arg(long, hide = true)]
    pub ready_file: Option<PathBuf>,
}

/// Flags of `basalt import`.
#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// The genesis file, as geth has it; not needed again for a folder that holds the chain
    #[arg(long)]
    pub genesis: Option<PathBuf>,
    /// Folder for the database, made when missing; an import that was stopped goes on
    #[arg(long, default_value = ".chain", env = "BASALT_DATADIR")]
    pub datadir: PathBuf,
    /// Blocks, RLP, one after the other, as geth exports them
    pub file: PathBuf,
}

/// Flags of `basalt export`.
#[derive(Clone, Debug, Args)]
pub struct ExportArgs {
    /// Folder that `basalt import` made
    #[arg(long, default_value = ".chain", env = "BASALT_DATADIR")]
    pub datadir: PathBuf,
    /// Number of the first block
    #[arg(long, default_value_t = 0)]
    pub first: u64,
    /// Number of the last block; the head when absent
    #[arg(long)]
    pub last: Option<u64>,
    /// Where the blocks go: RLP, one after the other, as geth imports them. An older file is replaced
    pub file: PathBuf,
}

fn blocks_per_slot(text: &str) -> Result<usize, String> {
    let blocks: usize = text.parse().map_err(|error| format!("{error}"))?;
    if (1..=BLOCKS_PER_SLOT_MAX).contains(&blocks) { Ok(blocks) } else { Err(format!("1 to {BLOCKS_PER_SLOT_MAX}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn no_two_flags_of_a_command_collide() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_devnet_and_its_test_parse_without_flags() {
        for words in [&["basalt", "devnet"][..], &["basalt", "devnet", "test"], &["basalt", "l1", "--datadir=x"]] {
            Cli::try_parse_from(words).unwrap();
        }
    }

    #[test]
    fn a_sequencer_needs_one_key_and_what_belongs_to_it() {
        let parses = |more: &[&str]| {
            let node =
                ["basalt", "node", "--chain=c", "--datadir=d", "--l1.rpc-url=http://a", "--l1.beacon-url=http://b"];
            Cli::try_parse_from(node.iter().chain(more)).is_ok()
        };
        let address = "--sequencer.signer-address=0x0000000000000000000000000000000000000001";
        assert!(parses(&[]));
        assert!(!parses(&["--sequencer"]));
        assert!(parses(&["--sequencer", "--sequencer.key-file=k"]));
        assert!(parses(&["--sequencer", "--sequencer.keystore=k", "--sequencer.password-file=p"]));
        assert!(!parses(&["--sequencer", "--sequencer.keystore=k"]));
        assert!(parses(&["--sequencer", "--sequencer.signer-url=http://c", address]));
        assert!(!parses(&["--sequencer", "--sequencer.signer-url=http://c"]));
        assert!(!parses(&["--sequencer", "--sequencer.signer-url=http://c", address, "--sequencer.key-file=k"]));
    }
}
