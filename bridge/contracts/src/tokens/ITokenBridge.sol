// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IHub} from "../interfaces/IHub.sol";
import {IKeptEther} from "../interfaces/IKeptEther.sol";
import {TokenTransfer} from "./TokenTransfer.sol";

/// @notice The vault of all rollups' tokens, on L1 (SPEC section 13).
interface ITokenBridge is IKeptEther {
    /// @notice Tokens left for a rollup, out of L1 or out of another rollup, with inbox message `index`.
    event TokensSent(
        address indexed token,
        uint64 indexed srcChainId,
        uint64 indexed dstChainId,
        address from,
        address to,
        uint256 amount,
        uint64 index
    );
    /// @notice Tokens out of rollup `srcChainId` were paid out on L1.
    event TokensReleased(
        address indexed token, uint64 indexed srcChainId, address indexed to, address from, uint256 amount
    );
    /// @notice Tokens that rollup `dstChainId` could not deliver came back. On L1 `from` has them again; those of another rollup wait for `sendBack`.
    event TokensReturned(
        address indexed token, uint64 indexed dstChainId, address indexed from, uint64 srcChainId, uint256 amount
    );

    /// @notice The address has no code: no token.
    error NoToken(address token);
    /// @notice An amount of zero.
    error NothingSent();
    /// @notice Tokens sent there would be lost.
    error ForbiddenRecipient(address to);
    /// @notice The vault did not get exactly what was sent: no plain token (fee on transfer, rebasing).
    error NotPlain(uint256 sent, uint256 received);
    /// @notice Not a message of the rollup's token bridge, or a return that none of ours can be.
    error NotTheBridge();
    /// @notice The rollup has less of the token than it wants to move.
    error TokenEscrowShort(uint256 escrow, uint256 needed);
    /// @notice Nothing waits for `sendBack` there.
    error NothingOwed();

    /// @notice Locks tokens and has the rollup mint as many to `to`. All of msg.value is the fee for the delivery, at least `depositFee`.
    /// @param dstChainId a registered rollup
    /// @param token a plain ERC-20 token; this contract must be allowed to take `amount`
    /// @param amount above zero
    /// @param to who gets them on the rollup
    /// @return index inbox index of the message
    function deposit(uint64 dstChainId, address token, uint256 amount, address to)
        external
        payable
        returns (uint64 index);

    /// @notice As `deposit`, with an EIP-2612 permit of msg.sender for exactly `amount`. A permit that was used already (anyone may) does no harm.
    function depositWithPermit(
        uint64 dstChainId,
        address token,
        uint256 amount,
        address to,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external payable returns (uint64 index);

    /// @notice Takes tokens out of a rollup's ledger: pays them out on L1, or sends them on to another rollup, for which msg.value is the fee. Only Hub, with a message of
    /// the rollup's token bridge.
    function receiveTokens(TokenTransfer calldata t) external payable;

    /// @notice Sends tokens that came back, and belong to `account` on rollup `chainId`, there. Anyone may call it; msg.value and what was kept of the fee pay for it.
    /// @return index inbox index of the message
    function sendBack(uint64 chainId, address token, address account) external payable returns (uint64 index);

    /// @notice Hub, whose messages it believes.
    function hub() external view returns (IHub);
    /// @notice How much of `token` is locked for rollup `chainId`: no more can ever leave it.
    function escrow(uint64 chainId, address token) external view returns (uint256);
    /// @notice What waits for `sendBack`: tokens (part of the rollup's escrow), and wei towards the fee.
    function owed(uint64 chainId, address token, address account) external view returns (uint256 amount, uint256 fee);
    /// @notice A fee that `deposit` of this token to this rollup takes now, in wei; it follows the rollup's base fee, so send some more.
    function depositFee(uint64 dstChainId, address token) external view returns (uint256);
}
