// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {Hashing, Message} from "../Message.sol";
import {MessageContext} from "../MessageContext.sol";
import {IHub} from "../interfaces/IHub.sol";
import {GuardedCall} from "../libraries/GuardedCall.sol";
import {MessageReturn} from "../libraries/MessageReturn.sol";
import {OutboxTree} from "../libraries/OutboxTree.sol";
import {StateProof} from "../libraries/StateProof.sol";
import {Inbox} from "./Inbox.sol";

/// @notice Messages out of a rollup: proven, then taken once, for a call on L1 or into the inbox of another rollup, never for more than the rollup's escrow
/// (SPEC section 5).
abstract contract Outbox is Inbox, MessageContext, ReentrancyGuardTransient {
    using BitMaps for BitMaps.BitMap;

    /// @inheritdoc IHub
    function proveOutbox(
        uint64 chainId,
        uint64 blockNumber,
        bytes[] calldata accountProof,
        bytes[] calldata storageProof
    ) external {
        Rollup storage r = _get(chainId);
        bytes32 stateRoot = _stateRoot(r, chainId, blockNumber);
        if (!_proveOutbox(r, chainId, blockNumber, stateRoot, accountProof, storageProof)) revert OutboxUnchanged();
    }

    /// @dev Only a later block than the last one may prove: the tree only grows, so an older root says less, and nobody can push the ring round with old roots.
    /// @return changed false when the root is the one of the last epoch; then nothing is written
    function _proveOutbox(
        Rollup storage r,
        uint64 chainId,
        uint64 blockNumber,
        bytes32 stateRoot,
        bytes[] calldata accountProof,
        bytes[] calldata storageProof
    ) internal returns (bool changed) {
        Ledger memory ledger = r.ledger;
        if (blockNumber <= ledger.outboxBlock) revert OutboxProofStale(ledger.outboxBlock, blockNumber);
        bytes32 root = StateProof.storageAt(stateRoot, MESSENGER, bytes32(0), accountProof, storageProof);
        if (root == r.outboxRoots[ledger.outboxEpoch % OUTBOX_RING]) return false;
        ledger.outboxEpoch += 1;
        ledger.outboxBlock = uint40(blockNumber);
        r.ledger = ledger;
        r.outboxRoots[ledger.outboxEpoch % OUTBOX_RING] = root;
        emit OutboxProven(chainId, blockNumber, root, ledger.outboxEpoch);
        return true;
    }

    /// @inheritdoc IHub
    function claim(Message calldata m, uint64 epoch, bytes32[] calldata path) external nonReentrant {
        (bool ok,) = _claim(m, epoch, path);
        if (!ok) revert CallFailed();
    }

    /// @dev Takes a message to L1 and calls it. When the call fails the message stays taken; the caller reverts, or puts it back.
    function _claim(Message calldata m, uint64 epoch, bytes32[] calldata path)
        internal
        returns (bool ok, bytes32 leaf)
    {
        if (m.dstChainId != block.chainid) revert WrongDestination(m.dstChainId);
        if (m.to == address(this)) revert ForbiddenTarget(m.to);
        leaf = _take(m, epoch, path);
        bytes calldata data = MessageReturn.callData(m);
        _enterMessage(m.sender, m.srcChainId);
        ok = GuardedCall.atLeast(m.to, m.gasLimit, m.value, data);
        _leaveMessage();
        if (!ok) return (ok, leaf);
        emit MessageClaimed(m.srcChainId, m.index, m.to, msg.sender);
        if (m.fee != 0 && !GuardedCall.pay(msg.sender, m.fee)) revert FeeRefused();
    }

    /// @inheritdoc IHub
    /// @dev Calls nobody, so it needs no guard: a callee of a claim may forward.
    function forward(Message[] calldata ms, uint64 epoch, bytes32[][] calldata paths) external payable {
        if (ms.length == 0 || ms.length != paths.length) revert PathsMismatch(ms.length, paths.length);
        if (msg.value != 0 && ms.length != 1) revert TopUpForMany(ms.length);
        for (uint256 i = 0; i < ms.length; ++i) {
            Message memory m = ms[i];
            if (m.srcChainId != ms[0].srcChainId) revert WrongSource(ms[0].srcChainId, m.srcChainId);
            if (m.dstChainId == m.srcChainId) revert WrongDestination(m.dstChainId);
            Rollup storage destination = _get(m.dstChainId);
            _take(ms[i], epoch, paths[i]);
            m.fee += msg.value;
            uint64 index = _append(destination, m);
            emit MessageForwarded(m.srcChainId, ms[i].index, m.dstChainId, index);
        }
    }

    /// @dev Takes a message out of its rollup: checks that it was sent, and was not taken yet, marks it, and takes its value and fee from the escrow.
    function _take(Message calldata m, uint64 epoch, bytes32[] calldata path) internal returns (bytes32 leaf) {
        Rollup storage r = _get(m.srcChainId);
        bytes32 root = _outboxRoot(r, m.srcChainId, epoch);
        if (path.length != OutboxTree.DEPTH || m.index >> OutboxTree.DEPTH != 0) revert WrongPath();
        leaf = Hashing.leaf(m);
        if (OutboxTree.rootOf(leaf, m.index, path) != root) revert WrongPath();
        if (r.claimed.get(m.index)) revert AlreadyClaimed(m.srcChainId, m.index);
        uint256 escrow = r.ledger.escrow;
        // a broken rollup may hand out messages of any amount, so the sum may overflow
        if (m.value > escrow || m.fee > escrow - m.value) {
            revert EscrowShort(escrow, m.value > type(uint256).max - m.fee ? type(uint256).max : m.value + m.fee);
        }
        r.claimed.set(m.index);
        r.ledger.escrow = uint128(escrow - m.value - m.fee);
    }

    /// @dev Undoes {_take}.
    function _putBack(Message calldata m) internal {
        Rollup storage r = _rollups[m.srcChainId];
        r.claimed.unset(m.index);
        r.ledger.escrow += uint128(m.value + m.fee);
    }
}
