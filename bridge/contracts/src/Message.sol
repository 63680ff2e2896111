// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A message between two chains, the same in every direction (SPEC section 1).
/// @param srcChainId chain on which it was sent
/// @param dstChainId chain on which it is to be delivered
/// @param index place in the sender's queue: inbox index on L1, outbox leaf index on L2; starts at 0, no gaps
/// @param sender who called `sendMessage` on the source chain
/// @param to account to call on the destination chain
/// @param value wei handed to `to`
/// @param fee wei handed to whoever delivers the message
/// @param gasLimit gas the call to `to` gets, at least
/// @param data calldata of the call
struct Message {
    uint64 srcChainId;
    uint64 dstChainId;
    uint64 index;
    address sender;
    address to;
    uint256 value;
    uint256 fee;
    uint64 gasLimit;
    bytes data;
}

/// @notice What a block says about L1: the preimage of its `parent_beacon_block_root` (SPEC section 3). The chain id is added by whoever hashes it.
/// @param originNumber number of the named L1 block
/// @param originHash hash of the named L1 block
/// @param inboxCount how many inbox messages the block may have consumed
/// @param inboxHash rolling hash of the inbox after `inboxCount` messages
struct Anchor {
    uint64 originNumber;
    bytes32 originHash;
    uint64 inboxCount;
    bytes32 inboxHash;
}

/// @notice The hashes both layers agree on. `bridge/vectors/message.json` pins them for Rust and Solidity.
library Hashing {
    /// @notice Leaf of a message, in the inbox chain and in the outbox tree.
    function leaf(Message calldata m) internal pure returns (bytes32) {
        return leaf(m.srcChainId, m.dstChainId, m.index, m.sender, m.to, m.value, m.fee, m.gasLimit, keccak256(m.data));
    }

    /// @notice Leaf of a message in memory.
    function leafOf(Message memory m) internal pure returns (bytes32) {
        return leaf(m.srcChainId, m.dstChainId, m.index, m.sender, m.to, m.value, m.fee, m.gasLimit, keccak256(m.data));
    }

    /// @notice Leaf from the fields, for a message that is just being sent.
    function leaf(
        uint64 srcChainId,
        uint64 dstChainId,
        uint64 index,
        address sender,
        address to,
        uint256 value,
        uint256 fee,
        uint64 gasLimit,
        bytes32 dataHash
    ) internal pure returns (bytes32) {
        return keccak256(
            abi.encode("basalt.message.v1", srcChainId, dstChainId, index, sender, to, value, fee, gasLimit, dataHash)
        );
    }

    /// @notice One link of the inbox chain, or one node of the outbox tree: keccak256(a ‖ b).
    function link(bytes32 a, bytes32 b) internal pure returns (bytes32 h) {
        assembly ("memory-safe") {
            mstore(0x00, a)
            mstore(0x20, b)
            h := keccak256(0x00, 0x40)
        }
    }

    /// @notice The value of `parent_beacon_block_root` that names an origin and a part of the inbox.
    function anchor(uint256 chainId, Anchor memory a) internal pure returns (bytes32) {
        return
            keccak256(abi.encode("basalt.anchor.v1", chainId, a.originNumber, a.originHash, a.inboxCount, a.inboxHash));
    }

    /// @notice The value of `prev_randao`: keccak256(originHash ‖ number as 8 bytes, big endian).
    function prevRandao(bytes32 originHash, uint64 number) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(originHash, number));
    }
}
