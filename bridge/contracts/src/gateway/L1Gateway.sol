// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IHub} from "../interfaces/IHub.sol";
import {IMessageContext} from "../interfaces/IMessageContext.sol";
import {BridgeAddresses} from "../libraries/BridgeAddresses.sol";
import {Gateway} from "./Gateway.sol";

/// @title ERC-7786 gateway on L1
/// @notice Messages between contracts of L1 and those of every rollup of one Hub. No owner.
contract L1Gateway is Gateway {
    /// @notice Hub, which carries the messages.
    IHub public immutable hub;

    constructor(IHub hub_) {
        hub = hub_;
    }

    function _bridge() internal view override returns (IMessageContext) {
        return hub;
    }

    function _gatewayOf(uint64) internal pure override returns (address) {
        return BridgeAddresses.L2_GATEWAY;
    }

    function _defaultFee(uint64 dst, uint64 gasLimit, uint256 length) internal view override returns (uint256) {
        return hub.minFee(dst, gasLimit, length);
    }

    function _send(uint64 dst, uint64 gasLimit, uint256 fee, bytes memory data) internal override {
        hub.sendMessage{value: msg.value}(dst, BridgeAddresses.L2_GATEWAY, fee, gasLimit, data);
    }
}
