//! `$1`, `${name}`: what `regex.replace` puts in the place of a match.

use std::sync::LazyLock;

use regex_automata::util::captures::Captures;
use regex_syntax::hir::ClassUnicode;

use super::class;
use super::compiled::Compiled;

/// What names are made of besides `_`: Unicode's letters and decimal digits.
static LETTERS_AND_DIGITS: LazyLock<ClassUnicode> = LazyLock::new(|| {
    let mut class = class::unicode("L").unwrap_or_else(ClassUnicode::empty);
    class.union(&class::unicode("Nd").unwrap_or_else(ClassUnicode::empty));
    class
});

fn is_word(char: char) -> bool {
    if char.is_ascii() {
        return char == '_' || char.is_ascii_alphanumeric();
    }
    let ranges = LETTERS_AND_DIGITS.ranges();
    let after = ranges.partition_point(|range| range.start() <= char);
    let range = after.checked_sub(1).and_then(|at| ranges.get(at));
    range.is_some_and(|range| char <= range.end())
}

/// Appends the template, its references replaced, until there is more than `most`. What can't be read as a reference is
/// text.
pub(super) fn expand(
    compiled: &Compiled,
    template: &str,
    text: &str,
    captures: &Captures,
    (out, most): (&mut String, usize),
) {
    let group = |index: usize| {
        let span = captures.get_group(index)?;
        text.get(span.range())
    };
    let mut template = template;
    while let Some((before, after)) = template.split_once('$') {
        out.push_str(before);
        if out.len() > most {
            return;
        }
        template = after;
        if let Some(rest) = template.strip_prefix('$') {
            out.push('$');
            template = rest;
            continue;
        }
        let Some((name, rest)) = reference(template) else {
            out.push('$');
            continue;
        };
        template = rest;
        let found = match index(name) {
            Some(index) => group(index),
            None => compiled.group_named(name).find_map(group),
        };
        out.push_str(found.unwrap_or_default());
    }
    out.push_str(template);
}

/// The name at the start of what follows a `$`, and the rest.
fn reference(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('{');
    let name = inside.unwrap_or(text);
    let end = name.find(|char| !is_word(char)).unwrap_or(name.len());
    let (name, rest) = name.split_at_checked(end)?;
    if name.is_empty() {
        return None;
    }
    match inside {
        Some(_) => Some((name, rest.strip_prefix('}')?)),
        None => Some((name, rest)),
    }
}

/// The number that a name is, if it is one: no leading zeros, and not too long for Go.
fn index(name: &str) -> Option<usize> {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || name.len() > 9 || name.len() > 1 && name.starts_with('0') {
        return None;
    }
    name.parse().ok()
}
