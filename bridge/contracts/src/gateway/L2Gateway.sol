// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IMessageContext} from "../interfaces/IMessageContext.sol";
import {IMessenger} from "../interfaces/IMessenger.sol";
import {BridgeAddresses} from "../libraries/BridgeAddresses.sol";
import {L1Side} from "../L1Side.sol";
import {Gateway} from "./Gateway.sol";

/// @title ERC-7786 gateway on a rollup
/// @notice Messages between contracts of this rollup, of L1 and of the other rollups. Predeployed at 0xBa5a170000000000000000000000000000000005.
/// @dev No constructor and no immutables: genesis puts the code here, and into slot 0 the L1 side (L1Side).
contract L2Gateway is L1Side, Gateway {
    function _bridge() internal pure override returns (IMessageContext) {
        return IMessageContext(BridgeAddresses.MESSENGER);
    }

    function _gatewayOf(uint64 chainId) internal view override returns (address) {
        return chainId == l1ChainId ? l1Contract : BridgeAddresses.L2_GATEWAY;
    }

    /// @dev Whoever claims on L1 may do so for nothing; what another rollup demands is not known here.
    function _defaultFee(uint64, uint64, uint256) internal pure override returns (uint256) {
        return 0;
    }

    function _send(uint64 dst, uint64 gasLimit, uint256 fee, bytes memory data) internal override {
        IMessenger(BridgeAddresses.MESSENGER).sendMessage{value: msg.value}(dst, _gatewayOf(dst), fee, gasLimit, data);
    }
}
