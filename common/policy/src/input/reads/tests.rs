use std::collections::BTreeMap;

use proptest::prelude::*;

use postern_rego::{Document, Member, Part as Number};

use super::*;
use crate::input::{
    Address, ApiKeyParts, Bodies, Extent, InputDocument, PeerParts, Port, PosternParts, RequestParts, Rest,
    SocketAddress, document, members,
};

const HEADER_LIST: &[(&str, &str)] = &[
    ("accept", "*/*"),
    ("content-length", "7"),
    ("content-type", "application/json"),
    ("x-tenant", "acme"),
];

/// What few policies look at, all of it the same.
#[derive(Debug)]
struct Metadata(Value);

impl Rest for Metadata {
    fn metadata_context(&self) -> Option<Value> {
        Some(self.0.clone())
    }

    fn route_metadata_context(&self) -> Option<Value> {
        Some(self.0.clone())
    }

    fn header_map(&self) -> Option<Value> {
        Some(self.0.clone())
    }
}

/// The document of a request in which everything is set, as far as it is read.
fn build(reads: &InputReads, headers: &[(&str, &str)]) -> Value {
    ask(reads, headers, |document| document.value(Number::WHOLE).clone())
}

/// Calls `ask` with that document, of which nothing was made yet.
fn ask<T>(reads: &InputReads, headers: &[(&str, &str)], ask: impl FnOnce(&dyn Document) -> T) -> T {
    let metadata = Value::from_json_str(r#"{"filterMetadata":{"a":{"b":1}}}"#).unwrap();
    let claims = Value::from_json_str(r#"{"sub":"u","roles":["a"]}"#).unwrap();
    let peer = PeerParts {
        address: Some(Address::Socket(SocketAddress {
            address: "10.0.0.1",
            port: Some(Port::Number(1)),
            protocol: 1,
            ..SocketAddress::default()
        })),
        service: "svc",
        labels: &[("app", "a")],
        principal: "spiffe://example.org/a",
        certificate: "pem",
    };
    let request = RequestParts {
        source: Some(peer),
        destination: Some(peer),
        time: Some((1, 2)),
        id: "1",
        method: "GET",
        path: "/a/b?x=1",
        host: "h",
        scheme: "http",
        query: "q",
        fragment: "f",
        size: 7,
        protocol: "HTTP/1.1",
        body: r#"{"a":1}"#,
        raw_body: b"{}",
        context_extensions: &[("k", "v")],
        rest: Some(&Metadata(metadata)),
        tls_sni: Some("sni"),
        extent: Extent::Http,
        bodies: Bodies::WhenRead,
        grpc: None,
    };
    let postern = PosternParts {
        claims: Some(&claims),
        subject: Some("u".into()),
        client_id: Some("c".into()),
        issuer: Some("i".into()),
        scopes: &["s".into()],
        peer_spiffe_id: Some("spiffe://example.org/a".into()),
        route: Some("r".into()),
        path: "/a/b",
        auth: "jwt",
        api_key: Some(ApiKeyParts {
            id: "k".into(),
            name: "n".into(),
        }),
    };
    ask(&InputDocument::new(reads, &request, headers, Some(&postern)).unwrap())
}

/// What a walk through the document's parts ends at.
fn walk(document: &dyn Document, path: &[String]) -> Option<Value> {
    let mut part = Number::WHOLE;
    let mut names = path.iter();
    while let Some(name) = names.next() {
        match document.member(part, name)? {
            Member::Part(inner) => part = inner,
            Member::Value(value) => return names.try_fold(value, |at, name| at.get(name)).cloned(),
        }
    }
    Some(document.value(part).clone())
}

/// The paths of all members of `value` that lead through objects.
fn paths(value: &Value, path: &[String], out: &mut Vec<Vec<String>>) {
    let Some(object) = value.as_object() else { return };
    for (name, value) in object {
        let path = [path, &[name.as_str().unwrap().to_owned()]].concat();
        out.push(path.clone());
        paths(value, &path, out);
    }
}

/// What reads the part at `path`: all of it, or only that it is there.
fn reads_of(path: &[String], whole: bool) -> Reads {
    match path {
        [] if whole => Reads::All,
        [] => Reads::nothing(),
        [name, rest @ ..] => Reads::Members(BTreeMap::from([(name.as_str().into(), reads_of(rest, whole))])),
    }
}

fn both(a: Reads, b: Reads) -> Reads {
    match (a, b) {
        (Reads::Members(mut a), Reads::Members(b)) => {
            for (name, reads) in b {
                let reads = match a.remove(&name) {
                    Some(present) => both(present, reads),
                    None => reads,
                };
                a.insert(name, reads);
            }
            Reads::Members(a)
        }
        _ => Reads::All,
    }
}

fn everything_has() -> Vec<Vec<String>> {
    let mut all = Vec::new();
    paths(&build(InputReads::everything(), HEADER_LIST), &[], &mut all);
    all
}

#[test]
fn every_part_is_in_the_document_and_can_be_asked_for_alone() {
    let all = everything_has();
    for (part, path) in PARTS {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        assert!(all.contains(&path), "{part:?} is not where it is said to be");
    }
    let whole = build(InputReads::everything(), HEADER_LIST);
    for path in all {
        let reads = reads_of(&path, true);
        let got = build(&InputReads::new(&reads), HEADER_LIST);
        assert_eq!(reads.prune(&got), reads.prune(&whole), "{path:?}");
    }
}

#[test]
fn what_is_not_read_is_not_built() {
    let reads = |path: &[&str]| {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        build(&InputReads::new(&reads_of(&path, true)), HEADER_LIST).to_json()
    };
    assert_eq!(
        build(&InputReads::new(&Reads::nothing()), HEADER_LIST).to_json(),
        "{}"
    );
    assert_eq!(
        reads(&["attributes", "request", "http", "method"]),
        r#"{"attributes":{"request":{"http":{"method":"GET"}}}}"#
    );
    assert_eq!(
        reads(&["attributes", "request", "http", "headers", "x-tenant"]),
        r#"{"attributes":{"request":{"http":{"headers":{"x-tenant":"acme"}}}}}"#
    );
    assert_eq!(
        reads(&["postern", "claims", "roles"]),
        r#"{"postern":{"claims":{"roles":["a"],"sub":"u"}}}"#
    );
    assert_eq!(reads(&["parsed_path"]), r#"{"parsed_path":["a","b"]}"#);
}

#[test]
fn a_request_without_headers_has_none_whatever_is_read_of_them() {
    let path = ["attributes", "request", "http", "headers", "x-tenant"].map(str::to_owned);
    let reads = InputReads::new(&reads_of(&path, true));
    assert_eq!(
        build(&reads, &[]).to_json(),
        r#"{"attributes":{"request":{"http":{}}}}"#
    );
    // There are some, but not this one.
    assert_eq!(
        build(&reads, &[("accept", "*/*")]).to_json(),
        r#"{"attributes":{"request":{"http":{"headers":{}}}}}"#
    );
}

#[test]
fn a_body_is_parsed_only_for_who_reads_it() {
    let headers = [("content-type", "application/json")];
    let request = RequestParts {
        body: "{",
        path: "/",
        ..RequestParts::default()
    };
    let ask = |path: &str| {
        let reads = InputReads::new(&reads_of(&[path.to_owned()], true));
        document(&reads, &request, &headers[..], None).map(|input| input.to_json())
    };
    assert!(ask("parsed_body").is_err());
    assert_eq!(ask("truncated_body").unwrap(), r#"{"truncated_body":false}"#);
    assert_eq!(
        ask("version").unwrap(),
        r#"{"version":{"encoding":"protojson","ext_authz":"v3"}}"#
    );
}

#[test]
fn an_ill_formed_query_is_refused_whoever_asks() {
    let request = RequestParts {
        path: "/?a=%zz",
        ..RequestParts::default()
    };
    let nothing = InputReads::new(&Reads::nothing());
    assert!(document(&nothing, &request, &[][..], None).is_err());
}

#[test]
fn every_part_is_a_member_of_the_part_that_it_is_said_to_be_in() {
    let whole = members::WHOLE.iter().map(|member| (None, member));
    let inner = Part::all().flat_map(|of| members::of(of).iter().map(move |member| (Some(of), member)));
    let mut found = 0;
    for (of, (name, part)) in whole.chain(inner) {
        let path = |part: Part| PARTS[part as usize].1;
        let expected: Vec<&str> = [of.map_or(&[][..], path), &[*name]].concat();
        assert_eq!(path(*part), expected);
        found += 1;
    }
    assert_eq!(found, PARTS.len());
    for members in Part::all().map(members::of).chain([members::WHOLE]) {
        assert!(members.is_sorted_by_key(|(name, _)| *name), "{members:?}");
    }
}

proptest! {
    /// In whatever order its parts are asked for, each is what the whole document has there.
    #[test]
    fn a_part_is_what_the_whole_document_has_there(
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..6),
        walks in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..8),
    ) {
        let mut all = everything_has();
        let reads = picks
            .iter()
            .map(|(index, whole)| reads_of(index.get::<Vec<String>>(&all), *whole))
            .fold(Reads::nothing(), both);
        all.push(Vec::new());
        let reads = InputReads::new(&reads);
        let whole = build(&reads, HEADER_LIST);
        ask(&reads, HEADER_LIST, |document| {
            for (index, misses) in &walks {
                let mut path = index.get::<Vec<String>>(&all).clone();
                if *misses {
                    path.push("other".to_owned());
                }
                let expected = path.iter().try_fold(&whole, |at, name| at.get(name));
                let found = walk(document, &path);
                prop_assert_eq!(found.as_ref(), expected, "{:?}", path);
            }
            Ok(())
        })?;
    }

    /// What is built is, as far as it is read, what the whole document would have been.
    #[test]
    fn a_pruned_document_is_the_whole_one_to_whoever_reads_only_that(
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..6)
    ) {
        let all = everything_has();
        let reads = picks
            .iter()
            .map(|(index, whole)| reads_of(index.get::<Vec<String>>(&all), *whole))
            .fold(Reads::nothing(), both);
        let whole = build(InputReads::everything(), HEADER_LIST);
        let got = build(&InputReads::new(&reads), HEADER_LIST);
        prop_assert_eq!(reads.prune(&got).to_json(), reads.prune(&whole).to_json());
    }
}
