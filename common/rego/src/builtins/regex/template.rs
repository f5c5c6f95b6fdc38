//! `regex.template_match`: text between delimiters is a pattern, all else is literal.

use std::fmt::Write as _;

use crate::builtins::go_text::quote;
use crate::builtins::{BuiltinError, fail};

/// The pattern that a template stands for.
pub(super) fn pattern(template: &str, start: u8, end: u8) -> Result<String, BuiltinError> {
    let mut pattern = "^".to_owned();
    let mut literal_from = 0;
    for (open, close) in parts(template, start, end)? {
        let (Some(literal), Some(inside)) = (template.get(literal_from..open), template.get(open + 1..close))
        else {
            // A delimiter that is half a character.
            return fail("unbalanced braces");
        };
        literal_from = close + 1;
        quote_meta(literal, &mut pattern);
        let _ = write!(pattern, "({inside})");
        // Go wants each part to be a pattern on its own.
        super::compiled::parse(&format!("^{inside}$"))?;
    }
    quote_meta(template.get(literal_from..).unwrap_or_default(), &mut pattern);
    pattern.push('$');
    Ok(pattern)
}

/// Where the outermost delimiters are.
fn parts(template: &str, start: u8, end: u8) -> Result<Vec<(usize, usize)>, BuiltinError> {
    let unbalanced = || {
        let mut message = "unbalanced braces in ".to_owned();
        quote(template, &mut message);
        BuiltinError::Lenient(message)
    };
    let (mut level, mut open, mut found) = (0_usize, 0, Vec::new());
    for (at, byte) in template.bytes().enumerate() {
        if byte == start {
            level += 1;
            if level == 1 {
                open = at;
            }
        } else if byte == end {
            level = level.checked_sub(1).ok_or_else(unbalanced)?;
            if level == 0 {
                found.push((open, at));
            }
        }
    }
    if level == 0 { Ok(found) } else { Err(unbalanced()) }
}

/// As Go's `regexp.QuoteMeta`.
fn quote_meta(text: &str, out: &mut String) {
    for char in text.chars() {
        if r"\.+*?()|[]{}^$".contains(char) {
            out.push('\\');
        }
        out.push(char);
    }
}
