//! Who connected to the proxy (R1.6): the workload that the peer's certificate names. A principal without a certificate,
//! and what a proxy further away says of its client, count only where the route says so. What says two things refuses the
//! request; what says nothing of use is nobody. Never verifies a chain: the proxy did, or there would be no certificate.

mod certificates;
mod forwarded;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use postern_mesh::{IdentityError, SpiffeId};
use postern_telemetry::Code;

pub(crate) use certificates::PeerCertificates;

use crate::headers::Headers;
use crate::refusal::Refusal;
use crate::routes::PeerRules;
use crate::view::PeerView;

/// The workload at the other end, as far as it is proved.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peer {
    /// Its SPIFFE ID; `None` for nobody in particular.
    pub(crate) id: Option<Arc<SpiffeId>>,
    /// SHA-256 of its certificate's DER, where one was shown.
    pub(crate) certificate_sha256: Option<[u8; 32]>,
    /// Why it is nobody, where something could have named it.
    pub(crate) nobody_because: Option<Cow<'static, str>>,
}

/// Who sent the request, by the route's rules.
///
/// # Errors
/// `peer_ambiguous` where what names it disagrees; `peer_required` and `peer_untrusted` where the route names those that it
/// takes, and this is none of them.
pub(crate) fn identify(
    source: Option<&PeerView<'_>>,
    headers: &Headers<'_>,
    rules: &PeerRules,
    certificates: &PeerCertificates,
) -> Result<Peer, Refusal> {
    let direct = match source {
        Some(source) => direct(source, rules, certificates)?,
        None => Peer::default(),
    };
    let peer = match source {
        Some(source) if !rules.xfcc_from.is_empty() => forwarded::client(direct, source, headers, rules)?,
        _ => direct,
    };
    match &peer.id {
        Some(id) if !rules.admits(id) => Err(Refusal::new(
            Code::PeerUntrusted,
            "the peer's trust domain or SPIFFE ID is none of those that the route takes",
        )),
        None if rules.names_peers() => Err(required(&peer)),
        _ => Ok(peer),
    }
}

/// Nobody came, and somebody is needed.
pub(crate) fn required(peer: &Peer) -> Refusal {
    Refusal::new(
        Code::PeerRequired,
        peer.nobody_because
            .clone()
            .unwrap_or(Cow::Borrowed("the peer has shown no certificate")),
    )
}

fn ambiguous(reason: impl Into<Cow<'static, str>>) -> Refusal {
    Refusal::new(Code::PeerAmbiguous, reason)
}

/// The peer of the proxy itself.
fn direct(
    source: &PeerView<'_>,
    rules: &PeerRules,
    certificates: &PeerCertificates,
) -> Result<Peer, Refusal> {
    if source.certificate.is_empty() {
        return by_principal(source.principal, rules);
    }
    let certificate = certificates
        .read(source.certificate)
        .map_err(|error| ambiguous(format!("the peer's certificate can't be read: {error}")))?;
    let sha256 = Some(*certificate.sha256());
    let claimed = claimed_id(source.principal);
    match certificate.id() {
        Ok(id) if claimed.is_none_or(|claimed| claimed == id.as_str()) => Ok(Peer {
            id: Some(Arc::clone(id)),
            certificate_sha256: sha256,
            nobody_because: None,
        }),
        Ok(_) => Err(ambiguous(
            "the peer's certificate and source.principal name two workloads",
        )),
        Err(error) => match error {
            IdentityError::SeveralUris(_) if claimed.is_some() || certificate.names_workloads() => {
                Err(ambiguous(error.to_string()))
            }
            // The principal is read from the certificate: it can't know better.
            _ if claimed.is_some_and(|claimed| SpiffeId::parse(claimed).is_ok()) => Err(ambiguous(format!(
                "source.principal names a workload that the peer's certificate doesn't: {error}"
            ))),
            _ => Ok(Peer {
                id: None,
                certificate_sha256: sha256,
                nobody_because: Some(Cow::Owned(error.to_string())),
            }),
        },
    }
}

/// The principal alone: the proxy fills it with the first URI, else a DNS name, else the subject, and doesn't say which.
fn by_principal(principal: &str, rules: &PeerRules) -> Result<Peer, Refusal> {
    let nobody = |reason: &'static str| Peer {
        nobody_because: Some(Cow::Borrowed(reason)),
        ..Peer::default()
    };
    Ok(match SpiffeId::parse(principal) {
        Ok(id) if rules.trust_principal => Peer {
            id: Some(Arc::new(id)),
            ..Peer::default()
        },
        Ok(_) => nobody(
            "source.principal is a SPIFFE ID, and no certificate came with it; Envoy sends it with \
             include_peer_certificate, or the route may say trust_principal",
        ),
        Err(_) if principal.is_empty() => Peer::default(),
        Err(_) => nobody("source.principal is no SPIFFE ID"),
    })
}

/// The principal, where it means to be a SPIFFE ID.
fn claimed_id(principal: &str) -> Option<&str> {
    let scheme = principal.split_once(':').map(|(scheme, _)| scheme)?;
    scheme.eq_ignore_ascii_case("spiffe").then_some(principal)
}
