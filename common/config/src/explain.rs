//! Turns what serde and the YAML reader say into what the writer of the file should do.

use serde_path_to_error::{Path, Segment};
use serde_saphyr::Error;

use crate::error::{ConfigError, Problem};
use crate::layout::{Kind, Layout};

/// The error at `path` in the words of [`ConfigError`].
pub(crate) fn explain(file: &str, layout: &Layout, path: &Path, error: &Error) -> ConfigError {
    let error = root(error);
    let mut path = known_part(layout, path);
    let kind = layout.node(&path).map(|node| node.kind);
    let problem = match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            push(&mut path, field);
            Problem::UnknownKey(unknown_key(field, expected))
        }
        Error::SerdeMissingField { field, .. } => {
            push(&mut path, field);
            Problem::Missing
        }
        Error::DuplicateMappingKey { key, .. } => {
            if let Some(key) = key {
                push(&mut path, key);
            }
            Problem::Duplicate
        }
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => Problem::Invalid(format!(
            "expected one of {}, got `{variant}`",
            expected.join(", ")
        )),
        Error::QuotingRequired { .. } => {
            Problem::Invalid(expected_got("a string", kind, "; put it in quotes"))
        }
        // The value itself isn't quoted: it may be a secret.
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            Problem::Invalid(expected_got(expected, kind, ""))
        }
        Error::SerdeInvalidLength { len, expected, .. } => {
            Problem::Invalid(format!("expected {expected}, got {len} of them"))
        }
        Error::InvalidScalar { ty, .. } => Problem::Invalid(expected_got(scalar(ty), kind, range(ty, kind))),
        Error::InvalidBooleanStrict { .. } => Problem::Invalid(expected_got("true or false", kind, "")),
        Error::NullIntoString { .. } => Problem::Invalid(expected_got("a string", kind, "")),
        Error::Unexpected { expected, .. } => Problem::Invalid(expected_got(structure(expected), kind, "")),
        Error::MultipleDocuments { .. } => Problem::NotYaml("more than one document; keep one".to_owned()),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::Budget { .. } => Problem::TooComplex("aliases unfold into too much; write the values out"),
        Error::Message { msg, .. } => Problem::Invalid(msg.clone()),
        other => Problem::Invalid(other.to_string()),
    };
    let line = match problem {
        // The layout knows the first key of two, and the first document; the reader knows the second.
        Problem::Duplicate | Problem::NotYaml(_) => error.location().map(|location| location.line()),
        _ => layout
            .nearest_line(&path)
            .or_else(|| error.location().map(|location| location.line())),
    };
    ConfigError::new(file, line, layout.written(&path), problem)
}

/// The error itself, without what was wrapped around it.
fn root(error: &Error) -> &Error {
    match error.without_snippet() {
        Error::AliasError { error, .. } => root(error),
        other => other,
    }
}

/// The part of serde's path that stands in the file: enum variants and what is missing don't.
fn known_part(layout: &Layout, path: &Path) -> Vec<String> {
    let mut known = Vec::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.clone(),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => continue,
        };
        known.push(part);
        if layout.node(&known).is_none() {
            known.pop();
        }
    }
    known
}

/// Adds the key that the error is about, unless serde's path already ended with it.
fn push(path: &mut Vec<String>, key: &str) {
    if path.last().map(String::as_str) != Some(key) {
        path.push(key.to_owned());
    }
}

fn unknown_key(key: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return "unknown key; no keys are known here".to_owned();
    }
    let nearest = known.iter().map(|name| (distance(key, name), name)).min();
    let hint = match nearest {
        Some((changes, name)) if changes <= 2 => format!(" did you mean `{name}`?"),
        _ => String::new(),
    };
    format!("unknown key;{hint} known here: {}", known.join(", "))
}

fn expected_got(expected: &str, got: Option<Kind>, hint: &str) -> String {
    match got {
        Some(kind) => format!("expected {expected}, got {}{hint}", kind.described()),
        None => format!("expected {expected}{hint}"),
    }
}

/// Rust's name of a scalar type, in words.
fn scalar(ty: &str) -> &str {
    match ty {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number from 0",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "floating point" => "a number",
        "boolean" => "true or false",
        other => other,
    }
}

/// What is left to say when a number came but didn't fit.
fn range(ty: &str, got: Option<Kind>) -> &'static str {
    match (ty, got) {
        ("u8", Some(Kind::Number)) => " that is not one of 0 to 255",
        ("u16", Some(Kind::Number)) => " that is not one of 0 to 65535",
        (_, Some(Kind::Number)) => " that is not one or is out of range",
        _ => "",
    }
}

/// The YAML reader's names, in words.
fn structure(expected: &str) -> &str {
    match expected {
        "seq" | "sequence start" => "a list",
        "map" | "mapping start" => "a map",
        "string" | "string scalar" | "scalar" => "a single value",
        other => other,
    }
}

/// Levenshtein's distance: how many letters to change, add or drop.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(b.chars()) {
            let changed = diagonal + usize::from(letter != other);
            diagonal = *cell;
            left = changed.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
