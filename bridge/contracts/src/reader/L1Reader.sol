// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";
import {Anchor} from "../Message.sol";
import {AnchorStore} from "../libraries/AnchorStore.sol";
import {StateProof} from "../libraries/StateProof.sol";
import {IL1Reader, L1Account} from "./IL1Reader.sol";

/// @title State of L1 on a rollup
/// @notice See IL1Reader. Nobody is believed: each step is bound by a hash to the anchor that Hub checked when the block landed.
/// @dev No constructor, no immutables, no owner: predeployed by genesis.
contract L1Reader is IL1Reader {
    using RLP for Memory.Slice;

    /// @dev places in a header (EIP-7928's has 23 items, later forks append)
    uint256 private constant STATE_ROOT = 3;
    uint256 private constant NUMBER = 8;
    uint256 private constant TIMESTAMP = 11;

    struct Proven {
        bytes32 stateRoot;
        uint64 timestamp;
    }

    mapping(uint64 number => Proven) private _blocks;

    /// @inheritdoc IL1Reader
    function prove(Anchor calldata anchor, uint256 anchorTimestamp, bytes calldata header)
        external
        returns (uint64 number)
    {
        AnchorStore.check(anchor, anchorTimestamp);
        if (keccak256(header) != anchor.originHash) revert WrongHeader();
        Memory.Slice[] memory items = RLP.decodeList(header);
        number = anchor.originNumber;
        if (items.length <= TIMESTAMP || items[NUMBER].readUint256() != number) revert WrongHeader();
        if (_blocks[number].stateRoot != 0) return number;
        bytes32 stateRoot = items[STATE_ROOT].readBytes32();
        uint64 timestamp = uint64(items[TIMESTAMP].readUint256());
        _blocks[number] = Proven(stateRoot, timestamp);
        emit L1BlockProven(number, anchor.originHash, stateRoot, timestamp);
    }

    /// @inheritdoc IL1Reader
    function l1Block(uint64 number) public view returns (bytes32 stateRoot, uint64 timestamp) {
        Proven memory b = _blocks[number];
        if (b.stateRoot == 0) revert L1BlockUnknown(number);
        return (b.stateRoot, b.timestamp);
    }

    /// @inheritdoc IL1Reader
    function accountAt(uint64 number, address account, bytes[] calldata proof)
        external
        view
        returns (L1Account memory a)
    {
        (bytes32 stateRoot,) = l1Block(number);
        bytes memory key = abi.encodePacked(keccak256(abi.encodePacked(account)));
        Memory.Slice[] memory fields = RLP.decodeList(TrieProof.traverse(stateRoot, key, proof));
        a.nonce = uint64(fields[0].readUint256());
        a.balance = fields[1].readUint256();
        a.storageRoot = fields[2].readBytes32();
        a.codeHash = fields[3].readBytes32();
    }

    /// @inheritdoc IL1Reader
    function storageAt(
        uint64 number,
        address account,
        bytes32 slot,
        bytes[] calldata accountProof,
        bytes[] calldata storageProof
    ) external view returns (bytes32 value) {
        (bytes32 stateRoot,) = l1Block(number);
        return StateProof.storageAt(stateRoot, account, slot, accountProof, storageProof);
    }
}
