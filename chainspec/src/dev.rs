//! The devnet's presets: chain ids, funded accounts and both genesis files. Never for a chain that holds value: the
//! keys are anvil's and known to everyone.

use crate::{RollupConfig, forks, predeploys};
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_primitives::{Address, B256, Bytes, U256, address, b256};

/// Chain id of the L1 devnet.
pub const L1_CHAIN_ID: u64 = 7900;

/// Chain id of the devnet's rollup.
pub const L2_CHAIN_ID: u64 = 7901;

/// Chain ids of a devnet's rollups, [`L2_CHAIN_ID`] first.
pub const L2_CHAIN_IDS: [u64; 3] = [L2_CHAIN_ID, 7902, 7903];

/// Gas limit of L1 devnet blocks. EIP-8037 counts deployed code at 1,530 gas a byte against it, so Hub needs room.
pub const L1_GAS_LIMIT: u64 = 200_000_000;

/// Gas limit of the rollup's genesis block.
pub const L2_GAS_LIMIT: u64 = 12_000_000;

/// Refund delay of the devnet's rollup, seconds: short enough to be watched.
pub const REFUND_DELAY: u64 = 20;

/// Each account's balance at genesis, on each layer: 10,000 ether, in wei, as in anvil.
pub const BALANCE: U256 = U256::from_limbs([0x19e0c9bab2400000, 0x21e, 0, 0]);

/// An account whose key everyone knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its address.
    pub address: Address,
    /// Its secp256k1 key.
    pub key: B256,
}

/// anvil's ten accounts ("test test test test test test test test test test test junk", m/44'/60'/0'/0/0..9).
///
/// The devnet itself uses the last: [`SEQUENCER`] signs landings on L1 and relays on L2.
pub const ACCOUNTS: [Account; 10] = [
    account(
        address!("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
        b256!("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    ),
    account(
        address!("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
        b256!("0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
    ),
    account(
        address!("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
        b256!("0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
    ),
    account(
        address!("0x90F79bf6EB2c4f870365E785982E1f101E93b906"),
        b256!("0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"),
    ),
    account(
        address!("0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"),
        b256!("0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a"),
    ),
    account(
        address!("0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"),
        b256!("0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba"),
    ),
    account(
        address!("0x976EA74026E726554dB657fA54763abd0C3a0aa9"),
        b256!("0x92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e"),
    ),
    account(
        address!("0x14dC79964da2C08b23698B3D3cc7Ca32193d9955"),
        b256!("0x4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356"),
    ),
    account(
        address!("0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"),
        b256!("0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97"),
    ),
    account(
        address!("0xa0Ee7A142d267C1f36714E4a8F75612F20a79720"),
        b256!("0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"),
    ),
];

/// The account that deploys, lands and relays in the devnet; not among the ten, so that its nonces are nobody's.
pub const SEQUENCER: Account = account(
    address!("0x2546BcD3c84621e976D8185a91A922aE77ECEc30"),
    b256!("0xea6c44ac03bff858b476bba40716402b03e41b8e97e276d1baec7c37d42484a0"),
);

/// The accounts of a devnet's sequencers, [`SEQUENCER`] first: anvil's accounts 16 and 10 to 13. Only the first is in the genesis
/// presets; a devnet with several funds the others.
pub const SEQUENCERS: [Account; 5] = [
    SEQUENCER,
    account(
        address!("0xBcd4042DE499D14e55001CcbB24a551F3b954096"),
        b256!("0xf214f2b2cd398c806f84e317254e0f0b801d0643303237d97a22a48e01628897"),
    ),
    account(
        address!("0x71bE63f3384f5fb98995898A86B02Fb2426c5788"),
        b256!("0x701b615bbdfb9de65240bc28bd21bbc0d996645a3dd57e7b12bc2bdf6f192c82"),
    ),
    account(
        address!("0xFABB0ac9d68B0B445fB7357272Ff202C5651694a"),
        b256!("0xa267530f49f8280200edf313ee7af6b827f2a8bce2897751d06a843f644967b1"),
    ),
    account(
        address!("0x1CBd3b2770909D4e10f157cABC84C7264073C9Ec"),
        b256!("0x47c99abed3324a2707c28affff1267e45918ec8c3f20b8aa892e8b065d2942dd"),
    ),
];

/// What each sequencer but the first has on L2 to relay with, at most: 10 ether, in wei.
pub const RELAYER_BALANCE: U256 = U256::from_limbs([10_000_000_000_000_000_000, 0, 0, 0]);

/// The L1 devnet's genesis at `timestamp` (seconds), without contracts of ours: those are deployed by transactions.
pub fn l1_genesis(timestamp: u64) -> Genesis {
    let mut genesis = empty(L1_CHAIN_ID, timestamp, L1_GAS_LIMIT);
    genesis.alloc.extend(predeploys::l1_system());
    // Tools expect these on every L1, and the devnet's L1 is one that strangers' tools use.
    let contract = |code: Bytes| GenesisAccount::default().with_nonce(Some(1)).with_code(Some(code));
    genesis.alloc.insert(predeploys::MULTICALL3, contract(predeploys::multicall3()));
    genesis.alloc.insert(predeploys::PERMIT2, contract(predeploys::permit2(L1_CHAIN_ID)));
    // Escrow of the rollups' genesis balances comes out of the sequencer's account.
    let accounts = U256::from((ACCOUNTS.len() + 2) * L2_CHAIN_IDS.len());
    genesis.alloc.insert(SEQUENCER.address, GenesisAccount::default().with_balance(BALANCE * accounts));
    genesis
}

/// The rollup's genesis at `timestamp` (seconds); `messenger` is the Messenger's runtime code.
pub fn l2_genesis(timestamp: u64, messenger: Bytes) -> Genesis {
    let mut genesis = empty(L2_CHAIN_ID, timestamp, L2_GAS_LIMIT);
    genesis.alloc.extend(predeploys::rollup(L2_CHAIN_ID, messenger, REFUND_DELAY));
    genesis.alloc.insert(SEQUENCER.address, GenesisAccount::default().with_balance(BALANCE));
    genesis
}

/// A rollup's genesis with another chain id: the one contract that knows it (Permit2) goes along.
pub fn renumbered(mut genesis: Genesis, chain_id: u64) -> Genesis {
    genesis.config.chain_id = chain_id;
    if let Some(permit2) = genesis.alloc.get_mut(&predeploys::PERMIT2) {
        permit2.code = Some(predeploys::permit2(chain_id));
    }
    genesis
}

/// The devnet rollup's chain file for a Hub at `hub`, registered in L1 block `hub_block`.
pub fn rollup_config(genesis: Genesis, hub: Address, hub_block: u64, l1_slot_ms: u64) -> RollupConfig {
    RollupConfig {
        l1_chain_id: L1_CHAIN_ID,
        hub,
        hub_block,
        l1_slot_ms,
        gas_limit_min: 3_000_000,
        gas_limit_max: 14_000_000,
        min_origin_lag: 1,
        genesis,
    }
}

fn empty(chain_id: u64, timestamp: u64, gas_limit: u64) -> Genesis {
    let mut genesis = Genesis { config: forks::amsterdam_at_genesis(chain_id), ..Default::default() }
        .with_timestamp(timestamp)
        .with_gas_limit(gas_limit)
        .with_base_fee(Some(1_000_000_000));
    let funded = GenesisAccount::default().with_balance(BALANCE);
    genesis.alloc.extend(ACCOUNTS.iter().map(|account| (account.address, funded.clone())));
    genesis
}

const fn account(address: Address, key: B256) -> Account {
    Account { address, key }
}
