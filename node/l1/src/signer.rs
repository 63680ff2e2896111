//! Who signs: a key that this process holds, or a signer somewhere else that is asked for each signature. What comes back
//! is checked, so nothing behind a [`Signer`] has to be believed. Must not know what is signed, or why.

mod keystore;
mod remote;

use alloy_consensus::{SignableTransaction, Signed};
use alloy_primitives::{Address, Signature};
use alloy_signer_local::PrivateKeySigner;
use remote::Remote;
use std::{path::PathBuf, sync::Arc};
use url::Url;

pub use keystore::KeystoreError;
pub use remote::{ANSWER_BYTES_MAX as SIGNER_ANSWER_BYTES_MAX, TIMEOUT as SIGNER_TIMEOUT};

/// Most bytes of a file with a raw key: 64 digits, a prefix and some space around.
const KEY_FILE_BYTES_MAX: u64 = 256;

/// Where a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// An encrypted file (Web3 Secret Storage, version 3, as geth and cast write it).
    Keystore {
        /// The file.
        path: PathBuf,
        /// A file whose first line is the password.
        password_file: PathBuf,
    },
    /// A file with one line of 64 hexadecimal digits, for everyone who can read it.
    RawKey {
        /// The file.
        path: PathBuf,
    },
    /// A signer with the HTTP interface of Web3Signer (`eth1`).
    Remote {
        /// Its base.
        url: Url,
        /// The account whose key it has.
        address: Address,
    },
}

/// Signs transactions of one account. It is never printed: `Debug` shows the address only. Cheap to clone.
#[derive(Clone)]
pub struct Signer(Kind);

#[derive(Clone)]
enum Kind {
    Local(PrivateKeySigner),
    Remote(Arc<Remote>),
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.address())
    }
}

/// Why there is no signer.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The file can't be read.
    #[error("key file {}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file holds something else than one hexadecimal secp256k1 key. Its content is not repeated.
    #[error("key file {}: expected one line with 64 hexadecimal digits", path.display())]
    NotAKey {
        /// Which file.
        path: PathBuf,
    },
    /// The keystore.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// The remote signer answers, and not as it should.
    #[error(transparent)]
    Remote(#[from] SignError),
}

/// Why there is no signature. Those of a remote signer may be there when it is asked again.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// It did not answer in time, or said that it can't now.
    #[error("signer {url}: {reason}")]
    Unreachable {
        /// The signer, without credentials.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// It does not have the key of our account.
    #[error("signer {url} has no key of account {address}")]
    NoSuchKey {
        /// The signer, without credentials.
        url: String,
        /// Our account.
        address: Address,
    },
    /// The answer is no signature.
    #[error("signer {url}: {what}")]
    Malformed {
        /// The signer, without credentials.
        url: String,
        /// What is wrong.
        what: String,
    },
    /// A signature of another key, or over something else than it was asked to sign.
    #[error("signer {url}: its signature over what was asked is one of {found}, not of {address}")]
    NotOurs {
        /// The signer, without credentials.
        url: String,
        /// Our account.
        address: Address,
        /// Whose signature it would be.
        found: Address,
    },
    /// The upper one of the two values of `s` that make a signature (EIP-2): no L1 takes it.
    #[error("signer {url}: its signature has the upper s, which EIP-2 forbids")]
    UpperS {
        /// The signer, without credentials.
        url: String,
    },
}

impl SignError {
    /// Whether the signer gave a wrong answer, rather than none.
    pub const fn is_lie(&self) -> bool {
        matches!(self, Self::NotOurs { .. } | Self::UpperS { .. } | Self::Malformed { .. })
    }
}

impl From<PrivateKeySigner> for Signer {
    fn from(key: PrivateKeySigner) -> Self {
        Self(Kind::Local(key))
    }
}

impl Signer {
    /// Opens the key, or finds it at the remote signer. One that can't be reached now is asked again when it has to sign.
    ///
    /// # Errors
    /// There is no such key, or it can't be read.
    pub async fn open(source: &KeySource) -> Result<Self, SignerError> {
        match source {
            KeySource::RawKey { path } => Self::from_file(path),
            KeySource::Keystore { path, password_file } => Ok(Self(Kind::Local(keystore::open(path, password_file)?))),
            KeySource::Remote { url, address } => {
                let remote = Remote::new(url, *address)?;
                match remote.find_key().await {
                    Err(error @ SignError::Unreachable { .. }) => {
                        tracing::warn!(%error, "the signer is not there yet; it is asked again when it has to sign");
                    }
                    found => found?,
                }
                Ok(Self(Kind::Remote(Arc::new(remote))))
            }
        }
    }

    /// Reads a key from a file with one line of 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`SignerError::Unreadable`], [`SignerError::NotAKey`].
    pub fn from_file(path: &std::path::Path) -> Result<Self, SignerError> {
        let text = keystore::read_secret(path, KEY_FILE_BYTES_MAX)
            .map_err(|source| SignerError::Unreadable { path: path.to_owned(), source })?;
        let text = text.ok_or_else(|| SignerError::NotAKey { path: path.to_owned() })?;
        let signer = text.trim().parse().map_err(|_| SignerError::NotAKey { path: path.to_owned() })?;
        Ok(Self(Kind::Local(signer)))
    }

    /// The account that signs.
    pub fn address(&self) -> Address {
        match &self.0 {
            Kind::Local(key) => key.address(),
            Kind::Remote(remote) => remote.address(),
        }
    }

    /// Signs `transaction`. A local key does it at once, a remote signer within [`SIGNER_TIMEOUT`].
    ///
    /// # Errors
    /// Only a remote signer's.
    pub async fn sign<T>(&self, transaction: T) -> Result<Signed<T>, SignError>
    where
        T: SignableTransaction<Signature>,
    {
        let signature = match &self.0 {
            Kind::Local(key) => sign_with(key, &transaction),
            Kind::Remote(remote) => {
                remote.sign(transaction.encoded_for_signing(), transaction.signature_hash()).await?
            }
        };
        Ok(transaction.into_signed(signature))
    }

    /// As [`Self::sign`], for a thread that may block. A remote signer needs the tokio runtime that such a thread belongs to.
    ///
    /// # Errors
    /// Only a remote signer's.
    pub fn sign_blocking<T>(&self, transaction: T) -> Result<Signed<T>, SignError>
    where
        T: SignableTransaction<Signature>,
    {
        let remote = match &self.0 {
            Kind::Local(key) => {
                let signature = sign_with(key, &transaction);
                return Ok(transaction.into_signed(signature));
            }
            Kind::Remote(remote) => remote,
        };
        let runtime = tokio::runtime::Handle::try_current().map_err(|error| remote.unreachable(error.to_string()))?;
        runtime.block_on(self.sign(transaction))
    }
}

fn sign_with<T: SignableTransaction<Signature>>(key: &PrivateKeySigner, transaction: &T) -> Signature {
    use alloy_signer::SignerSync;
    key.sign_hash_sync(&transaction.signature_hash()).expect("a key in memory signs every hash")
}

#[cfg(test)]
mod tests;
