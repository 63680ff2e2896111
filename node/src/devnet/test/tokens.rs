//! An ERC-20 token across the border and back, to the last unit.

use super::{
    Done, bridging,
    client::{Clients, same},
};
use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_provider::{DynProvider, Provider};
use alloy_rpc_types_eth::{BlockNumberOrTag, TransactionInput, TransactionRequest};
use alloy_signer::SignerSync;
use alloy_sol_types::{SolCall, SolValue};
use bridge::{
    abi::{BridgedToken, L2TokenBridge, TestToken, TokenBridge},
    tokens::bridged_token,
};
use eyre::OptionExt;

/// The account that owns the token on L1, has them on L2 and takes them back.
const OWNER: usize = 4;

const NAME: &str = "Test Dollar €";
const SYMBOL: &str = "TUSD";
const DECIMALS: u8 = 6;

/// What is made, deposited, given to somebody on L2, and withdrawn.
const MADE: u64 = 1_000_000;
const DEPOSITED: u64 = 600_000;
const GIVEN: u64 = 100_001;
const WITHDRAWN: u64 = 400_000;

/// Calls a view.
pub(super) async fn view<C: SolCall>(provider: &DynProvider, to: Address, call: C) -> eyre::Result<C::Return> {
    let input = TransactionInput::both(call.abi_encode().into());
    let request = TransactionRequest { input, ..Default::default() }.with_to(to);
    let answer = provider.call(request).block(BlockNumberOrTag::Latest.into()).await?;
    Ok(C::abi_decode_returns(&answer)?)
}

async fn balance(provider: &DynProvider, token: Address, owner: Address) -> eyre::Result<U256> {
    view(provider, token, TestToken::balanceOfCall { account: owner }).await
}

/// A transaction that calls.
pub(super) fn call(to: Address, call: &impl SolCall) -> TransactionRequest {
    TransactionRequest::default().with_to(to).with_input(Bytes::from(call.abi_encode()))
}

/// Deploys a token on L1, deposits some of it with a permit instead of an approval, and finds the same token on L2.
pub(super) async fn deposit(clients: &Clients) -> eyre::Result<Done<Address>> {
    let devnet = &clients.devnet;
    let owner = clients.keys[OWNER].address();
    let arguments = (NAME.to_owned(), SYMBOL.to_owned(), U256::from(DECIMALS)).abi_encode_params();
    let code = [TestToken::BYTECODE.as_ref(), &arguments].concat();
    let receipt = clients.send(&clients.l1, OWNER, TransactionRequest::default().with_deploy_code(code)).await?;
    let token = receipt.contract_address.ok_or_eyre("a deployment without address")?;
    let mint = TestToken::mintCall { to: owner, amount: U256::from(MADE) };
    clients.send(&clients.l1, OWNER, call(token, &mint)).await?;

    let amount = U256::from(DEPOSITED);
    let deadline = U256::MAX;
    let permit = permit(clients, token, amount, deadline).await?;
    let deposit = TokenBridge::depositWithPermitCall {
        dstChainId: devnet.l2_chain_id,
        token,
        amount,
        to: owner,
        deadline,
        v: 27 + u8::from(permit.v()),
        r: permit.r().into(),
        s: permit.s().into(),
    };
    let fee =
        view(&clients.l1, devnet.token_bridge, TokenBridge::depositFeeCall { dstChainId: devnet.l2_chain_id, token });
    // The base fee may rise until Hub sees the message.
    let request = call(devnet.token_bridge, &deposit).with_value(fee.await? * U256::from(2));
    let receipt = clients.send(&clients.l1, OWNER, request).await?;
    same("L1 balance", balance(&clients.l1, token, owner).await?, U256::from(MADE - DEPOSITED))?;
    same("escrow", escrow(clients, token).await?, amount)?;

    let bridged = bridged_token(token);
    let stated = view(&clients.l2, devnet.l2_token_bridge, L2TokenBridge::bridgedTokenCall { token }).await?;
    same("address of the bridged token", stated, bridged)?;
    for node in [&clients.l2, &clients.follower] {
        let minted = async || -> eyre::Result<Option<()>> {
            let code = node.get_code_at(bridged).await?;
            Ok((!code.is_empty()).then_some(()))
        };
        clients.wait("the token's contract on L2", || Box::pin(minted())).await?;
        same("L2 balance", balance(node, bridged, owner).await?, amount)?;
        same("name", view(node, bridged, BridgedToken::nameCall {}).await?, NAME.to_owned())?;
        same("symbol", view(node, bridged, BridgedToken::symbolCall {}).await?, SYMBOL.to_owned())?;
        same("decimals", view(node, bridged, BridgedToken::decimalsCall {}).await?, DECIMALS)?;
        same("L1 token", view(node, bridged, BridgedToken::l1TokenCall {}).await?, token)?;
    }
    Ok(Done::with_gas(token, receipt.gas_used))
}

/// Some of it changes hands on L2, some goes back to L1.
pub(super) async fn withdraw(clients: &Clients, token: Address) -> eyre::Result<Done<()>> {
    let devnet = &clients.devnet;
    let (bridged, owner) = (bridged_token(token), clients.keys[OWNER].address());
    let friend = clients.fresh("token holder");
    let give = BridgedToken::transferCall { to: friend, value: U256::from(GIVEN) };
    clients.send(&clients.l2, OWNER, call(bridged, &give)).await?;
    let to = clients.fresh("token withdrawal");
    let withdraw = L2TokenBridge::withdrawCall { token, amount: U256::from(WITHDRAWN), to };
    let receipt = clients.send(&clients.l2, OWNER, call(devnet.l2_token_bridge, &withdraw)).await?;
    same("L2 balance", balance(&clients.l2, bridged, owner).await?, U256::from(DEPOSITED - GIVEN - WITHDRAWN))?;
    same("L2 balance of the other", balance(&clients.l2, bridged, friend).await?, U256::from(GIVEN))?;
    let supply = view(&clients.l2, bridged, BridgedToken::totalSupplyCall {}).await?;
    same("L2 supply", supply, U256::from(DEPOSITED - WITHDRAWN))?;

    let withdrawal = bridging::landed(clients, &receipt).await?;
    let gas = bridging::prove(clients, &withdrawal).await?;
    let receipt = bridging::deliver(clients, &withdrawal).await?;
    same("L1 balance of the receiver", balance(&clients.l1, token, to).await?, U256::from(WITHDRAWN))?;
    same("escrow", escrow(clients, token).await?, supply)?;
    same("vault", balance(&clients.l1, token, devnet.token_bridge).await?, supply)?;
    Ok(Done::with_gas((), gas + receipt.gas_used))
}

async fn escrow(clients: &Clients, token: Address) -> eyre::Result<U256> {
    let call = TokenBridge::escrowCall { chainId: clients.devnet.l2_chain_id, token };
    view(&clients.l1, clients.devnet.token_bridge, call).await
}

/// EIP-2612: the owner lets the token bridge take `amount`.
async fn permit(
    clients: &Clients,
    token: Address,
    amount: U256,
    deadline: U256,
) -> eyre::Result<alloy_primitives::Signature> {
    let owner = &clients.keys[OWNER];
    let domain: B256 = view(&clients.l1, token, TestToken::DOMAIN_SEPARATORCall {}).await?;
    let kind = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    let permit = (kind, owner.address(), clients.devnet.token_bridge, amount, U256::ZERO, deadline).abi_encode();
    let hash = keccak256([[0x19, 0x01].as_slice(), domain.as_slice(), keccak256(permit).as_slice()].concat());
    Ok(owner.sign_hash_sync(&hash)?)
}
