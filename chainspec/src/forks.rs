//! From a genesis file to fork conditions. It must not know about layers or rollups.

use alloy_genesis::{ChainConfig, Genesis};
use alloy_hardforks::{EthereumHardfork, ForkCondition};

/// When `fork` becomes active, with geth's meaning of absent fields: never.
///
/// Total difficulty is not counted block by block, so the merge needs a number: `mergeNetsplitBlock`, the first block without proof of work; or
/// a terminal total difficulty that genesis has reached already.
pub(crate) fn activation(genesis: &Genesis, fork: EthereumHardfork) -> ForkCondition {
    use EthereumHardfork as F;
    let config = &genesis.config;
    let block = |number: Option<u64>| number.map_or(ForkCondition::Never, ForkCondition::Block);
    let time = |timestamp: Option<u64>| timestamp.map_or(ForkCondition::Never, ForkCondition::Timestamp);
    match fork {
        F::Frontier => ForkCondition::Block(0),
        F::Homestead => block(config.homestead_block),
        F::Dao => block(config.dao_fork_block.filter(|_| config.dao_fork_support)),
        F::Tangerine => block(config.eip150_block),
        F::SpuriousDragon => block(config.eip158_block.or(config.eip155_block)),
        F::Byzantium => block(config.byzantium_block),
        F::Constantinople => block(config.constantinople_block),
        F::Petersburg => block(config.petersburg_block),
        F::Istanbul => block(config.istanbul_block),
        F::MuirGlacier => block(config.muir_glacier_block),
        F::Berlin => block(config.berlin_block),
        F::London => block(config.london_block),
        F::ArrowGlacier => block(config.arrow_glacier_block),
        F::GrayGlacier => block(config.gray_glacier_block),
        F::Paris => match config.terminal_total_difficulty {
            None => ForkCondition::Never,
            Some(total_difficulty) => {
                // A chain without proof of work from the start names no netsplit block: it merged at genesis.
                let at_genesis = (total_difficulty <= genesis.difficulty).then_some(0);
                let fork_block = config.merge_netsplit_block.or(at_genesis);
                ForkCondition::TTD {
                    activation_block_number: fork_block.unwrap_or(u64::MAX),
                    fork_block,
                    total_difficulty,
                }
            }
        },
        F::Shanghai => time(config.shanghai_time),
        F::Cancun => time(config.cancun_time),
        F::Prague => time(config.prague_time),
        F::Osaka => time(config.osaka_time),
        F::Bpo1 => time(config.bpo1_time),
        F::Bpo2 => time(config.bpo2_time),
        F::Bpo3 => time(config.bpo3_time),
        F::Bpo4 => time(config.bpo4_time),
        F::Bpo5 => time(config.bpo5_time),
        F::Amsterdam => time(config.amsterdam_time),
        F::Bogota => time(config.bogota_time),
        // Forks that this node does not implement are never active, whatever a file says.
        _ => ForkCondition::Never,
    }
}

/// A configuration with every fork up to Amsterdam, and both blob-parameter forks, active from genesis.
pub(crate) fn amsterdam_at_genesis(chain_id: u64) -> ChainConfig {
    ChainConfig {
        chain_id,
        homestead_block: Some(0),
        eip150_block: Some(0),
        eip155_block: Some(0),
        eip158_block: Some(0),
        byzantium_block: Some(0),
        constantinople_block: Some(0),
        petersburg_block: Some(0),
        istanbul_block: Some(0),
        muir_glacier_block: Some(0),
        berlin_block: Some(0),
        london_block: Some(0),
        arrow_glacier_block: Some(0),
        gray_glacier_block: Some(0),
        merge_netsplit_block: Some(0),
        terminal_total_difficulty: Some(Default::default()),
        terminal_total_difficulty_passed: true,
        shanghai_time: Some(0),
        cancun_time: Some(0),
        prague_time: Some(0),
        osaka_time: Some(0),
        bpo1_time: Some(0),
        bpo2_time: Some(0),
        amsterdam_time: Some(0),
        deposit_contract_address: Some(alloy_eips::eip6110::MAINNET_DEPOSIT_CONTRACT_ADDRESS),
        ..Default::default()
    }
}
