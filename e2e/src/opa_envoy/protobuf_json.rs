//! Envoy's messages as protobuf's JSON, so that requests and answers can be kept in files.

use anyhow::Context as _;
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value as Json;

/// Reads a `CheckRequest`.
///
/// # Errors
/// When the text isn't one.
pub fn request(text: &str) -> anyhow::Result<CheckRequest> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize(descriptor("CheckRequest")?, &mut reader)?;
    reader.end()?;
    Ok(CheckRequest::decode(message.encode_to_vec().as_slice())?)
}

/// Writes a `CheckRequest`.
///
/// # Errors
/// When it nests deeper than is written.
pub fn of_request(request: &CheckRequest) -> anyhow::Result<Json> {
    written("CheckRequest", &request.encode_to_vec())
}

/// Writes a `CheckResponse`.
///
/// # Errors
/// When it nests deeper than is written.
pub fn of_response(response: &CheckResponse) -> anyhow::Result<Json> {
    written("CheckResponse", &response.encode_to_vec())
}

fn written(name: &str, bytes: &[u8]) -> anyhow::Result<Json> {
    let message = DynamicMessage::decode(descriptor(name)?, bytes)?;
    Ok(message.serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new())?)
}

fn descriptor(name: &str) -> anyhow::Result<MessageDescriptor> {
    let pool = DescriptorPool::decode(postern_proto::ENVOY_FILE_DESCRIPTOR_SET)?;
    pool.get_message_by_name(&format!("envoy.service.auth.v3.{name}"))
        .with_context(|| format!("Envoy's descriptors have no {name}"))
}
