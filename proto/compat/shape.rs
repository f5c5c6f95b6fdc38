//! A descriptor set as a flat list of names with facts about each, so that comparing two is comparing two maps.

use std::collections::{BTreeMap, BTreeSet};

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet, ServiceDescriptorProto,
};

/// What a name stands for, and everything about it that others rely on.
pub(crate) struct Entry {
    pub(crate) kind: &'static str,
    pub(crate) facts: BTreeMap<&'static str, String>,
}

/// All names of a descriptor set.
#[derive(Default)]
pub(crate) struct Shape {
    pub(crate) entries: BTreeMap<String, Entry>,
    /// Names that a message or enum will never use again, with their owners.
    pub(crate) reserved_names: BTreeSet<(String, String)>,
    /// Numbers that a message or enum will never use again, as ranges with both ends included.
    pub(crate) reserved_ranges: BTreeMap<String, Vec<(i32, i32)>>,
}

impl Shape {
    pub(crate) fn of(set: &FileDescriptorSet) -> Self {
        let mut shape = Shape::default();
        for file in &set.file {
            let syntax = if file.syntax().is_empty() {
                "proto2"
            } else {
                file.syntax()
            };
            shape.put(
                file.name().to_owned(),
                "file",
                [
                    ("package", file.package().to_owned()),
                    ("syntax", syntax.to_owned()),
                ],
            );
            for message in &file.message_type {
                shape.message(file.package(), message);
            }
            for enumeration in &file.enum_type {
                shape.enumeration(file.package(), enumeration);
            }
            for service in &file.service {
                shape.service(file.package(), service);
            }
        }
        shape
    }

    fn put<const N: usize>(&mut self, name: String, kind: &'static str, facts: [(&'static str, String); N]) {
        let facts = facts.into();
        self.entries.insert(name, Entry { kind, facts });
    }

    fn reserve(&mut self, owner: &str, names: &[String], ranges: impl Iterator<Item = (i32, i32)>) {
        let names = names.iter().map(|name| (owner.to_owned(), name.clone()));
        self.reserved_names.extend(names);
        let mut ranges: Vec<_> = ranges.collect();
        ranges.sort_unstable();
        self.reserved_ranges.insert(owner.to_owned(), ranges);
    }

    /// Whether `owner` reserves every number of a range.
    pub(crate) fn reserves(&self, owner: &str, (first, last): (i32, i32)) -> bool {
        let mut next = first;
        for (from, to) in self.reserved_ranges.get(owner).into_iter().flatten() {
            if *from <= next && *to >= next {
                if *to >= last {
                    return true;
                }
                next = *to + 1;
            }
        }
        false
    }

    fn message(&mut self, scope: &str, message: &DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        self.put(name.clone(), "message", []);
        let ranges = message
            .reserved_range
            .iter()
            .map(|range| (range.start(), range.end() - 1));
        self.reserve(&name, &message.reserved_name, ranges);
        for field in &message.field {
            self.field(&name, message, field);
        }
        for nested in &message.nested_type {
            self.message(&name, nested);
        }
        for enumeration in &message.enum_type {
            self.enumeration(&name, enumeration);
        }
    }

    fn field(&mut self, scope: &str, message: &DescriptorProto, field: &FieldDescriptorProto) {
        let kind = match field.r#type() {
            Type::Message | Type::Enum | Type::Group => field.type_name().trim_start_matches('.').to_owned(),
            scalar => scalar.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
        };
        let label = match field.label() {
            Label::Repeated => "repeated",
            Label::Required => "required",
            Label::Optional if field.proto3_optional() => "optional",
            Label::Optional => "singular",
        };
        let oneof = field
            .oneof_index
            .filter(|_| !field.proto3_optional())
            .and_then(|index| message.oneof_decl.get(usize::try_from(index).ok()?))
            .map_or("none", |oneof| oneof.name());
        self.put(
            format!("{scope}.{}", field.name()),
            "field",
            [
                ("number", field.number().to_string()),
                ("type", kind),
                ("label", label.to_owned()),
                ("oneof", oneof.to_owned()),
                ("JSON name", field.json_name().to_owned()),
            ],
        );
    }

    fn enumeration(&mut self, scope: &str, enumeration: &EnumDescriptorProto) {
        let name = format!("{scope}.{}", enumeration.name());
        self.put(name.clone(), "enum", []);
        let ranges = enumeration
            .reserved_range
            .iter()
            .map(|range| (range.start(), range.end()));
        self.reserve(&name, &enumeration.reserved_name, ranges);
        for value in &enumeration.value {
            let number = ("number", value.number().to_string());
            self.put(format!("{name}.{}", value.name()), "enum value", [number]);
        }
    }

    fn service(&mut self, scope: &str, service: &ServiceDescriptorProto) {
        let name = format!("{scope}.{}", service.name());
        self.put(name.clone(), "service", []);
        for method in &service.method {
            let streams = |yes| if yes { "a stream" } else { "one message" }.to_owned();
            self.put(
                format!("{name}.{}", method.name()),
                "method",
                [
                    (
                        "request type",
                        method.input_type().trim_start_matches('.').to_owned(),
                    ),
                    (
                        "response type",
                        method.output_type().trim_start_matches('.').to_owned(),
                    ),
                    ("the request", streams(method.client_streaming())),
                    ("the response", streams(method.server_streaming())),
                ],
            );
        }
    }
}
