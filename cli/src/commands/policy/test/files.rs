//! The Rego of a policy that opa doesn't compile as it is: a test and a test with cases of one name are a conflict to its compiler,
//! and two tests to `opa test`, which writes them otherwise first. So the files are looked for here.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// So many folders within each other are looked into.
const MAX_DEPTH: usize = 64;

/// The files of Rego at and below these paths, by their names, as opa calls them.
pub(super) fn rego(paths: &[PathBuf]) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for path in paths {
        collect(path, 0, &mut found)?;
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn collect(path: &Path, depth: usize, found: &mut Vec<String>) -> io::Result<()> {
    if !path.is_dir() {
        let name = path.to_string_lossy();
        if name.ends_with(".rego") {
            found.push(name.into_owned());
        }
        return Ok(());
    }
    if depth == MAX_DEPTH {
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        collect(&entry?.path(), depth + 1, found)?;
    }
    Ok(())
}
