// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {Hashing, Message} from "../src/Message.sol";
import {IAdvanceErrors, Advance, IHub, RollupParams, RollupState} from "../src/interfaces/IHub.sol";
import {IExecuteErrors, IExecuteVerifier} from "../src/interfaces/IExecuteVerifier.sol";
import {IMessageContext} from "../src/interfaces/IMessageContext.sol";
import {IProposerSchedule} from "../src/interfaces/IProposerSchedule.sol";
import {Bomb, Burner, Poor, Recorder, Reenterer, Reverter} from "./harness/Callees.sol";
import {Block, Encode} from "./harness/Landing.sol";
import {PaperRollups} from "./harness/PaperRollups.sol";

/// @notice Messages through Hub: in at the door, out by proof, once, and never more than the escrow.
contract BridgeTest is PaperRollups {
    receive() external payable {}

    function setUp() public override {
        super.setUp();
        vm.deal(address(this), 1000 ether);
    }

    // ---------------------------------------------------------------------------------------- registration

    function test_registration_records_the_genesis_and_its_escrow() public view {
        RollupState memory r = hub.rollup(L2);
        vm.assertEq(r.headHash, keccak256(_genesis()), "hash");
        vm.assertEq(r.stateRoot, GENESIS_STATE, "state root");
        vm.assertEq(r.timestamp, GENESIS_TIME, "timestamp");
        vm.assertEq(r.gasLimit, GAS_LIMIT, "gas limit");
        vm.assertEq(r.baseFee, BASE_FEE, "base fee");
        vm.assertEq(r.escrow, 100 ether, "escrow");
        vm.assertEq(r.params.gasLimitMax, 12_000_000, "params");
        vm.assertEq(address(r.params.verifier), address(verifier), "verifier");
    }

    function _refusedRegistration(RollupParams memory p, bytes memory genesis, bytes memory reason) private {
        vm.expectRevert(reason);
        hub.register(p, genesis);
    }

    function test_a_chain_id_is_taken_once_and_never_that_of_l1() public {
        RollupParams memory p = _params();
        uint64[3] memory ids = [L2, L1, 0];
        for (uint256 i = 0; i < 3; ++i) {
            p.chainId = ids[i];
            _refusedRegistration(p, _genesis(), abi.encodeWithSelector(IHub.ChainIdUnavailable.selector, ids[i]));
        }
    }

    function test_parameters_out_of_range_are_refused() public {
        bytes memory reason = abi.encodeWithSelector(IHub.InvalidParams.selector);
        for (uint256 k = 0; k < 7; ++k) {
            RollupParams memory p = _params();
            p.chainId = 99;
            if (k == 0) p.gasLimitMin = p.gasLimitMax + 1;
            if (k == 1) p.gasLimitMax = 1 << 24 | 1;
            if (k == 2) (p.gasLimitMin, p.gasLimitMax) = (0, 1_999_999);
            if (k == 3) p.minOriginLag = 0;
            if (k == 4) p.minOriginLag = 65;
            if (k == 5) p.verifier = IExecuteVerifier(address(0xdead));
            if (k == 6) p.schedule = IProposerSchedule(address(0xdead));
            _refusedRegistration(p, _genesis(), reason);
        }
    }

    function test_a_genesis_that_is_none_is_refused() public {
        bytes memory reason = abi.encodeWithSelector(IHub.InvalidGenesis.selector);
        for (uint256 k = 0; k < 6; ++k) {
            bytes[] memory items = _genesisItems();
            if (k == 0) items[8] = RLP.encode(uint256(1)); // number
            if (k == 1) items[9] = RLP.encode(uint256(4_999_999)); // gas limit
            if (k == 2) items[9] = RLP.encode(uint256(12_000_001));
            if (k == 3) items[11] = RLP.encode(uint256(1 << 40)); // timestamp
            if (k == 4) items[15] = RLP.encode(uint256(1 << 56)); // base fee
            if (k == 5) {
                assembly ("memory-safe") {
                    mstore(items, 22)
                }
            }
            RollupParams memory p = _params();
            p.chainId = 99;
            _refusedRegistration(p, RLP.encode(items), reason);
        }
    }

    // ---------------------------------------------------------------------------------------- in

    function test_a_message_in_is_chained_and_escrowed() public {
        uint256 fee = hub.minFee(L2, 100_000, 5);
        Message memory m = Message(L1, L2, 0, address(this), address(0xb0b), 1 ether, fee, 100_000, "hello");
        bytes32 inboxHash = Hashing.link(0, this.leafOf(m));
        vm.expectEmit(true, true, true, true, address(hub));
        emit IHub.MessageSent(L2, 0, address(this), m, inboxHash);
        vm.assertEq(hub.sendMessage{value: 1 ether + fee}(L2, address(0xb0b), fee, 100_000, "hello"), 0, "index");
        RollupState memory r = hub.rollup(L2);
        vm.assertEq(r.inboxCount, 1, "count");
        vm.assertEq(r.inboxHash, inboxHash, "hash");
        vm.assertEq(r.escrow, 101 ether + fee, "escrow");
        vm.assertEq(hub.inboxHashAt(L2, 0), 0, "before");
        vm.assertEq(hub.inboxHashAt(L2, 1), inboxHash, "after");
    }

    function test_messages_that_cannot_be_delivered_are_refused_at_the_door() public {
        vm.expectRevert(abi.encodeWithSelector(IAdvanceErrors.UnknownRollup.selector, 5));
        hub.sendMessage(5, address(1), 0, 0, "");
        vm.expectRevert(abi.encodeWithSelector(IHub.ForbiddenTarget.selector, MESSENGER));
        hub.sendMessage(L2, MESSENGER, 0, 0, "");
        vm.expectRevert(abi.encodeWithSelector(IHub.FeeExceedsValue.selector, 2, 1));
        hub.sendMessage{value: 1}(L2, address(1), 2, 0, "");
        vm.expectRevert(abi.encodeWithSelector(IHub.MessageTooLong.selector, 16_385));
        hub.sendMessage(L2, address(1), 0, 0, new bytes(16_385));
        uint256 fee = (100_000 + 400_000 + 64 * 3) * BASE_FEE;
        vm.expectRevert(abi.encodeWithSelector(IHub.FeeTooLow.selector, fee, fee - 1));
        hub.sendMessage{value: fee}(L2, address(1), fee - 1, 100_000, "abc");
        uint256 max = (uint256(12_000_000) - 400_000) * 63 / 64;
        vm.expectRevert(abi.encodeWithSelector(IHub.GasLimitTooHigh.selector, max + 1, max));
        hub.sendMessage{value: 1 ether}(L2, address(1), 1 ether, uint64(max + 1), "");
        vm.expectRevert(abi.encodeWithSelector(IHub.GasLimitTooHigh.selector, type(uint64).max, max));
        hub.sendMessage{value: 1 ether}(L2, address(1), 1 ether, type(uint64).max, "");
    }

    function test_the_inbox_takes_no_more_than_blocks_can_still_name() public {
        // Without this bound a burst of messages would push the hash of the last named count out of the ring, and no block could land any more.
        uint256 fee = hub.minFee(L2, 0, 0);
        for (uint256 i = 0; i < 1023; ++i) {
            hub.sendMessage{value: fee}(L2, address(1), fee, 0, "");
        }
        vm.expectRevert(abi.encodeWithSelector(IHub.InboxFull.selector, L2));
        hub.sendMessage{value: fee}(L2, address(1), fee, 0, "");
        // a block that names none still lands, and one that names 256 makes room for 256
        for (uint64 named = 0; named <= 256; named += 256) {
            (Advance memory a, Block memory b) = _next(0);
            a.inboxCount = named;
            _anchor(a, b);
            a.openings = _attach(0);
            hub.advance(a, Encode.input(b));
        }
        for (uint256 i = 0; i < 256; ++i) {
            hub.sendMessage{value: fee}(L2, address(1), fee, 0, "");
        }
        vm.expectRevert(abi.encodeWithSelector(IHub.InboxFull.selector, L2));
        hub.sendMessage{value: fee}(L2, address(1), fee, 0, "");
        vm.expectRevert(abi.encodeWithSelector(IAdvanceErrors.InboxCheckpointGone.selector, 255));
        hub.inboxHashAt(L2, 255);
        hub.inboxHashAt(L2, 256);
        vm.expectRevert(abi.encodeWithSelector(IAdvanceErrors.InboxCountBeyond.selector, 1279, 1280));
        hub.inboxHashAt(L2, 1280);
    }

    // ---------------------------------------------------------------------------------------- proof of the outbox

    function test_an_outbox_is_proven_with_the_block_or_later() public {
        _withdraw(address(0xb0b), 1, 0, 0, "");
        vm.assertEq(_landAndProve(L2), 1, "epoch");
        vm.assertEq(hub.outboxRoot(L2, 1), _outbox(L2), "root");
        _withdraw(address(0xb0b), 2, 0, 0, "");
        (bytes32 stateRoot, bytes[] memory accountProof, bytes[] memory storageProof) = _state(_outbox(L2));
        _landState(L2, stateRoot);
        _land();
        vm.expectEmit(true, true, true, true, address(hub));
        emit IHub.OutboxProven(L2, 2, _outbox(L2), 2);
        hub.proveOutbox(L2, 2, accountProof, storageProof);
        vm.assertEq(hub.outboxRoot(L2, 2), _outbox(L2), "root");
        vm.expectRevert(abi.encodeWithSelector(IHub.EpochGone.selector, L2, 3));
        hub.outboxRoot(L2, 3);
        vm.expectRevert(abi.encodeWithSelector(IHub.EpochGone.selector, L2, 0));
        hub.outboxRoot(L2, 0);
    }

    function test_an_outbox_proof_that_says_nothing_new_is_refused() public {
        _withdraw(address(0xb0b), 1, 0, 0, "");
        _landAndProve(L2);
        (bytes32 stateRoot, bytes[] memory accountProof, bytes[] memory storageProof) = _state(_outbox(L2));
        vm.expectRevert(abi.encodeWithSelector(IHub.OutboxProofStale.selector, 1, 1));
        hub.proveOutbox(L2, 1, accountProof, storageProof);
        _landState(L2, stateRoot);
        vm.expectRevert(abi.encodeWithSelector(IHub.OutboxUnchanged.selector));
        hub.proveOutbox(L2, 2, accountProof, storageProof);
        vm.assertEq(_landAndProve(L2), 1, "inside advance it changes nothing and stops nothing");
    }

    function test_wrong_outbox_proofs_are_refused() public {
        _withdraw(address(0xb0b), 1, 0, 0, "");
        (bytes32 stateRoot, bytes[] memory accountProof, bytes[] memory storageProof) = _state(_outbox(L2));
        _landState(L2, stateRoot);
        bytes memory wrong = abi.encodeWithSelector(IHub.WrongProof.selector);
        vm.expectRevert(wrong);
        hub.proveOutbox(L2, 1, storageProof, storageProof);
        vm.expectRevert(wrong);
        hub.proveOutbox(L2, 1, accountProof, accountProof);
        vm.expectRevert(wrong);
        hub.proveOutbox(L2, 1, accountProof, new bytes[](0));
        vm.expectRevert(wrong);
        hub.proveOutbox(L2, 1, new bytes[](0), storageProof);
        // another account's slot 0, and another slot of the Messenger
        (bytes32 storageRoot,) = _single(bytes32(0), RLP.encode(uint256(1)));
        (stateRoot, accountProof) = _account(address(0xbad), storageRoot);
        _landState(L2, stateRoot);
        vm.expectRevert(wrong);
        hub.proveOutbox(L2, 2, accountProof, storageProof);
        (storageRoot, storageProof) = _single(bytes32(uint256(1)), RLP.encode(uint256(1)));
        (stateRoot, accountProof) = _account(MESSENGER, storageRoot);
        _landState(L2, stateRoot);
        vm.expectRevert(wrong);
        hub.proveOutbox(L2, 3, accountProof, storageProof);
        vm.expectRevert(abi.encodeWithSelector(IHub.StateRootGone.selector, L2, 4));
        hub.proveOutbox(L2, 4, accountProof, storageProof);
    }

    // ---------------------------------------------------------------------------------------- out

    function test_a_claim_pays_value_and_fee_once() public {
        for (uint256 i = 0; i < 5; ++i) {
            _withdraw(address(0xb0b), 1 ether + i, 10, 0, "");
        }
        uint64 epoch = _landAndProve(L2);
        uint256 mine = address(this).balance;
        for (uint256 i = 0; i < 5; ++i) {
            bytes32[] memory path = _pathOf(L2, i);
            hub.claim(_sent[L2][i], epoch, path);
            vm.assertTrue(hub.isClaimed(L2, uint64(i)), "claimed");
            vm.expectRevert(abi.encodeWithSelector(IHub.AlreadyClaimed.selector, L2, i));
            hub.claim(_sent[L2][i], epoch, path);
        }
        vm.assertEq(address(0xb0b).balance, 5 ether + 10, "value");
        vm.assertEq(address(this).balance - mine, 50, "fees");
        vm.assertEq(hub.rollup(L2).escrow, 95 ether - 60, "escrow");
        vm.assertEq(address(hub).balance, 95 ether - 60, "balance");
    }

    function test_a_claim_tells_the_callee_who_sent_it() public {
        Recorder recorder = new Recorder();
        _withdraw(address(recorder), 3, 0, 200_000, abi.encodeCall(Recorder.note, (9)));
        uint64 epoch = _landAndProve(L2);
        hub.claim(_sent[L2][0], epoch, _pathOf(L2, 0));
        vm.assertEq(recorder.sender(), address(0xa11ce), "sender");
        vm.assertEq(recorder.source(), L2, "source");
        vm.assertEq(recorder.received(), 3, "value");
        vm.expectRevert(abi.encodeWithSelector(IMessageContext.NoMessage.selector));
        hub.messageSender();
    }

    function _refusedClaim(Message memory m, uint64 epoch, bytes32[] memory path, bytes memory reason) private {
        uint256 escrow = hub.rollup(L2).escrow;
        vm.expectRevert(reason);
        hub.claim(m, epoch, path);
        vm.assertEq(hub.rollup(L2).escrow, escrow, "escrow");
        vm.assertEq(hub.isClaimed(L2, 0), false, "not claimed");
    }

    function test_a_claim_of_anything_else_than_what_was_sent_is_refused() public {
        _withdraw(address(0xb0b), 1 ether, 0, 0, "data");
        _withdraw(address(0xb0b), 2 ether, 0, 0, "");
        uint64 epoch = _landAndProve(L2);
        bytes32[] memory path = _pathOf(L2, 0);
        bytes memory wrong = abi.encodeWithSelector(IHub.WrongPath.selector);
        for (uint256 k = 0; k < 7; ++k) {
            Message memory m = _sent[L2][0];
            if (k == 0) m.index = 1;
            if (k == 1) m.sender = address(5);
            if (k == 2) m.to = address(5);
            if (k == 3) m.value = 2 ether;
            if (k == 4) m.fee = 5;
            if (k == 5) m.gasLimit = 5;
            if (k == 6) m.data = "dato";
            _refusedClaim(m, epoch, path, wrong);
        }
        _refusedClaim(_sent[L2][0], epoch, _pathOf(L2, 1), wrong);
        path[31] = keccak256("no");
        _refusedClaim(_sent[L2][0], epoch, path, wrong);
        _refusedClaim(_sent[L2][0], epoch, new bytes32[](31), wrong);
        _refusedClaim(_sent[L2][0], epoch, new bytes32[](33), wrong);
        Message memory far = _sent[L2][0];
        far.index = 1 << 32;
        _refusedClaim(far, epoch, _pathOf(L2, 0), wrong);
        Message memory elsewhere = _sent[L2][0];
        elsewhere.dstChainId = 5;
        _refusedClaim(elsewhere, epoch, _pathOf(L2, 0), abi.encodeWithSelector(IHub.WrongDestination.selector, 5));
        Message memory unknown = _sent[L2][0];
        unknown.srcChainId = 5;
        _refusedClaim(unknown, epoch, _pathOf(L2, 0), abi.encodeWithSelector(IAdvanceErrors.UnknownRollup.selector, 5));
    }

    function test_a_claim_under_a_wrong_epoch_is_refused() public {
        _withdraw(address(0xb0b), 1 ether, 0, 0, "");
        uint64 epoch = _landAndProve(L2);
        bytes32[] memory old = _pathOf(L2, 0);
        _refusedClaim(_sent[L2][0], 0, old, abi.encodeWithSelector(IHub.EpochGone.selector, L2, 0));
        _refusedClaim(_sent[L2][0], 2, old, abi.encodeWithSelector(IHub.EpochGone.selector, L2, 2));
        _withdraw(address(0xb0b), 1 ether, 0, 0, "");
        _refusedClaim(_sent[L2][0], _landAndProve(L2), old, abi.encodeWithSelector(IHub.WrongPath.selector));
        hub.claim(_sent[L2][0], epoch, old);
    }

    function test_outbox_roots_are_kept_for_64_epochs() public {
        for (uint256 i = 0; i < 65; ++i) {
            _withdraw(address(0xb0b), 1, 0, 0, "");
            _landAndProve(L2);
        }
        _refusedClaim(_sent[L2][0], 1, _pathOf(L2, 0), abi.encodeWithSelector(IHub.EpochGone.selector, L2, 1));
        hub.outboxRoot(L2, 2);
        hub.claim(_sent[L2][0], 65, _pathOf(L2, 0));
    }

    function test_a_rollup_cannot_take_more_than_its_escrow() public {
        RollupParams memory p = _params();
        p.chainId = 77;
        hub.register{value: 500 ether}(p, _genesis());
        _withdraw(address(0xb0b), 100 ether, 1, 0, "");
        _withdraw(address(0xb0b), type(uint256).max, 2, 0, "");
        _withdraw(address(0xb0b), 100 ether, 0, 0, "");
        uint64 epoch = _landAndProve(L2);
        _refusedClaim(
            _sent[L2][0],
            epoch,
            _pathOf(L2, 0),
            abi.encodeWithSelector(IHub.EscrowShort.selector, 100 ether, 100 ether + 1)
        );
        _refusedClaim(
            _sent[L2][1],
            epoch,
            _pathOf(L2, 1),
            abi.encodeWithSelector(IHub.EscrowShort.selector, 100 ether, type(uint256).max)
        );
        hub.claim(_sent[L2][2], epoch, _pathOf(L2, 2));
        vm.assertEq(address(hub).balance, 500 ether, "the other rollup's");
    }

    function test_a_callee_that_fails_leaves_the_message_claimable() public {
        Reverter callee = new Reverter();
        _withdraw(address(callee), 1 ether, 0, 50_000, "");
        uint64 epoch = _landAndProve(L2);
        bytes32[] memory path = _pathOf(L2, 0);
        _refusedClaim(_sent[L2][0], epoch, path, abi.encodeWithSelector(IHub.CallFailed.selector));
        callee.heal();
        hub.claim(_sent[L2][0], epoch, path);
        vm.assertEq(address(callee).balance, 1 ether, "value");
    }

    function test_callees_that_burn_or_bomb_are_contained() public {
        _withdraw(address(new Burner()), 0, 0, 50_000, "");
        _withdraw(address(new Bomb(true)), 0, 0, 3_000_000, "");
        _withdraw(address(new Bomb(false)), 0, 0, 3_000_000, "");
        uint64 epoch = _landAndProve(L2);
        _refusedClaim(_sent[L2][0], epoch, _pathOf(L2, 0), abi.encodeWithSelector(IHub.CallFailed.selector));
        bytes32[] memory path = _pathOf(L2, 1);
        vm.expectRevert(abi.encodeWithSelector(IHub.CallFailed.selector));
        hub.claim{gas: 10_000_000}(_sent[L2][1], epoch, path);
        path = _pathOf(L2, 2);
        hub.claim{gas: 10_000_000}(_sent[L2][2], epoch, path);
    }

    function test_a_claimer_cannot_starve_a_message() public {
        Recorder recorder = new Recorder();
        _withdraw(address(recorder), 0, 0, 400_000, abi.encodeCall(Recorder.note, (1)));
        uint64 epoch = _landAndProve(L2);
        bytes memory call = abi.encodeCall(IHub.claim, (_sent[L2][0], epoch, _pathOf(L2, 0)));
        bytes memory reason;
        bool ok;
        for (uint256 gas_ = 100_000; !ok; gas_ += 25_000) {
            (ok, reason) = address(hub).call{gas: gas_}(call);
            // out of gas before the guard, or the guard itself; never the callee
            vm.assertTrue(
                ok || reason.length == 0 || bytes4(reason) == IExecuteErrors.InsufficientGas.selector, "guard"
            );
        }
        vm.assertGt(recorder.gasSeen(), 395_000, "gas of the callee");
    }

    function test_a_callee_that_claims_again_gets_nowhere() public {
        Reenterer callee = new Reenterer();
        _withdraw(address(callee), 1 ether, 0, 1_000_000, "");
        _withdraw(address(0xb0b), 1 ether, 0, 0, "");
        uint64 epoch = _landAndProve(L2);
        callee.arm(abi.encodeCall(IHub.claim, (_sent[L2][1], epoch, _pathOf(L2, 1))));
        hub.claim(_sent[L2][0], epoch, _pathOf(L2, 0));
        vm.assertTrue(callee.tried(), "tried");
        vm.assertEq(callee.succeeded(), false, "refused");
        vm.assertEq(hub.isClaimed(L2, 1), false, "untouched");
        vm.assertEq(hub.rollup(L2).escrow, 99 ether, "escrow");
    }

    function test_a_callee_may_send_a_message_back() public {
        Reenterer callee = new Reenterer();
        uint256 fee = hub.minFee(L2, 0, 0);
        callee.arm(abi.encodeCall(IHub.sendMessage, (L2, address(0xa11ce), 0, 0, "")));
        _withdraw(address(callee), 1 ether, 0, 3_000_000, "");
        uint64 epoch = _landAndProve(L2);
        hub.claim(_sent[L2][0], epoch, _pathOf(L2, 0));
        vm.assertEq(
            callee.answer(),
            abi.encodeWithSelector(IHub.FeeTooLow.selector, (400_000) * (BASE_FEE - 1), 0),
            "only the fee was missing"
        );
        vm.assertGt(fee, 0, "fee");
    }

    function test_nothing_is_delivered_to_hub_itself() public {
        _withdraw(address(hub), 0, 0, 1_000_000, abi.encodeCall(IHub.sendMessage, (L2, address(1), 0, 0, "")));
        uint64 epoch = _landAndProve(L2);
        _refusedClaim(
            _sent[L2][0], epoch, _pathOf(L2, 0), abi.encodeWithSelector(IHub.ForbiddenTarget.selector, address(hub))
        );
    }

    function test_a_claimer_that_takes_no_ether_claims_nothing() public {
        Poor poor = new Poor();
        _withdraw(address(0xb0b), 1, 1, 0, "");
        uint64 epoch = _landAndProve(L2);
        bytes memory call = abi.encodeCall(IHub.claim, (_sent[L2][0], epoch, _pathOf(L2, 0)));
        vm.expectRevert(abi.encodeWithSelector(IHub.FeeRefused.selector));
        poor.run(address(hub), call);
    }
}
