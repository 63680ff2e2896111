//! The upper bound of execution: revm and nothing else.

use super::{Work, check};
use crate::{
    slice::{Done, Stopwatch},
    workfile::{Block, Workfile},
    workload,
};
use alloy_consensus::Header;
use alloy_evm::{Evm, EvmEnv, EvmFactory, FromRecoveredTx, eth::EthEvmFactory};
use alloy_primitives::{Address, U256};
use alloy_rlp::Decodable;
use chainspec::ChainSpec;
use revm::{
    bytecode::Bytecode,
    context::TxEnv,
    database::{CacheDB, EmptyDB},
    state::AccountInfo,
};

/// Transactions of the workload on `CacheDB`, which is store and cache in one map.
pub(super) struct Bare {
    spec: ChainSpec,
    genesis: CacheDB<EmptyDB>,
    now: CacheDB<EmptyDB>,
    blocks: Vec<(Header, Vec<TxEnv>, Block)>,
    osaka: bool,
    turn: usize,
}

impl Bare {
    pub(super) fn new(file: &Workfile) -> eyre::Result<Self> {
        let mut genesis = CacheDB::new(EmptyDB::default());
        for account in &file.accounts {
            let address = Address::from(account.address);
            let code = Bytecode::new_raw(account.code.clone().into());
            let info = AccountInfo::new(U256::from_be_bytes(account.balance), account.nonce, code.hash_slow(), code);
            genesis.insert_account_info(address, info);
            for (slot, value) in &account.storage {
                genesis.insert_account_storage(address, U256::from_be_bytes(*slot), U256::from_be_bytes(*value))?;
            }
        }
        let blocks = file.blocks.iter().map(|block| {
            let decoded = execution::Block::decode(&mut &block.rlp[..])?;
            let senders = block.senders.chunks_exact(20).map(Address::from_slice);
            let txs = decoded.body.transactions.iter().zip(senders);
            let txs = txs.map(|(tx, sender)| TxEnv::from_recovered_tx(tx, sender)).collect();
            Ok((decoded.header, txs, block.clone()))
        });
        let blocks = blocks.collect::<eyre::Result<_>>()?;
        Ok(Self { spec: workload::spec(file)?, now: genesis.clone(), genesis, blocks, osaka: file.osaka, turn: 0 })
    }
}

impl Work for Bare {
    fn next(&mut self, watch: &mut Stopwatch) -> eyre::Result<Done> {
        if self.turn == self.blocks.len() {
            self.now = self.genesis.clone();
            self.turn = 0;
        }
        let (header, txs, block) = &self.blocks[self.turn];
        self.turn += 1;
        let (spec, db) = (&self.spec, &mut self.now);
        let (regular, state, after_refunds) = watch.time(|| -> eyre::Result<(u64, u64, u64)> {
            let env = EvmEnv::for_eth_block(header, spec, spec.chain_id, spec.blob_params_at(header.timestamp));
            let mut evm = EthEvmFactory::default().create_evm(db, env);
            let (mut regular, mut state, mut after_refunds) = (0, 0, 0);
            for tx in txs {
                let result = evm.transact_commit(tx.clone())?;
                regular += result.gas().block_regular_gas_used();
                state += result.gas().block_state_gas_used();
                after_refunds += result.gas().tx_gas_used();
            }
            Ok((regular, state, after_refunds))
        })?;
        // A block's gas has two dimensions, before refunds, since Amsterdam (EIP-8037, EIP-7778).
        let gas_used = if self.osaka { after_refunds } else { regular.max(state) };
        // No root here, by design.
        check(block, gas_used, block.state_root)
    }
}
