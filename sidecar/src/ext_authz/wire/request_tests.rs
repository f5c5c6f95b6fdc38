use envoy_types::ext_authz::v3::pb::CheckRequest;
use envoy_types::pb::envoy::config::core::v3::{HeaderMap, HeaderValue};
use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use proptest::prelude::*;
use prost::Message;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::ext_authz::wire::oracle;

fn check_request(http: HttpRequest) -> Vec<u8> {
    let request = Request {
        time: None,
        http: Some(http),
    };
    let attributes = AttributeContext {
        request: Some(request),
        ..Default::default()
    };
    CheckRequest {
        attributes: Some(attributes),
    }
    .encode_to_vec()
}

fn raw(key: &str, value: &[u8]) -> HeaderValue {
    HeaderValue {
        key: key.to_owned(),
        raw_value: value.to_vec(),
        ..Default::default()
    }
}

#[test]
fn raw_headers_decide_when_envoy_sends_them() {
    let request = check_request(HttpRequest {
        headers: [("x-a".to_owned(), "from the map".to_owned())].into(),
        header_map: Some(HeaderMap {
            headers: vec![raw("X-A", b"1"), raw("x-a", b"2")],
        }),
        ..Default::default()
    });
    assert_eq!(view(&request).unwrap().http.headers.value("x-a"), Some("1,2"));
}

#[test]
fn an_empty_raw_list_is_no_reason_to_read_the_map() {
    let request = check_request(HttpRequest {
        headers: [("authorization".to_owned(), "Bearer a".to_owned())].into(),
        header_map: Some(HeaderMap::default()),
        ..Default::default()
    });
    assert!(view(&request).unwrap().http.headers.is_empty());
}

#[test]
fn headers_are_read_alike_whatever_stands_between_them() {
    let plain = |n: usize| raw(&format!("x-{n}"), &b"v".repeat(n * 5));
    let mut headers: Vec<_> = (0..8).map(plain).collect();
    headers.push(raw("authorization", &b"t".repeat(300)));
    headers.extend((8..12).map(plain));
    headers.push(raw("x-bytes", b"\xff\xfe"));
    headers.push(raw("x-\u{e9}", "\u{e9}".as_bytes()));
    headers.push(HeaderValue {
        value: "v".into(),
        ..raw("x-text", b"")
    });
    headers.push(raw("", b""));
    headers.extend((12..14).map(plain));
    let whole = check_request(HttpRequest {
        header_map: Some(HeaderMap { headers }),
        ..HttpRequest::default()
    });
    assert!(view(&whole).is_ok());
    same_as_prost(&whole);
    // And wherever one byte is another.
    for at in 0..whole.len() {
        for byte in [0x00, 0x0a, 0x12, 0x1a, 0x7f, 0x80, 0xff] {
            let mut other = whole.clone();
            other[at] = byte;
            same_as_prost(&other);
        }
    }
}

#[test]
fn entries_of_the_map_are_read_alike_whatever_stands_between_them() {
    let entry = |name: &str, value: &str| message(3, &[text(1, name), text(2, value)].concat());
    let mut http: Vec<Vec<u8>> = (0..8)
        .map(|n| entry(&format!("x-{n}"), &"v".repeat(n * 5)))
        .collect();
    http.extend([
        text(2, "GET"),
        entry("authorization", &"t".repeat(300)),
        entry("x-é", "é"),
        entry("X-7", "in another case"),
        message(3, &[text(2, "v"), text(1, "x-turned")].concat()),
        message(3, &[text(1, "x-bytes"), text(3, "not a value")].concat()),
        message(3, &text(1, "x-empty")),
        entry("x-1", "the last one counts"),
        text(4, "/"),
        entry("", ""),
    ]);
    let whole = message(1, &message(4, &message(2, &http.concat())));
    let headers = view(&whole).unwrap().http.headers;
    assert_eq!(headers.value("x-1"), Some("the last one counts"));
    assert_eq!(headers.value("x-bytes"), Some(""));
    same_as_prost(&whole);
    // And wherever one byte is another.
    for at in 0..whole.len() {
        for byte in [0x00, 0x0a, 0x12, 0x1a, 0x7f, 0x80, 0xff] {
            let mut other = whole.clone();
            other[at] = byte;
            same_as_prost(&other);
        }
    }
}

#[test]
fn plain_headers_are_read_without_raw_ones() {
    let request = check_request(HttpRequest {
        headers: [("x-a".to_owned(), "1,2".to_owned())].into(),
        method: "GET".to_owned(),
        ..Default::default()
    });
    let view = view(&request).unwrap();
    assert_eq!(
        (view.http.headers.value("x-a"), view.http.method),
        (Some("1,2"), "GET")
    );
}

#[test]
fn a_check_without_http_is_refused() {
    let without = CheckRequest {
        attributes: Some(AttributeContext::default()),
    };
    for request in [CheckRequest { attributes: None }, without] {
        assert_eq!(view(&request.encode_to_vec()).err(), Some(RequestError::NotHttp));
    }
}

#[test]
fn a_header_sent_twice_in_a_map_counts_once_and_the_last_time() {
    let entry = |value: &str| message(3, &[text(1, "authorization"), text(2, value)].concat());
    let http = [entry("Bearer first"), entry("Bearer last")].concat();
    let request = message(1, &message(4, &message(2, &http)));
    same_as_prost(&request);
    assert_eq!(
        view(&request).unwrap().http.headers.value("authorization"),
        Some("Bearer last")
    );
}

#[test]
fn a_message_in_two_parts_is_one_message() {
    let first = message(4, &message(2, &[text(2, "GET"), text(4, "/a")].concat()));
    let second = message(4, &message(2, &text(4, "/b")));
    let both = [message(1, &first), message(1, &second)].concat();
    same_as_prost(&both);
    let view = view(&both).unwrap();
    assert_eq!((view.http.method, view.http.path), ("GET", "/b"));
}

fn key(number: u32, wire: u32) -> Vec<u8> {
    varint(u64::from(number << 3 | wire))
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            bytes.push(low & 0x7f);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn message(number: u32, fields: &[u8]) -> Vec<u8> {
    [key(number, 2), varint(fields.len() as u64), fields.to_vec()].concat()
}

fn text(number: u32, text: &str) -> Vec<u8> {
    message(number, text.as_bytes())
}

/// Both read the same, or both refuse.
#[track_caller]
fn same_as_prost(bytes: &[u8]) {
    assert_eq!(oracle::difference(bytes), None, "{bytes:x?}");
}

/// What a message may be made of.
enum Shape {
    Text,
    Bytes,
    Varint,
    Double,
    Message(&'static [(u32, Shape)]),
    /// `google.protobuf.Value`, which can hold itself.
    Value,
}

use Shape::{Bytes, Double, Message as Nested, Text, Varint};

static PAIR: &[(u32, Shape)] = &[(1, Text), (2, Text)];
static SOCKET: &[(u32, Shape)] = &[
    (1, Varint),
    (2, Text),
    (3, Varint),
    (4, Text),
    (5, Text),
    (6, Varint),
    (7, Text),
];
static ADDRESS: &[(u32, Shape)] = &[
    (1, Nested(SOCKET)),
    (2, Nested(&[(1, Text), (2, Varint)])),
    (3, Nested(PAIR)),
];
static PEER: &[(u32, Shape)] = &[
    (1, Nested(ADDRESS)),
    (2, Text),
    (3, Nested(PAIR)),
    (4, Text),
    (5, Text),
];
static HEADER: &[(u32, Shape)] = &[(1, Text), (2, Text), (3, Bytes)];
static HTTP: &[(u32, Shape)] = &[
    (1, Text),
    (2, Text),
    (3, Nested(PAIR)),
    (4, Text),
    (5, Text),
    (6, Text),
    (7, Text),
    (8, Text),
    (9, Varint),
    (10, Text),
    (11, Text),
    (12, Bytes),
    (13, Nested(&[(1, Nested(HEADER))])),
];
static REQUEST: &[(u32, Shape)] = &[(1, Nested(&[(1, Varint), (2, Varint)])), (2, Nested(HTTP))];
static VALUE: &[(u32, Shape)] = &[
    (1, Varint),
    (2, Double),
    (3, Text),
    (4, Varint),
    (5, Nested(STRUCT)),
    (6, Nested(&[(1, Shape::Value)])),
];
static STRUCT: &[(u32, Shape)] = &[(1, Nested(&[(1, Text), (2, Shape::Value)]))];
static METADATA: &[(u32, Shape)] = &[
    (1, Nested(&[(1, Text), (2, Nested(STRUCT))])),
    (2, Nested(&[(1, Text), (2, Nested(&[(1, Text), (2, Bytes)]))])),
];
static ATTRIBUTES: &[(u32, Shape)] = &[
    (1, Nested(PEER)),
    (2, Nested(PEER)),
    (4, Nested(REQUEST)),
    (10, Nested(PAIR)),
    (11, Nested(METADATA)),
    (12, Nested(&[(1, Text)])),
    (13, Nested(METADATA)),
];
static CHECK: &[(u32, Shape)] = &[(1, Nested(ATTRIBUTES))];

/// A message of that shape: fields in any order, any number of times, unknown ones among them, and now and then one that
/// is wrong.
fn arbitrary(shape: &[(u32, Shape)], depth: u32, dice: &mut StdRng) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..dice.random_range(0..if depth > 6 { 2 } else { 6 }) {
        bytes.extend(match dice.random_range(0..400) {
            0..40 => unknown(0, dice),
            40 => message(dice.random_range(1..14), &[0xff, 0xfe]),
            41 => [
                key(dice.random_range(1..14), dice.random_range(0..8)),
                varint(dice.random()),
            ]
            .concat(),
            _ => {
                let (number, shape) = &shape[dice.random_range(0..shape.len())];
                field(*number, shape, depth, dice)
            }
        });
    }
    bytes
}

fn field(number: u32, shape: &Shape, depth: u32, dice: &mut StdRng) -> Vec<u8> {
    match shape {
        Text => text(
            number,
            ["", "a", "GET", "/a?b", "x-a", "X-A", "é"][dice.random_range(0..7)],
        ),
        Bytes => message(
            number,
            [&b""[..], b"a", b"\xff\xfe", b"value"][dice.random_range(0..4)],
        ),
        Varint => [
            key(number, 0),
            varint([0, 1, 80, u64::MAX, 1 << 40][dice.random_range(0..5)]),
        ]
        .concat(),
        Double => [key(number, 1), vec![0; 8]].concat(),
        Nested(shape) => message(number, &arbitrary(shape, depth + 1, dice)),
        Shape::Value => message(number, &arbitrary(VALUE, depth + 1, dice)),
    }
}

/// A field that no message has.
fn unknown(depth: u32, dice: &mut StdRng) -> Vec<u8> {
    let number = dice.random_range(20..3000);
    match dice.random_range(0..5) {
        0 => [key(number, 0), varint(dice.random())].concat(),
        1 => [key(number, 1), vec![7; 8]].concat(),
        2 => message(number, b"\xff\xff"),
        3 => [key(number, 5), vec![7; 4]].concat(),
        _ if depth < 3 => [key(number, 3), unknown(depth + 1, dice), key(number, 4)].concat(),
        _ => Vec::new(),
    }
}

/// One byte or stretch made other than it was.
fn damaged(mut bytes: Vec<u8>, dice: &mut StdRng) -> Vec<u8> {
    if bytes.is_empty() {
        return bytes;
    }
    let at = dice.random_range(0..bytes.len());
    match dice.random_range(0..5) {
        0 => bytes[at] ^= 1 << dice.random_range(0..8),
        1 => bytes[at] = dice.random(),
        2 => bytes.truncate(at),
        3 => drop(bytes.remove(at)),
        _ => bytes.insert(at, dice.random()),
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12_000))]

    #[test]
    fn what_is_read_is_what_prost_reads_or_both_refuse(seed in any::<u64>()) {
        let mut dice = StdRng::seed_from_u64(seed);
        let whole = arbitrary(CHECK, 0, &mut dice);
        same_as_prost(&whole);
        same_as_prost(&damaged(whole, &mut dice));
    }
}

#[test]
fn what_the_property_is_tried_on_is_mostly_accepted() {
    let accepted = (0..2_000)
        .filter(|seed| view(&arbitrary(CHECK, 0, &mut StdRng::seed_from_u64(*seed))).is_ok())
        .count();
    assert!((400..1_900).contains(&accepted), "{accepted}");
}

#[test]
fn nesting_is_as_deep_as_prost_allows_and_no_deeper() {
    for depth in 85..105 {
        let mut value = text(3, "a");
        for _ in 0..depth {
            value = message(6, &message(1, &value));
        }
        let filter = message(
            1,
            &[text(1, "f"), message(2, &message(1, &message(2, &value)))].concat(),
        );
        let http = message(4, &message(2, &[]));
        same_as_prost(&message(1, &[http.clone(), message(11, &filter)].concat()));

        let groups = [key(50, 3).repeat(depth), key(50, 4).repeat(depth)].concat();
        same_as_prost(&message(1, &[http, groups].concat()));
    }
}

#[test]
fn one_request_after_the_other_has_room_in_one_list() {
    let headers = (0..40).map(|n| raw(&format!("x-{n}"), b"v"));
    let request = check_request(HttpRequest {
        header_map: Some(HeaderMap {
            headers: headers.collect(),
        }),
        ..Default::default()
    });
    let room_after_one = || {
        let view = view(&request).unwrap();
        assert_eq!(view.http.headers.lines(), 40);
        assert_eq!(SPARE.take().capacity(), 0, "it is in use");
        done_with(view);
        let room = SPARE.take();
        assert!(room.is_empty() && room.capacity() >= 40);
        let place = room.as_ptr();
        SPARE.set(room);
        place
    };
    assert_eq!(room_after_one(), room_after_one());
}
