//! Signing keys, the key set document, and what an access token says. Values only: no clock, no database, no RPC.

mod claims;
mod key_ring;

pub use claims::{AccessToken, Grant, Invalid};
pub use key_ring::{KeyDocument, KeyRing};
