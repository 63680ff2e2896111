use super::*;
use alloy_consensus::{SignableTransaction, TxEip1559, TxLegacy};
use alloy_genesis::GenesisAccount;
use alloy_network::TxSignerSync;
use alloy_primitives::{Bytes, TxKind, U256};
use alloy_rlp::Encodable;
use alloy_signer_local::PrivateKeySigner;
use chainspec::dev;
use execution::{Attributes, Block, Building, RecoveredTx, Transaction};

fn genesis() -> Genesis {
    let mut genesis = dev::l1_genesis(1_000);
    let funded = GenesisAccount::default().with_balance(dev::BALANCE);
    genesis.alloc.insert(dev::ACCOUNTS[0].address, funded);
    genesis
}

fn chain(genesis: Genesis) -> Chain {
    Chain::in_memory(Arc::new(ChainSpec::from_genesis(genesis, Layer::L1 { execute: false }).unwrap())).unwrap()
}

fn transfer(nonce: u64) -> RecoveredTx {
    let signer = PrivateKeySigner::from_bytes(&dev::ACCOUNTS[0].key).unwrap();
    let to = TxKind::Call(Address::with_last_byte(nonce as u8));
    let mut tx = TxLegacy {
        chain_id: Some(dev::L1_CHAIN_ID),
        nonce,
        gas_price: 10_000_000_000,
        gas_limit: 300_000,
        to,
        value: U256::from(1),
        input: Bytes::new(),
    };
    let signature = signer.sign_transaction_sync(&mut tx).unwrap();
    RecoveredTx::new_unchecked(Transaction::Legacy(tx.into_signed(signature)), signer.address())
}

/// `count` blocks of two transfers each, and the chain that has them.
fn made(count: u64) -> (Chain, Vec<Block>) {
    let chain = chain(genesis());
    let blocks = (0..count)
        .map(|n| {
            let (head, state) = (chain.head(), chain.state_at_head());
            let attributes = Attributes {
                timestamp: head.timestamp + 12,
                fee_recipient: Address::ZERO,
                prev_randao: B256::ZERO,
                gas_limit: head.gas_limit,
                parent_beacon_block_root: B256::ZERO,
                extra_data: Bytes::new(),
                slot_number: n,
            };
            let mut building = Building::start(chain.spec(), &head, attributes, &state).unwrap();
            for nonce in [2 * n, 2 * n + 1] {
                building.push(&transfer(nonce)).unwrap();
            }
            let executed = building.seal().unwrap();
            chain.append(&executed).unwrap();
            executed.block.clone_block()
        })
        .collect();
    (chain, blocks)
}

fn file_of(blocks: &[Block]) -> Vec<u8> {
    let mut bytes = Vec::new();
    blocks.iter().for_each(|block| block.encode(&mut bytes));
    bytes
}

fn load(chain: &Chain, bytes: &[u8]) -> Result<Imported, ImportError> {
    import(chain, bytes, &mut Progress::new(bytes.len() as u64))
}

#[test]
fn a_file_gives_the_chain_that_it_was_written_from() {
    let (origin, blocks) = made(20);
    let copy = chain(genesis());
    let imported = load(&copy, &file_of(&blocks)).unwrap();
    assert_eq!((imported.blocks, imported.known, imported.transactions), (20, 0, 40));
    assert_eq!(copy.head(), origin.head());
    copy.check().unwrap();
    assert_eq!(imported.gas, blocks.iter().map(|block| block.header.gas_used).sum::<u64>());
}

#[test]
fn an_import_goes_on_where_another_stopped() {
    let (origin, blocks) = made(12);
    let copy = chain(genesis());
    load(&copy, &file_of(&blocks[..5])).unwrap();
    // Genesis is where geth's export begins.
    let first = origin.block(0).unwrap().unwrap().clone_block();
    let whole = [&[first][..], &blocks].concat();
    let imported = load(&copy, &file_of(&whole)).unwrap();
    assert_eq!((imported.blocks, imported.known), (7, 6));
    assert_eq!(copy.head(), origin.head());
    assert_eq!(load(&copy, &file_of(&whole)).unwrap(), Imported { known: 13, ..Default::default() });
    assert_eq!(load(&copy, &[]).unwrap(), Imported::default());
}

#[test]
fn a_file_cut_off_anywhere_gives_the_whole_blocks_before_and_says_where() {
    let (_, blocks) = made(3);
    let bytes = file_of(&blocks);
    let ends: Vec<usize> = (1..=3).map(|n| file_of(&blocks[..n]).len()).collect();
    for cut in (1..bytes.len()).step_by(7).chain(ends.iter().map(|end| end - 1)) {
        let copy = chain(genesis());
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let start = if whole == 0 { 0 } else { ends[whole - 1] };
        match load(&copy, &bytes[..cut]) {
            Ok(_) => assert_eq!(cut, start),
            Err(ImportError::File(FileError::Truncated { offset, .. })) => assert_eq!(offset, start as u64),
            Err(other) => panic!("{cut}: {other}"),
        }
        assert_eq!(copy.head().number, whole as u64);
    }
}

#[test]
fn a_bad_block_is_named_with_number_hash_and_reason_and_the_blocks_before_it_stay() {
    let (_, mut blocks) = made(6);
    blocks[3].header.gas_used += 1;
    let hash = blocks[3].header.hash_slow();
    let copy = chain(genesis());
    let error = load(&copy, &file_of(&blocks)).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with(&format!("bad block 4 ({hash}): gas used in the header is")), "{text}");
    assert!(matches!(error, ImportError::BadBlock { number: 4, .. }));
    assert_eq!(copy.head().number, 3);
    copy.check().unwrap();
}

#[test]
fn a_signature_that_is_nobodys_is_named_and_the_blocks_before_it_stay() {
    let (_, mut blocks) = made(3);
    let Transaction::Legacy(tx) = blocks[2].body.transactions[1].clone() else { panic!() };
    let none = alloy_primitives::Signature::new(U256::ZERO, U256::ZERO, false);
    blocks[2].body.transactions[1] = tx.strip_signature().into_signed(none).into();
    let copy = chain(genesis());
    let error = load(&copy, &file_of(&blocks)).unwrap_err();
    assert!(matches!(error, ImportError::Sender { number: 3, index: 1, .. }), "{error}");
    assert_eq!(copy.head().number, 2);
}

#[test]
fn blocks_of_another_chain_or_branch_and_gaps_are_told_apart() {
    let (_, blocks) = made(4);
    let mut other = genesis();
    other.timestamp += 1;
    let copy = chain(other);
    let ours = copy.head().hash();
    let first = chain(genesis()).block(0).unwrap().unwrap().clone_block();
    let error = load(&copy, &file_of(&[first])).unwrap_err();
    assert!(matches!(error, ImportError::OtherGenesis { ours: found, .. } if found == ours), "{error}");
    let error = load(&copy, &file_of(&blocks)).unwrap_err();
    assert!(matches!(&error, ImportError::BadBlock { number: 1, .. }), "{error}");

    let copy = chain(genesis());
    let error = load(&copy, &file_of(&blocks[1..])).unwrap_err();
    assert!(matches!(error, ImportError::Gap { expected: 1, found: 2 }), "{error}");
    load(&copy, &file_of(&blocks)).unwrap();
    let mut branch = blocks[2].clone();
    branch.header.extra_data = Bytes::from_static(b"another");
    let error = load(&copy, &file_of(&[branch])).unwrap_err();
    assert!(matches!(error, ImportError::OtherBranch { number: 3, .. }), "{error}");
    assert_eq!(copy.head().number, 4);
}

#[test]
fn garbage_and_lengths_that_lie_are_refused_with_their_place() {
    let (_, blocks) = made(1);
    let good = file_of(&blocks);
    let at = good.len() as u64;
    let refuse = |tail: &[u8]| {
        let copy = chain(genesis());
        let error = match load(&copy, &[&good, tail].concat()).unwrap_err() {
            ImportError::File(error) => error,
            other => panic!("{other}"),
        };
        assert_eq!(copy.head().number, 1);
        error
    };
    for first in [0x00, 0x7f, 0x80, 0xb8, 0xbf] {
        assert!(matches!(refuse(&[first]), FileError::NotABlock { offset, first: f } if (offset, f) == (at, first)));
    }
    // 2^64 - 1 bytes, and one more than is read.
    let lie = [&[0xff][..], &[0xff; 8]].concat();
    assert!(matches!(refuse(&lie), FileError::TooLong { offset, len: u64::MAX } if offset == at));
    let lie = [&[0xfb][..], &(BLOCK_BYTES_MAX as u32 + 1).to_be_bytes()].concat();
    assert!(matches!(refuse(&lie), FileError::TooLong { .. }));
    let lie = [&[0xfb][..], &(BLOCK_BYTES_MAX as u32).to_be_bytes(), &[1; 100]].concat();
    assert!(matches!(refuse(&lie), FileError::Truncated { found: 105, .. }));
    for list in [&[0xc0][..], &[0xc1, 0xc0], &[0xc3, 0xc0, 0xc0, 0xc0], &[0xf8, 0x01, 0x00]] {
        assert!(matches!(refuse(list), FileError::Rlp { offset, .. } if offset == at));
    }
}

#[test]
fn a_typed_transaction_in_a_string_of_another_length_is_refused() {
    let (_, mut blocks) = made(1);
    let signer = PrivateKeySigner::from_bytes(&dev::ACCOUNTS[0].key).unwrap();
    let mut tx = TxEip1559 { to: TxKind::Call(Address::ZERO), input: vec![7; 100].into(), ..Default::default() };
    let signature = signer.sign_transaction_sync(&mut tx).unwrap();
    let tx = Transaction::Eip1559(tx.into_signed(signature));
    let mut string = Vec::new();
    tx.encode(&mut string);
    assert_eq!((string[0], string[2]), (0xb8, 2));
    blocks[0].body.transactions = vec![tx];
    let bytes = file_of(&blocks);
    let at = bytes.windows(string.len()).position(|window| window == string).unwrap();
    for len in [0, string[1] - 1, string[1] + 1, 0xff] {
        let mut bytes = bytes.clone();
        bytes[at + 1] = len;
        let error = Blocks::new(&bytes[..]).next().unwrap().unwrap_err();
        assert!(matches!(error, FileError::NotCanonical { offset: 0 } | FileError::Rlp { offset: 0, .. }), "{error}");
    }
    assert!(Blocks::new(&bytes[..]).next().unwrap().is_ok());
}

#[test]
fn a_later_start_needs_no_genesis_file_and_refuses_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let (datadir, file) = (folder.path().join("data"), folder.path().join("genesis.json"));
    std::fs::create_dir(&datadir).unwrap();
    assert!(matches!(open(&datadir, None).unwrap_err(), ImportError::NoGenesis(path) if path == datadir));
    std::fs::write(&file, serde_json::to_vec(&genesis()).unwrap()).unwrap();
    let (_, blocks) = made(2);
    let chain = open(&datadir, Some(&file)).unwrap();
    load(&chain, &file_of(&blocks)).unwrap();
    let (head, accounts) = (chain.head(), chain.accounts_estimate().unwrap());
    assert!(accounts > 1);
    drop(chain);

    // The same chain: without the file, with it, and with it written in another way.
    for text in [None, Some(serde_json::to_vec(&genesis())), Some(serde_json::to_vec_pretty(&genesis()))] {
        let named = text.map(|text| std::fs::write(&file, text.unwrap()).unwrap()).map(|()| &*file);
        assert_eq!(open(&datadir, named).unwrap().head(), head);
    }
    let kept = std::fs::read_to_string(datadir.join("chain.json")).unwrap();
    assert!(!kept.contains(&format!("{:x}", dev::ACCOUNTS[0].address)), "{kept}");

    let mut other = genesis();
    other.alloc.insert(Address::ZERO, GenesisAccount::default().with_balance(U256::from(1)));
    std::fs::write(&file, serde_json::to_vec(&other).unwrap()).unwrap();
    let error = open(&datadir, Some(&file)).unwrap_err();
    assert!(matches!(error, ImportError::Storage(StorageError::OtherGenesis { .. })), "{error}");
    // A database that is gone takes its genesis with it.
    std::fs::remove_dir_all(datadir.join("db")).unwrap();
    assert!(matches!(open(&datadir, None).unwrap_err(), ImportError::NoGenesis(_)));
}

#[test]
fn random_bytes_never_panic() {
    use alloy_primitives::keccak256;
    for seed in 0u64..300 {
        let mut bytes: Vec<u8> = (0..20u64).flat_map(|n| keccak256((seed * 1_000 + n).to_be_bytes()).0).collect();
        bytes[0] |= 0xc0;
        for found in Blocks::new(&bytes[..]) {
            let _ = found;
        }
    }
}
