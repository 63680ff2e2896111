// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {GuardedCall} from "./libraries/GuardedCall.sol";
import {IKeptEther} from "./interfaces/IKeptEther.sol";

/// @notice Pays ether to accounts that may refuse it, without ever failing for that.
abstract contract KeptEther is IKeptEther {
    /// @dev Gas of a payment: little enough that what follows a callee that burns it is certain, enough for a wallet's receive function.
    uint256 private constant PAY_GAS = 50_000;

    /// @inheritdoc IKeptEther
    mapping(address owner => uint256) public keptEther;

    /// @inheritdoc IKeptEther
    function withdrawKept(address to) external {
        uint256 amount = keptEther[msg.sender];
        if (amount == 0) revert NothingKept();
        delete keptEther[msg.sender];
        if (!GuardedCall.pay(to, amount)) revert NothingKept();
    }

    /// @dev Whoever hands in too little gas can make the payment fail; then it is kept, not lost.
    function _give(address owner, uint256 amount) internal {
        if (amount == 0) return;
        bool ok;
        assembly ("memory-safe") {
            ok := call(PAY_GAS, owner, amount, 0x00, 0x00, 0x00, 0x00)
        }
        if (ok) return;
        keptEther[owner] += amount;
        emit EtherKept(owner, amount);
    }
}
