// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// OpenZeppelin's token as most tokens have it. Balances come from genesis (mapping in slot 0), so there is no mint.
contract Token is ERC20("Bench", "BNC") {}
