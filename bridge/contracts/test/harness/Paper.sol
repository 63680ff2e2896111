// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message} from "../../src/Message.sol";

/// @notice Hub or Messenger of paper, for tests of what stands on them: keeps what is sent, and delivers what the test says in whose name it says. Its `minFee` is a wei per
/// unit of gas; chains that were not named are unknown.
contract PaperBridge {
    Message[] private _sent;
    mapping(uint64 => bool) public known;
    address private _sender;
    uint64 private _source;

    error UnknownRollup(uint64 chainId);
    error FeeTooLow(uint256 needed, uint256 given);
    error NoMessage();

    receive() external payable {}

    function name(uint64 chainId, bool known_) external {
        known[chainId] = known_;
    }

    function count() external view returns (uint256) {
        return _sent.length;
    }

    function sent(uint256 i) external view returns (Message memory) {
        return _sent[i];
    }

    function messageSender() external view returns (address) {
        if (_source == 0) revert NoMessage();
        return _sender;
    }

    function messageSource() external view returns (uint64) {
        if (_source == 0) revert NoMessage();
        return _source;
    }

    function minFee(uint64 dst, uint64 gasLimit, uint256 length) public view returns (uint256) {
        if (!known[dst]) revert UnknownRollup(dst);
        return gasLimit + length;
    }

    function sendMessage(uint64 dst, address to, uint256 fee, uint64 gasLimit, bytes calldata data)
        external
        payable
        returns (uint64 index)
    {
        uint256 needed = minFee(dst, gasLimit, data.length);
        // the rollup's outbox takes any fee, Hub does not
        if (fee < needed && !cheap) revert FeeTooLow(needed, fee);
        index = uint64(_sent.length);
        _sent.push(Message(uint64(block.chainid), dst, index, msg.sender, to, msg.value - fee, fee, gasLimit, data));
    }

    /// @notice While true any fee is good enough.
    bool public cheap;

    function setCheap(bool cheap_) external {
        cheap = cheap_;
    }

    /// @notice Calls `to` as a delivery of a message of `sender` on `source`; tells whether it succeeded.
    function deliver(address sender, uint64 source, address to, uint256 value, bytes calldata data)
        external
        returns (bool ok, bytes memory answer)
    {
        (_sender, _source) = (sender, source);
        (ok, answer) = to.call{value: value}(data);
        (_sender, _source) = (address(0), 0);
    }
}
