//! What a start finds: nothing, what a killed start left, its own folder, somebody else's.

use std::collections::BTreeMap;

use super::*;
use crate::SystemEntropy;

fn open(path: &Path) -> Result<DataFolder, FolderError> {
    DataFolder::open(path, &SystemEntropy)
}

/// Every file below `root`, with its bytes.
fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.insert(entry.path(), fs::read(entry.path()).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_first_start_makes_everything_private_and_a_second_changes_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("deep/data");
    open(&path).unwrap();
    let first = contents(&path);
    let names: Vec<_> = first
        .keys()
        .map(|file| file.strip_prefix(&path).unwrap().to_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["VERSION", "credentials/admin", "credentials/sidecar", "seal.key"]
    );
    for file in first.keys() {
        assert_eq!(
            fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            file.display()
        );
    }
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);

    open(&path).unwrap();
    assert_eq!(contents(&path), first);
}

/// A start writes its files in a fixed order, each complete or not at all, with at most one temporary beside them.
/// So a killed start leaves a prefix of that order, and perhaps a temporary: each is tried.
#[test]
fn a_start_killed_between_any_two_steps_leaves_a_folder_that_the_next_one_completes() {
    let order = ["VERSION", "seal.key", "credentials/admin", "credentials/sidecar"];
    let whole = tempfile::tempdir().unwrap();
    open(whole.path()).unwrap();

    for done in 0..=order.len() {
        for torn in [false, true] {
            let killed = tempfile::tempdir().unwrap();
            let (kept, rest) = order.split_at(done);
            for file in kept {
                let to = killed.path().join(file);
                create_private_folder(to.parent().unwrap()).unwrap();
                fs::copy(whole.path().join(file), to).unwrap();
            }
            if let (true, Some(next)) = (torn, rest.first()) {
                let next = killed.path().join(next);
                create_private_folder(next.parent().unwrap()).unwrap();
                let name = next.file_name().unwrap().to_str().unwrap();
                fs::write(
                    next.with_file_name(format!(".{name}.0123456789abcdef.tmp")),
                    "torn",
                )
                .unwrap();
            }

            open(killed.path()).unwrap_or_else(|error| panic!("{done} files done, torn: {torn}: {error}"));
            for file in kept {
                let (before, after) = (whole.path().join(file), killed.path().join(file));
                assert_eq!(
                    fs::read(before).unwrap(),
                    fs::read(after).unwrap(),
                    "{file} was kept"
                );
            }
            open(killed.path()).unwrap();
        }
    }
}

#[test]
fn a_folder_of_a_newer_version_is_refused_and_untouched() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("VERSION"), "2\n").unwrap();
    fs::write(folder.path().join("postern.db"), "from the future").unwrap();
    let before = contents(folder.path());
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, FolderError::Newer { found: 2, .. }), "{error}");
    assert_eq!(contents(folder.path()), before);
}

#[test]
fn a_version_that_nobody_wrote_is_refused() {
    for version in ["", "0", "-1", "one", "1.5", "99999999999999999999999"] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("VERSION"), version).unwrap();
        let error = open(folder.path()).unwrap_err();
        assert!(matches!(error, FolderError::Version { .. }), "{version}: {error}");
    }
}

#[test]
fn a_folder_with_data_but_no_version_is_refused_and_untouched() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("postern.db"), "somebody's").unwrap();
    let before = contents(folder.path());
    assert!(matches!(
        open(folder.path()),
        Err(FolderError::Foreign {
            found: "postern.db",
            ..
        })
    ));
    assert_eq!(contents(folder.path()), before);
}

#[test]
fn a_lost_seal_key_is_not_replaced_where_secrets_were_sealed_with_it() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).unwrap();
    fs::write(folder.path().join("postern.db"), "").unwrap();
    open(folder.path()).unwrap();
    fs::remove_file(folder.path().join("seal.key")).unwrap();
    let before = contents(folder.path());
    assert!(matches!(
        open(folder.path()),
        Err(FolderError::SealKeyMissing { .. })
    ));
    assert_eq!(contents(folder.path()), before);
}

#[test]
fn a_secret_that_everybody_may_read_is_refused() {
    for file in ["seal.key", "credentials/admin", "credentials/sidecar"] {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path()).unwrap();
        let path = folder.path().join(file);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = open(folder.path()).err().unwrap().to_string();
        assert!(
            refused.contains(file) && refused.contains("chmod 600"),
            "{refused}"
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        open(folder.path()).unwrap();
    }
}
