//! The document that policy is asked with: OPA-Envoy's, and what was proved about the caller beside it. Only arranges;
//! what the document looks like is settled in `postern-policy`.

use postern_policy::input::{
    ApiKeyParts, Bodies, GrpcMessages, HeaderParts, InputDocument, InputError, InputReads, PeerParts,
    PosternParts, RequestParts, Text,
};

use crate::headers::Headers;
use crate::policy::Question;
use crate::settings::HeaderPrefix;
use crate::view::{PeerView, RequestView};

/// Calls `ask` with the input document, as far as the policy can read it.
///
/// # Errors
/// When the path, query or body is ill-formed.
pub(crate) fn with_document<T>(
    reads: &InputReads,
    question: &Question<'_>,
    ask: impl FnOnce(&InputDocument<'_, Shown<'_>>) -> T,
) -> Result<T, InputError> {
    let parts = request_parts(question.request, Bodies::WhenRead, None);
    let caller = question.caller;
    let identity = &caller.identity;
    let proved = PosternParts {
        claims: identity.token.as_ref().map(|token| token.claims()),
        subject: identity.subject().map(Text::from),
        client_id: identity.client_id().map(Text::from),
        issuer: identity.issuer().map(Text::from),
        scopes: identity.scopes(),
        peer_spiffe_id: caller.peer.as_ref().map(|peer| peer.as_str().into()),
        route: Some(Text::from(&question.route.name)),
        path: question.path,
        auth: caller.methods.as_str(),
        api_key: identity.api_key.as_ref().map(|key| ApiKeyParts {
            id: Text::from(&key.id),
            name: Text::from(&key.name),
        }),
    };
    let headers = Shown {
        headers: &question.request.http.headers,
        prefix: &question.settings.prefix,
    };
    let document = InputDocument::new(reads, &parts, &headers, Some(&proved))?;
    Ok(ask(&document))
}

/// The headers that policy sees: what a client sends under our names is as untrue for policy as it is for the upstream.
pub(crate) struct Shown<'a> {
    headers: &'a Headers<'a>,
    prefix: &'a HeaderPrefix,
}

impl HeaderParts for Shown<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        self.headers.value(name).filter(|_| !self.prefix.owns(name))
    }

    fn is_empty(&self) -> bool {
        self.headers.names().all(|name| self.prefix.owns(name))
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().filter(|(name, _)| !self.prefix.owns(name))
    }
}

/// The request as the document's maker takes it.
pub(crate) fn request_parts<'a>(
    request: &'a RequestView<'a>,
    bodies: Bodies,
    grpc: Option<&'a dyn GrpcMessages>,
) -> RequestParts<'a> {
    let http = &request.http;
    RequestParts {
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
