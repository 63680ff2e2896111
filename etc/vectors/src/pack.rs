//! Packs: `.tar.zst` (also `.tar.gz` names are told apart by content) unpacked once into a folder of ours, keyed by the pack's name,
//! size and time of change. Only plain files with plain relative names come out. Must not know what is in them.

use crate::limits::{PACK_BYTES_MAX, PACK_FILES_MAX};
use std::{
    fs,
    io::{self, Read},
    path::{Component, Path, PathBuf},
    time::UNIX_EPOCH,
};

/// Largest zstd window that is accepted, as a power of two: 128 MiB (`--long=27`).
const WINDOW_LOG_MAX: u32 = 27;

/// Whether a file is a pack, by its name.
pub(crate) fn is_pack(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.ends_with(".tar.zst") || name.ends_with(".tar")
}

/// Unpacks `pack` below `cache`, unless that was done before; the folder.
pub(crate) fn unpack(pack: &Path, cache: &Path) -> io::Result<PathBuf> {
    let meta = fs::metadata(pack)?;
    let changed = meta.modified()?.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let name = pack.file_name().unwrap_or_default().to_string_lossy();
    let folder = cache.join(format!("{name}-{}-{changed}", meta.len()));
    if folder.is_dir() {
        return Ok(folder);
    }
    // What is half done has another name, and goes when it is met again.
    let half = cache.join(format!("{name}.part-{}", std::process::id()));
    let _ = fs::remove_dir_all(&half);
    fs::create_dir_all(&half)?;
    let done = extract(pack, &half).and_then(|()| fs::rename(&half, &folder));
    if let Err(error) = done {
        fs::remove_dir_all(&half)?;
        // Another run may have been faster.
        return if folder.is_dir() { Ok(folder) } else { Err(error) };
    }
    Ok(folder)
}

fn extract(pack: &Path, into: &Path) -> io::Result<()> {
    let file = fs::File::open(pack)?;
    if pack.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zst")) {
        let mut decoder = zstd::Decoder::new(file)?;
        decoder.window_log_max(WINDOW_LOG_MAX)?;
        entries(decoder, into)
    } else {
        entries(file, into)
    }
}

fn entries(from: impl Read, into: &Path) -> io::Result<()> {
    let mut archive = tar::Archive::new(from.take(PACK_BYTES_MAX));
    let (mut files, mut bytes) = (0usize, 0u64);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() {
            continue;
        }
        let name = entry.path()?.into_owned();
        if !kind.is_file() {
            return Err(bad(&name, "is neither file nor folder"));
        }
        if !name.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(bad(&name, "leaves the folder it is unpacked to"));
        }
        files += 1;
        bytes = bytes.saturating_add(entry.size());
        if files > PACK_FILES_MAX || bytes > PACK_BYTES_MAX {
            return Err(bad(&name, &format!("is one too many: {files} files, {bytes} bytes")));
        }
        let target = into.join(&name);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = fs::File::create(&target)?;
        let copied = io::copy(&mut entry, &mut file)?;
        if copied != entry.size() {
            return Err(bad(&name, "is cut off"));
        }
    }
    Ok(())
}

fn bad(name: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{} {why}", name.display()))
}

#[cfg(test)]
mod tests;
