//! What can go wrong at the bridge, by who refuses and what can be done.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolInterface;
use alloy_transport::{RpcError, TransportError};
use bridge::abi::{Hub, Messenger};
use std::fmt;

#[cfg(test)]
mod tests;

/// JSON-RPC code of a node that can't answer now: L1 is silent, or ahead of it.
const NOT_NOW: i64 = -32002;

/// One of the two chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The chain with Hub.
    L1,
    /// The rollup.
    L2,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::L1 => "L1",
            Self::L2 => "L2",
        })
    }
}

/// Why a step across the bridge was not made.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// The endpoint is one of another chain.
    #[error("wrong network: the {layer} endpoint is chain {found}, the bridge is on chain {expected}")]
    WrongNetwork {
        /// Which endpoint.
        layer: Layer,
        /// The chain id that the bridge has there.
        expected: u64,
        /// The endpoint's chain id.
        found: u64,
    },
    /// The account does not hold what is to be sent, gas not counted.
    #[error("insufficient balance: {account} has {balance} wei on {layer}, {needed} wei are needed, and gas")]
    InsufficientBalance {
        /// Where.
        layer: Layer,
        /// Whose.
        account: Address,
        /// What it has, wei.
        balance: U256,
        /// Value and fee, wei.
        needed: U256,
    },
    /// Hub refuses.
    #[error("Hub refuses: {}", explain_hub(.0))]
    Hub(Box<Hub::HubErrors>),
    /// The Messenger refuses.
    #[error("Messenger refuses: {}", explain_messenger(.0))]
    Messenger(Box<Messenger::MessengerErrors>),
    /// The call reverts with something that neither of them says.
    #[error("the call reverts on {layer}: {data}")]
    Reverted {
        /// Where.
        layer: Layer,
        /// What it returns.
        data: Bytes,
    },
    /// The transaction is in a block, and failed there.
    #[error("{layer} transaction {hash} is in a block and failed")]
    Failed {
        /// Where.
        layer: Layer,
        /// Which.
        hash: B256,
    },
    /// The transaction did something else.
    #[error("{layer} transaction {hash} sent no message of this bridge")]
    NoMessage {
        /// Where.
        layer: Layer,
        /// Which.
        hash: B256,
    },
    /// The message has to wait for its block to land.
    #[error("not yet landed: message {index} was sent in L2 block {block}, which is not on L1 yet")]
    NotLanded {
        /// Its index in the outbox.
        index: u64,
        /// Its L2 block.
        block: u64,
    },
    /// The message has to be proven first.
    #[error("not yet proven: Hub holds no outbox root with message {index}; prove it first")]
    NotProven {
        /// Its index in the outbox.
        index: u64,
    },
    /// Nothing is left to do.
    #[error("already claimed: message {index} was delivered before")]
    AlreadyClaimed {
        /// Its index in the outbox.
        index: u64,
    },
    /// The node's path does not lead to the root that Hub holds: the node is wrong, or lies.
    #[error("the node's proof of message {index} does not lead to the outbox root {root} that Hub holds")]
    WrongProof {
        /// Its index in the outbox.
        index: u64,
        /// Hub's root.
        root: B256,
    },
    /// The message is for another chain than this way leads to.
    #[error("the message is for chain {destination}, not for chain {expected}")]
    WrongDestination {
        /// Where it is to go.
        destination: u64,
        /// Where this way leads.
        expected: u64,
    },
    /// It is claimed, not forwarded.
    #[error("message {index} is for L1: claim it")]
    ForL1 {
        /// Its index in the outbox.
        index: u64,
    },
    /// It takes longer than the caller waits.
    #[error("{what}: not within {seconds} s{}", said(.last))]
    TimedOut {
        /// What was waited for.
        what: &'static str,
        /// How long.
        seconds: u64,
        /// What the endpoint said last, where it failed.
        last: Option<Box<BridgeError>>,
    },
    /// The endpoint.
    #[error("{layer}: {source}")]
    Transport {
        /// Which endpoint.
        layer: Layer,
        /// What it says.
        source: TransportError,
    },
    /// An answer that is not what the contract's ABI or the node's documentation says.
    #[error("{layer}: {what}")]
    Malformed {
        /// Which endpoint.
        layer: Layer,
        /// What is wrong.
        what: String,
    },
}

impl BridgeError {
    /// An endpoint's error, by what the contracts can say.
    pub(crate) fn of(layer: Layer, source: TransportError) -> Self {
        let Some(data) = source.as_error_resp().and_then(|answer| answer.as_revert_data()) else {
            return Self::Transport { layer, source };
        };
        Self::reverted(layer, data)
    }

    pub(crate) fn reverted(layer: Layer, data: Bytes) -> Self {
        let typed = match layer {
            Layer::L1 => Hub::HubErrors::abi_decode(&data).ok().map(|error| Self::Hub(Box::new(error))),
            Layer::L2 => {
                Messenger::MessengerErrors::abi_decode(&data).ok().map(|error| Self::Messenger(Box::new(error)))
            }
        };
        typed.unwrap_or(Self::Reverted { layer, data })
    }

    /// Whether the same may succeed when it is tried again.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Transport { source: RpcError::ErrorResp(answer), .. } => {
                answer.code == NOT_NOW || answer.is_retry_err()
            }
            Self::Transport { source: RpcError::Transport(_) | RpcError::NullResp, .. } => true,
            _ => false,
        }
    }
}

fn said(last: &Option<Box<BridgeError>>) -> String {
    last.as_ref().map_or_else(String::new, |error| format!(": {error}"))
}

/// Hub's refusals that users meet, as sentences; the others by their names and numbers.
fn explain_hub(error: &Hub::HubErrors) -> String {
    use Hub::HubErrors::{
        AlreadyClaimed, CallFailed, EpochGone, EscrowShort, FeeTooLow, ForbiddenTarget, GasLimitTooHigh, InboxFull,
        MessageTooLong, OutboxProofStale, OutboxUnchanged, StateRootGone, UnknownRollup, WrongPath,
    };
    match error {
        AlreadyClaimed(e) => {
            format!("already claimed: message {} out of rollup {} was delivered before", e.index, e.srcChainId)
        }
        CallFailed(_) => "the receiver refuses the message; it stays claimable".into(),
        EpochGone(e) => format!("outbox root {} of rollup {} is not kept (any more): prove again", e.epoch, e.chainId),
        EscrowShort(e) => format!("the rollup's escrow of {} wei does not cover {} wei", e.escrow, e.needed),
        FeeTooLow(e) => format!("a fee of {} wei is needed, {} wei are offered", e.needed, e.given),
        ForbiddenTarget(e) => format!("{} is the bridge itself, which takes no messages", e.to),
        GasLimitTooHigh(e) => format!("a gas limit of {} never fits a block, {} is the most", e.gasLimit, e.max),
        InboxFull(e) => format!("the inbox of rollup {} is full until its next block lands", e.chainId),
        MessageTooLong(e) => format!("{} bytes of data are more than a message takes", e.length),
        OutboxProofStale(e) => format!("the outbox of block {} or a later one was proven before", e.provenBlock),
        OutboxUnchanged(_) => "this outbox was proven before".into(),
        StateRootGone(e) => format!("the state root of block {} is not kept (any more)", e.blockNumber),
        UnknownRollup(e) => format!("no rollup {} is registered", e.chainId),
        WrongPath(_) => "the path does not lead to the outbox root".into(),
        other => format!("{other:?}"),
    }
}

/// The same of the Messenger.
fn explain_messenger(error: &Messenger::MessengerErrors) -> String {
    use Messenger::MessengerErrors::{
        CallFailed, GasLimitTooHigh, MessageTooLong, NotFailed, NotRefundable, RefundTooEarly, WrongDestination,
    };
    match error {
        CallFailed(_) => "the receiver refuses the message again; it stays kept".into(),
        GasLimitTooHigh(e) => format!("a gas limit of {} fits no delivery, {} is the most", e.gasLimit, e.max),
        MessageTooLong(e) => format!("{} bytes of data are more than a message takes", e.length),
        NotFailed(_) => "no such message is kept as failed: it was delivered, or never relayed".into(),
        NotRefundable(_) => "the message is itself one that came back: it can be retried only".into(),
        RefundTooEarly(e) => format!("too early: the message may be sent back from timestamp {} on", e.from),
        WrongDestination(e) => format!("chain {} is this rollup itself", e.dstChainId),
        other => format!("{other:?}"),
    }
}
