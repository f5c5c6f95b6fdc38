//! What a policy can read of a request, as bytes for a hasher: requests that feed the same have the same answer, as far as it is
//! the input's. Made straight from the borrowed parts; no document is built for it.

use std::hash::Hasher;

use postern_rego::Value;

use super::document::InputDocument;
use super::headers::HeaderParts;
use super::postern::Text;
use super::reads::{HeaderReads, InputReads, Part};
use super::{Address, Bodies, PeerParts, Port};

impl<H: HeaderParts + ?Sized> InputDocument<'_, H> {
    /// Writes all that `reads` names to `into`: from the same `reads`, the same bytes come only of documents that a policy
    /// which reads no more than that can't tell apart. Lengths stand before texts, and a mark for what is absent.
    pub fn feed(&self, reads: &InputReads, into: &mut impl Hasher) {
        for part in reads.parts() {
            self.feed_part(part, reads, into);
        }
    }

    /// Each part is named, so that a further one must be thought about here.
    fn feed_part(&self, part: Part, reads: &InputReads, into: &mut impl Hasher) {
        let request = self.request();
        let source = request.source.as_ref();
        let destination = request.destination.as_ref();
        let postern = self.postern();
        match part {
            // Always the same.
            Part::Version => {}
            // These have parts of their own; what is within them is fed for itself.
            Part::Attributes | Part::Request | Part::Http => into.write_u8(request.extent as u8),
            Part::Source => into.write_u8(source.is_some().into()),
            Part::Destination => into.write_u8(destination.is_some().into()),
            Part::Postern => into.write_u8(postern.is_some().into()),
            Part::ContextExtensions => pairs(request.context_extensions, into),
            Part::DestinationAddress => address(destination, into),
            Part::DestinationCertificate => of_peer(destination, |peer| peer.certificate, into),
            Part::DestinationLabels => labels(destination, into),
            Part::DestinationPrincipal => of_peer(destination, |peer| peer.principal, into),
            Part::DestinationService => of_peer(destination, |peer| peer.service, into),
            Part::SourceAddress => address(source, into),
            Part::SourceCertificate => of_peer(source, |peer| peer.certificate, into),
            Part::SourceLabels => labels(source, into),
            Part::SourcePrincipal | Part::PrincipalOfSource => of_peer(source, |peer| peer.principal, into),
            Part::SourceService => of_peer(source, |peer| peer.service, into),
            Part::HttpBody => text(request.body, into),
            Part::HttpFragment => text(request.fragment, into),
            Part::HttpHeaders => self.feed_headers(reads.headers(), into),
            Part::HttpHost => text(request.host, into),
            Part::HttpId => text(request.id, into),
            Part::HttpMethod => text(request.method, into),
            Part::HttpPath => text(request.path, into),
            Part::HttpProtocol => text(request.protocol, into),
            Part::HttpQuery => text(request.query, into),
            Part::HttpRawBody => bytes(request.raw_body, into),
            Part::HttpScheme => text(request.scheme, into),
            Part::HttpSize => into.write_i64(request.size),
            Part::RequestTime => {
                into.write_u8(request.time.is_some().into());
                let (seconds, nanos) = request.time.unwrap_or_default();
                into.write_i64(seconds);
                into.write_i32(nanos);
            }
            Part::TlsSession => maybe(request.tls_sni, into),
            Part::ParsedPath => text(self.path(), into),
            Part::TruncatedBody => {
                into.write_u8((request.bodies == Bodies::Never).into());
                into.write_u8(self.is_truncated().into());
            }
            Part::ParsedBody
            | Part::ParsedQuery
            | Part::HttpHeaderMap
            | Part::MetadataContext
            | Part::RouteMetadataContext => self.feed_document(self.kept(part), part, reads, into),
            Part::PosternClaims => {
                self.feed_document(postern.and_then(|parts| parts.claims), part, reads, into);
            }
            Part::PosternApiKey => {
                let key = postern.and_then(|parts| parts.api_key);
                maybe(key.map(|key| shared(key.id)), into);
                maybe(key.map(|key| shared(key.name)), into);
            }
            Part::PosternAuth => text(postern.map_or("", |parts| parts.auth), into),
            Part::PosternClientId => maybe(postern.and_then(|parts| parts.client_id).map(shared), into),
            Part::PosternIssuer => maybe(postern.and_then(|parts| parts.issuer).map(shared), into),
            Part::PosternPath => text(postern.map_or("", |parts| parts.path), into),
            Part::PosternPeer => maybe(postern.and_then(|parts| parts.peer_spiffe_id).map(shared), into),
            Part::PosternRoute => maybe(postern.and_then(|parts| parts.route).map(shared), into),
            Part::PosternScopes => {
                let scopes = postern.map_or(&[][..], |parts| parts.scopes);
                into.write_u64(scopes.len() as u64);
                scopes.iter().for_each(|scope| text(scope, into));
            }
            Part::PosternSubject => maybe(postern.and_then(|parts| parts.subject).map(shared), into),
        }
    }

    fn feed_headers(&self, reads: &HeaderReads, into: &mut impl Hasher) {
        let headers = self.headers();
        match reads {
            HeaderReads::Named(names) => {
                into.write_u8(headers.is_empty().into());
                for name in names {
                    maybe(headers.value(&name.text), into);
                }
            }
            HeaderReads::All => {
                for (name, value) in headers.iter() {
                    maybe(Some(name), into);
                    text(value, into);
                }
                maybe(None, into);
            }
        }
    }

    fn feed_document(
        &self,
        document: Option<&Value>,
        part: Part,
        reads: &InputReads,
        into: &mut impl Hasher,
    ) {
        reads.within(part).feed(document, into);
    }
}

fn shared(text: Text<'_>) -> &str {
    match text {
        Text::Borrowed(text) => text,
        Text::Shared(text) => text,
    }
}

fn bytes(bytes: &[u8], into: &mut impl Hasher) {
    into.write_u64(bytes.len() as u64);
    into.write(bytes);
}

fn text(text: &str, into: &mut impl Hasher) {
    bytes(text.as_bytes(), into);
}

/// A text that may be absent, which isn't the same as empty.
fn maybe(there: Option<&str>, into: &mut impl Hasher) {
    match there {
        None => into.write_u8(0),
        Some(there) => {
            into.write_u8(1);
            text(there, into);
        }
    }
}

fn pairs(pairs: &[(&str, &str)], into: &mut impl Hasher) {
    into.write_u64(pairs.len() as u64);
    for (name, value) in pairs {
        text(name, into);
        text(value, into);
    }
}

/// An empty text is absent from the document.
fn of_peer<'a>(
    peer: Option<&PeerParts<'a>>,
    which: impl FnOnce(&PeerParts<'a>) -> &'a str,
    into: &mut impl Hasher,
) {
    text(peer.map_or("", which), into);
}

fn labels(peer: Option<&PeerParts<'_>>, into: &mut impl Hasher) {
    pairs(peer.map_or(&[][..], |peer| peer.labels), into);
}

fn address(peer: Option<&PeerParts<'_>>, into: &mut impl Hasher) {
    match peer.and_then(|peer| peer.address) {
        None => into.write_u8(0),
        Some(Address::Socket(socket)) => {
            into.write_u8(1);
            text(socket.address, into);
            match socket.port {
                None => into.write_u8(0),
                Some(Port::Number(number)) => {
                    into.write_u8(1);
                    into.write_u32(number);
                }
                Some(Port::Named(name)) => {
                    into.write_u8(2);
                    text(name, into);
                }
            }
            into.write_i32(socket.protocol);
            text(socket.resolver_name, into);
            into.write_u8(socket.ipv4_compat.into());
            text(socket.network_namespace, into);
        }
        Some(Address::Pipe { path, mode }) => {
            into.write_u8(2);
            text(path, into);
            into.write_u32(mode);
        }
        Some(Address::Internal {
            listener,
            endpoint_id,
        }) => {
            into.write_u8(3);
            maybe(listener, into);
            text(endpoint_id, into);
        }
        Some(Address::Unset) => into.write_u8(4),
    }
}

#[cfg(test)]
mod tests;
