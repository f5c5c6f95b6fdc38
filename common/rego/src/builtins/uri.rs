//! `uri.*`: URIs as Go's net/url reads them.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::encoding::utf8;
use super::go_text::quote;
use super::operands::{self, string};
use super::{Answer, Context, answer, fail};
use crate::value::Value;

/// The parts of a URI, unescaped where OPA has them so.
#[derive(Default)]
struct Parts<'t> {
    scheme: String,
    /// With its port.
    host: Vec<u8>,
    path: Vec<u8>,
    raw_path: &'t str,
    query: &'t str,
    fragment: Vec<u8>,
}

pub(super) fn is_valid(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let Value::String(text) = operands::any(operands, 1)? else {
        return answer(false);
    };
    context.spend(text.len())?;
    answer(!text.is_empty() && parse(text).is_ok())
}

pub(super) fn parse_uri(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = string(operands, 1)?;
    context.spend(text.len())?;
    let parts = match parse(text) {
        Ok(parts) => parts,
        Err((about, problem)) => return fail(format!("parse {}: {problem}", quoted(about))),
    };
    let mut members = Vec::new();
    let mut put = |name: &'static str, value: String| {
        if !value.is_empty() {
            members.push((name, Value::from(value)));
        }
    };
    let host = utf8(parts.host)?;
    let (host, port) = host_and_port(&host);
    put("scheme", parts.scheme);
    put("hostname", host.to_owned());
    put("port", port.to_owned());
    let path = utf8(parts.path)?;
    let raw_path = if escape(&path) == parts.raw_path {
        path.clone()
    } else {
        parts.raw_path.to_owned()
    };
    put("path", path);
    put("raw_path", raw_path);
    put("raw_query", parts.query.to_owned());
    put("fragment", utf8(parts.fragment)?);
    answer(Value::object_from(members))
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    quote(text, &mut out);
    out
}

/// Reads a URI. An error names what it is about and the problem, in Go's words.
fn parse(text: &str) -> Result<Parts<'_>, (&str, String)> {
    let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
    let mut parts = without_fragment(before).map_err(|problem| (before, problem))?;
    parts.fragment = unescape(fragment, Mode::Other).map_err(|problem| (text, problem))?;
    Ok(parts)
}

fn without_fragment(text: &str) -> Result<Parts<'_>, String> {
    let mut parts = Parts::default();
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err("net/url: invalid control character in URL".into());
    }
    if text == "*" {
        parts.path = b"*".to_vec();
        // Go sets no encoded form of this one.
        parts.raw_path = "*";
        return Ok(parts);
    }
    let (scheme, rest) = scheme(text)?;
    parts.scheme = scheme.to_ascii_lowercase();
    let (mut rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    parts.query = query;
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            return Ok(parts);
        }
        if rest
            .split('/')
            .next()
            .is_some_and(|segment| segment.contains(':'))
        {
            return Err("first path segment in URL cannot contain colon".into());
        }
    }
    let has_authority = !scheme.is_empty() || !rest.starts_with("///");
    if has_authority && let Some(after) = rest.strip_prefix("//") {
        let end = after.find('/').unwrap_or(after.len());
        let authority;
        (authority, rest) = after.split_at_checked(end).unwrap_or((after, ""));
        let (user, host) = authority
            .rsplit_once('@')
            .map_or((None, authority), |(user, host)| (Some(user), host));
        parts.host = self::host(&parts.scheme, host)?;
        if let Some(user) = user {
            if !user.chars().all(is_in_userinfo) {
                return Err("net/url: invalid userinfo".into());
            }
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            unescape(name, Mode::Other)?;
            unescape(password, Mode::Other)?;
        }
    }
    parts.path = unescape(rest, Mode::Other)?;
    parts.raw_path = rest;
    Ok(parts)
}

fn scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".into()),
            b':' => return Ok(text.split_once(':').unwrap_or(("", text))),
            _ => break,
        }
    }
    Ok(("", text))
}

fn is_in_userinfo(char: char) -> bool {
    char.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(char)
}

fn host(scheme: &str, host: &str) -> Result<Vec<u8>, String> {
    match host.rfind('[') {
        Some(0) => return literal(host),
        Some(_) => return Err("invalid IP-literal".into()),
        None => {}
    }
    if let (Some(first), Some(last)) = (host.find(':'), host.rfind(':')) {
        // Lists of hosts, each with its port, are for databases.
        let at = if matches!(scheme, "http" | "https") {
            first
        } else {
            last
        };
        check_port(host.get(at..).unwrap_or_default())?;
    }
    unescape(host, Mode::Host)
}

fn check_port(port: &str) -> Result<(), String> {
    if is_port(port) {
        Ok(())
    } else {
        Err(format!("invalid port {} after host", quoted(port)))
    }
}

/// Nothing, or a colon and digits.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `[::1]:80`, perhaps with a zone.
fn literal(host: &str) -> Result<Vec<u8>, String> {
    let Some((inside, port)) = host.get(1..).unwrap_or_default().rsplit_once(']') else {
        return Err("missing ']' in host".into());
    };
    check_port(port)?;
    let mut name = match inside.find("%25").and_then(|at| inside.split_at_checked(at)) {
        Some((address, zone)) => {
            let mut name = unescape(address, Mode::Host)?;
            name.extend(unescape(zone, Mode::Zone)?);
            name
        }
        None => unescape(inside, Mode::Host)?,
    };
    let at = name.iter().position(|&byte| byte == b'%').unwrap_or(name.len());
    let (address, zone) = name.split_at_checked(at).unwrap_or((&name, &[]));
    let address = std::str::from_utf8(address).unwrap_or_default();
    if zone.is_empty() && address.parse::<Ipv4Addr>().is_ok() {
        return Err("invalid IP-literal".into());
    }
    if zone == b"%" || address.parse::<Ipv6Addr>().is_err() {
        let text = quoted(&String::from_utf8_lossy(&name));
        return Err(format!("invalid host: ParseAddr({text}): unable to parse IP"));
    }
    name.insert(0, b'[');
    name.push(b']');
    name.extend(port.bytes());
    Ok(name)
}

/// What is being unescaped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Host,
    Zone,
    /// Path, fragment and user, where all is allowed.
    Other,
}

fn unescape(text: &str, mode: Mode) -> Result<Vec<u8>, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'%' {
            if mode != Mode::Other && byte.is_ascii() && !is_in_host(byte) {
                return Err(format!(
                    "invalid character {} in host name",
                    quoted(&char::from(byte).to_string())
                ));
            }
            out.push(byte);
            at += 1;
            continue;
        }
        let digits = bytes.get(at + 1..at + 3);
        let decoded = digits.and_then(|digits| hex::decode(digits).ok());
        let Some(&[value]) = decoded.as_deref() else {
            return Err(invalid_escape(text, at));
        };
        // A host may escape only what isn't ASCII, a zone only what it could hold anyway.
        let allowed = digits == Some(b"25")
            || match mode {
                Mode::Host => !value.is_ascii(),
                Mode::Zone => value == b' ' || is_in_host(value),
                Mode::Other => true,
            };
        if !allowed {
            return Err(invalid_escape(text, at));
        }
        out.push(value);
        at += 3;
    }
    Ok(out)
}

fn invalid_escape(text: &str, at: usize) -> String {
    let bytes = text.as_bytes();
    let end = bytes.len().min(at + 3);
    let shown = String::from_utf8_lossy(bytes.get(at..end).unwrap_or_default());
    format!("invalid URL escape {}", quoted(&shown))
}

fn is_in_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

/// As Go escapes a path by default.
fn escape(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The host without its brackets, and the port.
fn host_and_port(text: &str) -> (&str, &str) {
    let colon = text.rfind(':').and_then(|at| text.split_at_checked(at));
    let (host, port) = match colon {
        Some((host, port)) if is_port(port) => (host, port.get(1..).unwrap_or_default()),
        _ => (text, ""),
    };
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    (inside.unwrap_or(host), port)
}
