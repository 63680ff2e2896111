//! L1 read on L2: a wallet whose key is kept on L1, with a proof of a real L1.

use super::{
    Done,
    client::{Clients, same},
    tokens::{call, view},
};
use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_provider::Provider;
use alloy_rpc_types_eth::{BlockNumberOrTag, Filter, TransactionRequest};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolEvent, SolValue};
use bridge::{
    abi::{Hub, Keystore, KeystoreWallet},
    landed::Landed,
    reader::{Named, keystore_slot},
};
use eyre::OptionExt;

/// The account that pays for all transactions; it has no say in the wallet.
const HELPER: usize = 5;

/// How old the L1 state may be that a wallet goes by, seconds.
const MAX_AGE: u64 = 3_600;

/// What the wallet gives away, twice.
const GIVEN: u64 = 1_000;

/// Opens an entry of a keystore on L1, makes its wallet on L2, and lets it act with a fresh and with a kept proof.
pub(super) async fn keystore_wallet(clients: &Clients) -> eyre::Result<Done<()>> {
    let key = PrivateKeySigner::from_bytes(&clients.secret("keystore key"))?;
    let code = Keystore::BYTECODE.clone();
    let receipt = clients.send(&clients.l1, HELPER, TransactionRequest::default().with_deploy_code(code)).await?;
    let keystore = receipt.contract_address.ok_or_eyre("a deployment without address")?;
    let open = Keystore::openCall { owner: key.address(), salt: B256::ZERO };
    let opened = clients.send(&clients.l1, HELPER, call(keystore, &open)).await?;
    let id = alloy_primitives::keccak256((key.address(), B256::ZERO).abi_encode());
    let opened_in = opened.block_number.ok_or_eyre("a receipt without block")?;

    let arguments = (clients.devnet.l1_reader, keystore, id, U256::from(MAX_AGE)).abi_encode_params();
    let code = [KeystoreWallet::BYTECODE.as_ref(), &arguments].concat();
    let receipt = clients.send(&clients.l2, HELPER, TransactionRequest::default().with_deploy_code(code)).await?;
    let wallet = receipt.contract_address.ok_or_eyre("a deployment without address")?;
    let fund = TransactionRequest::default().with_to(wallet).with_value(U256::from(2 * GIVEN));
    clients.send(&clients.l2, HELPER, fund).await?;

    let (named, header) = named_since(clients, opened_in).await?;
    let number = named.anchor.origin_number;
    let slot = keystore_slot(id);
    let proof = clients.l1.get_proof(keystore, vec![slot]).number(number).await?;
    let storage = proof.storage_proof.first().ok_or_eyre("a proof without storage")?;
    let proof = KeystoreWallet::KeyProof {
        l1Block: number,
        accountProof: proof.account_proof.clone(),
        storageProof: storage.proof.clone(),
    };
    let prove = named.prove(&header)?;

    let to = clients.fresh("keystore payee");
    let order = KeystoreWallet::WalletCall { to, value: U256::from(GIVEN), data: Bytes::new() };
    let fresh = KeystoreWallet::proveAndExecuteCall {
        call_: order.clone(),
        proof: proof.clone(),
        signature: sign(clients, wallet, &key, &order, 0).await?,
        anchor: KeystoreWallet::Anchor {
            originNumber: prove.anchor.originNumber,
            originHash: prove.anchor.originHash,
            inboxCount: prove.anchor.inboxCount,
            inboxHash: prove.anchor.inboxHash,
        },
        anchorTimestamp: prove.anchorTimestamp,
        header: prove.header,
    };
    clients.send(&clients.l2, HELPER, call(wallet, &fresh)).await?;
    same("L2 balance after the first order", clients.l2.get_balance(to).await?, U256::from(GIVEN))?;
    let signature = sign(clients, wallet, &key, &order, 1).await?;
    let kept = KeystoreWallet::executeCall { call_: order, proof, signature };
    clients.send(&clients.l2, HELPER, call(wallet, &kept)).await?;
    same("L2 balance after the second", clients.l2.get_balance(to).await?, U256::from(2 * GIVEN))?;
    Ok(Done::with_gas((), opened.gas_used))
}

/// What a landed block says about L1 whose origin is `origin` or later, and the origin's header.
async fn named_since(clients: &Clients, origin: u64) -> eyre::Result<(Named, alloy_consensus::Header)> {
    let look = async || -> eyre::Result<Option<Named>> {
        let filter = Filter::new()
            .address(clients.devnet.hub)
            .event_signature(Hub::BlockLanded::SIGNATURE_HASH)
            .topic1(U256::from(clients.devnet.l2_chain_id))
            .from_block(origin);
        for log in clients.l1.get_logs(&filter).await? {
            let landed = Landed::from(Hub::BlockLanded::decode_log(&log.inner)?.data);
            if landed.origin_number >= origin {
                return Ok(Some(Named::from(&landed)));
            }
        }
        // An idle rollup makes no blocks, so it gets something to do.
        let nothing = TransactionRequest::default().with_to(Address::ZERO);
        clients.send(&clients.l2, HELPER, nothing).await?;
        Ok(None)
    };
    let named = clients.wait("a landed block with a later origin", || Box::pin(look())).await?;
    let block = clients.l1.get_block_by_number(BlockNumberOrTag::Number(named.anchor.origin_number)).await?;
    Ok((named, block.ok_or_eyre("L1 has no such block")?.header.inner))
}

/// The key's signature under an order.
async fn sign(
    clients: &Clients,
    wallet: Address,
    key: &PrivateKeySigner,
    order: &KeystoreWallet::WalletCall,
    nonce: u64,
) -> eyre::Result<Bytes> {
    let nonce = alloy_primitives::Uint::<192, 3>::from(nonce);
    let digest = KeystoreWallet::digestCall { call_: order.clone(), nonce_: nonce };
    let digest = view(&clients.l2, wallet, digest).await?;
    Ok(key.sign_hash_sync(&digest)?.as_bytes().into())
}
