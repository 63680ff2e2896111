//! What landing a block costs on L1, from above: the settlement budget that the builder fills (SPEC "Gas").
//!
//! A block that costs more than one L1 transaction may spend can never land, so the model errs upwards only. It counts
//! bytes and items, not contents: every calldata byte as nonzero, every RLP header as long as its item could need. The
//! constants of Hub's own work are measured on our devnet, rounded up; this module must not know prices in wei.

use crate::{
    blob::{self, BYTES_PER_ELEMENT, MAX_BLOBS},
    execute::{self, MAX_INPUT_BYTES, StatelessInput},
    opening::OPENING_BYTES,
};

#[cfg(test)]
mod tests;

/// Most execution gas of one transaction (EIP-7825). State gas (EIP-8037) comes on top.
pub const MAX_EXECUTION_GAS: u64 = 1 << 24;

/// Largest transaction that public L1 pools take, blobs aside: 128 KiB, the bound of pools that do not tell blob
/// transactions apart. (geth's blob pool takes 1 MiB.)
pub const MAX_TX_BYTES: usize = 128 << 10;

/// Intrinsic gas of a call, as before EIP-2780; that one charges less.
pub const INTRINSIC: u64 = 21_000;

/// Intrinsic gas of one calldata byte that is not zero.
pub const CALLDATA_BYTE: u64 = 16;

/// Least gas that one calldata byte must bring (EIP-7976), zero or not.
pub const CALLDATA_FLOOR_BYTE: u64 = 64;

/// State gas of one new storage slot: 64 bytes at 1,530 (EIP-8037).
pub const NEW_SLOT_STATE_GAS: u64 = 97_920;

/// Most slots that one advance makes anew: the ring of state roots until it is full (64 blocks), the ring of outbox roots,
/// and the outbox bookkeeping of the first proof.
pub const NEW_SLOTS: u64 = 3;

/// Hub's own work: reading the SSZ fields, schedule and verifier calls, EIP-2935, storage and event.
pub const HUB: u64 = 200_000;

/// Hub's and the verifier's copies of calldata into memory and the memory itself, per 32-byte word, beside the quadratic
/// part: twice (copy 3, memory 3), rounded up.
pub const HUB_WORD: u64 = 16;

/// Binding one blob apart from its elements: point evaluation precompile 50,000, hashes, the last folds.
pub const BINDING_BLOB: u64 = 70_000;

/// Binding one 31-byte element: packing, hashing, folding. The first contract took 196,505 gas to bind 20 KB, all told.
pub const BINDING_ELEMENT: u64 = 180;

/// RLP framing of one transaction when Hub rebuilds the blob data from the payload.
pub const BINDING_TRANSACTION: u64 = 300;

/// Checking an outbox proof, apart from its nodes: two more slots written, the event. With the two below, measured on our
/// devnet at 123,000 gas for 5 nodes of 855 bytes and 168,000 for 7 of 2,110; rounded up.
pub const OUTBOX: u64 = 60_000;

/// Checking one node of an outbox proof in Solidity: a branch has seventeen items, whatever their length, and took 22,800.
pub const OUTBOX_NODE: u64 = 24_000;

/// Checking one byte of an outbox proof: copying and hashing.
pub const OUTBOX_BYTE: u64 = 8;

/// Execution gas of forwarding one message of no data, calldata aside: its path, two ledgers, the bitmap and the inbox. The contracts' tests measured 40,000 where storage was warm.
pub const FORWARD: u64 = 80_000;

/// Execution gas of one data byte of a forwarded message: it is hashed twice, copied, and written to a log (8).
pub const FORWARD_BYTE: u64 = 12;

/// Most slots that forwarding one message makes anew: its word of the bitmap, the inbox hash, the ledger of a destination that had nothing.
pub const FORWARD_NEW_SLOTS: u64 = 3;

/// Calldata of one forwarded message beside its data: offset, ten words, padding, and a path of 32 hashes with offset and length.
const FORWARD_FRAME: usize = 32 * (1 + 10 + 1 + 32 + 2);

/// Calldata around the EXECUTE input and the outbox proof: selector, heads, lengths, padding.
const ABI_FRAME: usize = 4 + 32 * 12;

/// A type-3 transaction around its calldata: fields, signature, list prefixes; 33 bytes for each versioned hash besides.
const TX_FRAME: usize = 300;

/// How many byte strings, and how many bytes in all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Items {
    /// Byte strings.
    pub count: usize,
    /// Bytes in all of them.
    pub bytes: usize,
}

impl Items {
    /// Counts these.
    pub fn of<T: AsRef<[u8]>>(items: &[T]) -> Self {
        Self { count: items.len(), bytes: items.iter().map(|item| item.as_ref().len()).sum() }
    }

    /// With one more, of so many bytes.
    #[must_use]
    pub const fn with(self, bytes: usize) -> Self {
        Self { count: self.count + 1, bytes: self.bytes + bytes }
    }

    /// On the wire of an SSZ list: an offset for each.
    const fn ssz(self) -> usize {
        self.bytes + 4 * self.count
    }
}

/// What determines the cost of landing a block. A builder keeps it up to date while it adds transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// The block's gas limit: EXECUTE charges it in full.
    pub gas_limit: u64,
    /// Bytes of extra data.
    pub extra_data: usize,
    /// EIP-2718 transaction bytes.
    pub transactions: Items,
    /// Bytes of the RLP block access list.
    pub bal: usize,
    /// Witness trie nodes.
    pub state: Items,
    /// Witness codes.
    pub codes: Items,
    /// Witness headers.
    pub headers: Items,
    /// Nodes of the outbox proof brought along, account and storage together.
    pub outbox_proof: Items,
}

/// The cost of one advance, from above.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AdvanceGas {
    /// Execution gas that the transaction must be able to spend, at most [`MAX_EXECUTION_GAS`] if it is to land.
    pub execution: u64,
    /// State gas, on top.
    pub state: u64,
    /// Bytes of the signed transaction, blobs aside.
    pub tx_bytes: usize,
    /// Bytes of the EXECUTE input: exact, not a bound.
    pub input_bytes: usize,
    /// Blobs.
    pub blobs: usize,
}

/// What a block exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exceeds {
    /// More execution gas than one transaction may spend.
    #[error("landing takes up to {needed} gas, a transaction has {MAX_EXECUTION_GAS}")]
    ExecutionGas {
        /// Gas that it may take.
        needed: u64,
    },
    /// A larger transaction than pools take.
    #[error("the landing transaction has up to {bytes} bytes, pools take {MAX_TX_BYTES}")]
    TxBytes {
        /// Bytes that it may have.
        bytes: usize,
    },
    /// A larger input than EXECUTE decodes.
    #[error("the EXECUTE input has {bytes} bytes, at most {MAX_INPUT_BYTES}")]
    InputBytes {
        /// Bytes that it has.
        bytes: usize,
    },
    /// More blobs than one transaction may carry.
    #[error("{blobs} blobs, a transaction carries {MAX_BLOBS}")]
    Blobs {
        /// Blobs that it needs.
        blobs: usize,
    },
}

impl Sizes {
    /// The sizes of a finished input, without an outbox proof.
    pub fn of(input: &StatelessInput) -> Self {
        Self {
            gas_limit: input.payload.gas_limit,
            extra_data: input.payload.extra_data.len(),
            transactions: Items::of(&input.payload.transactions),
            bal: input.payload.block_access_list.len(),
            state: Items::of(&input.witness.state),
            codes: Items::of(&input.witness.codes),
            headers: Items::of(&input.witness.headers),
            outbox_proof: Items::default(),
        }
    }

    /// Length of the EXECUTE input of a rollup block, exactly.
    pub fn input_bytes(&self) -> usize {
        EMPTY_INPUT_BYTES
            + self.extra_data
            + self.transactions.ssz()
            + self.bal
            + self.state.ssz()
            + self.codes.ssz()
            + self.headers.ssz()
    }

    /// Bytes of payload data in the blobs, from above: an RLP header has at most four bytes below 2^24.
    pub const fn data_bytes(&self) -> usize {
        8 + self.bal + 4 + self.transactions.bytes + 4 * self.transactions.count
    }

    /// What landing costs, if it fits one transaction.
    ///
    /// # Errors
    /// The first limit that it exceeds.
    pub fn fits(&self) -> Result<AdvanceGas, Exceeds> {
        let gas = advance_gas(self);
        if gas.input_bytes > MAX_INPUT_BYTES {
            return Err(Exceeds::InputBytes { bytes: gas.input_bytes });
        }
        if gas.blobs > MAX_BLOBS {
            return Err(Exceeds::Blobs { blobs: gas.blobs });
        }
        if gas.tx_bytes > MAX_TX_BYTES {
            return Err(Exceeds::TxBytes { bytes: gas.tx_bytes });
        }
        if gas.execution > MAX_EXECUTION_GAS {
            return Err(Exceeds::ExecutionGas { needed: gas.execution });
        }
        Ok(gas)
    }
}

impl AdvanceGas {
    /// The gas limit to sign: both dimensions, as EIP-8037 has one field for both.
    pub const fn gas_limit(&self) -> u64 {
        self.execution.saturating_add(self.state)
    }
}

/// Fixed parts of an EXECUTE input with every list empty: prefix 2, input 16, request 44, payload 540, requests 20,
/// witness 12.
const EMPTY_INPUT_BYTES: usize = 2 + 16 + 44 + 540 + 20 + 12;

/// Upper bound of the L1 cost of `Hub.advance` for a block of these sizes. Saturates instead of overflowing, so that
/// nonsense is merely too expensive.
pub fn advance_gas(sizes: &Sizes) -> AdvanceGas {
    let input_bytes = sizes.input_bytes();
    let data_bytes = sizes.data_bytes();
    let blobs = blob::blob_count(data_bytes);

    // Outbox proof: for each node an offset, a length and padding.
    let proof_bytes = sizes.outbox_proof.bytes + sizes.outbox_proof.count * (32 + 32 + 31);
    let calldata = ABI_FRAME + blobs * OPENING_BYTES + 32 + proof_bytes + input_bytes.next_multiple_of(32);
    let tx_bytes = TX_FRAME + 33 * blobs + calldata;

    let intrinsic = INTRINSIC.saturating_add(n(calldata).saturating_mul(CALLDATA_BYTE));
    let binding = n(blobs) * BINDING_BLOB
        + n(data_bytes.div_ceil(BYTES_PER_ELEMENT)) * BINDING_ELEMENT
        + n(sizes.transactions.count) * BINDING_TRANSACTION
        // The data in memory and up to 33 KiB of scratch behind it.
        + memory(data_bytes + 36_000);
    let before = intrinsic
        .saturating_add(HUB)
        .saturating_add(binding)
        .saturating_add(memory(input_bytes))
        .saturating_add(memory(input_bytes));
    let after = outbox_gas(sizes.outbox_proof);

    // Two calls lie on the way to EXECUTE, and each keeps back a 64th (EIP-150) of what is left then.
    let execute = execute::gas(sizes.gas_limit, input_bytes);
    let reserved = with_64th(with_64th(execute));
    // What was kept back pays for what comes after.
    let rest = reserved.max(execute.saturating_add(after));
    let floor = INTRINSIC.saturating_add(n(calldata).saturating_mul(CALLDATA_FLOOR_BYTE));

    AdvanceGas {
        execution: before.saturating_add(rest).max(floor),
        state: NEW_SLOTS * NEW_SLOT_STATE_GAS,
        tx_bytes,
        input_bytes,
        blobs,
    }
}

/// Upper bound of the execution gas of checking an outbox proof of these nodes; nothing if there is none.
pub fn outbox_gas(proof: Items) -> u64 {
    if proof.count == 0 {
        return 0;
    }
    let nodes = n(proof.count).saturating_mul(OUTBOX_NODE);
    OUTBOX.saturating_add(nodes).saturating_add(n(proof.bytes).saturating_mul(OUTBOX_BYTE))
}

/// Upper bound of the gas limit that `Hub.forward` of messages with so many data bytes each has to be signed with, execution and state gas together. It
/// cannot be estimated ahead of the landing that proves their outbox.
pub fn forward_gas(data_lengths: &[usize]) -> u64 {
    let data = data_lengths.iter().fold(0usize, |sum, length| sum.saturating_add(*length));
    let calldata = n(data_lengths.len().saturating_mul(FORWARD_FRAME).saturating_add(data).saturating_add(4 + 32 * 5));
    let messages = n(data_lengths.len());
    let execution = calldata
        .saturating_mul(CALLDATA_BYTE)
        .saturating_add(messages.saturating_mul(FORWARD))
        .saturating_add(n(data).saturating_mul(FORWARD_BYTE))
        .saturating_add(memory(data));
    let state = messages.saturating_mul(FORWARD_NEW_SLOTS * NEW_SLOT_STATE_GAS);
    INTRINSIC.saturating_add(execution.max(calldata.saturating_mul(CALLDATA_FLOOR_BYTE))).saturating_add(state)
}

/// Gas limit of a `Hub.proveOutbox` with so many bytes of calldata, from above.
pub fn prove_outbox_gas(proof: Items, calldata_bytes: usize) -> u64 {
    // The floor of the calldata and what the checks take, though only the greater of both is charged.
    let calldata = n(calldata_bytes).saturating_mul(CALLDATA_FLOOR_BYTE);
    INTRINSIC.saturating_add(calldata).saturating_add(outbox_gas(proof)).saturating_add(2 * NEW_SLOT_STATE_GAS)
}

/// Memory of so many bytes: [`HUB_WORD`] for each word and the quadratic part.
fn memory(bytes: usize) -> u64 {
    let words = n(bytes.div_ceil(32));
    words.saturating_mul(HUB_WORD).saturating_add(words.saturating_mul(words) / 512)
}

/// The gas at hand that leaves `gas` for a call: all but a 64th.
const fn with_64th(gas: u64) -> u64 {
    gas.saturating_add(gas / 63).saturating_add(1)
}

const fn n(bytes: usize) -> u64 {
    bytes as u64
}
