//! JSON as OPA-Envoy reads a body: one value by Go's `json.Decoder`, and nothing behind it but what `Decoder.Token` lets
//! pass. Values are read by our own reader; Go's scanner is followed here for what it says of text that isn't JSON, to the
//! byte, since clients are told.

use postern_rego::Value;
use postern_rego::host::go_quote;

use super::InputError;
use super::text::go_lossy;

/// How deep Go's decoder goes.
const MAX_DEPTH: usize = 10_000;

/// The value in `text`.
///
/// # Errors
/// [`InputError::JsonBody`].
pub(super) fn decode(text: &[u8]) -> Result<Value, InputError> {
    let refused = |problem: String, go: String| InputError::JsonBody { problem, go };
    match Value::from_json_slice(text) {
        Ok(value) => Ok(value),
        Err(error) => {
            let problem = error.to_string();
            let end = scan(text, 0).map_err(|go| refused(problem.clone(), go))?;
            after(text, end).map_err(|go| refused(problem.clone(), go))?;
            // Go takes it: for what stands behind the value, for bytes that aren't UTF-8, or since it is deeper than we read.
            let value = go_lossy(text.get(..end).unwrap_or_default());
            Value::from_json_str(&value).map_err(|error| refused(error.to_string(), error.to_string()))
        }
    }
}

/// What a second look at the decoder's rest says: that there is none, that it is `null` (which Go takes for none), or an
/// error.
fn after(text: &[u8], end: usize) -> Result<(), String> {
    let behind = |shown: &str| {
        Err(format!(
            "error: invalid character '{shown}' after top-level value"
        ))
    };
    let Some(start) = skip_space(text, end) else {
        return Ok(());
    };
    match text.get(start) {
        Some(b'[') => behind("["),
        Some(b'{') => behind("{"),
        Some(&byte @ (b']' | b'}' | b':' | b',')) => Err(invalid(byte, "looking for beginning of value")),
        _ => {
            let end = scan(text, start)?;
            let token = text.get(start..end).unwrap_or_default();
            match Value::from_json_slice(token) {
                Ok(Value::Null) => Ok(()),
                Ok(Value::Bool(flag)) => behind(&format!("%!s(bool={flag})")),
                Ok(Value::String(text)) => behind(&text),
                _ => behind(&String::from_utf8_lossy(token)),
            }
        }
    }
}

fn skip_space(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    rest.iter().position(|byte| !is_space(*byte)).map(|at| from + at)
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// What an unfinished array or object waits for once its present part ends.
#[derive(Debug, Clone, Copy)]
enum Within {
    Key,
    Member,
    Element,
}

/// What may come next.
#[derive(Debug, Clone, Copy)]
enum Next {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    /// A value has ended.
    Ended,
}

/// Follows Go's scanner over the value at `from`; says where it ends.
fn scan(text: &[u8], from: usize) -> Result<usize, String> {
    let mut open: Vec<Within> = Vec::new();
    let mut next = Next::Value;
    let mut at = from;
    loop {
        if matches!(next, Next::Ended) && open.is_empty() {
            return Ok(at);
        }
        let Some(start) = skip_space(text, at) else {
            return Err(ended_early(text));
        };
        let byte = text.get(start).copied().unwrap_or_default();
        at = start + 1;
        next = match (next, byte) {
            (Next::ValueOrEnd, b']') | (Next::KeyOrEnd, b'}') => {
                open.pop();
                Next::Ended
            }
            (Next::Value | Next::ValueOrEnd, b'[' | b'{') => {
                if open.len() >= MAX_DEPTH {
                    return Err(invalid(byte, "exceeded max depth"));
                }
                let array = byte == b'[';
                open.push(if array { Within::Element } else { Within::Key });
                if array { Next::ValueOrEnd } else { Next::KeyOrEnd }
            }
            (Next::Value | Next::ValueOrEnd, _) => {
                at = scalar(text, start)?;
                Next::Ended
            }
            (Next::Key | Next::KeyOrEnd, b'"') => {
                at = string(text, at)?;
                Next::Ended
            }
            (Next::Key | Next::KeyOrEnd, _) => {
                return Err(invalid(byte, "looking for beginning of object key string"));
            }
            (Next::Ended, _) => match (open.last_mut(), byte) {
                (Some(within @ Within::Key), b':') => {
                    *within = Within::Member;
                    Next::Value
                }
                (Some(within @ Within::Member), b',') => {
                    *within = Within::Key;
                    Next::Key
                }
                (Some(Within::Element), b',') => Next::Value,
                (Some(Within::Member), b'}') | (Some(Within::Element), b']') => {
                    open.pop();
                    Next::Ended
                }
                (Some(Within::Key), _) => return Err(invalid(byte, "after object key")),
                (Some(Within::Member), _) => return Err(invalid(byte, "after object key:value pair")),
                (Some(Within::Element) | None, _) => return Err(invalid(byte, "after array element")),
            },
        };
    }
}

/// A string, a number or a word that begins at `start`; says where it ends.
fn scalar(text: &[u8], start: usize) -> Result<usize, String> {
    match text.get(start) {
        Some(b'"') => string(text, start + 1),
        Some(b'-' | b'0'..=b'9') => number(text, start),
        Some(b't') => word(text, start, "true"),
        Some(b'f') => word(text, start, "false"),
        Some(b'n') => word(text, start, "null"),
        Some(&byte) => Err(invalid(byte, "looking for beginning of value")),
        None => Err(ended_early(text)),
    }
}

fn word(text: &[u8], start: usize, word: &str) -> Result<usize, String> {
    for (at, expected) in (start..).zip(word.bytes()) {
        match text.get(at) {
            Some(&byte) if byte == expected => {}
            Some(&byte) => {
                let expecting = format!("in literal {word} (expecting {})", quote_char(expected));
                return Err(invalid(byte, &expecting));
            }
            None => return Err(ended_early(text)),
        }
    }
    Ok(start + word.len())
}

fn string(text: &[u8], mut at: usize) -> Result<usize, String> {
    let byte_at = |at: usize| text.get(at).copied().ok_or_else(|| ended_early(text));
    loop {
        let byte = byte_at(at)?;
        at += 1;
        match byte {
            b'"' => return Ok(at),
            b'\\' => {
                let escape = byte_at(at)?;
                at += 1;
                match escape {
                    b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => {}
                    b'u' => {
                        for _ in 0..4 {
                            let digit = byte_at(at)?;
                            if !digit.is_ascii_hexdigit() {
                                return Err(invalid(digit, "in \\u hexadecimal character escape"));
                            }
                            at += 1;
                        }
                    }
                    other => return Err(invalid(other, "in string escape code")),
                }
            }
            0..0x20 => return Err(invalid(byte, "in string literal")),
            _ => {}
        }
    }
}

fn number(text: &[u8], mut at: usize) -> Result<usize, String> {
    let digit = |at: usize, context: &str| match text.get(at) {
        Some(b'0'..=b'9') => Ok(()),
        Some(&byte) => Err(invalid(byte, context)),
        None => Err(ended_early(text)),
    };
    let digits = |mut at: usize| {
        while matches!(text.get(at), Some(b'0'..=b'9')) {
            at += 1;
        }
        at
    };
    if text.get(at) == Some(&b'-') {
        at += 1;
        digit(at, "in numeric literal")?;
    }
    at = if text.get(at) == Some(&b'0') {
        at + 1
    } else {
        digits(at)
    };
    if text.get(at) == Some(&b'.') {
        digit(at + 1, "after decimal point in numeric literal")?;
        at = digits(at + 1);
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(text.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        digit(at, "in exponent of numeric literal")?;
        at = digits(at);
    }
    Ok(at)
}

fn invalid(byte: u8, context: &str) -> String {
    format!("invalid character {} {context}", quote_char(byte))
}

/// A byte as Go's scanner shows it: as the character of that number.
fn quote_char(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => r#"'"'"#.to_owned(),
        _ => {
            let quoted = go_quote(char::from(byte).to_string().as_bytes());
            format!("'{}'", quoted.get(1..quoted.len() - 1).unwrap_or_default())
        }
    }
}

fn ended_early(text: &[u8]) -> String {
    let blank = text.iter().all(|byte| is_space(*byte));
    if blank { "EOF" } else { "unexpected EOF" }.to_owned()
}

#[cfg(test)]
#[path = "go_json_tests.rs"]
mod tests;
