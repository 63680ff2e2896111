//! Rules that came and went before Cancun, on small mined chains.

use super::*;
use crate::{Transaction, block::sender, state::Account};
use alloy_consensus::{Eip658Value, TxEip2930};
use alloy_genesis::{ChainConfig, Genesis};
use alloy_primitives::keccak256;
use revm::context::result::InvalidTransaction;

/// Who gets the rewards.
const MINER: Address = Address::repeat_byte(0x41);
/// One ether, wei.
const ETHER: u64 = 1_000_000_000_000_000_000;

type Slot = fn(&mut ChainConfig) -> &mut Option<u64>;
/// The forks that start by number, in order.
const FORKS: [(&str, Slot); 9] = [
    ("homestead", |c| &mut c.homestead_block),
    ("tangerine", |c| &mut c.eip150_block),
    ("spurious dragon", |c| &mut c.eip158_block),
    ("byzantium", |c| &mut c.byzantium_block),
    ("constantinople", |c| &mut c.constantinople_block),
    ("petersburg", |c| &mut c.petersburg_block),
    ("istanbul", |c| &mut c.istanbul_block),
    ("berlin", |c| &mut c.berlin_block),
    ("london", |c| &mut c.london_block),
];

/// A genesis under the rules of all forks up to `last` ("frontier": none), with `code` at `peer(0)` and a slot that holds 8.
fn genesis_at(last: &str, code: &[u8]) -> Genesis {
    let mut genesis = Genesis { gas_limit: 8_000_000, difficulty: U256::from(131_072), ..Default::default() };
    genesis.config.chain_id = 7;
    let upto = FORKS.iter().position(|(name, _)| *name == last).map_or(0, |at| at + 1);
    for (_, slot) in &FORKS[..upto] {
        *slot(&mut genesis.config) = Some(0);
    }
    for index in 0..3 {
        let funded = GenesisAccount::default().with_balance(U256::from(ETHER));
        genesis.alloc.insert(signer(index).address(), funded);
    }
    let slots = [(B256::with_last_byte(8), B256::with_last_byte(8))].into();
    let contract = GenesisAccount::default().with_nonce(Some(1)).with_code(Some(Bytes::copy_from_slice(code)));
    genesis.alloc.insert(peer(0), contract.with_storage(Some(slots)));
    genesis
}

fn at(last: &str, code: &[u8]) -> World {
    World::new(genesis_at(last, code), Layer::L1 { execute: false })
}

fn legacy(who: usize, nonce: u64, to: TxKind, value: u64, input: Vec<u8>) -> RecoveredTx {
    let (gas_limit, value, input) = (500_000, U256::from(value), input.into());
    sign(&signer(who), TxLegacy { chain_id: None, nonce, gas_price: 2_000_000_000, gas_limit, to, value, input })
}

/// A block whose header claims nothing yet.
fn unsealed(world: &World, txs: &[RecoveredTx], ommers: &[Header]) -> (Block, Vec<Address>) {
    let parent = world.head();
    let (transactions, senders): (Vec<_>, Vec<_>) = txs.iter().cloned().map(|tx| tx.into_parts()).unzip();
    let body = BlockBody { transactions, ommers: ommers.to_vec(), withdrawals: None };
    let header = Header {
        parent_hash: parent.hash(),
        number: parent.number + 1,
        timestamp: parent.timestamp + 10,
        gas_limit: parent.gas_limit,
        beneficiary: MINER,
        ommers_hash: body.calculate_ommers_root(),
        transactions_root: proofs::calculate_transaction_root(&body.transactions),
        ..Default::default()
    };
    (Block { header, body }, senders)
}

/// Fills in what execution says that the header should hold, until it holds. Whether that is right is for the callers to check.
fn seal(world: &World, (mut block, senders): (Block, Vec<Address>)) -> Result<Executed, BlockError> {
    loop {
        let hash = block.header.hash_slow();
        let recovered = RecoveredBlock::new(block.clone(), senders.clone(), hash);
        let header = &mut block.header;
        match execute(&world.spec, world.head(), &recovered, None, world) {
            Err(BlockError::Header(HeaderError::Difficulty { expected, .. })) => header.difficulty = expected,
            Err(BlockError::Header(HeaderError::BaseFee { expected, .. })) => header.base_fee_per_gas = Some(expected),
            Err(BlockError::GasUsed { computed, .. }) => header.gas_used = computed,
            Err(BlockError::Root { field: Root::Receipts, computed, .. }) => header.receipts_root = computed,
            Err(BlockError::Root { field: Root::State, computed, .. }) => header.state_root = computed,
            done => return done,
        }
    }
}

/// Mines a block, appends it, and compares the state with another trie's idea of it.
fn mine(world: &mut World, txs: &[RecoveredTx], ommers: &[Header]) -> Executed {
    let executed = seal(world, unsealed(world, txs, ommers)).unwrap();
    world.append(&executed);
    assert_eq!(executed.block.header().state_root, world.flat_root());
    executed
}

fn balance(world: &World, address: Address) -> U256 {
    crate::StateView::account(world, address).unwrap().unwrap_or_default().balance
}

#[test]
fn a_block_earns_5_then_3_then_2_ether_and_nothing_since_the_merge() {
    for (last, ether) in
        [("frontier", 5), ("spurious dragon", 5), ("byzantium", 3), ("constantinople", 2), ("london", 2)]
    {
        let mut world = at(last, &[]);
        mine(&mut world, &[], &[]);
        assert_eq!(balance(&world, MINER), U256::from(ether) * U256::from(ETHER), "{last}");
    }
    let mut genesis = genesis_at("london", &[]);
    genesis.config.terminal_total_difficulty = Some(U256::from(131_072));
    let mut world = World::new(genesis, Layer::L1 { execute: false });
    mine(&mut world, &[], &[]);
    assert_eq!(balance(&world, MINER), U256::ZERO, "genesis has reached the terminal total difficulty");
}

/// A header that could have been block `number`, mined by `who`.
fn ommer(world: &World, number: usize, who: u8) -> Header {
    let mut header = world.headers[number].header().clone();
    header.beneficiary = Address::repeat_byte(who);
    header
}

#[test]
fn ommers_are_paid_by_their_age_and_pay_the_block() {
    let mut world = at("byzantium", &[]);
    for _ in 0..3 {
        mine(&mut world, &[], &[]);
    }
    let before = balance(&world, MINER);
    let ommers = [ommer(&world, 3, 1), ommer(&world, 2, 2)];
    mine(&mut world, &[], &ommers);
    let reward = U256::from(3) * U256::from(ETHER);
    assert_eq!(balance(&world, Address::repeat_byte(1)), reward * U256::from(7) / U256::from(8));
    assert_eq!(balance(&world, Address::repeat_byte(2)), reward * U256::from(6) / U256::from(8));
    assert_eq!(balance(&world, MINER) - before, reward + reward / U256::from(32) * U256::from(2));
    // EIP-100: the child of a block with ommers is harder.
    let child = mine(&mut world, &[], &[]);
    assert_eq!(child.block.header().difficulty, U256::from(131_072 + 64));
}

#[test]
fn ommers_that_may_not_stand_there_are_refused_by_name() {
    let mut world = at("byzantium", &[]);
    for _ in 0..9 {
        mine(&mut world, &[], &[]);
    }
    let named = ommer(&world, 8, 1);
    mine(&mut world, &[], std::slice::from_ref(&named));
    let refuse = |ommers: &[Header]| match seal(&world, unsealed(&world, &[], ommers)).unwrap_err() {
        BlockError::Ommers(error) => error,
        other => panic!("{other}"),
    };
    let good = ommer(&world, 9, 2);
    seal(&world, unsealed(&world, &[], std::slice::from_ref(&good))).unwrap();
    // Six blocks back is the oldest that may be named: its parent is the seventh ancestor.
    seal(&world, unsealed(&world, &[], &[ommer(&world, 5, 2)])).unwrap();
    assert!(matches!(refuse(&[ommer(&world, 4, 2)]), OmmerError::Unrelated(_)));
    let mut brother = ommer(&world, 10, 2);
    (brother.parent_hash, brother.number) = (world.head().hash(), 11);
    assert!(matches!(refuse(&[brother]), OmmerError::Unrelated(_)));
    assert!(matches!(refuse(&[ommer(&world, 9, 2), ommer(&world, 9, 3), ommer(&world, 9, 4)]), OmmerError::TooMany(3)));
    assert!(matches!(refuse(&[good.clone(), good.clone()]), OmmerError::Again(_)));
    assert!(matches!(refuse(&[named]), OmmerError::Again(_)));
    assert!(matches!(refuse(&[world.headers[9].header().clone()]), OmmerError::Ancestor(_)));
    let bad = Header { difficulty: U256::from(1), ..good.clone() };
    assert!(matches!(refuse(&[bad]), OmmerError::Header { reason: HeaderError::Difficulty { .. }, .. }));
    let (mut block, senders) = unsealed(&world, &[], &[good]);
    block.header.ommers_hash = B256::ZERO;
    assert!(matches!(seal(&world, (block, senders)), Err(BlockError::Root { field: Root::Ommers, .. })));
}

#[test]
fn a_block_since_the_merge_has_no_ommers() {
    let world = l2();
    let (mut block, senders) = world.build(&[]).block.split();
    block.body.ommers = vec![Header::default()];
    let hash = block.header.hash_slow();
    let error =
        execute(&world.spec, world.head(), &RecoveredBlock::new(block, senders, hash), None, &world).unwrap_err();
    assert!(matches!(error, BlockError::Ommers(OmmerError::AfterMerge(1))), "{error}");
}

#[test]
fn receipts_hold_the_state_root_after_their_transaction_until_byzantium_brings_the_status() {
    let txs = [legacy(0, 0, TxKind::Call(peer(3)), 5, vec![]), legacy(1, 0, TxKind::Call(peer(3)), 6, vec![])];
    let statuses = |executed: &Executed| -> Vec<Eip658Value> {
        executed.receipts.iter().map(|receipt| receipt.as_receipt().unwrap().status).collect()
    };
    for last in ["frontier", "homestead", "tangerine", "spurious dragon"] {
        let both = mine(&mut at(last, &[]), &txs, &[]);
        let first = mine(&mut at(last, &[]), &txs[..1], &[]);
        let [Eip658Value::PostState(after_first), Eip658Value::PostState(after_both)] = statuses(&both)[..] else {
            panic!("{:?}", both.receipts)
        };
        assert_eq!(statuses(&first), [Eip658Value::PostState(after_first)], "{last}");
        // The state before the rewards, by the other trie.
        let mut world = at(last, &[]);
        let mut before_rewards = both.clone();
        let miner = before_rewards.diff.accounts.get_mut(&MINER).unwrap();
        miner.after.as_mut().unwrap().balance -= U256::from(5) * U256::from(ETHER);
        world.append(&before_rewards);
        assert_eq!(after_both, world.flat_root(), "{last}");
    }
    assert_eq!(statuses(&mine(&mut at("byzantium", &[]), &txs, &[])), [Eip658Value::Eip658(true); 2]);
}

#[test]
fn touched_empty_accounts_stay_until_spurious_dragon_and_go_after_it() {
    // The third fork starts at block 2.
    let mut genesis = genesis_at("tangerine", &[]);
    genesis.config.eip158_block = Some(2);
    let mut world = World::new(genesis, Layer::L1 { execute: false });
    let touch = |nonce, to: u8| legacy(0, nonce, TxKind::Call(Address::repeat_byte(to)), 0, vec![]);
    let executed = mine(&mut world, &[touch(0, 0x51), touch(1, 0x51), touch(2, 0x52)], &[]);
    let after = |executed: &Executed, who: u8| executed.diff.accounts.get(&Address::repeat_byte(who)).map(|a| a.after);
    assert_eq!(after(&executed, 0x51), Some(Some(Account::default())));
    let executed = mine(&mut world, &[touch(3, 0x51), touch(4, 0x53)], &[]);
    assert_eq!(after(&executed, 0x51), Some(None), "touched under EIP-161");
    assert_eq!(after(&executed, 0x53), None, "not made under EIP-161");
    let account = crate::StateView::account(&world, Address::repeat_byte(0x52)).unwrap();
    assert_eq!(account, Some(Account::default()), "not touched since");
}

/// `CALLER; SELFDESTRUCT` when called without data, else `SSTORE(calldata, 7)`.
const DESTROYED: [u8; 15] = [0x36, 0x15, 0x60, 0x0c, 0x57, 0x60, 7, 0x60, 0, 0x35, 0x55, 0x00, 0x5b, 0x33, 0xff];

#[test]
fn a_self_destruct_before_cancun_drops_the_whole_storage() {
    for last in ["frontier", "spurious dragon", "byzantium", "london"] {
        let mut world = at(last, &DESTROYED);
        let write = legacy(0, 0, TxKind::Call(peer(0)), 0, B256::with_last_byte(9).to_vec());
        mine(&mut world, &[write], &[]);
        assert_eq!(crate::StateView::storage(&world, peer(0), U256::from(9)).unwrap(), U256::from(7));
        let executed = mine(&mut world, &[legacy(0, 1, TxKind::Call(peer(0)), 3, vec![])], &[]);
        let diff = &executed.diff.accounts[&peer(0)];
        assert!(diff.wiped && diff.after.is_none() && diff.storage.is_empty(), "{last}: {diff:?}");
        // Value sent to where it was makes a plain account with an empty storage.
        let executed = mine(&mut world, &[legacy(0, 2, TxKind::Call(peer(0)), 3, vec![])], &[]);
        let made = executed.diff.accounts[&peer(0)].after.unwrap();
        assert!(!made.has_code() && made.balance == U256::from(3), "{last}");
    }
}

#[test]
fn what_is_made_anew_in_the_block_that_destroyed_it_has_only_its_new_storage() {
    // SSTORE(5, 1), then the runtime code above.
    let mut init = vec![0x60, 1, 0x60, 5, 0x55, 0x6e];
    init.extend(DESTROYED);
    init.extend([0x60, 0, 0x52, 0x60, 15, 0x60, 17, 0xf3]);
    let address = predeploys::CREATE2_FACTORY.create2(B256::ZERO, keccak256(&init));
    let mut genesis = genesis_at("berlin", &[]);
    let factory = GenesisAccount::default().with_nonce(Some(1)).with_code(Some(predeploys::CREATE2_FACTORY_CODE));
    genesis.alloc.insert(predeploys::CREATE2_FACTORY, factory);
    let mut world = World::new(genesis, Layer::L1 { execute: false });
    let deploy = |nonce| legacy(0, nonce, TxKind::Call(predeploys::CREATE2_FACTORY), 0, [&[0; 32][..], &init].concat());
    let write = |nonce, slot| legacy(0, nonce, TxKind::Call(address), 0, B256::with_last_byte(slot).to_vec());
    let destroy = |nonce| legacy(0, nonce, TxKind::Call(address), 0, vec![]);
    mine(&mut world, &[deploy(0), write(1, 9), write(2, 5)], &[]);
    let slots =
        |world: &World| [5, 9, 10].map(|slot| crate::StateView::storage(world, address, U256::from(slot)).unwrap());
    assert_eq!(slots(&world), [7, 7, 0].map(U256::from));
    let executed = mine(&mut world, &[destroy(3), deploy(4), write(5, 10)], &[]);
    assert_eq!(slots(&world), [1, 0, 7].map(U256::from));
    assert!(executed.diff.accounts[&address].wiped);
    mine(&mut world, &[destroy(6), deploy(7), destroy(8)], &[]);
    assert_eq!(slots(&world), [0; 3].map(U256::from));
    mine(&mut world, &[deploy(9), destroy(10), deploy(11), write(12, 9)], &[]);
    assert_eq!(slots(&world), [1, 7, 0].map(U256::from));
}

#[test]
fn signatures_are_judged_by_the_rules_of_their_block() {
    let refused = |world: &World, tx: &RecoveredTx| match seal(world, unsealed(world, std::slice::from_ref(tx), &[]))
        .unwrap_err()
    {
        BlockError::Transaction { index: 0, reason, .. } => reason,
        other => panic!("{other}"),
    };
    let plain = TxLegacy { nonce: 0, gas_price: 2_000_000_000, gas_limit: 21_000, ..Default::default() };
    let named = sign(&signer(0), TxLegacy { chain_id: Some(7), to: TxKind::Call(peer(3)), ..plain.clone() });
    let early = refused(&at("tangerine", &[]), &named);
    assert!(matches!(early, Refused::Signature(SignatureRule::NamesChain)), "{early}");
    mine(&mut at("spurious dragon", &[]), &[named], &[]);

    // The same signature mirrored: another s, the same sender.
    let low = sign(&signer(0), TxLegacy { to: TxKind::Call(peer(3)), ..plain });
    let (tx, from) = low.into_parts();
    let Transaction::Legacy(signed) = tx else { panic!() };
    let order = U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16).unwrap();
    let signature = signed.signature();
    let high = alloy_primitives::Signature::new(signature.r(), order - signature.s(), !signature.v());
    let tx = Transaction::Legacy(alloy_consensus::Signed::new_unhashed(signed.strip_signature(), high));
    let (frontier, homestead) = (at("frontier", &[]), at("homestead", &[]));
    assert_eq!((sender(&frontier.spec, 1, &tx), sender(&homestead.spec, 1, &tx)), (Some(from), None));
    let tx = RecoveredTx::new_unchecked(tx, from);
    seal(&frontier, unsealed(&frontier, std::slice::from_ref(&tx), &[])).unwrap();
    let late = refused(&homestead, &tx);
    assert!(matches!(late, Refused::Signature(SignatureRule::HighS)), "{late}");
}

#[test]
fn transaction_types_stand_from_their_fork_on() {
    let tx = TxEip2930 { chain_id: 7, gas_price: 2_000_000_000, gas_limit: 50_000, ..Default::default() };
    let tx = sign(&signer(0), TxEip2930 { to: TxKind::Call(peer(3)), ..tx });
    let world = at("istanbul", &[]);
    let error = seal(&world, unsealed(&world, std::slice::from_ref(&tx), &[])).unwrap_err();
    let expected = matches!(
        &error,
        BlockError::Transaction { reason: Refused::Invalid(InvalidTransaction::Eip2930NotSupported), .. }
    );
    assert!(expected, "{error}");
    mine(&mut at("berlin", &[]), &[tx], &[]);
}

#[test]
fn london_starts_with_one_gwei_and_twice_the_gas_limit() {
    let mut genesis = genesis_at("berlin", &[]);
    genesis.config.london_block = Some(2);
    let mut world = World::new(genesis, Layer::L1 { execute: false });
    let (mut early, senders) = unsealed(&world, &[], &[]);
    early.header.base_fee_per_gas = Some(1_000_000_000);
    let error = seal(&world, (early, senders)).unwrap_err();
    assert!(matches!(error, BlockError::Header(HeaderError::Unexpected("base fee"))), "{error}");
    mine(&mut world, &[], &[]);

    let error = seal(&world, unsealed(&world, &[], &[])).unwrap_err();
    assert!(matches!(error, BlockError::Header(HeaderError::GasLimitStep { parent: 16_000_000, .. })), "{error}");
    let (mut first, senders) = unsealed(&world, &[], &[]);
    first.header.gas_limit = 16_000_000;
    let executed = seal(&world, (first, senders)).unwrap();
    assert_eq!(executed.block.header().base_fee_per_gas, Some(1_000_000_000));
    world.append(&executed);
    let next = mine(&mut world, &[], &[]);
    assert_eq!(next.block.header().base_fee_per_gas, Some(875_000_000));
}

#[test]
fn withdrawals_come_with_shanghai_and_not_before() {
    let mut genesis = genesis_at("london", &[]);
    genesis.config.terminal_total_difficulty = Some(U256::ZERO);
    let paris = World::new(genesis.clone(), Layer::L1 { execute: false });
    let (mut block, senders) = unsealed(&paris, &[], &[]);
    block.body.withdrawals = Some(Default::default());
    let error = seal(&paris, (block, senders)).unwrap_err();
    assert!(matches!(error, BlockError::WithdrawalsMissing { header: false }), "{error}");

    genesis.config.shanghai_time = Some(0);
    let shanghai = World::new(genesis, Layer::L1 { execute: false });
    let error = seal(&shanghai, unsealed(&shanghai, &[], &[])).unwrap_err();
    assert!(matches!(error, BlockError::Header(HeaderError::Missing("withdrawals root"))), "{error}");
    let withdrawal = |amount| alloy_eips::eip4895::Withdrawal { address: MINER, amount, ..Default::default() };
    let (mut block, senders) = unsealed(&shanghai, &[], &[]);
    let list: alloy_eips::eip4895::Withdrawals = vec![withdrawal(3), withdrawal(4)].into();
    block.header.withdrawals_root = Some(proofs::calculate_withdrawals_root(&list));
    block.body.withdrawals = Some(list);
    let executed = seal(&shanghai, (block, senders)).unwrap();
    assert_eq!(executed.diff.accounts[&MINER].after.unwrap().balance, U256::from(7_000_000_000u64));
}

#[test]
fn blocks_are_built_from_the_merge_on() {
    let world = at("london", &[]);
    let error = Building::start(&world.spec, world.head(), world.attributes(), &world).map(|_| ()).unwrap_err();
    assert!(matches!(error, ExecutionError::Header(HeaderError::Mined(1))), "{error}");

    let mut genesis = genesis_at("london", &[]);
    genesis.config.terminal_total_difficulty = Some(U256::ZERO);
    for shanghai in [None, Some(0)] {
        genesis.config.shanghai_time = shanghai;
        let mut world = World::new(genesis.clone(), Layer::L1 { execute: false });
        let executed = world.build(&[legacy(0, 0, TxKind::Call(peer(3)), 5, vec![])]);
        assert_eq!(executed.receipts.len(), 1);
        assert_eq!(executed.block.body().withdrawals.is_some(), shanghai.is_some());
        execute(&world.spec, world.head(), &executed.block, None, &world).unwrap();
        world.append(&executed);
        assert_eq!(executed.block.header().state_root, world.flat_root());
    }
}
