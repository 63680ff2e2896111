// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAdvanceErrors} from "../interfaces/IHub.sol";

/// @notice What Hub reads from the input of EXECUTE.
/// @dev `transactionsAt` and so on are byte positions in the input; `…End` is one past the last byte.
struct Payload {
    uint64 chainId;
    bytes32 anchor;
    bytes32 parentHash;
    address feeRecipient;
    bytes32 stateRoot;
    bytes32 prevRandao;
    uint64 number;
    uint64 gasLimit;
    uint64 timestamp;
    uint256 baseFee;
    bytes32 blockHash;
    uint64 slotNumber;
    uint256 extraDataEnd;
    uint256 transactionsAt;
    uint256 transactionsEnd;
    uint256 accessListAt;
    uint256 accessListEnd;
}

/// @notice Reads the payload out of `15 01` ‖ SSZ(StatelessInput), schema 0x1501, without a copy (SPEC section 6).
/// @dev Hub must read the very bytes that EXECUTE executes, so it takes only the one canonical place for each of them: every first offset equals the fixed size of
/// its container, offsets never go back and never leave the container. With that the payload starts at byte 62 of every input. The list of transactions is checked
/// where it is read, in {PayloadData}. The witness and the lists that EXECUTE demands to be empty are EXECUTE's matter.
library ExecuteInput {
    /// @dev schema id, big endian: Amsterdam, revision 1
    uint256 internal constant SCHEMA_ID = 0x1501;
    uint256 private constant STATELESS_INPUT = 2;
    uint256 private constant STATELESS_INPUT_FIXED = 16;
    uint256 private constant REQUEST = STATELESS_INPUT + STATELESS_INPUT_FIXED;
    uint256 private constant REQUEST_FIXED = 44;
    uint256 private constant PAYLOAD = REQUEST + REQUEST_FIXED;
    uint256 private constant PAYLOAD_FIXED = 540;
    uint256 private constant EXTRA_DATA_MAX = 32;
    /// @dev fixed part of the payload plus that of ExecutionRequests and ExecutionWitness: no input is shorter
    uint256 internal constant MIN_LENGTH = PAYLOAD + PAYLOAD_FIXED + 20 + 12;
    /// @dev where gas_limit of the payload lies in every canonical input
    uint256 internal constant GAS_LIMIT_AT = PAYLOAD + 412;
    /// @dev where chain_id lies in every canonical input
    uint256 internal constant CHAIN_ID_AT = STATELESS_INPUT + 8;
    /// @dev where extra_data lies in every canonical input
    uint256 internal constant EXTRA_DATA_AT = PAYLOAD + PAYLOAD_FIXED;

    /// @notice Reads and checks the layout. Reverts with WrongSchema, NonCanonicalSsz or VersionedHashesNotEmpty.
    function read(bytes calldata input) internal pure returns (Payload memory p) {
        uint256 schema = input.length < 2 ? 0 : uint16(bytes2(input));
        if (schema != SCHEMA_ID) revert IAdvanceErrors.WrongSchema(uint16(schema));
        if (input.length < MIN_LENGTH) revert IAdvanceErrors.NonCanonicalSsz(input.length);

        // StatelessInput: request, witness. Its end is the end of the input.
        _first(input, STATELESS_INPUT, STATELESS_INPUT_FIXED);
        uint256 end = _next(input, STATELESS_INPUT + 4, STATELESS_INPUT, REQUEST, input.length);
        p.chainId = u64(input, CHAIN_ID_AT);

        // NewPayloadRequest: payload, versioned hashes, requests. Its end is where the witness starts.
        _first(input, REQUEST, REQUEST_FIXED);
        uint256 hashes = _next(input, REQUEST + 4, REQUEST, PAYLOAD, end);
        uint256 requests = _next(input, REQUEST + 40, REQUEST, hashes, end);
        if (hashes != requests) revert IAdvanceErrors.VersionedHashesNotEmpty();
        p.anchor = word(input, REQUEST + 8);

        // ExecutionPayload: extra data, transactions, withdrawals, block access list. Its end is where the versioned hashes start.
        if (hashes < PAYLOAD + PAYLOAD_FIXED) revert IAdvanceErrors.NonCanonicalSsz(REQUEST + 4);
        _first(input, PAYLOAD + 436, PAYLOAD_FIXED);
        p.transactionsAt = _next(input, PAYLOAD + 504, PAYLOAD, EXTRA_DATA_AT, hashes);
        p.transactionsEnd = _next(input, PAYLOAD + 508, PAYLOAD, p.transactionsAt, hashes);
        p.accessListAt = _next(input, PAYLOAD + 528, PAYLOAD, p.transactionsEnd, hashes);
        p.accessListEnd = hashes;
        p.extraDataEnd = p.transactionsAt;
        if (p.extraDataEnd > EXTRA_DATA_AT + EXTRA_DATA_MAX) revert IAdvanceErrors.NonCanonicalSsz(PAYLOAD + 504);

        p.parentHash = word(input, PAYLOAD);
        p.feeRecipient = address(bytes20(word(input, PAYLOAD + 32)));
        p.stateRoot = word(input, PAYLOAD + 52);
        p.prevRandao = word(input, PAYLOAD + 372);
        p.number = u64(input, PAYLOAD + 404);
        p.gasLimit = u64(input, GAS_LIMIT_AT);
        p.timestamp = u64(input, PAYLOAD + 428);
        // uint256, little endian: the low 8 bytes come first, and the other 24 must be zero (as EXECUTE demands).
        if (uint256(word(input, PAYLOAD + 440)) << 64 != 0) revert IAdvanceErrors.BaseFeeTooHigh(type(uint256).max);
        p.baseFee = u64(input, PAYLOAD + 440);
        p.blockHash = word(input, PAYLOAD + 472);
        p.slotNumber = u64(input, PAYLOAD + 532);
    }

    /// @notice The 32 bytes at `pos`. The caller has checked the length.
    function word(bytes calldata input, uint256 pos) internal pure returns (bytes32 w) {
        assembly ("memory-safe") {
            w := calldataload(add(input.offset, pos))
        }
    }

    /// @notice The 8 bytes at `pos`, little endian. The caller has checked the length.
    function u64(bytes calldata input, uint256 pos) internal pure returns (uint64) {
        uint256 v = uint256(word(input, pos)) >> 192;
        v = ((v & 0xff00ff00ff00ff00) >> 8) | ((v & 0x00ff00ff00ff00ff) << 8);
        v = ((v & 0xffff0000ffff0000) >> 16) | ((v & 0x0000ffff0000ffff) << 16);
        return uint64((v >> 32) | (v << 32));
    }

    /// @notice The 4 bytes at `pos`, little endian. The caller has checked the length.
    function u32(bytes calldata input, uint256 pos) internal pure returns (uint256 v) {
        v = uint256(word(input, pos)) >> 224;
        v = ((v & 0xff00ff00) >> 8) | ((v & 0x00ff00ff) << 8);
        v = (v >> 16) | ((v & 0xffff) << 16);
    }

    /// @dev The first offset of a container: exactly the size of its fixed part.
    function _first(bytes calldata input, uint256 pos, uint256 fixedSize) private pure {
        if (u32(input, pos) != fixedSize) revert IAdvanceErrors.NonCanonicalSsz(pos);
    }

    /// @dev A later offset, turned into a position in the input: not before the field ahead of it, not behind the end of the container.
    function _next(bytes calldata input, uint256 pos, uint256 base, uint256 previous, uint256 end)
        private
        pure
        returns (uint256 position)
    {
        position = base + u32(input, pos);
        if (position < previous || position > end) revert IAdvanceErrors.NonCanonicalSsz(pos);
    }
}
