use super::*;

#[test]
fn a_nodes_refusal_is_classified_by_its_text() {
    let check = |message: &str, expected| {
        let error = L1Error::Answer {
            url: String::new(),
            method: "eth_sendRawTransaction",
            code: -32000,
            message: message.into(),
            data: None,
        };
        assert_eq!(classify(&error), expected, "{message}");
    };
    check("already known", SendFailure::AlreadyKnown);
    check("nonce too low: next nonce 5, tx nonce 3", SendFailure::NonceTooLow);
    check("insufficient funds for gas * price + value: have 1 want 2", SendFailure::InsufficientFunds);
    check("replacement transaction underpriced", SendFailure::Underpriced);
    check(
        "max fee per gas less than block base fee: address 0x, maxFeePerGas: 1, baseFee: 2",
        SendFailure::Underpriced,
    );
    check("txpool is full", SendFailure::Unreachable);
    check("nonce too high: tx nonce 9, gapped nonce 7", SendFailure::Unreachable);
    check("invalid blob proof", SendFailure::Invalid);
    let unreachable = L1Error::Unreachable { url: String::new(), reason: "refused".into() };
    assert_eq!(classify(&unreachable), SendFailure::Unreachable);
}
