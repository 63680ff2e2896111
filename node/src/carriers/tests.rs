use super::{standing::Record, *};
use rpc::rollup::Standing;
use std::time::Duration;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_carrier_that_fails_or_lies_is_asked_later_for_a_while_and_told_of_once() {
    let mut record = Record::default();
    assert!(!record.answered(Answer::Given, seconds(0)));
    assert_eq!(record.standing(seconds(0)), Standing::Good);
    assert!(record.answered(Answer::Failed, seconds(10)));
    assert_eq!(record.standing(seconds(24)), Standing::Failing);
    assert_eq!(record.standing(seconds(25)), Standing::Good);
    assert!(!record.answered(Answer::Failed, seconds(30)));
    assert_eq!(record.standing(seconds(59)), Standing::Failing);
    assert!(record.answered(Answer::Absent, seconds(60)));
    assert_eq!(record.standing(seconds(60)), Standing::Good);
    assert!(record.answered(Answer::Lied, seconds(100)));
    assert!(!record.answered(Answer::Absent, seconds(101)), "having nothing does not make up for a lie");
    assert_eq!(record.standing(seconds(399)), Standing::Lying);
    assert!(record.answered(Answer::Given, seconds(400)));
    let status = record.status("x", seconds(400));
    assert_eq!((status.given, status.absent, status.failed, status.lied), (2, 2, 2, 1));
    for fault in 0..100 {
        record.answered(Answer::Lied, seconds(fault));
    }
    assert_eq!(record.standing(seconds(99 + 300 * 64)), Standing::Good);
}

/// A carrier that always answers the same.
#[derive(Debug)]
struct Fixed(&'static str, Answer, Arc<Mutex<Vec<&'static str>>>);

impl Carrier for Fixed {
    fn name(&self) -> &str {
        self.0
    }

    fn fetch<'a>(&'a self, _: &'a Landing) -> BoxFuture<'a, Result<Option<Payload>, CarrierError>> {
        self.2.lock().push(self.0);
        Box::pin(async {
            match self.1 {
                Answer::Given => Ok(Some(Payload::Content(bridge::blob::Content::default()))),
                Answer::Absent => Ok(None),
                Answer::Failed => Err(Interrupted("x").into()),
                Answer::Lied => Err(LandedError::BlockHash { given: B256::ZERO, landed: B256::repeat_byte(1) }.into()),
            }
        })
    }
}

#[tokio::test]
async fn carriers_are_asked_in_order_and_the_worst_last() {
    let genesis = chainspec::dev::l2_genesis(1, alloy_primitives::Bytes::new());
    let rollup = chainspec::dev::rollup_config(genesis, alloy_primitives::Address::ZERO, 0, 1_000);
    let chain = Chain::in_memory(Arc::new(rollup.spec().unwrap())).unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let others = [
        ("liar", Answer::Lied),
        ("silent", Answer::Failed),
        ("empty", Answer::Absent),
        ("good", Answer::Given),
        ("spare", Answer::Given),
    ];
    let others = others.map(|(name, answer)| Arc::new(Fixed(name, answer, asked.clone())) as Arc<dyn Carrier>);
    let carriers = Carriers::new(crate::host::Tokio::current(), chain, others.to_vec());
    let landing = Landing {
        block: bridge::landed::Landed::default(),
        l1: engine::L1Ref { number: 1, hash: B256::ZERO },
        l1_timestamp: 0,
        l1_transaction: B256::ZERO,
        l1_log_index: 0,
    };
    assert!(carriers.fetch(&landing).await.is_some());
    assert_eq!(*asked.lock(), ["liar", "silent", "empty", "good"]);
    asked.lock().clear();
    assert!(carriers.fetch(&landing).await.is_some());
    assert_eq!(*asked.lock(), ["empty", "good"]);
    let order: Vec<_> = carriers.in_turn().into_iter().map(|other| other.carrier.name().to_owned()).collect();
    assert_eq!(order, ["empty", "good", "spare", "silent", "liar"]);
    let standings: Vec<_> = carriers.status().into_iter().map(|status| status.standing).collect();
    assert_eq!(standings[..3], [Standing::Lying, Standing::Failing, Standing::Good]);
}
