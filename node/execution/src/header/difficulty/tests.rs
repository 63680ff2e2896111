use super::*;
use alloy_genesis::Genesis;
use alloy_primitives::B256;
use chainspec::Layer;

/// A chain under the rules of the first `forks` forks, from genesis on.
fn spec(forks: usize) -> ChainSpec {
    let mut genesis = Genesis { gas_limit: 5_000, ..Default::default() };
    let c = &mut genesis.config;
    c.chain_id = 1;
    let slots = [
        &mut c.homestead_block,
        &mut c.byzantium_block,
        &mut c.constantinople_block,
        &mut c.muir_glacier_block,
        &mut c.london_block,
        &mut c.arrow_glacier_block,
        &mut c.gray_glacier_block,
    ];
    for slot in slots.into_iter().take(forks) {
        *slot = Some(0);
    }
    ChainSpec::from_genesis(genesis, Layer::L1 { execute: false }).unwrap()
}

/// Steps from the parent's difficulty when so many seconds have passed.
fn steps(forks: usize, ommers: bool, seconds: u64) -> i64 {
    let ommers_hash = if ommers { B256::ZERO } else { EMPTY_OMMER_ROOT_HASH };
    let parent =
        Header { difficulty: U256::from(2_048_000), ommers_hash, timestamp: 7, number: 5, ..Default::default() };
    let difficulty = expected(&spec(forks), &parent, 7 + seconds).to::<i64>() - 2_048_000;
    assert_eq!(difficulty % 1_000, 0);
    difficulty / 1_000
}

#[test]
fn difficulty_moves_with_the_time_that_a_block_took_as_each_fork_says() {
    assert_eq!([1, 12, 13, 100_000].map(|s| steps(0, false, s)), [1, 1, -1, -1], "Frontier");
    assert_eq!([1, 9, 10, 19, 20, 100_000].map(|s| steps(1, false, s)), [1, 1, 0, 0, -1, -99], "Homestead");
    assert_eq!([1, 8, 9, 17, 18, 100_000].map(|s| steps(2, false, s)), [1, 1, 0, 0, -1, -99], "Byzantium");
    assert_eq!([1, 8, 9, 18, 100_000].map(|s| steps(2, true, s)), [2, 2, 1, 0, -99], "Byzantium, with ommers");
}

#[test]
fn difficulty_never_falls_below_its_minimum() {
    let parent = Header { difficulty: U256::from(DIFFICULTY_MIN), ..Default::default() };
    for forks in 0..3 {
        assert_eq!(expected(&spec(forks), &parent, 1_000_000), U256::from(DIFFICULTY_MIN));
    }
}

#[test]
fn the_first_mined_block_of_mainnet_has_the_difficulty_that_the_rule_says() {
    let genesis = Header { difficulty: U256::from(17_179_869_184u64), ..Default::default() };
    assert_eq!(expected(&spec(0), &genesis, 1_438_269_988), U256::from(17_171_480_576u64));
}

#[test]
fn each_fork_puts_the_bomb_off() {
    let delays = [0, 0, 3_000_000, 5_000_000, 9_000_000, 9_700_000, 10_700_000, 11_400_000];
    for (forks, delay) in delays.into_iter().enumerate() {
        let spec = spec(forks);
        let bomb = |number: u64| {
            let parent = Header { number: number - 1, difficulty: U256::from(DIFFICULTY_MIN), ..Default::default() };
            (expected(&spec, &parent, 1_000_000) - U256::from(DIFFICULTY_MIN)).to::<u64>()
        };
        assert_eq!(
            [199_999, 200_000, 299_999, 300_000, 1_200_000].map(|n| bomb(delay + n)),
            [0, 1, 1, 2, 1 << 10],
            "{forks}"
        );
    }
}

#[test]
fn a_forged_parent_makes_no_difficulty_overflow() {
    for forks in [0, 1, 2, 7] {
        let parent = Header { number: u64::MAX, difficulty: U256::MAX, timestamp: 1, ..Default::default() };
        assert_eq!(expected(&spec(forks), &parent, 2), U256::MAX);
        expected(&spec(forks), &parent, u64::MAX);
    }
}
