//! JSON-RPC of an execution endpoint: the methods that a node uses, with geth's refusals. What an endpoint's faults do to
//! an answer is decided here.

use super::{
    L1, answers,
    block::Block,
    faults::{EndpointId, Faults, strikes},
    ledger::Frame,
    submit,
    world::World,
};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, U64, U128, U256};
use alloy_rpc_types_eth::{BlockOverrides, Filter, FilterBlockOption, TransactionRequest};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;

/// Blocks of one `eth_getLogs`, as public endpoints have it.
const LOG_BLOCKS_MAX: u64 = 10_000;

/// A JSON-RPC error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct JsonRpcError {
    /// As JSON-RPC and geth number them.
    pub code: i64,
    /// geth's text.
    pub message: String,
    /// What a call reverted with.
    pub data: Option<Bytes>,
}

/// Why a request has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// Nothing comes. The caller's timeout is virtual time and its own.
    #[error("no answer")]
    Silent,
    /// An answer that says no.
    #[error(transparent)]
    Error(#[from] JsonRpcError),
}

pub(super) fn refusal(message: impl Into<String>) -> JsonRpcError {
    JsonRpcError { code: -32_000, message: message.into(), data: None }
}

impl L1 {
    /// One request to one endpoint; `params` is the JSON array.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub fn request(&self, endpoint: EndpointId, method: &str, params: &Value) -> Result<Value, Unanswered> {
        let world = &mut *self.0.lock();
        let faults = world.endpoints[endpoint.0].clone();
        if strikes(faults.silent_percent, &mut world.rng) {
            // The request may have arrived, and only its answer not.
            if method == "eth_sendRawTransaction" && world.rng.chance(1, 2) {
                // Whatever it was, nobody hears.
                let _ = answer(world, &faults, method, params);
            }
            return Err(Unanswered::Silent);
        }
        if strikes(faults.error_percent, &mut world.rng) {
            return Err(JsonRpcError { code: -32_005, message: "rate limit exceeded".into(), data: None }.into());
        }
        Ok(answer(world, &faults, method, params)?)
    }
}

fn param<T: DeserializeOwned>(params: &Value, at: usize) -> Result<T, JsonRpcError> {
    let value = params.get(at).cloned().unwrap_or(Value::Null);
    serde_json::from_value(value).map_err(|error| JsonRpcError {
        code: -32_602,
        message: format!("invalid argument {at}: {error}"),
        data: None,
    })
}

fn answer(world: &mut World, faults: &Faults, method: &str, params: &Value) -> Result<Value, JsonRpcError> {
    let view = View { head: faults.head(world), world };
    // Only what may be missing anywhere: an endpoint without a head would be no endpoint.
    let may_forget =
        matches!(method, "eth_getBlockReceipts" | "eth_getTransactionReceipt" | "eth_getTransactionByHash");
    if method == "eth_getTransactionByHash" && faults.hides_inputs {
        return Ok(Value::Null);
    }
    if may_forget && strikes(faults.forgets_percent, &mut view.world.rng) {
        return Ok(Value::Null);
    }
    Ok(match method {
        "eth_chainId" => answers::json(U64::from(view.world.config.chain_id)),
        "eth_blockNumber" => answers::json(U64::from(view.head.number())),
        "eth_getBlockByNumber" => {
            let found = view.by_number(param(params, 0)?).map(|block| answers::block(&block));
            let mut found = answers::json(found);
            if !found.is_null() && strikes(faults.header_percent, &mut view.world.rng) {
                found["timestamp"] = answers::json(U64::from(view.world.rng.number() >> 20));
            }
            found
        }
        "eth_getBlockReceipts" => {
            let mut receipts = answers::json(view.by_id(param(params, 0)?).map(|block| answers::receipts(&block)));
            if strikes(faults.receipts_percent, &mut view.world.rng)
                && let Some(last) = receipts.as_array_mut().and_then(|receipts| receipts.last_mut())
            {
                answers::forge_receipt(last);
            }
            receipts
        }
        "eth_getLogs" => {
            let is_forged = strikes(faults.logs_percent, &mut view.world.rng);
            view.logs(&param(params, 0)?, is_forged)?
        }
        "eth_call" => {
            let id = param::<Option<BlockId>>(params, 1)?.unwrap_or_default();
            // Overridden states are taken and not needed: Hub knows the hash of every ancestor here.
            let block = param::<Option<BlockOverrides>>(params, 3)?.unwrap_or_default();
            view.call(&param(params, 0)?, id, &block)?
        }
        "eth_estimateGas" => view.estimate(&param(params, 0)?)?,
        "eth_getTransactionCount" => {
            let (address, id): (Address, BlockId) = (param(params, 0)?, param(params, 1)?);
            let count = view.state(id)?.after.account(address).nonce;
            let is_pending = id == BlockId::pending();
            answers::json(U64::from(if is_pending { view.world.pool.next_nonce(address, count) } else { count }))
        }
        "eth_getBalance" => {
            let (address, id): (Address, Option<BlockId>) = (param(params, 0)?, param(params, 1)?);
            answers::json(view.state(id.unwrap_or_default())?.after.account(address).balance)
        }
        "eth_getCode" => {
            let address: Address = param(params, 0)?;
            let config = &view.world.config;
            let is_contract = address == config.hub || config.contracts.contains(&address);
            // Not the contract's code: that there is some.
            answers::json(if is_contract { Bytes::from_static(&[0xfe]) } else { Bytes::new() })
        }
        "eth_blobBaseFee" => answers::json(U128::from(answers::blob_base_fee(&view.head))),
        "eth_sendRawTransaction" => {
            let raw: Bytes = param(params, 0)?;
            let is_swallowed = strikes(faults.swallow_percent, &mut view.world.rng);
            answers::json(submit::send(view.world, &raw, is_swallowed)?)
        }
        "eth_getTransactionReceipt" => {
            let place = view.world.find(&view.head, param(params, 0)?);
            let mut receipt = answers::json(place.map(|(block, at)| answers::receipt(&block, at)));
            if strikes(faults.receipts_percent, &mut view.world.rng) {
                answers::forge_receipt(&mut receipt);
            }
            receipt
        }
        "eth_getTransactionByHash" => {
            let hash: B256 = param(params, 0)?;
            let place = view.world.find(&view.head, hash);
            let included = place.map(|(block, at)| answers::transaction(&block.included[at].sent, Some((&block, at))));
            let waiting = || view.world.pool.by_hash(hash).map(|sent| answers::transaction(sent, None));
            answers::json(included.or_else(waiting))
        }
        _ => {
            let message = format!("the method {method} does not exist/is not available");
            return Err(JsonRpcError { code: -32_601, message, data: None });
        }
    })
}

/// The chain as one endpoint sees it.
struct View<'a> {
    world: &'a mut World,
    head: Arc<Block>,
}

impl View<'_> {
    fn by_number(&self, number: BlockNumberOrTag) -> Option<Arc<Block>> {
        let head = self.head.number();
        let number = match number {
            BlockNumberOrTag::Latest | BlockNumberOrTag::Pending => head,
            // On a branch that left the chain below it, what is final ends where the branch does.
            BlockNumberOrTag::Finalized => self.world.finalised.min(self.world.fork_point(&self.head)),
            BlockNumberOrTag::Safe => head.saturating_sub(self.world.config.safe_blocks),
            BlockNumberOrTag::Earliest => 0,
            BlockNumberOrTag::Number(number) => number,
        };
        self.world.ancestor(&self.head, number).cloned()
    }

    /// By hash also what is not canonical, as nodes have it.
    fn by_id(&self, id: BlockId) -> Option<Arc<Block>> {
        match id {
            BlockId::Number(number) => self.by_number(number),
            BlockId::Hash(hash) => {
                let block = self.world.block(hash.block_hash)?;
                // What a late endpoint has not seen it does not know.
                (block.number() <= self.head.number()).then(|| block.clone())
            }
        }
    }

    fn state(&self, id: BlockId) -> Result<Arc<Block>, JsonRpcError> {
        self.by_id(id).ok_or_else(|| refusal("header not found"))
    }

    fn logs(&self, filter: &Filter, is_forged: bool) -> Result<Value, JsonRpcError> {
        let (blocks, orphans): (Vec<Arc<Block>>, Vec<Arc<Block>>) = match filter.block_option {
            FilterBlockOption::AtBlockHash(hash) => {
                let block = self.world.block(hash).ok_or_else(|| refusal("unknown block"))?;
                (vec![block.clone()], Vec::new())
            }
            FilterBlockOption::Range { from_block, to_block } => {
                let number = |tag: Option<BlockNumberOrTag>| match tag.unwrap_or_default() {
                    BlockNumberOrTag::Number(number) => Some(number),
                    tag => self.by_number(tag).map(|block| block.number()),
                };
                let (from, to) = (number(from_block).unwrap_or_default(), number(to_block).unwrap_or_default());
                if from > to {
                    return Err(JsonRpcError {
                        code: -32_602,
                        message: "invalid block range params".into(),
                        data: None,
                    });
                }
                if to - from >= LOG_BLOCKS_MAX {
                    let message = format!("query exceeds max block range {LOG_BLOCKS_MAX}");
                    return Err(JsonRpcError { code: -32_005, message, data: None });
                }
                let blocks = (from..=to.min(self.head.number()))
                    .filter_map(|number| self.world.ancestor(&self.head, number).cloned());
                let left = self.world.left().iter().filter_map(|hash| self.world.block(*hash).cloned());
                (blocks.collect(), left.filter(|block| (from..=to).contains(&block.number())).collect())
            }
        };
        let mut logs: Vec<_> = blocks.iter().flat_map(|block| answers::matching(block, filter)).collect();
        if is_forged {
            let orphaned: Vec<_> = orphans.iter().flat_map(|block| answers::matching(block, filter)).collect();
            if orphaned.is_empty() {
                logs.pop();
            }
            logs.extend(orphaned);
        }
        Ok(answers::json(logs))
    }

    /// A call of Hub in the context of a block; with `pending`, of the one after the head.
    fn call(&self, request: &TransactionRequest, id: BlockId, block: &BlockOverrides) -> Result<Value, JsonRpcError> {
        let (output, _) = self.run(request, id, block)?;
        Ok(answers::json(output))
    }

    fn estimate(&self, request: &TransactionRequest) -> Result<Value, JsonRpcError> {
        let (_, gas) = self.run(request, BlockId::pending(), &BlockOverrides::default())?;
        let input = request.input.input().map_or(0, |input| input.len()) as u64;
        // Half as much again, as estimates of calls with inner calls are.
        Ok(answers::json(U64::from((gas + gas / 2).max(super::ledger::TRANSFER_GAS + 64 * input))))
    }

    fn run(
        &self,
        request: &TransactionRequest,
        id: BlockId,
        overrides: &BlockOverrides,
    ) -> Result<(Bytes, u64), JsonRpcError> {
        let block = self.state(id)?;
        let world = &*self.world;
        let Some(to) = request.to.and_then(|to| to.to().copied()) else { return Ok((Bytes::new(), 0)) };
        if to != world.config.hub {
            return Ok((Bytes::new(), 0));
        }
        let mut ancestors = world.ancestors(&block);
        let frame = if id == BlockId::pending() {
            let frame = world.frame(&block, &ancestors);
            Frame { number: frame.number + 1, timestamp: frame.timestamp + world.config.slot_s, ..frame }
        } else {
            ancestors.pop();
            world.frame(&block, &ancestors)
        };
        let frame = Frame {
            number: overrides.number.map_or(frame.number, |number| number.saturating_to()),
            timestamp: overrides.time.unwrap_or(frame.timestamp),
            ..frame
        };
        let input = request.input.input().cloned().unwrap_or_default();
        let blobs = request.blob_versioned_hashes.clone().unwrap_or_default();
        let (sender, value) = (request.from.unwrap_or_default(), request.value.unwrap_or(U256::ZERO));
        let gas = request.gas.unwrap_or(world.config.gas_limit);
        block.after.peek(sender, value, gas, &blobs, &input, frame).map_err(|data| JsonRpcError {
            code: 3,
            message: "execution reverted".into(),
            data: Some(data),
        })
    }
}
