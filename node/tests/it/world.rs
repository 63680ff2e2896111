//! A world in one process: an L1 devnet in memory that makes a block when told to, Hub and a rollup on it, and blocks of
//! that rollup with their landings, whole or broken in one place. Must not know what is being tested.

use alloy_consensus::{TxEip1559, transaction::SignerRecoverable};
use alloy_eips::{
    BlockId, BlockNumberOrTag, eip2718::Encodable2718, eip4844::Blob, eip7594::BlobTransactionSidecarEip7594,
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_provider::{Provider, RootProvider};
use alloy_rpc_types_eth::{TransactionInput, TransactionReceipt, TransactionRequest};
use alloy_sol_types::{SolCall, SolInterface};
use basalt_node::deploy::{Deployment, deploy};
use bridge::{
    abi::{Hub, Messenger, OutboxProof},
    anchor::Anchor,
    blob,
    execute::StatelessInput,
    gas::{AdvanceGas, Items, Sizes},
    message::{InboxChain, Message},
    opening::{self, Kzg},
};
use chainspec::{
    RollupConfig,
    dev::{self, ACCOUNTS, Account},
    predeploys,
};
use execution::{Building, ChainState, Executed, RecoveredTx, StateView, Transaction, stateless, trie};
use l1::{Hands, HubCall, HubReader, L1Error, L1Head, L1Rpc, RollupOnL1, Sent, Signer};
use sequencer::{
    attributes::{self, Aim, Origin},
    budget::Settlement,
    landing::Fees,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use storage::Chain;

/// Start of an L1 that lies in the future (2096): its clock stands still, so every timestamp, and with it every hash and
/// every gas number, is the same in each run. Such an L1 can have 64 blocks.
pub(crate) const FIXED: Option<u64> = Some(4_000_000_000);

/// Gas limit of L1 transactions that are not landings.
const L1_GAS: u64 = 6_000_000;

/// Gas limit of L1 transactions that may create a contract (EIP-8037).
const CREATION_GAS: u64 = 16_000_000;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(20);

pub(crate) const FEES: Fees = Fees { max_fee: 1_000_000_000_000, tip: 1_000_000_000, max_blob_fee: 1_000_000_000_000 };

/// See the module.
pub(crate) struct World {
    pub rpc: L1Rpc,
    pub provider: RootProvider,
    pub deployment: Deployment,
    _l1: devnet::Handle,
}

/// A rollup as its sequencer has it.
pub(crate) struct Rollup {
    pub config: RollupConfig,
    pub chain: Chain,
    /// What the head named.
    pub anchor: Anchor,
}

/// A block that has not landed.
pub(crate) struct Draft {
    pub executed: Executed,
    pub anchor: Anchor,
    pub input: StatelessInput,
    pub landing: Landing,
}

/// Everything that a landing transaction carries, each part on its own so that a test can break it.
#[derive(Clone, Debug)]
pub(crate) struct Landing {
    pub bytes: Vec<u8>,
    pub origin_number: u64,
    pub inbox_count: u64,
    pub openings: Vec<u8>,
    pub outbox: OutboxProof,
    /// `None`: an ordinary transaction without blobs.
    pub sidecar: Option<BlobTransactionSidecarEip7594>,
    pub gas_limit: u64,
}

impl World {
    /// An L1 with slot 0 at `genesis_time`, and the devnet's rollup on it.
    pub(crate) async fn start(genesis_time: Option<u64>) -> (Self, Rollup) {
        let (l1, rpc, provider) = l1(genesis_time, true).await;
        let deployer = signer(&dev::SEQUENCER);
        let mined = async {
            // All six transactions go into one block, so that it is the same block in each run.
            let deadline = Instant::now() + PATIENCE;
            while status(&provider).await["poolPending"].as_u64().unwrap() < 6 {
                assert!(Instant::now() < deadline, "the deployment's transactions did not reach the pool");
                tokio::time::sleep(POLL).await;
            }
            mine(&provider, 1).await;
        };
        let (deployment, ()) =
            tokio::join!(deploy(&rpc, &deployer, 1_000, dev::BALANCE, Duration::from_secs(dev::REFUND_DELAY)), mined);
        let deployment = deployment.unwrap();
        let rollup = Rollup::new(deployment.config.clone());
        let world = Self { rpc, provider, deployment, _l1: l1 };
        world.mine(1).await;
        (world, rollup)
    }

    /// Makes so many L1 blocks.
    pub(crate) async fn mine(&self, blocks: u64) {
        mine(&self.provider, blocks).await;
    }

    pub(crate) async fn head(&self) -> L1Head {
        self.rpc.header(BlockNumberOrTag::Latest).await.unwrap().unwrap()
    }

    /// A view of Hub at the L1 head.
    pub(crate) async fn view<C: SolCall>(&self, call: C) -> C::Return {
        let answer = self.rpc.call(self.hub(), call.abi_encode().into(), BlockId::latest()).await.unwrap();
        C::abi_decode_returns(&answer).unwrap()
    }

    pub(crate) async fn recorded(&self, chain_id: u64) -> RollupOnL1 {
        HubReader::new(self.rpc.clone(), self.hub(), chain_id).rollup(BlockId::latest()).await.unwrap()
    }

    pub(crate) const fn hub(&self) -> Address {
        self.deployment.config.hub
    }

    /// Calls Hub by a transaction of `from`, alone in an L1 block.
    pub(crate) async fn transact(&self, from: &Account, call: impl SolCall, value: U256) -> TransactionReceipt {
        let raw = self.sign_call(from, call.abi_encode().into(), value, L1_GAS).await;
        let hash = self.rpc.send_raw(&raw).await.unwrap();
        self.mine(1).await;
        self.rpc.receipt(hash).await.unwrap().expect("the block took the transaction")
    }

    /// Registers another rollup with `escrow` wei.
    pub(crate) async fn register(&self, rollup: &Rollup, escrow: U256) -> TransactionReceipt {
        let call = Hub::registerCall {
            p: Hub::RollupParams {
                chainId: rollup.chain_id(),
                verifier: self.deployment.verifier,
                schedule: self.deployment.schedule,
                gasLimitMin: rollup.config.gas_limit_min,
                gasLimitMax: rollup.config.gas_limit_max,
                minOriginLag: rollup.config.min_origin_lag,
            },
            genesisHeaderRlp: alloy_rlp::encode(rollup.chain.spec().genesis_header()).into(),
        };
        self.transact(&ACCOUNTS[0], call, escrow).await
    }

    /// Calls anybody, or creates a contract, by a transaction of `from`, alone in an L1 block.
    pub(crate) async fn call(&self, from: &Account, to: TxKind, input: Bytes, value: U256) -> TransactionReceipt {
        let raw = self.sign(from, to, input, value, CREATION_GAS).await;
        let hash = self.rpc.send_raw(&raw).await.unwrap();
        self.mine(1).await;
        self.rpc.receipt(hash).await.unwrap().expect("the block took the transaction")
    }

    /// A view of any L1 contract at the L1 head.
    pub(crate) async fn l1_view<C: SolCall>(&self, to: Address, call: C) -> C::Return {
        let answer = self.rpc.call(to, call.abi_encode().into(), BlockId::latest()).await.unwrap();
        C::abi_decode_returns(&answer).unwrap()
    }

    async fn sign_call(&self, from: &Account, input: Bytes, value: U256, gas_limit: u64) -> Vec<u8> {
        self.sign(from, TxKind::Call(self.hub()), input, value, gas_limit).await
    }

    async fn sign(&self, from: &Account, to: TxKind, input: Bytes, value: U256, gas_limit: u64) -> Vec<u8> {
        let transaction = TxEip1559 {
            chain_id: self.deployment.config.l1_chain_id,
            nonce: self.rpc.nonce(from.address, BlockId::latest()).await.unwrap(),
            gas_limit,
            max_fee_per_gas: FEES.max_fee,
            max_priority_fee_per_gas: FEES.tip,
            to,
            value,
            input,
            ..Default::default()
        };
        alloy_consensus::TxEnvelope::from(signer(from).sign_blocking(transaction).unwrap()).encoded_2718()
    }

    /// Why Hub would refuse a call by `from` at the L1 head; `None` if it would not.
    pub(crate) async fn objection(&self, from: &Account, call: impl SolCall) -> Option<Hub::HubErrors> {
        let request = TransactionRequest {
            from: Some(from.address),
            input: TransactionInput::both(call.abi_encode().into()),
            ..Default::default()
        };
        self.ask(request.to(self.hub())).await
    }

    /// Sends a message to the rollup from L1 and waits until it is there.
    pub(crate) async fn send_message(&self, from: &Account, chain_id: u64, to: Address, value: U256) -> Message {
        let gas_limit = 50_000;
        let fee =
            self.view(Hub::minFeeCall { dstChainId: chain_id, gasLimit: gas_limit, dataLength: U256::ZERO }).await;
        let index = self.recorded(chain_id).await.inbox_count;
        let call = Hub::sendMessageCall { dstChainId: chain_id, to, fee, gasLimit: gas_limit, data: Bytes::new() };
        let receipt = self.transact(from, call, value + fee).await;
        assert!(receipt.inner.status(), "Hub took no message");
        let message = Message {
            src_chain_id: self.deployment.config.l1_chain_id,
            dst_chain_id: chain_id,
            index,
            sender: from.address,
            to,
            value,
            fee,
            gas_limit,
            data: Bytes::new(),
        };
        let recorded = self.recorded(chain_id).await;
        let before = self.view(Hub::inboxHashAtCall { chainId: chain_id, count: index }).await;
        assert_eq!(InboxChain { count: index, hash: before }.extend(&[message.leaf()]).hash, recorded.inbox_hash);
        message
    }

    /// What Hub would say to `landing` at the L1 head: `None` if it would land.
    pub(crate) async fn verdict(&self, landing: &Landing) -> Option<Hub::HubErrors> {
        self.ask(self.request(landing)).await
    }

    /// The landing as the request of an `eth_call`.
    pub(crate) fn request(&self, landing: &Landing) -> TransactionRequest {
        let hashes: Vec<B256> = landing.sidecar.iter().flat_map(|sidecar| sidecar.versioned_hashes()).collect();
        TransactionRequest {
            from: Some(dev::SEQUENCER.address),
            gas: Some(landing.gas_limit),
            input: TransactionInput::both(landing.calldata()),
            max_fee_per_blob_gas: (!hashes.is_empty()).then_some(FEES.max_blob_fee),
            blob_versioned_hashes: (!hashes.is_empty()).then_some(hashes),
            ..Default::default()
        }
        .to(self.hub())
    }

    async fn ask(&self, request: TransactionRequest) -> Option<Hub::HubErrors> {
        match self.rpc.call_request(request, BlockId::latest()).await {
            Ok(_) => None,
            Err(L1Error::Answer { message, data, .. }) => {
                let data = data.unwrap_or_else(|| panic!("no revert: {message}"));
                Some(Hub::HubErrors::abi_decode(&data).unwrap_or_else(|error| panic!("{message}: {data}: {error}")))
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends the landing and makes the L1 block that takes it.
    pub(crate) async fn send(&self, landing: &Landing) -> TransactionReceipt {
        let hash = match &landing.sidecar {
            None => {
                let raw = self.sign_call(&dev::SEQUENCER, landing.calldata(), U256::ZERO, landing.gas_limit).await;
                self.rpc.send_raw(&raw).await.unwrap()
            }
            Some(sidecar) => {
                let call = HubCall { hub: self.hub(), input: landing.calldata(), sidecar: sidecar.clone() };
                let chain_id = self.deployment.config.l1_chain_id;
                let hands = Hands::new(self.rpc.clone(), signer(&dev::SEQUENCER), chain_id);
                let nonce = self.rpc.nonce(hands.address(), BlockId::latest()).await.unwrap();
                match hands.call(&call, nonce, landing.gas_limit, FEES).await {
                    Sent::Taken(hash) => hash,
                    Sent::Failed(failure, error, _) => panic!("{failure:?}: {error}"),
                    Sent::Unsigned(error) => panic!("{error}"),
                }
            }
        };
        self.mine(1).await;
        self.rpc.receipt(hash).await.unwrap().expect("the block took the landing")
    }

    /// Hub's error for `landing`, which must be refused both in a call and as a transaction, and must move nothing.
    pub(crate) async fn refused(&self, chain_id: u64, landing: &Landing) -> Hub::HubErrors {
        let before = self.recorded(chain_id).await;
        let objection = self.verdict(landing).await.expect("Hub would take it");
        let receipt = self.send(landing).await;
        assert!(!receipt.inner.status(), "landed, though a call said {objection:?}");
        assert_eq!(self.recorded(chain_id).await, before, "{objection:?} moved something");
        objection
    }

    /// Lands the draft, byte for byte as it is, and makes it the rollup's head.
    pub(crate) async fn land(&self, rollup: &mut Rollup, draft: &Draft) -> TransactionReceipt {
        if let Some(objection) = self.verdict(&draft.landing).await {
            panic!("a good block is refused: {objection:?}");
        }
        let receipt = self.send(&draft.landing).await;
        assert!(receipt.inner.status(), "a good block did not land: {receipt:?}");
        let recorded = self.recorded(rollup.chain_id()).await;
        let header = draft.executed.block.header();
        assert_eq!(
            (recorded.head_hash, recorded.state_root, recorded.number),
            (draft.executed.block.hash(), header.state_root, header.number)
        );
        rollup.chain.append(&draft.executed).unwrap();
        rollup.anchor = draft.anchor;
        receipt
    }

    /// The next block, on top of everything there is: named origin is the L1 block before the head.
    pub(crate) async fn draft(&self, rollup: &Rollup, inbox: InboxChain, transactions: &[RecoveredTx]) -> Draft {
        let head = self.head().await;
        let origin = Origin { number: head.at.number - 1, hash: head.header.parent_hash };
        rollup.draft(head.header.timestamp, origin, inbox, transactions)
    }

    /// As [`Self::draft`], with no message of the inbox newly named.
    pub(crate) async fn block(&self, rollup: &Rollup, transactions: &[RecoveredTx]) -> Draft {
        self.draft(rollup, rollup.named(), transactions).await
    }
}

impl Rollup {
    pub(crate) fn new(config: RollupConfig) -> Self {
        let chain = Chain::in_memory(Arc::new(config.spec().unwrap())).unwrap();
        let chain_id = chain.spec().chain_id;
        let anchor =
            Anchor { chain_id, origin_number: 0, origin_hash: B256::ZERO, inbox_count: 0, inbox_hash: B256::ZERO };
        Self { config, chain, anchor }
    }

    pub(crate) fn chain_id(&self) -> u64 {
        self.chain.spec().chain_id
    }

    /// The inbox point that the head named.
    pub(crate) const fn named(&self) -> InboxChain {
        InboxChain { count: self.anchor.inbox_count, hash: self.anchor.inbox_hash }
    }

    pub(crate) fn nonce(&self, account: &Account) -> u64 {
        self.chain.state_at_head().account(account.address).unwrap().map_or(0, |found| found.nonce)
    }

    pub(crate) fn balance(&self, address: Address) -> U256 {
        self.chain.state_at_head().account(address).unwrap().map_or(U256::ZERO, |found| found.balance)
    }

    /// A transaction of `from`, `ahead` nonces after its next one.
    pub(crate) fn transaction(
        &self,
        from: &Account,
        ahead: u64,
        to: TxKind,
        value: U256,
        input: Bytes,
        gas_limit: u64,
    ) -> RecoveredTx {
        let transaction = TxEip1559 {
            chain_id: self.chain_id(),
            nonce: self.nonce(from) + ahead,
            gas_limit,
            max_fee_per_gas: 100_000_000_000,
            max_priority_fee_per_gas: 1,
            to,
            value,
            input,
            ..Default::default()
        };
        let signed = Transaction::Eip1559(signer(from).sign_blocking(transaction).unwrap());
        let sender = signed.recover_signer().unwrap();
        RecoveredTx::new_unchecked(signed, sender)
    }

    /// Sends `value` back to L1.
    pub(crate) fn withdrawal(&self, from: &Account, ahead: u64, to: Address, value: U256) -> RecoveredTx {
        let call = Messenger::sendMessageCall {
            dstChainId: self.config.l1_chain_id,
            to,
            fee: U256::ZERO,
            gasLimit: 30_000,
            data: Bytes::new(),
        };
        let messenger = TxKind::Call(predeploys::MESSENGER);
        self.transaction(from, ahead, messenger, value, call.abi_encode().into(), 1_500_000)
    }

    /// So many transfers of the ten accounts among each other, one wei each.
    pub(crate) fn transfers(&self, count: usize) -> Vec<RecoveredTx> {
        (0..count)
            .map(|i| {
                let (from, to) = (&ACCOUNTS[i % ACCOUNTS.len()], &ACCOUNTS[(i + 1) % ACCOUNTS.len()]);
                let ahead = (i / ACCOUNTS.len()) as u64;
                self.transaction(from, ahead, TxKind::Call(to.address), U256::from(1), Bytes::new(), 21_000)
            })
            .collect()
    }

    /// The next block with these transactions: with the longest prefix of them that can still be landed, and if that is
    /// not all of them, the caller sees it.
    pub(crate) fn draft(
        &self,
        timestamp: u64,
        origin: Origin,
        inbox: InboxChain,
        transactions: &[RecoveredTx],
    ) -> Draft {
        let parent = self.chain.head();
        let aim = Aim {
            chain_id: self.chain_id(),
            timestamp,
            origin,
            inbox,
            gas_limit: parent.gas_limit,
            fee_recipient: dev::SEQUENCER.address,
            extra_data: Bytes::from_static(b"basalt"),
        };
        let (attributes, anchor) = attributes::attributes(&parent, (&self.anchor).into(), aim).unwrap();
        let settlement = Settlement {
            gas_limit: attributes.gas_limit,
            extra_data: attributes.extra_data.len(),
            outbox_proof: Items::default(),
        };
        let state = self.chain.state_at_head();
        let mut building = Building::start(self.chain.spec(), &parent, attributes, &*state).unwrap();
        for transaction in transactions {
            match building.push_if(transaction, |sizes| settlement.fits(sizes)) {
                Ok(_) => {}
                Err(refused) if refused.verdict() == execution::executor::Verdict::Later => break,
                Err(refused) => panic!("{refused}"),
            }
        }
        let executed = building.seal().unwrap();
        let input = stateless::input(self.chain_id(), &executed).unwrap();
        let landing = Landing::new(&input, &anchor);
        stateless::validate(&landing.bytes).unwrap();
        Draft { executed, anchor, input, landing }
    }
}

impl Draft {
    /// The draft's landing with another EXECUTE input.
    pub(crate) fn with_input(&self, change: impl FnOnce(&mut StatelessInput)) -> Landing {
        let mut input = self.input.clone();
        change(&mut input);
        Landing { bytes: input.encode(), ..self.landing.clone() }
    }

    /// The draft's landing with one part changed.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Landing)) -> Landing {
        let mut landing = self.landing.clone();
        change(&mut landing);
        landing
    }

    /// The model's bound of what its landing costs, outbox proof included.
    pub(crate) fn bound(&self) -> AdvanceGas {
        bridge::gas::advance_gas(&Sizes { outbox_proof: self.outbox_proof(), ..Sizes::of(&self.input) })
    }

    /// Nodes of the outbox proof that the landing brings along.
    pub(crate) fn outbox_proof(&self) -> Items {
        let outbox = &self.landing.outbox;
        Items::of(&outbox.account.iter().chain(&outbox.storage).collect::<Vec<_>>())
    }

    /// Lets the landing bring the proof of the outbox root along, under the state root that it settles.
    pub(crate) fn bring_outbox_proof(&mut self, parent: &dyn ChainState) {
        // What the block left alone has the same place in the parent's tries.
        let proof = trie::account_proof(&self.executed.tree, &parent, predeploys::MESSENGER, &[U256::ZERO]).unwrap();
        self.landing.outbox = OutboxProof { account: proof.proof, storage: proof.storage[0].proof.clone() };
        self.landing.gas_limit = self.bound().gas_limit();
    }

    /// What its blobs carry.
    pub(crate) fn data(&self) -> Vec<u8> {
        blob::encode(&self.input.payload.block_access_list, &self.input.payload.transactions)
    }
}

impl Landing {
    /// An honest landing of `input`.
    pub(crate) fn new(input: &StatelessInput, anchor: &Anchor) -> Self {
        let data = blob::encode(&input.payload.block_access_list, &input.payload.transactions);
        let openings = opening::open(Kzg::load(), &data).unwrap();
        Self {
            bytes: input.encode(),
            origin_number: anchor.origin_number,
            inbox_count: anchor.inbox_count,
            openings: openings.iter().flat_map(opening::Opening::to_bytes).collect(),
            outbox: OutboxProof::default(),
            sidecar: Some(sidecar(blob::to_blobs(&data))),
            gas_limit: bridge::gas::advance_gas(&Sizes::of(input)).gas_limit(),
        }
    }

    pub(crate) fn calldata(&self) -> Bytes {
        Hub::advanceCall {
            a: Hub::Advance {
                originNumber: self.origin_number,
                inboxCount: self.inbox_count,
                openings: self.openings.clone().into(),
                outboxAccountProof: self.outbox.account.clone(),
                outboxStorageProof: self.outbox.storage.clone(),
            },
            executeInput: self.bytes.clone().into(),
        }
        .abi_encode()
        .into()
    }
}

pub(crate) fn sidecar(blobs: Vec<Blob>) -> BlobTransactionSidecarEip7594 {
    opening::sidecar(Kzg::load(), blobs).unwrap()
}

/// An L1 in memory whose slots nobody fills but [`World::mine`].
pub(crate) async fn l1(genesis_time: Option<u64>, execute: bool) -> (devnet::Handle, L1Rpc, RootProvider) {
    let config =
        devnet::Config { http_port: 0, beacon_port: 0, slot_ms: 1_000, genesis_time, execute, ..Default::default() };
    let l1 = devnet::start(config).await.unwrap();
    let url = l1.http_url().parse().unwrap();
    let provider = RootProvider::new_http(l1.http_url().parse().unwrap());
    let stopped: bool = provider.raw_request("dev_stop".into(), ()).await.unwrap();
    assert!(stopped);
    (l1, L1Rpc::new(&url).unwrap(), provider)
}

pub(crate) fn signer(account: &Account) -> Signer {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), account.key.to_string()).unwrap();
    Signer::from_file(file.path()).unwrap()
}

async fn status(provider: &RootProvider) -> serde_json::Value {
    provider.raw_request("dev_status".into(), ()).await.unwrap()
}

/// The devnet makes blocks ahead of its clock, but not without end: then the clock has to catch up.
pub(crate) async fn mine(provider: &RootProvider, blocks: u64) {
    let deadline = Instant::now() + PATIENCE;
    for _ in 0..blocks {
        loop {
            let made: Result<serde_json::Value, _> = provider.raw_request("dev_mine".into(), ("0x1",)).await;
            match made {
                Ok(_) => break,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            tokio::time::sleep(POLL).await;
        }
    }
}
