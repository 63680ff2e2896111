//! A chain in memory that takes blocks as a node imports them: decode, senders, execution with every check, append; and
//! follows the branch with the most total difficulty, or after the merge the newest valid block. Must not know fixtures.

use crate::refusal::Refusal;
use alloy_consensus::{TxLegacy, transaction::RlpEcdsaDecodableTx};
use alloy_eips::eip2718::{Decodable2718, Eip2718Error};
use alloy_genesis::Genesis;
use alloy_primitives::{Address, B256, U256};
use alloy_rlp::{Decodable, EMPTY_LIST_CODE};
use chainspec::{ChainSpec, Layer};
use execution::{Block, Executed, RecoveredBlock, Transaction};
use std::{collections::BTreeMap, sync::Arc};
use storage::{Chain, Durability};

/// What is known of a block that was imported.
struct Known {
    executed: Option<Executed>,
    parent: B256,
    number: u64,
    total_difficulty: U256,
}

/// The chain, and every valid block on any branch.
pub(crate) struct Import {
    spec: Arc<ChainSpec>,
    chain: Chain,
    known: BTreeMap<B256, Known>,
}

impl Import {
    /// A chain with this genesis.
    pub(crate) fn new(genesis: Genesis) -> Result<Self, String> {
        let spec = ChainSpec::from_genesis(genesis, Layer::L1 { execute: false }).map_err(|error| error.to_string())?;
        let spec = Arc::new(spec);
        let chain = Chain::in_memory(spec.clone()).map_err(|error| error.to_string())?;
        let header = spec.genesis_header();
        let genesis = Known {
            executed: None,
            parent: header.parent_hash,
            number: header.number,
            total_difficulty: header.difficulty,
        };
        let known = [(spec.genesis_hash(), genesis)].into();
        Ok(Self { spec, chain, known })
    }

    /// The chain.
    pub(crate) fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Its rules.
    pub(crate) fn spec(&self) -> &Arc<ChainSpec> {
        &self.spec
    }

    /// Takes a block from its RLP. `Err(Err(_))` is a fault of this program, not a refusal.
    pub(crate) fn rlp(&mut self, mut bytes: &[u8], bal: Option<&[u8]>) -> Result<B256, Result<Refusal, String>> {
        let whole = bytes;
        let refuse = |error| Err(Ok(Refusal::BlockRlp { error, transaction: faulty_transaction(whole) }));
        let block = match Block::decode(&mut bytes) {
            Ok(_) if !bytes.is_empty() => return refuse(alloy_rlp::Error::UnexpectedLength),
            Ok(block) => block,
            Err(error) => return refuse(error),
        };
        self.block(block, bal)
    }

    /// Takes a block.
    pub(crate) fn block(&mut self, block: Block, bal: Option<&[u8]>) -> Result<B256, Result<Refusal, String>> {
        let fault = |error: &dyn std::fmt::Display| Err(error.to_string());
        let block = recover(&self.spec, block).map_err(Ok)?;
        let (hash, parent) = (block.hash(), block.parent_hash);
        if self.known.contains_key(&hash) {
            return Ok(hash);
        }
        let Some(under) = self.known.get(&parent) else { return Err(Ok(Refusal::UnknownParent)) };
        let total_difficulty = under.total_difficulty.saturating_add(block.difficulty);
        let old_head = self.chain.head().hash();
        self.switch(parent).map_err(Err)?;
        let state = self.chain.state_at_head();
        let head = self.chain.head();
        let executed = match execution::execute(&self.spec, &head, &block, bal, &state) {
            Ok(executed) => executed,
            Err(error) => {
                self.switch(old_head).map_err(Err)?;
                return Err(if error.is_internal() { fault(&error) } else { Ok(Refusal::Block(error)) });
            }
        };
        self.chain.append_with(&executed, Durability::Buffered).map_err(|error| fault(&error))?;
        let number = block.number;
        self.known.insert(hash, Known { executed: Some(executed), parent, number, total_difficulty });
        let best = &self.known[&old_head];
        let merged = block.difficulty.is_zero() && number > 0;
        if parent != old_head && !merged && total_difficulty <= best.total_difficulty {
            self.switch(old_head).map_err(Err)?;
        }
        Ok(hash)
    }

    /// Makes a known block the head.
    fn switch(&mut self, to: B256) -> Result<(), String> {
        let mut forth = Vec::new();
        let mut at = to;
        while self.chain.canonical_hash(self.known[&at].number).map_err(|error| error.to_string())? != Some(at) {
            forth.push(at);
            at = self.known[&at].parent;
        }
        if self.chain.head().hash() != at {
            self.chain.unwind(self.known[&at].number).map_err(|error| error.to_string())?;
        }
        for hash in forth.into_iter().rev() {
            let executed = self.known[&hash].executed.as_ref().expect("genesis is always canonical");
            self.chain.append_with(executed, Durability::Buffered).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// A transaction from its bytes, all of them.
pub(crate) fn transaction(bytes: &[u8]) -> Result<Transaction, Refusal> {
    let exact = |rest: &[u8], tx| {
        if rest.is_empty() { Ok(tx) } else { Err(Refusal::TransactionRlp(alloy_rlp::Error::UnexpectedLength)) }
    };
    let mut rest = bytes;
    // alloy tells a list that is no legacy transaction from any other byte by nothing.
    if bytes.first().is_some_and(|first| *first >= EMPTY_LIST_CODE) {
        let tx = TxLegacy::rlp_decode_signed(&mut rest).map_err(Refusal::TransactionRlp)?;
        return exact(rest, tx.into());
    }
    let tx = Transaction::decode_2718(&mut rest).map_err(|error| match error {
        Eip2718Error::RlpError(error) => Refusal::TransactionRlp(error),
        Eip2718Error::UnexpectedType(kind) => Refusal::TransactionType { kind, error: None },
        _ => Refusal::TransactionRlp(alloy_rlp::Error::Custom("not an EIP-2718 envelope")),
    })?;
    exact(rest, tx)
}

/// What is wrong with the first transaction of a block that is none.
fn faulty_transaction(mut block: &[u8]) -> Option<alloy_rlp::Error> {
    let mut body = alloy_rlp::Header::decode_bytes(&mut block, true).ok()?;
    alloy_rlp::Header::decode_bytes(&mut body, true).ok()?;
    let mut list = alloy_rlp::Header::decode_bytes(&mut body, true).ok()?;
    while !list.is_empty() {
        let mut rest = list;
        let header = match alloy_rlp::Header::decode(&mut rest) {
            Ok(header) => header,
            Err(error) => return Some(error),
        };
        let Some((content, after)) = rest.split_at_checked(header.payload_length) else {
            return Some(alloy_rlp::Error::InputTooShort);
        };
        let bytes = if header.list { &list[..list.len() - after.len()] } else { content };
        if let Err(Refusal::TransactionRlp(error)) = transaction(bytes) {
            return Some(error);
        }
        list = after;
    }
    None
}

/// A block with the senders of its transactions.
fn recover(spec: &ChainSpec, block: Block) -> Result<RecoveredBlock, Refusal> {
    let senders = execution::block::senders(spec, block.header.number, &block.body.transactions);
    let senders = senders.into_iter().enumerate().map(|(index, sender)| sender.ok_or(Refusal::Signature { index }));
    let senders: Vec<Address> = senders.collect::<Result<_, _>>()?;
    let hash = block.header.hash_slow();
    Ok(RecoveredBlock::new(block, senders, hash))
}

/// The sender of transaction `index` of block `number`.
pub(crate) fn sender(spec: &ChainSpec, number: u64, index: usize, tx: &Transaction) -> Result<Address, Refusal> {
    execution::block::sender(spec, number, tx).ok_or(Refusal::Signature { index })
}
