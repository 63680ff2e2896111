// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Where a wallet's key is kept: on L1, once, for all rollups
/// @notice Example. Whoever holds a key may put another one in its place; every wallet that reads it follows.
contract Keystore {
    /// @notice The key behind `id`; a wallet on a rollup proves slot keccak256(id ‖ 0).
    mapping(bytes32 id => address owner) public ownerOf; // slot 0

    /// @notice The key behind `id` changed.
    event OwnerChanged(bytes32 indexed id, address owner);

    /// @notice Zero can be no key: no proof could show it.
    error NoOwner();
    /// @notice Only the present owner may do this.
    error NotOwner(bytes32 id, address caller);

    /// @notice Opens an entry. Its id names its first owner, so nobody can take it in advance.
    /// @return id keccak256(owner ‖ salt)
    function open(address owner, bytes32 salt) external returns (bytes32 id) {
        if (owner == address(0)) revert NoOwner();
        id = keccak256(abi.encode(owner, salt));
        if (ownerOf[id] != address(0)) revert NotOwner(id, msg.sender);
        ownerOf[id] = owner;
        emit OwnerChanged(id, owner);
    }

    /// @notice Replaces the key.
    function change(bytes32 id, address owner) external {
        if (owner == address(0)) revert NoOwner();
        if (ownerOf[id] != msg.sender) revert NotOwner(id, msg.sender);
        ownerOf[id] = owner;
        emit OwnerChanged(id, owner);
    }
}
