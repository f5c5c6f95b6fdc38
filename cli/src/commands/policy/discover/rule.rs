//! A rule as `opa parse` tells it, as far as tests need it.

use serde_json::Value as Json;

use super::{Edit, Query};

/// A rule that is a test.
pub(super) struct Rule<'j> {
    json: &'j Json,
    head: &'j Json,
    /// The parts of its reference.
    reference: &'j [Json],
    /// Up to the one that makes it a test.
    path: Vec<&'j str>,
}

/// The package of a file.
pub(super) fn package(parsed: &Json) -> Option<Query> {
    let path = parsed.get("package")?.get("path")?.as_array()?;
    let mut text = "data".to_owned();
    for part in path.iter().skip(1) {
        text = format!("{text}[{}]", part.get("value")?);
    }
    // As it is written by opa.
    let mut parts = path.iter().skip(1).filter_map(|part| part.get("value")?.as_str());
    let first: Query = format!("data[{:?}]", parts.next()?).parse().ok()?;
    let plain: Query = format!("data.{}", first.last()).parse().unwrap_or(first);
    Some(parts.fold(plain, |query, part| query.below(part)))
}

fn kind(term: &Json) -> &str {
    term.get("type").and_then(Json::as_str).unwrap_or_default()
}

/// The text of a name or a string.
fn text(term: &Json) -> Option<&str> {
    term.get("value")?.as_str()
}

/// Whether a part of a reference is the same whatever the input.
fn is_ground(term: &Json) -> bool {
    matches!(kind(term), "string" | "number" | "boolean" | "null")
}

impl<'j> Rule<'j> {
    /// The rule, if it is a test.
    pub(super) fn of(json: &'j Json) -> Option<Self> {
        let head = json.get("head")?;
        let reference = head.get("ref")?.as_array()?;
        let mut path = Vec::new();
        for (at, term) in reference.iter().enumerate() {
            if at > 0 && !is_ground(term) {
                return None;
            }
            let name = text(term)?;
            path.push(name);
            if name.starts_with("test_") || name.starts_with("todo_test_") {
                return Some(Self {
                    json,
                    head,
                    reference,
                    path,
                });
            }
        }
        None
    }

    /// The rule, or one of another name beside it.
    pub(super) fn below(&self, package: &Query, name: &str) -> Query {
        let before = self.path.split_last().map_or(&[][..], |(_, before)| before);
        let above = before
            .iter()
            .fold(package.clone(), |query, part| query.below(part));
        above.below(name)
    }

    pub(super) fn name(&self) -> &'j str {
        self.path.last().copied().unwrap_or_default()
    }

    /// As opa writes its reference: `test_x#01`, `a.test_x`, `a["test_x#01"]`.
    pub(super) fn shown(&self, name: &str) -> String {
        let Some((first, _)) = self.path.split_first().filter(|(_, rest)| !rest.is_empty()) else {
            return name.to_owned();
        };
        let data: Option<Query> = format!("data.{first}").parse().ok();
        let Some(data) = data else { return name.to_owned() };
        let middle = self
            .path
            .get(1..self.path.len().saturating_sub(1))
            .unwrap_or_default();
        let above = middle.iter().fold(data, |query, part| query.below(part));
        above.below(name).as_str().trim_start_matches("data.").to_owned()
    }

    pub(super) fn is_todo(&self) -> bool {
        self.name().starts_with("todo_")
    }

    /// What is behind the name in its reference.
    pub(super) fn tail(&self) -> &'j [Json] {
        self.reference.get(self.path.len()..).unwrap_or_default()
    }

    /// Whether it makes an object, a partial one.
    pub(super) fn has_cases(&self) -> bool {
        let has = |member| self.head.get(member).is_some();
        has("key") && has("value") || !has("key") && self.tail().iter().any(|term| !is_ground(term))
    }

    /// Whether its value is `true`, written or not.
    pub(super) fn is_true(&self) -> bool {
        self.head.pointer("/value/value") == Some(&Json::Bool(true))
    }

    pub(super) fn body(&self) -> &'j [Json] {
        self.json
            .get("body")
            .and_then(Json::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    pub(super) fn row(&self) -> u64 {
        number(self.json, "row")
    }

    pub(super) fn column(&self) -> u64 {
        number(self.json, "col")
    }

    /// The edit that gives it another name.
    pub(super) fn renamed(&self, source: &str, name: &str) -> Option<Edit> {
        let term = self.reference.get(self.path.len().checked_sub(1)?)?;
        let at = offset(source, term, self.name())?;
        Some(Edit {
            at,
            length: self.name().len(),
            text: name.to_owned(),
        })
    }
}

fn number(json: &Json, member: &str) -> u64 {
    let number = json.get("location").and_then(|location| location.get(member));
    number.and_then(Json::as_u64).unwrap_or_default()
}

/// Where something stands in the source, if that is where it says.
pub(super) fn offset(source: &str, json: &Json, begins: &str) -> Option<usize> {
    let row = usize::try_from(number(json, "row")).ok()?.checked_sub(1)?;
    let column = usize::try_from(number(json, "col")).ok()?.checked_sub(1)?;
    let mut start = 0;
    for _ in 0..row {
        let rest = source.get(start..)?;
        start += rest.find('\n')? + 1;
    }
    let line = source.get(start..)?;
    // Characters, but tell nobody: what doesn't fit isn't used.
    let (within, _) = line.char_indices().nth(column)?;
    let at = start.checked_add(within)?;
    source.get(at..)?.starts_with(begins).then_some(at)
}
