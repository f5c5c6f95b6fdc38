//! Scalars between quotes, on one line.

use super::Problem;

/// Reads a scalar that starts with a quote: its text, and what follows.
pub(super) fn quoted(text: &str) -> Result<(String, &str), Problem> {
    match text.strip_prefix('\'') {
        Some(rest) => single(rest),
        None => double(text.strip_prefix('"').unwrap_or(text)),
    }
}

const SEVERAL_LINES: Problem = Problem::NotSupported("quoted text over several lines, or without its end");

fn single(mut text: &str) -> Result<(String, &str), Problem> {
    let mut out = String::new();
    loop {
        let Some((part, rest)) = text.split_once('\'').filter(|(part, _)| !part.contains('\n')) else {
            return Err(SEVERAL_LINES);
        };
        out.push_str(part);
        match rest.strip_prefix('\'') {
            Some(rest) => {
                out.push('\'');
                text = rest;
            }
            None => return Ok((out, rest)),
        }
    }
}

fn double(text: &str) -> Result<(String, &str), Problem> {
    let mut out = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next() {
            None | Some('\n') => return Err(SEVERAL_LINES),
            Some('"') => return Ok((out, chars.as_str())),
            Some('\\') => {
                let escaped = chars.next();
                let digits = match escaped {
                    Some('x') => 2,
                    Some('u') => 4,
                    Some('U') => 8,
                    _ => 0,
                };
                out.push(match escaped {
                    Some('0') => '\0',
                    Some('a') => '\x07',
                    Some('b') => '\x08',
                    Some('t') => '\t',
                    Some('n') => '\n',
                    Some('v') => '\x0b',
                    Some('f') => '\x0c',
                    Some('r') => '\r',
                    Some('e') => '\x1b',
                    Some(char @ (' ' | '"' | '/' | '\\')) => char,
                    Some('x' | 'u' | 'U') => {
                        let rest = chars.as_str();
                        let code = rest
                            .get(..digits)
                            .filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
                        let char = code.and_then(|code| char::from_u32(u32::from_str_radix(code, 16).ok()?));
                        chars = rest.get(digits..).unwrap_or_default().chars();
                        char.ok_or(Problem::NotSupported("escapes that are no characters"))?
                    }
                    _ => return Err(Problem::NotSupported("escapes that JSON hasn't")),
                });
            }
            Some(char) => out.push(char),
        }
    }
}
