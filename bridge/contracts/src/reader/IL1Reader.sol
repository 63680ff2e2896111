// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Anchor} from "../Message.sol";

/// @notice An account of L1 under a proven state root (Yellow Paper, 4.1).
/// @param nonce transactions, or creations of a contract
/// @param balance wei
/// @param storageRoot root of its storage trie
/// @param codeHash keccak256 of its code
struct L1Account {
    uint64 nonce;
    uint256 balance;
    bytes32 storageRoot;
    bytes32 codeHash;
}

/// @notice State of L1, read on a rollup without a precompile, predeployed at 0xbA5a170000000000000000000000000000000004 (SPEC section 15). Every block of the rollup names
/// the hash of an L1 block, its origin; a header under that hash, an account under its state root and a slot under the account are proven.
interface IL1Reader {
    /// @notice The state root of an L1 block was proven, and is kept.
    event L1BlockProven(uint64 indexed number, bytes32 indexed blockHash, bytes32 stateRoot, uint64 timestamp);

    /// @notice The header is not that of the anchor's origin.
    error WrongHeader();
    /// @notice Nobody has proven that L1 block here.
    error L1BlockUnknown(uint64 number);

    /// @notice Keeps state root and timestamp of the L1 block that an anchor names.
    /// @param anchor what the rollup's block with timestamp `anchorTimestamp` says about L1
    /// @param anchorTimestamp timestamp of a block not older than the EIP-4788 ring (8,191 entries)
    /// @param header RLP of the L1 block's header
    /// @return number of the L1 block
    function prove(Anchor calldata anchor, uint256 anchorTimestamp, bytes calldata header)
        external
        returns (uint64 number);

    /// @notice State root and timestamp of a proven L1 block. Reverts with L1BlockUnknown.
    function l1Block(uint64 number) external view returns (bytes32 stateRoot, uint64 timestamp);

    /// @notice An account as of a proven L1 block. Reverts when the proof does not show that it exists.
    /// @param proof `accountProof` of `eth_getProof` (EIP-1186) at that block
    function accountAt(uint64 number, address account, bytes[] calldata proof) external view returns (L1Account memory);

    /// @notice A storage slot as of a proven L1 block. A slot that holds zero is not in the trie and cannot be proven: OpenZeppelin's TrieProof knows inclusion only.
    /// @param accountProof `accountProof` of `eth_getProof` (EIP-1186) at that block
    /// @param storageProof `storageProof[0].proof` of it
    function storageAt(
        uint64 number,
        address account,
        bytes32 slot,
        bytes[] calldata accountProof,
        bytes[] calldata storageProof
    ) external view returns (bytes32 value);
}
