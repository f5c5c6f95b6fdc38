//! What is under `input.attributes`: Envoy's AttributeContext as OPA-Envoy reflects it. An unset field is absent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_rego::{Object, Value};

use super::names::Names;
use super::reads::Part;
use super::{Address, PeerParts, Port, RequestParts, SocketAddress};

/// The value of a part; `None` where it is unset.
pub(super) fn value(part: Part, request: &RequestParts<'_>) -> Option<Value> {
    let source = request.source.as_ref();
    let destination = request.destination.as_ref();
    match part {
        Part::ContextExtensions => map(request.context_extensions),
        Part::DestinationAddress => address(destination?),
        Part::DestinationCertificate => text(destination?.certificate),
        Part::DestinationLabels => map(destination?.labels),
        Part::DestinationPrincipal => text(destination?.principal),
        Part::DestinationService => text(destination?.service),
        Part::HttpBody => text(request.body),
        Part::HttpFragment => text(request.fragment),
        Part::HttpHost => text(request.host),
        Part::HttpId => text(request.id),
        Part::HttpMethod => word(request.method),
        Part::HttpPath => text(request.path),
        Part::HttpProtocol => word(request.protocol),
        Part::HttpQuery => text(request.query),
        Part::HttpRawBody => (!request.raw_body.is_empty()).then(|| STANDARD.encode(request.raw_body).into()),
        Part::HttpScheme => word(request.scheme),
        Part::HttpSize => integer(request.size),
        Part::RequestTime => {
            let (seconds, nanos) = request.time?;
            let members = [("nanos", integer(nanos.into())), ("seconds", integer(seconds))];
            Some(object(members))
        }
        Part::SourceAddress => address(source?),
        Part::SourceCertificate => text(source?.certificate),
        Part::SourceLabels => map(source?.labels),
        Part::SourcePrincipal => text(source?.principal),
        Part::SourceService => text(source?.service),
        Part::TlsSession => Some(object([("sni", text(request.tls_sni?))])),
        // Another's, or with parts of its own.
        _ => None,
    }
}

/// No text is an empty one.
pub(super) fn text(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| text.into())
}

/// A text that is the same for many requests.
fn word(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| Names::with(|names| names.word(text)))
}

/// No number is zero.
fn integer(number: i64) -> Option<Value> {
    (number != 0).then(|| number.into())
}

/// No map is an empty one.
fn map(pairs: &[(&str, &str)]) -> Option<Value> {
    let members = pairs.iter().map(|(k, v)| (Value::from(*k), Value::from(*v)));
    (!pairs.is_empty()).then(|| Value::Object(members.collect()))
}

fn address(peer: &PeerParts<'_>) -> Option<Value> {
    let (kind, members) = match peer.address? {
        Address::Socket(socket) => ("socketAddress", socket_address(&socket)),
        Address::Pipe { path, mode } => {
            let members = [("mode", integer(mode.into())), ("path", text(path))];
            ("pipe", object(members))
        }
        Address::Internal {
            listener,
            endpoint_id,
        } => {
            let members = [
                ("endpointId", text(endpoint_id)),
                ("serverListenerName", listener.map(Value::from)),
            ];
            ("envoyInternalAddress", object(members))
        }
        Address::Unset => return Some(object([])),
    };
    Some(object([(kind, Some(members))]))
}

fn socket_address(socket: &SocketAddress<'_>) -> Value {
    let (number, name) = match socket.port {
        Some(Port::Number(number)) => (Some(number), None),
        Some(Port::Named(name)) => (None, Some(name)),
        None => (None, None),
    };
    object([
        ("address", text(socket.address)),
        ("ipv4Compat", socket.ipv4_compat.then_some(Value::Bool(true))),
        ("namedPort", name.map(Value::from)),
        ("networkNamespaceFilepath", text(socket.network_namespace)),
        ("portValue", number.map(Value::from)),
        ("protocol", integer(socket.protocol.into())),
        ("resolverName", text(socket.resolver_name)),
    ])
}

/// An object of those that are set.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let set = members
        .into_iter()
        .filter_map(|(name, value)| Some((Value::from(name), value?)));
    Value::Object(set.collect::<Object>())
}
