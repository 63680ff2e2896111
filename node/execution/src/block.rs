//! The block types of both chains, L1 devnet and rollup: plain Ethereum, by alloy's and reth's names.
//!
//! Must not know: how a block is executed or stored.

use alloy_consensus::transaction::SignerRecoverable;
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::Address;
use chainspec::ChainSpec;

/// A signed transaction as it stands in a block: no blob sidecar inside.
pub type Transaction = alloy_consensus::EthereumTxEnvelope<alloy_consensus::TxEip4844>;
/// Header and body.
pub type Block = alloy_consensus::Block<Transaction>;
/// A typed receipt with its bloom. `cumulative_gas_used` is after refunds (EIP-7778 leaves receipts alone).
pub type Receipt = alloy_consensus::ReceiptEnvelope;
/// A block with its hash and the senders of its transactions.
pub type RecoveredBlock = reth_primitives_traits::RecoveredBlock<Block>;
/// A transaction with its sender.
pub type RecoveredTx = alloy_consensus::transaction::Recovered<Transaction>;
/// A header with its hash.
pub type SealedHeader = reth_primitives_traits::SealedHeader<alloy_consensus::Header>;

/// The sender of a transaction in block `number`; `None` where the signature is nobody's. Before Homestead s may be high (EIP-2). Whether the
/// signature may name a chain is for the executor to say.
pub fn sender(spec: &ChainSpec, number: u64, tx: &Transaction) -> Option<Address> {
    let strict = spec.is_homestead_active_at_block(number);
    if strict { tx.recover_signer() } else { tx.recover_signer_unchecked() }.ok()
}

/// As [`sender`], of many transactions: faster than one by one.
pub fn senders(spec: &ChainSpec, number: u64, transactions: &[Transaction]) -> Vec<Option<Address>> {
    crate::senders::each(transactions, spec.is_homestead_active_at_block(number))
}
