//! A state and a block environment with some of their values replaced for one call.

use crate::state::{Account, StateError, StateView};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use revm::context::BlockEnv;
use std::collections::BTreeMap;

/// What to pretend about one account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountOverride {
    /// Nonce.
    pub nonce: Option<u64>,
    /// Balance, wei.
    pub balance: Option<U256>,
    /// Code; empty for none.
    pub code: Option<Bytes>,
    /// The whole storage: slots that are not named are zero.
    pub state: Option<BTreeMap<U256, U256>>,
    /// Single slots.
    pub state_diff: BTreeMap<U256, U256>,
}

/// What to pretend about the block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockOverride {
    /// NUMBER.
    pub number: Option<u64>,
    /// TIMESTAMP, seconds. The fork stays that of the header.
    pub timestamp: Option<u64>,
    /// GASLIMIT, and the most gas a call may have.
    pub gas_limit: Option<u64>,
    /// COINBASE.
    pub fee_recipient: Option<Address>,
    /// PREVRANDAO.
    pub prev_randao: Option<B256>,
    /// BASEFEE, wei.
    pub base_fee: Option<u64>,
}

impl BlockOverride {
    pub(super) fn apply(&self, env: &mut BlockEnv) {
        env.number = self.number.map_or(env.number, U256::from);
        env.timestamp = self.timestamp.map_or(env.timestamp, U256::from);
        env.gas_limit = self.gas_limit.unwrap_or(env.gas_limit);
        env.beneficiary = self.fee_recipient.unwrap_or(env.beneficiary);
        env.prevrandao = self.prev_randao.or(env.prevrandao);
        env.basefee = self.base_fee.unwrap_or(env.basefee);
    }
}

/// Everything to pretend for one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// By account.
    pub accounts: BTreeMap<Address, AccountOverride>,
    /// Of the block.
    pub block: BlockOverride,
}

/// A state with overrides laid over it.
pub(super) struct Overridden<'a> {
    state: &'a dyn StateView,
    accounts: &'a BTreeMap<Address, AccountOverride>,
    codes: BTreeMap<B256, Bytes>,
    bare: Option<Address>,
}

impl<'a> Overridden<'a> {
    pub(super) fn new(state: &'a dyn StateView, overrides: &'a Overrides) -> Self {
        let codes = overrides.accounts.values().filter_map(|account| account.code.clone());
        let codes = codes.filter(|code| !code.is_empty()).map(|code| (keccak256(&code), code)).collect();
        Self { state, accounts: &overrides.accounts, codes, bare: None }
    }

    /// Lets `caller` send although it has code, which EIP-3607 forbids for transactions but calls may pretend. Its code is
    /// hidden for the call, so a call back into the caller finds none.
    pub(super) fn let_pass(&mut self, caller: Address) -> Result<(), StateError> {
        let Some(account) = self.account(caller)? else { return Ok(()) };
        if account.has_code() && !self.code(account.code_hash)?.starts_with(&[0xef, 0x01, 0x00]) {
            self.bare = Some(caller);
        }
        Ok(())
    }
}

impl StateView for Overridden<'_> {
    fn account(&self, address: Address) -> Result<Option<Account>, StateError> {
        let mut account = self.state.account(address)?;
        if let Some(over) = self.accounts.get(&address) {
            let known = account.unwrap_or_default();
            let code_hash = over.code.as_ref().map(|c| if c.is_empty() { KECCAK256_EMPTY } else { keccak256(c) });
            account = Some(Account {
                nonce: over.nonce.unwrap_or(known.nonce),
                balance: over.balance.unwrap_or(known.balance),
                code_hash: code_hash.unwrap_or(known.code_hash),
            });
        }
        if self.bare == Some(address)
            && let Some(account) = account.as_mut()
        {
            account.code_hash = KECCAK256_EMPTY;
        }
        Ok(account)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let Some(over) = self.accounts.get(&address) else { return self.state.storage(address, slot) };
        match (over.state_diff.get(&slot), &over.state) {
            (Some(value), _) => Ok(*value),
            (None, Some(state)) => Ok(state.get(&slot).copied().unwrap_or_default()),
            (None, None) => self.state.storage(address, slot),
        }
    }

    fn code(&self, hash: B256) -> Result<Bytes, StateError> {
        self.codes.get(&hash).map_or_else(|| self.state.code(hash), |code| Ok(code.clone()))
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        self.state.block_hash(number)
    }
}
