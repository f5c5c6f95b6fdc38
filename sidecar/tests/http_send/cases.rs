//! What a server sends, and whether the policy sees what OPA shows it.

use serde_json::{Value as Json, json};

use super::asking::Asked;
use super::requests::{options, redirects};
use super::upstream::Sent;

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// What `opa eval` shows, but for the words of an error.
    Same,
    /// What `opa eval` shows, without the reason of the status line, which isn't ASCII.
    WithoutReason,
    /// The decision is denied.
    Refused,
}

use Wanted::{Refused, Same};

#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) sent: Sent,
    /// Where else than at the case's own path.
    pub(super) url: Option<String>,
    pub(super) options: Json,
    pub(super) wanted: Wanted,
}

/// Whether that is what was wanted of these.
pub(super) fn is_right(wanted: Wanted, ours: &Asked, opas: &str) -> bool {
    match wanted {
        Same => comparable(&ours.text) == comparable(opas),
        Refused => ours.is_refused(),
        Wanted::WithoutReason => {
            let mut opas: Json = serde_json::from_str(opas).unwrap();
            opas["status"] = json!(format!("{} ", opas["status_code"]));
            ours.json() == opas
        }
    }
}

/// What a policy can see, without what OPA words otherwise.
fn comparable(text: &str) -> String {
    match serde_json::from_str::<Json>(text) {
        Ok(mut json) if json["error"]["code"].is_string() => {
            json["error"]["message"] = Json::Null;
            json.to_string()
        }
        // As it is: numbers as they are written count.
        _ => text.to_owned(),
    }
}

fn quiet(options: &Json) -> Json {
    let mut quiet = json!({ "raise_error": false });
    let options = options.as_object().unwrap().clone();
    quiet.as_object_mut().unwrap().extend(options);
    quiet
}

pub(super) fn case(name: &str, sent: Sent, options: &Json, wanted: Wanted) -> Case {
    Case {
        name: name.to_owned(),
        sent,
        url: None,
        options: quiet(options),
        wanted,
    }
}

pub(super) fn bytes(text: &str) -> Sent {
    Sent::Bytes(text.as_bytes().to_vec())
}

/// A good answer with these headers and this body.
pub(super) fn good(headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}")
}

pub(super) fn all(port: u16) -> Vec<Case> {
    let mut all = heads();
    all.extend(lengths());
    all.extend(bodies());
    all.extend(redirects(port));
    all.extend(options(port));
    all
}

/// Status lines and headers.
fn heads() -> Vec<Case> {
    let mut cases = Vec::new();
    let rest = "Content-Length: 2\r\nConnection: close\r\n\r\nhi";
    for (line, wanted) in [
        ("HTTP/1.1 200 OK", Same),
        ("HTTP/1.1 200 Fine by me", Same),
        ("HTTP/1.1 200 ", Same),
        ("HTTP/1.1 299 ", Same),
        ("HTTP/1.1 299 Odd", Same),
        ("HTTP/1.1 203 Non-Authoritative Information", Same),
        ("HTTP/1.1 413 Payload Too Large", Same),
        ("HTTP/1.1 413 Request Entity Too Large", Same),
        ("HTTP/1.1 600 Beyond", Same),
        ("HTTP/1.0 200 OK", Same),
        ("HTTP/1.1 500 Internal Server Error", Same),
        ("HTTP/1.1 200 Gr\u{fc}n", Wanted::WithoutReason),
        ("HTTP/1.1 20 OK", Refused),
        ("HTTP/1.1 099 OK", Refused),
        ("HTTP/1.1 1000 OK", Refused),
        ("HTTP/1.1 abc OK", Refused),
        ("HTTP/1.2 200 OK", Refused),
        ("HTTP/2.0 200 OK", Refused),
        ("ICY 200 OK", Refused),
        ("hello", Refused),
    ] {
        cases.push(case(
            line,
            bytes(&format!("{line}\r\n{rest}")),
            &json!({}),
            wanted,
        ));
    }
    for (headers, wanted) in [
        ("X-A: 1\r\nx-a: 2\r\nX-B: 3\r\n", Same),
        ("X-Empty:\r\nX-Blank:   \r\nX-Tabs: \ta\tb\t\r\n", Same),
        ("Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n", Same),
        ("X-A: \u{fc}\r\n", Same),
        ("Pragma: no-cache\r\n", Same),
        ("Pragma: no-cache\r\nCache-Control: private\r\n", Same),
        ("Trailer: X-A\r\n", Same),
        ("Keep-Alive: timeout=5\r\n", Same),
        ("Content-Length: 2\r\n", Same),
        ("Content-Length: 3\r\n", Refused),
        ("X-A: 1\r\n 2\r\n", Refused),
        ("X-A : 1\r\n", Refused),
        (": 1\r\n", Refused),
        ("X A: 1\r\n", Refused),
        ("X-A 1\r\n", Refused),
        ("X-A: 1\0\r\n", Refused),
        ("Content-Encoding: gzip\r\n", Refused),
        ("Content-Encoding: br\r\n", Same),
    ] {
        cases.push(case(headers, bytes(&good(headers, "hi")), &json!({}), wanted));
    }
    let mut latin = good("", "hi").into_bytes();
    let at = latin.len() - 4;
    latin.splice(at..at, *b"X-A: \xfc\r\n");
    cases.push(case(
        "a header in Latin-1",
        Sent::Bytes(latin),
        &json!({}),
        Refused,
    ));
    let many = "X-A: 1\r\n".repeat(150);
    cases.push(case(
        "many headers",
        bytes(&good(&many, "hi")),
        &json!({}),
        Refused,
    ));
    let large = format!("X-A: {}\r\n", "a".repeat(800_000));
    cases.push(case(
        "large headers",
        bytes(&good(&large, "hi")),
        &json!({}),
        Refused,
    ));
    let asked = json!({ "headers": { "Accept-Encoding": "gzip" } });
    let packed = good("Content-Encoding: gzip\r\n", "not really");
    cases.push(case("gzip that was asked for", bytes(&packed), &asked, Same));
    for informational in ["100 Continue", "103 Early Hints"] {
        let sent = format!("HTTP/1.1 {informational}\r\nX-A: 1\r\n\r\n{}", good("", "hi"));
        cases.push(case(informational, bytes(&sent), &json!({}), Same));
    }
    let switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhi";
    cases.push(case("101", bytes(switched), &json!({}), Refused));
    cases.push(case("nothing", bytes(""), &json!({}), Same));
    cases.push(case(
        "half a head",
        bytes("HTTP/1.1 200 OK\r\nX-"),
        &json!({}),
        Same,
    ));
    cases
}

/// How long a body is.
fn lengths() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rest, wanted) in [
        ("Connection: close\r\n\r\nuntil the end", Same),
        ("Content-Length: 10\r\n\r\nshort", Same),
        ("Content-Length: 2\r\nConnection: close\r\n\r\nlonger", Same),
        ("Content-Length: +2\r\n\r\nhi", Refused),
        ("Content-Length: 0x2\r\n\r\nhi", Refused),
        ("Content-Length: -2\r\n\r\nhi", Refused),
        ("Content-Length: 2, 2\r\n\r\nhi", Refused),
        ("Content-Length:\r\nConnection: close\r\n\r\nhi", Refused),
        ("Content-Length: 99999999999999999999\r\n\r\nhi", Refused),
        (
            "Transfer-Encoding: chunked\r\nTrailer: X-T\r\nConnection: close\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n",
            Same,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 2\r\nConnection: close\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            Same,
        ),
        (
            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2;a=b\r\nhi\r\n0\r\n\r\n",
            Same,
        ),
        (
            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nhi\r\n",
            Same,
        ),
        (
            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nx\r\nhi\r\n0\r\n\r\n",
            Refused,
        ),
        (
            "Transfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            Refused,
        ),
        (
            "Transfer-Encoding: identity\r\nConnection: close\r\n\r\nhi",
            Refused,
        ),
    ] {
        let sent = format!("HTTP/1.1 200 OK\r\n{rest}");
        cases.push(case(rest, bytes(&sent), &json!({}), wanted));
    }
    for status in ["204 No Content", "304 Not Modified"] {
        let sent = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
        cases.push(case(status, bytes(&sent), &json!({}), Same));
    }
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\n";
    cases.push(case("HEAD", bytes(head), &json!({ "method": "head" }), Same));
    let large = "a".repeat(70_000);
    cases.push(case(
        "a large body",
        bytes(&good("", &large)),
        &json!({}),
        Refused,
    ));
    let endless = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    let flood = Sent::Floods(endless.as_bytes().to_vec());
    cases.push(case("a body without end", flood, &json!({}), Refused));
    cases
}

/// Bodies and what is made of them.
fn bodies() -> Vec<Case> {
    let deep = format!("{}1{}", "[".repeat(400), "]".repeat(400));
    let deeper = format!("{}1{}", "[".repeat(900), "]".repeat(900));
    let json = "Content-Type: application/json\r\n";
    let mut cases = Vec::new();
    for (headers, body, wanted) in [
        (
            json,
            r#"{"a": [1.0, 1e2, 12345678901234567890123, "\u00fc"]}"#,
            Same,
        ),
        (json, r#"{"a": 1, "a": 2}"#, Same),
        (json, r#""\ud800""#, Same),
        (json, "  null  ", Same),
        (json, "", Same),
        (json, "{", Same),
        (json, "\u{feff}{}", Same),
        (json, "{} {}", Refused),
        (json, "1 x", Refused),
        (json, &deep, Same),
        (json, &deeper, Refused),
        ("Content-Type: application/json; charset=utf-8\r\n", "{}", Same),
        ("Content-Type: Application/JSON;charset=\"utf-8\"\r\n", "{}", Same),
        ("Content-Type: application/problem+json\r\n", "{}", Same),
        ("Content-Type: application/json, text/plain\r\n", "{}", Same),
        ("Content-Type: application/json;\r\n", "{}", Refused),
        ("Content-Type: application/json; a\r\n", "{}", Refused),
        ("Content-Type: text/json\r\n", "{}", Same),
        ("Content-Type: application/jsonx\r\n", "{}", Same),
        ("Content-Type: application/x/json\r\n", "{}", Same),
        (
            "Content-Type: text/plain\r\nContent-Type: application/json\r\n",
            "{}",
            Same,
        ),
        (
            "Content-Type: application/json\r\nContent-Type: text/plain\r\n",
            "{}",
            Same,
        ),
        ("Content-Type: application/yaml\r\n", "a: [b, 1]\n", Same),
        ("Content-Type: text/x; a=application/x-yaml\r\n", "a: 1\n", Same),
        ("Content-Type: application/yaml\r\n", "a: [", Same),
        ("Content-Type: application/yaml\r\n", "a: &b 1\nc: *b\n", Refused),
        ("", "{}", Same),
    ] {
        let name = format!("{headers} {}", body.get(..40).unwrap_or(body));
        cases.push(case(&name, bytes(&good(headers, body)), &json!({}), wanted));
    }
    let mut binary = good("", "hi").into_bytes();
    let at = binary.len() - 2;
    binary.splice(at.., *b"\xff\xfe");
    cases.push(case("a binary body", Sent::Bytes(binary), &json!({}), Refused));
    let force = json!({ "force_json_decode": true });
    cases.push(case("forced JSON", bytes(&good("", "[1]")), &force, Same));
    let force = json!({ "force_yaml_decode": true });
    cases.push(case("forced YAML", bytes(&good("", "- 1\n")), &force, Same));
    cases
}
