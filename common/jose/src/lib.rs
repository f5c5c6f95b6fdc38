//! JWT, JWK, JWKS, thumbprints and DPoP proofs: parse, verify, sign; no I/O, no clock of its own.
//!
//! The order of work, each step a type that names what it has proved:
//!
//! ```text
//! text ──TokenRef::parse──► TokenRef (well-formed, nothing proved)
//!                              │ claimed_issuer() picks KeySet + Expectations
//!                              ▼
//!                           verify(…, now) ──► VerifiedToken (signed by a key we hold, for us, in time)
//! ```
//!
//! What a token can't do here, whatever it says:
//! - choose its own key: `jku`, `x5u`, `x5c` and `jwk` in the header are refused, `kid` only picks among keys we hold
//!   (a DPoP proof brings its key, which proves that its maker has that key and nothing else);
//! - choose how a key is used: an algorithm must be allowed by the caller *and* implied by the key, and no symmetric
//!   algorithm exists in [`Algorithm`], so a public key can't be replayed as an HMAC secret;
//! - mean two things: duplicate members, non-canonical base64url, padding and white space are refused;
//! - cost much: 16 KiB, 32 levels of JSON, one signature check.
//!
//! Signatures are checked by `aws-lc-rs` with keys that were parsed when the [`KeySet`] was built;
//! docs/decisions/0003-jose-on-aws-lc.md says why not through a JWT crate.
//!
//! A valid ECDSA signature `(r, s)` has a valid twin `(r, n − s)` that anybody can compute (RFC 7518 §3.4 doesn't ask
//! for low `s`, and HSMs don't make it), so one signed statement has two encodings. Both verify to the same claims.
//! The text of a token is therefore no identity: revoke by claims (`jti`, `sid`, …), never by the hash of a token.

mod algorithm;
pub mod base64url;
mod claims_form;
mod compact;
mod der;
mod dpop;
mod expectations;
mod jwk;
mod jwk_set;
mod key_set;
mod material;
pub mod pem;
mod signer;
mod strict_json;
mod time;
mod token;
mod token_error;
mod verified;
mod verifier;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use claims_form::{ClaimsForm, ClaimsMap, Scalar, View};
pub use compact::{CompactRef, Header, MAX_COMPACT_BYTES, sign_compact, verify_compact};
pub use dpop::{DpopProof, DpopProofError, DpopProofRef, MAX_DPOP_PROOF_BYTES, MAX_JTI_BYTES};
pub use expectations::Expectations;
pub use jwk::{Jwk, JwkError};
pub use jwk_set::{JwkSet, JwkSetError, MAX_JWKS_BYTES, MAX_JWKS_KEYS, SkippedKey};
pub use key_set::KeySet;
pub use signer::{LocalSigner, SignError, Signer};
pub use strict_json::MAX_JSON_DEPTH;
pub use time::UnixTime;
pub use token::{MAX_TOKEN_BYTES, TokenRef, verify};
pub use token_error::TokenError;
pub use verified::VerifiedToken;
