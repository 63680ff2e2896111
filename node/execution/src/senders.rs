//! Who signed a block's transactions.
//!
//! Recovering a key takes longer than anything else in a plain transfer. So signatures are taken eight at a time where the processor has
//! AVX-512 with IFMA, more than five times as fast as one by one, and shared out among its cores. The result depends on neither: what eight at
//! a time cannot say for sure is asked of libsecp256k1, which is also what other processors use, and what the tests compare with.
//!
//! ```text
//!   transactions ─► payloads hashed ─► (hash, signature) ─► signers ─┬─► eight ─► keys ─► hashed ─► addresses
//!                                                                    └─► libsecp256k1, where eight has no answer
//!   eight ─► points, powers ─► field ─► lanes (AVX-512)      eight ─► scalar, generator
//! ```
//!
//! Must not know: the rules of forks, beyond whether s may be high.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod eight;
#[cfg(target_arch = "x86_64")]
mod field;
#[cfg(target_arch = "x86_64")]
mod generator;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod lanes;
#[cfg(target_arch = "x86_64")]
mod points;
#[cfg(target_arch = "x86_64")]
mod powers;
#[cfg(target_arch = "x86_64")]
mod scalar;
mod signers;
#[cfg(test)]
mod tests;

pub use signers::signers;

use crate::{block::Transaction, keccak};
use alloy_consensus::{SignableTransaction, crypto::SECP256K1N_HALF};
use alloy_primitives::{Address, B256};
use std::{num::NonZero, thread};

/// Fewer signatures than this for each thread are not worth starting one.
const EACH_MIN: usize = 16;

/// Most threads that share the work.
const THREADS_MAX: usize = 8;

/// The senders, in the order of the transactions; or the position of the first one whose signature recovers none. s must be low (EIP-2).
pub fn recover(transactions: &[Transaction]) -> Result<Vec<Address>, usize> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX);
    let each = transactions.len().div_ceil(cores).max(EACH_MIN);
    let mut chunks = transactions.chunks(each).enumerate();
    let own = chunks.next();
    thread::scope(|scope| {
        let others: Vec<_> = chunks.map(|(n, chunk)| scope.spawn(move || some(n * each, chunk))).collect();
        let mut senders = own.map_or(Ok(Vec::new()), |(_, chunk)| some(0, chunk))?;
        for other in others {
            senders.extend(other.join().expect("recovering has no way to panic")?);
        }
        Ok(senders)
    })
}

fn some(first: usize, transactions: &[Transaction]) -> Result<Vec<Address>, usize> {
    (first..).zip(each(transactions, true)).map(|(index, sender)| sender.ok_or(index)).collect()
}

/// The sender of each transaction, on this thread; `None` where the signature is nobody's. `low` is whether s must be low, as it must since
/// Homestead (EIP-2).
pub fn each(transactions: &[Transaction], low: bool) -> Vec<Option<Address>> {
    let hashes = signed_hashes(transactions);
    let signed: Vec<_> = hashes.into_iter().zip(transactions.iter().map(|tx| *tx.signature())).collect();
    let mut signers = signers(&signed);
    for (signer, (_, signature)) in signers.iter_mut().zip(&signed) {
        if low && signature.s() > SECP256K1N_HALF {
            *signer = None;
        }
    }
    signers
}

/// What each transaction's sender signed.
fn signed_hashes(transactions: &[Transaction]) -> Vec<B256> {
    let (mut payloads, mut ends) = (Vec::new(), Vec::with_capacity(transactions.len()));
    for transaction in transactions {
        match transaction {
            Transaction::Legacy(tx) => tx.tx().encode_for_signing(&mut payloads),
            Transaction::Eip2930(tx) => tx.tx().encode_for_signing(&mut payloads),
            Transaction::Eip1559(tx) => tx.tx().encode_for_signing(&mut payloads),
            Transaction::Eip4844(tx) => tx.tx().encode_for_signing(&mut payloads),
            Transaction::Eip7702(tx) => tx.tx().encode_for_signing(&mut payloads),
        }
        ends.push(payloads.len());
    }
    let mut start = 0;
    let payloads: Vec<&[u8]> = ends.iter().map(|end| &payloads[std::mem::replace(&mut start, *end)..*end]).collect();
    keccak::batch(&payloads)
}
