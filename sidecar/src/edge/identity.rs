//! GetServiceIdentity: whom a certificate names. Never says whether the certificate is to be believed.

use postern_mesh::PeerCertificate;
use postern_proto::edge::v1::{GetServiceIdentityRequest, GetServiceIdentityResponse};
use postern_telemetry::Error;

/// The workload that the certificate names.
///
/// # Errors
/// The rule that the certificate, or its text, breaks.
pub(super) fn answer(request: &GetServiceIdentityRequest) -> Result<GetServiceIdentityResponse, Error> {
    let refused = |rule: String| {
        Error::validation("expected one PEM certificate that names a workload")
            .with_field("certificate_pem", rule)
    };
    let certificate =
        PeerCertificate::parse_pem(&request.certificate_pem).map_err(|error| refused(error.to_string()))?;
    let id = certificate
        .spiffe_id()
        .map_err(|error| refused(error.to_string()))?;
    Ok(GetServiceIdentityResponse {
        spiffe_id: id.as_str().to_owned(),
        trust_domain: id.trust_domain().to_owned(),
        path: id.path().to_owned(),
        not_before: certificate.not_before().0,
        not_after: certificate.not_after().0,
    })
}
