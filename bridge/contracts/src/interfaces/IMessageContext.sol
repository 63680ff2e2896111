// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Whom a delivered message comes from. The same on both layers: Hub on L1, Messenger on L2.
/// @dev A callee first checks that `msg.sender` is Hub or Messenger, then asks it. Both views revert outside a delivery.
interface IMessageContext {
    /// @notice No message is being delivered.
    error NoMessage();

    /// @notice Who sent the message that is being delivered, on its source chain.
    function messageSender() external view returns (address);

    /// @notice Chain id on which the message that is being delivered was sent.
    function messageSource() external view returns (uint64);
}
