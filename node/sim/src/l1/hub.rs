//! Hub, modelled: what `Hub.sol` keeps, its registration, its inbox and its views. Landing is in [`advance`].
//!
//! It reads and answers the contract's own calldata and errors (`bridge::abi`), so a node can't tell the difference. Not
//! modelled, and reverting without data: the outbox (`proveOutbox`, `claim`), whose rules no node depends on to follow.

pub(super) mod advance;

use super::ledger::Scene;
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, Log, U256};
use alloy_rlp::Decodable as _;
use alloy_sol_types::{SolCall as _, SolError, SolInterface as _};
use bridge::{
    abi::Hub as abi,
    message::{InboxChain, MAX_MESSAGE_DATA, Message},
};
use imbl::{OrdMap, Vector};
use limits::{INBOX_RING, LEAST_GAS_LIMIT_MAX, MAX_GAS_LIMIT, RELAY_GAS_PER_BYTE, RELAY_OVERHEAD_GAS, STATE_ROOT_RING};

/// Constants of `Hub.sol`, by their names there.
mod limits {
    pub(super) const MAX_GAS_LIMIT: u64 = 1 << 24;
    pub(super) const LEAST_GAS_LIMIT_MAX: u64 = 2_000_000;
    pub(super) const INBOX_RING: u64 = 1_024;
    pub(super) const STATE_ROOT_RING: u64 = 64;
    pub(super) const RELAY_OVERHEAD_GAS: u64 = 400_000;
    pub(super) const RELAY_GAS_PER_BYTE: u64 = 64;
}

/// The Messenger's address on every rollup.
const MESSENGER: Address = alloy_primitives::address!("0xBa5a170000000000000000000000000000000001");

/// What a message into a rollup costs on L1, roughly: base, new slots, calldata.
const SEND_GAS: u64 = 180_000;

/// What a registration costs on L1, roughly.
const REGISTER_GAS: u64 = 900_000;

/// What a call reverts with.
pub(super) type Revert = Bytes;

/// What a call of Hub did.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) logs: Vec<Log>,
    pub(super) gas: u64,
    pub(super) output: Bytes,
}

/// One rollup, as Hub knows it.
#[derive(Clone, Debug)]
pub(super) struct Rollup {
    params: abi::RollupParams,
    head_hash: B256,
    number: u64,
    timestamp: u64,
    gas_limit: u64,
    base_fee: u64,
    origin_number: u64,
    inbox_consumed: u64,
    escrow: U256,
    /// Of every block; Hub itself keeps the last [`STATE_ROOT_RING`].
    state_roots: Vector<B256>,
    /// After each message, the first being the hash of none; Hub itself keeps the last [`INBOX_RING`].
    inbox_hashes: Vector<B256>,
}

/// All rollups. A clone costs nothing: every L1 block keeps the Hub that it left behind.
#[derive(Clone, Debug, Default)]
pub(super) struct Hub {
    rollups: OrdMap<u64, Rollup>,
}

fn revert(error: impl SolError) -> Revert {
    error.abi_encode().into()
}

impl Rollup {
    fn inbox_count(&self) -> u64 {
        self.inbox_hashes.len() as u64 - 1
    }

    fn inbox_hash_at(&self, count: u64) -> Result<B256, Revert> {
        let last = self.inbox_count();
        if last - count >= INBOX_RING {
            return Err(revert(abi::InboxCheckpointGone { count }));
        }
        Ok(self.inbox_hashes[usize::try_from(count).expect("a length")])
    }

    fn state(&self) -> abi::RollupState {
        abi::RollupState {
            headHash: self.head_hash,
            stateRoot: *self.state_roots.last().expect("the genesis has one"),
            number: self.number,
            timestamp: self.timestamp,
            gasLimit: self.gas_limit,
            baseFee: self.base_fee,
            originNumber: self.origin_number,
            inboxConsumed: self.inbox_consumed,
            inboxCount: self.inbox_count(),
            inboxHash: *self.inbox_hashes.last().expect("it starts with one"),
            outboxEpoch: 0,
            outboxBlock: 0,
            escrow: self.escrow,
            params: self.params.clone(),
        }
    }

    /// A message that no relayer can or would deliver is refused.
    fn admit(&self, to: Address, value: U256, fee: U256, gas_limit: u64, bytes: usize) -> Result<(), Revert> {
        if to == MESSENGER {
            return Err(revert(abi::ForbiddenTarget { to }));
        }
        if fee > value {
            return Err(revert(abi::FeeExceedsValue { fee, sent: value }));
        }
        if bytes > MAX_MESSAGE_DATA {
            return Err(revert(abi::MessageTooLong { length: U256::from(bytes) }));
        }
        let overhead = RELAY_OVERHEAD_GAS + RELAY_GAS_PER_BYTE * bytes as u64;
        let max = self.params.gasLimitMax.saturating_sub(overhead) * 63 / 64;
        if gas_limit > max || max == 0 {
            return Err(revert(abi::GasLimitTooHigh { gasLimit: U256::from(gas_limit), max: U256::from(max) }));
        }
        let needed = self.fee_min(gas_limit, bytes as u64);
        if fee < needed {
            return Err(revert(abi::FeeTooLow { needed, given: fee }));
        }
        Ok(())
    }

    fn fee_min(&self, gas_limit: u64, bytes: u64) -> U256 {
        let overhead = RELAY_OVERHEAD_GAS + RELAY_GAS_PER_BYTE * bytes;
        U256::from(u128::from(gas_limit) + u128::from(overhead)) * U256::from(self.base_fee)
    }
}

impl Hub {
    fn get(&self, chain_id: u64) -> Result<&Rollup, Revert> {
        self.rollups.get(&chain_id).ok_or_else(|| revert(abi::UnknownRollup { chainId: chain_id }))
    }

    /// What Hub holds for a rollup; `None` before its registration.
    pub(super) fn rollup(&self, chain_id: u64) -> Option<abi::RollupState> {
        self.rollups.get(&chain_id).map(Rollup::state)
    }

    /// One call: the state changes only when it succeeds.
    pub(super) fn call(&mut self, scene: &Scene<'_>, input: &[u8]) -> Result<Done, Revert> {
        let call = abi::HubCalls::abi_decode(input).map_err(|_| Revert::new())?;
        match call {
            abi::HubCalls::register(call) => self.register(scene, &call),
            abi::HubCalls::advance(call) => self.advance(scene, &call),
            abi::HubCalls::sendMessage(call) => self.send_message(scene, call),
            view if scene.value.is_zero() => {
                self.view(&view).map(|output| Done { output, gas: 30_000, ..Done::default() })
            }
            _ => Err(Revert::new()),
        }
    }

    fn view(&self, call: &abi::HubCalls) -> Result<Bytes, Revert> {
        Ok(match call {
            abi::HubCalls::rollup(call) => abi::rollupCall::abi_encode_returns(&self.get(call.chainId)?.state()).into(),
            abi::HubCalls::inboxHashAt(call) => {
                let rollup = self.get(call.chainId)?;
                let count = rollup.inbox_count();
                if call.count > count {
                    return Err(revert(abi::InboxCountBeyond { inboxCount: count, given: call.count }));
                }
                abi::inboxHashAtCall::abi_encode_returns(&rollup.inbox_hash_at(call.count)?).into()
            }
            abi::HubCalls::stateRootAt(call) => {
                let rollup = self.get(call.chainId)?;
                let number = call.blockNumber;
                if number > rollup.number || rollup.number - number >= STATE_ROOT_RING {
                    return Err(revert(abi::StateRootGone { chainId: call.chainId, blockNumber: number }));
                }
                let at = usize::try_from(number).expect("a length");
                abi::stateRootAtCall::abi_encode_returns(&rollup.state_roots[at]).into()
            }
            abi::HubCalls::minFee(call) => {
                let bytes = call.dataLength.saturating_to();
                abi::minFeeCall::abi_encode_returns(&self.get(call.dstChainId)?.fee_min(call.gasLimit, bytes)).into()
            }
            _ => return Err(Revert::new()),
        })
    }

    fn register(&mut self, scene: &Scene<'_>, call: &abi::registerCall) -> Result<Done, Revert> {
        let (p, invalid) = (&call.p, || revert(abi::InvalidParams {}));
        if p.chainId == 0 || p.chainId == scene.chain_id || self.rollups.contains_key(&p.chainId) {
            return Err(revert(abi::ChainIdUnavailable { chainId: p.chainId }));
        }
        if p.gasLimitMin > p.gasLimitMax || p.gasLimitMax > MAX_GAS_LIMIT || p.gasLimitMax < LEAST_GAS_LIMIT_MAX {
            return Err(invalid());
        }
        if p.minOriginLag == 0 || p.minOriginLag > bridge::anchor::MAX_ORIGIN_LAG {
            return Err(invalid());
        }
        let genesis =
            Header::decode(&mut call.genesisHeaderRlp.as_ref()).map_err(|_| revert(abi::InvalidGenesis {}))?;
        let base_fee = genesis.base_fee_per_gas.filter(|fee| *fee < 1 << 56);
        let in_bounds = (p.gasLimitMin..=p.gasLimitMax).contains(&genesis.gas_limit) && genesis.number == 0;
        let Some(base_fee) = base_fee.filter(|_| in_bounds) else { return Err(revert(abi::InvalidGenesis {})) };
        let hash = genesis.hash_slow();
        let rollup = Rollup {
            params: p.clone(),
            head_hash: hash,
            number: 0,
            timestamp: genesis.timestamp,
            gas_limit: genesis.gas_limit,
            base_fee,
            origin_number: 0,
            inbox_consumed: 0,
            escrow: scene.value,
            state_roots: Vector::unit(genesis.state_root),
            inbox_hashes: Vector::unit(B256::ZERO),
        };
        self.rollups.insert(p.chainId, rollup);
        let event = abi::RollupRegistered {
            chainId: p.chainId,
            genesisHash: hash,
            registrar: scene.sender,
            params: p.clone(),
            escrow: scene.value,
        };
        Ok(Done { logs: vec![log(scene.hub, &event)], gas: REGISTER_GAS, output: Bytes::new() })
    }

    fn send_message(&mut self, scene: &Scene<'_>, call: abi::sendMessageCall) -> Result<Done, Revert> {
        let mut rollup = self.get(call.dstChainId)?.clone();
        rollup.admit(call.to, scene.value, call.fee, call.gasLimit, call.data.len())?;
        let index = rollup.inbox_count();
        if index - rollup.inbox_consumed >= INBOX_RING - 1 {
            return Err(revert(abi::InboxFull { chainId: call.dstChainId }));
        }
        let gas = SEND_GAS + 40 * call.data.len() as u64;
        let message = Message {
            src_chain_id: scene.chain_id,
            dst_chain_id: call.dstChainId,
            index,
            sender: scene.sender,
            to: call.to,
            value: scene.value - call.fee,
            fee: call.fee,
            gas_limit: call.gasLimit,
            data: call.data,
        };
        let mut chain = InboxChain { count: index, hash: *rollup.inbox_hashes.last().expect("it starts with one") };
        chain.push(message.leaf());
        rollup.inbox_hashes.push_back(chain.hash);
        rollup.escrow += scene.value;
        self.rollups.insert(call.dstChainId, rollup);
        let event = abi::MessageSent {
            dstChainId: call.dstChainId,
            index,
            sender: scene.sender,
            message: message.into(),
            inboxHash: chain.hash,
        };
        let output = abi::sendMessageCall::abi_encode_returns(&index).into();
        Ok(Done { logs: vec![log(scene.hub, &event)], gas, output })
    }
}

fn log(hub: Address, event: &impl alloy_sol_types::SolEvent) -> Log {
    Log { address: hub, data: event.encode_log_data() }
}
