use super::*;
use crate::outbox::OUTBOX_DEPTH;
use alloy_primitives::{Address, LogData};
use alloy_sol_types::SolEvent;

fn message() -> Message {
    Message {
        src_chain_id: 1,
        dst_chain_id: 2,
        index: 3,
        sender: Address::repeat_byte(4),
        to: Address::repeat_byte(5),
        value: U256::from(6),
        fee: U256::from(7),
        gas_limit: 8,
        data: Bytes::from_static(b"nine"),
    }
}

#[test]
fn messages_pass_through_both_contracts_types_unchanged() {
    assert_eq!(Message::from(Hub::Message::from(message())), message());
    assert_eq!(Message::from(Messenger::Message::from(message())), message());
}

#[test]
fn a_landed_event_survives_its_log() {
    let landed = Landed {
        chain_id: 8_079,
        number: 5,
        hash: B256::repeat_byte(1),
        parent_hash: B256::repeat_byte(2),
        state_root: B256::repeat_byte(3),
        timestamp: 4,
        gas_limit: 5,
        fee_recipient: Address::repeat_byte(6),
        extra_data: Bytes::from_static(b"seven"),
        origin_number: 8,
        origin_hash: B256::repeat_byte(9),
        inbox_count: 10,
        inbox_hash: B256::repeat_byte(11),
        proposer: Address::repeat_byte(12),
        blob_hashes: vec![B256::repeat_byte(13), B256::repeat_byte(14)],
    };
    let event = Hub::BlockLanded {
        chainId: landed.chain_id,
        number: landed.number,
        blockHash: landed.hash,
        landed: Hub::LandedBlock {
            parentHash: landed.parent_hash,
            stateRoot: landed.state_root,
            timestamp: landed.timestamp,
            gasLimit: landed.gas_limit,
            feeRecipient: landed.fee_recipient,
            extraData: landed.extra_data.clone(),
            originNumber: landed.origin_number,
            originHash: landed.origin_hash,
            inboxCount: landed.inbox_count,
            inboxHash: landed.inbox_hash,
            proposer: landed.proposer,
            blobHashes: landed.blob_hashes.clone(),
        },
    };
    let log: LogData = event.encode_log_data();
    assert_eq!(log.topics().len(), 4);
    assert_eq!(Landed::from(Hub::BlockLanded::decode_log_data(&log).unwrap()), landed);
}

#[test]
fn calldata_decodes_to_what_was_meant() {
    let anchor = Anchor {
        chain_id: 8_079,
        origin_number: 9,
        origin_hash: B256::repeat_byte(1),
        inbox_count: 2,
        inbox_hash: B256::repeat_byte(3),
    };
    let opening = Opening {
        versioned_hash: B256::ZERO,
        commitment: [1; 48].into(),
        proof: [2; 48].into(),
        z: U256::ZERO,
        y: U256::ZERO,
    };
    let input = Bytes::from_static(&[0x15, 0x01, 0xaa]);
    let call =
        Hub::advanceCall::abi_decode(&advance(&anchor, &[opening, opening], OutboxProof::default(), input.clone()))
            .unwrap();
    assert_eq!((call.a.originNumber, call.a.inboxCount, call.executeInput), (9, 2, input));
    assert_eq!(call.a.openings, [[[1u8; 48], [2; 48]].concat(), [[1u8; 48], [2; 48]].concat()].concat());

    let call = Messenger::relayCall::abi_decode(&relay(
        vec![message()],
        U256::from(1),
        vec![B256::repeat_byte(7)],
        anchor,
        11,
    ))
    .unwrap();
    assert_eq!(call.messages.into_iter().map(Message::from).collect::<Vec<_>>(), [message()]);
    assert_eq!(
        (call.deferred, call.tail, call.anchorTimestamp),
        (U256::from(1), vec![B256::repeat_byte(7)], U256::from(11))
    );

    let call = Hub::claimCall::abi_decode(&claim(message(), 4, &[B256::ZERO; OUTBOX_DEPTH])).unwrap();
    assert_eq!((call.epoch, call.path.len()), (4, 32));
    let call = Hub::returnMessageCall::abi_decode(&return_message(message(), 5, &[B256::ZERO; OUTBOX_DEPTH])).unwrap();
    assert_eq!((Message::from(call.m), call.epoch, call.path.len()), (message(), 5, 32));
    let call = Hub::recordFailureCall::abi_decode(&record_failure(message(), 6, &[B256::ZERO; OUTBOX_DEPTH])).unwrap();
    assert_eq!((Message::from(call.m), call.epoch, call.path.len()), (message(), 6, 32));

    let path = [B256::repeat_byte(6); OUTBOX_DEPTH];
    let call = Hub::forwardCall::abi_decode(&forward(vec![(message(), path); 2], 4)).unwrap();
    assert_eq!(call.ms.into_iter().map(Message::from).collect::<Vec<_>>(), [message(), message()]);
    assert_eq!((call.epoch, call.paths), (4, vec![path.to_vec(); 2]));
}

#[test]
fn the_messenger_has_code_to_put_into_a_genesis() {
    assert!(Messenger::DEPLOYED_BYTECODE.len() > 1_000);
    assert!(Hub::BYTECODE.len() > Hub::DEPLOYED_BYTECODE.len());
    // EIP-7954 and, for L1s before it, EIP-170.
    assert!(Hub::DEPLOYED_BYTECODE.len() <= 24_576, "{}", Hub::DEPLOYED_BYTECODE.len());
}
