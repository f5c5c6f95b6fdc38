//! The client of a proxy that the route trusts to name it in `x-forwarded-client-cert`. Believes the direct peer alone, and
//! of what it sent only its own last word.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use postern_mesh::xfcc::{self, XfccElement, XfccIdentityError};
use postern_mesh::{IdentityError, PeerCertificate};

use super::{Peer, ambiguous};
use crate::headers::Headers;
use crate::refusal::Refusal;
use crate::routes::{PeerRules, XfccSender};
use crate::view::{Address, PeerView, SocketAddress};

const XFCC: &str = "x-forwarded-client-cert";

/// The client of `direct` where `direct` is one of the route's senders; `direct` itself where it isn't, whatever it sent.
///
/// A sender speaks for its clients: one that names none has none that is anybody.
pub(super) fn client(
    direct: Peer,
    source: &PeerView<'_>,
    headers: &Headers<'_>,
    rules: &PeerRules,
) -> Result<Peer, Refusal> {
    if !rules
        .xfcc_from
        .iter()
        .any(|sender| is_sender(sender, &direct, source))
    {
        return Ok(direct);
    }
    let nobody = Peer {
        nobody_because: Some(Cow::Borrowed(
            "the trusted forwarder named no client in x-forwarded-client-cert",
        )),
        ..Peer::default()
    };
    let Some(header) = headers.value(XFCC) else {
        return Ok(nobody);
    };
    let mut elements = xfcc::parse(header).map_err(|error| ambiguous(error.to_string()))?;
    // Our own Envoy may have added what it says of the sender, with `APPEND_FORWARD`.
    elements.pop_if(|last| describes(last, &direct));
    let Some(element) = elements.last() else {
        return Ok(nobody);
    };
    match element.spiffe_id() {
        Ok(id) => Ok(Peer {
            id: Some(Arc::new(id)),
            certificate_sha256: sha256(element),
            nobody_because: None,
        }),
        Err(XfccIdentityError::Identity(
            error @ (IdentityError::NoUri | IdentityError::NotSpiffe(_) | IdentityError::NoPath),
        )) => Ok(Peer {
            certificate_sha256: sha256(element),
            nobody_because: Some(Cow::Owned(format!("x-forwarded-client-cert: {error}"))),
            ..nobody
        }),
        Err(error) => Err(ambiguous(format!("x-forwarded-client-cert: {error}"))),
    }
}

fn is_sender(sender: &XfccSender, direct: &Peer, source: &PeerView<'_>) -> bool {
    match sender {
        XfccSender::Workload(pattern) => direct.id.as_ref().is_some_and(|id| pattern.matches(id)),
        XfccSender::Addresses(block) => match source.address {
            Some(Address::Socket(SocketAddress { address, .. })) => address
                .parse::<IpAddr>()
                .is_ok_and(|address| block.contains(address)),
            Some(Address::Pipe { .. } | Address::Internal { .. } | Address::Unset) | None => false,
        },
    }
}

/// Whether an element speaks of the direct peer itself.
fn describes(element: &XfccElement<'_>, direct: &Peer) -> bool {
    match (sha256(element), &direct.certificate_sha256, &direct.id) {
        (Some(theirs), Some(ours), _) => theirs == *ours,
        (_, _, Some(id)) => matches!(element.uris.as_slice(), [uri] if uri.as_ref() == id.as_str()),
        _ => false,
    }
}

/// The SHA-256 of the certificate that an element speaks of.
fn sha256(element: &XfccElement<'_>) -> Option<[u8; 32]> {
    if let Some(hash) = &element.hash {
        let mut bytes = [0; 32];
        return hex::decode_to_slice(hash.as_bytes(), &mut bytes)
            .is_ok()
            .then_some(bytes);
    }
    let certificate = PeerCertificate::parse_url_encoded_pem(element.cert.as_deref()?).ok()?;
    Some(*certificate.sha256())
}
