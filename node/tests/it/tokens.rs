//! What tokens cost on both layers, as the table in section 13 of `bridge/SPEC.md` has it, and that the gas which the
//! token bridge gives a delivery is enough. `BLESS=1` writes the table.

use crate::world::{FIXED, Rollup, World};
use alloy_primitives::{Address, TxKind, U256};
use alloy_rpc_types_eth::TransactionReceipt;
use alloy_sol_types::{SolCall, SolEvent, SolValue};
use bridge::{
    abi::{self, Hub, L2TokenBridge, Messenger, TestToken, TokenBridge},
    message::{InboxChain, Message},
    outbox::Outbox,
};
use chainspec::{
    dev::{self, ACCOUNTS},
    predeploys::{L2_TOKEN_BRIDGE, MESSENGER},
};
use std::{fmt::Write, path::Path};

const BEGIN: &str = "<!-- token-gas:begin -->";
const END: &str = "<!-- token-gas:end -->";

/// Most bytes of a name and of a symbol (`MetadataReader`).
const LONGEST: (usize, usize) = (64, 31);

/// A relay's transaction on L2.
const RELAY_GAS: u64 = 4_000_000;

/// Who gets tokens: nobody that had some before.
fn stranger(i: u8) -> Address {
    Address::repeat_byte(0x70 + i)
}

/// The message to the rollup that an L1 transaction sent.
fn sent(receipt: &TransactionReceipt) -> Message {
    assert!(receipt.inner.status(), "{receipt:?}");
    let log = receipt.inner.logs().iter().find_map(|log| Hub::MessageSent::decode_log(&log.inner).ok());
    log.expect("Hub took a message").data.message.into()
}

/// Relays `messages`, the next ones, in a block that lands; returns the relay's gas. Each must succeed.
async fn relay(world: &World, rollup: &mut Rollup, messages: &[Message]) -> u64 {
    let leaves: Vec<_> = messages.iter().map(Message::leaf).collect();
    let inbox = rollup.named().extend(&leaves);
    let probe = world.draft(rollup, inbox, &[]).await;
    let input = abi::relay(messages.to_vec(), U256::ZERO, Vec::new(), probe.anchor, probe.executed.block.timestamp);
    let call = rollup.transaction(&dev::SEQUENCER, 0, TxKind::Call(MESSENGER), U256::ZERO, input, RELAY_GAS);
    let draft = world.draft(rollup, inbox, &[call]).await;
    let receipt = &draft.executed.receipts[0];
    let relayed = receipt.logs().iter().filter_map(|log| Messenger::MessageRelayed::decode_log(log).ok());
    let successes: Vec<bool> = relayed.map(|event| event.success).collect();
    assert_eq!(successes, vec![true; messages.len()]);
    let gas = receipt.cumulative_gas_used();
    world.land(rollup, &draft).await;
    world.mine(1).await;
    gas
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_cost_what_the_specification_says() {
    let (world, mut rollup) = World::start(FIXED).await;
    let (owner, vault) = (&ACCOUNTS[0], world.deployment.token_bridge);
    let code = [
        TestToken::BYTECODE.as_ref(),
        &("Dai Stablecoin".to_owned(), "DAI".to_owned(), U256::from(18)).abi_encode_params(),
    ];
    let call = |to: Address, call: Vec<u8>, value: U256| world.call(owner, TxKind::Call(to), call.into(), value);
    let created = world.call(owner, TxKind::Create, code.concat().into(), U256::ZERO).await;
    let token = created.contract_address.unwrap();
    let mint = TestToken::mintCall { to: owner.address, amount: U256::from(1_000) };
    call(token, mint.abi_encode(), U256::ZERO).await;
    let approve = TestToken::approveCall { spender: vault, value: U256::from(1_000) };
    call(token, approve.abi_encode(), U256::ZERO).await;

    let mut rows = Vec::new();
    let fee = U256::from(10).pow(U256::from(17));
    let deposit =
        |to: Address| TokenBridge::depositCall { dstChainId: dev::L2_CHAIN_ID, token, amount: U256::from(100), to };
    let receipt = call(vault, deposit(owner.address).abi_encode(), fee).await;
    rows.push(("deposit, the first of this token to this rollup", "L1", receipt.gas_used));
    let first = relay(&world, &mut rollup, &[sent(&receipt)]).await;
    rows.push(("its relay: the token's contract is created", "L2", first));
    let receipt = call(vault, deposit(stranger(1)).abi_encode(), fee).await;
    rows.push(("deposit, every other", "L1", receipt.gas_used));
    let other = relay(&world, &mut rollup, &[sent(&receipt)]).await;
    rows.push(("its relay, to who had none", "L2", other));

    let withdraw = L2TokenBridge::withdrawCall { token, amount: U256::from(60), to: stranger(2) };
    let to_bridge = TxKind::Call(L2_TOKEN_BRIDGE);
    let withdraw = rollup.transaction(owner, 0, to_bridge, U256::ZERO, withdraw.abi_encode().into(), 2_000_000);
    let mut draft = world.block(&rollup, &[withdraw]).await;
    draft.bring_outbox_proof(&*rollup.chain.state_at_head());
    let receipt = &draft.executed.receipts[0];
    assert!(receipt.status());
    rows.push(("withdrawal, the rollup's first message", "L2", receipt.cumulative_gas_used()));
    let logs = receipt.logs();
    let message = logs.iter().find_map(|log| Messenger::MessageSent::decode_log(log).ok()).unwrap();
    let message: Message = message.data.message.into();
    world.land(&mut rollup, &draft).await;

    let mut outbox = Outbox::default();
    outbox.push(message.leaf()).unwrap();
    let claim = abi::claim(message, 1, &outbox.path(0, 1).unwrap());
    let receipt = call(world.hub(), claim.to_vec(), U256::ZERO).await;
    assert!(receipt.inner.status());
    rows.push(("claim, to who had none", "L1", receipt.gas_used));
    let held = world.l1_view(token, TestToken::balanceOfCall { account: stranger(2) }).await;
    assert_eq!(held, U256::from(60));
    let ledger = world.l1_view(vault, TokenBridge::escrowCall { chainId: dev::L2_CHAIN_ID, token }).await;
    assert_eq!(ledger, U256::from(140));

    compare(&rows);
}

/// The least gas, in steps of ten thousand, with which a delivery of `amount` to `to` succeeds on a fresh rollup, behind `before`.
fn least_gas(rollup: &Rollup, vault: Address, longest: (usize, usize), before: bool) -> u64 {
    let message = |index: u64, gas_limit: u64| {
        let transfer = L2TokenBridge::TokenTransfer {
            token: Address::repeat_byte(0xda),
            amount: U256::from(5),
            srcChainId: rollup.config.l1_chain_id,
            from: stranger(0),
            dstChainId: rollup.chain_id(),
            to: stranger(index as u8),
        };
        let (name, symbol) = ("n".repeat(longest.0), "s".repeat(longest.1));
        let metadata = L2TokenBridge::TokenMetadata { name, symbol, decimals: 18 };
        Message {
            src_chain_id: rollup.config.l1_chain_id,
            dst_chain_id: rollup.chain_id(),
            index,
            sender: vault,
            to: L2_TOKEN_BRIDGE,
            value: U256::ZERO,
            fee: U256::ZERO,
            gas_limit,
            data: L2TokenBridge::receiveTokensCall { t: transfer, metadata }.abi_encode().into(),
        }
    };
    let delivered = |gas_limit: u64| {
        let mut messages = vec![message(u64::from(before), gas_limit)];
        if before {
            messages.insert(0, message(0, RELAY_GAS / 2));
        }
        let leaves: Vec<_> = messages.iter().map(Message::leaf).collect();
        let inbox = InboxChain::default().extend(&leaves);
        let origin = sequencer::attributes::Origin { number: 1, hash: alloy_primitives::B256::repeat_byte(1) };
        let timestamp = rollup.chain.head().timestamp + 100;
        let probe = rollup.draft(timestamp, origin, inbox, &[]);
        let input = abi::relay(messages, U256::ZERO, Vec::new(), probe.anchor, timestamp);
        let call = rollup.transaction(&dev::SEQUENCER, 0, TxKind::Call(MESSENGER), U256::ZERO, input, RELAY_GAS);
        let draft = rollup.draft(timestamp, origin, inbox, &[call]);
        let logs = draft.executed.receipts[0].logs();
        let relayed = logs.iter().filter_map(|log| Messenger::MessageRelayed::decode_log(log).ok());
        relayed.last().expect("the relay succeeds").success
    };
    const STEP: u64 = 10_000;
    let (mut too_little, mut enough) = (0, RELAY_GAS / 2 / STEP);
    assert!(delivered(enough * STEP), "some gas is enough");
    while too_little + 1 < enough {
        let middle = u64::midpoint(too_little, enough);
        *(if delivered(middle * STEP) { &mut enough } else { &mut too_little }) = middle;
    }
    enough * STEP
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_has_enough_gas_whatever_the_token_is_called() {
    let (world, rollup) = World::start(FIXED).await;
    let vault = world.deployment.token_bridge;
    let first = world.l1_view(vault, TokenBridge::FIRST_DEPOSIT_GASCall {}).await;
    let other = world.l1_view(vault, TokenBridge::DEPOSIT_GASCall {}).await;
    for (longest, before, given) in [(LONGEST, false, first), (LONGEST, true, other)] {
        let least = least_gas(&rollup, vault, longest, before);
        // A tenth at least is kept for cold slots and repriced instructions, and not without bound: users pay for what is asked.
        assert!(least + least / 10 <= given, "a delivery takes {least} gas and gets {given}");
        assert!(given <= least * 5 / 2, "a delivery takes {least} gas and pays for {given}");
    }
}

/// The text between the marks must be these rows.
fn compare(rows: &[(&str, &str, u64)]) {
    let mut expected = String::from("\n| step | layer | gas used |\n|---|---|---|\n");
    for (step, layer, gas) in rows {
        writeln!(expected, "| {step} | {layer} | {} |", crate::gas::thousands(*gas)).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bridge/SPEC.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(found, expected, "bridge/SPEC.md is out of date: run this test with BLESS=1");
}
