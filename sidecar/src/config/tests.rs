//! What is wrong with issuers and with what routes accept is told with file, line and key; what is right becomes what is
//! decided with.

use postern_config::Document;
use postern_decide::{Accept, OnUnknownKid, TokenSource};

use super::Config;
use crate::reload::Origin;
use crate::sync::KeysSource;

/// `issuers` begins on line 5.
const HEAD: &str = r#"data_dir: data
ext_authz: { listen: ["unix:s"] }
admin: { listen: "127.0.0.1:0" }
policy: { bundle: demo, url: "http://127.0.0.1:1/b", entrypoint: a/b, allow_unsigned: true }
issuers:
- issuer: https://a.example
  jwks_uri: https://a.example/jwks
  audiences: [api]
"#;

/// Two more lines for an issuer, and one for the control plane.
const MORE: &str = r#"- { issuer: "https://b.example", jwks_uri: "https://b.example/jwks", audiences: [api], token_sources: [{ cookie: session }] }
control_plane: { grpc: "http://127.0.0.1:1" }
"#;

fn config(text: &str) -> Result<Config, String> {
    let document = Document::parse("sidecar.yaml", text).map_err(|error| error.to_string())?;
    Config::of(&document, Origin::of(std::path::Path::new("sidecar.yaml"))).map_err(|error| error.to_string())
}

/// A line of the first issuer is refused at this key.
#[track_caller]
fn check_issuer(line: &str, key: &str, words: &str) {
    let error = config(&format!("{HEAD}  {line}\n")).unwrap_err();
    assert!(
        error.starts_with(&format!("sidecar.yaml:9: issuers[0].{key}: ")) && error.contains(words),
        "{error}"
    );
}

/// What a route accepts is refused at this key.
#[track_caller]
fn check_accept(accept: &str, key: &str, words: &str) {
    let error = accepting(accept).unwrap_err();
    assert!(
        error.starts_with(&format!("sidecar.yaml:13: routes[0].accept{key}: ")) && error.contains(words),
        "{error}"
    );
}

fn accepting(accept: &str) -> Result<Accept, String> {
    let route = "routes:\n- name: a\n  accept: ";
    let peer = "  peer: { trust_domains: [prod.example] }\n";
    let config = config(&format!("{HEAD}{MORE}{route}{accept}\n{peer}"))?;
    let (_, route) = config.routes.iter().next().unwrap();
    Ok(route.accept.clone())
}

#[test]
fn an_issuer_that_cannot_be_meant_is_refused() {
    check_issuer("algorithms: [HS256]", "algorithms[0]", "HMAC");
    check_issuer("algorithms: [ES256, HS512]", "algorithms[1]", "HMAC");
    check_issuer("algorithms: [none]", "algorithms[0]", "");
    check_issuer("algorithms: []", "algorithms", "at least one");
    check_issuer("types: []", "types", "at least one");
    check_issuer("clock_leeway_seconds: 61", "clock_leeway_seconds", "0 to 60");
    check_issuer("max_staleness_seconds: 59", "max_staleness_seconds", "60 to");
    check_issuer("on_unknown_kid: wait", "on_unknown_kid", "refuse");
    check_issuer(
        "on_unknown_kid: { wait_ms: 401 }",
        "on_unknown_kid.wait_ms",
        "1 to 400",
    );
    check_issuer("on_unknown_kid: { wait: 4 }", "on_unknown_kid.wait", "");
    check_issuer("token_sources: []", "token_sources", "at least one");
    check_issuer("token_sources: [cookies]", "token_sources[0]", "authorization");
    check_issuer(
        "token_sources: [{ cookie: 'a b' }]",
        "token_sources[0]",
        "name of a cookie",
    );
    check_issuer(
        "token_sources: [{ header: Authorization }]",
        "token_sources[0]",
        "nothing else",
    );
    check_issuer(
        "token_sources: [{ header: 'a b' }]",
        "token_sources[0]",
        "name of a header",
    );
    check_issuer(
        "token_sources: [{ query: 'a&b' }]",
        "token_sources[0]",
        "name of a parameter",
    );
    check_issuer(
        "token_sources: [{ cookie: a, query: b }]",
        "token_sources[0]",
        "one key",
    );
    check_issuer(
        "token_sources: [authorization, { authorization: {} }]",
        "token_sources[1]",
        "already",
    );
    check_issuer("required_claims: tenant", "required_claims", "a list of claims");
}

#[test]
fn an_issuers_rules_are_what_its_tokens_are_verified_with() {
    let text = format!(
        "{HEAD}{}",
        r"  token_sources: [{ authorization: {} }, { cookie: session }, { header: X-Access-Token }, { query: access_token }]
  on_unknown_kid: { wait_ms: 200 }
  max_staleness_seconds: 600
  required_claims: { tenant: [acme], sid: }
"
    );
    let config = config(&text).unwrap();
    let rules = &config.issuers[0].plan.rules;
    let named = |name: &str| std::sync::Arc::from(name);
    assert_eq!(
        rules.token_sources.as_ref(),
        [
            TokenSource::Authorization,
            TokenSource::Cookie(named("session")),
            TokenSource::Header(named("x-access-token")),
            TokenSource::Query(named("access_token")),
        ]
    );
    assert_eq!(rules.on_unknown_kid, OnUnknownKid::Wait { wait_ms: 200 });
    assert_eq!(rules.max_staleness_seconds, 600);
    assert_eq!(rules.required_claims.len(), 2);
    // The one route there is without `routes` looks where the issuers' tokens are.
    let (_, route) = config.routes.iter().next().unwrap();
    let Accept::Jwt(jwt) = &route.accept else {
        panic!("{:?}", route.accept)
    };
    assert_eq!(jwt.sources, rules.token_sources);
}

#[test]
fn what_a_route_accepts_and_could_never_be_shown_is_refused() {
    check_accept("token", "", "jwt, mtls, api_key");
    check_accept("7", "", "");
    check_accept("{ }", "", "one key");
    check_accept("{ jwt: {}, mtls: {} }", "", "any: […]");
    check_accept("{ tokens: {} }", ".tokens", "");
    check_accept("{ jwt: { issuer: a } }", ".jwt.issuer", "");
    check_accept("{ jwt: { issuers: [] } }", ".jwt.issuers", "at least one");
    check_accept(
        "{ jwt: { issuers: ['https://c.example'] } }",
        ".jwt.issuers[0]",
        "none of the `issuers`",
    );
    check_accept(
        "{ jwt: { issuers: ['https://a.example', 'https://a.example'] } }",
        ".jwt.issuers[1]",
        "already",
    );
    check_accept("{ any: [] }", ".any", "at least one");
    check_accept("{ all: [] }", ".all", "at least one");
    check_accept("{ any: [anonymous, jwt] }", ".any[0]", "put it last");
    check_accept(
        "{ any: [{ any: [mtls, anonymous] }, jwt] }",
        ".any[0]",
        "put it last",
    );
    check_accept(
        "{ all: [{ any: [mtls, anonymous] }, jwt] }",
        ".all[0]",
        "anonymous",
    );
    check_accept(
        "{ any: [jwt, { all: [mtls, anonymous] }] }",
        ".any[1].all[1]",
        "anonymous",
    );
    check_accept(
        "{ mtls: { trust_domains: [other.example] } }",
        ".mtls.trust_domains[0]",
        "no peer",
    );
    check_accept(
        "{ any: [{ mtls: { spiffe_ids: ['spiffe://other.example/a'] } }] }",
        ".any[0].mtls.spiffe_ids[0]",
        "no peer",
    );
    check_accept(
        "{ api_key: { header: Authorization } }",
        ".api_key.header",
        "nothing else",
    );
    check_accept(
        "{ api_key: { header: 'a b' } }",
        ".api_key.header",
        "name of a header",
    );
    let deep = format!("{}jwt{}", "{ any: [".repeat(9), "] }".repeat(9));
    assert!(accepting(&deep).unwrap_err().contains("8 levels"));
}

#[test]
fn api_keys_need_the_control_plane_that_makes_them() {
    let error = config(&format!("{HEAD}routes:\n- name: a\n  accept: api_key\n")).unwrap_err();
    assert!(
        error.starts_with("sidecar.yaml:11: routes[0].accept: needs `control_plane`")
            || error.starts_with("sidecar.yaml:11: routes[0].accept.api_key: needs `control_plane`"),
        "{error}"
    );
}

#[test]
fn what_a_route_accepts_is_compiled_as_it_is_written() {
    let names = |accept: &Accept| match accept {
        Accept::Anonymous => "anonymous",
        Accept::Jwt(_) => "jwt",
        Accept::Mtls(_) => "mtls",
        Accept::ApiKey(_) => "api_key",
        Accept::Any(_) => "any",
        Accept::All(_) => "all",
    };
    for word in ["jwt", "mtls", "api_key", "anonymous"] {
        assert_eq!(names(&accepting(word).unwrap()), word);
    }
    let Accept::Any(parts) =
        accepting("{ any: [{ all: [jwt, mtls] }, { api_key: { header: X-Key } }, anonymous] }").unwrap()
    else {
        panic!("not any")
    };
    assert_eq!(
        parts.iter().map(names).collect::<Vec<_>>(),
        ["all", "api_key", "anonymous"]
    );
    let Accept::ApiKey(key) = &parts[1] else {
        panic!("{parts:?}")
    };
    assert_eq!(key.header.as_ref(), "x-key");
}

#[test]
fn a_route_looks_for_tokens_where_those_of_its_issuers_are() {
    let sources = |accept: &str| match accepting(accept).unwrap() {
        Accept::Jwt(jwt) => jwt.sources.to_vec(),
        other => panic!("{other:?}"),
    };
    let cookie = TokenSource::Cookie(std::sync::Arc::from("session"));
    assert_eq!(sources("jwt"), [TokenSource::Authorization, cookie.clone()]);
    assert_eq!(sources("{ jwt: { issuers: ['https://b.example'] } }"), [cookie]);
    assert_eq!(
        sources("{ jwt: { issuers: ['https://a.example'] } }"),
        [TokenSource::Authorization]
    );
}

#[test]
fn issuers_are_needed_where_tokens_are_accepted_and_nowhere_else() {
    let (head, _) = HEAD.split_once("issuers:").unwrap();
    let route = |accept: &str| config(&format!("{head}routes:\n- name: a\n  accept: {accept}\n"));
    assert!(route("mtls").is_ok() && route("anonymous").is_ok());
    let error = route("{ any: [mtls, jwt] }").unwrap_err();
    assert!(
        error.starts_with("sidecar.yaml:7: routes[0].accept.any[1]: expected at least one issuer"),
        "{error}"
    );
    let error = config(head).unwrap_err();
    assert!(error.contains("issuers: expected at least one issuer"), "{error}");
}

#[test]
fn an_issuers_keys_are_where_it_is_written_or_where_it_says_itself_and_not_both() {
    check_issuer("discovery: true", "discovery", "expected false");
    let discovering = HEAD.replace("  jwks_uri: https://a.example/jwks\n", "  discovery: true\n");
    assert_eq!(
        config(&discovering).unwrap().issuers[0].source,
        KeysSource::Discovery
    );
    let nowhere = HEAD.replace("  jwks_uri: https://a.example/jwks\n", "");
    let error = config(&nowhere).unwrap_err();
    assert!(
        error.starts_with("sidecar.yaml:6: issuers[0]: expected `jwks_uri`, or `discovery: true`"),
        "{error}"
    );
    let unnamed = discovering.replace("issuer: https://a.example\n", "issuer: accounts\n");
    let error = config(&unnamed).unwrap_err();
    assert!(
        error.starts_with("sidecar.yaml:6: issuers[0].issuer: expected an http:// or https:// URL"),
        "{error}"
    );
}

#[test]
fn names_of_admin_are_names() {
    let with = |admin: &str| config(&HEAD.replace(r#"admin: { listen: "127.0.0.1:0" }"#, admin)).map(|_| ());
    assert_eq!(
        with(r#"admin: { listen: "127.0.0.1:0", hosts: [sidecar.shop.svc] }"#),
        Ok(())
    );
    for wrong in ["\"sidecar:9192\"", "\"\"", "http://sidecar", "a..b", "\"*\""] {
        let error = with(&format!(
            r#"admin: {{ listen: "127.0.0.1:0", hosts: [a, {wrong}] }}"#
        ))
        .unwrap_err();
        assert!(
            error.starts_with("sidecar.yaml:3: admin.hosts[1]: expected a name"),
            "{error}"
        );
    }
    let error = with("admin: { listen: \"unix:admin.sock\", hosts: [a] }").unwrap_err();
    assert!(error.contains("Unix socket"), "{error}");
}
