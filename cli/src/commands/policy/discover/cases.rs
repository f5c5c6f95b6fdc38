//! Where a test with cases notes which case it is at: `opa test` adds a call of its own to such rules when it compiles them,
//! as early as the case is known (`injectTestCaseFunc` of its runner). Here a line is printed at the same place. Only where the
//! same place is certain.

use serde_json::Value as Json;

use super::Edit;
use super::rule::{Rule, offset};

/// What the lines begin with that note a case.
pub const MARKER: &str = "\u{1}case";

/// The edit; `Some(None)` where none is needed; `None` where it isn't certain.
pub(super) fn noted(rule: &Rule<'_>, source: &str) -> Option<Option<Edit>> {
    if !rule.is_true() {
        return None;
    }
    let body: Vec<&Json> = rule.body().iter().filter(|expr| !only_declares(expr)).collect();
    let declared = declared(rule.body());
    let mut at = 0;
    let mut parts = Vec::new();
    for term in rule.tail() {
        match term.get("type")?.as_str()? {
            "var" => at = at.max(first(&body, name(term)?)??.checked_add(1)?),
            // opa gives it a name, and moves that up as far as it goes.
            "ref" => {
                let names: Vec<&str> = names(term)
                    .into_iter()
                    .filter(|name| declared.contains(name))
                    .collect();
                let mut after = None;
                for name in names {
                    after = after.max(first(&body, name)?);
                }
                at = at.max(after.map_or(0, |after| after + 1));
            }
            "string" | "number" | "boolean" | "null" => {}
            _ => return None,
        }
        parts.push(written(term)?);
    }
    let Some(next) = body.get(at) else {
        // All that could fail has gone well: the case is in the value.
        return Some(None);
    };
    let text = next
        .pointer("/location/text")
        .and_then(Json::as_str)
        .and_then(decoded)?;
    let begins = text.lines().next()?;
    let at = offset(source, next, begins)?;
    let before = source.get(..at)?.trim_end();
    // The only line of a body needn't have braces.
    let in_braces = body.len() > 1 || before.ends_with('{');
    let begins_a_line = source.get(before.len()..at)?.contains('\n');
    if !in_braces || !(before.ends_with(['{', ';']) || begins_a_line) {
        return None;
    }
    Some(Some(Edit {
        at,
        length: 0,
        text: format!(
            "postern_case__ := json.marshal([{}]); print(\"\\u0001case\", postern_case__); ",
            parts.join(", ")
        ),
    }))
}

fn decoded(text: &str) -> Option<String> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

fn name(term: &Json) -> Option<&str> {
    let name = term.get("value")?.as_str()?;
    // `_` has a name of its own that can't be written.
    (!name.starts_with('$')).then_some(name)
}

/// The text of a term that stands in a head.
fn written(term: &Json) -> Option<String> {
    match term.get("type")?.as_str()? {
        "var" => name(term).map(str::to_owned),
        "string" | "number" | "boolean" | "null" => Some(term.get("value")?.to_string()),
        "ref" => {
            let mut parts = term.get("value")?.as_array()?.iter();
            let mut text = name(parts.next()?)?.to_owned();
            for part in parts {
                text = format!("{text}[{}]", written(part)?);
            }
            Some(text)
        }
        _ => None,
    }
}

/// `some x`, which opa takes out before it looks.
fn only_declares(expr: &Json) -> bool {
    let symbols = expr.pointer("/terms/symbols").and_then(Json::as_array);
    symbols.is_some_and(|symbols| symbols.iter().all(|symbol| symbol["type"] == "var"))
}

/// The names that a body declares: `some x`, `some x in …`, `x := …`.
fn declared(body: &[Json]) -> Vec<&str> {
    let mut found = Vec::new();
    for expr in body {
        if let Some(symbols) = expr.pointer("/terms/symbols").and_then(Json::as_array) {
            for symbol in symbols {
                match symbol.get("value").and_then(Json::as_array) {
                    // `internal.member_2`, what is declared, and where it is looked for.
                    Some(call) => {
                        let end = call.len().saturating_sub(1);
                        let declares = call.get(1..end).unwrap_or_default();
                        found.extend(declares.iter().flat_map(names));
                    }
                    None => found.extend(names(symbol)),
                }
            }
        } else if expr.pointer("/terms/0/value/0/value").and_then(Json::as_str) == Some("assign") {
            found.extend(expr.pointer("/terms/1").map(names).unwrap_or_default());
        }
    }
    found
}

/// The first expression that has the name: `Some(None)` where none has it, `None` where it first stands in something that
/// has names of its own.
#[expect(clippy::option_option, reason = "not there and not certain are two things")]
fn first(body: &[&Json], name: &str) -> Option<Option<usize>> {
    let Some(at) = body.iter().position(|expr| names(expr).contains(&name)) else {
        return Some(None);
    };
    let closes = |expr: &Json| {
        inside(expr).any(|json| {
            json.get("domain").is_some()
                || json["type"]
                    .as_str()
                    .is_some_and(|kind| kind.ends_with("comprehension"))
        })
    };
    if body.get(at).is_some_and(|expr| closes(expr)) {
        return None;
    }
    Some(Some(at))
}

/// The names in a part of a rule.
fn names(json: &Json) -> Vec<&str> {
    inside(json)
        .filter(|json| json["type"] == "var")
        .filter_map(|json| json.get("value")?.as_str())
        .collect()
}

/// A part of a rule and all parts of it.
fn inside(json: &Json) -> Box<dyn Iterator<Item = &Json> + '_> {
    let within: Box<dyn Iterator<Item = &Json>> = match json {
        Json::Array(items) => Box::new(items.iter()),
        Json::Object(members) => Box::new(
            members
                .iter()
                .filter(|(name, _)| *name != "location")
                .map(|(_, value)| value),
        ),
        _ => Box::new(std::iter::empty()),
    };
    Box::new(std::iter::once(json).chain(within.flat_map(inside)))
}
