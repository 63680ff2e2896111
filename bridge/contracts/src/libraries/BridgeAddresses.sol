// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Where genesis puts the contracts of the bridge, the same on every rollup (SPEC section 9).
library BridgeAddresses {
    /// @notice The L2 end of the bridge.
    address internal constant MESSENGER = 0xBa5a170000000000000000000000000000000001;
    /// @notice The L2 end of the token bridge.
    address internal constant L2_TOKEN_BRIDGE = 0xba5A170000000000000000000000000000000002;
    /// @notice Code of all bridged tokens.
    address internal constant BRIDGED_TOKEN = 0xBA5A170000000000000000000000000000000003;
    /// @notice The ERC-7786 gateway of a rollup.
    address internal constant L2_GATEWAY = 0xBa5a170000000000000000000000000000000005;
}
