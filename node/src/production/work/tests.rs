//! One block's work on a chain in memory: how long a sequencer that lost a race needs to have its own block again.

use super::*;
use crate::{derive, host::Tokio};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::U256;
use alloy_signer_local::PrivateKeySigner;
use bridge::opening::LazyKzg;
use chainspec::dev::{self, ACCOUNTS};
use engine::{BlockRef, L1Ref};
use rpc::Submit;
use sequencer::schedule;
use std::time::{Duration, Instant};

/// Each race takes some of them; more than a thousand wait in the last one, too.
const TRANSACTIONS: usize = 2_400;

/// Races.
const ROUNDS: usize = 3;

fn transfer(chain: &Chain, from: usize, nonce: u64) -> Bytes {
    let signer: Signer = PrivateKeySigner::from_bytes(&ACCOUNTS[from].key).unwrap().into();
    let transaction = TxEip1559 {
        chain_id: chain.spec().chain_id,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(ACCOUNTS[(from + 1) % ACCOUNTS.len()].address),
        value: U256::from(1),
        ..Default::default()
    };
    Transaction::Eip1559(signer.sign_blocking(transaction).unwrap()).encoded_2718().into()
}

fn work(chain: &Chain, pool: &Arc<TxPool>, config: &RollupConfig) -> Work {
    let head = chain.head();
    let parent = BlockRef { number: head.number, hash: head.hash() };
    Work {
        kzg: Arc::new(LazyKzg),
        chain: chain.clone(),
        pool: pool.clone(),
        turn: Arc::new(Turn::new(Arc::new(schedule::Open), chain.clone(), dev::SEQUENCER.address, 12_000)),
        signer: PrivateKeySigner::from_bytes(&dev::SEQUENCER.key).unwrap().into(),
        config: config.clone(),
        fee_recipient: Address::ZERO,
        on: BuildOn {
            parent,
            l1_head: L1Ref { number: 9, hash: B256::repeat_byte(9) },
            slot_timestamp: head.timestamp + 12,
        },
        origin: Origin { number: 9, hash: B256::repeat_byte(9) },
        named: Named::default(),
        in_flight: Vec::new(),
        tips: Tips::default(),
        room: 0,
        inbox: Vec::new(),
        neighbours: Neighbours::default(),
    }
}

#[tokio::test]
async fn a_block_is_rebuilt_on_the_winner_of_a_lost_race() {
    let genesis = dev::l2_genesis(1_000, bridge::abi::Messenger::DEPLOYED_BYTECODE.clone());
    let config = dev::rollup_config(genesis, Address::repeat_byte(1), 1, 12_000);
    let chain = Chain::in_memory(Arc::new(config.spec().unwrap())).unwrap();
    let pool = TxPool::open(Tokio::current(), chain.clone()).unwrap();
    for at in 0..TRANSACTIONS {
        let (from, nonce) = (at % ACCOUNTS.len(), (at / ACCOUNTS.len()) as u64);
        pool.submit(transfer(&chain, from, nonce)).await.unwrap();
    }
    let ours = work(&chain, &pool, &config).run().unwrap().unwrap();
    let in_ours = ours.executed.block.body().transactions.len();
    assert!(in_ours > 300, "{in_ours}");

    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        // Somebody else's block at the same height, with some of the same transactions.
        let mut theirs = work(&chain, &pool, &config);
        theirs.fee_recipient = Address::repeat_byte(0xee);
        let winner = theirs.run().unwrap().unwrap().executed;
        chain.append(&winner).unwrap();

        let started = Instant::now();
        pool.on_head(derive::transaction_hashes(&winner.block)).unwrap();
        let waiting = pool.with(|pool| pool.stats().pending);
        let again = work(&chain, &pool, &config);
        let open = again.open().unwrap().unwrap();
        let opened = started.elapsed();
        drop(open);
        let rebuilt = again.run().unwrap().unwrap().executed;
        times.push((waiting, opened, started.elapsed() - opened, rebuilt.block.body().transactions.len()));
        assert_eq!(rebuilt.block.parent_hash, winner.block.hash());
    }
    let shown = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1_000.0);
    for (waiting, opened, sealed, transactions) in times {
        println!(
            "rebuilt on the winner: {transactions} of {waiting} pool transactions executed and rooted {} after its block was applied; \
             all of it again, checked by two EVMs, with blobs: {}",
            shown(opened),
            shown(sealed)
        );
    }
}
