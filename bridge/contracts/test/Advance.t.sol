// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Advance, IAdvanceErrors, IHub, LandedBlock, RollupParams, RollupState} from "../src/interfaces/IHub.sol";
import {IExecuteErrors} from "../src/interfaces/IExecuteVerifier.sol";
import {IProposerSchedule} from "../src/interfaces/IProposerSchedule.sol";
import {Block, Encode, Landing} from "./harness/Landing.sol";

/// @notice Each rule of `advance` (SPEC section 7) has a block that breaks just that one.
contract AdvanceTest is Landing {
    function _start(uint256 content) private returns (Advance memory a, Block memory b) {
        (a, b) = _next(content);
        a.openings = _attach(content);
    }

    function test_a_block_lands_and_everything_is_recorded() public {
        (Advance memory a, Block memory b) = _start(1);
        bytes32[] memory blobs = new bytes32[](1);
        blobs[0] = blobhash(0);
        vm.expectEmit(true, true, true, true, address(hub));
        emit IHub.BlockLanded(
            L2,
            1,
            b.blockHash,
            LandedBlock({
                parentHash: b.parentHash,
                stateRoot: b.stateRoot,
                timestamp: b.timestamp,
                gasLimit: b.gasLimit,
                feeRecipient: b.feeRecipient,
                extraData: "basalt",
                originNumber: 98,
                originHash: _l1Hash(98),
                inboxCount: 0,
                inboxHash: 0,
                proposer: address(this),
                blobHashes: blobs
            })
        );
        hub.advance(a, Encode.input(b));
        RollupState memory r = hub.rollup(L2);
        vm.assertEq(r.headHash, b.blockHash, "hash");
        vm.assertEq(r.stateRoot, b.stateRoot, "state root");
        vm.assertEq(r.number, 1, "number");
        vm.assertEq(r.timestamp, b.timestamp, "timestamp");
        vm.assertEq(r.gasLimit, b.gasLimit, "gas limit");
        vm.assertEq(r.baseFee, b.baseFee, "base fee");
        vm.assertEq(r.originNumber, 98, "origin");
        vm.assertEq(hub.stateRootAt(L2, 0), GENESIS_STATE, "older state root");
    }

    function test_blocks_of_every_size_land_one_after_the_other() public {
        for (uint256 i = 0; i < 5; ++i) {
            (Advance memory a, Block memory b) = _start(i);
            hub.advance(a, Encode.input(b));
        }
        vm.assertEq(hub.rollup(L2).number, 5, "number");
    }

    function test_the_state_roots_of_the_last_64_blocks_are_kept() public {
        for (uint256 i = 0; i < 65; ++i) {
            _land();
        }
        vm.assertEq(hub.stateRootAt(L2, 65), keccak256(abi.encode("state", uint64(65))), "newest");
        vm.assertEq(hub.stateRootAt(L2, 2), keccak256(abi.encode("state", uint64(2))), "oldest");
        vm.expectRevert(abi.encodeWithSelector(IHub.StateRootGone.selector, L2, 1));
        hub.stateRootAt(L2, 1);
        vm.expectRevert(abi.encodeWithSelector(IHub.StateRootGone.selector, L2, 66));
        hub.stateRootAt(L2, 66);
    }

    // ---------------------------------------------------------------------------------------- schema, layout, chain

    function test_refuses_another_schema() public {
        (Advance memory a, Block memory b) = _start(0);
        bytes memory input = Encode.input(b);
        input[1] = 0x02;
        _refused(a, input, abi.encodeWithSelector(IAdvanceErrors.WrongSchema.selector, 0x1502));
    }

    function test_refuses_an_empty_input() public {
        (Advance memory a,) = _start(0);
        _refused(a, "", abi.encodeWithSelector(IAdvanceErrors.WrongSchema.selector, 0));
    }

    function test_refuses_a_payload_with_blob_hashes() public {
        (Advance memory a, Block memory b) = _start(0);
        b.versionedHashes = new bytes32[](1);
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.VersionedHashesNotEmpty.selector));
    }

    function test_refuses_a_chain_nobody_registered() public {
        (Advance memory a, Block memory b) = _start(0);
        b.chainId = L2 + 1;
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.UnknownRollup.selector, L2 + 1));
    }

    function test_refuses_the_block_of_another_rollup() public {
        // The chain id is in the anchor too, so a block cannot be taken from one rollup to its twin.
        (Advance memory a, Block memory b) = _start(0);
        hub.register(_twin(), _genesis());
        b.chainId = L2 + 1;
        bytes32 given = b.anchor;
        bytes memory input = Encode.input(b);
        _anchor(a, b);
        _refused(a, input, abi.encodeWithSelector(IAdvanceErrors.WrongAnchor.selector, b.anchor, given));
    }

    function _twin() private view returns (RollupParams memory p) {
        p = _params();
        p.chainId = L2 + 1;
    }

    function test_refuses_a_proposer_out_of_schedule() public {
        (Advance memory a, Block memory b) = _start(0);
        vm.etch(address(schedule), address(new ClosedSchedule()).code);
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.NotScheduled.selector, address(this)));
    }

    // ---------------------------------------------------------------------------------------- header

    function test_refuses_a_wrong_parent() public {
        (Advance memory a, Block memory b) = _start(0);
        bytes32 head = b.parentHash;
        b.parentHash = keccak256("elsewhere");
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.WrongParent.selector, head, b.parentHash));
    }

    function test_refuses_the_same_block_twice() public {
        (Advance memory a, Block memory b) = _start(0);
        hub.advance(a, Encode.input(b));
        _refused(
            a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.WrongParent.selector, b.blockHash, b.parentHash)
        );
    }

    function test_refuses_a_wrong_number() public {
        (Advance memory a, Block memory b) = _start(0);
        b.number = 2;
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.WrongNumber.selector, 1, 2));
    }

    function test_refuses_a_timestamp_after_that_of_l1() public {
        (Advance memory a, Block memory b) = _start(0);
        b.timestamp = uint64(block.timestamp) + 1;
        _refused(
            a,
            Encode.input(b),
            abi.encodeWithSelector(IAdvanceErrors.TimestampInFuture.selector, block.timestamp, b.timestamp)
        );
    }

    function test_takes_the_timestamp_of_l1_itself() public {
        (Advance memory a, Block memory b) = _start(0);
        b.timestamp = uint64(block.timestamp);
        hub.advance(a, Encode.input(b));
    }

    function test_refuses_a_gas_limit_out_of_bounds() public {
        (Advance memory a, Block memory b) = _start(0);
        b.gasLimit = 4_999_999;
        _refused(a, Encode.input(b), _gasLimitError(b.gasLimit));
        b.gasLimit = 12_000_001;
        _refused(a, Encode.input(b), _gasLimitError(b.gasLimit));
    }

    function _gasLimitError(uint64 given) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAdvanceErrors.GasLimitOutOfRange.selector, given, 5_000_000, 12_000_000);
    }

    function test_refuses_a_base_fee_beyond_its_slot() public {
        (Advance memory a, Block memory b) = _start(0);
        b.baseFee = 1 << 56;
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.BaseFeeTooHigh.selector, 1 << 56));
        // any of the upper 24 bytes
        b.baseFee = 7 | 1 << 248;
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.BaseFeeTooHigh.selector, type(uint256).max));
        b.baseFee = 7 | 1 << 64;
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.BaseFeeTooHigh.selector, type(uint256).max));
    }

    function test_refuses_a_wrong_slot_number() public {
        (Advance memory a, Block memory b) = _start(0);
        b.slotNumber = 0;
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.WrongSlotNumber.selector, 1, 0));
    }

    // ---------------------------------------------------------------------------------------- origin

    function test_refuses_an_origin_too_new() public {
        (Advance memory a, Block memory b) = _start(0);
        a.originNumber = 99;
        _anchor(a, b);
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.OriginTooNew.selector, 99, 98));
        a.originNumber = type(uint64).max;
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.OriginTooNew.selector, type(uint64).max, 98));
    }

    function test_refuses_an_origin_too_old() public {
        (Advance memory a, Block memory b) = _start(0);
        a.originNumber = 35;
        _anchor(a, b);
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.OriginTooOld.selector, 35, 36));
        a.originNumber = 36;
        _anchor(a, b);
        hub.advance(a, Encode.input(b));
    }

    function test_refuses_an_origin_that_moves_back() public {
        _land();
        (Advance memory a, Block memory b) = _start(0);
        a.originNumber = 97;
        _anchor(a, b);
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.OriginMovedBack.selector, 98, 97));
    }

    function test_refuses_an_origin_l1_does_not_know() public {
        (Advance memory a, Block memory b) = _start(0);
        vm.store(HISTORY, bytes32(uint256(98)), 0);
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.OriginUnavailable.selector, 98));
        vm.etch(HISTORY, "");
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.OriginUnavailable.selector, 98));
    }

    function test_refuses_a_wrong_prev_randao() public {
        (Advance memory a, Block memory b) = _start(0);
        bytes32 expected = b.prevRandao;
        b.prevRandao = keccak256("chosen");
        _refused(
            a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.WrongPrevRandao.selector, expected, b.prevRandao)
        );
    }

    // ---------------------------------------------------------------------------------------- inbox, anchor

    function _send(uint256 n) private {
        vm.deal(address(this), 1e30);
        for (uint256 i = 0; i < n; ++i) {
            uint256 fee = hub.minFee(L2, 100_000, 0);
            hub.sendMessage{value: fee}(L2, address(0xbeef), fee, 100_000, "");
        }
    }

    function test_refuses_an_inbox_count_that_moves_back() public {
        _send(3);
        _land();
        (Advance memory a, Block memory b) = _start(0);
        a.inboxCount = 2;
        _anchor(a, b);
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.InboxCountMovedBack.selector, 3, 2));
    }

    function test_refuses_an_inbox_count_beyond_what_was_sent() public {
        _send(3);
        (Advance memory a, Block memory b) = _start(0);
        a.inboxCount = 4;
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.InboxCountBeyond.selector, 3, 4));
    }

    function test_refuses_more_than_256_new_messages_at_once() public {
        _send(257);
        (Advance memory a, Block memory b) = _start(0);
        _refused(a, Encode.input(b), abi.encodeWithSelector(IAdvanceErrors.InboxStepTooLarge.selector, 257));
        a.inboxCount = 256;
        _anchor(a, b);
        hub.advance(a, Encode.input(b));
    }

    function test_a_block_built_before_a_message_still_lands_after_it() public {
        _send(1);
        (Advance memory a, Block memory b) = _start(0);
        bytes memory input = Encode.input(b);
        _send(2);
        hub.advance(a, input);
        vm.assertEq(hub.rollup(L2).inboxConsumed, 1, "named");
        vm.assertEq(hub.rollup(L2).inboxCount, 3, "sent");
    }

    function test_refuses_a_wrong_anchor() public {
        _send(1);
        (Advance memory a, Block memory b) = _start(0);
        bytes32 given = b.anchor;
        bytes memory input = Encode.input(b);
        // the same block with another word about the inbox beside it
        a.inboxCount = 0;
        _anchor(a, b);
        _refused(a, input, abi.encodeWithSelector(IAdvanceErrors.WrongAnchor.selector, b.anchor, given));
    }

    // ---------------------------------------------------------------------------------------- EXECUTE

    function test_refuses_where_execute_is_absent() public {
        (Advance memory a, Block memory b) = _start(0);
        vm.etch(EXECUTE, "");
        _refused(a, Encode.input(b), abi.encodeWithSelector(IExecuteErrors.ExecuteAbsent.selector));
        _executeAnswers(new bytes(32));
        _refused(a, Encode.input(b), abi.encodeWithSelector(IExecuteErrors.ExecuteAbsent.selector));
    }

    function test_refuses_what_execute_refuses() public {
        (Advance memory a, Block memory b) = _start(0);
        vm.etch(EXECUTE, hex"fe"); // burns everything, as a failing precompile does
        _refused(a, Encode.input(b), abi.encodeWithSelector(IExecuteErrors.ExecuteRefused.selector));
        _executeSays(0, L2, 0x1501);
        _refused(a, Encode.input(b), abi.encodeWithSelector(IExecuteErrors.ExecuteRefused.selector));
        _executeSays(2, L2, 0x1501);
        _refused(a, Encode.input(b), abi.encodeWithSelector(IExecuteErrors.ExecuteRefused.selector));
    }

    function test_refuses_what_execute_says_of_another_chain_or_schema() public {
        (Advance memory a, Block memory b) = _start(0);
        _executeSays(1, L2 + 1, 0x1501);
        _refused(a, Encode.input(b), abi.encodeWithSelector(IExecuteErrors.ExecuteMismatch.selector, L2 + 1, 0x1501));
        _executeSays(1, L2, 0x1502);
        _refused(a, Encode.input(b), abi.encodeWithSelector(IExecuteErrors.ExecuteMismatch.selector, L2, 0x1502));
    }

    function test_refuses_to_call_execute_with_too_little_gas() public {
        (Advance memory a, Block memory b) = _start(0);
        bytes memory input = Encode.input(b);
        uint256 needed = b.gasLimit + 16 * input.length;
        vm.expectRevert(abi.encodeWithSelector(IExecuteErrors.InsufficientGas.selector, needed));
        hub.advance{gas: needed + 50_000}(a, input);
        hub.advance{gas: needed + 700_000}(a, input);
    }
}

/// @notice Lets nobody advance.
contract ClosedSchedule is IProposerSchedule {
    function mayAdvance(uint64, address) external pure returns (bool) {
        return false;
    }
}
