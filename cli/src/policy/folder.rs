//! The files of a policy folder that make a policy, read once, so that what is compiled is what was looked at. Reads a
//! bounded amount; hidden files, tests and whatever else lies there are left out.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// Files of a policy.
const MAX_FILES: usize = 5_000;
/// Of all files together.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Folders in folders.
const MAX_DEPTH: usize = 32;

/// Rego, data and, at the top, `.manifest`, by their path in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFolder {
    files: BTreeMap<String, Vec<u8>>,
}

/// Why a folder can't be read as a policy.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Something in it, or itself, can't be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A name that isn't UTF-8.
    #[error("{}: the name is not UTF-8", path.display())]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// More than a policy has.
    #[error("{}: more than {MAX_FILES} files, {MAX_BYTES} bytes or {MAX_DEPTH} folders deep of policy", path.display())]
    TooMuch {
        /// The folder.
        path: PathBuf,
    },
    /// There is no Rego in it.
    #[error("{} holds no Rego (a file that ends in .rego, and not in _test.rego)", path.display())]
    NoRego {
        /// The folder.
        path: PathBuf,
    },
}

impl PolicyFolder {
    /// Reads `dir` and the folders in it.
    ///
    /// # Errors
    /// When it can't be read, holds too much, or no Rego at all.
    pub fn read(dir: &Path) -> Result<Self, FolderError> {
        let mut files = BTreeMap::new();
        let mut left = MAX_BYTES;
        collect(dir, "", 0, &mut files, &mut left)?;
        if !files.keys().any(|path| is_rego(path)) {
            return Err(FolderError::NoRego { path: dir.to_owned() });
        }
        Ok(Self { files })
    }

    /// The files in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files
            .iter()
            .map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// Writes the files below `dir`, which is there and empty.
    ///
    /// # Errors
    /// What the file system said.
    pub fn write_to(&self, dir: &Path) -> io::Result<()> {
        for (path, content) in self.files() {
            let path = dir.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, content)?;
        }
        Ok(())
    }
}

fn is_rego(path: &str) -> bool {
    path.ends_with(".rego") && !path.ends_with("_test.rego")
}

fn belongs(path: &str) -> bool {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let visible = !name.starts_with('.');
    path == ".manifest"
        || (visible && (is_rego(name) || matches!(name, "data.json" | "data.yaml" | "data.yml")))
}

fn collect(
    root: &Path,
    below: &str,
    depth: usize,
    files: &mut BTreeMap<String, Vec<u8>>,
    left: &mut u64,
) -> Result<(), FolderError> {
    let dir = if below.is_empty() {
        root.to_owned()
    } else {
        root.join(below)
    };
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| FolderError::Read { path, source }
    };
    let too_much = || FolderError::TooMuch {
        path: root.to_owned(),
    };
    for entry in fs::read_dir(&dir).map_err(failed(&dir))? {
        let entry = entry.map_err(failed(&dir))?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            return Err(FolderError::Name { path });
        };
        let relative = if below.is_empty() {
            name.clone()
        } else {
            format!("{below}/{name}")
        };
        // A dangling link, an editor's lock say, is passed over unless it would be policy.
        let meta = match fs::metadata(&path) {
            Ok(meta) => meta,
            Err(_) if !belongs(&relative) => continue,
            Err(source) => return Err(FolderError::Read { path, source }),
        };
        if meta.is_dir() && !name.starts_with('.') {
            if depth >= MAX_DEPTH {
                return Err(too_much());
            }
            collect(root, &relative, depth + 1, files, left)?;
        } else if meta.is_file() && belongs(&relative) {
            *left = left
                .checked_sub(meta.len())
                .filter(|_| files.len() < MAX_FILES)
                .ok_or_else(too_much)?;
            files.insert(relative, fs::read(&path).map_err(failed(&path))?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        folder
    }

    #[test]
    fn what_makes_the_policy_is_read_and_nothing_else() {
        let folder = folder_with(&[
            "a.rego",
            "a_test.rego",
            "sub/b.rego",
            "sub/data.json",
            "data.yaml",
            ".manifest",
            "sub/.manifest",
            ".hidden.rego",
            ".git/c.rego",
            "plan.json",
            "notes.json",
            "README.md",
        ]);
        let read = PolicyFolder::read(folder.path()).unwrap();
        let paths: Vec<&str> = read.files().map(|(path, _)| path).collect();
        assert_eq!(
            paths,
            [".manifest", "a.rego", "data.yaml", "sub/b.rego", "sub/data.json"]
        );
        let copy = tempfile::tempdir().unwrap();
        read.write_to(copy.path()).unwrap();
        assert_eq!(PolicyFolder::read(copy.path()).unwrap(), read);
    }

    #[test]
    fn a_folder_without_rego_is_refused_by_name() {
        let folder = folder_with(&["data.json", "a_test.rego"]);
        let error = PolicyFolder::read(folder.path()).unwrap_err().to_string();
        assert!(
            error.starts_with(&folder.path().display().to_string()) && error.contains("no Rego"),
            "{error}"
        );
        assert!(
            PolicyFolder::read(Path::new("/nowhere"))
                .unwrap_err()
                .to_string()
                .starts_with("/nowhere: ")
        );
    }

    #[test]
    fn a_folder_that_leads_into_itself_comes_to_an_end() {
        let folder = folder_with(&["a.rego"]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
        assert!(matches!(
            PolicyFolder::read(folder.path()),
            Err(FolderError::TooMuch { .. })
        ));
    }
}
