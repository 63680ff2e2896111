// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IMessageContext} from "./interfaces/IMessageContext.sol";

/// @notice Remembers, for the length of one delivery, whom the message comes from. Transient storage (EIP-1153): nothing of it outlives the transaction.
abstract contract MessageContext is IMessageContext {
    address private transient _sender;
    uint64 private transient _source;
    bool private transient _delivering;

    /// @inheritdoc IMessageContext
    function messageSender() external view returns (address) {
        if (!_delivering) revert NoMessage();
        return _sender;
    }

    /// @inheritdoc IMessageContext
    function messageSource() external view returns (uint64) {
        if (!_delivering) revert NoMessage();
        return _source;
    }

    /// @dev Deliveries do not nest: whoever calls these holds the reentrancy guard.
    function _enterMessage(address sender, uint64 source) internal {
        (_sender, _source, _delivering) = (sender, source, true);
    }

    function _leaveMessage() internal {
        (_sender, _source, _delivering) = (address(0), 0, false);
    }
}
