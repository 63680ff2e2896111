// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Hashing} from "../Message.sol";

/// @notice Append-only binary Merkle tree of depth 32, node = keccak256(left ‖ right), empty leaves zero (SPEC section 5).
/// @dev One branch node is kept per level, as in the deposit contract; a push writes one of them, the count and the root. (OpenZeppelin's MerkleTree wants a set-up
/// transaction and dynamic arrays, and its root is not where a storage proof can find it; a predeploy has neither constructor nor set-up.)
library OutboxTree {
    uint256 internal constant DEPTH = 32;

    /// @notice Appends `leaf` at `index` = number of leaves so far, below 2^32, and returns the new root.
    function push(bytes32[32] storage branch, uint256 index, bytes32 leaf) internal returns (bytes32 node) {
        node = leaf;
        bytes32 zero = 0;
        bool kept = false;
        for (uint256 level = 0; level < DEPTH; ++level) {
            if (index & 1 == 1) {
                node = Hashing.link(branch[level], node);
            } else {
                // The lowest level at which this leaf is in a left subtree: its node waits there for its right sibling.
                if (!kept) {
                    branch[level] = node;
                    kept = true;
                }
                node = Hashing.link(node, zero);
            }
            zero = Hashing.link(zero, zero);
            index >>= 1;
        }
    }

    /// @notice Root that `path`, 32 siblings from the leaf up, gives to `leaf` at `index`.
    function rootOf(bytes32 leaf, uint256 index, bytes32[] calldata path) internal pure returns (bytes32 node) {
        node = leaf;
        for (uint256 level = 0; level < DEPTH; ++level) {
            node = index & 1 == 1 ? Hashing.link(path[level], node) : Hashing.link(node, path[level]);
            index >>= 1;
        }
    }
}
