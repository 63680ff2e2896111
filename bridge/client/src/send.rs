//! Sending: the right network, enough ether, an estimate that says what the contract would say; and reading what it did.

use crate::{BridgeError, Layer, Patience};
use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_provider::Provider;
use alloy_rpc_types_eth::{BlockNumberOrTag, TransactionInput, TransactionReceipt, TransactionRequest};
use alloy_sol_types::SolCall;

/// Gas of a message that only carries ether, to an account without code.
pub const PLAIN_GAS: u64 = 30_000;

/// An estimate gets a quarter of itself on top: what it was made against may have moved when the transaction runs.
const GAS_MARGIN_DIVISOR: u64 = 4;

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Who is called on the other side.
    pub to: Address,
    /// Wei for it.
    pub value: U256,
    /// Wei for whoever delivers it; into a rollup twice Hub's least when absent, out of it none.
    pub fee: Option<U256>,
    /// Gas of the call.
    pub gas_limit: u64,
    /// Call data.
    pub data: Bytes,
}

impl Outgoing {
    /// Ether for an account without code.
    pub const fn ether(to: Address, value: U256) -> Self {
        Self { to, value, fee: None, gas_limit: PLAIN_GAS, data: Bytes::new() }
    }
}

/// A call that is to become a transaction.
pub(crate) struct Call {
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) value: U256,
    pub(crate) input: Bytes,
}

/// One endpoint: which layer it should be of.
#[derive(Clone, Copy)]
pub(crate) struct On {
    pub(crate) layer: Layer,
    pub(crate) chain_id: u64,
}

impl On {
    fn error(self, source: alloy_transport::TransportError) -> BridgeError {
        BridgeError::of(self.layer, source)
    }

    pub(crate) async fn check<P: Provider + ?Sized>(self, provider: &P) -> Result<(), BridgeError> {
        let found = provider.get_chain_id().await.map_err(|error| self.error(error))?;
        let expected = self.chain_id;
        if found == expected { Ok(()) } else { Err(BridgeError::WrongNetwork { layer: self.layer, expected, found }) }
    }

    /// Sends, and returns as soon as the endpoint has the transaction.
    pub(crate) async fn send<P: Provider + ?Sized>(self, provider: &P, call: Call) -> Result<B256, BridgeError> {
        let Call { from, to, value, input } = call;
        self.check(provider).await?;
        let balance = provider.get_balance(from).await.map_err(|error| self.error(error))?;
        if balance < value {
            return Err(BridgeError::InsufficientBalance { layer: self.layer, account: from, balance, needed: value });
        }
        let request = TransactionRequest::default().with_from(from).with_to(to).with_value(value);
        let request = TransactionRequest { input: TransactionInput::both(input), ..request };
        let gas = provider.estimate_gas(request.clone()).await.map_err(|error| self.error(error))?;
        let request = request.with_gas_limit(gas.saturating_add(gas / GAS_MARGIN_DIVISOR));
        let sent = provider.send_transaction(request).await.map_err(|error| self.error(error))?;
        Ok(*sent.tx_hash())
    }

    /// Waits for a receipt that says success.
    pub(crate) async fn included<P: Provider + ?Sized>(
        self,
        provider: &P,
        hash: B256,
        patience: Patience,
    ) -> Result<TransactionReceipt, BridgeError> {
        let look = || async move { provider.get_transaction_receipt(hash).await.map_err(|error| self.error(error)) };
        let receipt = patience.wait("the receipt", look).await?;
        if receipt.status() { Ok(receipt) } else { Err(BridgeError::Failed { layer: self.layer, hash }) }
    }

    /// Reads a view of a contract.
    pub(crate) async fn view<P: Provider + ?Sized, C: SolCall>(
        self,
        provider: &P,
        to: Address,
        call: C,
    ) -> Result<C::Return, BridgeError> {
        let input = TransactionInput::both(call.abi_encode().into());
        let request = TransactionRequest { input, ..Default::default() }.with_to(to);
        let answer = provider.call(request).block(BlockNumberOrTag::Latest.into()).await;
        let answer = answer.map_err(|error| self.error(error))?;
        let malformed = |error: alloy_sol_types::Error| BridgeError::Malformed {
            layer: self.layer,
            what: format!("{to}: {}: {error}", C::SIGNATURE),
        };
        C::abi_decode_returns(&answer).map_err(malformed)
    }
}
