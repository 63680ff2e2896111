//! `basalt deploy`: puts Hub and its helpers on an L1 that has EXECUTE, registers a rollup and writes the chain file.
//! Ordinary transactions only, so it works against any such L1.

use alloy_consensus::TxEip1559;
use alloy_eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718};
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_rpc_types_eth::{TransactionInput, TransactionReceipt, TransactionRequest};
use alloy_sol_types::SolCall;
use bridge::abi::{ExecuteVerifier, Hub, L1Gateway, Messenger, OpenSchedule, TokenBridge};
use chainspec::{ChainSpec, RollupConfig, dev, predeploys};
use execution::{Attributes, Building};
use l1::{L1Error, L1Rpc, SignError, Signer};
use std::{sync::Arc, time::Duration};
use storage::Chain;

/// Gas limit of the registration, execution and state gas together: nine new slots at 97,920 (EIP-8037) and the
/// decoding of a header. It can't be estimated before Hub is there, and what is not used is not paid for.
const REGISTER_GAS: u64 = 4_000_000;

/// Gas limit of a transfer to an account that may be new (EIP-8037).
const TRANSFER_GAS: u64 = 300_000;

/// Offered tip, wei per gas.
const TIP: u128 = 1_000_000_000;

/// How often receipts are looked for.
const RECEIPT_POLL: Duration = Duration::from_millis(50);

/// L1 slots that a deployment may take before it is given up.
const PATIENCE_SLOTS: u64 = 20;

/// Room above the estimate of a contract creation, percent.
const GAS_MARGIN_PERCENT: u64 = 20;

/// What stands on L1 now.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The chain file.
    pub config: RollupConfig,
    /// `ExecuteVerifier`.
    pub verifier: Address,
    /// `OpenSchedule`.
    pub schedule: Address,
    /// `TokenBridge`.
    pub token_bridge: Address,
    /// `L1Gateway`.
    pub gateway: Address,
    /// L1 gas of all six transactions.
    pub gas_used: u64,
}

/// Why nothing was deployed, or not all.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// L1 does not answer as it should.
    #[error("L1: {0} (--l1.rpc-url)")]
    L1(#[from] L1Error),
    /// The L1 is an Ethereum without EIP-8079.
    #[error(
        "the L1 at {url} has no EXECUTE precompile at {}: a call with a valid block returned {answer}. \
         A native rollup needs an L1 with EIP-8079 (--l1.rpc-url)",
        predeploys::EXECUTE
    )]
    NoExecute {
        /// The endpoint.
        url: String,
        /// What came back.
        answer: String,
    },
    /// The account can't pay.
    #[error("{address} has {have} wei, the escrow of the L2's genesis balances alone is {need} wei (--key-file)")]
    Poor {
        /// The account.
        address: Address,
        /// Its balance, wei.
        have: U256,
        /// Least balance, wei.
        need: U256,
    },
    /// A transaction was included and failed.
    #[error("{what} failed on L1 (transaction {hash})")]
    Failed {
        /// Which step.
        what: &'static str,
        /// The transaction.
        hash: B256,
    },
    /// No L1 block took a transaction in time.
    #[error("{what} was not included within {seconds} s (transaction {hash})")]
    NotIncluded {
        /// Which step.
        what: &'static str,
        /// The transaction.
        hash: B256,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The signer gives no signature.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// Our own genesis is wrong.
    #[error("L2 genesis: {0}")]
    Genesis(String),
}

/// Deploys everything, registers the devnet rollup with `balance` wei for each of its accounts, relayers with at most
/// [`dev::RELAYER_BALANCE`], and returns its chain file. Failed messages into it may go back after `refund_delay`.
pub async fn deploy(
    rpc: &L1Rpc,
    signer: &Signer,
    l1_slot_ms: u64,
    balance: U256,
    refund_delay: Duration,
) -> Result<Deployment, DeployError> {
    let l1_chain_id = rpc.chain_id().await?;
    let head = rpc.header(BlockNumberOrTag::Latest).await?.ok_or_else(|| malformed(rpc, "no head"))?;
    // Addresses follow from nonces, so genesis can name what is deployed after it is known.
    let nonce = rpc.nonce(signer.address(), BlockId::latest()).await?;
    let verifier = signer.address().create(nonce);
    let schedule = signer.address().create(nonce + 1);
    let hub = signer.address().create(nonce + 2);
    let token_bridge = signer.address().create(nonce + 3);
    let gateway = signer.address().create(nonce + 4);
    let l1 = predeploys::L1Side { chain_id: l1_chain_id, token_bridge, gateway };
    let mut config =
        dev::rollup_config(genesis(head.header.timestamp, balance, refund_delay, l1), Address::ZERO, 0, l1_slot_ms);
    config.l1_chain_id = l1_chain_id;
    let spec = config.spec().map_err(|error| DeployError::Genesis(error.to_string()))?;
    require_execute(rpc, &spec).await?;
    let escrow = escrow(rpc, signer, &config).await?;

    // All six transactions go out together and one L1 block can take them.
    let base_fee = head.header.base_fee_per_gas.unwrap_or_default();
    let sender = Sender { rpc, signer, chain_id: l1_chain_id, max_fee: u128::from(base_fee) * 2 + TIP };
    let register = registration(&config, &spec, verifier, schedule);
    let steps = [
        ("deploying ExecuteVerifier", sender.create(nonce, &ExecuteVerifier::BYTECODE).await?),
        ("deploying OpenSchedule", sender.create(nonce + 1, &OpenSchedule::BYTECODE).await?),
        ("deploying Hub", sender.create(nonce + 2, &Hub::BYTECODE).await?),
        ("deploying TokenBridge", sender.create(nonce + 3, &with_arguments(&TokenBridge::BYTECODE, hub)).await?),
        ("deploying L1Gateway", sender.create(nonce + 4, &with_arguments(&L1Gateway::BYTECODE, hub)).await?),
        ("registering the rollup", sender.call(nonce + 5, hub, register, escrow).await?),
    ];
    let mut gas_used = 0;
    for (what, hash) in steps {
        let receipt = wait(rpc, what, hash, l1_slot_ms).await?;
        gas_used += receipt.gas_used;
        config.hub_block = receipt.block_number.unwrap_or_default();
    }
    config.hub = hub;
    Ok(Deployment { config, verifier, schedule, token_bridge, gateway, gas_used })
}

/// Registers one more devnet rollup, with `chain_id`, in the Hub where `first` is, with the same `verifier`, `schedule`
/// and refund delay; returns its chain file.
pub async fn register(
    rpc: &L1Rpc,
    signer: &Signer,
    first: &RollupConfig,
    [verifier, schedule]: [Address; 2],
    chain_id: u64,
    balance: U256,
) -> Result<RollupConfig, DeployError> {
    let head = rpc.header(BlockNumberOrTag::Latest).await?.ok_or_else(|| malformed(rpc, "no head"))?;
    let l1_slot_ms = first.l1_slot_ms;
    let token_bridge = first.token_bridge().unwrap_or_default();
    let gateway = first.gateway().unwrap_or_default();
    let l1 = predeploys::L1Side { chain_id: first.l1_chain_id, token_bridge, gateway };
    let refund_delay = Duration::from_secs(first.refund_delay().saturating_to());
    let genesis = dev::renumbered(genesis(head.header.timestamp, balance, refund_delay, l1), chain_id);
    let mut config = dev::rollup_config(genesis, first.hub, 0, l1_slot_ms);
    config.l1_chain_id = first.l1_chain_id;
    let spec = config.spec().map_err(|error| DeployError::Genesis(error.to_string()))?;
    let escrow = escrow(rpc, signer, &config).await?;
    let nonce = rpc.nonce(signer.address(), BlockId::latest()).await?;
    let base_fee = head.header.base_fee_per_gas.unwrap_or_default();
    let sender = Sender { rpc, signer, chain_id: config.l1_chain_id, max_fee: u128::from(base_fee) * 2 + TIP };
    let register = registration(&config, &spec, verifier, schedule);
    let hash = sender.call(nonce, config.hub, register, escrow).await?;
    let receipt = wait(rpc, "registering another rollup", hash, l1_slot_ms).await?;
    config.hub_block = receipt.block_number.unwrap_or_default();
    Ok(config)
}

/// The devnet rollup's genesis at `timestamp` with `balance` wei for each of its accounts, on the L1 side `l1` of the bridge.
fn genesis(timestamp: u64, balance: U256, refund_delay: Duration, l1: predeploys::L1Side) -> Genesis {
    let mut genesis = dev::l2_genesis(timestamp, Messenger::DEPLOYED_BYTECODE.clone());
    predeploys::set_refund_delay(&mut genesis.alloc, refund_delay.as_secs());
    for (address, account) in &mut genesis.alloc {
        if *address != predeploys::MESSENGER && !account.balance.is_zero() {
            account.balance = balance;
        }
    }
    // Any of a devnet's sequencers may relay the first message.
    for relayer in &dev::SEQUENCERS[1..] {
        let funded = GenesisAccount::default().with_balance(balance.min(dev::RELAYER_BALANCE));
        genesis.alloc.insert(relayer.address, funded);
    }
    genesis.alloc.extend(predeploys::bridge(bridge::tokens::code(), l1));
    genesis
}

/// What a registration escrows, wei, which the account has.
async fn escrow(rpc: &L1Rpc, signer: &Signer, config: &RollupConfig) -> Result<U256, DeployError> {
    let need = config.circulating_genesis_balance();
    let have = rpc.balance(signer.address()).await?;
    if have < need { Err(DeployError::Poor { address: signer.address(), have, need }) } else { Ok(need) }
}

/// Input of `Hub.register`.
fn registration(config: &RollupConfig, spec: &ChainSpec, verifier: Address, schedule: Address) -> Bytes {
    let p = Hub::RollupParams {
        chainId: spec.chain_id,
        verifier,
        schedule,
        gasLimitMin: config.gas_limit_min,
        gasLimitMax: config.gas_limit_max,
        minOriginLag: config.min_origin_lag,
    };
    Hub::registerCall { p, genesisHeaderRlp: alloy_rlp::encode(spec.genesis_header()).into() }.abi_encode().into()
}

/// Sends `wei` from the account of `signer` to each of `accounts` that has less than half of it, and waits for the receipts.
pub async fn fund(
    rpc: &L1Rpc,
    signer: &Signer,
    l1_slot_ms: u64,
    accounts: &[Address],
    wei: U256,
) -> Result<(), DeployError> {
    let head = rpc.header(BlockNumberOrTag::Latest).await?.ok_or_else(|| malformed(rpc, "no head"))?;
    let base_fee = head.header.base_fee_per_gas.unwrap_or_default();
    let chain_id = rpc.chain_id().await?;
    let sender = Sender { rpc, signer, chain_id, max_fee: u128::from(base_fee) * 2 + TIP };
    let mut nonce = rpc.nonce(signer.address(), BlockId::pending()).await?;
    let mut sent = Vec::new();
    for account in accounts {
        if rpc.balance(*account).await? < wei / U256::from(2) {
            sent.push(sender.send(nonce, TRANSFER_GAS, TxKind::Call(*account), Bytes::new(), wei).await?);
            nonce += 1;
        }
    }
    for hash in sent {
        wait(rpc, "funding a sequencer", hash, l1_slot_ms).await?;
    }
    Ok(())
}

/// Calls EXECUTE with the first block that the rollup could have. Only the precompile answers 43 bytes to that: an
/// account without code succeeds with nothing, another contract does not know the input.
async fn require_execute(rpc: &L1Rpc, spec: &ChainSpec) -> Result<(), DeployError> {
    let input = first_block(spec).map_err(DeployError::Genesis)?;
    let request = TransactionRequest {
        gas: Some(bridge::execute::gas(spec.genesis_header().gas_limit, input.len()).saturating_mul(2)),
        input: TransactionInput::both(input),
        ..Default::default()
    }
    .to(predeploys::EXECUTE);
    let answer = match rpc.call_request(request, BlockId::latest()).await {
        Ok(output) => match bridge::execute::ValidationResult::decode(&output) {
            Ok(result) if result.success && result.chain_id == spec.chain_id => return Ok(()),
            _ => format!("{output}"),
        },
        Err(L1Error::Answer { message, .. }) => message,
        Err(error) => return Err(error.into()),
    };
    Err(DeployError::NoExecute { url: rpc.url().to_owned(), answer })
}

/// The EXECUTE input of an empty block on the genesis.
fn first_block(spec: &ChainSpec) -> Result<Bytes, String> {
    let spec = Arc::new(spec.clone());
    let chain = Chain::in_memory(spec.clone()).map_err(|error| error.to_string())?;
    let (parent, state) = (chain.head(), chain.state_at_head());
    let attributes = Attributes {
        timestamp: parent.timestamp + 1,
        fee_recipient: Address::ZERO,
        prev_randao: B256::ZERO,
        gas_limit: parent.gas_limit,
        parent_beacon_block_root: B256::ZERO,
        extra_data: Bytes::new(),
        slot_number: 1,
    };
    let building = Building::start(&spec, &parent, attributes, &*state).map_err(|error| error.to_string())?;
    let executed = building.seal().map_err(|error| error.to_string())?;
    let input = execution::stateless::input(spec.chain_id, &executed).map_err(|error| error.to_string())?;
    Ok(input.encode().into())
}

/// Creation code of a contract whose constructor takes one address.
fn with_arguments(bytecode: &Bytes, argument: Address) -> Bytes {
    [bytecode.as_ref(), argument.into_word().as_slice()].concat().into()
}

struct Sender<'a> {
    rpc: &'a L1Rpc,
    signer: &'a Signer,
    chain_id: u64,
    max_fee: u128,
}

impl Sender<'_> {
    async fn create(&self, nonce: u64, bytecode: &Bytes) -> Result<B256, DeployError> {
        let request = TransactionRequest {
            from: Some(self.signer.address()),
            to: Some(TxKind::Create),
            input: TransactionInput::both(bytecode.clone()),
            ..Default::default()
        };
        let estimate = self.rpc.estimate_gas(request).await?;
        let gas_limit = estimate.saturating_add(estimate / 100 * GAS_MARGIN_PERCENT);
        self.send(nonce, gas_limit, TxKind::Create, bytecode.clone(), U256::ZERO).await
    }

    async fn call(&self, nonce: u64, to: Address, input: Bytes, value: U256) -> Result<B256, DeployError> {
        self.send(nonce, REGISTER_GAS, TxKind::Call(to), input, value).await
    }

    async fn send(
        &self,
        nonce: u64,
        gas_limit: u64,
        to: TxKind,
        input: Bytes,
        value: U256,
    ) -> Result<B256, DeployError> {
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas: self.max_fee,
            max_priority_fee_per_gas: TIP,
            to,
            value,
            input,
            ..Default::default()
        };
        let envelope = alloy_consensus::TxEnvelope::from(self.signer.sign(transaction).await?);
        Ok(self.rpc.send_raw(&envelope.encoded_2718()).await?)
    }
}

async fn wait(rpc: &L1Rpc, what: &'static str, hash: B256, slot_ms: u64) -> Result<TransactionReceipt, DeployError> {
    let patience = Duration::from_millis(slot_ms.saturating_mul(PATIENCE_SLOTS));
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        if let Some(receipt) = rpc.receipt(hash).await? {
            return if receipt.inner.status() { Ok(receipt) } else { Err(DeployError::Failed { what, hash }) };
        }
        if tokio::time::Instant::now() >= deadline {
            return Err(DeployError::NotIncluded { what, hash, seconds: patience.as_secs() });
        }
        tokio::time::sleep(RECEIPT_POLL).await;
    }
}

fn malformed(rpc: &L1Rpc, what: &str) -> L1Error {
    L1Error::Malformed { url: rpc.url().to_owned(), what: what.to_owned() }
}
