//! The methods as the wire sees them: names, order of parameters, result types. One trait for each namespace.
//!
//! The traits hold no logic: each method hands its parsed parameters to [`Backend`](crate::Backend), on a thread that
//! may block. What a method means is written in the modules `eth` and `rollup`; what the whole surface is, in
//! `METHODS.md`, which a test compares with these traits.

pub mod debug;
pub mod dev;
pub mod eth;
pub mod net;
pub mod params;
pub mod rollup;
pub mod subscribe;
pub mod txpool;
pub mod web3;

use std::{collections::BTreeMap, sync::Arc};

use execution::block::Transaction;
use jsonrpsee::{Methods, RpcModule, server::RegisterMethodError, types::ErrorObjectOwned};

use crate::{Backend, catalogue::Namespace};

/// A transaction as `eth_getTransactionByHash` answers it.
pub type RpcTransaction = alloy_rpc_types_eth::Transaction<Transaction>;
/// A header as `eth_getHeaderByNumber` answers it.
pub type RpcHeader = alloy_rpc_types_eth::Header;
/// A block as `eth_getBlockByNumber` answers it.
pub type RpcBlock = alloy_rpc_types_eth::Block<RpcTransaction>;
/// A receipt as `eth_getTransactionReceipt` answers it.
pub type RpcReceipt = alloy_rpc_types_eth::TransactionReceipt;
/// A log as `eth_getLogs` answers it.
pub type RpcLog = alloy_rpc_types_eth::Log;

/// Implements every namespace on one backend.
#[derive(Clone)]
pub(crate) struct Api(pub(crate) Arc<Backend>);

/// The methods of `namespaces`, ready to be served. `rollup` and `dev` are left out where the backend has no such part.
pub(crate) fn methods(backend: &Arc<Backend>, namespaces: &[Namespace]) -> Result<Methods, RegisterMethodError> {
    let mut all = Methods::new();
    let mut versions = BTreeMap::new();
    for namespace in namespaces {
        let api = || Api(Arc::clone(backend));
        let part: Methods = match namespace {
            Namespace::Eth => {
                let mut methods: Methods = eth::EthServer::into_rpc(api()).into();
                methods.merge(subscribe::SubscribeServer::into_rpc(api()))?;
                methods
            }
            Namespace::Net => net::NetServer::into_rpc(api()).into(),
            Namespace::Web3 => web3::Web3Server::into_rpc(api()).into(),
            Namespace::Txpool => txpool::TxpoolServer::into_rpc(api()).into(),
            Namespace::Debug => debug::DebugServer::into_rpc(api()).into(),
            Namespace::Rollup if backend.rollup.is_some() => rollup::RollupServer::into_rpc(api()).into(),
            Namespace::Dev if backend.dev.is_some() => dev::DevServer::into_rpc(api()).into(),
            Namespace::Rollup | Namespace::Dev => continue,
        };
        all.merge(part)?;
        versions.insert(namespace.name(), "1.0");
    }
    let mut module = RpcModule::new(versions);
    versions_method(&mut module)?;
    all.merge(module)?;
    Ok(all)
}

fn versions_method(module: &mut RpcModule<BTreeMap<&'static str, &'static str>>) -> Result<(), RegisterMethodError> {
    module.register_method("rpc_modules", |_, versions, _| Ok::<_, ErrorObjectOwned>(versions.clone()))?;
    Ok(())
}
