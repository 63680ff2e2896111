//! Who appears in generated blocks: the same keys, contracts and strangers in every world.

use alloy_primitives::{Address, B256, U256, address, keccak256};
use alloy_signer_local::PrivateKeySigner;
use chainspec::predeploys;
use std::sync::LazyLock;

/// Contracts of random code.
pub const CONTRACTS: usize = 8;
/// A contract that calls what its input says; see [`crate::generate::proxy`].
pub const PROXY: Address = address!("0x00000000000000000000000000000000c0de1000");
/// Ordinary senders with much ether.
pub const RICH: usize = 6;
/// A sender who can pay for about one transaction.
pub const POOR: usize = 6;
/// Nobody yet: no ether, no nonce.
pub const NOBODY: usize = 7;
/// A key whose account holds a contract, which EIP-3607 keeps from sending and EIP-7702 from delegating.
pub const CODED: usize = 8;
/// An account that is delegated at genesis.
pub const DELEGATED: usize = 9;
/// An account whose nonce is one below the end (EIP-2681).
pub const OLD: usize = 10;
/// An account that sent transactions and has nothing left.
pub const SPENT: usize = 11;
/// All keys.
pub const KEYS: usize = 12;
/// Addresses with nothing behind them.
pub const STRANGERS: u64 = 60;

/// A contract's address.
pub fn contract(index: usize) -> Address {
    Address::from_word(B256::from(U256::from(0xc0de00 + index)))
}

/// A key.
pub fn key(index: usize) -> &'static PrivateKeySigner {
    static SIGNERS: LazyLock<Vec<PrivateKeySigner>> = LazyLock::new(|| {
        let signer = |index: usize| PrivateKeySigner::from_bytes(&keccak256(format!("differential {index}")));
        (0..KEYS).map(|index| signer(index).expect("a hash is below the order of the curve")).collect()
    });
    &SIGNERS[index]
}

/// A key's address.
pub fn account(index: usize) -> Address {
    key(index).address()
}

/// An address that is in no genesis.
pub fn stranger(index: u64) -> Address {
    Address::from_word(keccak256((index % STRANGERS).to_be_bytes()))
}

/// Addresses that mean something to the protocol.
pub const SPECIAL: [Address; 12] = [
    Address::ZERO,
    address!("0xfffffffffffffffffffffffffffffffffffffffe"),
    address!("0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02"),
    address!("0x0000F90827F1C53a10cb7A02335B175320002935"),
    predeploys::REQUEST_CONTRACTS[0],
    predeploys::REQUEST_CONTRACTS[1],
    predeploys::REQUEST_CONTRACTS[2],
    predeploys::REQUEST_CONTRACTS[3],
    predeploys::CREATE2_FACTORY,
    predeploys::MESSENGER,
    predeploys::EXECUTE,
    address!("0x00000000219ab540356cBB839Cbe05303d7705Fa"),
];

/// The precompiles of Amsterdam, and the numbers beside them.
pub const PRECOMPILES: [u16; 21] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 0x100, 18, 0xff, 0x102];

/// The address of a precompile.
pub fn precompile(number: u16) -> Address {
    Address::from_word(B256::from(U256::from(number)))
}
