//! `rollup_getDepositStatus`: a message into the rollup from the L1 transaction that sent it to what became of it.

use bridge::status::{DepositState, DepositStatus, MessageKey, NamedBy};

use jsonrpsee::core::RpcResult;

use super::{
    SentOnL1,
    messages::{Places, state},
};
use crate::{Backend, RpcError, api::Api};

impl Api {
    pub(crate) async fn deposit_status_of(&self, key: MessageKey) -> RpcResult<Option<Vec<DepositStatus>>> {
        let backend = &self.0;
        let sent = match key {
            MessageKey::Transaction(hash) => {
                let Some(sent) = backend.ask_l1(|l1| l1.sent_by(hash)).await? else { return Ok(None) };
                if sent.is_empty() {
                    let what = format!("L1 transaction {hash} sent no message into this rollup");
                    return Err(RpcError::NoMessage { what }.into());
                }
                sent.into_iter().map(|sent| (sent.message.index, Some(sent))).collect()
            }
            MessageKey::Index { index } => {
                let relayed = self.0.read(move |backend| Ok(backend.chain.delivery(index)?.is_some())).await?;
                // The relay's own calldata says what L1's logs would.
                let sent = if relayed { None } else { backend.ask_l1(|l1| l1.sent(index)).await? };
                if !relayed && sent.is_none() {
                    return Ok(None);
                }
                vec![(index, sent)]
            }
        };
        let statuses = move |backend: &Backend| {
            let mut places = Places::new(backend);
            sent.into_iter().map(|(index, sent)| backend.deposit(&mut places, index, sent)).collect()
        };
        self.0.read(statuses).await.map(Some)
    }
}

impl Backend {
    fn deposit(&self, places: &mut Places<'_>, index: u64, sent: Option<SentOnL1>) -> Result<DepositStatus, RpcError> {
        let delivery = self.chain.delivery(index)?;
        let named = self.named_by(index)?;
        let (message, at) = sent.map(|SentOnL1 { message, at }| (message, at)).unzip();
        let Some(delivery) = delivery else {
            let status = if named.is_some() { DepositState::Named } else { DepositState::Waiting };
            let leaf = message.as_ref().map(bridge::message::Message::leaf);
            let message = message.map(Into::into);
            return Ok(DepositStatus { index, status, message, leaf, sent: at, named, relayed: None, ended: None });
        };
        let message = match message.filter(|message| message.leaf() == delivery.leaf) {
            Some(message) => Some(message),
            None => places.relayed(delivery.relayed.at, index, delivery.leaf)?,
        };
        Ok(DepositStatus {
            index,
            status: state(&delivery),
            message: message.map(Into::into),
            leaf: Some(delivery.leaf),
            sent: at,
            named,
            relayed: Some(places.place(delivery.relayed.at)?),
            ended: delivery.ended.map(|step| places.place(step.at)).transpose()?,
        })
    }

    /// The first landed block that names message `index`. Landed blocks name ever more, so this takes the logarithm of their number in reads.
    fn named_by(&self, index: u64) -> Result<Option<NamedBy>, RpcError> {
        let (mut low, mut high) = (1, self.heads.safe().saturating_add(1));
        let mut found = None;
        while low < high {
            let middle = low + (high - low) / 2;
            let Some(landed) = self.chain.landing(middle)? else { return Ok(None) };
            if landed.inbox_count > index {
                found = Some(NamedBy {
                    block_number: middle,
                    block_hash: landed.block_hash,
                    l1_transaction: landed.l1_tx_hash,
                });
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(found)
    }
}
