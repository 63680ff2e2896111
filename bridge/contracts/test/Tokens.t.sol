// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Message} from "../src/Message.sol";
import {IExecuteErrors} from "../src/interfaces/IExecuteVerifier.sol";
import {BridgedToken} from "../src/tokens/BridgedToken.sol";
import {IKeptEther} from "../src/interfaces/IKeptEther.sol";
import {IL2TokenBridge} from "../src/tokens/IL2TokenBridge.sol";
import {ITokenBridge} from "../src/tokens/ITokenBridge.sol";
import {TokenMetadata, TokenTransfer} from "../src/tokens/TokenTransfer.sol";
import {TestToken} from "./fixtures/TestToken.sol";
import {Poor} from "./harness/Callees.sol";
import {PaperBridge} from "./harness/Paper.sol";
import {
    BlockingToken,
    BombToken,
    FeeToken,
    HookedToken,
    LongToken,
    MetadataToken,
    OddToken,
    RebasingToken
} from "./harness/Tokens.sol";
import {TokenWorld} from "./harness/TokenWorld.sol";

contract TokensTest is TokenWorld {
    // ---------------------------------------------------------------------------------------- the way there and back

    function test_a_deposit_is_minted_with_the_originals_name_symbol_and_decimals() public {
        address predicted = L2_BRIDGE.bridgedToken(address(token));
        vm.assertEq(predicted.code.length, 0, "not there yet");
        _depositA(address(token), 5e18, ALICE);
        BridgedToken bridged = BridgedToken(predicted);
        vm.assertEq(bridged.balanceOf(ALICE), 5e18, "balance");
        vm.assertEq(bytes(bridged.name()), "Dai Stablecoin", "name");
        vm.assertEq(bytes(bridged.symbol()), "DAI", "symbol");
        vm.assertEq(bridged.decimals(), 18, "decimals");
        vm.assertEq(bridged.l1Token(), address(token), "origin");
        vm.assertEq(vault.escrow(A, address(token)), 5e18, "escrow");
        vm.assertEq(token.balanceOf(address(vault)), 5e18, "vault");
        vm.assertEq(_lastIn().value, 0, "all of it is the fee");
        vm.assertEq(_lastIn().fee, FEE * 2, "all of it is the fee");
    }

    function test_the_second_deposit_uses_the_same_contract_and_less_gas() public {
        _depositA(address(token), 1, ALICE);
        vm.assertEq(_lastIn().gasLimit, vault.FIRST_DEPOSIT_GAS(), "first");
        _depositA(address(token), 2, BOB);
        vm.assertEq(_lastIn().gasLimit, vault.DEPOSIT_GAS(), "second");
        vm.assertEq(_bridged(address(token)).totalSupply(), 3, "supply");
        vault.deposit{value: FEE * 2}(B, address(token), 1, ALICE);
        vm.assertEq(_lastIn().gasLimit, vault.FIRST_DEPOSIT_GAS(), "first on B");
    }

    function test_the_stated_fee_is_enough_for_the_longest_metadata() public {
        LongToken long = new LongToken();
        long.approve(address(vault), 10);
        uint256 fee = vault.depositFee(A, address(long));
        vault.deposit{value: fee}(A, address(long), 10, ALICE);
        Message memory m = _lastIn();
        vm.assertEq(m.data.length, vault.MAX_DATA(), "the longest");
        (bool ok,) = _relay(m);
        vm.assertTrue(ok, "relay");
        vm.assertEq(
            bytes(_bridged(address(long)).name()),
            "A token whose name is so long that it takes all of the sixty-fou",
            "name"
        );
        vm.assertEq(bytes(_bridged(address(long)).symbol()), "SYMBOLSYMBOLSYMBOLSYMBOLSYMBOLS", "symbol");
    }

    function test_a_withdrawal_burns_there_and_pays_out_here() public {
        _depositA(address(token), 5e18, ALICE);
        Message memory m = _withdraw(ALICE, address(token), 2e18, BOB);
        vm.assertEq(_bridged(address(token)).totalSupply(), 3e18, "supply");
        vm.assertEq(m.to, address(vault), "to");
        vm.assertEq(m.dstChainId, L1, "destination");
        (bool ok,) = _claim(m, A);
        vm.assertTrue(ok, "claim");
        vm.assertEq(token.balanceOf(BOB), 2e18, "paid out");
        vm.assertEq(vault.escrow(A, address(token)), 3e18, "escrow");
        vm.assertEq(token.balanceOf(address(vault)), 3e18, "vault");
    }

    function test_a_permit_spares_the_approval_even_when_somebody_used_it_before() public {
        address owner = vm.addr(0xa);
        token.mint(owner, 10);
        bytes32 hash = keccak256(
            abi.encodePacked(
                hex"1901",
                token.DOMAIN_SEPARATOR(),
                keccak256(
                    abi.encode(
                        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                        owner,
                        address(vault),
                        uint256(10),
                        uint256(0),
                        type(uint256).max
                    )
                )
            )
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(0xa, hash);
        token.permit(owner, address(vault), 10, type(uint256).max, v, r, s);
        vm.deal(owner, 1 ether);
        vm.prank(owner);
        vault.depositWithPermit{value: FEE * 2}(A, address(token), 10, ALICE, type(uint256).max, v, r, s);
        vm.assertEq(token.balanceOf(address(vault)), 10, "vault");
        // without any allowance the token itself refuses
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(vault), 0, 10));
        vault.depositWithPermit{value: FEE}(A, address(token), 10, ALICE, type(uint256).max, v, r, s);
    }

    function test_a_bridged_token_takes_permits_of_its_own_name_and_address() public {
        _depositA(address(token), 5e18, vm.addr(0xa));
        BridgedToken bridged = _bridged(address(token));
        vm.chainId(A);
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Dai Stablecoin"),
                keccak256("1"),
                uint256(A),
                address(bridged)
            )
        );
        vm.assertEq(bridged.DOMAIN_SEPARATOR(), domain, "domain");
        bytes32 permit = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                vm.addr(0xa),
                BOB,
                uint256(7),
                uint256(0),
                type(uint256).max
            )
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(0xa, keccak256(abi.encodePacked(hex"1901", domain, permit)));
        bridged.permit(vm.addr(0xa), BOB, 7, type(uint256).max, v, r, s);
        vm.assertEq(bridged.allowance(vm.addr(0xa), BOB), 7, "allowance");
        vm.expectRevert();
        bridged.permit(vm.addr(0xa), BOB, 7, type(uint256).max, v, r, s);
        vm.expectRevert(abi.encodeWithSelector(BridgedToken.ExpiredPermit.selector, 1));
        bridged.permit(vm.addr(0xa), BOB, 7, 1, v, r, s);
    }

    function test_the_address_of_a_bridged_token_agrees_with_the_vectors() public view {
        string memory json = _vector("tokens");
        uint256 i = 0;
        for (; vm.keyExistsJson(json, _path(".tokens", i, "bridged")); ++i) {
            address l1 = vm.parseJsonAddress(json, _path(".tokens", i, "token"));
            address bridged = vm.parseJsonAddress(json, _path(".tokens", i, "bridged"));
            vm.assertEq(L2_BRIDGE.bridgedToken(l1), bridged, "address");
        }
        vm.assertGt(i, 3, "tokens");
    }

    // ---------------------------------------------------------------------------------------- whom they believe

    function test_only_the_bridge_mints_and_burns() public {
        _depositA(address(token), 1, ALICE);
        BridgedToken bridged = _bridged(address(token));
        vm.expectRevert(BridgedToken.NotTheBridge.selector);
        bridged.crosschainMint(ALICE, 1);
        vm.expectRevert(BridgedToken.NotTheBridge.selector);
        bridged.crosschainBurn(ALICE, 1);
        vm.expectRevert(BridgedToken.NotTheBridge.selector);
        bridged.initialize(TokenMetadata("x", "x", 1));
    }

    function test_the_rollup_mints_for_l1s_bridge_only() public {
        vault.deposit{value: FEE * 2}(A, address(token), 5, ALICE);
        Message memory m = _lastIn();
        vm.chainId(A);
        TokenTransfer memory t = _transfer(m);
        // a stranger, a stranger's message, L1's bridge's twin on another rollup
        vm.expectRevert(IL2TokenBridge.NotTheBridge.selector);
        L2_BRIDGE.receiveTokens(t, TokenMetadata("", "", 0));
        _notTheBridge(messenger, BOB, L1, m);
        _notTheBridge(messenger, address(vault), B, m);
        // its message for another rollup
        t.dstChainId = B;
        m.data = abi.encodeCall(IL2TokenBridge.receiveTokens, (t, TokenMetadata("", "", 0)));
        _notTheBridge(messenger, address(vault), L1, m);
        vm.assertEq(address(_bridged(address(token))).code.length, 0, "nothing was created");
    }

    function test_l1_pays_out_for_the_rollups_bridge_only() public {
        _depositA(address(token), 5, ALICE);
        TokenTransfer memory t = TokenTransfer(address(token), 5, A, BOB, L1, BOB);
        vm.expectRevert(ITokenBridge.NotTheBridge.selector);
        vault.receiveTokens(t);
        Message memory m = _forged(A, t);
        m.to = address(vault);
        _notTheBridge(hub, BOB, A, m);
        // another rollup speaks of A's tokens
        _notTheBridge(hub, address(L2_BRIDGE), B, m);
        t.srcChainId = B;
        m = _forged(B, t);
        m.to = address(vault);
        (bool ok, bytes memory answer) = _claim(m, B);
        vm.assertTrue(!ok, "B has none");
        vm.assertEq(answer, abi.encodeWithSelector(ITokenBridge.TokenEscrowShort.selector, 0, 5), "B has none");
    }

    function test_a_broken_rollup_cannot_take_more_than_its_own() public {
        _depositA(address(token), 5, ALICE);
        vault.deposit{value: FEE * 2}(B, address(token), 3, ALICE);
        Message memory m = _forged(B, TokenTransfer(address(token), 4, B, BOB, L1, BOB));
        m.to = address(vault);
        (bool ok, bytes memory answer) = _claim(m, B);
        vm.assertEq(answer, abi.encodeWithSelector(ITokenBridge.TokenEscrowShort.selector, 3, 4), "refused");
        // also not by returning what it never got
        m = _lastIn();
        m.data = abi.encodeCall(
            IL2TokenBridge.receiveTokens, (TokenTransfer(address(token), 4, L1, BOB, B, BOB), TokenMetadata("", "", 0))
        );
        (ok, answer) = _refund(m, B, 0);
        vm.assertEq(answer, abi.encodeWithSelector(ITokenBridge.TokenEscrowShort.selector, 3, 4), "refused");
        // nor in A's name
        m.dstChainId = A;
        (ok, answer) = _refund(m, B, 0);
        vm.assertEq(answer, abi.encodeWithSelector(ITokenBridge.NotTheBridge.selector), "refused");
        vm.assertEq(token.balanceOf(BOB), 0, "nothing");
    }

    function test_a_broken_rollup_cannot_make_anothers_first_delivery_too_cheap() public {
        vault.deposit{value: FEE * 2}(B, address(token), 3, ALICE);
        Message memory m = _lastIn();
        m.data = abi.encodeCall(
            IL2TokenBridge.receiveTokens, (TokenTransfer(address(token), 1, A, BOB, B, BOB), TokenMetadata("", "", 0))
        );
        (bool ok,) = _refund(m, B, 0);
        vm.assertTrue(ok, "B gives of its own");
        vm.assertEq(vault.escrow(A, address(token)), 1, "to A");
        vault.deposit{value: FEE * 2}(A, address(token), 5, ALICE);
        vm.assertEq(_lastIn().gasLimit, vault.FIRST_DEPOSIT_GAS(), "A has no contract yet");
        (ok,) = _relay(_lastIn());
        vault.sendBack{value: FEE * 2}(A, address(token), BOB);
        vm.assertEq(_lastIn().gasLimit, vault.DEPOSIT_GAS(), "now it has");
        (ok,) = _relay(_lastIn());
        vm.assertEq(_bridged(address(token)).totalSupply(), 6, "supply");
    }

    // ---------------------------------------------------------------------------------------- bad input, bad tokens

    function test_what_cannot_work_is_refused_at_the_door() public {
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.NoToken.selector, address(0)));
        vault.deposit{value: FEE}(A, address(0), 1, ALICE); // Qubit: the zero token is nobody's
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.NoToken.selector, ALICE));
        vault.deposit{value: FEE}(A, ALICE, 1, ALICE);
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.NoToken.selector, address(0)));
        vault.depositWithPermit{value: FEE}(A, address(0), 1, ALICE, 0, 0, 0, 0);
        vm.expectRevert(ITokenBridge.NothingSent.selector);
        vault.deposit{value: FEE}(A, address(token), 0, ALICE);
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.ForbiddenRecipient.selector, address(0)));
        vault.deposit{value: FEE}(A, address(token), 1, address(0));
        vm.expectRevert(abi.encodeWithSelector(PaperBridge.UnknownRollup.selector, 9));
        vault.deposit{value: FEE}(9, address(token), 1, ALICE);
        vm.expectRevert();
        vault.deposit{value: 1}(A, address(token), 1, ALICE);
        vm.assertEq(token.balanceOf(address(vault)), 0, "vault");
        _depositA(address(token), 1, ALICE);
        vm.chainId(A);
        vm.expectRevert(abi.encodeWithSelector(IL2TokenBridge.UnknownToken.selector, BOB));
        L2_BRIDGE.withdraw(BOB, 1, ALICE);
        // a token that was born here, or the bridged one's own address
        address bridged = address(_bridged(address(token)));
        vm.expectRevert(abi.encodeWithSelector(IL2TokenBridge.UnknownToken.selector, bridged));
        L2_BRIDGE.withdraw(bridged, 1, ALICE);
        vm.expectRevert(IL2TokenBridge.NothingSent.selector);
        L2_BRIDGE.withdraw(address(token), 0, ALICE);
        vm.expectRevert(abi.encodeWithSelector(IL2TokenBridge.ForbiddenRecipient.selector, address(0)));
        L2_BRIDGE.withdraw(address(token), 1, address(0));
        vm.expectRevert(abi.encodeWithSelector(IL2TokenBridge.ForbiddenRecipient.selector, address(vault)));
        L2_BRIDGE.withdraw(address(token), 1, address(vault));
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, BOB, 0, 1));
        vm.prank(BOB);
        L2_BRIDGE.withdraw(address(token), 1, BOB);
        vm.expectRevert(abi.encodeWithSelector(IL2TokenBridge.WrongDestination.selector, L1));
        L2_BRIDGE.transfer(L1, address(token), 1, ALICE, 0);
        vm.expectRevert(abi.encodeWithSelector(IL2TokenBridge.WrongDestination.selector, A));
        L2_BRIDGE.transfer(A, address(token), 1, ALICE, 0);
        vm.expectRevert(abi.encodeWithSelector(IL2TokenBridge.FeeExceedsValue.selector, 1, 0));
        L2_BRIDGE.transfer(B, address(token), 1, ALICE, 1);
    }

    function test_a_token_with_a_fee_on_transfer_is_refused() public {
        FeeToken fee = new FeeToken();
        fee.approve(address(vault), 1000);
        vm.expectRevert(abi.encodeWithSelector(ITokenBridge.NotPlain.selector, 1000, 990));
        vault.deposit{value: FEE * 2}(A, address(fee), 1000, ALICE);
    }

    /// @notice A token that shrinks in the vault leaves its own last claimers short, but no other token, and no rollup gets more than its ledger says.
    function test_a_rebasing_token_hurts_only_itself() public {
        RebasingToken shrinking = new RebasingToken();
        shrinking.approve(address(vault), type(uint256).max);
        _depositA(address(token), 100, ALICE);
        _depositA(address(shrinking), 100, ALICE);
        vault.deposit{value: FEE * 2}(B, address(shrinking), 100, ALICE);
        shrinking.halve();
        Message memory m = _withdraw(ALICE, address(shrinking), 100, BOB);
        (bool ok,) = _claim(m, A);
        vm.assertTrue(ok, "the first is paid");
        vm.assertEq(vault.escrow(A, address(shrinking)), 0, "A's ledger is spent");
        vm.assertEq(vault.escrow(B, address(shrinking)), 100, "B's is not touched");
        m = _forged(B, TokenTransfer(address(shrinking), 100, B, BOB, L1, BOB));
        m.to = address(vault);
        (ok,) = _claim(m, B);
        vm.assertTrue(!ok, "the last is not, and stays claimable");
        vm.assertEq(vault.escrow(B, address(shrinking)), 100, "as before");
        (ok,) = _claim(_withdraw(ALICE, address(token), 100, BOB), A);
        vm.assertTrue(ok, "other tokens are as they were");
    }

    function test_a_token_with_callbacks_cannot_reenter() public {
        HookedToken hooked = new HookedToken();
        hooked.approve(address(vault), type(uint256).max);
        bytes memory deposit = abi.encodeCall(ITokenBridge.deposit, (A, address(hooked), 5, BOB));
        for (uint256 i = 0; i < 2; ++i) {
            hooked.arm(address(vault), deposit, i == 0);
            vault.deposit{value: FEE * 2}(A, address(hooked), 10, ALICE);
            vm.assertTrue(hooked.tried() && !hooked.succeeded(), "deposit in deposit");
        }
        vm.assertEq(vault.escrow(A, address(hooked)), 20, "escrow");
        // a withdrawal whose receiver claims another one
        hooked.arm(address(0), "", true);
        for (uint256 i = 0; i < 2; ++i) {
            (bool ok,) = _relay(hub.sent(i));
            vm.assertTrue(ok, "relay");
        }
        Message memory m = _withdraw(ALICE, address(hooked), 5, BOB);
        hooked.arm(
            address(hub), abi.encodeCall(PaperBridge.deliver, (address(L2_BRIDGE), A, address(vault), 0, m.data)), false
        );
        (bool claimed,) = _claim(m, A);
        vm.assertTrue(claimed, "claim");
        vm.assertEq(hooked.balanceOf(BOB), 5, "once");
        vm.assertEq(vault.escrow(A, address(hooked)), 15, "once");
    }

    function test_tokens_that_answer_nothing_or_too_much_work_and_those_that_say_false_do_not() public {
        uint256[4] memory words = [uint256(0), 1, 2, 1000];
        for (uint256 i = 0; i < words.length; ++i) {
            OddToken odd = new OddToken(words[i], 1);
            _depositA(address(odd), 7, ALICE);
            vm.assertEq(bytes(_bridged(address(odd)).name()), "", "name");
            vm.assertEq(_bridged(address(odd)).decimals(), 0, "decimals");
            Message memory m = _withdraw(ALICE, address(odd), 7, BOB);
            odd.set(1, 0);
            (bool ok, bytes memory answer) = _claim(m, A);
            vm.assertEq(
                answer, abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(odd)), "false"
            );
            odd.set(words[i], 1);
            (ok,) = _claim(m, A);
            vm.assertTrue(ok, "claim");
            vm.assertEq(odd.balanceOf(BOB), 7, "paid");
        }
        OddToken liar = new OddToken(1, 0);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(liar)));
        vault.deposit{value: FEE * 2}(A, address(liar), 7, ALICE);
    }

    function test_a_blocked_receiver_leaves_the_message_claimable_and_returnable() public {
        BlockingToken blocking = new BlockingToken();
        blocking.approve(address(vault), 100);
        _depositA(address(blocking), 100, ALICE);
        Message memory m = _withdraw(ALICE, address(blocking), 60, BOB);
        blocking.set(BOB, true);
        (bool ok,) = _claim(m, A);
        vm.assertTrue(!ok, "refused");
        vm.assertEq(vault.escrow(A, address(blocking)), 100, "nothing moved");
        (ok,) = _returned(m);
        vm.assertTrue(ok, "back on A");
        vm.assertEq(_bridged(address(blocking)).balanceOf(ALICE), 100, "ALICE has them again");
    }

    // ---------------------------------------------------------------------------------------- metadata

    function _metadata(bytes memory answer, bool burn) private returns (TokenMetadata memory m) {
        return _metadataOf(address(new MetadataToken(answer, burn)));
    }

    function _metadataOf(address t) private returns (TokenMetadata memory m) {
        IERC20(t).approve(address(vault), 1);
        _depositA(t, 1, ALICE);
        BridgedToken bridged = _bridged(t);
        return TokenMetadata(bridged.name(), bridged.symbol(), bridged.decimals());
    }

    function test_hostile_metadata_is_bounded_and_well_formed() public {
        // [answer, name]
        bytes[2][14] memory cases = [
            [bytes(""), bytes("")],
            [bytes("short"), bytes("")],
            [abi.encodePacked(bytes32("MKR")), bytes("MKR")],
            [abi.encode("Maker"), bytes("Maker")],
            [abi.encode(unicode"Æther €𝄞"), bytes(unicode"Æther €𝄞")],
            [abi.encode(bytes(hex"c3")), bytes("")], // cut sequence
            [abi.encode(bytes(hex"61c08041")), bytes("a")], // overlong
            [abi.encode(bytes(hex"61eda08041")), bytes("a")], // surrogate
            [abi.encode(bytes(hex"61f4908080")), bytes("a")], // beyond Unicode
            [abi.encode(bytes(hex"6162ff63")), bytes("ab")],
            [abi.encode("two\nlines"), bytes("two")],
            [abi.encode(uint256(64), uint256(0), uint256(3), "abc"), bytes("")], // unusual offset
            [abi.encode(uint256(32), type(uint256).max), bytes("")], // no bytes behind the length
            [abi.encodePacked(uint256(32), type(uint256).max, "abc"), bytes("abc")]
        ];
        for (uint256 i = 0; i < cases.length; ++i) {
            vm.assertEq(bytes(_metadata(cases[i][0], false).name), cases[i][1], string.concat("case ", vm.toString(i)));
        }
        TokenMetadata memory m = _metadata("", true);
        vm.assertEq(bytes(m.name).length + bytes(m.symbol).length + m.decimals, 0, "burner");
        m = _metadataOf(address(new BombToken()));
        vm.assertEq(bytes(m.name).length + bytes(m.symbol).length, 0, "bomb of control characters");
        vm.assertEq(_metadata(abi.encode(256), false).decimals, 0, "decimals out of range");
        vm.assertEq(_metadata(abi.encode(255), false).decimals, 255, "decimals");
    }

    function test_too_little_gas_cannot_make_a_name_disappear() public {
        uint256 refused = 0;
        for (uint256 limit = 100_000; limit < 700_000; limit += 10_000) {
            try vault.deposit{value: FEE * 2, gas: limit}(A, address(token), 1, ALICE) {
                (, TokenMetadata memory m) = this.decode(_lastIn().data);
                vm.assertEq(bytes(m.name), "Dai Stablecoin", "name");
                vm.assertEq(bytes(m.symbol), "DAI", "symbol");
                vm.assertEq(m.decimals, 18, "decimals");
            } catch {
                ++refused;
            }
        }
        vm.assertGt(refused, 3, "some were refused");
        vm.assertGt(hub.count(), 3, "some were not");
    }

    // ---------------------------------------------------------------------------------------- from rollup to rollup, and back when it fails

    function test_tokens_go_from_rollup_to_rollup_in_one_message() public {
        _depositA(address(token), 100, ALICE);
        Message memory m = _transferToB(ALICE, 40, 3 * FEE, FEE);
        vm.assertEq(m.fee, FEE, "for the claim");
        vm.assertEq(m.value, 2 * FEE, "for the second leg");
        (bool ok,) = _claim(m, A);
        vm.assertTrue(ok, "claim");
        vm.assertEq(vault.escrow(A, address(token)), 60, "A");
        vm.assertEq(vault.escrow(B, address(token)), 40, "B");
        m = _lastIn();
        vm.assertEq(m.dstChainId, B, "destination");
        vm.assertEq(m.fee, 2 * FEE, "fee");
        TokenTransfer memory t = _transfer(m);
        vm.assertEq(t.amount, 40, "amount");
        vm.assertEq(t.from, ALICE, "from");
        vm.assertEq(t.srcChainId, A, "source");
        vm.assertEq(t.to, BOB, "to");
    }

    function test_a_second_leg_that_cannot_be_sent_stays_claimable_and_goes_back() public {
        _depositA(address(token), 100, ALICE);
        Message memory m = _transferToB(ALICE, 40, FEE, FEE - 1);
        (bool ok,) = _claim(m, A);
        vm.assertTrue(!ok, "one wei does not pay for the second leg");
        hub.name(B, false);
        (ok,) = _claim(m, A);
        vm.assertTrue(!ok, "unknown rollup");
        vm.assertEq(vault.escrow(A, address(token)), 100, "as before");
        vm.assertEq(vault.escrow(B, address(token)), 0, "as before");
        (ok,) = _returned(m);
        vm.assertTrue(ok, "back on A");
        vm.assertEq(_bridged(address(token)).balanceOf(ALICE), 100, "tokens");
        vm.assertEq(ALICE.balance, 1, "and the fee of the second leg");
    }

    function test_ether_of_a_return_waits_for_who_does_not_take_it() public {
        Poor poor = new Poor();
        _depositA(address(token), 100, address(poor));
        Message memory m = _transferToB(address(poor), 40, FEE, 0);
        (bool ok,) = _returned(m);
        vm.assertTrue(ok, "back on A");
        vm.assertEq(_bridged(address(token)).balanceOf(address(poor)), 100, "tokens");
        vm.assertEq(L2_BRIDGE.keptEther(address(poor)), FEE, "kept");
        poor.run(address(L2_BRIDGE), abi.encodeCall(IKeptEther.withdrawKept, (BOB)));
        vm.assertEq(BOB.balance, FEE, "paid");
        vm.expectRevert(IKeptEther.NothingKept.selector);
        poor.run(address(L2_BRIDGE), abi.encodeCall(IKeptEther.withdrawKept, (BOB)));
    }

    function test_a_deposit_that_the_rollup_refunds_is_paid_back_on_l1() public {
        vm.prank(address(this));
        token.transfer(ALICE, 10);
        vm.deal(ALICE, 1 ether);
        vm.prank(ALICE);
        token.approve(address(vault), 10);
        vm.prank(ALICE);
        vault.deposit{value: 2 * FEE}(A, address(token), 10, BOB);
        (bool ok,) = _refund(_lastIn(), A, FEE);
        vm.assertTrue(ok, "refund");
        vm.assertEq(token.balanceOf(ALICE), 10, "tokens");
        vm.assertEq(ALICE.balance, 1 ether - FEE, "and what was left of the fee");
        vm.assertEq(vault.escrow(A, address(token)), 0, "escrow");
        vm.assertEq(token.balanceOf(address(vault)), 0, "vault");
    }

    function test_tokens_that_the_second_rollup_refunds_are_owed_to_the_first_and_sent_back_by_anyone() public {
        _depositA(address(token), 100, ALICE);
        (bool ok,) = _claim(_transferToB(ALICE, 40, 3 * FEE, FEE), A);
        Message memory m = _lastIn();
        (ok,) = _refund(m, B, 0.001 ether);
        vm.assertTrue(ok, "refund");
        vm.assertEq(vault.escrow(A, address(token)), 100, "A's again");
        vm.assertEq(vault.escrow(B, address(token)), 0, "not B's");
        (uint256 amount, uint256 fee) = vault.owed(A, address(token), ALICE);
        vm.assertEq(amount, 40, "owed");
        vm.assertEq(fee, 0.001 ether, "and what is left of the fee");
        vm.prank(BOB);
        vm.deal(BOB, FEE);
        vault.sendBack{value: FEE}(A, address(token), ALICE);
        vm.assertEq(_lastIn().fee, FEE + 0.001 ether, "all of it is the fee");
        vm.assertEq(vault.escrow(A, address(token)), 100, "not entered twice");
        (ok,) = _relay(_lastIn());
        vm.assertTrue(ok, "relay");
        vm.assertEq(_bridged(address(token)).balanceOf(ALICE), 100, "ALICE has them again");
        vm.expectRevert(ITokenBridge.NothingOwed.selector);
        vault.sendBack{value: FEE}(A, address(token), ALICE);
    }

    function test_a_return_is_believed_from_the_bridge_alone() public {
        _depositA(address(token), 100, ALICE);
        Message memory m = _withdraw(ALICE, address(token), 40, BOB);
        vm.chainId(A);
        bytes memory data = _returnData(m);
        (bool ok,) = address(L2_BRIDGE).call(data); // a stranger says so
        vm.assertTrue(!ok, "stranger");
        (ok,) = messenger.deliver(MESSENGER, B, address(L2_BRIDGE), 0, data); // another rollup says so
        vm.assertTrue(!ok, "B");
        (ok,) = messenger.deliver(BOB, L1, address(L2_BRIDGE), 0, data); // a user of L1 says so
        vm.assertTrue(!ok, "BOB");
        m.to = BOB; // a message to somebody else
        (ok,) = messenger.deliver(MESSENGER, L1, address(L2_BRIDGE), 0, _returnData(m));
        vm.assertTrue(!ok, "not to the vault");
        vm.assertEq(_bridged(address(token)).totalSupply(), 60, "supply");
    }

    function decode(bytes calldata data) external pure returns (TokenTransfer memory t, TokenMetadata memory m) {
        return abi.decode(data[4:], (TokenTransfer, TokenMetadata));
    }

    function _transfer(Message memory m) private view returns (TokenTransfer memory t) {
        (t,) = this.decode(m.data);
    }

    function _notTheBridge(PaperBridge bridge, address sender, uint64 source, Message memory m) private {
        (bool ok, bytes memory answer) = bridge.deliver(sender, source, m.to, 0, m.data);
        vm.assertTrue(!ok, "refused");
        vm.assertEq(answer, abi.encodeWithSelector(ITokenBridge.NotTheBridge.selector), "refused");
    }
}
