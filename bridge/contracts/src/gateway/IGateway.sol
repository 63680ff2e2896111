// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC7786GatewaySource} from "@openzeppelin/contracts/interfaces/draft-IERC7786.sol";

/// @notice Attributes that a message may carry, as ERC-7786 wants them: ABI calls whose selectors name them.
interface IGatewayAttributes {
    /// @notice Gas that the recipient gets at least; DEFAULT_GAS without this attribute.
    function gasLimit(uint64 gas) external;
    /// @notice How much of msg.value goes to whoever delivers the message; the rest is the message's value. Without this attribute: on L1 what Hub demands, on a rollup zero.
    function fee(uint256 amount) external;
}

/// @notice Our messages as ERC-7786 has them, the same on L1 and on every rollup (SPEC section 16). Chains and accounts are ERC-7930 addresses of EVM chains.
interface IGateway is IERC7786GatewaySource {
    /// @notice A message that could not be delivered came back; its ether went to `sender`, or waits for it in `withdrawKept`.
    event MessageReturned(bytes32 indexed receiveId, address indexed sender, uint256 value);

    /// @notice The recipient is not an account of an EVM chain, in ERC-7930's words.
    error WrongRecipient(bytes recipient);
    /// @notice The attribute's data is not that of its selector.
    error WrongAttribute(bytes attribute);
    /// @notice The fee is more than the wei sent along.
    error FeeExceedsValue(uint256 fee, uint256 sent);
    /// @notice Not a message of the other gateway.
    error NotTheGateway();
    /// @notice The recipient did not answer with the selector of `receiveMessage`.
    error NotReceived(address recipient);

    /// @notice Hands a message to its recipient. Only Hub, or the Messenger, with a message of the gateway on another chain.
    /// @param receiveId unique on the sender's chain
    /// @param sender who called `sendMessage` there
    /// @param recipient an `IERC7786Recipient` on this chain
    /// @param payload as given
    function deliver(bytes32 receiveId, address sender, address recipient, bytes calldata payload) external payable;

    /// @notice How many messages were sent from here.
    function sentCount() external view returns (uint256);
}
