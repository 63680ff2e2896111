//! Hub's views, read by `eth_call`, and its messages, found by `eth_getLogs`.

use crate::{L1Error, L1Head, L1Rpc, decode};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, U256};
use alloy_rpc_types_eth::{
    BlockOverrides, Filter, Log, TransactionInput, TransactionReceipt, TransactionRequest,
    state::{AccountOverride, StateOverride},
};
use alloy_sol_types::{SolCall, SolEvent};
use bridge::{
    abi::Hub,
    message::{InboxChain, MAX_MESSAGE_DATA, Message},
};
use engine::{InboxEntry, L1Ref};

/// How many L1 blocks one `eth_getLogs` covers; public endpoints refuse more than 10,000.
const LOG_WINDOW: u64 = 5_000;

/// How many such windows a search for one message goes back: two weeks of L1. An older one was relayed, and the rollup's own chain knows it.
const SEARCH_WINDOWS: u64 = 20;

/// Who asks whether Hub would take a message.
const SOMEBODY_RICH: Address = Address::repeat_byte(0xa5);

/// What Hub holds for a rollup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollupOnL1 {
    /// Hash of the landed head.
    pub head_hash: B256,
    /// Its state root.
    pub state_root: B256,
    /// Its number.
    pub number: u64,
    /// Its base fee, wei per gas.
    pub base_fee: u64,
    /// Its L1 origin.
    pub origin_number: u64,
    /// Inbox count that it named.
    pub inbox_consumed: u64,
    /// Messages in the inbox.
    pub inbox_count: u64,
    /// Rolling hash of the inbox.
    pub inbox_hash: B256,
    /// Number of outbox roots proven so far.
    pub outbox_epoch: u64,
    /// Block under whose state root the last of them was proven.
    pub outbox_block: u64,
    /// Ether that backs the rollup's, wei.
    pub escrow: U256,
}

/// How a rollup was registered, from Hub's event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Hash of the L2 genesis block.
    pub genesis_hash: B256,
    /// Ether that was escrowed for the genesis balances, wei.
    pub escrow: U256,
}

/// Reads one rollup's part of one Hub.
#[derive(Clone, Debug)]
pub struct HubReader {
    rpc: L1Rpc,
    hub: Address,
    chain_id: u64,
}

impl HubReader {
    /// For the rollup `chain_id` in Hub at `hub`.
    pub const fn new(rpc: L1Rpc, hub: Address, chain_id: u64) -> Self {
        Self { rpc, hub, chain_id }
    }

    /// Hub's state of the rollup at `block`. A Hub that is not there, or does not know the rollup, is an error that
    /// says so.
    pub async fn rollup(&self, block: BlockId) -> Result<RollupOnL1, L1Error> {
        let state = self.view(Hub::rollupCall { chainId: self.chain_id }, "Hub.rollup", block).await?;
        if state.headHash.is_zero() {
            return Err(self.malformed(format!("Hub {} knows no rollup {}", self.hub, self.chain_id)));
        }
        Ok(RollupOnL1 {
            head_hash: state.headHash,
            state_root: state.stateRoot,
            number: state.number,
            base_fee: state.baseFee,
            origin_number: state.originNumber,
            inbox_consumed: state.inboxConsumed,
            inbox_count: state.inboxCount,
            inbox_hash: state.inboxHash,
            outbox_epoch: state.outboxEpoch,
            outbox_block: state.outboxBlock,
            escrow: state.escrow,
        })
    }

    /// How the rollup was registered in the L1 block of `head`; `None` when it was not, or not there. Proven by the block's
    /// receipts root.
    pub async fn registration(&self, head: &L1Head) -> Result<Option<Registration>, L1Error> {
        let Some(receipts) = self.rpc.receipts(head).await? else { return Ok(None) };
        let logs = receipts.iter().flat_map(|receipt| receipt.inner.logs());
        for log in logs.filter(|log| log.address() == self.hub) {
            if let Ok(event) = Hub::RollupRegistered::decode_log(&log.inner)
                && event.chainId == self.chain_id
            {
                return Ok(Some(Registration { genesis_hash: event.genesisHash, escrow: event.escrow }));
            }
        }
        Ok(None)
    }

    /// The messages behind `from` that were sent in L1 blocks `first..=last`, ascending: none is missing and none is another, by Hub's count and
    /// rolling hash at the L1 head, whose state every endpoint has.
    ///
    /// # Errors
    /// [`L1Error::Behind`] and [`L1Error::ShortInbox`], which another try may heal, and whatever reading gives.
    pub async fn inbox(&self, from: InboxChain, first: u64, last: u64) -> Result<Vec<(L1Ref, InboxEntry)>, L1Error> {
        let behind = L1Error::Behind { number: last };
        let Some(head) = self.rpc.header(BlockNumberOrTag::Latest).await? else { return Err(behind) };
        let number = head.at.number;
        if number < last {
            return Err(behind);
        }
        let mut found = self.messages(from.count, first, number).await?;
        let on_l1 = self.rollup(BlockId::hash(head.at.hash)).await?;
        let mut reached = from;
        for (_, entry) in &found {
            if entry.message.index != reached.count {
                break;
            }
            reached.push(entry.message.leaf());
        }
        if (reached.count, reached.hash) != (on_l1.inbox_count, on_l1.inbox_hash) {
            return Err(L1Error::ShortInbox { number, listed: reached.count, counted: on_l1.inbox_count });
        }
        found.retain(|(at, _)| at.number <= last);
        Ok(found)
    }

    /// Messages with an index of at least `first` that were sent in L1 blocks `from..=to`, ascending.
    ///
    /// What a log says is not checked here: the rolling hash that Hub and the L2 anchor hold decides, see [`HubReader::inbox`].
    pub async fn messages(&self, first: u64, from: u64, to: u64) -> Result<Vec<(L1Ref, InboxEntry)>, L1Error> {
        let mut found = Vec::new();
        for log in self.logs_of(Hub::MessageSent::SIGNATURE_HASH, from, to).await? {
            let (Some(number), Some(hash)) = (log.block_number, log.block_hash) else {
                return Err(self.malformed("eth_getLogs: a log without its block".into()));
            };
            let event = Hub::MessageSent::decode_log(&log.inner)
                .map_err(|error| L1Error::UnknownEvent { number, reason: error.to_string() })?;
            let entry = decode::inbox_entry(event.data);
            if entry.message.index >= first {
                found.push((L1Ref { number, hash }, entry));
            }
        }
        found.sort_by_key(|(_, entry)| entry.message.index);
        Ok(found)
    }

    /// The messages into the rollup that a transaction sent, by its receipt, in order.
    pub fn messages_in(&self, receipt: &TransactionReceipt) -> Vec<Message> {
        let logs = receipt.inner.logs().iter().filter(|log| log.address() == self.hub);
        let events = logs.filter_map(|log| Hub::MessageSent::decode_log(&log.inner).ok());
        events.filter(|event| event.dstChainId == self.chain_id).map(|event| event.data.message.into()).collect()
    }

    /// Message `index` into the rollup and the log that says so, if it was sent in one of the last [`SEARCH_WINDOWS`] times [`LOG_WINDOW`] L1
    /// blocks, and not before `first`.
    pub async fn message(&self, index: u64, first: u64) -> Result<Option<(Message, Log)>, L1Error> {
        let Some(head) = self.rpc.header(BlockNumberOrTag::Latest).await? else { return Ok(None) };
        if index >= self.rollup(BlockId::hash(head.at.hash)).await?.inbox_count {
            return Ok(None);
        }
        let mut end = head.at.number;
        for _ in 0..SEARCH_WINDOWS {
            let start = end.saturating_sub(LOG_WINDOW - 1).max(first);
            let filter = Filter::new()
                .address(self.hub)
                .event_signature(Hub::MessageSent::SIGNATURE_HASH)
                .topic1(U256::from(self.chain_id))
                .topic2(U256::from(index))
                .from_block(start)
                .to_block(end);
            for log in self.rpc.logs(&filter).await? {
                if let Ok(event) = Hub::MessageSent::decode_log(&log.inner) {
                    return Ok(Some((event.data.message.into(), log)));
                }
            }
            if start <= first {
                break;
            }
            end = start - 1;
        }
        Ok(None)
    }

    /// Whether message `index` out of the rollup was claimed, at the head of L1.
    pub async fn is_claimed(&self, index: u64) -> Result<bool, L1Error> {
        let call = Hub::isClaimedCall { srcChainId: self.chain_id, index };
        self.view(call, "Hub.isClaimed", BlockId::latest()).await
    }

    /// Indices of the rollup's outbox messages that were forwarded in L1 blocks `from..=to`. As with [`Self::messages`], what a log says is
    /// not checked here: Hub forwards a message once, whatever is believed.
    pub async fn forwarded(&self, from: u64, to: u64) -> Result<Vec<u64>, L1Error> {
        let decode = |log: Log| {
            let number = log.block_number.unwrap_or(to);
            let event = Hub::MessageForwarded::decode_log(&log.inner);
            let event = event.map_err(|error| L1Error::UnknownEvent { number, reason: error.to_string() })?;
            Ok(event.srcIndex)
        };
        self.logs_of(Hub::MessageForwarded::SIGNATURE_HASH, from, to).await?.into_iter().map(decode).collect()
    }

    /// Hub's logs of one event that concern the rollup, in L1 blocks `from..=to`, a window at a time.
    async fn logs_of(&self, event: B256, from: u64, to: u64) -> Result<Vec<Log>, L1Error> {
        let mut found = Vec::new();
        let mut start = from;
        while start <= to {
            let end = start.saturating_add(LOG_WINDOW - 1).min(to);
            let filter = Filter::new()
                .address(self.hub)
                .event_signature(event)
                .topic1(U256::from(self.chain_id))
                .from_block(start)
                .to_block(end);
            found.extend(self.rpc.logs(&filter).await?);
            start = end + 1;
        }
        Ok(found)
    }

    /// Whether Hub would append a message to the rollup's inbox at `block`: asked for the same message as if somebody rich sent it there on
    /// L1. Room that only returned messages have is not asked for.
    pub async fn admits(&self, message: &Message, block: BlockId) -> Result<bool, L1Error> {
        let Some(value) = message.value.checked_add(message.fee) else { return Ok(false) };
        let Message { to, fee, gas_limit, .. } = *message;
        let data = message.data.slice(..message.data.len().min(MAX_MESSAGE_DATA));
        let call = Hub::sendMessageCall { dstChainId: self.chain_id, to, fee, gasLimit: gas_limit, data };
        let request = TransactionRequest {
            from: Some(SOMEBODY_RICH),
            value: Some(value),
            input: TransactionInput::both(call.abi_encode().into()),
            ..Default::default()
        }
        .to(self.hub);
        let rich = AccountOverride { balance: Some(U256::MAX), ..Default::default() };
        let states: StateOverride = [(SOMEBODY_RICH, rich)].into_iter().collect();
        match self.rpc.call_as_if(request, block, states, BlockOverrides::default()).await {
            Ok(_) => Ok(true),
            Err(L1Error::Answer { data: Some(_), .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn view<C: SolCall>(&self, call: C, name: &str, block: BlockId) -> Result<C::Return, L1Error> {
        let answer = self.rpc.call(self.hub, call.abi_encode().into(), block).await?;
        if answer.is_empty() {
            return Err(self.malformed(format!("{name}: no contract at {} (chain file: hub)", self.hub)));
        }
        C::abi_decode_returns(&answer).map_err(|error| self.malformed(format!("{name}: {error}")))
    }

    fn malformed(&self, what: String) -> L1Error {
        L1Error::Malformed { url: self.rpc.url().to_owned(), what }
    }
}
