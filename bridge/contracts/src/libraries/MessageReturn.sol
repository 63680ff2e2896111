// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC165Checker} from "@openzeppelin/contracts/utils/introspection/ERC165Checker.sol";
import {Message} from "../Message.sol";
import {IMessageReturn} from "../interfaces/IMessageReturn.sol";

/// @notice What Hub and Messenger share about messages that go back to their sender (SPEC section 11). A message whose sender is the Messenger is such a return; nobody
/// else can send one in that name, and a return never goes back a second time.
library MessageReturn {
    /// @notice The Messenger, at the same address on every rollup, and the sender of every return.
    address internal constant MESSENGER = 0xBa5a170000000000000000000000000000000001;
    /// @notice Gas that a return asks for: enough for some new storage (EIP-8037: 97,920 each), little enough for every rollup.
    uint64 internal constant GAS = 400_000;
    /// @notice How much longer than a message of a user a return may be: it carries the whole message and five words.
    uint256 internal constant EXTRA_DATA = 1024;

    /// @notice Whether `m` is a return.
    function isReturn(Message calldata m) internal pure returns (bool) {
        return m.sender == MESSENGER;
    }

    /// @notice The data of the return of `m`.
    function dataOf(Message calldata m) internal pure returns (bytes memory) {
        return abi.encodeCall(IMessageReturn.onMessageReturned, (m.dstChainId, m.index, m.to, m.value, m.data));
    }

    /// @notice The data to call `m.to` with: the message's own, but nothing when it is a return and `m.to` does not know those.
    /// @dev At most three static calls of 30,000 gas. Whoever sends too little gas for them must not decide by that: the caller goes on with a {GuardedCall}, which
    /// reverts unless 210,000 gas are left, so each query had its 30,000 and EIP-150 withheld nothing.
    function callData(Message calldata m) internal view returns (bytes calldata) {
        if (!isReturn(m) || ERC165Checker.supportsInterface(m.to, type(IMessageReturn).interfaceId)) return m.data;
        return m.data[:0];
    }
}
