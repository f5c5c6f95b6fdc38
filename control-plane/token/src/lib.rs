//! The token service: signing keys, access tokens, JWKS.
