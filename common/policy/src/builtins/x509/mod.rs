//! X.509 certificates and requests (RFC 5280, RFC 2986) as Go's `crypto/x509` reads, shows and verifies them, and
//! private keys.

mod builtins;
mod certificate;
mod der;
mod extensions;
mod general_names;
mod json;
mod key_pair;
mod name;
mod private_key;
mod public_key;
mod request;
mod signature;
mod verify;

pub(super) use builtins::{
    parse_and_verify, parse_and_verify_with_options, parse_certificate_request, parse_certificates,
    parse_keypair, parse_private_keys, parse_rsa_private_key,
};
pub(super) use certificate::parse_certificate;
pub(super) use public_key::{PublicKey, parse_public_key, parse_rsa_public_key};
