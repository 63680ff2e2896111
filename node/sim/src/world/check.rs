//! What has to hold at every moment, whatever goes wrong: compared with L1's truth, which nodes only see through their
//! endpoints.

use super::{
    machine::{Machine, Running, Stage},
    run::World,
};
use crate::executor::Failure;
use alloy_eips::BlockNumHash;
use alloy_primitives::{Address, B256, U256};
use bridge::message::{InboxChain, Message};
use execution::{StateError, StateView as _};
use node::production::consumed;
use rpc::{Submit as _, rollup::RollupStatus as _};
use std::collections::BTreeMap;
use storage::{Heads, StorageError};

/// How long a transaction that was answered for may be nowhere: a node that takes blocks back holds their transactions in
/// its hands for a moment.
const IN_HAND_MS: u64 = 5_000;

/// Most tasks of one node: driver, watcher, sequencer, a few fetches and pieces of blocking work.
const TASKS_MAX: usize = 32;

/// Most landings that a node keeps in its journal: one in flight, and landed ones that are not final.
const LANDINGS_MAX: usize = 160;

/// A promise that was broken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Violation {
    /// A task panicked, never rests, or uses something that is not simulated.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The world itself panicked: a defect of the simulation.
    #[error("the world panicked: {0}")]
    World(String),
    /// A node's disk contradicts itself, or its node can't start on it.
    #[error("store: {0}")]
    Storage(String),
    /// A node stopped by itself.
    #[error("{machine} ended: {why}")]
    Ended {
        /// Which.
        machine: String,
        /// What it says.
        why: String,
    },
    /// `finalised <= landed <= applied` does not hold.
    #[error("{machine}: heads out of order: {heads:?}")]
    HeadsOutOfOrder {
        /// Which.
        machine: String,
        /// Its heads.
        heads: Box<Heads>,
    },
    /// A node holds a block as landed where L1 has no such landing.
    #[error("{machine}: block {number} {hash} did not land in L1 block {l1}")]
    NotOnL1 {
        /// Which.
        machine: String,
        /// Height.
        number: u64,
        /// Block.
        hash: B256,
        /// Where it should have landed.
        l1: B256,
    },
    /// `latest` moved back although L1 did not.
    #[error("{machine}: the head went back from {from:?} to {to:?}, and L1 did not")]
    HeadMovedBack {
        /// Which.
        machine: String,
        /// Before.
        from: BlockNumHash,
        /// After.
        to: BlockNumHash,
    },
    /// A final block was replaced, by the same node or another.
    #[error("{machine}: block {number} is final as {hash}, it was {before}")]
    FinalChanged {
        /// Which.
        machine: String,
        /// Height.
        number: u64,
        /// Now.
        hash: B256,
        /// Before.
        before: B256,
    },
    /// A block is final for a node and not for L1.
    #[error("{machine}: block {number} is final, landed in {l1:?}, and L1 is final up to {l1_final} only")]
    FinalTooSoon {
        /// Which.
        machine: String,
        /// Height.
        number: u64,
        /// Where it landed.
        l1: BlockNumHash,
        /// L1's.
        l1_final: u64,
    },
    /// A transaction that a node answered for is neither in its pool nor in its chain.
    #[error("{machine}: transaction {hash}, which it answered for, is gone for {ms} ms")]
    TransactionLost {
        /// Who answered.
        machine: String,
        /// Which.
        hash: B256,
        /// How long.
        ms: u64,
    },
    /// What a rollup has consumed is not the beginning of its inbox.
    #[error("{machine}: at {head} the inbox is consumed up to {found:?}, L1 says {expected:?}")]
    WrongInbox {
        /// Which.
        machine: String,
        /// Its head.
        head: u64,
        /// What it has.
        found: InboxChain,
        /// What L1 has at that count, if it counts so far.
        expected: Option<InboxChain>,
    },
    /// A message was delivered twice, or in part, or to nobody.
    #[error("{machine}: message {index} brought {found} wei to {to}, not {expected}")]
    WrongDelivery {
        /// Which.
        machine: String,
        /// Index in the inbox.
        index: u64,
        /// For whom.
        to: Address,
        /// Wei it should have brought.
        expected: U256,
        /// Wei there are.
        found: U256,
    },
    /// More ether is out on the rollup than Hub holds for it.
    #[error("{machine}: the Messenger has given out {given} wei, messages brought {brought}")]
    Insolvent {
        /// Which.
        machine: String,
        /// Wei out of the reserve.
        given: U256,
        /// Wei that messages brought into Hub.
        brought: U256,
    },
    /// Something grows that should not.
    #[error("{machine}: {count} {what}, at most {max} are expected")]
    TooMany {
        /// Which.
        machine: String,
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// The bound.
        max: usize,
    },
    /// L1 includes two landings of one block by one key: one was paid for in vain.
    #[error("{from} paid twice for the landing of block {block}: {first} and {second}")]
    LandedTwice {
        /// Whose key.
        from: Address,
        /// The block's number.
        block: u64,
        /// First transaction.
        first: B256,
        /// Second.
        second: B256,
    },
    /// One key offered two blocks on one parent, though nothing had happened to the first.
    #[error("{from} offered {first} and {second} on one parent at {number}, and L1 had not changed")]
    TwoBlocks {
        /// Whose key.
        from: Address,
        /// Height.
        number: u64,
        /// First block.
        first: B256,
        /// Second block.
        second: B256,
    },
    /// After all faults ended, the world does not come to rest.
    #[error("{slots} slots after the last fault: {reasons:?}")]
    NotSettled {
        /// How long it was waited.
        slots: u64,
        /// What is not as it should be.
        reasons: Vec<String>,
    },
    /// A node that derived everything from L1 has another chain.
    #[error("a fresh node and {machine} differ at {number}: {fresh:?} and {found:?}")]
    FreshDiffers {
        /// Which.
        machine: String,
        /// Height.
        number: u64,
        /// The fresh node's block there.
        fresh: Option<B256>,
        /// The other's.
        found: Option<B256>,
    },
}

impl From<StorageError> for Violation {
    fn from(error: StorageError) -> Self {
        Self::Storage(error.to_string())
    }
}

impl From<StateError> for Violation {
    fn from(error: StateError) -> Self {
        Self::Storage(error.to_string())
    }
}

/// What was seen of one machine.
#[derive(Debug, Default)]
struct Seen {
    life: u64,
    heads: Option<Heads>,
    /// L1 block of the head that was seen.
    head_l1: B256,
    /// Since when a promised transaction is nowhere.
    missing: BTreeMap<B256, u64>,
    /// The last head whose blocks and state were compared with L1.
    compared: Option<BlockNumHash>,
}

/// Looks at the whole world, again and again.
#[derive(Debug, Default)]
pub struct Checker {
    seen: BTreeMap<String, Seen>,
    finals: BTreeMap<u64, B256>,
}

impl Checker {
    /// Everything that can be said at any moment.
    ///
    /// # Errors
    /// The first promise that is broken.
    pub fn check(&mut self, world: &World) -> Result<(), Violation> {
        for (at, machine) in world.machines.iter().enumerate() {
            match machine.stage() {
                Some(Stage::Ended(why)) => return Err(Violation::Ended { machine: machine.name.clone(), why }),
                Some(Stage::Running(running)) => self.check_machine(world, at, machine, &running)?,
                Some(Stage::Starting | Stage::Refused(_)) | None => {
                    // What is off holds nothing in its hands.
                    self.seen.entry(machine.name.clone()).or_default().missing.clear();
                }
            }
        }
        Ok(())
    }

    fn check_machine(
        &mut self,
        world: &World,
        at: usize,
        machine: &Machine,
        running: &Running,
    ) -> Result<(), Violation> {
        let name = &machine.name;
        let heads = running.chain.heads();
        world.executor.record(heads.applied.hash.as_slice());
        let (applied, landed, finalised) = (heads.applied.number, heads.landed.number, heads.finalised.number);
        if finalised > landed || landed > applied {
            return Err(Violation::HeadsOutOfOrder { machine: name.clone(), heads: Box::new(heads) });
        }
        self.check_final(world, name, running, heads.finalised)?;
        let seen = self.seen.entry(name.clone()).or_default();
        if seen.life != machine.lives() {
            *seen = Seen { life: machine.lives(), ..Seen::default() };
        }
        check_moves(world, name, seen, running, heads)?;
        if seen.compared != Some(heads.applied) {
            check_blocks(world, name, running, heads)?;
            check_state(world, name, running, heads.applied)?;
            seen.compared = Some(heads.applied);
        }
        check_promises(world, at, machine, seen, running)?;
        check_bounds(world, machine, running)
    }

    /// Whatever one node calls final is final everywhere and for ever.
    fn check_final(
        &mut self,
        world: &World,
        name: &str,
        running: &Running,
        finalised: BlockNumHash,
    ) -> Result<(), Violation> {
        let BlockNumHash { number, hash } = finalised;
        let before = *self.finals.entry(number).or_insert(hash);
        if before != hash {
            return Err(Violation::FinalChanged { machine: name.into(), number, hash, before });
        }
        let Some(landed) = running.chain.landing(number)? else { return Ok(()) };
        let (l1, l1_final) =
            (BlockNumHash { number: landed.l1_number, hash: landed.l1_hash }, world.l1.finalised().number);
        if l1.number > l1_final || !world.l1.is_canonical(l1.hash) {
            return Err(Violation::FinalTooSoon { machine: name.into(), number, l1, l1_final });
        }
        Ok(())
    }
}

/// A head goes back only when the L1 block that it landed in is no more, or an endpoint shows another branch.
fn check_moves(world: &World, name: &str, seen: &mut Seen, running: &Running, heads: Heads) -> Result<(), Violation> {
    let head_l1 = running.chain.landing(heads.applied.number)?.map_or(B256::ZERO, |landed| landed.l1_hash);
    if let Some(before) = seen.heads.replace(heads) {
        let (from, to) = (before.applied, heads.applied);
        if to.number < from.number && !world.had_cause(seen.head_l1) {
            return Err(Violation::HeadMovedBack { machine: name.into(), from, to });
        }
        if heads.finalised.number < before.finalised.number {
            let (number, before) = (heads.finalised.number, before.finalised.hash);
            return Err(Violation::FinalChanged { machine: name.into(), number, hash: heads.finalised.hash, before });
        }
    }
    seen.head_l1 = head_l1;
    Ok(())
}

/// Every block above finality landed where the node says, with that hash.
fn check_blocks(world: &World, machine: &str, running: &Running, heads: Heads) -> Result<(), Violation> {
    let chain = &running.chain;
    for number in heads.finalised.number.max(1)..=heads.landed.number {
        let hash = chain.canonical_hash(number)?.unwrap_or_default();
        let landing = chain.landing(number)?;
        let l1 = landing.as_ref().map_or(B256::ZERO, |landed| landed.l1_hash);
        let landed = world.l1.landed_in(world.rollup.spec.chain_id, l1);
        if !landed.iter().any(|landed| (landed.number, landed.hash) == (number, hash)) {
            return Err(Violation::NotOnL1 { machine: machine.into(), number, hash, l1 });
        }
    }
    Ok(())
}

/// The head's state has the inbox as L1 has it: each message up to the count once, none beyond. Only where the head is on
/// L1's present chain, since L1's inbox is asked as it is now.
fn check_state(world: &World, name: &str, running: &Running, head: BlockNumHash) -> Result<(), Violation> {
    let chain = &running.chain;
    let landing = chain.landing(head.number)?;
    if landing.is_some_and(|landed| !world.l1.is_canonical(landed.l1_hash)) {
        return Ok(());
    }
    let state = chain.state_at_head();
    if chain.heads().applied != head {
        return Ok(());
    }
    let found = consumed(&*state)?;
    let messages = world.l1.messages(world.rollup.spec.chain_id);
    let known = usize::try_from(found.count).ok().filter(|count| *count <= messages.len());
    let expected = known.map(|count| {
        let leaves: Vec<B256> = messages[..count].iter().map(Message::leaf).collect();
        InboxChain::default().extend(&leaves)
    });
    if expected != Some(found) {
        return Err(Violation::WrongInbox { machine: name.into(), head: head.number, found, expected });
    }
    let balance = |address| Ok::<_, StateError>(state.account(address)?.map_or(U256::ZERO, |account| account.balance));
    let mut brought = U256::ZERO;
    let mut expected: BTreeMap<Address, (u64, U256)> =
        world.users.deposits.iter().map(|sent| (sent.to, (u64::MAX, U256::ZERO))).collect();
    for message in messages.iter().filter(|message| message.index < found.count) {
        brought += message.value + message.fee;
        expected.insert(message.to, (message.index, message.value));
    }
    for (to, (index, expected)) in expected {
        let found = balance(to)?;
        if found != expected {
            return Err(Violation::WrongDelivery { machine: name.into(), index, to, expected, found });
        }
    }
    let messenger = chainspec::predeploys::MESSENGER;
    let reserve = world.rollup.spec.genesis().alloc.get(&messenger).map_or(U256::ZERO, |account| account.balance);
    let given = reserve.saturating_sub(balance(messenger)?);
    if given > brought {
        return Err(Violation::Insolvent { machine: name.into(), given, brought });
    }
    Ok(())
}

/// What a node answered for it has, unless its disk lost it.
fn check_promises(
    world: &World,
    at: usize,
    machine: &Machine,
    seen: &mut Seen,
    running: &Running,
) -> Result<(), Violation> {
    let Some(pool) = &running.pool else { return Ok(()) };
    let now_ms = world.now_ms();
    for promise in &world.users.promises {
        if promise.machine != at || promise.disks != machine.disks {
            continue;
        }
        let hash = promise.hash;
        if pool.transaction(hash).is_some() || running.chain.transaction(hash)?.is_some() {
            seen.missing.remove(&hash);
            continue;
        }
        let ms = now_ms - *seen.missing.entry(hash).or_insert(now_ms);
        if ms > IN_HAND_MS && !world.is_paused(at) {
            return Err(Violation::TransactionLost { machine: machine.name.clone(), hash, ms });
        }
    }
    Ok(())
}

fn check_bounds(world: &World, machine: &Machine, running: &Running) -> Result<(), Violation> {
    let too_many = |what, count, max| Violation::TooMany { machine: machine.name.clone(), what, count, max };
    let tasks = machine.group().map_or(0, |group| world.executor.tasks(group));
    if tasks > TASKS_MAX {
        return Err(too_many("tasks", tasks, TASKS_MAX));
    }
    let landings = running.chain.journal_with_prefix("landing/calldata/")?.len();
    if landings > LANDINGS_MAX {
        return Err(too_many("landings in the journal", landings, LANDINGS_MAX));
    }
    Ok(())
}

/// What a node shows of itself, as sentences: empty when it is at L1's truth and ready.
pub(super) fn unsettled(world: &World, machine: &Machine) -> Vec<String> {
    let name = &machine.name;
    let Some(running) = machine.running() else { return vec![format!("{name} is {:?}", machine.stage())] };
    let Some(truth) = world.l1.rollup(world.rollup.spec.chain_id) else { return vec!["no rollup".into()] };
    let mut reasons = Vec::new();
    let heads = running.chain.heads();
    if (heads.landed.number, heads.landed.hash) != (truth.number, truth.headHash) {
        let (number, hash) = (truth.number, truth.headHash);
        reasons.push(format!("{name} is at {:?}, L1 at {number} {hash}", heads.landed));
    }
    let status = running.view.sync_status();
    reasons.extend(status.reasons.iter().map(|reason| format!("{name}: {reason}")));
    reasons
}
