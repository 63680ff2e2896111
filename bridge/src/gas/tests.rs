use super::*;
use crate::{
    blob,
    execute::{Payload, Witness},
};
use alloy_primitives::Bytes;
use proptest::prelude::*;

fn sizes(gas_limit: u64, witness: usize) -> Sizes {
    Sizes {
        gas_limit,
        state: Items { count: witness / 400, bytes: witness },
        bal: 2_000,
        transactions: Items { count: 40, bytes: 5_000 },
        ..Sizes::default()
    }
}

#[test]
fn a_heartbeat_is_cheap_and_a_full_block_fits() {
    let empty =
        Sizes { gas_limit: 5_000_000, headers: Items { count: 1, bytes: 700 }, ..Sizes::default() }.fits().unwrap();
    assert!(empty.execution < 5_700_000, "{empty:?}");
    assert_eq!((empty.blobs, empty.input_bytes), (1, 634 + 704));
    assert!(sizes(10_000_000, 90_000).fits().is_ok());
    assert_eq!(empty.gas_limit(), empty.execution + 3 * 97_920);
}

#[test]
fn each_limit_is_named() {
    assert!(
        matches!(sizes(12_000_000, 110_000).fits(), Err(Exceeds::ExecutionGas { needed }) if needed > MAX_EXECUTION_GAS)
    );
    assert!(matches!(sizes(1_000_000, 130_000).fits(), Err(Exceeds::TxBytes { .. })));
    assert!(matches!(sizes(0, MAX_INPUT_BYTES).fits(), Err(Exceeds::InputBytes { .. })));
    assert!(matches!(
        Sizes { bal: 6 * blob::DATA_PER_BLOB, ..Sizes::default() }.fits(),
        Err(Exceeds::Blobs { blobs: 7 })
    ));
    assert!(matches!(sizes(u64::MAX, 1_000).fits(), Err(Exceeds::ExecutionGas { needed: u64::MAX })));
}

/// What the contracts' own tests measured (forge, Osaka prices), and the targets of the design.
#[test]
fn binding_is_bounded_from_above_where_it_was_measured() {
    let binding = |data: usize| {
        n(blob::blob_count(data)) * BINDING_BLOB + n(data.div_ceil(31)) * BINDING_ELEMENT + memory(data + 36_000)
    };
    assert!((196_505..=230_000).contains(&binding(20_000)), "{}", binding(20_000));
    // The contract's target for a full blob is 900,000; the model stays above what it may come to.
    assert!((900_000..=950_000).contains(&binding(blob::DATA_PER_BLOB)), "{}", binding(blob::DATA_PER_BLOB));
}

/// With little gas to execute, the floor price of calldata is what binds.
#[test]
fn the_calldata_floor_is_never_undercut() {
    let s = Sizes { gas_limit: 0, state: Items { count: 1, bytes: 120_000 }, ..Sizes::default() };
    let gas = advance_gas(&s);
    assert!(gas.execution >= 21_000 + 64 * gas.input_bytes as u64);
}

#[test]
fn the_64ths_kept_back_on_the_way_are_reserved() {
    for gas in [0, 1, 62, 63, 64, 1_000_000, 16_777_216] {
        let held = with_64th(gas);
        assert!(held - held / 64 >= gas, "{gas}");
    }
}

proptest! {
    #[test]
    fn input_and_data_sizes_are_those_of_the_codecs(txs in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..20), bal in 0usize..2_000, state in proptest::collection::vec(0usize..600, 0..20), codes in 0usize..4, extra in 0usize..33) {
        let input = StatelessInput {
            payload: Payload { transactions: txs.into_iter().map(Bytes::from).collect(), block_access_list: vec![1; bal].into(), extra_data: vec![2; extra].into(), ..Payload::default() },
            witness: Witness { state: state.into_iter().map(|len| vec![3; len].into()).collect(), codes: vec![vec![4; 1_000].into(); codes], headers: vec![vec![5; 700].into()] },
            ..StatelessInput::default()
        };
        let sizes = Sizes::of(&input);
        prop_assert_eq!(sizes.input_bytes(), input.encode().len());
        prop_assert!(sizes.data_bytes() >= blob::encode(&input.payload.block_access_list, &input.payload.transactions).len());
    }

    /// Adding anything never makes a landing cheaper: a builder may stop at the first refusal.
    #[test]
    fn cost_grows_with_every_size(base in 0usize..100_000, more in 0usize..10_000, which in 0usize..6) {
        let before = sizes(8_000_000, base);
        let mut after = before;
        match which {
            0 => after.gas_limit += more as u64,
            1 => after.transactions = after.transactions.with(more),
            2 => after.bal += more,
            3 => after.state = after.state.with(more),
            4 => after.codes = after.codes.with(more),
            _ => after.outbox_proof = after.outbox_proof.with(more),
        }
        let (a, b) = (advance_gas(&before), advance_gas(&after));
        prop_assert!(b.execution >= a.execution && b.tx_bytes >= a.tx_bytes && b.blobs >= a.blobs && b.input_bytes >= a.input_bytes);
    }
}

/// The real calldata is never longer than the model's.
#[test]
fn calldata_is_bounded() {
    use crate::{abi, anchor::Anchor, opening::Opening};
    use alloy_primitives::{B256, U256};
    let opening = Opening {
        versioned_hash: B256::ZERO,
        commitment: [0; 48].into(),
        proof: [0; 48].into(),
        z: U256::ZERO,
        y: U256::ZERO,
    };
    for (bal, nodes) in [(0usize, 0usize), (100, 3), (200_000, 17)] {
        let input = StatelessInput {
            payload: Payload { block_access_list: vec![1; bal].into(), ..Payload::default() },
            ..StatelessInput::default()
        };
        let proof: Vec<Bytes> = vec![vec![1; 531].into(); nodes];
        let sizes = Sizes { outbox_proof: Items { count: 2 * nodes, bytes: 2 * nodes * 531 }, ..Sizes::of(&input) };
        let gas = advance_gas(&sizes);
        let calldata = abi::advance(
            &Anchor::default(),
            &vec![opening; gas.blobs],
            abi::OutboxProof { account: proof.clone(), storage: proof },
            input.encode().into(),
        );
        let slack = gas.tx_bytes - TX_FRAME - 33 * gas.blobs - calldata.len();
        assert!(slack <= 128 + 2 * 32 * nodes, "{slack} bytes of slack");
    }
}

#[test]
fn forwarding_grows_with_messages_and_their_data_and_never_undercuts_the_floor() {
    let one = forward_gas(&[0]);
    assert!((400_000..500_000).contains(&one), "{one}");
    assert!(forward_gas(&[0, 0]) > one + FORWARD + 2 * NEW_SLOT_STATE_GAS);
    assert!(forward_gas(&[16_384]) > INTRINSIC + 16_384 * CALLDATA_FLOOR_BYTE);
    assert_eq!(forward_gas(&[usize::MAX, usize::MAX]), u64::MAX);
}
