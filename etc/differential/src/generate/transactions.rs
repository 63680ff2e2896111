//! Random transactions: what they do, and what is wrong with some of them.

use super::{Random, initcode, precompile_input, programs};
use crate::{
    cast::{self, KEYS, PROXY, RICH},
    plan::{Authorization, Chain, Fee, Gas, Nonce, Signature, Tx},
};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, Bytes, U256};
use chainspec::predeploys;

/// EIP-7954: most bytes of init code.
const INITCODE_MAX: usize = 131_072;

/// Bytes of input with which each of the request contracts makes a request (EIP-7002, EIP-7251, EIP-8282).
pub(super) const REQUEST_INPUTS: [usize; 4] = [56, 96, 184, 48];

/// A transaction, or what is almost one.
pub(super) fn transaction(random: &mut Random) -> Tx {
    let mut tx = body(random);
    let call_data = random.below(100) as usize;
    match random.below(23) {
        0 => (tx.kind, tx.to) = ("transfer", Some(random.target())),
        1 => (tx.kind, tx.to, tx.value) = ("transfer of more than there is", Some(random.target()), U256::MAX),
        2 => {
            // The floor of EIP-7976 is above what the call costs.
            let len = random.magnitude(3_000) as usize;
            (tx.kind, tx.to, tx.input) = ("call data floor", Some(random.target()), random.bytes(len));
        }
        3 | 4 => {
            let number = random.pick(&cast::PRECOMPILES);
            tx.input = precompile_input(random, number);
            (tx.kind, tx.to) = ("precompile", Some(cast::precompile(number)));
        }
        5 | 6 => {
            let number = random.pick(&cast::PRECOMPILES);
            let head = [U256::from(number), U256::from(random.magnitude(1 << 20))];
            let head: Vec<u8> = head.iter().flat_map(|word| word.to_be_bytes::<32>()).collect();
            tx.input = [&head, precompile_input(random, number).as_ref()].concat().into();
            (tx.kind, tx.to) = ("precompile through a contract", Some(PROXY));
        }
        7 | 8 => (tx.kind, tx.to, tx.input) = ("create", None, initcode::initcode(random, 3).into()),
        9 => (tx.kind, tx.to, tx.input) = ("create by a program", None, programs::program(random, 8).concat().into()),
        10 if random.chance(0.2) => {
            let len = INITCODE_MAX - 1 + random.index(3);
            (tx.kind, tx.to, tx.input) = ("create with much init code", None, vec![0; len].into());
            tx.gas = Gas::Limit(25_000_000);
        }
        11..=13 => {
            (tx.kind, tx.ty) = ("delegation", 4);
            tx.authorizations = (0..random.range(1..=4)).map(|_| authorization(random, tx.from)).collect();
            let to = match random.chance(0.5) {
                true => cast::account(tx.authorizations[0].authority),
                false => random.target(),
            };
            (tx.to, tx.input) = (Some(to), random.bytes(call_data));
        }
        14 => {
            let index = random.index(4);
            (tx.kind, tx.to) = ("request", Some(predeploys::REQUEST_CONTRACTS[index]));
            (tx.input, tx.value) = (vec![1; REQUEST_INPUTS[index]].into(), U256::from(random.below(100)));
        }
        15 => {
            let to = cast::account(random.pick(&[cast::DELEGATED, cast::NOBODY, 0, 1]));
            (tx.kind, tx.to, tx.input) = ("call of an account", Some(to), random.bytes(call_data));
        }
        _ => {
            let to = cast::contract(random.index(cast::CONTRACTS));
            (tx.kind, tx.to, tx.input) = ("call", Some(to), random.bytes(call_data));
        }
    }
    if random.chance(0.12) {
        spoil(random, &mut tx);
    }
    tx
}

/// Everything but what the transaction is for.
fn body(random: &mut Random) -> Tx {
    let ty = random.pick(&[0, 1, 2, 2, 2]);
    let gas = match random.below(20) {
        0 => Gas::Limit(random.range(20_000..=30_000)),
        1 => Gas::Limit(random.magnitude(1 << 25)),
        2 => Gas::Limit((1 << 24) - 2 + random.below(5)),
        3 => Gas::Limit(30_000_000),
        4..=6 => Gas::Swept { per_mille: 1_000, offset: random.below(9) as i64 - 4 },
        7..=9 => Gas::Swept { per_mille: random.below(1_300), offset: 0 },
        _ => Gas::Limit(random.pick(&[200_000, 1_000_000, 2_900_000, 2_900_000, 10_000_000])),
    };
    Tx {
        kind: "",
        from: match random.below(40) {
            0 => cast::POOR,
            1 => cast::DELEGATED,
            2 => cast::OLD,
            3 => random.index(KEYS),
            _ => random.index(RICH),
        },
        ty,
        to: None,
        value: U256::from(if random.chance(0.5) { 0 } else { random.below(4) }),
        input: Bytes::new(),
        gas,
        fee: if random.chance(0.2) { Fee::Exact } else { Fee::Tip(random.below(3)) },
        nonce: Nonce::Next,
        chain: if ty == 0 && random.chance(0.3) { Chain::Any } else { Chain::Own },
        access_list: if ty != 0 && random.chance(0.35) { access_list(random) } else { AccessList::default() },
        authorizations: Vec::new(),
        over_budget: random.chance(0.04),
    }
}

fn access_list(random: &mut Random) -> AccessList {
    let item = |random: &mut Random| AccessListItem {
        address: random.target(),
        storage_keys: (0..random.below(5)).map(|_| B256::from(programs::slot(random))).collect(),
    };
    let mut items: Vec<_> = (0..random.range(1..=4)).map(|_| item(random)).collect();
    if random.chance(0.2) {
        items.push(items[0].clone());
    }
    AccessList(items)
}

fn authorization(random: &mut Random, sender: usize) -> Authorization {
    Authorization {
        authority: match random.below(6) {
            0 => sender,
            1 => random.pick(&[cast::CODED, cast::OLD, cast::NOBODY, cast::SPENT, cast::DELEGATED]),
            _ => random.index(KEYS),
        },
        target: if random.chance(0.2) { Address::ZERO } else { random.target() },
        chain: random.pick(&[Chain::Own, Chain::Own, Chain::Own, Chain::Any, Chain::Any, Chain::Other, Chain::Huge]),
        nonce_offset: random.pick(&[0, 0, 0, 0, 0, 1, 2, u64::MAX]),
        signature: match random.below(20) {
            0 => Signature::HighS,
            1 => Signature::ZeroR,
            2 => Signature::Parity,
            3 => Signature::Other,
            _ => Signature::Good,
        },
    }
}

/// Makes it a transaction that the builder refuses, each class as likely as the others.
fn spoil(random: &mut Random, tx: &mut Tx) {
    match random.below(10) {
        0 => tx.nonce = Nonce::Ahead(random.range(1..=9)),
        1 => tx.nonce = Nonce::Used,
        2 => tx.fee = Fee::Short,
        3 => tx.fee = Fee::Absurd,
        4 => tx.chain = Chain::Other,
        5 => tx.gas = Gas::Limit(random.below(21_000)),
        6 => tx.gas = Gas::Limit(1 << 40),
        7 => {
            (tx.ty, tx.authorizations) = (3, Vec::new());
            tx.to.get_or_insert(Address::ZERO);
        }
        8 => tx.from = cast::CODED,
        _ => tx.over_budget = true,
    }
}
