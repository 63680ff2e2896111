// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message, Anchor} from "../Message.sol";
import {IMessageContext} from "./IMessageContext.sol";

/// @notice A message that was consumed and not delivered.
/// @param time timestamp of the block in which it failed, never zero
/// @param feeKept whether nobody has earned its fee yet: it was deferred, not called
struct Failure {
    uint64 time;
    bool feeKept;
}

/// @notice The L2 end of the bridge, predeployed at 0xBa5a170000000000000000000000000000000001 (SPEC sections 2, 5, 11).
interface IMessenger is IMessageContext {
    /// @notice A message was taken from the inbox and called. When `success` is false it is kept and `retry` may call it again.
    event MessageRelayed(uint64 indexed srcChainId, uint64 indexed index, bytes32 leaf, bool success);
    /// @notice A message was taken from the inbox and not called; it is kept with its fee for `retry` and `refund`.
    event MessageDeferred(uint64 indexed srcChainId, uint64 indexed index, bytes32 leaf);
    /// @notice A message that had failed was called again and succeeded.
    event MessageRetried(uint64 indexed srcChainId, uint64 indexed index, bytes32 leaf);
    /// @notice A message that had failed goes back to its sender, as message `outboxIndex` of the outbox.
    event MessageRefunded(uint64 indexed srcChainId, uint64 indexed index, bytes32 leaf, uint64 outboxIndex);
    /// @notice A message was appended to the outbox. `sender` is the Messenger itself when it is a message that goes back.
    event MessageSent(
        uint64 indexed dstChainId, uint64 indexed index, address indexed sender, Message message, bytes32 leaf
    );
    /// @notice A relayer did not take its fee; `amount` wei wait for `withdrawFees`.
    event FeeKept(address indexed relayer, uint256 amount);

    /// @notice `relay` was given no message.
    error NothingToRelay();
    /// @notice More messages than one relay may take.
    error TooManyMessages(uint256 count);
    /// @notice Only the fee recipient of the block may defer messages.
    error OnlyProposerDefers(address proposer);
    /// @notice The message is for an account without code, so its call reads nothing and has no reason to be deferred.
    error NotDeferrable(uint64 index);
    /// @notice The message is not the next one of the inbox.
    error WrongIndex(uint64 expected, uint64 given);
    /// @notice EIP-4788 has no root for that timestamp (older than 8,191 entries, or no block had it).
    error AnchorUnavailable(uint256 timestamp);
    /// @notice The anchor preimage does not hash to the root that EIP-4788 holds.
    error WrongAnchor(bytes32 expected, bytes32 given);
    /// @notice Messages and tail do not lead from the consumed inbox to the one that the anchor names.
    error WrongInbox(uint64 expectedCount, uint64 givenCount, bytes32 expectedHash, bytes32 givenHash);
    /// @notice `retry` or `refund` of a message that is not kept as failed.
    error NotFailed(bytes32 leaf);
    /// @notice `retry` failed again; the message stays kept.
    error CallFailed(bytes32 leaf);
    /// @notice The message is itself one that came back: it can be retried, not sent back again.
    error NotRefundable(bytes32 leaf);
    /// @notice `refund` before the delay has passed; possible in blocks with a timestamp of at least `from`.
    error RefundTooEarly(uint256 from);
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
    /// @param messages the next messages, the first at index `consumedCount()`, at most 256
    /// @param deferred bit i: consume message i without calling it, since what its call reads fits no landing (SPEC section 2). Only for the fee recipient of the block
    /// @param tail leaves of the messages that follow them, up to the count the anchor names
    /// @param anchor what the block with timestamp `anchorTimestamp` says about L1
    /// @param anchorTimestamp timestamp of this block, or of one not older than the EIP-4788 ring
    function relay(
        Message[] calldata messages,
        uint256 deferred,
        bytes32[] calldata tail,
        Anchor calldata anchor,
        uint256 anchorTimestamp
    ) external;

    /// @notice Calls a message again that had failed, with all gas there is, but at least its `gasLimit`. Reverts when the call fails again. The
    /// fee of a message that was deferred goes to the caller.
    function retry(Message calldata m) external;

    /// @notice Sends a message that has failed back to its sender on its source chain, `refundDelay()` seconds after it failed. Anyone may call it. What comes back is its
    /// value, and its fee if nobody has earned it; it arrives as IMessageReturn says. `retry` is no longer possible then.
    /// @dev msg.value is the fee for whoever delivers the return: nothing is needed to claim on L1, on another rollup it is what `Hub.minFee` says.
    /// @return index leaf index of the return in the outbox tree
    function refund(Message calldata m) external payable returns (uint64 index);

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
    /// @notice When the message with this leaf failed (seconds, zero if it is not kept for `retry` and `refund`), and whether its fee is kept with it.
    function failures(bytes32 leaf) external view returns (uint64 time, bool feeKept);
    /// @notice Seconds after its failure from which on a message may be sent back.
    function refundDelay() external view returns (uint64);
    /// @notice Fees that wait for `relayer`, in wei.
    function keptFees(address relayer) external view returns (uint256);
}
