//! The `dev_*` methods: control over the devnet's L1, on the port of its JSON-RPC. They are described in `README.md`, which a
//! test compares with what is registered. Only a devnet has them. Must not know how blocks are made.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, U64, U128};
use jsonrpsee::{
    core::{RpcResult, async_trait},
    proc_macros::rpc,
    types::{ErrorObjectOwned, error::ErrorObject},
};
use serde::{Deserialize, Serialize};

use crate::{
    beacon::slot,
    chain::{ChainError, Devnet, Reorg},
    control::{Fault, OVERRIDE_BLOCKS_MAX, SKIP_MAX},
    fees::{self, EXCESS_BLOB_GAS_MAX, FeeOverride, NextFees},
    validators,
};

/// What a reorg does besides replacing blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReorgOptions {
    /// Whether the transactions of the replaced blocks are gone as if never sent.
    #[serde(default)]
    pub drop: bool,
}

/// How long a fault of the beacon API lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum FaultSpan {
    /// `true`: until `false`.
    Switch(bool),
    /// So many answers.
    Answers(u64),
}

impl From<FaultSpan> for Fault {
    fn from(span: FaultSpan) -> Self {
        match span {
            FaultSpan::Switch(true) => Self::Always,
            FaultSpan::Switch(false) | FaultSpan::Answers(0) => Self::Off,
            FaultSpan::Answers(answers) => Self::Times(answers),
        }
    }
}

/// A block in [`Status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockStatus {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
}

/// A validator in [`Status`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidatorStatus {
    /// Index in the beacon API.
    pub index: u64,
    /// Name.
    pub name: String,
    /// Who gets its blocks' tips.
    pub fee_recipient: Address,
}

/// Answer of `dev_status`. All numbers are plain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Chain id.
    pub chain_id: u64,
    /// Start of slot 0, seconds since 1970.
    pub genesis_time: u64,
    /// Slot time, milliseconds.
    pub slot_ms: u64,
    /// Seconds that the chain's time was moved ahead.
    pub time_offset_s: u64,
    /// The slot of this instant.
    pub slot: u64,
    /// The head's slot.
    pub head_slot: u64,
    /// The head.
    pub head: BlockStatus,
    /// The safe block.
    pub safe: BlockStatus,
    /// The final block.
    pub finalized: BlockStatus,
    /// Whether `dev_stop` is in force.
    pub stopped: bool,
    /// Slots that are yet to be skipped.
    pub slots_to_skip: u64,
    /// Whether the next answer of the beacon API leaves blobs out.
    pub blobs_withheld: bool,
    /// Whether the next answer of the beacon API has blobs with a wrong bit.
    pub blobs_corrupted: bool,
    /// Base fee of the next block, wei per gas.
    pub next_base_fee: u64,
    /// Excess blob gas of the next block.
    pub next_excess_blob_gas: u64,
    /// Blob base fee of the next block, wei per blob gas.
    pub next_blob_base_fee: u128,
    /// Canonical blocks whose fees were set by a call and do not follow from their parents.
    pub overridden_blocks: BTreeMap<u64, FeeOverride>,
    /// Transactions in the pool that could run now.
    pub pool_pending: usize,
    /// Transactions in the pool that wait.
    pub pool_queued: usize,
    /// The validators.
    pub validators: Vec<ValidatorStatus>,
}

/// The admin methods.
#[rpc(server, namespace = "dev")]
pub trait Admin {
    /// Replaces the last `depth` blocks by `depth + 1` others.
    #[method(name = "reorg")]
    async fn reorg(&self, depth: U64, options: Option<ReorgOptions>) -> RpcResult<Reorg>;
    /// Leaves the next `slots` slots without a block; 0 forgets what was asked for.
    #[method(name = "skipSlot")]
    async fn skip_slot(&self, slots: Option<U64>) -> RpcResult<u64>;
    /// Makes no more blocks.
    #[method(name = "stop")]
    async fn stop(&self) -> RpcResult<bool>;
    /// Makes blocks again.
    #[method(name = "resume")]
    async fn resume(&self) -> RpcResult<bool>;
    /// Makes blocks now, for the next slots.
    #[method(name = "mine")]
    async fn mine(&self, blocks: Option<U64>) -> RpcResult<Vec<BlockStatus>>;
    /// The beacon API leaves blobs out.
    #[method(name = "withholdBlobs")]
    async fn withhold_blobs(&self, span: FaultSpan) -> RpcResult<bool>;
    /// The beacon API gives blobs with a wrong bit.
    #[method(name = "corruptBlobs")]
    async fn corrupt_blobs(&self, span: FaultSpan) -> RpcResult<bool>;
    /// Sets the base fee of the next blocks.
    #[method(name = "setBaseFee")]
    async fn set_base_fee(&self, wei: U64, blocks: Option<U64>) -> RpcResult<bool>;
    /// Sets the blob base fee of the next blocks to at least `wei`; answers the excess blob gas that does it.
    #[method(name = "setBlobBaseFee")]
    async fn set_blob_base_fee(&self, wei: U128, blocks: Option<U64>) -> RpcResult<u64>;
    /// Sets the excess blob gas of the next blocks.
    #[method(name = "setExcessBlobGas")]
    async fn set_excess_blob_gas(&self, gas: U64, blocks: Option<U64>) -> RpcResult<bool>;
    /// Everything about the devnet in one answer.
    #[method(name = "status")]
    async fn status(&self) -> RpcResult<Status>;
}

/// The devnet behind the methods.
pub(crate) struct Controls(pub(crate) Arc<Devnet>);

#[async_trait]
impl AdminServer for Controls {
    async fn reorg(&self, depth: U64, options: Option<ReorgOptions>) -> RpcResult<Reorg> {
        let drop = options.unwrap_or_default().drop;
        self.blocking(move |devnet| devnet.reorg(depth.to(), drop)).await
    }

    async fn skip_slot(&self, slots: Option<U64>) -> RpcResult<u64> {
        let slots = slots.map_or(1, |slots| slots.to());
        within("slots", slots, SKIP_MAX)?;
        let mut control = self.0.control.lock();
        control.skip(slots);
        Ok(control.skips())
    }

    async fn stop(&self) -> RpcResult<bool> {
        self.0.control.lock().stop();
        Ok(true)
    }

    async fn resume(&self) -> RpcResult<bool> {
        self.0.control.lock().resume();
        Ok(true)
    }

    async fn mine(&self, blocks: Option<U64>) -> RpcResult<Vec<BlockStatus>> {
        let blocks = blocks.map_or(1, |blocks| blocks.to());
        self.blocking(move |devnet| {
            Ok(devnet
                .mine(blocks)?
                .into_iter()
                .map(|block| BlockStatus { number: block.number, hash: block.hash })
                .collect())
        })
        .await
    }

    async fn withhold_blobs(&self, span: FaultSpan) -> RpcResult<bool> {
        self.0.control.lock().withhold = span.into();
        Ok(true)
    }

    async fn corrupt_blobs(&self, span: FaultSpan) -> RpcResult<bool> {
        self.0.control.lock().corrupt = span.into();
        Ok(true)
    }

    async fn set_base_fee(&self, wei: U64, blocks: Option<U64>) -> RpcResult<bool> {
        self.0.control.lock().set_base_fee(wei.to(), override_blocks(blocks)?);
        Ok(true)
    }

    async fn set_blob_base_fee(&self, wei: U128, blocks: Option<U64>) -> RpcResult<u64> {
        let params = self.0.blob_params(self.0.chain.head().timestamp);
        let excess = fees::excess_for_blob_fee(wei.to(), params).ok_or_else(|| {
            let most = params.calc_blob_fee(EXCESS_BLOB_GAS_MAX);
            invalid(format!("a blob base fee of {wei} wei is above the most that can be set, {most}"))
        })?;
        self.0.control.lock().set_excess_blob_gas(excess, override_blocks(blocks)?);
        Ok(excess)
    }

    async fn set_excess_blob_gas(&self, gas: U64, blocks: Option<U64>) -> RpcResult<bool> {
        let gas = gas.to();
        within("gas", gas, EXCESS_BLOB_GAS_MAX)?;
        self.0.control.lock().set_excess_blob_gas(gas, override_blocks(blocks)?);
        Ok(true)
    }

    async fn status(&self) -> RpcResult<Status> {
        self.blocking(|devnet| Ok(devnet.status())).await
    }
}

impl Controls {
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Devnet) -> Result<T, ChainError> + Send + 'static,
    ) -> RpcResult<T> {
        let devnet = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&devnet)).await;
        let done = done.map_err(|error| ErrorObject::owned(rpc::errors::INTERNAL, error.to_string(), None::<()>))?;
        done.map_err(error_object)
    }
}

impl Devnet {
    fn status(&self) -> Status {
        let head = self.chain.head();
        let heads = self.chain.heads();
        let block = |block: alloy_eips::BlockNumHash| BlockStatus { number: block.number, hash: block.hash };
        let control = self.control.lock().clone();
        let blobs = self.blob_params(head.timestamp);
        let shown = fees::shown_parent(&head, blobs, control.next_fees());
        let next = NextFees::after(shown.header(), blobs);
        let pool = self.pool.lock().stats();
        Status {
            chain_id: self.spec.chain_id,
            genesis_time: self.clock.slots.genesis_time,
            slot_ms: self.config.slot_ms,
            time_offset_s: self.clock.offset_s(),
            slot: self.clock.slot(),
            head_slot: slot(head.header()),
            head: block(heads.applied),
            safe: block(heads.landed),
            finalized: block(heads.finalised),
            stopped: control.is_stopped(),
            slots_to_skip: control.skips(),
            blobs_withheld: control.withhold != Fault::Off,
            blobs_corrupted: control.corrupt != Fault::Off,
            next_base_fee: next.base_fee,
            next_excess_blob_gas: next.excess_blob_gas,
            next_blob_base_fee: blobs.calc_blob_fee(next.excess_blob_gas),
            overridden_blocks: self.overridden(),
            pool_pending: pool.pending,
            pool_queued: pool.queued,
            validators: validators::all()
                .map(|validator| ValidatorStatus {
                    index: validator.index,
                    name: validator.name.to_owned(),
                    fee_recipient: validator.fee_recipient,
                })
                .collect(),
        }
    }
}

fn override_blocks(blocks: Option<U64>) -> RpcResult<u64> {
    let blocks = blocks.map_or(1, |blocks| blocks.to());
    within("blocks", blocks, OVERRIDE_BLOCKS_MAX)?;
    Ok(blocks)
}

fn within(name: &str, value: u64, most: u64) -> RpcResult<()> {
    if value <= most { Ok(()) } else { Err(invalid(format!("{name} is {value}, at most {most} is allowed"))) }
}

fn invalid(message: String) -> ErrorObjectOwned {
    ErrorObject::owned(rpc::errors::INVALID_PARAMS, message, None::<()>)
}

fn error_object(error: ChainError) -> ErrorObjectOwned {
    let code = match &error {
        ChainError::ReorgDepth { .. } | ChainError::TooManyBlocks { .. } => rpc::errors::INVALID_PARAMS,
        ChainError::TooFarAhead { .. } => rpc::errors::INVALID_INPUT,
        ChainError::Record { .. } | ChainError::Storage(_) | ChainError::Execution(_) | ChainError::State(_) => {
            tracing::error!(target: "devnet", %error, "an admin call failed by our own fault");
            rpc::errors::INTERNAL
        }
    };
    ErrorObject::owned(code, error.to_string(), None::<()>)
}
