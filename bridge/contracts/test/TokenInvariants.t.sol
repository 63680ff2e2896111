// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message} from "../src/Message.sol";
import {IL2TokenBridge} from "../src/tokens/IL2TokenBridge.sol";
import {ITokenBridge} from "../src/tokens/ITokenBridge.sol";
import {TokenMetadata, TokenTransfer} from "../src/tokens/TokenTransfer.sol";
import {TestToken} from "./fixtures/TestToken.sol";
import {TokenWorld} from "./harness/TokenWorld.sol";
import {Test} from "./harness/Test.sol";

/// @notice Users of two tokens on L1, on rollup A (real contracts) and on rollup B (a ledger of paper that follows the rules), and rollup C, which says whatever it likes.
/// Messages are delivered in any order, refunded or returned instead, and tried again.
contract TokenHandler is TokenWorld {
    uint64 internal constant C = 1337_4;
    uint256 private constant USERS = 4;

    TestToken[2] public tokens;
    /// @dev messages under way, by the chain that is to take them; those for L1 by their source
    Message[] private _toA;
    Message[] private _toB;
    Message[] private _fromA;
    Message[] private _fromB;
    mapping(address token => mapping(address user => uint256)) public heldOnB;
    mapping(address token => uint256) public supplyOnB;
    mapping(address token => uint256) public givenToC;
    mapping(address token => uint256) public takenByC;
    mapping(address token => uint256) public minted;
    /// @dev tokens in messages to a rollup or out of it, as a running sum: the queues are long
    mapping(uint64 chain => mapping(address token => uint256)) public underWay;

    constructor() {
        setUp();
        hub.name(C, true);
        tokens[0] = token;
        tokens[1] = new TestToken("Other", "OTH", 6);
        for (uint256 t = 0; t < 2; ++t) {
            for (uint256 u = 0; u < USERS; ++u) {
                tokens[t].mint(user(u), 1e24);
                vm.prank(user(u));
                tokens[t].approve(address(vault), type(uint256).max);
            }
            minted[address(tokens[t])] = USERS * 1e24;
        }
    }

    function user(uint256 u) public pure returns (address) {
        return address(uint160(0xa000 + (u % USERS)));
    }

    function _token(uint256 t) private view returns (address) {
        return address(tokens[t % 2]);
    }

    function decode(bytes calldata data) external pure returns (TokenTransfer memory) {
        return abi.decode(data[4:], (TokenTransfer));
    }

    // ---------------------------------------------------------------------------------------- what users do

    function deposit(uint256 t, uint256 u, uint256 to, uint256 amount, uint256 where) external {
        address who = user(u);
        amount = amount % (1e20) + 1;
        uint64 dst = where % 8 < 4 ? A : where % 8 < 7 ? B : C;
        if (tokens[t % 2].balanceOf(who) < amount) return;
        vm.deal(who, FEE);
        vm.prank(who);
        vault.deposit{value: FEE}(dst, _token(t), amount, user(to));
        if (dst == C) givenToC[_token(t)] += amount;
        else _queue(_lastIn());
    }

    function leaveA(uint256 t, uint256 u, uint256 to, uint256 amount, bool further) external {
        if (address(_bridged(_token(t))).code.length == 0) return;
        address who = user(u);
        uint256 balance = _bridged(_token(t)).balanceOf(who);
        if (balance == 0) return;
        amount = amount % balance + 1;
        vm.chainId(A);
        vm.deal(who, FEE);
        vm.prank(who);
        if (further) L2_BRIDGE.transfer{value: FEE}(B, _token(t), amount, user(to), 0);
        else L2_BRIDGE.withdraw(_token(t), amount, user(to));
        vm.chainId(L1);
        _push(_fromA, A, _lastOut());
    }

    function leaveB(uint256 t, uint256 u, uint256 to, uint256 amount, uint256 where) external {
        address who = user(u);
        uint256 balance = heldOnB[_token(t)][who];
        if (balance == 0) return;
        amount = amount % balance + 1;
        heldOnB[_token(t)][who] -= amount;
        supplyOnB[_token(t)] -= amount;
        uint64 dst = where % 2 == 0 ? L1 : A;
        Message memory m = _forged(B, TokenTransfer(_token(t), amount, B, who, dst, user(to)));
        (m.to, m.value) = (address(vault), dst == L1 ? 0 : FEE);
        _push(_fromB, B, m);
    }

    // ---------------------------------------------------------------------------------------- what becomes of messages

    function takeOnA(uint256 i, uint256 outcome) external {
        if (_toA.length == 0) return;
        Message memory m = _remove(_toA, A, i);
        if (outcome % 4 == 0) {
            _backToL1(m, A, outcome);
        } else {
            (bool ok,) = _relay(m);
            require(ok, "takeOnA");
        }
    }

    function takeOnB(uint256 i, uint256 outcome) external {
        if (_toB.length == 0) return;
        Message memory m = _remove(_toB, B, i);
        if (outcome % 4 == 0) {
            _backToL1(m, B, outcome);
        } else {
            TokenTransfer memory t = this.decode(m.data);
            heldOnB[t.token][t.to] += t.amount;
            supplyOnB[t.token] += t.amount;
        }
    }

    function _backToL1(Message memory m, uint64 chain, uint256 outcome) private {
        (bool ok,) = _refund(m, chain, outcome % 8 == 0 ? 0 : 1000);
        require(ok, "refund");
        TokenTransfer memory t = this.decode(m.data);
        if (t.srcChainId == C) givenToC[t.token] += t.amount;
    }

    function takeFromA(uint256 i, uint256 outcome) external {
        if (_fromA.length == 0) return;
        Message memory m = _remove(_fromA, A, i);
        uint256 before = hub.count();
        (bool ok,) = outcome % 4 == 0 ? _returned(m) : _claim(m, A);
        require(ok, "takeFromA");
        if (hub.count() != before) _queue(_lastIn());
    }

    function takeFromB(uint256 i, uint256 outcome) external {
        if (_fromB.length == 0) return;
        Message memory m = _remove(_fromB, B, i);
        if (outcome % 4 == 0) {
            TokenTransfer memory t = this.decode(m.data);
            heldOnB[t.token][t.from] += t.amount;
            supplyOnB[t.token] += t.amount;
            return;
        }
        uint256 before = hub.count();
        (bool ok,) = _claim(m, B);
        require(ok, "takeFromB");
        if (hub.count() != before) _queue(_lastIn());
    }

    function sendBack(uint256 t, uint256 u, bool toA) external {
        uint64 chain = toA ? A : B;
        (uint256 amount,) = vault.owed(chain, _token(t), user(u));
        if (amount == 0) return;
        vm.deal(address(this), FEE);
        vault.sendBack{value: FEE}(chain, _token(t), user(u));
        _queue(_lastIn());
    }

    /// @dev C forges transfers and returns, of any amount, in anybody's name.
    function lie(uint256 t, uint256 amount, uint64 src, uint64 dst, bool isReturn, uint256 u) external {
        uint64[5] memory chains = [L1, A, B, C, 9];
        amount = amount % (3 * (vault.escrow(C, _token(t)) + 1));
        TokenTransfer memory x =
            TokenTransfer(_token(t), amount, chains[src % 5], user(u), chains[dst % 5], user(u % USERS + 1));
        Message memory m = _forged(C, x);
        m.to = address(vault);
        m.value = FEE;
        uint256 before = hub.count();
        bool ok;
        if (isReturn) {
            m.data = abi.encodeCall(IL2TokenBridge.receiveTokens, (x, TokenMetadata("", "", 0)));
            (m.sender, m.to, m.dstChainId) = (address(vault), address(L2_BRIDGE), C);
            (ok,) = _refund(m, C, 0);
        } else {
            (ok,) = _claim(m, C);
        }
        if (!ok) return;
        takenByC[_token(t)] += amount;
        uint64 to = isReturn ? x.srcChainId : x.dstChainId;
        if (to == C) givenToC[_token(t)] += amount;
        if (hub.count() == before) return;
        if (to != C) _queue(_lastIn());
    }

    // ---------------------------------------------------------------------------------------- for the invariants

    function owedOn(uint64 chain, address t) external view returns (uint256 sum, uint256 fees) {
        for (uint256 u = 0; u < USERS; ++u) {
            (uint256 amount, uint256 fee) = vault.owed(chain, t, user(u));
            (sum, fees) = (sum + amount, fees + fee);
        }
    }

    function supplyOnA(address t) external view returns (uint256) {
        return address(_bridged(t)).code.length == 0 ? 0 : _bridged(t).totalSupply();
    }

    function onL1(address t) external view returns (uint256 sum) {
        for (uint256 u = 0; u < USERS; ++u) {
            sum += TestToken(t).balanceOf(user(u));
        }
    }

    function keptOnL1() external view returns (uint256 sum) {
        for (uint256 u = 0; u < USERS; ++u) {
            sum += vault.keptEther(user(u));
        }
    }

    function theVault() external view returns (ITokenBridge) {
        return vault;
    }

    /// @dev A message that Hub took, to A or B.
    function _queue(Message memory m) private {
        if (m.dstChainId == A) _push(_toA, A, m);
        else if (m.dstChainId == B) _push(_toB, B, m);
    }

    function _push(Message[] storage queue, uint64 chain, Message memory m) private {
        queue.push(m);
        TokenTransfer memory t = this.decode(m.data);
        underWay[chain][t.token] += t.amount;
    }

    function _remove(Message[] storage queue, uint64 chain, uint256 i) private returns (Message memory m) {
        i %= queue.length;
        m = queue[i];
        queue[i] = queue[queue.length - 1];
        queue.pop();
        TokenTransfer memory t = this.decode(m.data);
        underWay[chain][t.token] -= t.amount;
    }
}

/// @notice Each names the guard whose removal lets it fail.
contract TokenInvariants is Test {
    uint64 private constant L1 = 1337_1;
    uint64 private constant A = 1337_2;
    uint64 private constant B = 1337_3;
    uint64 private constant C = 1337_4;

    TokenHandler private _handler;
    ITokenBridge private _vault;

    function setUp() public {
        _handler = new TokenHandler();
        _vault = _handler.theVault();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](9);
        selectors[0] = TokenHandler.deposit.selector;
        selectors[1] = TokenHandler.leaveA.selector;
        selectors[2] = TokenHandler.leaveB.selector;
        selectors[3] = TokenHandler.takeOnA.selector;
        selectors[4] = TokenHandler.takeOnB.selector;
        selectors[5] = TokenHandler.takeFromA.selector;
        selectors[6] = TokenHandler.takeFromB.selector;
        selectors[7] = TokenHandler.sendBack.selector;
        selectors[8] = TokenHandler.lie.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_handler), selectors);
    }

    /// @dev What forge asks for by name.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    /// forge-config: default.invariant.runs = 256
    /// forge-config: default.invariant.depth = 500
    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_tokens() public view {
        _the_vault_holds_the_sum_of_all_ledgers();
        _each_ledger_covers_supply_messages_and_debts();
        _a_lying_rollup_moves_its_own_only();
        _tokens_are_conserved();
        _the_vaults_ether_is_accounted_for();
    }

    function _escrows(address t) private view returns (uint256) {
        return
            _vault.escrow(A, t) + _vault.escrow(B, t) + _vault.escrow(C, t) + _vault.escrow(9, t) + _vault.escrow(L1, t);
    }

    /// @dev The sum of all ledgers is what the vault holds. (`_debit` in receiveTokens; the credit in onMessageReturned; sendBack, which enters nothing.)
    function _the_vault_holds_the_sum_of_all_ledgers() private view {
        for (uint256 i = 0; i < 2; ++i) {
            TestToken t = _handler.tokens(i);
            vm.assertEq(t.balanceOf(address(_vault)), _escrows(address(t)), "vault");
        }
    }

    /// @dev A rollup's ledger is its supply and what is under way or owed: nothing is minted without cover, nothing is forgotten. (`delete owed` in sendBack; the burn in
    /// L2TokenBridge; the mint of its onMessageReturned.)
    function _each_ledger_covers_supply_messages_and_debts() private view {
        for (uint256 i = 0; i < 2; ++i) {
            address t = address(_handler.tokens(i));
            (uint256 owed,) = _handler.owedOn(A, t);
            vm.assertEq(_vault.escrow(A, t), _handler.supplyOnA(t) + _handler.underWay(A, t) + owed, "A");
            (owed,) = _handler.owedOn(B, t);
            vm.assertEq(_vault.escrow(B, t), _handler.supplyOnB(t) + _handler.underWay(B, t) + owed, "B");
        }
    }

    /// @dev Whatever C says, it moves what it was given and no more. (The ledger that `_debit` looks at is that of the message's source.)
    function _a_lying_rollup_moves_its_own_only() private view {
        for (uint256 i = 0; i < 2; ++i) {
            address t = address(_handler.tokens(i));
            vm.assertEq(_handler.givenToC(t), _vault.escrow(C, t) + _handler.takenByC(t), "C");
        }
    }

    /// @dev No token is lost or made: users' balances on L1 and the vault are all there is. (The measurement of what the vault gets.)
    function _tokens_are_conserved() private view {
        for (uint256 i = 0; i < 2; ++i) {
            TestToken t = _handler.tokens(i);
            vm.assertEq(_handler.onL1(address(t)) + t.balanceOf(address(_vault)), _handler.minted(address(t)), "all");
        }
    }

    /// @dev The vault's ether is what is owed with tokens or kept for who did not take it. (`delete owed` in sendBack.)
    function _the_vaults_ether_is_accounted_for() private view {
        uint256 fees = _handler.keptOnL1();
        uint64[5] memory chains = [L1, A, B, C, 9];
        for (uint256 i = 0; i < 2; ++i) {
            for (uint256 c = 0; c < 5; ++c) {
                (, uint256 fee) = _handler.owedOn(chains[c], address(_handler.tokens(i)));
                fees += fee;
            }
        }
        vm.assertEq(address(_vault).balance, fees, "ether");
    }
}
