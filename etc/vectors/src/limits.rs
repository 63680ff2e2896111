//! Limits on what is read: fixtures are files from elsewhere. Must not know what is in them.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Largest file that is read. The largest official fixtures have some 300 MB.
pub const FILE_BYTES_MAX: u64 = 1 << 30;
/// Most bytes that one pack may unpack to.
pub const PACK_BYTES_MAX: u64 = 32 << 30;
/// Most files in one pack.
pub const PACK_FILES_MAX: usize = 1_000_000;
/// Most files that are looked at.
pub const FILES_MAX: usize = 2_000_000;
/// Deepest nesting of folders.
pub const DEPTH_MAX: usize = 64;
/// Most bytes that a snappy block may hold.
pub const SNAPPY_BYTES_MAX: usize = 1 << 28;

/// The bytes of a plain file, at most [`FILE_BYTES_MAX`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // The size is counted while reading: what the file system says of special files is not what comes out of them.
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("more than {FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

/// As [`read`], of UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|error| io::Error::other(error.to_string()))
}
