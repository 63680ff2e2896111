//! The server itself: unknown methods, batches, ports, origins, hosts, limits.

use std::time::Duration;

use serde_json::{Value, json};

use super::world::World;
use crate::{Config, Cors, Limits, ServeError, catalogue::Namespace};

#[tokio::test]
async fn unknown_and_disabled_methods_are_told_apart_in_known_words() {
    let world = World::rollup();
    let client = world.serve_with(Limits::default(), |config| config.namespaces = vec![Namespace::Eth]).await;
    let cases = [
        ("eth_fooBar", "the method eth_fooBar does not exist/is not available"),
        (
            "debug_getRawBlock",
            "the method debug_getRawBlock does not exist/is not available: enable with --http.api debug",
        ),
        (
            "eth_subscribe",
            "the method eth_subscribe does not exist/is not available: notifications not supported over HTTP, connect by WebSocket",
        ),
    ];
    for (method, text) in cases {
        let (code, seen, _) = client.refused(method, json!(["newHeads"])).await;
        assert_eq!((code, seen.as_str()), (-32601, text));
    }
}

#[tokio::test]
async fn batches_answer_in_order_and_have_a_limit() {
    let world = World::rollup();
    let client = world.serve_with(Limits { batch_calls: 3, ..Default::default() }, |_| {}).await;
    let call = |id: Value, method: &str| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": [] });
    let batch = json!([call(json!(7), "eth_chainId"), call(json!("x"), "nope"), { "jsonrpc": "2.0" }]);
    let answer = client.post(&batch).await;
    assert_eq!((&answer[0]["id"], &answer[0]["result"]), (&json!(7), &json!("0x1edd")));
    assert_eq!((&answer[1]["id"], &answer[1]["error"]["code"]), (&json!("x"), &json!(-32601)));
    assert_eq!(answer[2]["error"]["code"], -32600);
    assert_eq!(client.post(&json!([])).await["error"]["code"], -32600);
    let long: Vec<_> = (0..4).map(|id| call(json!(id), "eth_chainId")).collect();
    let answer = client.post(&json!(long)).await;
    assert!(answer["error"]["message"].as_str().unwrap().contains("batch"), "{answer}");
    // viem's keep-alive has a null id and wants an answer.
    assert_eq!(client.post(&call(json!(null), "net_version")).await["result"], "7901");
}

#[tokio::test]
async fn what_cannot_be_understood_is_not_our_fault() {
    let world = World::rollup();
    let client = world.serve().await;
    let post = |body: &'static str| {
        let request = client.http.post(client.url()).header("content-type", "application/json").body(body);
        async move { request.send().await.unwrap().json::<Value>().await.unwrap()["error"]["code"].clone() }
    };
    assert_eq!(post("{").await, -32700);
    assert_eq!(post("{\"jsonrpc\":\"2.0\",\"id\":1}").await, -32600);
    assert_eq!(client.refused("eth_getBalance", json!(["0x12"])).await.0, -32602);
    assert_eq!(client.refused("eth_getBlockByNumber", json!(["newest", false])).await.0, -32602);
    assert_eq!(client.refused("eth_call", json!([])).await.0, -32602);
}

#[tokio::test]
async fn a_busy_port_names_the_flag() {
    let world = World::rollup();
    let client = world.serve().await;
    let config =
        Config { listen: client.running.address, namespaces: vec![Namespace::Eth], cors: Cors::None, hosts: vec![] };
    let error = crate::serve(world.backend(Limits::default()), config).await.unwrap_err();
    assert!(matches!(error, ServeError::PortInUse { .. }) && error.to_string().contains("--http.port"), "{error}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let world = World::rollup();
    let client = world.serve_with(Limits { request_bytes: 1_000, ..Default::default() }, |_| {}).await;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "web3_sha3", "params": ["00".repeat(2_000)] });
    let answer = client.http.post(client.url()).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 413);
}

#[tokio::test]
async fn pages_may_call_from_listed_origins_only() {
    let world = World::rollup();
    let origins = Cors::Origins(vec!["https://wallet.example".into()]);
    let client = world.serve_with(Limits::default(), |config| config.cors = origins).await;
    for (origin, allowed) in [("https://wallet.example", true), ("https://evil.example", false)] {
        let request = client.http.request(reqwest::Method::OPTIONS, client.url());
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers().contains_key("access-control-allow-origin"), allowed, "{origin}");
    }
}

#[tokio::test]
async fn a_host_that_is_not_listed_is_refused() {
    let world = World::rollup();
    let client = world.serve_with(Limits::default(), |config| config.hosts = vec!["localhost".into()]).await;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": [] });
    for (host, status) in [("evil.example", 403), ("localhost:8545", 200), ("127.0.0.1:1", 200)] {
        let request = client.http.post(client.url()).header("host", host).json(&body);
        assert_eq!(request.send().await.unwrap().status(), status, "{host}");
    }
}

#[tokio::test]
async fn a_stopped_server_is_gone() {
    let world = World::rollup();
    let client = world.serve().await;
    let (url, http) = (client.url(), client.http.clone());
    client.running.stop(Duration::from_secs(5)).await;
    assert!(http.post(url).body("{}").send().await.is_err());
}
