//! Who a workload is in the mesh: SPIFFE identities, and what carries them (certificates, Envoy's headers).
//!
//! The core is values only, without I/O: it is part of the decision. It reads what a proxy has authenticated; chains are
//! the proxy's to verify. Transports (certificate sources, mTLS) come behind features.

mod peer_certificate;
mod spiffe_id;
mod url_encoding;
pub mod xfcc;

pub use peer_certificate::{IdentityError, PeerCertificate, PeerCertificateError};
pub use spiffe_id::{SpiffeId, SpiffeIdError};
pub use url_encoding::UrlEncodingError;
