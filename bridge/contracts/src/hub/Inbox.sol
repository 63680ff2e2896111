// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Hashing, Message} from "../Message.sol";
import {IHub} from "../interfaces/IHub.sol";
import {MessageReturn} from "../libraries/MessageReturn.sol";
import {Rollups} from "./Rollups.sol";

/// @notice Messages into a rollup: which are taken, and the rolling hash over them that no block can skip (SPEC section 2).
abstract contract Inbox is Rollups {
    /// @inheritdoc IHub
    function sendMessage(uint64 dstChainId, address to, uint256 fee, uint64 gasLimit, bytes calldata data)
        external
        payable
        returns (uint64 index)
    {
        if (fee > msg.value) revert FeeExceedsValue(fee, msg.value);
        Message memory m = Message({
            srcChainId: uint64(block.chainid),
            dstChainId: dstChainId,
            index: 0,
            sender: msg.sender,
            to: to,
            value: msg.value - fee,
            fee: fee,
            gasLimit: gasLimit,
            data: data
        });
        return _append(_get(dstChainId), m);
    }

    /// @dev Appends a message to the inbox of its destination `r`, where it gets its index, and adds its value and fee to the escrow there. The caller took them from
    /// msg.value or from another escrow.
    function _append(Rollup storage r, Message memory m) internal returns (uint64 index) {
        _admit(r, m);
        Ledger memory ledger = r.ledger;
        index = ledger.inboxCount;
        if (index - r.head.inboxConsumed >= INBOX_RING - 1) revert InboxFull(m.dstChainId);
        m.index = index;
        bytes32 inboxHash = Hashing.link(r.inboxHashes[index % INBOX_RING], Hashing.leafOf(m));
        r.inboxHashes[(index + 1) % INBOX_RING] = inboxHash;
        ledger.inboxCount = uint40(index + 1);
        ledger.escrow += uint128(m.value + m.fee);
        r.ledger = ledger;
        emit MessageSent(m.dstChainId, index, m.sender, m, inboxHash);
    }

    /// @dev A message that no relayer can or would deliver stops all behind it, so it is refused at the door.
    function _admit(Rollup storage r, Message memory m) private view {
        if (m.to == MESSENGER) revert ForbiddenTarget(m.to);
        if (m.data.length > _maxData(m.sender)) revert MessageTooLong(m.data.length);
        uint256 max = _maxGas(r, m.data.length);
        if (m.gasLimit > max || max == 0) revert GasLimitTooHigh(m.gasLimit, max);
        uint256 feeMin = _minFee(r, m.gasLimit, m.data.length);
        if (m.fee < feeMin) revert FeeTooLow(feeMin, m.fee);
    }

    /// @dev Most data bytes of a message of `sender`: returns carry the message that they return.
    function _maxData(address sender) internal pure returns (uint256) {
        return sender == MESSENGER ? MAX_MESSAGE_DATA + MessageReturn.EXTRA_DATA : MAX_MESSAGE_DATA;
    }

    /// @dev Most gas that a delivery in a block of `r` can hand to the call; zero when not even the delivery fits.
    function _maxGas(Rollup storage r, uint256 dataLength) internal view returns (uint256) {
        uint256 overhead = _overhead(dataLength);
        return r.gasLimitMax < overhead ? 0 : ((r.gasLimitMax - overhead) * 63) / 64;
    }
}
