//! Who signed a block's transactions.
//!
//! Recovering a key takes longer than anything else in a plain transfer, and each takes as long as the other, so they are shared out among the
//! processor's cores. The result does not depend on how.

use crate::block::Transaction;
use alloy_consensus::transaction::SignerRecoverable;
use alloy_primitives::Address;
use std::{num::NonZero, thread};

/// Fewer signatures than this for each thread are not worth starting one.
const EACH_MIN: usize = 16;

/// Most threads that share the work.
const THREADS_MAX: usize = 8;

/// The senders, in the order of the transactions; or the position of the first one whose signature recovers none.
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
    (first..).zip(transactions).map(|(index, tx)| tx.recover_signer().map_err(|_| index)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{call, random_world, rng, signer};
    use alloy_consensus::Signed;
    use alloy_primitives::{Bytes, Signature, TxKind, U256};

    #[test]
    fn senders_come_in_order_and_the_first_bad_signature_is_named() {
        let world = random_world(&mut rng(5));
        let txs: Vec<_> = (0..100)
            .map(|n| call(&world, n % 7, n as u64, TxKind::Call(Address::ZERO), 0, Bytes::new()).into_inner())
            .collect();
        for len in [0, 1, 15, 16, 17, 31, 33, 64, 100] {
            let expected: Vec<_> = (0..len).map(|n| signer(n % 7).address()).collect();
            assert_eq!(recover(&txs[..len]), Ok(expected));
        }
        for bad in [[0, 99], [20, 80], [99, 99]] {
            let mut txs = txs.clone();
            for at in bad {
                let Transaction::Eip1559(signed) = &txs[at] else { panic!("call makes type 2") };
                let signature = Signature::new(U256::ZERO, U256::ZERO, false);
                txs[at] = Signed::new_unhashed(signed.tx().clone(), signature).into();
            }
            assert_eq!(recover(&txs), Err(bad[0]));
        }
    }
}
