use super::*;
use serde_json::{from_value, json, to_value};

#[test]
fn a_message_comes_back_from_the_wire_in_quantities() {
    let message = Message {
        src_chain_id: 1,
        dst_chain_id: 0x1234,
        index: 7,
        value: U256::from(255),
        gas_limit: 30_000,
        data: Bytes::from_static(&[1, 2]),
        ..Default::default()
    };
    let wire = to_value(WireMessage::from(message.clone())).unwrap();
    assert_eq!(
        (&wire["dstChainId"], &wire["value"], &wire["gasLimit"]),
        (&json!("0x1234"), &json!("0xff"), &json!("0x7530"))
    );
    assert_eq!(Message::from(from_value::<WireMessage>(wire).unwrap()), message);
}

#[test]
fn a_key_is_a_hash_or_an_index() {
    let hash = B256::repeat_byte(1);
    assert_eq!(from_value::<MessageKey>(json!(hash)).unwrap(), MessageKey::Transaction(hash));
    assert_eq!(from_value::<MessageKey>(json!({ "index": "0x7" })).unwrap(), MessageKey::Index { index: 7 });
    for wrong in [json!("0x01"), json!({ "index": "x" }), json!(null), json!({})] {
        assert!(from_value::<MessageKey>(wrong).is_err());
    }
}

#[test]
fn filters_have_defaults_and_no_unknown_fields() {
    assert_eq!(from_value::<MessageFilter>(json!({})).unwrap(), MessageFilter::default());
    let filter = from_value::<MessageFilter>(json!({ "direction": "in", "fromBlock": "0x2" })).unwrap();
    assert_eq!((filter.direction, filter.from_block), (Direction::In, Some(2)));
    assert!(from_value::<MessageFilter>(json!({ "from": "0x2" })).is_err());
    assert!(from_value::<WithdrawalFilter>(json!({ "page": 1 })).is_err());
}
