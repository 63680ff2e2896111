//! Workloads: what state, which transactions, which blocks. The same plan gives the same bytes on every machine.
//!
//! Must not know: how anything is measured.

mod contracts;
mod state;
mod traffic;

use crate::workfile::{self, Workfile};
use alloy_primitives::{Address, B256, Bytes};
use bridge::execute::MAX_INPUT_BYTES;
use chainspec::{ChainSpec, Layer};
use execution::{Attributes, Building, Executed, Refused, block::SealedHeader, stateless};
use eyre::{WrapErr, bail, ensure};
use rand::{SeedableRng, rngs::StdRng};
use std::sync::Arc;
use storage::{Chain, Durability};
use traffic::Traffic;

/// Gas limit of every block: below 2^24, which is what one L1 transaction can pay EXECUTE for.
pub const GAS_LIMIT: u64 = 16_000_000;
/// Most senders with keys: signing is what takes longest when a workload is made.
const SENDERS_MAX: u64 = 12_000;

/// Kinds of work, by their names in notes/performance.md §4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    /// W1: plain transfers between accounts that exist.
    Transfer,
    /// W2: transfers of one OpenZeppelin token.
    Erc20,
    /// W3: swaps in one constant-product pool.
    Swap,
    /// W4: 40 % transfers, 30 % ERC-20, 15 % swaps, 5 % deployments, 5 % storage, 5 % transfers to new accounts.
    Mixed,
    /// W5: 200 slots a transaction: overwritten, cleared, new.
    Storage,
    /// W6: deployments of 256 to 1,280 bytes of code.
    Deploy,
    /// W7: as many cold slots, balances and large codes as a block can ask for: the longest BAL and witness.
    Worst,
    /// W8: no transaction.
    Empty,
}

impl Kind {
    /// As on the command line.
    pub fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Whether the state has contracts beyond the predeploys.
    fn has_contracts(self) -> bool {
        !matches!(self, Self::Transfer | Self::Empty)
    }
}

/// By which rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Fork {
    /// As on our rollups: BAL, EXECUTE inputs, blocks that fit into one.
    Amsterdam,
    /// For ethrex 24, whose Amsterdam is of an older draft: no BAL and no EXECUTE input.
    Osaka,
}

/// What a workload is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plan {
    /// What the blocks do.
    pub kind: Kind,
    /// By which rules.
    pub fork: Fork,
    /// Accounts in the first state, besides contracts.
    pub accounts: u64,
    /// How many blocks.
    pub blocks: u64,
    /// Most transactions in a block.
    pub txs_max: u64,
    /// Of everything random.
    pub seed: u64,
}

impl Plan {
    /// The workload of this kind and size that `make bench` uses.
    pub fn standard(kind: Kind, fork: Fork, accounts: u64) -> Self {
        Self { kind, fork, accounts, blocks: 8, txs_max: u64::MAX, seed: 1 }
    }

    /// A file name that says it all.
    pub fn file_name(&self) -> String {
        let Self { accounts, blocks, seed, .. } = self;
        let limit = if self.txs_max == u64::MAX { String::new() } else { format!("-tx{}", self.txs_max) };
        let fork = if self.fork == Fork::Osaka { "-osaka" } else { "" };
        format!("{}{fork}-{accounts}-b{blocks}{limit}-seed{seed}.v{}", self.kind.name(), workfile::VERSION)
    }

    fn senders(&self) -> u64 {
        (self.accounts / 2).clamp(1, SENDERS_MAX)
    }
}

/// Makes a workload: builds its blocks with Basalt and records what every runner has to reproduce.
pub fn make(plan: &Plan) -> eyre::Result<Workfile> {
    let keys = state::keys(plan);
    let accounts = state::accounts(plan, &keys);
    let mut file = Workfile {
        chain_id: chainspec::dev::L2_CHAIN_ID,
        gas_limit: GAS_LIMIT,
        timestamp: 1_000,
        base_fee: 1_000_000_000,
        osaka: plan.fork == Fork::Osaka,
        accounts,
        genesis: Vec::new(),
        blocks: Vec::new(),
    };
    let spec = Arc::new(spec(&file)?);
    file.genesis = alloy_rlp::encode(spec.genesis_header());
    let chain = Chain::in_memory(Arc::clone(&spec)).wrap_err("genesis")?;
    let mut traffic = Traffic::new(plan, keys, StdRng::seed_from_u64(plan.seed ^ 0x7af1c));
    let mut waiting = None;
    for _ in 0..plan.blocks {
        let state = chain.state_at_head();
        let mut building = Building::start(&spec, &chain.head(), attributes(&chain.head()), &*state)?;
        while plan.kind != Kind::Empty && (building.transactions().len() as u64) < plan.txs_max {
            let tx = match waiting.take() {
                Some(tx) => tx,
                None => traffic.next()?,
            };
            match building.push_if(&tx, |sizes| sizes.input_len() <= MAX_INPUT_BYTES) {
                Ok(included) => ensure!(included.success, "a transaction of {plan:?} fails: {:?}", included.output),
                Err(Refused::BlockFull { .. } | Refused::BalFull { .. } | Refused::Budget) => {
                    ensure!(!building.transactions().is_empty(), "a transaction of {plan:?} fits no block");
                    waiting = Some(tx);
                    break;
                }
                Err(refused) => bail!("a transaction of {plan:?} is refused: {refused}"),
            }
        }
        let executed = building.seal()?;
        file.blocks.push(block(&file, &executed)?);
        chain.append_with(&executed, Durability::Buffered)?;
    }
    Ok(file)
}

fn block(file: &Workfile, executed: &Executed) -> eyre::Result<workfile::Block> {
    let header = executed.block.header();
    let mut input = Vec::new();
    if !file.osaka {
        input = stateless::input(file.chain_id, executed)?.encode();
        stateless::validate(&input).wrap_err("the block that was just built is refused by stateless::validate")?;
    }
    let senders = executed.block.senders().iter().flat_map(|sender| sender.0.0).collect();
    Ok(workfile::Block {
        transactions: executed.receipts.len() as u64,
        gas_used: header.gas_used,
        state_root: header.state_root.0,
        rlp: alloy_rlp::encode(executed.block.sealed_block()),
        senders,
        bal: executed.bal.to_vec(),
        input,
    })
}

/// The chain of a file.
pub fn spec(file: &Workfile) -> eyre::Result<ChainSpec> {
    let layer = if file.osaka { Layer::L1 { execute: false } } else { Layer::Rollup };
    Ok(ChainSpec::from_genesis(state::genesis(file), layer)?)
}

/// What the proposer of the block after `parent` chooses.
pub fn attributes(parent: &SealedHeader) -> Attributes {
    Attributes {
        timestamp: parent.timestamp + 12,
        fee_recipient: Address::with_last_byte(0xfe),
        prev_randao: B256::repeat_byte(7),
        gas_limit: GAS_LIMIT,
        parent_beacon_block_root: B256::repeat_byte(9),
        extra_data: Bytes::new(),
        slot_number: parent.number + 1,
    }
}
