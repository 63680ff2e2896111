//! What public pools take, and with which words they refuse.

use super::*;

/// The refusal of a transaction.
fn refused(bed: &Bed, call: &Call, nonce: u64, fees: Fees) -> String {
    match bed.send(call, nonce, fees) {
        Err(Unanswered::Error(error)) => {
            assert_eq!(error.code, -32_000);
            error.message
        }
        other => panic!("{other:?}"),
    }
}

const fn times(factor: u128) -> Fees {
    Fees { max: FEES.max * factor, tip: FEES.tip * factor, blob: FEES.blob * factor }
}

#[test]
fn a_replacement_must_double_every_fee() {
    let bed = Bed::new(1, |_| {});
    let call = bed.next().call();
    bed.send(&call, 0, FEES).unwrap();
    assert_eq!(refused(&bed, &call, 0, FEES), "already known");
    for short in [
        Fees { max: FEES.max * 2 - 1, ..times(2) },
        Fees { tip: FEES.tip * 2 - 1, ..times(2) },
        Fees { blob: FEES.blob * 2 - 1, ..times(2) },
    ] {
        assert!(refused(&bed, &call, 0, short).starts_with("replacement transaction underpriced"));
    }
    let replaced = bed.l1.waiting();
    bed.send(&call, 0, times(2)).unwrap();
    assert_eq!(bed.l1.waiting().len(), 1);
    assert_ne!(bed.l1.waiting(), replaced);
    assert_eq!(bed.ask("eth_getTransactionByHash", json!([replaced[0]])), Value::Null);
}

#[test]
fn nonces_have_no_gaps_and_do_not_come_back() {
    let bed = Bed::new(1, |_| {});
    let call = bed.next().call();
    assert!(refused(&bed, &call, 1, FEES).starts_with("nonce too high"));
    bed.send(&call, 0, FEES).unwrap();
    bed.send(&call, 1, FEES).unwrap();
    let count = |tag: &str| bed.ask("eth_getTransactionCount", json!([signer().address(), tag]));
    assert_eq!((count("latest"), count("pending")), (json!("0x0"), json!("0x2")));
    bed.mine(5);
    assert_eq!((count("latest"), count("pending")), (json!("0x2"), json!("0x2")));
    assert!(refused(&bed, &call, 1, times(2)).starts_with("nonce too low"));
}

#[test]
fn the_sender_must_own_what_all_of_its_transactions_may_cost() {
    let dear = Fees { max: 4_000 * GWEI, tip: GWEI, blob: GWEI };
    let cost = U256::from(14_000_000 * dear.max);
    let bed = Bed::new(1, |config| {
        config.balances.insert(signer().address(), cost * U256::from(2));
    });
    let call = bed.next().call();
    bed.send(&call, 0, dear).unwrap();
    let text = refused(&bed, &call, 1, dear);
    assert!(text.starts_with("insufficient funds for gas * price + value"), "{text}");
}

#[test]
fn what_is_malformed_or_of_another_chain_is_refused() {
    let bed = Bed::new(1, |_| {});
    assert!(bed.refusal("eth_sendRawTransaction", json!(["0x1234"])).message.starts_with("rlp"));
    let call = bed.next().call();
    let mut sidecar = call.sidecar.clone();
    sidecar.blobs[0][99] ^= 1;
    assert!(refused(&bed, &Call { sidecar, ..call.clone() }, 0, FEES).starts_with("invalid blob proof"));
    let tip_above = Fees { tip: FEES.max + 1, ..FEES };
    assert!(refused(&bed, &call, 0, tip_above).starts_with("max priority fee per gas higher"));
    assert!(refused(&bed, &call, 0, Fees { tip: 0, ..FEES }).starts_with("transaction underpriced"));
    let bed = Bed::new(1, |config| config.chain_id = 1);
    assert!(refused(&bed, &call, 0, FEES).contains("invalid chain id"));
}

#[test]
fn a_transaction_waits_until_it_pays_both_fees() {
    let bed = Bed::new(1, |_| {});
    let hash = bed.send(&bed.next().call(), 0, FEES).unwrap();
    let waits = || bed.ask("eth_getTransactionByHash", json!([hash]))["blockHash"].is_null();
    bed.l1.mine(5, &Mine { base_fee: Some(21_000_000_000), ..Mine::default() }).unwrap();
    assert!(waits());
    // About e^26 wei for each blob gas.
    bed.l1.mine(6, &Mine { base_fee: Some(7), excess_blob_gas: Some(26 * 11_684_671), ..Mine::default() }).unwrap();
    assert!(waits());
    let blob_fee: U256 = serde_json::from_value(bed.ask("eth_blobBaseFee", json!([]))).unwrap();
    assert!(blob_fee > U256::from(FEES.blob), "{blob_fee}");
    bed.l1.mine(7, &Mine { excess_blob_gas: Some(0), ..Mine::default() }).unwrap();
    assert!(!waits());
}

#[test]
fn others_fill_blocks_and_both_fees_follow_demand() {
    let bed = Bed::new(1, |_| {});
    let base_fee = |number| bed.l1.header(number).unwrap().base_fee_per_gas.unwrap();
    let idle = base_fee(bed.l1.head().number);
    let full = Mine { others_gas: 60_000_000, others_blobs: 21, ..Mine::default() };
    let hash = bed.send(&bed.next().call(), 0, FEES).unwrap();
    for slot in 5..15 {
        bed.l1.mine(slot, &full).unwrap();
    }
    let head = bed.l1.header(bed.l1.head().number).unwrap();
    assert!(head.base_fee_per_gas.unwrap() > idle * 2, "{idle} to {:?}", head.base_fee_per_gas);
    assert!(head.excess_blob_gas.unwrap() > 0);
    assert!(bed.ask("eth_getTransactionByHash", json!([hash]))["blockHash"].is_null(), "there was no room");
}

#[test]
fn the_highest_tip_goes_first_unless_the_proposer_likes_another() {
    let first_is_user = |seed, shuffle| {
        let bed = Bed::new(seed, |_| {});
        bed.send(&bed.next().call(), 0, Fees { tip: 3 * GWEI, ..FEES }).unwrap();
        let user = bed.deposit();
        bed.l1.mine(5, &Mine { shuffle, ..Mine::default() }).unwrap();
        bed.receipt(user)["transactionIndex"] == "0x0"
    };
    assert!((0..8).all(|seed| !first_is_user(seed, false)));
    let shuffled: Vec<bool> = (0..16).map(|seed| first_is_user(seed, true)).collect();
    assert!(shuffled.contains(&true) && shuffled.contains(&false));
}

#[test]
fn a_block_may_leave_transactions_out_and_the_pool_may_lose_them() {
    let bed = Bed::new(1, |_| {});
    let call = bed.next().call();
    bed.send(&call, 0, FEES).unwrap();
    bed.send(&call, 1, FEES).unwrap();
    bed.l1.mine(5, &Mine { left_out_percent: 100, ..Mine::default() }).unwrap();
    bed.l1.mine(6, &Mine { is_empty: true, ..Mine::default() }).unwrap();
    let waiting = bed.l1.waiting();
    assert_eq!(waiting.len(), 2);
    assert!(bed.l1.lose(waiting[0]), "and the one behind it");
    assert!(bed.l1.waiting().is_empty() && !bed.l1.lose(waiting[0]));
}
