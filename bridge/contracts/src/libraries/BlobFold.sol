// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Evaluates the polynomial of an EIP-4844 blob at a point, from the bytes it carries, without any inversion (SPEC section 8).
/// @dev A blob is a list of 4,096 evaluations f(w^bitrev(i)), so neighbours are f(x) and f(-x), and the sum and difference of the two give the even and the odd half of f:
/// one step turns 4,096 evaluations of f into 2,048 evaluations of a polynomial of half the degree. Twelve steps lead to f(z). Here two steps are taken at once: with
/// s = z / x and I = w^-1024 (a fourth root of one), four neighbours a, b, c, d become
///   (a+b) + (c+d) + s·((a-b) + I(c-d)) + s²·((a+b) - (c+d)) + s³·((a-b) - I(c-d)),
/// the halvings left out; six such steps and one multiplication by 2^-12 at the end. An element that is zero costs nothing when all behind it are zero too: the work is
/// proportional to the data, not to the blob. `bridge/vectors/eval.json` holds values of the barycentric formula.
library BlobFold {
    /// @notice Order of the scalar field of BLS12-381.
    uint256 internal constant R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    /// @dev 2 R, for differences of sums of two
    uint256 private constant R2 = 0xe7db4ea6533afa906673b0101343b00aa77b4805fffcb7fdfffffffe00000002;
    /// @dev w^-1, w = 7^((R-1)/4096) the root of unity of EIP-4844
    uint256 private constant W_INVERSE = 0x391b2856c609b4784ae25ffab9dc59865046d17864183203961a252dd8543362;
    /// @dev w^-1024
    uint256 private constant I = 0x73eda753299d7d47a5e80b39939ed33467baa40089fb5bfefffeffff00000001;
    /// @dev 2^-12
    uint256 private constant NORM = 0x73e66878b46ae3705eb6a46a89213de7d3686828bfce5c19400fffff00100001;

    /// @notice f(z) for the blob that carries `length` bytes of memory from `data` on, 31 to an element, the rest of the blob zero.
    /// @dev Destroys the data. `length` is 1 to 126,976. The bytes behind the data, up to a whole group of 124, must be zero, and 96 bytes of what lies behind a short
    /// slice may be overwritten. `scratch` and the 33 KiB behind it are overwritten.
    /// @param z below R
    function evaluate(uint256 data, uint256 length, uint256 z, uint256 scratch) internal pure returns (uint256 y) {
        assembly ("memory-safe") {
            // number of groups of four elements in the first step
            let n := div(add(length, 123), 124)
            // table[j] = z · w^-bitrev10(j) = z / x of group j, for as many groups as there are. Built by doubling: the second half is the first times one constant.
            let table := add(scratch, 0x140)
            {
                // constants w^-(2^(9-k)) at scratch + 32 k
                let c := W_INVERSE
                for { let k := add(scratch, 0x120) } 1 { k := sub(k, 0x20) } {
                    mstore(k, c)
                    if eq(k, scratch) { break }
                    c := mulmod(c, c, R)
                }
                mstore(table, z)
                let tableEnd := add(table, shl(5, n))
                let k := scratch
                for { let half := table } 1 {} {
                    let to := add(half, 0x20)
                    if iszero(lt(to, tableEnd)) { break }
                    c := mload(k)
                    k := add(k, 0x20)
                    let offset := sub(to, table)
                    for { let from := table } lt(from, to) { from := add(from, 0x20) } {
                        mstore(add(from, offset), mulmod(mload(from), c, R))
                    }
                    half := add(half, offset)
                }
            }
            // First step: from the bytes. Elements are below 2^248, so sums of four need no reduction. Group j is read from 124 j on and written to 32 j, never ahead of the reader.
            let to := data
            let end := add(data, shl(5, n))
            for {
                let from := data
                let t := table
            } lt(to, end) {
                from := add(from, 124)
                t := add(t, 0x20)
                to := add(to, 0x20)
            } {
                let a := shr(8, mload(from))
                let b := shr(8, mload(add(from, 31)))
                let c := shr(8, mload(add(from, 62)))
                let d := shr(8, mload(add(from, 93)))
                let s := mload(t)
                let p := sub(add(a, R), b)
                let q := mulmod(I, sub(add(c, R), d), R)
                a := add(a, b)
                c := add(c, d)
                b := add(mulmod(s, add(p, sub(R, q)), R), sub(add(a, R), c))
                b := addmod(mulmod(s, b, R), add(p, q), R)
                mstore(to, addmod(mulmod(s, b, R), add(a, c), R))
            }
            // Five more steps. Step k needs z^(4^k) / x; the table's prefix times m = z^(4^k - 1) gives it.
            let z3 := mulmod(z, mulmod(z, z, R), R)
            let m := 1
            for { let step := 5 } step { step := sub(step, 1) } {
                m := mulmod(m, m, R)
                m := mulmod(mulmod(m, m, R), z3, R)
                // zeros up to a whole group
                mstore(end, 0)
                mstore(add(end, 0x20), 0)
                mstore(add(end, 0x40), 0)
                n := shr(2, add(n, 3))
                end := add(data, shl(5, n))
                to := data
                for {
                    let from := data
                    let t := table
                } lt(to, end) {
                    from := add(from, 0x80)
                    t := add(t, 0x20)
                    to := add(to, 0x20)
                } {
                    let a := mload(from)
                    let b := mload(add(from, 0x20))
                    let c := mload(add(from, 0x40))
                    let d := mload(add(from, 0x60))
                    let s := mulmod(m, mload(t), R)
                    let p := sub(add(a, R), b)
                    let q := mulmod(I, sub(add(c, R), d), R)
                    a := add(a, b)
                    c := add(c, d)
                    b := add(mulmod(s, addmod(p, sub(R, q), R), R), addmod(a, sub(R2, c), R))
                    b := add(mulmod(s, b, R), addmod(p, q, R))
                    mstore(to, addmod(mulmod(s, b, R), addmod(a, c, R), R))
                }
            }
            y := mulmod(mload(data), NORM, R)
        }
    }
}
