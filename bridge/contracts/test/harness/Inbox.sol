// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Anchor, Hashing, Message} from "../../src/Message.sol";
import {Messenger} from "../../src/Messenger.sol";
import {Recorder} from "./Callees.sol";
import {Test} from "./Test.sol";

/// @notice A Messenger at its address, and an L1 made of paper that sends it messages and names them in blocks.
abstract contract Inbox is Test {
    uint64 internal constant L1 = 1337_1;
    uint64 internal constant L2 = 1337_2;
    uint64 internal constant REFUND_DELAY = 1 days;
    uint256 internal constant PREMINT = 1 << 96;
    address internal constant ANCHORS = 0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02;
    Messenger internal constant MESSENGER = Messenger(0xBa5a170000000000000000000000000000000001);

    /// @dev the inbox as L1 has it
    Message[] internal _inbox;
    bytes32[] internal _hashes;
    Recorder internal _recorder;

    receive() external payable {}

    function setUp() public virtual {
        vm.chainId(L2);
        vm.warp(1_700_000_000);
        vm.etch(address(MESSENGER), address(new Messenger()).code);
        vm.deal(address(MESSENGER), PREMINT);
        vm.store(address(MESSENGER), bytes32(uint256(38)), bytes32(uint256(REFUND_DELAY)));
        vm.deal(address(this), 0);
        // EIP-4788, the code of the EIP
        vm.etch(
            ANCHORS,
            hex"3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff810690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff015500"
        );
        _hashes.push(0);
        _recorder = new Recorder();
    }

    // ---------------------------------------------------------------------------------------- an L1 made of paper

    function leafOf(Message calldata m) external pure returns (bytes32) {
        return Hashing.leaf(m);
    }

    function _send(address to, uint256 value, uint64 gasLimit, bytes memory data) internal returns (Message memory) {
        return _sendAs(L1, address(0xa11ce), to, value, gasLimit, data);
    }

    function _sendAs(uint64 source, address sender, address to, uint256 value, uint64 gasLimit, bytes memory data)
        internal
        returns (Message memory m)
    {
        m = Message({
            srcChainId: source,
            dstChainId: L2,
            index: uint64(_inbox.length),
            sender: sender,
            to: to,
            value: value,
            fee: 1000,
            gasLimit: gasLimit,
            data: data
        });
        _hashes.push(Hashing.link(_hashes[_inbox.length], this.leafOf(m)));
        _inbox.push(m);
    }

    function _note(uint256 n) internal returns (Message memory) {
        return _send(address(_recorder), 0, 200_000, abi.encodeCall(Recorder.note, (n)));
    }

    /// @dev A block that names the inbox up to `count`, as L1 would have it.
    function _name(uint64 count) internal returns (Anchor memory anchor) {
        anchor =
            Anchor({originNumber: 7, originHash: keccak256("origin"), inboxCount: count, inboxHash: _hashes[count]});
        _store(Hashing.anchor(L2, anchor));
    }

    function _store(bytes32 root) internal {
        vm.warp(block.timestamp + 4);
        vm.prank(0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE);
        (bool ok,) = ANCHORS.call(abi.encode(root));
        require(ok, "4788");
    }

    function _slice(uint256 from, uint256 to) internal view returns (Message[] memory out) {
        out = new Message[](to - from);
        for (uint256 i = from; i < to; ++i) {
            out[i - from] = _inbox[i];
        }
    }

    function _tail(uint256 from, uint256 to) internal view returns (bytes32[] memory out) {
        out = new bytes32[](to - from);
        for (uint256 i = from; i < to; ++i) {
            out[i - from] = this.leafOf(_inbox[i]);
        }
    }

    /// @dev Relays messages [from, to) in a block that names `count` of them.
    function _relay(uint256 from, uint256 to, uint64 count) internal {
        Anchor memory anchor = _name(count);
        MESSENGER.relay(_slice(from, to), 0, _tail(to, count), anchor, block.timestamp);
    }

    function _leaf(uint256 i) internal view returns (bytes32) {
        return this.leafOf(_inbox[i]);
    }

    /// @dev Relays the last message of the inbox and defers it.
    function _deferLast() internal {
        uint256 i = _inbox.length - 1;
        Anchor memory anchor = _name(uint64(i + 1));
        vm.coinbase(address(this));
        MESSENGER.relay(_slice(i, i + 1), 1, new bytes32[](0), anchor, block.timestamp);
    }

    /// @dev Root of an outbox with these leaves, the slow way: level by level, an empty leaf is zero.
    function _outboxRoot(bytes32[] memory leaves) internal pure returns (bytes32) {
        if (leaves.length == 0) return 0;
        bytes32 zero = 0;
        for (uint256 level = 0; level < 32; ++level) {
            bytes32[] memory up = new bytes32[]((leaves.length + 1) / 2);
            for (uint256 i = 0; i < up.length; ++i) {
                up[i] = Hashing.link(leaves[2 * i], 2 * i + 1 < leaves.length ? leaves[2 * i + 1] : zero);
            }
            zero = Hashing.link(zero, zero);
            leaves = up;
        }
        return leaves[0];
    }

    function _isKept(uint256 i) internal view returns (bool) {
        (uint64 time,) = MESSENGER.failures(_leaf(i));
        return time != 0;
    }

    /// @dev Sends a message that fails and one behind it that does not.
    function _failsAndGoesOn(address to, uint64 gasLimit, bytes memory data) internal {
        uint256 i = _inbox.length;
        _send(to, 1 ether, gasLimit, data);
        _note(77);
        _relay(i, i + 2, uint64(i + 2));
        vm.assertTrue(_isKept(i), "kept");
        vm.assertEq(_recorder.order(_recorder.length() - 1), 77, "the next one was called");
        vm.assertEq(MESSENGER.consumedCount(), i + 2, "count");
    }

    /// @dev passes the revert on, cut to its selector
    function relayPartial(Message[] calldata m, bytes32[] calldata tail, Anchor calldata a) external {
        try MESSENGER.relay(m, 0, tail, a, block.timestamp) {}
        catch (bytes memory reason) {
            bytes4 selector = bytes4(reason);
            assembly {
                mstore(0, selector)
                revert(0, 4)
            }
        }
    }
}
