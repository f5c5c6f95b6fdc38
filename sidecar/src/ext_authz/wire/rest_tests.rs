use std::collections::HashMap;

use envoy_types::ext_authz::v3::pb::CheckRequest;
use envoy_types::pb::envoy::config::core::v3::{HeaderMap, HeaderValue, Metadata};
use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Any, ListValue, Struct, Value as Proto};
use prost::Message;

use postern_rego::tell;

use super::*;

fn proto(kind: Kind) -> Proto {
    Proto { kind: Some(kind) }
}

fn fields<const N: usize>(fields: [(&str, Proto); N]) -> Struct {
    Struct {
        fields: fields.map(|(name, value)| (name.to_owned(), value)).into(),
    }
}

fn attributes(attributes: AttributeContext) -> Vec<u8> {
    CheckRequest {
        attributes: Some(attributes),
    }
    .encode_to_vec()
}

fn metadata(of: Metadata) -> String {
    let message = attributes(AttributeContext {
        metadata_context: Some(of.clone()),
        ..Default::default()
    });
    let rest = RestOf(&message);
    assert_eq!(rest.route_metadata_context(), None);
    assert!(rest.has_metadata_context() && !rest.has_route_metadata_context());
    let route = attributes(AttributeContext {
        route_metadata_context: Some(of),
        ..Default::default()
    });
    assert_eq!(RestOf(&route).route_metadata_context(), rest.metadata_context());
    assert!(RestOf(&route).has_route_metadata_context() && !RestOf(&route).has_metadata_context());
    rest.metadata_context().unwrap().to_json()
}

#[test]
fn metadata_is_plain_json_under_the_names_of_its_filters() {
    let list = ListValue {
        values: vec![
            proto(Kind::NullValue(0)),
            proto(Kind::BoolValue(true)),
            Proto { kind: None },
        ],
    };
    let filter = fields([
        ("list", proto(Kind::ListValue(list))),
        (
            "object",
            proto(Kind::StructValue(fields([(
                "a",
                proto(Kind::StringValue("b".into())),
            )]))),
        ),
    ]);
    let any = Any {
        type_url: "t/x".to_owned(),
        value: vec![0xff, 0],
    };
    let both = Metadata {
        filter_metadata: HashMap::from([("f".to_owned(), filter)]),
        typed_filter_metadata: HashMap::from([("g".to_owned(), any)]),
    };
    assert_eq!(
        metadata(both),
        r#"{"filterMetadata":{"f":{"list":[null,true,null],"object":{"a":"b"}}},"typedFilterMetadata":{"g":{"typeUrl":"t/x","value":"/wA="}}}"#
    );
    assert_eq!(metadata(Metadata::default()), "{}");
}

#[test]
fn numbers_are_written_as_go_writes_them() {
    for (number, written) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.5, "1.5"),
        (100_000.0, "100000"),
        (1_000_000.0, "1e+06"),
        (123_456_789.0, "1.23456789e+08"),
        (0.0001, "0.0001"),
        (0.000_01, "1e-05"),
        (f64::MAX, "1.7976931348623157e+308"),
        (f64::NAN, r#""NaN""#),
        (f64::INFINITY, r#""Infinity""#),
        (f64::NEG_INFINITY, r#""-Infinity""#),
    ] {
        assert_eq!(double(number).to_json(), written, "{number}");
    }
}

#[test]
fn a_header_map_keeps_each_repeat_on_its_own() {
    let header = |key: &str, raw: &[u8]| HeaderValue {
        key: key.to_owned(),
        raw_value: raw.to_vec(),
        ..Default::default()
    };
    let message = |header_map| {
        attributes(AttributeContext {
            request: Some(Request {
                time: None,
                http: Some(HttpRequest {
                    header_map,
                    ..Default::default()
                }),
            }),
            ..Default::default()
        })
    };
    let two = HeaderMap {
        headers: vec![header("X-A", b"1"), header("X-A", b"\xff")],
    };
    assert_eq!(
        RestOf(&message(Some(two))).header_map().unwrap().to_json(),
        r#"{"headers":[{"key":"X-A","rawValue":"MQ=="},{"key":"X-A","rawValue":"/w=="}]}"#
    );
    assert_eq!(
        RestOf(&message(Some(HeaderMap::default())))
            .header_map()
            .unwrap()
            .to_json(),
        "{}"
    );
    assert_eq!(RestOf(&message(None)).header_map(), None);
    // Told, it is the same.
    let with_value = HeaderMap {
        headers: vec![
            HeaderValue {
                value: "text".to_owned(),
                ..header("X-B", b"")
            },
            header("", b""),
            header("X-A", b"\xff"),
        ],
    };
    for map in [Some(with_value), Some(HeaderMap::default()), None] {
        let message = message(map);
        let rest = RestOf(&message);
        assert_eq!(rest.has_header_map(), rest.header_map().is_some());
        let mut written = Written::default();
        rest.tell_header_map(&mut |sink| sink.text("begun"), &mut written);
        let expected = rest.header_map().map_or_else(Written::default, |map| {
            let mut written = Written::default();
            written.text("begun");
            tell(&map, &mut written);
            written
        });
        assert_eq!(written, expected);
    }
}

#[test]
fn parts_that_are_sent_apart_are_merged() {
    let half = |name: &str| {
        attributes(AttributeContext {
            metadata_context: Some(Metadata {
                filter_metadata: HashMap::from([(
                    name.to_owned(),
                    fields([("n", proto(Kind::StringValue(name.to_owned())))]),
                )]),
                ..Default::default()
            }),
            ..Default::default()
        })
    };
    let whole = [half("a"), half("b")].concat();
    assert_eq!(
        RestOf(&whole).metadata_context().unwrap().to_json(),
        r#"{"filterMetadata":{"a":{"n":"a"},"b":{"n":"b"}}}"#
    );
}

/// What is told, in order.
#[derive(Debug, Default, PartialEq, Eq)]
struct Written(Vec<String>);

impl Sink for Written {
    fn null(&mut self) {
        self.0.push("null".to_owned());
    }
    fn bool(&mut self, flag: bool) {
        self.0.push(flag.to_string());
    }
    fn number(&mut self, number: &Number) {
        self.0.push(number.as_str().to_string());
    }
    fn text(&mut self, text: &str) {
        self.0.push(format!("{text:?}"));
    }
    fn begin_array(&mut self) {
        self.0.push("[".to_owned());
    }
    fn end_array(&mut self) {
        self.0.push("]".to_owned());
    }
    fn begin_object(&mut self) {
        self.0.push("{".to_owned());
    }
    fn key(&mut self, name: &str) {
        self.0.push(format!("{name:?}:"));
    }
    fn end_object(&mut self) {
        self.0.push("}".to_owned());
    }
    fn odd(&mut self, value: &Value) {
        self.0.push(value.to_json());
    }
    fn left_out(&mut self, _: postern_rego::Part) {
        panic!("nobody may leave anything out here");
    }
}
