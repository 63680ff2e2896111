//! Proofs of a rollup's outbox outlive the states they are of.

use alloy_trie::proof::verify_proof;
use chainspec::{dev, predeploys::MESSENGER};

use super::*;

fn rollup() -> Arc<ChainSpec> {
    Arc::new(ChainSpec::from_genesis(dev::l2_genesis(1_000, Bytes::from_static(&[0x00])), Layer::Rollup).unwrap())
}

/// A block that sets the outbox root, or leaves it alone, and changes something else.
fn block(chain: &Chain, outbox: Option<u64>) -> Executed {
    let state = chain.state_at_head();
    let number = chain.head().number + 1;
    let mut diff = StateDiff::default();
    let after = Some(Account { nonce: number, balance: U256::from(number), ..Default::default() });
    let before = state.account(address(1)).unwrap();
    diff.accounts.insert(address(1), AccountDiff { before, after, ..Default::default() });
    if let Some(root) = outbox {
        let messenger = state.account(MESSENGER).unwrap();
        let slot = state.storage(MESSENGER, U256::ZERO).unwrap();
        let storage = [(U256::ZERO, (slot, U256::from(root)))].into();
        let change = AccountDiff { before: messenger, after: messenger, storage, ..Default::default() };
        diff.accounts.insert(MESSENGER, change);
    }
    child(&chain.head(), &*state, diff, 0, number)
}

/// What Hub does with a proof under the state root of block `number`.
fn verify(chain: &Chain, number: u64, proof: &AccountProof) -> U256 {
    let root = chain.header(number).unwrap().unwrap().state_root;
    let account = proof.account.unwrap();
    verify_proof(root, Nibbles::unpack(keccak256(MESSENGER)), Some(alloy_rlp::encode(account)), &proof.proof).unwrap();
    let [slot] = &proof.storage[..] else { panic!("one slot") };
    assert_eq!(slot.slot, U256::ZERO);
    let path = Nibbles::unpack(keccak256(B256::ZERO));
    let value = (!slot.value.is_zero()).then(|| alloy_rlp::encode(slot.value));
    verify_proof(account.storage_root, path, value, &slot.proof).unwrap();
    slot.value
}

#[test]
fn withdrawals_of_forgotten_blocks_are_proven_against_a_landed_root() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Chain::open(folder.path(), rollup(), keeping(2)).unwrap();
    let mut chain = open();
    // The outbox after each block; it changes in blocks 2, 3 and 6.
    let outbox = [0u64, 0, 20, 30, 30, 30, 60, 60, 60, 60, 60, 60];
    for number in 1..outbox.len() {
        let changes = outbox[number] != outbox[number - 1];
        chain.append(&block(&chain, changes.then_some(outbox[number]))).unwrap();
        finalise(&chain, number as u64);
        if number == 7 {
            drop(chain);
            chain = open();
        }
        chain.check().unwrap();
    }
    assert_eq!(chain.oldest_state(), 9);
    assert!(matches!(chain.state_at(5), Err(StorageError::StateForgotten { number: 5, oldest: 9 })));

    for (number, outbox) in (0u64..).zip(outbox) {
        let (at, proof) = chain.outbox_proof(number).unwrap();
        assert!(at >= number && at <= chain.heads().landed.number, "block {at} for {number}");
        assert_eq!(verify(&chain, at, &proof), U256::from(outbox), "block {number}");
    }
    // The last block with an outbox that is no more is the one whose proof is kept.
    let kept: Vec<u64> =
        (0..9).filter(|number| chain.kept_outbox_proof(*number, MESSENGER, &[U256::ZERO]).unwrap().is_some()).collect();
    assert_eq!(kept, [1, 2, 5]);
    assert_eq!(chain.kept_outbox_proof(5, MESSENGER, &[U256::from(1)]).unwrap(), None);
    assert_eq!(chain.kept_outbox_proof(5, address(1), &[U256::ZERO]).unwrap(), None);
    assert!(matches!(chain.outbox_proof(12), Err(StorageError::UnknownBlock(_))));
}

#[test]
fn an_l1_keeps_no_outbox_proofs() {
    let chain = Chain::on(Arc::new(Memory::new()), spec(), keeping(0)).unwrap();
    for number in 1..5 {
        chain.append(&child(&chain.head(), &*chain.state_at_head(), messenger_slot(number), 0, number)).unwrap();
        finalise(&chain, number);
    }
    assert!(chain.oldest_state() > 2);
    assert!(chain.store().seek(schema::TableId::OutboxProofs, &[], 0).unwrap().is_none());
}

/// On an L1, an account that happens to have the Messenger's address.
fn messenger_slot(value: u64) -> StateDiff {
    let account = |value| (value > 0).then(|| Account { nonce: value, ..Default::default() });
    let storage = [(U256::ZERO, (U256::from(value - 1), U256::from(value)))].into();
    let change = AccountDiff { before: account(value - 1), after: account(value), storage, ..Default::default() };
    StateDiff { accounts: [(MESSENGER, change)].into(), ..Default::default() }
}
