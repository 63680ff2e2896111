// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IMessageReturn} from "../interfaces/IMessageReturn.sol";
import {IMessenger} from "../interfaces/IMessenger.sol";
import {BridgeAddresses} from "../libraries/BridgeAddresses.sol";
import {L1Side} from "../L1Side.sol";
import {BridgedToken} from "./BridgedToken.sol";
import {IL2TokenBridge} from "./IL2TokenBridge.sol";
import {ITokenBridge} from "./ITokenBridge.sol";
import {KeptEther} from "../KeptEther.sol";
import {TokenMetadata, TokenTransfer} from "./TokenTransfer.sol";

/// @title The L2 end of the token bridge
/// @notice Mints what L1's token bridge has locked and burns what goes back. Tokens are clones of one contract, at addresses that follow from the L1 token's.
/// @dev No constructor and no immutables: genesis puts the code here, and into slot 0 the L1 side (L1Side).
contract L2TokenBridge is L1Side, IL2TokenBridge, IMessageReturn, ReentrancyGuardTransient, ERC165, KeptEther {
    /// @notice Gas that L1 needs at least to pay out: two ledgers, an ERC-20 transfer to a new holder (EIP-8037).
    uint64 public constant RELEASE_GAS = 350_000;
    /// @notice Gas that L1 needs at least to send on: the metadata, two ledgers, an inbox entry.
    uint64 public constant FORWARD_GAS = 700_000;

    IMessenger private constant MESSENGER = IMessenger(BridgeAddresses.MESSENGER);

    /// @inheritdoc IL2TokenBridge
    function withdraw(address token, uint256 amount, address to) external payable nonReentrant returns (uint64 index) {
        if (to == l1Contract) revert ForbiddenRecipient(to);
        return _send(l1ChainId, token, amount, to, msg.value, RELEASE_GAS);
    }

    /// @inheritdoc IL2TokenBridge
    function transfer(uint64 dstChainId, address token, uint256 amount, address to, uint256 claimFee)
        external
        payable
        nonReentrant
        returns (uint64 index)
    {
        if (dstChainId == block.chainid || dstChainId == l1ChainId) revert WrongDestination(dstChainId);
        if (claimFee > msg.value) revert FeeExceedsValue(claimFee, msg.value);
        return _send(dstChainId, token, amount, to, claimFee, FORWARD_GAS);
    }

    /// @inheritdoc IL2TokenBridge
    function receiveTokens(TokenTransfer calldata t, TokenMetadata calldata metadata) external nonReentrant {
        _checkMessage(l1Contract);
        if (t.dstChainId != block.chainid) revert NotTheBridge();
        BridgedToken bridged = BridgedToken(bridgedToken(t.token));
        if (address(bridged).code.length == 0) {
            Clones.cloneDeterministicWithImmutableArgs(BridgeAddresses.BRIDGED_TOKEN, abi.encodePacked(t.token), 0);
            bridged.initialize(metadata);
            emit TokenCreated(t.token, address(bridged), metadata.name, metadata.symbol, metadata.decimals);
        }
        bridged.crosschainMint(t.to, t.amount);
        emit TokensReceived(t.token, t.srcChainId, t.to, t.from, t.amount);
    }

    /// @inheritdoc IMessageReturn
    /// @dev Our messages go to L1 only, so only Hub returns them; it has seen that the message was ours, so the data is.
    function onMessageReturned(uint64 dstChainId, uint64, address to, uint256, bytes calldata data)
        external
        payable
        nonReentrant
    {
        _checkMessage(BridgeAddresses.MESSENGER);
        if (dstChainId != l1ChainId || to != l1Contract || bytes4(data) != ITokenBridge.receiveTokens.selector) {
            revert NotTheBridge();
        }
        TokenTransfer memory t = abi.decode(data[4:], (TokenTransfer));
        if (t.srcChainId != block.chainid) revert NotTheBridge();
        BridgedToken(bridgedToken(t.token)).crosschainMint(t.from, t.amount);
        emit TokensReturned(t.token, t.dstChainId, t.from, t.amount);
        _give(t.from, msg.value);
    }

    /// @inheritdoc IL2TokenBridge
    function bridgedToken(address token) public view returns (address) {
        return
            Clones.predictDeterministicAddressWithImmutableArgs(
                BridgeAddresses.BRIDGED_TOKEN, abi.encodePacked(token), 0
            );
    }

    /// @notice ERC-165: hears of messages that come back.
    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(IMessageReturn).interfaceId || super.supportsInterface(id);
    }

    function _send(uint64 dstChainId, address token, uint256 amount, address to, uint256 fee, uint64 gasLimit)
        private
        returns (uint64 index)
    {
        if (amount == 0) revert NothingSent();
        if (to == address(0)) revert ForbiddenRecipient(to);
        address bridged = bridgedToken(token);
        if (bridged.code.length == 0) revert UnknownToken(token);
        BridgedToken(bridged).crosschainBurn(msg.sender, amount);
        TokenTransfer memory t = TokenTransfer(token, amount, uint64(block.chainid), msg.sender, dstChainId, to);
        index = MESSENGER.sendMessage{value: msg.value}(
            l1ChainId, l1Contract, fee, gasLimit, abi.encodeCall(ITokenBridge.receiveTokens, (t))
        );
        emit TokensSent(token, dstChainId, msg.sender, to, amount, index);
    }

    /// @dev The call must be a message of `sender` on L1.
    function _checkMessage(address sender) private view {
        if (
            msg.sender != address(MESSENGER) || MESSENGER.messageSender() != sender
                || MESSENGER.messageSource() != l1ChainId
        ) revert NotTheBridge();
    }
}
