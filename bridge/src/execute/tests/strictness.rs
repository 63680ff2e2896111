//! Every way in which bytes may deviate from the one encoding, each refused by name.

use super::*;

/// Where the containers of `rollup_sample(1)` start in its encoding.
struct Places {
    request: usize,
    payload: usize,
    requests: usize,
    witness: usize,
    transactions: usize,
    state: usize,
}

fn places(input: &StatelessInput) -> Places {
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let bytes = input.encode();
    let body = 2;
    let request = body + word(&bytes, body);
    let payload = request + word(&bytes, request);
    let witness = body + word(&bytes, body + 4);
    Places {
        request,
        payload,
        requests: request + word(&bytes, request + 40),
        witness,
        transactions: payload + word(&bytes, payload + 504),
        state: witness + word(&bytes, witness),
    }
}

fn base() -> StatelessInput {
    let input =
        (0..).map(rollup_sample).find(|i| i.payload.transactions.len() > 2 && i.witness.state.len() > 2).unwrap();
    StatelessInput {
        witness: Witness {
            state: input.witness.state[..3].to_vec(),
            codes: vec![],
            headers: vec![Bytes::from(vec![7; 500])],
        },
        ..input
    }
}

/// What deviates, the bytes, and how the decoder answers.
pub(super) fn deviations() -> Vec<(&'static str, Vec<u8>, DecodeError)> {
    let input = base();
    let good = input.encode();
    assert_eq!(StatelessInput::decode(&good).unwrap(), input);
    let at = places(&input);
    let put = |position: usize, value: u32| {
        let mut bytes = good.clone();
        bytes[position..position + 4].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    let add = |position: usize, by: i64| {
        let now = u32::from_le_bytes(good[position..position + 4].try_into().unwrap());
        put(position, (i64::from(now) + by) as u32)
    };
    let grown = |change: &dyn Fn(&mut StatelessInput)| {
        let mut grown = input.clone();
        change(&mut grown);
        grown.encode()
    };
    let mut fee = good.clone();
    fee[at.payload + 440 + 8] = 1;
    let first = |at, offset, expected| SszError::FirstOffset { at, offset, expected }.into();
    let previous = |position: usize| u32::from_le_bytes(good[position..position + 4].try_into().unwrap()) as usize;

    vec![
        ("nothing at all", vec![], DecodeError::Schema(None)),
        ("half a schema", vec![0x15], DecodeError::Schema(None)),
        ("revision 2", [&[0x15, 0x02], &good[2..]].concat(), DecodeError::Schema(Some(0x1502))),
        ("fork 0x16", [&[0x16, 0x01], &good[2..]].concat(), DecodeError::Schema(Some(0x1601))),
        ("no body", vec![0x15, 0x01], SszError::TooShort { at: "StatelessInput", bytes: 0, fixed: 16 }.into()),
        ("first offset of the input too large", put(2, 17), first("StatelessInput", 17, 16)),
        ("first offset of the input zero", put(2, 0), first("StatelessInput", 0, 16)),
        (
            "witness before the request",
            put(6, 15),
            SszError::OffsetBackwards { at: "StatelessInput", offset: 15, previous: 16 }.into(),
        ),
        (
            "witness behind the end",
            put(6, u32::MAX),
            SszError::OffsetBeyond { at: "StatelessInput", offset: u32::MAX as usize, bytes: good.len() - 2 }.into(),
        ),
        (
            "request shorter than its fixed part",
            put(6, 20),
            SszError::TooShort { at: "NewPayloadRequest", bytes: 4, fixed: 44 }.into(),
        ),
        ("first offset of the request", put(at.request, 45), first("NewPayloadRequest", 45, 44)),
        (
            "versioned hashes of 12 bytes",
            add(at.request + 40, 12),
            SszError::Ragged { at: "versioned_hashes", bytes: 12, element: 32 }.into(),
        ),
        ("first offset of the payload", add(at.payload + 436, 1), first("ExecutionPayload", 541, 540)),
        (
            "gap before the transactions that makes extra data too long",
            add(at.payload + 504, 40),
            SszError::TooLong { at: "extra_data", bytes: input.payload.extra_data.len() + 40, max: 32 }.into(),
        ),
        (
            "withdrawals before the transactions",
            put(at.payload + 508, 540),
            SszError::OffsetBackwards { at: "ExecutionPayload", offset: 540, previous: previous(at.payload + 504) }
                .into(),
        ),
        ("base fee above 64 bits", fee, DecodeError::BaseFee),
        (
            "transaction list whose first offset is no multiple of four",
            add(at.transactions, 1),
            first("transactions", input.payload.transactions.len() * 4 + 1, input.payload.transactions.len() * 4),
        ),
        ("transaction list whose first offset is zero", put(at.transactions, 0), first("transactions", 0, 4)),
        (
            "second transaction before the first",
            put(at.transactions + 4, 4),
            SszError::OffsetBackwards { at: "transactions", offset: 4, previous: input.payload.transactions.len() * 4 }
                .into(),
        ),
        ("first offset of the requests", put(at.requests, 24), first("ExecutionRequests", 24, 20)),
        ("first offset of the witness", put(at.witness, 16), first("ExecutionWitness", 16, 12)),
        (
            "state list whose first offset lies behind its end",
            put(at.state, 1 << 30),
            SszError::OffsetBeyond {
                at: "state",
                offset: 1 << 30,
                bytes: input.witness.state.iter().map(|n| 4 + n.len()).sum(),
            }
            .into(),
        ),
        (
            "a node of 1,025 bytes",
            grown(&|i| i.witness.state.push(vec![0; 1_025].into())),
            SszError::TooLong { at: "state", bytes: 1_025, max: 1_024 }.into(),
        ),
        (
            "a header of 1,025 bytes",
            grown(&|i| i.witness.headers.push(vec![0; 1_025].into())),
            SszError::TooLong { at: "headers", bytes: 1_025, max: 1_024 }.into(),
        ),
        (
            "a byte behind the last header that makes it too long",
            grown(&|i| i.witness.headers = vec![vec![0; 1_025].into()]),
            SszError::TooLong { at: "headers", bytes: 1_025, max: 1_024 }.into(),
        ),
    ]
}

#[test]
fn every_deviation_is_refused_by_name() {
    for (what, bytes, error) in deviations() {
        assert_eq!(StatelessInput::decode(&bytes).unwrap_err(), error, "{what}");
    }
}

#[test]
fn the_specification_s_bounds_are_inclusive() {
    let at_bounds = StatelessInput {
        payload: Payload { extra_data: vec![1; 32].into(), ..Payload::default() },
        witness: Witness {
            state: vec![vec![1; MAX_NODE_BYTES].into()],
            codes: vec![vec![2; MAX_CODE_BYTES].into()],
            headers: vec![vec![3; MAX_HEADER_BYTES].into(); MAX_HEADERS],
        },
        ..StatelessInput::default()
    };
    assert_eq!(StatelessInput::decode(&at_bounds.encode()).unwrap(), at_bounds);

    let refused = |change: fn(&mut StatelessInput)| {
        let mut beyond = at_bounds.clone();
        change(&mut beyond);
        StatelessInput::decode(&beyond.encode()).unwrap_err()
    };
    let long = |at, bytes, max| DecodeError::Ssz(SszError::TooLong { at, bytes, max });
    assert_eq!(refused(|i| i.payload.extra_data = vec![1; 33].into()), long("extra_data", 33, 32));
    assert_eq!(refused(|i| i.witness.codes[0] = vec![2; (1 << 16) + 1].into()), long("codes", 65_537, 65_536));
    assert_eq!(
        refused(|i| i.witness.headers = vec![Bytes::new(); 257]),
        SszError::TooMany { at: "headers", items: 257, max: 256 }.into()
    );
}

#[test]
fn an_input_that_no_transaction_can_pay_for_is_refused_unread() {
    assert_eq!(
        StatelessInput::decode(&vec![0x15; MAX_INPUT_BYTES + 1]),
        Err(DecodeError::TooLong { bytes: MAX_INPUT_BYTES + 1 })
    );
    assert!(gas(0, MAX_INPUT_BYTES + 1) > 1 << 24);
}

/// A list of a quarter million empty items is the worst ratio of memory to input.
#[test]
fn memory_is_linear_in_the_input_at_its_worst() {
    let input = StatelessInput {
        witness: Witness { state: vec![Bytes::new(); 200_000], ..Witness::default() },
        ..StatelessInput::default()
    };
    let bytes = input.encode();
    assert!(bytes.len() < MAX_INPUT_BYTES);
    let started = std::time::Instant::now();
    assert_eq!(StatelessInput::decode(&bytes).unwrap().witness.state.len(), 200_000);
    println!("{} bytes of empty nodes decoded in {:?}", bytes.len(), started.elapsed());
}

#[test]
fn every_truncation_of_an_input_is_refused_or_is_another_input() {
    let bytes = base().encode();
    for n in 0..bytes.len() {
        if let Ok(input) = StatelessInput::decode(&bytes[..n]) {
            assert_eq!(input.encode(), &bytes[..n]);
        }
    }
}
