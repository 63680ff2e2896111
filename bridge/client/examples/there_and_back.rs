//! Ether into a rollup and out of it again, with an account of a running devnet: `source .devnet/.env` first.
//!
//! `cargo run --release --workspace --example there_and_back`

use alloy_network::{Ethereum, EthereumWallet};
use alloy_primitives::{Address, U256};
use alloy_provider::{DynProvider, Provider, ProviderBuilder};
use alloy_signer_local::PrivateKeySigner;
use basalt_bridge_client::{BridgeError, BridgeL1, BridgeL2, Outgoing, Patience};
use bridge::{abi::Hub, status::MessageKey};
use eyre::{OptionExt, ensure};

#[tokio::main]
async fn main() -> eyre::Result<()> {
    let signer: PrivateKeySigner = std::env::var("PRIVATE_KEY")?.parse()?;
    let me = signer.address();
    let wallet = EthereumWallet::new(signer);
    let provider = |name: &str| -> eyre::Result<DynProvider> {
        let builder = ProviderBuilder::new_with_network::<Ethereum>().wallet(wallet.clone());
        Ok(builder.connect_http(std::env::var(name)?.parse()?).erased())
    };
    let (l1, l2) = (provider("L1_RPC_URL")?, provider("L2_RPC_URL")?);
    let (bridge, patience) = (l2.bridge().await?, Patience::default());
    let (there, back) = (Address::random(), Address::random());

    // Into the rollup.
    let deposit = l1.deposit(&bridge, me, Outgoing::ether(there, U256::from(7_000))).await?;
    let arrived = l2.delivered(MessageKey::Transaction(deposit), patience).await?;
    println!("deposit {deposit}: {:?}", arrived.first().map(|deposit| deposit.status));
    ensure!(l2.get_balance(there).await? == U256::from(7_000), "what was sent has arrived");

    // Out of it: send, wait until it has landed, prove, claim.
    let withdrawal = l2.withdraw(&bridge, me, bridge.l1_chain_id, Outgoing::ether(back, U256::from(5_000))).await?;
    l2.withdrawn(&bridge, withdrawal, patience).await?;
    let key = MessageKey::Transaction(withdrawal);
    let landed = l2.claimable(key, patience).await?.pop().ok_or_eyre("no message")?;
    if let Some(prove) = &landed.prove {
        let proven = l1.prove(&bridge, me, prove).await?;
        l1.included(&bridge, proven, patience).await?;
    }
    let proof = l2.proven(key, patience).await?.pop().ok_or_eyre("no message")?;
    let claim = l1.claim(&bridge, me, &proof).await?;
    l1.included(&bridge, claim, patience).await?;
    println!("withdrawal {withdrawal}: claimed by {claim}");
    ensure!(l1.get_balance(back).await? == U256::from(5_000), "what was withdrawn has arrived");

    // What can't be done is a typed error, and costs nothing.
    let again = l1.claim(&bridge, me, &proof).await.err().ok_or_eyre("claimed twice")?;
    println!("the same claim again: {again}");
    ensure!(matches!(again, BridgeError::Hub(said) if matches!(*said, Hub::HubErrors::AlreadyClaimed(_))), "by Hub");
    let crossed = l2.deposit(&bridge, me, Outgoing::ether(there, U256::ONE)).await.err().ok_or_eyre("wrong network")?;
    println!("a deposit on L2: {crossed}");
    let much = Outgoing::ether(there, U256::MAX >> 1);
    let short = l1.deposit(&bridge, me, much).await.err().ok_or_eyre("more than there is")?;
    println!("a deposit of too much: {short}");
    ensure!(matches!(crossed, BridgeError::WrongNetwork { .. }), "{crossed}");
    ensure!(matches!(short, BridgeError::InsufficientBalance { .. }), "{short}");
    Ok(())
}
