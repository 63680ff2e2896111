// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BlobFold} from "../src/libraries/BlobFold.sol";
import {Test} from "./harness/Test.sol";

/// @notice The fold against the barycentric formula of EIP-4844, which is slow and divides, and against the values that Rust and c-kzg gave.
contract BlobFoldTest is Test {
    uint256 private constant R = BlobFold.R;
    uint256 private constant W = 0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306;

    function evaluate(bytes memory data, uint256 z) public pure returns (uint256) {
        // a copy with zeros behind it, as PayloadData gives, and dirt behind those
        uint256 size = data.length;
        bytes memory copy = bytes.concat(data, new bytes(BlobFold.PADDING));
        bytes memory scratch = new bytes(BlobFold.SCRATCH);
        uint256 p;
        uint256 s;
        assembly ("memory-safe") {
            p := add(copy, 0x20)
            s := add(scratch, 0x20)
            mstore(s, not(0))
        }
        return BlobFold.evaluate(p, size, z, s);
    }

    function _power(uint256 base, uint256 exponent) private view returns (uint256 y) {
        (bool ok, bytes memory out) =
            address(5).staticcall(abi.encode(uint256(32), uint256(32), uint256(32), base, exponent, R));
        require(ok && out.length == 32, "modexp");
        return abi.decode(out, (uint256));
    }

    function _reverse12(uint256 i) private pure returns (uint256 r) {
        for (uint256 k = 0; k < 12; ++k) {
            r = r << 1 | (i >> k & 1);
        }
    }

    /// @dev f(z) = (z^4096 - 1)/4096 · Σ f_i w_i / (z - w_i), w_i in bit-reversed order
    function _barycentric(bytes memory data, uint256 z) private view returns (uint256) {
        uint256 sum = 0;
        for (uint256 i = 0; i * 31 < data.length; ++i) {
            uint256 element = 0;
            for (uint256 k = 0; k < 31; ++k) {
                element = element << 8 | (i * 31 + k < data.length ? uint8(data[i * 31 + k]) : 0);
            }
            uint256 w = _power(W, _reverse12(i));
            uint256 term = mulmod(mulmod(element, w, R), _power(addmod(z, R - w, R), R - 2), R);
            sum = addmod(sum, term, R);
        }
        return mulmod(mulmod(sum, addmod(_power(z, 4096), R - 1, R), R), _power(4096, R - 2), R);
    }

    function testFuzz_the_fold_is_the_barycentric_formula(bytes32 seed, uint16 length, uint256 z) public view {
        uint256 n = uint256(length) % 1300 + 1;
        bytes memory data = _stream(seed, n);
        z %= R;
        // at a root of unity the formula divides by zero; that case has its own test
        vm.assume(_power(z, 4096) != 1);
        vm.assertEq(evaluate(data, z), _barycentric(data, z), "f(z)");
    }

    function test_every_small_length_agrees() public view {
        for (uint256 n = 1; n < 400; n += 13) {
            bytes memory data = _stream(keccak256("small"), n);
            uint256 z = uint256(keccak256(abi.encode(n))) % R;
            vm.assertEq(evaluate(data, z), _barycentric(data, z), "f(z)");
        }
    }

    function test_extreme_elements_and_points_agree() public view {
        bytes memory data = new bytes(31 * 9);
        for (uint256 i = 0; i < data.length; ++i) {
            data[i] = 0xff;
        }
        uint256[4] memory points = [uint256(0), 2, R - 2, R - 3];
        for (uint256 i = 0; i < 4; ++i) {
            vm.assertEq(evaluate(data, points[i]), _barycentric(data, points[i]), "f(z)");
        }
        vm.assertEq(evaluate(new bytes(4000), 5), 0, "zero polynomial");
    }

    function test_at_a_root_of_unity_the_value_is_the_element() public view {
        // The barycentric formula divides by zero here; the fold does not mind.
        bytes memory data = _stream(keccak256("roots"), 31 * 20);
        for (uint256 i = 0; i < 20; ++i) {
            uint256 element;
            assembly ("memory-safe") {
                element := shr(8, mload(add(add(data, 0x20), mul(31, i))))
            }
            vm.assertEq(evaluate(data, _power(W, _reverse12(i))), element, "element");
        }
    }

    function test_the_openings_of_the_vectors_have_these_values() public view {
        string memory json = _vector("opening");
        uint256 cases = 0;
        while (vm.keyExistsJson(json, _path(".cases", cases, "length"))) {
            bytes memory data = vm.parseJsonBytes(json, _path(".cases", cases, "data"));
            string memory blobs = _path(".cases", cases, "blobs");
            for (uint256 k = 0; k * 126_976 < data.length; ++k) {
                bytes memory slice = _slice(data, k * 126_976, 126_976);
                bytes32 hash = vm.parseJsonBytes32(json, _path(blobs, k, "versionedHash"));
                uint256 z = uint256(keccak256(abi.encodePacked(hash, keccak256(slice)))) % R;
                vm.assertEq(bytes32(z), vm.parseJsonBytes32(json, _path(blobs, k, "z")), "z");
                vm.assertEq(bytes32(evaluate(slice, z)), vm.parseJsonBytes32(json, _path(blobs, k, "y")), "y");
            }
            ++cases;
        }
        vm.assertGt(cases, 4, "cases");
    }

    function _slice(bytes memory data, uint256 from, uint256 n) private pure returns (bytes memory out) {
        if (from + n > data.length) n = data.length - from;
        out = new bytes(n);
        assembly ("memory-safe") {
            mcopy(add(out, 0x20), add(add(data, 0x20), from), n)
        }
    }
}
