//! What a server sends, and whether the policy sees what OPA shows it.

use serde_json::{Value as Json, json};

use super::asking::Asked;
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

fn case(name: &str, sent: Sent, options: &Json, wanted: Wanted) -> Case {
    Case {
        name: name.to_owned(),
        sent,
        url: None,
        options: quiet(options),
        wanted,
    }
}

fn bytes(text: &str) -> Sent {
    Sent::Bytes(text.as_bytes().to_vec())
}

/// A good answer with these headers and this body.
fn good(headers: &str, body: &str) -> String {
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

/// Where a server sends the client.
fn redirects(port: u16) -> Vec<Case> {
    let moved = |status: &str, location: &str| {
        bytes(&format!(
            "HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nmoved"
        ))
    };
    let follow = json!({ "enable_redirect": true });
    let send = json!({
        "enable_redirect": true, "method": "post", "body": { "a": 1 },
        "headers": { "Authorization": "secret", "Cookie": "a=b", "Content-Type": "application/json", "X-A": "1" },
    });
    let mut cases = Vec::new();
    for status in ["300", "301", "302", "303", "304", "305", "307", "308"] {
        cases.push(case(status, moved(status, "/echo"), &send, Same));
        let off = json!({ "enable_redirect": false });
        cases.push(case(
            &format!("{status}, not followed"),
            moved(status, "/echo"),
            &off,
            Same,
        ));
    }
    for (location, options, wanted) in [
        ("echo?a=b#c", &follow, Same),
        ("?a=b", &json!({ "method": "post" }), Same),
        ("../echo/./x/../y", &follow, Same),
        ("//127.0.0.1:PORT/echo", &send, Same),
        ("http://127.0.0.1:PORT/echo", &send, Same),
        ("http://LOCALHOST:PORT/echo", &send, Same),
        ("", &follow, Same),
        (
            "/echo",
            &json!({ "enable_redirect": true, "method": "head" }),
            Same,
        ),
        ("http://127.0.0.1:3/", &follow, Refused),
        ("https://127.0.0.1:PORT/echo", &follow, Refused),
        ("http:/echo", &follow, Refused),
        ("http:echo", &follow, Refused),
        ("///127.0.0.1:PORT/echo", &follow, Refused),
        ("\\\\127.0.0.1:PORT/echo", &follow, Refused),
        ("http://u:p@127.0.0.1:PORT/echo", &follow, Refused),
        ("http://127.1:PORT/echo", &follow, Refused),
        ("http://[::ffff:127.0.0.1]:PORT/echo", &follow, Refused),
        ("http://169.254.169.254/", &follow, Refused),
        ("file:///etc/passwd", &follow, Refused),
        ("ftp://127.0.0.1:PORT/", &follow, Refused),
        ("/%2e%2e/echo", &follow, Refused),
        ("/echo a", &follow, Refused),
    ] {
        let to = location.replace("PORT", &port.to_string());
        cases.push(case(
            &format!("to {location}"),
            moved("307", &to),
            options,
            wanted,
        ));
    }
    let without = "HTTP/1.1 302 Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
    cases.push(case("a redirect to nowhere", bytes(without), &follow, Same));
    let broken =
        "HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Length: 100\r\nConnection: close\r\n\r\nhi";
    cases.push(case(
        "a redirect whose body breaks off",
        bytes(broken),
        &follow,
        Same,
    ));
    let packed = "HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    cases.push(case("a redirect that is packed", bytes(packed), &follow, Same));
    cases
}

/// What a request can ask for.
fn options(port: u16) -> Vec<Case> {
    let mut cases = Vec::new();
    let echo = format!("http://127.0.0.1:{port}/echo");
    let mut ask = |url: &str, options: Json, wanted| {
        cases.push(Case {
            url: Some(url.to_owned()),
            ..case(&format!("{url} {options}"), bytes(""), &options, wanted)
        });
    };
    for (options, wanted) in [
        (json!({ "method": "post" }), Same),
        (json!({ "method": "put", "body": null }), Same),
        (json!({ "method": "delete", "raw_body": "x" }), Same),
        (json!({ "method": "purge" }), Same),
        (json!({ "method": "\"patch\"", "body": "x" }), Same),
        (json!({ "method": "get", "body": [1] }), Same),
        (json!({ "method": "" }), Same),
        (json!({ "method": "a b" }), Same),
        (json!({ "method": 1 }), Same),
        (json!({ "headers": { "X-A": "a b", "x-b": "" } }), Same),
        (json!({ "headers": { "X-A": 1 } }), Same),
        (json!({ "headers": ["a"] }), Same),
        (json!({ "timeout": "4s" }), Same),
        (json!({ "timeout": 4_000_000_000_u64 }), Same),
        (json!({ "timeout": "4000000000" }), Same),
        (json!({ "timeout": "4000000000.0" }), Same),
        (json!({ "timeout": 0 }), Same),
        (json!({ "timeout": -1 }), Same),
        (json!({ "timeout": "1d" }), Same),
        (json!({ "timeout": 1.5 }), Same),
        (json!({ "timeout": [] }), Same),
        (json!({ "cache": true }), Same),
        (json!({ "cache": 1 }), Same),
        (json!({ "force_cache": true }), Same),
        (
            json!({ "force_cache": true, "force_cache_duration_seconds": 1 }),
            Same,
        ),
        (
            json!({ "force_cache": true, "force_cache_duration_seconds": "1" }),
            Same,
        ),
        (json!({ "caching_mode": "deserialized" }), Same),
        (json!({ "caching_mode": "odd" }), Same),
        (json!({ "cache": true, "caching_mode": 1 }), Same),
        (json!({ "force_json_decode": "x" }), Same),
        (json!({ "enable_redirect": 1 }), Same),
        (json!({ "enable_redirect": "true" }), Same),
        (json!({ "max_retry_attempts": 2 }), Same),
        (json!({ "max_retry_attempts": 2.0 }), Same),
        (json!({ "max_retry_attempts": -1 }), Same),
        (json!({ "max_retry_attempts": "1" }), Same),
        (
            json!({ "cache_ignored_headers": ["X-A"], "headers": { "X-A": "1" } }),
            Same,
        ),
        (
            json!({ "cache_ignored_headers": "X-A", "headers": { "X-A": "1" } }),
            Same,
        ),
        (json!({ "tls_use_system_certs": true }), Same),
        (json!({ "tls_insecure_skip_verify": false }), Same),
        (json!({ "unknown": 1 }), Same),
        (json!({ "tls_insecure_skip_verify": true }), Refused),
        (json!({ "tls_ca_cert": "x" }), Refused),
        (json!({ "tls_ca_cert_file": "/etc/passwd" }), Refused),
        (json!({ "tls_ca_cert_env_variable": "PATH" }), Refused),
        (
            json!({ "tls_client_cert_file": "/etc/passwd", "tls_client_key_file": "/etc/passwd" }),
            Refused,
        ),
        (json!({ "tls_server_name": "other.example" }), Refused),
        (json!({ "headers": { "Host": "other.example" } }), Refused),
        (json!({ "headers": { "Transfer-Encoding": "chunked" } }), Refused),
        (json!({ "headers": { "Content-Length": "9" } }), Refused),
        (json!({ "headers": { "Connection": "upgrade" } }), Refused),
        (json!({ "headers": { "X-A": "1\r\nX-B: 2" } }), Refused),
        (json!({ "headers": { "X-A: 1\r\nX-B": "2" } }), Refused),
        (json!({ "method": "connect" }), Refused),
    ] {
        ask(&echo, options, wanted);
    }
    for url in [
        format!("http://u@127.0.0.1:{port}/echo"),
        format!("http://127.0.0.1:{port}@other.example/echo"),
        format!("http://127.0.0.1:{port}\\@other.example/"),
        format!("http://other.example#@127.0.0.1:{port}/echo"),
        format!("http://127.1:{port}/echo"),
        format!("http://2130706433:{port}/echo"),
        format!("http://0x7f000001:{port}/echo"),
        format!("http://[::ffff:7f00:1]:{port}/echo"),
        format!("http://[::1]:{port}/echo"),
        format!("http://%6cocalhost:{port}/echo"),
        format!("http://localhost.:{port}/echo"),
        format!("https://127.0.0.1:{port}/echo"),
        format!("http://127.0.0.1:{port}/echo\r\nX-A: 1"),
        format!("http://127.0.0.1:{port}/echo HTTP/1.1\r\n\r\n"),
        format!("http://127.0.0.1:{port}/a/../echo"),
        "unix://localhost/x?socket=%2Ftmp%2Fhttpsend.sock".to_owned(),
        "file:///etc/passwd".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
    ] {
        ask(&url, json!({}), Refused);
    }
    ask(
        &format!("http://127.0.0.1:{port}/echo/%0d%0aX-A:%201?a=%00&b"),
        json!({}),
        Same,
    );
    ask(&format!("HTTP://LOCALHOST:{port}/echo#x"), json!({}), Same);
    ask("http://127.0.0.1:2/", json!({}), Same);
    ask(
        "http://127.0.0.1:2/",
        json!({ "max_retry_attempts": 2, "method": "post", "body": 1 }),
        Same,
    );

    let retry = json!({ "max_retry_attempts": 2 });
    let second = || Sent::SecondTime(good("", "hi").into_bytes());
    cases.push(case("a second try", second(), &retry, Same));
    cases.push(case("no second try", second(), &json!({}), Same));
    let with_body = json!({ "max_retry_attempts": 2, "method": "post", "body": 1 });
    cases.push(case("a second try with a body", second(), &with_body, Refused));
    let nothing = Sent::Stalls(Vec::new());
    cases.push(case(
        "no answer in time",
        nothing,
        &json!({ "timeout": "100ms" }),
        Same,
    ));
    let nothing = Sent::Stalls(Vec::new());
    cases.push(case(
        "no answer in a nanosecond",
        nothing,
        &json!({ "timeout": "1" }),
        Same,
    ));
    let half = || Sent::Stalls(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort".to_vec());
    cases.push(case(
        "half an answer in time",
        half(),
        &json!({ "timeout": "100ms" }),
        Same,
    ));
    cases
}
