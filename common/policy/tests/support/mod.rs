//! The real `opa`, for tests that hold us to it. Where it isn't built yet it is built; where that fails, so does the
//! test: none of this is ever skipped.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail as tests do"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The pinned `opa`: `POSTERN_OPA`, or the tool cache's, built by scripts/tools.sh if need be.
pub(crate) fn opa() -> PathBuf {
    if let Some(path) = std::env::var_os("POSTERN_OPA") {
        return path.into();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/tools.sh");
    let output = Command::new("bash")
        .arg(&script)
        .output()
        .expect("bash is needed to run scripts/tools.sh");
    assert!(
        output.status.success(),
        "this test needs opa; run `make tools`, or set POSTERN_OPA to the pinned version:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// Runs `opa` in a folder.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(opa())
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Runs `opa` in a folder; its failure is the test's.
pub(crate) fn run_well(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = run(folder, arguments);
    assert!(
        output.status.success(),
        "opa {arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
