// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Ether of returned messages whose owner did not take it by a plain transfer.
interface IKeptEther {
    /// @notice `owner` did not take `amount` wei; they wait for `withdrawKept`.
    event EtherKept(address indexed owner, uint256 amount);

    /// @notice The caller has nothing here, or the transfer failed.
    error NothingKept();

    /// @notice Pays what is kept for the caller to `to`.
    function withdrawKept(address to) external;

    /// @notice Wei that wait for `owner`.
    function keptEther(address owner) external view returns (uint256);
}
