// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IExecuteErrors} from "../interfaces/IExecuteVerifier.sol";
import {TokenMetadata} from "./TokenTransfer.sol";

/// @notice Asks a token of unknown manners for its name, symbol and decimals. Whatever it does (revert, burn gas, answer megabytes, a bytes32, broken UTF-8), the result
/// is bounded and well-formed.
library MetadataReader {
    /// @notice Most bytes of a name.
    uint256 internal constant MAX_NAME = 64;
    /// @notice Most bytes of a symbol: one storage slot.
    uint256 internal constant MAX_SYMBOL = 31;
    /// @notice Gas that the token gets for each of the three answers.
    uint256 internal constant GAS = 50_000;
    /// @dev most bytes of an answer that are looked at: offset, length, the name
    uint256 private constant ANSWER = 128;

    /// @notice Reverts with InsufficientGas when the token could not be given its gas: nobody can make a name disappear by sending too little.
    function read(address token) internal view returns (TokenMetadata memory m) {
        m.name = _text(_ask(token, IERC20Metadata.name.selector), MAX_NAME);
        m.symbol = _text(_ask(token, IERC20Metadata.symbol.selector), MAX_SYMBOL);
        bytes memory decimals = _ask(token, IERC20Metadata.decimals.selector);
        if (decimals.length >= 32 && uint256(bytes32(decimals)) <= type(uint8).max) {
            m.decimals = uint8(uint256(bytes32(decimals)));
        }
    }

    /// @dev At most ANSWER bytes of what the token answers; nothing when it reverts.
    function _ask(address token, bytes4 selector) private view returns (bytes memory answer) {
        uint256 needed = (GAS * 64) / 63 + 5_000; // EIP-150, and the cold account
        if (gasleft() < needed) revert IExecuteErrors.InsufficientGas(needed);
        answer = new bytes(ANSWER);
        assembly ("memory-safe") {
            mstore(0x00, selector)
            let ok := staticcall(GAS, token, 0x00, 0x04, add(answer, 0x20), ANSWER)
            let size := returndatasize()
            if gt(size, ANSWER) { size := ANSWER }
            mstore(answer, mul(ok, size))
        }
    }

    /// @dev The text in an answer: an ABI string, or, as some early tokens have it, a bytes32.
    function _text(bytes memory answer, uint256 max) private pure returns (string memory) {
        uint256 start = 0;
        uint256 length = answer.length;
        if (length > 32) {
            uint256 offset;
            uint256 stated;
            assembly ("memory-safe") {
                offset := mload(add(answer, 0x20))
                stated := mload(add(answer, 0x40))
            }
            if (offset != 32 || length < 64) return "";
            start = 64;
            length = length - 64 < stated ? length - 64 : stated;
        } else if (length < 32) {
            return "";
        }
        length = _wellFormed(answer, start, length < max ? length : max);
        bytes memory text = new bytes(length);
        assembly ("memory-safe") {
            mcopy(add(text, 0x20), add(add(answer, 0x20), start), length)
        }
        return string(text);
    }

    /// @dev Bytes of the longest beginning that is well-formed UTF-8 (Unicode 17, table 3-7) without control characters: no sequence is cut in half, and a bytes32 ends
    /// at its first zero.
    function _wellFormed(bytes memory b, uint256 start, uint256 length) private pure returns (uint256 n) {
        while (n < length) {
            uint8 lead = uint8(b[start + n]);
            (uint256 size, uint8 low, uint8 high) = (1, 0x80, 0xbf);
            if (lead < 0x20 || lead == 0x7f) return n;
            if (lead > 0x7f) {
                if (lead < 0xc2 || lead > 0xf4) return n;
                size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
                if (lead == 0xe0) low = 0xa0;
                else if (lead == 0xed) high = 0x9f;
                else if (lead == 0xf0) low = 0x90;
                else if (lead == 0xf4) high = 0x8f;
            }
            if (n + size > length) return n;
            for (uint256 k = 1; k < size; ++k) {
                uint8 next = uint8(b[start + n + k]);
                if (next < low || next > high) return n;
                (low, high) = (0x80, 0xbf);
            }
            n += size;
        }
    }
}
