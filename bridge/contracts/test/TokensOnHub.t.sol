// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message} from "../src/Message.sol";
import {IHub, RollupState} from "../src/interfaces/IHub.sol";
import {ITokenBridge} from "../src/tokens/ITokenBridge.sol";
import {TokenBridge} from "../src/tokens/TokenBridge.sol";
import {TokenTransfer} from "../src/tokens/TokenTransfer.sol";
import {TestToken} from "./fixtures/TestToken.sol";
import {PaperRollups} from "./harness/PaperRollups.sol";

/// @notice The vault under a real Hub: what is sent on is sent within the claim.
contract TokensOnHubTest is PaperRollups {
    uint64 private constant OTHER = 1337_3;
    address private constant L2_BRIDGE = 0xba5A170000000000000000000000000000000002;
    address private constant BOB = address(0xb0b);

    TokenBridge private _vault;
    TestToken private _token;

    receive() external payable {}

    function setUp() public override {
        super.setUp();
        vm.deal(address(this), 1000 ether);
        _register(OTHER, 0);
        _vault = new TokenBridge(hub);
        _token = new TestToken("Token", "TOK", 18);
        _token.mint(address(this), 1000);
        _token.approve(address(_vault), 1000);
        _vault.deposit{value: _vault.depositFee(L2, address(_token))}(L2, address(_token), 100, BOB);
    }

    /// @dev A message of L2's token bridge that takes `amount` to `dst`, with `value` for the second leg.
    function _leave(uint64 dst, uint256 amount, uint256 value) private returns (Message memory m) {
        TokenTransfer memory t = TokenTransfer(address(_token), amount, L2, BOB, dst, BOB);
        m = _send(L2, L1, address(_vault), value, 0, 700_000, abi.encodeCall(ITokenBridge.receiveTokens, (t)));
        m.sender = L2_BRIDGE;
        _sent[L2][m.index].sender = L2_BRIDGE;
    }

    function test_a_withdrawal_is_paid_out_by_the_claim_once() public {
        Message memory m = _leave(L1, 60, 0);
        uint64 epoch = _landAndProve(L2);
        bytes32[] memory path = _pathOf(L2, m.index);
        hub.claim(m, epoch, path);
        vm.assertEq(_token.balanceOf(BOB), 60, "paid");
        vm.assertEq(_vault.escrow(L2, address(_token)), 40, "ledger");
        vm.expectRevert(abi.encodeWithSelector(IHub.AlreadyClaimed.selector, L2, m.index));
        hub.claim(m, epoch, path);
    }

    function test_tokens_move_from_ledger_to_ledger_and_on_within_the_claim() public {
        uint256 fee = _vault.depositFee(OTHER, address(_token));
        Message memory m = _leave(OTHER, 60, fee);
        uint64 epoch = _landAndProve(L2);
        hub.claim(m, epoch, _pathOf(L2, m.index));
        vm.assertEq(_vault.escrow(L2, address(_token)), 40, "here");
        vm.assertEq(_vault.escrow(OTHER, address(_token)), 60, "there");
        vm.assertEq(_token.balanceOf(address(_vault)), 100, "vault");
        RollupState memory r = hub.rollup(OTHER);
        vm.assertEq(r.inboxCount, 1, "sent on");
        vm.assertEq(r.escrow, fee, "with its fee");
    }

    function test_a_fee_that_is_too_low_for_the_second_leg_moves_nothing_and_may_do_later() public {
        Message memory m = _leave(OTHER, 60, 1);
        uint64 epoch = _landAndProve(L2);
        bytes32[] memory path = _pathOf(L2, m.index);
        vm.expectRevert(IHub.CallFailed.selector);
        hub.claim(m, epoch, path);
        vm.assertEq(_vault.escrow(L2, address(_token)), 100, "here");
        vm.assertEq(hub.rollup(OTHER).inboxCount, 0, "nothing sent");
        vm.assertTrue(!hub.isClaimed(L2, m.index), "claimable");
    }
}
