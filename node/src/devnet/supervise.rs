//! The L2 nodes of a devnet: with which flags they run, and again when one was killed.

use super::{
    DevnetError, START_PATIENCE,
    files::{Endpoint, FileError, Folder, NodeInfo},
    processes::{Child, ProcessError, Role},
};
use crate::cli::DevnetArgs;
use devnet::validators;
use futures::future::select_all;
use std::time::{Duration, Instant};
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

/// The L2 nodes: the sequencers in their order, then the follower.
pub(super) struct Nodes(Vec<Node>);

struct Node {
    child: Child,
    flags: Vec<String>,
    at: Endpoint,
    since: Instant,
    died_young: u32,
}

/// The L2 nodes of a devnet with so many sequencers.
pub(super) fn roles(sequencers: u8) -> impl Iterator<Item = Role> {
    (0..usize::from(sequencers)).map(Role::Sequencer).chain([Role::Follower])
}

/// Where an L2 node listens; the first two ports are flags, the others follow. 0 is any.
pub(super) const fn port(args: &DevnetArgs, role: Role) -> u16 {
    match role {
        Role::L1 => args.l1.http_port,
        Role::Follower => args.follower_http_port,
        Role::Sequencer(0) => args.http_port,
        Role::Sequencer(_) if args.http_port == 0 => 0,
        // At most five sequencers, so this does not overflow where the first port leaves room for them.
        Role::Sequencer(index) => args.http_port.saturating_add(index as u16 + 1),
    }
}

/// Which of the L1's validators a sequencer serves, as its flag has it: every one of them is served by one.
fn validators_of(index: usize, sequencers: usize) -> String {
    let served = (0..validators::NAMES.len()).filter(|validator| validator % sequencers == index);
    served.map(|validator| validator.to_string()).collect::<Vec<_>>().join(",")
}

impl Plan<'_> {
    fn flags(&self, role: Role, port: u16) -> Result<Vec<String>, FileError> {
        let mut flags = vec![
            "node".into(),
            format!("--chain={}", self.folder.chain_file().display()),
            format!("--datadir={}", self.folder.data(role).display()),
            format!("--l1.rpc-url={}", self.rpc),
            format!("--l1.beacon-url={}", self.beacon),
            format!("--http.port={port}"),
            // A devnet serves everything to everyone on this machine, as anvil does.
            "--http.api=eth,net,web3,txpool,debug,rollup".into(),
            "--http.corsdomain=*".into(),
            "--http.vhosts=*".into(),
            "--rpc.txfeecap=0".into(),
        ];
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
        for role in roles(plan.args.sequencers) {
            let flags = plan.flags(role, port(plan.args, role))?;
            children.push((role, Child::spawn(role, plan.folder, flags)?));
        }
        let mut nodes = Vec::new();
        for (role, mut child) in children {
            let at: Endpoint = child.ready(START_PATIENCE).await?;
            // The port that was taken stays the same over a restart, so that clients find the node again.
            let flags = plan.flags(role, at.http.port())?;
            nodes.push(Node { child, flags, at, since: Instant::now(), died_young: 0 });
        }
        Ok(Self(nodes))
    }

    /// The sequencers, and the follower.
    pub(super) fn infos(&self) -> (Vec<NodeInfo>, Option<NodeInfo>) {
        let mut infos: Vec<NodeInfo> =
            self.0.iter().map(|node| NodeInfo::new(node.at.http, node.child.pid())).collect();
        let follower = infos.pop();
        (infos, follower)
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
