use std::collections::BTreeSet;

use alloy_consensus::{Eip658Value, Header, Receipt as BareReceipt, Signed, TxLegacy, TxType};
use alloy_eips::{BlockNumHash, eip4844};
use alloy_primitives::{Address, B256, Bytes, Log, Signature, U256};
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, Nibbles, TrieAccount};
use execution::{Receipt, Transaction, trie::Place};
use proptest::{collection, prelude::*};

use super::*;
use crate::{Memory, Outcome, Step, kv::Kv, records::Body};

fn hash() -> impl Strategy<Value = B256> {
    any::<[u8; 32]>().prop_map(B256::from)
}

fn address() -> impl Strategy<Value = Address> {
    any::<[u8; 20]>().prop_map(Address::from)
}

fn number() -> impl Strategy<Value = U256> {
    any::<([u8; 32], u8)>().prop_map(|(bytes, shift)| U256::from_be_bytes(bytes) >> usize::from(shift))
}

fn bytes() -> impl Strategy<Value = Bytes> {
    collection::vec(any::<u8>(), 0..80).prop_map(Bytes::from)
}

fn account() -> impl Strategy<Value = TrieAccount> {
    let maybe = || proptest::option::of(hash());
    (any::<u64>(), number(), maybe(), maybe()).prop_map(|(nonce, balance, root, code)| TrieAccount {
        nonce,
        balance,
        storage_root: root.unwrap_or(EMPTY_ROOT_HASH),
        code_hash: code.unwrap_or(KECCAK_EMPTY),
    })
}

fn place() -> impl Strategy<Value = Place> {
    // Few nibbles and owners, so that one begins another.
    let nibble = prop_oneof![Just(0u8), Just(1), Just(15)];
    let owner = proptest::option::of(prop_oneof![Just(B256::ZERO), Just(B256::repeat_byte(1)), hash()]);
    (owner, collection::vec(nibble, 0..=64))
        .prop_map(|(owner, path)| Place { owner, path: Nibbles::from_nibbles(path) })
}

fn undo() -> impl Strategy<Value = UndoRecord> {
    let hashes = || collection::btree_set(hash(), 0..4);
    let slots = collection::btree_map(hash(), collection::btree_set(hash(), 1..4), 0..4);
    (hashes(), slots, collection::btree_set(place(), 0..6)).prop_map(|(accounts, slots, nodes)| UndoRecord {
        accounts: accounts.into_iter().collect(),
        slots: slots.into_iter().flat_map(|(owner, slots)| slots.into_iter().map(move |slot| (owner, slot))).collect(),
        nodes: nodes.into_iter().collect(),
    })
}

fn receipts() -> impl Strategy<Value = Vec<Receipt>> {
    let log = (address(), collection::vec(hash(), 0..5), bytes())
        .prop_map(|(address, topics, data)| Log::new_unchecked(address, topics, data));
    // Before Byzantium (EIP-658) a receipt holds the state root after its transaction in place of the status.
    let status = prop_oneof![any::<bool>().prop_map(Eip658Value::from), hash().prop_map(Eip658Value::PostState)];
    let receipt = (0u8..5, status, any::<u64>(), collection::vec(log, 0..4)).prop_map(
        |(tx_type, status, cumulative_gas_used, logs)| {
            let receipt = BareReceipt { status, cumulative_gas_used, logs };
            Receipt::from_typed(TxType::try_from(tx_type).unwrap(), receipt)
        },
    );
    collection::vec(receipt, 0..5)
}

fn body() -> impl Strategy<Value = Body> {
    let transaction = (any::<u64>(), number(), bytes(), any::<bool>()).prop_map(|(nonce, value, input, parity)| {
        let transaction = TxLegacy { chain_id: Some(1), nonce, value, input, ..Default::default() };
        let signature = Signature::new(U256::from(nonce) + U256::from(1), U256::from(2), parity);
        Transaction::Legacy(Signed::new_unhashed(transaction, signature))
    });
    (collection::vec(transaction, 0..4), any::<bool>()).prop_map(|(transactions, shanghai)| Body {
        transactions,
        ommers: Vec::new(),
        withdrawals: shanghai.then(Default::default),
    })
}

fn landed() -> impl Strategy<Value = Landed> {
    let hashes = (hash(), hash(), hash(), hash(), hash());
    (hashes, any::<[u64; 4]>(), address(), collection::vec(hash(), 0..7)).prop_map(|(h, n, proposer, blob_hashes)| {
        Landed {
            block_hash: h.0,
            l1_number: n[0],
            l1_hash: h.1,
            l1_tx_hash: h.2,
            l1_log_index: n[1],
            origin_number: n[2],
            origin_hash: h.3,
            inbox_count: n[3],
            inbox_hash: h.4,
            proposer,
            blob_hashes,
        }
    })
}

/// Stored and read back it is the same; cut short, or with a byte too many, it is refused with table and key; changed, it never panics.
fn check<T: Table>(key: T::Key, value: T::Value, noise: (prop::sample::Index, u8)) -> Result<(), TestCaseError>
where
    T::Key: PartialEq + std::fmt::Debug,
    T::Value: PartialEq + std::fmt::Debug,
{
    let store = Memory::new();
    let mut batch = Batch::new();
    batch.put::<T>(&key, &value);
    store.write(batch, crate::Durability::Synced).unwrap();
    let found = store.read::<T>(&key).unwrap();
    prop_assert_eq!(found.as_ref(), Some(&value));
    let raw = key.encode();
    let decoded = T::Key::decode(&raw);
    prop_assert_eq!(decoded.as_ref(), Some(&key));

    let whole = value.encode();
    let free_form = matches!(
        T::ID,
        TableId::Nodes | TableId::NodeHistory | TableId::Codes | TableId::Bals | TableId::Pool | TableId::Journal
    );
    let named = |error: StorageError| matches!(error, StorageError::Corrupt { table, key, .. } if table == T::ID.name() && key[..] == raw[..]);
    if !free_form {
        // 33 more: a number with a byte more may be another number.
        let longer = [&whole[..], &[1; 33]].concat().into();
        prop_assert!(named(decode_value::<T>(&raw, &longer).unwrap_err()), "longer");
        if !whole.is_empty() {
            let at = noise.0.index(whole.len());
            // Likewise a shorter number, and a shorter list of addresses.
            let another = match T::ID {
                TableId::Slots | TableId::SlotHistory | TableId::Senders => true,
                TableId::AccountHistory => at == 0,
                _ => false,
            };
            if !another {
                prop_assert!(named(decode_value::<T>(&raw, &whole.slice(..at)).unwrap_err()), "cut at {at}");
            }
            let mut flipped = whole.to_vec();
            flipped[at] ^= noise.1;
            let _ = decode_value::<T>(&raw, &flipped.into());
        }
    }
    Ok(())
}

fn noise() -> impl Strategy<Value = (prop::sample::Index, u8)> {
    (any::<prop::sample::Index>(), 1u8..)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn accounts_come_back(key in hash(), number in any::<u64>(), value in account(), noise in noise()) {
        check::<Accounts>(key, value, noise)?;
        check::<AccountHistory>((key, number), Some(value), noise)?;
        check::<AccountHistory>((key, number), None, noise)?;
    }

    #[test]
    fn slots_come_back(key in (hash(), hash()), number in any::<u64>(), value in number(), noise in noise()) {
        prop_assume!(!value.is_zero());
        check::<Slots>(key, value, noise)?;
        check::<SlotHistory>((key, number), Some(value), noise)?;
        check::<SlotHistory>((key, number), None, noise)?;
    }

    #[test]
    fn nodes_and_what_a_block_touched_come_back(place in place(), number in any::<u64>(), node in bytes(), leaf in hash(), undo in undo(), noise in noise()) {
        prop_assume!(!node.is_empty());
        check::<Nodes>(place, node.clone(), noise)?;
        check::<NodeHistory>((place, number), NodeVersion::Nothing, noise)?;
        check::<NodeHistory>((place, number), NodeVersion::Leaf(leaf), noise)?;
        let node = [&[0xc0], &node[..]].concat().into();
        check::<NodeHistory>((place, number), NodeVersion::Whole(node), noise)?;
        check::<Undo>(number, undo, noise)?;
    }

    #[test]
    fn places_sort_as_their_keys_do_and_none_begins_another(places in collection::btree_set(place(), 2..8), n in any::<[u64; 2]>()) {
        let keys: Vec<Vec<u8>> = places.iter().map(Place::encode).collect();
        prop_assert!(keys.is_sorted());
        for (a, b) in keys.iter().zip(&keys[1..]) {
            prop_assert!(!b.starts_with(a));
        }
        let versions: BTreeSet<(Place, u64)> = places.iter().flat_map(|place| n.map(|n| (*place, n))).collect();
        prop_assert!(versions.iter().map(Key::encode).is_sorted());
    }

    #[test]
    fn outbox_proofs_come_back(account in account(), nodes in collection::vec(bytes(), 0..4), value in number(), noise in noise()) {
        check::<OutboxProofs>(7, OutboxProof { account, account_proof: nodes.clone(), value, storage_proof: nodes }, noise)?;
    }

    #[test]
    fn receipts_come_back_with_their_blooms(key in hash(), value in receipts(), noise in noise()) {
        check::<Receipts>(key, value, noise)?;
    }

    #[test]
    fn bodies_come_back(key in hash(), value in body(), noise in noise()) {
        check::<Bodies>(key, value, noise)?;
    }

    #[test]
    fn landings_come_back(key in any::<u64>(), value in landed(), noise in noise()) {
        check::<Landings>(key, value, noise)?;
    }

    #[test]
    fn records_of_messages_come_back(n in any::<(u64, u64, u32, u32)>(), leaf in hash(), party in address(), ended in any::<bool>(), noise in noise()) {
        let at = LogPosition { number: n.1, transaction: n.2, log: n.3 };
        check::<OutboxMessages>(n.0, at, noise)?;
        check::<OutboxParties>((party, n.0), (), noise)?;
        check::<OutboxNodes>((n.1, n.0), leaf, noise)?;
        let ended = ended.then_some(Step { outcome: Outcome::Retried, at });
        check::<InboxMessages>(n.0, Delivery { leaf, relayed: Step { outcome: Outcome::Failed, at }, ended }, noise)?;
    }

    #[test]
    fn small_records_come_back(n in any::<(u64, u64, u32)>(), h in (hash(), hash()), raw in bytes(), noise in noise()) {
        check::<Canonical>(n.0, h.0, noise)?;
        check::<Transactions>(h.0, TxPosition { number: n.0, index: n.2 }, noise)?;
        check::<Heads>(Head::Landed, BlockNumHash { number: n.0, hash: h.1 }, noise)?;
        check::<Identity>((), IdentityRecord { version: n.2, chain_id: n.0, genesis: h.0 }, noise)?;
        check::<SideBlocks>((n.0, h.0), (), noise)?;
        check::<Codes>(h.0, raw.clone(), noise)?;
        check::<Journal>(Name("landing/é".into()), raw, noise)?;
    }

    #[test]
    fn senders_come_back(key in hash(), value in collection::vec(address(), 0..5), noise in noise()) {
        check::<Senders>(key, value, noise)?;
    }

    #[test]
    fn headers_come_back(key in hash(), extra_data in bytes(), n in any::<[u64; 5]>(), h in hash(), noise in noise()) {
        let value = Header {
            number: n[0],
            gas_used: n[1],
            timestamp: n[2],
            base_fee_per_gas: Some(n[3]),
            extra_data,
            state_root: h,
            withdrawals_root: Some(h),
            blob_gas_used: Some(0),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(h),
            requests_hash: Some(h),
            block_access_list_hash: Some(h),
            slot_number: Some(n[4]),
            ..Default::default()
        };
        check::<Headers>(key, value, noise)?;
    }

    #[test]
    fn keys_sort_as_their_values_do(a in any::<(u64, [u8; 32])>(), b in any::<(u64, [u8; 32])>()) {
        let (a, b) = ((a.0, B256::from(a.1)), (b.0, B256::from(b.1)));
        prop_assert_eq!(a.cmp(&b), a.encode().cmp(&b.encode()));
        prop_assert_eq!(a.0.cmp(&b.0), a.0.encode().cmp(&b.0.encode()));
    }

    #[test]
    fn random_bytes_never_panic(key in collection::vec(any::<u8>(), 0..60), value in collection::vec(any::<u8>(), 0..200)) {
        let value = Bytes::from(value);
        for table in TableId::ALL {
            if let Err(error) = table.check(&key, &value) {
                let named = matches!(&error, StorageError::Corrupt { table: name, key: k, .. } if *name == table.name() && k[..] == key[..]);
                prop_assert!(named, "{}", error);
            }
        }
    }
}

#[test]
fn blobs_come_back() {
    let value = Blob { number: 7, data: Box::new(eip4844::Blob::repeat_byte(3)) };
    let raw = value.encode();
    assert_eq!(Blob::decode(&raw).unwrap(), value);
    assert!(Blob::decode(&raw.slice(..raw.len() - 1)).is_err());
    assert!(Blob::decode(&Bytes::new()).is_err());
}

#[test]
fn every_table_has_a_name_of_its_own() {
    for (place, table) in TableId::ALL.iter().enumerate() {
        assert_eq!(TableId::named(table.name()), Some(*table));
        assert_eq!(*table as usize, place);
    }
    assert_eq!(TableId::named("default"), None);
}

#[test]
fn a_zero_slot_on_disk_is_corrupt() {
    let key = (B256::ZERO, B256::ZERO).encode();
    assert!(matches!(decode_value::<Slots>(&key, &Bytes::new()), Err(StorageError::Corrupt { table: "slots", .. })));
    assert!(decode_value::<Slots>(&key, &Bytes::from_static(&[0, 1])).is_err());
    assert!(decode_value::<Slots>(&key, &vec![1; 33].into()).is_err());
}

#[test]
fn a_plain_account_takes_few_bytes_and_has_one_encoding() {
    let plain = TrieAccount { nonce: 3, balance: U256::from(10u64.pow(18)), ..Default::default() };
    assert_eq!(plain.encode().len(), 13);
    let spelt_out = [&[0xe4, 3, 0x80, 0xa0][..], EMPTY_ROOT_HASH.as_slice(), &[0x80]].concat();
    assert!(TrieAccount::decode(&spelt_out.into()).unwrap_err().0.contains("nothing"));
}
