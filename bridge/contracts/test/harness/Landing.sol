// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {Hub} from "../../src/Hub.sol";
import {ExecuteVerifier} from "../../src/ExecuteVerifier.sol";
import {Anchor, Hashing} from "../../src/Message.sol";
import {OpenSchedule} from "../../src/OpenSchedule.sol";
import {Advance, RollupParams, RollupState} from "../../src/interfaces/IHub.sol";
import {Test} from "./Test.sol";

/// @notice An L2 block as a test bends it.
struct Block {
    uint64 chainId;
    bytes32 parentHash;
    address feeRecipient;
    bytes32 stateRoot;
    bytes32 prevRandao;
    uint64 number;
    uint64 gasLimit;
    uint64 timestamp;
    bytes extraData;
    uint256 baseFee;
    bytes32 blockHash;
    bytes[] transactions;
    bytes accessList;
    uint64 slotNumber;
    bytes32 anchor;
    bytes32[] versionedHashes;
    bytes witness;
}

/// @notice Encodes blocks as the input of EXECUTE, and numbers as SSZ does.
library Encode {
    function le32(uint256 v) internal pure returns (bytes4) {
        return bytes4(uint32((v & 0xff) << 24 | (v & 0xff00) << 8 | (v >> 8 & 0xff00) | (v >> 24 & 0xff)));
    }

    function le64(uint256 v) internal pure returns (bytes8) {
        return bytes8(abi.encodePacked(le32(v & 0xffffffff), le32(v >> 32)));
    }

    function le256(uint256 v) internal pure returns (bytes32) {
        return bytes32(
            abi.encodePacked(
                le64(v & 0xffffffffffffffff),
                le64((v >> 64) & 0xffffffffffffffff),
                le64((v >> 128) & 0xffffffffffffffff),
                le64(v >> 192)
            )
        );
    }

    function list(bytes[] memory items) internal pure returns (bytes memory out) {
        uint256 size = 4 * items.length;
        for (uint256 i = 0; i < items.length; ++i) {
            size += items[i].length;
        }
        out = new bytes(size);
        uint256 offset = 4 * items.length;
        for (uint256 i = 0; i < items.length; ++i) {
            bytes memory item = items[i];
            bytes4 slot = le32(offset);
            for (uint256 k = 0; k < 4; ++k) {
                out[4 * i + k] = slot[k];
            }
            assembly ("memory-safe") {
                mcopy(add(add(out, 0x20), offset), add(item, 0x20), mload(item))
            }
            offset += item.length;
        }
    }

    function payload(Block memory b) internal pure returns (bytes memory) {
        bytes memory transactions = list(b.transactions);
        uint256 txs = 540 + b.extraData.length;
        uint256 rest = txs + transactions.length;
        bytes memory head = abi.encodePacked(
            b.parentHash, b.feeRecipient, b.stateRoot, bytes32(uint256(1)), new bytes(256), b.prevRandao
        );
        head = abi.encodePacked(
            head, le64(b.number), le64(b.gasLimit), le64(21_000), le64(b.timestamp), le32(540), le256(b.baseFee)
        );
        head = abi.encodePacked(head, b.blockHash, le32(txs), le32(rest), new bytes(16), le32(rest), le64(b.slotNumber));
        return bytes.concat(head, b.extraData, transactions, b.accessList);
    }

    function input(Block memory b) internal pure returns (bytes memory) {
        bytes memory p = payload(b);
        bytes memory requests = abi.encodePacked(le32(20), le32(20), le32(20), le32(20), le32(20));
        uint256 hashes = 44 + p.length;
        bytes memory request = abi.encodePacked(
            le32(44),
            le32(hashes),
            b.anchor,
            le32(hashes + 32 * b.versionedHashes.length),
            p,
            b.versionedHashes,
            requests
        );
        return abi.encodePacked(hex"1501", le32(16), le32(16 + request.length), le64(b.chainId), request, b.witness);
    }
}

/// @notice A Hub with one rollup, on an L1 at block 100, with a stand-in for EXECUTE that vouches for everything. Blobs and openings are real ones.
abstract contract Landing is Test {
    uint64 internal constant L1 = 1337_1;
    uint64 internal constant L2 = 1337_2;
    uint64 internal constant GENESIS_TIME = 1_700_000_000;
    uint64 internal constant GAS_LIMIT = 10_000_000;
    uint256 internal constant BASE_FEE = 7 gwei;
    bytes32 internal constant GENESIS_STATE = keccak256("genesis state");
    address internal constant EXECUTE = 0x0000000000000000000000000000000000000101;
    address internal constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
    /// @dev empty witness: three offsets, nothing behind them
    bytes internal constant NO_WITNESS = hex"0c0000000c0000000c000000";

    Hub internal hub;
    ExecuteVerifier internal verifier;
    OpenSchedule internal schedule;
    string internal landings;

    function setUp() public virtual {
        vm.chainId(L1);
        vm.roll(100);
        vm.warp(GENESIS_TIME + 1000);
        // EIP-2935, the code of the EIP; block n has the hash keccak256(n)
        vm.etch(
            HISTORY,
            hex"3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500"
        );
        for (uint256 n = 1; n < 300; ++n) {
            vm.store(HISTORY, bytes32(n), _l1Hash(n));
        }
        _executeSays(1, L2, 0x1501);
        hub = new Hub();
        verifier = new ExecuteVerifier();
        schedule = new OpenSchedule();
        landings = vm.readFile("test/vectors/landing.json");
        hub.register{value: 100 ether}(_params(), _genesis());
    }

    function _params() internal view returns (RollupParams memory) {
        return RollupParams({
            chainId: L2,
            verifier: verifier,
            schedule: schedule,
            gasLimitMin: 5_000_000,
            gasLimitMax: 12_000_000,
            minOriginLag: 2
        });
    }

    function _l1Hash(uint256 n) internal pure returns (bytes32) {
        return keccak256(abi.encode("L1 block", n));
    }

    /// @dev An Amsterdam header of block 0: 23 items.
    function _genesisItems() internal pure returns (bytes[] memory items) {
        items = new bytes[](23);
        for (uint256 i = 0; i < 23; ++i) {
            items[i] = RLP.encode(bytes32(i));
        }
        items[2] = RLP.encode(address(0));
        items[3] = RLP.encode(GENESIS_STATE);
        items[6] = RLP.encode(new bytes(256));
        items[7] = RLP.encode(uint256(0));
        items[8] = RLP.encode(uint256(0));
        items[9] = RLP.encode(uint256(GAS_LIMIT));
        items[10] = RLP.encode(uint256(0));
        items[11] = RLP.encode(uint256(GENESIS_TIME));
        items[12] = RLP.encode(bytes(""));
        items[14] = RLP.encode(new bytes(8));
        items[15] = RLP.encode(BASE_FEE);
        items[17] = RLP.encode(uint256(0));
        items[18] = RLP.encode(uint256(0));
        items[22] = RLP.encode(uint256(0));
    }

    function _genesis() internal pure returns (bytes memory) {
        return RLP.encode(_genesisItems());
    }

    /// @dev EXECUTE as a stand-in that answers 43 bytes: root zero, `success`, `chainId`, `schemaId`.
    function _executeSays(uint8 success, uint64 chainId, uint16 schemaId) internal {
        bytes memory answer =
            abi.encodePacked(bytes32(0), success, Encode.le64(chainId), uint8(schemaId & 0xff), uint8(schemaId >> 8));
        _executeAnswers(answer);
    }

    /// @dev Code that returns `answer`, up to 64 bytes: PUSH32 a PUSH0 MSTORE PUSH32 b PUSH1 32 MSTORE PUSH1 n PUSH0 RETURN
    function _executeAnswers(bytes memory answer) internal {
        bytes32 a;
        bytes32 b;
        bytes memory padded = bytes.concat(answer, new bytes(64));
        assembly ("memory-safe") {
            a := mload(add(padded, 0x20))
            b := mload(add(padded, 0x40))
        }
        vm.etch(EXECUTE, abi.encodePacked(hex"7f", a, hex"5f527f", b, hex"60205260", uint8(answer.length), hex"5ff3"));
    }

    /// @dev The content of case `i` of test/vectors/landing.json, see script/vectors.mjs.
    function _content(uint256 i) internal view returns (bytes memory accessList, bytes[] memory transactions) {
        uint256[] memory lengths = vm.parseJsonUintArray(landings, _path(".cases", i, "transactionLengths"));
        accessList = _stream(
            keccak256("basalt.landing.accessList"), vm.parseJsonUint(landings, _path(".cases", i, "accessListLength"))
        );
        transactions = new bytes[](lengths.length);
        for (uint256 t = 0; t < lengths.length; ++t) {
            bytes32 seed = keccak256(abi.encodePacked("basalt.landing.transaction", t));
            transactions[t] = bytes.concat(hex"02", _stream(seed, lengths[t] - 1));
        }
    }

    function _blobCount(uint256 i) internal view returns (uint256 n) {
        while (vm.keyExistsJson(landings, _path(_path(".cases", i, "blobs"), n, "z"))) ++n;
    }

    /// @dev Gives the next transaction the blobs of case `i`, and returns their openings.
    function _attach(uint256 i) internal returns (bytes memory openings) {
        uint256 n = _blobCount(i);
        bytes32[] memory hashes = new bytes32[](n);
        string memory blobs = _path(".cases", i, "blobs");
        for (uint256 k = 0; k < n; ++k) {
            hashes[k] = vm.parseJsonBytes32(landings, _path(blobs, k, "versionedHash"));
            openings = bytes.concat(
                openings,
                vm.parseJsonBytes(landings, _path(blobs, k, "commitment")),
                vm.parseJsonBytes(landings, _path(blobs, k, "proof"))
            );
        }
        vm.blobhashes(hashes);
    }

    /// @dev The next block of L2, with the content of case `i`.
    function _next(uint256 i) internal view returns (Advance memory a, Block memory b) {
        return _next(L2, i);
    }

    /// @dev A block that Hub takes: on the present head, with the newest origin and everything in the inbox, and the content of case `i`.
    function _next(uint64 chainId, uint256 i) internal view returns (Advance memory a, Block memory b) {
        RollupState memory r = hub.rollup(chainId);
        a.originNumber = uint64(block.number) - 2;
        a.inboxCount = r.inboxCount;
        b.chainId = chainId;
        b.parentHash = r.headHash;
        b.feeRecipient = address(0xfee);
        b.number = r.number + 1;
        b.stateRoot = keccak256(abi.encode("state", b.number));
        b.gasLimit = GAS_LIMIT;
        b.timestamp = uint64(block.timestamp) - 1;
        b.extraData = "basalt";
        b.baseFee = BASE_FEE - 1;
        b.blockHash = keccak256(abi.encode("block", b.number));
        (b.accessList, b.transactions) = _content(i);
        b.slotNumber = b.number;
        b.witness = NO_WITNESS;
        _anchor(a, b);
    }

    /// @dev Sets what follows from origin and inbox.
    function _anchor(Advance memory a, Block memory b) internal view {
        bytes32 originHash = _l1Hash(a.originNumber);
        b.prevRandao = Hashing.prevRandao(originHash, b.number);
        b.anchor = Hashing.anchor(
            b.chainId, Anchor(a.originNumber, originHash, a.inboxCount, hub.inboxHashAt(b.chainId, a.inboxCount))
        );
    }

    /// @dev Lands one more block with the content of case 0.
    function _land() internal {
        (Advance memory a, Block memory b) = _next(0);
        a.openings = _attach(0);
        hub.advance(a, Encode.input(b));
    }

    /// @dev `advance` must refuse with exactly `reason`, and the rollup must be what it was.
    function _refused(Advance memory a, bytes memory input, bytes memory reason) internal {
        bytes32 before = keccak256(abi.encode(hub.rollup(L2)));
        vm.expectRevert(reason);
        hub.advance(a, input);
        vm.assertEq(keccak256(abi.encode(hub.rollup(L2))), before, "head unmoved");
    }
}
