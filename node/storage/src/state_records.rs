//! Keys and values of the state's tables: places of nodes, accounts, what a block touched, proofs that outlive their state.
//! Must not know: which table they are in, how a trie works.

use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY, U256};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, TrieAccount};
use execution::trie::Place;

use crate::codec::{DecodeError, Key, Value, decode_rlp, encode_rlp};

/// Nibbles of a key, and so of the longest path.
const PATH_MAX: usize = 64;
const ACCOUNT_TRIE: u8 = 0;
const STORAGE_TRIE: u8 = 1;

/// `0 ‖ path` in the account trie, `1 ‖ owner ‖ path` in a storage trie; a path is one byte for each nibble, 1 to 16, and a zero at its end.
/// So keys sort as places do, and no key begins another.
impl Key for Place {
    fn encode(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(1 + 32 + self.path.len() + 1);
        match &self.owner {
            None => key.push(ACCOUNT_TRIE),
            Some(owner) => {
                key.push(STORAGE_TRIE);
                key.extend(owner.as_slice());
            }
        }
        key.extend(self.path.iter().map(|nibble| nibble + 1));
        key.push(0);
        key
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (owner, path) = match bytes.split_first()? {
            (&ACCOUNT_TRIE, path) => (None, path),
            (&STORAGE_TRIE, rest) => {
                let (owner, path) = rest.split_first_chunk::<32>()?;
                (Some(B256::from(*owner)), path)
            }
            _ => return None,
        };
        let (end, path) = path.split_last()?;
        if *end != 0 || path.len() > PATH_MAX || path.iter().any(|byte| !(1..=16).contains(byte)) {
            return None;
        }
        Some(Self { owner, path: Nibbles::from_nibbles(path.iter().map(|byte| byte - 1).collect::<Vec<u8>>()) })
    }
}

/// RLP `[nonce, balance, storage root, code hash]`, the last two as the empty string when they are of nothing, which saves 64 bytes of 77.
#[derive(RlpEncodable, RlpDecodable)]
struct AccountRecord {
    nonce: u64,
    balance: U256,
    storage_root: Bytes,
    code_hash: Bytes,
}

impl Value for TrieAccount {
    fn encode(&self) -> Bytes {
        let unless = |empty: B256, hash: &B256| if *hash == empty { Bytes::new() } else { (*hash).into() };
        encode_rlp(&AccountRecord {
            nonce: self.nonce,
            balance: self.balance,
            storage_root: unless(EMPTY_ROOT_HASH, &self.storage_root),
            code_hash: unless(KECCAK256_EMPTY, &self.code_hash),
        })
    }

    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let AccountRecord { nonce, balance, storage_root, code_hash } = decode_rlp(bytes)?;
        let hash = |empty: B256, bytes: &Bytes| match bytes.len() {
            0 => Ok(empty),
            32 if bytes[..] != empty[..] => Ok(B256::from_slice(bytes)),
            32 => Err(DecodeError("a hash of nothing, written out".into())),
            other => Err(DecodeError(format!("a hash of {other} bytes"))),
        };
        Ok(Self {
            nonce,
            balance,
            storage_root: hash(EMPTY_ROOT_HASH, &storage_root)?,
            code_hash: hash(KECCAK256_EMPTY, &code_hash)?,
        })
    }
}

/// Keys that a block touched, ascending, each once; of each there is a row with the block's number in the history table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Undo {
    /// keccak256 of addresses.
    pub accounts: Vec<B256>,
    /// keccak256 of addresses and of slots.
    pub slots: Vec<(B256, B256)>,
    /// Places of nodes.
    pub nodes: Vec<Place>,
}

impl Undo {
    /// How many rows the block has in the history tables.
    pub fn rows(&self) -> usize {
        self.accounts.len() + self.slots.len() + self.nodes.len()
    }
}

/// RLP `[[account, …], [[account, [slot, …]], …], [place, …]]`, places as their keys.
#[derive(RlpEncodable, RlpDecodable)]
struct UndoRecord {
    accounts: Vec<B256>,
    slots: Vec<SlotsOf>,
    nodes: Vec<Bytes>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct SlotsOf {
    account: B256,
    slots: Vec<B256>,
}

impl Value for Undo {
    fn encode(&self) -> Bytes {
        let slots = self.slots.chunk_by(|a, b| a.0 == b.0);
        encode_rlp(&UndoRecord {
            accounts: self.accounts.clone(),
            slots: slots
                .map(|of| SlotsOf { account: of[0].0, slots: of.iter().map(|(_, slot)| *slot).collect() })
                .collect(),
            nodes: self.nodes.iter().map(|place| place.encode().into()).collect(),
        })
    }

    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let record: UndoRecord = decode_rlp(bytes)?;
        let place = |key: &Bytes| Place::decode(key).ok_or_else(|| DecodeError(format!("{key} is no place")));
        let undo = Self {
            accounts: record.accounts,
            slots: record.slots.iter().flat_map(|of| of.slots.iter().map(|slot| (of.account, *slot))).collect(),
            nodes: record.nodes.iter().map(place).collect::<Result<_, _>>()?,
        };
        if undo.accounts.is_sorted_by(|a, b| a < b)
            && undo.slots.is_sorted_by(|a, b| a < b)
            && undo.nodes.is_sorted_by(|a, b| a < b)
        {
            Ok(undo)
        } else {
            Err(DecodeError("keys out of order".into()))
        }
    }
}

/// Proof of an account and of one of its slots, after a block. RLP, fields in this order.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct OutboxProof {
    /// The account.
    pub account: TrieAccount,
    /// Nodes from the state root to the account.
    pub account_proof: Vec<Bytes>,
    /// The slot's value.
    pub value: U256,
    /// Nodes from the storage root to the slot.
    pub storage_proof: Vec<Bytes>,
}

impl Value for OutboxProof {
    fn encode(&self) -> Bytes {
        encode_rlp(self)
    }
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        decode_rlp(bytes)
    }
}
