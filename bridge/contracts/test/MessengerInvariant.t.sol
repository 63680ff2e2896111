// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Anchor, Message} from "../src/Message.sol";
import {IMessageReturn} from "../src/interfaces/IMessageReturn.sol";
import {Inbox} from "./harness/Inbox.sol";

/// @notice Takes messages while it is in the mood; counts how often it was given each.
contract Moody {
    bool public willing = true;
    mapping(uint256 => uint256) public times;

    function turn() external {
        willing = !willing;
    }

    function take(uint256 index) external payable {
        require(willing, "not now");
        ++times[index];
    }
}

/// @notice What anyone may do with the Messenger, in any order, and a model of what must come of it.
contract MessengerActor is Inbox {
    enum Fate {
        Sent,
        Delivered,
        Failed,
        Deferred,
        Refunded
    }

    Moody public immutable moody = new Moody();
    Fate[] public fates;
    uint256[] public failedAt;
    bytes32[] public outbox;

    uint256 public valueSent;
    uint256 public valueDelivered;
    uint256 public valueRefunded;
    uint256 public feesSent;
    uint256 public feesPaid;
    uint256 public feesRefunded;
    uint256 public valueOut;
    uint256 public consumed;
    bool public wrong;
    bytes32[] private _leaves;
    uint256 private _clock;

    constructor() {
        setUp();
        _clock = vm.getBlockTimestamp();
    }

    /// @dev Time goes on from call to call.
    modifier timed() {
        vm.chainId(L2);
        vm.coinbase(address(this));
        vm.warp(_clock);
        _;
        _clock = vm.getBlockTimestamp();
    }

    // ---------------------------------------------------------------------------------------- L1

    /// @dev A message: to an account without code, to one that takes it in the right mood, or back to a sender.
    function send(uint256 kind, uint64 value, uint32 fee) external timed {
        uint256 index = _inbox.length;
        bool isReturn = kind % 5 == 4;
        bytes memory data = abi.encodeCall(Moody.take, (index));
        if (isReturn) data = abi.encodeCall(IMessageReturn.onMessageReturned, (L1, 1, address(1), value, data));
        address to = kind % 5 == 0 ? address(uint160(0xe000 + (kind % 7))) : address(moody);
        _sendAs(kind % 3 == 0 ? 77 : L1, isReturn ? address(MESSENGER) : address(0xa11ce), to, value, 300_000, data);
        _inbox[index].fee = fee;
        _leaves.push(this.leafOf(_inbox[index]));
        _hashes[index + 1] = keccak256(abi.encodePacked(_hashes[index], _leaves[index]));
        fates.push(Fate.Sent);
        failedAt.push(0);
        (valueSent, feesSent) = (valueSent + value, feesSent + fee);
    }

    // ---------------------------------------------------------------------------------------- L2

    function relay(uint256 count, uint256 tail, uint256 bits) external timed {
        uint256 left = _inbox.length - consumed;
        if (left == 0) return;
        count = 1 + count % (left < 4 ? left : 4);
        uint256 until = consumed + count + tail % (left - count + 1);
        Anchor memory anchor = _name(uint64(until));
        uint256 deferred = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256 index = consumed + i;
            bool defers = (bits >> i) & 1 == 1 && _inbox[index].to == address(moody);
            if (defers) deferred |= 1 << i;
            fates[index] = defers ? Fate.Deferred : _wouldSucceed(index) ? Fate.Delivered : Fate.Failed;
            failedAt[index] = vm.getBlockTimestamp();
            if (fates[index] == Fate.Delivered) valueDelivered += _inbox[index].value;
            if (!defers) feesPaid += _inbox[index].fee;
        }
        MESSENGER.relay(
            _slice(consumed, consumed + count), deferred, _tail(consumed + count, until), anchor, vm.getBlockTimestamp()
        );
        consumed += count;
    }

    function retry(uint256 index) external timed {
        if (consumed == 0) return;
        index %= consumed;
        bool kept = fates[index] == Fate.Failed || fates[index] == Fate.Deferred;
        bool should = kept && _wouldSucceed(index);
        try MESSENGER.retry(_inbox[index]) {
            if (!should) wrong = true;
            valueDelivered += _inbox[index].value;
            if (fates[index] == Fate.Deferred) feesPaid += _inbox[index].fee;
            fates[index] = Fate.Delivered;
        } catch {
            if (should) wrong = true;
        }
    }

    function refund(uint256 index, uint64 fee) external timed {
        if (_inbox.length == 0) return;
        index %= _inbox.length;
        Message memory m = _inbox[index];
        bool kept = fates[index] == Fate.Failed || fates[index] == Fate.Deferred;
        bool should = kept && m.sender != address(MESSENGER) && vm.getBlockTimestamp() >= failedAt[index] + REFUND_DELAY;
        vm.deal(address(this), address(this).balance + fee);
        try MESSENGER.refund{value: fee}(m) {
            if (!should) wrong = true;
            uint256 back = m.value + (fates[index] == Fate.Deferred ? m.fee : 0);
            (valueRefunded, feesRefunded) = (valueRefunded + m.value, feesRefunded + back - m.value);
            fates[index] = Fate.Refunded;
            valueOut += fee;
            bytes memory data = abi.encodeCall(IMessageReturn.onMessageReturned, (L2, m.index, m.to, m.value, m.data));
            _out(Message(L2, m.srcChainId, _next(), address(MESSENGER), m.sender, back, fee, 400_000, data));
        } catch {
            if (should) wrong = true;
        }
    }

    function sendOut(address user, address to, uint64 value, uint64 fee) external timed {
        // the Messenger has no key, and is never called
        if (user == address(MESSENGER)) return;
        uint256 all = uint256(value) + fee;
        vm.deal(user, user.balance + all);
        vm.prank(user);
        MESSENGER.sendMessage{value: all}(L1, to, fee, 50_000, "out");
        valueOut += all;
        _out(Message(L2, L1, _next(), user, to, value, fee, 50_000, "out"));
    }

    function turn() external {
        moody.turn();
    }

    function wait_(uint24 seconds_) external timed {
        vm.warp(vm.getBlockTimestamp() + seconds_ % (2 * REFUND_DELAY));
    }

    // ---------------------------------------------------------------------------------------- what must hold

    /// @notice After every call.
    function check() external view {
        vm.assertTrue(!wrong, "nothing succeeded or failed that should not");
        vm.assertEq(MESSENGER.consumedCount(), consumed, "consumed in order: count");
        vm.assertEq(MESSENGER.consumedHash(), _hashes[consumed], "consumed in order: hash");
        vm.assertEq(MESSENGER.outboxCount(), outbox.length, "outbox count");
        vm.assertEq(address(MESSENGER).balance, PREMINT + valueOut - valueDelivered - feesPaid, "balance");
        vm.assertEq(MESSENGER.refundDelay(), REFUND_DELAY, "refund delay");
    }

    /// @notice After every run: each message, and the sums over all of them.
    function checkAll() external view {
        uint256[4] memory sums;
        for (uint256 i = 0; i < _inbox.length; ++i) {
            (uint64 time, bool feeKept) = MESSENGER.failures(_leaves[i]);
            bool kept = fates[i] == Fate.Failed || fates[i] == Fate.Deferred;
            vm.assertEq(time, kept ? failedAt[i] : 0, "time of the failure, only of what is kept");
            vm.assertEq(feeKept, fates[i] == Fate.Deferred, "fee kept with what was deferred");
            bool took = fates[i] == Fate.Delivered && _inbox[i].to == address(moody);
            vm.assertEq(moody.times(i), took ? 1 : 0, "called once or not at all");
            if (time != 0) sums[0] += _inbox[i].value;
            if (feeKept) sums[1] += _inbox[i].fee;
            if (i >= consumed) (sums[2], sums[3]) = (sums[2] + _inbox[i].value, sums[3] + _inbox[i].fee);
        }
        vm.assertEq(valueSent, valueDelivered + sums[0] + valueRefunded + sums[2], "value");
        vm.assertEq(feesSent, feesPaid + sums[1] + feesRefunded + sums[3], "fees");
        // The model pushes a return for each refund, and else only what users sent in their own name.
        vm.assertEq(MESSENGER.outboxRoot(), _outboxRoot(outbox), "outbox root");
    }

    function _wouldSucceed(uint256 index) private view returns (bool) {
        if (_inbox[index].to != address(moody)) return true;
        return _inbox[index].sender != address(MESSENGER) && moody.willing();
    }

    function _next() private view returns (uint64) {
        return uint64(outbox.length);
    }

    function _out(Message memory m) private {
        outbox.push(this.leafOf(m));
    }
}

/// @notice Whatever anyone does in whatever order: each message once and in order, and every wei accounted for. Runs and depth stand in foundry.toml.
/// @dev It fails for each of these mutations of Messenger.sol: the mark of a failed message stays after retry or refund; no delay; a return goes back; the fee of a
/// deferred message is paid to the relayer; a refund forgets that fee; a retry pays a fee that was earned before; a deferred message is called all the same.
contract MessengerInvariantTest {
    MessengerActor private _actor;

    function setUp() public {
        _actor = new MessengerActor();
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    /// @dev what forge asks for
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[] memory s = new bytes4[](9);
        // sending and relaying twice as often as the rest
        (s[0], s[1], s[2]) = (MessengerActor.send.selector, MessengerActor.send.selector, MessengerActor.relay.selector);
        (s[3], s[4], s[5]) =
        (MessengerActor.relay.selector, MessengerActor.retry.selector, MessengerActor.refund.selector);
        (s[6], s[7], s[8]) =
        (MessengerActor.sendOut.selector, MessengerActor.turn.selector, MessengerActor.wait_.selector);
        targets[0] = FuzzSelector(address(_actor), s);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_actor);
    }

    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_each_message_once_in_order_and_every_wei_accounted_for() external view {
        _actor.check();
    }

    function afterInvariant() external view {
        _actor.checkAll();
    }
}
