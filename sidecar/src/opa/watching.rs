//! Files that may change while the process runs, looked at again and again: what a system tells by itself of changes differs
//! with what is mounted, and a mounted ConfigMap changes by switching a link.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often they are looked at. OPA is told of changes, and looks at once.
const LOOK: Duration = Duration::from_millis(500);
/// How long nothing may change before they are read: who writes a file isn't done when its first byte is there.
const SETTLE: Duration = Duration::from_millis(100);
/// How often is waited for that.
const MOST_SETTLING: usize = 20;
/// As many files and folders are looked at, more than may be loaded.
const MOST: usize = 20_000;
/// As many folders deep.
const MOST_DEEP: usize = 64;

/// What tells files from what they were.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Marks(BTreeMap<PathBuf, Option<Mark>>);

/// `None` stands for what isn't there, as while it is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    /// Seconds and nanoseconds: of its content, and of what is known of it.
    modified: (i64, i64),
    changed: (i64, i64),
    bytes: u64,
    inode: (u64, u64),
}

impl Marks {
    /// Of these files, and of everything below these folders, through links.
    pub(super) fn below(paths: &[PathBuf]) -> Self {
        let mut marks = Self::default();
        for path in paths {
            marks.add(path, 0);
        }
        marks
    }

    fn add(&mut self, path: &Path, depth: usize) {
        if depth > MOST_DEEP || self.0.len() >= MOST {
            return;
        }
        let metadata = std::fs::metadata(path).ok();
        let mark = metadata.as_ref().map(|metadata| Mark {
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            bytes: metadata.len(),
            inode: (metadata.dev(), metadata.ino()),
        });
        self.0.insert(path.to_owned(), mark);
        if metadata.is_some_and(|metadata| metadata.is_dir()) {
            for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
                self.add(&entry.path(), depth + 1);
            }
        }
    }
}

/// Paths that are looked at.
#[derive(Debug)]
pub(super) struct Watching {
    paths: Arc<[PathBuf]>,
    /// As they were when they were last read.
    seen: Marks,
}

impl Watching {
    /// As they are now: before they are read, so that a change meanwhile is noticed.
    pub(super) fn from_now(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let paths: Arc<[PathBuf]> = paths.into_iter().collect();
        let seen = Marks::below(&paths);
        Self { paths, seen }
    }

    /// Waits until they are others than when this was last asked, and whoever changes them is done; `false` after `stop`.
    pub(super) async fn changed(&mut self, stop: &CancellationToken) -> bool {
        loop {
            tokio::select! {
                () = stop.cancelled() => return false,
                () = sleep(LOOK) => {}
            }
            let mut now = self.look().await;
            if now == self.seen {
                continue;
            }
            for _ in 0..MOST_SETTLING {
                sleep(SETTLE).await;
                let later = self.look().await;
                let is_settled = later == now;
                now = later;
                if is_settled {
                    break;
                }
            }
            self.seen = now;
            return true;
        }
    }

    async fn look(&self) -> Marks {
        let paths = Arc::clone(&self.paths);
        let looked = spawn_blocking(move || Marks::below(&paths)).await;
        // It ended with the process.
        looked.unwrap_or_else(|_| self.seen.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_of_files_and_links_makes_other_marks() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut last = Marks::below(&[folder.path().to_owned()]);
        let mut is_other = |what: &str| {
            let now = Marks::below(&[folder.path().to_owned()]);
            assert_ne!(now, last, "{what}");
            assert_eq!(now, Marks::below(&[folder.path().to_owned()]), "{what}");
            last = now;
        };
        for version in ["..1", "..2"] {
            std::fs::create_dir(path(version)).unwrap();
            std::fs::write(path(version).join("p.rego"), version).unwrap();
        }
        is_other("files that came");
        std::os::unix::fs::symlink("..1", path("..data")).unwrap();
        std::os::unix::fs::symlink("..data/p.rego", path("p.rego")).unwrap();
        is_other("links that came");
        std::os::unix::fs::symlink("..2", path("..new")).unwrap();
        std::fs::rename(path("..new"), path("..data")).unwrap();
        is_other("a link that was switched");
        std::fs::write(path("..2").join("p.rego"), "longer").unwrap();
        is_other("a file that was written");
        std::fs::remove_file(path("..2").join("p.rego")).unwrap();
        is_other("a file that is gone");
    }

    #[test]
    fn a_link_that_leads_to_itself_is_looked_at_and_left() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(".", folder.path().join("again")).unwrap();
        assert!(Marks::below(&[folder.path().to_owned()]).0.len() <= MOST);
        assert_eq!(Marks::below(&[folder.path().join("none")]).0.len(), 1);
    }
}
