use super::*;
use alloy_consensus::TxEip1559;
use alloy_primitives::{U256, address, bytes, hex};
use std::{fs, path::Path, time::Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Password and key of the format's own test vectors (Web3 Secret Storage Definition), and the account of the key.
const PASSWORD: &str = "testpassword";
const KEY: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
const ADDRESS: Address = address!("0x008aeeda4d805471df9b2a5b0f38a0c3bcba786b");

/// The vector for PBKDF2.
const PBKDF2: &str = r#"{"crypto": {"cipher": "aes-128-ctr", "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
    "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46", "kdf": "pbkdf2", "kdfparams": {"c": 262144,
    "dklen": 32, "prf": "hmac-sha256", "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
    "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},
    "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6", "version": 3}"#;

/// The vector for scrypt, whose n is too large for its r by RFC 7914.
const SCRYPT: &str = r#"{"crypto": {"cipher": "aes-128-ctr", "cipherparams": {"iv": "83dbcc02d8ccb40e466191a123791e0e"},
    "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c", "kdf": "scrypt", "kdfparams": {"dklen": 32,
    "n": 262144, "r": 1, "p": 8, "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"},
    "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"},
    "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6", "version": 3}"#;

/// The same with the numbers that geth writes today, derived by OpenSSL.
const GETH: &str = r#"{"address":"008aeeda4d805471df9b2a5b0f38a0c3bcba786b","crypto":{"cipher":"aes-128-ctr",
    "ciphertext":"83f54b5d1c6383e0c698ff36693a7fdd7eab96027033484d31d4f4ba3f00b266",
    "cipherparams":{"iv":"01a22d8574d4c199f6e1fdc6d13ae23b"},"kdf":"scrypt","kdfparams":{"dklen":32,"n":262144,"p":1,"r":8,
    "salt":"07f13e68f17c1810642156fc3fea7f62c26c761fc88f0163c8ca8bbab1670a27"},
    "mac":"e09b323695c287f55b7a4ff7f04021197decaf5325a2991fb215a131c3c980cf"},"id":"41a50dbe-fdb6-47ee-b2f6-38dc292c68cf",
    "version":3}"#;

/// What `cast wallet import` (1.7.1) made of the same key and password; small enough to be derived often.
const CAST: &str = r#"{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"8e0886d672009ecf1ff2b147989e8758"},
    "ciphertext":"98fd9bc4c5e3c6441d956b7c1cea7f7cbe57222ba3b55bc9557ed8e6016ce3b9","kdf":"scrypt","kdfparams":{"dklen":32,"n":8192,
    "p":1,"r":8,"salt":"0cdfe3c781d03a7a042b8da01a760e452bbe15f81ad99595da06f69c92cc2e34"},
    "mac":"4a33d904028d75901374a83178f3ba14de60123d9da071cb018933069c5cba1c"},"id":"a3458560-02cf-4a66-b088-f3f00b382eb9","version":3}"#;

fn transaction() -> TxEip1559 {
    TxEip1559 { chain_id: 1, nonce: 7, input: bytes!("0x1234"), value: U256::from(5), ..Default::default() }
}

async fn open(folder: &Path, keystore: &str, password: &str) -> Result<Signer, SignerError> {
    let (path, password_file) = (folder.join("keystore"), folder.join("password"));
    fs::write(&path, keystore).unwrap();
    fs::write(&password_file, password).unwrap();
    Signer::open(&KeySource::Keystore { path, password_file }).await
}

#[tokio::test]
async fn keystores_of_the_format_and_of_cast_give_their_key() {
    let folder = tempfile::tempdir().unwrap();
    for keystore in [PBKDF2, GETH, CAST] {
        let signer = open(folder.path(), keystore, &format!("{PASSWORD}\nsecond line\n")).await.unwrap();
        assert_eq!(signer.address(), ADDRESS);
        let signed = signer.sign(transaction()).await.unwrap();
        assert_eq!(signed.recover_signer().unwrap(), ADDRESS);
        assert_eq!(signer.sign_blocking(transaction()).unwrap(), signed);
    }
}

#[tokio::test]
async fn a_keystore_that_is_none_or_asks_for_too_much_is_refused_by_its_fault() {
    let folder = tempfile::tempdir().unwrap();
    let check = async |from: &str, to: &str, expected: &str| {
        let changed = CAST.replace(from, to);
        assert!(changed != CAST || from == to, "{from}");
        let error = open(folder.path(), &changed, PASSWORD).await.unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains(PASSWORD) && !error.contains("98fd"), "{error}");
    };
    check("\"version\":3", "\"version\":1", "only version 3").await;
    check("aes-128-ctr", "aes-256-ctr", "only the cipher aes-128-ctr").await;
    check("8e0886d672009ecf1ff2b147989e8758", "8e08", "iv, ciphertext and mac").await;
    check("\"mac\":\"4a", "\"mac\":\"0x4a", "iv, ciphertext and mac").await;
    check("\"dklen\":32", "\"dklen\":16", "dklen must be 32").await;
    check("\"n\":8192", "\"n\":8191", "power of two").await;
    check("\"n\":8192", "\"n\":4294967296", "more than 1 GiB").await;
    check("\"r\":8", "\"r\":4000000000", "more than 1 GiB").await;
    check("\"p\":1", "\"p\":17", "more than 16 rounds").await;
    check("\"kdf\":\"scrypt\"", "\"kdf\":\"argon2\"", "only the derivations").await;
    check("\"n\":8192", "\"n\":8192,\"c\":4294967295,\"prf\":\"hmac-sha256\"", "both derivations").await;
    check("{\"crypto\"", "[\"crypto\"", "no JSON").await;
    let error = open(folder.path(), SCRYPT, PASSWORD).await.unwrap_err().to_string();
    assert!(error.contains("RFC 7914"), "{error}");
    let rounds = PBKDF2.replace("262144", "4294967295");
    let error = open(folder.path(), &rounds, PASSWORD).await.unwrap_err().to_string();
    assert!(error.contains("10,000,000 rounds"), "{error}");
    let error = open(folder.path(), CAST, "another").await.unwrap_err().to_string();
    assert!(error.contains("wrong password") && !error.contains("another"), "{error}");
    let other = CAST.replacen('{', r#"{"address": "0000000000000000000000000000000000000001","#, 1);
    let error = open(folder.path(), &other, PASSWORD).await.unwrap_err();
    assert!(matches!(error, SignerError::Keystore(KeystoreError::OtherAccount { .. })), "{error}");
    let error = open(folder.path(), &" ".repeat(20_000), PASSWORD).await.unwrap_err();
    assert!(matches!(error, SignerError::Keystore(KeystoreError::TooLong { .. })), "{error}");
}

#[test]
fn a_key_never_shows_in_debug_output_or_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, format!("0x{KEY}\n")).unwrap();
    let signer = Signer::from_file(&path).unwrap();
    assert_eq!(format!("{signer:?}"), format!("Signer({ADDRESS})"));
    for wrong in [format!("{KEY}00"), KEY.repeat(10)] {
        fs::write(&path, wrong).unwrap();
        let error = Signer::from_file(&path).unwrap_err().to_string();
        assert!(error.contains("64 hexadecimal digits") && !error.contains("7a28"), "{error}");
    }
}

/// How a signer in a test behaves.
#[derive(Clone, Copy, Debug)]
enum Behaviour {
    Honest,
    /// Another key than the one it was asked for.
    OtherKey,
    /// The right key, over other bytes.
    OtherData,
    UpperS,
    Huge,
    Silent,
    NoSignature,
    Failing,
    Keyless,
}

/// A signer behind HTTP with the key of the vectors.
async fn fake(behaviour: Behaviour) -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/base", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let request = read_request(&mut stream).await;
                let (status, body) = answer(&request, behaviour);
                if matches!(behaviour, Behaviour::Silent) && request.starts_with("POST") {
                    std::future::pending::<()>().await;
                }
                let head =
                    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                // Whoever asked may have gone.
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(body.as_bytes()).await;
            });
        }
    });
    url
}

async fn read_request(stream: &mut tokio::net::TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        let mut chunk = [0; 4_096];
        let read = stream.read(&mut chunk).await.unwrap();
        request.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return text;
        }
    }
}

fn answer(request: &str, behaviour: Behaviour) -> (u16, String) {
    use alloy_primitives::keccak256;
    use alloy_signer::SignerSync;
    let key: PrivateKeySigner = KEY.parse().unwrap();
    let public = hex::encode_prefixed(&key.public_key()[..]);
    if request.starts_with("GET /base/api/v1/eth1/publicKeys ") {
        return match behaviour {
            Behaviour::Keyless => (200, "[\"0x1234\"]".to_owned()),
            Behaviour::Failing => (503, String::new()),
            _ => (200, format!("[\"0x1234\", \"{public}\"]")),
        };
    }
    assert!(request.starts_with(&format!("POST /base/api/v1/eth1/sign/{public} ")), "{request}");
    let body: serde_json::Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    let data = hex::decode(body["data"].as_str().unwrap()).unwrap();
    let mut signature = key.sign_hash_sync(&keccak256(&data)).unwrap();
    match behaviour {
        Behaviour::OtherKey => {
            let other: PrivateKeySigner = "01".repeat(32).parse().unwrap();
            signature = other.sign_hash_sync(&keccak256(&data)).unwrap();
        }
        Behaviour::OtherData => signature = key.sign_hash_sync(&keccak256([&data[..], &[0]].concat())).unwrap(),
        Behaviour::UpperS => {
            let order =
                alloy_primitives::uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);
            signature = Signature::new(signature.r(), order - signature.s(), !signature.v());
        }
        Behaviour::Huge => return (200, "0".repeat(10_000_000)),
        Behaviour::NoSignature => return (200, "0x1234".to_owned()),
        Behaviour::Failing => return (500, "out of order".to_owned()),
        _ => {}
    }
    (200, hex::encode_prefixed(signature.as_bytes()))
}

async fn remote(behaviour: Behaviour) -> Result<Signer, SignerError> {
    Signer::open(&KeySource::Remote { url: fake(behaviour).await, address: ADDRESS }).await
}

#[tokio::test]
async fn a_remote_signer_signs_as_the_key_itself_would() {
    let signer = remote(Behaviour::Honest).await.unwrap();
    let signed = signer.sign(transaction()).await.unwrap();
    assert_eq!(signed.recover_signer().unwrap(), ADDRESS);
    let folder = tempfile::tempdir().unwrap();
    let local = open(folder.path(), CAST, PASSWORD).await.unwrap();
    assert_eq!(local.sign(transaction()).await.unwrap(), signed);
    let blocking = tokio::task::spawn_blocking(move || signer.sign_blocking(transaction()));
    assert_eq!(blocking.await.unwrap().unwrap(), signed);
}

#[tokio::test]
async fn what_a_remote_signer_gets_wrong_is_found_and_named() {
    for (behaviour, expected, is_lie) in [
        (Behaviour::OtherKey, "not of 0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b", true),
        (Behaviour::OtherData, "not of 0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b", true),
        (Behaviour::UpperS, "upper s", true),
        (Behaviour::Huge, "more than 1024 bytes", true),
        (Behaviour::NoSignature, "not 65 bytes", true),
        (Behaviour::Failing, "HTTP 503", false),
    ] {
        let signer = remote(behaviour).await.unwrap();
        let error = signer.sign(transaction()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{behaviour:?}: {error}");
        assert_eq!(error.is_lie(), is_lie, "{behaviour:?}: {error}");
    }
    let error = remote(Behaviour::Keyless).await.unwrap_err().to_string();
    assert!(error.contains("has no key of account"), "{error}");
}

#[tokio::test]
async fn a_silent_signer_is_waited_for_no_longer_than_its_time() {
    let signer = remote(Behaviour::Silent).await.unwrap();
    let since = Instant::now();
    let error = signer.sign(transaction()).await.unwrap_err();
    assert!(matches!(error, SignError::Unreachable { .. }), "{error}");
    assert!(since.elapsed() < SIGNER_TIMEOUT * 2, "{:?}", since.elapsed());
    // One that is not there at the start is no reason not to start.
    let nowhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://user:secret@{nowhere}").parse().unwrap();
    let signer = Signer::open(&KeySource::Remote { url, address: ADDRESS }).await.unwrap();
    let error = signer.sign(transaction()).await.unwrap_err().to_string();
    assert!(!error.contains("secret"), "{error}");
}
