// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A sender that wants to be told which of its messages came back (SPEC section 11). Optional: who does not say by ERC-165 that it supports this interface gets
/// the value of the returned message by a call without data.
/// @dev The callee must check three things before it believes a word: `msg.sender` is Hub (on L1) or the Messenger (on a rollup); its `messageSender()` is the Messenger's
/// address; its `messageSource()` is `dstChainId`, the chain that was to deliver the message, or L1, where Hub sends back what can never be taken there. A broken rollup
/// can say anything in its own name, also that it returns what it never got: believe it only as far as its own ledger goes.
interface IMessageReturn {
    /// @notice A message that this contract had sent could not be delivered and comes back, with at most 400,000 gas for this call on a rollup and at least as much on L1.
    /// @param dstChainId where it was to be delivered
    /// @param index its index, as in the message that failed
    /// @param to account that was to be called
    /// @param value wei of the message. msg.value is at least that: the fee comes along when nobody has earned it
    /// @param data calldata of the message
    function onMessageReturned(uint64 dstChainId, uint64 index, address to, uint256 value, bytes calldata data)
        external
        payable;
}
