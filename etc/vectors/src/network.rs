//! From the name of a network in a fixture (`Osaka`, `HomesteadToDaoAt5`, `PragueToOsakaAtTime15k`) to the forks of a chain.
//! Must not know what a fork changes.

use crate::number::{self, Num};
use alloy_eips::eip7840::BlobParams;
use alloy_genesis::ChainConfig;
use alloy_primitives::U256;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Every fork that fixtures name, in order. Petersburg is `ConstantinopleFix` there.
const FORKS: &[&str] = &[
    "Frontier",
    "Homestead",
    "EIP150",
    "EIP158",
    "Byzantium",
    "Constantinople",
    "ConstantinopleFix",
    "Istanbul",
    "MuirGlacier",
    "Berlin",
    "London",
    "ArrowGlacier",
    "GrayGlacier",
    "Paris",
    "Shanghai",
    "Cancun",
    "Prague",
    "Osaka",
    "BPO1",
    "BPO2",
    "BPO3",
    "BPO4",
    "BPO5",
    "Amsterdam",
];

/// Forks that change blob parameters only: a fork after them does not contain them unless the fixture's blob schedule says so.
const BLOB_FORKS: std::ops::RangeInclusive<usize> = 18..=22;

/// Blob parameters of one fork as fixtures write them.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Blobs {
    target: Num,
    max: Num,
    base_fee_update_fraction: Num,
}

/// What a fixture says about its chain beside the network's name.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Config {
    #[serde(default, alias = "chainId")]
    chainid: Option<Num>,
    #[serde(default, rename = "blobSchedule")]
    blob_schedule: BTreeMap<String, Blobs>,
}

/// When a fork starts.
#[derive(Clone, Copy)]
enum When {
    Genesis,
    Block(u64),
    Time(u64),
    TotalDifficulty(U256),
}

fn position(name: &str) -> Option<usize> {
    let name = match name {
        "TangerineWhistle" | "Tangerine" => "EIP150",
        "SpuriousDragon" => "EIP158",
        "Petersburg" => "ConstantinopleFix",
        "Merge" => "Paris",
        name => name,
    };
    FORKS.iter().position(|fork| *fork == name)
}

/// Whether a name is one fork's.
pub(crate) fn is_fork(name: &str) -> bool {
    position(name).is_some()
}

/// The forks of `network`, for chain 1 unless `config` says otherwise.
pub(crate) fn config(network: &str, config: &Config) -> Result<ChainConfig, String> {
    let unknown = || format!("the network {network:?} is unknown");
    let mut chain = ChainConfig {
        chain_id: config.chainid.map_or(1, |id| id.0),
        // Where mainnet has it; fixtures of EIP-6110 put their contract there.
        deposit_contract_address: Some(alloy_eips::eip6110::MAINNET_DEPOSIT_CONTRACT_ADDRESS),
        ..Default::default()
    };
    for (name, blobs) in &config.blob_schedule {
        let base = match name.as_str() {
            "Cancun" => BlobParams::cancun(),
            "Prague" => BlobParams::prague(),
            "Osaka" => BlobParams::osaka(),
            _ => BlobParams::bpo1(),
        };
        let params = BlobParams {
            target_blob_count: blobs.target.0,
            max_blob_count: blobs.max.0,
            update_fraction: blobs.base_fee_update_fraction.0.into(),
            ..base
        };
        chain.blob_schedule.insert(name.to_lowercase(), params);
    }
    let scheduled = |fork: usize| !BLOB_FORKS.contains(&fork) || config.blob_schedule.contains_key(FORKS[fork]);
    let (from, to) = match network.split_once("To") {
        None => (network, None),
        Some((from, rest)) => (from, Some(rest.split_once("At").ok_or_else(unknown)?)),
    };
    let from = position(from).ok_or_else(unknown)?;
    for fork in (0..=from).filter(|fork| *fork == from || scheduled(*fork)) {
        activate(&mut chain, fork, When::Genesis);
    }
    let Some((to, at)) = to else { return Ok(chain) };
    if to.eq_ignore_ascii_case("dao") {
        (chain.dao_fork_block, chain.dao_fork_support) = (Some(number::u64(at)?), true);
        return Ok(chain);
    }
    let to = position(to).ok_or_else(unknown)?;
    let when = if let Some(time) = at.strip_prefix("Time") {
        When::Time(match time.strip_suffix('k') {
            Some(thousands) => number::u64(thousands)?.checked_mul(1_000).ok_or_else(unknown)?,
            None => number::u64(time)?,
        })
    } else if let Some(difficulty) = at.strip_prefix("Diff") {
        When::TotalDifficulty(number::u256(&format!("0x{difficulty}"))?)
    } else {
        When::Block(number::u64(at)?)
    };
    for fork in (from + 1..=to).filter(|fork| *fork == to || scheduled(*fork)) {
        activate(&mut chain, fork, when);
    }
    Ok(chain)
}

fn activate(chain: &mut ChainConfig, fork: usize, when: When) {
    let block = match when {
        When::Genesis => Some(0),
        When::Block(number) => Some(number),
        // By the time of the merge all forks before it are there.
        When::Time(_) | When::TotalDifficulty(_) => Some(0),
    };
    let time = match when {
        When::Time(time) => Some(time),
        _ => Some(0),
    };
    let slot = match FORKS[fork] {
        "Homestead" => &mut chain.homestead_block,
        "EIP150" => &mut chain.eip150_block,
        "EIP158" => {
            chain.eip155_block = block;
            &mut chain.eip158_block
        }
        "Byzantium" => &mut chain.byzantium_block,
        "Constantinople" => &mut chain.constantinople_block,
        "ConstantinopleFix" => &mut chain.petersburg_block,
        "Istanbul" => &mut chain.istanbul_block,
        "MuirGlacier" => &mut chain.muir_glacier_block,
        "Berlin" => &mut chain.berlin_block,
        "London" => &mut chain.london_block,
        "ArrowGlacier" => &mut chain.arrow_glacier_block,
        "GrayGlacier" => &mut chain.gray_glacier_block,
        "Paris" => {
            if let When::TotalDifficulty(difficulty) = when {
                chain.terminal_total_difficulty = Some(difficulty);
            } else {
                chain.terminal_total_difficulty = Some(U256::ZERO);
                chain.terminal_total_difficulty_passed = true;
                chain.merge_netsplit_block = Some(0);
            }
            return;
        }
        name => {
            *(match name {
                "Shanghai" => &mut chain.shanghai_time,
                "Cancun" => &mut chain.cancun_time,
                "Prague" => &mut chain.prague_time,
                "Osaka" => &mut chain.osaka_time,
                "BPO1" => &mut chain.bpo1_time,
                "BPO2" => &mut chain.bpo2_time,
                "BPO3" => &mut chain.bpo3_time,
                "BPO4" => &mut chain.bpo4_time,
                "BPO5" => &mut chain.bpo5_time,
                "Amsterdam" => &mut chain.amsterdam_time,
                _ => return,
            }) = time;
            return;
        }
    };
    *slot = block;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(network: &str) -> ChainConfig {
        config(network, &Config::default()).unwrap()
    }

    #[test]
    fn a_fork_contains_those_before_it_and_none_after() {
        let berlin = named("Berlin");
        assert_eq!((berlin.istanbul_block, berlin.berlin_block, berlin.london_block), (Some(0), Some(0), None));
        assert_eq!(berlin.terminal_total_difficulty, None);
        let osaka = named("Osaka");
        assert_eq!((osaka.osaka_time, osaka.amsterdam_time, osaka.bpo1_time), (Some(0), None, None));
    }

    #[test]
    fn a_transition_names_a_block_a_time_or_a_total_difficulty() {
        assert_eq!(named("BerlinToLondonAt5").london_block, Some(5));
        assert_eq!(named("PragueToOsakaAtTime15k").osaka_time, Some(15_000));
        let merge = named("ArrowGlacierToParisAtDiffC0000");
        assert_eq!(merge.terminal_total_difficulty, Some(U256::from(0xC0000)));
        let dao = named("HomesteadToDaoAt5");
        assert_eq!((dao.dao_fork_block, dao.dao_fork_support, dao.eip150_block), (Some(5), true, None));
        assert!(config("Olympic", &Config::default()).is_err());
    }
}
