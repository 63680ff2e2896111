//! Accounts, codes, storage words; whether the node keeps up and what it keeps.

use std::collections::BTreeMap;

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::AccountInfo;
use execution::state::{Account, StateView};
use serde::Serialize;

use crate::{Backend, RpcError, api::params::StorageKey, seams::SyncState};

impl Backend {
    pub(crate) fn balance(&self, address: Address, id: BlockId) -> Result<U256, RpcError> {
        let (_, state) = self.state_of(id)?;
        Ok(state.account(address)?.unwrap_or_default().balance)
    }

    pub(crate) fn code(&self, address: Address, id: BlockId) -> Result<Bytes, RpcError> {
        let (_, state) = self.state_of(id)?;
        let account = state.account(address)?.unwrap_or_default();
        code_of(&*state, &account)
    }

    pub(crate) fn storage_at(&self, address: Address, slot: B256, id: BlockId) -> Result<B256, RpcError> {
        let (_, state) = self.state_of(id)?;
        Ok(state.storage(address, slot.into())?.into())
    }

    pub(crate) fn storage_values(
        &self,
        slots: &BTreeMap<Address, Vec<StorageKey>>,
        id: BlockId,
    ) -> Result<BTreeMap<Address, Vec<B256>>, RpcError> {
        let (got, limit) = (slots.values().map(Vec::len).sum(), self.limits.storage_values);
        if got == 0 {
            return Err(RpcError::params("empty request"));
        }
        if got > limit {
            return Err(RpcError::TooMany { what: "storage slots", got, limit });
        }
        let (_, state) = self.state_of(id)?;
        let word = |address, slot: &StorageKey| Ok(state.storage(address, slot.0.as_b256().into())?.into());
        let words = |(address, slots): (&Address, &Vec<StorageKey>)| {
            let words = slots.iter().map(|slot| word(*address, slot)).collect::<Result<_, RpcError>>()?;
            Ok((*address, words))
        };
        slots.iter().map(words).collect()
    }

    pub(crate) fn nonce(&self, address: Address, id: BlockId) -> Result<U64, RpcError> {
        let (_, state) = self.state_of(id)?;
        let nonce = state.account(address)?.unwrap_or_default().nonce;
        Ok(U64::from(if id.is_pending() { self.submit.next_nonce(address, nonce) } else { nonce }))
    }

    pub(crate) fn account_info(&self, address: Address, id: BlockId) -> Result<AccountInfo, RpcError> {
        let (_, state) = self.state_of(id)?;
        let account = state.account(address)?.unwrap_or_default();
        let code = code_of(&*state, &account)?;
        Ok(AccountInfo { balance: account.balance, nonce: account.nonce, code })
    }

    pub(crate) fn capabilities(&self) -> Result<StateCapabilities, RpcError> {
        let head = self.latest_header()?;
        // Blocks and everything in them are kept for ever, states for a while.
        let all = Capability { disabled: false, oldest_block: self.spec.genesis_header().number };
        let state = Capability { oldest_block: self.chain.oldest_state(), ..all };
        Ok(StateCapabilities {
            head: BlockRef { number: head.number, hash: head.hash() },
            state,
            tx: all,
            logs: all,
            receipts: all,
            blocks: all,
            stateproofs: state,
        })
    }
}

pub(crate) fn code_of(state: &dyn StateView, account: &Account) -> Result<Bytes, RpcError> {
    if account.has_code() { Ok(state.code(account.code_hash)?) } else { Ok(Bytes::new()) }
}

/// Answer of `eth_capabilities`: since which block each kind of data is here.
#[derive(Debug, Clone, Serialize)]
pub struct StateCapabilities {
    head: BlockRef,
    state: Capability,
    tx: Capability,
    logs: Capability,
    receipts: Capability,
    blocks: Capability,
    stateproofs: Capability,
}

#[derive(Debug, Clone, Serialize)]
struct BlockRef {
    #[serde(with = "alloy_serde::quantity")]
    number: u64,
    hash: B256,
}

/// One kind of data in [`StateCapabilities`].
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Capability {
    /// True when it is not served at all.
    pub disabled: bool,
    /// First block it is served for.
    #[serde(with = "alloy_serde::quantity")]
    pub oldest_block: u64,
}

/// Answer of `eth_syncing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SyncingAnswer {
    /// Always `false`: keeping up.
    No(bool),
    /// Behind.
    #[serde(rename_all = "camelCase")]
    Yes {
        /// Where this run started.
        #[serde(with = "alloy_serde::quantity")]
        starting_block: u64,
        /// Newest executed block.
        #[serde(with = "alloy_serde::quantity")]
        current_block: u64,
        /// Newest known block.
        #[serde(with = "alloy_serde::quantity")]
        highest_block: u64,
    },
}

impl From<SyncState> for SyncingAnswer {
    fn from(state: SyncState) -> Self {
        match state {
            SyncState::Synced => Self::No(false),
            SyncState::Syncing { starting, current, highest } => {
                Self::Yes { starting_block: starting, current_block: current, highest_block: highest }
            }
        }
    }
}
