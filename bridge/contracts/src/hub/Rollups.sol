// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {IExecuteVerifier} from "../interfaces/IExecuteVerifier.sol";
import {IHub, RollupParams, RollupState} from "../interfaces/IHub.sol";
import {IProposerSchedule} from "../interfaces/IProposerSchedule.sol";
import {MessageReturn} from "../libraries/MessageReturn.sol";

/// @notice What Hub keeps of each rollup, and the views of it. It changes nothing.
abstract contract Rollups is IHub {
    using BitMaps for BitMaps.BitMap;

    /// @notice EIP-2935: hashes of the last 8,191 L1 blocks.
    address public constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
    /// @notice The Messenger, at the same address on every rollup.
    address public constant MESSENGER = MessageReturn.MESSENGER;
    /// @notice Largest gas limit of a rollup block: EXECUTE charges it inside one L1 transaction (EIP-7825).
    uint256 public constant MAX_GAS_LIMIT = 1 << 24;
    /// @notice Smallest upper bound of gas limits: the return of the largest message must fit a block.
    uint256 public constant LEAST_GAS_LIMIT_MAX = 2_000_000;
    /// @notice How many L1 blocks the origin may lie behind the including block.
    uint256 public constant MAX_ORIGIN_LAG = 64;
    /// @notice How many new inbox messages one block may name.
    uint256 public constant MAX_INBOX_STEP = 256;
    /// @notice How many inbox hashes are kept. At most one less may wait to be named by a block, so the hashes a block needs are always there.
    uint256 public constant INBOX_RING = 1024;
    /// @notice How many state roots of landed blocks are kept.
    uint256 public constant STATE_ROOT_RING = 64;
    /// @notice How many proven outbox roots are kept.
    uint256 public constant OUTBOX_RING = 64;
    /// @notice Most data bytes of a message.
    uint256 public constant MAX_MESSAGE_DATA = 16_384;
    /// @notice Seconds between the noted failure of a message to L1 and its return.
    uint256 public constant RETURN_DELAY = 1 days;
    /// @notice Gas that delivering a message on L2 may take beside the call itself: intrinsic gas, the inbox, a new account (EIP-8037), a slot for a failed message.
    uint256 public constant RELAY_OVERHEAD_GAS = 400_000;
    /// @notice Gas on L2 per byte of a message's data (EIP-7976 floor).
    uint256 public constant RELAY_GAS_PER_BYTE = 64;

    /// @dev Rewritten by each landing, in one slot. Widths are safe: numbers and counts grow by small steps from zero, the timestamp is bounded by that of L1, the gas limit by
    /// MAX_GAS_LIMIT; a base fee of 2^56 wei is 72 million gwei.
    struct Head {
        uint40 number;
        uint40 timestamp;
        uint40 gasLimit;
        uint40 originNumber;
        uint40 inboxConsumed;
        uint56 baseFee;
    }

    /// @dev Rewritten by messages and claims, in one slot.
    struct Ledger {
        uint40 inboxCount;
        uint40 outboxEpoch;
        uint40 outboxBlock;
        uint128 escrow;
    }

    struct Rollup {
        bytes32 headHash;
        Head head;
        Ledger ledger;
        IExecuteVerifier verifier;
        uint48 gasLimitMin;
        uint48 gasLimitMax;
        IProposerSchedule schedule; // never zero once registered
        uint64 minOriginLag;
        bytes32[64] stateRoots; // of block n at n % STATE_ROOT_RING
        bytes32[1024] inboxHashes; // after n messages at n % INBOX_RING
        bytes32[64] outboxRoots; // of epoch n at n % OUTBOX_RING
        BitMaps.BitMap claimed; // by message index: delivered, forwarded or returned
        mapping(bytes32 leaf => uint256) failedAt; // timestamp of the first noted failure
    }

    mapping(uint64 chainId => Rollup) internal _rollups;

    /// @inheritdoc IHub
    function rollup(uint64 chainId) external view returns (RollupState memory) {
        Rollup storage r = _get(chainId);
        Head memory head = r.head;
        Ledger memory ledger = r.ledger;
        return RollupState({
            headHash: r.headHash,
            stateRoot: r.stateRoots[head.number % STATE_ROOT_RING],
            number: head.number,
            timestamp: head.timestamp,
            gasLimit: head.gasLimit,
            baseFee: head.baseFee,
            originNumber: head.originNumber,
            inboxConsumed: head.inboxConsumed,
            inboxCount: ledger.inboxCount,
            inboxHash: r.inboxHashes[ledger.inboxCount % INBOX_RING],
            outboxEpoch: ledger.outboxEpoch,
            outboxBlock: ledger.outboxBlock,
            escrow: ledger.escrow,
            params: RollupParams({
                chainId: chainId,
                verifier: r.verifier,
                schedule: r.schedule,
                gasLimitMin: r.gasLimitMin,
                gasLimitMax: r.gasLimitMax,
                minOriginLag: r.minOriginLag
            })
        });
    }

    /// @inheritdoc IHub
    function inboxHashAt(uint64 chainId, uint64 count) external view returns (bytes32) {
        Rollup storage r = _get(chainId);
        if (count > r.ledger.inboxCount) revert InboxCountBeyond(r.ledger.inboxCount, count);
        return _inboxHash(r, count);
    }

    /// @inheritdoc IHub
    function stateRootAt(uint64 chainId, uint64 blockNumber) external view returns (bytes32) {
        return _stateRoot(_get(chainId), chainId, blockNumber);
    }

    /// @inheritdoc IHub
    function outboxRoot(uint64 chainId, uint64 epoch) external view returns (bytes32) {
        return _outboxRoot(_get(chainId), chainId, epoch);
    }

    /// @inheritdoc IHub
    function isClaimed(uint64 srcChainId, uint64 index) external view returns (bool) {
        return _get(srcChainId).claimed.get(index);
    }

    /// @inheritdoc IHub
    function failedAt(uint64 srcChainId, bytes32 leaf) external view returns (uint256) {
        return _get(srcChainId).failedAt[leaf];
    }

    /// @inheritdoc IHub
    function minFee(uint64 dstChainId, uint64 gasLimit, uint256 dataLength) external view returns (uint256) {
        return _minFee(_get(dstChainId), gasLimit, dataLength);
    }

    function _minFee(Rollup storage r, uint64 gasLimit, uint256 dataLength) internal view returns (uint256) {
        return (gasLimit + _overhead(dataLength)) * r.head.baseFee;
    }

    function _overhead(uint256 dataLength) internal pure returns (uint256) {
        return RELAY_OVERHEAD_GAS + RELAY_GAS_PER_BYTE * dataLength;
    }

    function _get(uint64 chainId) internal view returns (Rollup storage r) {
        r = _rollups[chainId];
        if (address(r.schedule) == address(0)) revert UnknownRollup(chainId);
    }

    /// @dev count <= inboxCount, checked by the caller
    function _inboxHash(Rollup storage r, uint64 count) internal view returns (bytes32) {
        if (r.ledger.inboxCount - count >= INBOX_RING) revert InboxCheckpointGone(count);
        return r.inboxHashes[count % INBOX_RING];
    }

    function _stateRoot(Rollup storage r, uint64 chainId, uint64 blockNumber) internal view returns (bytes32) {
        uint64 head = r.head.number;
        if (blockNumber > head || head - blockNumber >= STATE_ROOT_RING) revert StateRootGone(chainId, blockNumber);
        return r.stateRoots[blockNumber % STATE_ROOT_RING];
    }

    function _outboxRoot(Rollup storage r, uint64 chainId, uint64 epoch) internal view returns (bytes32) {
        uint64 last = r.ledger.outboxEpoch;
        if (epoch == 0 || epoch > last || last - epoch >= OUTBOX_RING) revert EpochGone(chainId, epoch);
        return r.outboxRoots[epoch % OUTBOX_RING];
    }
}
