// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Anchor, Message} from "../src/Message.sol";
import {Messenger} from "../src/Messenger.sol";
import {IExecuteErrors} from "../src/interfaces/IExecuteVerifier.sol";
import {IMessageReturn} from "../src/interfaces/IMessageReturn.sol";
import {IMessenger} from "../src/interfaces/IMessenger.sol";
import {MessageReturn} from "../src/libraries/MessageReturn.sol";
import {Burner, Home, Mortal, Oracle, Poor, Recorder, Reenterer, Reverter} from "./harness/Callees.sol";
import {Inbox} from "./harness/Inbox.sol";

/// @notice Messages that fail on L2: they are retried, or go back with all their value, once; and what comes back arrives. Deferred ones likewise.
contract MessengerReturnTest is Inbox {
    address private constant ALICE = address(0xa11ce);

    function _now() private view returns (uint256) {
        return vm.getBlockTimestamp();
    }

    /// @dev The return of message `i`, as it has to stand in the outbox.
    function _returnOf(uint256 i, uint64 index, uint256 value, uint256 fee) private view returns (Message memory) {
        Message memory m = _inbox[i];
        return Message({
            srcChainId: L2,
            dstChainId: m.srcChainId,
            index: index,
            sender: address(MESSENGER),
            to: m.sender,
            value: value,
            fee: fee,
            gasLimit: 400_000,
            data: abi.encodeCall(IMessageReturn.onMessageReturned, (L2, m.index, m.to, m.value, m.data))
        });
    }

    function _assertOutboxIs(Message memory m) private view {
        bytes32[] memory leaves = new bytes32[](1);
        leaves[0] = this.leafOf(m);
        vm.assertEq(MESSENGER.outboxCount(), 1, "outbox count");
        vm.assertEq(MESSENGER.outboxRoot(), _outboxRoot(leaves), "outbox root");
    }

    /// @dev A message of a rollup that comes back to `to`, with what `onMessageReturned` is told.
    function _return(address to, uint256 value) private returns (Message memory) {
        bytes memory data =
            abi.encodeCall(IMessageReturn.onMessageReturned, (L1, 7, address(0xb0b), value, hex"c0ffee"));
        return _sendAs(L1, address(MESSENGER), to, value, 400_000, data);
    }

    // ---------------------------------------------------------------------------------------- refund

    function test_a_message_that_failed_goes_back_with_its_value_after_the_delay() public {
        _failsAndGoesOn(address(new Reverter()), 50_000, "hello");
        (uint64 failedAt, bool feeKept) = MESSENGER.failures(_leaf(0));
        vm.assertEq(failedAt, _now(), "time of the failure");
        vm.assertEq(feeKept, false, "the relayer was paid");
        vm.assertEq(address(this).balance, 2000, "both fees");
        vm.warp(failedAt + REFUND_DELAY);
        vm.prank(address(0xd00d));
        vm.assertEq(MESSENGER.refund(_inbox[0]), 0, "index");
        _assertOutboxIs(_returnOf(0, 0, 1 ether, 0));
        vm.assertEq(_isKept(0), false, "no longer kept");
        vm.assertEq(address(MESSENGER).balance, PREMINT - 2000, "all but the fees is locked again");
    }

    function test_the_fee_of_a_return_is_what_the_caller_adds() public {
        _failsAndGoesOn(address(new Reverter()), 50_000, "");
        vm.warp(_now() + REFUND_DELAY);
        vm.deal(address(this), 3 ether);
        MESSENGER.refund{value: 3 ether}(_inbox[0]);
        _assertOutboxIs(_returnOf(0, 0, 1 ether, 3 ether));
        vm.assertEq(address(MESSENGER).balance, PREMINT - 2000 + 3 ether, "locked");
    }

    function test_a_message_of_another_rollup_goes_back_there() public {
        _sendAs(4711, ALICE, address(new Burner()), 1 ether, 50_000, "x");
        _relay(0, 1, 1);
        vm.warp(_now() + REFUND_DELAY);
        MESSENGER.refund(_inbox[0]);
        vm.assertEq(_returnOf(0, 0, 1 ether, 0).dstChainId, 4711, "where it came from");
        _assertOutboxIs(_returnOf(0, 0, 1 ether, 0));
    }

    function test_the_longest_message_still_goes_back() public {
        _failsAndGoesOn(address(new Reverter()), 50_000, new bytes(16_384));
        vm.warp(_now() + REFUND_DELAY);
        MESSENGER.refund(_inbox[0]);
        Message memory m = _returnOf(0, 0, 1 ether, 0);
        _assertOutboxIs(m);
        vm.assertLe(m.data.length, 16_384 + MessageReturn.EXTRA_DATA, "length of a return");
    }

    function test_nothing_goes_back_before_the_delay() public {
        _failsAndGoesOn(address(new Reverter()), 50_000, "");
        uint256 from = _now() + REFUND_DELAY;
        for (uint256 t = _now(); t < from; t += REFUND_DELAY / 8) {
            vm.warp(t);
            vm.expectRevert(abi.encodeWithSelector(IMessenger.RefundTooEarly.selector, from));
            MESSENGER.refund(_inbox[0]);
        }
        vm.warp(from - 1);
        vm.expectRevert(abi.encodeWithSelector(IMessenger.RefundTooEarly.selector, from));
        MESSENGER.refund(_inbox[0]);
        vm.assertTrue(_isKept(0), "still kept");
        vm.warp(from);
        MESSENGER.refund(_inbox[0]);
    }

    function test_a_message_goes_back_once_and_is_not_retried_then() public {
        Reverter callee = new Reverter();
        _failsAndGoesOn(address(callee), 50_000, "");
        vm.warp(_now() + REFUND_DELAY);
        MESSENGER.refund(_inbox[0]);
        callee.heal();
        vm.expectRevert(abi.encodeWithSelector(IMessenger.NotFailed.selector, _leaf(0)));
        MESSENGER.refund(_inbox[0]);
        vm.expectRevert(abi.encodeWithSelector(IMessenger.NotFailed.selector, _leaf(0)));
        MESSENGER.retry(_inbox[0]);
        vm.assertEq(MESSENGER.outboxCount(), 1, "one return");
    }

    function test_a_message_can_be_retried_until_it_goes_back_and_not_sent_back_when_it_was() public {
        Reverter callee = new Reverter();
        _failsAndGoesOn(address(callee), 50_000, "");
        vm.warp(_now() + 100 * REFUND_DELAY);
        vm.expectRevert(abi.encodeWithSelector(IMessenger.CallFailed.selector, _leaf(0)));
        MESSENGER.retry(_inbox[0]);
        callee.heal();
        MESSENGER.retry(_inbox[0]);
        vm.assertEq(address(callee).balance, 1 ether, "delivered");
        vm.expectRevert(abi.encodeWithSelector(IMessenger.NotFailed.selector, _leaf(0)));
        MESSENGER.refund(_inbox[0]);
        vm.assertEq(MESSENGER.outboxCount(), 0, "no return");
    }

    function test_a_retry_that_fails_does_not_put_the_refund_off() public {
        _failsAndGoesOn(address(new Reverter()), 50_000, "");
        uint256 from = _now() + REFUND_DELAY;
        vm.warp(from - 1);
        vm.expectRevert(abi.encodeWithSelector(IMessenger.CallFailed.selector, _leaf(0)));
        MESSENGER.retry(_inbox[0]);
        vm.warp(from);
        MESSENGER.refund(_inbox[0]);
    }

    function test_only_what_failed_goes_back() public {
        _note(0);
        _relay(0, 1, 1);
        _note(1);
        vm.warp(_now() + REFUND_DELAY);
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IMessenger.NotFailed.selector, _leaf(i)));
            MESSENGER.refund(_inbox[i]);
        }
    }

    function test_no_field_of_a_message_that_goes_back_can_be_changed() public {
        _failsAndGoesOn(address(new Reverter()), 50_000, "x");
        vm.warp(_now() + REFUND_DELAY);
        for (uint256 k = 0; k < 9; ++k) {
            Message memory m = _inbox[0];
            if (k == 0) m.srcChainId = 5;
            if (k == 1) m.dstChainId = 5;
            if (k == 2) m.index = 5;
            if (k == 3) m.sender = address(5);
            if (k == 4) m.to = address(5);
            if (k == 5) m.value = 5 ether;
            if (k == 6) m.fee = 5 ether;
            if (k == 7) m.gasLimit = 5;
            if (k == 8) m.data = "y";
            vm.expectRevert(abi.encodeWithSelector(IMessenger.NotFailed.selector, this.leafOf(m)));
            MESSENGER.refund(m);
        }
    }

    function test_value_to_the_messenger_itself_goes_back() public {
        bytes memory data = abi.encodeCall(Messenger.withdrawFees, (ALICE));
        _failsAndGoesOn(address(MESSENGER), 500_000, data);
        vm.warp(_now() + REFUND_DELAY);
        MESSENGER.refund(_inbox[0]);
        _assertOutboxIs(_returnOf(0, 0, 1 ether, 0));
    }

    // ---------------------------------------------------------------------------------------- what comes back arrives

    function test_a_return_is_not_sent_back_again_but_can_be_retried() public {
        Reverter callee = new Reverter();
        _return(address(callee), 1 ether);
        _relay(0, 1, 1);
        vm.assertTrue(_isKept(0), "kept");
        vm.warp(_now() + 100 * REFUND_DELAY);
        vm.expectRevert(abi.encodeWithSelector(IMessenger.NotRefundable.selector, _leaf(0)));
        MESSENGER.refund(_inbox[0]);
        vm.assertTrue(_isKept(0), "still kept");
        callee.heal();
        MESSENGER.retry(_inbox[0]);
        vm.assertEq(address(callee).balance, 1 ether, "delivered");
    }

    function test_a_sender_that_wants_to_know_is_told_what_came_back() public {
        Home home = new Home();
        _return(address(home), 1 ether);
        _relay(0, 1, 1);
        vm.assertEq(home.calls(), 1, "called");
        vm.assertEq(home.caller(), address(MESSENGER), "caller");
        vm.assertEq(home.sender(), address(MESSENGER), "messageSender");
        vm.assertEq(home.source(), L1, "messageSource");
        vm.assertEq(home.dstChainId(), L1, "dstChainId");
        vm.assertEq(home.index(), 7, "index");
        vm.assertEq(home.to(), address(0xb0b), "to");
        vm.assertEq(home.value(), 1 ether, "value");
        vm.assertEq(home.data(), hex"c0ffee", "data");
        vm.assertEq(home.received(), 1 ether, "msg.value");
    }

    function test_every_other_sender_gets_plain_value() public {
        // An account without code, one with code and a `receive` alone, whatever it says about interfaces.
        _return(address(0xb0b), 1 ether);
        Oracle.Answer[5] memory answers = [
            Oracle.Answer.Reverts, Oracle.Answer.Burns, Oracle.Answer.Bomb, Oracle.Answer.Short, Oracle.Answer.AlwaysYes
        ];
        Oracle[] memory oracles = new Oracle[](answers.length);
        for (uint256 i = 0; i < answers.length; ++i) {
            oracles[i] = new Oracle(answers[i]);
            _return(address(oracles[i]), 1 ether);
        }
        _relay(0, 1 + answers.length, uint64(1 + answers.length));
        vm.assertEq(address(0xb0b).balance, 1 ether, "an account without code");
        for (uint256 i = 0; i < answers.length; ++i) {
            vm.assertEq(oracles[i].calls(), 1, "called");
            vm.assertEq(oracles[i].length(), 0, "without data");
            vm.assertEq(address(oracles[i]).balance, 1 ether, "value");
        }
    }

    function test_a_slow_answer_about_interfaces_is_heard() public {
        Oracle oracle = new Oracle(Oracle.Answer.Slow);
        Message memory m = _return(address(oracle), 1 ether);
        _relay(0, 1, 1);
        vm.assertEq(oracle.length(), m.data.length, "with data");
    }

    function test_data_of_an_ordinary_message_is_never_dropped() public {
        Oracle oracle = new Oracle(Oracle.Answer.Reverts);
        _send(address(oracle), 0, 100_000, "data");
        _relay(0, 1, 1);
        vm.assertEq(oracle.length(), 4, "with data");
    }

    function test_a_relayer_cannot_decide_by_starving_the_question() public {
        Oracle oracle = new Oracle(Oracle.Answer.Slow);
        Message memory m = _return(address(oracle), 1 ether);
        Anchor memory anchor = _name(1);
        bytes memory call =
            abi.encodeCall(Messenger.relay, (_slice(0, 1), 0, new bytes32[](0), anchor, vm.getBlockTimestamp()));
        uint256 reverted = 0;
        for (uint256 gas_ = 60_000; gas_ < 2_000_000; gas_ += 3_000) {
            (bool ok,) = address(MESSENGER).call{gas: gas_}(call);
            if (ok) break;
            ++reverted;
        }
        vm.assertGt(reverted, 100, "tried");
        vm.assertEq(oracle.length(), m.data.length, "with data, whatever the gas");
        vm.assertEq(_isKept(0), false, "delivered");
    }

    function test_a_retrier_cannot_decide_by_starving_the_question() public {
        Oracle oracle = new Oracle(Oracle.Answer.Slow);
        Message memory m = _return(address(oracle), 1 ether);
        _deferLast();
        bytes memory call = abi.encodeCall(Messenger.retry, (m));
        uint256 reverted = 0;
        for (uint256 gas_ = 60_000; gas_ < 2_000_000; gas_ += 3_000) {
            (bool ok,) = address(MESSENGER).call{gas: gas_}(call);
            if (ok) break;
            ++reverted;
        }
        vm.assertGt(reverted, 100, "tried");
        vm.assertEq(oracle.length(), m.data.length, "with data, whatever the gas");
    }

    // ---------------------------------------------------------------------------------------- re-entrance

    function test_a_callee_cannot_enter_again_whether_relayed_retried_or_told_of_a_return() public {
        _failsAndGoesOn(address(new Reverter()), 50_000, "");
        vm.warp(_now() + REFUND_DELAY);
        Anchor memory anchor = _name(2);
        bytes[4] memory attacks = [
            abi.encodeCall(Messenger.refund, (_inbox[0])),
            abi.encodeCall(Messenger.retry, (_inbox[0])),
            abi.encodeCall(Messenger.relay, (_slice(0, 1), 0, new bytes32[](0), anchor, vm.getBlockTimestamp())),
            abi.encodeCall(Messenger.withdrawFees, (address(this)))
        ];
        for (uint256 k = 0; k < attacks.length; ++k) {
            uint256 i = _inbox.length;
            Reenterer callee = new Reenterer();
            Home home = new Home();
            callee.arm(attacks[k]);
            home.arm(attacks[k]);
            _send(address(callee), 1 ether, 3_000_000, "");
            _return(address(home), 1 ether);
            _relay(i, i + 2, uint64(i + 2));
            vm.assertTrue(callee.tried(), "tried");
            vm.assertEq(callee.succeeded(), false, "relayed: refused");
            vm.assertEq(home.succeeded(), false, "returned: refused");
            vm.assertEq(home.calls(), 1, "and told all the same");
        }
        vm.assertTrue(_isKept(0), "untouched");
        vm.assertEq(MESSENGER.outboxCount(), 0, "nothing went out");
    }

    function test_a_callee_cannot_take_its_message_back_while_it_is_retried() public {
        Reenterer callee = new Reenterer();
        _send(address(callee), 1 ether, 0, "");
        _relay(0, 1, 1);
        vm.assertTrue(_isKept(0), "too little gas was asked for");
        callee.arm(abi.encodeCall(Messenger.refund, (_inbox[0])));
        vm.warp(_now() + REFUND_DELAY);
        MESSENGER.retry(_inbox[0]);
        vm.assertTrue(callee.tried(), "tried");
        vm.assertEq(callee.succeeded(), false, "refused");
        vm.assertEq(address(callee).balance, 1 ether, "delivered once");
        vm.assertEq(MESSENGER.outboxCount(), 0, "and not sent back");
    }

    function test_a_callee_may_answer_a_return_with_a_message_in_its_own_name() public {
        Home home = new Home();
        home.arm(abi.encodeCall(Messenger.sendMessage, (L1, address(0xb0b), 0, 100_000, "again")));
        _return(address(home), 0);
        _relay(0, 1, 1);
        vm.assertTrue(home.succeeded(), "sent");
        _assertOutboxIs(Message(L2, L1, 0, address(home), address(0xb0b), 0, 0, 100_000, "again"));
    }

    function test_a_callee_that_destroys_itself_has_taken_its_message() public {
        Mortal callee = new Mortal(payable(address(0xbe)));
        _send(address(callee), 1 ether, 100_000, "");
        _note(1);
        _relay(0, 2, 2);
        vm.assertEq(_isKept(0), false, "delivered");
        vm.assertEq(address(0xbe).balance, 1 ether, "value");
        vm.assertEq(_recorder.order(0), 1, "the next one was called");
    }

    // ---------------------------------------------------------------------------------------- deferred messages

    function test_a_deferred_message_is_kept_with_its_fee_and_the_next_one_is_called() public {
        _note(0);
        _note(1);
        _note(2);
        Anchor memory anchor = _name(3);
        vm.coinbase(address(this));
        MESSENGER.relay(_slice(0, 3), 1 << 1, new bytes32[](0), anchor, block.timestamp);
        vm.assertEq(_recorder.length(), 2, "two were called");
        vm.assertEq(_recorder.order(1), 2, "the others");
        vm.assertEq(MESSENGER.consumedCount(), 3, "all are consumed");
        vm.assertEq(address(this).balance, 2000, "paid for two");
        (uint64 time, bool feeKept) = MESSENGER.failures(_leaf(1));
        vm.assertEq(time, _now(), "time");
        vm.assertTrue(feeKept, "the fee is kept with the message");
        vm.assertTrue(!_isKept(0) && !_isKept(2), "the others are not kept");
    }

    function test_whoever_retries_a_deferred_message_earns_its_fee() public {
        _note(0);
        _deferLast();
        vm.assertEq(address(this).balance, 0, "nothing for who deferred it");
        vm.prank(address(0xd00d));
        MESSENGER.retry(_inbox[0]);
        vm.assertEq(address(0xd00d).balance, 1000, "fee");
        vm.assertEq(_recorder.order(0), 0, "called");
        vm.assertEq(address(MESSENGER).balance, PREMINT - 1000, "supply");
        vm.expectRevert(abi.encodeWithSelector(IMessenger.NotFailed.selector, _leaf(0)));
        MESSENGER.retry(_inbox[0]);
    }

    function test_a_retrier_that_takes_no_ether_has_its_fee_kept() public {
        _note(0);
        _deferLast();
        Poor poor = new Poor();
        poor.run(address(MESSENGER), abi.encodeCall(Messenger.retry, (_inbox[0])));
        vm.assertEq(_recorder.order(0), 0, "called");
        vm.assertEq(MESSENGER.keptFees(address(poor)), 1000, "kept");
    }

    function test_a_retry_that_fails_earns_nothing() public {
        _send(address(new Reverter()), 1 ether, 50_000, "");
        _deferLast();
        vm.expectRevert(abi.encodeWithSelector(IMessenger.CallFailed.selector, _leaf(0)));
        MESSENGER.retry(_inbox[0]);
        (, bool feeKept) = MESSENGER.failures(_leaf(0));
        vm.assertTrue(feeKept, "still kept");
    }

    function test_a_deferred_message_goes_back_with_value_and_fee() public {
        _send(address(_recorder), 1 ether, 50_000, "x");
        _deferLast();
        vm.warp(_now() + REFUND_DELAY);
        MESSENGER.refund(_inbox[0]);
        _assertOutboxIs(_returnOf(0, 0, 1 ether + 1000, 0));
        vm.assertEq(address(MESSENGER).balance, PREMINT, "nothing left");
    }

    function test_a_deferred_return_can_only_be_retried() public {
        Home home = new Home();
        _return(address(home), 1 ether);
        _deferLast();
        vm.warp(_now() + REFUND_DELAY);
        vm.expectRevert(abi.encodeWithSelector(IMessenger.NotRefundable.selector, _leaf(0)));
        MESSENGER.refund(_inbox[0]);
        MESSENGER.retry(_inbox[0]);
        vm.assertEq(home.calls(), 1, "told");
        vm.assertEq(address(this).balance, 1000, "fee");
    }

    function test_only_who_builds_the_block_defers() public {
        _note(0);
        Anchor memory anchor = _name(1);
        vm.coinbase(address(0xb1d));
        for (uint256 bits = 1; bits < 4; ++bits) {
            vm.expectRevert(abi.encodeWithSelector(IMessenger.OnlyProposerDefers.selector, address(0xb1d)));
            MESSENGER.relay(_slice(0, 1), bits, new bytes32[](0), anchor, block.timestamp);
        }
        MESSENGER.relay(_slice(0, 1), 0, new bytes32[](0), anchor, block.timestamp);
    }

    function test_a_message_to_an_account_without_code_is_never_deferred() public {
        // one that does not exist, one that exists, a precompile
        address[3] memory accounts = [address(0xb0b), address(0xcafe), address(2)];
        vm.deal(address(0xcafe), 1);
        vm.coinbase(address(this));
        for (uint256 i = 0; i < accounts.length; ++i) {
            _send(accounts[i], 1 ether, 1_000_000, "");
            Anchor memory anchor = _name(uint64(i + 1));
            vm.expectRevert(abi.encodeWithSelector(IMessenger.NotDeferrable.selector, i));
            MESSENGER.relay(_slice(i, i + 1), 1, new bytes32[](0), anchor, vm.getBlockTimestamp());
            _relay(i, i + 1, uint64(i + 1));
        }
        // code of one byte is code
        vm.etch(address(0xc0de), hex"00");
        _send(address(0xc0de), 1 ether, 0, "");
        _deferLast();
        vm.assertTrue(_isKept(accounts.length), "kept");
    }

    function test_a_relay_takes_256_messages_and_no_more() public {
        for (uint256 i = 0; i < 257; ++i) {
            _send(address(uint160(0xe0000 + i)), 1, 0, "");
        }
        Anchor memory anchor = _name(257);
        vm.expectRevert(abi.encodeWithSelector(IMessenger.TooManyMessages.selector, 257));
        MESSENGER.relay(_slice(0, 257), 0, new bytes32[](0), anchor, block.timestamp);
        MESSENGER.relay(_slice(0, 256), 0, _tail(256, 257), anchor, block.timestamp);
        vm.assertEq(address(uint160(0xe0000 + 255)).balance, 1, "the last one");
    }

    function test_the_last_of_256_messages_has_a_bit_of_its_own() public {
        for (uint256 i = 0; i < 256; ++i) {
            _send(address(uint160(0xe0000 + i)), 1, 10_000, "");
        }
        vm.etch(address(uint160(0xe0000 + 255)), hex"00");
        Anchor memory anchor = _name(256);
        vm.coinbase(address(this));
        MESSENGER.relay(_slice(0, 256), 1 << 255, new bytes32[](0), anchor, block.timestamp);
        vm.assertTrue(_isKept(255), "deferred");
        vm.assertEq(address(uint160(0xe0000 + 254)).balance, 1, "the one before is not");
    }

    function test_a_deferred_message_that_is_starved_in_a_retry_stays_kept() public {
        _send(address(_recorder), 0, 400_000, abi.encodeCall(Recorder.note, (1)));
        _deferLast();
        vm.expectRevert(IExecuteErrors.InsufficientGas.selector);
        this.retryGas(_inbox[0], 500_000);
        vm.assertTrue(_isKept(0), "kept");
    }

    /// @dev passes the revert on, cut to its selector
    function retryGas(Message calldata m, uint256 gas_) external {
        try MESSENGER.retry{gas: gas_}(m) {}
        catch (bytes memory reason) {
            bytes4 selector = bytes4(reason);
            assembly {
                mstore(0, selector)
                revert(0, 4)
            }
        }
    }
}
