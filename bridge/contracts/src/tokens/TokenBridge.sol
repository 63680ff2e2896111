// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IHub} from "../interfaces/IHub.sol";
import {IMessageReturn} from "../interfaces/IMessageReturn.sol";
import {BridgeAddresses} from "../libraries/BridgeAddresses.sol";
import {IL2TokenBridge} from "./IL2TokenBridge.sol";
import {ITokenBridge} from "./ITokenBridge.sol";
import {KeptEther} from "../KeptEther.sol";
import {MetadataReader} from "./MetadataReader.sol";
import {TokenTransfer} from "./TokenTransfer.sol";

/// @title The vault of all rollups' tokens
/// @notice Tokens stay here on L1; what a rollup has of them is a number in its ledger, and nothing leaves beyond it. So a broken rollup can lose its own tokens only,
/// and tokens move between rollups by two numbers. Plain tokens only: what the vault gets must be what was sent. No owner, no upgrade key, no pause.
contract TokenBridge is ITokenBridge, IMessageReturn, KeptEther, ERC165, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice Gas of a delivery on a rollup that has no contract for the token yet: its creation and up to seven new slots (EIP-8037).
    uint64 public constant FIRST_DEPOSIT_GAS = 1_300_000;
    /// @notice Gas of every other delivery: a balance that may be new.
    uint64 public constant DEPOSIT_GAS = 300_000;
    /// @notice Most data bytes of a delivery: selector, the transfer, and the longest metadata.
    uint256 public constant MAX_DATA = 4 + 32 * (6 + 1 + 3 + 3 + 2);

    /// @dev what a rollup has of a token, in one slot. `announced`: a message that creates the token's contract there was sent. It has a mark of its own because a broken
    /// rollup can put tokens into another's ledger, by a return, without any message to it.
    struct Ledger {
        uint248 amount;
        bool announced;
    }

    /// @dev what came back of one account's tokens
    struct Owed {
        uint256 amount;
        uint256 fee;
    }

    /// @inheritdoc ITokenBridge
    IHub public immutable hub;
    /// @inheritdoc ITokenBridge
    mapping(uint64 chainId => mapping(address token => mapping(address account => Owed))) public owed;
    mapping(uint64 chainId => mapping(address token => Ledger)) private _ledgers;

    /// @param hub_ the Hub whose rollups it serves
    constructor(IHub hub_) {
        hub = hub_;
    }

    /// @inheritdoc ITokenBridge
    function deposit(uint64 dstChainId, address token, uint256 amount, address to)
        external
        payable
        nonReentrant
        returns (uint64 index)
    {
        return _deposit(dstChainId, token, amount, to);
    }

    /// @inheritdoc ITokenBridge
    function depositWithPermit(
        uint64 dstChainId,
        address token,
        uint256 amount,
        address to,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external payable nonReentrant returns (uint64 index) {
        if (token.code.length == 0) revert NoToken(token);
        // Whoever saw the permit may have used it first, so only the allowance counts.
        try IERC20Permit(token).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        return _deposit(dstChainId, token, amount, to);
    }

    /// @inheritdoc ITokenBridge
    /// @dev When anything fails, Hub's claim does: the message stays claimable, and what can never be taken goes back (SPEC section 11).
    function receiveTokens(TokenTransfer calldata t) external payable nonReentrant {
        uint64 src = _messageFrom(BridgeAddresses.L2_TOKEN_BRIDGE);
        if (t.srcChainId != src) revert NotTheBridge();
        _debit(src, t.token, t.amount);
        if (t.dstChainId == block.chainid) {
            _release(src, t.token, t.to, t.from, t.amount);
            _give(t.to, msg.value);
        } else {
            _send(t, msg.value);
            _enter(_ledgers[t.dstChainId][t.token], t.amount);
        }
    }

    /// @inheritdoc IMessageReturn
    /// @dev Only what is in the ledger of the rollup that says so can come back: a broken one can forge a return, and moves but its own.
    function onMessageReturned(uint64 dstChainId, uint64, address to, uint256, bytes calldata data)
        external
        payable
        nonReentrant
    {
        uint64 src = _messageFrom(BridgeAddresses.MESSENGER);
        if (
            dstChainId != src || to != BridgeAddresses.L2_TOKEN_BRIDGE
                || bytes4(data) != IL2TokenBridge.receiveTokens.selector
        ) revert NotTheBridge();
        TokenTransfer memory t = abi.decode(data[4:], (TokenTransfer));
        if (t.dstChainId != src) revert NotTheBridge();
        _debit(src, t.token, t.amount);
        emit TokensReturned(t.token, src, t.from, t.srcChainId, t.amount);
        if (t.srcChainId == block.chainid) {
            IERC20(t.token).safeTransfer(t.from, t.amount);
            _give(t.from, msg.value);
        } else {
            _enter(_ledgers[t.srcChainId][t.token], t.amount);
            Owed storage o = owed[t.srcChainId][t.token][t.from];
            o.amount += t.amount;
            o.fee += msg.value;
        }
    }

    /// @inheritdoc ITokenBridge
    function sendBack(uint64 chainId, address token, address account)
        external
        payable
        nonReentrant
        returns (uint64 index)
    {
        Owed memory o = owed[chainId][token][account];
        if (o.amount == 0) revert NothingOwed();
        delete owed[chainId][token][account];
        return _send(TokenTransfer(token, o.amount, chainId, account, chainId, account), msg.value + o.fee);
    }

    /// @inheritdoc ITokenBridge
    function depositFee(uint64 dstChainId, address token) external view returns (uint256) {
        return hub.minFee(dstChainId, _gas(_ledgers[dstChainId][token]), MAX_DATA);
    }

    /// @inheritdoc ITokenBridge
    function escrow(uint64 chainId, address token) external view returns (uint256) {
        return _ledgers[chainId][token].amount;
    }

    /// @notice ERC-165: hears of messages that come back.
    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(IMessageReturn).interfaceId || super.supportsInterface(id);
    }

    function _deposit(uint64 dstChainId, address token, uint256 amount, address to) private returns (uint64 index) {
        if (token.code.length == 0) revert NoToken(token);
        if (amount == 0) revert NothingSent();
        if (to == address(0)) revert ForbiddenRecipient(to);
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        if (received != amount) revert NotPlain(amount, received);
        index = _send(TokenTransfer(token, amount, uint64(block.chainid), msg.sender, dstChainId, to), msg.value);
        _enter(_ledgers[dstChainId][token], amount);
    }

    /// @dev Sends tokens that are about to be in the destination's ledger, or are there already. The metadata goes along each time: only the rollup knows whether it needs it.
    function _send(TokenTransfer memory t, uint256 fee) private returns (uint64 index) {
        Ledger storage ledger = _ledgers[t.dstChainId][t.token];
        uint64 gasLimit = _gas(ledger);
        ledger.announced = true;
        bytes memory data = abi.encodeCall(IL2TokenBridge.receiveTokens, (t, MetadataReader.read(t.token)));
        index = hub.sendMessage{value: fee}(t.dstChainId, BridgeAddresses.L2_TOKEN_BRIDGE, fee, gasLimit, data);
        emit TokensSent(t.token, t.srcChainId, t.dstChainId, t.from, t.to, t.amount, index);
    }

    /// @dev A ledger that is empty may be one whose first delivery came back.
    function _gas(Ledger storage ledger) private view returns (uint64) {
        return ledger.announced && ledger.amount != 0 ? DEPOSIT_GAS : FIRST_DEPOSIT_GAS;
    }

    function _enter(Ledger storage ledger, uint256 amount) private {
        ledger.amount = SafeCast.toUint248(ledger.amount + amount);
    }

    function _debit(uint64 chainId, address token, uint256 amount) private {
        Ledger storage ledger = _ledgers[chainId][token];
        uint256 before = ledger.amount;
        if (amount > before) revert TokenEscrowShort(before, amount);
        ledger.amount = uint248(before - amount);
    }

    function _release(uint64 src, address token, address to, address from, uint256 amount) private {
        if (to == address(this)) revert ForbiddenRecipient(to);
        emit TokensReleased(token, src, to, from, amount);
        IERC20(token).safeTransfer(to, amount);
    }

    /// @dev The source chain of the message that Hub delivers now, which must be one of `sender`.
    function _messageFrom(address sender) private view returns (uint64) {
        if (msg.sender != address(hub) || hub.messageSender() != sender) revert NotTheBridge();
        return hub.messageSource();
    }
}
