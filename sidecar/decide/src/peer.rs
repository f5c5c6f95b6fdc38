//! Who connected to the proxy: the SPIFFE ID that it authenticated (R1.6). A principal that is a DNS name, a subject or
//! an ill-formed SPIFFE ID is nobody.

use postern_mesh::SpiffeId;

use crate::view::PeerView;

/// The peer's SPIFFE ID, when its principal is one.
pub(crate) fn spiffe_id(source: Option<&PeerView<'_>>) -> Option<SpiffeId> {
    source.and_then(|peer| SpiffeId::parse(peer.principal).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(principal: &str, expected: Option<&str>) {
        let found = spiffe_id(Some(&PeerView {
            principal,
            ..PeerView::default()
        }));
        assert_eq!(
            found.as_ref().map(ToString::to_string).as_deref(),
            expected,
            "{principal}"
        );
    }

    #[test]
    fn only_a_well_formed_spiffe_id_is_somebody() {
        check(
            "spiffe://example.org/ns/a/sa/b",
            Some("spiffe://example.org/ns/a/sa/b"),
        );
        check("", None);
        assert_eq!(spiffe_id(None), None);
        check("client.example.org", None);
        check("CN=client", None);
        check("spiffe://example.org/a/../b", None);
        check("SPIFFE://example.org/a", None);
    }
}
