// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Hashing, Message} from "../src/Message.sol";
import {IHub, RollupState} from "../src/interfaces/IHub.sol";
import {IExecuteErrors} from "../src/interfaces/IExecuteVerifier.sol";
import {IMessageReturn} from "../src/interfaces/IMessageReturn.sol";
import {Home, Recorder, Reenterer, Reverter} from "./harness/Callees.sol";
import {PaperRollups} from "./harness/PaperRollups.sol";

/// @notice Nothing is stuck on L1: what can never be taken where it should go, and only that, goes back to its sender by the inbox of the rollup it came from.
contract ReturnsTest is PaperRollups {
    uint64 private constant OTHER = 1337_3;
    uint256 private constant MAX_GAS = (uint256(12_000_000) - 400_000) * 63 / 64;
    uint256 private _fee;

    receive() external payable {}

    function setUp() public override {
        super.setUp();
        vm.deal(address(this), 1000 ether);
        _register(OTHER, 7 ether);
        // the return of a message of up to 32 bytes: selector, five words, length, one word
        _fee = hub.minFee(L2, 400_000, 4 + 32 * 7);
    }

    function _returnOf(Message memory m, uint64 index, uint256 topUp) private pure returns (Message memory) {
        return Message({
            srcChainId: L1,
            dstChainId: m.srcChainId,
            index: index,
            sender: MESSENGER,
            to: m.sender,
            value: m.value,
            fee: m.fee + topUp,
            gasLimit: 400_000,
            data: abi.encodeCall(IMessageReturn.onMessageReturned, (m.dstChainId, m.index, m.to, m.value, m.data))
        });
    }

    function _refused(Message memory m, uint64 epoch, bytes memory reason) private {
        bytes32[] memory path = _pathOf(L2, m.index);
        bytes32 before = keccak256(abi.encode(hub.rollup(L2)));
        vm.expectRevert(reason);
        hub.returnMessage(m, epoch, path);
        vm.assertEq(keccak256(abi.encode(hub.rollup(L2))), before, "nothing moved");
        vm.assertEq(hub.isClaimed(L2, m.index), false, "not taken");
    }

    function test_what_no_inbox_would_ever_take_goes_back_to_its_sender() public {
        _send(L2, 99, address(1), 1 ether, _fee, 0, "x");
        _send(L2, OTHER, MESSENGER, 1 ether, _fee, 0, "x");
        _send(L2, OTHER, address(1), 1 ether, _fee, uint64(MAX_GAS + 1), "");
        _send(L2, L2, address(1), 1 ether, _fee, 0, "x");
        _send(L2, L1, address(hub), 1 ether, _fee, 0, "x");
        uint64 epoch = _landAndProve(L2);
        _fee = hub.minFee(L2, 400_000, 4 + 32 * 7);
        bytes32 inbox = 0;
        for (uint64 i = 0; i < 5; ++i) {
            Message memory m = _sent[L2][i];
            bytes32[] memory path = _pathOf(L2, i);
            Message memory back = _returnOf(m, i, 3);
            inbox = Hashing.link(inbox, this.leafOf(back));
            vm.expectEmit(true, true, true, true, address(hub));
            emit IHub.MessageSent(L2, i, MESSENGER, back, inbox);
            vm.expectEmit(true, true, true, true, address(hub));
            emit IHub.MessageReturned(L2, i, i);
            vm.assertEq(hub.returnMessage{value: 3}(m, epoch, path), i, "index");
            vm.expectRevert(abi.encodeWithSelector(IHub.AlreadyClaimed.selector, L2, i));
            hub.returnMessage(m, epoch, path);
        }
        RollupState memory r = hub.rollup(L2);
        vm.assertEq(r.inboxHash, inbox, "inbox");
        vm.assertEq(r.escrow, 100 ether + 15, "its own escrow backs it again");
        vm.assertEq(hub.rollup(OTHER).escrow, 7 ether, "nobody else's");
    }

    function test_what_can_still_be_delivered_does_not_go_back() public {
        bytes memory reason = abi.encodeWithSelector(IHub.StillDeliverable.selector);
        _send(L2, OTHER, address(1), 1 ether, _fee, 0, "");
        _send(L2, OTHER, address(1), 1 ether, 0, 0, ""); // too low a fee can be topped up
        _send(L2, OTHER, address(1), 1 ether, _fee, uint64(MAX_GAS), "");
        _withdraw(address(0xb0b), 1 ether, _fee, 0, "");
        uint64 epoch = _landAndProve(L2);
        for (uint256 i = 0; i < 4; ++i) {
            _refused(_sent[L2][i], epoch, reason);
        }
        vm.warp(block.timestamp + 365 days);
        _refused(_sent[L2][3], epoch, reason);
        hub.claim(_sent[L2][3], epoch, _pathOf(L2, 3));
    }

    function test_only_what_was_sent_goes_back() public {
        Message memory m = _send(L2, 99, address(1), 1 ether, _fee, 0, "x");
        uint64 epoch = _landAndProve(L2);
        m.value = 2 ether;
        _refused(m, epoch, abi.encodeWithSelector(IHub.WrongPath.selector));
        m.value = 1 ether;
        _refused(m, epoch + 1, abi.encodeWithSelector(IHub.EpochGone.selector, L2, epoch + 1));
    }

    function test_a_return_passes_the_door_like_any_message() public {
        _send(L2, 99, address(1), 1 ether, 1, 0, "x");
        uint64 epoch = _landAndProve(L2);
        _fee = hub.minFee(L2, 400_000, 4 + 32 * 7);
        Message memory m = _sent[L2][0];
        _refused(m, epoch, abi.encodeWithSelector(IHub.FeeTooLow.selector, _fee, 1));
        hub.returnMessage{value: _fee - 1}(m, epoch, _pathOf(L2, 0));
        vm.assertEq(hub.rollup(L2).escrow, 100 ether + _fee - 1, "escrow");
    }

    function test_the_largest_message_comes_back() public {
        Message memory m = _send(L2, 99, address(1), 1 ether, 1 ether, 0, new bytes(16_384));
        uint64 epoch = _landAndProve(L2);
        hub.returnMessage(m, epoch, _pathOf(L2, 0));
        vm.assertEq(hub.rollup(L2).inboxCount, 1, "returned");
    }

    function test_a_return_is_not_returned() public {
        Message memory m = _send(L2, 99, address(1), 1 ether, 1 ether, 0, "x");
        _sent[L2][0].sender = MESSENGER;
        m.sender = MESSENGER;
        uint64 epoch = _landAndProve(L2);
        _refused(m, epoch, abi.encodeWithSelector(IHub.ForbiddenTarget.selector, MESSENGER));
    }

    function test_a_return_may_be_longer_when_it_is_forwarded() public {
        _send(L2, OTHER, address(1), 0, 1 ether, 0, new bytes(16_384 + 1024));
        _send(L2, OTHER, address(1), 0, 1 ether, 0, new bytes(16_384 + 1025));
        (_sent[L2][0].sender, _sent[L2][1].sender) = (MESSENGER, MESSENGER);
        uint64 epoch = _landAndProve(L2);
        Message[] memory ms = new Message[](1);
        bytes32[][] memory paths = new bytes32[][](1);
        (ms[0], paths[0]) = (_sent[L2][1], _pathOf(L2, 1));
        vm.expectRevert(abi.encodeWithSelector(IHub.MessageTooLong.selector, 16_384 + 1025));
        hub.forward(ms, epoch, paths);
        (ms[0], paths[0]) = (_sent[L2][0], _pathOf(L2, 0));
        hub.forward(ms, epoch, paths);
    }

    function test_a_message_whose_call_on_l1_failed_goes_back_a_day_later_and_not_before() public {
        Message memory m = _withdraw(address(new Reverter()), 1 ether, _fee, 50_000, "");
        uint64 epoch = _landAndProve(L2);
        bytes32[] memory path = _pathOf(L2, 0);
        vm.expectEmit(true, true, true, true, address(hub));
        emit IHub.MessageFailed(L2, 0, this.leafOf(m));
        hub.recordFailure(m, epoch, path);
        uint256 since = vm.getBlockTimestamp();
        vm.assertEq(hub.failedAt(L2, this.leafOf(m)), since, "noted");
        vm.assertEq(hub.isClaimed(L2, 0), false, "claimable");
        vm.assertEq(hub.rollup(L2).escrow, 100 ether, "escrow");
        bytes memory early = abi.encodeWithSelector(IHub.StillDeliverable.selector);
        _refused(m, epoch, early);
        vm.warp(since + 1 days - 1);
        _refused(m, epoch, early);
        // who notes it again does not start the day anew
        vm.expectRevert(abi.encodeWithSelector(IHub.CallFailed.selector));
        hub.recordFailure(m, epoch, path);
        vm.warp(since + 1 days);
        hub.returnMessage(m, epoch, path);
        vm.assertEq(hub.rollup(L2).inboxHash, Hashing.link(0, this.leafOf(_returnOf(m, 0, 0))), "return");
        vm.expectRevert(abi.encodeWithSelector(IHub.AlreadyClaimed.selector, L2, 0));
        hub.claim(m, epoch, path);
    }

    function test_a_message_that_failed_stays_claimable_until_it_is_returned() public {
        Reverter callee = new Reverter();
        Message memory m = _withdraw(address(callee), 1 ether, _fee, 50_000, "");
        uint64 epoch = _landAndProve(L2);
        bytes32[] memory path = _pathOf(L2, 0);
        hub.recordFailure(m, epoch, path);
        vm.warp(block.timestamp + 2 days);
        callee.heal();
        hub.claim(m, epoch, path);
        vm.assertEq(address(callee).balance, 1 ether, "value");
        _refusedAfterClaim(m, epoch, path);
    }

    function _refusedAfterClaim(Message memory m, uint64 epoch, bytes32[] memory path) private {
        vm.expectRevert(abi.encodeWithSelector(IHub.AlreadyClaimed.selector, L2, m.index));
        hub.returnMessage(m, epoch, path);
        vm.expectRevert(abi.encodeWithSelector(IHub.AlreadyClaimed.selector, L2, m.index));
        hub.recordFailure(m, epoch, path);
    }

    function test_recording_the_failure_of_a_call_that_succeeds_is_a_claim() public {
        Message memory m = _withdraw(address(0xb0b), 1 ether, 5, 0, "");
        uint64 epoch = _landAndProve(L2);
        uint256 mine = address(this).balance;
        hub.recordFailure(m, epoch, _pathOf(L2, 0));
        vm.assertEq(address(0xb0b).balance, 1 ether, "value");
        vm.assertEq(address(this).balance - mine, 5, "fee");
        vm.assertEq(hub.failedAt(L2, this.leafOf(m)), 0, "nothing noted");
        _refusedAfterClaim(m, epoch, _pathOf(L2, 0));
    }

    function test_nobody_can_starve_a_call_into_a_noted_failure() public {
        Recorder recorder = new Recorder();
        Message memory m = _withdraw(address(recorder), 0, 0, 400_000, abi.encodeCall(Recorder.note, (1)));
        uint64 epoch = _landAndProve(L2);
        bytes memory call = abi.encodeCall(IHub.recordFailure, (m, epoch, _pathOf(L2, 0)));
        for (uint256 gas_ = 100_000; !hub.isClaimed(L2, 0); gas_ += 25_000) {
            (bool ok, bytes memory reason) = address(hub).call{gas: gas_}(call);
            vm.assertTrue(
                ok || reason.length == 0 || bytes4(reason) == IExecuteErrors.InsufficientGas.selector, "guard"
            );
            vm.assertEq(hub.failedAt(L2, this.leafOf(m)), 0, "nothing noted");
        }
        vm.assertEq(recorder.length(), 1, "delivered");
    }

    function test_a_callee_cannot_take_its_message_twice_while_its_failure_is_tried() public {
        Reenterer callee = new Reenterer();
        Message memory m = _withdraw(address(callee), 1 ether, 0, 1_000_000, "");
        uint64 epoch = _landAndProve(L2);
        callee.arm(abi.encodeCall(IHub.returnMessage, (m, epoch, _pathOf(L2, 0))));
        hub.recordFailure(m, epoch, _pathOf(L2, 0));
        vm.assertTrue(callee.tried() && !callee.succeeded(), "refused");
        vm.assertEq(callee.answer(), abi.encodeWithSelector(IHub.AlreadyClaimed.selector, L2, 0), "taken already");
        vm.assertEq(hub.rollup(L2).escrow, 99 ether, "once");
    }

    function test_a_return_that_is_claimed_tells_who_wants_to_know_and_hands_others_the_value() public {
        bytes memory told = abi.encodeCall(IMessageReturn.onMessageReturned, (L2, 7, address(0xb0b), 1 ether, "hi"));
        Home home = new Home();
        Recorder other = new Recorder();
        _withdraw(address(home), 1 ether, 0, 400_000, told);
        _withdraw(address(0xca11), 1 ether, 0, 400_000, told);
        _withdraw(address(other), 1 ether, 0, 400_000, told);
        for (uint256 i = 0; i < 3; ++i) {
            _sent[L2][i].sender = MESSENGER;
        }
        uint64 epoch = _landAndProve(L2);
        hub.claim(_sent[L2][0], epoch, _pathOf(L2, 0));
        vm.assertEq(home.calls(), 1, "told");
        vm.assertEq(home.sender(), MESSENGER, "sender");
        vm.assertEq(home.source(), L2, "source");
        vm.assertEq(home.index(), 7, "index");
        hub.claim(_sent[L2][1], epoch, _pathOf(L2, 1));
        vm.assertEq(address(0xca11).balance, 1 ether, "plain value");
        // a contract that takes neither data it does not know nor plain value keeps its message claimable
        bytes32[] memory path = _pathOf(L2, 2);
        vm.expectRevert(abi.encodeWithSelector(IHub.CallFailed.selector));
        hub.claim(_sent[L2][2], epoch, path);
    }
}
