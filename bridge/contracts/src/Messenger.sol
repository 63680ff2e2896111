// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Anchor, Hashing, Message} from "./Message.sol";
import {MessageContext} from "./MessageContext.sol";
import {IExecuteErrors} from "./interfaces/IExecuteVerifier.sol";
import {Failure, IMessenger} from "./interfaces/IMessenger.sol";
import {GuardedCall} from "./libraries/GuardedCall.sol";
import {MessageReturn} from "./libraries/MessageReturn.sol";
import {OutboxTree} from "./libraries/OutboxTree.sol";

/// @title The L2 end of the bridge
/// @notice Takes messages from L1 strictly in order and calls them; appends messages of L2 to a tree whose root L1 can prove. Predeployed by genesis at
/// 0xBa5a170000000000000000000000000000000001 with 2^96 wei that are no circulating supply: they leave with messages that L1 has escrowed.
/// @dev No constructor, no immutables, no owner. The layout of storage is part of the protocol: Hub proves slot 0.
contract Messenger is IMessenger, IExecuteErrors, MessageContext, ReentrancyGuardTransient {
    /// @notice EIP-4788: by timestamp, the parent_beacon_block_root of the last 8,191 timestamps; here it holds the anchor.
    address public constant ANCHORS = 0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02;
    /// @notice Most data bytes of a message.
    uint256 public constant MAX_MESSAGE_DATA = 16_384;
    /// @notice Most gas a message to another chain may ask for: what one delivery transaction there can surely hand on (EIP-7825).
    uint256 public constant MAX_MESSAGE_GAS = 15_000_000;
    /// @notice Most messages in one relay: one bit of `deferred` each; as many as one block may newly name.
    uint256 public constant MAX_RELAY = 256;
    /// @dev EXTCODEHASH of an account without code; zero is that of an account which does not exist
    bytes32 private constant NO_CODE = keccak256("");

    /// @inheritdoc IMessenger
    bytes32 public outboxRoot; // slot 0
    /// @inheritdoc IMessenger
    uint64 public outboxCount; // slot 1
    bytes32[32] private _branch; // slots 2..33
    /// @inheritdoc IMessenger
    uint64 public consumedCount; // slot 34
    /// @inheritdoc IMessenger
    bytes32 public consumedHash; // slot 35
    /// @inheritdoc IMessenger
    mapping(bytes32 leaf => Failure) public failures; // slot 36
    /// @inheritdoc IMessenger
    mapping(address relayer => uint256) public keptFees; // slot 37
    /// @inheritdoc IMessenger
    uint64 public refundDelay; // slot 38, written by genesis

    /// @inheritdoc IMessenger
    function relay(
        Message[] calldata messages,
        uint256 deferred,
        bytes32[] calldata tail,
        Anchor calldata anchor,
        uint256 anchorTimestamp
    ) external nonReentrant {
        if (messages.length == 0) revert NothingToRelay();
        if (messages.length > MAX_RELAY) revert TooManyMessages(messages.length);
        // Who builds the block could leave the message out as well; any other caller could only get in its way.
        if (deferred != 0 && msg.sender != block.coinbase) revert OnlyProposerDefers(block.coinbase);
        _checkAnchor(anchor, anchorTimestamp);
        bytes32[] memory leaves = _consume(messages, tail, anchor);
        uint256 fees = 0;
        for (uint256 i = 0; i < messages.length; ++i) {
            if ((deferred >> i) & 1 == 1) {
                _defer(messages[i], leaves[i]);
            } else {
                fees += _relayOne(messages[i], leaves[i]);
            }
        }
        _pay(msg.sender, fees);
    }

    /// @inheritdoc IMessenger
    function retry(Message calldata m) external nonReentrant {
        bytes32 leaf = Hashing.leaf(m);
        bool feeKept = _takeFailure(leaf).feeKept;
        if (!_deliver(m, true)) revert CallFailed(leaf);
        emit MessageRetried(m.srcChainId, m.index, leaf);
        if (feeKept) _pay(msg.sender, m.fee);
    }

    /// @inheritdoc IMessenger
    function refund(Message calldata m) external payable nonReentrant returns (uint64 index) {
        bytes32 leaf = Hashing.leaf(m);
        Failure memory failure = _takeFailure(leaf);
        if (MessageReturn.isReturn(m)) revert NotRefundable(leaf);
        uint256 from = uint256(failure.time) + refundDelay;
        if (block.timestamp < from) revert RefundTooEarly(from);
        index = _append({
            dstChainId: m.srcChainId,
            sender: MessageReturn.MESSENGER,
            to: m.sender,
            value: failure.feeKept ? m.value + m.fee : m.value,
            fee: msg.value,
            gasLimit: MessageReturn.GAS,
            data: MessageReturn.dataOf(m)
        });
        emit MessageRefunded(m.srcChainId, m.index, leaf, index);
    }

    /// @inheritdoc IMessenger
    function sendMessage(uint64 dstChainId, address to, uint256 fee, uint64 gasLimit, bytes calldata data)
        external
        payable
        returns (uint64 index)
    {
        if (fee > msg.value) revert FeeExceedsValue(fee, msg.value);
        if (data.length > MAX_MESSAGE_DATA) revert MessageTooLong(data.length);
        if (gasLimit > MAX_MESSAGE_GAS) revert GasLimitTooHigh(gasLimit, MAX_MESSAGE_GAS);
        return _append(dstChainId, msg.sender, to, msg.value - fee, fee, gasLimit, data);
    }

    /// @inheritdoc IMessenger
    function withdrawFees(address to) external nonReentrant {
        uint256 amount = keptFees[msg.sender];
        if (amount == 0) revert NoFees();
        delete keptFees[msg.sender];
        if (!GuardedCall.pay(to, amount)) revert NoFees();
    }

    /// @dev Kept as if its call had failed, but with its fee. The hash of the callee's code is part of its account: the code itself, which may be what does not fit, is
    /// not read.
    function _defer(Message calldata m, bytes32 leaf) private {
        bytes32 code = m.to.codehash;
        if (code == 0 || code == NO_CODE) revert NotDeferrable(m.index);
        failures[leaf] = Failure({time: uint64(block.timestamp), feeKept: true});
        emit MessageDeferred(m.srcChainId, m.index, leaf);
    }

    /// @return fee what the relayer earned, also if the call failed
    function _relayOne(Message calldata m, bytes32 leaf) private returns (uint256 fee) {
        bool success = _deliver(m, false);
        if (!success) failures[leaf] = Failure({time: uint64(block.timestamp), feeKept: false});
        emit MessageRelayed(m.srcChainId, m.index, leaf, success);
        return m.fee;
    }

    /// @dev Takes the mark of a failed message away before anything else happens; what follows succeeds or reverts.
    function _takeFailure(bytes32 leaf) private returns (Failure memory failure) {
        failure = failures[leaf];
        if (failure.time == 0) revert NotFailed(leaf);
        delete failures[leaf];
    }

    /// @dev The fee of one who takes no ether is kept: it is owed, and it must not undo a delivery.
    function _pay(address relayer, uint256 fee) private {
        if (fee != 0 && !GuardedCall.pay(relayer, fee)) {
            keptFees[relayer] += fee;
            emit FeeKept(relayer, fee);
        }
    }

    /// @dev Appends to the outbox; the wei of the message stay here.
    function _append(
        uint64 dstChainId,
        address sender,
        address to,
        uint256 value,
        uint256 fee,
        uint64 gasLimit,
        bytes memory data
    ) private returns (uint64 index) {
        if (dstChainId == block.chainid) revert WrongDestination(dstChainId);
        index = outboxCount;
        if (index >> OutboxTree.DEPTH != 0) revert OutboxFull();
        Message memory m = Message({
            srcChainId: uint64(block.chainid),
            dstChainId: dstChainId,
            index: index,
            sender: sender,
            to: to,
            value: value,
            fee: fee,
            gasLimit: gasLimit,
            data: data
        });
        bytes32 leaf = Hashing.leaf(m.srcChainId, dstChainId, index, sender, to, value, fee, gasLimit, keccak256(data));
        outboxRoot = OutboxTree.push(_branch, index, leaf);
        outboxCount = index + 1;
        emit MessageSent(dstChainId, index, sender, m, leaf);
    }

    /// @dev The anchor of the block with that timestamp is what EIP-4788 stored for it.
    function _checkAnchor(Anchor calldata anchor, uint256 timestamp) private view {
        (bool ok, bytes memory root) = ANCHORS.staticcall(abi.encode(timestamp));
        if (!ok || root.length != 32) revert AnchorUnavailable(timestamp);
        bytes32 given = Hashing.anchor(block.chainid, anchor);
        if (bytes32(root) != given) revert WrongAnchor(bytes32(root), given);
    }

    /// @dev Checks that the messages continue the consumed inbox and that, with the tail, they lead to the anchor's; then consumes them, before any is called.
    function _consume(Message[] calldata messages, bytes32[] calldata tail, Anchor calldata anchor)
        private
        returns (bytes32[] memory leaves)
    {
        uint64 count = consumedCount;
        bytes32 hash = consumedHash;
        leaves = new bytes32[](messages.length);
        for (uint256 i = 0; i < messages.length; ++i) {
            if (messages[i].index != count) revert WrongIndex(count, messages[i].index);
            leaves[i] = Hashing.leaf(messages[i]);
            hash = Hashing.link(hash, leaves[i]);
            ++count;
        }
        (consumedCount, consumedHash) = (count, hash);
        for (uint256 i = 0; i < tail.length; ++i) {
            hash = Hashing.link(hash, tail[i]);
        }
        count += uint64(tail.length);
        if (count != anchor.inboxCount || hash != anchor.inboxHash) {
            revert WrongInbox(anchor.inboxCount, count, anchor.inboxHash, hash);
        }
    }

    /// @dev Calls one message. A message to the Messenger itself is not called at all: it would speak in the Messenger's name.
    function _deliver(Message calldata m, bool allGas) private returns (bool success) {
        if (m.to == address(this)) return false;
        bytes calldata data = MessageReturn.callData(m);
        _enterMessage(m.sender, m.srcChainId);
        success = allGas
            ? GuardedCall.atLeast(m.to, m.gasLimit, m.value, data)
            : GuardedCall.exact(m.to, m.gasLimit, m.value, data);
        _leaveMessage();
    }
}
