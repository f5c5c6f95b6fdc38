//! Where the kit comes from: `scripts/tools.sh kit` exports it once from OPA's Go module.

use std::path::{Path, PathBuf};
use std::process::Command;

use postern_rego::Value;

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All cases, as exported.
pub(crate) fn cases() -> Vec<Value> {
    let path = std::env::var_os("POSTERN_KIT").map_or_else(export, PathBuf::from);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let kit = Value::from_json_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let cases = kit
        .get("cases")
        .and_then(Value::as_array)
        .expect("an array of cases");
    assert!(
        cases.len() > 2000,
        "{} has only {} cases",
        path.display(),
        cases.len()
    );
    cases.iter().cloned().collect()
}

fn export() -> PathBuf {
    let script = repository().join("scripts/tools.sh");
    let help =
        "run `scripts/tools.sh kit` by hand, or set POSTERN_KIT to a cases.json that it made elsewhere";
    let output = Command::new("bash").arg(&script).arg("kit").output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}; {help}", script.display()));
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "OPA's cases could not be exported; {help}\n{problem}"
    );
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}
