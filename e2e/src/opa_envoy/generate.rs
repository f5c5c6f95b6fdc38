//! Requests at random, as Envoy could send them and as it couldn't: each part from pools that hold what is usual, what is at
//! an edge, and what is ill-formed.

use std::collections::HashMap;

use envoy_types::pb::envoy::config::core::v3::socket_address::PortSpecifier;
use envoy_types::pb::envoy::config::core::v3::{
    Address, EnvoyInternalAddress, HeaderMap, HeaderValue, Metadata, Pipe, SocketAddress, address,
    envoy_internal_address,
};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer, Request, TlsSession};
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Any, ListValue, Struct, Timestamp, Value};
use prost::Message as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// Where the header policy reads the result from that it answers with.
pub const RESULT_HEADER: &str = "x-result";

// Left out: escapes of bytes that aren't UTF-8 in paths and queries, which Go carries on as they are and we can't.
const PATHS: &[&str] = &[
    "",
    "/",
    "/orders/7",
    "//a//b/",
    "/a%2Fb",
    "/%2f%2Fa",
    "/a+b",
    "/%C3%A9",
    "/é",
    "/a?b?c",
    "/%zz",
    "/a%",
    "/a%2",
    "/a%é",
    "*",
    "/a b",
    "/..",
    "/a/./b",
    "/%00",
    "/a#f",
    "/%25",
    "a/b",
    "?x=1",
    "/%\u{ad}x",
    "/%\"\\",
];
const QUERIES: &[&str] = &[
    "",
    "x=1",
    "x=1&x=2+3&y",
    "=",
    "&&",
    "x=%41",
    "x=%",
    "x=%zz&a;b",
    "a;b",
    "a;b&c=%",
    "x=1;y=2",
    "%=1",
    "x=%C3%A9",
    "x=é",
    "a=b=c",
    "a==",
    "%zz",
    "x=%é",
    "a=1&;",
    "+=+",
];
const CONTENT_TYPES: &[&str] = &[
    "application/json",
    "application/json; charset=utf-8",
    "application/vnd.api+json",
    "Application/JSON",
    "text/application/json",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded;charset=x",
    "text/plain",
    "",
    "application/grpc",
    "application/grpc+proto",
    "application/json, application/grpc",
];
const JSON: &[&str] = &[
    "{}",
    "[]",
    "null",
    "1",
    "\"a\"",
    "{\"a\": 1.0, \"b\": [1e2, -0, 0.5e-7, 12345678901234567890]}",
    "{\"a\":1,\"a\":2}",
    "{\"a\"",
    "{\"a\":}",
    "{a:1}",
    "[1,]",
    "[1 2]",
    "{\"a\" 1}",
    "{\"a\":1 \"b\"}",
    "tru",
    "trux",
    "nul",
    "01",
    "1.",
    "1.x",
    "1e",
    "1e+x",
    "-",
    "-x",
    "\"\\q\"",
    "\"\\u12g4\"",
    "\"\\ud800\"",
    "\"\\ud83d\\ude00\"",
    "\"a\nb\"",
    "\"a",
    " ",
    "\t\n",
    "{} {}",
    "{} []",
    "{} x",
    "1 2",
    "1 null",
    "1 true",
    "1 \"b\"",
    "1 ]",
    "1 ,",
    "1 tru",
    "{}\n",
    "\u{feff}{}",
    "é",
    "'a'",
    "{\"a\":[{\"b\":[[[[]]]]}]}",
    "[\"\\u0000\"]",
    "1E400",
    "{\"\":\"\"}",
    "{\"x\":\"\u{7f}\"}",
    "nan",
    "[1}",
    "{]",
    "\"\u{1}\"",
    "-01",
    "+1",
    ".5",
    "\\",
    "\"",
    "\u{2028}",
];
const FORMS: &[&str] = &[
    "a=1&a=2",
    "a=%41+b",
    "a=%zz",
    "a;b",
    "=",
    "a",
    "%ff=%fe",
    "&",
    "a=1&b=2&a=3",
];
const PARTS: &[&str] = &[
    "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x\r\nContent-Disposition: form-data; name=b\r\nContent-Type: application/json\r\n\r\n{\"n\": 1.0}\r\n--x--\r\n",
    "--x\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=3Db=\r\nc=zz\r\n--x--",
    "--x\nContent-Disposition: form-data; name=a\n\nb\n--x--\n",
    "--x--",
    "",
    "preamble\r\n--x\r\n\r\n\r\n--x--",
];
const PART_TYPES: &[&str] = &[
    "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=\"x\"; charset=y",
    "multipart/form-data",
    "multipart/form-data; boundary",
    "multipart/form-data; boundary=\"\"",
];
/// A method whose messages every server under test is told of.
const GRPC_PATHS: &[&str] = &[
    "/envoy.service.auth.v3.Authorization/Check",
    "/envoy.service.auth.v3.Authorization/Other",
    "/other/Check",
    "/a/b/c",
    "/a",
    "//envoy.service.auth.v3.Authorization/Check?a=b",
];
const TEXTS: &[&str] = &[
    "",
    "a",
    "GET",
    "POST",
    "HTTP/1.1",
    "HTTP/2",
    "http",
    "https",
    "example.org",
    "spiffe://example.org/ns/a",
    "x y",
    "é",
    "\u{0}",
    "\"",
    "<&>",
    "\u{2028}",
    "10.0.0.1",
    "::1",
    "@abstract",
];
const NUMBERS: &[f64] = &[
    0.0,
    -0.0,
    1.0,
    -1.5,
    0.1,
    1e6,
    999_999.0,
    123_456_789.0,
    1e20,
    1e21,
    1e22,
    1e-4,
    1e-5,
    1.5e-7,
    f64::MAX,
    f64::MIN_POSITIVE,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    0.3,
];
/// What members of a result are made of.
const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "200",
    "201",
    "100",
    "103",
    "302",
    "401",
    "403",
    "418",
    "425",
    "429",
    "451",
    "503",
    "599",
    "999",
    "2e2",
    "200.0",
    "-1",
    "99999999999999999999",
    "1e400",
    "\"403\"",
    "\"\"",
    "\"a\"",
    "\"x y\"",
    "\"é\\n\"",
    "[]",
    "[\"a\"]",
    "[\"a\",\"b\"]",
    "[1]",
    "[null]",
    "[[]]",
    "{}",
    "{\"x-a\":\"1\"}",
    "{\"x-a\":[\"1\",\"2\"]}",
    "{\"x-a\":1}",
    "{\"x-a\":[1]}",
    "{\"x-a\":null}",
    "{\"x a\":\"\\r\\n\"}",
    "[{\"x-a\":\"1\"},{\"x-a\":\"2\"}]",
    "[{\"x-a\":\"1\"},1]",
    "{\"a\":{\"b\":[1,true,null,\"x\",1.5,1e300]}}",
    "{\"decision_id\":\"mine\"}",
    "{\"a\":1e999}",
    "{\"\":\"\"}",
];
const MEMBERS: &[&str] = &[
    "allowed",
    "headers",
    "response_headers_to_add",
    "request_headers_to_remove",
    "http_status",
    "body",
    "dynamic_metadata",
    "query_parameters_to_set",
    "query_parameters_to_remove",
    "other",
];

/// Requests from a seed.
pub struct Requests(StdRng);

impl Requests {
    /// The same ones for the same seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    fn of<'a>(&mut self, pool: &[&'a str]) -> &'a str {
        pool.choose(&mut self.0).copied().unwrap_or_default()
    }

    fn text(&mut self) -> String {
        self.of(TEXTS).to_owned()
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.0.random_ratio(1, n)
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.0.random_bool(0.5).then(|| make(self))
    }

    /// One more.
    pub fn request(&mut self) -> CheckRequest {
        if self.one_in(200) {
            return CheckRequest { attributes: None };
        }
        let attributes = AttributeContext {
            source: self.maybe(Self::peer),
            destination: self.maybe(Self::peer),
            request: if self.one_in(100) {
                None
            } else {
                Some(self.inner())
            },
            context_extensions: self.pairs(),
            metadata_context: self.maybe(Self::metadata),
            route_metadata_context: self.maybe(Self::metadata),
            tls_session: self.maybe(|this| TlsSession { sni: this.text() }),
        };
        CheckRequest {
            attributes: Some(attributes),
        }
    }

    fn inner(&mut self) -> Request {
        Request {
            time: self.maybe(|this| Timestamp {
                seconds: *[0, 1_700_000_000, -1].choose(&mut this.0).unwrap_or(&0),
                nanos: *[0, 5, 999_999_999].choose(&mut this.0).unwrap_or(&0),
            }),
            http: if self.one_in(100) { None } else { Some(self.http()) },
        }
    }

    fn http(&mut self) -> HttpRequest {
        let is_grpc = self.one_in(12);
        let (body, raw_body, content_type) = if is_grpc { self.grpc() } else { self.body() };
        let mut headers = self.pairs();
        headers.extend(content_type.map(|text| ("content-type".to_owned(), text)));
        if self.one_in(4) {
            let length = body.len().max(raw_body.len());
            let pool = [
                length.to_string(),
                (length + 1).to_string(),
                length.saturating_sub(1).to_string(),
                "-1".to_owned(),
                "-2".to_owned(),
                "x".to_owned(),
                String::new(),
                "+3".to_owned(),
                "99999999999999999999".to_owned(),
                " 1".to_owned(),
                "1_0".to_owned(),
                "é\"".to_owned(),
            ];
            let length = pool.choose(&mut self.0).cloned().unwrap_or_default();
            headers.insert("content-length".to_owned(), length);
        }
        if self.one_in(20) {
            let partial = self.of(&["true", "false", "", "TRUE"]).to_owned();
            headers.insert("x-envoy-auth-partial-body".to_owned(), partial);
        }
        headers.insert(RESULT_HEADER.to_owned(), self.result());
        let mut path = self.of(PATHS).to_owned();
        if is_grpc {
            path = self.of(GRPC_PATHS).to_owned();
        } else if self.one_in(2) {
            path = format!("{path}?{}", self.of(QUERIES));
        }
        HttpRequest {
            id: self.text(),
            method: self.text(),
            headers,
            header_map: if self.one_in(5) {
                Some(self.header_map())
            } else {
                None
            },
            path,
            host: self.text(),
            scheme: self.text(),
            query: self.text(),
            fragment: self.text(),
            size: *[0, -1, 7, i64::MAX].choose(&mut self.0).unwrap_or(&0),
            protocol: self.text(),
            body,
            raw_body,
        }
    }

    fn body(&mut self) -> (String, Vec<u8>, Option<String>) {
        let (pool, types) = match self.0.random_range(0..6) {
            0 | 1 => (FORMS, CONTENT_TYPES),
            2 => (PARTS, PART_TYPES),
            _ => (JSON, CONTENT_TYPES),
        };
        let content_type = self.maybe(|this| this.of(types).to_owned());
        let mut text = self.of(pool).to_owned();
        if self.one_in(4) && !text.is_empty() {
            // A byte cut out, where that leaves text.
            let at = self.0.random_range(0..text.len());
            let mut bytes = text.clone().into_bytes();
            bytes.remove(at);
            text = String::from_utf8(bytes).unwrap_or(text);
        }
        match self.0.random_range(0..4) {
            0 => (String::new(), Vec::new(), content_type),
            1 => (String::new(), text.into_bytes(), content_type),
            2 => (text, vec![0xff, 0x00], content_type),
            _ => (text, Vec::new(), content_type),
        }
    }

    /// A message in its frame, or nearly.
    fn grpc(&mut self) -> (String, Vec<u8>, Option<String>) {
        let message = CheckRequest {
            attributes: Some(AttributeContext {
                source: self.maybe(Self::peer),
                context_extensions: self.pairs(),
                ..AttributeContext::default()
            }),
        };
        let mut frame = vec![u8::from(self.one_in(8)), 0, 0];
        let message = message.encode_to_vec();
        let more = u16::from(self.one_in(8));
        let length = u16::try_from(message.len()).unwrap_or_default() + more;
        frame.extend(length.to_be_bytes());
        frame.extend(message);
        if self.one_in(8) {
            frame.truncate(self.0.random_range(0..8));
        }
        if self.one_in(8) {
            frame.extend(b"trailing");
        }
        (String::new(), frame, Some("application/grpc".to_owned()))
    }

    fn header_map(&mut self) -> HeaderMap {
        let headers = (0..self.0.random_range(0..3))
            .map(|_| HeaderValue {
                key: self.text(),
                value: self.text(),
                raw_value: self.text().into_bytes(),
            })
            .collect();
        HeaderMap { headers }
    }

    fn pairs(&mut self) -> HashMap<String, String> {
        let count = self.0.random_range(0..4);
        (0..count).map(|_| (self.text(), self.text())).collect()
    }

    fn peer(&mut self) -> Peer {
        Peer {
            address: self.maybe(Self::address),
            service: self.text(),
            labels: self.pairs(),
            principal: self.text(),
            certificate: self.text(),
        }
    }

    fn address(&mut self) -> Address {
        let address = match self.0.random_range(0..4) {
            0 => None,
            1 => Some(address::Address::SocketAddress(SocketAddress {
                protocol: self.0.random_range(0..2),
                address: self.text(),
                resolver_name: self.text(),
                ipv4_compat: self.one_in(2),
                network_namespace_filepath: self.text(),
                port_specifier: match self.0.random_range(0..4) {
                    0 => None,
                    1 => Some(PortSpecifier::NamedPort(self.text())),
                    2 => Some(PortSpecifier::PortValue(0)),
                    _ => Some(PortSpecifier::PortValue(4711)),
                },
            })),
            2 => Some(address::Address::Pipe(Pipe {
                path: self.text(),
                mode: self.0.random_range(0..2) * 0o660,
            })),
            _ => Some(address::Address::EnvoyInternalAddress(EnvoyInternalAddress {
                endpoint_id: self.text(),
                address_name_specifier: self.maybe(|this| {
                    envoy_internal_address::AddressNameSpecifier::ServerListenerName(this.text())
                }),
            })),
        };
        Address { address }
    }

    fn metadata(&mut self) -> Metadata {
        let spaces = self.0.random_range(0..3);
        Metadata {
            filter_metadata: (0..spaces).map(|_| (self.text(), self.fields(2))).collect(),
            typed_filter_metadata: (0..self.0.random_range(0..2))
                .map(|_| {
                    let any = Any {
                        type_url: self.text(),
                        value: self.text().into_bytes(),
                    };
                    (self.text(), any)
                })
                .collect(),
        }
    }

    fn fields(&mut self, depth: u32) -> Struct {
        let count = self.0.random_range(0..3);
        Struct {
            fields: (0..count).map(|_| (self.text(), self.value(depth))).collect(),
        }
    }

    fn value(&mut self, depth: u32) -> Value {
        let kind = match self.0.random_range(0..if depth == 0 { 5 } else { 7 }) {
            0 => None,
            1 => Some(Kind::NullValue(0)),
            2 => Some(Kind::NumberValue(*NUMBERS.choose(&mut self.0).unwrap_or(&0.0))),
            3 => Some(Kind::StringValue(self.text())),
            4 => Some(Kind::BoolValue(self.one_in(2))),
            5 => Some(Kind::StructValue(self.fields(depth - 1))),
            _ => Some(Kind::ListValue(ListValue {
                values: (0..self.0.random_range(0..3))
                    .map(|_| self.value(depth - 1))
                    .collect(),
            })),
        };
        Value { kind }
    }

    /// The JSON of a result, of any form.
    fn result(&mut self) -> String {
        if self.one_in(10) {
            return self.of(VALUES).to_owned();
        }
        let count = self.0.random_range(0..4);
        let mut members: Vec<String> = (0..count)
            .map(|_| format!("\"{}\":{}", self.of(MEMBERS), self.of(VALUES)))
            .collect();
        if !self.one_in(10) {
            members.push(format!("\"allowed\":{}", self.of(&["true", "false"])));
        }
        format!("{{{}}}", members.join(","))
    }
}
