// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Bridgeable} from "@openzeppelin/contracts/token/ERC20/extensions/draft-ERC20Bridgeable.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {BridgeAddresses} from "../libraries/BridgeAddresses.sol";
import {TokenMetadata} from "./TokenTransfer.sol";

/// @title A token of L1 on a rollup
/// @notice ERC-20 with the original's name, symbol and decimals, EIP-2612 permits and ERC-7802; only the rollup's token bridge mints and burns.
/// @dev All of them are clones of the code at 0xBA5A170000000000000000000000000000000003, which genesis puts there: no constructor runs, so no immutables, and therefore
/// permits of our own over OpenZeppelin's parts: its ERC20Permit keeps hashes of one name in immutables. The L1 address is behind the clone's code.
contract BridgedToken is ERC20Bridgeable, Nonces, IERC20Permit, IERC5267 {
    bytes32 private constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    /// @dev ERC-5267: name, version, chain id and verifying contract
    bytes1 private constant DOMAIN_FIELDS = 0x0f;
    string private constant VERSION = "1";

    string private _tokenName;
    string private _tokenSymbol;
    uint8 private _decimals;

    /// @notice The permit's time is over.
    error ExpiredPermit(uint256 deadline);
    /// @notice The permit is not the owner's.
    error InvalidPermit(address signer, address owner);
    /// @notice Only the rollup's token bridge may do this.
    error NotTheBridge();

    constructor() ERC20("", "") {}

    /// @notice Sets what the token shows. The token bridge calls it once, right after it has created the clone.
    function initialize(TokenMetadata calldata metadata) external onlyTokenBridge {
        (_tokenName, _tokenSymbol, _decimals) = (metadata.name, metadata.symbol, metadata.decimals);
    }

    /// @notice Address of the original on L1.
    function l1Token() external view returns (address) {
        return address(bytes20(Clones.fetchCloneArgs(address(this))));
    }

    /// @inheritdoc IERC20Permit
    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
    {
        if (block.timestamp > deadline) revert ExpiredPermit(deadline);
        bytes32 structHash = keccak256(abi.encode(PERMIT_TYPEHASH, owner, spender, value, _useNonce(owner), deadline));
        address signer = ECDSA.recover(MessageHashUtils.toTypedDataHash(DOMAIN_SEPARATOR(), structHash), v, r, s);
        if (signer != owner) revert InvalidPermit(signer, owner);
        _approve(owner, spender, value);
    }

    /// @inheritdoc IERC20Permit
    function nonces(address owner) public view override(IERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    /// @inheritdoc IERC20Permit
    // forge-lint: disable-next-line(mixed-case-function)
    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        return MessageHashUtils.toDomainSeparator(DOMAIN_FIELDS, _tokenName, VERSION, block.chainid, address(this), 0);
    }

    /// @inheritdoc IERC5267
    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory name_,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return (DOMAIN_FIELDS, _tokenName, VERSION, block.chainid, address(this), 0, new uint256[](0));
    }

    /// @inheritdoc ERC20
    function name() public view override returns (string memory) {
        return _tokenName;
    }

    /// @inheritdoc ERC20
    function symbol() public view override returns (string memory) {
        return _tokenSymbol;
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return _decimals;
    }

    /// @dev ERC-7802
    function _checkTokenBridge(address caller) internal pure override {
        if (caller != BridgeAddresses.L2_TOKEN_BRIDGE) revert NotTheBridge();
    }
}
