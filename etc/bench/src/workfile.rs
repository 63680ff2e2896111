//! The file that all runners read: a state, blocks on it, and what each block must give. Plain bytes, standard library only, so that
//! peers with other dependencies include this very module. Must not know: what an account or a block means.
//!
//! ```text
//! file  = "BSLTBNCH" ‖ version u32 ‖ chain id u64 ‖ gas limit u64 ‖ timestamp u64 ‖ base fee u64
//!         ‖ Osaka u64 ‖ count u64 ‖ account*  ‖ genesis header RLP ‖ count u64 ‖ block*
//! account = address 20 ‖ nonce u64 ‖ balance 32 ‖ code ‖ count u64 ‖ (slot 32 ‖ value 32)*
//! block   = number of transactions u64 ‖ gas used u64 ‖ state root 32 ‖ RLP of the block ‖ senders ‖ RLP of the BAL ‖ EXECUTE input
//! ```
//! Numbers are little-endian, balances and slots big-endian; a byte string has a u64 length before it.

use std::io::{self, BufReader, BufWriter, Read, Write};

const MAGIC: &[u8; 8] = b"BSLTBNCH";
/// Raise it when the meaning of a file or the making of a workload changes: old files are made again.
pub const VERSION: u32 = 2;
/// Longest byte string in a file.
const BYTES_MAX: u64 = 1 << 30;

/// An account of the first state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its address.
    pub address: [u8; 20],
    /// Transactions sent.
    pub nonce: u64,
    /// In wei, big-endian.
    pub balance: [u8; 32],
    /// May be empty.
    pub code: Vec<u8>,
    /// Slot and value, big-endian; no value is zero.
    pub storage: Vec<([u8; 32], [u8; 32])>,
}

/// A block, ready for every way of running it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// How many transactions.
    pub transactions: u64,
    /// The header's, required of every runner.
    pub gas_used: u64,
    /// The header's, required of every runner.
    pub state_root: [u8; 32],
    /// Header and body.
    pub rlp: Vec<u8>,
    /// Twenty bytes for each transaction.
    pub senders: Vec<u8>,
    /// Block access list.
    pub bal: Vec<u8>,
    /// What EXECUTE gets, prefix and SSZ.
    pub input: Vec<u8>,
}

/// A whole file. Every fork up to Osaka is active from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workfile {
    /// EIP-155.
    pub chain_id: u64,
    /// Of every block.
    pub gas_limit: u64,
    /// Of genesis, seconds.
    pub timestamp: u64,
    /// Of genesis, wei.
    pub base_fee: u64,
    /// Whether Osaka is the last fork; otherwise Amsterdam is, from the start too.
    pub osaka: bool,
    /// The whole state at genesis, by address.
    pub accounts: Vec<Account>,
    /// Header of genesis, RLP.
    pub genesis: Vec<u8>,
    /// A chain on it.
    pub blocks: Vec<Block>,
}

impl Workfile {
    /// Writes the file.
    pub fn write(&self, to: impl Write) -> io::Result<()> {
        let mut to = BufWriter::new(to);
        to.write_all(MAGIC)?;
        to.write_all(&VERSION.to_le_bytes())?;
        let numbers = [self.chain_id, self.gas_limit, self.timestamp, self.base_fee, u64::from(self.osaka)];
        for number in numbers.into_iter().chain([self.accounts.len() as u64]) {
            to.write_all(&number.to_le_bytes())?;
        }
        for account in &self.accounts {
            to.write_all(&account.address)?;
            to.write_all(&account.nonce.to_le_bytes())?;
            to.write_all(&account.balance)?;
            put(&mut to, &account.code)?;
            to.write_all(&(account.storage.len() as u64).to_le_bytes())?;
            for (slot, value) in &account.storage {
                to.write_all(slot)?;
                to.write_all(value)?;
            }
        }
        put(&mut to, &self.genesis)?;
        to.write_all(&(self.blocks.len() as u64).to_le_bytes())?;
        for block in &self.blocks {
            to.write_all(&block.transactions.to_le_bytes())?;
            to.write_all(&block.gas_used.to_le_bytes())?;
            to.write_all(&block.state_root)?;
            for bytes in [&block.rlp, &block.senders, &block.bal, &block.input] {
                put(&mut to, bytes)?;
            }
        }
        to.flush()
    }

    /// Reads a file; one of another version is an error.
    pub fn read(from: impl Read) -> io::Result<Self> {
        let mut from = BufReader::new(from);
        if take::<8>(&mut from)? != *MAGIC || u32::from_le_bytes(take(&mut from)?) != VERSION {
            return Err(io::Error::other("not a workload file of this version"));
        }
        let [chain_id, gas_limit, timestamp, base_fee] =
            [number(&mut from)?, number(&mut from)?, number(&mut from)?, number(&mut from)?];
        let osaka = number(&mut from)? != 0;
        let mut accounts = Vec::new();
        for _ in 0..number(&mut from)? {
            let (address, nonce, balance) = (take(&mut from)?, number(&mut from)?, take(&mut from)?);
            let code = bytes(&mut from)?;
            let mut storage = Vec::new();
            for _ in 0..number(&mut from)? {
                storage.push((take(&mut from)?, take(&mut from)?));
            }
            accounts.push(Account { address, nonce, balance, code, storage });
        }
        let genesis = bytes(&mut from)?;
        let mut blocks = Vec::new();
        for _ in 0..number(&mut from)? {
            blocks.push(Block {
                transactions: number(&mut from)?,
                gas_used: number(&mut from)?,
                state_root: take(&mut from)?,
                rlp: bytes(&mut from)?,
                senders: bytes(&mut from)?,
                bal: bytes(&mut from)?,
                input: bytes(&mut from)?,
            });
        }
        Ok(Self { chain_id, gas_limit, timestamp, base_fee, osaka, accounts, genesis, blocks })
    }
}

fn put(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(&(bytes.len() as u64).to_le_bytes())?;
    to.write_all(bytes)
}

fn take<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn number(from: &mut impl Read) -> io::Result<u64> {
    take(from).map(u64::from_le_bytes)
}

fn bytes(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let len = number(from)?;
    if len > BYTES_MAX {
        return Err(io::Error::other(format!("a byte string of {len} bytes, at most {BYTES_MAX} are allowed")));
    }
    let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}
