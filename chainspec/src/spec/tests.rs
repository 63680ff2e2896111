use crate::{ChainSpec, Layer, RollupConfig, SpecError, dev, predeploys};
use alloy_eips::eip7840::BlobParams;
use alloy_evm::spec_by_timestamp_and_block_number;
use alloy_genesis::GenesisAccount;
use alloy_primitives::{B256, Bytes, U256, hex, keccak256};

fn rollup() -> RollupConfig {
    dev::rollup_config(dev::l2_genesis(1_000, Bytes::from_static(&[0])), Default::default(), 1, 4_000)
}

#[test]
fn both_devnet_layers_run_amsterdam_from_genesis() {
    let l1 = ChainSpec::from_genesis(dev::l1_genesis(1_000), Layer::L1 { execute: true }).unwrap();
    let l2 = rollup().spec().unwrap();
    for spec in [&l1, &l2] {
        assert_eq!(format!("{:?}", spec_by_timestamp_and_block_number(spec, 1_000, 0)), "AMSTERDAM");
        assert_eq!(spec.blob_params_at(1_000), Some(BlobParams::bpo2()));
        assert_eq!(spec.genesis_header().slot_number, Some(0));
    }
    assert!(l1.has_execute() && !l1.is_rollup() && l2.is_rollup() && !l2.has_execute());
    assert_ne!(l1.genesis_hash(), l2.genesis_hash());
}

#[test]
fn a_chain_file_survives_json_and_keeps_its_genesis_hash() {
    let config = rollup();
    let text = serde_json::to_string(&config).unwrap();
    let read = RollupConfig::from_json(&text).unwrap();
    assert_eq!(read.spec().unwrap().genesis_hash(), config.spec().unwrap().genesis_hash());
    assert_eq!(read.circulating_genesis_balance(), config.circulating_genesis_balance());
}

#[test]
fn a_chain_file_outside_its_ranges_is_refused_by_name() {
    let check = |change: fn(&mut RollupConfig), expected: &str| {
        let mut config = rollup();
        change(&mut config);
        let error = RollupConfig::from_json(&serde_json::to_string(&config).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(|c| c.min_origin_lag = 0, "chain file: minOriginLag is 0, must be 1..=64");
    check(|c| c.min_origin_lag = 65, "chain file: minOriginLag is 65, must be 1..=64");
    check(|c| c.l1_slot_ms = 0, "chain file: l1SlotMs is 0, must be 1..=3600000");
    check(|c| c.gas_limit_min = 4_999, "chain file: gasLimitMin is 4999, must be >= 5000");
    check(|c| c.gas_limit_max = 1 << 24, "chain file: gasLimitMax is 16777216, must be >= gasLimitMin and < 16777216");
    check(
        |c| c.genesis.gas_limit = 15_000_000,
        "chain file: genesis.gasLimit is 15000000, must be within gasLimitMin..=gasLimitMax",
    );
    check(
        |c| predeploys::set_refund_delay(&mut c.genesis.alloc, 31_536_001),
        "chain file: refund delay (storage slot 38 of the Messenger) is 31536001, must be <= 31536000",
    );
    check(|c| c.l1_chain_id = dev::L2_CHAIN_ID, "chain file: L1 and L2 have the same chain id 7901");
}

#[test]
fn a_chain_file_from_before_refunds_is_read_as_it_was() {
    let mut config = rollup();
    assert_eq!(config.refund_delay(), U256::from(dev::REFUND_DELAY));
    config.genesis.alloc.get_mut(&predeploys::MESSENGER).unwrap().storage = None;
    let read = RollupConfig::from_json(&serde_json::to_string(&config).unwrap()).unwrap();
    assert_eq!(read, config);
    assert_eq!(read.refund_delay(), U256::ZERO);
}

#[test]
fn a_rollup_that_does_not_start_at_amsterdam_is_refused() {
    let mut genesis = rollup().genesis;
    genesis.config.amsterdam_time = Some(1_001);
    let error = ChainSpec::from_genesis(genesis, Layer::Rollup).unwrap_err();
    assert_eq!(error, SpecError::RollupBeforeAmsterdam { timestamp: 1_000 });
}

#[test]
fn a_rollups_genesis_holds_no_storage_without_nonce_or_code_and_zeros_are_no_storage() {
    let address = alloy_primitives::Address::repeat_byte(7);
    let with = |nonce: Option<u64>, code: Option<Bytes>, value: u8, layer| {
        let mut genesis = rollup().genesis;
        let storage = Some([(B256::ZERO, B256::with_last_byte(value))].into());
        let account = GenesisAccount::default().with_nonce(nonce).with_code(code).with_storage(storage);
        genesis.alloc.insert(address, account);
        ChainSpec::from_genesis(genesis, layer).map(drop)
    };
    let refused = Err(SpecError::StorageWithoutContract { address });
    assert_eq!(with(None, None, 1, Layer::Rollup), refused);
    assert_eq!(with(Some(0), Some(Bytes::new()), 1, Layer::Rollup), refused);
    assert_eq!(with(Some(1), None, 1, Layer::Rollup), Ok(()));
    assert_eq!(with(None, Some(Bytes::from_static(&[0])), 1, Layer::Rollup), Ok(()));
    assert_eq!(with(None, None, 0, Layer::Rollup), Ok(()));
    // Tests of L1 rules hold such accounts.
    assert_eq!(with(None, None, 1, Layer::L1 { execute: false }), Ok(()));
}

#[test]
fn circulating_supply_counts_every_balance_but_the_messengers_reserve() {
    let config = rollup();
    assert_eq!(config.circulating_genesis_balance(), dev::BALANCE * U256::from(11));
    assert_eq!(config.genesis.alloc[&predeploys::MESSENGER].balance, U256::from(1) << 96);
    assert_eq!(dev::BALANCE, U256::from(10_000) * U256::from(10).pow(U256::from(18)));
}

#[test]
fn published_predeploys_have_their_well_known_code() {
    // The code hash of Multicall3 and the DOMAIN_SEPARATOR() of Permit2, both as on Ethereum mainnet.
    assert_eq!(
        keccak256(predeploys::multicall3()).to_string(),
        "0xd5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891"
    );
    let separator = hex!("866a5aba21966af95d6c7ab78eb2b2fc913915c28be3b9aa07cc04ff903e3f28");
    assert!(predeploys::permit2(1).windows(32).any(|window| window == separator));
    assert!(!predeploys::permit2(2).windows(32).any(|window| window == separator));
    assert_eq!(predeploys::REQUEST_STUB_CODE.len(), 31);
}
