// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {IHub} from "../interfaces/IHub.sol";

/// @notice What Hub needs of a genesis header.
struct Genesis {
    bytes32 hash;
    bytes32 stateRoot;
    uint256 gasLimit;
    uint256 timestamp;
    uint256 baseFee;
}

/// @notice Reads an Amsterdam header (23 items, EIP-7928 and EIP-7843 included) of block 0.
library GenesisHeader {
    using RLP for Memory.Slice;

    uint256 private constant ITEMS = 23;

    /// @notice Reverts with InvalidGenesis when the header has another shape or another number than 0.
    function read(bytes memory rlp) internal pure returns (Genesis memory g) {
        Memory.Slice[] memory items = RLP.decodeList(rlp);
        if (items.length != ITEMS || items[8].readUint256() != 0) revert IHub.InvalidGenesis();
        g.hash = keccak256(rlp);
        g.stateRoot = items[3].readBytes32();
        g.gasLimit = items[9].readUint256();
        g.timestamp = items[11].readUint256();
        g.baseFee = items[15].readUint256();
    }
}
