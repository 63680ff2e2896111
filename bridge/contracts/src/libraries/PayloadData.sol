// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ExecuteInput, Payload} from "./ExecuteInput.sol";
import {IAdvanceErrors} from "../interfaces/IHub.sol";

/// @notice Builds, from the calldata that goes to EXECUTE, the bytes that the blobs must carry (EIP-8142, SPEC section 8):
/// `u32be(length of BAL) ‖ u32be(length of RLP) ‖ BAL ‖ RLP([transaction bytes…])`.
library PayloadData {
    /// @dev Longest prefix of an RLP list: one byte and a length of three. Calldata cannot be longer (2^24 gas, EIP-7825).
    uint256 private constant LIST_PREFIX_MAX = 4;
    /// @dev Zero bytes behind the data: {BlobFold} reads, and writes zeros, up to a whole group of four elements.
    uint256 private constant PADDING = 256;

    /// @notice Writes the data into unallocated memory; the caller decides what becomes of it.
    /// @return pos where in memory the data starts
    /// @return length its length in bytes, without the zeros behind it
    /// @return free first byte behind data and padding
    function build(bytes calldata input, Payload memory p)
        internal
        pure
        returns (uint256 pos, uint256 length, uint256 free)
    {
        uint256 balLength = p.accessListEnd - p.accessListAt;
        uint256 base;
        assembly ("memory-safe") {
            base := mload(0x40)
        }
        // The list's prefix is known once the list is: leave room for the longest, then write everything in front of it backwards.
        uint256 items = base + 8 + balLength + LIST_PREFIX_MAX;
        uint256 itemsEnd = _items(input, p.transactionsAt, p.transactionsEnd, items);
        uint256 listLength = itemsEnd - items;
        // 2^24 is out of reach (each byte of calldata costs gas); checked because the prefix below relies on it.
        assert(listLength < 1 << 24 && balLength < 1 << 24);

        uint256 prefixLength = listLength < 56 ? 1 : listLength < 1 << 8 ? 2 : listLength < 1 << 16 ? 3 : 4;
        uint256 rlpLength = prefixLength + listLength;
        pos = items - prefixLength - balLength - 8;
        length = itemsEnd - pos;
        free = (itemsEnd + PADDING) & ~uint256(31);
        uint256 balAt = p.accessListAt;
        assembly ("memory-safe") {
            mstore(pos, or(shl(224, balLength), shl(192, rlpLength)))
            calldatacopy(add(pos, 8), add(input.offset, balAt), balLength)
            let q := add(add(pos, 8), balLength)
            switch prefixLength
            case 1 { mstore8(q, add(0xc0, listLength)) }
            default {
                mstore8(q, add(0xf6, prefixLength))
                for { let k := sub(prefixLength, 1) } k { k := sub(k, 1) } {
                    q := add(q, 1)
                    mstore8(q, shr(shl(3, sub(k, 1)), listLength))
                }
            }
            // calldata ends long before this offset, so this writes zeros
            calldatacopy(itemsEnd, calldatasize(), sub(free, itemsEnd))
        }
    }

    /// @dev RLP strings of the transactions, one behind the other, from memory `q` on. SSZ list of byte strings: offsets relative to the list, the first one tells
    /// how many there are. Reverts with NonCanonicalSsz when an offset goes back, leaves the list, or the first is no multiple of four.
    function _items(bytes calldata input, uint256 listAt, uint256 listEnd, uint256 q) private pure returns (uint256 end) {
        if (listAt == listEnd) return q;
        if (listEnd - listAt < 4) revert IAdvanceErrors.NonCanonicalSsz(listAt);
        uint256 first = ExecuteInput.u32(input, listAt);
        if (first == 0 || first & 3 != 0 || first > listEnd - listAt) revert IAdvanceErrors.NonCanonicalSsz(listAt);

        uint256 bad; // position of a bad offset; 0 is none, since the schema id is there
        assembly ("memory-safe") {
            let list := add(input.offset, listAt)
            let size := sub(listEnd, listAt)
            let from := first
            for { let slot := 4 } iszero(gt(slot, first)) { slot := add(slot, 4) } {
                // the end of this item: the offset of the next one, or the end of the list
                let to := size
                if lt(slot, first) {
                    let v := shr(224, calldataload(add(list, slot)))
                    v := or(shr(8, and(v, 0xff00ff00)), shl(8, and(v, 0x00ff00ff)))
                    to := or(shr(16, v), shl(16, and(v, 0xffff)))
                    if or(lt(to, from), gt(to, size)) {
                        bad := add(listAt, slot)
                        break
                    }
                }
                let length := sub(to, from)
                let source := add(list, from)
                from := to
                switch lt(length, 56)
                case 1 {
                    // a single byte below 0x80 is its own RLP
                    if iszero(and(eq(length, 1), lt(byte(0, calldataload(source)), 0x80))) {
                        mstore8(q, add(0x80, length))
                        q := add(q, 1)
                    }
                }
                default {
                    switch lt(length, 0x10000)
                    case 1 {
                        switch lt(length, 0x100)
                        case 1 {
                            mstore(q, shl(240, or(0xb800, length)))
                            q := add(q, 2)
                        }
                        default {
                            mstore(q, shl(232, or(0xb90000, length)))
                            q := add(q, 3)
                        }
                    }
                    default {
                        mstore(q, shl(224, or(0xba000000, length)))
                        q := add(q, 4)
                    }
                }
                calldatacopy(q, source, length)
                q := add(q, length)
            }
        }
        if (bad != 0) revert IAdvanceErrors.NonCanonicalSsz(bad);
        return q;
    }
}
