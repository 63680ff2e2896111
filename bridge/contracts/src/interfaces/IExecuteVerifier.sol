// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice What can go wrong with the call of EXECUTE, and with any call that must get a stated amount of gas.
interface IExecuteErrors {
    /// @notice Nothing that answers like EXECUTE lives at 0x…0101.
    error ExecuteAbsent();
    /// @notice EXECUTE does not vouch for the block. It is no evidence that the block is wrong: a short witness gives the same answer.
    error ExecuteRefused();
    /// @notice EXECUTE vouched for another chain or schema than the input names.
    error ExecuteMismatch(uint64 chainId, uint16 schemaId);
    /// @notice Too little gas is left to hand `needed` gas to a call (EIP-150 keeps 1/64 back). Send the transaction again with more.
    error InsufficientGas(uint256 needed);
}

/// @notice The rule by which L1 believes a block of a rollup. Chosen at registration, for good.
/// @dev Hub calls it once per `advance`, by staticcall, after every other check. It must revert unless the whole input is proven valid.
interface IExecuteVerifier is IExecuteErrors {
    /// @notice Returns if, and only if, the block in `executeInput` is valid on top of the parent its payload names.
    /// @param executeInput schema id (2 bytes, big endian) ‖ SSZ(StatelessInput), the calldata of EXECUTE (SPEC section 6)
    function verify(bytes calldata executeInput) external view;
}
