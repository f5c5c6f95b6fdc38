//! Files and folders as `opa run` takes them on its command line (`v1/loader`): Rego, JSON and YAML, wherever they are below
//! a folder, put under `data` by the folders that they are in; `a.b:path` puts them further below; `--ignore` leaves names
//! out. Bounded in number, size and depth.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use postern_policy::collection::{CollectionError, Loose, LooseFile, RegoVersion};
use postern_policy::go_match::matches;
use postern_policy::{Arrived, BundleError, Deltas, Limits, Verification};

/// Of all paths together.
const MAX_FILES: usize = 10_000;
const MAX_BYTES: u64 = 256 << 20;
const MAX_DEPTH: usize = 64;

/// Why paths can't be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LooseError {
    /// Something can't be read.
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
        /// Where it was noticed.
        path: PathBuf,
    },
    /// A pattern that is none.
    #[error("--ignore {pattern}: {problem}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A bundle that is none.
    #[error("{}: {error}", path.display())]
    Bundle {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        error: BundleError,
    },
    /// A file that isn't what it should be.
    #[error(transparent)]
    File(#[from] CollectionError),
}

/// Reads paths, each perhaps with a prefix; names that one of `ignore`'s patterns matches are left out.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(paths: &[String], ignore: &[String], version: RegoVersion) -> Result<Loose, LooseError> {
    let placed = paths.iter().map(|path| {
        let (place, path) = split_prefix(path);
        let path = Path::new(path);
        Prefixed { place, path }
    });
    read_prefixed(placed, ignore, version)
}

/// A path, and where its data goes.
#[derive(Debug, Clone)]
pub struct Prefixed<'p> {
    /// Below `data`; at its root where this is empty.
    pub place: Vec<String>,
    /// A file or a folder.
    pub path: &'p Path,
}

/// As [`read`], of paths whose prefixes are split off already.
///
/// # Errors
/// The first thing that is wrong.
pub fn read_prefixed<'p>(
    paths: impl IntoIterator<Item = Prefixed<'p>>,
    ignore: &[String],
    version: RegoVersion,
) -> Result<Loose, LooseError> {
    let mut reading = Reading::new(ignore);
    let mut loose = Loose::default();
    for Prefixed { place, path } in paths {
        reading.walk(path, place, 0, &mut |file| Ok(loose.add(&file, version)?))?;
    }
    Ok(loose)
}

/// Reads a bundle that is a folder, or an archive, as `opa run --bundle` does; a delta, too.
///
/// # Errors
/// What can't be read, or isn't a bundle.
pub fn bundle(
    path: &Path,
    ignore: &[String],
    verification: &Verification,
    limits: &Limits,
) -> Result<Arrived, LooseError> {
    // Nothing that lies on a disk is kept on another.
    let deltas = Deltas { is_kept: false };
    let failed = |source| LooseError::Read {
        path: path.to_owned(),
        source,
    };
    let refused = |error: BundleError| LooseError::Bundle {
        path: path.to_owned(),
        error,
    };
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        // One byte more than may be, so that the bound is told as that of any archive.
        let most = u64::try_from(limits.archive_bytes).map_or(u64::MAX, |most| most.saturating_add(1));
        let mut archive = Vec::new();
        let file = fs::File::open(path).map_err(failed)?;
        file.take(most).read_to_end(&mut archive).map_err(failed)?;
        return Arrived::read(&archive, verification, limits, deltas).map_err(refused);
    }
    let mut reading = Reading::new(ignore);
    let mut files = Vec::new();
    reading.walk(path, Vec::new(), 0, &mut |file| {
        let below = Path::new(file.path)
            .strip_prefix(path)
            .unwrap_or(Path::new(file.path));
        files.push((below.to_string_lossy().into_owned(), file.content.to_vec()));
        Ok(())
    })?;
    Arrived::of_files(files, verification, limits, deltas).map_err(refused)
}

/// Where a path's data goes, and the path: `a.b:path` (`loader.SplitPrefix`).
fn split_prefix(path: &str) -> (Vec<String>, &str) {
    match path.split_once(':') {
        Some((prefix, rest)) if !prefix.is_empty() && !rest.starts_with("//") => {
            (prefix.split('.').map(str::to_owned).collect(), rest)
        }
        _ => (Vec::new(), path.strip_prefix("file://").unwrap_or(path)),
    }
}

struct Reading<'r> {
    ignore: &'r [String],
    files: usize,
    left: u64,
}

/// What takes in a file.
type Take<'t> = &'t mut dyn FnMut(LooseFile<'_>) -> Result<(), LooseError>;

impl<'r> Reading<'r> {
    fn new(ignore: &'r [String]) -> Self {
        Self {
            ignore,
            files: 0,
            left: MAX_BYTES,
        }
    }

    fn walk(
        &mut self,
        path: &Path,
        place: Vec<String>,
        depth: usize,
        take: Take<'_>,
    ) -> Result<(), LooseError> {
        let failed = |source| LooseError::Read {
            path: path.to_owned(),
            source,
        };
        let name = path.file_name().unwrap_or(path.as_os_str());
        let text = path.to_str().ok_or_else(|| LooseError::Name {
            path: path.to_owned(),
        })?;
        let name = name.to_str().unwrap_or_default();
        let meta = fs::metadata(path).map_err(failed)?;
        if self.is_ignored(name)? {
            return Ok(());
        }
        let too_much = || LooseError::TooMuch {
            path: path.to_owned(),
        };
        if !meta.is_dir() {
            self.files += 1;
            self.left = self
                .left
                .checked_sub(meta.len())
                .filter(|_| self.files <= MAX_FILES)
                .ok_or_else(too_much)?;
            let content = fs::read(path).map_err(failed)?;
            let file = LooseFile {
                path: text,
                place: &place,
                named: depth == 0,
                content: &content,
            };
            return take(file);
        }
        if depth >= MAX_DEPTH {
            return Err(too_much());
        }
        let mut below = place;
        if depth > 0 {
            below.push(name.to_owned());
        }
        let mut entries: Vec<PathBuf> = fs::read_dir(path)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
            .map_err(failed)?;
        entries.sort();
        for entry in entries {
            self.walk(&entry, below.clone(), depth + 1, take)?;
        }
        Ok(())
    }

    fn is_ignored(&self, name: &str) -> Result<bool, LooseError> {
        for pattern in self.ignore {
            let found = matches(pattern, name).map_err(|problem| LooseError::Pattern {
                pattern: pattern.clone(),
                problem: problem.to_owned(),
            })?;
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    #[test]
    fn folders_below_what_was_given_are_places_in_data() {
        let folder = folder(&[
            ("p.rego", "package a\nx := 1\n"),
            ("..data/p.rego", "package hidden\n"),
            ("d/e/data.json", r#"{"x":1}"#),
            ("d/e/other.yml", "y: 2\n"),
            ("d/notes.txt", "nothing"),
        ]);
        let root = folder.path().to_str().unwrap();
        let loose = read(
            &[root.to_owned(), format!("pre.fix:{root}/d/e")],
            &["..*".to_owned()],
            RegoVersion::V1,
        )
        .unwrap();
        assert_eq!(
            loose.data().to_json(),
            r#"{"d":{"e":{"x":1,"y":2}},"pre":{"fix":{"x":1,"y":2}}}"#
        );
        let modules: Vec<_> = loose.modules().map(|module| module.package.join("/")).collect();
        assert_eq!(modules, ["a"]);
    }

    #[test]
    fn a_folder_is_a_bundle_as_its_archive_is() {
        let folder = folder(&[
            (".manifest", r#"{"roots":["a","d"],"revision":"r"}"#),
            ("a/p.rego", "package a\n"),
            ("d/data.json", r#"{"x":1}"#),
            (".git/config", "nothing"),
        ]);
        let ignore = [".git".to_owned()];
        let read = |path: &Path| bundle(path, &ignore, &Verification::Unsigned, &Limits::default());
        let Arrived::Snapshot(found) = read(folder.path()).unwrap() else {
            panic!("a snapshot was expected");
        };
        assert_eq!(found.revision(), "r");
        assert_eq!(found.data().to_json(), r#"{"d":{"x":1}}"#);
        assert_eq!(found.files().count(), 3);
        fs::write(folder.path().join("data.json"), r#"{"b":1}"#).unwrap();
        assert!(
            read(folder.path())
                .unwrap_err()
                .to_string()
                .contains("outside the bundle's roots")
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = read(&["/nowhere/p.rego".to_owned()], &[], RegoVersion::V1)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("/nowhere/p.rego: "), "{error}");
        let folder = folder(&[("a.json", "{")]);
        let error = read(
            &[folder.path().to_str().unwrap().to_owned()],
            &[],
            RegoVersion::V1,
        )
        .unwrap_err()
        .to_string();
        assert!(error.contains("a.json"), "{error}");
        std::os::unix::fs::symlink(folder.path(), folder.path().join("b")).unwrap();
        fs::remove_file(folder.path().join("a.json")).unwrap();
        let error = read(
            &[folder.path().to_str().unwrap().to_owned()],
            &[],
            RegoVersion::V1,
        )
        .unwrap_err();
        assert!(
            matches!(error, LooseError::TooMuch { .. } | LooseError::Read { .. }),
            "{error}"
        );
    }

    #[test]
    fn a_prefix_is_what_stands_before_a_colon() {
        assert_eq!(
            split_prefix("a.b:/x/y.json"),
            (vec!["a".to_owned(), "b".to_owned()], "/x/y.json")
        );
        assert_eq!(split_prefix("/x/y.json"), (Vec::new(), "/x/y.json"));
        assert_eq!(split_prefix("file:///x.json"), (Vec::new(), "/x.json"));
        assert_eq!(split_prefix(":x"), (Vec::new(), ":x"));
    }
}
