//! What a seed stands for, as data: a genesis and blocks of transactions that are not signed yet. Being data, it can be made smaller.

use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, B256, Bytes, U256};

/// A world and what happens in it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where it came from.
    pub seed: u64,
    /// Gas limit of the genesis block.
    pub gas_limit: u64,
    /// Empty blocks before the first of [`Self::blocks`], for BLOCKHASH to reach.
    pub history: u64,
    /// The contracts of [`crate::cast::contract`].
    pub contracts: Vec<Contract>,
    /// What [`crate::cast::DELEGATED`] is delegated to.
    pub delegation: Address,
    /// The request contracts are the real ones, so that there is something to refuse.
    pub real_requests: bool,
    /// The blocks.
    pub blocks: Vec<Block>,
}

/// A contract at genesis.
#[derive(Debug, Clone)]
pub struct Contract {
    /// Nonce.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// Storage.
    pub slots: Vec<(U256, U256)>,
    /// The program in snippets, each of which may be left out.
    pub code: Vec<Vec<u8>>,
}

/// A block.
#[derive(Debug, Clone)]
pub struct Block {
    /// Seconds after the parent, at least 1.
    pub seconds: u64,
    /// Added to the parent's gas limit, within EIP-1559's step.
    pub gas_limit_step: i64,
    /// COINBASE.
    pub fee_recipient: Address,
    /// PREVRANDAO.
    pub prev_randao: B256,
    /// What EIP-4788 stores.
    pub anchor: B256,
    /// Extra data.
    pub extra_data: Bytes,
    /// SLOTNUM.
    pub slot_number: u64,
    /// Offered in this order; some are refused.
    pub transactions: Vec<Tx>,
}

/// A transaction, not signed yet.
#[derive(Debug, Clone)]
pub struct Tx {
    /// For the tally.
    pub kind: &'static str,
    /// Index of the sending key.
    pub from: usize,
    /// EIP-2718 type: 0, 1, 2, 3, 4.
    pub ty: u8,
    /// Receiver; none creates.
    pub to: Option<Address>,
    /// Wei; the largest number stands for more than anybody has.
    pub value: U256,
    /// Call data or init code.
    pub input: Bytes,
    /// Gas limit.
    pub gas: Gas,
    /// What it offers for gas.
    pub fee: Fee,
    /// Nonce.
    pub nonce: Nonce,
    /// EIP-155.
    pub chain: Chain,
    /// EIP-2930.
    pub access_list: AccessList,
    /// EIP-7702.
    pub authorizations: Vec<Authorization>,
    /// The builder's budget has no room for it: it runs, and is then refused.
    pub over_budget: bool,
}

/// How a gas limit is found.
#[derive(Debug, Clone, Copy)]
pub enum Gas {
    /// So much.
    Limit(u64),
    /// What the transaction uses with much gas on the parent's state, times `per_mille` / 1000, plus `offset`.
    Swept {
        /// Of what it uses.
        per_mille: u64,
        /// Added.
        offset: i64,
    },
}

/// How a fee is found.
#[derive(Debug, Clone, Copy)]
pub enum Fee {
    /// Above the base fee, with this tip in wei.
    Tip(u64),
    /// The base fee and nothing more.
    Exact,
    /// One wei below the base fee.
    Short,
    /// More than the sender has.
    Absurd,
}

/// How a nonce is found.
#[derive(Debug, Clone, Copy)]
pub enum Nonce {
    /// The sender's next.
    Next,
    /// So far ahead.
    Ahead(u64),
    /// One that is used.
    Used,
}

/// Which chain a transaction or authorization is for.
#[derive(Debug, Clone, Copy)]
pub enum Chain {
    /// This one.
    Own,
    /// None in particular: a legacy transaction from before EIP-155, an authorization for every chain.
    Any,
    /// Another.
    Other,
    /// An authorization for a chain id beyond 64 bits.
    Huge,
}

/// An EIP-7702 authorization, not signed yet.
#[derive(Debug, Clone)]
pub struct Authorization {
    /// Index of the authority's key.
    pub authority: usize,
    /// Delegate to.
    pub target: Address,
    /// For which chain.
    pub chain: Chain,
    /// Added to the right nonce; the largest stands for the last nonce there is.
    pub nonce_offset: u64,
    /// The signature.
    pub signature: Signature,
}

/// What is wrong with an authorization's signature.
#[derive(Debug, Clone, Copy)]
pub enum Signature {
    /// Nothing.
    Good,
    /// `s` in the upper half (EIP-2).
    HighS,
    /// `r` is zero.
    ZeroR,
    /// Parity 2.
    Parity,
    /// Made for something else: recovers a stranger, or nobody.
    Other,
}
