//! What depends on the request: redirects, and what the policy's options say.

use serde_json::{Value as Json, json};

use super::cases::Wanted::{Refused, Same};
use super::cases::{Case, bytes, case, good};
use super::upstream::Sent;

/// Where a server sends the client.
pub(super) fn redirects(port: u16) -> Vec<Case> {
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
pub(super) fn options(port: u16) -> Vec<Case> {
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
