//! Playing a plan: a chain in memory, on which the plan's transactions are signed, offered to a builder, and sealed into blocks.
//!
//! Must not know: what is checked about a block.

use crate::{
    Plan, Tally,
    asm::Asm,
    cast::{self, CODED, DELEGATED, KEYS, NOBODY, OLD, POOR, PROXY, RICH, SPENT},
    generate,
    judge::{Case, Disagreement, Offer},
    plan::{self, Chain, Fee, Gas, Nonce},
};
use alloy_consensus::{
    Header, SignableTransaction, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy, transaction::Recovered,
};
use alloy_eips::{
    eip6110::MAINNET_DEPOSIT_CONTRACT_ADDRESS,
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, b256, keccak256};
use alloy_signer::SignerSync;
use bridge::execute::MAX_INPUT_BYTES;
use chainspec::{ChainSpec, Layer, dev, predeploys};
use execution::{Attributes, Building, ChainState, RecoveredTx, Refused, Transaction, stateless};
use revm::bytecode::opcode as op;
use std::sync::Arc;

/// What a builder asks of the gas limit when it measures what a transaction uses.
const GAS_TO_MEASURE: u64 = 60_000_000;

/// Plays `plan` and shows each block to `check`, which may find fault with it.
pub fn play(
    plan: &Plan,
    tally: &mut Tally,
    mut check: impl FnMut(&Case, &mut Tally) -> Result<(), Disagreement>,
) -> Result<(), Disagreement> {
    let fault = |what, error: &dyn std::fmt::Display| Disagreement::new(what, error);
    let spec = ChainSpec::from_genesis(genesis(plan), Layer::Rollup).map_err(|e| fault("genesis", &e))?;
    let chain = storage::Chain::in_memory(Arc::new(spec)).map_err(|e| fault("genesis", &e))?;
    for _ in 0..plan.history {
        let state = chain.state_at_head();
        let parent = chain.head();
        let attributes = plain_attributes(parent.header());
        let building = Building::start(chain.spec(), &parent, attributes, &*state).map_err(|e| fault("history", &e))?;
        let executed = building.seal().map_err(|e| fault("history", &e))?;
        chain.append(&executed).map_err(|e| fault("history", &e))?;
    }
    for block in &plan.blocks {
        let case = build(&chain, block).map_err(|error| fault("building", &error))?;
        check(&case, tally)?;
        chain.append(&case.executed).map_err(|e| fault("storage", &e))?;
    }
    Ok(())
}

fn build(chain: &storage::Chain, block: &plan::Block) -> Result<Case, execution::executor::ExecutionError> {
    let state: Arc<dyn ChainState> = chain.state_at_head();
    let parent = (*chain.head()).clone();
    let attributes = attributes(parent.header(), block);
    let start = || Building::start(chain.spec(), &parent, attributes.clone(), &*state);
    let mut building = start()?;
    let mut signing = Signing {
        chain_id: chain.spec().chain_id,
        base_fee: building.header().base_fee_per_gas.unwrap_or_default(),
        gas_max: building.header().gas_limit,
        nonces: Vec::new(),
    };
    for index in 0..KEYS {
        let account = state.account(cast::account(index))?;
        signing.nonces.push(account.map_or(0, |account| account.nonce));
    }
    let mut offered: Vec<Offer> = Vec::with_capacity(block.transactions.len());
    for tx in &block.transactions {
        let gas = match tx.gas {
            Gas::Limit(gas) => gas,
            Gas::Swept { per_mille, offset } => {
                let generous = signing.sign(tx, GAS_TO_MEASURE.min(signing.gas_max));
                let used = start()?.push(&generous).map_or(1_000_000, |included| included.gas_used);
                (used * per_mille / 1_000).saturating_add_signed(offset)
            }
        };
        let mut signed = signing.sign(tx, gas);
        let room = |sizes: &execution::Sizes| !tx.over_budget && sizes.input_len() <= MAX_INPUT_BYTES;
        let mut outcome = building.push_if(&signed, room);
        // A contract at the account may have raised its nonce unseen.
        if let (Nonce::Next, Err(Refused::NonceAhead { account, .. })) = (tx.nonce, &outcome) {
            signing.nonces[tx.from] = *account;
            signed = signing.sign(tx, gas);
            outcome = building.push_if(&signed, room);
        }
        if outcome.is_ok() {
            signing.included(tx);
        }
        offered.push(Offer { kind: tx.kind, tx: signed, over_budget: tx.over_budget, outcome });
    }
    let sizes = building.sizes();
    let executed = building.seal()?;
    let input = stateless::input(signing.chain_id, &executed);
    let input = input.expect("a block that was just sealed follows from its parts");
    Ok(Case { spec: Arc::clone(chain.spec()), parent, state, attributes, offered, sizes, executed, input })
}

fn plain_attributes(parent: &Header) -> Attributes {
    Attributes {
        timestamp: parent.timestamp + 1,
        fee_recipient: Address::with_last_byte(0xfe),
        prev_randao: B256::ZERO,
        gas_limit: parent.gas_limit,
        parent_beacon_block_root: keccak256(parent.number.to_be_bytes()),
        extra_data: Bytes::new(),
        slot_number: parent.number,
    }
}

fn attributes(parent: &Header, block: &plan::Block) -> Attributes {
    let most = i64::try_from(parent.gas_limit / 1_024).unwrap_or(i64::MAX) - 1;
    Attributes {
        timestamp: parent.timestamp + block.seconds,
        fee_recipient: block.fee_recipient,
        prev_randao: block.prev_randao,
        gas_limit: parent.gas_limit.saturating_add_signed(block.gas_limit_step.clamp(-most, most)),
        parent_beacon_block_root: block.anchor,
        extra_data: block.extra_data.clone(),
        slot_number: block.slot_number,
    }
}

/// The genesis of a plan.
pub fn genesis(plan: &Plan) -> Genesis {
    let mut genesis = dev::l2_genesis(1_000, Bytes::from_static(&[0x00])).with_gas_limit(plan.gas_limit);
    let account = GenesisAccount::default;
    for (index, contract) in plan.contracts.iter().enumerate() {
        let slots = contract.slots.iter().map(|(slot, value)| (B256::from(*slot), B256::from(*value)));
        let placed = account()
            .with_nonce(Some(contract.nonce))
            .with_balance(contract.balance)
            .with_code(Some(contract.code.concat().into()))
            .with_storage(Some(slots.collect()));
        genesis.alloc.insert(cast::contract(index), placed);
    }
    if plan.real_requests {
        genesis.alloc.extend(predeploys::l1_system());
        // Logs what the deposit contract logs (EIP-6110).
        let mut deposit = Asm::default();
        deposit.push(U256::from_be_bytes(DEPOSIT_TOPIC.0)).ops(&[op::PUSH0, op::PUSH0, op::LOG1]);
        let placed = account().with_nonce(Some(1)).with_code(Some(deposit.0.into()));
        genesis.alloc.insert(MAINNET_DEPOSIT_CONTRACT_ADDRESS, placed);
    }
    genesis.alloc.insert(PROXY, account().with_nonce(Some(1)).with_code(Some(generate::proxy().into())));
    let ether = |wei: u128| account().with_balance(U256::from(wei));
    for index in 0..KEYS {
        let delegation = [&[0xef, 0x01, 0x00][..], plan.delegation.as_slice()].concat();
        let placed = match index {
            0..RICH => ether(10_u128.pow(22)),
            POOR => ether(10_u128.pow(15)),
            NOBODY => continue,
            CODED => ether(10_u128.pow(22)).with_nonce(Some(1)).with_code(Some(Bytes::from_static(&[0x00]))),
            DELEGATED => ether(10_u128.pow(22)).with_nonce(Some(1)).with_code(Some(delegation.into())),
            OLD => ether(10_u128.pow(22)).with_nonce(Some(u64::MAX - 2)),
            SPENT => account().with_nonce(Some(5)),
            _ => unreachable!("twelve keys"),
        };
        genesis.alloc.insert(cast::account(index), placed);
    }
    genesis
}

/// `DepositEvent` (EIP-6110).
const DEPOSIT_TOPIC: B256 = b256!("0x649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5");

/// What signing a block's transactions needs to know.
struct Signing {
    chain_id: u64,
    base_fee: u64,
    gas_max: u64,
    /// Next nonce of each key, as far as can be told from outside.
    nonces: Vec<u64>,
}

impl Signing {
    fn included(&mut self, tx: &plan::Tx) {
        self.nonces[tx.from] += 1;
        for authorization in &tx.authorizations {
            let right = authorization.nonce_offset == 0
                && matches!(authorization.signature, plan::Signature::Good)
                && matches!(authorization.chain, Chain::Own | Chain::Any)
                && authorization.authority != CODED;
            if right && self.nonces[authorization.authority] < u64::MAX {
                self.nonces[authorization.authority] += 1;
            }
        }
    }

    fn chain_id(&self, chain: Chain) -> u64 {
        if matches!(chain, Chain::Other) { self.chain_id + 1 } else { self.chain_id }
    }

    fn sign(&self, tx: &plan::Tx, gas_limit: u64) -> RecoveredTx {
        let next = self.nonces[tx.from];
        let nonce = match tx.nonce {
            Nonce::Next => next,
            Nonce::Ahead(by) => next.saturating_add(by),
            Nonce::Used => next.saturating_sub(1),
        };
        let base_fee = u128::from(self.base_fee);
        let (max_fee_per_gas, max_priority_fee_per_gas) = match tx.fee {
            Fee::Tip(tip) => (2 * base_fee + 10, u128::from(tip)),
            Fee::Exact => (base_fee, base_fee),
            Fee::Short => (base_fee.saturating_sub(1), 0),
            Fee::Absurd => (1 << 100, 1),
        };
        let chain_id = self.chain_id(tx.chain);
        let (gas_price, value, input, access_list) =
            (max_fee_per_gas, tx.value, tx.input.clone(), tx.access_list.clone());
        let (to, receiver) = (tx.to.map_or(TxKind::Create, TxKind::Call), tx.to.unwrap_or_default());
        match tx.ty {
            0 => {
                let chain_id = (!matches!(tx.chain, Chain::Any)).then_some(chain_id);
                seal(tx.from, TxLegacy { chain_id, nonce, gas_price, gas_limit, to, value, input })
            }
            1 => seal(tx.from, TxEip2930 { chain_id, nonce, gas_price, gas_limit, to, value, access_list, input }),
            3 => {
                let mut hash = keccak256(nonce.to_be_bytes());
                hash.0[0] = 1;
                let blob_versioned_hashes = vec![hash];
                let max_fee_per_blob_gas = 1_000_000;
                #[rustfmt::skip]
                let tx4844 = TxEip4844 { chain_id, nonce, gas_limit, max_fee_per_gas, max_priority_fee_per_gas, to: receiver, value,
                    access_list, blob_versioned_hashes, max_fee_per_blob_gas, input };
                seal(tx.from, tx4844)
            }
            4 => {
                let authorization_list = self.authorizations(tx);
                #[rustfmt::skip]
                let tx7702 = TxEip7702 { chain_id, nonce, gas_limit, max_fee_per_gas, max_priority_fee_per_gas, to: receiver, value,
                    access_list, authorization_list, input };
                seal(tx.from, tx7702)
            }
            _ => {
                #[rustfmt::skip]
                let tx1559 = TxEip1559 { chain_id, nonce, gas_limit, max_fee_per_gas, max_priority_fee_per_gas, to, value,
                    access_list, input };
                seal(tx.from, tx1559)
            }
        }
    }

    fn authorizations(&self, tx: &plan::Tx) -> Vec<SignedAuthorization> {
        let mut nonces = self.nonces.clone();
        nonces[tx.from] = nonces[tx.from].saturating_add(1);
        let sign = |plan: &plan::Authorization| {
            let next = nonces[plan.authority];
            let authorization = Authorization {
                chain_id: match plan.chain {
                    Chain::Any => U256::ZERO,
                    Chain::Huge => U256::MAX,
                    chain => U256::from(self.chain_id(chain)),
                },
                address: plan.target,
                nonce: next.saturating_add(plan.nonce_offset),
            };
            if plan.nonce_offset == 0 {
                nonces[plan.authority] = next.saturating_add(1);
            }
            let hash = match plan.signature {
                plan::Signature::Other => keccak256("something else"),
                _ => authorization.signature_hash(),
            };
            let signature = cast::key(plan.authority).sign_hash_sync(&hash).expect("a local key signs any hash");
            let (mut r, mut s, mut parity) = (signature.r(), signature.s(), u8::from(signature.v()));
            match plan.signature {
                plan::Signature::HighS => (s, parity) = (ORDER - s, 1 - parity),
                plan::Signature::ZeroR => r = U256::ZERO,
                plan::Signature::Parity => parity = 2,
                _ => {}
            }
            SignedAuthorization::new_unchecked(authorization, parity, r, s)
        };
        tx.authorizations.iter().map(sign).collect()
    }
}

/// Order of secp256k1.
const ORDER: U256 = U256::from_limbs([0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff]);

fn seal<T: SignableTransaction<Signature>>(from: usize, mut tx: T) -> RecoveredTx
where
    Transaction: From<alloy_consensus::Signed<T>>,
{
    let key = cast::key(from);
    let signature = key.sign_transaction_sync(&mut tx).expect("a local key signs any transaction");
    Recovered::new_unchecked(tx.into_signed(signature).into(), key.address())
}
