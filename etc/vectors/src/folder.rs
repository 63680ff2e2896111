//! Finding files: a folder in any nesting, with packs unpacked where they are met. Symbolic links are not followed. Must not
//! know what is in the files.

use crate::{
    limits::{DEPTH_MAX, FILES_MAX},
    pack,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A file to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// How it is called in reports: relative to the folder, packs by their name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// Files, in the order of their names.
    pub files: Vec<Found>,
    /// Packs and folders that could not be read, with the reason.
    pub broken: Vec<(String, String)>,
    /// Links, which are not followed.
    pub links: usize,
}

/// Everything below `root`; packs are unpacked below `cache`.
///
/// # Errors
/// When `root` itself can't be read, or holds more than [`FILES_MAX`] files.
pub fn find(root: &Path, cache: &Path) -> io::Result<Folder> {
    let mut folder = Folder::default();
    // A single file is as good as a folder.
    if root.is_file() {
        let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        folder.file(root, name, cache, 0)?;
    } else {
        folder.visit(root, "", cache, 0)?;
    }
    folder.files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(folder)
}

impl Folder {
    fn visit(&mut self, path: &Path, name: &str, cache: &Path, depth: usize) -> io::Result<()> {
        if depth > DEPTH_MAX {
            self.broken.push((name.to_owned(), format!("more than {DEPTH_MAX} folders deep")));
            return Ok(());
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if depth == 0 => return Err(error),
            Err(error) => {
                self.broken.push((name.to_owned(), error.to_string()));
                return Ok(());
            }
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            let below = match name {
                "" => entry.file_name().to_string_lossy().into_owned(),
                name => format!("{name}/{}", entry.file_name().to_string_lossy()),
            };
            let kind = entry.file_type()?;
            // Folders of version control and of fixture tools (`.meta`) hold no cases.
            if kind.is_symlink() {
                self.links += 1;
            } else if kind.is_dir() && entry.file_name() != ".git" {
                self.visit(&path, &below, cache, depth + 1)?;
            } else if kind.is_file() {
                self.file(&path, below, cache, depth)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, name: String, cache: &Path, depth: usize) -> io::Result<()> {
        if pack::is_pack(path) {
            match pack::unpack(path, cache) {
                Ok(folder) => self.visit(&folder, &name, cache, depth + 1)?,
                Err(error) => self.broken.push((name, error.to_string())),
            }
            return Ok(());
        }
        if self.files.len() >= FILES_MAX {
            return Err(io::Error::other(format!("more than {FILES_MAX} files")));
        }
        let bytes = fs::metadata(path)?.len();
        self.files.push(Found { path: path.to_owned(), name, bytes });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
