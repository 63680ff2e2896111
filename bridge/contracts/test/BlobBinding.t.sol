// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Advance, IAdvanceErrors} from "../src/interfaces/IHub.sol";
import {BlobBinding} from "../src/libraries/BlobBinding.sol";
import {ExecuteInput, Payload} from "../src/libraries/ExecuteInput.sol";
import {PayloadData} from "../src/libraries/PayloadData.sol";
import {Block, Encode, Landing} from "./harness/Landing.sol";

/// @notice Gives the internal functions a frame of their own, as `advance` does.
contract Binder {
    function bind(bytes calldata input, bytes calldata openings)
        external
        view
        returns (uint256 gasUsed, bytes32[] memory hashes)
    {
        Payload memory p = ExecuteInput.read(input);
        uint256 before = gasleft();
        hashes = BlobBinding.check(input, p, openings);
        gasUsed = before - gasleft();
    }

    function data(bytes calldata input) external pure returns (bytes memory out) {
        Payload memory p = ExecuteInput.read(input);
        (uint256 at_, uint256 length, uint256 free) = PayloadData.build(input, p);
        assembly ("memory-safe") {
            mstore(0x40, free)
        }
        out = new bytes(length);
        assembly ("memory-safe") {
            mcopy(add(out, 0x20), at_, length)
        }
    }
}

/// @notice Blobs that do not carry exactly the payload are refused, each with its own error; and what the check costs.
contract BlobBindingTest is Landing {
    Binder private _binder;

    function setUp() public override {
        super.setUp();
        _binder = new Binder();
    }

    function _input(uint256 content) private view returns (Advance memory a, bytes memory input) {
        Block memory b;
        (a, b) = _next(content);
        input = Encode.input(b);
    }

    function test_the_payload_data_is_what_the_vectors_say() public view {
        for (uint256 i = 0; i < 5; ++i) {
            (, bytes memory input) = _input(i);
            bytes memory data = _binder.data(input);
            vm.assertEq(data.length, vm.parseJsonUint(landings, _path(".cases", i, "dataLength")), "length");
            vm.assertEq(keccak256(data), vm.parseJsonBytes32(landings, _path(".cases", i, "dataHash")), "data");
        }
    }

    function test_the_payload_data_is_what_rust_says() public view {
        string memory json = _vector("blob");
        uint256 i = 0;
        while (vm.keyExistsJson(json, _path(".contents", i, "data"))) {
            (, Block memory b) = _next(0);
            b.accessList = vm.parseJsonBytes(json, _path(".contents", i, "bal"));
            b.transactions = vm.parseJsonBytesArray(json, _path(".contents", i, "transactions"));
            bytes memory data = _binder.data(Encode.input(b));
            vm.assertEq(data, vm.parseJsonBytes(json, _path(".contents", i, "data")), "data");
            ++i;
        }
        vm.assertGt(i, 5, "contents");
    }

    // ---------------------------------------------------------------------------------------- refusals

    function test_refuses_a_transaction_that_differs_in_one_bit() public {
        (Advance memory a, Block memory b) = _next(1);
        a.openings = _attach(1);
        b.transactions[2][100] ^= 0x01;
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.WrongOpening.selector, 0));
    }

    function test_refuses_an_access_list_that_differs_in_one_bit() public {
        (Advance memory a, Block memory b) = _next(1);
        a.openings = _attach(1);
        b.accessList[0] ^= 0x80;
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.WrongOpening.selector, 0));
    }

    function test_refuses_any_bit_flipped_anywhere_in_a_long_payload() public {
        (Advance memory a, Block memory b) = _next(2);
        a.openings = _attach(2);
        for (uint256 k = 0; k < 8; ++k) {
            bytes memory t = b.transactions[k * 10];
            t[k * 13] ^= bytes1(uint8(1 << k));
            _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.WrongOpening.selector, 0));
            t[k * 13] ^= bytes1(uint8(1 << k));
        }
        hub.advance(a, Encode.input(b));
    }

    function test_refuses_a_payload_that_only_moved_a_boundary() public {
        // The same bytes, one moved from the end of the access list to the front of a transaction: the lengths are in the data.
        (Advance memory a, Block memory b) = _next(1);
        a.openings = _attach(1);
        bytes memory bal = b.accessList;
        b.transactions[0] = bytes.concat(bal[bal.length - 1], b.transactions[0]);
        assembly ("memory-safe") {
            mstore(bal, sub(mload(bal), 1))
        }
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.WrongOpening.selector, 0));
    }

    function test_refuses_transactions_in_another_order() public {
        (Advance memory a, Block memory b) = _next(2);
        a.openings = _attach(2);
        (b.transactions[3], b.transactions[4]) = (b.transactions[4], b.transactions[3]);
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.WrongOpening.selector, 0));
    }

    function test_refuses_a_missing_blob() public {
        (Advance memory a, bytes memory input) = _input(4);
        a.openings = _attach(4);
        bytes32[] memory hashes = new bytes32[](1);
        hashes[0] = blobhash(0);
        vm.blobhashes(hashes);
        _refused(a, input, abi.encodeWithSelector(IAdvanceErrors.BlobMissing.selector, 1));
        vm.blobhashes(new bytes32[](0));
        _refused(a, input, abi.encodeWithSelector(IAdvanceErrors.BlobMissing.selector, 0));
    }

    function test_refuses_blobs_in_another_order() public {
        (Advance memory a, bytes memory input) = _input(4);
        a.openings = _attach(4);
        bytes32[] memory hashes = new bytes32[](2);
        (hashes[0], hashes[1]) = (blobhash(1), blobhash(0));
        vm.blobhashes(hashes);
        _refused(a, input, abi.encodeWithSelector(IAdvanceErrors.BlobHashMismatch.selector, 0));
        // with the openings exchanged as well, each opening fits its blob, but not the data
        a.openings = bytes.concat(_part(a.openings, 96, 96), _part(a.openings, 0, 96));
        _refused(a, input, abi.encodeWithSelector(IAdvanceErrors.WrongOpening.selector, 0));
    }

    function test_refuses_an_extra_blob() public {
        (Advance memory a, bytes memory input) = _input(0);
        a.openings = _attach(0);
        bytes32[] memory hashes = new bytes32[](2);
        hashes[0] = blobhash(0);
        hashes[1] = keccak256("another");
        vm.blobhashes(hashes);
        _refused(a, input, abi.encodeWithSelector(IAdvanceErrors.ExtraBlob.selector, 1));
    }

    function test_refuses_too_few_and_too_many_openings() public {
        (Advance memory a, bytes memory input) = _input(4);
        bytes memory openings = _attach(4);
        a.openings = _part(openings, 0, 96);
        _refused(a, input, abi.encodeWithSelector(IAdvanceErrors.WrongOpeningsLength.selector, 192, 96));
        a.openings = _part(openings, 0, 191);
        _refused(a, input, abi.encodeWithSelector(IAdvanceErrors.WrongOpeningsLength.selector, 192, 191));
        a.openings = "";
        _refused(a, input, abi.encodeWithSelector(IAdvanceErrors.WrongOpeningsLength.selector, 192, 0));
        a.openings = bytes.concat(openings, openings);
        _refused(a, input, abi.encodeWithSelector(IAdvanceErrors.WrongOpeningsLength.selector, 192, 384));
    }

    function test_refuses_a_blob_with_too_few_field_elements() public {
        // The blob of a shorter payload: what is missing reads as zero, which the data is not.
        (Advance memory a, bytes memory input) = _input(2);
        a.openings = _attach(1);
        _refused(a, input, abi.encodeWithSelector(IAdvanceErrors.WrongOpening.selector, 0));
    }

    function test_refuses_a_blob_that_says_more_than_the_payload() public {
        (Advance memory a, bytes memory input) = _input(1);
        a.openings = _attach(2);
        _refused(a, input, abi.encodeWithSelector(IAdvanceErrors.WrongOpening.selector, 0));
    }

    function test_refuses_a_commitment_that_is_not_the_blobs() public {
        (Advance memory a, bytes memory input) = _input(1);
        bytes memory other = _attach(2);
        a.openings = _attach(1);
        a.openings = bytes.concat(_part(other, 0, 48), _part(a.openings, 48, 48));
        _refused(a, input, abi.encodeWithSelector(IAdvanceErrors.BlobHashMismatch.selector, 0));
    }

    function test_refuses_a_wrong_proof() public {
        (Advance memory a, bytes memory input) = _input(1);
        bytes memory other = _attach(2);
        a.openings = _attach(1);
        // a valid point, but the proof of something else
        a.openings = bytes.concat(_part(a.openings, 0, 48), _part(other, 48, 48));
        _refused(a, input, abi.encodeWithSelector(IAdvanceErrors.WrongOpening.selector, 0));
        // no point at all
        a.openings[95] ^= 0x01;
        _refused(a, input, abi.encodeWithSelector(IAdvanceErrors.WrongOpening.selector, 0));
    }

    function test_refuses_a_wrong_second_blob() public {
        (Advance memory a, Block memory b) = _next(4);
        a.openings = _attach(4);
        b.transactions[99][5] ^= 0x10;
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.WrongOpening.selector, 1));
    }

    function _part(bytes memory all, uint256 from, uint256 n) private pure returns (bytes memory out) {
        out = new bytes(n);
        for (uint256 i = 0; i < n; ++i) {
            out[i] = all[from + i];
        }
    }

    // ---------------------------------------------------------------------------------------- gas

    function test_gas_of_the_binding_is_within_its_targets() public {
        _measure(1, 620, 70_000, "binding, 620 B");
        _measure(2, 20_000, 160_000, "binding, 20 KB");
        _measure(3, 126_976, 900_000, "binding, full blob");
        _measure(4, 128_312, 1_000_000, "binding, two blobs");
    }

    function _measure(uint256 content, uint256 length, uint256 target, string memory what) private {
        (, bytes memory input) = _input(content);
        bytes memory openings = _attach(content);
        vm.assertEq(_binder.data(input).length, length, what);
        (uint256 gasUsed,) = _binder.bind(input, openings);
        emit Gas(what, gasUsed);
        vm.assertLe(gasUsed, target, what);
    }
}
