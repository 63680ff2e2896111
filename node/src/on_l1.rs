//! What RPC asks L1 about messages, answered by the L1 endpoint that is believed now. It must not know what is done with the answers.

use alloy_eips::BlockId;
use alloy_primitives::B256;
use bridge::status::L1Place;
use chainspec::RollupConfig;
use futures::future::BoxFuture;
use l1::{HubReader, L1Error, L1Rpc};
use rpc::rollup::{BridgeOnL1, L1Fault, OutboxOnL1, SentOnL1};

/// Asks L1 about the messages of one rollup.
#[derive(Debug)]
pub struct OnL1 {
    rpc: L1Rpc,
    hub: HubReader,
    /// L1 block of the registration: no message is older.
    first: u64,
}

impl OnL1 {
    /// For the rollup of this chain file.
    pub fn new(rpc: L1Rpc, config: &RollupConfig) -> Self {
        let hub = HubReader::new(rpc.clone(), config.hub, config.genesis.config.chain_id);
        Self { rpc, hub, first: config.hub_block }
    }
}

fn fault(error: L1Error) -> L1Fault {
    L1Fault(error.to_string())
}

impl BridgeOnL1 for OnL1 {
    fn sent_by(&self, transaction: B256) -> BoxFuture<'_, Result<Option<Vec<SentOnL1>>, L1Fault>> {
        Box::pin(async move {
            let Some(receipt) = self.rpc.receipt(transaction).await.map_err(fault)? else { return Ok(None) };
            let (Some(block_number), Some(block_hash)) = (receipt.block_number, receipt.block_hash) else {
                return Ok(None);
            };
            let at = L1Place { block_number, block_hash, transaction_hash: transaction };
            Ok(Some(self.hub.messages_in(&receipt).into_iter().map(|message| SentOnL1 { message, at }).collect()))
        })
    }

    fn sent(&self, index: u64) -> BoxFuture<'_, Result<Option<SentOnL1>, L1Fault>> {
        Box::pin(async move {
            let Some((message, log)) = self.hub.message(index, self.first).await.map_err(fault)? else {
                return Ok(None);
            };
            let (Some(block_number), Some(block_hash), Some(transaction_hash)) =
                (log.block_number, log.block_hash, log.transaction_hash)
            else {
                return Err(L1Fault("eth_getLogs: a log without its block".into()));
            };
            Ok(Some(SentOnL1 { message, at: L1Place { block_number, block_hash, transaction_hash } }))
        })
    }

    fn outbox(&self) -> BoxFuture<'_, Result<OutboxOnL1, L1Fault>> {
        Box::pin(async {
            let rollup = self.hub.rollup(BlockId::latest()).await.map_err(fault)?;
            Ok(OutboxOnL1 { landed: rollup.number, epoch: rollup.outbox_epoch, block: rollup.outbox_block })
        })
    }

    fn is_claimed(&self, index: u64) -> BoxFuture<'_, Result<bool, L1Fault>> {
        Box::pin(async move { self.hub.is_claimed(index).await.map_err(fault) })
    }
}
