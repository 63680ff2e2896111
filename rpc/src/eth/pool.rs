//! The pool for explorers.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::Transaction as _;
use alloy_primitives::Address;

use super::transactions::pooled;
use crate::{
    Backend,
    api::{
        RpcTransaction,
        txpool::{ByNonce, Content, ContentFrom},
    },
    seams::Pooled,
};

type BySender = BTreeMap<Address, BTreeMap<u64, Arc<Pooled>>>;

impl Backend {
    pub(crate) fn pool_content(&self) -> Content<RpcTransaction> {
        let content = self.submit.content(None);
        Content { pending: each(content.pending, pooled), queued: each(content.queued, pooled) }
    }

    pub(crate) fn pool_content_from(&self, sender: Address) -> ContentFrom {
        let content = self.submit.content(Some(sender));
        let of = |part: BySender| each(part, pooled).remove(&sender).unwrap_or_default();
        ContentFrom { pending: of(content.pending), queued: of(content.queued) }
    }

    pub(crate) fn pool_inspect(&self) -> Content<String> {
        let content = self.submit.content(None);
        Content { pending: each(content.pending, line), queued: each(content.queued, line) }
    }
}

fn each<T>(part: BySender, show: impl Fn(&Pooled) -> T) -> BTreeMap<Address, ByNonce<T>> {
    let by_nonce = |nonces: BTreeMap<u64, Arc<Pooled>>| {
        nonces.into_iter().map(|(nonce, transaction)| (nonce.to_string(), show(&transaction))).collect()
    };
    part.into_iter().map(|(sender, nonces)| (sender, by_nonce(nonces))).collect()
}

/// geth's line, which explorers split at its words.
fn line(pooled: &Pooled) -> String {
    let transaction = &pooled.transaction;
    let to = transaction.to().map_or("contract creation".to_owned(), |to| to.to_string());
    let (value, gas, price) = (transaction.value(), transaction.gas_limit(), transaction.max_fee_per_gas());
    format!("{to}: {value} wei + {gas} gas × {price} wei")
}
