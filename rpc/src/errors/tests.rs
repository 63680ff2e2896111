use alloy_sol_types::SolError;
use sequencer::pool::PoolError;

use super::*;

fn seen(error: RpcError) -> (i32, String, Option<String>) {
    let object = ErrorObjectOwned::from(error);
    (object.code(), object.message().to_owned(), object.data().map(|data| data.get().to_owned()))
}

#[test]
fn a_revert_has_code_3_its_reason_and_its_data() {
    let output = Bytes::from(Revert { reason: "nope".into() }.abi_encode());
    let (code, text, data) = seen(RpcError::Reverted { output: output.clone() });
    assert_eq!((code, text.as_str()), (3, "execution reverted: nope"));
    assert_eq!(data, Some(format!("\"{output}\"")));
}

#[test]
fn a_revert_without_output_still_has_data() {
    assert_eq!(
        seen(RpcError::Reverted { output: Bytes::new() }),
        (3, "execution reverted".into(), Some("\"0x\"".into()))
    );
}

#[test]
fn a_panic_is_named() {
    let output = Bytes::from(Panic::from(0x11).abi_encode());
    let (_, text, _) = seen(RpcError::Reverted { output });
    assert_eq!(text, "execution reverted: arithmetic underflow or overflow");
}

#[test]
fn a_custom_error_is_a_revert_without_reason() {
    let (_, text, data) = seen(RpcError::Reverted { output: Bytes::from_static(&[0xde, 0xad, 0xbe, 0xef]) });
    assert_eq!((text.as_str(), data.as_deref()), ("execution reverted", Some("\"0xdeadbeef\"")));
}

/// The words that viem (`nodeMessage` of its error classes) and ethers v6 (`spelunkMessage`) look for.
#[test]
fn refusals_use_the_words_that_libraries_look_for() {
    let cases: Vec<(SubmitError, &str)> = vec![
        (PoolError::NonceTooLow { next: 3, have: 1 }.into(), "nonce too low: next nonce 3, tx nonce 1"),
        (PoolError::NonceTooHigh { next: 3, have: 9 }.into(), "nonce too high"),
        (PoolError::AlreadyKnown { hash: B256::ZERO }.into(), "already known"),
        (
            SubmitError::InsufficientFunds { have: U256::from(1), want: U256::from(2) },
            "insufficient funds for gas * price + value: have 1 want 2",
        ),
        (
            PoolError::ReplacementUnderpriced { existing: B256::ZERO, bump_percent: 10 }.into(),
            "replacement transaction underpriced",
        ),
        (
            SubmitError::FeeCapBelowBaseFee { fee_cap_wei: 1, base_fee_wei: 2 },
            "max fee per gas less than block base fee",
        ),
        (
            SubmitError::TipAboveFeeCap { tip_wei: 2, fee_cap_wei: 1 },
            "max priority fee per gas higher than max fee per gas",
        ),
        (SubmitError::IntrinsicGasTooLow { have: 1, want: 21000 }, "intrinsic gas too low"),
        (SubmitError::TypeNotValid { ty: 3 }, "transaction type not valid"),
        (SubmitError::FeeAboveCap { fee_wei: U256::from(9), cap_wei: U256::from(8) }, "--rpc.txfeecap"),
    ];
    for (error, words) in cases {
        let (code, text, _) = seen(error.into());
        assert_eq!(code, -32000, "{text}");
        assert!(text.contains(words), "{text:?} lacks {words:?}");
    }
}

#[test]
fn a_log_query_that_is_too_wide_names_a_smaller_one() {
    let (code, text, data) = seen(RpcError::LogRange { limit: 10, from: 16, to: 25 });
    assert_eq!((code, data.as_deref()), (-32005, Some(r#"{"from":"0x10","to":"0x19"}"#)));
    assert!(text.contains("16-25"), "{text}");
}

#[test]
fn pruned_is_4444_and_not_null() {
    let (code, text, _) = seen(RpcError::Pruned { requested: 1, earliest: 5 });
    assert_eq!((code, text.as_str()), (4444, "pruned history unavailable: requested 1, earliest 5"));
}

#[test]
fn only_our_own_faults_are_internal() {
    assert_eq!(seen(RpcError::internal("disk")).0, -32603);
    assert_eq!(seen(SubmitError::Internal("disk".into()).into()).0, -32603);
}

#[test]
fn an_unknown_method_is_echoed_but_cut() {
    let text = method_not_found(&"x".repeat(10_000), None).message().to_owned();
    assert!(text.starts_with("the method xxx") && text.len() < 200, "{text}");
    let text = method_not_found("debug_x", Some(Remedy::Enable("debug"))).message().to_owned();
    assert_eq!(text, "the method debug_x does not exist/is not available: enable with --http.api debug");
}
