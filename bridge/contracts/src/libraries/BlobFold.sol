// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Evaluates the polynomial of an EIP-4844 blob at a point, from the bytes it carries, without any inversion (SPEC section 8).
/// @dev A blob is a list of 4,096 evaluations f(w^bitrev(i)), so neighbours are f(x) and f(-x), and the sum and difference of the two give the even and the odd half of f:
/// one step turns 4,096 evaluations of f into 2,048 evaluations of a polynomial of half the degree, and twelve steps lead to f(z). Two steps at once, the halvings left
/// out: with s = z / x and I = w^-1024, a fourth root of one, four neighbours a, b, c, d become
///   (a+b) + (c+d) + s·((a-b) + I(c-d)) + s²·((a+b) - (c+d)) + s³·((a-b) - I(c-d)).
/// In the first pass, which is nearly all of the work, four of these and a fifth over their results (at s⁴) make one round of the loop: sixteen elements become one value
/// with a single table entry, since the s of the second, third and fourth quarter are that of the first times constants. Four short passes follow, and one multiplication
/// by 2^-12. A tail of zeros folds to zero without work: the cost follows the data, not the blob. `bridge/vectors/opening.json` holds values that c-kzg gave; the tests compare with the barycentric formula.
library BlobFold {
    /// @notice Order of the scalar field of BLS12-381.
    uint256 internal constant R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    /// @notice Bytes behind the data that must be zero, and that {evaluate} may overwrite: one group of sixteen words.
    uint256 internal constant PADDING = 512;
    /// @notice Bytes of scratch space that {evaluate} overwrites: 8 constants and a table of 256.
    uint256 internal constant SCRATCH = 264 * 32;
    /// @dev w^-1, w = 7^((R-1)/4096) the root of unity of EIP-4844
    uint256 private constant W_INVERSE = 0x391b2856c609b4784ae25ffab9dc59865046d17864183203961a252dd8543362;
    /// @dev w^-1024
    uint256 private constant I = 0x73eda753299d7d47a5e80b39939ed33467baa40089fb5bfefffeffff00000001;
    /// @dev w^-512, w^-256, w^-768: from the first quarter of a group to the others
    uint256 private constant K1 = 0x60b9f524ccbc6d03787d7d083f1b189fc54913cc6b4e0c269fc8017d5166afd3;
    uint256 private constant K2 = 0x3b25b475ab91194b687a73c92f188612fc010d53ccb225425e544cdf4c887948;
    uint256 private constant K3 = 0x24c14de4b45f2d7bc4a72e43a8f20dbb34c8bd90143c7a436a20b4c8fbee018e;
    /// @dev 2^-12
    uint256 private constant NORM = 0x73e66878b46ae3705eb6a46a89213de7d3686828bfce5c19400fffff00100001;

    /// @notice f(z) for the blob that carries `length` bytes of memory from `data` on, 31 to an element, the rest of the blob zero.
    /// @dev Destroys the data. Values put back into memory are below R, so that a sum of two fits a word.
    /// @param data where the bytes lie; PADDING bytes behind them are zero
    /// @param length 1 to 126,976
    /// @param z below R
    /// @param scratch where SCRATCH bytes may be overwritten
    function evaluate(uint256 data, uint256 length, uint256 z, uint256 scratch) internal pure returns (uint256 y) {
        assembly ("memory-safe") {
            // groups of sixteen elements in the first pass
            let n := div(add(length, 495), 496)
            // table[j] = z · w^-bitrev8(j) = z / x of the first element of group j, for as many groups as there are. Built by doubling: the second half is the first
            // times one constant, w^-(2^(7-k)), kept at scratch + 32 k.
            let table := add(scratch, 0x100)
            {
                let c := W_INVERSE
                for { let k := add(scratch, 0xe0) } 1 { k := sub(k, 0x20) } {
                    mstore(k, c)
                    if eq(k, scratch) { break }
                    c := mulmod(c, c, R)
                }
                mstore(table, z)
                let tableEnd := add(table, shl(5, n))
                let k := scratch
                for { let to := add(table, 0x20) } lt(to, tableEnd) {} {
                    c := mload(k)
                    k := add(k, 0x20)
                    let offset := sub(to, table)
                    for { let from := table } lt(from, to) { from := add(from, 0x20) } {
                        mstore(add(from, offset), mulmod(mload(from), c, R))
                    }
                    to := add(to, offset)
                }
            }
            mstore(scratch, R)
            // First pass: from the bytes. Elements are below 2^248, so only few of the sums need a reduction. Results go to the front of the data, never ahead of the reader.
            let end := add(data, shl(5, n))
            let toTable := sub(table, data)
            {
                let from := data
                for { let to := data } lt(to, end) { to := add(to, 0x20) } {
                    let s := mload(add(to, toTable))
                    // From memory, not as a constant: a constant would be pushed anew, 33 bytes of code each, in dozens of places.
                    let r := mload(scratch)
                    // first quarter
                    {
                        let a := shr(8, mload(from))
                        let b := shr(8, mload(add(from, 31)))
                        let c := shr(8, mload(add(from, 62)))
                        let d := shr(8, mload(add(from, 93)))
                        let p := sub(add(a, r), b)
                        let q := mulmod(I, sub(add(c, r), d), r)
                        a := add(a, b)
                        c := add(c, d)
                        b := add(mulmod(s, sub(add(p, r), q), r), sub(add(a, r), c))
                        b := addmod(mulmod(s, b, r), add(p, q), r)
                        mstore(to, addmod(mulmod(s, b, r), add(a, c), r))
                    }
                    // second quarter
                    {
                        let a := shr(8, mload(add(from, 124)))
                        let b := shr(8, mload(add(from, 155)))
                        let c := shr(8, mload(add(from, 186)))
                        let d := shr(8, mload(add(from, 217)))
                        let p := sub(add(a, r), b)
                        let q := mulmod(I, sub(add(c, r), d), r)
                        a := add(a, b)
                        c := add(c, d)
                        let sk := mulmod(s, K1, r)
                        b := add(mulmod(sk, sub(add(p, r), q), r), sub(add(a, r), c))
                        b := addmod(mulmod(sk, b, r), add(p, q), r)
                        mstore(add(to, 0x20), addmod(mulmod(sk, b, r), add(a, c), r))
                    }
                    // third quarter
                    {
                        let a := shr(8, mload(add(from, 248)))
                        let b := shr(8, mload(add(from, 279)))
                        let c := shr(8, mload(add(from, 310)))
                        let d := shr(8, mload(add(from, 341)))
                        let p := sub(add(a, r), b)
                        let q := mulmod(I, sub(add(c, r), d), r)
                        a := add(a, b)
                        c := add(c, d)
                        let sk := mulmod(s, K2, r)
                        b := add(mulmod(sk, sub(add(p, r), q), r), sub(add(a, r), c))
                        b := addmod(mulmod(sk, b, r), add(p, q), r)
                        mstore(add(to, 0x40), addmod(mulmod(sk, b, r), add(a, c), r))
                    }
                    // fourth quarter
                    {
                        let a := shr(8, mload(add(from, 372)))
                        let b := shr(8, mload(add(from, 403)))
                        let c := shr(8, mload(add(from, 434)))
                        let d := shr(8, mload(add(from, 465)))
                        let p := sub(add(a, r), b)
                        let q := mulmod(I, sub(add(c, r), d), r)
                        a := add(a, b)
                        c := add(c, d)
                        let sk := mulmod(s, K3, r)
                        b := add(mulmod(sk, sub(add(p, r), q), r), sub(add(a, r), c))
                        b := addmod(mulmod(sk, b, r), add(p, q), r)
                        mstore(add(to, 0x60), addmod(mulmod(sk, b, r), add(a, c), r))
                    }
                    // the four results
                    {
                        let a := mload(to)
                        let b := mload(add(to, 0x20))
                        let c := mload(add(to, 0x40))
                        let d := mload(add(to, 0x60))
                        s := mulmod(s, s, r)
                        s := mulmod(s, s, r)
                        let p := sub(add(a, r), b)
                        let q := mulmod(I, sub(add(c, r), d), r)
                        a := add(a, b)
                        c := add(c, d)
                        b := add(mulmod(s, addmod(p, sub(r, q), r), r), addmod(a, sub(add(r, r), c), r))
                        b := add(mulmod(s, b, r), addmod(p, q, r))
                        mstore(to, addmod(mulmod(s, b, r), addmod(a, c, r), r))
                    }
                    from := add(from, 496)
                }
            }
            // Four passes over words, four to one. Pass k (from 2) needs z^(4^k) / x = (table[j] · z^(4^(k-1) - 1))⁴.
            let z3 := mulmod(z, mulmod(z, z, R), R)
            let m := z3
            for { let pass := 4 } pass { pass := sub(pass, 1) } {
                // zeros up to a whole group: calldata ends before this offset
                calldatacopy(end, calldatasize(), 0x60)
                n := shr(2, add(n, 3))
                end := add(data, shl(5, n))
                let from := data
                for { let to := data } lt(to, end) { to := add(to, 0x20) } {
                    let r := mload(scratch)
                    let s := mulmod(m, mload(add(to, toTable)), r)
                    s := mulmod(s, s, r)
                    s := mulmod(s, s, r)
                    let a := mload(from)
                    let b := mload(add(from, 0x20))
                    let c := mload(add(from, 0x40))
                    let d := mload(add(from, 0x60))
                    from := add(from, 0x80)
                    let p := sub(add(a, r), b)
                    let q := mulmod(I, sub(add(c, r), d), r)
                    a := add(a, b)
                    c := add(c, d)
                    b := add(mulmod(s, addmod(p, sub(r, q), r), r), addmod(a, sub(add(r, r), c), r))
                    b := add(mulmod(s, b, r), addmod(p, q, r))
                    mstore(to, addmod(mulmod(s, b, r), addmod(a, c, r), r))
                }
                m := mulmod(m, m, R)
                m := mulmod(mulmod(m, m, R), z3, R)
            }
            y := mulmod(mload(data), NORM, R)
        }
    }
}
