use crate::{
    call::{CallRequest, CallResult, Overrides, call},
    stateless,
    world::{self, World},
};
use alloy_primitives::{Bytes, TxKind};
use bridge::execute::{RESULT_BYTES, StatelessInput, gas};
use chainspec::{Layer, dev, predeploys};

fn l1(execute: bool) -> World {
    World::new(dev::l1_genesis(1_000), Layer::L1 { execute })
}

fn input() -> StatelessInput {
    let l2 = World::new(dev::l2_genesis(1_000, Bytes::from_static(&[0x00])), Layer::Rollup);
    let tx = world::call(&l2, 0, 0, TxKind::Call(predeploys::MULTICALL3), 0, Bytes::new());
    stateless::input(l2.spec.chain_id, &l2.build(&[tx])).unwrap()
}

/// Calls EXECUTE through a contract that forwards `forward` gas: whether it succeeded, gas taken, data returned.
fn through(world: &World, data: Bytes, forward: u64) -> (bool, u64, Vec<u8>) {
    // Call data to memory 0x60; mem[0] = gas before, mem[0x20] = success, mem[0] -= gas after; what came back to 0x40.
    let mut code = vec![0x36, 0x5f, 0x60, 0x60, 0x37];
    code.extend([0x5f, 0x5f, 0x36, 0x60, 0x60, 0x5f, 0x61, 0x01, 0x01, 0x67]);
    code.extend(forward.to_be_bytes());
    code.extend([0x5a, 0x5f, 0x52, 0xf1, 0x60, 0x20, 0x52, 0x5a, 0x5f, 0x51, 0x03, 0x5f, 0x52]);
    code.extend([0x3d, 0x5f, 0x60, 0x40, 0x3e, 0x3d, 0x60, 0x40, 0x01, 0x5f, 0xf3]);
    let mut overrides = Overrides::default();
    overrides.accounts.entry(world::peer(0)).or_default().code = Some(code.into());
    let request = CallRequest { to: TxKind::Call(world::peer(0)), data, ..Default::default() };
    let done = call(&world.spec, world.head(), world, &request, &overrides, 100_000_000).unwrap();
    assert_eq!(done.result, CallResult::Success, "{done:?}");
    let out = done.output;
    let gas = u64::from_be_bytes(out[24..32].try_into().unwrap());
    (out[63] == 1, gas, out[64..].to_vec())
}

#[test]
fn a_valid_input_returns_43_bytes_and_costs_gas_limit_and_16_per_byte() {
    let (world, input) = (l1(true), input());
    let bytes = input.encode();
    let cost = gas(input.payload.gas_limit, bytes.len());
    assert_eq!(cost, 12_000_000 + 16 * bytes.len() as u64);
    let (success, taken, out) = through(&world, bytes.clone().into(), 14_000_000);
    assert!(success);
    assert_eq!(out.len(), RESULT_BYTES);
    assert_eq!(out, stateless::validate(&bytes).unwrap().output);
    // Warm like any precompile: the call itself costs 100, the rest is the caller's own bookkeeping.
    assert!((100..200).contains(&(taken - cost)), "{taken} - {cost}");
}

#[test]
fn every_failure_takes_the_forwarded_gas_and_leaves_the_caller_running() {
    let (world, input) = (l1(true), input());
    let mut invalid = input.clone();
    invalid.payload.state_root.0[0] ^= 1;
    let mut blobs = input.clone();
    blobs.payload.blob_gas_used = 1;
    let cases: [(Vec<u8>, u64); 6] = [
        (vec![], 1_000_000),
        (vec![0x15, 0x02], 1_000_000),
        (input.encode()[..100].to_vec(), 1_000_000),
        (blobs.encode(), 14_000_000),
        (invalid.encode(), 14_000_000),
        (input.encode(), 11_000_000),
    ];
    for (bytes, forward) in cases {
        let (success, taken, out) = through(&world, bytes.into(), forward);
        assert!(!success && out.is_empty());
        assert!((100..200).contains(&(taken - forward)), "{taken} of {forward}");
    }
}

#[test]
fn without_the_fork_the_address_is_an_ordinary_empty_account() {
    let (success, _, out) = through(&l1(false), input().encode().into(), 14_000_000);
    assert!(success && out.is_empty());
}

#[test]
fn an_l1_transaction_that_calls_execute_stands_in_a_valid_block() {
    let mut genesis = dev::l1_genesis(1_000);
    // CALLDATACOPY to 0, call EXECUTE with all gas, store the success flag in slot 0.
    let code =
        vec![0x36, 0x5f, 0x5f, 0x37, 0x5f, 0x5f, 0x36, 0x5f, 0x5f, 0x61, 0x01, 0x01, 0x5a, 0xf1, 0x5f, 0x55, 0x00];
    let contract = alloy_genesis::GenesisAccount::default().with_nonce(Some(1)).with_code(Some(code.into()));
    genesis.alloc.insert(world::peer(0), contract);
    let world = World::new(genesis, Layer::L1 { execute: true });
    let tx = alloy_consensus::TxEip1559 {
        chain_id: world.spec.chain_id,
        gas_limit: 17_000_000,
        max_fee_per_gas: 2_000_000_000,
        to: TxKind::Call(world::peer(0)),
        input: input().encode().into(),
        ..Default::default()
    };
    let executed = world.build(&[world::sign(&world::signer(0), tx)]);
    let receipt = &executed.receipts[0];
    assert!(receipt.status() && receipt.cumulative_gas_used() > 12_000_000);
    assert_eq!(executed.diff.accounts[&world::peer(0)].storage.len(), 1);
    crate::execute(&world.spec, world.head(), &executed.block, Some(&executed.bal), &world).unwrap();
}
