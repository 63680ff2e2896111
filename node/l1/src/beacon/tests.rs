use super::*;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Answers by path; no answer is 404.
#[derive(Debug)]
struct Canned(BTreeMap<&'static str, Value>);

impl Get for Canned {
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, L1Error>> {
        let body = self.0.get(path).map(|body| body.to_string().into_bytes());
        Box::pin(async move { Ok(body) })
    }
}

fn beacon(slots_per_epoch: &str, duties: Value) -> Beacon {
    let canned = [
        ("eth/v1/beacon/genesis", json!({ "data": { "genesis_time": "1000" } })),
        (
            "eth/v1/config/spec",
            json!({ "data": { "SECONDS_PER_SLOT": "12", "SLOTS_PER_EPOCH": slots_per_epoch, "OTHER": "1" } }),
        ),
        ("eth/v1/validator/duties/proposer/2", duties),
    ];
    Beacon::on(Arc::new(Canned(canned.into())), "canned".into())
}

fn answer(duties: &[(&str, &str)]) -> Value {
    let data: Vec<Value> = duties
        .iter()
        .map(|(slot, validator)| json!({ "pubkey": "0x00", "slot": slot, "validator_index": validator }))
        .collect();
    json!({ "dependent_root": B256::repeat_byte(7), "execution_optimistic": false, "data": data })
}

#[tokio::test]
async fn duties_of_an_epoch_are_read_and_those_that_are_not_decided_are_none() {
    let beacon = beacon("4", answer(&[("8", "17"), ("9", "18446744073709551615")]));
    assert_eq!(beacon.slots().await.unwrap(), Slots { genesis_time: 1_000, seconds: 12, per_epoch: 4 });
    let duties = beacon.proposer_duties(2).await.unwrap().unwrap();
    assert_eq!((duties.epoch(), duties.dependent_root()), (2, B256::repeat_byte(7)));
    assert_eq!(beacon.proposer_duties(3).await.unwrap(), None);
}

#[tokio::test]
async fn duties_that_can_not_be_are_refused_whole() {
    let long: Vec<String> = (8..100_008).map(|slot| slot.to_string()).collect();
    let long: Vec<(&str, &str)> = long.iter().map(|slot| (slot.as_str(), "1")).collect();
    for (per_epoch, duties) in [
        ("4", answer(&[("8", "1"), ("12", "1")])),
        ("4", answer(&[("8", "1"), ("8", "2")])),
        ("4", answer(&[("8", "-1")])),
        ("4", answer(&[("8", "18446744073709551616")])),
        ("4", answer(&[("eight", "1")])),
        ("4", answer(&long)),
        ("4", json!({ "data": [] })),
        ("4", json!({ "dependent_root": "0x00", "data": [] })),
        ("4", json!({ "dependent_root": B256::ZERO, "data": [{ "slot": 8, "validator_index": 1 }] })),
        ("4", json!([])),
        ("four", answer(&[])),
    ] {
        let text = duties.to_string();
        let refused = beacon(per_epoch, duties).proposer_duties(2).await;
        assert!(matches!(refused, Err(L1Error::Malformed { .. })), "{}: {refused:?}", &text[..text.len().min(200)]);
    }
}

#[tokio::test]
async fn epochs_of_no_length_or_of_millions_of_slots_have_a_bound() {
    for (text, per_epoch) in [("0", 1), ("18446744073709551615", SLOTS_PER_EPOCH_MAX)] {
        let beacon = beacon(text, answer(&[]));
        assert_eq!(beacon.slots().await.unwrap().per_epoch, per_epoch);
        assert!(beacon.proposer_duties(2).await.is_ok());
        assert_eq!(beacon.proposer_duties(u64::MAX).await.unwrap(), None, "no such path");
    }
}
