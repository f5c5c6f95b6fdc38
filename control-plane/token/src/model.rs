//! Signing keys, the key set document, what an access token says, which tokens are revoked, when nonce keys come and go.
//! Values only: no clock, no database, no RPC.

mod claims;
mod key_ring;
pub(crate) mod nonce_keys;
mod revocation;

pub use claims::{AccessToken, Grant, Invalid};
pub use key_ring::{KeyDocument, KeyRing};
pub use revocation::{ClaimValue, Revocation, TOKEN_LIFETIME_SECONDS, Tokens as RevokedTokens, Which};
