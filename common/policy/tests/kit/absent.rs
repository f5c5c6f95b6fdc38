//! OPA's builtins that a policy can't call here, each with its reason. What OPA has is asked of the pinned `opa` itself.

use std::collections::BTreeSet;
use std::process::Command;

use postern_rego::Value;

use crate::document::provided;
use crate::tools;

/// Names of OPA's, and why they aren't here.
pub(crate) const ABSENT: [(&str, &str); 11] = [
    ("assign", "`:=`, which OPA's compiler turns into statements"),
    ("eq", "`=`, which OPA's compiler turns into statements"),
    (
        "http.send",
        "not the machine's own: a sidecar that lists hosts (`policy.http_send`) has it",
    ),
    ("internal.test_case", "what `opa test` notes for itself"),
    ("net.lookup_ip_addr", "asks DNS on the answer's path"),
    ("print", "OPA's compiler makes `internal.print` of it"),
    (
        "rego.metadata.chain",
        "OPA's compiler puts the annotations in its place",
    ),
    (
        "rego.metadata.rule",
        "OPA's compiler puts the annotations in its place",
    ),
    ("rego.parse_module", "needs OPA's own parser of Rego"),
    ("set_diff", "not in Rego v1; `-` does it"),
    ("trace", "notes for OPA's tracer; `print` goes to the log"),
];

/// All that the pinned `opa` has (`opa capabilities --current`).
fn capabilities() -> BTreeSet<String> {
    let opa = tools::made("opa", "POSTERN_OPA");
    let output = Command::new(&opa).args(["capabilities", "--current"]).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", opa.display()));
    let capabilities = Value::from_json_slice(&output.stdout).expect("JSON");
    let builtins = capabilities
        .get("builtins")
        .and_then(Value::as_array)
        .expect("builtins");
    let name = |builtin: &Value| builtin.get("name").and_then(Value::as_str).map(str::to_owned);
    builtins.iter().filter_map(name).collect()
}

#[test]
fn every_builtin_of_opas_is_here_or_absent_for_a_reason_and_there_are_no_others() {
    let all = capabilities();
    assert!(all.len() > 200, "opa names only {} builtins", all.len());
    let provided = provided();
    let strangers: Vec<&&str> = provided.iter().filter(|name| !all.contains(**name)).collect();
    assert!(strangers.is_empty(), "not OPA's: {strangers:?}");
    let known: BTreeSet<&str> = provided
        .iter()
        .copied()
        .chain(ABSENT.map(|(name, _)| name))
        .collect();
    let missing: Vec<&String> = all.iter().filter(|name| !known.contains(name.as_str())).collect();
    assert!(
        missing.is_empty(),
        "neither here nor absent for a reason: {missing:?}"
    );
    for (name, _) in ABSENT {
        assert!(all.contains(name), "{name} isn't OPA's");
        assert!(!provided.contains(&name), "{name} is here: take it off the list");
    }
}
