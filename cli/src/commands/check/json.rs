//! `CheckRequest` and `CheckResponse` as JSON, by protobuf's own mapping, so that a request can be kept in a file, sent and
//! compared. The mapping is `prost-reflect`'s over Envoy's descriptors; nothing is mapped by hand.

use anyhow::Context as _;
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};

/// The largest file that is read: what a sidecar takes, in JSON's longer words.
pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Reads a `CheckRequest`. Names may be camelCase or as in the `.proto`; unknown ones are refused.
///
/// # Errors
/// With line and column.
pub fn request(text: &str) -> anyhow::Result<CheckRequest> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize(descriptor("CheckRequest")?, &mut reader)
        .context("expected envoy.service.auth.v3.CheckRequest in protobuf's JSON")?;
    reader.end().context("expected one JSON document")?;
    Ok(CheckRequest::decode(message.encode_to_vec().as_slice())?)
}

/// Writes a `CheckResponse`, unset fields left out.
///
/// # Errors
/// None that a response from a sidecar could cause.
pub fn response(response: &CheckResponse) -> anyhow::Result<String> {
    let bytes = response.encode_to_vec();
    let message = DynamicMessage::decode(descriptor("CheckResponse")?, bytes.as_slice())?;
    let mut out = Vec::new();
    let mut writer = serde_json::Serializer::pretty(&mut out);
    message.serialize_with_options(&mut writer, &SerializeOptions::new())?;
    Ok(String::from_utf8(out)?)
}

fn descriptor(name: &str) -> anyhow::Result<MessageDescriptor> {
    let pool = DescriptorPool::decode(postern_proto::ENVOY_FILE_DESCRIPTOR_SET)
        .context("Envoy's descriptors in this program")?;
    pool.get_message_by_name(&format!("envoy.service.auth.v3.{name}"))
        .with_context(|| format!("Envoy's descriptors in this program have no {name}"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use envoy_types::pb::envoy::config::core::v3::{
        Address, HeaderMap, HeaderValue, Metadata, SocketAddress, address, socket_address::PortSpecifier,
    };
    use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
    use envoy_types::pb::envoy::service::auth::v3::attribute_context::{
        HttpRequest, Peer, Request, TlsSession,
    };
    use envoy_types::pb::google::protobuf::{Struct, Timestamp};

    use super::*;

    fn everything() -> CheckRequest {
        let one = |key: &str, value: &str| HashMap::from([(key.to_owned(), value.to_owned())]);
        let peer = Peer {
            address: Some(Address {
                address: Some(address::Address::SocketAddress(SocketAddress {
                    address: "10.0.0.1".into(),
                    port_specifier: Some(PortSpecifier::PortValue(443)),
                    ..SocketAddress::default()
                })),
            }),
            service: "web".into(),
            labels: one("a", "b"),
            principal: "spiffe://example.org/web".into(),
            certificate: "-----BEGIN".into(),
        };
        let metadata = Metadata {
            filter_metadata: HashMap::from([("f".to_owned(), Struct::default())]),
            ..Metadata::default()
        };
        let http = HttpRequest {
            id: "7".into(),
            method: "GET".into(),
            headers: one("x-a", "1"),
            header_map: Some(HeaderMap {
                headers: vec![HeaderValue {
                    key: "x-a".into(),
                    value: String::new(),
                    raw_value: vec![0xff, 0],
                }],
            }),
            path: "/a?b".into(),
            host: "shop.example".into(),
            scheme: "https".into(),
            query: "b".into(),
            fragment: "f".into(),
            size: -1,
            protocol: "HTTP/2".into(),
            body: "body".into(),
            raw_body: vec![1, 2, 3],
        };
        CheckRequest {
            attributes: Some(AttributeContext {
                source: Some(peer.clone()),
                destination: Some(peer),
                request: Some(Request {
                    time: Some(Timestamp { seconds: 1, nanos: 5 }),
                    http: Some(http),
                }),
                context_extensions: one("tier", "gold"),
                metadata_context: Some(metadata.clone()),
                route_metadata_context: Some(metadata),
                tls_session: Some(TlsSession {
                    sni: "shop.example".into(),
                }),
            }),
        }
    }

    /// Holds the vendored contract to the Rust types: a field that only one of them has would be lost.
    #[test]
    fn every_field_of_envoys_types_goes_through_json_and_back() {
        let message = DynamicMessage::decode(
            descriptor("CheckRequest").unwrap(),
            everything().encode_to_vec().as_slice(),
        )
        .unwrap();
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(request(&text).unwrap(), everything());
    }

    #[test]
    fn both_spellings_of_a_name_are_read() {
        let camel = r#"{"attributes":{"contextExtensions":{"a":"b"}}}"#;
        let snake = r#"{"attributes":{"context_extensions":{"a":"b"}}}"#;
        assert_eq!(request(camel).unwrap(), request(snake).unwrap());
    }

    #[test]
    fn what_is_no_request_is_refused_with_its_place() {
        for (text, told) in [
            (r#"{"attribute":{}}"#, "attribute"),
            ("{", "line 1"),
            ("{} {}", "one JSON document"),
        ] {
            let error = format!("{:#}", request(text).unwrap_err());
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn a_response_is_written_by_its_json_names() {
        use envoy_types::pb::envoy::service::auth::v3::{DeniedHttpResponse, check_response::HttpResponse};
        let denied = CheckResponse {
            http_response: Some(HttpResponse::DeniedResponse(DeniedHttpResponse {
                body: "no".into(),
                ..DeniedHttpResponse::default()
            })),
            ..CheckResponse::default()
        };
        let value: serde_json::Value = serde_json::from_str(&response(&denied).unwrap()).unwrap();
        assert_eq!(value["deniedResponse"]["body"], "no");
    }
}
