//! Fuzzing: for each decoder that hostile bytes reach, a function that must survive any bytes, and that panics when what was decoded
//! breaks a promise. `make fuzz` drives them with libFuzzer (`libfuzzer/`, a workspace of its own); `make test` runs them over `corpus/`.
//!
//! ```text
//! input     SSZ of an EXECUTE input, and its whole validation        rlp   headers, blocks, transactions, receipts
//! witness   edits of a valid input, hashes recomputed                bal   block access lists
//! blobs     payload data in blobs
//! ```
//! A finding is fixed, and its bytes stay in `corpus/`. Must not know libFuzzer.

mod witness;

use alloy_consensus::Header;
use alloy_eip7928::BlockAccessList;
use alloy_eips::{
    eip2718::{Decodable2718, Encodable2718},
    eip4844::Blob,
};
use alloy_primitives::{Bytes, keccak256};
use alloy_rlp::{Decodable, Encodable};
use bridge::{
    blob,
    execute::{StatelessInput, ValidationResult},
};
use execution::{Block, Receipt, Transaction, second, stateless};
pub use witness::witness;

/// A fuzz target.
pub type Target = fn(&[u8]);

/// All targets by name, which is the name of their corpus folder and of their libFuzzer program.
pub const TARGETS: [(&str, Target); 5] =
    [("input", input), ("witness", witness), ("rlp", rlp), ("bal", bal), ("blobs", blobs)];

/// An EXECUTE input: it decodes to what encodes to the same bytes, and what is valid is valid for LEVM too.
pub fn input(data: &[u8]) {
    if let Ok(input) = StatelessInput::decode(data) {
        assert_eq!(input.encode(), data, "one input, one encoding");
        assert_eq!(input.encoded_len(), data.len());
    }
    judge(data);
}

/// Validates; what is accepted must be bound to the input and please LEVM.
fn judge(data: &[u8]) {
    let Ok(valid) = stateless::validate(data) else { return };
    let input = StatelessInput::decode(data).expect("it was validated");
    assert_eq!(valid.output, ValidationResult::new(input.request_root(), true, input.chain_id).encode());
    assert_eq!(valid.header.hash(), input.payload.block_hash);
    assert_eq!(input.witness.headers.last().map(keccak256), Some(input.payload.parent_hash));
    if let Err(error) = second::check(data) {
        panic!("accepted what LEVM refuses: {error}");
    }
}

/// RLP: the first byte chooses a type. What decodes from all bytes encodes to the same, or one
/// thing would have two hashes; [`block`] is the exception.
pub fn rlp(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    match kind % 4 {
        0 => canonical::<Header>(bytes),
        1 => block(bytes),
        2 => {
            if let Ok(tx) = Transaction::decode_2718_exact(bytes) {
                assert_eq!(tx.encoded_2718(), bytes, "one transaction, one encoding");
                assert_eq!(tx.encode_2718_len(), bytes.len());
                use alloy_consensus::transaction::SignerRecoverable;
                let _ = tx.recover_signer();
            }
        }
        _ => {
            if let Ok(receipt) = Receipt::decode_2718_exact(bytes) {
                assert_eq!(receipt.encoded_2718(), bytes, "one receipt, one encoding");
            }
        }
    }
}

fn canonical<T: Decodable + Encodable>(bytes: &[u8]) {
    let mut rest = bytes;
    let Ok(value) = T::decode(&mut rest) else { return };
    if rest.is_empty() {
        assert_eq!(alloy_rlp::encode(&value), bytes, "one value, one encoding");
        assert_eq!(value.length(), bytes.len());
    }
}

/// A block body may say more of a typed transaction's length than is there, which alloy-eips lets pass: found by this target. Nothing hangs
/// on a body's bytes (hashes are of the header and of each transaction), so it is enough that one block follows from them.
fn block(bytes: &[u8]) {
    let Ok(block) = Block::decode(&mut &bytes[..]) else { return };
    let encoded = alloy_rlp::encode(&block);
    let again = Block::decode(&mut &encoded[..]).expect("it was just encoded");
    assert_eq!(block, again);
    canonical::<Block>(&encoded);
}

/// A block access list: what decodes encodes to what decodes to the same, and its items can be counted.
pub fn bal(data: &[u8]) {
    let mut rest = data;
    let Ok(list) = BlockAccessList::decode(&mut rest) else { return };
    let bytes = execution::bal::encode(&list);
    let again = BlockAccessList::decode(&mut &bytes[..]).expect("it was just encoded");
    assert_eq!(list, again);
    assert!(execution::bal::items(&list) <= data.len() as u64 * 2, "an item takes bytes");
}

/// Blobs: the first byte chooses between data as a block has it, and data at will; three bytes more may spoil one byte of the blobs.
pub fn blobs(data: &[u8]) {
    let [kind, a, b, c, data @ ..] = data else { return };
    let mut packed: Vec<Blob> = if kind & 1 == 0 {
        let cut = data.len() / 2;
        let transactions: Vec<Bytes> = data[cut..].chunks(1 + usize::from(*a)).map(Bytes::copy_from_slice).collect();
        let packed = blob::to_blobs(&blob::encode(&data[..cut], &transactions));
        let content = blob::decode(&packed).expect("it was just encoded");
        assert_eq!((&content.bal[..], &content.transactions), (&data[..cut], &transactions));
        packed
    } else {
        blob::to_blobs(data)
    };
    if kind & 2 == 2 && !packed.is_empty() {
        let at = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        let (blob, at) = (at / (1 << 17) % packed.len(), at % (1 << 17));
        packed[blob][at] ^= kind >> 2;
    }
    if let Ok(content) = blob::decode(&packed) {
        let again = blob::to_blobs(&blob::encode(&content.bal, &content.transactions));
        assert!(again == packed, "one content, one sequence of blobs");
    }
}

#[cfg(test)]
mod tests;
