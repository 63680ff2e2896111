//! A file of blocks: RLP, one after the other, nothing between, as geth exports them.
//!
//! Every byte may be hostile: nothing is allocated because a length says so, and what is wrong is named with its place. Must not know: which chain
//! the blocks are of.

use alloy_rlp::Decodable;
use execution::Block;
use std::io::{self, Read};

/// Longest block that is read, bytes. No rule bounds blocks older than Osaka (EIP-7934: 8 MiB); their gas does, far below this.
pub const BLOCK_BYTES_MAX: u64 = 64 << 20;

/// What is wrong with a file of blocks.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It can't be read.
    #[error("reading at byte {offset}: {source}")]
    Read {
        /// Where in the file.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// Something else stands where a block should begin.
    #[error("no block begins at byte {offset}: 0x{first:02x} starts no RLP list")]
    NotABlock {
        /// Where in the file.
        offset: u64,
        /// The byte there.
        first: u8,
    },
    /// The length says more than any block has.
    #[error("the block at byte {offset} claims {len} bytes, at most {BLOCK_BYTES_MAX} are read")]
    TooLong {
        /// Where in the file.
        offset: u64,
        /// Claimed, in bytes.
        len: u64,
    },
    /// The file ends inside a block.
    #[error("the file ends inside the block at byte {offset}: {len} bytes claimed, {found} there")]
    Truncated {
        /// Where in the file.
        offset: u64,
        /// Claimed, in bytes.
        len: u64,
        /// How many of them are there.
        found: u64,
    },
    /// A list that is no block.
    #[error("what begins at byte {offset} is no block: {source}")]
    Rlp {
        /// Where in the file.
        offset: u64,
        /// Why.
        source: alloy_rlp::Error,
    },
    /// A block whose bytes are not the ones that it is written with: lengths inside it that lie.
    #[error("the block at byte {offset} is not written as RLP has it: lengths inside it are wrong")]
    NotCanonical {
        /// Where in the file.
        offset: u64,
    },
}

/// A block as it stands in the file.
#[derive(Debug)]
pub struct Found {
    /// The block.
    pub block: Block,
    /// Its length, bytes.
    pub len: u64,
}

/// Reads blocks one by one. After an error there are none.
#[derive(Debug)]
pub struct Blocks<R> {
    source: R,
    offset: u64,
    failed: bool,
}

impl<R: Read> Blocks<R> {
    /// The blocks of `source`, which should be buffered.
    pub const fn new(source: R) -> Self {
        Self { source, offset: 0, failed: false }
    }

    fn block(&mut self) -> Result<Option<Found>, FileError> {
        let offset = self.offset;
        let mut bytes = Vec::new();
        if self.take(1, &mut bytes)? == 0 {
            return Ok(None);
        }
        let first = bytes[0];
        let (header, len) = match first {
            ..0xc0 => return Err(FileError::NotABlock { offset, first }),
            0xc0..=0xf7 => (1, u64::from(first - 0xc0)),
            0xf8.. => {
                let width = u64::from(first - 0xf7);
                let found = self.take(width, &mut bytes)?;
                if found < width {
                    return Err(FileError::Truncated { offset, len: 1 + width, found: 1 + found });
                }
                (1 + width, bytes[1..].iter().fold(0, |len, byte| len << 8 | u64::from(*byte)))
            }
        };
        if len > BLOCK_BYTES_MAX {
            return Err(FileError::TooLong { offset, len });
        }
        let found = self.take(len, &mut bytes)?;
        if found < len {
            return Err(FileError::Truncated { offset, len: header + len, found: header + found });
        }
        self.offset += header + len;
        let mut rest = &bytes[..];
        let block = Block::decode(&mut rest).map_err(|source| FileError::Rlp { offset, source })?;
        // The decoder does not compare the length around a typed transaction (EIP-2718) with what is in it.
        if alloy_rlp::encode(&block) != bytes {
            return Err(FileError::NotCanonical { offset });
        }
        Ok(Some(Found { block, len: header + len }))
    }

    /// Up to `len` more bytes; how many there were.
    fn take(&mut self, len: u64, bytes: &mut Vec<u8>) -> Result<u64, FileError> {
        let offset = self.offset;
        // Grows with what is there, not with what is claimed.
        let read = self.source.by_ref().take(len).read_to_end(bytes);
        read.map(|read| read as u64).map_err(|source| FileError::Read { offset, source })
    }
}

impl<R: Read> Iterator for Blocks<R> {
    type Item = Result<Found, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.block().transpose();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}
