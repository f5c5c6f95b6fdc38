//! What was compiled of modules, on disk: a cache of wasmtime's, since what is read back is machine code, which only wasmtime may
//! vouch for (`Module::deserialize` is `unsafe`). It finds what it keeps by a hash of the module, its own version, its settings
//! and the processor's features.
//!
//! What lies there is run, so that the folder is this user's alone, and each file has a SHA-256 beside it that is looked at
//! before wasmtime may read anything: what is damaged, cut off or of unknown origin is compiled anew. Who can write here as this
//! user can replace the program, too.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use wasmtime::{Cache, CacheConfig};

/// How many are kept: the policies that a process goes back and forth between, not its history.
const MOST: usize = 8;
/// How much all of them take: a module of a thousand rules comes to half a MiB.
const MOST_BYTES: u64 = 64 << 20;
/// For what wasmtime would do by itself every so often, and is done here each time.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A folder of compiled modules.
pub(super) struct Kept {
    /// Wasmtime's: `modules/<compiler and version>/<hash>`, and what it counts of each (`<hash>.stats`).
    code: PathBuf,
    /// Ours: `<hash>`.
    sums: PathBuf,
    cache: Cache,
    /// One compiles at a time, so that it is known what came of it.
    turn: Mutex<()>,
}

/// A file of wasmtime's.
struct File {
    path: PathBuf,
    used: SystemTime,
    bytes: u64,
}

impl Kept {
    /// Of a folder that is private already.
    pub(super) fn open(folder: &Path) -> wasmtime::Result<Self> {
        let (code, sums) = (folder.join("code"), folder.join("sums"));
        let mut config = CacheConfig::new();
        config
            .with_directory(&code)
            .with_cleanup_interval(NEVER)
            // Compressed anew a file would have another sum.
            .with_optimized_compression_usage_counter_threshold(u64::MAX);
        Ok(Self {
            code,
            sums,
            cache: Cache::new(config)?,
            turn: Mutex::new(()),
        })
    }

    /// What wasmtime is to use.
    pub(super) fn cache(&self) -> Cache {
        self.cache.clone()
    }

    /// Does something that may read what is kept, or have something kept.
    pub(super) fn using<T>(&self, compile: impl FnOnce() -> T) -> T {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // Where files can't be told good from bad none is left; where not even that can be done, there is nothing to read either.
        let _ = self.drop_damaged();
        let made = compile();
        let _ = self.settle();
        made
    }

    fn drop_damaged(&self) -> io::Result<()> {
        for File { path, .. } in self.files()? {
            let kept = fs::read(self.sum_path(&path)).unwrap_or_default();
            if sum(&path).ok().is_none_or(|sum| sum != kept) {
                self.remove(&path)?;
            }
        }
        Ok(())
    }

    /// Notes the sums of what is new, and keeps as many of the others as may be.
    fn settle(&self) -> io::Result<()> {
        fs::create_dir_all(&self.sums)?;
        let mut files = self.files()?;
        files.sort_by_key(|file| std::cmp::Reverse(file.used));
        let mut bytes = 0_u64;
        for (n, file) in files.iter().enumerate() {
            bytes = bytes.saturating_add(file.bytes);
            if n >= MOST || bytes > MOST_BYTES {
                self.remove(&file.path)?;
                continue;
            }
            let noted = self.sum_path(&file.path);
            if !noted.exists() {
                fs::write(noted, sum(&file.path)?)?;
            }
        }
        Ok(())
    }

    /// All that wasmtime keeps, of its other versions too.
    fn files(&self) -> io::Result<Vec<File>> {
        let mut found = Vec::new();
        for version in entries(&self.code.join("modules"))? {
            for path in entries(&version)? {
                let named = path.file_name().and_then(|name| name.to_str());
                // A file beside them has an ending: counts, or what was being written.
                if named.is_none_or(|name| name.contains('.')) {
                    continue;
                }
                let about = fs::symlink_metadata(&path)?;
                let counted = fs::metadata(path.with_extension("stats")).and_then(|counts| counts.modified());
                found.push(File {
                    used: counted.or_else(|_| about.modified())?,
                    bytes: about.len(),
                    path,
                });
            }
        }
        Ok(found)
    }

    fn sum_path(&self, of: &Path) -> PathBuf {
        self.sums.join(of.file_name().unwrap_or_default())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let _ = fs::remove_file(path.with_extension("stats"));
        let _ = fs::remove_file(self.sum_path(path));
        fs::remove_file(path)
    }
}

/// Where nothing lies yet there is nothing in it.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

fn sum(path: &Path) -> io::Result<Vec<u8>> {
    if fs::symlink_metadata(path)?.len() > MOST_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(digest(&SHA256, &fs::read(path)?).as_ref().to_vec())
}
