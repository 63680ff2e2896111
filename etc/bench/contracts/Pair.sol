// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

interface IToken {
    function balanceOf(address) external view returns (uint256);
    function transfer(address, uint256) external returns (bool);
    function transferFrom(address, address, uint256) external returns (bool);
}

/// A constant-product pool of two tokens at fixed addresses: the storage accesses of a swap on an exchange of today.
contract Pair {
    IToken constant TOKEN0 = IToken(0x000000000000000000000000000000000000B0a0);
    IToken constant TOKEN1 = IToken(0x000000000000000000000000000000000000B0a1);

    uint112 reserve0;
    uint112 reserve1;
    uint32 updatedAt;
    uint256 unlocked;

    event Swap(address indexed sender, uint256 amountIn, uint256 amountOut, bool zeroForOne, address indexed to);
    event Sync(uint112 reserve0, uint112 reserve1);

    function swap(uint256 amountIn, bool zeroForOne, address to) external {
        require(unlocked == 1, "locked");
        unlocked = 2;
        (uint256 r0, uint256 r1) = (reserve0, reserve1);
        (IToken tokenIn, IToken tokenOut) = zeroForOne ? (TOKEN0, TOKEN1) : (TOKEN1, TOKEN0);
        (uint256 rIn, uint256 rOut) = zeroForOne ? (r0, r1) : (r1, r0);
        require(tokenIn.transferFrom(msg.sender, address(this), amountIn), "in");
        uint256 withFee = amountIn * 997;
        uint256 amountOut = withFee * rOut / (rIn * 1000 + withFee);
        require(tokenOut.transfer(to, amountOut), "out");
        uint256 b0 = TOKEN0.balanceOf(address(this));
        uint256 b1 = TOKEN1.balanceOf(address(this));
        require(b0 * b1 >= r0 * r1, "k");
        (reserve0, reserve1, updatedAt) = (uint112(b0), uint112(b1), uint32(block.timestamp));
        emit Sync(uint112(b0), uint112(b1));
        emit Swap(msg.sender, amountIn, amountOut, zeroForOne, to);
        unlocked = 1;
    }
}
