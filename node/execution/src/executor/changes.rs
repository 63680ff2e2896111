//! From revm's bundle to the difference that storage and trie work with.

use crate::state::{Account, AccountDiff, StateDiff};
use alloy_primitives::{KECCAK256_EMPTY, U256};
use revm::{
    database::BundleState,
    state::{AccountInfo, EvmState},
};

fn account(info: &AccountInfo) -> Account {
    // Zero is how `evm::Db` marks accounts with storage only.
    let code_hash = if info.code_hash.is_zero() { KECCAK256_EMPTY } else { info.code_hash };
    Account { nonce: info.nonce, balance: info.balance, code_hash }
}

/// Changed accounts and slots only, each with its value before and after the block. `keep_empty`: accounts may be empty, as before Spurious
/// Dragon (EIP-161).
pub(super) fn diff(bundle: BundleState, keep_empty: bool) -> StateDiff {
    let mut diff = StateDiff::default();
    for (address, changed) in bundle.state {
        let before = changed.original_info.as_ref().map(account);
        let after = changed.info.as_ref().map(account).filter(|account| keep_empty || !account.is_empty());
        // An account that was made in this block has nothing to lose.
        let wiped = before.is_some() && changed.status.was_destroyed();
        let storage = changed.storage.into_iter().filter_map(|(slot, value)| {
            let before = if wiped { U256::ZERO } else { value.previous_or_original_value };
            let after = value.present_value;
            (before != after).then_some((slot, (before, after)))
        });
        let entry = AccountDiff { before, after, wiped, storage: storage.collect() };
        if entry.before != entry.after || entry.wiped || !entry.storage.is_empty() {
            diff.accounts.insert(address, entry);
        }
    }
    for (hash, code) in bundle.contracts {
        diff.codes.insert(hash, code.original_bytes());
    }
    diff
}

/// What one transaction left behind, for the state root after it; what was before is not said.
pub(super) fn diff_of(state: &EvmState, keep_empty: bool) -> StateDiff {
    let mut diff = StateDiff::default();
    for (address, changed) in state.iter().filter(|(_, account)| account.is_touched()) {
        let after = Some(account(&changed.info))
            .filter(|account| !changed.is_selfdestructed() && (keep_empty || !account.is_empty()));
        let wiped = after.is_none() || changed.is_created();
        let written = changed.changed_storage_slots().map(|(slot, value)| (*slot, (U256::ZERO, value.present_value)));
        let storage = if after.is_some() { written.collect() } else { Default::default() };
        diff.accounts.insert(*address, AccountDiff { before: None, after, wiped, storage });
    }
    diff
}
