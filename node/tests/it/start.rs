//! What a node checks before it follows: that L1, Hub and the chain file belong together, and that all ether is backed.

use alloy_consensus::TxEip1559;
use alloy_eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718};
use alloy_primitives::{Bytes, TxKind, U256};
use alloy_sol_types::SolCall;
use basalt_node::{
    deploy, fleet,
    node::{self, StartError},
};
use bridge::abi::Hub;
use chainspec::{RollupConfig, dev};
use l1::{L1Rpc, Signer};
use std::time::{Duration, Instant};

const BALANCE: u64 = 1_000_000;

struct World {
    l1: devnet::Handle,
    rpc: L1Rpc,
    signer: Signer,
    deployment: deploy::Deployment,
    folder: tempfile::TempDir,
}

async fn world() -> World {
    let config = devnet::Config { http_port: 0, beacon_port: 0, slot_ms: 1_000, ..Default::default() };
    let l1 = devnet::start(config).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, dev::SEQUENCER.key.to_string()).unwrap();
    let rpc = L1Rpc::new(&l1.http_url().parse().unwrap()).unwrap();
    let signer = Signer::from_file(&key).unwrap();
    let deployment = deploy::deploy(&rpc, &signer, 1_000, U256::from(BALANCE), Duration::from_secs(60)).await.unwrap();
    World { l1, rpc, signer, deployment, folder }
}

impl World {
    /// What the node says to this chain file.
    async fn refusal(&self, rollup: RollupConfig) -> StartError {
        let config = node::Config {
            rollup,
            datadir: self.folder.path().join("node"),
            database: storage::Limits::default(),
            l1_rpc_url: vec![self.l1.http_url().parse().unwrap()],
            l1_beacon_url: vec![self.l1.beacon_url().parse().unwrap()],
            archive_url: Vec::new(),
            blob_retention: None,
            http: rpc::Config {
                listen: "127.0.0.1:0".parse().unwrap(),
                namespaces: Vec::new(),
                cors: rpc::Cors::None,
                hosts: Vec::new(),
            },
            limits: rpc::Limits::default(),
            sequencer: None,
        };
        match fleet::launch(vec![config]).await {
            Ok(handle) => {
                handle.stop().await;
                panic!("the node starts")
            }
            Err(error) => {
                std::fs::remove_dir_all(self.folder.path().join("node")).unwrap();
                error
            }
        }
    }

    /// Registers another rollup in the same Hub, with `escrow` wei, and returns its chain file.
    async fn register(&self, chain_id: u64, escrow: U256) -> RollupConfig {
        let mut config = self.deployment.config.clone();
        config.genesis.config.chain_id = chain_id;
        let spec = config.spec().unwrap();
        let call = Hub::registerCall {
            p: Hub::RollupParams {
                chainId: chain_id,
                verifier: self.deployment.verifier,
                schedule: self.deployment.schedule,
                gasLimitMin: config.gas_limit_min,
                gasLimitMax: config.gas_limit_max,
                minOriginLag: config.min_origin_lag,
            },
            genesisHeaderRlp: alloy_rlp::encode(spec.genesis_header()).into(),
        };
        let transaction = TxEip1559 {
            chain_id: dev::L1_CHAIN_ID,
            nonce: self.rpc.nonce(self.signer.address(), BlockId::latest()).await.unwrap(),
            gas_limit: 4_000_000,
            max_fee_per_gas: 10_000_000_000,
            max_priority_fee_per_gas: 1,
            to: TxKind::Call(config.hub),
            value: escrow,
            input: Bytes::from(call.abi_encode()),
            ..Default::default()
        };
        let envelope = alloy_consensus::TxEnvelope::from(self.signer.sign(transaction).await.unwrap());
        let hash = self.rpc.send_raw(&envelope.encoded_2718()).await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let receipt = loop {
            match self.rpc.receipt(hash).await.unwrap() {
                Some(receipt) => break receipt,
                None => assert!(Instant::now() < deadline, "the registration is not included"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert!(receipt.inner.status());
        config.hub_block = receipt.block_number.unwrap();
        config
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_starts_only_on_the_registered_and_backed_genesis_of_its_l1() {
    let world = world().await;
    let good = world.deployment.config.clone();

    let mut other_l1 = good.clone();
    other_l1.l1_chain_id = 1;
    assert!(matches!(world.refusal(other_l1).await, StartError::OtherL1 { found: dev::L1_CHAIN_ID, expected: 1 }));

    let mut other_block = good.clone();
    other_block.hub_block -= 1;
    assert!(matches!(world.refusal(other_block).await, StartError::NotRegistered { .. }));

    let mut other_genesis = good.clone();
    other_genesis.genesis.timestamp += 1;
    assert!(matches!(world.refusal(other_genesis).await, StartError::OtherGenesis { .. }));

    let circulating = good.circulating_genesis_balance();
    assert_eq!(
        circulating,
        U256::from(BALANCE) * U256::from(11 + dev::SEQUENCERS.len() - 1),
        "eleven accounts and the relayers"
    );
    let unbacked = world.register(77_777, circulating - U256::ONE).await;
    let error = world.refusal(unbacked).await;
    let StartError::Unbacked { circulating: found, escrow } = error else { panic!("{error}") };
    assert_eq!((found, escrow), (circulating, circulating - U256::ONE));

    assert!(world.rpc.header(BlockNumberOrTag::Latest).await.unwrap().is_some());
    world.l1.stop().await;
}
