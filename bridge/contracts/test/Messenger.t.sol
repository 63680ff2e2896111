// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Anchor, Hashing, Message} from "../src/Message.sol";
import {Messenger} from "../src/Messenger.sol";
import {IExecuteErrors} from "../src/interfaces/IExecuteVerifier.sol";
import {IMessageContext} from "../src/interfaces/IMessageContext.sol";
import {IMessenger} from "../src/interfaces/IMessenger.sol";
import {Bomb, Burner, Poor, Recorder, Reenterer, Reverter} from "./harness/Callees.sol";
import {Inbox} from "./harness/Inbox.sol";

/// @notice The inbox on L2: strictly in order, nothing skipped, nothing dropped, whatever the callee does; and the outbox.
contract MessengerTest is Inbox {
    // ---------------------------------------------------------------------------------------- order

    function test_messages_are_called_in_order_and_the_relayer_is_paid() public {
        for (uint256 i = 0; i < 5; ++i) {
            _note(i);
        }
        _relay(0, 2, 2);
        _relay(2, 5, 5);
        for (uint256 i = 0; i < 5; ++i) {
            vm.assertEq(_recorder.order(i), i, "order");
        }
        vm.assertEq(_recorder.sender(), address(0xa11ce), "sender");
        vm.assertEq(_recorder.source(), L1, "source");
        vm.assertEq(MESSENGER.consumedCount(), 5, "count");
        vm.assertEq(MESSENGER.consumedHash(), _hashes[5], "hash");
        vm.assertEq(address(this).balance, 5000, "fees");
    }

    function test_a_deposit_reaches_an_account_without_any_ether() public {
        _send(address(0xb0b), 3 ether, 0, "");
        _relay(0, 1, 1);
        vm.assertEq(address(0xb0b).balance, 3 ether, "value");
        vm.assertEq(address(MESSENGER).balance, PREMINT - 3 ether - 1000, "supply");
    }

    function test_a_message_cannot_be_skipped() public {
        _note(0);
        _note(1);
        Anchor memory anchor = _name(2);
        vm.expectRevert(abi.encodeWithSelector(IMessenger.WrongIndex.selector, 0, 1));
        MESSENGER.relay(_slice(1, 2), 0, new bytes32[](0), anchor, block.timestamp);
    }

    function test_a_message_cannot_be_relayed_twice() public {
        _note(0);
        _relay(0, 1, 1);
        Anchor memory anchor = _name(1);
        vm.expectRevert(abi.encodeWithSelector(IMessenger.WrongIndex.selector, 1, 0));
        MESSENGER.relay(_slice(0, 1), 0, new bytes32[](0), anchor, block.timestamp);
    }

    function test_messages_cannot_change_places() public {
        _note(0);
        _note(1);
        Anchor memory anchor = _name(2);
        Message[] memory swapped = _slice(0, 2);
        (swapped[0], swapped[1]) = (swapped[1], swapped[0]);
        (swapped[0].index, swapped[1].index) = (0, 1);
        vm.expectRevert(IMessenger.WrongInbox.selector);
        this.relayPartial(swapped, new bytes32[](0), anchor);
    }

    function test_no_field_of_a_message_can_be_changed() public {
        _note(0);
        Anchor memory anchor = _name(1);
        for (uint256 k = 0; k < 7; ++k) {
            Message[] memory m = _slice(0, 1);
            if (k == 0) m[0].srcChainId = 5;
            if (k == 1) m[0].dstChainId = 5;
            if (k == 2) m[0].sender = address(5);
            if (k == 3) m[0].to = address(5);
            if (k == 4) m[0].value = 5;
            if (k == 5) m[0].fee = 5;
            if (k == 6) m[0].gasLimit = 5;
            vm.expectRevert(IMessenger.WrongInbox.selector);
            this.relayPartial(m, new bytes32[](0), anchor);
        }
    }

    function test_a_tail_cannot_hide_or_invent_messages() public {
        for (uint256 i = 0; i < 3; ++i) {
            _note(i);
        }
        Anchor memory anchor = _name(3);
        bytes32[][3] memory tails = [_tail(1, 2), _tail(0, 2), _tail(0, 3)];
        Message[] memory first = _slice(0, 1);
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(IMessenger.WrongInbox.selector);
            this.relayPartial(first, tails[i], anchor);
        }
    }

    function test_messages_that_blocks_named_but_nobody_relayed_are_not_lost() public {
        // The dropped-message trap: a proposer may name messages and leave out the relay. The next relay still has to begin with them.
        for (uint256 i = 0; i < 4; ++i) {
            _note(i);
        }
        _name(2);
        _name(4);
        Anchor memory anchor = _name(4);
        vm.expectRevert(abi.encodeWithSelector(IMessenger.WrongIndex.selector, 0, 2));
        MESSENGER.relay(_slice(2, 4), 0, new bytes32[](0), anchor, block.timestamp);
        _relay(0, 3, 4);
        _relay(3, 4, 4);
        vm.assertEq(_recorder.length(), 4, "all of them");
    }

    function test_the_anchor_of_an_older_block_serves_as_well() public {
        for (uint256 i = 0; i < 3; ++i) {
            _note(i);
        }
        Anchor memory older = _name(1);
        uint256 olderTime = vm.getBlockTimestamp();
        _name(3);
        MESSENGER.relay(_slice(0, 1), 0, new bytes32[](0), older, olderTime);
        vm.assertEq(MESSENGER.consumedCount(), 1, "count");
    }

    function test_an_anchor_nobody_stored_is_refused() public {
        _note(0);
        Anchor memory anchor = _name(1);
        vm.expectRevert(abi.encodeWithSelector(IMessenger.AnchorUnavailable.selector, block.timestamp + 1));
        MESSENGER.relay(_slice(0, 1), 0, new bytes32[](0), anchor, block.timestamp + 1);
        bytes32 stored = Hashing.anchor(L2, anchor);
        anchor.originNumber = 8;
        vm.expectRevert(abi.encodeWithSelector(IMessenger.WrongAnchor.selector, stored, Hashing.anchor(L2, anchor)));
        MESSENGER.relay(_slice(0, 1), 0, new bytes32[](0), anchor, block.timestamp);
    }

    function test_a_relay_of_nothing_is_refused() public {
        Anchor memory anchor = _name(0);
        vm.expectRevert(abi.encodeWithSelector(IMessenger.NothingToRelay.selector));
        MESSENGER.relay(new Message[](0), 0, new bytes32[](0), anchor, block.timestamp);
    }

    // ---------------------------------------------------------------------------------------- callees

    function test_a_callee_that_reverts_is_kept_and_may_be_retried_by_anyone() public {
        Reverter callee = new Reverter();
        _failsAndGoesOn(address(callee), 50_000, "");
        vm.expectRevert(abi.encodeWithSelector(IMessenger.CallFailed.selector, _leaf(0)));
        MESSENGER.retry(_inbox[0]);
        vm.assertTrue(_isKept(0), "still kept");
        callee.heal();
        vm.prank(address(0xd00d));
        MESSENGER.retry(_inbox[0]);
        vm.assertEq(address(callee).balance, 1 ether, "value");
        vm.expectRevert(abi.encodeWithSelector(IMessenger.NotFailed.selector, _leaf(0)));
        MESSENGER.retry(_inbox[0]);
    }

    function test_a_message_that_succeeded_cannot_be_retried() public {
        _note(0);
        _relay(0, 1, 1);
        vm.expectRevert(abi.encodeWithSelector(IMessenger.NotFailed.selector, _leaf(0)));
        MESSENGER.retry(_inbox[0]);
    }

    function test_a_retry_may_give_more_gas_than_the_message_asked_for() public {
        _failsAndGoesOn(address(_recorder), 30_000, abi.encodeCall(Recorder.note, (5)));
        MESSENGER.retry(_inbox[0]);
        vm.assertEq(_recorder.order(1), 5, "called");
    }

    function test_a_callee_that_burns_all_gas_burns_only_its_own() public {
        uint256 before = gasleft();
        _failsAndGoesOn(address(new Burner()), 1_000_000, "");
        vm.assertLe(before - gasleft(), 3_000_000, "gas");
    }

    function test_a_callee_that_returns_a_bomb_costs_only_its_own_gas() public {
        _send(address(new Bomb(false)), 0, 3_000_000, "");
        _relay(0, 1, 1);
        vm.assertEq(_isKept(0), false, "success");
        _failsAndGoesOn(address(new Bomb(true)), 3_000_000, "");
    }

    function test_a_callee_that_relays_again_gets_nowhere() public {
        Reenterer callee = new Reenterer();
        _send(address(callee), 0, 3_000_000, "");
        _note(1);
        Anchor memory anchor = _name(2);
        callee.arm(abi.encodeCall(Messenger.relay, (_slice(1, 2), 0, new bytes32[](0), anchor, block.timestamp)));
        MESSENGER.relay(_slice(0, 1), 0, _tail(1, 2), anchor, block.timestamp);
        vm.assertTrue(callee.tried(), "tried");
        vm.assertEq(callee.succeeded(), false, "refused");
        vm.assertEq(MESSENGER.consumedCount(), 1, "count");
        _relay(1, 2, 2);
    }

    function test_a_callee_that_retries_gets_nowhere() public {
        _failsAndGoesOn(address(new Reverter()), 50_000, "");
        Reenterer callee = new Reenterer();
        callee.arm(abi.encodeCall(Messenger.retry, (_inbox[0])));
        _send(address(callee), 0, 3_000_000, "");
        _relay(2, 3, 3);
        vm.assertTrue(callee.tried(), "tried");
        vm.assertEq(callee.succeeded(), false, "refused");
    }

    function test_a_callee_may_send_a_message_back() public {
        Reenterer callee = new Reenterer();
        callee.arm(abi.encodeCall(Messenger.sendMessage, (L1, address(0xa11ce), 0, 100_000, "answer")));
        _send(address(callee), 0, 3_000_000, "");
        _relay(0, 1, 1);
        vm.assertTrue(callee.succeeded(), "sent");
        vm.assertEq(MESSENGER.outboxCount(), 1, "outbox");
    }

    function test_a_message_to_the_messenger_itself_does_nothing() public {
        // Called, it would send a message in the Messenger's own name.
        _failsAndGoesOn(
            address(MESSENGER),
            500_000,
            abi.encodeCall(Messenger.sendMessage, (L1, address(0xbad), 0, 100_000, "forged"))
        );
        vm.assertEq(MESSENGER.outboxCount(), 0, "nothing sent");
        vm.expectRevert(abi.encodeWithSelector(IMessenger.CallFailed.selector, _leaf(0)));
        MESSENGER.retry(_inbox[0]);
    }

    function test_a_message_that_asks_for_more_than_there_is_fails_and_is_kept() public {
        _send(address(0xb0b), PREMINT + 1, 100_000, "");
        _relay(0, 1, 1);
        vm.assertTrue(_isKept(0), "kept");
    }

    // ---------------------------------------------------------------------------------------- gas

    function test_a_relayer_cannot_starve_a_message() public {
        // Whatever gas the relayer sends: the whole relay reverts, or the callee got all it was promised.
        _send(address(_recorder), 0, 400_000, abi.encodeCall(Recorder.note, (1)));
        Anchor memory anchor = _name(1);
        Message[] memory m = _slice(0, 1);
        uint256 reverted = 0;
        for (uint256 gas_ = 60_000; gas_ < 900_000; gas_ += 20_000) {
            (bool ok,) = address(MESSENGER).call{gas: gas_}(
                abi.encodeCall(Messenger.relay, (m, 0, new bytes32[](0), anchor, block.timestamp))
            );
            if (ok) break;
            ++reverted;
        }
        vm.assertGt(reverted, 20, "tried");
        vm.assertEq(_isKept(0), false, "success");
        vm.assertGt(_recorder.gasSeen(), 395_000, "gas of the callee");
        vm.assertLe(_recorder.gasSeen(), 400_000, "gas of the callee");
    }

    function test_too_little_gas_has_its_own_error() public {
        _send(address(_recorder), 0, 400_000, abi.encodeCall(Recorder.note, (1)));
        Anchor memory anchor = _name(1);
        vm.expectRevert(IExecuteErrors.InsufficientGas.selector);
        this.relayGas(_slice(0, 1), anchor, 500_000);
    }

    function relayGas(Message[] calldata m, Anchor calldata anchor, uint256 gas_) external {
        try MESSENGER.relay{gas: gas_}(m, 0, new bytes32[](0), anchor, block.timestamp) {}
        catch (bytes memory reason) {
            bytes4 selector = bytes4(reason);
            assembly {
                mstore(0, selector)
                revert(0, 4)
            }
        }
    }

    // ---------------------------------------------------------------------------------------- fees, context

    function test_a_relayer_that_takes_no_ether_does_not_stop_the_inbox() public {
        Poor poor = new Poor();
        _note(1);
        Anchor memory anchor = _name(1);
        poor.run(
            address(MESSENGER),
            abi.encodeCall(Messenger.relay, (_slice(0, 1), 0, new bytes32[](0), anchor, block.timestamp))
        );
        vm.assertEq(MESSENGER.consumedCount(), 1, "count");
        vm.assertEq(MESSENGER.keptFees(address(poor)), 1000, "kept");
        poor.run(address(MESSENGER), abi.encodeCall(Messenger.withdrawFees, (address(0xfee))));
        vm.assertEq(address(0xfee).balance, 1000, "paid");
        vm.expectRevert(abi.encodeWithSelector(IMessenger.NoFees.selector));
        poor.run(address(MESSENGER), abi.encodeCall(Messenger.withdrawFees, (address(0xfee))));
    }

    function test_nobody_speaks_outside_a_message() public {
        vm.expectRevert(abi.encodeWithSelector(IMessageContext.NoMessage.selector));
        MESSENGER.messageSender();
        vm.expectRevert(abi.encodeWithSelector(IMessageContext.NoMessage.selector));
        MESSENGER.messageSource();
        _note(1);
        _relay(0, 1, 1);
        vm.expectRevert(abi.encodeWithSelector(IMessageContext.NoMessage.selector));
        MESSENGER.messageSender();
    }

    // ---------------------------------------------------------------------------------------- outbox

    function test_the_outbox_root_is_slot_zero_and_the_balance_stays() public {
        vm.deal(address(this), 10 ether);
        vm.assertEq(MESSENGER.outboxRoot(), 0, "empty");
        bytes32[32] memory nothing;
        uint64 index = MESSENGER.sendMessage{value: 2 ether}(L1, address(0xb0b), 1 ether, 100_000, "out");
        vm.assertEq(index, 0, "index");
        Message memory m = Message(L2, L1, 0, address(this), address(0xb0b), 1 ether, 1 ether, 100_000, "out");
        bytes32 node = this.leafOf(m);
        bytes32 zero = nothing[0];
        for (uint256 i = 0; i < 32; ++i) {
            (node, zero) = (Hashing.link(node, zero), Hashing.link(zero, zero));
        }
        vm.assertEq(MESSENGER.outboxRoot(), node, "root");
        vm.assertEq(vm.load(address(MESSENGER), 0), node, "slot 0");
        vm.assertEq(uint256(vm.load(address(MESSENGER), bytes32(uint256(1)))), 1, "slot 1: count");
        vm.assertEq(address(MESSENGER).balance, PREMINT + 2 ether, "locked again");
    }

    function test_storage_lies_where_the_spec_says() public {
        _send(address(new Reverter()), 0, 50_000, "");
        _relay(0, 1, 1);
        vm.assertEq(uint256(vm.load(address(MESSENGER), bytes32(uint256(34)))), 1, "slot 34: consumedCount");
        vm.assertEq(vm.load(address(MESSENGER), bytes32(uint256(35))), _hashes[1], "slot 35: consumedHash");
        bytes32 slot = keccak256(abi.encode(_leaf(0), uint256(36)));
        vm.assertEq(uint256(vm.load(address(MESSENGER), slot)), block.timestamp, "slot 36: when it failed");
        _send(address(_recorder), 0, 50_000, "");
        _deferLast();
        slot = keccak256(abi.encode(_leaf(1), uint256(36)));
        uint256 kept = uint256(vm.load(address(MESSENGER), slot));
        vm.assertEq(kept, (1 << 64) | block.timestamp, "slot 36: deferred");
        vm.assertEq(MESSENGER.refundDelay(), REFUND_DELAY, "slot 38: refund delay");
    }

    function test_refuses_messages_that_could_never_arrive() public {
        vm.expectRevert(abi.encodeWithSelector(IMessenger.WrongDestination.selector, L2));
        MESSENGER.sendMessage(L2, address(1), 0, 0, "");
        vm.expectRevert(abi.encodeWithSelector(IMessenger.FeeExceedsValue.selector, 1, 0));
        MESSENGER.sendMessage(L1, address(1), 1, 0, "");
        vm.expectRevert(abi.encodeWithSelector(IMessenger.MessageTooLong.selector, 16_385));
        MESSENGER.sendMessage(L1, address(1), 0, 0, new bytes(16_385));
        vm.expectRevert(abi.encodeWithSelector(IMessenger.GasLimitTooHigh.selector, 15_000_001, 15_000_000));
        MESSENGER.sendMessage(L1, address(1), 0, 15_000_001, "");
        vm.store(address(MESSENGER), bytes32(uint256(1)), bytes32(uint256(1 << 32)));
        vm.expectRevert(abi.encodeWithSelector(IMessenger.OutboxFull.selector));
        MESSENGER.sendMessage(L1, address(1), 0, 0, "");
    }
}
