//! `StatelessInput` and its codec.

use super::{
    MAX_CODE_BYTES, MAX_EXTRA_DATA_BYTES, MAX_HEADER_BYTES, MAX_HEADERS, MAX_INPUT_BYTES, MAX_NODE_BYTES, PREFIX_BYTES,
    Payload, SCHEMA_ID,
    ssz::{Element, Reader, SszError, elements, items, items_len, put_elements, put_items, put_offset, split},
};
use alloy_eips::{
    eip6110::DepositRequest,
    eip7002::WithdrawalRequest,
    eip7251::ConsolidationRequest,
    eip7685::EMPTY_REQUESTS_HASH,
    eip8282::{BuilderDepositRequest, BuilderExitRequest},
};
use alloy_primitives::{B256, Bloom, Bytes, FixedBytes};
use sha2::{Digest, Sha256};

/// Fixed part of `StatelessInput`: two offsets, chain id.
const INPUT_FIXED: usize = 16;
/// Fixed part of `NewPayloadRequest`: two offsets, anchor, offset.
const REQUEST_FIXED: usize = 44;
/// Fixed part of `ExecutionPayload`.
const PAYLOAD_FIXED: usize = 540;
/// Where the offsets of extra data, transactions, withdrawals and access list stand in it.
const PAYLOAD_OFFSETS: [usize; 4] = [436, 504, 508, 528];
/// Fixed part of `ExecutionRequests`: five offsets.
const REQUESTS_FIXED: usize = 20;
/// Fixed part of `ExecutionWitness`: three offsets.
const WITNESS_FIXED: usize = 12;

/// Everything EXECUTE needs to check one block: the block, its parent's headers, and the state it touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatelessInput {
    /// The block.
    pub payload: Payload,
    /// Versioned hashes of the block's blob transactions: none on a rollup.
    pub versioned_hashes: Vec<B256>,
    /// The anchor ([`crate::anchor`]).
    pub parent_beacon_block_root: B256,
    /// The block's EIP-7685 requests: none on a rollup.
    pub requests: Requests,
    /// State and headers.
    pub witness: Witness,
    /// EIP-155 id of the rollup.
    pub chain_id: u64,
}

/// `ExecutionRequests`: requests of a block by type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// EIP-6110, type 0.
    pub deposits: Vec<DepositRequest>,
    /// EIP-7002, type 1.
    pub withdrawals: Vec<WithdrawalRequest>,
    /// EIP-7251, type 2.
    pub consolidations: Vec<ConsolidationRequest>,
    /// EIP-8282, type 3.
    pub builder_deposits: Vec<BuilderDepositRequest>,
    /// EIP-8282, type 4.
    pub builder_exits: Vec<BuilderExitRequest>,
}

/// `ExecutionWitness`: preimages, unordered as far as the format is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    /// RLP of trie nodes, each at most [`MAX_NODE_BYTES`].
    pub state: Vec<Bytes>,
    /// Contract codes, each at most [`MAX_CODE_BYTES`].
    pub codes: Vec<Bytes>,
    /// RLP of headers, ascending, the parent last; at most [`MAX_HEADERS`] of [`MAX_HEADER_BYTES`].
    pub headers: Vec<Bytes>,
}

/// Why bytes are no EXECUTE input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More than [`MAX_INPUT_BYTES`].
    #[error("{bytes} bytes, at most {MAX_INPUT_BYTES}")]
    TooLong {
        /// Bytes there.
        bytes: usize,
    },
    /// The first two bytes are not [`SCHEMA_ID`], or are missing.
    #[error("schema {0:04x?}, only {SCHEMA_ID:#06x} is known")]
    Schema(Option<u16>),
    /// The body is not canonical.
    #[error(transparent)]
    Ssz(#[from] SszError),
    /// `base_fee_per_gas` does not fit 64 bits. It is 256 bits on the wire, so a bit above would give a second encoding
    /// of one header.
    #[error("the base fee does not fit 64 bits")]
    BaseFee,
}

impl StatelessInput {
    /// The input of EXECUTE: schema prefix and SSZ body.
    ///
    /// Bounds are the reader's: a value beyond them encodes, and [`Self::decode`] refuses it.
    ///
    /// # Panics
    /// If the input reaches 4 GiB.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        out.extend_from_slice(&SCHEMA_ID.to_be_bytes());
        put_offset(INPUT_FIXED, &mut out);
        put_offset(INPUT_FIXED + self.request_len(), &mut out);
        self.chain_id.write(&mut out);

        let payload_end = REQUEST_FIXED + self.payload.encoded_len();
        put_offset(REQUEST_FIXED, &mut out);
        put_offset(payload_end, &mut out);
        self.parent_beacon_block_root.write(&mut out);
        put_offset(payload_end + 32 * self.versioned_hashes.len(), &mut out);
        self.payload.write(&mut out);
        put_elements(&self.versioned_hashes, &mut out);
        self.requests.write(&mut out);

        self.witness.write(&mut out);
        out
    }

    /// Length of [`Self::encode`].
    pub fn encoded_len(&self) -> usize {
        PREFIX_BYTES + INPUT_FIXED + self.request_len() + self.witness.encoded_len()
    }

    fn request_len(&self) -> usize {
        REQUEST_FIXED + self.payload.encoded_len() + 32 * self.versioned_hashes.len() + self.requests.encoded_len()
    }

    /// Reads an input. Work and memory are linear in its length, and what decodes encodes to the same bytes.
    ///
    /// # Errors
    /// [`DecodeError`] for every other byte string.
    pub fn decode(input: &[u8]) -> Result<Self, DecodeError> {
        if input.len() > MAX_INPUT_BYTES {
            return Err(DecodeError::TooLong { bytes: input.len() });
        }
        let Some((schema, body)) = input.split_first_chunk::<PREFIX_BYTES>() else {
            return Err(DecodeError::Schema(None));
        };
        let schema = u16::from_be_bytes(*schema);
        if schema != SCHEMA_ID {
            return Err(DecodeError::Schema(Some(schema)));
        }

        // One copy; every byte list below is a slice of it.
        let body = Bytes::copy_from_slice(body);
        let [request, witness] = split("StatelessInput", &body, INPUT_FIXED, [0, 4])?;
        let chain_id = Reader(&body[8..]).read();
        let [payload, versioned_hashes, requests] = split("NewPayloadRequest", request, REQUEST_FIXED, [0, 4, 40])?;
        Ok(Self {
            payload: Payload::read(&body, payload)?,
            versioned_hashes: elements("versioned_hashes", versioned_hashes)?,
            parent_beacon_block_root: Reader(&request[8..]).read(),
            requests: Requests::read(requests)?,
            witness: Witness::read(&body, witness)?,
            chain_id,
        })
    }
}

impl Payload {
    /// Bytes on the wire.
    fn encoded_len(&self) -> usize {
        PAYLOAD_FIXED
            + self.extra_data.len()
            + items_len(&self.transactions)
            + self.withdrawals.len() * alloy_eips::eip4895::Withdrawal::BYTES
            + self.block_access_list.len()
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.parent_hash.write(out);
        self.fee_recipient.write(out);
        self.state_root.write(out);
        self.receipts_root.write(out);
        self.logs_bloom.0.write(out);
        self.prev_randao.write(out);
        self.block_number.write(out);
        self.gas_limit.write(out);
        self.gas_used.write(out);
        self.timestamp.write(out);
        let mut at = PAYLOAD_FIXED;
        put_offset(at, out);
        at += self.extra_data.len();
        self.base_fee_per_gas.write(out);
        out.extend_from_slice(&[0; 24]);
        self.block_hash.write(out);
        put_offset(at, out);
        at += items_len(&self.transactions);
        put_offset(at, out);
        at += self.withdrawals.len() * alloy_eips::eip4895::Withdrawal::BYTES;
        self.blob_gas_used.write(out);
        self.excess_blob_gas.write(out);
        put_offset(at, out);
        self.slot_number.write(out);
        out.extend_from_slice(&self.extra_data);
        put_items(&self.transactions, out);
        put_elements(&self.withdrawals, out);
        out.extend_from_slice(&self.block_access_list);
    }

    /// `bytes` is a part of `whole`.
    fn read(whole: &Bytes, bytes: &[u8]) -> Result<Self, DecodeError> {
        let [extra_data, transactions, withdrawals, block_access_list] =
            split("ExecutionPayload", bytes, PAYLOAD_FIXED, PAYLOAD_OFFSETS)?;
        if extra_data.len() > MAX_EXTRA_DATA_BYTES {
            return Err(
                SszError::TooLong { at: "extra_data", bytes: extra_data.len(), max: MAX_EXTRA_DATA_BYTES }.into()
            );
        }
        let (extra_data, block_access_list) = (whole.slice_ref(extra_data), whole.slice_ref(block_access_list));
        let transactions = slices(whole, items("transactions", transactions, usize::MAX, usize::MAX)?);
        let withdrawals = elements("withdrawals", withdrawals)?;

        let mut fixed = Reader(bytes);
        Ok(Self {
            parent_hash: fixed.read(),
            fee_recipient: fixed.read(),
            state_root: fixed.read(),
            receipts_root: fixed.read(),
            logs_bloom: Bloom(fixed.read::<FixedBytes<256>>()),
            prev_randao: fixed.read(),
            block_number: fixed.read(),
            gas_limit: fixed.read(),
            gas_used: fixed.read(),
            timestamp: fixed.read(),
            extra_data: {
                fixed.take(4);
                extra_data
            },
            base_fee_per_gas: {
                let fee = fixed.read();
                if fixed.take(24) != [0; 24] {
                    return Err(DecodeError::BaseFee);
                }
                fee
            },
            block_hash: fixed.read(),
            transactions: {
                fixed.take(4);
                transactions
            },
            withdrawals: {
                fixed.take(4);
                withdrawals
            },
            blob_gas_used: fixed.read(),
            excess_blob_gas: fixed.read(),
            block_access_list: {
                fixed.take(4);
                block_access_list
            },
            slot_number: fixed.read(),
        })
    }
}

impl Requests {
    /// How many there are of all types together.
    pub const fn count(&self) -> usize {
        self.deposits.len()
            + self.withdrawals.len()
            + self.consolidations.len()
            + self.builder_deposits.len()
            + self.builder_exits.len()
    }

    /// Each type's concatenated SSZ, in type order.
    fn lists(&self) -> [Vec<u8>; 5] {
        fn list<T: Element>(items: &[T]) -> Vec<u8> {
            let mut out = Vec::with_capacity(items.len() * T::BYTES);
            put_elements(items, &mut out);
            out
        }
        [
            list(&self.deposits),
            list(&self.withdrawals),
            list(&self.consolidations),
            list(&self.builder_deposits),
            list(&self.builder_exits),
        ]
    }

    /// The header's `requests_hash` (EIP-7685): sha256 over the sha256 of type ‖ data of each type that has any.
    pub fn hash(&self) -> B256 {
        if self.count() == 0 {
            return EMPTY_REQUESTS_HASH;
        }
        let mut all = Sha256::new();
        for (kind, list) in (0u8..).zip(self.lists()).filter(|(_, list)| !list.is_empty()) {
            all.update(Sha256::new().chain_update([kind]).chain_update(list).finalize());
        }
        B256::new(all.finalize().into())
    }

    fn encoded_len(&self) -> usize {
        REQUESTS_FIXED
            + self.deposits.len() * DepositRequest::BYTES
            + self.withdrawals.len() * WithdrawalRequest::BYTES
            + self.consolidations.len() * ConsolidationRequest::BYTES
            + self.builder_deposits.len() * BuilderDepositRequest::BYTES
            + self.builder_exits.len() * BuilderExitRequest::BYTES
    }

    fn write(&self, out: &mut Vec<u8>) {
        let lists = self.lists();
        let mut at = REQUESTS_FIXED;
        for list in &lists {
            put_offset(at, out);
            at += list.len();
        }
        out.extend(lists.iter().flatten());
    }

    fn read(bytes: &[u8]) -> Result<Self, SszError> {
        let [deposits, withdrawals, consolidations, builder_deposits, builder_exits] =
            split("ExecutionRequests", bytes, REQUESTS_FIXED, [0, 4, 8, 12, 16])?;
        Ok(Self {
            deposits: elements("deposits", deposits)?,
            withdrawals: elements("withdrawal requests", withdrawals)?,
            consolidations: elements("consolidations", consolidations)?,
            builder_deposits: elements("builder_deposits", builder_deposits)?,
            builder_exits: elements("builder_exits", builder_exits)?,
        })
    }
}

impl Witness {
    /// Bytes on the wire: what the witness adds to an input.
    pub fn encoded_len(&self) -> usize {
        WITNESS_FIXED + items_len(&self.state) + items_len(&self.codes) + items_len(&self.headers)
    }

    fn write(&self, out: &mut Vec<u8>) {
        let codes = WITNESS_FIXED + items_len(&self.state);
        put_offset(WITNESS_FIXED, out);
        put_offset(codes, out);
        put_offset(codes + items_len(&self.codes), out);
        put_items(&self.state, out);
        put_items(&self.codes, out);
        put_items(&self.headers, out);
    }

    fn read(whole: &Bytes, bytes: &[u8]) -> Result<Self, SszError> {
        let [state, codes, headers] = split("ExecutionWitness", bytes, WITNESS_FIXED, [0, 4, 8])?;
        Ok(Self {
            state: slices(whole, items("state", state, usize::MAX, MAX_NODE_BYTES)?),
            codes: slices(whole, items("codes", codes, usize::MAX, MAX_CODE_BYTES)?),
            headers: slices(whole, items("headers", headers, MAX_HEADERS, MAX_HEADER_BYTES)?),
        })
    }
}

fn slices(whole: &Bytes, items: Vec<&[u8]>) -> Vec<Bytes> {
    items.into_iter().map(|item| whole.slice_ref(item)).collect()
}
