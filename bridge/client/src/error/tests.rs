#![allow(clippy::unwrap_used)] // a panic is how a test fails

use super::*;
use alloy_sol_types::SolError;

#[test]
fn refusals_of_both_contracts_are_typed_and_told_in_words() {
    let data = Hub::AlreadyClaimed { srcChainId: 7, index: 3 }.abi_encode();
    let error = BridgeError::reverted(Layer::L1, data.into());
    assert!(matches!(&error, BridgeError::Hub(error) if matches!(**error, Hub::HubErrors::AlreadyClaimed(_))));
    assert_eq!(error.to_string(), "Hub refuses: already claimed: message 3 out of rollup 7 was delivered before");
    let error = BridgeError::reverted(Layer::L2, Messenger::NotFailed { leaf: B256::ZERO }.abi_encode().into());
    assert_eq!(
        error.to_string(),
        "Messenger refuses: no such message is kept as failed: it was delivered, or never relayed"
    );
    let error = BridgeError::reverted(Layer::L1, Hub::InvalidParams {}.abi_encode().into());
    assert!(error.to_string().contains("InvalidParams"), "{error}");
    let error = BridgeError::reverted(Layer::L1, Bytes::from_static(&[1, 2, 3, 4]));
    assert!(matches!(error, BridgeError::Reverted { layer: Layer::L1, .. }));
}

#[test]
fn only_what_may_pass_is_tried_again() {
    let answer = |code: i64| {
        let payload = serde_json::from_value(serde_json::json!({ "code": code, "message": "no" })).unwrap();
        BridgeError::of(Layer::L2, RpcError::ErrorResp(payload))
    };
    assert!(answer(NOT_NOW).may_pass());
    assert!(!answer(-32000).may_pass());
    assert!(!BridgeError::AlreadyClaimed { index: 0 }.may_pass());
}
