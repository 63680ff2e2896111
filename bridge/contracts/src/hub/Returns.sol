// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message} from "../Message.sol";
import {IHub} from "../interfaces/IHub.sol";
import {MessageReturn} from "../libraries/MessageReturn.sol";
import {Outbox} from "./Outbox.sol";

/// @notice Messages out of a rollup that nobody will ever take where they should go: back to their sender, by the inbox of the rollup they came from (SPEC section 11).
abstract contract Returns is Outbox {
    /// @inheritdoc IHub
    function returnMessage(Message calldata m, uint64 epoch, bytes32[] calldata path)
        external
        payable
        returns (uint64 index)
    {
        bytes32 leaf = _take(m, epoch, path);
        if (!_isLost(m, leaf)) revert StillDeliverable();
        Message memory back = Message({
            srcChainId: uint64(block.chainid),
            dstChainId: m.srcChainId,
            index: 0,
            sender: MESSENGER,
            to: m.sender, // a return comes from the Messenger, to which the inbox takes nothing: it never goes back itself
            value: m.value,
            fee: m.fee + msg.value,
            gasLimit: MessageReturn.GAS,
            data: MessageReturn.dataOf(m)
        });
        index = _append(_rollups[m.srcChainId], back);
        emit MessageReturned(m.srcChainId, m.index, index);
    }

    /// @inheritdoc IHub
    function recordFailure(Message calldata m, uint64 epoch, bytes32[] calldata path) external nonReentrant {
        (bool ok, bytes32 leaf) = _claim(m, epoch, path);
        if (ok) return;
        mapping(bytes32 => uint256) storage failures = _rollups[m.srcChainId].failedAt;
        // the first failure counts, or who notes one every day would keep the message here for ever
        if (failures[leaf] != 0) revert CallFailed();
        failures[leaf] = block.timestamp;
        _putBack(m);
        emit MessageFailed(m.srcChainId, m.index, leaf);
    }

    /// @dev Whether a message has no way to its destination: on L1 its call failed a day ago, elsewhere no inbox would ever take it. What may change (a fee, a full inbox)
    /// is no reason.
    function _isLost(Message calldata m, bytes32 leaf) private view returns (bool) {
        if (m.dstChainId == block.chainid) {
            uint256 since = _rollups[m.srcChainId].failedAt[leaf];
            return m.to == address(this) || (since != 0 && block.timestamp >= since + RETURN_DELAY);
        }
        Rollup storage r = _rollups[m.dstChainId];
        if (address(r.schedule) == address(0) || m.dstChainId == m.srcChainId || m.to == MESSENGER) return true;
        uint256 max = _maxGas(r, m.data.length);
        return m.data.length > _maxData(m.sender) || m.gasLimit > max || max == 0;
    }
}
