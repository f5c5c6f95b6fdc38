//! The document that the plugin asks policy with: the message as it came, and what is parsed of it.

use postern_policy::input::{
    Bodies, GrpcMessages, HeaderParts, InputDocument, InputError, InputReads, PeerParts, RequestParts,
};

use crate::headers::Headers;
use crate::view::{PeerView, RequestView};

/// Calls `ask` with the input document, as far as the policy can read it.
///
/// # Errors
/// When the path, query or body is ill-formed.
pub(super) fn with_document<T>(
    reads: &InputReads,
    request: &RequestView<'_>,
    bodies: Bodies,
    grpc: Option<&dyn GrpcMessages>,
    ask: impl FnOnce(&InputDocument<'_, Verbatim<'_>>) -> T,
) -> Result<T, InputError> {
    let http = &request.http;
    let parts = RequestParts {
        source: request.source.as_ref().map(peer),
        destination: request.destination.as_ref().map(peer),
        time: request.time.map(|time| (time.seconds, time.nanos)),
        id: http.id,
        method: http.method,
        path: http.path,
        host: http.host,
        scheme: http.scheme,
        query: http.query,
        fragment: http.fragment,
        size: http.size,
        protocol: http.protocol,
        body: http.body,
        raw_body: http.raw_body,
        context_extensions: &request.context_extensions,
        rest: request.rest,
        tls_sni: request.tls_sni,
        extent: request.extent,
        bodies,
        grpc,
    };
    let headers = Verbatim(&http.headers);
    let document = InputDocument::new(reads, &parts, &headers, None)?;
    Ok(ask(&document))
}

/// The headers as the message has them: names in whatever case, each once.
pub(super) struct Verbatim<'a>(&'a Headers<'a>);

impl HeaderParts for Verbatim<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        self.0
            .verbatim()
            .find(|(came, _)| *came == name)
            .map(|(_, value)| value)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.verbatim()
    }
}

fn peer<'a>(peer: &'a PeerView<'a>) -> PeerParts<'a> {
    PeerParts {
        address: peer.address,
        service: peer.service,
        labels: &peer.labels,
        principal: peer.principal,
        certificate: peer.certificate,
    }
}
