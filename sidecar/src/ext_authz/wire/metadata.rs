//! The parts of a request that are defined but that nobody here reads (`metadata_context`): held to their definition all
//! the same, so that a message is accepted or refused as a whole. Keeps nothing.

use super::reader::{Reader, Wire, WireError};

/// What a message may hold: field numbers and what each is. Fields that aren't named are unknown, and skipped.
#[derive(Debug)]
pub(super) struct Schema(&'static [(u32, Kind)]);

#[derive(Debug)]
enum Kind {
    Varint,
    Double,
    Text,
    Bytes,
    Message(&'static Schema),
    Map(&'static Schema),
}

/// `envoy.config.core.v3.Metadata`.
pub(super) static METADATA: Schema = Schema(&[(1, Kind::Map(&STRUCTS)), (2, Kind::Map(&ANYS))]);
static STRUCTS: Schema = Schema(&[(1, Kind::Text), (2, Kind::Message(&STRUCT))]);
static ANYS: Schema = Schema(&[(1, Kind::Text), (2, Kind::Message(&ANY))]);
/// `google.protobuf.Any`.
static ANY: Schema = Schema(&[(1, Kind::Text), (2, Kind::Bytes)]);
/// `google.protobuf.Struct`.
static STRUCT: Schema = Schema(&[(1, Kind::Map(&VALUES))]);
static VALUES: Schema = Schema(&[(1, Kind::Text), (2, Kind::Message(&VALUE))]);
/// `google.protobuf.Value`.
static VALUE: Schema = Schema(&[
    (1, Kind::Varint),
    (2, Kind::Double),
    (3, Kind::Text),
    (4, Kind::Varint),
    (5, Kind::Message(&STRUCT)),
    (6, Kind::Message(&LIST)),
]);
/// `google.protobuf.ListValue`.
static LIST: Schema = Schema(&[(1, Kind::Message(&VALUE))]);

/// Reads to the end of a message, and keeps nothing of it.
///
/// # Errors
/// When it isn't what `schema` says. The reader bounds how deep this can call itself.
pub(super) fn hold_to(schema: &Schema, mut message: Reader<'_>) -> Result<(), WireError> {
    while let Some(field) = message.field()? {
        let defined = schema.0.iter().find(|(number, _)| *number == field.number);
        match defined.map(|(_, kind)| kind) {
            None => message.skip(field)?,
            Some(Kind::Varint) => message.int64(field).map(drop)?,
            Some(Kind::Double) => {
                field.is(Wire::Fixed64)?;
                message.skip(field)?;
            }
            Some(Kind::Text) => message.text(field).map(drop)?,
            Some(Kind::Bytes) => message.bytes(field).map(drop)?,
            Some(Kind::Message(schema)) => hold_to(schema, message.message(field)?)?,
            Some(Kind::Map(schema)) => hold_to(schema, message.entry(field)?)?,
        }
    }
    Ok(())
}
