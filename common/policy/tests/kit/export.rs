//! Where the kit comes from: `scripts/tools.sh kit` exports it once from OPA's Go module.

use std::path::{Path, PathBuf};

use postern_rego::Value;

use crate::tools;

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All cases, as exported.
pub(crate) fn cases() -> Vec<Value> {
    let path = tools::made("kit", "POSTERN_KIT");
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
