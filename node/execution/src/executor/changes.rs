//! From revm's bundle to the difference that storage and trie work with.

use crate::state::{Account, AccountDiff, StateDiff};
use alloy_primitives::U256;
use revm::{database::BundleState, state::AccountInfo};

fn account(info: AccountInfo) -> Option<Account> {
    let account = Account { nonce: info.nonce, balance: info.balance, code_hash: info.code_hash };
    (!account.is_empty()).then_some(account)
}

/// Changed accounts and slots only, each with its value before and after the block.
pub(super) fn diff(bundle: BundleState) -> StateDiff {
    let mut diff = StateDiff::default();
    for (address, changed) in bundle.state {
        let before = changed.original_info.and_then(account);
        // An account that was made in this block has nothing to lose.
        let wiped = before.is_some() && changed.status.was_destroyed();
        let storage = changed.storage.into_iter().filter_map(|(slot, value)| {
            let before = if wiped { U256::ZERO } else { value.previous_or_original_value };
            let after = value.present_value;
            (before != after).then_some((slot, (before, after)))
        });
        let entry = AccountDiff { before, after: changed.info.and_then(account), wiped, storage: storage.collect() };
        if entry.before != entry.after || entry.wiped || !entry.storage.is_empty() {
            diff.accounts.insert(address, entry);
        }
    }
    for (hash, code) in bundle.contracts {
        diff.codes.insert(hash, code.original_bytes());
    }
    diff
}
