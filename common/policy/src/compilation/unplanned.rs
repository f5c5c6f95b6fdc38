//! Rules at paths that hold base data. OPA looks at all rules when it activates; a plan has only those that its entrypoints
//! need, and lists the others where it is asked to (`--plan-addons unplanned_rules`).

use postern_rego::Value;
use serde::Deserialize;

use crate::collection::Segment;

/// A rule that the plan doesn't have: names until the first that isn't one, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePath {
    path: Vec<String>,
    place: String,
}

/// A rule and data at one path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{place}: rego_compile_error: conflicting rule for data path {path} found: rename the rule, or leave the data out"
)]
pub struct RuleConflict {
    /// The path, `a/b/c`.
    pub path: String,
    /// The rule's file and row.
    pub place: String,
}

#[derive(Deserialize)]
struct Plan {
    #[serde(default)]
    unplanned_rules: Vec<Unplanned>,
    #[serde(rename = "static", default)]
    fixed: Fixed,
}

#[derive(Deserialize, Default)]
struct Fixed {
    files: Option<Vec<File>>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
struct Unplanned {
    path: String,
    location: Option<Location>,
}

#[derive(Deserialize)]
struct Location {
    #[serde(default)]
    file: usize,
    #[serde(default)]
    row: u32,
}

impl RulePath {
    /// The rules that a plan says it doesn't have; none where it doesn't say.
    ///
    /// # Errors
    /// When it isn't a plan's JSON.
    pub fn of_plan(plan_json: &[u8]) -> Result<Vec<Self>, String> {
        let plan: Plan = serde_json::from_slice(plan_json).map_err(|error| error.to_string())?;
        let rules = plan.unplanned_rules.into_iter().filter_map(|rule| {
            let place = rule.location.and_then(|location| {
                let file = plan.fixed.files.as_ref()?.get(location.file)?;
                Some(format!("{}:{}", file.value, location.row))
            });
            Some(Self {
                path: names(&rule.path)?,
                place: place.unwrap_or_default(),
            })
        });
        Ok(rules.collect())
    }

    /// Whether data is at, or in the way to, the rule's path (`v1/storage/storage.go`, `NonEmpty`).
    ///
    /// # Errors
    /// Where it is.
    pub fn check(&self, data: &Value) -> Result<(), RuleConflict> {
        let mut value = data;
        for name in &self.path {
            match value {
                Value::Object(members) => match members.get_str(name) {
                    Some(inner) => value = inner,
                    None => return Ok(()),
                },
                // Nothing can be put there.
                _ => break,
            }
        }
        Err(RuleConflict {
            path: self.path.join("/"),
            place: self.place.clone(),
        })
    }
}

/// The part of a rule's reference that is in OPA's tree of rules: what comes before the first variable, if it is names
/// alone; a key that is no string can't be data's.
fn names(reference: &str) -> Option<Vec<String>> {
    let (steps, rest) = crate::collection::reference(reference)?;
    let mut path = Vec::with_capacity(steps.len());
    for step in steps {
        match step {
            Segment::Name(name) => path.push(name),
            Segment::Number(_) => return None,
        }
    }
    // Variables are written `__local0__` here; what else may follow is a number or a composite key.
    let is_constant = rest.strip_prefix('[').is_some_and(|rest| {
        let word = ["true]", "false]", "null]"]
            .iter()
            .any(|word| rest.starts_with(word));
        word || rest.starts_with(|c: char| c.is_ascii_digit() || "-[{".contains(c))
    });
    (!is_constant).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conflicts(path: &str, data: &str) -> Option<String> {
        let plan = format!(
            r#"{{"static":{{"files":[{{"value":"a.rego"}}]}},"unplanned_rules":[{{"path":{},"location":{{"file":0,"row":3}}}}]}}"#,
            Value::from(path).to_json()
        );
        let data = Value::from_json_str(data).unwrap();
        let rules = RulePath::of_plan(plan.as_bytes()).unwrap();
        rules
            .iter()
            .find_map(|rule| rule.check(&data).err())
            .map(|error| error.to_string())
    }

    #[test]
    fn a_rule_where_data_is_conflicts_as_in_opa() {
        let found = conflicts("data.a.x", r#"{"a":{"x":1}}"#).unwrap();
        assert!(
            found.starts_with("a.rego:3: rego_compile_error: conflicting rule for data path a/x found"),
            "{found}"
        );
        assert!(conflicts("data.a.x", r#"{"a":1}"#).is_some());
        assert!(conflicts("data.a.x[__local0__]", r#"{"a":{"x":{"k":1}}}"#).is_some());
        assert!(conflicts(r#"data.a["x y"].w"#, r#"{"a":{"x y":{"w":0}}}"#).is_some());
        assert!(conflicts("data.a.x", r#"{"a":{"y":1},"b":2}"#).is_none());
        assert!(conflicts("data.a.x[1]", r#"{"a":{"x":{"k":1}}}"#).is_none());
        assert!(conflicts("data.a.x.y", r#"{"a":{"x":{"k":1}}}"#).is_none());
    }

    #[test]
    fn a_plan_that_lists_none_has_none() {
        assert_eq!(
            RulePath::of_plan(br#"{"static":{"files":null},"plans":{}}"#).unwrap(),
            []
        );
        assert!(RulePath::of_plan(b"nonsense").is_err());
    }
}
