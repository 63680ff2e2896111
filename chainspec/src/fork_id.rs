//! Which rules a chain has had, in four bytes (EIP-2124, EIP-6122), and when they change by time.

use crate::ChainSpec;
use alloy_eips::eip2124::ForkHash;
use alloy_hardforks::{EthereumHardfork, EthereumHardforks, ForkCondition};
use std::collections::BTreeSet;

impl ChainSpec {
    /// Fork hash of a block with this number and timestamp (EIP-2124 "Specification"; forks by time after those by number, EIP-6122).
    pub fn fork_hash(&self, number: u64, timestamp: u64) -> ForkHash {
        let mut hash = ForkHash::from(self.genesis_hash());
        let (blocks, times) = self.changes();
        for passed in blocks.range(..=number).chain(times.range(..=timestamp)) {
            hash += *passed;
        }
        hash
    }

    /// When rules change by time, seconds, ascending, from the genesis' own timestamp on.
    pub fn fork_times(&self) -> Vec<u64> {
        let mut times = self.changes().1;
        times.insert(self.genesis_header().timestamp);
        times.into_iter().collect()
    }

    /// Numbers and timestamps behind the genesis at which rules change.
    fn changes(&self) -> (BTreeSet<u64>, BTreeSet<u64>) {
        let (mut blocks, mut times) = (BTreeSet::new(), BTreeSet::new());
        for fork in EthereumHardfork::VARIANTS {
            match self.ethereum_fork_activation(*fork) {
                ForkCondition::Block(number) | ForkCondition::TTD { fork_block: Some(number), .. } => {
                    blocks.insert(number);
                }
                ForkCondition::Timestamp(time) => {
                    times.insert(time);
                }
                ForkCondition::TTD { fork_block: None, .. } | ForkCondition::Never => {}
            }
        }
        blocks.remove(&self.genesis_header().number);
        times.retain(|time| *time > self.genesis_header().timestamp);
        (blocks, times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Layer;
    use alloy_genesis::{ChainConfig, Genesis};

    /// Mainnet's forks on another genesis would hash otherwise, so the genesis' hash is taken as it is (EIP-2124 "Test cases").
    #[test]
    fn hashes_follow_each_change_and_forks_at_genesis_change_nothing() {
        let config = ChainConfig {
            chain_id: 1,
            homestead_block: Some(0),
            eip150_block: Some(3),
            eip155_block: Some(6),
            eip158_block: Some(6),
            byzantium_block: Some(9),
            ..Default::default()
        };
        let genesis = Genesis { config, ..Default::default() };
        let spec = ChainSpec::from_genesis(genesis, Layer::L1 { execute: false }).unwrap();
        let first = ForkHash::from(spec.genesis_hash());
        assert_eq!(spec.fork_hash(2, 0), first);
        assert_eq!(spec.fork_hash(3, 0), first + 3u64);
        assert_eq!(spec.fork_hash(8, 0), (first + 3u64) + 6u64);
        assert_eq!(spec.fork_hash(9, 0), spec.fork_hash(1_000, u64::MAX));
        assert_eq!(spec.fork_times(), [0]);
    }
}
