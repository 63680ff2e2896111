//! From revm's bundle to the difference that storage and trie work with.

use crate::state::{Account, AccountDiff, StateDiff};
use revm::{database::BundleState, state::AccountInfo};

fn account(info: AccountInfo) -> Option<Account> {
    let account = Account { nonce: info.nonce, balance: info.balance, code_hash: info.code_hash };
    (!account.is_empty()).then_some(account)
}

/// Changed accounts and slots only, each with its value before and after the block.
pub(super) fn diff(bundle: BundleState) -> StateDiff {
    let mut diff = StateDiff::default();
    for (address, changed) in bundle.state {
        let storage = changed.storage.into_iter().filter_map(|(slot, value)| {
            let (before, after) = (value.previous_or_original_value, value.present_value);
            (before != after).then_some((slot, (before, after)))
        });
        let entry = AccountDiff {
            before: changed.original_info.and_then(account),
            after: changed.info.and_then(account),
            storage: storage.collect(),
        };
        if entry.before != entry.after || !entry.storage.is_empty() {
            diff.accounts.insert(address, entry);
        }
    }
    for (hash, code) in bundle.contracts {
        diff.codes.insert(hash, code.original_bytes());
    }
    diff
}
