//! What landing costs on our own L1, as the tables in `bridge/SPEC.md` have it, and that the settlement model bounds it.
//! The world is the same in each run (`world::FIXED`), so the numbers are, too; tables round them up to thousands, which
//! keeps them apart from the zero bytes in hashes. `BLESS=1` writes the tables.

use crate::world::{Draft, FIXED, Landing, Rollup, World};
use alloy_eips::eip2718::Encodable2718;
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, Bytes, TxKind, U256, bytes, keccak256};
use alloy_provider::Provider;
use bridge::{blob::BYTES_PER_ELEMENT, gas};
use chainspec::dev::ACCOUNTS;
use execution::RecoveredTx;
use serde_json::json;
use std::{fmt::Write, path::Path};

/// The signed limit may exceed what a landing takes by this much: every byte is counted as nonzero, a 64th is kept back
/// twice, and three new slots are assumed.
const SLACK_PERCENT: u64 = 10;

const BEGIN: &str = "<!-- gas-table:begin -->";
const END: &str = "<!-- gas-table:end -->";

/// One landed block.
struct Row {
    block: &'static str,
    transactions: usize,
    input_bytes: usize,
    data_bytes: usize,
    gas_used: u64,
    execute: u64,
    gas_limit: u64,
    hub: u64,
    binding: u64,
}

#[tokio::test(flavor = "multi_thread")]
async fn landings_cost_what_the_specification_says_and_less_than_the_model() {
    let (world, mut rollup) = World::start(FIXED).await;
    let mut rows = Vec::new();
    for (count, block) in [(0, "empty"), (1, "1 transfer"), (50, "50 transfers"), (200, "200 transfers")] {
        let draft = world.block(&rollup, &rollup.transfers(count)).await;
        assert_eq!(draft.executed.block.body().transactions.len(), count, "they fit one landing");
        rows.push(measure(&world, &mut rollup, block, draft).await);
    }
    let draft = world.block(&rollup, &rollup.transfers(1_000)).await;
    rows.push(measure(&world, &mut rollup, "transfers until the L2 gas is used up", draft).await);
    let draft = world.block(&rollup, &transfers_to_strangers(&rollup, 400)).await;
    rows.push(measure(&world, &mut rollup, "the same to new accounts", draft).await);

    let withdrawal = rollup.withdrawal(&ACCOUNTS[0], 0, ACCOUNTS[0].address, U256::from(1));
    let mut draft = world.block(&rollup, &[withdrawal]).await;
    draft.bring_outbox_proof(&*rollup.chain.state_at_head());
    rows.push(measure(&world, &mut rollup, "1 withdrawal, with its outbox proof", draft).await);
    assert_eq!(world.recorded(rollup.chain_id()).await.outbox_epoch, 1, "the proof came along");

    compare(&tables(&rows));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outbox_proof_costs_less_than_the_model_in_a_small_state_and_in_a_large_one() {
    let (world, rollup) = World::start(FIXED).await;
    let mut config = rollup.config.clone();
    config.genesis.config.chain_id = 7902;
    for i in 0..20_000u32 {
        let address = Address::from_word(keccak256(i.to_be_bytes()));
        config.genesis.alloc.insert(address, GenesisAccount::default().with_nonce(Some(1)));
    }
    let crowded = Rollup::new(config);
    assert!(world.register(&crowded, U256::ZERO).await.inner.status());
    for mut rollup in [rollup, crowded] {
        // Twice: by the second time the ledger has an entry.
        for epoch in 1..=2 {
            let withdrawal = rollup.withdrawal(&ACCOUNTS[0], 0, ACCOUNTS[0].address, U256::from(1));
            let mut draft = world.block(&rollup, &[withdrawal]).await;
            let without = without_execute(&world, &draft).await;
            draft.bring_outbox_proof(&*rollup.chain.state_at_head());
            let took = without_execute(&world, &draft).await - without;
            let proof = draft.outbox_proof();
            let bound = gas::outbox_gas(proof);
            assert!(took <= bound, "{proof:?} took {took} gas, bound {bound}");
            world.land(&mut rollup, &draft).await;
            world.mine(1).await;
            assert_eq!(world.recorded(rollup.chain_id()).await.outbox_epoch, epoch);
        }
    }
}

/// Transfers to accounts that do not exist yet: EIP-8037 makes each a matter of 183,600 state gas.
fn transfers_to_strangers(rollup: &Rollup, count: usize) -> Vec<RecoveredTx> {
    (0..count)
        .map(|i| {
            let to = TxKind::Call(Address::from_word(keccak256([(i / 256) as u8, (i % 256) as u8])));
            let ahead = (i / ACCOUNTS.len()) as u64;
            rollup.transaction(&ACCOUNTS[i % ACCOUNTS.len()], ahead, to, U256::from(1), Bytes::new(), 230_000)
        })
        .collect()
}

async fn measure(world: &World, rollup: &mut Rollup, block: &'static str, draft: Draft) -> Row {
    let bound = draft.bound();
    let (hub, binding) = (without_execute(world, &draft).await, binding(world, &draft).await);
    let receipt = world.land(rollup, &draft).await;
    // So that the next block has a later timestamp.
    world.mine(1).await;

    let gas_used = receipt.gas_used;
    let (data_bytes, input_bytes) = (draft.data().len(), draft.landing.bytes.len());
    let transactions = draft.executed.block.body().transactions.len();
    assert!(gas_used <= bound.gas_limit(), "{block}: took {gas_used} gas, bound {}", bound.gas_limit());
    assert!(
        bound.gas_limit() <= gas_used + gas_used * SLACK_PERCENT / 100,
        "{block}: took {gas_used} gas, bound {} is too loose",
        bound.gas_limit()
    );
    // The parts of the model, too: the 64ths that calls keep back would hide a part that is too low.
    let most = gas::BINDING_BLOB
        + gas::BINDING_ELEMENT * data_bytes.div_ceil(BYTES_PER_ELEMENT) as u64
        + gas::BINDING_TRANSACTION * transactions as u64
        + gas::HUB_WORD * (data_bytes + input_bytes).div_ceil(32) as u64;
    assert!(binding <= most, "{block}: binding took {binding} gas, bound {most}");
    if draft.landing.outbox.account.is_empty() {
        assert!(hub - binding <= gas::HUB, "{block}: {} gas beside the binding", hub - binding);
    }
    assert_eq!(bound.input_bytes, input_bytes);
    assert_eq!(bound.blobs, draft.landing.sidecar.as_ref().unwrap().blobs.len());
    let sent = world.provider.get_transaction_by_hash(receipt.transaction_hash).await.unwrap().unwrap();
    let tx_bytes = sent.inner.encode_2718_len();
    assert!(tx_bytes <= bound.tx_bytes, "{block}: {tx_bytes} bytes, bound {}", bound.tx_bytes);
    Row {
        block,
        transactions,
        input_bytes,
        data_bytes,
        gas_used,
        execute: bridge::execute::gas(draft.input.payload.gas_limit, input_bytes),
        gas_limit: bound.gas_limit(),
        hub,
        binding,
    }
}

/// Execution gas of the call of `advance`, if the verifier believed everything.
async fn without_execute(world: &World, draft: &Draft) -> u64 {
    let (landed, gas) = metered(world, &draft.landing, "0x00").await;
    assert!(landed, "Hub refuses the block without EXECUTE");
    gas
}

/// Execution gas of binding the blobs: from the last rule before it, which a wrong anchor breaks, to the call of a
/// verifier that reverts at once. The copy of the input into that call is part of it.
async fn binding(world: &World, draft: &Draft) -> u64 {
    let unanchored = draft.with_input(|input| input.parent_beacon_block_root.0[0] ^= 1);
    let (landed_before, before) = metered(world, &unanchored, "0x5f5ffd").await;
    let (landed_after, after) = metered(world, &draft.landing, "0x5f5ffd").await;
    assert!(!landed_before && !landed_after);
    after - before
}

/// Calls Hub from a contract that looks at its gas before and after, with other code in the verifier's place.
async fn metered(world: &World, landing: &Landing, verifier_code: &str) -> (bool, u64) {
    let meter = Address::repeat_byte(0x3e);
    // calldatacopy(0, 0, calldatasize()), g := gas(), call(gas(), hub, 0, 0, calldatasize(), 0, 0), g - gas()
    let code =
        [&bytes!("365f5f375a5f5f365f5f73")[..], world.hub().as_slice(), &bytes!("5af15a905f52900360205260405ff3")[..]]
            .concat();
    let mut request = world.request(landing);
    request.gas = Some(40_000_000);
    let request = request.to(meter);
    let overrides = json!({
        meter.to_string(): { "code": Bytes::from(code) },
        world.deployment.verifier.to_string(): { "code": verifier_code },
    });
    let answer: Bytes = world.provider.raw_request("eth_call".into(), (request, "latest", overrides)).await.unwrap();
    assert_eq!(answer.len(), 64);
    (answer[31] == 1, U256::from_be_slice(&answer[32..]).to())
}

fn tables(rows: &[Row]) -> String {
    let mut text = String::from(
        "Landings on the devnet's L1 (Amsterdam, EIP-8037), measured by `node/tests/it/gas.rs`; gas rounded up to thousands. Ten accounts send to each other, the L2 gas limit is\n\
         12,000,000 and EXECUTE charges all of it, used or not. \"Hub\" is the execution gas of the call of `advance` with a verifier that does nothing. The rest is intrinsic gas and\n\
         calldata, and 97,920 state gas for each new slot: one in the ring of state roots until it is full, one with each outbox proof, likewise.\n\n\
         | block | transactions | input | blob data | L1 gas used | EXECUTE | Hub | gas limit signed |\n|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        writeln!(
            text,
            "| {} | {} | {} B | {} B | {} | {} | {} | {} |",
            row.block,
            row.transactions,
            grouped(row.input_bytes as u64),
            grouped(row.data_bytes as u64),
            thousands(row.gas_used),
            thousands(row.execute),
            thousands(row.hub),
            thousands(row.gas_limit)
        )
        .unwrap();
    }
    text.push_str(
        "\nBinding in the same landings, with the opening and the copy of the input for the verifier; per KB (1,000 bytes) beyond the empty block's:\n\n\
         | blob data | transactions | binding gas | per KB |\n|---|---|---|---|\n",
    );
    let base = &rows[0];
    for row in rows {
        let bytes = (row.data_bytes - base.data_bytes) as u64;
        // Elements are folded in groups of sixteen, which is all that one sees below a KB.
        let per_kb = if bytes < 1_000 {
            "-".to_owned()
        } else {
            grouped(((row.binding - base.binding) * 1_000 / bytes).next_multiple_of(100))
        };
        let (data, binding) = (grouped(row.data_bytes as u64), thousands(row.binding));
        writeln!(text, "| {data} B | {} | {binding} | {per_kb} |", row.transactions).unwrap();
    }
    text
}

/// The text between the marks, and after the first table, which forge measures, must be `expected`.
fn compare(expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bridge/SPEC.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (between, after) = rest.split_once(END).unwrap();
    // forge's table ends with the first empty line.
    let (forge, found) = between.split_once("\n\n").unwrap();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{forge}\n\n{expected}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(found, expected, "bridge/SPEC.md is out of date: run this test with BLESS=1");
}

pub(crate) fn thousands(gas: u64) -> String {
    grouped(gas.next_multiple_of(1_000))
}

/// 1,234,567
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
