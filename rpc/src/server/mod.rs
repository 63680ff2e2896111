//! The server: one port for HTTP and WebSocket.

mod archive;
mod gate;
mod guard;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use jsonrpsee::{
    Methods,
    core::{middleware::RpcServiceBuilder, traits::IdProvider},
    server::{BatchRequestConfig, PingConfig, RegisterMethodError, Server, ServerConfig, ServerHandle},
    types::SubscriptionId,
};
use tokio::{sync::watch, task::JoinHandle};
use tower_http::cors::{Any, CorsLayer};

use crate::{Backend, api, catalogue::Namespace, eth::news};

/// Which web pages may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cors {
    /// None but those of the server's own origin.
    None,
    /// All.
    Any,
    /// These origins, such as `https://wallet.example`.
    Origins(Vec<String>),
}

/// How the server is reached and what it serves.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Namespaces served; those that the backend has no part for are left out.
    pub namespaces: Vec<Namespace>,
    /// Which web pages may call.
    pub cors: Cors,
    /// Host names (without port) that requests may name; empty for all. Names protect a local node from web pages
    /// that point their own name at 127.0.0.1 (DNS rebinding); IP addresses are always allowed.
    pub hosts: Vec<String>,
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another program listens there.
    #[error("RPC port {} is in use: stop the other program or choose another port with --http.port", listen.port())]
    PortInUse {
        /// Where it was to listen.
        listen: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {listen} for RPC: {source} (--http.addr, --http.port)")]
    Listen {
        /// Where it was to listen.
        listen: SocketAddr,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// An origin is no value for an HTTP header.
    #[error("{origin:?} is no origin for --http.corsdomain")]
    Origin {
        /// As given.
        origin: String,
    },
    /// Two methods have one name: a fault of this crate.
    #[error("methods do not register: {0}")]
    Register(#[from] RegisterMethodError),
}

/// A server that runs until [`Running::stop`], or until it is dropped.
#[derive(Debug)]
pub struct Running {
    /// Where it listens, with the port it took.
    pub address: SocketAddr,
    handle: ServerHandle,
    stop: watch::Sender<bool>,
    follow: JoinHandle<()>,
}

impl Running {
    /// Stops accepting, ends subscriptions, and returns when the server's tasks are done or `patience` is over.
    pub async fn stop(self, patience: Duration) {
        // A server that stopped by itself is what is wanted.
        let _ = self.stop.send(true);
        let _ = self.handle.stop();
        let done = async {
            self.handle.stopped().await;
            let _ = self.follow.await;
        };
        if tokio::time::timeout(patience, done).await.is_err() {
            tracing::warn!(target: "rpc", "RPC connections were still open after {patience:?}");
        }
    }
}

/// Starts serving `backend`. Returns when the port is open.
pub async fn serve(backend: Arc<Backend>, config: Config) -> Result<Running, ServeError> {
    serve_with(backend, config, Methods::new()).await
}

/// As [`serve`], with `more` methods on the same port: those of the program around the server, such as a devnet's controls.
///
/// # Errors
/// [`ServeError::Register`] when one of them has a name that is taken.
pub async fn serve_with(backend: Arc<Backend>, config: Config, more: Methods) -> Result<Running, ServeError> {
    let mut methods = api::methods(&backend, &config.namespaces)?;
    methods.merge(more)?;
    let limits = backend.limits.clone();
    let gate = gate::GateLayer::new(methods.method_names(), limits.call_time, limits.response_bytes as usize);
    let server_config = ServerConfig::builder()
        .max_request_body_size(limits.request_bytes)
        .max_response_body_size(limits.response_bytes)
        .max_connections(limits.connections)
        .max_subscriptions_per_connection(limits.subscriptions_per_connection)
        .set_batch_request_config(BatchRequestConfig::Limit(limits.batch_calls))
        .set_message_buffer_capacity(limits.connection_backlog)
        .enable_ws_ping(PingConfig::new())
        .set_first_request_timeout(Some(limits.receive_time))
        .set_id_provider(HexIds)
        .set_tcp_no_delay(true)
        .build();
    let has_archive = backend.rollup.is_some() && config.namespaces.contains(&Namespace::Rollup);
    let http = tower::ServiceBuilder::new()
        .option_layer(cors(&config.cors)?)
        .layer(guard::GuardLayer::new(config.hosts, limits.receive_time + limits.call_time))
        .option_layer(has_archive.then(|| archive::ArchiveLayer::new(backend.clone())));
    let built = Server::builder()
        .set_config(server_config)
        .set_http_middleware(http)
        .set_rpc_middleware(RpcServiceBuilder::new().layer(gate))
        .build(config.listen)
        .await;
    let server = built.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => ServeError::PortInUse { listen: config.listen },
        _ => ServeError::Listen { listen: config.listen, source },
    })?;
    let address = server.local_addr().map_err(|source| ServeError::Listen { listen: config.listen, source })?;
    let (stop, stopping) = watch::channel(false);
    let follow = tokio::spawn(news::Follower::new(backend).await.run(stopping));
    let handle = server.start(methods);
    Ok(Running { address, handle, stop, follow })
}

fn cors(cors: &Cors) -> Result<Option<CorsLayer>, ServeError> {
    let base = CorsLayer::new().allow_methods(Any).allow_headers(Any);
    Ok(match cors {
        Cors::None => None,
        Cors::Any => Some(base.allow_origin(Any)),
        Cors::Origins(origins) => {
            let parse = |origin: &String| origin.parse().map_err(|_| ServeError::Origin { origin: origin.clone() });
            Some(base.allow_origin(origins.iter().map(parse).collect::<Result<Vec<_>, _>>()?))
        }
    })
}

/// Subscription ids as hex strings, which is what Ethereum's clients expect.
#[derive(Debug)]
struct HexIds;

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        format!("{:#x}", rand::random::<u128>()).into()
    }
}
