//! Routes in the configuration: what can't be meant is refused with file, line and key; what is meant can be asked about.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Nine lines, so that the routes begin on line 10.
const BASE: &str = r#"data_dir: data
ext_authz: { listen: ["unix:s"] }
admin: { listen: "127.0.0.1:0" }
control_plane: { grpc: "http://127.0.0.1:1" }
issuers:
- issuer: https://login.example
  jwks_uri: https://login.example/jwks
  audiences: [api]
policy: { bundle: demo, url: "http://127.0.0.1:1/b", entrypoint: a/b, allow_unsigned: true }
"#;

struct Folder(TempDir);

impl Folder {
    fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("sidecar.yaml"), text).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("sidecar.yaml")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_postern-sidecar"))
            .arg("--config")
            .arg(self.file())
            .args(arguments)
            .env_clear()
            .output()
            .unwrap()
    }
}

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// `routes` is refused at this line and key, with these words.
fn check_refused(routes: &str, place: &str, words: &str) {
    check_file_refused(&format!("{BASE}{routes}"), place, words);
}

fn check_file_refused(text: &str, place: &str, words: &str) {
    let folder = Folder::with(text);
    let (code, stdout, stderr) = told(&folder.run(&["check-config"]));
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{text}\n{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    let expected = format!("{}:{place}: ", folder.file().display());
    assert!(
        stderr.starts_with(&expected),
        "expected {expected}…, got {stderr}"
    );
    assert!(stderr.contains(words), "expected …{words}…, got {stderr}");
}

#[test]
fn a_route_that_can_never_match_is_refused_and_told_which_one_is_before_it() {
    check_refused(
        "routes:\n- name: all\n- name: orders\n  match: { path: { prefix: /orders } }\n",
        "13: routes[1].match",
        "`orders` can never match: route `all` of line 11 comes first",
    );
    check_refused(
        "routes:\n- name: a\n  match: { methods: [] }\n",
        "12: routes[0].match.methods",
        "at least one method",
    );
    check_refused(
        "routes:\n- name: a\n  match: { hosts: [] }\n",
        "12: routes[0].match.hosts",
        "at least one host",
    );
    check_refused(
        "routes:\n- name: a\n  match:\n    path: { exact: /a%20b }\n",
        "13: routes[0].match.path.exact",
        "`/a b`",
    );
    check_refused(
        "routes:\n- name: a\n  match:\n    path: { prefix: /a/../b }\n",
        "13: routes[0].match.path.prefix",
        "no request can match",
    );
    check_refused(
        "routes:\n- name: a\n  match:\n    path: { template: \"/a/{b\" }\n",
        "13: routes[0].match.path.template",
        "whole segment",
    );
    check_refused(
        "routes:\n- name: a\n  match:\n    path: { exact: \"/a%25\" }\n",
        "11: routes[0].paths",
        "paths: compat",
    );
    check_refused("routes: []\n", "10: routes", "at least one route");
}

#[test]
fn two_routes_of_one_name_are_refused() {
    check_refused(
        "routes:\n- name: a\n  match: { methods: [GET] }\n- name: a\n",
        "13: routes[1].name",
        "`a` is the route of line 11 already",
    );
}

#[test]
fn each_key_of_a_route_is_checked() {
    for (key, place, words) in [
        ("name: \"a b\"", "name", "letters, digits"),
        (
            "match: { hosts: [\"a.example:443\"] }",
            "match.hosts[0]",
            "without a port",
        ),
        ("match: { hosts: [a, \"*\"] }", "match.hosts[1]", "first label"),
        ("match: { methods: [get] }", "match.methods[0]", "capitals"),
        ("match: { methods: [\"A B\"] }", "match.methods[0]", "a method"),
        (
            "match: { path: {} }",
            "match.path",
            "one of `exact`, `prefix` and `template`",
        ),
        (
            "match: { path: { exact: /a, prefix: /a } }",
            "match.path",
            "one of",
        ),
        (
            "match: { path: { regex: /a } }",
            "match.path.regex",
            "unknown key",
        ),
        ("paths: lax", "paths", "strict, compat"),
        ("policy: maybe", "policy", "enforce, shadow, off"),
        ("policy: true", "policy", "enforce, shadow, off"),
        (
            "peer: { trust_domains: [\"spiffe://a\"] }",
            "peer.trust_domains[0]",
            "a trust domain",
        ),
        (
            "peer: { trust_domains: [a/b] }",
            "peer.trust_domains[0]",
            "a trust domain",
        ),
        (
            "peer: { spiffe_ids: [\"https://a/b\"] }",
            "peer.spiffe_ids[0]",
            "a SPIFFE ID",
        ),
        (
            "peer: { trust_domains: [a], spiffe_ids: [\"spiffe://b/*\"] }",
            "peer.spiffe_ids[0]",
            "isn't one of them",
        ),
        ("peer: { xfcc: { from: [] } }", "peer.xfcc.from", "at least one"),
        (
            "peer: { xfcc: { from: [\"10.0.0.1/8\"] } }",
            "peer.xfcc.from[0]",
            "an address",
        ),
        ("required_scopes: [\"a b\"]", "required_scopes[0]", "one scope"),
        ("required_claims: tenant", "required_claims", "a list of claims"),
        (
            "public_origin: https://a.example/path",
            "public_origin",
            "https://orders.example",
        ),
        ("dpop: { required: true }", "dpop", "public_origin"),
        (
            "{ name: r, public_origin: \"https://a.example\", dpop: { iat_window_seconds: 301 } }",
            "dpop.iat_window_seconds",
            "from 1 to 300",
        ),
        ("step_up: {}", "step_up", "acr_values"),
        (
            "step_up: { acr_values: [], max_age_seconds: 300 }",
            "step_up.acr_values",
            "at least one",
        ),
        (
            "step_up: { acr_values: [\"a b\"] }",
            "step_up.acr_values[0]",
            "acr",
        ),
        (
            "step_up: { max_age_seconds: 99999999 }",
            "step_up.max_age_seconds",
            "from 0 to",
        ),
        (
            "revocation: { when_stale: deny }",
            "revocation.max_staleness_seconds",
            "missing",
        ),
        (
            "revocation: { max_staleness_seconds: 0 }",
            "revocation.max_staleness_seconds",
            "from 1 to",
        ),
        ("surprise: 1", "surprise", "unknown key"),
    ] {
        let route = match key {
            flow if flow.starts_with('{') => flow.to_owned(),
            key if key.starts_with("name") => format!("{{ {key} }}"),
            key => format!("{{ name: r, {key} }}"),
        };
        let routes = format!("routes:\n- {route}\n");
        check_refused(&routes, &format!("11: routes[0].{place}"), words);
    }
}

#[test]
fn what_a_route_needs_of_the_rest_of_the_file_must_be_there() {
    let without = |key: &str| -> String {
        BASE.lines()
            .filter(|line| !line.starts_with(key))
            .map(|line| format!("{line}\n"))
            .collect()
    };
    let alone = without("control_plane");
    for (route, place) in [
        (
            "{ name: r, public_origin: \"https://a.example\", dpop: { nonce: true } }",
            "10: routes[0].dpop.nonce",
        ),
        (
            "{ name: r, revocation: { max_staleness_seconds: 5 } }",
            "10: routes[0].revocation",
        ),
    ] {
        check_file_refused(
            &format!("{alone}routes:\n- {route}\n"),
            place,
            "needs `control_plane`",
        );
    }
    let lawless = without("policy");
    check_file_refused(
        &format!("{lawless}routes:\n- {{ name: a, match: {{ methods: [GET] }}, policy: off }}\n- name: b\n"),
        "11: routes[1].policy",
        "policy: off",
    );
    check_file_refused(&lawless, "1: policy", "missing");
    // As tools write it that go by YAML 1.1.
    let good = Folder::with(&format!("{lawless}routes:\n- {{ name: a, policy: false }}\n"));
    assert_eq!(told(&good.run(&["check-config"])).0, Some(0));
    let good = Folder::with(&format!("{lawless}routes:\n- {{ name: a, policy: off }}\n"));
    let (code, stdout, stderr) = told(&good.run(&["check-config"]));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(
        stdout.ends_with(": good: 1 route, 1 issuer, no policy\n"),
        "{stdout}"
    );
}

const ROUTES: &str = r#"routes:
- name: health
  match: { path: { exact: /health }, methods: [GET] }
  policy: off
- name: gold
  match: { hosts: ["*.shop.example"], context_extensions: { tier: gold } }
  paths: compat
- name: orders
  match:
    hosts: [orders.example]
    path: { template: "/orders/{id}/items" }
  required_scopes: ["orders:read"]
  step_up: { acr_values: [gold], max_age_seconds: 300 }
"#;

/// What `routes test` answers: its exit code, and each line without the blanks that align it.
fn ask(arguments: &[&str]) -> (Option<i32>, Vec<String>) {
    let folder = Folder::with(&format!("{BASE}{ROUTES}"));
    let arguments = [&["routes", "test"], arguments].concat();
    let (code, stdout, stderr) = told(&folder.run(&arguments));
    let text = if code == Some(2) { stderr } else { stdout };
    let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    (code, text.lines().map(squeezed).collect())
}

#[test]
fn the_route_that_a_request_meets_is_told_and_why_not_the_earlier_ones() {
    let (code, lines) = ask(&["POST https://Orders.example:8443/orders/7/items?a=//"]);
    assert_eq!(code, Some(0), "{lines:?}");
    assert_eq!(
        lines,
        [
            "request POST Orders.example:8443 /orders/7/items?a=//",
            "path /orders/7/items",
            "not health the path isn't /health (line 11)",
            "not gold the host isn't *.shop.example (line 14)",
            "route orders (line 17)",
            "paths strict",
            "accepts a token of any issuer in Authorization",
            "scopes orders:read",
            "step-up acr gold, at most 300 s ago",
            "policy enforce",
        ]
    );
    let (code, lines) = ask(&["/health"]);
    assert_eq!((code, lines[2].as_str()), (Some(0), "route health (line 11)"));
}

#[test]
fn headers_context_and_check_requests_are_looked_at_as_envoy_sends_them() {
    let arguments = [
        "POST /a//b",
        "--header",
        "Host: eu.shop.example",
        "--context",
        "tier=gold",
    ];
    let (code, lines) = ask(&arguments);
    assert_eq!(code, Some(0), "{lines:?}");
    assert_eq!(
        lines[1],
        "path /a/b, which is not what came: it has an empty segment"
    );
    assert_eq!(lines[3], "route gold (line 14)");
    let (code, lines) = ask(&arguments[..3]);
    assert_eq!(code, Some(1), "{lines:?}");
    assert_eq!(
        lines[3],
        "not gold the context extension tier isn't gold (line 14)"
    );
    assert_eq!(lines[5], "route none: 403 no_route");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("check.json");
    let check = serde_json::json!({ "attributes": {
        "request": { "http": { "method": "GET", "host": "a.shop.example", "path": "/" } },
        "contextExtensions": { "tier": "gold" },
    }});
    std::fs::write(&file, check.to_string()).unwrap();
    let (code, lines) = ask(&["--request", file.to_str().unwrap()]);
    assert_eq!((code, lines[3].as_str()), (Some(0), "route gold (line 14)"));
}

#[test]
fn a_path_that_a_strict_route_refuses_is_told_to_be_refused() {
    let (code, lines) = ask(&["GET https://orders.example/orders/7%2Fitems"]);
    assert_eq!(code, Some(1), "{lines:?}");
    assert_eq!(
        lines[1],
        "path /orders/7/items, which is not what came: it has an encoded delimiter, dot or percent sign"
    );
    assert!(
        lines[4].starts_with("route orders (line 17), which refuses it: 400 ambiguous_path"),
        "{lines:?}"
    );
    let (code, lines) = ask(&["GET https://orders.example/a%00"]);
    assert_eq!(code, Some(1));
    assert_eq!(lines[1], "path none: it has a control character");
}

#[test]
fn a_question_that_is_none_is_exit_2() {
    for arguments in [
        &["orders"][..],
        &["GET https://a", "--header", "host"],
        &["GET https://a", "--context", "tier"],
        &["--request", "/nowhere.json"],
        &[],
        &["GET https://a", "--request", "/nowhere.json"],
    ] {
        assert_eq!(ask(arguments).0, Some(2), "{arguments:?}");
    }
}

#[test]
fn what_all_routes_share_of_dpop_has_bounds() {
    for (dpop, place) in [
        ("{ replay_cache_entries: 10 }", "10: dpop.replay_cache_entries"),
        ("{ nonce_lifetime_seconds: 5 }", "10: dpop.nonce_lifetime_seconds"),
    ] {
        check_file_refused(&format!("{BASE}dpop: {dpop}\n"), place, "expected a number from");
    }
}

#[test]
fn the_limit_of_headers_has_bounds() {
    let with = |most: u32| BASE.replace("[\"unix:s\"] }", &format!("[\"unix:s\"], max_headers: {most} }}"));
    check_file_refused(&with(9), "2: ext_authz.max_headers", "from 10 to 10000");
    let (code, _, stderr) = told(&Folder::with(&with(200)).run(&["check-config"]));
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn what_nobody_that_is_accepted_could_have_is_refused() {
    for (rules, key) in [
        ("accept: anonymous, required_scopes: [a]", "required_scopes"),
        ("accept: mtls, required_scopes: [a]", "required_scopes"),
        (
            "accept: { any: [api_key, mtls] }, required_claims: [a]",
            "required_claims",
        ),
        ("accept: mtls, step_up: { max_age_seconds: 1 }", "step_up"),
        (
            "accept: api_key, public_origin: \"https://a.example\", dpop: { required: true }",
            "dpop",
        ),
    ] {
        let routes = format!("routes:\n- {{ name: r, {rules} }}\n");
        check_refused(&routes, &format!("11: routes[0].{key}"), "nobody can meet it");
    }
    let folder = Folder::with(&format!(
        "{BASE}routes:\n- {{ name: r, accept: {{ any: [api_key, anonymous] }}, required_scopes: [a] }}\n"
    ));
    let (code, _, stderr) = told(&folder.run(&["check-config"]));
    assert_eq!(code, Some(0), "{stderr}");
}
