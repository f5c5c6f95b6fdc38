//! What opa says of a policy that it doesn't compile, made to be read by who wrote the policy.

use crate::collection::Collection;

/// Why a policy isn't compiled, in OPA's words: file, row, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CompileRefusal {
    /// OPA's words.
    pub message: String,
    /// The bundles whose files they name, in their order.
    pub bundles: Vec<String>,
}

/// What opa puts in front of its errors.
const PREFIXES: [&str; 3] = ["error: ", "load error: ", "bundle merge failed: "];

impl CompileRefusal {
    /// A refusal, and the bundles that it names.
    pub(super) fn of(message: String, collection: &Collection) -> Self {
        let named = |name: &str| message.contains(&format!("{}/", name.trim_matches('/')));
        let members = collection.members().iter();
        let bundles = members
            .filter(|member| named(&member.name))
            .map(|member| member.name.clone());
        Self {
            bundles: bundles.collect(),
            message,
        }
    }
}

/// The message without what only names our folders; `folders` are pairs of a folder, with its slash, and what is shown in
/// its place.
pub(super) fn cleaned(said: &str, folders: &[(String, String)]) -> String {
    let mut text = said.trim();
    loop {
        let shorter = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix));
        let shorter = shorter.or_else(|| {
            text.strip_prefix("bundle ")
                .and_then(|rest| Some(rest.split_once(": ")?.1))
        });
        match shorter {
            Some(rest) => text = rest,
            None => break,
        }
    }
    let mut text = text.to_owned();
    for (folder, shown) in folders.iter().filter(|(folder, shown)| folder != shown) {
        text = text.replace(folder, shown);
    }
    if text.is_empty() {
        return "opa failed and said nothing".to_owned();
    }
    if let Some(limit) = planner_limit(&text) {
        return format!("opa can't plan this policy ({limit}), though it is valid Rego: {text}");
    }
    if text.contains("unknown flag: --plan-addons") || text.contains("unknown flag: --prune-unused") {
        return format!(
            "this opa is too old to compile for Postern: use version {} ({text})",
            crate::OPA_VERSION
        );
    }
    text
}

/// What the planner gives up on; `opa run` does not.
fn planner_limit(text: &str) -> Option<&'static str> {
    if text.contains("planned as a single function") {
        Some("rules that share a path's beginning, one with variables in its head and one without")
    } else if text.contains("not implemented") {
        Some("an expression that the planner doesn't have")
    } else {
        None
    }
}

/// The entrypoint that opa says is no rule.
pub(super) fn no_rule(said: &str) -> Option<String> {
    let (_, rest) = said.split_once("entrypoint \"")?;
    let (quoted, _) = rest.rsplit_once("\" does not refer to a rule or policy decision")?;
    // Go's %q. What it writes otherwise than JSON (`\x00`, `\a`) isn't found, and stays a refusal.
    let value = postern_rego::Value::from_json_str(&format!("\"{quoted}\"")).ok()?;
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_speaks_of_the_policys_files() {
        let folders = [
            ("one/".to_owned(), "one/".to_owned()),
            ("a_b/".to_owned(), "a/b/".to_owned()),
        ];
        assert_eq!(
            cleaned(
                "error: load error: bundle a_b: 1 error occurred during loading: a_b/p.rego:8: rego_parse_error: x\n",
                &folders
            ),
            "1 error occurred during loading: a/b/p.rego:8: rego_parse_error: x"
        );
        assert_eq!(
            cleaned(
                "error: 1 error occurred: one/p.rego:2: rego_type_error: y",
                &folders
            ),
            "1 error occurred: one/p.rego:2: rego_type_error: y"
        );
        assert_eq!(cleaned("", &[]), "opa failed and said nothing");
        let limit = cleaned(
            "error: 1 error occurred: p.rego:1: rego_compile_error: rules sharing that path prefix are planned as a single function",
            &[],
        );
        assert!(limit.starts_with("opa can't plan this policy"), "{limit}");
        assert!(cleaned("error: unknown flag: --plan-addons", &[]).contains("use version 1."));
    }

    #[test]
    fn the_entrypoint_that_is_no_rule_is_found() {
        let said =
            |name: &str| format!("error: entrypoint {name} does not refer to a rule or policy decision\n");
        assert_eq!(no_rule(&said("\"a/nope\"")).as_deref(), Some("a/nope"));
        assert_eq!(no_rule(&said(r#""a/x \"y\"""#)).as_deref(), Some(r#"a/x "y""#));
        assert_eq!(no_rule("error: 1 error occurred"), None);
    }
}
