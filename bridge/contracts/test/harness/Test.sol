// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice The cheat codes of forge that these tests use. (npm carries forge-std only as an unofficial copy of 2022, without blob hashes; an interface is all it would be used for.)
interface Cheats {
    function roll(uint256 number) external;
    function warp(uint256 timestamp) external;
    function getBlockTimestamp() external view returns (uint256);
    function chainId(uint256 id) external;
    function coinbase(address recipient) external;
    function deal(address account, uint256 wei_) external;
    function etch(address account, bytes calldata code) external;
    function store(address account, bytes32 slot, bytes32 value) external;
    function load(address account, bytes32 slot) external view returns (bytes32);
    function prank(address sender) external;
    function addr(uint256 key) external pure returns (address);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function blobhashes(bytes32[] calldata hashes) external;
    function expectRevert(bytes calldata reason) external;
    function expectRevert(bytes4 selector) external;
    function expectRevert() external;
    function expectEmit(bool topic1, bool topic2, bool topic3, bool data, address emitter) external;
    function assume(bool condition) external pure;
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonBytes32Array(string calldata json, string calldata key) external pure returns (bytes32[] memory);
    function parseJsonBytesArray(string calldata json, string calldata key) external pure returns (bytes[] memory);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonUintArray(string calldata json, string calldata key) external pure returns (uint256[] memory);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
    function keyExistsJson(string calldata json, string calldata key) external view returns (bool);
    function toString(uint256 value) external pure returns (string memory);
    function assertEq(uint256 a, uint256 b, string calldata what) external pure;
    function assertEq(bytes32 a, bytes32 b, string calldata what) external pure;
    function assertEq(address a, address b, string calldata what) external pure;
    function assertEq(bool a, bool b, string calldata what) external pure;
    function assertEq(bytes calldata a, bytes calldata b, string calldata what) external pure;
    function assertLe(uint256 a, uint256 b, string calldata what) external pure;
    function assertGt(uint256 a, uint256 b, string calldata what) external pure;
    function assertTrue(bool a, string calldata what) external pure;
}

/// @notice Base of every test.
abstract contract Test {
    Cheats internal constant vm = Cheats(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice Gas figures of the tests that measure; shown by `forge test -vv`.
    event Gas(string what, uint256 gas);

    /// @dev path of element `i` of the list `list`, and of the field `field` in it
    function _path(string memory list, uint256 i, string memory field) internal pure returns (string memory) {
        return string.concat(list, "[", vm.toString(i), "].", field);
    }

    /// @dev Reads a golden vector. A missing file fails the test.
    function _vector(string memory name) internal view returns (string memory) {
        return vm.readFile(string.concat("../vectors/", name, ".json"));
    }

    /// @dev keccak stream of the vectors: chunk k of 32 bytes is keccak256(seed ‖ uint256(k))
    function _stream(bytes32 seed, uint256 n) internal pure returns (bytes memory out) {
        out = new bytes(n);
        assembly ("memory-safe") {
            mstore(0x00, seed)
            let p := add(out, 0x20)
            let whole := and(n, not(31))
            for { let k := 0 } lt(k, whole) { k := add(k, 0x20) } {
                mstore(0x20, shr(5, k))
                mstore(add(p, k), keccak256(0x00, 0x40))
            }
            if and(n, 31) {
                mstore(0x20, shr(5, whole))
                mstore(
                    add(p, whole),
                    shl(shl(3, sub(32, and(n, 31))), shr(shl(3, sub(32, and(n, 31))), keccak256(0x00, 0x40)))
                )
            }
        }
    }
}
