//! OAuth 2.1 endpoints: token, metadata, JWKS.
