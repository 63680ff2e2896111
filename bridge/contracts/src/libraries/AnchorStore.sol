// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Anchor, Hashing} from "../Message.sol";
import {IMessenger} from "../interfaces/IMessenger.sol";

/// @notice Opens what EIP-4788 keeps on a rollup: the anchor of a block, by the block's timestamp (SPEC section 3).
library AnchorStore {
    /// @notice EIP-4788: by timestamp, the parent_beacon_block_root of the last 8,191 timestamps; on a rollup the anchor.
    address internal constant ANCHORS = 0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02;

    /// @notice Reverts with AnchorUnavailable or WrongAnchor unless the block with that timestamp named `anchor`.
    function check(Anchor calldata anchor, uint256 timestamp) internal view {
        (bool ok, bytes memory root) = ANCHORS.staticcall(abi.encode(timestamp));
        if (!ok || root.length != 32) revert IMessenger.AnchorUnavailable(timestamp);
        bytes32 given = Hashing.anchor(block.chainid, anchor);
        if (bytes32(root) != given) revert IMessenger.WrongAnchor(bytes32(root), given);
    }
}
