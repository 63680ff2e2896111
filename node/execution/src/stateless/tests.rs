use super::*;
use crate::{execute, executor::Refused, world::*};
use alloy_primitives::{Address, TxKind, U256};
use bridge::execute::SCHEMA_ID;
use chainspec::{Layer, dev};
use proptest::prelude::*;
use rand::Rng;
use std::sync::OnceLock;

/// A block with a history behind it, code, storage and a few transactions.
fn sample() -> &'static StatelessInput {
    static SAMPLE: OnceLock<StatelessInput> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let mut rng = rng(11);
        let mut world = random_world(&mut rng);
        loop {
            let txs = random_txs(&mut rng, &world, 6);
            let executed = world.build(&txs);
            if world.headers.len() > 3 && executed.receipts.len() > 3 && executed.witness.headers.len() > 1 {
                return input(world.spec.chain_id, &executed).unwrap();
            }
            world.append(&executed);
        }
    })
}

fn refusal(change: impl FnOnce(&mut StatelessInput)) -> Refusal {
    let mut input = sample().clone();
    change(&mut input);
    validate(&input.encode()).map(|_| ()).unwrap_err()
}

fn rehashed(change: impl FnOnce(&mut StatelessInput)) -> Refusal {
    refusal(|input| {
        change(input);
        input.payload.block_hash = input.header().hash_slow();
    })
}

fn invalid(refusal: Refusal) -> Invalid {
    match refusal {
        Refusal::Invalid(invalid) => invalid,
        other => panic!("{other}"),
    }
}

#[test]
fn the_output_is_43_bytes_that_name_root_success_chain_and_schema() {
    let valid = validate(&sample().encode()).unwrap();
    let result = ValidationResult::decode(&valid.output).unwrap();
    assert_eq!(result, ValidationResult::new(sample().request_root(), true, dev::L2_CHAIN_ID));
    assert_eq!((result.schema_id, valid.header.hash()), (SCHEMA_ID, sample().payload.block_hash));
    assert_eq!(valid.gas_used, sample().payload.gas_used);
}

#[test]
fn any_node_or_code_left_out_is_a_missing_witness() {
    for index in 0..sample().witness.state.len() {
        assert!(matches!(invalid(refusal(|i| drop(i.witness.state.remove(index)))), Invalid::Witness(_)));
    }
    for index in 0..sample().witness.codes.len() {
        assert!(matches!(invalid(refusal(|i| drop(i.witness.codes.remove(index)))), Invalid::Witness(_)));
    }
}

#[test]
fn headers_must_be_a_chain_that_ends_with_the_parent() {
    assert!(matches!(invalid(refusal(|i| i.witness.headers.clear())), Invalid::HeaderCount(0)));
    assert!(matches!(invalid(refusal(|i| drop(i.witness.headers.remove(0)))), Invalid::Witness(_)));
    assert!(matches!(invalid(refusal(|i| drop(i.witness.headers.pop()))), Invalid::Parent { .. }));
    assert!(matches!(invalid(refusal(|i| i.witness.headers.reverse())), Invalid::HeaderChain { index: 1 }));
    assert!(matches!(invalid(refusal(|i| i.witness.headers[0] = vec![0xc0].into())), Invalid::Header { index: 0 }));
    let forge = |change: fn(&mut Header)| {
        refusal(move |i| {
            let mut header = exact::<Header>(&i.witness.headers[0]).unwrap();
            change(&mut header);
            i.witness.headers[0] = alloy_rlp::encode(header).into();
        })
    };
    assert!(matches!(invalid(forge(|h| h.timestamp += 1)), Invalid::HeaderChain { index: 1 }));
    let trailing = refusal(|i| i.witness.headers[0] = [&i.witness.headers[0][..], &[0]].concat().into());
    assert!(matches!(invalid(trailing), Invalid::Header { index: 0 }));
}

#[test]
fn a_forged_parent_with_absurd_fees_is_refused_at_once() {
    for (excess, used, base_fee, gas_used) in
        [(u64::MAX, 0, 7, 0), (u64::MAX, u64::MAX, u64::MAX, u64::MAX), (1 << 40, 0, 0, 0), (0, u64::MAX, 7, 9)]
    {
        let refused = rehashed(|i| {
            let index = i.witness.headers.len() - 1;
            let mut parent = exact::<Header>(&i.witness.headers[index]).unwrap();
            (parent.excess_blob_gas, parent.blob_gas_used) = (Some(excess), Some(used));
            (parent.base_fee_per_gas, parent.gas_used) = (Some(base_fee), gas_used);
            i.payload.parent_hash = parent.hash_slow();
            i.witness.headers[index] = alloy_rlp::encode(parent).into();
        });
        assert!(matches!(invalid(refused), Invalid::Block(BlockError::Header(_))));
    }
}

#[test]
fn what_the_payload_claims_must_be_what_execution_makes() {
    use crate::executor::Root;
    let root = |refusal| match invalid(refusal) {
        Invalid::Block(BlockError::Root { field, .. }) => field,
        other => panic!("{other}"),
    };
    assert_eq!(root(rehashed(|i| i.payload.state_root.0[0] ^= 1)), Root::State);
    assert_eq!(root(rehashed(|i| i.payload.receipts_root.0[0] ^= 1)), Root::Receipts);
    assert_eq!(root(rehashed(|i| i.payload.block_access_list = vec![0xc0].into())), Root::Bal);
    let swapped = rehashed(|i| {
        let mut bal = i.payload.block_access_list.to_vec();
        *bal.last_mut().unwrap() ^= 1;
        i.payload.block_access_list = bal.into();
    });
    assert_eq!(root(swapped), Root::Bal);
    assert!(matches!(invalid(rehashed(|i| i.payload.gas_used += 1)), Invalid::Block(BlockError::GasUsed { .. })));
    assert!(matches!(invalid(rehashed(|i| i.payload.logs_bloom.0[0] ^= 1)), Invalid::Block(BlockError::Bloom)));
    assert!(matches!(invalid(refusal(|i| i.payload.slot_number += 1)), Invalid::BlockHash { .. }));
    assert!(matches!(invalid(rehashed(|i| i.versioned_hashes.push(B256::ZERO))), Invalid::VersionedHashes(1)));
    let empty = rehashed(|i| i.payload.transactions[1] = Bytes::new());
    assert!(matches!(invalid(empty), Invalid::Transaction { index: 1 }));
    let twice = rehashed(|i| i.payload.transactions.insert(1, i.payload.transactions[0].clone()));
    assert!(matches!(
        invalid(twice),
        Invalid::Block(BlockError::Transaction { index: 1, reason: Refused::Invalid(_), .. })
    ));
    assert!(matches!(invalid(refusal(|i| i.chain_id = 0)), Invalid::ChainId));
    assert!(matches!(invalid(refusal(|i| i.chain_id = 1)), Invalid::Block(BlockError::Transaction { .. })));
}

#[test]
fn rollup_rules_come_before_everything_that_costs_gas() {
    assert!(matches!(refusal(|i| i.payload.blob_gas_used = 1), Refusal::Rule(RollupRule::BlobGasUsed(1))));
    assert!(matches!(refusal(|i| i.payload.excess_blob_gas = 1), Refusal::Rule(RollupRule::ExcessBlobGas(1))));
    let blob = refusal(|i| i.payload.transactions[0] = vec![3].into());
    assert!(matches!(blob, Refusal::Rule(RollupRule::TransactionType { index: 0, kind: 3 })));
    assert!(matches!(validate(&[]), Err(Refusal::Decode(_))));
    assert!(matches!(validate(&sample().encode()[..90]), Err(Refusal::Decode(_))));
}

#[test]
fn order_duplicates_and_strays_in_the_witness_do_not_matter() {
    let mut input = sample().clone();
    input.witness.state.reverse();
    let first = input.witness.state[0].clone();
    input.witness.state.extend([first, vec![0x80].into(), vec![1, 2, 3].into(), Bytes::new()]);
    input.witness.codes.reverse();
    input.witness.codes.push(vec![0xfe; 10].into());
    validate(&input.encode()).unwrap();
}

#[test]
fn both_ends_agree_that_a_chain_of_blocks_is_valid() {
    let mut rng = rng(5);
    let mut world = World::new(dev::l2_genesis(1_000, Bytes::from_static(&[0x00])), Layer::Rollup);
    for number in 0..300u64 {
        let to = TxKind::Call(Address::from_word(B256::from(U256::from(rng.random_range(0..50u64) + 0x9000))));
        let txs: Vec<_> = (0..number % 4)
            .map(|n| call(&world, 0, world.nonce(signer(0).address()) + n, to, 1, Bytes::new()))
            .collect();
        let executed = world.build(&txs);
        execute(&world.spec, world.head(), &executed.block, Some(&executed.bal), &world).unwrap();
        if number % 10 == 0 {
            validate(&input(world.spec.chain_id, &executed).unwrap().encode()).unwrap();
        }
        world.append(&executed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_byte_never_panics_and_never_makes_another_statement_true(at in any::<prop::sample::Index>(), bits in 1u8..=255) {
        let mut bytes = sample().encode();
        let at = at.index(bytes.len());
        bytes[at] ^= bits;
        // A stray byte can only pass where nobody looks: in a witness entry that nothing needs, of which there is none.
        prop_assert!(validate(&bytes).is_err());
    }

    #[test]
    fn a_cut_or_padded_input_is_refused(cut in any::<prop::sample::Index>(), pad in 1usize..40) {
        let bytes = sample().encode();
        prop_assert!(validate(&bytes[..cut.index(bytes.len())]).is_err());
        let padded = [bytes, vec![0; pad]].concat();
        prop_assert!(validate(&padded).is_err());
    }

    #[test]
    fn forged_witness_parts_never_panic(which in 0u8..3, at in any::<prop::sample::Index>(), garbage in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut input = sample().clone();
        let part = match which {
            0 => &mut input.witness.state,
            1 => &mut input.witness.codes,
            _ => &mut input.payload.transactions,
        };
        let index = at.index(part.len());
        part[index] = garbage.into();
        input.payload.block_hash = input.header().hash_slow();
        prop_assert!(validate(&input.encode()).is_err());
    }
}
