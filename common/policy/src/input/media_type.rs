//! Media types and their parameters as Go's `mime.ParseMediaType` reads them (RFC 2045, RFC 2231): what a form's boundary and
//! its fields' names are, and what is said of an ill-formed one.

use std::collections::BTreeMap;

use super::text::go_lossy;

/// A media type, or a disposition, with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct MediaType {
    /// In lower case.
    pub(super) essence: String,
    /// By their names, in lower case.
    pub(super) parameters: BTreeMap<String, String>,
}

/// What is wrong with one, in Go's words.
pub(super) type Problem = &'static str;

const INVALID_PARAMETER: Problem = "mime: invalid media parameter";

/// Reads a media type.
///
/// # Errors
/// When it, or one of its parameters, is ill-formed.
pub(super) fn parse(text: &str) -> Result<MediaType, Problem> {
    let (base, _) = text.split_once(';').unwrap_or((text, ""));
    let essence = base.to_lowercase().trim().to_owned();
    check_essence(&essence)?;
    let mut parameters = BTreeMap::new();
    // Parameters whose names have a star in them, by what stands before it.
    let mut pieces: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut rest = text.get(base.len()..).unwrap_or_default();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let Some((name, value, after)) = parameter(rest) else {
            if rest.trim() == ";" {
                break;
            }
            return Err(INVALID_PARAMETER);
        };
        let to = match name.split_once('*') {
            Some((base, _)) => pieces.entry(base.to_owned()).or_default(),
            None => &mut parameters,
        };
        match to.get(&name) {
            Some(before) if *before != value => return Err("mime: duplicate parameter name"),
            _ => to.insert(name, value),
        };
        rest = after;
    }
    for (name, pieces) in &pieces {
        if let Some(value) = joined(name, pieces) {
            parameters.insert(name.clone(), value);
        }
    }
    Ok(MediaType { essence, parameters })
}

/// `type` or `type/subtype`.
fn check_essence(text: &str) -> Result<(), Problem> {
    let (first, rest) = token(text);
    if first.is_empty() {
        return Err("mime: no media type");
    }
    if rest.is_empty() {
        return Ok(());
    }
    let rest = rest
        .strip_prefix('/')
        .ok_or("mime: expected slash after first token")?;
    let (second, rest) = token(rest);
    if second.is_empty() {
        return Err("mime: expected token after slash");
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err("mime: unexpected content after media subtype")
    }
}

/// `;name=value`, and what follows it.
fn parameter(text: &str) -> Option<(String, String, &str)> {
    let rest = text.trim_start().strip_prefix(';')?.trim_start();
    let (name, rest) = token(rest);
    if name.is_empty() {
        return None;
    }
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let (value, after) = value(rest)?;
    Some((name.to_ascii_lowercase(), value, after))
}

/// A token or a quoted string.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (token, rest) = token(text);
        return (!token.is_empty()).then(|| (token.to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, quoted.get(at + 1..)?)),
            '\r' | '\n' => return None,
            // Only what must be escaped is: others write paths with backslashes.
            '\\' => match quoted.get(at + 1..)?.chars().next() {
                Some(next) if is_special(next) => {
                    value.push(next);
                    chars.next();
                }
                _ => value.push(c),
            },
            _ => value.push(c),
        }
    }
    None
}

fn token(text: &str) -> (&str, &str) {
    let end = text.find(|c| !is_token(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`{|}~".contains(c)
}

fn is_special(c: char) -> bool {
    "()<>@,;:\\\"/[]?=".contains(c)
}

/// A parameter that came in pieces, or with a character set (RFC 2231).
fn joined(name: &str, pieces: &BTreeMap<String, String>) -> Option<String> {
    if let Some(value) = pieces.get(&format!("{name}*")) {
        return with_charset(value).map(|bytes| go_lossy(&bytes));
    }
    let mut value = Vec::new();
    let mut n = 0;
    loop {
        let piece = format!("{name}*{n}");
        if let Some(plain) = pieces.get(&piece) {
            value.extend_from_slice(plain.as_bytes());
        } else if let Some(encoded) = pieces.get(&format!("{piece}*")) {
            let decoded = if n == 0 {
                with_charset(encoded)
            } else {
                unescaped(encoded)
            };
            value.extend(decoded.unwrap_or_default());
        } else {
            break;
        }
        n += 1;
    }
    (n > 0).then(|| go_lossy(&value))
}

/// `charset'language'value`.
fn with_charset(text: &str) -> Option<Vec<u8>> {
    let (charset, rest) = text.split_once('\'')?;
    let (_, value) = rest.split_once('\'')?;
    let known = matches!(charset.to_lowercase().as_str(), "us-ascii" | "utf-8");
    if known { unescaped(value) } else { None }
}

fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let (digits, after) = rest.split_first_chunk::<2>()?;
            let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
            bytes.push(u8::try_from(high? << 4 | low?).ok()?);
            rest = after;
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, Vec<(String, String)>), Problem> {
        parse(text).map(|media| (media.essence, media.parameters.into_iter().collect()))
    }

    fn with(essence: &str, parameters: &[(&str, &str)]) -> (String, Vec<(String, String)>) {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        (essence.to_owned(), parameters.iter().map(owned).collect())
    }

    /// Cases of Go's own tests (`mime/mediatype_test.go`).
    #[test]
    fn media_types_are_read_as_go_reads_them() {
        for (text, essence, parameters) in [
            (r#"form-data ; name=foo"#, "form-data", &[("name", "foo")][..]),
            (r#"FORM-DATA;name="foo""#, "form-data", &[("name", "foo")]),
            (r#"form-data; name="a\"b""#, "form-data", &[("name", "a\"b")]),
            (
                r#"form-data; name="C:\dev\x""#,
                "form-data",
                &[("name", r"C:\dev\x")],
            ),
            ("a/b; x=1;", "a/b", &[("x", "1")]),
            ("a/b; x=1; x=1", "a/b", &[("x", "1")]),
            (
                "a/b; title*=us-ascii'en'This%20is",
                "a/b",
                &[("title", "This is")],
            ),
            ("a/b; t*0*=utf-8''%e2%82; t*1*=%ac; t*2=x", "a/b", &[("t", "€x")]),
            ("a/b; t*=koi8-r''x", "a/b", &[]),
            ("", "", &[]),
        ] {
            let wanted = with(essence, parameters);
            let got = read(text);
            if text.is_empty() {
                assert_eq!(got, Err("mime: no media type"));
            } else {
                assert_eq!(got, Ok(wanted), "{text}");
            }
        }
    }

    #[test]
    fn ill_formed_ones_are_refused_in_gos_words() {
        for (text, wanted) in [
            ("bogus/<script>", "mime: expected token after slash"),
            (
                "bogus/bogus<script>",
                "mime: unexpected content after media subtype",
            ),
            ("x multipart/form-data", "mime: expected slash after first token"),
            ("a/b; x", INVALID_PARAMETER),
            ("a/b; x=", INVALID_PARAMETER),
            ("a/b; =x", INVALID_PARAMETER),
            ("a/b; x=\"open", INVALID_PARAMETER),
            ("a/b; x=1; x=2", "mime: duplicate parameter name"),
        ] {
            assert_eq!(read(text), Err(wanted), "{text}");
        }
    }
}
