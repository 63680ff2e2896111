//! Calldata of the landing transaction, from one execution endpoint: the bytes that EXECUTE took. Where a contract between the sender and
//! Hub made the call, its input is not the transaction's, and nothing is here.

use super::{Carrier, CarrierError};
use crate::derive::Payload;
use alloy_sol_types::SolCall;
use bridge::{abi::Hub, landed::LandedError};
use engine::Landing;
use futures::future::BoxFuture;
use l1::L1Rpc;

/// See the module.
#[derive(Debug)]
pub(super) struct Calldata {
    endpoint: L1Rpc,
    name: String,
}

impl Calldata {
    pub(super) fn new(endpoint: L1Rpc) -> Self {
        let name = format!("calldata of {}", endpoint.url());
        Self { endpoint, name }
    }
}

impl Carrier for Calldata {
    fn name(&self) -> &str {
        &self.name
    }

    fn fetch<'a>(&'a self, landing: &'a Landing) -> BoxFuture<'a, Result<Option<Payload>, CarrierError>> {
        Box::pin(async move {
            let Some(input) = self.endpoint.input(landing.l1_transaction).await? else { return Ok(None) };
            let Ok(call) = Hub::advanceCall::abi_decode(&input) else { return Ok(None) };
            match landing.block.content_from_input(&call.executeInput) {
                Ok(content) => Ok(Some(Payload::Content(content))),
                // The input is that of the transaction, by its hash. So this is an inner call, or the endpoint that named the transaction
                // named a wrong one: that is not this endpoint's lie.
                Err(LandedError::BlockHash { .. } | LandedError::Input(_)) => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
    }
}
