//! `basalt export`: blocks of a chain as a file, as geth writes and `basalt import` reads it.
//!
//! Must not know: what the blocks mean.

use crate::{
    cli::ExportArgs,
    import::{self, Done, ImportError, Progress},
};
use alloy_rlp::Encodable;
use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
};
use storage::{Chain, StorageError};

/// Bytes written to the file at once.
const WRITE_BYTES: usize = 1 << 20;

/// Why nothing was exported. No file is left behind, and an older one of the same name is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The chain can't be opened.
    #[error(transparent)]
    Open(#[from] ImportError),
    /// The database.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The range is not one of this chain.
    #[error("--first {first} --last {last} is no range of a chain with head {head}")]
    Range {
        /// First block wanted.
        first: u64,
        /// Last block wanted.
        last: u64,
        /// What the chain has.
        head: u64,
    },
    /// A block within the head's reach is not there.
    #[error("block {0} is missing from the database")]
    Missing(u64),
    /// The file can't be written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// `basalt export`.
pub fn run(args: &ExportArgs) -> Result<(), ExportError> {
    let chain = import::open(&args.datadir, None)?;
    let head = chain.head().number;
    let (first, last) = (args.first, args.last.unwrap_or(head));
    if first > last || last > head {
        return Err(ExportError::Range { first, last, head });
    }
    // Renamed into place when it is whole.
    let mut part = args.file.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let io = |source| ExportError::Io { path: args.file.clone(), source };
    let file = File::create(&part).map_err(io)?;
    let written = write(&chain, first, last, file).and_then(|bytes| {
        std::fs::rename(&part, &args.file).map_err(io)?;
        Ok(bytes)
    });
    if written.is_err() {
        // What could not be written can perhaps not be removed either; the error that counts is the first.
        let _ = std::fs::remove_file(&part);
    }
    println!("blocks  {first} to {last}, {} bytes", written?);
    Ok(())
}

/// Writes blocks `first` to `last` and syncs the file; how many bytes they have.
fn write(chain: &Chain, first: u64, last: u64, file: File) -> Result<u64, ExportError> {
    let io = |source| ExportError::Io { path: "the file of blocks".into(), source };
    let mut to = BufWriter::with_capacity(WRITE_BYTES, file);
    let mut progress = Progress::new(last - first + 1);
    let (mut done, mut bytes, mut encoded) = (Done::default(), 0, Vec::new());
    for number in first..=last {
        let header = chain.header(number)?.ok_or(ExportError::Missing(number))?;
        let body = chain.body(number)?.ok_or(ExportError::Missing(number))?;
        done = Done { part: done.part + 1, blocks: done.blocks + 1, gas: done.gas + header.gas_used, number };
        encoded.clear();
        execution::Block { header: header.into_header(), body }.encode(&mut encoded);
        to.write_all(&encoded).map_err(io)?;
        bytes += encoded.len() as u64;
        progress.show(&done);
    }
    to.into_inner().map_err(|error| io(error.into_error()))?.sync_all().map_err(io)?;
    Ok(bytes)
}
