//! Hub's rules: what lands, and what each refusal says.

use super::*;
use alloy_sol_types::SolError;

/// What `advance` reverts with when it is tried in the next block; empty when it does not.
fn tried(bed: &Bed, call: &Call) -> Bytes {
    let hashes: Vec<B256> = call.sidecar.versioned_hashes().collect();
    let request = json!({
        "from": signer().address(), "to": Config::default().hub, "input": call.input, "gas": "0xd59f80",
        "blobVersionedHashes": hashes,
    });
    match bed.l1.request(bed.at, "eth_call", &json!([request, "pending"])) {
        Ok(_) => Bytes::new(),
        Err(Unanswered::Error(error)) => {
            assert_eq!((error.code, error.message.as_str()), (3, "execution reverted"));
            error.data.unwrap()
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_landing_moves_the_head_and_says_so_in_its_event() {
    let bed = Bed::new(1, |_| {});
    let (landing, hash) = (bed.next(), bed.land(0));
    let block_hash = landing.payload.header(landing.anchor.hash(), &Requests::default()).hash_slow();
    let rollup = bed.l1.rollup(ROLLUP).unwrap();
    assert_eq!((rollup.number, rollup.headHash), (1, block_hash));
    assert_eq!((rollup.stateRoot, rollup.originNumber), (landing.payload.state_root, 4));
    let landings = bed.l1.landings(ROLLUP);
    assert_eq!(landings.len(), 1);
    assert_eq!((landings[0].landed.hash, landings[0].landed.proposer), (block_hash, signer().address()));
    assert_eq!(landings[0].landed.blob_hashes.len(), 1);
    assert_eq!(landings[0].l1, bed.l1.head());
    assert_eq!(bed.receipt(hash)["status"], "0x1");
    // On top of it, and only once.
    bed.land(1);
    assert_eq!(bed.l1.rollup(ROLLUP).unwrap().number, 2);
}

#[test]
fn each_rule_of_advance_is_kept_and_refuses_by_its_name() {
    let bed = Bed::new(1, |_| {});
    for _ in 0..3 {
        bed.deposit();
    }
    bed.mine(5);
    bed.land(0);
    let l1_time = bed.l1.timestamp(bed.l1.head_slot() + 1);
    type Change = Box<dyn Fn(&mut Landing)>;
    let cases: Vec<(&str, [u8; 4], Change)> = vec![
        ("chain", abi::UnknownRollup::SELECTOR, Box::new(|l| l.chain_id = 9)),
        ("parent", abi::WrongParent::SELECTOR, Box::new(|l| l.payload.parent_hash = B256::ZERO)),
        ("number", abi::WrongNumber::SELECTOR, Box::new(|l| l.payload.block_number = 5)),
        ("time", abi::TimestampInFuture::SELECTOR, Box::new(move |l| l.payload.timestamp = l1_time + 1)),
        ("gas", abi::GasLimitOutOfRange::SELECTOR, Box::new(|l| l.payload.gas_limit = 999_999)),
        ("gas", abi::GasLimitOutOfRange::SELECTOR, Box::new(|l| l.payload.gas_limit = 15_000_001)),
        ("fee", abi::BaseFeeTooHigh::SELECTOR, Box::new(|l| l.payload.base_fee_per_gas = 1 << 56)),
        ("slot", abi::WrongSlotNumber::SELECTOR, Box::new(|l| l.payload.slot_number = 1)),
        ("origin", abi::OriginTooNew::SELECTOR, Box::new(|l| l.anchor.origin_number += 1)),
        ("origin", abi::OriginMovedBack::SELECTOR, Box::new(|l| l.anchor.origin_number = 4)),
        ("randao", abi::WrongPrevRandao::SELECTOR, Box::new(|l| l.payload.prev_randao = B256::ZERO)),
        ("inbox", abi::InboxCountMovedBack::SELECTOR, Box::new(|l| l.anchor.inbox_count = 2)),
        ("inbox", abi::InboxCountBeyond::SELECTOR, Box::new(|l| l.anchor.inbox_count = 4)),
        ("inbox", abi::WrongAnchor::SELECTOR, Box::new(|l| l.anchor.inbox_hash = B256::ZERO)),
        ("hash", abi::ExecuteRefused::SELECTOR, Box::new(|l| l.payload.block_hash = B256::repeat_byte(1))),
        ("rule", abi::ExecuteRefused::SELECTOR, Box::new(|l| l.payload.blob_gas_used = 1)),
    ];
    assert!(tried(&bed, &bed.next().call()).is_empty(), "unchanged, it lands");
    for (at, (name, selector, change)) in cases.into_iter().enumerate() {
        let mut landing = bed.next();
        change(&mut landing);
        let reverted = tried(&bed, &landing.call());
        assert_eq!(reverted.get(..4), Some(&selector[..]), "case {at}: {name}");
    }
}

#[test]
fn an_origin_is_usable_for_sixty_four_blocks_and_on_its_own_branch_only() {
    let bed = Bed::new(1, |_| {});
    let landing = bed.next();
    for slot in 5..=4 + 63 {
        bed.l1.mine(slot, &Mine::default()).unwrap();
    }
    assert!(tried(&bed, &landing.call()).is_empty());
    bed.mine(68);
    assert_eq!(tried(&bed, &landing.call())[..4], abi::OriginTooOld::SELECTOR);

    let bed = Bed::new(2, |_| {});
    let landing = bed.next();
    bed.l1.reorg(&Reorg { depth: 1, rebuild: true, ..Reorg::default() }).unwrap();
    assert_eq!(tried(&bed, &landing.call())[..4], abi::WrongPrevRandao::SELECTOR);
}

#[test]
fn blobs_must_be_exactly_the_payloads_data() {
    let bed = Bed::new(1, |_| {});
    let call = bed.next().call();
    let other = Keccak.sidecar(bridge::blob::to_blobs(&[9; 40]));
    let none = BlobTransactionSidecarEip7594::new(Vec::new(), Vec::new(), Vec::new());
    let two = Keccak.sidecar([call.sidecar.blobs.clone(), other.blobs.clone()].concat());
    for (sidecar, selector) in
        [(none, abi::BlobMissing::SELECTOR), (two, abi::ExtraBlob::SELECTOR), (other, abi::BlobHashMismatch::SELECTOR)]
    {
        assert_eq!(tried(&bed, &Call { sidecar, ..call.clone() })[..4], selector);
    }
    // A blob of its own with its own opening, but not the data that EXECUTE is given.
    let (landing, mut lie) = (bed.next(), bed.next());
    lie.payload.transactions = vec![vec![0x02; 501].into()];
    let payload = &landing.payload;
    let data = bridge::blob::encode(&lie.payload.block_access_list, &lie.payload.transactions);
    let input = StatelessInput {
        payload: payload.clone(),
        versioned_hashes: Vec::new(),
        parent_beacon_block_root: landing.anchor.hash(),
        requests: Requests::default(),
        witness: Witness::default(),
        chain_id: ROLLUP,
    };
    let openings = Keccak.openings(&data);
    let input = bridge::abi::advance(&landing.anchor, &openings, OutboxProof::default(), input.encode().into());
    let lie = Call { input, sidecar: Keccak.sidecar(bridge::blob::to_blobs(&data)) };
    assert_eq!(tried(&bed, &lie)[..4], abi::WrongOpening::SELECTOR);
}

#[test]
fn a_refused_landing_is_included_pays_and_changes_nothing() {
    let bed = Bed::new(1, |_| {});
    let before = (bed.l1.rollup(ROLLUP).unwrap(), bed.l1.balance(signer().address()));
    let mut landing = bed.next();
    landing.payload.parent_hash = B256::ZERO;
    let hash = bed.send(&landing.call(), 0, FEES).unwrap();
    bed.mine(5);
    let receipt = bed.receipt(serde_json::from_value(hash).unwrap());
    assert_eq!((&receipt["status"], &receipt["logs"]), (&json!("0x0"), &json!([])));
    let gas: U256 = serde_json::from_value(receipt["gasUsed"].clone()).unwrap();
    let price: U256 = serde_json::from_value(receipt["effectiveGasPrice"].clone()).unwrap();
    let blobs: U256 = serde_json::from_value(receipt["blobGasUsed"].clone()).unwrap();
    let blob_price: U256 = serde_json::from_value(receipt["blobGasPrice"].clone()).unwrap();
    let paid = gas * price + blobs * blob_price;
    assert_eq!(bed.l1.balance(signer().address()), before.1 - paid);
    assert_eq!(bed.l1.rollup(ROLLUP).unwrap().headHash, before.0.headHash);
    assert_eq!(bed.l1.reverted(), (1, 2));
    assert_eq!(bed.ask("eth_getTransactionCount", json!([signer().address(), "latest"])), "0x1");
}

#[test]
fn execute_runs_when_the_world_asks_for_it() {
    // A block of garbage: its hash is right, but it is the child of nothing that a witness shows.
    for (execution, lands) in
        [(Execution::Never, true), (Execution::Always, false), (Execution::Sampled { percent: 100 }, false)]
    {
        let bed = Bed::new(1, |config| config.execution = execution);
        bed.land(0);
        assert_eq!(bed.l1.rollup(ROLLUP).unwrap().number == 1, lands, "{execution:?}");
    }
}

#[test]
fn messages_get_their_place_in_the_inbox_and_bad_ones_are_turned_away() {
    let bed = Bed::new(1, |_| {});
    bed.deposit();
    bed.deposit();
    bed.mine(5);
    let messages = bed.l1.messages(ROLLUP);
    assert_eq!(messages.iter().map(|message| message.index).collect::<Vec<_>>(), [0, 1]);
    let leaves: Vec<B256> = messages.iter().map(Message::leaf).collect();
    let rollup = bed.l1.rollup(ROLLUP).unwrap();
    let chain = bridge::message::InboxChain::default().extend(&leaves);
    assert_eq!((rollup.inboxCount, rollup.inboxHash), (chain.count, chain.hash));
    assert_eq!(rollup.escrow, U256::from(5 + 4 * ETHER));
    let cheap = Deposit { chain_id: ROLLUP, to: USER, value: U256::from(1), ..Deposit::default() };
    let unknown = Deposit { chain_id: 9, ..cheap.clone() };
    for deposit in [cheap, unknown] {
        bed.l1.deposit(USER, deposit).unwrap();
    }
    bed.mine(6);
    assert_eq!((bed.l1.messages(ROLLUP).len(), bed.l1.reverted().0), (2, 2));
}

#[test]
fn a_rollup_is_registered_once_with_the_event_that_nodes_look_for() {
    let bed = Bed::new(1, |_| {});
    let receipts = bed.ask("eth_getBlockReceipts", json!(["0x1"]));
    let receipts: Vec<alloy_rpc_types_eth::TransactionReceipt> = serde_json::from_value(receipts).unwrap();
    let log = &receipts[0].inner.logs()[0];
    let event = <abi::RollupRegistered as alloy_sol_types::SolEvent>::decode_log(&log.inner).unwrap();
    let rollup = bed.l1.rollup(ROLLUP).unwrap();
    assert_eq!((event.chainId, event.genesisHash, event.escrow), (ROLLUP, rollup.headHash, U256::from(5)));
    let registration = Registration { params: rollup.params, genesis_header: Bytes::new(), escrow: U256::ZERO };
    bed.l1.register(USER, registration).unwrap();
    bed.mine(5);
    assert_eq!(bed.l1.reverted(), (1, 2));
}
