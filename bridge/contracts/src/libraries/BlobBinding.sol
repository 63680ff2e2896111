// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BlobFold} from "./BlobFold.sol";
import {Payload} from "./ExecuteInput.sol";
import {PayloadData} from "./PayloadData.sol";
import {IAdvanceErrors} from "../interfaces/IHub.sol";

/// @notice Proves that the blobs of the present transaction carry the payload that EXECUTE is given, byte for byte (SPEC section 8).
/// @dev For each blob a point z is drawn from the blob's versioned hash and from the data it should hold. Two different polynomials of degree below 4,096 agree at a
/// random point with a chance below 2^-242 (Schwartz-Zippel), and neither can be changed any more once z is known: the hash commits to one, the data is the other.
library BlobBinding {
    /// @notice Data bytes a blob carries: 4,096 field elements of 31 bytes.
    uint256 internal constant BLOB_DATA = 126_976;
    /// @dev 48 bytes commitment, 48 bytes proof
    uint256 private constant OPENING = 96;
    /// @dev EIP-4844
    uint256 private constant POINT_EVALUATION = 0x0a;
    /// @dev Ten times the 50,000 of EIP-4844, in case it is repriced. A precompile that refuses burns all it was given, which must not be the whole transaction.
    uint256 private constant POINT_EVALUATION_GAS_MAX = 500_000;
    /// @dev precompile
    uint256 private constant SHA256 = 0x02;
    /// @dev order of the scalar field, as BlobFold.R
    uint256 private constant R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

    /// @notice Checks number, order and content of the transaction's blobs.
    /// @return hashes their versioned hashes
    function check(bytes calldata input, Payload memory p, bytes calldata openings)
        internal
        view
        returns (bytes32[] memory hashes)
    {
        hashes = new bytes32[](openings.length / OPENING);
        uint256 memoryBefore;
        assembly ("memory-safe") {
            memoryBefore := mload(0x40)
        }
        (uint256 pos, uint256 length, uint256 free) = PayloadData.build(input, p);
        uint256 count = (length + BLOB_DATA - 1) / BLOB_DATA;
        if (openings.length != count * OPENING) {
            revert IAdvanceErrors.WrongOpeningsLength(count * OPENING, openings.length);
        }
        for (uint256 i = 0; i < count; ++i) {
            hashes[i] = blobhash(i);
            if (hashes[i] == 0) revert IAdvanceErrors.BlobMissing(i);
        }
        if (blobhash(count) != 0) revert IAdvanceErrors.ExtraBlob(count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 size = length < BLOB_DATA ? length : BLOB_DATA;
            _checkOne(i, hashes[i], pos, size, openings, free);
            pos += BLOB_DATA;
            length -= size;
        }
        // The data was only needed here. Nothing refers to it any more, so the call of the verifier may use the same memory.
        assembly ("memory-safe") {
            mstore(0x40, memoryBefore)
        }
    }

    function _checkOne(
        uint256 i,
        bytes32 versionedHash,
        uint256 data,
        uint256 size,
        bytes calldata openings,
        uint256 scratch
    ) private view {
        uint256 z;
        bool same;
        assembly ("memory-safe") {
            // The commitment belongs to the blob: 0x01 ‖ sha256(commitment)[1..] (EIP-4844).
            calldatacopy(scratch, add(openings.offset, mul(i, OPENING)), 48)
            same := staticcall(gas(), SHA256, scratch, 48, 0x00, 0x20)
            same := and(
                same,
                eq(
                    or(
                        and(mload(0x00), 0x00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff),
                        shl(248, 1)
                    ),
                    versionedHash
                )
            )
            mstore(0x00, versionedHash)
            mstore(0x20, keccak256(data, size))
            z := mod(keccak256(0x00, 0x40), R)
        }
        if (!same) revert IAdvanceErrors.BlobHashMismatch(i);
        uint256 y = BlobFold.evaluate(data, size, z, scratch);
        assembly ("memory-safe") {
            mstore(scratch, versionedHash)
            mstore(add(scratch, 0x20), z)
            mstore(add(scratch, 0x40), y)
            calldatacopy(add(scratch, 0x60), add(openings.offset, mul(i, OPENING)), OPENING)
            // an account without code answers with nothing, the precompile with 64 bytes
            same := staticcall(POINT_EVALUATION_GAS_MAX, POINT_EVALUATION, scratch, 0xc0, 0x00, 0x00)
            same := and(same, eq(returndatasize(), 0x40))
        }
        if (!same) revert IAdvanceErrors.WrongOpening(i);
    }
}
