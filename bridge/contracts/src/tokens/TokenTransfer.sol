// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Tokens on their way between two chains; the same on each leg (SPEC section 13).
/// @param token address of the token on L1
/// @param amount in the token's smallest unit
/// @param srcChainId where `from` gave the tokens, and where they come back to
/// @param from who gave them
/// @param dstChainId where `to` gets them
/// @param to who gets them
struct TokenTransfer {
    address token;
    uint256 amount;
    uint64 srcChainId;
    address from;
    uint64 dstChainId;
    address to;
}

/// @notice What a bridged token shows of the original, as L1 read it.
/// @param name at most 64 bytes of well-formed UTF-8, empty when the original says none
/// @param symbol at most 31 bytes of well-formed UTF-8, empty when the original says none
/// @param decimals 0 when the original says none
struct TokenMetadata {
    string name;
    string symbol;
    uint8 decimals;
}
