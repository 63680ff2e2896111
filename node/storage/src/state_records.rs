//! Keys and values of the state's tables: places of nodes, accounts, what a block touched, proofs that outlive their state.
//! Must not know: which table they are in, how a trie works.

use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY, U256};
use alloy_rlp::{Encodable, RlpDecodable, RlpEncodable};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, TrieAccount};
use execution::trie::Place;

use crate::codec::{DecodeError, Key, Value, decode_rlp, end, take};

/// Nibbles of a key, and so of the longest path.
const PATH_MAX: usize = 64;
const ACCOUNT_TRIE: u8 = 0;
const STORAGE_TRIE: u8 = 1;

/// `0 ‖ path` in the account trie, `1 ‖ owner ‖ path` in a storage trie; a path is one byte for each nibble, 1 to 16, and a zero at its end.
/// So keys sort as places do, and no key begins another.
impl Key for Place {
    fn write(&self, out: &mut Vec<u8>) {
        match &self.owner {
            None => out.push(ACCOUNT_TRIE),
            Some(owner) => {
                out.push(STORAGE_TRIE);
                out.extend_from_slice(owner.as_slice());
            }
        }
        out.extend(self.path.iter().map(|nibble| nibble + 1));
        out.push(0);
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
    fn write(&self, out: &mut Vec<u8>) {
        let unless = |empty: B256, hash: &B256| if *hash == empty { Bytes::new() } else { (*hash).into() };
        let record = AccountRecord {
            nonce: self.nonce,
            balance: self.balance,
            storage_root: unless(EMPTY_ROOT_HASH, &self.storage_root),
            code_hash: unless(KECCAK256_EMPTY, &self.code_hash),
        };
        record.encode(out);
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

/// Accounts, then slots by account, then places by their keys; before each list its length, u32. (RLP would ask twice how long each key is.)
impl Value for Undo {
    fn write(&self, out: &mut Vec<u8>) {
        let groups = || self.slots.chunk_by(|a, b| a.0 == b.0);
        len(self.accounts.len(), out);
        self.accounts.iter().for_each(|key| Key::write(key, out));
        len(groups().count(), out);
        for group in groups() {
            Key::write(&group[0].0, out);
            len(group.len(), out);
            group.iter().for_each(|(_, slot)| Key::write(slot, out));
        }
        len(self.nodes.len(), out);
        self.nodes.iter().for_each(|place| place.write(out));
    }

    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let mut rest = &bytes[..];
        let mut undo = Self::default();
        for _ in 0..u32::from_be_bytes(take(&mut rest)?) {
            undo.accounts.push(take(&mut rest)?.into());
        }
        for _ in 0..u32::from_be_bytes(take(&mut rest)?) {
            let owner = take(&mut rest)?.into();
            let slots = u32::from_be_bytes(take(&mut rest)?);
            if slots == 0 || undo.slots.last().is_some_and(|(last, _)| *last == owner) {
                return Err(DecodeError(format!("{slots} slots of {owner} where they can't be")));
            }
            for _ in 0..slots {
                undo.slots.push((owner, take(&mut rest)?.into()));
            }
        }
        for _ in 0..u32::from_be_bytes(take(&mut rest)?) {
            // No key has a zero in its path, and each ends in one.
            let owner = if rest.first() == Some(&STORAGE_TRIE) { B256::len_bytes() } else { 0 };
            let path = rest.iter().skip(1 + owner).position(|byte| *byte == 0);
            let (key, tail) = rest.split_at(path.map_or(rest.len(), |path| 1 + owner + path + 1));
            undo.nodes.push(Place::decode(key).ok_or_else(|| DecodeError("no place".into()))?);
            rest = tail;
        }
        end(rest)?;
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

/// A list's length. A block's gas bounds what it touches far below four thousand millions.
fn len(items: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(items).expect("a block touches fewer keys").to_be_bytes());
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
    fn write(&self, out: &mut Vec<u8>) {
        Encodable::encode(self, out);
    }
    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        decode_rlp(bytes)
    }
}
