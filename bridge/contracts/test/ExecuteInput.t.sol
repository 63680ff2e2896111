// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Advance, IAdvanceErrors} from "../src/interfaces/IHub.sol";
import {ExecuteInput, Payload} from "../src/libraries/ExecuteInput.sol";
import {Binder} from "./BlobBinding.t.sol";
import {Block, Encode, Landing} from "./harness/Landing.sol";

/// @notice The reader takes one layout only: what it reads is what EXECUTE reads, or it refuses.
contract ExecuteInputTest is Landing {
    uint256 private constant REQUEST = 18;
    uint256 private constant PAYLOAD = 62;
    Binder private _binder;

    function setUp() public override {
        super.setUp();
        _binder = new Binder();
    }

    function read(bytes calldata input) external pure returns (Payload memory) {
        return ExecuteInput.read(input);
    }

    function _valid() private view returns (bytes memory) {
        (, Block memory b) = _next(1);
        return Encode.input(b);
    }

    function _set32(bytes memory input, uint256 where, uint256 value) private pure {
        bytes4 le = Encode.le32(value);
        for (uint256 i = 0; i < 4; ++i) {
            input[where + i] = le[i];
        }
    }

    function _get32(bytes memory input, uint256 where) private pure returns (uint256 v) {
        for (uint256 i = 4; i > 0; --i) {
            v = v << 8 | uint8(input[where + i - 1]);
        }
    }

    function _expectAt(bytes memory input, uint256 where) private {
        vm.expectRevert(abi.encodeWithSelector(IAdvanceErrors.NonCanonicalSsz.selector, where));
        this.read(input);
    }

    function test_reads_every_field_where_it_is() public view {
        (Advance memory a, Block memory b) = _next(1);
        Payload memory p = this.read(Encode.input(b));
        vm.assertEq(p.chainId, L2, "chain id");
        vm.assertEq(p.anchor, b.anchor, "anchor");
        vm.assertEq(p.parentHash, b.parentHash, "parent");
        vm.assertEq(p.feeRecipient, b.feeRecipient, "fee recipient");
        vm.assertEq(p.stateRoot, b.stateRoot, "state root");
        vm.assertEq(p.prevRandao, b.prevRandao, "prev randao");
        vm.assertEq(p.number, b.number, "number");
        vm.assertEq(p.gasLimit, b.gasLimit, "gas limit");
        vm.assertEq(p.timestamp, b.timestamp, "timestamp");
        vm.assertEq(p.baseFee, b.baseFee, "base fee");
        vm.assertEq(p.blockHash, b.blockHash, "block hash");
        vm.assertEq(p.slotNumber, b.slotNumber, "slot number");
        vm.assertEq(p.accessListEnd - p.accessListAt, b.accessList.length, "access list");
        vm.assertEq(p.extraDataEnd - ExecuteInput.EXTRA_DATA_AT, b.extraData.length, "extra data");
        vm.assertEq(a.originNumber, 98, "origin");
    }

    function testFuzz_numbers_are_little_endian(uint64 number, uint64 gasLimit, uint64 timestamp, uint64 baseFee)
        public
        view
    {
        (, Block memory b) = _next(0);
        (b.number, b.gasLimit, b.timestamp, b.baseFee) = (number, gasLimit, timestamp, baseFee);
        Payload memory p = this.read(Encode.input(b));
        vm.assertEq(p.number, number, "number");
        vm.assertEq(p.gasLimit, gasLimit, "gas limit");
        vm.assertEq(p.timestamp, timestamp, "timestamp");
        vm.assertEq(p.baseFee, baseFee, "base fee");
    }

    function test_refuses_first_offsets_that_leave_a_gap() public {
        uint256[3] memory where = [uint256(2), REQUEST, PAYLOAD + 436];
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory input = _valid();
            _set32(input, where[i], _get32(input, where[i]) + 1);
            _expectAt(input, where[i]);
            _set32(input, where[i], _get32(input, where[i]) - 2);
            _expectAt(input, where[i]);
        }
    }

    function test_refuses_offsets_that_go_back_or_leave_the_container() public {
        // witness, versioned hashes, requests, transactions, withdrawals, access list
        uint256[6] memory where = [uint256(6), REQUEST + 4, REQUEST + 40, PAYLOAD + 504, PAYLOAD + 508, PAYLOAD + 528];
        for (uint256 i = 0; i < 6; ++i) {
            bytes memory input = _valid();
            _set32(input, where[i], 8);
            _expectAt(input, where[i]);
            _set32(input, where[i], input.length + 1);
            _expectAt(input, where[i]);
            _set32(input, where[i], 0xffffffff);
            _expectAt(input, where[i]);
        }
    }

    function test_refuses_extra_data_longer_than_32_bytes() public {
        (, Block memory b) = _next(0);
        b.extraData = new bytes(32);
        this.read(Encode.input(b));
        b.extraData = new bytes(33);
        _expectAt(Encode.input(b), PAYLOAD + 504);
    }

    function test_refuses_an_input_that_is_too_short() public {
        bytes memory input = _valid();
        for (uint256 n = 2; n < ExecuteInput.MIN_LENGTH; n += 97) {
            assembly ("memory-safe") {
                mstore(input, n)
            }
            _expectAt(input, n);
        }
    }

    function test_refuses_a_transaction_list_whose_offsets_do_not_fit() public {
        (, Block memory b) = _next(2); // 85 transactions: several words of offsets, and the last one partly filled
        bytes memory input = Encode.input(b);
        uint256 list = this.read(input).transactionsAt;
        uint256 size = this.read(input).transactionsEnd - list;
        uint256[7] memory at_ = [uint256(0), 1, 7, 8, 9, 80, 84];
        for (uint256 i = 0; i < 7; ++i) {
            uint256 where = list + 4 * at_[i];
            uint256 good = _get32(input, where);
            uint256[6] memory bad = [uint256(0), 1, size + 1, 0xffffffff, 0x80000000, good < 454 ? 2 : good - 113];
            for (uint256 k = 0; k < 6; ++k) {
                _set32(input, where, at_[i] == 0 && k == 5 ? good + 2 : bad[k]);
                vm.expectRevert(abi.encodeWithSelector(IAdvanceErrors.NonCanonicalSsz.selector, list));
                _binder.data(input);
            }
            _set32(input, where, good);
        }
        _binder.data(input);
    }

    /// @dev Whatever the offsets are changed to: either refused, or read as a slow reference reads it.
    function testFuzz_mutated_transaction_offsets_are_refused_or_read_right(
        uint8[6] calldata lengths,
        uint8 slot,
        uint16 value
    ) public {
        (, Block memory b) = _next(0);
        b.transactions = new bytes[](6);
        for (uint256 i = 0; i < 6; ++i) {
            b.transactions[i] = _stream(bytes32(i), lengths[i]);
        }
        bytes memory input = Encode.input(b);
        uint256 list = this.read(input).transactionsAt;
        uint256 size = this.read(input).transactionsEnd - list;
        uint256 where = list + 4 * (uint256(slot) % 6);
        _set32(input, where, uint256(value) % (size + 40));

        bytes[] memory expected = _reference(input, list, size);
        if (expected.length == 0) {
            vm.expectRevert(abi.encodeWithSelector(IAdvanceErrors.NonCanonicalSsz.selector, list));
            _binder.data(input);
        } else {
            Block memory same;
            same.transactions = expected;
            same.accessList = b.accessList;
            vm.assertEq(_binder.data(input), _binder.data(Encode.input(same)), "data");
        }
    }

    /// @dev Plain reading of an SSZ list of byte strings; no items when it is not canonical.
    function _reference(bytes memory input, uint256 list, uint256 size) private pure returns (bytes[] memory items) {
        uint256 first = _get32(input, list);
        if (first == 0 || first % 4 != 0 || first > size) return items;
        bytes[] memory found = new bytes[](first / 4);
        for (uint256 i = 0; i < found.length; ++i) {
            uint256 from = _get32(input, list + 4 * i);
            uint256 to = i + 1 < found.length ? _get32(input, list + 4 * i + 4) : size;
            if (to < from || to > size) return items;
            found[i] = new bytes(to - from);
            for (uint256 k = from; k < to; ++k) {
                found[i][k - from] = input[list + k];
            }
        }
        return found;
    }

    /// @dev One changed byte anywhere in a valid input: `advance` refuses it, or it changed nothing that L1 or EXECUTE's blobs are about.
    function testFuzz_a_changed_offset_never_lands(uint8 which, uint32 value) public {
        (Advance memory a, Block memory b) = _next(1);
        a.openings = _attach(1);
        bytes memory input = Encode.input(b);
        uint256[9] memory where = [
            uint256(2),
            6,
            REQUEST,
            REQUEST + 4,
            REQUEST + 40,
            PAYLOAD + 436,
            PAYLOAD + 504,
            PAYLOAD + 508,
            PAYLOAD + 528
        ];
        uint256 at_ = where[which % 9];
        uint256 good = _get32(input, at_);
        _set32(input, at_, value);
        // The witness is EXECUTE's matter: an offset that only makes it longer or shorter passes here, and is refused there.
        bool witness = at_ == 6 && value >= REQUEST + _get32(input, REQUEST + 40) - 2 && value <= input.length - 2;
        if (value == good || witness) return;
        vm.expectRevert();
        hub.advance(a, input);
        vm.assertEq(hub.rollup(L2).number, 0, "head unmoved");
    }
}
