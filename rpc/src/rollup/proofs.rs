//! `rollup_getWithdrawalProof` and `rollup_getMessageProof`: what Hub wants to see of a message out of the rollup, ready to be sent.

use alloy_primitives::Bytes;
use alloy_sol_types::SolCall;
use bridge::{
    abi::{self, Hub},
    message::Message,
    status::{
        Claim, HubCall, MessageKey, MessageProof, MessageProofRequest, Prove, Withdrawal, WithdrawalProof,
        WithdrawalState,
    },
};
use storage::Sent;

use jsonrpsee::core::RpcResult;

use super::{OutboxOnL1, messages::Places};
use crate::{Backend, RpcError, api::Api};

impl Api {
    pub(crate) async fn withdrawal_proof_of(&self, key: MessageKey) -> RpcResult<Option<Vec<WithdrawalProof>>> {
        let Some(sent) = self.0.read(move |backend| backend.sent_by(key)).await? else { return Ok(None) };
        let outbox = self.0.ask_l1(|l1| l1.outbox()).await?;
        let mut claimed = Vec::with_capacity(sent.len());
        for sent in &sent {
            let index = sent.message.index;
            claimed.push(outbox.epoch > 0 && self.0.ask_l1(|l1| l1.is_claimed(index)).await?);
        }
        let proofs = move |backend: &Backend| {
            let mut places = Places::new(backend);
            let sent = sent.into_iter().zip(claimed);
            sent.map(|(sent, claimed)| backend.withdrawal_proof(&mut places, sent, outbox, claimed)).collect()
        };
        self.0.read(proofs).await.map(Some)
    }
}

impl Backend {
    /// The messages that `key` means; `None` as long as there is no such transaction or index.
    fn sent_by(&self, key: MessageKey) -> Result<Option<Vec<Sent>>, RpcError> {
        self.rollup()?;
        let hash = match key {
            MessageKey::Index { index } => {
                let sent = self.chain.sent([index])?;
                return Ok((!sent.is_empty()).then_some(sent));
            }
            MessageKey::Transaction(hash) => hash,
        };
        let Some(position) = self.chain.transaction(hash)? else { return Ok(None) };
        let first = position.number.checked_sub(1).map_or(Ok(0), |below| self.chain.outbox_count_at(below))?;
        let end = self.chain.outbox_count_at(position.number)?;
        let mut sent = self.chain.sent(first..end)?;
        sent.retain(|sent| sent.at.transaction == position.index);
        let limit = self.limits.proof_messages;
        if sent.len() > limit {
            return Err(RpcError::TooMany {
                what: "messages of one transaction, ask by index",
                got: sent.len(),
                limit,
            });
        }
        if sent.is_empty() {
            return Err(RpcError::NoMessage { what: format!("transaction {hash} sent no message out of this rollup") });
        }
        Ok(Some(sent))
    }

    fn withdrawal_proof(
        &self,
        places: &mut Places<'_>,
        sent: Sent,
        outbox: OutboxOnL1,
        claimed: bool,
    ) -> Result<WithdrawalProof, RpcError> {
        let (number, message) = (sent.at.number, sent.message.clone());
        let withdrawal = places.withdrawal(sent)?;
        let waiting = |status| WithdrawalProof { withdrawal: withdrawal.clone(), status, prove: None, claim: None };
        if claimed {
            return Ok(waiting(WithdrawalState::Claimed));
        }
        let head = self.chain.head().number;
        if number > outbox.landed {
            return Ok(waiting(WithdrawalState::Sent));
        }
        if outbox.landed > head {
            return Err(RpcError::Behind { landed: outbox.landed, head });
        }
        if outbox.epoch > 0 && number <= outbox.block {
            let claim = Some(self.claim(message, outbox)?);
            return Ok(WithdrawalProof { claim, ..waiting(WithdrawalState::Proven) });
        }
        Ok(WithdrawalProof { prove: Some(self.prove(outbox.landed)?), ..waiting(WithdrawalState::Landed) })
    }

    fn claim(&self, message: Message, outbox: OutboxOnL1) -> Result<Claim, RpcError> {
        let count = self.chain.outbox_count_at(outbox.block)?;
        let (path, root) = self
            .chain
            .outbox_path(message.index, count)?
            .ok_or_else(|| RpcError::internal(format!("message {} is not among the first {count}", message.index)))?;
        let is_for_l1 = message.dst_chain_id == self.rollup()?.config().l1_chain_id;
        let data = if is_for_l1 {
            abi::claim(message, outbox.epoch, &path)
        } else {
            abi::forward(vec![(message, path)], outbox.epoch)
        };
        Ok(Claim { epoch: outbox.epoch, root, path: path.to_vec(), call: self.hub_call(data)? })
    }

    /// Proof of the outbox after block `number`, which has landed.
    fn prove(&self, number: u64) -> Result<Prove, RpcError> {
        let (block_number, proof) = self.chain.outbox_proof(number)?;
        let storage_proof = proof.storage.into_iter().next().map(|slot| slot.proof).unwrap_or_default();
        let call = Hub::proveOutboxCall {
            chainId: self.spec.chain_id,
            blockNumber: block_number,
            accountProof: proof.proof.clone(),
            storageProof: storage_proof.clone(),
        };
        let call = self.hub_call(call.abi_encode().into())?;
        Ok(Prove { block_number, account_proof: proof.proof, storage_proof, call })
    }

    fn hub_call(&self, data: Bytes) -> Result<HubCall, RpcError> {
        Ok(HubCall { to: self.rollup()?.config().hub, data })
    }

    pub(crate) fn message_proof(&self, request: MessageProofRequest) -> Result<Option<MessageProof>, RpcError> {
        let MessageProofRequest { index, block_number } = request;
        self.rollup()?;
        let Some(sent) = self.chain.sent([index])?.pop() else { return Ok(None) };
        let number = block_number.unwrap_or_else(|| self.chain.head().number);
        if number < sent.at.number {
            let what = format!("message {index} was sent in block {}, after block {number}", sent.at.number);
            return Err(RpcError::NoMessage { what });
        }
        let (number, proof) = self.chain.outbox_proof(number)?;
        let count = self.chain.outbox_count_at(number)?;
        let header = self.chain.header(number)?.ok_or_else(|| self.unknown(number.into()))?;
        let found = self.chain.outbox_path(index, count)?;
        let (path, outbox_root) =
            found.ok_or_else(|| RpcError::internal(format!("message {index} is not among the first {count}")))?;
        let withdrawal: Withdrawal = Places::new(self).withdrawal(sent)?;
        Ok(Some(MessageProof {
            withdrawal,
            block_number: number,
            block_hash: header.hash(),
            state_root: header.state_root,
            outbox_count: count,
            outbox_root,
            path: path.to_vec(),
            account_proof: proof.proof,
            storage_proof: proof.storage.into_iter().next().map(|slot| slot.proof).unwrap_or_default(),
        }))
    }
}
