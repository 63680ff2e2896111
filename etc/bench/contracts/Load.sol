// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// Work for the state: many slots, many accounts, many codes.
contract Load {
    mapping(uint256 => uint256) cells;

    /// Writes `value` to `count` cells; zero clears them.
    function write(uint256 first, uint256 count, uint256 value) external {
        for (uint256 i = first; i < first + count; i++) cells[i] = value;
    }

    /// Reads cells until `gasLeft` is left.
    function read(uint256 first, uint256 gasLeft) external view returns (uint256 sum) {
        unchecked {
            for (uint256 i = first; gasleft() > gasLeft; i++) sum += cells[i];
        }
    }

    /// Asks for the balances of accounts whose addresses are keccak256(seed, index), until `gasLeft` is left.
    function balances(bytes32 seed, uint256 first, uint256 gasLeft) external view returns (uint256 sum) {
        unchecked {
            for (uint256 i = first; gasleft() > gasLeft; i++) {
                sum += address(uint160(uint256(keccak256(abi.encode(seed, i))))).balance;
            }
        }
    }

    /// Asks for the code sizes of `count` accounts from `first` on.
    function codes(address first, uint256 count) external view returns (uint256 sum) {
        for (uint160 i = 0; i < count; i++) sum += address(uint160(first) + i).code.length;
    }
}
