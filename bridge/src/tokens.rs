//! Tokens on a rollup (SPEC section 13): where the contract of an L1 token is, and what genesis needs of the token bridge.
//! It must not know who holds how much.

use crate::abi::{BridgedToken, L1Reader, L2Gateway, L2TokenBridge};
use alloy_primitives::{Address, B256};
use chainspec::predeploys::{BRIDGED_TOKEN, BridgeCode, L2_TOKEN_BRIDGE};

#[cfg(test)]
mod tests;

/// The contract of L1's `token` on every rollup, whether it is there yet or not: a CREATE2 clone (ERC-1167, OpenZeppelin
/// `Clones` with immutable arguments) of [`BRIDGED_TOKEN`] with the token's address behind its code, made by
/// [`L2_TOKEN_BRIDGE`] with salt zero. `L2TokenBridge.bridgedToken` says the same.
pub fn bridged_token(token: Address) -> Address {
    const RUNTIME: [u8; 2] = (45 + 20u16).to_be_bytes();
    let init = [
        &[0x61],
        RUNTIME.as_slice(),
        &[0x3d, 0x81, 0x60, 0x0a, 0x3d, 0x39, 0xf3, 0x36, 0x3d, 0x3d, 0x37, 0x3d, 0x3d, 0x3d, 0x36, 0x3d, 0x73],
        BRIDGED_TOKEN.as_slice(),
        &[0x5a, 0xf4, 0x3d, 0x82, 0x80, 0x3e, 0x90, 0x3d, 0x91, 0x60, 0x2b, 0x57, 0xfd, 0x5b, 0xf3],
        token.as_slice(),
    ];
    L2_TOKEN_BRIDGE.create2_from_code(B256::ZERO, init.concat())
}

/// Runtime code of the contracts that genesis puts beside the Messenger.
pub fn code() -> BridgeCode {
    BridgeCode {
        token_bridge: L2TokenBridge::DEPLOYED_BYTECODE.clone(),
        bridged_token: BridgedToken::DEPLOYED_BYTECODE.clone(),
        l1_reader: L1Reader::DEPLOYED_BYTECODE.clone(),
        gateway: L2Gateway::DEPLOYED_BYTECODE.clone(),
    }
}
