//! What `scripts/tools.sh` makes for tests that hold this machine to OPA. None of them is passed over where it can't be made.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What the script prints the path of (`opa`, `kit`, `oracle`), or what the variable names instead.
pub(crate) fn made(what: &str, variable: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return path.into();
    }
    // Crates that have tests of this kind lie two folders below the script's.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/tools.sh");
    let help = format!("run `scripts/tools.sh {what}` by hand, or set {variable} to what it made elsewhere");
    let output = Command::new("bash").arg(&script).arg(what).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}; {help}", script.display()));
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{what} could not be made; {help}\n{problem}"
    );
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}
