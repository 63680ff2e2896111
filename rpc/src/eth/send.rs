//! The way in: `eth_sendRawTransaction` and its waiting sibling.

use std::{sync::Arc, time::Duration};

use alloy_consensus::{Transaction as _, transaction::PooledTransaction};
use alloy_eips::{Typed2718, eip2718::Decodable2718};
use alloy_primitives::{B256, Bytes, U64, U256};
use serde::{Deserialize, Deserializer};

use crate::{Backend, RpcError, SubmitError, api::RpcReceipt};

/// EIP-2718 type of blob transactions.
const BLOB_TYPE: u8 = 3;
/// First byte from which a transaction is a legacy one: an RLP list.
const LEGACY_FROM: u8 = 0xc0;
/// Bytes that one blob adds in the network encoding: blob, commitment, 128 cell proofs (EIP-7594), length prefixes.
const BLOB_BYTES: usize = 131_072 + 48 + 128 * 48 + 256;
/// Blobs in one transaction, at most, whatever the fork (EIP-7594: 6; room for later schedules).
const BLOBS: usize = 9;

/// Milliseconds to wait, as an integer (EIP-7966) or in hex (some servers take only that, so clients send it).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeoutParam(pub u64);

impl<'de> Deserialize<'de> for TimeoutParam {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Integer(u64),
            Hex(U64),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Integer(ms) => Self(ms),
            Either::Hex(ms) => Self(ms.to()),
        })
    }
}

impl Backend {
    pub(crate) async fn send_raw(&self, raw: Bytes) -> Result<B256, RpcError> {
        self.check_raw(&raw)?;
        Ok(self.submit.submit(raw).await?)
    }

    /// What the server alone can say about a transaction: size, type, chain, and a price that looks like a mistake.
    fn check_raw(&self, raw: &Bytes) -> Result<(), SubmitError> {
        let first = *raw.first().ok_or_else(|| SubmitError::Decode("no bytes".into()))?;
        let blobs = first == BLOB_TYPE;
        if self.spec.is_rollup() && blobs {
            return Err(SubmitError::TypeNotValid { ty: first });
        }
        let limit = self.limits.transaction_bytes + if blobs { BLOBS * BLOB_BYTES } else { 0 };
        if raw.len() > limit {
            return Err(SubmitError::Oversized { size: raw.len(), limit });
        }
        if first < LEGACY_FROM && first > 4 {
            return Err(SubmitError::TypeNotValid { ty: first });
        }
        let transaction = match PooledTransaction::decode_2718_exact(raw) {
            Ok(transaction) => transaction,
            // A sidecar of the older form, or none: the pool knows what to tell its sender.
            Err(_) if blobs => return Ok(()),
            Err(error) => return Err(SubmitError::Decode(error.to_string())),
        };
        match transaction.chain_id() {
            None => return Err(SubmitError::Unprotected),
            Some(have) if have != self.spec.chain_id => {
                return Err(SubmitError::WrongChain { have, want: self.spec.chain_id });
            }
            Some(_) => {}
        }
        debug_assert!(transaction.ty() <= 4, "decoded types are those above");
        let cap_wei = self.limits.transaction_fee_cap_wei;
        let gas_fee = U256::from(transaction.gas_limit()) * U256::from(transaction.max_fee_per_gas());
        let blob_gas = transaction.blob_gas_used().unwrap_or(0);
        let blob_fee = U256::from(blob_gas) * U256::from(transaction.max_fee_per_blob_gas().unwrap_or(0));
        let fee_wei = gas_fee + blob_fee;
        if !cap_wei.is_zero() && fee_wei > cap_wei {
            return Err(SubmitError::FeeAboveCap { fee_wei, cap_wei });
        }
        Ok(())
    }

    pub(crate) async fn send_raw_sync(
        self: &Arc<Self>,
        raw: Bytes,
        timeout: Option<TimeoutParam>,
    ) -> Result<RpcReceipt, RpcError> {
        let wait = timeout.map_or(self.limits.sync_default, |TimeoutParam(ms)| Duration::from_millis(ms));
        let wait = wait.min(self.limits.sync_max);
        // Before the transaction can be included, or its block could be missed.
        let mut heads = self.heads.watch();
        let hash = self.send_raw(raw).await?;
        self.check_gap(hash)?;
        let included = async {
            loop {
                let found = self.read(move |backend| backend.receipt(hash)).await;
                match found {
                    Ok(Some(receipt)) => return Ok(receipt),
                    Ok(None) => {}
                    Err(error) => return Err(RpcError::internal(error)),
                }
                if heads.changed().await.is_err() {
                    return Err(RpcError::internal("the node is stopping"));
                }
            }
        };
        let timeout_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tokio::time::timeout(wait, included).await.unwrap_or(Err(RpcError::SyncTimeout { hash, timeout_ms }))
    }

    fn check_gap(&self, hash: B256) -> Result<(), RpcError> {
        let Some(pooled) = self.submit.transaction(hash) else { return Ok(()) };
        if pooled.executable {
            return Ok(());
        }
        let sender = pooled.transaction.signer();
        let (_, state) = self.state_of(alloy_eips::BlockId::pending())?;
        let nonce = state.account(sender)?.unwrap_or_default().nonce;
        Err(RpcError::SyncNonceGap { hash, expected: self.submit.next_nonce(sender, nonce) })
    }
}
