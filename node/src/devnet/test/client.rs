//! Clients of the devnet: alloy providers with the ten accounts' keys, and waiting with a deadline.

use super::super::Devnet;
use alloy_network::{Ethereum, EthereumWallet, TransactionBuilder};
use alloy_primitives::{Address, B256, U256};
use alloy_provider::{DynProvider, Provider, ProviderBuilder};
use alloy_rpc_types_eth::{TransactionReceipt, TransactionRequest};
use alloy_signer_local::PrivateKeySigner;
use eyre::{WrapErr, bail};
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(100);

/// L1 slots that anything may take.
const PATIENCE_SLOTS: u64 = 12;

/// Everything that the steps talk to.
pub(super) struct Clients {
    pub(super) devnet: Devnet,
    pub(super) l1: DynProvider,
    /// The first sequencer.
    pub(super) l2: DynProvider,
    /// All sequencers, the first again.
    pub(super) sequencers: Vec<DynProvider>,
    pub(super) follower: DynProvider,
    /// The other rollups.
    pub(super) more: Vec<Side>,
    pub(super) keys: Vec<PrivateKeySigner>,
    pub(super) http: reqwest::Client,
    /// L1 slots that anything may take.
    patience_slots: u64,
    /// Fresh addresses follow from this, so that a second run against the same devnet has its own.
    seed: B256,
}

/// A rollup besides the first.
pub(super) struct Side {
    pub(super) chain_id: u64,
    /// Its first sequencer.
    pub(super) sequencer: DynProvider,
    pub(super) follower: DynProvider,
}

impl Clients {
    pub(super) fn connect(devnet: Devnet) -> eyre::Result<Self> {
        let keys: Vec<PrivateKeySigner> = devnet
            .accounts
            .iter()
            .map(|account| PrivateKeySigner::from_bytes(&account.key))
            .collect::<Result<_, _>>()?;
        let Some(first) = keys.first() else { bail!("devnet.json names no account") };
        let mut wallet = EthereumWallet::new(first.clone());
        for key in &keys[1..] {
            wallet.register_signer(key.clone());
        }
        let provider = |url: &str| -> eyre::Result<DynProvider> {
            let url = url.parse().wrap_err_with(|| url.to_owned())?;
            Ok(ProviderBuilder::new_with_network::<Ethereum>().wallet(wallet.clone()).connect_http(url).erased())
        };
        let now = crate::host::now().0;
        Ok(Self {
            l1: provider(&devnet.l1.rpc_url)?,
            l2: provider(&devnet.sequencer.rpc_url)?,
            sequencers: devnet.sequencers().map(|node| provider(&node.rpc_url)).collect::<Result<_, _>>()?,
            follower: provider(&devnet.follower.rpc_url)?,
            more: devnet
                .more_rollups
                .iter()
                .map(|rollup| {
                    let Some(first) = rollup.sequencers.first() else { bail!("devnet.json names no sequencer") };
                    Ok(Side {
                        chain_id: rollup.l2_chain_id,
                        sequencer: provider(&first.rpc_url)?,
                        follower: provider(&rollup.follower.rpc_url)?,
                    })
                })
                .collect::<Result<_, _>>()?,
            keys,
            http: reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?,
            // With several sequencers, what was sent to one waits for a slot of its validators.
            patience_slots: PATIENCE_SLOTS * devnet.sequencers().count() as u64,
            seed: alloy_primitives::keccak256(now.to_be_bytes()),
            devnet,
        })
    }

    /// An address that nobody used before.
    pub(super) fn fresh(&self, name: &str) -> Address {
        Address::from_word(self.secret(name))
    }

    /// 32 bytes that belong to this run and this name.
    pub(super) fn secret(&self, name: &str) -> B256 {
        alloy_primitives::keccak256([self.seed.as_slice(), name.as_bytes()].concat())
    }

    /// Anything may take so many slots from now on.
    pub(super) const fn wait_for_slots(&mut self, slots: u64) {
        self.patience_slots = slots;
    }

    pub(super) fn patience(&self) -> Duration {
        Duration::from_millis(self.devnet.l1.slot_ms * self.patience_slots)
    }

    /// All L2 nodes with their names.
    pub(super) fn nodes(&self) -> Vec<(String, &DynProvider)> {
        let sequencers = self.sequencers.iter().enumerate();
        let named = sequencers.map(|(index, provider)| (format!("sequencer {}", index + 1), provider));
        named.chain([("the follower".to_owned(), &self.follower)]).collect()
    }

    /// Sends from account `from` and waits for a receipt that says success.
    pub(super) async fn send(
        &self,
        provider: &DynProvider,
        from: usize,
        request: TransactionRequest,
    ) -> eyre::Result<TransactionReceipt> {
        let request = request.with_from(self.keys[from].address());
        let pending = provider.send_transaction(request).await?;
        let hash = *pending.tx_hash();
        self.receipt(provider, hash).await
    }

    /// Waits for a receipt that says success.
    pub(super) async fn receipt(&self, provider: &DynProvider, hash: B256) -> eyre::Result<TransactionReceipt> {
        let receipt = self.wait(&format!("receipt of {hash}"), || provider.get_transaction_receipt(hash)).await?;
        if !receipt.inner.status() {
            bail!("transaction {hash} failed");
        }
        Ok(receipt)
    }

    /// Waits until `look` finds something. An endpoint that does not answer (it was killed) is asked again.
    pub(super) async fn wait<T, E, F>(&self, what: &str, look: impl Fn() -> F) -> eyre::Result<T>
    where
        F: IntoFuture<Output = Result<Option<T>, E>>,
        E: std::fmt::Display,
    {
        let deadline = Instant::now() + self.patience();
        loop {
            let last = match look().await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => None,
                Err(error) => Some(error.to_string()),
            };
            if Instant::now() >= deadline {
                match last {
                    Some(error) => bail!("{what}: not within {} s: {error}", self.patience().as_secs()),
                    None => bail!("{what}: not within {} s", self.patience().as_secs()),
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until `address` has exactly `expected` wei; more or something else in the end is a failure.
    pub(super) async fn wait_balance(
        &self,
        provider: &DynProvider,
        address: Address,
        expected: U256,
    ) -> eyre::Result<()> {
        let arrived = async || -> Result<Option<U256>, alloy_provider::transport::TransportError> {
            Ok(Some(provider.get_balance(address).await?).filter(|balance| !balance.is_zero()))
        };
        let balance = self.wait(&format!("ether of {address}"), || Box::pin(arrived())).await?;
        same("balance", balance, expected)
    }
}

/// Compares to the wei.
pub(super) fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> eyre::Result<()> {
    if found != expected {
        bail!("{what} is {found:?}, expected {expected:?}");
    }
    Ok(())
}
