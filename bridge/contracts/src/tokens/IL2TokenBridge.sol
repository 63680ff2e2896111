// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IKeptEther} from "../interfaces/IKeptEther.sol";
import {TokenMetadata, TokenTransfer} from "./TokenTransfer.sol";

/// @notice The L2 end of the token bridge, predeployed at 0xba5A170000000000000000000000000000000002 (SPEC section 13). Tokens are named by their L1 address everywhere.
interface IL2TokenBridge is IKeptEther {
    /// @notice The contract of a token came to be: `bridged` stands for `token` of L1.
    event TokenCreated(address indexed token, address indexed bridged, string name, string symbol, uint8 decimals);
    /// @notice Tokens arrived and were minted.
    event TokensReceived(
        address indexed token, uint64 indexed srcChainId, address indexed to, address from, uint256 amount
    );
    /// @notice Tokens were burned and left with outbox message `index`.
    event TokensSent(
        address indexed token, uint64 indexed dstChainId, address indexed from, address to, uint256 amount, uint64 index
    );
    /// @notice Tokens that could not be delivered came back to `from`.
    event TokensReturned(address indexed token, uint64 indexed dstChainId, address indexed from, uint256 amount);

    /// @notice No such token was ever deposited. A token that was born on this rollup has no L1 address and cannot leave it.
    error UnknownToken(address token);
    /// @notice An amount of zero.
    error NothingSent();
    /// @notice Tokens sent there would be lost.
    error ForbiddenRecipient(address to);
    /// @notice `transfer` is for other rollups: not this chain, and `withdraw` leads to L1.
    error WrongDestination(uint64 dstChainId);
    /// @notice The fee for the claim is more than the wei sent along.
    error FeeExceedsValue(uint256 fee, uint256 sent);
    /// @notice Not a message of L1's token bridge, or a return that none of ours can be.
    error NotTheBridge();

    /// @notice Burns tokens of the caller and has L1 pay out as many to `to`. All of msg.value is for whoever claims the message on L1; it may be zero.
    /// @param token address of the token on L1
    /// @return index outbox index of the message
    function withdraw(address token, uint256 amount, address to) external payable returns (uint64 index);

    /// @notice Burns tokens of the caller and has another rollup mint as many to `to`, by way of L1, in one message. msg.value pays for both legs.
    /// @param dstChainId a rollup registered on the same L1
    /// @param token address of the token on L1
    /// @param claimFee wei of msg.value for whoever claims the message on L1; the rest is the fee of the message from there, see `depositFee` of L1's token bridge
    /// @return index outbox index of the message
    function transfer(uint64 dstChainId, address token, uint256 amount, address to, uint256 claimFee)
        external
        payable
        returns (uint64 index);

    /// @notice Mints tokens that are locked on L1. Only the Messenger, with a message of L1's token bridge.
    function receiveTokens(TokenTransfer calldata t, TokenMetadata calldata metadata) external;

    /// @notice Where the contract of an L1 token is, or will be.
    function bridgedToken(address token) external view returns (address);
}
