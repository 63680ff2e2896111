// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IMessageContext} from "../../src/interfaces/IMessageContext.sol";

/// @notice Contracts that a message may meet.
contract Reverter {
    bool public healed;

    function heal() external {
        healed = true;
    }

    fallback() external payable {
        require(healed, "not yet");
    }
}

contract Burner {
    fallback() external payable {
        assembly {
            invalid()
        }
    }
}

/// @notice Returns, or reverts with, as much memory as its gas can pay for.
contract Bomb {
    bool private immutable _revert;

    constructor(bool revert_) {
        _revert = revert_;
    }

    fallback() external payable {
        bool r = _revert;
        assembly {
            if r { revert(0, 1000000) }
            return(0, 1000000)
        }
    }
}

/// @notice Notes who called and what the bridge says about it.
contract Recorder {
    address public sender;
    uint64 public source;
    uint256 public gasSeen;
    uint256 public received;
    bytes public data;
    uint256[] public order;

    function note(uint256 n) external payable {
        gasSeen = gasleft();
        order.push(n);
        received += msg.value;
        sender = IMessageContext(msg.sender).messageSender();
        source = IMessageContext(msg.sender).messageSource();
    }

    function length() external view returns (uint256) {
        return order.length;
    }
}

/// @notice Calls back into the bridge with bytes it was given, and keeps the answer.
contract Reenterer {
    bytes public attack;
    bool public tried;
    bool public succeeded;
    bytes public answer;

    function arm(bytes calldata attack_) external {
        attack = attack_;
    }

    fallback() external payable {
        tried = true;
        (succeeded, answer) = msg.sender.call(attack);
    }
}

/// @notice A relayer that takes no ether.
contract Poor {
    function run(address target, bytes calldata data) external {
        (bool ok, bytes memory reason) = target.call(data);
        if (!ok) {
            assembly {
                revert(add(reason, 0x20), mload(reason))
            }
        }
    }
}
