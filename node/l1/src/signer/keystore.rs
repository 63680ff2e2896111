//! Encrypted key files: Web3 Secret Storage, version 3, as geth, cast and most wallets write it. The library that decrypts
//! takes a file's numbers as they are, so they are looked at here first. No error repeats what a file holds.

use alloy_primitives::{Address, hex};
use alloy_signer_local::PrivateKeySigner;
use serde::Deserialize;
use std::{
    io::Read,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Most bytes of a keystore; one of geth's has 500.
const KEYSTORE_BYTES_MAX: u64 = 16_384;

/// Most bytes of a file with a password.
const PASSWORD_BYTES_MAX: u64 = 4_096;

/// Most memory that scrypt may be told to take, bytes (`128 * n * r`): four times what geth's own files ask for.
const SCRYPT_BYTES_MAX: u64 = 1 << 30;

/// Most rounds over that memory; geth asks for 1, the format's test vector for 8.
const SCRYPT_PARALLEL_MAX: u32 = 16;

/// Most rounds of PBKDF2, some ten seconds; the format's test vector asks for 262,144.
const PBKDF2_ROUNDS_MAX: u32 = 10_000_000;

/// Bytes of the derived key: 16 to decrypt, 16 to check.
const DERIVED_BYTES: u32 = 32;

/// Why a keystore gives no key.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// A file can't be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is longer than any of its kind.
    #[error("{}: more than {limit} bytes", path.display())]
    TooLong {
        /// Which file.
        path: PathBuf,
        /// Most bytes.
        limit: u64,
    },
    /// The file is no keystore of version 3.
    #[error("keystore {}: {what}", path.display())]
    NotAKeystore {
        /// Which file.
        path: PathBuf,
        /// What is not as it should be.
        what: &'static str,
    },
    /// The password is another one.
    #[error("keystore {}: wrong password", path.display())]
    WrongPassword {
        /// Which file.
        path: PathBuf,
    },
    /// The file names another account than its key has.
    #[error("keystore {}: it names account {named}, its key is that of {found}", path.display())]
    OtherAccount {
        /// Which file.
        path: PathBuf,
        /// As the file has it.
        named: Address,
        /// As the key has it.
        found: Address,
    },
}

/// What is looked at before anything is derived.
#[derive(Deserialize)]
struct Keystore {
    version: u32,
    address: Option<String>,
    crypto: Crypto,
}

#[derive(Deserialize)]
struct Crypto {
    cipher: String,
    cipherparams: CipherParams,
    ciphertext: String,
    kdf: String,
    kdfparams: KdfParams,
    mac: String,
}

#[derive(Deserialize)]
struct CipherParams {
    iv: String,
}

#[derive(Deserialize)]
struct KdfParams {
    dklen: u32,
    #[serde(default)]
    n: u64,
    #[serde(default)]
    r: u32,
    #[serde(default)]
    p: u32,
    #[serde(default)]
    c: u32,
    #[serde(default)]
    prf: String,
    salt: String,
}

/// Decrypts the keystore at `path` with the first line of `password_file`. Takes about a second, as its maker wanted.
pub(super) fn open(path: &Path, password_file: &Path) -> Result<PrivateKeySigner, KeystoreError> {
    let text = secret(path, KEYSTORE_BYTES_MAX)?;
    let wrong = |what| KeystoreError::NotAKeystore { path: path.to_owned(), what };
    let keystore: Keystore =
        serde_json::from_str(&text).map_err(|_| wrong("no JSON of Web3 Secret Storage, version 3"))?;
    check(&keystore).map_err(wrong)?;
    let named = match keystore.address.as_deref().filter(|address| !address.is_empty()) {
        Some(address) => Some(address.parse::<Address>().map_err(|_| wrong("its address is none"))?),
        None => None,
    };
    let password = secret(password_file, PASSWORD_BYTES_MAX)?;
    let password = password.lines().next().unwrap_or_default();
    let bytes = eth_keystore::decrypt_key(path, password).map(Zeroizing::new).map_err(|error| match error {
        eth_keystore::KeystoreError::MacMismatch => KeystoreError::WrongPassword { path: path.to_owned() },
        _ => wrong("it can't be decrypted"),
    })?;
    let key = PrivateKeySigner::from_slice(&bytes).map_err(|_| wrong("what it holds is no secp256k1 key"))?;
    match named.filter(|named| *named != key.address()) {
        Some(named) => Err(KeystoreError::OtherAccount { path: path.to_owned(), named, found: key.address() }),
        None => Ok(key),
    }
}

/// Everything that the library would trip over, or work on for hours.
fn check(keystore: &Keystore) -> Result<(), &'static str> {
    let Crypto { cipher, cipherparams, ciphertext, kdf, kdfparams, mac } = &keystore.crypto;
    let bytes = |text: &str| hex::decode(text).ok().filter(|_| !text.starts_with("0x")).map(|bytes| bytes.len());
    if keystore.version != 3 {
        return Err("only version 3 is known");
    }
    if cipher != "aes-128-ctr" {
        return Err("only the cipher aes-128-ctr is known");
    }
    if bytes(&cipherparams.iv) != Some(16) || bytes(ciphertext) != Some(32) || bytes(mac) != Some(32) {
        return Err("iv, ciphertext and mac must be 16, 32 and 32 bytes in hexadecimal, without 0x");
    }
    if bytes(&kdfparams.salt).is_none() {
        return Err("its salt is not hexadecimal");
    }
    if kdfparams.dklen != DERIVED_BYTES {
        return Err("dklen must be 32");
    }
    let is_pbkdf2 = kdfparams.c != 0 || !kdfparams.prf.is_empty();
    match kdf.as_str() {
        "scrypt" if is_pbkdf2 => return Err("it has the numbers of both derivations"),
        "scrypt" => {
            let KdfParams { n, r, p, .. } = *kdfparams;
            let memory = n.checked_mul(128).and_then(|bytes| bytes.checked_mul(u64::from(r)));
            if n < 2 || !n.is_power_of_two() || r == 0 || p == 0 {
                return Err("scrypt's n must be a power of two, r and p at least 1");
            }
            if n.ilog2() >= r.saturating_mul(16) {
                return Err("scrypt's n must be below 2^(16 r) (RFC 7914)");
            }
            if memory.is_none_or(|memory| memory > SCRYPT_BYTES_MAX) || p > SCRYPT_PARALLEL_MAX {
                return Err("scrypt would take more than 1 GiB, or more than 16 rounds");
            }
        }
        "pbkdf2" if kdfparams.prf != "hmac-sha256" => return Err("only the PBKDF2 of hmac-sha256 is known"),
        "pbkdf2" if kdfparams.c == 0 || kdfparams.c > PBKDF2_ROUNDS_MAX => {
            return Err("PBKDF2 must have 1 to 10,000,000 rounds");
        }
        "pbkdf2" => {}
        _ => return Err("only the derivations scrypt and pbkdf2 are known"),
    }
    Ok(())
}

fn secret(path: &Path, limit: u64) -> Result<Zeroizing<String>, KeystoreError> {
    let text =
        read_secret(path, limit).map_err(|source| KeystoreError::Unreadable { path: path.to_owned(), source })?;
    text.ok_or_else(|| KeystoreError::TooLong { path: path.to_owned(), limit })
}

/// Reads a small file, wiped from memory when it is dropped; `None` when it has more than `limit` bytes.
pub(super) fn read_secret(path: &Path, limit: u64) -> std::io::Result<Option<Zeroizing<String>>> {
    // As much at once as may come: a string that grows leaves its older self behind.
    let mut text =
        Zeroizing::new(String::with_capacity(usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(2)));
    std::fs::File::open(path)?.take(limit + 1).read_to_string(&mut text)?;
    Ok(Some(text).filter(|text| text.len() as u64 <= limit))
}
