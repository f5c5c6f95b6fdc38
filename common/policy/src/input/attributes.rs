//! `input.attributes`: Envoy's AttributeContext as OPA-Envoy reflects it. An unset field is absent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_rego::{Object, Value};

use super::names::NAMES;
use super::{Address, PeerParts, RequestParts};

/// An object under construction; what is unset isn't put in.
#[derive(Default)]
struct Members(Vec<(Value, Value)>);

impl Members {
    fn set(&mut self, name: &Value, value: impl Into<Value>) {
        self.0.push((name.clone(), value.into()));
    }

    fn text(&mut self, name: &Value, text: &str) {
        if !text.is_empty() {
            self.set(name, text);
        }
    }

    fn integer(&mut self, name: &Value, number: i64) {
        if number != 0 {
            self.set(name, number);
        }
    }

    fn map(&mut self, name: &Value, pairs: &[(&str, &str)]) {
        if !pairs.is_empty() {
            self.set(
                name,
                pairs
                    .iter()
                    .map(|(k, v)| (Value::from(*k), Value::from(*v)))
                    .collect::<Object>(),
            );
        }
    }

    fn value(&mut self, name: &Value, value: Option<&Value>) {
        if let Some(value) = value {
            self.set(name, value.clone());
        }
    }

    fn build(self) -> Value {
        Value::Object(self.0.into_iter().collect())
    }
}

pub(super) fn attributes(request: &RequestParts<'_>, headers: Object) -> Value {
    let mut members = Members::default();
    members.map(&NAMES.context_extensions, request.context_extensions);
    members.value(
        &NAMES.destination,
        request.destination.map(|it| peer(&it)).as_ref(),
    );
    members.value(&NAMES.metadata_context, request.metadata_context);
    members.set(&NAMES.request, request_value(request, headers));
    members.value(&NAMES.route_metadata_context, request.route_metadata_context);
    members.value(&NAMES.source, request.source.map(|it| peer(&it)).as_ref());
    if let Some(sni) = request.tls_sni {
        let mut session = Members::default();
        session.text(&NAMES.sni, sni);
        members.set(&NAMES.tls_session, session.build());
    }
    members.build()
}

fn request_value(request: &RequestParts<'_>, headers: Object) -> Value {
    let mut members = Members::default();
    members.set(&NAMES.http, http(request, headers));
    if let Some((seconds, nanos)) = request.time {
        let mut time = Members::default();
        time.integer(&NAMES.nanos, nanos.into());
        time.integer(&NAMES.seconds, seconds);
        members.set(&NAMES.time, time.build());
    }
    members.build()
}

fn http(request: &RequestParts<'_>, headers: Object) -> Value {
    let mut http = Members::default();
    http.text(&NAMES.body, request.body);
    http.text(&NAMES.fragment, request.fragment);
    if !headers.is_empty() {
        http.set(&NAMES.headers, headers);
    }
    http.text(&NAMES.host, request.host);
    http.text(&NAMES.id, request.id);
    http.text(&NAMES.method, request.method);
    http.text(&NAMES.path, request.path);
    http.text(&NAMES.protocol, request.protocol);
    http.text(&NAMES.query, request.query);
    if !request.raw_body.is_empty() {
        http.set(&NAMES.raw_body, STANDARD.encode(request.raw_body));
    }
    http.text(&NAMES.scheme, request.scheme);
    http.integer(&NAMES.size, request.size);
    http.build()
}

fn peer(peer: &PeerParts<'_>) -> Value {
    let mut members = Members::default();
    if let Some(at) = peer.address {
        members.set(&NAMES.address, address(at));
    }
    members.text(&NAMES.certificate, peer.certificate);
    members.map(&NAMES.labels, peer.labels);
    members.text(&NAMES.principal, peer.principal);
    members.text(&NAMES.service, peer.service);
    members.build()
}

fn address(address: Address<'_>) -> Value {
    let mut inner = Members::default();
    let kind = match address {
        Address::Socket {
            address,
            port,
            protocol,
        } => {
            inner.text(&NAMES.address, address);
            if let Some(port) = port {
                inner.set(&NAMES.port_value, port);
            }
            inner.integer(&NAMES.protocol, protocol.into());
            &NAMES.socket_address
        }
        Address::Pipe { path } => {
            inner.text(&NAMES.path, path);
            &NAMES.pipe
        }
    };
    let mut outer = Members::default();
    outer.set(kind, inner.build());
    outer.build()
}
