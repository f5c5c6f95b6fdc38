//! The document that policy is asked with: OPA-Envoy's, and what was proved about the caller beside it. Only arranges;
//! what the document looks like is settled in `postern-policy`.

use postern_mesh::SpiffeId;
use postern_policy::input::{self, InputError, PeerParts, PosternParts, RequestParts};
use postern_policy::{Env, Value};

use crate::entropy::Entropy;
use crate::now::Now;
use crate::path::{AmbiguousPath, canonical};
use crate::policy::Question;
use crate::view::PeerView;

/// Why policy can't be asked about a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DocumentError {
    /// Its path has no canonical form.
    #[error(transparent)]
    Path(#[from] AmbiguousPath),
    /// Its path, query or body is ill-formed.
    #[error(transparent)]
    Input(#[from] InputError),
}

/// The input document.
///
/// # Errors
/// When policy and upstream could read the request differently, or can't read it at all.
pub(crate) fn document(question: &Question<'_>) -> Result<Value, DocumentError> {
    let request = question.request;
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
        query: "",
        fragment: "",
        size: http.size,
        protocol: http.protocol,
        body: http.body,
        raw_body: http.raw_body,
        context_extensions: &request.context_extensions,
        metadata_context: None,
        route_metadata_context: None,
        tls_sni: request.tls_sni,
    };
    let caller = question.caller;
    let path = canonical(http.path)?;
    path.strict()?;
    let scopes: Vec<&str> = caller.scopes().iter().map(AsRef::as_ref).collect();
    let proved = PosternParts {
        claims: Some(caller.claims()),
        subject: caller.subject().map(AsRef::as_ref),
        client_id: caller.client_id().map(AsRef::as_ref),
        issuer: Some(caller.issuer()),
        scopes: &scopes,
        peer_spiffe_id: question.peer.map(SpiffeId::as_str),
        route: None,
        path: &path,
    };
    // What a client sends under our names is as untrue for policy as it is for the upstream.
    let headers = http
        .headers
        .iter()
        .filter(|(name, _)| !question.settings.prefix.owns(name));
    Ok(input::document(&parts, headers, Some(&proved))?)
}

/// What evaluation is given besides its input.
pub(crate) fn env(now: Now, entropy: &Entropy) -> Env {
    Env::new(now.unix_ns, entropy.policy_seed)
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
