// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IExecuteVerifier} from "./interfaces/IExecuteVerifier.sol";
import {ExecuteInput} from "./libraries/ExecuteInput.sol";
import {IAdvanceErrors} from "./interfaces/IHub.sol";

/// @notice Believes what the EXECUTE precompile (EIP-8079, schema 0x1501) vouches for.
contract ExecuteVerifier is IExecuteVerifier {
    /// @notice Where EXECUTE lives.
    address public constant EXECUTE = 0x0000000000000000000000000000000000000101;
    /// @notice Gas EXECUTE takes per byte of input, on top of the payload's gas limit.
    uint256 public constant GAS_PER_BYTE = 16;
    /// @dev root 32 ‖ success 1 ‖ chain id 8 (little endian) ‖ schema id 2 (little endian)
    uint256 private constant RESULT_LENGTH = 43;

    /// @inheritdoc IExecuteVerifier
    function verify(bytes calldata executeInput) external view {
        if (executeInput.length < ExecuteInput.MIN_LENGTH) revert IAdvanceErrors.NonCanonicalSsz(executeInput.length);
        // EXECUTE that runs out of gas looks like EXECUTE that refuses, so make sure beforehand that it does not.
        uint256 needed = ExecuteInput.u64(executeInput, ExecuteInput.GAS_LIMIT_AT) + GAS_PER_BYTE * executeInput.length;
        bool enough;
        bool ok;
        uint256 size;
        bytes32 tail; // success ‖ chain id ‖ schema id, left aligned
        assembly ("memory-safe") {
            // Free memory is used, not allocated; this frame ends here.
            let p := mload(0x40)
            calldatacopy(p, executeInput.offset, executeInput.length)
            // 3,000: the CALL itself
            enough := gt(gas(), add(div(mul(needed, 64), 63), 3000))
            if enough {
                ok := staticcall(gas(), EXECUTE, p, executeInput.length, p, RESULT_LENGTH)
                size := returndatasize()
                tail := mload(add(p, 32))
            }
        }
        if (!enough) revert InsufficientGas(needed);
        if (!ok) revert ExecuteRefused();
        if (size != RESULT_LENGTH) revert ExecuteAbsent();
        if (tail[0] != 0x01) revert ExecuteRefused();
        bytes8 chainId = bytes8(tail << 8);
        bytes2 schemaId = bytes2(tail << 72);
        if (chainId != bytes8(ExecuteInput.word(executeInput, ExecuteInput.CHAIN_ID_AT)) || schemaId != 0x0115) {
            revert ExecuteMismatch(_u64(chainId), uint16(schemaId) >> 8 | uint16(schemaId) << 8);
        }
    }

    function _u64(bytes8 le) private pure returns (uint64 v) {
        for (uint256 i = 0; i < 8; ++i) {
            v |= uint64(uint8(le[i])) << uint64(8 * i);
        }
    }
}
