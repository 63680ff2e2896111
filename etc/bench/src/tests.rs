//! The workloads are the same everywhere, and all runners agree about them. Nothing is timed here.

use crate::{
    runner::{self, Runner},
    workfile::Workfile,
    workload::{self, Fork, Kind, Plan},
};

/// Every kind of work.
const KINDS: [Kind; 8] =
    [Kind::Transfer, Kind::Erc20, Kind::Swap, Kind::Mixed, Kind::Storage, Kind::Deploy, Kind::Worst, Kind::Empty];

fn tiny(kind: Kind, fork: Fork) -> Plan {
    Plan { kind, fork, accounts: 600, blocks: 2, txs_max: 12, seed: 7 }
}

fn bytes(file: &Workfile) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.write(&mut bytes).expect("writing to memory");
    bytes
}

#[test]
fn the_same_plan_gives_the_same_bytes_and_another_seed_others() {
    for kind in [Kind::Mixed, Kind::Worst] {
        let plan = tiny(kind, Fork::Amsterdam);
        let (first, again) = (workload::make(&plan).expect("a workload"), workload::make(&plan).expect("a workload"));
        let bytes = bytes(&first);
        assert!(bytes == self::bytes(&again), "{plan:?}");
        assert!(Workfile::read(&bytes[..]).expect("what was written") == first, "{plan:?}");
        let other = workload::make(&Plan { seed: plan.seed + 1, ..plan }).expect("a workload");
        assert!(other != first, "{plan:?}");
    }
}

#[test]
fn a_file_of_another_version_or_cut_short_is_refused() {
    let file = workload::make(&tiny(Kind::Empty, Fork::Amsterdam)).expect("a workload");
    let mut bytes = bytes(&file);
    assert!(Workfile::read(&bytes[..bytes.len() - 1]).is_err());
    bytes[8] ^= 1;
    assert!(Workfile::read(&bytes[..]).is_err());
}

#[test]
fn all_runners_agree_on_gas_used_and_state_roots_of_every_kind() {
    use Runner::{Build, Execute, Import, LevmBuild, LevmValidate, RevmBare, Senders, SendersAlone, Validate};
    for kind in KINDS {
        let file = workload::make(&tiny(kind, Fork::Amsterdam)).expect("a workload");
        for runner in [Build, Import, Execute, Validate, RevmBare, LevmBuild, LevmValidate, Senders, SendersAlone] {
            runner::once(runner, file.clone(), None).unwrap_or_else(|e| panic!("{runner:?} on {kind:?}: {e:#}"));
        }
        let file = workload::make(&tiny(kind, Fork::Osaka)).expect("a workload");
        for runner in [Build, Import, Execute, RevmBare] {
            runner::once(runner, file.clone(), None).unwrap_or_else(|e| panic!("{runner:?} on Osaka {kind:?}: {e:#}"));
        }
    }
}

#[test]
fn both_tries_find_the_same_root_and_a_database_gives_the_same_blocks_as_memory() {
    let file = workload::make(&tiny(Kind::Transfer, Fork::Amsterdam)).expect("a workload");
    let root = |runner| runner::once(runner, file.clone(), None).expect("a root");
    assert_eq!(root(Runner::Root), root(Runner::LevmRoot));
    let folder = tempfile::tempdir().expect("a folder");
    let facts = runner::once(Runner::Build, file.clone(), Some(&folder.path().join("db"))).expect("blocks on disk");
    assert!(facts.iter().any(|(name, value)| *name == "disk" && *value > 0), "{facts:?}");
}

#[test]
fn a_block_with_another_result_ends_the_run() {
    let mut file = workload::make(&tiny(Kind::Transfer, Fork::Amsterdam)).expect("a workload");
    file.blocks[1].gas_used += 1;
    assert!(runner::once(Runner::Build, file.clone(), None).is_err());
    file.blocks[1].gas_used -= 1;
    file.blocks[0].state_root[0] ^= 1;
    assert!(runner::once(Runner::LevmBuild, file, None).is_err());
}

#[test]
fn the_calibration_kernel_is_keccak_f() {
    // keccak256 of nothing: padding 0x01 … 0x80 in a block of 136 bytes (FIPS 202 with Keccak's padding).
    let mut lanes = [0; 25];
    lanes[0] = 1;
    lanes[16] = 1 << 63;
    crate::slice::keccak_f(&mut lanes);
    let hash: Vec<u8> = lanes[..4].iter().flat_map(|lane| lane.to_le_bytes()).collect();
    assert_eq!(hash, alloy_primitives::KECCAK256_EMPTY.as_slice());
}
