// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Whom a predeployed contract believes on L1. Genesis writes slot 0: chain id ‖ address, 8 and 20 bytes, at the low end.
/// @dev Inherit from it first: its slot is part of the protocol.
abstract contract L1Side {
    /// @notice The contract on L1 whose messages count.
    address public l1Contract; // slot 0, below the chain id
    /// @notice Chain id of L1.
    uint64 public l1ChainId;
}
