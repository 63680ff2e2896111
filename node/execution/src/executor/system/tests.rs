use super::*;
use alloy_consensus::{Receipt as Inner, ReceiptEnvelope};
use alloy_eips::eip6110::MAINNET_DEPOSIT_CONTRACT_ADDRESS;
use chainspec::{Layer, dev};

/// The data of a well-formed deposit event, field `n` filled with `n + 1`.
fn event() -> Vec<u8> {
    let mut data = vec![0; DEPOSIT_EVENT_BYTES];
    for (index, (at, size)) in DEPOSIT_FIELDS.into_iter().enumerate() {
        data[32 * index + 30..][..2].copy_from_slice(&(at as u16).to_be_bytes());
        data[at + 31] = size as u8;
        data[at + 32..][..size].fill(index as u8 + 1);
    }
    data
}

fn of(address: Address, topic: B256, data: Vec<u8>) -> Result<Vec<u8>, ExecutionError> {
    let spec = ChainSpec::from_genesis(dev::l1_genesis(0), Layer::L1 { execute: false }).unwrap();
    let logs = vec![EventLog::new_unchecked(address, vec![topic], data.into())];
    deposits(&spec, &[ReceiptEnvelope::Legacy(Inner { logs, ..Default::default() }.into())])
}

#[test]
fn a_deposit_is_its_five_fields_in_order() {
    let expected = [(1, 48), (2, 32), (3, 8), (4, 96), (5, 8)].map(|(value, size)| vec![value; size]).concat();
    assert_eq!(of(MAINNET_DEPOSIT_CONTRACT_ADDRESS, DEPOSIT_TOPIC, event()).unwrap(), expected);
}

#[test]
fn a_deposit_log_laid_out_otherwise_makes_the_block_invalid_even_if_it_decodes() {
    let refused = |data| {
        let error = of(MAINNET_DEPOSIT_CONTRACT_ADDRESS, DEPOSIT_TOPIC, data).unwrap_err();
        assert!(matches!(error, ExecutionError::SystemCall(SystemCallError::DepositLog(_))), "{error}");
    };
    for (index, (length, _)) in DEPOSIT_FIELDS.into_iter().enumerate() {
        for at in [32 * index, 32 * index + 31, length, length + 31] {
            let mut data = event();
            data[at] ^= 1;
            refused(data);
        }
    }
    refused(event()[1..].to_vec());
    refused([event(), vec![0]].concat());
}

#[test]
fn logs_of_other_contracts_and_other_events_are_no_deposits() {
    assert!(of(Address::ZERO, DEPOSIT_TOPIC, vec![1]).unwrap().is_empty());
    assert!(of(MAINNET_DEPOSIT_CONTRACT_ADDRESS, B256::ZERO, vec![1]).unwrap().is_empty());
}
