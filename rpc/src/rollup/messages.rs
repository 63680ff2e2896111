//! Messages of a rollup as its own chain tells them: lists by filter, and where each of them stands in a block.
//! Must not know L1.

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use bridge::{
    abi::Messenger,
    message::Message,
    status::{
        DepositState, Direction, L2Place, ListedMessage, MessageFilter, Messages, Withdrawal, WithdrawalFilter,
        Withdrawals,
    },
};
use chainspec::predeploys::MESSENGER;
use execution::block::SealedHeader;
use storage::{Body, Delivery, LogPosition, Outcome, Sent};

use crate::{Backend, RpcError};

/// Reads places in blocks; what stands together is read together.
pub(super) struct Places<'a> {
    backend: &'a Backend,
    block: Option<(SealedHeader, Body)>,
    /// The relay that was decoded last, and where it stands.
    relay: Option<(u64, u32, Vec<Message>)>,
}

impl<'a> Places<'a> {
    pub(super) const fn new(backend: &'a Backend) -> Self {
        Self { backend, block: None, relay: None }
    }

    fn block(&mut self, number: u64) -> Result<&(SealedHeader, Body), RpcError> {
        if self.block.as_ref().is_none_or(|(header, _)| header.number != number) {
            // Unwound since its number was read: as good as unknown.
            let gone = || self.backend.unknown(number.into());
            let header = self.backend.chain.header(number)?.ok_or_else(gone)?;
            let body = self.backend.chain.body(header.hash())?.ok_or_else(gone)?;
            self.block = Some((header, body));
        }
        self.block.as_ref().ok_or_else(|| RpcError::internal("a block that was just read"))
    }

    /// The transaction at `at`.
    pub(super) fn place(&mut self, at: LogPosition) -> Result<L2Place, RpcError> {
        let stage = self.backend.stage(at.number);
        let (header, body) = self.block(at.number)?;
        let transaction = body.transactions.get(at.transaction as usize);
        let transaction = transaction.ok_or_else(|| RpcError::internal(format!("no transaction at {at:?}")))?;
        Ok(L2Place {
            block_number: at.number,
            block_hash: header.hash(),
            timestamp: header.timestamp,
            transaction_hash: *transaction.tx_hash(),
            stage,
        })
    }

    /// Message `index` with this leaf, from the calldata of the relay at `at`; `None` where that is no call of the Messenger.
    pub(super) fn relayed(&mut self, at: LogPosition, index: u64, leaf: B256) -> Result<Option<Message>, RpcError> {
        if !matches!(&self.relay, Some((number, place, _)) if (*number, *place) == (at.number, at.transaction)) {
            let (_, body) = self.block(at.number)?;
            let call = match body.transactions.get(at.transaction as usize) {
                Some(relay) if relay.to() == Some(MESSENGER) => Messenger::relayCall::abi_decode(relay.input()).ok(),
                _ => None,
            };
            let messages = call.map(|call| call.messages.into_iter().map(Into::into).collect());
            self.relay = Some((at.number, at.transaction, messages.unwrap_or_default()));
        }
        let messages = self.relay.iter().flat_map(|(_, _, messages)| messages);
        // By its leaf: who relays can put anything beside the call.
        let mut with_index = messages.filter(|message| message.index == index);
        Ok(with_index.find(|message| message.leaf() == leaf).cloned())
    }

    pub(super) fn withdrawal(&mut self, sent: Sent) -> Result<Withdrawal, RpcError> {
        Ok(Withdrawal { message: sent.message.into(), leaf: sent.leaf, sent: self.place(sent.at)? })
    }
}

/// Where a message stands after what was last done with it.
pub(super) fn state(delivery: &Delivery) -> DepositState {
    match delivery.last().outcome {
        Outcome::Delivered => DepositState::Delivered,
        Outcome::Failed => DepositState::Failed,
        Outcome::Retried => DepositState::Retried,
        Outcome::Refunded => DepositState::Refunded,
    }
}

impl Backend {
    /// How many of `limit` are given at most.
    fn message_limit(&self, limit: Option<u64>) -> usize {
        let most = self.limits.message_results;
        limit.map_or(most, |limit| usize::try_from(limit).unwrap_or(most).clamp(1, most))
    }

    pub(crate) fn withdrawals(&self, party: Address, filter: &WithdrawalFilter) -> Result<Withdrawals, RpcError> {
        self.rollup()?;
        let first = match filter.from_block {
            Some(from) => self.sent_before(from)?,
            None => 0,
        };
        let mut below = filter.cursor.unwrap_or(u64::MAX);
        if let Some(to) = filter.to_block {
            below = below.min(self.sent_before(to.saturating_add(1))?);
        }
        let limit = self.message_limit(filter.limit);
        let mut indices = self.chain.outbox_of(party, below, limit + 1)?;
        indices.retain(|index| *index >= first);
        let more = indices.len() > limit;
        indices.truncate(limit);
        let next = indices.last().copied().filter(|_| more);
        let mut places = Places::new(self);
        let sent = self.chain.sent(indices)?;
        let withdrawals = sent.into_iter().map(|sent| places.withdrawal(sent)).collect::<Result<_, _>>()?;
        Ok(Withdrawals { withdrawals, next })
    }

    /// How many messages were sent out of the rollup below block `number`.
    fn sent_before(&self, number: u64) -> Result<u64, RpcError> {
        let Some(last) = number.checked_sub(1) else { return Ok(0) };
        Ok(self.chain.outbox_count_at(last.min(self.chain.head().number))?)
    }

    pub(crate) fn messages(&self, filter: &MessageFilter) -> Result<Messages, RpcError> {
        self.rollup()?;
        match filter.direction {
            Direction::Out => self.messages_out(filter),
            Direction::In => self.messages_in(filter),
        }
    }

    fn messages_out(&self, filter: &MessageFilter) -> Result<Messages, RpcError> {
        let (limit, scan) = (self.message_limit(filter.limit), self.limits.message_scan);
        let first = self.sent_before(filter.from_block.unwrap_or(0))?.max(filter.from_index.unwrap_or(0));
        let end = self.sent_before(filter.to_block.map_or(u64::MAX, |to| to.saturating_add(1)))?;
        let stop = end.min(first.saturating_add(scan));
        let mut places = Places::new(self);
        let mut messages = Vec::new();
        for sent in self.chain.sent(first..stop)? {
            let index = sent.message.index;
            if !wanted(filter, &sent.message, sent.message.dst_chain_id) {
                continue;
            }
            if messages.len() == limit {
                return Ok(Messages { messages, next: Some(index) });
            }
            let Withdrawal { message, leaf, sent: at } = places.withdrawal(sent)?;
            messages.push(ListedMessage { index, message: Some(message), leaf, at, status: None });
        }
        Ok(Messages { messages, next: (stop < end).then_some(stop) })
    }

    fn messages_in(&self, filter: &MessageFilter) -> Result<Messages, RpcError> {
        let (limit, scan) = (self.message_limit(filter.limit), self.limits.message_scan as usize);
        let mut first = filter.from_index.unwrap_or(0);
        if let Some(from) = filter.from_block.and_then(|from| from.checked_sub(1)) {
            first = first.max(self.chain.delivered_at(from.min(self.chain.head().number))?);
        }
        let mut places = Places::new(self);
        let mut messages = Vec::new();
        let found = self.chain.deliveries(first, scan)?;
        let next = found.last().filter(|_| found.len() == scan).map(|(index, _)| index + 1);
        for (index, delivery) in found {
            let at = delivery.relayed.at;
            if filter.to_block.is_some_and(|to| at.number > to) {
                return Ok(Messages { messages, next: None });
            }
            let message = places.relayed(at, index, delivery.leaf)?;
            let fits = match &message {
                Some(message) => wanted(filter, message, message.src_chain_id),
                // Nobody knows what it says, so it is listed only where nothing is asked about that.
                None => (filter.sender, filter.to, filter.chain_id) == (None, None, None),
            };
            if !fits {
                continue;
            }
            if messages.len() == limit {
                return Ok(Messages { messages, next: Some(index) });
            }
            let (status, at) = (Some(state(&delivery)), places.place(at)?);
            let message = message.map(Into::into);
            messages.push(ListedMessage { index, message, leaf: delivery.leaf, at, status });
        }
        Ok(Messages { messages, next })
    }
}

fn wanted(filter: &MessageFilter, message: &Message, other_chain: u64) -> bool {
    filter.sender.is_none_or(|sender| sender == message.sender)
        && filter.to.is_none_or(|to| to == message.to)
        && filter.chain_id.is_none_or(|chain_id| chain_id == other_chain)
}
