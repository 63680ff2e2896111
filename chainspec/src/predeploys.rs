//! Contracts that exist at genesis: Ethereum's system contracts, the Messenger, and what wallets and tools expect.
//!
//! Code that others have published at these addresses is kept as data in `code/*.hex`; ours comes from the caller.

use alloy_eips::{eip2935, eip4788, eip7002, eip7251, eip8282};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, U256, address, bytes, hex, keccak256};
use std::collections::BTreeMap;

/// The EXECUTE precompile of EIP-8079 on L1.
pub const EXECUTE: Address = address!("0x0000000000000000000000000000000000000101");

/// The L2 side of the bridge (DESIGN §6).
pub const MESSENGER: Address = address!("0xBA5a170000000000000000000000000000000001");

/// The L2 side of the token bridge.
pub const L2_TOKEN_BRIDGE: Address = address!("0xbA5a170000000000000000000000000000000002");

/// The code of all bridged tokens.
pub const BRIDGED_TOKEN: Address = address!("0xbA5a170000000000000000000000000000000003");

/// Opens anchors and proves state of L1.
pub const L1_READER: Address = address!("0xbA5a170000000000000000000000000000000004");

/// The ERC-7786 gateway.
pub const GATEWAY: Address = address!("0xBa5a170000000000000000000000000000000005");

/// Slot of [`L2_TOKEN_BRIDGE`] and [`GATEWAY`] that names the L1 side: chain id ‖ address, 8 and 20 bytes, at the low end.
pub const L1_SIDE_SLOT: B256 = B256::ZERO;

/// Ether that the Messenger holds at genesis to pay out deposits: locked supply, never in circulation, because only
/// a message that Hub has escrowed releases it. 2^96 wei is more than all ether there is.
pub const MESSENGER_RESERVE: U256 = U256::from_limbs([0, 1 << 32, 0, 0]);

/// Storage slot of the Messenger that holds the refund delay, seconds: how long after its failure a message may go back to its sender
/// (SPEC section 5). The one slot that genesis writes.
pub const REFUND_DELAY_SLOT: B256 = B256::with_last_byte(38);

/// The refund delay of a rollup that names none, seconds: a day, in which somebody may mend the callee and retry.
pub const REFUND_DELAY_DEFAULT: u64 = 86_400;

/// The longest refund delay, seconds: a year.
pub const REFUND_DELAY_MAX: u64 = 365 * 86_400;

/// Multicall3 (viem, wallets and indexers batch reads through it).
pub const MULTICALL3: Address = address!("0xcA11bde05977b3631167028862bE2a173976CA11");

/// Permit2 (token approvals of many dApps).
pub const PERMIT2: Address = address!("0x000000000022D473030F116dDEE9F6B43aC78BA3");

/// The CREATE2 factory that EIP-7997 makes part of Amsterdam.
pub const CREATE2_FACTORY: Address = address!("0x4e59b44847b379578588920cA78FbF26c0B4956C");

/// Runtime code of [`CREATE2_FACTORY`] (EIP-7997, "Specification").
pub const CREATE2_FACTORY_CODE: Bytes = bytes!(
    "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
);

/// A request contract that makes no request: it returns nothing to the system call at the end of a block and reverts
/// for everybody else. EIP-7002, EIP-7251 and EIP-8282 need code at their addresses or the block is invalid, and one
/// real request would make a block that EXECUTE must refuse for ever (DESIGN §3).
///
/// `CALLER; PUSH20 SYSTEM_ADDRESS; EQ; PUSH1 0x1d; JUMPI; PUSH0; PUSH0; REVERT; JUMPDEST; STOP`
pub const REQUEST_STUB_CODE: Bytes = bytes!("0x3373fffffffffffffffffffffffffffffffffffffffe14601d575f5ffd5b00");

/// The four addresses whose calls make EIP-7685 requests at the end of a block.
pub const REQUEST_CONTRACTS: [Address; 4] = [
    eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
    eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
    eip8282::BUILDER_DEPOSIT_CONTRACT_ADDRESS,
    eip8282::BUILDER_EXIT_CONTRACT_ADDRESS,
];

/// System contracts of an Amsterdam L1, with their real code.
pub fn l1_system() -> BTreeMap<Address, GenesisAccount> {
    let mut alloc = shared();
    alloc.insert(REQUEST_CONTRACTS[0], contract(eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_CODE.clone()));
    alloc.insert(REQUEST_CONTRACTS[1], contract(eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_CODE.clone()));
    alloc.insert(REQUEST_CONTRACTS[2], contract(eip8282::BUILDER_DEPOSIT_CONTRACT_CODE.clone()));
    alloc.insert(REQUEST_CONTRACTS[3], contract(eip8282::BUILDER_EXIT_CONTRACT_CODE.clone()));
    alloc
}

/// Predeploys of a rollup with `chain_id`; `messenger` is the Messenger's runtime code, `refund_delay` in seconds, at most [`REFUND_DELAY_MAX`].
pub fn rollup(chain_id: u64, messenger: Bytes, refund_delay: u64) -> BTreeMap<Address, GenesisAccount> {
    let mut alloc = shared();
    alloc.extend(REQUEST_CONTRACTS.map(|address| (address, contract(REQUEST_STUB_CODE))));
    alloc.insert(MESSENGER, contract(messenger).with_balance(MESSENGER_RESERVE));
    set_refund_delay(&mut alloc, refund_delay);
    alloc.insert(MULTICALL3, contract(multicall3()));
    alloc.insert(PERMIT2, contract(permit2(chain_id)));
    alloc
}

/// Writes the refund delay, seconds, into a rollup's genesis accounts; does nothing where there is no Messenger.
pub fn set_refund_delay(alloc: &mut BTreeMap<Address, GenesisAccount>, seconds: u64) {
    if let Some(messenger) = alloc.get_mut(&MESSENGER) {
        messenger.storage.get_or_insert_default().insert(REFUND_DELAY_SLOT, B256::from(U256::from(seconds)));
    }
}

/// Runtime code of the contracts that stand on the Messenger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgeCode {
    /// `L2TokenBridge`.
    pub token_bridge: Bytes,
    /// `BridgedToken`.
    pub bridged_token: Bytes,
    /// `L1Reader`.
    pub l1_reader: Bytes,
    /// `L2Gateway`.
    pub gateway: Bytes,
}

/// What those contracts believe on L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct L1Side {
    /// Chain id of L1.
    pub chain_id: u64,
    /// `TokenBridge` on L1.
    pub token_bridge: Address,
    /// `L1Gateway` on L1.
    pub gateway: Address,
}

/// Those contracts' part of a rollup's genesis.
pub fn bridge(code: BridgeCode, l1: L1Side) -> BTreeMap<Address, GenesisAccount> {
    BTreeMap::from([
        (L2_TOKEN_BRIDGE, believing(contract(code.token_bridge), l1.chain_id, l1.token_bridge)),
        (BRIDGED_TOKEN, contract(code.bridged_token)),
        (L1_READER, contract(code.l1_reader)),
        (GATEWAY, believing(contract(code.gateway), l1.chain_id, l1.gateway)),
    ])
}

/// The L1 address in [`L1_SIDE_SLOT`] of a genesis account.
pub fn l1_side(account: &GenesisAccount) -> Option<Address> {
    let word = account.storage.as_ref()?.get(&L1_SIDE_SLOT)?;
    Some(Address::from_word(*word))
}

fn believing(account: GenesisAccount, chain_id: u64, address: Address) -> GenesisAccount {
    let word: U256 = (U256::from(chain_id) << 160) | U256::from_be_bytes(address.into_word().0);
    account.with_storage(Some(BTreeMap::from([(L1_SIDE_SLOT, word.into())])))
}

/// Runtime code of Multicall3.
pub fn multicall3() -> Bytes {
    decode(include_str!("../code/multicall3.hex"))
}

/// Runtime code of Permit2 for `chain_id`: two immutables, the chain id and the EIP-712 domain separator, are filled
/// in as its constructor would have done.
pub fn permit2(chain_id: u64) -> Bytes {
    const CHAIN_ID_AT: usize = 6945;
    const DOMAIN_SEPARATOR_AT: usize = 6983;
    let chain_id = B256::from(U256::from(chain_id));
    let type_hash = keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)");
    let domain = [type_hash, keccak256("Permit2"), chain_id, PERMIT2.into_word()].concat();
    let mut code = decode(include_str!("../code/permit2.hex")).to_vec();
    code[CHAIN_ID_AT..CHAIN_ID_AT + 32].copy_from_slice(chain_id.as_slice());
    code[DOMAIN_SEPARATOR_AT..DOMAIN_SEPARATOR_AT + 32].copy_from_slice(keccak256(domain).as_slice());
    code.into()
}

fn shared() -> BTreeMap<Address, GenesisAccount> {
    BTreeMap::from([
        (eip4788::BEACON_ROOTS_ADDRESS, contract(eip4788::BEACON_ROOTS_CODE.clone())),
        (eip2935::HISTORY_STORAGE_ADDRESS, contract(eip2935::HISTORY_STORAGE_CODE.clone())),
        (CREATE2_FACTORY, contract(CREATE2_FACTORY_CODE)),
    ])
}

fn contract(code: Bytes) -> GenesisAccount {
    GenesisAccount::default().with_nonce(Some(1)).with_code(Some(code))
}

fn decode(text: &str) -> Bytes {
    hex::decode(text.trim()).expect("code/*.hex are hexadecimal, checked by a test").into()
}
