use super::*;
use alloy_primitives::{Address, LogData, U256};

fn log(data: LogData) -> Log {
    Log { address: Address::ZERO, data }
}

#[test]
fn each_event_comes_back() {
    let message = Message { index: 7, value: U256::from(3), to: Address::repeat_byte(4), ..Default::default() };
    let leaf = message.leaf();
    let sent = Messenger::MessageSent {
        dstChainId: 1,
        index: 7,
        sender: Address::repeat_byte(1),
        message: message.clone().into(),
        leaf,
    };
    assert_eq!(event(&log(sent.encode_log_data())), Some(Event::Sent { message, leaf }));
    let relayed = Messenger::MessageRelayed { srcChainId: 1, index: 8, leaf, success: false };
    assert_eq!(event(&log(relayed.encode_log_data())), Some(Event::Relayed { index: 8, leaf, success: false }));
    let retried = Messenger::MessageRetried { srcChainId: 1, index: 9, leaf };
    assert_eq!(event(&log(retried.encode_log_data())), Some(Event::Retried { index: 9, leaf }));
    let deferred = Messenger::MessageDeferred { srcChainId: 1, index: 10, leaf };
    assert_eq!(event(&log(deferred.encode_log_data())), Some(Event::Relayed { index: 10, leaf, success: false }));
    let refunded = Messenger::MessageRefunded { srcChainId: 1, index: 11, leaf, outboxIndex: 3 };
    assert_eq!(event(&log(refunded.encode_log_data())), Some(Event::Refunded { index: 11, leaf }));
}

#[test]
fn logs_of_other_kinds_say_nothing() {
    let kept = Messenger::FeeKept { relayer: Address::ZERO, amount: U256::ONE };
    assert_eq!(event(&log(kept.encode_log_data())), None);
    assert_eq!(event(&log(LogData::default())), None);
    let torn = LogData::new_unchecked(vec![Messenger::MessageSent::SIGNATURE_HASH], Default::default());
    assert_eq!(event(&log(torn)), None);
}
