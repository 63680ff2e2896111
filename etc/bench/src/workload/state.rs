//! The first state of a workload: accounts with and without keys, contracts with their storage.
//!
//! Must not know: what the transactions will be.

use super::{
    Kind, Plan,
    contracts::{
        LARGE, LARGE_COUNT, LARGE_LEN, LOAD, PAIR, RESERVE, TOKENS, allowance_slot, balance_slot, cell_slot, load_code,
        pair_code, token_code, word,
    },
};
use crate::workfile::{Account, Workfile};
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use chainspec::dev;
use std::collections::BTreeMap;

/// Most accounts that hold the tokens, and most cells that are filled.
const HOLDERS_MAX: u64 = 100_000;

/// Seed of accounts without keys: the address is keccak256(seed, index), as `Load.balances` computes it.
pub(super) const ADDRESS_SEED: B256 = B256::repeat_byte(0xba);

/// The keys of those who send.
pub(super) fn keys(plan: &Plan) -> Vec<PrivateKeySigner> {
    let key = |index: u64| keccak256([&plan.seed.to_be_bytes()[..], b"sender", &index.to_be_bytes()].concat());
    (0..plan.senders())
        .map(|index| PrivateKeySigner::from_bytes(&key(index)).expect("a hash below the curve's order"))
        .collect()
}

/// Address of the account `index` without a key.
pub(super) fn address(index: u64) -> Address {
    Address::from_word(keccak256([ADDRESS_SEED, word(index)].concat()))
}

/// How many accounts hold tokens: the senders and the first of the others. Also the number of filled cells.
pub(super) fn holders(plan: &Plan) -> u64 {
    plan.accounts.min(HOLDERS_MAX)
}

/// Every account of the first state, by address.
pub(super) fn accounts(plan: &Plan, keys: &[PrivateKeySigner]) -> Vec<Account> {
    let ether = U256::from(10).pow(U256::from(18));
    let mut accounts: BTreeMap<Address, Account> = BTreeMap::new();
    let mut put = |address: Address, nonce: u64, balance: U256, code: Vec<u8>, storage: BTreeMap<B256, B256>| {
        let storage = storage.into_iter().map(|(slot, value)| (slot.0, value.0)).collect();
        accounts
            .insert(address, Account { address: address.0.0, nonce, balance: balance.to_be_bytes(), code, storage });
    };
    for (address, account) in dev::l2_genesis(0, Bytes::from_static(&[0])).alloc {
        let code = account.code.unwrap_or_default().to_vec();
        put(address, account.nonce.unwrap_or(0), account.balance, code, account.storage.unwrap_or_default());
    }
    for key in keys {
        put(key.address(), 0, ether * U256::from(1_000_000), Vec::new(), BTreeMap::new());
    }
    for index in 0..plan.accounts - plan.senders() {
        put(address(index), 0, ether + U256::from(index), Vec::new(), BTreeMap::new());
    }
    if plan.kind.has_contracts() {
        let others = (0..holders(plan) - plan.senders()).map(address);
        let owners: Vec<Address> = keys.iter().map(|key| key.address()).chain(others).collect();
        let units = U256::from(RESERVE);
        for token in TOKENS {
            let mut storage: BTreeMap<B256, B256> =
                owners.iter().map(|owner| (balance_slot(*owner), B256::from(units))).collect();
            storage.extend(keys.iter().map(|key| (allowance_slot(key.address(), PAIR), B256::repeat_byte(0xff))));
            storage.insert(balance_slot(PAIR), B256::from(units));
            storage.insert(word(2), B256::from(units * U256::from(owners.len() + 1)));
            put(token, 1, U256::ZERO, token_code(), storage);
        }
        let reserves = B256::from(units | (units << 112));
        put(PAIR, 1, U256::ZERO, pair_code(), BTreeMap::from([(word(0), reserves), (word(1), word(1))]));
        let cells = (0..holders(plan)).map(|index| (cell_slot(index), word(index + 1))).collect();
        put(LOAD, 1, U256::ZERO, load_code(), cells);
    }
    if plan.kind == Kind::Worst {
        for index in 0..LARGE_COUNT {
            // STOP first; the rest makes each code another one.
            let mut code = vec![0; LARGE_LEN];
            code[1..33].copy_from_slice(word(index + 1).as_slice());
            put(large(index), 1, U256::ZERO, code, BTreeMap::new());
        }
    }
    accounts.into_values().collect()
}

/// Address of an account with a large code.
pub(super) fn large(index: u64) -> Address {
    Address::from_word(B256::from(U256::from_be_bytes(LARGE.into_word().0) + U256::from(index)))
}

/// The genesis file that a workload stands for.
pub(super) fn genesis(file: &Workfile) -> Genesis {
    let mut genesis = dev::l2_genesis(file.timestamp, Bytes::new())
        .with_gas_limit(file.gas_limit)
        .with_base_fee(Some(u128::from(file.base_fee)));
    genesis.config.chain_id = file.chain_id;
    if file.osaka {
        genesis.config.amsterdam_time = None;
    }
    genesis.alloc = file
        .accounts
        .iter()
        .map(|account| {
            let code = (!account.code.is_empty()).then(|| account.code.clone().into());
            let storage: BTreeMap<B256, B256> =
                account.storage.iter().map(|(slot, value)| (slot.into(), value.into())).collect();
            let made = GenesisAccount {
                nonce: Some(account.nonce),
                balance: U256::from_be_bytes(account.balance),
                code,
                storage: (!storage.is_empty()).then_some(storage),
                private_key: None,
            };
            (account.address.into(), made)
        })
        .collect();
    genesis
}
