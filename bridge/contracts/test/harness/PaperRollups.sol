// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {Hashing, Message} from "../../src/Message.sol";
import {Advance, RollupParams} from "../../src/interfaces/IHub.sol";
import {IExecuteVerifier} from "../../src/interfaces/IExecuteVerifier.sol";
import {OutboxTree} from "../../src/libraries/OutboxTree.sol";
import {Block, Encode, Landing} from "./Landing.sol";

/// @notice Believes everything: the verifier of a rollup whose blocks are paper.
contract Believer is IExecuteVerifier {
    function verify(bytes calldata) external view {}
}

/// @notice Rollups made of paper: their states hold nothing but an outbox, whose messages a test writes.
abstract contract PaperRollups is Landing {
    address internal constant MESSENGER = 0xBa5a170000000000000000000000000000000001;

    /// @dev the outbox of each rollup
    mapping(uint64 chainId => Message[]) internal _sent;
    bytes32[32] private _branch;

    function leafOf(Message calldata m) external pure returns (bytes32) {
        return Hashing.leaf(m);
    }

    /// @dev Another rollup in the same Hub, with `escrow` wei.
    function _register(uint64 chainId, uint256 escrow) internal {
        RollupParams memory p = _params();
        (p.chainId, p.verifier) = (chainId, new Believer());
        hub.register{value: escrow}(p, _genesis());
    }

    /// @dev The trie that holds one key only: its root is the hash of one leaf node.
    function _single(bytes32 key, bytes memory value) internal pure returns (bytes32 root, bytes[] memory proof) {
        bytes[] memory items = new bytes[](2);
        items[0] = RLP.encode(abi.encodePacked(bytes1(0x20), keccak256(abi.encodePacked(key))));
        items[1] = RLP.encode(value);
        return _leafNode(items);
    }

    function _leafNode(bytes[] memory items) private pure returns (bytes32 root, bytes[] memory proof) {
        proof = new bytes[](1);
        proof[0] = RLP.encode(items);
        root = keccak256(proof[0]);
    }

    function _account(address who, bytes32 storageRoot) internal pure returns (bytes32 root, bytes[] memory proof) {
        bytes[] memory fields = new bytes[](4);
        fields[0] = RLP.encode(uint256(1));
        fields[1] = RLP.encode(uint256(1 << 96));
        fields[2] = RLP.encode(storageRoot);
        fields[3] = RLP.encode(keccak256("code"));
        bytes[] memory items = new bytes[](2);
        items[0] = RLP.encode(abi.encodePacked(bytes1(0x20), keccak256(abi.encodePacked(who))));
        items[1] = RLP.encode(RLP.encode(fields));
        return _leafNode(items);
    }

    /// @dev State root and proofs of a rollup whose Messenger holds `root` in slot 0.
    function _state(bytes32 root)
        internal
        pure
        returns (bytes32 stateRoot, bytes[] memory accountProof, bytes[] memory storageProof)
    {
        bytes32 storageRoot;
        (storageRoot, storageProof) = _single(bytes32(0), RLP.encode(uint256(root)));
        (stateRoot, accountProof) = _account(MESSENGER, storageRoot);
    }

    /// @dev Appends a message to the outbox of `src`.
    function _send(uint64 src, uint64 dst, address to, uint256 value, uint256 fee, uint64 gasLimit, bytes memory data)
        internal
        returns (Message memory m)
    {
        m = Message(src, dst, uint64(_sent[src].length), address(0xa11ce), to, value, fee, gasLimit, data);
        _sent[src].push(m);
    }

    /// @dev Appends a message from L2 to L1.
    function _withdraw(address to, uint256 value, uint256 fee, uint64 gasLimit, bytes memory data)
        internal
        returns (Message memory m)
    {
        return _send(L2, L1, to, value, fee, gasLimit, data);
    }

    /// @dev Root of the tree of everything `chainId` sent.
    function _outbox(uint64 chainId) internal returns (bytes32 root) {
        delete _branch;
        for (uint256 i = 0; i < _sent[chainId].length; ++i) {
            root = OutboxTree.push(_branch, i, this.leafOf(_sent[chainId][i]));
        }
    }

    /// @dev Siblings of leaf `index` in that tree.
    function _pathOf(uint64 chainId, uint256 index) internal view returns (bytes32[] memory path) {
        Message[] storage sent = _sent[chainId];
        path = new bytes32[](32);
        bytes32[] memory level = new bytes32[](sent.length + 1);
        for (uint256 i = 0; i < sent.length; ++i) {
            level[i] = this.leafOf(sent[i]);
        }
        uint256 n = sent.length;
        bytes32 zero = 0;
        for (uint256 h = 0; h < 32; ++h) {
            level[n] = zero;
            path[h] = index ^ 1 < n ? level[index ^ 1] : zero;
            uint256 half = (n + 1) / 2;
            for (uint256 i = 0; i < half; ++i) {
                level[i] = Hashing.link(level[2 * i], 2 * i + 1 < n ? level[2 * i + 1] : zero);
            }
            n = half;
            index >>= 1;
            zero = Hashing.link(zero, zero);
        }
    }

    /// @dev Lands a block whose state holds the outbox as it is, and proves it with the block.
    function _landAndProve(uint64 chainId) internal returns (uint64 epoch) {
        (Advance memory a, Block memory b) = _next(chainId, 0);
        (b.stateRoot, a.outboxAccountProof, a.outboxStorageProof) = _state(_outbox(chainId));
        a.openings = _attach(0);
        hub.advance(a, Encode.input(b));
        return hub.rollup(chainId).outboxEpoch;
    }

    function _landState(uint64 chainId, bytes32 stateRoot) internal {
        (Advance memory a, Block memory b) = _next(chainId, 0);
        b.stateRoot = stateRoot;
        a.openings = _attach(0);
        hub.advance(a, Encode.input(b));
    }
}
