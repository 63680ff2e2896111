//! What the pool is told: the rules of the chain, its own limits, and the state of an account.

use alloy_primitives::{Bytes, U256};
use revm::primitives::hardfork::SpecId;

/// The chain's rules for one transaction, at the block that is built next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The chain a transaction must be signed for.
    pub chain_id: u64,
    /// The fork.
    pub spec: SpecId,
    /// Gas limit of the next block.
    pub block_gas_limit: u64,
    /// Blobs one transaction may carry; `None` where blob transactions are not valid (every rollup).
    pub blobs_per_transaction: Option<usize>,
}

impl Rules {
    /// The rules of a rollup (DESIGN §3): Amsterdam, types 0, 1, 2 and 4.
    pub const fn rollup(chain_id: u64, block_gas_limit: u64) -> Self {
        Self { chain_id, spec: SpecId::AMSTERDAM, block_gas_limit, blobs_per_transaction: None }
    }

    /// The rules of an L1 at Amsterdam, where blob transactions are valid too.
    pub const fn l1(chain_id: u64, block_gas_limit: u64, blobs_per_transaction: usize) -> Self {
        Self { chain_id, spec: SpecId::AMSTERDAM, block_gas_limit, blobs_per_transaction: Some(blobs_per_transaction) }
    }
}

/// The pool's own limits. Every one bounds memory or work that a stranger could cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Transactions in all.
    pub transactions: usize,
    /// Bytes of transactions and sidecars in all.
    pub bytes: usize,
    /// Transactions of one sender.
    pub per_sender: usize,
    /// Transactions of one sender whose account is delegated (EIP-7702): code of others can empty such an
    /// account in one transaction and so make all of them worthless at once.
    pub per_delegated_sender: usize,
    /// Bytes of one transaction, blobs not counted; 128 KiB is what public pools relay.
    pub transaction_bytes: usize,
    /// Least tip, wei per gas.
    pub min_tip: u128,
    /// How much every fee must rise to replace a transaction, percent.
    pub bump_percent: u32,
    /// The same where one of the two carries blobs (replacing those costs the network far more).
    pub blob_bump_percent: u32,
    /// How long the transactions of a sender may wait behind a gap or for funds, milliseconds since the
    /// last one that came from this sender.
    pub queued_lifetime_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            transactions: 20_000,
            bytes: 256 << 20,
            per_sender: 1_024,
            per_delegated_sender: 16,
            transaction_bytes: 128 << 10,
            min_tip: 0,
            bump_percent: 10,
            blob_bump_percent: 100,
            queued_lifetime_ms: 3 * 3600 * 1000,
        }
    }
}

/// Rules and limits together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The chain's.
    pub rules: Rules,
    /// The pool's own.
    pub limits: Limits,
}

/// What code a sender's account holds (EIP-3607, EIP-7702).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SenderCode {
    /// None: an ordinary key-held account.
    #[default]
    None,
    /// A delegation: key-held, but code runs on it.
    Delegated,
    /// A contract: it cannot send transactions.
    Contract,
}

/// One account as the head state shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccountView {
    /// The next nonce.
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
    /// Kind of code.
    pub code: SenderCode,
}

impl AccountView {
    /// Length of a delegation designator: `ef0100 ‖ address` (EIP-7702).
    const DESIGNATOR_LEN: usize = 23;

    /// Of nonce, balance and the account's code (empty if there is none).
    pub fn new(nonce: u64, balance: U256, code: &Bytes) -> Self {
        let code = if code.is_empty() {
            SenderCode::None
        } else if code.len() == Self::DESIGNATOR_LEN && code.starts_with(&[0xef, 0x01, 0x00]) {
            SenderCode::Delegated
        } else {
            SenderCode::Contract
        };
        Self { nonce, balance, code }
    }
}
