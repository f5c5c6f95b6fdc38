use std::collections::BTreeMap;
use std::sync::Arc;

use postern_rego::{Document as _, Number, Object, Parts, Reads, Sink};
use proptest::prelude::*;

use super::*;
use crate::input::document::number;
use crate::input::members;
use crate::input::{ApiKeyParts, Extent, PosternParts, RequestParts, Rest, SocketAddress, document};

/// Keeps what it is given.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// Makes a value of what it is told.
#[derive(Default)]
struct Told {
    open: Vec<(Option<String>, Value)>,
    key: Option<String>,
    root: Option<Value>,
}

impl Told {
    fn begin(&mut self, empty: Value) {
        let key = self.key.take();
        self.open.push((key, empty));
    }

    fn end(&mut self) {
        let (key, value) = self.open.pop().expect("something is open");
        self.key = key;
        self.add(value);
    }

    fn add(&mut self, value: Value) {
        let key = self.key.take();
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some((_, Value::Array(array))) => array.push(value),
            Some((_, Value::Object(object))) => {
                object.insert(Value::from(key.expect("a name")), value);
            }
            Some(_) => panic!("not a collection"),
        }
    }
}

impl Sink for Told {
    fn null(&mut self) {
        self.add(Value::Null);
    }

    fn bool(&mut self, flag: bool) {
        self.add(Value::from(flag));
    }

    fn number(&mut self, number: &Number) {
        self.add(Value::Number(number.clone()));
    }

    fn text(&mut self, text: &str) {
        self.add(Value::from(text));
    }

    fn begin_array(&mut self) {
        self.begin(Value::from(Vec::new()));
    }

    fn end_array(&mut self) {
        self.end();
    }

    fn begin_object(&mut self) {
        self.begin(Value::Object(Object::default()));
    }

    fn key(&mut self, name: &str) {
        self.key = Some(name.to_owned());
    }

    fn end_object(&mut self) {
        self.end();
    }

    fn odd(&mut self, value: &Value) {
        self.add(value.clone());
    }

    fn left_out(&mut self, part: postern_rego::Part) {
        self.add(left_out(part));
    }
}

/// A request by numbers, each of which says what a field holds: one of few values, so that two requests often agree.
type Choices = Vec<usize>;

const FIELDS: usize = 48;

/// Hands out the values that the numbers mean.
struct Chosen<'c>(std::slice::Iter<'c, usize>);

impl Chosen<'_> {
    fn of<T: Clone>(&mut self, values: &[T]) -> T {
        let at = self.0.next().copied().unwrap_or_default();
        values[at % values.len()].clone()
    }
}

/// Metadata of the request and of the route, and the header map.
#[derive(Debug)]
struct Few([Option<Value>; 3]);

impl Rest for Few {
    fn metadata_context(&self) -> Option<Value> {
        self.0[0].clone()
    }

    fn route_metadata_context(&self) -> Option<Value> {
        self.0[1].clone()
    }

    fn header_map(&self) -> Option<Value> {
        self.0[2].clone()
    }
}

/// What is fed of the request under `reads`, and its document under them.
fn both(choices: &Choices, reads: &InputReads) -> Option<(Vec<u8>, String)> {
    let mut chosen = Chosen(choices.iter());
    let values: Vec<Value> = [
        r#"{"a":{"b":1},"c":[1]}"#,
        r#"{"a":{"b":1.0},"c":[1]}"#,
        r#"{"a":[],"c":null}"#,
        r#"{"c":[1]}"#,
    ]
    .map(|json| Value::from_json_str(json).unwrap())
    .into();
    let scopes: [Vec<Box<str>>; 3] = [vec![], vec!["a".into()], vec!["a".into(), "b".into()]];
    let text = ["", "a", "ab"];
    let addresses = [
        None,
        Some(Address::Socket(SocketAddress {
            address: "a",
            port: Some(Port::Number(1)),
            ..SocketAddress::default()
        })),
        Some(Address::Socket(SocketAddress {
            address: "a",
            port: Some(Port::Named("1")),
            protocol: 1,
            ..SocketAddress::default()
        })),
        Some(Address::Socket(SocketAddress {
            resolver_name: "a",
            ipv4_compat: true,
            network_namespace: "b",
            ..SocketAddress::default()
        })),
        Some(Address::Pipe { path: "a", mode: 0 }),
        Some(Address::Pipe { path: "a", mode: 7 }),
        Some(Address::Internal {
            listener: Some(""),
            endpoint_id: "a",
        }),
        Some(Address::Internal {
            listener: None,
            endpoint_id: "a",
        }),
        Some(Address::Unset),
    ];
    let pairs: [&[(&str, &str)]; 4] = [&[], &[("a", "b")], &[("a", ""), ("b", "")], &[("ab", "")]];
    let mut peer = || {
        let peer = PeerParts {
            address: chosen.of(&addresses),
            service: chosen.of(&text),
            labels: chosen.of(&pairs),
            principal: chosen.of(&text),
            certificate: chosen.of(&text),
        };
        chosen.of(&[None, Some(peer)])
    };
    let (source, destination) = (peer(), peer());
    let headers: [&[(&str, &str)]; 5] = [
        &[],
        &[("a", "")],
        &[("a", "b"), ("content-type", "application/json")],
        &[
            ("a", "b"),
            ("content-type", "application/json"),
            ("content-length", "100"),
        ],
        &[("ab", "a"), ("content-type", "application/x-www-form-urlencoded")],
    ];
    let headers = chosen.of(&headers);
    let optional: Vec<Option<&Value>> = std::iter::once(None).chain(values.iter().map(Some)).collect();
    let shared: Arc<str> = "a".into();
    let words = [
        None,
        Some(Text::Borrowed("")),
        Some(Text::Shared(&shared)),
        Some(Text::Borrowed("b")),
    ];
    let keys = [
        None,
        Some(ApiKeyParts {
            id: "a".into(),
            name: "".into(),
        }),
        Some(ApiKeyParts {
            id: "".into(),
            name: "a".into(),
        }),
    ];
    let postern = PosternParts {
        claims: chosen.of(&optional),
        subject: chosen.of(&words),
        client_id: chosen.of(&words),
        issuer: chosen.of(&words),
        scopes: &chosen.of(&[&scopes[0], &scopes[1], &scopes[2]])[..],
        peer_spiffe_id: chosen.of(&words),
        route: chosen.of(&words),
        path: chosen.of(&text),
        auth: chosen.of(&["", "jwt", "jwt,mtls"]),
        api_key: chosen.of(&keys),
    };
    let postern = chosen.of(&[None, Some(&postern)]);
    let rest = Few(std::array::from_fn(|_| chosen.of(&optional).cloned()));
    let request = RequestParts {
        source,
        destination,
        time: chosen.of(&[None, Some((0, 0)), Some((1, 0)), Some((0, 1))]),
        id: chosen.of(&text),
        method: chosen.of(&text),
        path: chosen.of(&["", "/a", "/a?a=b", "/a?a=c", "/%61?a=b&a=b", "/a/?"]),
        host: chosen.of(&text),
        scheme: chosen.of(&text),
        query: chosen.of(&text),
        fragment: chosen.of(&text),
        size: chosen.of(&[-1, 0, 1]),
        protocol: chosen.of(&text),
        body: chosen.of(&["", r#"{"a":{"b":1}}"#, r#"{"a":{"b":1.0}}"#, "[]"]),
        raw_body: chosen.of(&[&b""[..], b"1", b"{}"]),
        context_extensions: chosen.of(&pairs),
        rest: chosen.of(&[None, Some(&rest as &dyn Rest)]),
        tls_sni: chosen.of(&[None, Some(""), Some("a")]),
        extent: chosen.of(&[
            Extent::Http,
            Extent::Http,
            Extent::Http,
            Extent::Nothing,
            Extent::Attributes,
            Extent::Request,
        ]),
        bodies: chosen.of(&[Bodies::WhenRead, Bodies::Always, Bodies::Never]),
        grpc: None,
    };
    let input = InputDocument::new(reads, &request, headers, postern).ok()?;
    let mut bytes = Bytes::default();
    input.feed(reads, &mut bytes);
    let mut told = Told::default();
    input.tell(Parts::ALL, &mut told);
    let document = document(reads, &request, headers, postern).ok()?;
    assert_eq!(told.root, Some(document.clone()), "what is told is the document");
    let some = choices.iter().fold(0, |bits: u64, choice| {
        (bits ^ *choice as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29)
    });
    for wanted in [0, some, some | Part::containers() << 1, !some].map(Parts::from_bits) {
        let mut told = Told::default();
        input.tell(wanted, &mut told);
        let expected = without(&document, members::WHOLE, wanted);
        assert_eq!(told.root, Some(expected), "what is left out, and nothing else");
    }
    Some((bytes.0, document.to_json()))
}

/// What is told of a part with these members where only some are wanted.
fn without(value: &Value, these: &[(&'static str, Part)], wanted: Parts) -> Value {
    let object = value.as_object().unwrap();
    let told = object.iter().map(|(name, value)| {
        let name = name.as_str().unwrap();
        let part = these
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, part)| *part);
        let told = match part {
            Some(part) if !wanted.has(number(part)) => left_out(number(part)),
            Some(part) if !members::of(part).is_empty() => without(value, members::of(part), wanted),
            _ => value.clone(),
        };
        (name.to_owned(), told)
    });
    Value::object_from(told)
}

fn left_out(part: postern_rego::Part) -> Value {
    format!("part {} is left out", part.0).into()
}

/// A path into the document, a level or more too short or too deep at times.
fn path() -> impl Strategy<Value = Vec<Arc<str>>> {
    let paths: Vec<Vec<Arc<str>>> = Part::all()
        .map(|part| part.path().iter().map(|name| Arc::from(*name)).collect())
        .collect();
    let deeper = prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "ab"]), 0..3);
    (prop::sample::select(paths), deeper, 0..2_usize).prop_map(|(mut path, deeper, short)| {
        path.truncate(path.len().saturating_sub(short).max(1));
        path.extend(deeper.into_iter().map(Arc::from));
        path
    })
}

fn reads() -> impl Strategy<Value = Reads> {
    prop::collection::vec((path(), any::<bool>()), 0..5).prop_map(|paths| {
        paths
            .into_iter()
            .fold(Reads::nothing(), |mut reads, (path, all)| {
                add(&mut reads, &path, all);
                reads
            })
    })
}

fn add(reads: &mut Reads, path: &[Arc<str>], all: bool) {
    let Some((name, rest)) = path.split_first() else {
        if all {
            *reads = Reads::All;
        }
        return;
    };
    if let Reads::Members(members) = reads {
        let inner: &mut BTreeMap<_, _> = members;
        add(inner.entry(Arc::clone(name)).or_default(), rest, all);
    }
}

/// What a policy that reads `reads` can tell of it.
fn seen(reads: &Reads, document: &str) -> String {
    reads.prune(&Value::from_json_str(document).unwrap()).to_json()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn requests_that_feed_the_same_have_documents_that_read_the_same(
        reads in reads(),
        one in prop::collection::vec(0..60_usize, FIELDS),
        changes in prop::collection::vec((0..FIELDS, 0..60_usize), 1..4),
    ) {
        let keyed = InputReads::new(&reads);
        let mut other = one.clone();
        for (at, value) in changes {
            other[at] = value;
        }
        if let (Some(one), Some(other)) = (both(&one, &keyed), both(&other, &keyed))
            && one.0 == other.0
        {
            prop_assert_eq!(seen(&reads, &one.1), seen(&reads, &other.1));
        }
    }

    /// The twin: what is changed and read is told apart, nearly always.
    #[test]
    fn requests_that_read_otherwise_feed_otherwise(
        reads in reads(),
        one in prop::collection::vec(0..60_usize, FIELDS),
        other in prop::collection::vec(0..60_usize, FIELDS),
    ) {
        let keyed = InputReads::new(&reads);
        if let (Some(one), Some(other)) = (both(&one, &keyed), both(&other, &keyed))
            && seen(&reads, &one.1) != seen(&reads, &other.1)
        {
            prop_assert_ne!(one.0, other.0);
        }
    }
}

#[test]
fn what_differs_in_each_request_is_named() {
    let reading = |path: &[&str]| {
        let mut reads = Reads::nothing();
        add(
            &mut reads,
            &path.iter().map(|name| Arc::from(*name)).collect::<Vec<_>>(),
            true,
        );
        InputReads::new(&reads).never_the_same()
    };
    let http = ["attributes", "request", "http"];
    assert_eq!(
        reading(&[&http[..], &["id"]].concat()).as_deref(),
        Some("input.attributes.request.http.id")
    );
    assert_eq!(
        reading(&["attributes", "request", "time"]).as_deref(),
        Some("input.attributes.request.time")
    );
    assert_eq!(
        reading(&[&http[..], &["headers"]].concat()).as_deref(),
        Some("all of input.attributes.request.http.headers")
    );
    assert_eq!(
        reading(&[&http[..], &["headers", "x-request-id"]].concat()).as_deref(),
        Some("input.attributes.request.http.headers[\"x-request-id\"]")
    );
    assert_eq!(reading(&[&http[..], &["headers", "x-tenant"]].concat()), None);
    assert_eq!(reading(&["postern"]), None);
}
