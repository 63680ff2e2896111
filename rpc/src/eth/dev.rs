//! Keys in the node and blocks on demand, where a [`Dev`](crate::Dev) part exists.

use std::sync::Arc;

use alloy_consensus::SignableTransaction;
use alloy_primitives::{Address, Bytes, U256, eip191_hash_message};
use alloy_rpc_types_eth::TransactionRequest;

use super::fill::encode_signed;
use crate::{
    Backend, RpcError,
    seams::{Dev, DevError},
};

impl From<DevError> for RpcError {
    fn from(error: DevError) -> Self {
        Self::Halted { reason: error.to_string() }
    }
}

impl Backend {
    fn dev(&self) -> Result<&Arc<dyn Dev>, RpcError> {
        self.dev.as_ref().ok_or_else(|| RpcError::internal("a development method is served without its part"))
    }

    pub(crate) fn dev_sign_message(&self, account: Address, message: &[u8]) -> Result<Bytes, RpcError> {
        let signature = self.dev()?.sign(account, eip191_hash_message(message));
        let signature = signature.ok_or(RpcError::UnknownAccount { account })?;
        Ok(signature.as_bytes().into())
    }

    pub(crate) fn dev_sign_transaction(&self, mut request: TransactionRequest) -> Result<Bytes, RpcError> {
        let dev = self.dev()?;
        if request.from.is_none() {
            request.from = dev.accounts().first().copied();
        }
        let (tx, account) = self.complete(request)?;
        let signature = dev.sign(account, tx.signature_hash()).ok_or(RpcError::UnknownAccount { account })?;
        Ok(encode_signed(tx, signature))
    }

    pub(crate) async fn dev_mine(&self, blocks: u64) -> Result<(), RpcError> {
        let limit = self.limits.dev_blocks;
        if blocks > limit {
            return Err(RpcError::params(format!("at most {limit} blocks at once")));
        }
        Ok(self.dev()?.mine(blocks).await?)
    }

    pub(crate) fn dev_increase_time(&self, seconds: u64) -> Result<u64, RpcError> {
        Ok(self.dev()?.increase_time(seconds)?)
    }

    pub(crate) fn dev_set_balance(&self, account: Address, wei: U256) -> Result<(), RpcError> {
        Ok(self.dev()?.set_balance(account, wei)?)
    }
}
