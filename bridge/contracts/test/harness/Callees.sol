// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IMessageContext} from "../../src/interfaces/IMessageContext.sol";
import {IMessageReturn} from "../../src/interfaces/IMessageReturn.sol";

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

/// @notice A sender that wants to know what comes back.
contract Home is IERC165, IMessageReturn {
    address public caller;
    address public sender;
    uint64 public source;
    uint64 public dstChainId;
    uint64 public index;
    address public to;
    uint256 public value;
    bytes public data;
    uint256 public received;
    uint256 public calls;
    uint256 public plain;
    bytes public attack;
    bool public succeeded;
    bytes public answer;

    receive() external payable {
        ++plain;
    }

    function arm(bytes calldata attack_) external {
        attack = attack_;
    }

    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == type(IERC165).interfaceId || id == type(IMessageReturn).interfaceId;
    }

    function onMessageReturned(uint64 dstChainId_, uint64 index_, address to_, uint256 value_, bytes calldata data_)
        external
        payable
    {
        caller = msg.sender;
        sender = IMessageContext(msg.sender).messageSender();
        source = IMessageContext(msg.sender).messageSource();
        (dstChainId, index, to, value, data) = (dstChainId_, index_, to_, value_, data_);
        received += msg.value;
        ++calls;
        if (attack.length != 0) (succeeded, answer) = msg.sender.call(attack);
    }
}

/// @notice Answers `supportsInterface` in its own way; notes how long the calldata of everything else is.
contract Oracle {
    enum Answer {
        Reverts,
        Burns,
        Bomb,
        Short,
        AlwaysYes,
        Slow
    }

    Answer private immutable _answer;
    uint256 public calls;
    uint256 public length;

    constructor(Answer answer) {
        _answer = answer;
    }

    function supportsInterface(bytes4 id) external view returns (bool) {
        if (_answer == Answer.Reverts) revert("no");
        if (_answer == Answer.Burns) {
            assembly {
                invalid()
            }
        }
        if (_answer == Answer.Bomb) {
            assembly {
                return(0, 100000)
            }
        }
        if (_answer == Answer.Short) {
            assembly {
                mstore(0, not(0))
                return(0, 31)
            }
        }
        if (_answer == Answer.AlwaysYes) return true;
        // nearly all of the 30,000 gas that ERC-165 allows
        uint256 start = gasleft();
        while (start - gasleft() < 25_000) {}
        return id != 0xffffffff;
    }

    fallback() external payable {
        ++calls;
        length = msg.data.length;
    }
}

/// @notice Destroys itself when it is called, and sends what it has to `heir`.
contract Mortal {
    address payable private immutable _heir;

    constructor(address payable heir) {
        _heir = heir;
    }

    fallback() external payable {
        selfdestruct(_heir);
    }
}
