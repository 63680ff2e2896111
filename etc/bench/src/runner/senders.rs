//! Who signed a block's transactions: eight signatures at a time, or one by one with libsecp256k1.

use super::{Work, basalt};
use crate::{
    slice::{Done, Stopwatch},
    workfile::Workfile,
};
use alloy_consensus::transaction::SignerRecoverable;
use alloy_primitives::Address;
use execution::{Transaction, senders};
use eyre::{ensure, eyre};

/// Recovers the senders of one block after the other.
pub(super) struct Senders {
    blocks: Vec<(Vec<Transaction>, Vec<Address>)>,
    recover: fn(&[Transaction]) -> Option<Vec<Address>>,
    turn: usize,
}

impl Senders {
    /// As `stateless::validate` does.
    pub(super) fn together(file: &Workfile) -> eyre::Result<Self> {
        Self::new(file, |transactions| senders::recover(transactions).ok())
    }

    /// As alloy does.
    pub(super) fn one_by_one(file: &Workfile) -> eyre::Result<Self> {
        Self::new(file, |transactions| transactions.iter().map(|tx| tx.recover_signer().ok()).collect())
    }

    fn new(file: &Workfile, recover: fn(&[Transaction]) -> Option<Vec<Address>>) -> eyre::Result<Self> {
        let blocks = file.blocks.iter().map(|block| {
            let block = basalt::recovered(block)?;
            let senders = block.senders().to_vec();
            Ok((block.into_block().body.transactions, senders))
        });
        Ok(Self { blocks: blocks.collect::<eyre::Result<_>>()?, recover, turn: 0 })
    }
}

impl Work for Senders {
    fn next(&mut self, watch: &mut Stopwatch) -> eyre::Result<Done> {
        let (transactions, senders) = &self.blocks[self.turn];
        self.turn = (self.turn + 1) % self.blocks.len();
        let found =
            watch.time(|| (self.recover)(transactions)).ok_or_else(|| eyre!("a signature recovers no sender"))?;
        ensure!(found == *senders, "the senders are not those of the workload");
        Ok(Done { ops: senders.len() as u64, txs: senders.len() as u64, gas: 0 })
    }
}
