// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message, Anchor} from "../Message.sol";
import {IMessageContext} from "./IMessageContext.sol";

/// @notice The L2 end of the bridge, predeployed at 0xBa5a170000000000000000000000000000000001 (SPEC sections 2, 5).
interface IMessenger is IMessageContext {
    /// @notice A message was taken from the inbox and called. When `success` is false it is kept and `retry` may call it again.
    event MessageRelayed(uint64 indexed srcChainId, uint64 indexed index, bytes32 leaf, bool success);
    /// @notice A message that had failed was called again and succeeded.
    event MessageRetried(uint64 indexed srcChainId, uint64 indexed index, bytes32 leaf);
    /// @notice A message was appended to the outbox.
    event MessageSent(
        uint64 indexed dstChainId, uint64 indexed index, address indexed sender, Message message, bytes32 leaf
    );
    /// @notice A relayer did not take its fee; `amount` wei wait for `withdrawFees`.
    event FeeKept(address indexed relayer, uint256 amount);

    /// @notice `relay` was given no message.
    error NothingToRelay();
    /// @notice The message is not the next one of the inbox.
    error WrongIndex(uint64 expected, uint64 given);
    /// @notice EIP-4788 has no root for that timestamp (older than 8,191 entries, or no block had it).
    error AnchorUnavailable(uint256 timestamp);
    /// @notice The anchor preimage does not hash to the root that EIP-4788 holds.
    error WrongAnchor(bytes32 expected, bytes32 given);
    /// @notice Messages and tail do not lead from the consumed inbox to the one that the anchor names.
    error WrongInbox(uint64 expectedCount, uint64 givenCount, bytes32 expectedHash, bytes32 givenHash);
    /// @notice `retry` of a message that is not kept as failed.
    error NotFailed(bytes32 leaf);
    /// @notice `retry` failed again; the message stays kept.
    error CallFailed(bytes32 leaf);
    /// @notice The fee is more than the wei sent along.
    error FeeExceedsValue(uint256 fee, uint256 sent);
    /// @notice A message to this very chain.
    error WrongDestination(uint64 dstChainId);
    /// @notice More than MAX_MESSAGE_DATA bytes.
    error MessageTooLong(uint256 length);
    /// @notice More gas than a delivery transaction on L1 can hold (EIP-7825).
    error GasLimitTooHigh(uint256 gasLimit, uint256 max);
    /// @notice 2^32 messages were sent.
    error OutboxFull();
    /// @notice The caller has no fees to withdraw, or the transfer failed.
    error NoFees();

    /// @notice Takes the next messages from the inbox and calls them, strictly in order. Anyone may call it; the fees go to the caller.
    /// @param messages the next messages, the first at index `consumedCount()`
    /// @param tail leaves of the messages that follow them, up to the count the anchor names
    /// @param anchor what the block with timestamp `anchorTimestamp` says about L1
    /// @param anchorTimestamp timestamp of this block, or of one not older than the EIP-4788 ring
    function relay(
        Message[] calldata messages,
        bytes32[] calldata tail,
        Anchor calldata anchor,
        uint256 anchorTimestamp
    ) external;

    /// @notice Calls a message again that had failed, with all gas there is, but at least its `gasLimit`. Reverts when the call fails again.
    function retry(Message calldata m) external;

    /// @notice Sends a message to another chain: appends it to the outbox. `value` = msg.value - fee leaves with it.
    /// @return index leaf index in the outbox tree
    function sendMessage(uint64 dstChainId, address to, uint256 fee, uint64 gasLimit, bytes calldata data)
        external
        payable
        returns (uint64 index);

    /// @notice Pays out fees that the caller did not take when it relayed.
    function withdrawFees(address to) external;

    /// @notice How many inbox messages were consumed.
    function consumedCount() external view returns (uint64);
    /// @notice Rolling hash of the consumed part of the inbox.
    function consumedHash() external view returns (bytes32);
    /// @notice Root of the outbox tree; zero before the first message.
    function outboxRoot() external view returns (bytes32);
    /// @notice How many messages were sent.
    function outboxCount() external view returns (uint64);
    /// @notice Whether the message with this leaf failed and is kept for `retry`.
    function failed(bytes32 leaf) external view returns (bool);
    /// @notice Fees that wait for `relayer`, in wei.
    function keptFees(address relayer) external view returns (uint256);
}
