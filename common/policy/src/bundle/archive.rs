//! Archive bytes to files and back. Reading trusts nothing: sizes are counted while inflating, paths can't climb out,
//! links and devices are refused, nothing is ever written to disk. Writing is deterministic: the same files make the
//! same bytes.

use std::collections::BTreeMap;
use std::io::{self, Read};

use flate2::bufread::MultiGzDecoder;
use flate2::{Compression, GzBuilder};
use tar::EntryType;

use super::{BundleError, Limits};

/// The files of an archive by path, without a leading slash.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// Reads a gzipped tar whole.
pub(super) fn read(archive: &[u8], limits: &Limits) -> Result<Files, BundleError> {
    if archive.len() > limits.archive_bytes {
        return Err(BundleError::TooLarge {
            what: "bytes",
            limit: limits.archive_bytes as u64,
        });
    }
    let inflated = Bounded {
        inner: MultiGzDecoder::new(archive),
        left: limits.inflated_bytes,
    };
    let mut tar = tar::Archive::new(inflated);
    let mut files = Files::new();
    let fail = |error: io::Error| refusal(&error, limits);
    for entry in tar.entries().map_err(fail)? {
        let mut entry = entry.map_err(fail)?;
        let raw_path = entry.path_bytes().into_owned();
        match entry.header().entry_type() {
            EntryType::Regular => {}
            EntryType::Directory | EntryType::XGlobalHeader => continue,
            other => {
                return Err(BundleError::NotAFile {
                    path: printable(&raw_path),
                    kind: kind(other),
                });
            }
        }
        let path = normal_path(&raw_path, limits)?;
        if files.len() >= limits.files {
            return Err(BundleError::TooLarge {
                what: "files",
                limit: limits.files as u64,
            });
        }
        let declared = entry.size();
        if declared > limits.inflated_bytes {
            return Err(BundleError::TooLarge {
                what: "bytes when inflated",
                limit: limits.inflated_bytes,
            });
        }
        if declared > limits.file_bytes {
            return Err(BundleError::FileTooLarge {
                path: printable(&raw_path),
                size: declared,
                limit: limits.file_bytes,
            });
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(fail)?;
        if content.len() as u64 != declared {
            return Err(BundleError::Archive(format!("`{path}` is cut short")));
        }
        if files.contains_key(&path) {
            return Err(BundleError::Duplicate { path });
        }
        files.insert(path, content);
    }
    // The end of the tar is not the end of the gzip: its checksum comes last, and must be reached to be checked.
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(fail)?;
    Ok(files)
}

/// Writes files as OPA does: paths with a leading slash, mode 0600, no times, no owners.
pub(super) fn write<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Result<Vec<u8>, BundleError> {
    let fail = |error: io::Error| BundleError::Archive(error.to_string());
    let gzip = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::default());
    let mut tar = tar::Builder::new(gzip);
    for (path, content) in files {
        append(&mut tar, path, content).map_err(fail)?;
    }
    tar.into_inner()
        .and_then(flate2::write::GzEncoder::finish)
        .map_err(fail)
}

/// Appends under `/path`. The tar crate takes no absolute path, and OPA writes no other, so the name is set by hand;
/// one that doesn't fit the header's field goes before it as GNU tar does it.
fn append<W: io::Write>(tar: &mut tar::Builder<W>, path: &str, content: &[u8]) -> io::Result<()> {
    let name = format!("/{path}");
    if name.len() > NAME_FIELD {
        let long = header(EntryType::GNULongName, "././@LongLink", name.len() + 1);
        tar.append(&long, [name.as_bytes(), b"\0"].concat().as_slice())?;
    }
    let entry = header(EntryType::Regular, &name, content.len());
    tar.append(&entry, content)
}

/// As much of `name` as the field holds; its length is what a tar header has room for.
const NAME_FIELD: usize = 100;

fn header(entry_type: EntryType, name: &str, size: usize) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    for (to, from) in header.as_old_mut().name.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    header.set_entry_type(entry_type);
    header.set_mode(0o600);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size as u64);
    header.set_cksum();
    header
}

/// A path as files are kept by: `/` and `./` in front mean the archive's root; nothing may climb out of it.
pub(super) fn normal_path(raw: &[u8], limits: &Limits) -> Result<String, BundleError> {
    let refuse = |why| BundleError::Path {
        path: printable(raw),
        why,
    };
    let text = std::str::from_utf8(raw).map_err(|_| refuse("it is not UTF-8"))?;
    if text.len() > limits.path_bytes {
        return Err(refuse("it is too long"));
    }
    let path = text
        .strip_prefix("./")
        .or_else(|| text.strip_prefix('/'))
        .unwrap_or(text);
    if path.contains(['\\', '\0']) {
        return Err(refuse("it has a backslash or a NUL"));
    }
    for segment in path.split('/') {
        match segment {
            "" => return Err(refuse("it has an empty part")),
            "." | ".." => return Err(refuse("it has `.` or `..` as a part")),
            _ => {}
        }
    }
    Ok(path.to_owned())
}

fn printable(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    text.chars().take(256).flat_map(char::escape_debug).collect()
}

fn kind(entry_type: EntryType) -> &'static str {
    match entry_type {
        EntryType::Link => "hard link",
        EntryType::Symlink => "symbolic link",
        EntryType::Char | EntryType::Block => "device",
        EntryType::Fifo => "named pipe",
        EntryType::GNUSparse => "sparse file",
        _ => "entry of an unknown kind",
    }
}

/// Counts what comes out of the decompressor, so that a bomb is noticed at the bound and not at the end of memory.
struct Bounded<R> {
    inner: R,
    left: u64,
}

/// The mark by which [`refusal`] knows that it was the bound that stopped a read.
#[derive(Debug, thiserror::Error)]
#[error("too large when inflated")]
struct BoundReached;

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other(BoundReached)),
        }
        Ok(count)
    }
}

fn refusal(error: &io::Error, limits: &Limits) -> BundleError {
    let mut source: Option<&(dyn std::error::Error + 'static)> = error.get_ref().map(|e| e as _);
    while let Some(cause) = source {
        // An io::Error hides what it wraps from `source`.
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if cause.is::<BoundReached>() || matches!(inner, Some(e) if e.is::<BoundReached>()) {
            return BundleError::TooLarge {
                what: "bytes when inflated",
                limit: limits.inflated_bytes,
            };
        }
        source = cause.source();
    }
    BundleError::Archive(error.to_string())
}

#[cfg(test)]
mod tests;
