// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Hashing, Message} from "../src/Message.sol";
import {Advance, IAdvanceErrors, IHub, RollupState} from "../src/interfaces/IHub.sol";
import {Block, Encode} from "./harness/Landing.sol";
import {PaperRollups} from "./harness/PaperRollups.sol";
import {Reenterer} from "./harness/Callees.sol";

/// @notice Messages from rollup to rollup: out of one escrow and into another, once, and admitted as at the door.
contract ForwardTest is PaperRollups {
    uint64 private constant OTHER = 1337_3;
    uint64 private constant GAS = 100_000;
    uint256 private _fee;

    receive() external payable {}

    function setUp() public override {
        super.setUp();
        vm.deal(address(this), 1000 ether);
        _register(OTHER, 7 ether);
        _fee = hub.minFee(OTHER, GAS, 5);
    }

    function _ms(uint256 from, uint256 to) private view returns (Message[] memory ms, bytes32[][] memory paths) {
        (ms, paths) = (new Message[](to - from), new bytes32[][](to - from));
        for (uint256 i = 0; i < to - from; ++i) {
            (ms[i], paths[i]) = (_sent[L2][from + i], _pathOf(L2, from + i));
        }
    }

    function _one(uint256 index) private view returns (Message[] memory ms, bytes32[][] memory paths) {
        return _ms(index, index + 1);
    }

    /// @dev `forward` of message `index` with `wei_` must be refused, and nothing must have moved.
    function _refused(uint256 index, uint64 epoch, uint256 wei_, bytes memory reason) private {
        (Message[] memory ms, bytes32[][] memory paths) = _one(index);
        bytes32 before = _books();
        vm.expectRevert(reason);
        hub.forward{value: wei_}(ms, epoch, paths);
        vm.assertEq(_books(), before, "nothing moved");
        vm.assertEq(hub.isClaimed(L2, uint64(index)), false, "not taken");
    }

    function _books() private view returns (bytes32) {
        return keccak256(abi.encode(hub.rollup(L2), hub.rollup(OTHER), address(hub).balance));
    }

    function test_a_message_moves_to_the_inbox_of_another_rollup_with_its_value_and_fee() public {
        _withdraw(address(0xb0b), 1, 0, 0, "");
        Message memory m = _send(L2, OTHER, address(0xb0b), 2 ether, _fee, GAS, "hello");
        uint64 epoch = _landAndProve(L2);
        (Message[] memory ms, bytes32[][] memory paths) = _one(1);
        m.index = 0;
        bytes32 inboxHash = Hashing.link(0, this.leafOf(m));
        vm.expectEmit(true, true, true, true, address(hub));
        emit IHub.MessageSent(OTHER, 0, address(0xa11ce), m, inboxHash);
        vm.expectEmit(true, true, true, true, address(hub));
        emit IHub.MessageForwarded(L2, 1, OTHER, 0);
        hub.forward(ms, epoch, paths);
        RollupState memory r = hub.rollup(OTHER);
        vm.assertEq(r.inboxCount, 1, "count");
        vm.assertEq(r.inboxHash, inboxHash, "the same message but for its index");
        vm.assertEq(r.escrow, 9 ether + _fee, "escrow there");
        vm.assertEq(hub.rollup(L2).escrow, 98 ether - _fee, "escrow here");
        vm.assertEq(address(hub).balance, 107 ether, "nothing left Hub");
        vm.assertTrue(hub.isClaimed(L2, 1), "taken");
        vm.expectRevert(abi.encodeWithSelector(IHub.AlreadyClaimed.selector, L2, 1));
        hub.forward(ms, epoch, paths);
    }

    function test_a_forwarded_message_can_be_named_by_a_block_of_its_destination_at_once() public {
        _send(L2, OTHER, address(0xb0b), 2 ether, _fee, GAS, "hello");
        (Message[] memory ms, bytes32[][] memory paths) = _one(0);
        uint64 epoch = _landAndProve(L2);
        hub.forward(ms, epoch, paths);
        (Advance memory a, Block memory b) = _next(OTHER, 0);
        vm.assertEq(a.inboxCount, 1, "named");
        a.openings = _attach(0);
        hub.advance(a, Encode.input(b));
        vm.assertEq(hub.rollup(OTHER).inboxConsumed, 1, "landed in the same L1 block");
    }

    function test_many_messages_are_forwarded_at_once_to_several_rollups() public {
        uint64 third = 1337_4;
        _register(third, 0);
        for (uint256 i = 0; i < 6; ++i) {
            _send(L2, i % 2 == 0 ? OTHER : third, address(0xb0b), 1 ether, _fee, GAS, "hello");
        }
        uint64 epoch = _landAndProve(L2);
        (Message[] memory ms, bytes32[][] memory paths) = _ms(0, 6);
        hub.forward(ms, epoch, paths);
        vm.assertEq(hub.rollup(OTHER).inboxCount, 3, "one");
        vm.assertEq(hub.rollup(third).inboxCount, 3, "the other");
        vm.assertEq(hub.rollup(third).escrow, 3 ether + 3 * _fee, "escrow there");
        vm.assertEq(hub.rollup(L2).escrow, 94 ether - 6 * _fee, "escrow here");
    }

    function test_one_message_that_cannot_be_forwarded_keeps_all_of_its_call_back() public {
        _send(L2, OTHER, address(0xb0b), 1 ether, _fee, GAS, "hello");
        _send(L2, OTHER, MESSENGER, 1 ether, _fee, GAS, "hello");
        uint64 epoch = _landAndProve(L2);
        (Message[] memory ms, bytes32[][] memory paths) = _ms(0, 2);
        bytes32 before = _books();
        vm.expectRevert(abi.encodeWithSelector(IHub.ForbiddenTarget.selector, MESSENGER));
        hub.forward(ms, epoch, paths);
        vm.assertEq(_books(), before, "nothing moved");
        (ms[1], paths[1]) = (ms[0], paths[0]);
        vm.expectRevert(abi.encodeWithSelector(IHub.AlreadyClaimed.selector, L2, 0));
        hub.forward(ms, epoch, paths);
    }

    function test_a_fee_that_has_become_too_low_is_topped_up_by_whoever_forwards() public {
        Message memory m = _send(L2, OTHER, address(0xb0b), 1 ether, _fee - 5, GAS, "hello");
        uint64 epoch = _landAndProve(L2);
        _refused(0, epoch, 0, abi.encodeWithSelector(IHub.FeeTooLow.selector, _fee, _fee - 5));
        _refused(0, epoch, 4, abi.encodeWithSelector(IHub.FeeTooLow.selector, _fee, _fee - 1));
        (Message[] memory ms, bytes32[][] memory paths) = _one(0);
        hub.forward{value: 7}(ms, epoch, paths);
        (m.index, m.fee) = (0, _fee + 2);
        vm.assertEq(hub.rollup(OTHER).inboxHash, Hashing.link(0, this.leafOf(m)), "raised fee");
        vm.assertEq(hub.rollup(OTHER).escrow, 8 ether + _fee + 2, "escrow there");
        vm.assertEq(hub.rollup(L2).escrow, 99 ether - _fee + 5, "escrow here");
        vm.assertEq(address(hub).balance, 107 ether + 7, "balance");
    }

    function test_a_top_up_of_several_messages_is_refused() public {
        _send(L2, OTHER, address(0xb0b), 0, _fee, GAS, "hello");
        _send(L2, OTHER, address(0xb0b), 0, _fee, GAS, "hello");
        uint64 epoch = _landAndProve(L2);
        (Message[] memory ms, bytes32[][] memory paths) = _ms(0, 2);
        vm.expectRevert(abi.encodeWithSelector(IHub.TopUpForMany.selector, 2));
        hub.forward{value: 1}(ms, epoch, paths);
        vm.expectRevert(abi.encodeWithSelector(IHub.PathsMismatch.selector, 2, 1));
        hub.forward(ms, epoch, new bytes32[][](1));
        vm.expectRevert(abi.encodeWithSelector(IHub.PathsMismatch.selector, 0, 0));
        hub.forward(new Message[](0), epoch, new bytes32[][](0));
        hub.forward(ms, epoch, paths);
    }

    function test_what_the_door_of_the_destination_refuses_is_not_forwarded() public {
        uint256 max = (uint256(12_000_000) - 400_000) * 63 / 64;
        uint256 dear = 1 ether;
        _send(L2, 99, address(1), 0, _fee, 0, "");
        _send(L2, OTHER, MESSENGER, 0, dear, 0, "");
        _send(L2, OTHER, address(1), 0, dear, 0, new bytes(16_385));
        _send(L2, OTHER, address(1), 0, dear, uint64(max + 1), "");
        _send(L2, OTHER, address(1), 0, _fee - 1, GAS, "hello");
        uint64 epoch = _landAndProve(L2);
        _refused(0, epoch, 0, abi.encodeWithSelector(IAdvanceErrors.UnknownRollup.selector, 99));
        _refused(1, epoch, 0, abi.encodeWithSelector(IHub.ForbiddenTarget.selector, MESSENGER));
        _refused(2, epoch, 0, abi.encodeWithSelector(IHub.MessageTooLong.selector, 16_385));
        _refused(3, epoch, 0, abi.encodeWithSelector(IHub.GasLimitTooHigh.selector, max + 1, max));
        _refused(4, epoch, 0, abi.encodeWithSelector(IHub.FeeTooLow.selector, _fee, _fee - 1));
    }

    function test_a_full_inbox_takes_no_forwarded_message() public {
        uint256 fee = hub.minFee(OTHER, 0, 0);
        for (uint256 i = 0; i < 1023; ++i) {
            hub.sendMessage{value: fee}(OTHER, address(1), fee, 0, "");
        }
        _send(L2, OTHER, address(0xb0b), 0, _fee, GAS, "hello");
        uint64 epoch = _landAndProve(L2);
        _refused(0, epoch, 0, abi.encodeWithSelector(IHub.InboxFull.selector, OTHER));
    }

    function test_only_what_was_sent_is_forwarded_and_only_where_it_was_sent_to() public {
        _send(L2, OTHER, address(0xb0b), 1 ether, _fee, GAS, "hello");
        _withdraw(address(0xb0b), 1 ether, _fee, GAS, "hello");
        _send(L2, L2, address(0xb0b), 1 ether, _fee, GAS, "hello");
        uint64 epoch = _landAndProve(L2);
        // to L1, and to the rollup it comes from
        _refused(1, epoch, 0, abi.encodeWithSelector(IAdvanceErrors.UnknownRollup.selector, L1));
        _refused(2, epoch, 0, abi.encodeWithSelector(IHub.WrongDestination.selector, L2));
        (Message[] memory ms, bytes32[][] memory paths) = _one(0);
        ms[0].dstChainId = 1337_4;
        _register(1337_4, 0);
        vm.expectRevert(abi.encodeWithSelector(IHub.WrongPath.selector));
        hub.forward(ms, epoch, paths);
        (ms, paths) = _one(0);
        ms[0].value = 2 ether;
        vm.expectRevert(abi.encodeWithSelector(IHub.WrongPath.selector));
        hub.forward(ms, epoch, paths);
        (ms, paths) = _one(0);
        vm.expectRevert(abi.encodeWithSelector(IHub.EpochGone.selector, L2, epoch + 1));
        hub.forward(ms, epoch + 1, paths);
        // nor is it claimed instead
        vm.expectRevert(abi.encodeWithSelector(IHub.WrongDestination.selector, OTHER));
        hub.claim(ms[0], epoch, paths[0]);
    }

    function test_messages_of_two_rollups_are_not_forwarded_by_one_call() public {
        _send(L2, OTHER, address(0xb0b), 0, _fee, GAS, "hello");
        _send(OTHER, L2, address(0xb0b), 0, _fee, GAS, "hello");
        uint64 epoch = _landAndProve(L2);
        _landAndProve(OTHER);
        Message[] memory ms = new Message[](2);
        bytes32[][] memory paths = new bytes32[][](2);
        (ms[0], ms[1]) = (_sent[L2][0], _sent[OTHER][0]);
        (paths[0], paths[1]) = (_pathOf(L2, 0), _pathOf(OTHER, 0));
        vm.expectRevert(abi.encodeWithSelector(IHub.WrongSource.selector, L2, OTHER));
        hub.forward(ms, epoch, paths);
    }

    function test_forwarding_takes_no_more_than_the_escrow_of_the_source() public {
        _send(L2, OTHER, address(0xb0b), 100 ether - _fee + 1, _fee, GAS, "hello");
        _send(L2, OTHER, address(0xb0b), type(uint256).max, _fee, GAS, "hello");
        _send(L2, OTHER, address(0xb0b), 100 ether - _fee, _fee, GAS, "hello");
        uint64 epoch = _landAndProve(L2);
        _refused(0, epoch, 0, abi.encodeWithSelector(IHub.EscrowShort.selector, 100 ether, 100 ether + 1));
        _refused(1, epoch, 0, abi.encodeWithSelector(IHub.EscrowShort.selector, 100 ether, type(uint256).max));
        // what whoever forwards pays on top does not count as the source's
        _refused(0, epoch, 1, abi.encodeWithSelector(IHub.EscrowShort.selector, 100 ether, 100 ether + 1));
        (Message[] memory ms, bytes32[][] memory paths) = _one(2);
        hub.forward(ms, epoch, paths);
        vm.assertEq(hub.rollup(L2).escrow, 0, "all of it");
    }

    function test_a_message_goes_there_and_an_answer_comes_back() public {
        _send(L2, OTHER, address(0xb0b), 1 ether, _fee, GAS, "ping!");
        uint64 epoch = _landAndProve(L2);
        (Message[] memory ms, bytes32[][] memory paths) = _one(0);
        hub.forward(ms, epoch, paths);
        uint256 fee = hub.minFee(L2, GAS, 5);
        _send(OTHER, L2, address(0xa11ce), 1 ether, fee, GAS, "pong!");
        epoch = _landAndProve(OTHER);
        (ms[0], paths[0]) = (_sent[OTHER][0], _pathOf(OTHER, 0));
        hub.forward(ms, epoch, paths);
        vm.assertEq(hub.rollup(L2).inboxCount, 1, "answer");
        vm.assertEq(hub.rollup(L2).escrow, 100 ether - _fee + fee, "escrow here");
        vm.assertEq(hub.rollup(OTHER).escrow, 7 ether + _fee - fee, "escrow there");
    }

    function test_a_callee_of_a_claim_may_forward() public {
        Reenterer callee = new Reenterer();
        _withdraw(address(callee), 1 ether, 0, 3_000_000, "");
        _send(L2, OTHER, address(0xb0b), 1 ether, _fee, GAS, "hello");
        uint64 epoch = _landAndProve(L2);
        (Message[] memory ms, bytes32[][] memory paths) = _one(1);
        callee.arm(abi.encodeCall(IHub.forward, (ms, epoch, paths)));
        hub.claim(_sent[L2][0], epoch, _pathOf(L2, 0));
        vm.assertTrue(callee.succeeded(), "forwarded");
        vm.assertEq(hub.rollup(L2).escrow, 98 ether - _fee, "escrow here");
        vm.assertEq(hub.rollup(OTHER).escrow, 8 ether + _fee, "escrow there");
    }
}
