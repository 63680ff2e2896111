// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message} from "../Message.sol";
import {IMessageContext} from "./IMessageContext.sol";
import {IExecuteErrors, IExecuteVerifier} from "./IExecuteVerifier.sol";
import {IProposerSchedule} from "./IProposerSchedule.sol";

/// @notice What a rollup is, fixed at registration.
/// @param chainId chain id of the rollup, unique in this Hub, not that of L1
/// @param verifier how L1 believes a block
/// @param schedule who may land a block
/// @param gasLimitMin smallest gas limit of a block
/// @param gasLimitMax largest gas limit of a block, at most 2^24 (EIP-7825: EXECUTE charges it inside one transaction)
/// @param minOriginLag how many L1 blocks the origin lies behind the including block at least, 1 to 64
struct RollupParams {
    uint64 chainId;
    IExecuteVerifier verifier;
    IProposerSchedule schedule;
    uint64 gasLimitMin;
    uint64 gasLimitMax;
    uint64 minOriginLag;
}

/// @notice What `advance` needs beside the input of EXECUTE. Everything in it is checked; nothing of it is believed.
/// @param originNumber L1 block the payload was built against
/// @param inboxCount inbox count the payload's anchor names
/// @param openings per blob: 48 bytes KZG commitment ‖ 48 bytes KZG proof
/// @param outboxAccountProof account proof of the Messenger under the payload's state root, or empty
/// @param outboxStorageProof proof of the outbox root under that account, or empty
struct Advance {
    uint64 originNumber;
    uint64 inboxCount;
    bytes openings;
    bytes[] outboxAccountProof;
    bytes[] outboxStorageProof;
}

/// @notice What a follower needs to rebuild a header, and to find the body.
/// @param parentHash hash of the block it stands on
/// @param stateRoot state root after the block
/// @param timestamp seconds
/// @param gasLimit gas limit of the block
/// @param feeRecipient fee recipient of the block
/// @param extraData extra data of the block, at most 32 bytes
/// @param originNumber L1 block it names
/// @param originHash hash of that L1 block
/// @param inboxCount inbox count it names
/// @param inboxHash inbox hash it names
/// @param proposer who called `advance`
/// @param blobHashes versioned hashes of the blobs that carry the payload data, in order
struct LandedBlock {
    bytes32 parentHash;
    bytes32 stateRoot;
    uint64 timestamp;
    uint64 gasLimit;
    address feeRecipient;
    bytes extraData;
    uint64 originNumber;
    bytes32 originHash;
    uint64 inboxCount;
    bytes32 inboxHash;
    address proposer;
    bytes32[] blobHashes;
}

/// @notice All that Hub knows of a rollup; the answer of `rollup`.
/// @param headHash hash of the last landed block
/// @param stateRoot its state root
/// @param number its number
/// @param timestamp its timestamp, seconds
/// @param gasLimit its gas limit
/// @param baseFee its base fee, wei per gas
/// @param originNumber L1 block it named
/// @param inboxConsumed inbox count it named
/// @param inboxCount messages sent to the rollup so far
/// @param inboxHash rolling hash after all of them
/// @param outboxEpoch running number of the last proven outbox root, 0 when none was proven
/// @param outboxBlock block under whose state root it was proven
/// @param escrow wei that claims may still take
/// @param params as registered
struct RollupState {
    bytes32 headHash;
    bytes32 stateRoot;
    uint64 number;
    uint64 timestamp;
    uint64 gasLimit;
    uint64 baseFee;
    uint64 originNumber;
    uint64 inboxConsumed;
    uint64 inboxCount;
    bytes32 inboxHash;
    uint64 outboxEpoch;
    uint64 outboxBlock;
    uint256 escrow;
    RollupParams params;
}

/// @notice Refusals of `advance`, in the order in which they are checked (SPEC section 7). The head does not move on any of them.
interface IAdvanceErrors {
    /// @notice The input does not start with the schema id 0x1501.
    error WrongSchema(uint16 schemaId);
    /// @notice An SSZ offset is not one that is allowed there; `where` is the byte of executeInput that holds it, or, for an offset in the list of transactions, where
    /// that list begins, or the length of an input that is too short to be one.
    error NonCanonicalSsz(uint256 where);
    /// @notice The payload names blob hashes; a rollup block has no blob transactions.
    error VersionedHashesNotEmpty();
    /// @notice No rollup is registered under that chain id.
    error UnknownRollup(uint64 chainId);
    /// @notice The rollup's schedule does not let this caller advance now.
    error NotScheduled(address proposer);
    /// @notice The block stands on another block than the head.
    error WrongParent(bytes32 head, bytes32 given);
    /// @notice The block number is not head + 1.
    error WrongNumber(uint64 expected, uint64 given);
    /// @notice The block is from the future of L1.
    error TimestampInFuture(uint64 l1, uint64 given);
    /// @notice The gas limit is outside the registered bounds.
    error GasLimitOutOfRange(uint64 given, uint64 min, uint64 max);
    /// @notice The base fee exceeds 2^56 - 1 wei.
    error BaseFeeTooHigh(uint256 given);
    /// @notice slot_number differs from the block number.
    error WrongSlotNumber(uint64 expected, uint64 given);
    /// @notice The origin is less than minOriginLag behind the including block.
    error OriginTooNew(uint64 given, uint256 newest);
    /// @notice The origin is more than MAX_ORIGIN_LAG behind the including block.
    error OriginTooOld(uint64 given, uint256 oldest);
    /// @notice The origin is older than the one of the parent.
    error OriginMovedBack(uint64 parent, uint64 given);
    /// @notice EIP-2935 does not know the hash of the origin.
    error OriginUnavailable(uint64 given);
    /// @notice prev_randao is not keccak256(origin hash ‖ number).
    error WrongPrevRandao(bytes32 expected, bytes32 given);
    /// @notice The block names fewer inbox messages than its parent.
    error InboxCountMovedBack(uint64 parent, uint64 given);
    /// @notice The block names messages that nobody sent.
    error InboxCountBeyond(uint64 inboxCount, uint64 given);
    /// @notice The block names more than MAX_INBOX_STEP new messages.
    error InboxStepTooLarge(uint64 step);
    /// @notice The inbox hash at that count is no longer kept.
    error InboxCheckpointGone(uint64 count);
    /// @notice parent_beacon_block_root is not the anchor that origin and inbox give.
    error WrongAnchor(bytes32 expected, bytes32 given);
    /// @notice `openings` does not hold 96 bytes for each blob that the data needs.
    error WrongOpeningsLength(uint256 expected, uint256 given);
    /// @notice The transaction carries no blob at that place.
    error BlobMissing(uint256 i);
    /// @notice The transaction carries a blob beyond those that the data needs.
    error ExtraBlob(uint256 i);
    /// @notice The commitment does not hash to the blob at that place.
    error BlobHashMismatch(uint256 i);
    /// @notice The blob does not hold the data of the payload, or the proof is wrong.
    error WrongOpening(uint256 i);
}

/// @notice Registry of native rollups on one L1: heads, inboxes, outbox roots and escrow. It has no owner and no upgrade key.
interface IHub is IMessageContext, IExecuteErrors, IAdvanceErrors {
    /// @notice A rollup came to be. `escrow` wei back the balances of its genesis.
    event RollupRegistered(
        uint64 indexed chainId,
        bytes32 indexed genesisHash,
        address indexed registrar,
        RollupParams params,
        uint256 escrow
    );
    /// @notice A block landed; it is settled.
    event BlockLanded(uint64 indexed chainId, uint64 indexed number, bytes32 indexed blockHash, LandedBlock landed);
    /// @notice A message was appended to a rollup's inbox, sent on L1 or forwarded out of another rollup; `inboxHash` is the rolling hash with it.
    event MessageSent(
        uint64 indexed dstChainId, uint64 indexed index, address indexed sender, Message message, bytes32 inboxHash
    );
    /// @notice An outbox root was proven; `claim` may name it by `epoch`.
    event OutboxProven(uint64 indexed chainId, uint64 indexed blockNumber, bytes32 root, uint64 epoch);
    /// @notice A message out of a rollup was delivered on L1.
    event MessageClaimed(uint64 indexed srcChainId, uint64 indexed index, address indexed to, address claimer);

    /// @notice A message out of the rollup `srcChainId`, number `srcIndex` of its outbox, is number `dstIndex` of the inbox of `dstChainId` now.
    event MessageForwarded(
        uint64 indexed srcChainId, uint64 indexed srcIndex, uint64 indexed dstChainId, uint64 dstIndex
    );

    /// @notice A message out of a rollup went back: it is number `inboxIndex` of the inbox of that rollup now, as a return to its sender.
    event MessageReturned(uint64 indexed srcChainId, uint64 indexed index, uint64 inboxIndex);
    /// @notice The call of a message to L1 failed; it stays claimable, and RETURN_DELAY later it can be returned.
    event MessageFailed(uint64 indexed srcChainId, uint64 indexed index, bytes32 leaf);

    /// @notice That chain id is taken, zero, or the one of L1.
    error ChainIdUnavailable(uint64 chainId);
    /// @notice A parameter is out of its range, or verifier or schedule has no code.
    error InvalidParams();
    /// @notice The genesis header is not an Amsterdam header of block 0 inside the rollup's bounds.
    error InvalidGenesis();
    /// @notice The fee is more than the wei sent along.
    error FeeExceedsValue(uint256 fee, uint256 sent);
    /// @notice The fee does not pay for the delivery at the rollup's last base fee.
    error FeeTooLow(uint256 needed, uint256 given);
    /// @notice A message with that gas limit and that much data can never fit a block.
    error GasLimitTooHigh(uint256 gasLimit, uint256 max);
    /// @notice More than MAX_MESSAGE_DATA bytes.
    error MessageTooLong(uint256 length);
    /// @notice The target is the bridge itself, which takes no messages.
    error ForbiddenTarget(address to);
    /// @notice INBOX_RING - 1 messages wait to be named by a block; the inbox takes more once a block names them.
    error InboxFull(uint64 chainId);
    /// @notice No state root is kept for that block.
    error StateRootGone(uint64 chainId, uint64 blockNumber);
    /// @notice An outbox root of that block or a later one was proven already; it covers everything this one would.
    error OutboxProofStale(uint64 provenBlock, uint64 given);
    /// @notice The outbox root did not change since it was last proven.
    error OutboxUnchanged();
    /// @notice A proof does not fit the root it should stand under.
    error WrongProof();
    /// @notice `claim` of a message that is not for this chain, or `forward` of one for the very rollup it comes from.
    error WrongDestination(uint64 dstChainId);
    /// @notice One call of `forward` takes messages of one rollup: `expected` is that of the first.
    error WrongSource(uint64 expected, uint64 given);
    /// @notice `forward` was given no message, or not one path for each.
    error PathsMismatch(uint256 messages, uint256 paths);
    /// @notice Wei along with several messages: it would not be clear whose fee they raise.
    error TopUpForMany(uint256 messages);
    /// @notice No outbox root is kept under that epoch.
    error EpochGone(uint64 chainId, uint64 epoch);
    /// @notice The path does not lead from the message to the outbox root.
    error WrongPath();
    /// @notice The message was delivered, forwarded or returned before.
    error AlreadyClaimed(uint64 srcChainId, uint64 index);
    /// @notice The rollup's escrow does not cover the message.
    error EscrowShort(uint256 escrow, uint256 needed);
    /// @notice The target refused the message; it stays claimable.
    error CallFailed();
    /// @notice The claimer refused the fee.
    error FeeRefused();
    /// @notice `returnMessage` of a message that can be claimed or forwarded, or whose failure on L1 was not noted, or less than RETURN_DELAY ago.
    error StillDeliverable();

    /// @notice Registers a rollup. msg.value is the escrow behind the balances of its genesis (SPEC section 9).
    function register(RollupParams calldata p, bytes calldata genesisHeaderRlp) external payable;

    /// @notice Lands the next block of a rollup (SPEC section 7). Call it in a blob transaction that carries the payload data.
    /// @param a origin, inbox count, openings, and, if wanted, a proof of the outbox root
    /// @param executeInput schema id ‖ SSZ(StatelessInput); everything that counts is read from it
    function advance(Advance calldata a, bytes calldata executeInput) external;

    /// @notice Sends a message into a rollup. `value` = msg.value - fee goes with it; all of msg.value becomes escrow.
    /// @return index inbox index
    function sendMessage(uint64 dstChainId, address to, uint256 fee, uint64 gasLimit, bytes calldata data)
        external
        payable
        returns (uint64 index);

    /// @notice Proves the outbox root of a rollup as of one of its last STATE_ROOT_RING landed blocks.
    function proveOutbox(
        uint64 chainId,
        uint64 blockNumber,
        bytes[] calldata accountProof,
        bytes[] calldata storageProof
    ) external;

    /// @notice Delivers a message out of a rollup, once. The call gets all gas there is, but at least `m.gasLimit`. When it fails, all of it reverts and the
    /// message stays claimable. The fee goes to the caller.
    /// @param epoch number of a proven outbox root that contains the message
    /// @param path 32 sibling hashes from the leaf up
    function claim(Message calldata m, uint64 epoch, bytes32[] calldata path) external;

    /// @notice Takes messages out of one rollup into the inboxes of other rollups, each once. Anyone may call it. Value and fee move from one escrow to the other; the
    /// message stays what it is but for its index, which becomes its place in that inbox. It must pass there as in `sendMessage`.
    /// @param epoch number of a proven outbox root that contains the messages
    /// @param paths for each message 32 sibling hashes from the leaf up
    /// @dev msg.value is added to the fee, of one message only: the destination may have become dearer than its sender thought.
    function forward(Message[] calldata ms, uint64 epoch, bytes32[][] calldata paths) external payable;

    /// @notice Sends a message out of a rollup that can never be taken at its destination back to its sender, into the inbox of that rollup: `to` is a rollup that is not
    /// registered or refuses its target, its gas limit or its length, or L1, where its call failed RETURN_DELAY ago (`recordFailure`) or Hub itself is the target.
    /// @dev The return has the Messenger as sender, the value, the fee and msg.value as fee, and {IMessageReturn-onMessageReturned} as data. It must pass the door like any
    /// message, so msg.value may have to raise the fee. A return cannot be returned.
    /// @return index inbox index of the return
    function returnMessage(Message calldata m, uint64 epoch, bytes32[] calldata path)
        external
        payable
        returns (uint64 index);

    /// @notice Like `claim`, but when the call fails, with all gas there is and at least `m.gasLimit`, that is noted with the time, once, and the message stays claimable.
    function recordFailure(Message calldata m, uint64 epoch, bytes32[] calldata path) external;

    /// @notice All that Hub knows of a rollup. Reverts with UnknownRollup.
    function rollup(uint64 chainId) external view returns (RollupState memory);
    /// @notice Rolling inbox hash after `count` messages. Reverts when it is not kept.
    function inboxHashAt(uint64 chainId, uint64 count) external view returns (bytes32);
    /// @notice State root of a landed block. Reverts when it is not kept.
    function stateRootAt(uint64 chainId, uint64 blockNumber) external view returns (bytes32);
    /// @notice Proven outbox root. Reverts when it is not kept.
    function outboxRoot(uint64 chainId, uint64 epoch) external view returns (bytes32);
    /// @notice Timestamp of the noted failure of a message to L1, zero when none was noted.
    function failedAt(uint64 srcChainId, bytes32 leaf) external view returns (uint256);
    /// @notice Whether a message out of a rollup was delivered, forwarded or returned.
    function isClaimed(uint64 srcChainId, uint64 index) external view returns (bool);
    /// @notice Smallest fee that `sendMessage` takes now, in wei.
    function minFee(uint64 dstChainId, uint64 gasLimit, uint256 dataLength) external view returns (uint256);
}
