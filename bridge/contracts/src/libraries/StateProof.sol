// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";
import {IHub} from "../interfaces/IHub.sol";

/// @notice Reads one storage slot of one account out of a state root, by the two proofs of `eth_getProof` (EIP-1186).
library StateProof {
    using RLP for Memory.Slice;

    /// @dev place of the storage root in an account: [nonce, balance, storageRoot, codeHash]
    uint256 private constant STORAGE_ROOT = 2;

    /// @notice The value of `slot` of `account` under `stateRoot`. Reverts with WrongProof (or with an RLP error where a node is not even RLP). A slot that holds zero
    /// has no proof.
    function storageAt(
        bytes32 stateRoot,
        address account,
        bytes32 slot,
        bytes[] memory accountProof,
        bytes[] memory storageProof
    ) internal pure returns (bytes32) {
        bytes memory leaf = _traverse(stateRoot, keccak256(abi.encodePacked(account)), accountProof);
        Memory.Slice[] memory fields = RLP.decodeList(leaf);
        if (fields.length != 4) revert IHub.WrongProof();
        bytes memory value =
            _traverse(fields[STORAGE_ROOT].readBytes32(), keccak256(abi.encodePacked(slot)), storageProof);
        return bytes32(RLP.decodeUint256(value));
    }

    function _traverse(bytes32 root, bytes32 key, bytes[] memory proof) private pure returns (bytes memory value) {
        TrieProof.ProofError err;
        (value, err) = TrieProof.tryTraverse(root, abi.encodePacked(key), proof);
        if (err != TrieProof.ProofError.NO_ERROR) revert IHub.WrongProof();
    }
}
