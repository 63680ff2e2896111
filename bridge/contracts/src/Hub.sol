// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Anchor, Hashing} from "./Message.sol";
import {Advance, IHub, LandedBlock, RollupParams} from "./interfaces/IHub.sol";
import {Returns} from "./hub/Returns.sol";
import {BlobBinding} from "./libraries/BlobBinding.sol";
import {ExecuteInput, Payload} from "./libraries/ExecuteInput.sol";
import {Genesis, GenesisHeader} from "./libraries/GenesisHeader.sol";

/// @title Registry of native rollups on one L1
/// @notice Knows of each rollup the head, the inbox, the proven outbox roots and the escrow. It believes no caller: what it records comes from the bytes it hands to the
/// verifier, from its own storage, from EIP-2935, from BLOBHASH or from a proof. No owner, no upgrade key, no pause.
contract Hub is Returns {
    // ------------------------------------------------------------------------------------------------ registration

    /// @inheritdoc IHub
    function register(RollupParams calldata p, bytes calldata genesisHeaderRlp) external payable {
        Rollup storage r = _rollups[p.chainId];
        if (p.chainId == 0 || p.chainId == block.chainid || address(r.schedule) != address(0)) {
            revert ChainIdUnavailable(p.chainId);
        }
        if (
            p.gasLimitMin > p.gasLimitMax || p.gasLimitMax > MAX_GAS_LIMIT || p.gasLimitMax < LEAST_GAS_LIMIT_MAX
                || p.minOriginLag == 0 || p.minOriginLag > MAX_ORIGIN_LAG || address(p.verifier).code.length == 0
                || address(p.schedule).code.length == 0
        ) revert InvalidParams();
        Genesis memory g = GenesisHeader.read(genesisHeaderRlp);
        if (
            g.gasLimit < p.gasLimitMin || g.gasLimit > p.gasLimitMax || g.timestamp > type(uint40).max
                || g.baseFee > type(uint56).max
        ) revert InvalidGenesis();

        r.headHash = g.hash;
        r.head = Head({
            number: 0,
            timestamp: uint40(g.timestamp),
            gasLimit: uint40(g.gasLimit),
            originNumber: 0,
            inboxConsumed: 0,
            baseFee: uint56(g.baseFee)
        });
        r.ledger.escrow = uint128(msg.value);
        r.verifier = p.verifier;
        r.gasLimitMin = uint48(p.gasLimitMin);
        r.gasLimitMax = uint48(p.gasLimitMax);
        r.schedule = p.schedule;
        r.minOriginLag = p.minOriginLag;
        r.stateRoots[0] = g.stateRoot;
        emit RollupRegistered(p.chainId, g.hash, msg.sender, p, msg.value);
    }

    // ------------------------------------------------------------------------------------------------ landing

    /// @inheritdoc IHub
    /// @dev Schedule and verifier are called by staticcall, so nothing can re-enter here between check and effect.
    function advance(Advance calldata a, bytes calldata executeInput) external {
        Payload memory p = ExecuteInput.read(executeInput);
        Rollup storage r = _get(p.chainId);
        if (!r.schedule.mayAdvance(p.chainId, msg.sender)) revert NotScheduled(msg.sender);
        _checkHeader(r, p);
        bytes32 originHash = _checkOrigin(r, p, a.originNumber);
        bytes32 inboxHash = _checkInbox(r, p, a, originHash);
        bytes32[] memory blobHashes = BlobBinding.check(executeInput, p, a.openings);
        r.verifier.verify(executeInput);

        r.headHash = p.blockHash;
        r.head = Head({
            number: uint40(p.number),
            timestamp: uint40(p.timestamp),
            gasLimit: uint40(p.gasLimit),
            originNumber: uint40(a.originNumber),
            inboxConsumed: uint40(a.inboxCount),
            baseFee: uint56(p.baseFee)
        });
        r.stateRoots[p.number % STATE_ROOT_RING] = p.stateRoot;
        emit BlockLanded(
            p.chainId,
            p.number,
            p.blockHash,
            LandedBlock({
                parentHash: p.parentHash,
                stateRoot: p.stateRoot,
                timestamp: p.timestamp,
                gasLimit: p.gasLimit,
                feeRecipient: p.feeRecipient,
                extraData: executeInput[ExecuteInput.EXTRA_DATA_AT:p.extraDataEnd],
                originNumber: a.originNumber,
                originHash: originHash,
                inboxCount: a.inboxCount,
                inboxHash: inboxHash,
                proposer: msg.sender,
                blobHashes: blobHashes
            })
        );
        if (a.outboxAccountProof.length != 0) {
            _proveOutbox(r, p.chainId, p.number, p.stateRoot, a.outboxAccountProof, a.outboxStorageProof);
        }
    }

    /// @dev Fields of the payload against the head and the rollup's bounds. What Ethereum's own rules say (timestamp above the parent's, gas limit by 1/1024, base fee) is
    /// EXECUTE's matter.
    function _checkHeader(Rollup storage r, Payload memory p) private view {
        if (p.parentHash != r.headHash) revert WrongParent(r.headHash, p.parentHash);
        uint64 number = uint64(r.head.number) + 1;
        if (p.number != number) revert WrongNumber(number, p.number);
        if (p.timestamp > block.timestamp) revert TimestampInFuture(uint64(block.timestamp), p.timestamp);
        if (p.gasLimit < r.gasLimitMin || p.gasLimit > r.gasLimitMax) {
            revert GasLimitOutOfRange(p.gasLimit, r.gasLimitMin, r.gasLimitMax);
        }
        if (p.baseFee > type(uint56).max) revert BaseFeeTooHigh(p.baseFee);
        if (p.slotNumber != number) revert WrongSlotNumber(number, p.slotNumber);
    }

    /// @dev minOriginLag <= block.number - origin <= MAX_ORIGIN_LAG, never before the parent's origin, and L1 itself knows the hash.
    function _checkOrigin(Rollup storage r, Payload memory p, uint64 origin_)
        private
        view
        returns (bytes32 originHash)
    {
        if (origin_ + uint256(r.minOriginLag) > block.number) {
            revert OriginTooNew(origin_, block.number < r.minOriginLag ? 0 : block.number - r.minOriginLag);
        }
        if (origin_ + MAX_ORIGIN_LAG < block.number) revert OriginTooOld(origin_, block.number - MAX_ORIGIN_LAG);
        if (origin_ < r.head.originNumber) revert OriginMovedBack(r.head.originNumber, origin_);
        bool ok;
        assembly ("memory-safe") {
            mstore(0x00, origin_)
            ok := staticcall(gas(), HISTORY, 0x00, 0x20, 0x00, 0x20)
            ok := and(ok, eq(returndatasize(), 0x20))
            originHash := mload(0x00)
        }
        if (!ok || originHash == 0) revert OriginUnavailable(origin_);
        bytes32 prevRandao = Hashing.prevRandao(originHash, p.number);
        if (p.prevRandao != prevRandao) revert WrongPrevRandao(prevRandao, p.prevRandao);
    }

    /// @dev The inbox part the block names, and with the origin the anchor that must stand in its header.
    function _checkInbox(Rollup storage r, Payload memory p, Advance calldata a, bytes32 originHash)
        private
        view
        returns (bytes32 inboxHash)
    {
        uint64 consumed = r.head.inboxConsumed;
        uint64 count = r.ledger.inboxCount;
        if (a.inboxCount < consumed) revert InboxCountMovedBack(consumed, a.inboxCount);
        if (a.inboxCount > count) revert InboxCountBeyond(count, a.inboxCount);
        if (a.inboxCount - consumed > MAX_INBOX_STEP) revert InboxStepTooLarge(a.inboxCount - consumed);
        inboxHash = _inboxHash(r, a.inboxCount);
        bytes32 anchor = Hashing.anchor(p.chainId, Anchor(a.originNumber, originHash, a.inboxCount, inboxHash));
        if (p.anchor != anchor) revert WrongAnchor(anchor, p.anchor);
    }
}
