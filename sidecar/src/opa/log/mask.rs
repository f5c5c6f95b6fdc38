//! Masks: what a policy wants removed from an event, or replaced in it, before anybody sees it (OPA's
//! `v1/plugins/logs/mask.go`). Pure. What can't be read as a mask is an error, and the event is not to be sent.
//!
//! As in OPA, the parts of a path are compared with names in their escaped form: a name with a character that a URL's path
//! can't have is not to be reached.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use postern_policy::{Object, Value};

use super::event::Event;
use super::pointer::{plain, removed, upserted};

/// What Go's `url.PathEscape` escapes.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b':')
    .remove(b'=')
    .remove(b'@');

/// Parts of a path. OPA has no bound; no event nests as deep.
const MAX_PARTS: usize = 256;

/// A mask.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    part: Part,
    /// Below that part, escaped.
    path: Vec<String>,
    op: Op,
    /// The path as the event names it.
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Input,
    Result,
    NdBuiltinCache,
}

#[derive(Debug, Clone, PartialEq)]
enum Op {
    Remove,
    Upsert(Value),
}

/// Reads a policy's answer: a list, or a set, of paths and of objects with `op`, `path` and `value`.
///
/// # Errors
/// When it is anything else, in OPA's words.
pub(super) fn rules(answer: &Value) -> Result<Vec<Rule>, String> {
    match answer {
        Value::Array(rules) => rules.iter().map(rule).collect(),
        Value::Set(rules) => rules.iter().map(rule).collect(),
        other => Err(format!("unexpected rule format ({})", other.type_name())),
    }
}

fn rule(value: &Value) -> Result<Rule, String> {
    match value {
        Value::String(path) => Rule::new(path, Op::Remove),
        Value::Object(rule) => {
            let op = match text(rule, "op")? {
                "remove" => Op::Remove,
                "upsert" => Op::Upsert(rule.get_str("value").map_or(Value::Null, plain)),
                other => return Err(format!("mask op is not supported: {other}")),
            };
            Rule::new(text(rule, "path")?, op)
        }
        other => Err(format!(
            "invalid mask rule format encountered: {}",
            other.type_name()
        )),
    }
}

fn text<'v>(rule: &'v Object, member: &str) -> Result<&'v str, String> {
    match rule.get_str(member) {
        None => Ok(""),
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(other) => Err(format!("invalid \"{member}\" value: {}", other.to_json())),
    }
}

impl Rule {
    fn new(path: &str, op: Op) -> Result<Self, String> {
        if path.is_empty() {
            return Err("mask must be non-empty".to_owned());
        }
        let path = path.strip_prefix('/').ok_or("mask must be slash-prefixed")?;
        let mut parts = path.split('/');
        let part = match parts.next().unwrap_or_default() {
            "input" => Part::Input,
            "result" => Part::Result,
            "nd_builtin_cache" => Part::NdBuiltinCache,
            other => return Err(format!("mask prefix not allowed: {other}")),
        };
        let path = parts.map(escaped).collect::<Result<Vec<_>, _>>()?;
        if path.len() > MAX_PARTS {
            return Err(format!(
                "a mask has at most {MAX_PARTS} parts, this one has {}",
                path.len()
            ));
        }
        let name = path
            .iter()
            .fold(part.name().to_owned(), |name, part| name + "/" + part);
        Ok(Self { part, path, op, name })
    }
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Input => "/input",
            Self::Result => "/result",
            Self::NdBuiltinCache => "/nd_builtin_cache",
        }
    }

    fn of(self, event: &mut Event) -> &mut Option<Value> {
        match self {
            Self::Input => &mut event.input,
            Self::Result => &mut event.result,
            Self::NdBuiltinCache => &mut event.nd_builtin_cache,
        }
    }
}

fn escaped(part: &str) -> Result<String, String> {
    let bytes = part.as_bytes();
    for (at, _) in part.match_indices('%') {
        let hex = bytes.get(at + 1..at + 3);
        if !hex.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) {
            let rest = part.get(at..).unwrap_or_default();
            let rest: String = rest.chars().take(3).collect();
            return Err(format!("invalid URL escape {rest:?}"));
        }
    }
    Ok(utf8_percent_encode(part, SEGMENT).to_string())
}

/// Applies masks in their order. One that leads nowhere changes nothing.
pub(super) fn apply(rules: &[Rule], event: &mut Event) {
    if rules.is_empty() {
        return;
    }
    for part in [Part::Result, Part::NdBuiltinCache] {
        let part = part.of(event);
        *part = part.as_ref().map(plain);
    }
    for rule in rules {
        let part = rule.part.of(event);
        let Some(was) = &*part else {
            continue;
        };
        if rule.part == Part::Input && is_within_version(was, &rule.path) {
            continue;
        }
        match (&rule.op, rule.path.is_empty()) {
            (Op::Remove, true) => *part = None,
            (Op::Upsert(value), true) => *part = Some(value.clone()),
            (Op::Remove, false) => match removed(was, &rule.path) {
                Some(without) => *part = Some(without),
                None => continue,
            },
            (Op::Upsert(value), false) => match upserted(was, &rule.path, value) {
                Some(with) => *part = Some(with),
                None => continue,
            },
        }
        let name = rule.name.clone();
        match rule.op {
            Op::Remove => event.erased.push(name),
            Op::Upsert(_) => event.masked.push(name),
        }
    }
}

/// Whether a path leads into the input's `version` as the plugin has it, which is one piece to OPA: it can be taken out, and
/// put back, but not changed.
fn is_within_version(input: &Value, path: &[String]) -> bool {
    let is_as_it_came = || matches!(input.get("version"), Some(Value::Array(_)));
    matches!(path, [first, _, ..] if first == "version") && is_as_it_came()
}

#[cfg(test)]
#[path = "mask_tests.rs"]
mod tests;
