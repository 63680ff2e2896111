//! The rollup that every world has: its chain file, its keys, and the L1 that it is registered on.

use crate::{
    l1::{self, Execution, Keccak, L1, Mine, Registration},
    seed::Seed,
};
use ::l1::Signer;
use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use bridge::abi::{Hub as abi, Messenger};
use chainspec::{
    ChainSpec, RollupConfig,
    dev::{self, Account},
};
use node::duties::DutiesConfig;
use std::{collections::BTreeMap, sync::Arc};

/// Most sequencers of a world.
pub const SEQUENCERS_MAX: usize = 4;

/// The account that registers the rollup. Nobody has its key.
const REGISTRAR: Address = Address::repeat_byte(0x11);

/// What an account has on L1: more than any world spends.
const L1_BALANCE: U256 = U256::from_limbs([0, 1 << 20, 0, 0]);

/// Chain file and rules.
#[derive(Clone, Debug)]
pub struct Rollup {
    /// The chain file.
    pub config: RollupConfig,
    /// What follows from it.
    pub spec: Arc<ChainSpec>,
}

/// What a world's L1 is like.
#[derive(Clone, Copy, Debug)]
pub struct L1Shape {
    /// A block is final when the head is so many slots above it.
    pub finality_slots: u64,
    /// Which landings L1 executes.
    pub execution: Execution,
}

/// Keys of sequencer number `at`: it lands on L1 and relays on L2 with the same one.
pub fn sequencer(at: usize) -> Signer {
    let Account { key, .. } = if at == 0 { dev::SEQUENCER } else { dev::ACCOUNTS[dev::ACCOUNTS.len() - at] };
    signer(key).into()
}

/// L1 slots without a landing after which a sequencer with duties builds in others' slots.
const FALLBACK_SLOTS: u64 = 3;

/// The duties of sequencer `at` of `sequencers`: each serves as many validators as the others, and as many are served by nobody.
pub fn duties(at: usize, sequencers: usize) -> DutiesConfig {
    let validators = usize::try_from(l1::Config::default().validators).expect("a few");
    let served: Vec<String> = (at..validators).step_by(sequencers + 1).map(|index| index.to_string()).collect();
    let served = served.join(",").parse().expect("indices are a list");
    DutiesConfig { served, fallback_slots: FALLBACK_SLOTS }
}

/// The users' accounts, funded on both layers.
pub fn users() -> &'static [Account] {
    &dev::ACCOUNTS[..=dev::ACCOUNTS.len() - SEQUENCERS_MAX]
}

/// The signer with `key`.
pub fn signer(key: alloy_primitives::B256) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&key).expect("the accounts' keys are keys")
}

impl Rollup {
    /// The rollup, and an L1 at slot 1 whose first block registers it.
    pub fn registered(seed: Seed, shape: L1Shape) -> (Self, L1) {
        let mut l1_config =
            l1::Config { chain_id: dev::L1_CHAIN_ID, execution: shape.execution, ..l1::Config::default() };
        l1_config.finality_slots = shape.finality_slots;
        let genesis = dev::l2_genesis(l1_config.genesis_time, Messenger::DEPLOYED_BYTECODE.clone());
        let config = dev::rollup_config(genesis, l1_config.hub, 1, l1_config.slot_s * 1_000);
        let spec = Arc::new(config.spec().expect("the devnet's genesis is a genesis"));
        let sequencers = (0..SEQUENCERS_MAX).map(|at| sequencer(at).address());
        let owners = sequencers.chain(users().iter().map(|user| user.address)).chain([REGISTRAR]);
        l1_config.balances = owners.map(|owner| (owner, L1_BALANCE)).collect::<BTreeMap<_, _>>();
        let params = abi::RollupParams {
            chainId: spec.chain_id,
            verifier: l1_config.contracts[0],
            schedule: l1_config.contracts[1],
            gasLimitMin: config.gas_limit_min,
            gasLimitMax: config.gas_limit_max,
            minOriginLag: config.min_origin_lag,
        };
        let registration = Registration {
            params,
            genesis_header: alloy_rlp::encode(spec.genesis_header()).into(),
            escrow: config.circulating_genesis_balance(),
        };
        let l1 = L1::new(seed, l1_config, Arc::new(Keccak));
        l1.register(REGISTRAR, registration).expect("the registrar can pay");
        l1.mine(1, &Mine::default()).expect("slot 1 is free");
        (Self { config, spec }, l1)
    }
}
