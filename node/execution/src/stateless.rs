//! The meaning of EXECUTE: a block is valid, given nothing but bytes (`verify_stateless_new_payload`, ethrex 31 dialect).
//!
//! The L1 devnet's precompile, the check before landing, `basalt verify` and the tests all come here. Every byte is hostile: an input of
//! any content ends in `Ok` or `Err`, after work that its length and its gas limit bound, and one constant besides: the six system calls
//! may use 30 million gas each (EIP-7002) for code that the witness names, and EXECUTE's price does not know them. Must not know: who asks.

mod inputs;
#[cfg(test)]
mod tests;

use crate::{
    block::{Block, RecoveredBlock, SealedHeader, Transaction},
    executor::{self, BlockError},
    ordered, senders,
    state::{Keys, StateError, TrieState},
    trie::StateTree,
};
use alloy_consensus::{BlockBody, Header};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{B256, Bytes};
use alloy_rlp::Decodable;
use bridge::execute::{DecodeError, MAX_HEADERS, RESULT_BYTES, RollupRule, StatelessInput, ValidationResult};
pub use inputs::input;
use inputs::{Ancestors, Nodes};
use std::sync::Arc;

/// A block that EXECUTE accepts.
#[derive(Debug, Clone)]
pub struct Validated {
    /// What the precompile returns.
    pub output: [u8; RESULT_BYTES],
    /// The block's header, with its hash.
    pub header: SealedHeader,
    /// Its gas used, as in the header.
    pub gas_used: u64,
}

/// Why EXECUTE refuses. It proves nothing about the block: a short witness fails like a bad block.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refusal {
    /// Not an input. Refused before gas is charged.
    #[error("input: {0}")]
    Decode(#[from] DecodeError),
    /// Not a rollup's block. Refused before gas is charged.
    #[error("rollup rule: {0}")]
    Rule(#[from] RollupRule),
    /// The statement does not hold.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

/// Why a decoded input's block is not shown to be valid.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Invalid {
    /// Chain id 0 is no chain.
    #[error("chain id 0")]
    ChainId,
    /// No header, or more than BLOCKHASH can reach.
    #[error("{0} headers, between 1 and {MAX_HEADERS} are needed")]
    HeaderCount(usize),
    /// A header of the witness does not decode.
    #[error("header {index} of the witness does not decode")]
    Header {
        /// Its position.
        index: usize,
    },
    /// The headers are no chain.
    #[error("header {index} of the witness is not the child of the one before")]
    HeaderChain {
        /// Position of the child.
        index: usize,
    },
    /// The last header is not the payload's parent.
    #[error("the last header is {last}, the payload's parent {parent}")]
    Parent {
        /// Hash of the last header.
        last: B256,
        /// In the payload.
        parent: B256,
    },
    /// A transaction does not decode, or its signature recovers no sender.
    #[error("transaction {index} does not decode or has no sender")]
    Transaction {
        /// Its position.
        index: usize,
    },
    /// Versioned hashes without blob transactions.
    #[error("{0} versioned hashes, the block has no blobs")]
    VersionedHashes(usize),
    /// The payload makes another header than its block hash says.
    #[error("block hash is {got}, the payload makes {computed}")]
    BlockHash {
        /// In the payload.
        got: B256,
        /// Of the header that the payload makes.
        computed: B256,
    },
    /// A node, a code or an ancestor that the block needs is not in the witness, or does not decode.
    #[error("witness: {0}")]
    Witness(StateError),
    /// The block breaks a rule.
    #[error("block: {0}")]
    Block(BlockError),
}

/// Decodes and validates `input` (prefix and SSZ). `Ok` exactly when the precompile succeeds, gas aside.
pub fn validate(input: &[u8]) -> Result<Validated, Refusal> {
    let input = prepare(input)?;
    Ok(verify(&input)?)
}

/// The part before gas is charged: decoding and the rollup rules.
pub fn prepare(input: &[u8]) -> Result<StatelessInput, Refusal> {
    let input = StatelessInput::decode(input)?;
    input.check_rollup_rules()?;
    Ok(input)
}

/// The part that gas pays for.
pub fn verify(input: &StatelessInput) -> Result<Validated, Invalid> {
    let spec = Arc::new(inputs::spec(input.chain_id)?);
    let ancestors = headers(input)?;
    let header = input.header_with(ordered::root_of(input.payload.transactions.iter().cloned()));
    let computed = header.hash_slow();
    if computed != input.payload.block_hash {
        return Err(Invalid::BlockHash { got: input.payload.block_hash, computed });
    }
    if !input.versioned_hashes.is_empty() {
        return Err(Invalid::VersionedHashes(input.versioned_hashes.len()));
    }
    let block = block(input, header.clone(), computed)?;
    let parent = ancestors.parent().clone();
    let nodes = Nodes::new(&input.witness.state);
    let bal = &input.payload.block_access_list;
    let state = TrieState::new(StateTree::new(parent.state_root), nodes, ancestors.with_codes(&input.witness.codes))
        .with_keys(Keys::of(bal));
    let gas_used = executor::verify(&spec, &parent, &block, bal, &state).map_err(|error| match error {
        BlockError::State(error) => Invalid::Witness(error),
        error => Invalid::Block(error),
    })?;
    let output = ValidationResult::new(input.request_root(), true, input.chain_id).encode();
    Ok(Validated { output, header: SealedHeader::new(header, computed), gas_used })
}

/// Decodes the witness' headers and checks that they are a chain that ends with the payload's parent.
fn headers(input: &StatelessInput) -> Result<Ancestors, Invalid> {
    let raw = &input.witness.headers;
    if raw.is_empty() || raw.len() > MAX_HEADERS {
        return Err(Invalid::HeaderCount(raw.len()));
    }
    let mut chain: Vec<SealedHeader> = Vec::with_capacity(raw.len());
    for (index, bytes) in raw.iter().enumerate() {
        let header = exact::<Header>(bytes).ok_or(Invalid::Header { index })?;
        let header = SealedHeader::new(header, alloy_primitives::keccak256(bytes));
        if let Some(previous) = chain.last() {
            let follows =
                previous.hash() == header.parent_hash && previous.number.checked_add(1) == Some(header.number);
            if !follows {
                return Err(Invalid::HeaderChain { index });
            }
        }
        chain.push(header);
    }
    let last = chain.last().expect("not empty, see above").hash();
    if last != input.payload.parent_hash {
        return Err(Invalid::Parent { last, parent: input.payload.parent_hash });
    }
    Ok(Ancestors::new(chain, raw.clone()))
}

fn block(input: &StatelessInput, header: Header, hash: B256) -> Result<RecoveredBlock, Invalid> {
    let decode = |(index, bytes): (usize, &Bytes)| {
        Transaction::decode_2718_exact(bytes).map_err(|_| Invalid::Transaction { index })
    };
    let transactions: Vec<Transaction> =
        input.payload.transactions.iter().enumerate().map(decode).collect::<Result<_, _>>()?;
    let senders = senders::recover(&transactions).map_err(|index| Invalid::Transaction { index })?;
    let withdrawals = Some(input.payload.withdrawals.clone().into());
    let body = BlockBody { transactions, ommers: Vec::new(), withdrawals };
    Ok(RecoveredBlock::new(Block { header, body }, senders, hash))
}

/// Decodes all of `bytes`.
fn exact<T: Decodable>(mut bytes: &[u8]) -> Option<T> {
    let decoded = T::decode(&mut bytes).ok()?;
    bytes.is_empty().then_some(decoded)
}
