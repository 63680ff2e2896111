//! Two rollups that one process builds: a contract on the one calls a contract on the other with value, and is answered. Everything to
//! the wei, with the process killed and L1 reorganised on the way.

use super::{
    Done, Report,
    bridging::{call, count_of_l1_gas},
    checks::{equals_first, landings},
    client::{Clients, Side, same},
    crash::{pids, signal},
};
use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_provider::{DynProvider, Provider};
use alloy_rpc_types_eth::{BlockNumberOrTag, Filter, Log, TransactionInput, TransactionRequest};
use alloy_sol_types::{SolCall, SolConstructor, SolEvent};
use bridge::abi::{Hub, Pinger, Ponger};
use eyre::{OptionExt, bail, ensure};
use serde_json::json;
use std::{collections::BTreeMap, path::Path};

/// Round trips that begin together. The gas of a relay bounds how many messages one L2 block takes.
const BATCH: usize = 8;

/// Round trips under each fault.
const UNDER_FAULT: usize = 12;

/// L1 blocks that the reorg replaces.
const REORG_DEPTH: u64 = 2;

/// Gas of a call: what either contract writes, and the answer's place in the outbox.
const CALL_GAS: u64 = 300_000;

/// Gas of the first round trip, which makes the slots (EIP-8037: 97,920 state gas each).
const FIRST_CALL_GAS: u64 = 1_500_000;

/// Gas of sending a ping, at most.
const PING_GAS: u64 = 1_500_000;

/// Bytes of either call: selector and three words, which the other has fewer of.
const CALL_BYTES: usize = 4 + 3 * 32;

/// L1 blocks between the two ends of a message, when nothing fails.
const WITHIN_L1_BLOCKS: u64 = 2;

/// Slots that everything may take to come to rest after a fault.
pub(super) const REST_SLOTS: u64 = 60;

/// The two rollups and their contracts.
struct Trips<'a> {
    clients: &'a Clients,
    there: &'a Side,
    back_id: u64,
    pinger: Address,
    ponger: Address,
    /// Escrow of both rollups before the first ping.
    escrow: [U256; 2],
    sent: Sent,
}

/// What was sent so far.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    trips: usize,
    /// Wei that come back to the pinger.
    returning: U256,
    /// Wei that leave the first rollup for good: fees of the way there, and what the ponger keeps.
    leaving: U256,
}

/// The steps, in their order.
pub(super) async fn steps(clients: &Clients, path: &Path, round_trips: usize, report: &mut Report) -> eyre::Result<()> {
    let mut trips = report.step("a contract on each of two rollups", Trips::deploy(clients)).await?;
    report.step("one round trip", trips.run(1, FIRST_CALL_GAS)).await?;
    let name = format!("{round_trips} round trips, {BATCH} at a time");
    report.step(&name, trips.run(round_trips, CALL_GAS)).await?;
    report.step("how long messages took", trips.times()).await?;
    report.step("every balance and both escrows", trips.check()).await?;
    let gas = gas(clients).await?;
    report.step("the process of both killed (-9) under way", trips.killed(path)).await?;
    report.step("two L1 blocks replaced under way", trips.reorganised()).await?;
    report.step("every balance and both escrows, again", trips.check()).await?;
    report.step("one chain at every height on all nodes, for both", trips.one_chain()).await?;
    for (step, each) in gas {
        let (min, max, all) = (each.iter().min(), each.iter().max(), each.iter().sum::<u64>());
        if let (Some(min), Some(max)) = (min, max) {
            eprintln!(
                "    L1 gas of {step}: {} of them, {min} to {max}, {} on average",
                each.len(),
                all / each.len() as u64
            );
        }
    }
    Ok(())
}

impl<'a> Trips<'a> {
    async fn deploy(clients: &'a Clients) -> eyre::Result<Done<Self>> {
        let there = clients.more.first().ok_or_eyre("the devnet has one rollup (--rollups 2)")?;
        let messenger = clients.devnet.messenger;
        let pinger = Pinger::constructorCall { messenger_: messenger }.abi_encode();
        let pinger = create(clients, &clients.l2, [Pinger::BYTECODE.as_ref(), &pinger].concat()).await?;
        let ponger = Ponger::constructorCall { messenger_: messenger }.abi_encode();
        let ponger = create(clients, &there.sequencer, [Ponger::BYTECODE.as_ref(), &ponger].concat()).await?;
        let back_id = clients.devnet.l2_chain_id;
        let escrow = [escrow(clients, back_id).await?, escrow(clients, there.chain_id).await?];
        Ok(Done::new(Self { clients, there, back_id, pinger, ponger, escrow, sent: Sent::default() }))
    }

    /// Starts and ends so many, a batch at a time.
    async fn run(&mut self, trips: usize, gas: u64) -> eyre::Result<Done<()>> {
        let mut left = trips;
        while left > 0 {
            let batch = left.min(BATCH);
            let hashes = self.ping(batch, gas).await?;
            for hash in hashes {
                self.clients.receipt(&self.clients.l2, hash).await?;
            }
            left -= batch;
        }
        self.answered().await?;
        Ok(Done::new(()))
    }

    /// Sends pings, each from an account of its own.
    async fn ping(&mut self, batch: usize, gas: u64) -> eyre::Result<Vec<B256>> {
        let (fee, fee_back) = (self.fee(self.there.chain_id, gas).await?, self.fee(self.back_id, gas).await?);
        let mut hashes = Vec::with_capacity(batch);
        for index in 0..batch {
            let id = U256::from(self.sent.trips);
            let back = U256::from(10_000) + id;
            let call = Pinger::pingCall {
                id,
                chainId: self.there.chain_id,
                ponger: self.ponger,
                fee,
                feeBack: fee_back,
                gasLimit: gas,
            };
            let kept = U256::from(KEPT);
            let request = TransactionRequest::default()
                .with_from(self.clients.keys[index].address())
                .with_to(self.pinger)
                .with_value(fee + fee_back + kept + back)
                .with_gas_limit(PING_GAS)
                .with_input(Bytes::from(call.abi_encode()));
            let send = async || -> eyre::Result<Option<B256>> {
                Ok(Some(*self.clients.l2.send_transaction(request.clone()).await?.tx_hash()))
            };
            hashes.push(send().await?.ok_or_eyre("sent")?);
            self.sent.trips += 1;
            self.sent.returning += back;
            self.sent.leaving += fee + kept;
        }
        Ok(hashes)
    }

    /// Twice what Hub wants now, since base fees move.
    async fn fee(&self, chain_id: u64, gas: u64) -> eyre::Result<U256> {
        let min = Hub::minFeeCall { dstChainId: chain_id, gasLimit: gas, dataLength: U256::from(CALL_BYTES) };
        let answer = call(self.clients, self.clients.devnet.hub, min.abi_encode()).await?;
        Ok(Hub::minFeeCall::abi_decode_returns(&answer)? * U256::from(2))
    }

    /// Waits until every ping was answered.
    async fn answered(&self) -> eyre::Result<()> {
        let all = U256::from(self.sent.trips);
        let done = async || -> eyre::Result<Option<()>> {
            let answer = read(&self.clients.l2, self.pinger, Pinger::answersCall {}.abi_encode()).await?;
            Ok((Pinger::answersCall::abi_decode_returns(&answer)? >= all).then_some(()))
        };
        self.clients.wait(&format!("{all} answers"), || Box::pin(done())).await
    }

    /// What the contracts hold, what they counted, whom they heard from, and what Hub holds for either rollup.
    async fn check(&self) -> eyre::Result<Done<()>> {
        let Sent { trips, returning, leaving } = self.sent;
        let kept = U256::from(KEPT) * U256::from(trips);
        for (node, contract, expected) in [
            (&self.clients.l2, self.pinger, returning),
            (&self.clients.follower, self.pinger, returning),
            (&self.there.sequencer, self.ponger, kept),
            (&self.there.follower, self.ponger, kept),
        ] {
            self.holds(node, contract, expected).await?;
        }
        let answers = read(&self.clients.l2, self.pinger, Pinger::answersCall {}.abi_encode()).await?;
        same("answers", Pinger::answersCall::abi_decode_returns(&answers)?, U256::from(trips))?;
        let calls = read(&self.there.sequencer, self.ponger, Ponger::callsCall {}.abi_encode()).await?;
        same("calls", Ponger::callsCall::abi_decode_returns(&calls)?, U256::from(trips))?;
        for (_, event) in events::<Ponger::Ponged>(&self.there.sequencer, self.ponger).await? {
            same("who called", (event.sender, event.source), (self.pinger, self.back_id))?;
        }
        for (_, event) in events::<Pinger::Answered>(&self.clients.l2, self.pinger).await? {
            same("who answered", (event.sender, event.source), (self.ponger, self.there.chain_id))?;
            same("what came back", event.value, U256::from(10_000) + event.id)?;
        }
        let now = [escrow(self.clients, self.back_id).await?, escrow(self.clients, self.there.chain_id).await?];
        same("escrows", now, [self.escrow[0] - leaving, self.escrow[1] + leaving])?;
        Ok(Done::new(()))
    }

    /// Waits until a node, which may be behind, knows the contract with exactly so many wei.
    async fn holds(&self, node: &DynProvider, contract: Address, expected: U256) -> eyre::Result<()> {
        let has = async || -> eyre::Result<Option<()>> {
            let balance = node.get_balance(contract).await?;
            ensure!(balance <= expected, "{contract} has {balance} wei, more than {expected}");
            Ok((balance == expected).then_some(()))
        };
        self.clients.wait(&format!("{expected} wei of {contract}"), || Box::pin(has())).await
    }

    /// L1 blocks between the block that sent a message and the one that delivered it.
    async fn times(&self) -> eyre::Result<Done<()>> {
        let mut on_l1 = BTreeMap::new();
        for (log, event) in landings(self.clients).await? {
            on_l1.insert((event.chainId, event.number), log.block_number.ok_or_eyre("a log without block")?);
        }
        let at = |chain_id: u64, log: &Log| -> eyre::Result<u64> {
            let block = log.block_number.ok_or_eyre("a log without block")?;
            on_l1
                .get(&(chain_id, block))
                .copied()
                .ok_or_else(|| eyre::eyre!("block {block} of {chain_id} has not landed"))
        };
        let (mut pinged, mut ponged) = (BTreeMap::new(), BTreeMap::new());
        for (log, event) in events::<Pinger::Pinged>(&self.clients.l2, self.pinger).await? {
            pinged.insert(event.id, at(self.back_id, &log)?);
        }
        let (mut there, mut back) = (BTreeMap::new(), BTreeMap::new());
        for (log, event) in events::<Ponger::Ponged>(&self.there.sequencer, self.ponger).await? {
            let landed = at(self.there.chain_id, &log)?;
            *there.entry(landed - pinged[&event.id]).or_insert(0) += 1;
            ponged.insert(event.id, landed);
        }
        for (log, event) in events::<Pinger::Answered>(&self.clients.l2, self.pinger).await? {
            *back.entry(at(self.back_id, &log)? - ponged[&event.id]).or_insert(0) += 1;
        }
        for (way, took) in [("there", there), ("back", back)] {
            let text: Vec<String> = took.iter().map(|(blocks, messages)| format!("{messages} x {blocks}")).collect();
            eprintln!(
                "    L1 blocks from being sent to being delivered, {way}: {} (0: in the same one)",
                text.join(", ")
            );
            let longest = took.keys().next_back().copied().unwrap_or_default();
            ensure!(longest <= WITHIN_L1_BLOCKS, "a message took {longest} L1 blocks {way}");
        }
        Ok(Done::new(()))
    }

    async fn killed(&mut self, path: &Path) -> eyre::Result<Done<()>> {
        self.ping(BATCH, CALL_GAS).await?;
        let pid = *pids(path)?.first().ok_or_eyre("no process")?;
        // Somewhere between the building of their blocks and the landing.
        tokio::time::sleep(std::time::Duration::from_millis(self.clients.devnet.l1.slot_ms * 3 / 4)).await;
        signal("-KILL", pid).await?;
        let back = async || -> eyre::Result<Option<()>> {
            let is_new = pids(path)?.first().is_some_and(|now| *now != pid);
            let answers = self.clients.l2.get_block_number().await.is_ok();
            Ok((is_new && answers).then_some(()))
        };
        self.clients.wait("the process to be back", || Box::pin(back())).await?;
        self.ping(UNDER_FAULT - BATCH, CALL_GAS).await?;
        self.answered().await?;
        Ok(Done::new(()))
    }

    async fn reorganised(&mut self) -> eyre::Result<Done<()>> {
        let hashes = self.ping(BATCH, CALL_GAS).await?;
        if let Some(hash) = hashes.last() {
            self.clients.receipt(&self.clients.l2, *hash).await?;
        }
        let depth = format!("0x{REORG_DEPTH:x}");
        let _: serde_json::Value = self.clients.l1.raw_request("dev_reorg".into(), json!([depth])).await?;
        self.ping(UNDER_FAULT - BATCH, CALL_GAS).await?;
        self.answered().await?;
        Ok(Done::new(()))
    }

    async fn one_chain(&self) -> eyre::Result<Done<()>> {
        let pairs = [(&self.clients.l2, &self.clients.follower), (&self.there.sequencer, &self.there.follower)];
        for (first, follower) in pairs {
            equals_first(self.clients, first, "the follower", follower).await?;
        }
        Ok(Done::new(()))
    }
}

/// `Ponger.KEPT`, wei.
const KEPT: u64 = 1_000;

async fn create(clients: &Clients, provider: &DynProvider, code: Vec<u8>) -> eyre::Result<Address> {
    let request = TransactionRequest::default().with_kind(TxKind::Create).with_input(Bytes::from(code));
    clients.send(provider, 0, request).await?.contract_address.ok_or_eyre("a creation without an address")
}

async fn read(provider: &DynProvider, to: Address, input: Vec<u8>) -> eyre::Result<Bytes> {
    let request = TransactionRequest { input: TransactionInput::both(input.into()), ..Default::default() }.with_to(to);
    Ok(provider.call(request).block(BlockNumberOrTag::Latest.into()).await?)
}

async fn escrow(clients: &Clients, chain_id: u64) -> eyre::Result<U256> {
    let answer = call(clients, clients.devnet.hub, Hub::rollupCall { chainId: chain_id }.abi_encode()).await?;
    Ok(Hub::rollupCall::abi_decode_returns(&answer)?.escrow)
}

async fn events<E: SolEvent>(provider: &DynProvider, address: Address) -> eyre::Result<Vec<(Log, E)>> {
    let filter = Filter::new().address(address).event_signature(E::SIGNATURE_HASH).from_block(0);
    let decode = |log: Log| Ok((log.clone(), E::decode_log(&log.inner)?.data));
    provider.get_logs(&filter).await?.into_iter().map(decode).collect()
}

/// L1 gas of each step, by name.
async fn gas(clients: &Clients) -> eyre::Result<BTreeMap<String, Vec<u64>>> {
    let mut gas: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (log, event) in landings(clients).await? {
        let hash = log.transaction_hash.ok_or_eyre("a log without transaction")?;
        gas.entry(format!("advance, rollup {}", event.chainId))
            .or_default()
            .push(count_of_l1_gas(clients, hash).await?);
    }
    let filter =
        Filter::new().address(clients.devnet.hub).event_signature(Hub::MessageForwarded::SIGNATURE_HASH).from_block(0);
    let mut forwards: BTreeMap<B256, usize> = BTreeMap::new();
    for log in clients.l1.get_logs(&filter).await? {
        *forwards.entry(log.transaction_hash.ok_or_eyre("a log without transaction")?).or_default() += 1;
    }
    if forwards.is_empty() {
        bail!("nothing was forwarded");
    }
    for (hash, messages) in forwards {
        let name =
            if messages == 1 { "forward of 1 message".into() } else { format!("forward of {messages} messages") };
        gas.entry(name).or_default().push(count_of_l1_gas(clients, hash).await?);
    }
    Ok(gas)
}
