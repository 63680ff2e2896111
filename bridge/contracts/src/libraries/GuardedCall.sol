// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IExecuteErrors} from "../interfaces/IExecuteVerifier.sol";

/// @notice Calls an untrusted account with a stated amount of gas and takes no return data from it.
/// @dev EIP-150 silently hands less gas to a call than it asks for, so without a guard whoever delivers a message could let it fail by sending too little gas.
library GuardedCall {
    /// @notice Gas that the CALL instruction itself may take before it counts out the callee's share: value to a new account at Amsterdam prices
    /// (EIP-8037 183,600 state gas; EIP-8038 3,000 cold, 9,000 + 10,000 writes) and some reserve.
    uint256 internal constant CALL_GAS = 210_000;

    /// @notice Gas that must be left so that a call can be given `gasLimit`.
    function needed(uint256 gasLimit) internal pure returns (uint256) {
        return (gasLimit * 64) / 63 + 1 + CALL_GAS;
    }

    /// @notice Calls `to` with exactly `gasLimit` gas (plus the 2,300 of a call with value).
    function exact(address to, uint256 gasLimit, uint256 value, bytes calldata data) internal returns (bool) {
        return _call(to, gasLimit, value, data, false);
    }

    /// @notice Calls `to` with all gas there is, but at least `gasLimit`.
    function atLeast(address to, uint256 gasLimit, uint256 value, bytes calldata data) internal returns (bool) {
        return _call(to, gasLimit, value, data, true);
    }

    /// @dev Reverts with InsufficientGas when the call cannot get its gas; otherwise tells whether it succeeded.
    function _call(address to, uint256 gasLimit, uint256 value, bytes calldata data, bool all)
        private
        returns (bool ok)
    {
        uint256 target = needed(gasLimit);
        uint256 left;
        assembly ("memory-safe") {
            // Free memory is used, not allocated: a relay of many messages grows it to the longest of them only.
            let p := mload(0x40)
            calldatacopy(p, data.offset, data.length)
            left := gas()
            if gt(left, target) {
                if all { gasLimit := left }
                ok := call(gasLimit, to, value, p, data.length, 0x00, 0x00)
            }
        }
        if (left <= target) revert IExecuteErrors.InsufficientGas(target);
    }

    /// @notice Hands `value` wei to `to`, with all gas and without data.
    function pay(address to, uint256 value) internal returns (bool ok) {
        assembly ("memory-safe") {
            ok := call(gas(), to, value, 0x00, 0x00, 0x00, 0x00)
        }
    }
}
