//! The parts of a request that few policies look at, as values: read from the message's bytes when a policy asks for them,
//! and not before. What each looks like is OPA-Envoy's way: names in camelCase, fields that aren't set left out, a Struct as
//! plain JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_decide::Rest;
use postern_rego::host::go_float;
use postern_rego::{Array, Number, Object, Sink, Value};

use super::reader::{Reader, WireError};

/// An encoded `CheckRequest`, of which the rest is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RestOf<'a>(pub(crate) &'a [u8]);

impl Rest for RestOf<'_> {
    fn metadata_context(&self) -> Option<Value> {
        self.metadata(11)
    }

    fn route_metadata_context(&self) -> Option<Value> {
        self.metadata(13)
    }

    fn header_map(&self) -> Option<Value> {
        // Who asks has the message read already: what is ill-formed was refused then.
        let parts = within(vec![Reader::new(self.0)], 1).ok()?;
        let maps = within(within(within(parts, 4).ok()?, 2).ok()?, 13).ok()?;
        header_map(maps).ok().flatten()
    }

    fn has_metadata_context(&self) -> bool {
        has(Reader::new(self.0), &[1, 11])
    }

    fn has_route_metadata_context(&self) -> bool {
        has(Reader::new(self.0), &[1, 13])
    }

    fn has_header_map(&self) -> bool {
        has(Reader::new(self.0), &[1, 4, 2, 13])
    }

    fn tell_header_map(&self, begin: &mut dyn FnMut(&mut dyn Sink), sink: &mut dyn Sink) {
        let maps = within(vec![Reader::new(self.0)], 1)
            .and_then(|parts| within(parts, 4))
            .and_then(|parts| within(parts, 2))
            .and_then(|parts| within(parts, 13));
        let Some(maps) = maps.ok().filter(|maps| !maps.is_empty()) else {
            return;
        };
        begin(sink);
        sink.begin_object();
        // As above: nothing of it is ill-formed.
        let headers = within(maps, 1).unwrap_or_default();
        if !headers.is_empty() {
            sink.key("headers");
            sink.begin_array();
            let mut encoded = String::new();
            for header in headers {
                let (key, value, raw) = header_parts(header).unwrap_or_default();
                sink.begin_object();
                tell_text("key", key, sink);
                if !raw.is_empty() {
                    encoded.clear();
                    STANDARD.encode_string(raw, &mut encoded);
                    tell_text("rawValue", &encoded, sink);
                }
                tell_text("value", value, sink);
                sink.end_object();
            }
            sink.end_array();
        }
        sink.end_object();
    }
}

/// A member that is absent where it is empty.
fn tell_text(name: &str, text: &str, sink: &mut dyn Sink) {
    if !text.is_empty() {
        sink.key(name);
        sink.text(text);
    }
}

impl RestOf<'_> {
    /// `Metadata` at this place among the attributes.
    fn metadata(&self, number: u32) -> Option<Value> {
        let attributes = within(vec![Reader::new(self.0)], 1).ok()?;
        metadata(within(attributes, number).ok()?).ok().flatten()
    }
}

/// Whether there is a message at the end of this way, a field in a field.
fn has(mut message: Reader<'_>, way: &[u32]) -> bool {
    let Some((first, way)) = way.split_first() else {
        return true;
    };
    // Who asks has the message read already: what is ill-formed was refused then.
    while let Ok(Some(field)) = message.field() {
        let passed = if field.number == *first {
            message.message(field).map(|inner| has(inner, way))
        } else {
            message.skip(field).map(|()| false)
        };
        match passed {
            Ok(false) => {}
            Ok(true) => return true,
            Err(_) => return false,
        }
    }
    false
}

/// The messages under `number` in `messages`, which are the parts of one.
fn within(messages: Vec<Reader<'_>>, number: u32) -> Result<Vec<Reader<'_>>, WireError> {
    let mut found = Vec::new();
    for mut message in messages {
        while let Some(field) = message.field()? {
            if field.number == number {
                found.push(message.message(field)?);
            } else {
                message.skip(field)?;
            }
        }
    }
    Ok(found)
}

/// `envoy.config.core.v3.HeaderMap`.
fn header_map(parts: Vec<Reader<'_>>) -> Result<Option<Value>, WireError> {
    if parts.is_empty() {
        return Ok(None);
    }
    let headers = within(parts, 1)?
        .into_iter()
        .map(header_value)
        .collect::<Result<Array, _>>()?;
    let headers = (!headers.is_empty()).then_some(headers.into());
    Ok(Some(object([("headers", headers)])))
}

/// `envoy.config.core.v3.HeaderValue`.
fn header_value(message: Reader<'_>) -> Result<Value, WireError> {
    let (key, value, raw) = header_parts(message)?;
    Ok(object([
        ("key", text(key)),
        ("rawValue", bytes(raw)),
        ("value", text(value)),
    ]))
}

/// Its key, value and raw value.
fn header_parts(mut message: Reader<'_>) -> Result<(&str, &str, &[u8]), WireError> {
    let (mut key, mut value, mut raw) = ("", "", [].as_slice());
    while let Some(field) = message.field()? {
        match field.number {
            1 => key = message.text(field)?,
            2 => value = message.text(field)?,
            3 => raw = message.bytes(field)?,
            _ => message.skip(field)?,
        }
    }
    Ok((key, value, raw))
}

/// `envoy.config.core.v3.Metadata`.
fn metadata(parts: Vec<Reader<'_>>) -> Result<Option<Value>, WireError> {
    if parts.is_empty() {
        return Ok(None);
    }
    let structs = map(within(parts.clone(), 1)?, r#struct)?;
    let anys = map(within(parts, 2)?, any)?;
    let set = |object: Object| (!object.is_empty()).then_some(Value::Object(object));
    Ok(Some(object([
        ("filterMetadata", set(structs)),
        ("typedFilterMetadata", set(anys)),
    ])))
}

/// The entries of a map: of a key that comes twice the last counts.
fn map<'a>(
    entries: Vec<Reader<'a>>,
    value: impl Fn(Vec<Reader<'a>>) -> Result<Value, WireError>,
) -> Result<Object, WireError> {
    let mut object = Object::default();
    for mut entry in entries {
        let (mut key, mut parts) = ("", Vec::new());
        while let Some(field) = entry.field()? {
            match field.number {
                1 => key = entry.text(field)?,
                2 => parts.push(entry.message(field)?),
                _ => entry.skip(field)?,
            }
        }
        object.insert(Value::from(key), value(parts)?);
    }
    Ok(object)
}

/// `google.protobuf.Any`.
fn any(parts: Vec<Reader<'_>>) -> Result<Value, WireError> {
    let (mut type_url, mut value) = ("", [].as_slice());
    for mut message in parts {
        while let Some(field) = message.field()? {
            match field.number {
                1 => type_url = message.text(field)?,
                2 => value = message.bytes(field)?,
                _ => message.skip(field)?,
            }
        }
    }
    Ok(object([("typeUrl", text(type_url)), ("value", bytes(value))]))
}

/// `google.protobuf.Struct`.
fn r#struct(parts: Vec<Reader<'_>>) -> Result<Value, WireError> {
    map(within(parts, 1)?, value).map(Value::Object)
}

/// `google.protobuf.Value`, a oneof: parts of the same kind are merged, another kind takes the place of what came before.
fn value(parts: Vec<Reader<'_>>) -> Result<Value, WireError> {
    enum Kind<'a> {
        Plain(Value),
        Struct(Vec<Reader<'a>>),
        List(Vec<Reader<'a>>),
    }
    let mut kind = Kind::Plain(Value::Null);
    for mut message in parts {
        while let Some(field) = message.field()? {
            match field.number {
                1 => {
                    message.int64(field)?;
                    kind = Kind::Plain(Value::Null);
                }
                2 => kind = Kind::Plain(double(message.double(field)?)),
                3 => kind = Kind::Plain(message.text(field)?.into()),
                4 => kind = Kind::Plain((message.int64(field)? != 0).into()),
                5 => {
                    let part = message.message(field)?;
                    match &mut kind {
                        Kind::Struct(parts) => parts.push(part),
                        _ => kind = Kind::Struct(vec![part]),
                    }
                }
                6 => {
                    let part = message.message(field)?;
                    match &mut kind {
                        Kind::List(parts) => parts.push(part),
                        _ => kind = Kind::List(vec![part]),
                    }
                }
                _ => message.skip(field)?,
            }
        }
    }
    match kind {
        Kind::Plain(value) => Ok(value),
        Kind::Struct(parts) => r#struct(parts),
        Kind::List(parts) => {
            let items = within(parts, 1)?.into_iter();
            let items = items
                .map(|item| value(vec![item]))
                .collect::<Result<Array, _>>()?;
            Ok(items.into())
        }
    }
}

/// Written as Go writes it. What isn't finite is a string, as protobuf's JSON has it.
fn double(double: f64) -> Value {
    if double.is_nan() {
        return "NaN".into();
    }
    if double.is_infinite() {
        return if double > 0.0 { "Infinity" } else { "-Infinity" }.into();
    }
    Number::from_source(&go_float(double)).map_or(Value::Null, Value::Number)
}

fn text(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| text.into())
}

fn bytes(bytes: &[u8]) -> Option<Value> {
    (!bytes.is_empty()).then(|| STANDARD.encode(bytes).into())
}

/// An object of those that are set.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let set = members
        .into_iter()
        .filter_map(|(name, value)| Some((Value::from(name), value?)));
    Value::Object(set.collect())
}

#[cfg(test)]
#[path = "rest_tests.rs"]
mod tests;
