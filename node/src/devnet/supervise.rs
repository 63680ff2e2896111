//! The L2 nodes of a devnet: with which flags they run, and again when one was killed.

use super::{
    DevnetError, START_PATIENCE,
    files::{Endpoint, FileError, Folder, NodeInfo},
    processes::{Child, ProcessError, Role},
};
use crate::{cli::DevnetArgs, commands::RPC_PORT_STEP};
use devnet::validators;
use futures::future::select_all;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use url::Url;

/// A node that is killed sooner than this after its start died young.
const YOUNG: Duration = Duration::from_secs(1);

/// A node that dies young this often in a row is not started again.
const RESTARTS_MAX: u32 = 20;

/// What the flags of all nodes follow from.
pub(super) struct Plan<'a> {
    pub(super) args: &'a DevnetArgs,
    pub(super) folder: &'a Folder,
    pub(super) rpc: &'a Url,
    pub(super) beacon: &'a Url,
}

/// The L2 nodes: the sequencers in their order, then the rollups' followers in theirs.
pub(super) struct Nodes(Vec<Node>);

struct Node {
    child: Child,
    flags: Vec<String>,
    at: Endpoint,
    since: Instant,
    died_young: u32,
}

/// The L2 nodes of a devnet.
pub(super) fn roles(args: &DevnetArgs) -> impl Iterator<Item = Role> + use<> {
    let sequencers = (0..usize::from(args.sequencers)).map(Role::Sequencer);
    sequencers.chain((0..usize::from(args.rollups)).map(Role::Follower))
}

/// Where a process listens, for each rollup that it serves; the first two ports of L2 nodes are flags, the others follow. 0 is any.
pub(super) fn ports(args: &DevnetArgs, role: Role) -> Vec<u16> {
    let above = |first: u16, more: usize| {
        // A handful of each, so this does not overflow where the first port leaves room for them.
        if first == 0 { 0 } else { first.saturating_add(more as u16) }
    };
    let step = |rollup: usize| usize::from(RPC_PORT_STEP) * rollup;
    match role {
        Role::L1 => vec![args.l1.http_port],
        Role::Follower(rollup) => vec![above(args.follower_http_port, step(rollup))],
        Role::Sequencer(index) => {
            let own = if index == 0 { 0 } else { index + 1 };
            (0..usize::from(args.rollups)).map(|rollup| above(args.http_port, own + step(rollup))).collect()
        }
    }
}

/// Which of the L1's validators a sequencer serves, as its flag has it: every one of them is served by one.
fn validators_of(index: usize, sequencers: usize) -> String {
    let served = (0..validators::NAMES.len()).filter(|validator| validator % sequencers == index);
    served.map(|validator| validator.to_string()).collect::<Vec<_>>().join(",")
}

impl Plan<'_> {
    fn flags(&self, role: Role, ports: &[u16]) -> Result<Vec<String>, FileError> {
        let mut flags = vec![
            "node".into(),
            format!("--datadir={}", self.folder.data(role).display()),
            format!("--l1.rpc-url={}", self.rpc),
            format!("--l1.beacon-url={}", self.beacon),
            // A devnet serves everything to everyone on this machine, as anvil does.
            "--http.api=eth,net,web3,txpool,debug,rollup".into(),
            "--http.corsdomain=*".into(),
            "--http.vhosts=*".into(),
            "--rpc.txfeecap=0".into(),
        ];
        let served = match role {
            Role::Follower(rollup) => rollup..rollup + 1,
            Role::L1 | Role::Sequencer(_) => 0..usize::from(self.args.rollups),
        };
        flags.extend(served.map(|rollup| format!("--chain={}", self.folder.chain_file(rollup).display())));
        flags.extend(ports.iter().map(|port| format!("--http.port={port}")));
        if let Role::Sequencer(index) = role {
            let key_file = self.folder.sequencer_key(index)?;
            flags.extend(["--sequencer".into(), format!("--sequencer.key-file={}", key_file.display())]);
            flags.push("--sequencer.insecure-raw-key".into());
            flags.push(format!("--sequencer.blocks-per-slot={}", self.args.blocks_per_slot));
            let sequencers = usize::from(self.args.sequencers);
            if sequencers > 1 {
                flags.push(format!("--sequencer.validators={}", validators_of(index, sequencers)));
            }
        }
        Ok(flags)
    }
}

impl Nodes {
    /// Starts all of them and waits until they are ready.
    pub(super) async fn start(plan: &Plan<'_>) -> Result<Self, DevnetError> {
        let mut children = Vec::new();
        for role in roles(plan.args) {
            let flags = plan.flags(role, &ports(plan.args, role))?;
            children.push((role, Child::spawn(role, plan.folder, flags)?));
        }
        let mut nodes = Vec::new();
        for (role, mut child) in children {
            let at: Endpoint = child.ready(START_PATIENCE).await?;
            // The port that was taken stays the same over a restart, so that clients find the node again.
            let taken: Vec<u16> = listening(&at).map(|at| at.port()).collect();
            let flags = plan.flags(role, &taken)?;
            nodes.push(Node { child, flags, at, since: Instant::now(), died_young: 0 });
        }
        Ok(Self(nodes))
    }

    /// The nodes of a rollup: those that build it, and the one that follows it.
    pub(super) fn infos(&self, rollup: usize) -> (Vec<NodeInfo>, NodeInfo) {
        let mut sequencers = Vec::new();
        let mut follower = NodeInfo::default();
        for node in &self.0 {
            let pid = node.child.pid();
            match node.child.role() {
                Role::Sequencer(_) => {
                    sequencers.extend(listening(&node.at).nth(rollup).map(|http| NodeInfo::new(http, pid)));
                }
                Role::Follower(of) if of == rollup => follower = NodeInfo::new(node.at.http, pid),
                Role::Follower(_) | Role::L1 => {}
            }
        }
        (sequencers, follower)
    }

    /// Waits until one of them was killed, and starts it again. One that ended by itself, or dies young again and again, is an
    /// error.
    pub(super) async fn restart_next(&mut self, folder: &Folder) -> Result<(), DevnetError> {
        let ends = self.0.iter_mut().map(|node| Box::pin(node.child.ended()));
        let (status, index, others) = select_all(ends).await;
        drop(others);
        let node = &mut self.0[index];
        let role = node.child.role();
        node.died_young = if node.since.elapsed() < YOUNG { node.died_young + 1 } else { 0 };
        if !status.was_killed() || node.died_young > RESTARTS_MAX {
            return Err(ProcessError::Ended { role: role.name(), status, log: node.child.log() }.into());
        }
        eprintln!("{role} was killed; starting it again");
        node.child = Child::spawn(role, folder, node.flags.clone())?;
        node.child.ready(START_PATIENCE).await?;
        node.since = Instant::now();
        Ok(())
    }

    /// Stops all of them, one after the other.
    pub(super) async fn stop(&mut self) {
        for node in &mut self.0 {
            node.child.stop().await;
        }
    }
}

/// Where a process listens, in the order of its rollups.
fn listening(at: &Endpoint) -> impl Iterator<Item = SocketAddr> + '_ {
    std::iter::once(at.http).chain(at.more.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sequencer::schedule::Served;

    #[test]
    fn each_validator_is_served_by_one_sequencer_and_each_sequencer_serves_some() {
        for sequencers in 2..=chainspec::dev::SEQUENCERS.len() {
            let served: Vec<Served> =
                (0..sequencers).map(|index| validators_of(index, sequencers).parse().unwrap()).collect();
            for validator in 0..validators::NAMES.len() as u64 {
                let by = served.iter().filter(|served| served.contains(validator)).count();
                assert_eq!(by, 1, "{validator} of {sequencers}");
            }
        }
    }

    #[test]
    fn each_sequencers_key_is_that_of_its_address() {
        for account in chainspec::dev::SEQUENCERS {
            let signer = alloy_signer_local::PrivateKeySigner::from_bytes(&account.key).unwrap();
            assert_eq!(signer.address(), account.address);
        }
    }
}
