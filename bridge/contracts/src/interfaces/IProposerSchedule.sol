// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Who may advance a rollup. Chosen at registration, for good.
/// @dev Hub calls it once per `advance`, by staticcall, before anything costly. An implementation must not depend on the content of the block.
interface IProposerSchedule {
    /// @notice Whether `proposer` may land a block of rollup `chainId` in the present L1 block.
    function mayAdvance(uint64 chainId, address proposer) external view returns (bool);
}
