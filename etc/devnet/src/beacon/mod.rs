//! The beacon API (HTTP, <https://ethereum.github.io/beacon-APIs>), as much of it as nodes of a rollup ask for: genesis,
//! spec, headers, blobs, proposer duties, node status. Numbers are decimal strings, errors are `{code, message}`.
//! Must not know how blocks are made.

mod block;
mod query;

use std::{future::Future, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use alloy_primitives::{B256, keccak256};

pub use block::{beacon_header, beacon_root, slot};
pub use query::{BlockId, QueryError, ROOT_LOOKBACK, VERSIONED_HASHES_MAX};

use crate::{chain::Devnet, validators};

/// The fork version of every epoch; the chain has one fork from its genesis on.
const FORK_VERSION: &str = "0x70000001";

/// Serves until `stopped` is done, and then finishes what it has begun to answer.
pub(crate) async fn serve(
    listener: TcpListener,
    devnet: Arc<Devnet>,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(devnet)).with_graceful_shutdown(stopped).await
}

fn router(devnet: Arc<Devnet>) -> Router {
    Router::new()
        .route("/eth/v1/beacon/genesis", get(genesis))
        .route("/eth/v1/config/spec", get(spec))
        .route("/eth/v1/beacon/headers/{block_id}", get(header))
        .route("/eth/v1/beacon/blobs/{block_id}", get(blobs))
        .route("/eth/v1/validator/duties/proposer/{epoch}", get(duties))
        .route("/eth/v1/node/syncing", get(syncing))
        .route("/eth/v1/node/health", get(async || StatusCode::OK))
        .route("/eth/v1/node/version", get(version))
        .fallback(async || Failure { status: StatusCode::NOT_FOUND, message: "Not found: no such route".into() })
        .method_not_allowed_fallback(async || Failure {
            status: StatusCode::METHOD_NOT_ALLOWED,
            message: "Method not allowed: this API is read by GET".into(),
        })
        .layer(tower_http::cors::CorsLayer::permissive())
        .with_state(devnet)
}

/// An error as the API has it.
struct Failure {
    status: StatusCode,
    message: String,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = json!({ "code": self.status.as_u16(), "message": self.message });
        (self.status, Json(body)).into_response()
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        let status = match &error {
            QueryError::BlockId(_)
            | QueryError::VersionedHash(_)
            | QueryError::Epoch(_)
            | QueryError::TooManyHashes(_)
            | QueryError::BeyondLookahead { .. } => StatusCode::BAD_REQUEST,
            QueryError::NotFound => StatusCode::NOT_FOUND,
            QueryError::Storage(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if let QueryError::Storage(error) = &error {
            tracing::error!(target: "devnet", %error, "a beacon API answer failed by our own fault");
        }
        Self { status, message: error.to_string() }
    }
}

/// Answers from the chain, which reads from disk, on a thread that may block.
async fn answer<T: serde::Serialize + Send + 'static>(
    devnet: Arc<Devnet>,
    query: impl FnOnce(&Devnet) -> Result<T, QueryError> + Send + 'static,
) -> Result<Response, Failure> {
    let answer = tokio::task::spawn_blocking(move || query(&devnet)).await;
    let failed = |error: tokio::task::JoinError| Failure {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        message: format!("Internal error: {error}"),
    };
    Ok(Json(answer.map_err(failed)??).into_response())
}

async fn genesis(State(devnet): State<Arc<Devnet>>) -> Json<Value> {
    Json(json!({ "data": {
        "genesis_time": devnet.clock.slots.genesis_time.to_string(),
        "genesis_validators_root": validators_root(),
        "genesis_fork_version": FORK_VERSION,
    }}))
}

async fn spec(State(devnet): State<Arc<Devnet>>) -> Json<Value> {
    let slot_s = devnet.clock.slots.slot_s;
    let blobs = devnet.blob_params(devnet.clock.slots.timestamp(devnet.clock.slot()));
    let mut data = json!({
        "CONFIG_NAME": "basalt-devnet",
        "PRESET_BASE": "mainnet",
        "SECONDS_PER_SLOT": slot_s.to_string(),
        "SLOT_DURATION_MS": slot_s.saturating_mul(1_000).to_string(),
        "SLOTS_PER_EPOCH": validators::SLOTS_PER_EPOCH.to_string(),
        "MIN_GENESIS_TIME": devnet.clock.slots.genesis_time.to_string(),
        "GENESIS_DELAY": "0",
        "GENESIS_FORK_VERSION": FORK_VERSION,
        "MIN_SEED_LOOKAHEAD": "1",
        "DEPOSIT_CHAIN_ID": devnet.spec.chain_id.to_string(),
        "DEPOSIT_NETWORK_ID": devnet.spec.chain_id.to_string(),
        "FIELD_ELEMENTS_PER_BLOB": "4096",
        "MAX_BLOBS_PER_BLOCK": blobs.max_blob_count.to_string(),
        "MAX_BLOBS_PER_BLOCK_ELECTRA": blobs.max_blob_count.to_string(),
        "BLOB_SCHEDULE": [{ "EPOCH": "0", "MAX_BLOBS_PER_BLOCK": blobs.max_blob_count.to_string() }],
        "NUMBER_OF_COLUMNS": "128",
        "MIN_EPOCHS_FOR_BLOB_SIDECARS_REQUESTS":
            (devnet.config.blob_retention / validators::SLOTS_PER_EPOCH).to_string(),
    });
    for fork in ["ALTAIR", "BELLATRIX", "CAPELLA", "DENEB", "ELECTRA", "FULU", "GLOAS"] {
        data[format!("{fork}_FORK_EPOCH")] = json!("0");
        data[format!("{fork}_FORK_VERSION")] = json!(FORK_VERSION);
    }
    Json(json!({ "data": data }))
}

async fn header(State(devnet): State<Arc<Devnet>>, Path(id): Path<String>) -> Result<Response, Failure> {
    let id = id.parse()?;
    answer(devnet, move |devnet| devnet.beacon_header(id)).await
}

async fn blobs(
    State(devnet): State<Arc<Devnet>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let id = id.parse()?;
    let only = versioned_hashes(query.as_deref().unwrap_or_default())?;
    answer(devnet, move |devnet| devnet.beacon_blobs(id, only.as_deref())).await
}

async fn duties(State(devnet): State<Arc<Devnet>>, Path(epoch): Path<String>) -> Result<Response, Failure> {
    let epoch = epoch.parse().map_err(|_| QueryError::Epoch(epoch.chars().take(80).collect()))?;
    answer(devnet, move |devnet| devnet.proposer_duties(epoch)).await
}

async fn syncing(State(devnet): State<Arc<Devnet>>) -> Json<Value> {
    let head = slot(devnet.chain.head().header());
    // Whoever makes the chain is at its head, also while slots stay empty.
    Json(json!({ "data": {
        "head_slot": head.to_string(),
        "sync_distance": "0",
        "is_syncing": false,
        "is_optimistic": false,
        "el_offline": false,
    }}))
}

async fn version() -> Json<Value> {
    let version =
        format!("basalt-devnet/v{}/{}-{}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH, std::env::consts::OS);
    Json(json!({ "data": { "version": version } }))
}

/// Any fixed hash of the validator set.
fn validators_root() -> B256 {
    keccak256(validators::all().flat_map(|validator| validator.pubkey.0).collect::<Vec<u8>>())
}

/// `versioned_hashes=a,b` and `versioned_hashes=a&versioned_hashes=b`, both in use. `None` without the parameter.
fn versioned_hashes(query: &str) -> Result<Option<Vec<B256>>, QueryError> {
    let mut hashes: Option<Vec<B256>> = None;
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        if name != "versioned_hashes" {
            continue;
        }
        let list = hashes.get_or_insert_default();
        // Clients that encode the comma write %2C.
        for text in value.replace("%2C", ",").replace("%2c", ",").split(',').filter(|text| !text.is_empty()) {
            let hash = text.parse().map_err(|_| QueryError::VersionedHash(text.chars().take(80).collect()))?;
            list.push(hash);
        }
        if list.len() > VERSIONED_HASHES_MAX {
            return Err(QueryError::TooManyHashes(list.len()));
        }
    }
    Ok(hashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versioned_hashes_may_be_a_list_or_repeated() {
        let (a, b) = (B256::repeat_byte(1), B256::repeat_byte(2));
        assert_eq!(versioned_hashes("").unwrap(), None);
        assert_eq!(versioned_hashes("other=1").unwrap(), None);
        assert_eq!(versioned_hashes("versioned_hashes=").unwrap(), Some(vec![]));
        for query in [
            format!("versioned_hashes={a},{b}"),
            format!("versioned_hashes={a}%2C{b}"),
            format!("x=1&versioned_hashes={a}&versioned_hashes={b}"),
        ] {
            assert_eq!(versioned_hashes(&query).unwrap(), Some(vec![a, b]), "{query}");
        }
        assert!(versioned_hashes("versioned_hashes=0x12").is_err());
        let many = vec![a.to_string(); VERSIONED_HASHES_MAX + 1].join(",");
        assert!(matches!(versioned_hashes(&format!("versioned_hashes={many}")), Err(QueryError::TooManyHashes(129))));
    }

    #[test]
    fn blocks_are_named_by_word_slot_or_root() {
        assert_eq!("head".parse::<BlockId>().unwrap(), BlockId::Head);
        assert_eq!("17".parse::<BlockId>().unwrap(), BlockId::Slot(17));
        let root = B256::repeat_byte(3);
        assert_eq!(root.to_string().parse::<BlockId>().unwrap(), BlockId::Root(root));
        for wrong in ["", "-1", "+1", "latest", "0x12", "99999999999999999999"] {
            assert!(wrong.parse::<BlockId>().is_err(), "{wrong}");
        }
    }
}
