// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BlobFold} from "./BlobFold.sol";
import {ExecuteInput, Payload} from "./ExecuteInput.sol";
import {IAdvanceErrors} from "../interfaces/IHub.sol";

/// @notice Builds, from the calldata that goes to EXECUTE, the bytes that the blobs must carry (EIP-8142, SPEC section 8):
/// `u32be(length of BAL) ‖ u32be(length of RLP) ‖ BAL ‖ RLP([transaction bytes…])`.
library PayloadData {
    /// @dev Longest prefix of an RLP list: one byte and a length of three. Calldata cannot be longer (2^24 gas, EIP-7825).
    uint256 private constant LIST_PREFIX_MAX = 4;
    /// @dev masks that pick bytes, and pairs of bytes, out of eight numbers of four bytes
    uint256 private constant EVEN_BYTES = 0xff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00;
    uint256 private constant ODD_BYTES = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant EVEN_PAIRS = 0xffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000;
    uint256 private constant ODD_PAIRS = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;

    /// @notice Writes the data into unallocated memory; the caller decides what becomes of it.
    /// @return pos where in memory the data starts
    /// @return length its length in bytes, without the zeros behind it
    /// @return free first byte behind the data and the zeros that {BlobFold} wants behind it
    function build(bytes calldata input, Payload memory p)
        internal
        pure
        returns (uint256 pos, uint256 length, uint256 free)
    {
        uint256 balLength = p.accessListEnd - p.accessListAt;
        uint256 base;
        assembly ("memory-safe") {
            // one word in front, since the lengths are written as the end of a word
            base := add(mload(0x40), 0x20)
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
        free = (itemsEnd + BlobFold.PADDING + 31) & ~uint256(31);
        uint256 balAt = p.accessListAt;
        assembly ("memory-safe") {
            mstore(sub(pos, 24), or(shl(32, balLength), rlpLength))
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
    function _items(bytes calldata input, uint256 listAt, uint256 listEnd, uint256 q)
        private
        pure
        returns (uint256 end)
    {
        if (listAt == listEnd) return q;
        if (listEnd - listAt < 4) revert IAdvanceErrors.NonCanonicalSsz(listAt);
        uint256 first = ExecuteInput.u32(input, listAt);
        if (first == 0 || first & 3 != 0 || first > listEnd - listAt) revert IAdvanceErrors.NonCanonicalSsz(listAt);

        bool bad;
        assembly ("memory-safe") {
            let list := add(input.offset, listAt)
            let size := sub(listEnd, listAt)
            let from := first
            // An item ends where the next begins, so the second offset is read first. Eight of them are turned to big endian at a time.
            for { let slot := add(list, 4) } 1 { slot := add(slot, 0x20) } {
                let ends := calldataload(slot)
                ends := or(shr(8, and(ends, EVEN_BYTES)), shl(8, and(ends, ODD_BYTES)))
                ends := or(shr(16, and(ends, EVEN_PAIRS)), shl(16, and(ends, ODD_PAIRS)))
                let count := shr(2, sub(add(list, first), slot))
                let last := lt(count, 8)
                switch last
                case 0 {
                    // the loop below stops at zeros, so none may be at the end
                    bad := iszero(and(ends, 0xffffffff))
                }
                default {
                    // the last item ends where the list ends
                    let bits := shl(5, count)
                    ends := or(and(ends, not(shr(bits, not(0)))), shl(sub(224, bits), size))
                }
                for {} ends { ends := shl(32, ends) } {
                    let to := shr(224, ends)
                    let length := sub(to, from)
                    switch lt(sub(length, 56), 200)
                    case 0 {
                        if or(lt(to, from), gt(to, size)) {
                            bad := 1
                            break
                        }
                        switch lt(length, 56)
                        case 0 {
                            switch lt(length, 0x10000)
                            case 0 {
                                mstore(q, shl(224, or(0xba000000, length)))
                                q := add(q, 4)
                            }
                            default {
                                mstore(q, shl(232, or(0xb90000, length)))
                                q := add(q, 3)
                            }
                        }
                        default {
                            // a single byte below 0x80 is its own RLP
                            if iszero(and(eq(length, 1), lt(byte(0, calldataload(add(list, from))), 0x80))) {
                                mstore8(q, add(0x80, length))
                                q := add(q, 1)
                            }
                        }
                    }
                    default {
                        // 56 to 255 bytes, nearly all there are. An end behind that of the list shows at the latest with the last item.
                        mstore(q, shl(240, or(0xb800, length)))
                        q := add(q, 2)
                    }
                    calldatacopy(q, add(list, from), length)
                    q := add(q, length)
                    from := to
                }
                if or(last, bad) { break }
            }
        }
        if (bad) revert IAdvanceErrors.NonCanonicalSsz(listAt);
        return q;
    }
}
