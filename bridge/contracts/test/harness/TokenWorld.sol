// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message} from "../../src/Message.sol";
import {IHub} from "../../src/interfaces/IHub.sol";
import {IMessageReturn} from "../../src/interfaces/IMessageReturn.sol";
import {BridgedToken} from "../../src/tokens/BridgedToken.sol";
import {ITokenBridge} from "../../src/tokens/ITokenBridge.sol";
import {L2TokenBridge} from "../../src/tokens/L2TokenBridge.sol";
import {TokenBridge} from "../../src/tokens/TokenBridge.sol";
import {TokenTransfer} from "../../src/tokens/TokenTransfer.sol";
import {TestToken} from "../fixtures/TestToken.sol";
import {PaperBridge} from "./Paper.sol";
import {Test} from "./Test.sol";

/// @notice Both ends of the token bridge over a Hub and a Messenger of paper. Rollup A is real, B is whoever the test says.
abstract contract TokenWorld is Test {
    uint64 internal constant L1 = 1337_1;
    uint64 internal constant A = 1337_2;
    uint64 internal constant B = 1337_3;
    address internal constant MESSENGER = 0xBa5a170000000000000000000000000000000001;
    L2TokenBridge internal constant L2_BRIDGE = L2TokenBridge(0xba5A170000000000000000000000000000000002);
    address internal constant BRIDGED_TOKEN = 0xBA5A170000000000000000000000000000000003;
    address internal constant ALICE = address(0xa11ce);
    address internal constant BOB = address(0xb0b);
    uint256 internal constant FEE = 0.01 ether;

    PaperBridge internal hub;
    PaperBridge internal messenger;
    TokenBridge internal vault;
    TestToken internal token;

    receive() external payable {}

    function setUp() public virtual {
        vm.warp(1_700_000_000);
        vm.chainId(L1);
        hub = new PaperBridge();
        hub.name(A, true);
        hub.name(B, true);
        vault = new TokenBridge(IHub(address(hub)));
        token = new TestToken("Dai Stablecoin", "DAI", 18);
        token.mint(address(this), 1e30);
        token.approve(address(vault), type(uint256).max);
        vm.deal(address(this), 1000 ether);
        vm.deal(address(hub), 1000 ether);

        vm.etch(MESSENGER, address(hub).code);
        vm.deal(MESSENGER, 1000 ether);
        messenger = PaperBridge(payable(MESSENGER));
        messenger.name(L1, true);
        messenger.setCheap(true);
        vm.etch(address(L2_BRIDGE), address(new L2TokenBridge()).code);
        vm.etch(BRIDGED_TOKEN, address(new BridgedToken()).code);
        // what genesis writes
        vm.store(address(L2_BRIDGE), 0, bytes32((uint256(L1) << 160) | uint160(address(vault))));
    }

    /// @dev The bridged token of `t` on A.
    function _bridged(address t) internal view returns (BridgedToken) {
        return BridgedToken(L2_BRIDGE.bridgedToken(t));
    }

    /// @dev The message that Hub took last.
    function _lastIn() internal view returns (Message memory) {
        return hub.sent(hub.count() - 1);
    }

    /// @dev The message that the Messenger took last.
    function _lastOut() internal view returns (Message memory) {
        return messenger.sent(messenger.count() - 1);
    }

    /// @dev Delivers a message that Hub took, on A.
    function _relay(Message memory m) internal returns (bool ok, bytes memory answer) {
        vm.chainId(A);
        (ok, answer) = messenger.deliver(m.sender, L1, m.to, m.value, m.data);
        vm.chainId(L1);
    }

    /// @dev Delivers a message out of `source` on L1.
    function _claim(Message memory m, uint64 source) internal returns (bool ok, bytes memory answer) {
        vm.chainId(L1);
        (ok, answer) = hub.deliver(m.sender, source, m.to, m.value, m.data);
    }

    function _returnData(Message memory m) internal pure returns (bytes memory) {
        return abi.encodeCall(IMessageReturn.onMessageReturned, (m.dstChainId, m.index, m.to, m.value, m.data));
    }

    /// @dev What L1's token bridge gets when `source` refunds a message that it had taken from L1.
    function _refund(Message memory m, uint64 source, uint256 value) internal returns (bool ok, bytes memory answer) {
        vm.chainId(L1);
        (ok, answer) = hub.deliver(MESSENGER, source, m.sender, value, _returnData(m));
    }

    /// @dev What A's token bridge gets when Hub returns a message out of A.
    function _returned(Message memory m) internal returns (bool ok, bytes memory answer) {
        vm.chainId(A);
        (ok, answer) = messenger.deliver(MESSENGER, L1, m.sender, m.value, _returnData(m));
        vm.chainId(L1);
    }

    /// @dev Deposits to A and delivers.
    function _depositA(address t, uint256 amount, address to) internal {
        vault.deposit{value: FEE * 2}(A, t, amount, to);
        (bool ok,) = _relay(_lastIn());
        vm.assertTrue(ok, "relay");
    }

    function _withdraw(address from, address t, uint256 amount, address to) internal returns (Message memory) {
        vm.chainId(A);
        vm.prank(from);
        L2_BRIDGE.withdraw(t, amount, to);
        vm.chainId(L1);
        return _lastOut();
    }

    function _transferToB(address from, uint256 amount, uint256 value, uint256 claimFee)
        internal
        returns (Message memory)
    {
        vm.chainId(A);
        vm.deal(from, value);
        vm.prank(from);
        L2_BRIDGE.transfer{value: value}(B, address(token), amount, BOB, claimFee);
        vm.chainId(L1);
        return _lastOut();
    }

    /// @dev A transfer as rollup `source` could send it in the name of its token bridge.
    function _forged(uint64 source, TokenTransfer memory t) internal pure returns (Message memory m) {
        m.srcChainId = source;
        m.dstChainId = L1;
        m.sender = address(L2_BRIDGE);
        m.data = abi.encodeCall(ITokenBridge.receiveTokens, (t));
    }
}
