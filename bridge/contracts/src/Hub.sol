// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {Anchor, Hashing, Message} from "./Message.sol";
import {MessageContext} from "./MessageContext.sol";
import {IExecuteVerifier} from "./interfaces/IExecuteVerifier.sol";
import {Advance, IHub, LandedBlock, RollupParams, RollupState} from "./interfaces/IHub.sol";
import {IProposerSchedule} from "./interfaces/IProposerSchedule.sol";
import {BlobBinding} from "./libraries/BlobBinding.sol";
import {ExecuteInput, Payload} from "./libraries/ExecuteInput.sol";
import {Genesis, GenesisHeader} from "./libraries/GenesisHeader.sol";
import {GuardedCall} from "./libraries/GuardedCall.sol";
import {OutboxTree} from "./libraries/OutboxTree.sol";
import {StateProof} from "./libraries/StateProof.sol";

/// @title Registry of native rollups on one L1
/// @notice Knows of each rollup the head, the inbox, the proven outbox roots and the escrow. It believes no caller: what it records comes from the bytes it hands to the
/// verifier, from its own storage, from EIP-2935, from BLOBHASH or from a proof. No owner, no upgrade key, no pause.
contract Hub is IHub, MessageContext, ReentrancyGuardTransient {
    using BitMaps for BitMaps.BitMap;

    /// @notice EIP-2935: hashes of the last 8,191 L1 blocks.
    address public constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
    /// @notice The Messenger, at the same address on every rollup.
    address public constant MESSENGER = 0xBa5a170000000000000000000000000000000001;
    /// @notice Largest gas limit of a rollup block: EXECUTE charges it inside one L1 transaction (EIP-7825).
    uint256 public constant MAX_GAS_LIMIT = 1 << 24;
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
        BitMaps.BitMap claimed; // by message index
    }

    mapping(uint64 chainId => Rollup) private _rollups;

    // ------------------------------------------------------------------------------------------------ registration

    /// @inheritdoc IHub
    function register(RollupParams calldata p, bytes calldata genesisHeaderRlp) external payable {
        Rollup storage r = _rollups[p.chainId];
        if (p.chainId == 0 || p.chainId == block.chainid || address(r.schedule) != address(0)) {
            revert ChainIdUnavailable(p.chainId);
        }
        if (
            p.gasLimitMin > p.gasLimitMax || p.gasLimitMax > MAX_GAS_LIMIT || p.gasLimitMax <= RELAY_OVERHEAD_GAS
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

    // ------------------------------------------------------------------------------------------------ messages in

    /// @inheritdoc IHub
    function sendMessage(uint64 dstChainId, address to, uint256 fee, uint64 gasLimit, bytes calldata data)
        external
        payable
        returns (uint64 index)
    {
        Rollup storage r = _get(dstChainId);
        _admit(r, to, fee, gasLimit, data.length);
        index = r.ledger.inboxCount;
        if (index - r.head.inboxConsumed >= INBOX_RING - 1) revert InboxFull(dstChainId);
        Message memory m = Message({
            srcChainId: uint64(block.chainid),
            dstChainId: dstChainId,
            index: index,
            sender: msg.sender,
            to: to,
            value: msg.value - fee,
            fee: fee,
            gasLimit: gasLimit,
            data: data
        });
        bytes32 inboxHash = Hashing.link(
            r.inboxHashes[index % INBOX_RING],
            Hashing.leaf(m.srcChainId, dstChainId, index, msg.sender, to, m.value, fee, gasLimit, keccak256(data))
        );
        r.inboxHashes[(index + 1) % INBOX_RING] = inboxHash;
        r.ledger.inboxCount = uint40(index + 1);
        r.ledger.escrow += uint128(msg.value);
        emit MessageSent(dstChainId, index, msg.sender, m, inboxHash);
    }

    /// @dev A message that no relayer can or would deliver stops all behind it, so it is refused at the door.
    function _admit(Rollup storage r, address to, uint256 fee, uint64 gasLimit, uint256 dataLength) private view {
        if (to == MESSENGER) revert ForbiddenTarget(to);
        if (fee > msg.value) revert FeeExceedsValue(fee, msg.value);
        if (dataLength > MAX_MESSAGE_DATA) revert MessageTooLong(dataLength);
        uint256 overhead = _overhead(dataLength);
        uint256 gasLimitMax = r.gasLimitMax < overhead ? 0 : ((r.gasLimitMax - overhead) * 63) / 64;
        if (gasLimit > gasLimitMax || gasLimitMax == 0) revert GasLimitTooHigh(gasLimit, gasLimitMax);
        uint256 feeMin = (gasLimit + overhead) * r.head.baseFee;
        if (fee < feeMin) revert FeeTooLow(feeMin, fee);
    }

    function _overhead(uint256 dataLength) private pure returns (uint256) {
        return RELAY_OVERHEAD_GAS + RELAY_GAS_PER_BYTE * dataLength;
    }

    // ------------------------------------------------------------------------------------------------ messages out

    /// @inheritdoc IHub
    function proveOutbox(
        uint64 chainId,
        uint64 blockNumber,
        bytes[] calldata accountProof,
        bytes[] calldata storageProof
    ) external {
        Rollup storage r = _get(chainId);
        bytes32 stateRoot = _stateRoot(r, chainId, blockNumber);
        if (!_proveOutbox(r, chainId, blockNumber, stateRoot, accountProof, storageProof)) revert OutboxUnchanged();
    }

    /// @dev Only a later block than the last one may prove: the tree only grows, so an older root says less, and nobody can push the ring round with old roots.
    /// @return changed false when the root is the one of the last epoch; then nothing is written
    function _proveOutbox(
        Rollup storage r,
        uint64 chainId,
        uint64 blockNumber,
        bytes32 stateRoot,
        bytes[] calldata accountProof,
        bytes[] calldata storageProof
    ) private returns (bool changed) {
        Ledger memory ledger = r.ledger;
        if (blockNumber <= ledger.outboxBlock) revert OutboxProofStale(ledger.outboxBlock, blockNumber);
        bytes32 root = StateProof.storageAt(stateRoot, MESSENGER, bytes32(0), accountProof, storageProof);
        if (root == r.outboxRoots[ledger.outboxEpoch % OUTBOX_RING]) return false;
        ledger.outboxEpoch += 1;
        ledger.outboxBlock = uint40(blockNumber);
        r.ledger = ledger;
        r.outboxRoots[ledger.outboxEpoch % OUTBOX_RING] = root;
        emit OutboxProven(chainId, blockNumber, root, ledger.outboxEpoch);
        return true;
    }

    /// @inheritdoc IHub
    function claim(Message calldata m, uint64 epoch, bytes32[] calldata path) external nonReentrant {
        if (m.dstChainId != block.chainid) revert WrongDestination(m.dstChainId);
        if (m.to == address(this)) revert ForbiddenTarget(m.to);
        Rollup storage r = _get(m.srcChainId);
        bytes32 root = _outboxRoot(r, m.srcChainId, epoch);
        if (path.length != OutboxTree.DEPTH || m.index >> OutboxTree.DEPTH != 0) revert WrongPath();
        if (OutboxTree.rootOf(Hashing.leaf(m), m.index, path) != root) revert WrongPath();
        if (r.claimed.get(m.index)) revert AlreadyClaimed(m.srcChainId, m.index);
        uint256 escrow = r.ledger.escrow;
        // a broken rollup may hand out messages of any amount, so the sum may overflow
        if (m.value > escrow || m.fee > escrow - m.value) {
            revert EscrowShort(escrow, m.value > type(uint256).max - m.fee ? type(uint256).max : m.value + m.fee);
        }

        r.claimed.set(m.index);
        r.ledger.escrow = uint128(escrow - m.value - m.fee);
        emit MessageClaimed(m.srcChainId, m.index, m.to, msg.sender);

        _enterMessage(m.sender, m.srcChainId);
        if (!GuardedCall.atLeast(m.to, m.gasLimit, m.value, m.data)) revert CallFailed();
        _leaveMessage();
        if (m.fee != 0 && !GuardedCall.pay(msg.sender, m.fee)) revert FeeRefused();
    }

    // ------------------------------------------------------------------------------------------------ views

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
    function minFee(uint64 dstChainId, uint64 gasLimit, uint256 dataLength) external view returns (uint256) {
        return (gasLimit + _overhead(dataLength)) * _get(dstChainId).head.baseFee;
    }

    function _get(uint64 chainId) private view returns (Rollup storage r) {
        r = _rollups[chainId];
        if (address(r.schedule) == address(0)) revert UnknownRollup(chainId);
    }

    /// @dev count <= inboxCount, checked by the caller
    function _inboxHash(Rollup storage r, uint64 count) private view returns (bytes32) {
        if (r.ledger.inboxCount - count >= INBOX_RING) revert InboxCheckpointGone(count);
        return r.inboxHashes[count % INBOX_RING];
    }

    function _stateRoot(Rollup storage r, uint64 chainId, uint64 blockNumber) private view returns (bytes32) {
        uint64 head = r.head.number;
        if (blockNumber > head || head - blockNumber >= STATE_ROOT_RING) revert StateRootGone(chainId, blockNumber);
        return r.stateRoots[blockNumber % STATE_ROOT_RING];
    }

    function _outboxRoot(Rollup storage r, uint64 chainId, uint64 epoch) private view returns (bytes32) {
        uint64 last = r.ledger.outboxEpoch;
        if (epoch == 0 || epoch > last || last - epoch >= OUTBOX_RING) revert EpochGone(chainId, epoch);
        return r.outboxRoots[epoch % OUTBOX_RING];
    }
}
