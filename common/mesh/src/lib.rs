//! Who a workload is in the mesh: SPIFFE identities.
//!
//! The core is values only, without I/O: it is part of the decision. Transports (certificate sources, mTLS) come
//! behind features.

mod spiffe_id;

pub use spiffe_id::{SpiffeId, SpiffeIdError};
