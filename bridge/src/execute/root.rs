//! `hash_tree_root` of the request half of an input: what EXECUTE returns as `new_payload_request_root`.
//!
//! `ExecutionPayload` and `ExecutionRequests` are progressive containers and their lists progressive lists (EIP-7495,
//! EIP-7916); `NewPayloadRequest` is a plain container, as in execution-specs and ethrex. It must not know the wire.

use super::{Payload, Requests, StatelessInput};
use alloy_primitives::{Address, B256, Bytes, FixedBytes};
use libssz_merkle::{Sha2Hasher, merkleize, merkleize_progressive, mix_in_active_fields, mix_in_length, pack};

pub(super) use libssz_merkle::Node;

/// Something with a `hash_tree_root`.
pub(super) trait Root {
    fn root(&self) -> Node;
}

impl Root for u64 {
    fn root(&self) -> Node {
        let mut node = Node::default();
        node[..8].copy_from_slice(&self.to_le_bytes());
        node
    }
}

impl<const N: usize> Root for FixedBytes<N> {
    fn root(&self) -> Node {
        merkleize(&Sha2Hasher, &pack(self.as_slice()), None)
    }
}

impl Root for Address {
    fn root(&self) -> Node {
        self.0.root()
    }
}

/// A plain container of these fields.
pub(super) fn container(fields: &[Node]) -> Node {
    merkleize(&Sha2Hasher, fields, None)
}

/// A progressive container, all of whose fields are active.
fn progressive_container<const N: usize>(fields: [Node; N]) -> Node {
    mix_in_active_fields(&Sha2Hasher, &merkleize_progressive(&Sha2Hasher, &fields), &[true; N])
}

fn progressive_list<T: Root>(items: &[T]) -> Node {
    let roots: Vec<Node> = items.iter().map(Root::root).collect();
    mix_in_length(&Sha2Hasher, &merkleize_progressive(&Sha2Hasher, &roots), items.len())
}

/// `ProgressiveByteList`.
impl Root for Bytes {
    fn root(&self) -> Node {
        mix_in_length(&Sha2Hasher, &merkleize_progressive(&Sha2Hasher, &pack(self)), self.len())
    }
}

/// `ByteList[32]`: one chunk.
fn extra_data(data: &Bytes) -> Node {
    mix_in_length(&Sha2Hasher, &merkleize(&Sha2Hasher, &pack(data), Some(1)), data.len())
}

impl Root for Payload {
    fn root(&self) -> Node {
        // Without `..`: a field that is added must not stay out of the root. Order is the wire's.
        let Self {
            parent_hash,
            fee_recipient,
            state_root,
            receipts_root,
            logs_bloom,
            prev_randao,
            block_number,
            gas_limit,
            gas_used,
            timestamp,
            extra_data: extra,
            base_fee_per_gas,
            block_hash,
            transactions,
            withdrawals,
            blob_gas_used,
            excess_blob_gas,
            block_access_list,
            slot_number,
        } = self;
        progressive_container([
            parent_hash.root(),
            fee_recipient.root(),
            state_root.root(),
            receipts_root.root(),
            logs_bloom.0.root(),
            prev_randao.root(),
            block_number.root(),
            gas_limit.root(),
            gas_used.root(),
            timestamp.root(),
            extra_data(extra),
            // uint256, little-endian: a u64's leaf is the same 32 bytes.
            base_fee_per_gas.root(),
            block_hash.root(),
            progressive_list(transactions),
            progressive_list(withdrawals),
            blob_gas_used.root(),
            excess_blob_gas.root(),
            block_access_list.root(),
            slot_number.root(),
        ])
    }
}

impl Root for Requests {
    fn root(&self) -> Node {
        let Self { deposits, withdrawals, consolidations, builder_deposits, builder_exits } = self;
        progressive_container([
            progressive_list(deposits),
            progressive_list(withdrawals),
            progressive_list(consolidations),
            progressive_list(builder_deposits),
            progressive_list(builder_exits),
        ])
    }
}

impl StatelessInput {
    /// `hash_tree_root(NewPayloadRequest)`: the claim that a successful EXECUTE has proven.
    pub fn request_root(&self) -> B256 {
        container(&[
            self.payload.root(),
            progressive_list(&self.versioned_hashes),
            self.parent_beacon_block_root.root(),
            self.requests.root(),
        ])
        .into()
    }
}
