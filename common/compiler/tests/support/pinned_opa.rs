//! The pinned opa, for tests. Shared with tests of other crates.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::Command;

use postern_compiler::locate_opa;

#[path = "program.rs"]
pub(crate) mod program;

/// The pinned opa; built where it isn't yet.
pub(crate) fn opa() -> PathBuf {
    locate_opa(None).unwrap_or_else(|_| {
        let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
        let mut scripts = above.map(|folder| folder.join("scripts/tools.sh"));
        let script = scripts.find(|script| script.exists()).unwrap();
        let output = Command::new("bash").arg(script).output().unwrap();
        assert!(output.status.success(), "this test needs opa; run `make tools`");
        String::from_utf8(output.stdout).unwrap().trim().into()
    })
}

/// The same, in `folder`, and a file with a line for each of its runs.
pub(crate) fn counting(folder: &Path) -> (PathBuf, PathBuf) {
    let (script, runs) = (folder.join("opa"), folder.join("runs"));
    let text = format!("echo run >> {}\nexec {} \"$@\"", runs.display(), opa().display());
    program::write(&script, &text);
    (script, runs)
}
