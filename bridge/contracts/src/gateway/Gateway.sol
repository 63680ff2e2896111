// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC7786GatewaySource, IERC7786Recipient} from "@openzeppelin/contracts/interfaces/draft-IERC7786.sol";
import {InteroperableAddress} from "@openzeppelin/contracts/utils/draft-InteroperableAddress.sol";
import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {IMessageContext} from "../interfaces/IMessageContext.sol";
import {IMessageReturn} from "../interfaces/IMessageReturn.sol";
import {BridgeAddresses} from "../libraries/BridgeAddresses.sol";
import {KeptEther} from "../KeptEther.sol";
import {IGateway, IGatewayAttributes} from "./IGateway.sol";

/// @notice What both gateways share. A message of ours to the gateway on the other chain, which knows that it speaks for whoever called it there.
/// @dev No state but a counter and ether that was not taken; a recipient may send messages from within `receiveMessage`.
abstract contract Gateway is IGateway, IMessageReturn, KeptEther, ERC165 {
    using InteroperableAddress for bytes;

    /// @notice Gas that a recipient gets when no attribute says more.
    uint64 public constant DEFAULT_GAS = 300_000;
    /// @notice Gas that a delivery takes beside the recipient's, for each kilobyte of payload a little more.
    uint64 public constant OVERHEAD_GAS = 40_000;

    /// @inheritdoc IGateway
    uint256 public sentCount;

    /// @inheritdoc IERC7786GatewaySource
    function sendMessage(bytes calldata recipient, bytes calldata payload, bytes[] calldata attributes)
        external
        payable
        returns (bytes32)
    {
        (bool ok, uint256 chainId, address account) = recipient.tryParseEvmV1Calldata();
        if (!ok || chainId > type(uint64).max || account == address(0)) revert WrongRecipient(recipient);
        uint64 dst = uint64(chainId);
        bytes32 receiveId = keccak256(abi.encode(block.chainid, sentCount++));
        bytes memory data = abi.encodeCall(IGateway.deliver, (receiveId, msg.sender, account, payload));
        (uint64 gasLimit, uint256 fee) = _read(attributes, dst, data.length);
        if (fee > msg.value) revert FeeExceedsValue(fee, msg.value);
        _send(dst, gasLimit, fee, data);
        emit MessageSent(
            0,
            InteroperableAddress.formatEvmV1(block.chainid, msg.sender),
            recipient,
            payload,
            msg.value - fee,
            attributes
        );
        // Zero: nobody has to do anything at this gateway any more.
        return 0;
    }

    /// @inheritdoc IGateway
    function deliver(bytes32 receiveId, address sender, address recipient, bytes calldata payload) external payable {
        IMessageContext bridge = _bridge();
        if (msg.sender != address(bridge)) revert NotTheGateway();
        uint64 source = bridge.messageSource();
        if (bridge.messageSender() != _gatewayOf(source)) revert NotTheGateway();
        bytes memory from = InteroperableAddress.formatEvmV1(source, sender);
        bytes4 answer = IERC7786Recipient(recipient).receiveMessage{value: msg.value}(receiveId, from, payload);
        if (answer != IERC7786Recipient.receiveMessage.selector) revert NotReceived(recipient);
    }

    /// @inheritdoc IMessageReturn
    /// @dev A broken rollup may claim that anything came back: it pays for it out of its own escrow, so whom the ether goes to is all that is read.
    function onMessageReturned(uint64, uint64, address, uint256, bytes calldata data) external payable {
        IMessageContext bridge = _bridge();
        if (msg.sender != address(bridge) || bridge.messageSender() != BridgeAddresses.MESSENGER) {
            revert NotTheGateway();
        }
        (bytes32 receiveId, address sender) = abi.decode(data[4:], (bytes32, address));
        emit MessageReturned(receiveId, sender, msg.value);
        _give(sender, msg.value);
    }

    /// @inheritdoc IERC7786GatewaySource
    function supportsAttribute(bytes4 selector) public pure returns (bool) {
        return selector == IGatewayAttributes.gasLimit.selector || selector == IGatewayAttributes.fee.selector;
    }

    /// @notice ERC-165: hears of messages that come back.
    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(IMessageReturn).interfaceId || super.supportsInterface(id);
    }

    /// @dev Gas for the recipient and for `deliver` around it, and the fee. When an attribute stands twice the last one counts.
    function _read(bytes[] calldata attributes, uint64 dst, uint256 length)
        private
        view
        returns (uint64 gasLimit, uint256 fee)
    {
        gasLimit = DEFAULT_GAS;
        bool stated;
        for (uint256 i = 0; i < attributes.length; ++i) {
            bytes calldata attribute = attributes[i];
            if (attribute.length < 4 || !supportsAttribute(bytes4(attribute))) {
                revert UnsupportedAttribute(bytes4(attribute));
            }
            if (attribute.length != 36) revert WrongAttribute(attribute);
            uint256 value = uint256(bytes32(attribute[4:]));
            if (bytes4(attribute) == IGatewayAttributes.fee.selector) {
                (fee, stated) = (value, true);
            } else {
                if (value > type(uint32).max) revert WrongAttribute(attribute);
                gasLimit = uint64(value);
            }
        }
        // EIP-150 keeps a 64th back at `deliver`'s call; its copy of the payload takes a few gas for each word.
        gasLimit += gasLimit / 63 + OVERHEAD_GAS + uint64(length);
        if (!stated) fee = _defaultFee(dst, gasLimit, length);
    }

    /// @dev Hub or Messenger.
    function _bridge() internal view virtual returns (IMessageContext);

    /// @dev The gateway on another chain; on a rollup that nobody knows, code that speaks for that rollup alone.
    function _gatewayOf(uint64 chainId) internal view virtual returns (address);

    /// @dev What a message costs when its sender does not say.
    function _defaultFee(uint64 dst, uint64 gasLimit, uint256 length) internal view virtual returns (uint256);

    /// @dev Sends all of msg.value with `data` to the gateway on `dst`.
    function _send(uint64 dst, uint64 gasLimit, uint256 fee, bytes memory data) internal virtual;
}
