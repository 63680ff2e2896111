use super::*;
use crate::world::{World, peer, signer};
use alloy_eips::eip7702::Authorization;
use alloy_genesis::GenesisAccount;
use alloy_signer::SignerSync;
use chainspec::{Layer, dev, predeploys};

const CAP: u64 = 50_000_000;

fn world(code: &[u8]) -> World {
    let mut genesis = dev::l1_genesis(1_000);
    let contract = GenesisAccount::default().with_nonce(Some(1)).with_code(Some(code.to_vec().into()));
    genesis.alloc.insert(peer(0), contract);
    World::new(genesis, Layer::L1 { execute: true })
}

fn to_peer() -> CallRequest {
    CallRequest { to: TxKind::Call(peer(0)), ..Default::default() }
}

fn run(world: &World, request: &CallRequest, overrides: &Overrides) -> Result<CallOutcome, CallError> {
    call(&world.spec, world.head(), world, request, overrides, CAP)
}

fn estimate(world: &World, request: &CallRequest) -> Result<u64, CallError> {
    estimate_gas(&world.spec, world.head(), world, request, &Overrides::default(), CAP)
}

fn word(outcome: &CallOutcome) -> U256 {
    U256::from_be_slice(&outcome.output)
}

/// Returns the word that `ops` leaves on the stack.
fn returning(ops: &[u8]) -> Vec<u8> {
    [ops, &[0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]].concat()
}

#[test]
fn a_call_needs_neither_balance_nor_nonce_and_reads_base_fee_zero_unless_it_names_a_price() {
    let world = world(&returning(&[0x48]));
    let free = run(&world, &to_peer(), &Overrides::default()).unwrap();
    assert_eq!((free.result.clone(), word(&free)), (CallResult::Success, U256::ZERO));
    let base_fee = u128::from(world.head().base_fee_per_gas.unwrap());
    let priced = CallRequest { from: Some(signer(0).address()), max_fee_per_gas: Some(base_fee), ..to_peer() };
    assert_eq!(word(&run(&world, &priced, &Overrides::default()).unwrap()), U256::from(base_fee));
    let low = CallRequest { max_fee_per_gas: Some(1), ..priced.clone() };
    assert!(matches!(
        run(&world, &low, &Overrides::default()),
        Err(CallError::Invalid(InvalidTransaction::GasPriceLessThanBasefee))
    ));
    let poor = CallRequest { from: Some(peer(9)), ..priced };
    assert!(matches!(
        run(&world, &poor, &Overrides::default()),
        Err(CallError::Invalid(InvalidTransaction::LackOfFundForMaxFee { .. }))
    ));
    let sends = CallRequest { value: U256::from(1), ..to_peer() };
    assert!(run(&world, &sends, &Overrides::default()).is_err(), "value has to be there");
}

#[test]
fn reverts_and_halts_are_results_with_their_data() {
    let reverting = world(&[0x60, 0xab, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xfd]);
    let outcome = run(&reverting, &to_peer(), &Overrides::default()).unwrap();
    assert_eq!((outcome.result.clone(), word(&outcome)), (CallResult::Revert, U256::from(0xab)));
    assert!(matches!(estimate(&reverting, &to_peer()), Err(CallError::Revert(data)) if data.len() == 32));
    let halting = world(&[0xfe]);
    assert!(matches!(run(&halting, &to_peer(), &Overrides::default()).unwrap().result, CallResult::Halt(_)));
    assert!(matches!(estimate(&halting, &to_peer()), Err(CallError::Halt(_))));
}

#[test]
fn overrides_replace_code_storage_balance_and_block() {
    let world = world(&returning(&[0x5f, 0x54]));
    let mut overrides = Overrides::default();
    overrides
        .accounts
        .insert(peer(0), AccountOverride { state_diff: [(U256::ZERO, U256::from(77))].into(), ..Default::default() });
    assert_eq!(word(&run(&world, &to_peer(), &overrides).unwrap()), U256::from(77));
    overrides.accounts.get_mut(&peer(0)).unwrap().state = Some([(U256::from(1), U256::from(1))].into());
    overrides.accounts.get_mut(&peer(0)).unwrap().state_diff.clear();
    assert_eq!(word(&run(&world, &to_peer(), &overrides).unwrap()), U256::ZERO);
    for (ops, expected) in [(&[0x43u8][..], 123), (&[0x42], 456), (&[0x47], 789)] {
        let over =
            AccountOverride { code: Some(returning(ops).into()), balance: Some(U256::from(789)), ..Default::default() };
        overrides.accounts.insert(peer(0), over);
        overrides.block = BlockOverride { number: Some(123), timestamp: Some(456), ..Default::default() };
        assert_eq!(word(&run(&world, &to_peer(), &overrides).unwrap()), U256::from(expected));
    }
    let from = CallRequest { from: Some(peer(5)), value: U256::from(3), ..to_peer() };
    overrides.accounts.insert(peer(5), AccountOverride { balance: Some(U256::from(3)), ..Default::default() });
    assert_eq!(run(&world, &from, &overrides).unwrap().result, CallResult::Success);
}

#[test]
fn a_contract_may_be_the_caller() {
    let world = world(&returning(&[0x33]));
    let request = CallRequest { from: Some(predeploys::MULTICALL3), ..to_peer() };
    let outcome = run(&world, &request, &Overrides::default()).unwrap();
    assert_eq!(Address::from_word(word(&outcome).into()), predeploys::MULTICALL3);
}

#[test]
fn an_estimate_suffices_and_hardly_anything_below_it_does() {
    let storing = [0x60, 1, 0x60, 5, 0x55, 0x00];
    let world = world(&storing);
    let transfer = CallRequest {
        from: Some(signer(0).address()),
        to: TxKind::Call(signer(1).address()),
        value: U256::from(1),
        ..Default::default()
    };
    assert_eq!(estimate(&world, &transfer).unwrap(), 21_000);
    let deploy = CallRequest {
        from: Some(signer(0).address()),
        to: TxKind::Create,
        // CODECOPY of 20,000 bytes from beyond the end: deploys 20,000 zero bytes.
        data: vec![0x61, 0x4e, 0x20, 0x80, 0x5f, 0x5f, 0x39, 0x5f, 0xf3].into(),
        ..Default::default()
    };
    for request in [to_peer(), deploy.clone()] {
        let gas = estimate(&world, &request).unwrap();
        let with = |gas| CallRequest { gas: Some(gas), ..request.clone() };
        assert_eq!(run(&world, &with(gas), &Overrides::default()).unwrap().result, CallResult::Success);
        let below = run(&world, &with(gas - gas / 32), &Overrides::default());
        assert!(!matches!(below, Ok(CallOutcome { result: CallResult::Success, .. })), "{gas}");
    }
    // 20,000 bytes of code cost 30.6 million state gas, all of it above the 2^24 of EIP-7825.
    assert!(estimate(&world, &deploy).unwrap() > 30_600_000);
    let capped = estimate_gas(&world.spec, world.head(), &world, &deploy, &Overrides::default(), 1 << 24);
    assert!(matches!(capped, Err(CallError::Allowance(cap)) if cap == 1 << 24), "{capped:?}");
}

#[test]
fn an_estimate_is_bounded_by_what_the_sender_can_pay() {
    let world = world(&[0x00]);
    let price = 1u128 << 70;
    let request = CallRequest { from: Some(signer(0).address()), max_fee_per_gas: Some(price), ..to_peer() };
    let payable: u64 = (dev::BALANCE / U256::from(price)).to();
    assert!(matches!(estimate(&world, &request), Err(CallError::Allowance(gas)) if gas == payable.min(CAP)));
    let beyond = CallRequest { value: dev::BALANCE + U256::from(1), ..request };
    let refused = estimate(&world, &beyond);
    assert!(
        matches!(&refused, Err(CallError::Invalid(InvalidTransaction::LackOfFundForMaxFee { balance, .. })) if **balance == dev::BALANCE),
        "{refused:?}"
    );
}

#[test]
fn delegations_and_blob_hashes_reach_the_call() {
    let world = world(&returning(&[0x5f, 0x49]));
    let hash = B256::repeat_byte(1);
    let blobs = CallRequest { blob_versioned_hashes: vec![hash], ..to_peer() };
    assert_eq!(B256::from(word(&run(&world, &blobs, &Overrides::default()).unwrap())), hash);
    let authorization = Authorization { chain_id: U256::ZERO, address: peer(0), nonce: 0 };
    let signature = signer(3).sign_hash_sync(&authorization.signature_hash()).unwrap();
    let delegating = CallRequest {
        to: TxKind::Call(signer(3).address()),
        authorization_list: vec![authorization.into_signed(signature)],
        ..Default::default()
    };
    assert_eq!(run(&world, &delegating, &Overrides::default()).unwrap().output.len(), 32);
}

#[test]
fn an_access_list_names_foreign_accounts_and_all_slots_and_saves_gas_when_it_should() {
    // Reads slots 1 and 2 and another contract's code size.
    let code = [&[0x60, 1, 0x54, 0x60, 2, 0x54, 0x73][..], predeploys::PERMIT2.as_slice(), &[0x3b, 0x00]].concat();
    let world = world(&code);
    let made = create_access_list(&world.spec, world.head(), &world, &to_peer(), &Overrides::default(), CAP).unwrap();
    assert!(made.error.is_none());
    let addresses: Vec<_> = made.access_list.0.iter().map(|item| item.address).collect();
    assert_eq!(addresses, {
        let mut expected = vec![peer(0), predeploys::PERMIT2];
        expected.sort();
        expected
    });
    let own = made.access_list.0.iter().find(|item| item.address == peer(0)).unwrap();
    assert_eq!(own.storage_keys, [B256::with_last_byte(1), B256::with_last_byte(2)]);
    let with = CallRequest { access_list: made.access_list.clone(), ..to_peer() };
    assert_eq!(run(&world, &with, &Overrides::default()).unwrap().gas_used, made.gas_used);
}

#[test]
fn an_incomplete_state_is_an_error_and_no_result() {
    struct Nothing;
    impl StateView for Nothing {
        fn account(&self, _: Address) -> Result<Option<crate::Account>, StateError> {
            Err(StateError::missing_node(B256::ZERO))
        }
        fn storage(&self, _: Address, _: U256) -> Result<U256, StateError> {
            Err(StateError::missing_node(B256::ZERO))
        }
        fn code(&self, hash: B256) -> Result<Bytes, StateError> {
            Err(StateError::missing_code(hash))
        }
        fn block_hash(&self, _: u64) -> Result<B256, StateError> {
            Err(StateError::missing_node(B256::ZERO))
        }
    }
    let world = world(&[0x00]);
    let result = call(&world.spec, world.head(), &Nothing, &to_peer(), &Overrides::default(), CAP);
    assert!(matches!(result, Err(CallError::State(StateError::Missing(_)))));
}
