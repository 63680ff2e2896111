// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Anchor} from "../../Message.sol";
import {IL1Reader} from "../IL1Reader.sol";

/// @notice What the key lets the wallet do.
/// @param to who is called
/// @param value wei
/// @param data calldata
struct WalletCall {
    address to;
    uint256 value;
    bytes data;
}

/// @notice How the key is proven.
/// @param l1Block a block that the L1 reader knows
/// @param accountProof of the keystore, at that block
/// @param storageProof of the wallet's slot in it
struct KeyProof {
    uint64 l1Block;
    bytes[] accountProof;
    bytes[] storageProof;
}

/// @title A wallet on a rollup whose key is kept on L1
/// @notice Example. Change the key in L1's Keystore, and the wallet on every rollup follows. Anybody may bring the call to the chain; the signature counts.
/// @dev Two rules keep a key that was replaced from being used with an old proof: the L1 block is at most `maxAge` seconds old, and never older than one that was used before.
contract KeystoreWallet is EIP712, ReentrancyGuardTransient {
    bytes32 private constant CALL_TYPEHASH = keccak256("WalletCall(address to,uint256 value,bytes data,uint256 nonce)");

    /// @notice The rollup's L1 reader.
    IL1Reader public immutable reader;
    /// @notice L1's Keystore.
    address public immutable keystore;
    /// @notice The entry in it.
    bytes32 public immutable id;
    /// @notice How old an L1 block may be, in seconds by the rollup's clock.
    uint64 public immutable maxAge;
    /// @notice Number that the next call must be signed with.
    uint192 public nonce;
    /// @notice Newest L1 block that was used.
    uint64 public newest;

    /// @notice The wallet did something.
    event Executed(uint192 indexed nonce, address indexed owner, uint64 l1Block);

    /// @notice The L1 block is too old, or older than one that was used.
    error StaleProof(uint64 l1Block);
    /// @notice The signature is not the key's.
    error WrongSigner(address signer, address owner);

    constructor(IL1Reader reader_, address keystore_, bytes32 id_, uint64 maxAge_) EIP712("KeystoreWallet", "1") {
        (reader, keystore, id, maxAge) = (reader_, keystore_, id_, maxAge_);
    }

    receive() external payable {}

    /// @notice Does what the key has signed, with a proof under an L1 block that the reader knows. Reverts as the callee does.
    function execute(WalletCall calldata call_, KeyProof calldata proof, bytes calldata signature)
        external
        returns (bytes memory)
    {
        return _execute(call_, proof, signature);
    }

    /// @notice The same under an L1 block that is proven at once.
    function proveAndExecute(
        WalletCall calldata call_,
        KeyProof calldata proof,
        bytes calldata signature,
        Anchor calldata anchor,
        uint256 anchorTimestamp,
        bytes calldata header
    ) external returns (bytes memory) {
        reader.prove(anchor, anchorTimestamp, header);
        return _execute(call_, proof, signature);
    }

    /// @notice What the key signs (EIP-712).
    function digest(WalletCall calldata call_, uint192 nonce_) public view returns (bytes32) {
        return
            _hashTypedDataV4(keccak256(abi.encode(CALL_TYPEHASH, call_.to, call_.value, keccak256(call_.data), nonce_)));
    }

    /// @notice The key as of an L1 block.
    function ownerAt(KeyProof calldata proof) public view returns (address) {
        bytes32 slot = keccak256(abi.encode(id, uint256(0)));
        bytes32 value = reader.storageAt(proof.l1Block, keystore, slot, proof.accountProof, proof.storageProof);
        return address(uint160(uint256(value)));
    }

    function _execute(WalletCall calldata call_, KeyProof calldata proof, bytes calldata signature)
        private
        nonReentrant
        returns (bytes memory)
    {
        (, uint64 timestamp) = reader.l1Block(proof.l1Block);
        if (proof.l1Block < newest || timestamp + maxAge < block.timestamp) revert StaleProof(proof.l1Block);
        address owner = ownerAt(proof);
        uint192 used = nonce;
        address signer = ECDSA.recover(digest(call_, used), signature);
        if (signer != owner) revert WrongSigner(signer, owner);
        (nonce, newest) = (used + 1, proof.l1Block);
        emit Executed(used, owner, proof.l1Block);
        (bool ok, bytes memory answer) = call_.to.call{value: call_.value}(call_.data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
        return answer;
    }
}
