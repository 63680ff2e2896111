// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice Takes one percent of each transfer.
contract FeeToken is ERC20("Fee", "FEE") {
    constructor() {
        _mint(msg.sender, 1e24);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (from != address(0) && to != address(0)) {
            super._update(from, address(0xfee), value / 100);
            value -= value / 100;
        }
        super._update(from, to, value);
    }
}

/// @notice Halves every balance when it is told to.
contract RebasingToken is ERC20("Rebase", "RB") {
    uint256 private _shift;

    constructor() {
        _mint(msg.sender, 1e24);
    }

    function halve() external {
        ++_shift;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return super.balanceOf(account) >> _shift;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value << _shift);
    }
}

/// @notice Calls sender and receiver around each transfer, as ERC-777 does, with bytes they have given.
contract HookedToken is ERC20("Hooked", "HOOK") {
    struct Hook {
        address target;
        bytes data;
    }

    Hook public before;
    Hook public afterwards;
    bool public tried;
    bool public succeeded;

    constructor() {
        _mint(msg.sender, 1e24);
    }

    function arm(address target, bytes calldata data, bool first) external {
        (tried, succeeded) = (false, false);
        delete before;
        delete afterwards;
        if (first) before = Hook(target, data);
        else afterwards = Hook(target, data);
    }

    function _update(address from, address to, uint256 value) internal override {
        _call(before);
        super._update(from, to, value);
        _call(afterwards);
    }

    function _call(Hook memory hook) private {
        if (hook.target == address(0)) return;
        tried = true;
        (succeeded,) = hook.target.call(hook.data);
    }
}

/// @notice Refuses transfers to and from whom it has listed.
contract BlockingToken is ERC20("Blocking", "BLK") {
    mapping(address => bool) public blocked;

    constructor() {
        _mint(msg.sender, 1e24);
    }

    function set(address account, bool blocked_) external {
        blocked[account] = blocked_;
    }

    function _update(address from, address to, uint256 value) internal override {
        require(!blocked[from] && !blocked[to], "blocked");
        super._update(from, to, value);
    }
}

/// @notice Answers transfers with a number of words of one value; zero words is what USDT does. It has no name, symbol or decimals.
contract OddToken {
    uint256 public words;
    uint256 public word;
    mapping(address => uint256) public balanceOf;

    constructor(uint256 words_, uint256 word_) {
        (words, word) = (words_, word_);
        balanceOf[msg.sender] = 1e24;
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        _move(from, to, amount);
    }

    function set(uint256 words_, uint256 word_) external {
        (words, word) = (words_, word_);
    }

    function _move(address from, address to, uint256 amount) private {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        (uint256 n, uint256 w) = (words, word);
        assembly {
            for { let i := 0 } lt(i, n) { i := add(i, 1) } { mstore(mul(i, 0x20), w) }
            return(0, mul(n, 0x20))
        }
    }
}

/// @notice A token whose name, symbol and decimals answer exactly the bytes it was given, or burn all gas.
contract MetadataToken is ERC20("", "") {
    bytes private _answer;
    bool private _burns;

    constructor(bytes memory answer, bool burn) {
        _answer = answer;
        _burns = burn;
        _mint(msg.sender, 1e24);
    }

    function name() public view override returns (string memory) {
        _say();
    }

    function symbol() public view override returns (string memory) {
        _say();
    }

    function decimals() public view override returns (uint8) {
        _say();
    }

    function _say() private view {
        if (_burns) {
            assembly {
                invalid()
            }
        }
        bytes memory answer = _answer;
        assembly {
            return(add(answer, 0x20), mload(answer))
        }
    }
}

/// @notice Answers a megabyte to everything about its name.
contract BombToken is ERC20("", "") {
    constructor() {
        _mint(msg.sender, 1e24);
    }

    function name() public pure override returns (string memory) {
        _boom();
    }

    function symbol() public pure override returns (string memory) {
        _boom();
    }

    function decimals() public pure override returns (uint8) {
        _boom();
    }

    function _boom() private pure {
        assembly {
            mstore(0x00, 0x20)
            mstore(0x20, 8000)
            return(0x00, 8000)
        }
    }
}

/// @notice A token with more to say than anybody keeps.
contract LongToken is
    ERC20(
        "A token whose name is so long that it takes all of the sixty-four bytes",
        "SYMBOLSYMBOLSYMBOLSYMBOLSYMBOLSYMBOL"
    )
{
    constructor() {
        _mint(msg.sender, 1e24);
    }
}
