// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";
import {Anchor, Hashing} from "../src/Message.sol";
import {IHub} from "../src/interfaces/IHub.sol";
import {IMessenger} from "../src/interfaces/IMessenger.sol";
import {IL1Reader, L1Account} from "../src/reader/IL1Reader.sol";
import {L1Reader} from "../src/reader/L1Reader.sol";
import {Keystore} from "../src/reader/example/Keystore.sol";
import {KeyProof, KeystoreWallet, WalletCall} from "../src/reader/example/KeystoreWallet.sol";
import {Reverter} from "./harness/Callees.sol";
import {Test} from "./harness/Test.sol";

/// @notice L1 as a rollup sees it: one account with one slot, in tries of one leaf. Proofs of a real L1 are tried by `basalt devnet test`.
contract ReaderTest is Test {
    uint64 private constant L2 = 1337_2;
    uint64 private constant MAX_AGE = 600;
    uint256 private constant KEY = 0xa11ce;
    address private constant KEYSTORE = address(0x4e75);
    bytes32 private constant ID = keccak256("my wallet");
    address private constant ANCHORS = 0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02;

    /// @dev a block of L1 and what proves the key in it
    struct L1Block {
        bytes header;
        Anchor anchor;
        uint256 anchorTimestamp;
        KeyProof key;
    }

    L1Reader private _reader;
    KeystoreWallet private _wallet;

    function setUp() public {
        vm.chainId(L2);
        vm.warp(1_700_000_000);
        vm.etch(
            ANCHORS,
            hex"3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff810690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff015500"
        );
        _reader = new L1Reader();
        _wallet = new KeystoreWallet(_reader, KEYSTORE, ID, MAX_AGE);
        vm.deal(address(_wallet), 10 ether);
    }

    // ---------------------------------------------------------------------------------------- an L1 made of paper

    function _leaf(bytes32 key, bytes memory value) private pure returns (bytes memory) {
        bytes[] memory node = new bytes[](2);
        node[0] = RLP.encode(abi.encodePacked(hex"20", key));
        node[1] = RLP.encode(value);
        return RLP.encode(node);
    }

    function _account(bytes32 storageRoot) private pure returns (bytes memory) {
        bytes[] memory fields = new bytes[](4);
        fields[0] = RLP.encode(uint256(7));
        fields[1] = RLP.encode(uint256(5 ether));
        fields[2] = RLP.encode(abi.encodePacked(storageRoot));
        fields[3] = RLP.encode(abi.encodePacked(keccak256("code")));
        return RLP.encode(fields);
    }

    /// @dev L1 block `number` in which `owner` holds the key; the rollup's block at this moment names it.
    function _block(uint64 number, address owner) private returns (L1Block memory b) {
        bytes[] memory storageProof = new bytes[](1);
        bytes32 slot = keccak256(abi.encode(ID, uint256(0)));
        storageProof[0] = _leaf(keccak256(abi.encodePacked(slot)), RLP.encode(uint256(uint160(owner))));
        bytes[] memory accountProof = new bytes[](1);
        accountProof[0] = _leaf(keccak256(abi.encodePacked(KEYSTORE)), _account(keccak256(storageProof[0])));
        bytes[] memory items = new bytes[](23);
        for (uint256 i = 0; i < 23; ++i) {
            items[i] = RLP.encode(abi.encodePacked(bytes32(i)));
        }
        items[3] = RLP.encode(abi.encodePacked(keccak256(accountProof[0])));
        items[8] = RLP.encode(uint256(number));
        items[11] = RLP.encode(uint256(vm.getBlockTimestamp()));
        b.header = RLP.encode(items);
        b.key = KeyProof(number, accountProof, storageProof);
        b.anchor = Anchor(number, keccak256(b.header), 3, keccak256("inbox"));
        b.anchorTimestamp = vm.getBlockTimestamp();
        vm.prank(0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE);
        (bool ok,) = ANCHORS.call(abi.encode(Hashing.anchor(L2, b.anchor)));
        require(ok, "4788");
    }

    function _prove(L1Block memory b) private {
        _reader.prove(b.anchor, b.anchorTimestamp, b.header);
    }

    // ---------------------------------------------------------------------------------------- the reader

    function test_an_account_and_a_slot_of_l1_are_read_under_a_proven_header() public {
        L1Block memory b = _block(100, vm.addr(KEY));
        vm.expectRevert(abi.encodeWithSelector(IL1Reader.L1BlockUnknown.selector, 100));
        _reader.accountAt(100, KEYSTORE, b.key.accountProof);
        vm.assertEq(_reader.prove(b.anchor, b.anchorTimestamp, b.header), 100, "number");
        (bytes32 root, uint64 timestamp) = _reader.l1Block(100);
        vm.assertEq(root, keccak256(b.key.accountProof[0]), "root");
        vm.assertEq(timestamp, vm.getBlockTimestamp(), "timestamp");
        L1Account memory a = _reader.accountAt(100, KEYSTORE, b.key.accountProof);
        vm.assertEq(a.nonce, 7, "nonce");
        vm.assertEq(a.balance, 5 ether, "balance");
        vm.assertEq(a.storageRoot, keccak256(b.key.storageProof[0]), "storage root");
        vm.assertEq(a.codeHash, keccak256("code"), "code hash");
        vm.assertEq(_wallet.ownerAt(b.key), vm.addr(KEY), "owner");
        // again costs little and changes nothing; also by an older anchor of the ring
        vm.warp(vm.getBlockTimestamp() + 1000);
        _prove(b);
    }

    function test_nothing_but_the_anchors_own_header_is_believed() public {
        L1Block memory b = _block(100, vm.addr(KEY));
        bytes memory header = b.header;
        for (uint256 i = 0; i < header.length; i += 7) {
            header[i] ^= 0x01;
            vm.expectRevert(IL1Reader.WrongHeader.selector);
            _reader.prove(b.anchor, b.anchorTimestamp, header);
            header[i] ^= 0x01;
        }
        Anchor memory forged = b.anchor;
        forged.originHash = keccak256("other");
        bytes32 expected = Hashing.anchor(L2, Anchor(100, keccak256(b.header), 3, keccak256("inbox")));
        vm.expectRevert(abi.encodeWithSelector(IMessenger.WrongAnchor.selector, expected, Hashing.anchor(L2, forged)));
        _reader.prove(forged, b.anchorTimestamp, b.header);
        vm.expectRevert(abi.encodeWithSelector(IMessenger.AnchorUnavailable.selector, b.anchorTimestamp + 1));
        _reader.prove(b.anchor, b.anchorTimestamp + 1, b.header);
        // another chain's anchor
        vm.chainId(L2 + 1);
        vm.expectRevert();
        _reader.prove(b.anchor, b.anchorTimestamp, b.header);
    }

    function test_wrong_proofs_are_refused() public {
        L1Block memory b = _block(100, vm.addr(KEY));
        b.anchor.originHash = keccak256(b.header);
        _reader.prove(Anchor(100, keccak256(b.header), 3, keccak256("inbox")), b.anchorTimestamp, b.header);
        bytes32 slot = keccak256(abi.encode(ID, uint256(0)));
        vm.expectRevert(IHub.WrongProof.selector);
        _reader.storageAt(100, KEYSTORE, bytes32(uint256(slot) + 1), b.key.accountProof, b.key.storageProof);
        vm.expectRevert(IHub.WrongProof.selector);
        _reader.storageAt(100, address(1), slot, b.key.accountProof, b.key.storageProof);
        vm.expectRevert(IHub.WrongProof.selector);
        _reader.storageAt(100, KEYSTORE, slot, b.key.accountProof, new bytes[](0));
        vm.expectRevert(IHub.WrongProof.selector);
        _reader.storageAt(100, KEYSTORE, slot, b.key.storageProof, b.key.storageProof);
        vm.expectRevert(
            abi.encodeWithSelector(
                TrieProof.TrieProofTraversalError.selector, TrieProof.ProofError.INVALID_PATH_REMAINDER
            )
        );
        _reader.accountAt(100, address(1), b.key.accountProof);
    }

    // ---------------------------------------------------------------------------------------- the wallet

    function _signed(uint256 key, WalletCall memory call, uint192 nonce) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _wallet.digest(call, nonce));
        return abi.encodePacked(r, s, v);
    }

    function test_a_wallet_obeys_the_key_that_l1_keeps_with_a_fresh_or_a_kept_proof() public {
        L1Block memory b = _block(100, vm.addr(KEY));
        WalletCall memory pay = WalletCall(address(0xb0b), 1 ether, "");
        bytes memory signature = _signed(KEY, pay, 0);
        vm.expectRevert(abi.encodeWithSelector(IL1Reader.L1BlockUnknown.selector, 100));
        _wallet.execute(pay, b.key, signature);
        _wallet.proveAndExecute(pay, b.key, signature, b.anchor, b.anchorTimestamp, b.header);
        vm.assertEq(address(0xb0b).balance, 1 ether, "fresh");
        signature = _signed(KEY, pay, 1);
        _wallet.execute(pay, b.key, signature);
        vm.assertEq(address(0xb0b).balance, 2 ether, "kept");
        vm.assertEq(_wallet.nonce(), 2, "nonce");
        // the same signature again, another key, a changed call
        vm.expectRevert();
        _wallet.execute(pay, b.key, signature);
        signature = _signed(KEY + 1, pay, 2);
        vm.expectRevert(abi.encodeWithSelector(KeystoreWallet.WrongSigner.selector, vm.addr(KEY + 1), vm.addr(KEY)));
        _wallet.execute(pay, b.key, signature);
        signature = _signed(KEY, pay, 2);
        pay.value = 2 ether;
        vm.expectRevert();
        _wallet.execute(pay, b.key, signature);
        vm.assertEq(address(0xb0b).balance, 2 ether, "nothing more");
    }

    function test_a_replaced_key_is_dead_once_the_new_one_was_used_and_after_a_while_in_any_case() public {
        L1Block memory old = _block(100, vm.addr(KEY));
        _prove(old);
        vm.warp(vm.getBlockTimestamp() + 12);
        L1Block memory changed = _block(101, vm.addr(KEY + 1));
        _prove(changed);
        WalletCall memory pay = WalletCall(address(0xb0b), 1 ether, "");
        bytes memory signature = _signed(KEY + 1, pay, 0);
        _wallet.execute(pay, changed.key, signature);
        signature = _signed(KEY, pay, 1);
        vm.expectRevert(abi.encodeWithSelector(KeystoreWallet.StaleProof.selector, 100));
        _wallet.execute(pay, old.key, signature);
        vm.warp(vm.getBlockTimestamp() + MAX_AGE + 1);
        signature = _signed(KEY + 1, pay, 1);
        vm.expectRevert(abi.encodeWithSelector(KeystoreWallet.StaleProof.selector, 101));
        _wallet.execute(pay, changed.key, signature);
    }

    function test_what_the_callee_says_comes_through_and_a_failed_call_uses_no_nonce() public {
        L1Block memory b = _block(100, vm.addr(KEY));
        _prove(b);
        Reverter reverter = new Reverter();
        WalletCall memory call = WalletCall(address(reverter), 0, "");
        bytes memory signature = _signed(KEY, call, 0);
        vm.expectRevert("not yet");
        _wallet.execute(call, b.key, signature);
        reverter.heal();
        _wallet.execute(call, b.key, signature);
        vm.assertEq(_wallet.nonce(), 1, "nonce");
    }

    function test_a_keystore_entry_belongs_to_who_is_in_it() public {
        Keystore keystore = new Keystore();
        bytes32 id = keystore.open(address(this), "salt");
        vm.expectRevert(abi.encodeWithSelector(Keystore.NotOwner.selector, id, address(this)));
        keystore.open(address(this), "salt");
        vm.prank(address(0xb0b));
        vm.expectRevert(abi.encodeWithSelector(Keystore.NotOwner.selector, id, address(0xb0b)));
        keystore.change(id, address(0xb0b));
        keystore.change(id, address(0xb0b));
        vm.assertEq(keystore.ownerOf(id), address(0xb0b), "owner");
        vm.assertEq(
            vm.load(address(keystore), keccak256(abi.encode(id, uint256(0)))),
            bytes32(uint256(uint160(address(0xb0b)))),
            "the slot that wallets prove"
        );
        vm.expectRevert(Keystore.NoOwner.selector);
        keystore.open(address(0), "salt");
    }
}
