//! `.manifest.pb`: the manifest of a bundle whose plan is protobuf (OPA's `v1/bundle/manifest.proto`).

use std::collections::HashMap;

use prost::Message as _;
use prost_types::{ListValue, Struct, Value, value::Kind};
use serde_json::{Map, Value as Json};

use super::{Manifest, ReadForm, WasmEntry};
use crate::bundle::BundleError;

/// The fields that are read.
#[derive(Clone, PartialEq, prost::Message)]
struct Message {
    #[prost(string, tag = "1")]
    revision: String,
    #[prost(string, repeated, tag = "2")]
    roots: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    wasm: Vec<Resolver>,
    #[prost(int32, optional, tag = "4")]
    rego_version: Option<i32>,
    #[prost(map = "string, int32", tag = "5")]
    file_rego_versions: HashMap<String, i32>,
    #[prost(message, optional, tag = "6")]
    metadata: Option<Struct>,
    /// Tells no roots at all, which is all of `data`, from an empty list, which is nothing.
    #[prost(bool, tag = "7")]
    roots_set: bool,
}

/// Of its fields, those that are read.
#[derive(Clone, PartialEq, prost::Message)]
struct Resolver {
    #[prost(string, tag = "1")]
    entrypoint: String,
    #[prost(string, tag = "2")]
    module: String,
}

impl Manifest {
    pub(in crate::bundle) fn parse_protobuf(bytes: &[u8]) -> Result<Self, BundleError> {
        let read = Message::decode(bytes).map_err(|error| BundleError::Manifest(error.to_string()))?;
        let number = |version| u8::try_from(version).unwrap_or(u8::MAX);
        let rego_version = read.rego_version.map(number);
        let files = read.file_rego_versions.into_iter();
        Self::from_form(ReadForm {
            revision: read.revision,
            roots: read.roots_set.then_some(read.roots),
            metadata: read.metadata.map(object),
            rego_version,
            file_rego_versions: Some(files.map(|(file, version)| (file, number(version))).collect()),
            wasm: Some(
                read.wasm
                    .into_iter()
                    .map(|Resolver { entrypoint, module }| WasmEntry { entrypoint, module })
                    .collect(),
            ),
        })
    }
}

/// Bytes that, behind those of a manifest, put `value` in the place of this member of its metadata: of a message whose field
/// comes twice, readers merge the two, and of a map the last entry of a key counts.
pub(in crate::bundle) fn metadata_to_protobuf(name: &str, value: Map<String, Json>) -> Vec<u8> {
    let fields = [(name.to_owned(), written(Json::Object(value)))];
    let message = Message {
        metadata: Some(Struct {
            fields: fields.into_iter().collect(),
        }),
        ..Message::default()
    };
    message.encode_to_vec()
}

fn written(value: Json) -> Value {
    let kind = match value {
        Json::Null => Kind::NullValue(0),
        Json::Bool(flag) => Kind::BoolValue(flag),
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Json::String(text) => Kind::StringValue(text),
        Json::Array(items) => Kind::ListValue(ListValue {
            values: items.into_iter().map(written).collect(),
        }),
        Json::Object(members) => Kind::StructValue(Struct {
            fields: members
                .into_iter()
                .map(|(name, value)| (name, written(value)))
                .collect(),
        }),
    };
    Value { kind: Some(kind) }
}

fn object(fields: Struct) -> Map<String, Json> {
    let fields = fields.fields.into_iter();
    fields.map(|(name, value)| (name, json(value))).collect()
}

/// prost bounds how deep a message nests.
fn json(value: Value) -> Json {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Json::Null,
        Some(Kind::BoolValue(flag)) => flag.into(),
        Some(Kind::NumberValue(number)) => number.into(),
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::StructValue(fields)) => object(fields).into(),
        Some(Kind::ListValue(ListValue { values })) => values.into_iter().map(json).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_that_are_not_set_are_all_of_data() {
        let manifest = |roots_set| {
            let message = Message {
                revision: "r1".to_owned(),
                roots_set,
                rego_version: Some(1),
                ..Message::default()
            };
            Manifest::parse_protobuf(&message.encode_to_vec()).unwrap()
        };
        assert_eq!(manifest(false).roots, [""]);
        assert_eq!(manifest(true).roots, Vec::<String>::new());
        assert_eq!(
            (manifest(true).revision.as_str(), manifest(true).rego_version),
            ("r1", Some(1))
        );
    }

    #[test]
    fn what_wasm_answers_is_read() {
        let message = Message {
            wasm: vec![Resolver {
                entrypoint: "a/b".to_owned(),
                module: "/policy.wasm".to_owned(),
            }],
            ..Message::default()
        };
        let manifest = Manifest::parse_protobuf(&message.encode_to_vec()).unwrap();
        let json =
            br#"{"wasm":[{"entrypoint":"a/b","module":"/policy.wasm","annotations":[{"scope":"rule"}]}]}"#;
        assert_eq!(manifest.wasm, Manifest::parse(json).unwrap().wasm);
        assert_eq!(manifest.wasm[0].module, "policy.wasm");
    }

    #[test]
    fn what_is_wrong_in_it_is_said_as_of_the_other_form() {
        for (message, problem) in [
            (
                Message {
                    roots: vec!["a".to_owned(), "a/b".to_owned()],
                    roots_set: true,
                    ..Message::default()
                },
                "`a` and `a/b` overlap",
            ),
            (
                Message {
                    rego_version: Some(7),
                    ..Message::default()
                },
                "rego_version 7",
            ),
            (
                Message {
                    rego_version: Some(-1),
                    ..Message::default()
                },
                "rego_version",
            ),
        ] {
            let error = Manifest::parse_protobuf(&message.encode_to_vec()).unwrap_err();
            assert!(error.to_string().contains(problem), "{error}");
        }
        assert!(Manifest::parse_protobuf(b"\x0a\x05abc").is_err());
    }
}
