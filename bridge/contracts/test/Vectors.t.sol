// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Anchor, Hashing, Message} from "../src/Message.sol";
import {OutboxTree} from "../src/libraries/OutboxTree.sol";
import {Test} from "./harness/Test.sol";

/// @notice Message, inbox, anchor and outbox give what `bridge/vectors` says, which Rust wrote.
contract VectorsTest is Test {
    bytes32[32] private _branch;

    function leaf(Message calldata m) external pure returns (bytes32) {
        return Hashing.leaf(m);
    }

    function rootOf(bytes32 leaf_, uint256 index, bytes32[] calldata path) external pure returns (bytes32) {
        return OutboxTree.rootOf(leaf_, index, path);
    }

    function test_messages_and_the_inbox_chain() public view {
        string memory json = _vector("message");
        bytes32 inbox = 0;
        uint256 i = 0;
        for (; vm.keyExistsJson(json, _path(".messages", i, "leaf")); ++i) {
            Message memory m = Message({
                srcChainId: uint64(vm.parseJsonUint(json, _path(".messages", i, "srcChainId"))),
                dstChainId: uint64(vm.parseJsonUint(json, _path(".messages", i, "dstChainId"))),
                index: uint64(vm.parseJsonUint(json, _path(".messages", i, "index"))),
                sender: vm.parseJsonAddress(json, _path(".messages", i, "sender")),
                to: vm.parseJsonAddress(json, _path(".messages", i, "to")),
                value: uint256(vm.parseJsonBytes32(json, _path(".messages", i, "value"))),
                fee: uint256(vm.parseJsonBytes32(json, _path(".messages", i, "fee"))),
                gasLimit: uint64(vm.parseJsonUint(json, _path(".messages", i, "gasLimit"))),
                data: vm.parseJsonBytes(json, _path(".messages", i, "data"))
            });
            bytes32 expected = vm.parseJsonBytes32(json, _path(".messages", i, "leaf"));
            vm.assertEq(this.leaf(m), expected, "leaf");
            inbox = Hashing.link(inbox, expected);
            vm.assertEq(inbox, vm.parseJsonBytes32(json, _path(".messages", i, "inboxHash")), "inbox hash");
        }
        vm.assertGt(i, 2, "messages");
    }

    function test_anchors_and_prev_randao() public view {
        string memory json = _vector("anchor");
        uint256 i = 0;
        for (; vm.keyExistsJson(json, _path(".anchors", i, "anchor")); ++i) {
            Anchor memory a = Anchor({
                originNumber: uint64(vm.parseJsonUint(json, _path(".anchors", i, "originNumber"))),
                originHash: vm.parseJsonBytes32(json, _path(".anchors", i, "originHash")),
                inboxCount: uint64(vm.parseJsonUint(json, _path(".anchors", i, "inboxCount"))),
                inboxHash: vm.parseJsonBytes32(json, _path(".anchors", i, "inboxHash"))
            });
            vm.assertEq(
                Hashing.anchor(vm.parseJsonUint(json, _path(".anchors", i, "chainId")), a),
                vm.parseJsonBytes32(json, _path(".anchors", i, "anchor")),
                "anchor"
            );
            uint64 number = uint64(vm.parseJsonUint(json, _path(".anchors", i, "number")));
            vm.assertEq(
                Hashing.prevRandao(a.originHash, number),
                vm.parseJsonBytes32(json, _path(".anchors", i, "prevRandao")),
                "prev randao"
            );
        }
        vm.assertGt(i, 2, "anchors");
    }

    function test_outbox_roots_and_paths() public {
        string memory json = _vector("outbox");
        uint256 t = 0;
        for (; vm.keyExistsJson(json, _path(".trees", t, "root")); ++t) {
            bytes32[] memory leaves = vm.parseJsonBytes32Array(json, _path(".trees", t, "leaves"));
            bytes32 expected = vm.parseJsonBytes32(json, _path(".trees", t, "root"));
            delete _branch;
            bytes32 root;
            for (uint256 i = 0; i < leaves.length; ++i) {
                root = OutboxTree.push(_branch, i, leaves[i]);
            }
            vm.assertEq(root, expected, "root");
            string memory paths = _path(".trees", t, "paths");
            uint256 p = 0;
            for (; vm.keyExistsJson(json, _path(paths, p, "leaf")); ++p) {
                bytes32[] memory path = vm.parseJsonBytes32Array(json, _path(paths, p, "path"));
                uint256 index = vm.parseJsonUint(json, _path(paths, p, "index"));
                vm.assertEq(this.rootOf(leaves[index], index, path), expected, "path");
            }
            vm.assertGt(p, 0, "paths");
        }
        vm.assertGt(t, 3, "trees");
    }
}
