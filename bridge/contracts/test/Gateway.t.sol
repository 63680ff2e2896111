// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC7786Recipient} from "@openzeppelin/contracts/crosschain/ERC7786Recipient.sol";
import {IERC7786GatewaySource} from "@openzeppelin/contracts/interfaces/draft-IERC7786.sol";
import {InteroperableAddress} from "@openzeppelin/contracts/utils/draft-InteroperableAddress.sol";
import {Message} from "../src/Message.sol";
import {Gateway} from "../src/gateway/Gateway.sol";
import {IGateway, IGatewayAttributes} from "../src/gateway/IGateway.sol";
import {L1Gateway} from "../src/gateway/L1Gateway.sol";
import {L2Gateway} from "../src/gateway/L2Gateway.sol";
import {IHub} from "../src/interfaces/IHub.sol";
import {IMessageReturn} from "../src/interfaces/IMessageReturn.sol";
import {PaperBridge} from "./harness/Paper.sol";
import {Test} from "./harness/Test.sol";

/// @notice A recipient as OpenZeppelin would have it.
contract Inbox is ERC7786Recipient {
    address private immutable _gateway;
    bytes32 public receiveId;
    bytes public sender;
    bytes public payload;
    uint256 public value;
    bool public closed;

    constructor(address gateway) {
        _gateway = gateway;
    }

    function close(bool closed_) external {
        closed = closed_;
    }

    function _isAuthorizedGateway(address gateway, bytes calldata) internal view override returns (bool) {
        return gateway == _gateway;
    }

    function _processMessage(address, bytes32 receiveId_, bytes calldata sender_, bytes calldata payload_)
        internal
        override
    {
        require(!closed, "closed");
        (receiveId, sender, payload, value) = (receiveId_, sender_, payload_, msg.value);
    }
}

/// @notice Answers another selector.
contract Mute {
    function receiveMessage(bytes32, bytes calldata, bytes calldata) external payable returns (bytes4) {
        return 0xdeadbeef;
    }
}

/// @notice Both gateways over a Hub and a Messenger of paper; another rollup's is the test's word.
contract GatewayTest is Test {
    uint64 private constant L1 = 1337_1;
    uint64 private constant A = 1337_2;
    uint64 private constant B = 1337_3;
    address private constant MESSENGER = 0xBa5a170000000000000000000000000000000001;
    L2Gateway private constant L2_GATEWAY = L2Gateway(0xBa5a170000000000000000000000000000000005);
    address private constant ALICE = address(0xa11ce);

    PaperBridge private _hub;
    PaperBridge private _messenger;
    L1Gateway private _l1;
    Inbox private _onL1;
    Inbox private _onA;

    function setUp() public {
        vm.chainId(L1);
        _hub = new PaperBridge();
        _hub.name(A, true);
        _l1 = new L1Gateway(IHub(address(_hub)));
        vm.etch(MESSENGER, address(_hub).code);
        _messenger = PaperBridge(payable(MESSENGER));
        _messenger.name(L1, true);
        _messenger.name(B, true);
        _messenger.setCheap(true);
        vm.etch(address(L2_GATEWAY), address(new L2Gateway()).code);
        vm.store(address(L2_GATEWAY), 0, bytes32((uint256(L1) << 160) | uint160(address(_l1))));
        _onL1 = new Inbox(address(_l1));
        _onA = new Inbox(address(L2_GATEWAY));
        vm.deal(ALICE, 100 ether);
        vm.deal(address(_hub), 100 ether);
        vm.deal(MESSENGER, 100 ether);
    }

    function _at(uint64 chainId, address account) private pure returns (bytes memory) {
        return InteroperableAddress.formatEvmV1(chainId, account);
    }

    function _attributes(uint64 gasLimit, uint256 fee) private pure returns (bytes[] memory attributes) {
        attributes = new bytes[](2);
        attributes[0] = abi.encodeCall(IGatewayAttributes.gasLimit, (gasLimit));
        attributes[1] = abi.encodeCall(IGatewayAttributes.fee, (fee));
    }

    function _last(PaperBridge bridge) private view returns (Message memory) {
        return bridge.sent(bridge.count() - 1);
    }

    function test_a_message_from_l1_reaches_a_recipient_on_a_rollup() public {
        vm.prank(ALICE);
        bytes32 sendId = _l1.sendMessage{value: 3 ether}(_at(A, address(_onA)), "hello", _attributes(500_000, 1 ether));
        vm.assertEq(sendId, bytes32(0), "nothing more to do");
        Message memory m = _last(_hub);
        vm.assertEq(m.to, address(L2_GATEWAY), "to");
        vm.assertEq(m.fee, 1 ether, "fee");
        vm.assertGt(m.gasLimit, 540_000, "gas for the recipient and the gateway");
        vm.chainId(A);
        (bool ok,) = _messenger.deliver(m.sender, L1, m.to, m.value, m.data);
        vm.assertTrue(ok, "delivered");
        vm.assertEq(_onA.payload(), "hello", "payload");
        vm.assertEq(_onA.sender(), _at(L1, ALICE), "sender");
        vm.assertEq(_onA.value(), 2 ether, "value");
    }

    function test_a_message_from_a_rollup_reaches_l1_and_another_rollup() public {
        vm.chainId(A);
        vm.prank(ALICE);
        L2_GATEWAY.sendMessage{value: 2 ether}(_at(L1, address(_onL1)), "up", new bytes[](0));
        Message memory m = _last(_messenger);
        vm.assertEq(m.to, address(_l1), "to");
        vm.assertEq(m.fee, 0, "no fee unless stated");
        vm.prank(ALICE);
        L2_GATEWAY.sendMessage{value: 2 ether}(_at(B, address(_onA)), "across", _attributes(300_000, 1 ether));
        Message memory across = _last(_messenger);
        vm.assertEq(across.to, address(L2_GATEWAY), "the gateway there");
        vm.assertEq(across.dstChainId, B, "there");
        vm.chainId(L1);
        (bool ok,) = _hub.deliver(m.sender, A, m.to, m.value, m.data);
        vm.assertTrue(ok, "delivered on L1");
        vm.assertEq(_onL1.payload(), "up", "payload");
        vm.assertEq(_onL1.sender(), _at(A, ALICE), "sender");
        vm.assertEq(_onL1.value(), 2 ether, "value");
        bytes32 first = _onL1.receiveId();
        // on B, whose Messenger has the message from A
        vm.chainId(B);
        (ok,) = _messenger.deliver(across.sender, A, across.to, across.value, across.data);
        vm.assertTrue(ok, "delivered on B");
        vm.assertEq(_onA.sender(), _at(A, ALICE), "sender");
        vm.assertTrue(_onA.receiveId() != first, "each has an id of its own");
    }

    function test_without_attributes_the_fee_on_l1_is_what_hub_demands() public {
        vm.prank(ALICE);
        _l1.sendMessage{value: 1 ether}(_at(A, address(_onA)), "", new bytes[](0));
        Message memory m = _last(_hub);
        vm.assertEq(m.fee, _hub.minFee(A, m.gasLimit, m.data.length), "fee");
        vm.assertEq(m.value, 1 ether - m.fee, "the rest is the value");
    }

    function test_nobody_else_speaks_for_a_gateway() public {
        bytes memory data = abi.encodeCall(IGateway.deliver, (bytes32(0), ALICE, address(_onL1), "forged"));
        vm.expectRevert(IGateway.NotTheGateway.selector);
        _l1.deliver(0, ALICE, address(_onL1), "forged");
        (bool ok, bytes memory answer) = _hub.deliver(ALICE, A, address(_l1), 0, data);
        vm.assertEq(answer, abi.encodeWithSelector(IGateway.NotTheGateway.selector), "not the gateway of A");
        vm.chainId(A);
        data = abi.encodeCall(IGateway.deliver, (bytes32(0), ALICE, address(_onA), "forged"));
        // the gateway of a rollup cannot speak for L1
        (ok, answer) = _messenger.deliver(address(L2_GATEWAY), L1, address(L2_GATEWAY), 0, data);
        vm.assertEq(answer, abi.encodeWithSelector(IGateway.NotTheGateway.selector), "not L1's");
        (ok, answer) = _messenger.deliver(address(_l1), B, address(L2_GATEWAY), 0, data);
        vm.assertEq(answer, abi.encodeWithSelector(IGateway.NotTheGateway.selector), "not B's");
        (ok,) = _messenger.deliver(address(_l1), L1, address(L2_GATEWAY), 0, data);
        vm.assertTrue(ok, "this one is");
    }

    function test_a_recipient_that_refuses_or_answers_wrong_lets_the_message_fail() public {
        Mute mute = new Mute();
        _onL1.close(true);
        bytes memory data = abi.encodeCall(IGateway.deliver, (bytes32(0), ALICE, address(_onL1), "x"));
        (bool ok,) = _hub.deliver(address(L2_GATEWAY), A, address(_l1), 0, data);
        vm.assertTrue(!ok, "closed");
        data = abi.encodeCall(IGateway.deliver, (bytes32(0), ALICE, address(mute), "x"));
        bytes memory answer;
        (ok, answer) = _hub.deliver(address(L2_GATEWAY), A, address(_l1), 0, data);
        vm.assertEq(answer, abi.encodeWithSelector(IGateway.NotReceived.selector, address(mute)), "mute");
        data = abi.encodeCall(IGateway.deliver, (bytes32(0), ALICE, address(0xb0b), "x"));
        (ok,) = _hub.deliver(address(L2_GATEWAY), A, address(_l1), 0, data);
        vm.assertTrue(!ok, "no code");
    }

    function test_what_comes_back_goes_to_the_sender() public {
        vm.prank(ALICE);
        _l1.sendMessage{value: 3 ether}(_at(A, address(_onA)), "hello", _attributes(500_000, 1 ether));
        Message memory m = _last(_hub);
        bytes memory data =
            abi.encodeCall(IMessageReturn.onMessageReturned, (m.dstChainId, m.index, m.to, m.value, m.data));
        (bool ok,) = _hub.deliver(ALICE, A, address(_l1), 2 ether, data);
        vm.assertTrue(!ok, "only returns");
        (ok,) = _hub.deliver(MESSENGER, A, address(_l1), 2 ether, data);
        vm.assertTrue(ok, "returned");
        vm.assertEq(ALICE.balance, 99 ether, "the value");
        vm.assertTrue(_l1.supportsInterface(type(IMessageReturn).interfaceId), "ERC-165");
        // a contract that takes no ether
        vm.deal(address(_onL1), 3 ether);
        vm.prank(address(_onL1));
        _l1.sendMessage{value: 3 ether}(_at(A, address(_onA)), "hello", _attributes(500_000, 1 ether));
        m = _last(_hub);
        data = abi.encodeCall(IMessageReturn.onMessageReturned, (m.dstChainId, m.index, m.to, m.value, m.data));
        (ok,) = _hub.deliver(MESSENGER, A, address(_l1), 2 ether, data);
        vm.assertTrue(ok, "returned");
        vm.assertEq(_l1.keptEther(address(_onL1)), 2 ether, "kept");
    }

    function test_bad_recipients_and_attributes_are_refused() public {
        bytes memory bad = hex"0001";
        vm.expectRevert(abi.encodeWithSelector(IGateway.WrongRecipient.selector, bad));
        _l1.sendMessage(bad, "", new bytes[](0));
        bad = InteroperableAddress.formatEvmV1(A); // a chain without an account
        vm.expectRevert(abi.encodeWithSelector(IGateway.WrongRecipient.selector, bad));
        _l1.sendMessage(bad, "", new bytes[](0));
        bad = InteroperableAddress.formatEvmV1(uint256(1) << 64, ALICE);
        vm.expectRevert(abi.encodeWithSelector(IGateway.WrongRecipient.selector, bad));
        _l1.sendMessage(bad, "", new bytes[](0));
        bad = InteroperableAddress.formatV1(0x0002, "solana", abi.encodePacked(ALICE));
        vm.expectRevert(abi.encodeWithSelector(IGateway.WrongRecipient.selector, bad));
        _l1.sendMessage(bad, "", new bytes[](0));
        bytes[] memory attributes = new bytes[](1);
        attributes[0] = hex"c0ffee00";
        vm.expectRevert(abi.encodeWithSelector(IERC7786GatewaySource.UnsupportedAttribute.selector, bytes4(0xc0ffee00)));
        _l1.sendMessage(_at(A, ALICE), "", attributes);
        attributes[0] = hex"c0";
        vm.expectRevert(abi.encodeWithSelector(IERC7786GatewaySource.UnsupportedAttribute.selector, bytes4(0xc0000000)));
        _l1.sendMessage(_at(A, ALICE), "", attributes);
        attributes[0] = abi.encodePacked(IGatewayAttributes.fee.selector);
        vm.expectRevert(abi.encodeWithSelector(IGateway.WrongAttribute.selector, attributes[0]));
        _l1.sendMessage(_at(A, ALICE), "", attributes);
        attributes[0] = abi.encodeWithSelector(IGatewayAttributes.gasLimit.selector, uint256(1) << 32);
        vm.expectRevert(abi.encodeWithSelector(IGateway.WrongAttribute.selector, attributes[0]));
        _l1.sendMessage(_at(A, ALICE), "", attributes);
        vm.expectRevert(abi.encodeWithSelector(IGateway.FeeExceedsValue.selector, 1 ether, 0));
        _l1.sendMessage(_at(A, ALICE), "", _attributes(1, 1 ether));
        vm.assertTrue(_l1.supportsAttribute(IGatewayAttributes.fee.selector), "fee");
        vm.assertTrue(!_l1.supportsAttribute(0xc0ffee00), "not that");
    }
}
