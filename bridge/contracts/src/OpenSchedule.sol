// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IProposerSchedule} from "./interfaces/IProposerSchedule.sol";

/// @notice Anyone may advance; L1 orders. Nobody can promise anything, so there are no preconfirmations.
contract OpenSchedule is IProposerSchedule {
    /// @inheritdoc IProposerSchedule
    function mayAdvance(uint64, address) external pure returns (bool) {
        return true;
    }
}
