//! Merkle-Patricia proofs of accounts and storage slots, as `eth_getProof` gives them (EIP-1186).
//!
//! Under a trusted state root a proof is verified whoever sent it: any nodes, any order of attack, an answer or an error.
//! The walk is our own because the library's asserts on paths that no real trie has; the library is the tests' oracle.
//! This module must not know where roots come from.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::{Decodable, EMPTY_STRING_CODE, Header};
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};

#[cfg(test)]
mod tests;

/// Nibbles of a hashed key.
const PATH: usize = 64;

/// Most nodes of one proof: one for each nibble of the path and the leaf.
pub const MAX_PROOF_NODES: usize = PATH + 1;

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// More than [`MAX_PROOF_NODES`].
    #[error("{nodes} nodes, a path has at most {MAX_PROOF_NODES}")]
    TooLong {
        /// Nodes handed in.
        nodes: usize,
    },
    /// The proof ends before the path does.
    #[error("the proof ends at nibble {depth}, before node {hash}")]
    Incomplete {
        /// Nibbles walked.
        depth: usize,
        /// The node that is missing.
        hash: B256,
    },
    /// A node is not the one that its parent names.
    #[error("node {node} hashes to {given}, its parent names {expected}")]
    WrongNode {
        /// Place in the proof.
        node: usize,
        /// Its hash.
        given: B256,
        /// What was named.
        expected: B256,
    },
    /// A node or value that no trie with hashed keys holds.
    #[error("malformed trie node at nibble {depth}")]
    Malformed {
        /// Nibbles walked.
        depth: usize,
    },
    /// Nodes behind the end of the path.
    #[error("{nodes} nodes behind the end of the path")]
    Surplus {
        /// How many.
        nodes: usize,
    },
    /// The proof is sound and says something else than was claimed about this account.
    #[error("the proof does not say this about account {0}")]
    OtherAccount(Address),
    /// The proof is sound and says something else than was claimed about this slot.
    #[error("the proof says that slot {slot} is {proven}")]
    OtherValue {
        /// The slot.
        slot: U256,
        /// What it holds.
        proven: U256,
    },
}

/// An account with some of its storage, and the proofs: an `eth_getProof` answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountProof {
    /// Whose.
    pub address: Address,
    /// What is claimed; `None` for an account that does not exist.
    pub account: Option<TrieAccount>,
    /// Nodes from the state root down.
    pub proof: Vec<Bytes>,
    /// Slots of it.
    pub storage: Vec<StorageProof>,
}

/// One slot of an account, and the proof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageProof {
    /// Which.
    pub slot: U256,
    /// What is claimed; zero for an absent one.
    pub value: U256,
    /// Nodes from the storage root down.
    pub proof: Vec<Bytes>,
}

impl AccountProof {
    /// Checks account and slots against a state root.
    ///
    /// # Errors
    /// The first [`ProofError`]. An account that does not exist has only empty slots, which need no proof nodes.
    pub fn verify(&self, state_root: B256) -> Result<(), ProofError> {
        if account(state_root, self.address, &self.proof)? != self.account {
            return Err(ProofError::OtherAccount(self.address));
        }
        let storage_root = self.account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        for StorageProof { slot, value, proof } in &self.storage {
            let proven = storage(storage_root, *slot, proof)?;
            if proven != *value {
                return Err(ProofError::OtherValue { slot: *slot, proven });
            }
        }
        Ok(())
    }
}

/// The account at `address` under `state_root`, or `None` where the proof shows that there is none.
///
/// # Errors
/// [`ProofError`] if the proof shows neither.
pub fn account(state_root: B256, address: Address, proof: &[Bytes]) -> Result<Option<TrieAccount>, ProofError> {
    lookup(state_root, keccak256(address), proof)?
        .map(|mut rlp| match TrieAccount::decode(&mut rlp) {
            Ok(account) if rlp.is_empty() => Ok(account),
            _ => Err(ProofError::Malformed { depth: PATH }),
        })
        .transpose()
}

/// The value of `slot` under `storage_root`; zero where the proof shows that nothing is stored.
///
/// # Errors
/// [`ProofError`] if the proof shows neither.
pub fn storage(storage_root: B256, slot: U256, proof: &[Bytes]) -> Result<U256, ProofError> {
    match lookup(storage_root, keccak256(B256::from(slot)), proof)? {
        None => Ok(U256::ZERO),
        Some(mut rlp) => match U256::decode(&mut rlp) {
            // A stored zero is not a thing: the slot is removed.
            Ok(value) if rlp.is_empty() && !value.is_zero() => Ok(value),
            _ => Err(ProofError::Malformed { depth: PATH }),
        },
    }
}

/// Where a step leads.
enum Step<'a> {
    /// Nothing is stored at the key.
    Absent,
    /// The value at the key.
    Value(&'a [u8]),
    /// On to the child, which is this RLP item, having walked so many nibbles.
    Child(&'a [u8], usize),
}

/// The leaf value at `key`, or `None` where the proof shows that there is none.
fn lookup(root: B256, key: B256, proof: &[Bytes]) -> Result<Option<&[u8]>, ProofError> {
    if proof.len() > MAX_PROOF_NODES {
        return Err(ProofError::TooLong { nodes: proof.len() });
    }
    // An empty trie is proven by nothing, or by its one empty node.
    if root == EMPTY_ROOT_HASH {
        let rest = proof.strip_prefix(&[Bytes::from_static(&[EMPTY_STRING_CODE])]).unwrap_or(proof);
        return if rest.is_empty() { Ok(None) } else { Err(ProofError::Surplus { nodes: rest.len() }) };
    }

    let path: [u8; PATH] = std::array::from_fn(|i| if i % 2 == 0 { key[i / 2] >> 4 } else { key[i / 2] & 0x0f });
    let mut depth = 0;
    let mut used = 0;
    let mut expected = root;
    loop {
        let Some(node) = proof.get(used) else { return Err(ProofError::Incomplete { depth, hash: expected }) };
        let given = keccak256(node);
        if given != expected {
            return Err(ProofError::WrongNode { node: used, given, expected });
        }
        used += 1;

        // Children shorter than a hash stand inside their parent; they need no proof node.
        let mut inline: &[u8] = node;
        let end = loop {
            match step(inline, &path, depth).ok_or(ProofError::Malformed { depth })? {
                Step::Absent => break Some(None),
                Step::Value(value) => break Some(Some(value)),
                Step::Child(child, at) => {
                    depth = at;
                    match child.split_first() {
                        Some((0xa0, hash)) if hash.len() == 32 => {
                            expected = B256::from_slice(hash);
                            break None;
                        }
                        Some((0xc0.., _)) if child.len() < 32 => inline = child,
                        _ => return Err(ProofError::Malformed { depth }),
                    }
                }
            }
        };
        if let Some(value) = end {
            let surplus = proof.len() - used;
            return if surplus == 0 { Ok(value) } else { Err(ProofError::Surplus { nodes: surplus }) };
        }
    }
}

/// One step through a node at `depth`; `None` if no trie has such a node there.
fn step<'a>(node: &'a [u8], path: &[u8; PATH], depth: usize) -> Option<Step<'a>> {
    let items = items(node)?;
    match items.as_slice() {
        [children @ .., value] if children.len() == 16 => {
            // Keys all have one length, so no branch has a value of its own.
            if *value != [EMPTY_STRING_CODE] {
                return None;
            }
            let child = children[usize::from(*path.get(depth)?)];
            Some(if child == [EMPTY_STRING_CODE] { Step::Absent } else { Step::Child(child, depth + 1) })
        }
        [key, value] => {
            let mut key: &[u8] = key;
            let key = Header::decode_bytes(&mut key, false).ok()?;
            let (leaf, nibbles) = hex_prefix(key)?;
            let end = depth + nibbles.len();
            // A leaf ends exactly at the path's end; an extension goes somewhere and stops before it.
            if (leaf && end != PATH) || (!leaf && (nibbles.is_empty() || end >= PATH)) {
                return None;
            }
            if path[depth..end] != nibbles {
                return Some(Step::Absent);
            }
            if leaf {
                let mut value: &[u8] = value;
                return Header::decode_bytes(&mut value, false).ok().map(Step::Value);
            }
            Some(Step::Child(value, end))
        }
        _ => None,
    }
}

/// The raw RLP items of a list that fills `node` exactly: a branch has 17, the others 2.
fn items(node: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = node;
    let mut payload = Header::decode_bytes(&mut rest, true).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let mut items = Vec::with_capacity(17);
    while !payload.is_empty() {
        if items.len() == 17 {
            return None;
        }
        let start = payload;
        let header = Header::decode(&mut payload).ok()?;
        payload = payload.get(header.payload_length..)?;
        items.push(&start[..start.len() - payload.len()]);
    }
    Some(items)
}

/// Hex-prefix encoding: whether it is a leaf, and the nibbles.
fn hex_prefix(key: &[u8]) -> Option<(bool, Vec<u8>)> {
    let (&flag, rest) = key.split_first()?;
    let mut nibbles = Vec::with_capacity(2 * rest.len() + 1);
    match flag >> 4 {
        0 | 2 if flag & 0x0f == 0 => {}
        1 | 3 => nibbles.push(flag & 0x0f),
        _ => return None,
    }
    nibbles.extend(rest.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]));
    Some((flag & 0x20 != 0, nibbles))
}
