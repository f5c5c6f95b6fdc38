//! JWT, JWK, JWKS and thumbprints: parse, verify, sign; no I/O, no clock of its own.
