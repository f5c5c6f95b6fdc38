//! A copy of the policy's files in a folder of its own, with other text in some of them. What opa calls a file stays the
//! same, but that it is relative.

use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use tempfile::TempDir;

/// Where the copy of a path goes: none where it leads out of the folder.
fn within(path: &Path) -> Option<PathBuf> {
    let mut within = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => within.push(name),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(within)
}

/// Copies the paths; gives the folder, and the paths in it. `None` where one leads out.
pub(super) fn copied(
    paths: &[PathBuf],
    edited: &[(String, String)],
) -> io::Result<Option<(TempDir, Vec<PathBuf>)>> {
    let stage = tempfile::Builder::new().prefix("postern-test-").tempdir()?;
    let mut inside = Vec::with_capacity(paths.len());
    for path in paths {
        let Some(to) = within(path) else { return Ok(None) };
        copy(path, &stage.path().join(&to))?;
        inside.push(if to.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            to
        });
    }
    for (name, text) in edited {
        let Some(to) = within(Path::new(name)) else {
            return Ok(None);
        };
        fs::write(stage.path().join(to), text)?;
    }
    Ok(Some((stage, inside)))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
