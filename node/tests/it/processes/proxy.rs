//! Something between a node and an endpoint that can misbehave on request. Must not know who asks.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What a proxy does with what passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Knows no transaction by its hash.
    NoTransactions,
    /// Answers have a wrong byte.
    WrongByte,
}

/// An HTTP proxy. It ends when this is dropped.
pub(crate) struct Proxy {
    pub(crate) url: String,
    fault: Arc<AtomicU8>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// In front of `target`, a URL without a path.
    pub(crate) async fn start(target: &str, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let fault = Arc::new(AtomicU8::new(fault as u8));
        let (target, current) = (target.trim_end_matches('/').to_owned(), fault.clone());
        let task = tokio::spawn(async move {
            let client = reqwest::Client::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                tokio::spawn(pass(stream, client.clone(), target.clone(), current.clone()));
            }
        });
        Self { url, fault, task }
    }

    pub(crate) fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request, one answer.
async fn pass(mut stream: TcpStream, client: reqwest::Client, target: String, fault: Arc<AtomicU8>) {
    let Some((head, body)) = request(&mut stream).await else { return };
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let fault = fault.load(Ordering::SeqCst);
    let (status, mut answer) = if fault == Fault::NoTransactions as u8
        && let Some(refused) = without_transactions(&body)
    {
        (200, refused)
    } else {
        let request = client.request(method.parse().unwrap(), format!("{target}{path}"));
        let sent = request.header("content-type", "application/json").body(body).send().await;
        let Ok(sent) = sent else { return };
        (sent.status().as_u16(), sent.bytes().await.unwrap_or_default().to_vec())
    };
    if fault == Fault::WrongByte as u8
        && let Some(byte) = answer.last_mut()
    {
        *byte ^= 1;
    }
    let head = format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        answer.len()
    );
    // Whoever asked may have gone.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&answer).await;
}

fn without_transactions(body: &[u8]) -> Option<Vec<u8>> {
    let request: serde_json::Value = serde_json::from_slice(body).ok()?;
    let answer = serde_json::json!({ "jsonrpc": "2.0", "id": request["id"], "result": null });
    (request["method"] == "eth_getTransactionByHash").then(|| answer.to_string().into_bytes())
}

async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = vec![0; 65_536];
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let lower = head.to_lowercase();
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
        if bytes.len() >= end + 4 + length {
            return Some((head, bytes[end + 4..].to_vec()));
        }
    }
}

/// Hands bytes through, whatever they are, until it is cut. It ends when this is dropped.
pub(crate) struct Pipe {
    pub(crate) address: SocketAddr,
    open: Arc<std::sync::Mutex<Vec<JoinHandle<()>>>>,
    task: JoinHandle<()>,
}

impl Pipe {
    pub(crate) async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let open: Arc<std::sync::Mutex<Vec<JoinHandle<()>>>> = Arc::default();
        let connections = open.clone();
        let task = tokio::spawn(async move {
            loop {
                let Ok((mut ours, _)) = listener.accept().await else { return };
                let connection = tokio::spawn(async move {
                    let Ok(mut theirs) = TcpStream::connect(target).await else { return };
                    // An end, of either side, is an end.
                    let _ = tokio::io::copy_bidirectional(&mut ours, &mut theirs).await;
                });
                connections.lock().unwrap().push(connection);
            }
        });
        Self { address, open, task }
    }

    /// Drops all open connections; new ones are welcome.
    pub(crate) fn cut(&self) {
        for connection in self.open.lock().unwrap().drain(..) {
            connection.abort();
        }
    }
}

impl Drop for Pipe {
    /// Nobody is there any more.
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}
